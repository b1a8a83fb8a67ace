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


def test_a_list_and_its_addition_make_one_cell_of_a_district() -> None:
    rows = pl.DataFrame({"snapshot_id": ["a", "b"], "place_id": ["p", "q"], "households": [30, 12]}).with_columns(
        source_row=pl.lit(2), location_code=pl.lit("IRQ"), reference_date=pl.lit(D0), source_reference_date=pl.lit(D0),
        series_id=pl.lit("irq_idp"), population_group=pl.lit("idp"), admin_level=pl.lit(4), admin1_code=pl.lit("IQG15"),
        admin2_code=pl.lit("IQG15Q05"), place_basis=pl.lit("code"), leads=pl.lit(True), why=pl.lit("leads"),
        source_kind=pl.lit("master_list"), individuals=pl.col("households") * 6, individuals_basis=pl.lit("rule"),
    )  # fmt: skip
    lists = [
        conform(
            one.select("snapshot_id", "source_row", value="households").with_columns(
                dimension=pl.lit("shelter"), category_code=pl.lit("rented_habitable"), unit=pl.lit("households")
            ),
            raw.MASTER_LIST_CELL,
        )
        for one in rows.partition_by("snapshot_id")
    ]
    made, _ = breakdown_facts(conform(rows, core.STOCK), lists, REFERENCE.size_rules)
    assert made.select("households", "individuals", "locations").rows() == [(42, 252, 2)]
    assert not made.select(pl.struct(core.BREAKDOWN.grain).is_duplicated().any()).item()
