"""One unit that a delivery names in two ways counts once."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.contracts import core, raw
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.facts.observed import observed_facts
from dtm_pipeline.facts.units_once import units_once
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings

GAZETTEER = Gazetteer.load(Settings().reference)
DAY = date(2024, 3, 31)


def figures(country: str, *told: tuple[str, str | None, int]) -> pl.DataFrame:
    rows = [{"snapshot_id": "a", "source_row": i, "location_code": country, "source_kind": "hdx_idps", "admin_level": 2 if district else 1, "provider_admin1_name": first, "provider_admin2_name": district, "operation": "Op", "assessment_type": "BA", "reference_date": DAY, "individuals": n} for i, (first, district, n) in enumerate(told, start=2)]  # fmt: skip
    return conform(pl.DataFrame(rows, infer_schema_length=None), raw.API_FIGURE)


def once(rows: pl.DataFrame, table: Table = raw.API_FIGURE) -> tuple[int, list[str]]:
    left, found = units_once(rows, table, GAZETTEER)
    return int(left["individuals"].sum()), found["finding"].to_list()


@pytest.mark.parametrize(
    ("country", "told", "people", "found"),
    [
        ("JOR", [("Irbid", "Ramtha", 60), ("Irbid", "Ar-Ramtha", 60)], 60, ["unit_repeated"]),
        ("IRQ", [("Ninewa", None, 60), ("Nineveh", None, 60)], 60, ["unit_repeated"]),
        ("IRQ", [("Ninewa", "Mosul", 60), ("Nineveh", "Mosul", 60), ("Ninewa", "Tilkaif", 60)], 120, ["unit_repeated"]),
        ("LBN", [("Akkar", None, 9), ("عكار", None, 9), ("Aakkar", None, 9)], 9, ["unit_repeated"] * 2),
        ("IRQ", [("Ninewa", None, 60), ("Nineveh", None, 70), ("Erbil", None, 5)], 5, ["unit_conflicting"] * 2),
        ("IRQ", [("Ninewa", None, 60), ("Ninewa", None, 30), ("Nineveh", None, 70)], 160, []),
        ("IRQ", [("Ninewa", "Nowhere", 60), ("Nineveh", "No Where", 60)], 120, []),
        ("IRQ", [("Ninewa", None, 60), ("Erbil", None, 60)], 120, []),
    ],
)
def test_two_spellings_of_one_unit_are_one_statement(
    country: str, told: list[tuple[str, str | None, int]], people: int, found: list[str]
) -> None:
    assert once(figures(country, *told)) == (people, found)


def test_a_unit_of_the_provider_that_is_mapped_into_ours_is_another_one() -> None:
    mapped = GAZETTEER.names_of(2).filter(pl.col("status") == "provider_unit").row(0, named=True)
    unit = GAZETTEER.units.filter(pl.col("code") == mapped["code"]).row(0, named=True)
    above = GAZETTEER.units.filter(pl.col("code") == unit["parent_code"])["name_en"].item()
    told = figures(unit["location_code"], (above, unit["name_en"], 60), (above, mapped["name"], 60))
    assert once(told) == (120, [])


def test_migrants_of_one_unit_and_nationality_count_once() -> None:
    rows = [{"snapshot_id": "a", "source_row": i, "location_code": "EGY", "provider_admin1_name": name, "nationality": who, "reference_date": DAY, "individuals": n} for i, (name, who, n) in enumerate([("Cairo", "Syrian", 60), ("القاهرة", "Syrian", 60), ("Al-Qahira", "Syrian", 60), ("Cairo", "Iraqi", 60)])]  # fmt: skip
    assert once(conform(pl.DataFrame(rows), raw.MIGRANT_PRESENCE), raw.MIGRANT_PRESENCE)[0] == 120


def test_a_later_report_replaces_the_earlier_one_of_its_unit_however_it_is_spelled() -> None:
    rows = [{"snapshot_id": "a", "source_row": i, "location_code": "IRQ", "event_id": "E1", "event_type": "flood", "provider_admin1_name": name, "event_place": name.lower(), "reference_date": day, "new_individuals": n} for i, (name, day, n) in enumerate([("Ninewa", DAY, 60), ("Nineveh", date(2024, 4, 1), 70)])]  # fmt: skip
    deliveries = pl.DataFrame({"snapshot_id": ["a"], "intake": [1], "statement": [None]}, schema_overrides={"statement": pl.String})  # fmt: skip
    made = observed_facts(
        conform(pl.DataFrame(rows), raw.EVENT_REPORT), core.EVENT, deliveries, GAZETTEER.of_country("IRQ"), 0.05
    )
    assert made.rows.filter("newest")["new_individuals"].to_list() == [70]
