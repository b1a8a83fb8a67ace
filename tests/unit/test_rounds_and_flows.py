"""Rounds, coverage, and flows."""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import BORDER_COUNT
from dtm_pipeline.domain.flows import flow_points, operating_days
from dtm_pipeline.domain.rounds import coverage, rounds
from dtm_pipeline.facts.border_flow import border_flow_facts
from dtm_pipeline.facts.observed import Observed
from dtm_pipeline.storage.reference import Reference
from tests.histories import NOTHING_TOLD, registers

DAY = date(2020, 2, 29)
NOTHING_STATED = NOTHING_TOLD.rounds


def totals(held: bool = False) -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("IRQ", "irq_idp", DAY, "master_list", 4, True, 95, 570, ["a"], held),
            ("IRQ", "irq_idp", DAY, "dtm_api", 2, False, 10, 600, ["b"], False),
        ],
        schema=[
            "location_code",
            "series_id",
            "reference_date",
            "source_kind",
            "admin_level",
            "leads",
            "rows",
            "individuals",
            "snapshot_ids",
            "held",
        ],
        orient="row",
    )


def rejected(*told: tuple[str, date | None, int, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        told,
        schema={
            "snapshot_id": pl.String,
            "reference_date": pl.Date,
            "rejected_rows": pl.Int64,
            "rejected_individuals": pl.Int64,
        },
        orient="row",
    )


def test_a_source_that_is_compared_tells_its_difference_and_the_leading_one_does_not() -> None:
    told = {
        r["source_kind"]: r["difference_individuals"]
        for r in rounds(totals(), rejected(), 0.05, NOTHING_STATED).iter_rows(named=True)
    }
    assert told == {"dtm_api": 30, "master_list": None}


def test_a_date_with_many_rejected_rows_is_partial() -> None:
    told = {
        r["source_kind"]: (r["status"], r["rejected_rows"], r["rejected_individuals"])
        for r in rounds(totals(), rejected(("a", DAY, 10, 60)), 0.05, NOTHING_STATED).iter_rows(named=True)
    }
    assert told == {"dtm_api": ("complete", 0, None), "master_list": ("partial", 10, 60)}


def test_few_rejected_rows_leave_the_date_complete_and_are_told() -> None:
    told = (
        rounds(totals(), rejected(("a", DAY, 2, 12)), 0.05, NOTHING_STATED)
        .filter(source_kind="master_list")
        .row(0, named=True)
    )
    assert (told["status"], told["rejected_rows"]) == ("complete", 2)


def test_a_rejected_row_whose_date_is_not_readable_is_counted_once() -> None:
    told = rounds(totals(), rejected(("a", None, 1, None)), 0.05, NOTHING_STATED)
    assert told["rejected_rows"].sum() == 1
    assert told.filter(source_kind="master_list")["rejected_individuals"].item() is None


def test_a_held_delivery_makes_the_date_partial() -> None:
    assert rounds(totals(held=True), rejected(), 0.05, NOTHING_STATED).filter("leads")["status"].item() == "partial"


def test_a_round_of_no_known_people_and_nothing_rejected_is_complete() -> None:
    unknown = totals().with_columns(individuals=pl.lit(None, pl.Int64))
    assert set(rounds(unknown, rejected(), 0.05, NOTHING_STATED)["status"]) == {"complete"}


def test_a_round_that_is_on_record_as_partial_is_partial() -> None:
    stated = registers(rounds=[("irq_idp", DAY, "partial", "test")]).rounds
    assert set(rounds(totals(), rejected(), 0.05, stated)["status"]) == {"partial"}


def covered(*told: tuple[str | None, str | None, int | None, int, date | None]) -> list[tuple[str, str]]:
    """Coverage of districts A, B, C of governorate 1 and D of 2, from rows: codes, households, individuals, carried."""
    stock = pl.DataFrame(
        [("IRQ", "irq_idp", "idp", DAY, *row, True) for row in told],
        schema={
            "location_code": pl.String,
            "series_id": pl.String,
            "population_group": pl.String,
            "reference_date": pl.Date,
            "admin1_code": pl.String,
            "admin2_code": pl.String,
            "households": pl.Int64,
            "individuals": pl.Int64,
            "carried_from": pl.Date,
            "leads": pl.Boolean,
        },
        orient="row",
    )
    units = pl.DataFrame(
        {"location_code": ["IRQ"] * 4, "admin1_code": ["1", "1", "1", "2"], "admin2_code": ["A", "B", "C", "D"]}
    )
    return [(d, c) for d, c in coverage(stock, units).select("admin2_code", "coverage").rows()]


def test_coverage_tells_assessed_zero_and_not_assessed_apart() -> None:
    assert covered(("1", "A", None, 6, None), ("1", "B", 0, 0, None)) == [
        ("A", "assessed"),
        ("B", "zero"),
        ("C", "not_assessed"),
        ("D", "not_assessed"),
    ]


def test_a_district_whose_governorate_has_people_without_a_district_is_unknown() -> None:
    told = covered(("1", "A", None, 6, None), ("1", None, 5, 30, None))
    assert told == [("A", "assessed"), ("B", "unknown"), ("C", "unknown"), ("D", "not_assessed")]
    assert {c for _, c in covered((None, None, None, 6, None))} == {"unknown"}


def test_what_was_carried_forward_was_not_assessed() -> None:
    assert ("A", "not_assessed") in covered(("1", "A", None, 6, date(2019, 12, 31)), ("1", "B", None, 6, None))


def counts(*told: tuple[str, str, int, str]) -> pl.DataFrame:
    """Counts of one day: point, direction, movements, delivery."""
    rows = [
        {"snapshot_id": s, "source_row": n, "location_code": "IRQ", "flow_point_name": name, "direction": direction, "observed_on": DAY, "movements": m}
        for n, (name, direction, m, s) in enumerate(told, 2)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows), BORDER_COUNT)


def led(counted: pl.DataFrame, reference: Reference, **intakes: int) -> Observed:
    deliveries = pl.DataFrame(
        {"snapshot_id": list(intakes), "intake": list(intakes.values()), "statement": None},
        schema_overrides={"statement": pl.String},
    )
    return border_flow_facts(counted, deliveries, reference.flow_points, reference.flow_calendars)


def test_two_spellings_of_a_point_are_one_point_and_an_unknown_one_is_its_own(reference: Reference) -> None:
    told = flow_points(
        counts(("Ibrahim Khalil", "in", 1, "a"), ("IBRAHIM  AL-KHALIL", "in", 2, "b"), ("New Gate ", "in", 3, "a")),
        reference.flow_points,
    )
    assert told["flow_point_id"].to_list() == ["IRQ-FP-IBRAHIM-KHALIL", "IRQ-FP-IBRAHIM-KHALIL", "IRQ-FP-NEW-GATE"]
    assert told["crossing_id"].to_list()[:2] == ["IRQ-TUR-IBRAHIM-KHALIL"] * 2


def test_for_a_point_direction_and_day_the_newest_delivery_leads(reference: Reference) -> None:
    told = led(counts(("Rabia", "in", 5, "a"), ("Rabia", "in", 7, "b"), ("Rabia", "out", 3, "a")), reference, a=1, b=2)
    assert told.rows.select("direction", "movements").rows() == [("in", 7), ("out", 3)]
    assert told.findings.is_empty()


def test_counts_of_one_day_that_differ_within_one_intake_are_held_and_named(reference: Reference) -> None:
    rows = counts(("Rabia", "in", 5, "a"), ("Rabia", "in", 7, "b"), ("Rabia", "out", 3, "a"), ("Rabia", "out", 3, "b"))
    told = led(rows, reference, a=1, b=1)
    assert told.rows.select("direction", "movements").rows() == [("out", 3)]
    assert told.findings.select("snapshot_id", "finding").sort("snapshot_id").rows() == [("a", "delivery_held"), ("b", "delivery_held")]  # fmt: skip
    assert "several deliveries of one intake say different things in 1 cases" in told.findings["sentence"][0]


def test_a_calendar_says_whether_a_point_operated_and_silence_is_unknown() -> None:
    flow = pl.DataFrame(
        {
            "flow_point_id": ["p"] * 4 + ["q"],
            "observed_on": [date(2024, 3, d) for d in (1, 2, 9, 20)] + [date(2024, 3, 1)],
        }
    )
    calendars = pl.DataFrame(
        {
            "flow_point_id": ["p", "p"],
            "valid_from": [date(2024, 1, 1), date(2024, 3, 9)],
            "valid_to": [date(2024, 3, 15), date(2024, 3, 10)],
            "weekdays": ["12345", "1234567"],
            "operating": ["yes", "no"],
        }
    )
    told = operating_days(flow, calendars)["operating_day"].to_list()
    assert told == ["yes", "no", "no", "unknown", "unknown"], (
        "a Friday, a Saturday, a closure, after the end, no calendar"
    )
