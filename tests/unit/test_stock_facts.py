"""Stocks of a country from lists and answers: counted once, each row with its series, place and role."""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.contracts import raw
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.plausibility import Decisions
from dtm_pipeline.domain.precedence import Reissue
from dtm_pipeline.facts.plausible import Plausibility
from dtm_pipeline.facts.stock import Deliveries, Edition, EditionAt, RawStocks, StockFacts, stock_facts
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder).of_country("IRQ")

RULES = REFERENCE.plausibility


def judged_by(names: list[str]) -> Plausibility:
    """The shipped rules, deliveries that came long after their dates, and nothing rejected."""
    came = pl.DataFrame({"snapshot_id": names}, schema={"snapshot_id": pl.String}).with_columns(received_on=date(2030, 1, 1), control_gap=pl.lit(None, pl.Float64), control_stated=pl.lit(None, pl.String), control_read=pl.lit(None, pl.String), unit_differs=pl.lit(False), date_inferred=pl.lit(False))  # fmt: skip
    return Plausibility(RULES, Decisions(), frozenset(), empty(raw.QUARANTINE), came)


DAY = date(2020, 2, 29)


def locations(snapshot: str, *told: tuple[str, int]) -> pl.DataFrame:
    rows = [
        {
            "snapshot_id": snapshot,
            "source_row": i,
            "location_code": "IRQ",
            "population_group": "idp",
            "reference_date": DAY,
            "place_id": place,
            "provider_admin1_name": "Ninewa",
            "provider_admin2_name": "Mosul",
            "households": n,
            "individuals": n * 6,
        }
        for i, (place, n) in enumerate(told, start=2)
    ]
    return conform(pl.DataFrame(rows), raw.MASTER_LIST)


def districts(snapshot: str, *told: tuple[str, int]) -> pl.DataFrame:
    rows = [
        {
            "snapshot_id": snapshot,
            "source_row": i,
            "location_code": "IRQ",
            "source_kind": "dtm_api",
            "admin_level": 2,
            "provider_admin2_code": code,
            "operation": "Iraq conflict",
            "assessment_type": "BA",
            "reference_date": DAY,
            "individuals": n,
        }
        for i, (code, n) in enumerate(told, start=1)
    ]
    return conform(pl.DataFrame(rows), raw.API_FIGURE)


def facts(
    lists: list[pl.DataFrame],
    answers: list[pl.DataFrame],
    baselines: list[pl.DataFrame] | None = None,
    edition_at: EditionAt = lambda _: None,
    **statements: str,
) -> StockFacts:
    """Facts of deliveries that came in the order of their names."""
    names = sorted({s for f in (*lists, *answers, *(baselines or [])) for s in f["snapshot_id"]})
    deliveries = pl.DataFrame(
        [(name, i, statements.get(name), None) for i, name in enumerate(names, start=1)],
        schema={
            "snapshot_id": pl.String,
            "intake": pl.Int64,
            "statement": pl.String,
            "told_series": pl.String,
        },
        orient="row",
    )
    return stock_facts(
        RawStocks(
            master_list=pl.concat([empty(raw.MASTER_LIST), *lists]), shelter_cells=empty(raw.MASTER_LIST_CELL),
            location_database=empty(raw.LOCATION_DATABASE), location_database_count=empty(raw.LOCATION_DATABASE_COUNT),
            baseline=pl.concat([empty(raw.BASELINE_LOCATION), *(baselines or [])]), areas=pl.concat([empty(raw.API_FIGURE), *answers]),
        ),
        Deliveries(deliveries), REFERENCE.series, REFERENCE.words, REFERENCE.size_rules, GAZETTEER, edition_at, REFERENCE.registers, Reissue(0.05, 0.2), judged_by(names),
    )  # fmt: skip


def people(told: StockFacts) -> int:
    return int(told.stock.filter("leads")["individuals"].sum())


def test_a_list_and_an_answer_of_one_date_count_once_and_differ_by_a_finding() -> None:
    told = facts([locations("a", ("1", 10), ("2", 5))], [districts("b", ("IRQ-G15Q05", 96))])
    assert people(told) == 90
    assert told.findings.select("finding", "individuals").rows() == [("sources_differ", 6)]


def test_an_addition_adds_new_locations_and_replaces_those_that_it_repeats() -> None:
    told = facts([locations("a", ("1", 10), ("2", 5)), locations("b", ("2", 7), ("3", 1))], [], b="adds")
    assert people(told) == (10 + 7 + 1) * 6


def test_an_addition_of_areas_never_counts_an_area_twice() -> None:
    told = facts(
        [],
        [districts("a", ("IRQ-G15Q05", 60), ("IRQ-G15Q01", 12)), districts("b", ("IRQ-G15Q05", 66), ("IRQ-G15Q02", 6))],
        b="adds",
    )
    assert people(told) == 66 + 12 + 6


def test_a_held_delivery_feeds_nothing_and_is_named() -> None:
    told = facts([locations("a", *((str(i), 10) for i in range(20))), locations("b", ("1", 99))], [])
    assert people(told) == 1200
    assert told.findings["finding"].to_list() == ["delivery_held"]
    assert told.totals["held"].to_list() == [True]
    assert told.roles.select("snapshot_id", "role").sort("snapshot_id").rows() == [("a", "leads"), ("b", "held")]


def test_a_row_whose_district_is_not_known_keeps_its_people_under_its_governorate() -> None:
    row = locations("a", ("1", 10)).with_columns(provider_admin2_name=pl.lit("Sample Person 7"))
    told = facts([row], [])
    assert told.stock.select("admin1_code", "admin2_code", "individuals").rows() == [("IQG15", None, 60)]
    assert told.findings["finding"].to_list() == ["place_unresolved"]
    assert "Sample" not in told.findings["sentence"].item(), "a word that slipped into the column stays in the file"


def test_a_date_with_points_that_no_edition_covers_is_told_with_the_edition_that_is_used() -> None:
    pointed = locations("a", ("1", 10)).with_columns(latitude=pl.lit(36.34), longitude=pl.lit(43.13))

    def told(rows: pl.DataFrame, covers: bool) -> list[tuple[str, str]]:
        made = facts([rows], [], edition_at=lambda _: Edition("cod-2019", None, covers))
        return made.findings.filter(finding="edition_nearest").select("finding", "sentence").rows()

    sentence = f"no boundary edition covers {DAY}: points are placed on the nearest, cod-2019"
    assert told(pointed, covers=False) == [("edition_nearest", sentence)]
    assert told(pointed, covers=True) == []
    assert told(locations("a", ("1", 10)), covers=False) == []
