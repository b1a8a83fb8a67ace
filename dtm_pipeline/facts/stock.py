"""Stocks of a country from every source: which series, which place, how many people, who leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.contracts.core import DELIVERY_ROLE, FINDING, REVIEW, SOURCE_TOTAL, STOCK
from dtm_pipeline.contracts.core import STATEMENT as STATED
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import API_FIGURE, ROW
from dtm_pipeline.domain.aggregate import joined, known_sum
from dtm_pipeline.domain.carry_forward import carried_forward
from dtm_pipeline.domain.household_size import SizeRule, with_individuals
from dtm_pipeline.domain.plausibility import HOLD, PASS, Decisions
from dtm_pipeline.domain.precedence import (
    KEY,
    STATEMENT,
    Reissue,
    align_dates,
    labelled,
    leading_sources,
    newest_of,
    statement_roles,
    with_repeated_dates,
)
from dtm_pipeline.domain.registers import Registers
from dtm_pipeline.domain.series import Series, series_of_rows
from dtm_pipeline.domain.statements import SEPARATOR
from dtm_pipeline.domain.stocks import LOCATION_LEVEL
from dtm_pipeline.domain.words import Words
from dtm_pipeline.facts.plausible import IMPLAUSIBLE, REJECTED, Plausibility, causes, figures, plausible_roles, sentence
from dtm_pipeline.facts.units_once import units_once
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.points import apply_points
from dtm_pipeline.places.resolve import PROVIDER_DISTRICT, resolve, subdistrict

if TYPE_CHECKING:
    from dtm_pipeline.places.cells import CellIndex


@dataclass(frozen=True)
class Edition:
    """A boundary edition: the cells of its districts, and whether it covers the day it was asked for."""

    name: str
    index: CellIndex | None
    covers: bool


EditionAt = Callable[[date], Edition | None]
"""The boundary edition of a day; None without one."""
POINT_SENTENCES = {
    "zero": "the point is 0/0: it was not taken; the declared unit is kept",
    "swapped": "latitude and longitude are swapped; the declared unit is kept",
    "degrees_minutes": "the point may be in degrees and minutes, written as decimals; the declared unit is kept",
    "outside_country": "the point lies outside the country; the declared unit is kept",
    "of_many_places": "many places stand at one point: it is the point of none of them; the declared unit is kept",
}
HELD_WORDS = {
    "lacks_places": "a newer delivery lacks too many of the locations it would replace",
    "several_at_once": "one of several deliveries of one intake that say different things of it",
    "not_comparable": "one of several statements of the date, and nothing says which leads",
    "repeats_previous_date": "every figure equals the one of the date before",
    "lacks_people": "a newer delivery lacks too many of the people it would replace",
    "implausible": "it is not plausible beside what is known",
    "rejected": "a person rejected it",
}
SETTLED_BY_SIDECAR = ("lacks_places", "lacks_people", "several_at_once", "not_comparable", "repeats_previous_date")
# the disjoint groups of a baseline, and the part of each that is of the current year
BASELINE_GROUPS = {
    "resident": None,
    "idp": None,
    "idp_returnee": "idp_returnee_current_year_individuals",
    "returnee_from_abroad": "returnee_from_abroad_current_year_individuals",
    "arrival_elsewhere": "arrival_elsewhere_current_year_individuals",
}


@dataclass(frozen=True)
class RawStocks:
    """The raw rows of a country that hold stocks (contracts raw_dtm__*)."""

    master_list: pl.DataFrame
    shelter_cells: pl.DataFrame
    location_database: pl.DataFrame
    location_database_count: pl.DataFrame
    baseline: pl.DataFrame
    areas: pl.DataFrame
    """Figures of areas: the DTM API, HDX, HAPI."""

    def rows(self) -> pl.DataFrame:
        """All of them in one shape: who, where, when, how many, by which source and at which level."""
        return pl.concat(
            [
                _of_lists(self.master_list, self.shelter_cells),
                _of_databases(self.location_database, self.location_database_count),
                _of_baselines(self.baseline),
                _of_areas(self.areas),
            ],
            how="diagonal",
        )


@dataclass(frozen=True)
class Deliveries:
    """Accepted deliveries of a country: snapshot_id, intake, statement, told_series."""

    frame: pl.DataFrame


@dataclass(frozen=True)
class StockFacts:
    """The stocks of a country, what each source says, and what an analyst should look at."""

    stock: pl.DataFrame
    totals: pl.DataFrame
    roles: pl.DataFrame
    reviews: pl.DataFrame
    statements: pl.DataFrame
    findings: pl.DataFrame


def stock_facts(
    raw: RawStocks,
    deliveries: Deliveries,
    registry: tuple[Series, ...],
    words: Words,
    rules: tuple[SizeRule, ...],
    gazetteer: Gazetteer,
    edition_at: EditionAt,
    registers: Registers,
    most: Reissue,
    plausibility: Plausibility,
) -> StockFacts:
    """Facts from the raw rows of one country.

    Args:
        raw: raw rows of the country.
        deliveries: the country's accepted deliveries.
        registry: the series of reference/series.toml.
        words: the operations and types that a series may be named by.
        rules: household-size rules of all countries.
        gazetteer: units of the country.
        edition_at: boundary edition of a day.
        registers: statements on rounds and locations: a partial round carries forward what it did not reach.
        most: how much of what it would replace a newer delivery may lack.
        plausibility: what statements are judged by before they lead.
    """
    areas, twice = units_once(raw.areas, API_FIGURE, gazetteer)
    rows = (
        replace(raw, areas=areas).rows().join(deliveries.frame, on="snapshot_id").with_columns(series_id="told_series")
    )
    rows, series = series_of_rows(rows, registry, words)
    rows = rows.with_columns(content=_content(), people=pl.coalesce("individuals", "households"))
    rows = labelled(rows, series, most)
    told = plausible_roles(rows, lambda r: with_repeated_dates(statement_roles(r, most, series), r), plausibility)
    roles = told.roles
    used = told.rows.join(
        roles.filter(pl.col("role").is_in(["leads", "adds"])).select(*STATEMENT, "snapshot_id"),
        on=[*STATEMENT, "snapshot_id"],
    )
    # where an addition repeats a location, the newer row stands for it
    used = newest_of(used, (*KEY, "location_key"))
    dates = align_dates(used.select(KEY).unique(), series)
    leaders = leading_sources(
        dates.select("series_id", "reference_date", "source_kind", "admin_level").unique(), series
    )
    placed = _placed(
        used.join(dates, on=list(KEY)).join(leaders, on=["series_id", "reference_date", "source_kind", "admin_level"]),
        gazetteer,
        edition_at,
    )
    sized = pl.concat(
        [
            with_individuals(placed.filter(pl.col("admin_level") == LOCATION_LEVEL), rules),
            placed.filter(pl.col("admin_level") != LOCATION_LEVEL).with_columns(individuals_basis=pl.lit("provider")),
        ],
        how="diagonal",
    )
    stock = _with_carried(conform(sized.with_columns(_verified(), *subdistrict()), STOCK), registers, series)
    named = roles.join(rows.select("location_code", "population_group", *KEY).unique(), on=list(KEY))
    # a date on which nothing leads stands as what its source says
    held = named.filter(role="held").join(dates, on=list(KEY), how="left")
    held = held.with_columns(reference_date=pl.coalesce("reference_date", "source_reference_date"))
    # of what is accepted in part the rest waits
    partly = named.filter(pl.col("review_id").is_in(list(plausibility.decisions.parts)) & (pl.col("role") != "held"))
    waiting = pl.concat([held, partly.join(dates, on=list(KEY))], how="diagonal")
    totals = _totals(_of_the_leading_source(stock), waiting)
    reviews = _with_sentences(told.reviews, _with_figures(waiting, roles, rows), plausibility.decisions)
    return StockFacts(
        stock=stock,
        totals=conform(totals, SOURCE_TOTAL),
        roles=conform(named, DELIVERY_ROLE),
        reviews=conform(reviews, REVIEW),
        statements=conform(
            told.reviews.with_columns(unread_share=pl.max_horizontal("rejected_share", "rejected_people_share")), STATED
        ),
        findings=pl.concat(
            [
                _findings(stock, totals),
                conform(_of_reviews(reviews), FINDING),
                conform(twice, FINDING),
                conform(_compared_statements(rows, named), FINDING),
                conform(_nearest_editions(stock, edition_at), FINDING),
                conform(_untested_points(stock), FINDING),
            ]
        ),
    )


def _of_the_leading_source(stock: pl.DataFrame) -> pl.DataFrame:
    """The stock, with what was carried forward to a date as a part of what the source that leads it says."""
    own = stock.filter(pl.col("leads") & pl.col("carried_from").is_null())
    lead = own.group_by("series_id", "reference_date").agg(
        _kind=pl.col("source_kind").first(), _level=pl.col("admin_level").first()
    )
    carried = pl.col("carried_from").is_not_null() & pl.col("_kind").is_not_null()
    return (
        stock.join(lead, on=["series_id", "reference_date"], how="left", maintain_order="left")
        .with_columns(
            source_kind=pl.when(carried).then("_kind").otherwise("source_kind"),
            admin_level=pl.when(carried).then("_level").otherwise("admin_level"),
        )
        .drop("_kind", "_level")
    )


def _content() -> pl.Expr:
    """What a row of a stock says, as a hash: the place and its counts."""
    return pl.struct("location_key", "households", "individuals").hash(seed=1)


def _compared_statements(rows: pl.DataFrame, roles: pl.DataFrame) -> pl.DataFrame:
    """Statements of one date that do not lead beside the one that does, each with what it counts."""
    told = rows.join(roles.select(*STATEMENT, "snapshot_id", "role"), on=[*STATEMENT, "snapshot_id"])
    sums = told.group_by(*STATEMENT, "role", "location_code").agg(
        known_sum("households"), known_sum("individuals"), pl.col("snapshot_id").min()
    )
    lead = sums.filter(role="leads").select(
        *KEY, _lead="statement_label", _individuals="individuals", _households="households"
    )
    figure = pl.coalesce("individuals", "households")
    return (
        sums.filter(role="compared")
        .join(lead, on=list(KEY))
        .with_columns(
            finding=pl.lit("statement_compared"),
            sentence=pl.format(
                "{} on {}: two statements of one date; {} ({}) leads, {} ({}) is compared and never added",
                "series_id",
                "source_reference_date",
                _label(pl.col("_lead")),
                pl.coalesce("_individuals", "_households").fill_null(0),
                _label(pl.col("statement_label")),
                figure.fill_null(0),
            ),
        )
    )


def _label(label: pl.Expr) -> pl.Expr:
    """A statement's label in words, as far as it is known."""
    parts = label.str.split(SEPARATOR)
    kind = pl.when(parts.list.get(1) != "").then(parts.list.get(1))
    number = pl.when(parts.list.get(2) != "").then(pl.lit("round ") + parts.list.get(2)).otherwise(pl.lit("no round"))
    return pl.concat_str([kind, number], separator=" ", ignore_nulls=True)


def _verified() -> pl.Expr:
    """A location was verified on the date that its own source gives; of aggregates nothing is known."""
    listed = pl.col("admin_level") == LOCATION_LEVEL
    return pl.when(listed).then("source_reference_date").alias("last_verified_date")


def _with_carried(stock: pl.DataFrame, registers: Registers, series: tuple[Series, ...]) -> pl.DataFrame:
    """The stock, and the rows of earlier rounds that stand for what a partial round did not reach."""
    carried = carried_forward(stock.filter("leads"), registers, series)
    told = pl.format("carried forward from {}: the round is partial and did not reach the location", "carried_from")
    return pl.concat([stock, conform(carried.with_columns(why=told), STOCK)])


def _of_lists(master_list: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Rows of Master Lists, with the households or persons that their shelter columns put in camps."""
    shelter = cells.filter(pl.col("dimension") == "shelter")
    told = shelter.select("snapshot_id", "source_sheet", "unit").unique()
    camps = shelter.filter(category_code="camp").select(*ROW, camp="value")
    in_camps = (
        master_list.join(told, on=["snapshot_id", "source_sheet"], how="left", nulls_equal=True)
        .join(camps, on=list(ROW), how="left", nulls_equal=True)
        .with_columns(camp=pl.when(pl.col("unit").is_not_null()).then(pl.col("camp").fill_null(0)))
    )
    return (
        _at_locations(in_camps, "master_list")
        .with_columns(
            camp_households=pl.when(pl.col("unit") == "households").then("camp"),
            camp_individuals=pl.when(pl.col("unit") == "individuals").then("camp"),
        )
        .drop("camp", "unit")
    )


def _at_locations(rows: pl.DataFrame, source_kind: str) -> pl.DataFrame:
    """What rows of locations share: no operation, no assessment type, known by their place id."""
    return rows.with_columns(
        source_kind=pl.lit(source_kind),
        admin_level=pl.lit(LOCATION_LEVEL, pl.Int64),
        source_reference_date="reference_date",
        operation=pl.lit(None, pl.String),
        assessment_type=pl.lit(None, pl.String),
        location_key="place_id",
    ).drop("reference_date", "flags")


def _of_databases(locations: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Rows of databases that are wide over rounds: a location at each date that states its households."""
    dated = locations.join(counts, on=list(ROW), nulls_equal=True)
    return _at_locations(dated, "location_database").with_columns(reporting_round=pl.lit(None, pl.String))


def _of_baselines(locations: pl.DataFrame) -> pl.DataFrame:
    """Rows of baselines: a location for each disjoint group that it states."""
    measures = [c for c in locations.columns if c.endswith("_individuals")]
    groups = [
        locations.filter(pl.col(f"{group}_individuals").is_not_null())
        .with_columns(
            population_group=pl.lit(group),
            individuals=f"{group}_individuals",
            of_which_current_year=pl.col(part) if part else pl.lit(None, pl.Int64),
        )
        .drop(measures)
        for group, part in BASELINE_GROUPS.items()
    ]
    return _at_locations(pl.concat(groups), "baseline_assessment").drop(
        "provider_admin4_name", "provider_admin4_code", "location_type"
    )


def _of_areas(areas: pl.DataFrame) -> pl.DataFrame:
    """Rows of figures of areas: stocks of IDPs, or additive parts of them."""
    unit = pl.coalesce(
        "provider_admin2_code",
        "provider_admin2_name",
        "provider_admin1_code",
        "provider_admin1_name",
        "location_code",
    )
    return areas.with_columns(
        population_group=pl.lit("idp"),
        source_reference_date="reference_date",
        location_key=unit,
        place_id=pl.lit(None, pl.String),
        households=pl.lit(None, pl.Int64),
    ).drop("reference_date", "flags", "provider_record_id", "displacement_reason", "origin_admin1_name")


def _placed(rows: pl.DataFrame, gazetteer: Gazetteer, edition_at: EditionAt) -> pl.DataFrame:
    """Rows with their unit, and points against the edition of their date."""
    resolved = resolve(rows, gazetteer)
    days = {day: edition_at(day) for day in resolved["reference_date"].unique().to_list()}
    editions = {edition.name: edition for edition in days.values() if edition is not None}
    parts = [
        _on_edition(
            resolved.filter(pl.col("reference_date").is_in([d for d, e in days.items() if e and e.name == name])),
            edition,
            gazetteer,
        )
        for name, edition in editions.items()
    ]
    without = resolved.filter(pl.col("reference_date").is_in([d for d, e in days.items() if e is None]))
    return pl.concat([apply_points(without, None, gazetteer), *parts])


def _on_edition(rows: pl.DataFrame, edition: Edition, gazetteer: Gazetteer) -> pl.DataFrame:
    placed = apply_points(rows, edition.index, gazetteer)
    if edition.index is None:
        return placed
    drawn = pl.col("admin2_code").is_in(edition.index.codes)
    return placed.with_columns(boundary_edition=pl.when(drawn).then(pl.lit(edition.name)).otherwise("boundary_edition"))


def _nearest_editions(stock: pl.DataFrame, edition_at: EditionAt) -> pl.DataFrame:
    """Dates with points that no edition covers, and the nearest, which is used."""
    days = stock.filter(pl.col("leads") & pl.col("latitude").is_not_null())["reference_date"].unique().sort().to_list()
    told = [
        (
            stock["location_code"][0],
            f"no boundary edition covers {day}: points are placed on the nearest, {edition.name}",
        )
        for day in days
        if (edition := edition_at(day)) is not None and not edition.covers
    ]
    frame = pl.DataFrame(told, schema={"location_code": pl.String, "sentence": pl.String}, orient="row")
    return frame.with_columns(finding=pl.lit("edition_nearest"))


def _untested_points(stock: pl.DataFrame) -> pl.DataFrame:
    """How many points nothing but the country's outline was asked of, because no boundary edition is at hand."""
    untested = stock.filter(pl.col("leads") & (pl.col("point_state") == "untested"))
    return (
        untested.group_by("location_code")
        .agg(rows=pl.len())
        .with_columns(
            finding=pl.lit("points_untested"),
            sentence=pl.format(
                "the points of {} rows are untested: no boundary edition of {} is at hand, and only the country's outline was asked; `dtm boundaries fetch {}` or `dtm boundaries import FILE --country {} --edition NAME` tests them",
                "rows",
                "location_code",
                "location_code",
                "location_code",
            ),
        )
    )


def _totals(stock: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    scope = ["series_id", "reference_date", "source_kind", "admin_level"]
    # what a person rejected waits for nothing
    waits = held.filter(pl.col("held_because").ne_missing(REJECTED))
    return (
        stock.group_by("location_code", "population_group", *scope)
        .agg(
            pl.col("leads").first(),
            pl.col("why").first(),
            pl.col("source_reference_date")
            .unique()
            .sort()
            .cast(pl.String)
            .str.join(", ")
            .alias("source_reference_dates"),
            joined("operation"),
            joined("assessment_type"),
            joined("reporting_round"),
            pl.len().cast(pl.Int64).alias("rows"),
            known_sum("households"),
            known_sum("individuals"),
            pl.col("snapshot_id").unique().sort().alias("snapshot_ids"),
        )
        .join(waits.select(*scope, held=pl.lit(True)).unique(), on=scope, how="left")
        .with_columns(pl.col("held").fill_null(False))
        .pipe(lambda led: pl.concat([led, _without_a_lead(led, held, scope)], how="diagonal"))
        .sort(scope)
    )


def _without_a_lead(led: pl.DataFrame, held: pl.DataFrame, scope: list[str]) -> pl.DataFrame:
    """Sources that are held on dates of which they say nothing else: no figure, and why."""
    return (
        held.join(led.select(scope), on=scope, how="anti")
        .group_by("location_code", "population_group", *scope)
        .agg(
            pl.col("source_reference_date")
            .unique()
            .sort()
            .cast(pl.String)
            .str.join(", ")
            .alias("source_reference_dates"),
            pl.col("snapshot_id").unique().sort().alias("snapshot_ids"),
            why=pl.lit("held: ")
            + pl.col("held_because")
            .drop_nulls()
            .unique()
            .sort()
            .replace_strict(HELD_WORDS, return_dtype=pl.String)
            .str.join("; "),
        )
        .with_columns(leads=pl.lit(False), held=pl.lit(True), rows=pl.lit(0, pl.Int64))
    )


def _findings(stock: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """What an analyst should look at, without people's data."""
    unplaced = (
        # districts that a sure crosswalk maps stay a note of their rows
        stock.filter(pl.col("leads") & pl.col("place_note").is_not_null())
        .filter(pl.col("place_note") != PROVIDER_DISTRICT)
        .group_by(
            "location_code",
            "snapshot_id",
            "source_sheet",
            "place_note",
            "admin1_name",
            "provider_admin2_name",
        )
        .agg(pl.col("source_row").min(), rows=pl.len(), individuals=known_sum("individuals"))
        .with_columns(
            finding=pl.when(pl.col("place_note").str.contains("neither"))
            .then(pl.lit("place_unresolved"))
            .otherwise(pl.lit("place_note")),
            # the word itself may be anything that slipped into the column: it stays in the file
            sentence=pl.format(
                "{}; governorate {}, {} rows, first in row {}",
                "place_note",
                pl.col("admin1_name").fill_null("not known"),
                "rows",
                "source_row",
            ),
        )
    )
    # a point outside the country has a finding of its own
    conflicts = stock.filter(
        pl.col("leads") & pl.col("point_conflict") & (pl.col("point_state") != "outside_country")
    ).with_columns(
        finding=pl.lit("point_conflict"),
        sentence=pl.format(
            "the point lies {} km outside the declared district; the declared district is kept",
            (pl.col("point_distance_m") / 1000).round(1),
        ),
    )
    lead = totals.filter("leads").select("series_id", "reference_date", _lead="individuals", _by="source_kind")
    misread = stock.filter(pl.col("leads") & pl.col("point_state").is_in(sorted(POINT_SENTENCES))).with_columns(
        finding=pl.lit("point_unusable"),
        sentence=pl.col("point_state").replace_strict(POINT_SENTENCES, return_dtype=pl.String),
    )
    differing = (
        totals.filter(~pl.col("leads"))
        .join(lead, on=["series_id", "reference_date"])
        .filter(pl.col("individuals") != pl.col("_lead"))
        .with_columns(
            finding=pl.lit("sources_differ"),
            snapshot_id=pl.col("snapshot_ids").list.first(),
            sentence=pl.format(
                "{} on {}: {} gives {}, {} (which leads) {}",
                "series_id",
                "reference_date",
                "source_kind",
                "individuals",
                "_by",
                "_lead",
            ),
            individuals=(pl.col("individuals") - pl.col("_lead")).abs(),
        )
    )
    return pl.concat([conform(f, FINDING) for f in (unplaced, conflicts, misread, differing)])


def _with_figures(held: pl.DataFrame, roles: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Held roles with what each says (`now`, in `measure`) and what leads its date, or else the date before (`before`)."""
    sums = rows.group_by(*STATEMENT, "snapshot_id").agg(
        _people=known_sum("individuals"), _households=known_sum("households")
    )
    line = ["series_id", "source_kind", "admin_level"]
    leading = roles.filter(role="leads").join(sums, on=[*STATEMENT, "snapshot_id"])
    before = (
        leading.group_by(*line, "source_reference_date")
        .agg(_people_before=known_sum("_people"), _households_before=known_sum("_households"))
        .with_columns(previous_date="source_reference_date")
        .sort("source_reference_date")
    )
    told = (
        held.join(sums, on=[*STATEMENT, "snapshot_id"], how="left")
        .sort("source_reference_date")
        .join_asof(before, on="source_reference_date", by=line, check_sortedness=False)
    )
    people = pl.col("_people").is_not_null() & (
        pl.col("_people_before").is_not_null() | pl.col("_households_before").is_null()
    )
    return told.with_columns(
        measure=pl.when(people).then(pl.lit("individuals")).otherwise(pl.lit("households")),
        now=pl.when(people).then("_people").otherwise("_households"),
        before=pl.when(people).then("_people_before").otherwise("_households_before"),
    ).drop("_people", "_households", "_people_before", "_households_before")


def _with_sentences(reviews: pl.DataFrame, waiting: pl.DataFrame, decisions: Decisions) -> pl.DataFrame:
    """What is held, was accepted or is doubtful, a row a statement, each in words.

    Args:
        reviews: the verdicts on statements that would lead.
        waiting: every role that is held, or of which a part was accepted, with figures.
    """
    doubtful = reviews.filter((pl.col("outcome") != PASS) | pl.col("accepted"))
    judged = doubtful.with_columns(
        sentence=pl.Series([sentence(r) for r in doubtful.iter_rows(named=True)], dtype=pl.String),
        causes=pl.Series([causes(r) for r in doubtful.iter_rows(named=True)], dtype=pl.List(pl.String)),
    )
    share = (pl.col("missing_share") * 100).round(1)
    lacks = pl.col("held_because").is_in(["lacks_places", "lacks_people"])
    what = pl.when(pl.col("held_because") == "lacks_places").then(pl.lit("locations")).otherwise(pl.lit("people"))
    others_held = waiting.filter(pl.col("held_because") != IMPLAUSIBLE)
    others = others_held.with_columns(
        outcome=pl.lit(HOLD),
        accepted=pl.lit(False),
        broken=pl.concat_list("held_because"),
        sentence=pl.format(
            "{} on {} ({}): {}: {}",
            "series_id",
            "source_reference_date",
            "source_kind",
            pl.Series([figures(r) for r in others_held.iter_rows(named=True)], dtype=pl.String),
            pl.when(lacks)
            .then(pl.format("lacks {}% of the {} it would replace", share, what))
            .otherwise(pl.col("held_because").replace_strict(HELD_WORDS, return_dtype=pl.String)),
        ),
    )
    partly = waiting.filter(pl.col("role") == "adds").with_columns(
        outcome=pl.lit(PASS),
        accepted=pl.lit(True),
        broken=pl.lit([], pl.List(pl.String)),
        sentence=pl.format("{} on {} ({})", "series_id", "source_reference_date", "source_kind"),
    )
    told = pl.concat(
        [judged, *(f.select(c for c in f.columns if c in REVIEW.column_names) for f in (others, partly))],
        how="diagonal",
    )
    units = {i: f"; accepted for {', '.join(sorted(p))} only" for i, p in decisions.parts.items()}
    only = pl.col("review_id").replace_strict(units, default="", return_dtype=pl.String)
    return told.with_columns(sentence=pl.col("sentence") + only)


def _of_reviews(reviews: pl.DataFrame) -> pl.DataFrame:
    """A finding for each: held, accepted by a person, or doubtful."""
    rejected = pl.col("broken").list.contains(REJECTED)
    held, accepted = (pl.col("outcome") == HOLD) & ~rejected, pl.col("accepted")
    told = pl.format(
        "{}; to settle it: `dtm review show {}`{}",
        "sentence",
        "review_id",
        # what is not plausible is settled by a decision; what other deliveries contradict, by their sidecars, too
        pl.when(pl.col("broken").list.eval(pl.element().is_in(list(SETTLED_BY_SIDECAR))).list.any())
        .then(pl.lit(", or replaces = true in its sidecar"))
        .otherwise(pl.lit("")),
    )
    return reviews.with_columns(
        finding=pl.when(held)
        .then(pl.lit("delivery_held"))
        .when(rejected)
        .then(pl.lit("rejected_by_review"))
        .when(accepted)
        .then(pl.lit("accepted_by_review"))
        .otherwise(pl.lit("doubtful")),
        sentence=pl.when(held).then(told).otherwise("sentence"),
    )
