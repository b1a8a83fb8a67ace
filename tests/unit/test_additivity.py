"""No table sums a stock over dates, series that overlap, or types of assessment; and what adds up, adds up.

Every row of a stock is given a power of two, so that a figure tells by its bits which rows it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.contracts import core, published_tables, table
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.model import ADDITIVE, Column, Table
from dtm_pipeline.domain.words import Words
from dtm_pipeline.figures.families import FAMILIES, latest_tables, make_all
from dtm_pipeline.figures.parameters import Parameters
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import judged
from tests.histories import history, stock_rows

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder).of_country("IRQ")
D0, D1 = date(2020, 2, 29), date(2021, 2, 28)
NEVER = {"reference_date", "report_date", "series_id", "population_group", "assessment_type", "overlap_group"}
REJECTED = pl.DataFrame(
    schema={
        "snapshot_id": pl.String,
        "reference_date": pl.Date,
        "rejected_rows": pl.Int64,
        "rejected_individuals": pl.Int64,
    }
)
WORDS = Words({"assessment_type": frozenset({"ba", "sa"})}, frozenset({("IRQ", "an operation")}))
PARAMETERS = replace(Parameters.of(REFERENCE, GAZETTEER, "IRQ", REJECTED), words=WORDS)
# two dates of the headline series, two overlapping series beside it, and an assessment type of its own
SERIES = {
    ("irq_idp", "idp", "BA"): (D0, D1),
    ("irq_an-operation_ba", "idp", "BA"): (D0, D1),
    ("irq_an-operation_sa", "idp", "SA"): (D0, D1),
    ("irq_returnee", "idp_returnee", "BA"): (D0, D1),
    ("irq_resident", "resident", "BA"): (D1,),
    ("irq_climate_idp", "climate_idp", "BA"): (D0, D1),
}


def marked_stock() -> tuple[pl.DataFrame, dict[int, tuple[object, ...]]]:
    """Rows with a bit each, and what each bit stands for: series and date."""
    rows, meaning, bit = [], {}, 0
    for (series, group, assessment), days in SERIES.items():
        for day in days:
            for place, district in (("p", "IQG01Q01"), ("q", "IQG01Q02"), ("r", "IQG15Q05")):
                row = stock_rows((place, district, day, 1), series="irq_idp").with_columns(
                    series_id=pl.lit(series),
                    population_group=pl.lit(group),
                    assessment_type=pl.lit(assessment),
                    snapshot_id=pl.lit(f"{series}{day}"),
                    households=pl.lit(1 << bit, pl.Int64),
                    individuals=pl.lit(1 << bit, pl.Int64),
                    in_camp_individuals=pl.lit(0, pl.Int64),
                    out_of_camp_individuals=pl.lit(1 << bit, pl.Int64),
                    individuals_low=pl.lit(1 << bit, pl.Int64),
                    individuals_high=pl.lit(1 << bit, pl.Int64),
                    individuals_basis=pl.lit("counted"),
                    of_which_current_year=pl.lit(0, pl.Int64) if group == "idp_returnee" else pl.lit(None, pl.Int64),
                )
                rows.append(row)
                meaning[bit] = (series, day)
                bit += 1
    return pl.concat(rows), meaning


STOCK, MEANING = marked_stock()


def facts() -> dict[str, pl.DataFrame]:
    """Core facts of the marked stock: totals, breakdown and severity of the same bits."""
    one = {"households": "households", "individuals": "individuals"}
    key = ["location_code", "series_id", "population_group", "reference_date", "source_kind", "admin_level"]
    totals = STOCK.group_by(*key, "assessment_type").agg(
        pl.col("individuals").sum(), pl.col("households").sum(), rows=pl.len(), leads=pl.lit(True), why=pl.lit("leads"),
        snapshot_ids=pl.col("snapshot_id").unique(), held=pl.lit(False), operation=pl.lit("An operation"),
    )  # fmt: skip
    cells = pl.concat(
        STOCK.with_columns(dimension=pl.lit(d), category_code=pl.lit(c), locations=pl.lit(9), **one)
        for d, c in (("origin", "IQG15"), ("shelter", "camp"), ("period", "july_2017"), ("reason", "conflict"), ("sex_age", "male"))
    )  # fmt: skip
    severity = STOCK.filter(pl.col("population_group") == "idp_returnee").with_columns(
        index_name=pl.lit("return_conditions"),
        model_version=pl.lit("1.0"),
        severity_class=pl.lit("low"),
        score=pl.lit(1.0),
    )
    made = {
        core.STOCK.name: STOCK,
        core.SOURCE_TOTAL.name: conform(totals, core.SOURCE_TOTAL),
        core.BREAKDOWN.name: conform(cells, core.BREAKDOWN),
        core.SEVERITY.name: conform(severity, core.SEVERITY),
    }
    return {n: made.get(n, empty(table(n))) for f in FAMILIES for n in f.inputs}


FACTS = facts()


def stocks_of(declared: Table) -> list[Column]:
    return [c for c in declared.columns if c.kind == "stock"]


def made_of(value: int) -> set[tuple[object, ...]]:
    return {MEANING[bit] for bit in MEANING if value >> bit & 1}


def published() -> Iterator[tuple[str, Table, pl.DataFrame]]:
    for family in FAMILIES:
        for name, frame in family.make(FACTS, PARAMETERS).items():
            yield family.name, table(name), frame
            if name == core.NEWEST_FIGURE.name:
                yield from (("latest", table(n), f) for n, f in latest_tables(frame).items())


PUBLISHED = list(published())


def test_every_published_table_is_made_by_a_family_and_once() -> None:
    made = [name for family in FAMILIES for name in family.tables if name != core.NEWEST_FIGURE.name]
    of_all_countries = latest_tables(empty(core.NEWEST_FIGURE))
    assert sorted([*made, *of_all_countries]) == sorted(t.name for t in published_tables())


@pytest.mark.parametrize(("family", "declared", "frame"), PUBLISHED, ids=lambda v: getattr(v, "name", ""))
def test_no_stock_is_summed_over_dates_overlapping_series_or_types(
    family: str, declared: Table, frame: pl.DataFrame
) -> None:
    for column in stocks_of(declared):
        if column.name not in frame.columns:
            continue
        for row in frame.iter_rows(named=True):
            value = row[column.name]
            sources = made_of(value) if value else set()
            assert len(sources) <= 1, f"{declared.name}.{column.name} is made of {sources}"
            day = "previous_reference_date" if column.name.startswith("previous") else "reference_date"
            if sources and {"series_id", day} <= set(row) and declared.name != "out_dtm__governorate_return_rate":
                assert sources == {(row["series_id"], row[day])}


def test_the_walk_saw_stocks_of_every_kind() -> None:
    seen = {d.name for _, d, frame in PUBLISHED if not frame.is_empty() and stocks_of(d)}
    assert {
        "out_dtm__district_idp", "out_dtm__district_returnee", "out_dtm__governorate_change", "out_dtm__district_comparable_panel",
        "out_dtm__district_origin", "out_dtm__district_sex_age", "out_dtm__origin_destination_admin1", "out_dtm__governorate_return_rate",
        "out_dtm__latest", "out_dtm__latest_all", "out_dtm__district_arrival", "out_dtm__governorate_climate",
        "out_dtm__district_severity_class", "out_meta__population_baseline",
    } <= seen  # fmt: skip


def test_a_sum_over_dates_would_be_seen() -> None:
    """The walk itself can fail: a table that sums two dates is made of two."""
    wrong = STOCK.filter(series_id="irq_idp").group_by("admin2_code").agg(pl.col("individuals").sum())
    assert max(len(made_of(v)) for v in wrong["individuals"]) == 2


@pytest.mark.parametrize("declared", [*published_tables(), *core.TABLES], ids=lambda t: t.name)
def test_every_measure_declares_the_axes_along_which_it_adds(declared: Table) -> None:
    for column in declared.columns:
        axes = declared.axes_of(column.name)
        if column.kind in ("stock", "change"):
            assert not NEVER & set(axes), f"{column.name} of {declared.name} is a stock and adds along {axes}"
        if column.kind not in ADDITIVE:
            assert axes == ()


@pytest.mark.parametrize(("family", "declared", "frame"), PUBLISHED, ids=lambda v: getattr(v, "name", ""))
def test_what_adds_along_places_adds_up_from_districts_to_governorates(
    family: str, declared: Table, frame: pl.DataFrame
) -> None:
    if "__district_" not in declared.name or frame.is_empty():
        return
    above = next((f for _, d, f in PUBLISHED if d.name == declared.name.replace("district", "governorate")), None)
    if above is None:
        return
    key = [c for c in declared.grain if c != "admin2_code"]
    measures = [c.name for c in declared.columns if c.name in frame.columns and "place" in declared.axes_of(c.name)]
    pooled = "withheld" in frame.columns and frame["withheld"].any()
    assert measures
    if not pooled:
        sums = frame.group_by(key).agg(pl.col(measures).sum()).sort(key)
        whole = above.select([*key, *measures]).with_columns(pl.col(measures).fill_null(0)).sort(key)
        assert sums.equals(whole.cast(dict(sums.schema)))


def facts_of(stock: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Facts of a country of which only stocks are known."""
    key = ["location_code", "series_id", "population_group", "reference_date", "source_kind", "admin_level"]
    totals = stock.group_by(key).agg(
        pl.col("individuals").sum(), pl.col("households").sum(), rows=pl.len(), leads=pl.lit(True), why=pl.lit("leads"),
        snapshot_ids=pl.col("snapshot_id").unique(), held=pl.lit(False),
    )  # fmt: skip
    made = {core.STOCK.name: stock, core.SOURCE_TOTAL.name: conform(totals, core.SOURCE_TOTAL)}
    return {n: made.get(n, empty(table(n))) for f in FAMILIES for n in f.inputs}


def judged_tables(stock: pl.DataFrame) -> dict[str, pl.DataFrame]:
    told = facts_of(stock)
    return {name: judged(frame, table(name)) for name, frame in make_all(told, PARAMETERS).items()}


def test_no_method_stumbles_over_a_country_without_facts() -> None:
    made = judged_tables(empty(core.STOCK))
    units = {"out_meta__admin_unit"}
    assert {n for n, frame in made.items() if not frame.is_empty()} == units


@pytest.mark.parametrize(
    "stock",
    [
        stock_rows(("p", "IQG01Q01", D0, 1)),
        stock_rows(("p", "IQG01Q01", D0, 0)),
        stock_rows((None, "IQG01Q01", D0, 5), (None, "IQG01Q01", D1, None)),
        stock_rows(("gone", "IQG01Q01", D0, 5), ("new", "IQG01Q01", D1, 7)),
        stock_rows(("p", "IQG01Q01", D0, 5)).with_columns(admin1_code=pl.lit(None, pl.String), admin2_code=pl.lit(None, pl.String)),
    ],
    ids=["one row", "nobody", "no place ids", "all gone and all new", "no known unit"],
)  # fmt: skip
def test_no_method_stumbles_over_a_small_round(stock: pl.DataFrame) -> None:
    made = judged_tables(stock)
    for level in ("governorate", "district"):
        assert made[f"out_dtm__{level}_idp"]["idp_households"].sum() == (stock["households"].sum() or 0)


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10_000))
def test_on_any_history_districts_add_up_to_governorates_and_every_contract_holds(seed: int) -> None:
    told = history(seed)
    made = judged_tables(told.stock)
    for name in ("idp", "returnee"):
        key = ["series_id", "reference_date", "admin1_code"]
        measures = [f"{name}_households", f"{name}_individuals", f"{name}_individuals_low", f"{name}_individuals_high"]
        sums = made[f"out_dtm__district_{name}"].group_by(key).agg(pl.col(measures).sum()).sort(key)
        assert sums.equals(made[f"out_dtm__governorate_{name}"].select([*key, *measures]).sort(key))


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_facts_changes_no_table(seed: int) -> None:
    for told in (FACTS, facts_of(history(seed, 80, 5).stock)):
        mixed = {name: rows.sample(fraction=1, shuffle=True, seed=seed) for name, rows in told.items()}
        made, again = (
            {n: conform(f, table(n)).sort(table(n).grain, nulls_last=True) for n, f in make_all(facts, PARAMETERS).items()}
            for facts in (told, mixed)
        )  # fmt: skip
        assert [name for name in made if not made[name].equals(again[name])] == []
