"""Where a published figure comes from: the way back through facts, places and rules to deliveries and their rows.

Reads the newest release and the warehouse of a home; the total is the same at every step, or the explanation says that it
is not. Rows are told by delivery, sheet and number: no names, no points, no people's data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.contracts import core, out, raw, table
from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.domain.breakdowns import WITHHELD, complete_cells, dimensions_told, untold_cells
from dtm_pipeline.domain.household_size import rule_table, with_sizes
from dtm_pipeline.domain.words import Words
from dtm_pipeline.release.pointer import ReleaseError, find_release
from dtm_pipeline.release.reviews import in_words, review_records
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.tables import stored

ROW = list(raw.ROW)
LEVELS = ("governorate", "district", "subdistrict")
DELIVERED = "rows as they were delivered, by the rules that the facts name"
CODES = {"governorate": "admin1_code", "district": "admin2_code", "subdistrict": "admin3_code"}


class ExplainError(ValueError):
    """The figure can't be found or told apart; the sentence says what to give."""


class NoFigureError(ExplainError):
    """The unit has figures, and none of that date."""


@dataclass(frozen=True)
class Question:
    """Which figure: a table of a release, an area, a date, and what tells figures of one area and date apart.

    Attributes:
        area: code of the unit; None = the rows whose unit is not known, under `parent`.
        parent: code of the governorate, where the district is not known.
    """

    table: str
    area: str | None
    parent: str | None = None
    day: date | None = None
    group: str | None = None
    series: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of one sheet of one delivery."""

    delivery: str
    sha256: str
    kind: str | None
    received_at: str
    sheet: str | None
    rows: list[int]
    total: int | None


@dataclass(frozen=True)
class Step:
    """One step of the way back, with what stands there."""

    name: str
    says: str
    rows: int
    total: int | None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """The way of one figure.

    Attributes:
        figure: the published row, without names.
        measure: which of its columns is followed.
        steps: from the release back to the rows of deliveries.
        same_total: the total is the same at every step.
        sources: the rows that the figure comes from.
    """

    table: str
    release: str
    figure: dict[str, Any]
    measure: str
    total: int | None
    steps: list[Step]
    same_total: bool
    sources: list[Rows]
    reviews: tuple[str, ...] = ()
    """What was held, decided or is doubtful of the series on that date."""
    earlier: Explanation | None = None
    """Of a change the way of the figure that it is compared with."""

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def explain(home: Home, question: Question) -> Explanation:
    """The way of one published figure back to the rows of deliveries.

    Raises:
        ExplainError: no such table or figure, one that can't be explained, or several that fit.
        ReleaseError: nothing was released yet.
    """
    if not any(question.table in w.tables for w in WAYS):
        known = sorted({t for w in WAYS for t in w.tables})
        near = [t for t in known if question.table.split("__")[-1] in t]
        raise ExplainError(f"{question.table}: is no table that can be explained; those are {', '.join(near or known)}")
    release = find_release(home.releases, None)
    file = release.folder / "tables" / f"{question.table}.parquet"
    if not file.is_file():
        raise ReleaseError(f"release {release.name} has no table {question.table}; run `dtm run` with this version")
    try:
        return follow(home, release.name, pl.read_parquet(file), question)
    except NoFigureError as error:
        # what was held or rejected is the reason that there is none
        told = [
            in_words(r)
            for r in review_records(home)
            if str(r["reference_date"]) == str(question.day) and question.series in (None, r["series_id"])
        ]
        raise NoFigureError("; ".join([str(error), *told])) from error


def follow(home: Home, release: str, frame: pl.DataFrame, question: Question) -> Explanation:
    """The way of a figure of a table that is at hand.

    Args:
        release: name that the explanation gives.
        frame: rows of the table that the question names.

    Raises:
        ExplainError: as explain.
    """
    way = next(w for w in WAYS if question.table in w.tables)
    declared = table(question.table)
    figure = _figure(frame, declared, question)
    if way is CELL_WAY:
        figure["dimension"] = next(d for d in core.BREAKDOWN_DIMENSIONS if question.table.endswith(f"_{d}"))
    measure = way.measure(figure)
    asked = Asked(home, figure, measure, frame.filter(_same_place(figure, declared)))
    earlier = _earlier(home, release, figure, declared)
    facts = way.facts(asked)
    delivered = way.delivered(asked, facts)
    published = figure[measure]
    steps = [
        Step("published", f"{measure} of {question.table} in release {release}", 1, published),
        way.told(asked, facts),
        Step(
            "delivered",
            DELIVERED,
            delivered.select(ROW).unique().height,
            _total(delivered),
        ),
    ]
    return Explanation(
        question.table,
        release,
        {k: v for k, v in figure.items() if "name" not in k},
        measure,
        published,
        steps,
        len({s.total for s in steps}) == 1 and (earlier is None or earlier.same_total),
        _sources(delivered, {s.sha256: s for s in SnapshotStore(home).all()}),
        _reviews_of(home, figure),
        earlier,
    )


def _reviews_of(home: Home, figure: dict[str, Any]) -> tuple[str, ...]:
    """What was held, decided or is doubtful of a figure's series on its date."""
    asked = (figure.get("series_id"), figure.get("reference_date"))
    return tuple(in_words(r) for r in review_records(home) if (r["series_id"], r["reference_date"]) == asked)


def _earlier(home: Home, release: str, figure: dict[str, Any], declared: Table) -> Explanation | None:
    """The way of the figure that a change is compared with; None for other tables, or where the area was not listed."""
    if not declared.name.endswith("_change") or figure["previous_individuals"] is figure["previous_households"] is None:
        return None
    unit = "individuals" if figure["previous_individuals"] is not None else "households"
    then = {k: v for k, v in figure.items() if "_" in k and not k.endswith(("_households", "_individuals"))}
    then |= {"reference_date": figure["previous_reference_date"], unit: figure[f"previous_{unit}"]}
    del then["previous_reference_date"]
    asked = Asked(home, then, unit, pl.DataFrame())
    facts = _stock_rows(asked)
    delivered = _stock_delivered(asked, facts)
    steps = [
        Step("published", f"previous_{unit} of {declared.name} in release {release}", 1, then[unit]),
        _stock_told(asked, facts),
        Step("delivered", DELIVERED, delivered.select(ROW).unique().height, _total(delivered)),
    ]
    sources = _sources(delivered, {s.sha256: s for s in SnapshotStore(home).all()})
    return Explanation(
        declared.name, release, then, f"previous_{unit}", then[unit], steps, len({s.total for s in steps}) == 1, sources
    )


def _figure(frame: pl.DataFrame, declared: Table, question: Question) -> dict[str, Any]:
    """The one row that the question names."""
    level = next((n for n in LEVELS if f"__{n}_" in declared.name), "district")
    rows = frame
    wanted: dict[str, Any] = {CODES[level]: question.area}
    if question.area is None:
        wanted["admin1_code"] = question.parent
    days = {c: question.day for c in ("reference_date", "report_date") if c in frame.columns and c in declared.grain}
    for column, value in wanted.items():
        rows = rows.filter(pl.col(column).eq_missing(pl.lit(value, pl.String)))
    if rows.is_empty():
        if question.area is None:
            raise ExplainError(
                f"{declared.name}: nobody in {question.parent} is without a known unit of that level; name the unit"
            )
        raise ExplainError(f"{declared.name} has no row of {question.area}; is it a code of that level?")
    for column, value in days.items():
        dated = rows.filter(pl.col(column) == value) if value else rows.filter(pl.col(column) == pl.col(column).max())
        if dated.is_empty():
            known = ", ".join(str(d) for d in rows[column].unique().sort().to_list()[-6:])
            raise NoFigureError(f"{declared.name} has no figure of that unit on {value}; its last dates are {known}")
        rows = dated
    asked: dict[str, tuple[str | None, str | None]] = {
        "--group": ("population_group", question.group),
        "--series": ("series_id", question.series),
        "--category": (_category_column(declared), question.category),
    }
    for option, (name, value) in asked.items():
        if value is None:
            continue
        if name is None or name not in rows.columns:
            raise ExplainError(f"{declared.name} has no categories: leave {option} out, or name a table by category")
        found = rows.filter(pl.col(name) == value)
        if found.is_empty():
            known = ", ".join(str(v) for v in rows[name].unique().sort().to_list())
            raise ExplainError(f"{option} {value}: no such figure of that unit and date; there are {known}")
        rows = found
    if rows.height == 1:
        return rows.row(0, named=True)
    apart = [c for c in declared.grain if c in rows.columns and rows[c].n_unique() > 1]
    options = {"population_group": "--group", "series_id": "--series"}
    told = "; ".join(
        f"{options.get(c, '--category')} is one of {', '.join(str(v) for v in rows[c].unique().sort().to_list())}"
        for c in apart
    )
    raise ExplainError(f"{rows.height} figures fit: {told}")


def _category_column(declared: Table) -> str | None:
    """What `--category` means in a table."""
    return next((c for c in ("category_code", "severity_class", "event_id") if c in declared.grain), None)


def _part(home: Home, declared: Table, country: str) -> pl.LazyFrame:
    """The facts of a country, read only where they are asked for."""
    path = stored(home.warehouse, declared).path(country)
    if not path.is_file():
        raise ExplainError(f"the warehouse has no {declared.name} of {country}: its facts were removed; run `dtm run`")
    return pl.scan_parquet(path)


def _same_area(figure: dict[str, Any]) -> pl.Expr:
    """Rows of the area of a figure; a unit that is not known is one of its own."""
    return pl.all_horizontal(pl.col(c).eq_missing(pl.lit(figure[c], pl.String)) for c in CODES.values() if c in figure)


def _same_place(figure: dict[str, Any], declared: Table) -> pl.Expr:
    """Rows of the table that share the area, series and date of a figure."""
    shared = [c for c in declared.grain if c not in ("category_code", "severity_class", "event_id")]
    return pl.all_horizontal(pl.col(c).eq_missing(pl.lit(figure[c])) for c in shared)


def _total(rows: pl.DataFrame) -> int | None:
    """The sum of what is known; None where nothing is."""
    return int(rows["total"].sum()) if rows["total"].count() else None


# -- the ways -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A figure on its way back: its row, the column that is followed, and the rows of its table beside it."""

    home: Home
    figure: dict[str, Any]
    measure: str
    beside: pl.DataFrame

    @property
    def words(self) -> Words:
        """The lists by which the release quotes providers."""
        return Reference.of(self.home).words

    @property
    def unit(self) -> str:
        return "households" if self.measure.endswith("households") else "individuals"


@dataclass(frozen=True)
class Way:
    """How figures of some tables are followed back.

    Attributes:
        measure: which column of the row is followed.
        facts: the rows of core tables behind the figure, with `total`.
        told: what the facts say about places and rules.
        delivered: the rows of raw tables behind the facts: ROW and `total`.
    """

    tables: tuple[str, ...]
    measure: Callable[[dict[str, Any]], str]
    facts: Callable[[Asked], pl.DataFrame]
    told: Callable[[Asked, pl.DataFrame], Step]
    delivered: Callable[[Asked, pl.DataFrame], pl.DataFrame]


def _people_or_households(figure: dict[str, Any]) -> str:
    """The column of people where they are known, else that of households."""
    names = [
        c for c in figure if c in ("individuals", "idp_individuals", "returnee_individuals", "current_individuals")
    ]
    households = names[0].replace("individuals", "households")
    return households if figure[names[0]] is None and households in figure else names[0]


def _broken_down(figure: dict[str, Any]) -> str:
    """The unit that the source breaks down: households where the cell has them."""
    return "households" if figure["households"] is not None else "individuals"


def _stock_rows(asked: Asked) -> pl.DataFrame:
    figure = asked.figure
    rows = _part(asked.home, core.STOCK, figure["location_code"]).filter(
        pl.col("leads"),
        pl.col("series_id") == figure["series_id"],
        pl.col("reference_date") == figure["reference_date"],
        _same_area(figure),
    )
    return rows.with_columns(total=asked.unit).collect()


def _people_by(rows: pl.DataFrame, column: str) -> dict[str, int]:
    counted = rows.group_by(pl.col(column).fill_null("none")).agg(pl.col("total").sum()).sort(column)
    return dict(counted.iter_rows())


def _stock_told(asked: Asked, rows: pl.DataFrame) -> Step:
    notes = rows.filter(pl.col("place_note").is_not_null()).group_by("place_note").len().sort("place_note")
    facts: dict[str, Any] = {
        "counted": {
            c: int(rows[c].sum())
            for c in ("households", "individuals", "in_camp_individuals", "out_of_camp_individuals")
            if rows[c].count()
        },
        "place_by": _people_by(rows, "place_basis"),
        "place_notes": dict(notes.iter_rows()),
        "individuals_by": _people_by(rows, "individuals_basis"),
        "household_size_rules": _people_by(rows, "household_size_rule_id"),
        "why_they_lead": _people_by(rows, "why"),
    }
    if "previous_reference_date" in asked.figure:
        parts = {k: v for k, v in asked.figure.items() if k.endswith(f"_{asked.unit}") and not k.startswith("current")}
        known = asked.figure[f"panel_change_{asked.unit}"] is not None
        facts["parts_of_the_change"] = parts if known else "not known: a date has no locations, or people unknown"
    says = "leading rows of core_dtm__stock in the area, each once"
    return Step("facts", says, rows.height, _total(rows), facts)


def _stock_delivered(asked: Asked, facts: pl.DataFrame) -> pl.DataFrame:
    """What each row of a delivery states, and by the rule of its fact where it states no people."""
    from dtm_pipeline.storage.reference import Reference

    parts = [facts.select(*ROW, "total").clear()]
    named = rule_table(Reference.of(asked.home).size_rules).select(
        "location_code", "population_group", "size_in_camp", "size_out_of_camp", household_size_rule_id="rule_id"
    )
    sized = facts.join(named, on=["location_code", "population_group", "household_size_rule_id"], how="left")
    for (kind, snapshot), mine in sized.partition_by(["source_kind", "snapshot_id"], as_dict=True).items():
        rows = _raw_counts(asked, str(kind), str(snapshot), mine)
        # a database that is wide over rounds has a row for several dates; a row that is not there adds nobody
        key = [c for c in (*ROW, "source_reference_date") if c in rows.columns]
        both = mine.join(rows, on=key, nulls_equal=True)
        camp = (pl.col("in_camp_individuals") / pl.col("size_in_camp")).round(0).fill_nan(0).fill_null(0)
        people = camp * pl.col("size_in_camp").fill_null(0) + (pl.col("delivered_households") - camp) * pl.col(
            "size_out_of_camp"
        )
        by_rule = pl.when(pl.col("individuals_basis") == "rule").then(people.round(0).cast(pl.Int64))
        told = (
            pl.col("delivered_households")
            if asked.unit == "households"
            else pl.coalesce("delivered_individuals", by_rule)
        )
        parts.append(both.select(*ROW, total=told))
    return pl.concat(parts)


def _raw_counts(asked: Asked, kind: str, snapshot: str, facts: pl.DataFrame) -> pl.DataFrame:
    """ROW, delivered_households and delivered_individuals of a delivery."""
    nothing = pl.lit(None, pl.Int64)
    if kind == "location_database":
        days = facts["source_reference_date"].unique().to_list()
        told = _delivery(asked, raw.LOCATION_DATABASE_COUNT, snapshot).filter(pl.col("reference_date").is_in(days))
        return told.select(
            *ROW,
            source_reference_date="reference_date",
            delivered_households="households",
            delivered_individuals=nothing,
        ).collect()
    if kind == "baseline_assessment":
        rows = _delivery(asked, raw.BASELINE_LOCATION, snapshot)
        counts = (nothing, pl.col(f"{asked.figure['population_group']}_individuals"))
    elif kind == "master_list":
        rows = _delivery(asked, raw.MASTER_LIST, snapshot)
        counts = (pl.col("households"), pl.col("individuals"))
    else:
        rows = _delivery(asked, raw.API_FIGURE, snapshot)
        counts = (nothing, pl.col("individuals"))
    return rows.select(*ROW, delivered_households=counts[0], delivered_individuals=counts[1]).collect()


def _delivery(asked: Asked, declared: Table, snapshot: str) -> pl.LazyFrame:
    """The rows of a delivery in a raw table."""
    path = stored(asked.home.warehouse, declared).path(snapshot)
    if not path.is_file():
        raise ExplainError(f"the rows of delivery {snapshot[:12]} are not in the warehouse; run `dtm run`")
    return pl.scan_parquet(path)


def _categories(asked: Asked) -> pl.Expr:
    """The category of a cell; of a pool every category that is not shown beside it."""
    code, wanted = pl.col("category_code"), str(asked.figure["category_code"])
    if wanted != WITHHELD:
        return code == wanted
    return ~code.is_in(asked.beside.filter(~pl.col("withheld"))["category_code"].to_list())


def _cell_rows(asked: Asked) -> pl.DataFrame:
    figure = asked.figure
    rows = _part(asked.home, core.BREAKDOWN, figure["location_code"]).filter(
        pl.col("series_id") == figure["series_id"],
        pl.col("reference_date") == figure["reference_date"],
        pl.col("dimension") == figure["dimension"],
        _same_area(figure),
        _categories(asked),
    )
    return rows.with_columns(total=asked.unit).collect()


def _cell_told(asked: Asked, rows: pl.DataFrame) -> Step:
    says = "cells of core_dtm__breakdown, by district"
    # what is held back in the release is not told here either
    return Step("facts", says, rows.height, _total(rows), {"categories": rows["category_code"].n_unique()})


def _cell_delivered(asked: Asked, facts: pl.DataFrame) -> pl.DataFrame:
    """The cells of the rows of deliveries, with what no cell accounts for as unknown."""
    # naming units of origin takes longer to import than the rest of the way
    from dtm_pipeline.facts.breakdown import CELL, area_cells
    from dtm_pipeline.storage.reference import Reference

    reference = Reference.of(asked.home)
    mine = _stock_rows(asked)
    # what a delivery tells of a date it tells of all its rows, those of other areas too
    dated = _part(asked.home, core.STOCK, asked.figure["location_code"]).filter(
        pl.col("leads"), *(pl.col(k) == asked.figure[k] for k in ("series_id", "reference_date"))
    )
    stock = with_sizes(dated.collect(), reference.size_rules).unique(ROW, keep="first", maintain_order=True)
    snapshots = stock["snapshot_id"].unique().to_list()
    figures = pl.concat(
        [empty(raw.API_FIGURE), *(stored(asked.home.warehouse, raw.API_FIGURE).read(s) for s in snapshots)]
    )
    gazetteer = reference.gazetteer().of_country(asked.figure["location_code"])
    reasons = reference.vocabularies.filter(vocabulary="displacement_reason")
    lists = [stored(asked.home.warehouse, raw.MASTER_LIST_CELL).read(s).select(CELL) for s in snapshots]
    cells = pl.concat([*lists, *area_cells(figures, stock, reasons, gazetteer)]).filter(
        pl.col("dimension") == asked.figure["dimension"]
    )
    mine_cells = cells.join(stock.select(ROW), on=ROW, how="semi", nulls_equal=True)
    untold = untold_cells(stock, dimensions_told(stock, mine_cells))
    told = complete_cells(stock, mine_cells)
    told = pl.concat([told, untold.select(told.columns)])
    in_area = told.join(mine.select(ROW), on=ROW, how="semi", nulls_equal=True)
    return in_area.filter(_categories(asked)).select(*ROW, total=asked.unit)


def _severity_rows(asked: Asked) -> pl.DataFrame:
    figure = asked.figure
    keys = ("series_id", "reference_date", "index_name", "model_version", "severity_class")
    rows = _part(asked.home, core.SEVERITY, figure["location_code"]).filter(
        *(pl.col(k) == figure[k] for k in keys), _same_area(figure)
    )
    return rows.with_columns(total="individuals").collect()


def _severity_told(asked: Asked, rows: pl.DataFrame) -> Step:
    says = "locations of core_dtm__severity: people of the stock where it knows the location, else of the survey"
    return Step("facts", says, rows.height, _total(rows), {"locations": rows["place_id"].n_unique()})


def _severity_delivered(asked: Asked, facts: pl.DataFrame) -> pl.DataFrame:
    """Rows of the list nearest to the survey, for locations whose people it knows, and else those of the survey."""
    from dtm_pipeline.facts.severity import nearest_list
    from dtm_pipeline.storage.reference import Reference

    figure = asked.figure
    models = Reference.of(asked.home).severity_models
    names = (figure["index_name"], figure["model_version"])
    days = next((m.stock_date_tolerance_days for m in models if (m.index_name, m.model_version) == names), 0)
    stock = _part(asked.home, core.STOCK, figure["location_code"]).filter(series_id=figure["series_id"]).collect()
    near = nearest_list(stock, figure["series_id"], figure["reference_date"], days).filter(
        pl.col("individuals").is_not_null()
    )
    listed = near.join(facts, on="place_id", how="semi").with_columns(total="individuals")
    surveyed = facts.join(near, on="place_id", how="anti")
    return pl.concat([_stock_delivered(asked, listed), surveyed.select(*ROW, "total")])


def _event_measure(figure: dict[str, Any]) -> str:
    """The first of the measures that the reports tell, in the unit that they count."""
    # people by a size rule stand in no report, its households do
    unit = "individuals" if figure["individuals_basis"] == "counted" else "households"
    told = [f"{m}_{unit}" for m in ("current", "cumulative", "new", "returned")]
    return next((m for m in told if figure[m] is not None), told[0])


def _event_rows(asked: Asked) -> pl.DataFrame:
    figure = asked.figure
    rows = _part(asked.home, core.EVENT, figure["location_code"]).filter(
        pl.col("leads"),
        pl.col("event_id").map_elements(asked.words.event_id, return_dtype=pl.String) == figure["event_id"],
        pl.col("reference_date") == figure["report_date"],
        _same_area(figure),
    )
    return rows.with_columns(total=asked.measure).collect()


def _event_told(asked: Asked, rows: pl.DataFrame) -> Step:
    supersedes = asked.figure["supersedes"]
    return Step(
        "facts",
        "reports of core_dtm__event at the place on the day",
        rows.height,
        _total(rows),
        {"replaces_the_report_of": supersedes, "newest": asked.figure["newest"]},
    )


def _as_facts(asked: Asked, facts: pl.DataFrame) -> pl.DataFrame:
    """Rows of deliveries that are facts by themselves."""
    return facts.select(*ROW, "total")


def _sources(delivered: pl.DataFrame, snapshots: dict[str, Snapshot]) -> list[Rows]:
    grouped = delivered.group_by("snapshot_id", "source_sheet").agg(
        pl.col("source_row").unique().sort(),
        total=pl.when(pl.col("total").count() > 0).then(pl.col("total").sum()),
    )
    told = []
    for sha256, sheet, rows, total in grouped.sort("snapshot_id", "source_sheet").iter_rows():
        known = snapshots.get(sha256)
        name, kind, received = (
            (known.name, known.kind, str(known.received_at)) if known else ("not in the ledger", None, "")
        )
        told.append(Rows(name, sha256, kind, received, sheet, rows, total))
    return told


STOCK_WAY = Way(
    (
        *(f"out_dtm__{level}_{name}" for level in LEVELS for name in ("idp", "returnee")),
        *(f"out_dtm__{level}_{name}" for level in LEVELS[:2] for name in ("change", "arrival")),
        out.LATEST.name,
        out.LATEST_ALL.name,
        out.POPULATION_BASELINE.name,
    ),
    _people_or_households,
    _stock_rows,
    _stock_told,
    _stock_delivered,
)
CELL_WAY = Way(
    tuple(f"out_dtm__{level}_{dimension}" for level in LEVELS[:2] for dimension in core.BREAKDOWN_DIMENSIONS),
    _broken_down,
    _cell_rows,
    _cell_told,
    _cell_delivered,
)
SEVERITY_WAY = Way(
    tuple(f"out_dtm__{level}_severity_class" for level in LEVELS[:2]),
    _people_or_households,
    _severity_rows,
    _severity_told,
    _severity_delivered,
)
EVENT_WAY = Way((out.EVENT.name,), _event_measure, _event_rows, _event_told, _as_facts)
WAYS = (STOCK_WAY, CELL_WAY, SEVERITY_WAY, EVENT_WAY)
