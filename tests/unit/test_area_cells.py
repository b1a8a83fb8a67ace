"""Reason, origin and sex of figures of areas sum to their stock, and what is not told is unknown."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.contracts import core, raw
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.facts.breakdown import area_cells, breakdown_facts
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder).of_country("IRQ")
REASONS = REFERENCE.vocabularies.filter(vocabulary="displacement_reason")
D0, D1 = date(2024, 3, 31), date(2024, 6, 30)


def cells(*told: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Cells of the district of each row: dimension, category, individuals, by date."""
    rows = [
        {"snapshot_id": "a", "source_row": n, "location_code": "IRQ", "individuals": 10, "reference_date": D0, **t}
        for n, t in enumerate(told, 1)
    ]
    figures = pl.DataFrame(rows, infer_schema_length=None)
    stock = figures.with_columns(
        source_reference_date="reference_date", series_id=pl.lit("irq_idp"), population_group=pl.lit("idp"),
        admin_level=pl.lit(2), admin1_code=pl.lit("IQG15"), admin2_code=pl.lit("IQG15Q05"), place_basis=pl.lit("code"),
        individuals_basis=pl.lit("provider"), leads=pl.lit(True), why=pl.lit("leads"), source_kind=pl.lit("dtm_api"),
    )  # fmt: skip
    stock = conform(stock, core.STOCK)
    made, findings = breakdown_facts(
        stock, area_cells(conform(figures, raw.API_FIGURE), stock, REASONS, GAZETTEER), REFERENCE.size_rules
    )
    assert findings.is_empty(), "a source that tells no reason has made no mistake"
    assert made["locations"].null_count() == made.height, "how many locations stand behind an area nobody says"
    return sorted(made.select("dimension", "reference_date", "category_code", "individuals").rows())


def test_reasons_are_told_and_several_together_are_one_category() -> None:
    told = cells(
        {"displacement_reason": "Conflict"},
        {"displacement_reason": "conflict", "individuals": 5},
        {"displacement_reason": "Conflict; Natural disaster", "individuals": 3},
        {"displacement_reason": "No reason for displacement reported", "individuals": 2},
        {"displacement_reason": "Alien words", "individuals": 1},
    )
    assert told == [
        ("reason", D0, "conflict", 15),
        ("reason", D0, "several", 3),
        ("reason", D0, "unknown", 3),
    ]


def test_rows_of_a_date_that_tells_no_reason_make_no_table_of_unknowns() -> None:
    told = cells({"displacement_reason": "Conflict"}, {"reference_date": D1}, {"individuals": 4})
    assert told == [("reason", D0, "conflict", 10), ("reason", D0, "unknown", 4)]


def test_what_sexes_do_not_account_for_is_unknown_and_what_exceeds_is_not_believed() -> None:
    told = cells(
        {"male_individuals": 4, "female_individuals": 5},
        {"male_individuals": 9, "female_individuals": 9},
        {"individuals": 7},
    )
    assert told == [("sex_age", D0, "female", 5), ("sex_age", D0, "male", 4), ("sex_age", D0, "unknown", 1 + 10 + 7)]


def test_an_origin_is_a_governorate_of_the_gazetteer_or_unknown() -> None:
    told = cells(
        {"origin_admin1_name": "Ninewa"}, {"origin_admin1_name": "Not available"}, {"origin_admin1_name": "Atlantis"}
    )
    assert told == [("origin", D0, "IQG15", 10), ("origin", D0, "unknown", 20)]


def test_a_source_that_tells_no_part_has_no_breakdown() -> None:
    assert cells({}, {}) == []


def list_cells(rows: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """The households of each row as one cell of a Master List."""
    code = {"shelter": "rented_habitable", "origin": "IQG15"}[dimension]
    told = rows.select("snapshot_id", "source_row", value="households")
    return conform(
        told.with_columns(dimension=pl.lit(dimension), category_code=pl.lit(code), unit=pl.lit("households")),
        raw.MASTER_LIST_CELL,
    )


def list_and_addition() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Leading stock of one district from two deliveries, and the rows of each."""
    rows = pl.DataFrame({"snapshot_id": ["a", "b"], "place_id": ["p", "q"], "households": [30, 12]}).with_columns(
        source_row=pl.lit(2), location_code=pl.lit("IRQ"), reference_date=pl.lit(D0), source_reference_date=pl.lit(D0),
        series_id=pl.lit("irq_idp"), population_group=pl.lit("idp"), admin_level=pl.lit(4), admin1_code=pl.lit("IQG15"),
        admin2_code=pl.lit("IQG15Q05"), place_basis=pl.lit("code"), leads=pl.lit(True), why=pl.lit("leads"),
        source_kind=pl.lit("master_list"), individuals=pl.col("households") * 6, individuals_basis=pl.lit("rule"),
    )  # fmt: skip
    return conform(rows, core.STOCK), rows.filter(snapshot_id="a"), rows.filter(snapshot_id="b")


def test_a_list_and_its_addition_make_one_cell_of_a_district() -> None:
    stock, one, other = list_and_addition()
    lists = [list_cells(one, "shelter"), list_cells(other, "shelter")]
    made, _ = breakdown_facts(stock, lists, REFERENCE.size_rules)
    assert made.select("households", "individuals", "locations").rows() == [(42, 252, 2)]
    assert not made.select(pl.struct(core.BREAKDOWN.grain).is_duplicated().any()).item()


def test_what_a_list_tells_and_its_addition_does_not_is_unknown_in_the_addition_and_a_finding() -> None:
    stock, one, other = list_and_addition()
    lists = [list_cells(one, "shelter"), list_cells(one, "origin"), list_cells(other, "shelter")]
    made, findings = breakdown_facts(stock, [pl.concat(lists[:2]), lists[2]], REFERENCE.size_rules)
    assert sorted(made.filter(dimension="origin").select("category_code", "households", "individuals").rows()) == [
        ("IQG15", 30, 180),
        ("unknown", 12, 72),
    ]
    assert findings["sentence"].str.contains("origin: 12 households of the location are in no category").to_list() == [
        True
    ]
