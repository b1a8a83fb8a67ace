"""A change is told as parts that sum to it, for every area, group and history."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.domain import change_units
from dtm_pipeline.domain.change import (
    PARTS,
    ChangeRules,
    change_by_area,
    change_of_districts,
    comparable_panel,
    consecutive_dates,
    dates_apart,
    with_dynamics,
)
from dtm_pipeline.domain.change_units import UNITS
from dtm_pipeline.domain.registers import Registers
from tests.histories import NOTHING_TOLD, RULES, history, registers, stock_rows

A, B = "IQG01Q01", "IQG01Q02"
FAR = "IQG02Q01"
D0, D1 = date(2019, 8, 31), date(2019, 10, 31)
CHANGE = ChangeRules(12, 45, 600, (0.1, 0.2, 0.3))


def changed(stock: pl.DataFrame, told: Registers = NOTHING_TOLD, level: str = "district") -> pl.DataFrame:
    pairs = consecutive_dates(stock)
    return change_by_area(stock, change_of_districts(stock, pairs, RULES, told), pairs, level)


def parts_of(row: dict[str, object], unit: str = "households") -> dict[str, object]:
    """The parts of a row that are not zero."""
    return {p: row[f"{p}_{unit}"] for p in PARTS if row[f"{p}_{unit}"] != 0}


def only(frame: pl.DataFrame, district: str = A) -> dict[str, object]:
    return frame.filter(admin2_code=district).row(0, named=True)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_parts_sum_to_the_change_and_districts_to_governorates_on_any_history(seed: int) -> None:
    told = history(seed)
    for unit in UNITS:
        by_level = {level: changed(told.stock, told.registers, level) for level in ("district", "governorate")}
        for level, frame in by_level.items():
            parts = frame.select(pl.sum_horizontal(f"{p}_{unit}" for p in PARTS)).to_series()
            assert (parts == frame[f"change_{unit}"]).all(), level
            whole = frame[f"current_{unit}"].fill_null(0) - frame[f"previous_{unit}"].fill_null(0)
            assert (whole == frame[f"change_{unit}"]).all()
        key = ["series_id", "reference_date", "admin1_code"]
        names = [f"{p}_{unit}" for p in (*PARTS, "change", "previous", "current")]
        sums = by_level["district"].group_by(key).agg(pl.col(names).sum()).sort(key)
        assert sums.equals(
            by_level["governorate"].with_columns(pl.col(names).fill_null(0)).select(key + names).sort(key)
        )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_units_that_need_not_be_told_apart_have_the_parts_of_those_that_are_in_any_order_of_rows(seed: int) -> None:
    told = history(seed, 60, 5)
    with pytest.MonkeyPatch.context() as one_by_one:
        mixed = told.stock.sample(fraction=1, shuffle=True, seed=seed)
        quick = changed(mixed, told.registers)
        one_by_one.setattr(change_units, "_with_special", lambda rows, links: rows.with_columns(_special=pl.lit(True)))
        assert quick.equals(changed(told.stock, told.registers))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2), st.integers(1, 4))
def test_no_history_is_too_small(seed: int, locations: int, dates: int) -> None:
    told = history(seed, max(locations, 3), dates)
    stock = told.stock.head(locations)
    for level in ("district", "governorate"):
        assert changed(stock, told.registers, level).height >= 0
        assert comparable_panel(stock, 12, 45, level).height >= 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_a_broken_household_size_that_stays_has_no_effect_and_loses_nobody(counts: list[tuple[int, int]]) -> None:
    then = stock_rows(*[(f"p{n}", A, date(2023, 2, 28), a) for n, (a, _) in enumerate(counts)])
    now = stock_rows(*[(f"p{n}", A, date(2023, 6, 30), b) for n, (_, b) in enumerate(counts)])
    stock = pl.concat([then, now]).with_columns(
        location_code=pl.lit("TUR"), individuals=(pl.col("households") * 3.14).round(0).cast(pl.Int64)
    )
    row = only(changed(stock))
    assert row["rule_or_category_individuals"] == 0
    assert sum(row[f"{p}_individuals"] for p in PARTS) == row["change_individuals"]


def test_people_unknown_at_a_date_make_the_change_unknown_and_not_a_departure() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", A, D0, 100), ("p", A, D1, 10), ("q", A, D1, 100))
    unknown = pl.when((pl.col("place_id") != "q") | (pl.col("reference_date") == D0)).then("individuals")
    row = only(changed(stock.with_columns(individuals=unknown)))
    assert (row["change_individuals"], row["panel_change_individuals"], row["change_households"]) == (None, None, 0)


def test_two_statements_of_one_round_count_once() -> None:
    twice = registers(rounds=[("irq_idp", D1, "complete", "report"), ("irq_idp", D1, "complete", "letter")])
    row = only(changed(stock_rows(("p", A, D0, 10), ("q", A, D0, 5), ("q", A, D1, 5)), twice))
    assert (row["previous_households"], parts_of(row)) == (15, {"emptied": -10})


def test_a_location_at_both_dates_is_the_panel() -> None:
    row = only(changed(stock_rows(("p", A, D0, 10), ("p", A, D1, 14))))
    assert parts_of(row) == {"panel_change": 4}
    assert parts_of(row, "individuals") == {"panel_change": 24}
    assert (row["covered_share"], row["panel_locations"]) == (1.0, 1)


def test_absence_alone_proves_nothing() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", A, D0, 5), ("q", A, D1, 5))
    assert parts_of(only(changed(stock))) == {"left_unexplained": -10}


@pytest.mark.parametrize(
    ("told", "part"),
    [
        (registers(rounds=[("irq_idp", D1, "complete", "t")]), "emptied"),
        (registers(locations=[("IRQ", "p", None, None, "closed", date(2019, 9, 1), None, "t")]), "emptied"),
        (registers(locations=[("IRQ", "p", None, None, "closed", date(2019, 12, 1), None, "t")]), "left_unexplained"),
        (registers(locations=[("IRQ", "p", None, "idp", "not_reassessed", D1, D1, "t")]), "not_reassessed"),
        (registers(locations=[("IRQ", None, A, None, "not_reassessed", D1, D1, "t")]), "not_reassessed"),
        (registers(locations=[("IRQ", None, "IQG01", None, "not_reassessed", D1, D1, "t")]), "not_reassessed"),
        (registers(locations=[("IRQ", "p", None, "idp_returnee", "closed", D0, None, "t")]), "left_unexplained"),
        (
            registers(
                rounds=[("irq_idp", D1, "complete", "t")],
                locations=[("IRQ", "p", None, None, "not_reassessed", D1, D1, "t")],
            ),
            "not_reassessed",
        ),
    ],
)
def test_what_is_on_record_says_why_a_location_is_absent(told: Registers, part: str) -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", A, D0, 5), ("q", A, D1, 5))
    assert parts_of(only(changed(stock, told))) == {part: -10}


def test_a_zero_that_is_stated_empties_a_location() -> None:
    assert parts_of(only(changed(stock_rows(("p", A, D0, 10), ("p", A, D1, 0))))) == {"emptied": -10}


def test_a_location_put_into_another_district_moves_nobody() -> None:
    told = changed(stock_rows(("p", A, D0, 10), ("p", B, D1, 13)))
    assert parts_of(only(told, A)) == {"rule_or_category": -10}
    assert parts_of(only(told, B)) == {"rule_or_category": 10, "panel_change": 3}
    whole = changed(stock_rows(("p", A, D0, 10), ("p", B, D1, 13)), level="governorate").row(0, named=True)
    assert parts_of(whole) == {"panel_change": 3}


def test_locations_that_became_one_are_neither_left_nor_new() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", FAR, D0, 7), ("q", FAR, D1, 20))
    merged = registers(links=[("IRQ", "p", "merged_into", "q", date(2019, 9, 15), "t")])
    told = changed(stock, merged)
    assert parts_of(only(told, A)) == {"merged_or_split": -10}
    assert parts_of(only(told, FAR)) == {"merged_or_split": 10, "panel_change": 3}
    before = registers(links=[("IRQ", "p", "merged_into", "q", D0, "t")])
    assert parts_of(only(changed(stock, before), A)) == {"left_unexplained": -10}, "the merger was before both dates"


def test_a_chain_of_mergers_in_one_span_ends_at_its_last_location() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", B, D0, 5), ("r", FAR, D1, 15))
    chain = registers(
        links=[
            ("IRQ", "p", "merged_into", "q", date(2019, 9, 15), "t"),
            ("IRQ", "q", "merged_into", "r", date(2019, 9, 20), "t"),
        ]
    )
    told = changed(stock, chain)
    assert parts_of(only(told, FAR)) == {"merged_or_split": 15}
    assert parts_of(only(told, A)) == {"merged_or_split": -10}


def test_two_links_that_point_at_each_other_end() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", A, D1, 10))
    circle = registers(
        links=[
            ("IRQ", "p", "merged_into", "q", date(2019, 9, 15), "t"),
            ("IRQ", "q", "split_from", "p", date(2019, 9, 15), "t"),
        ]
    )
    row = only(changed(stock, circle))
    assert row["change_households"] == 0


def test_the_break_of_rounds_116_and_117_is_told_as_published() -> None:
    """Iraq DTM, June to August 2020: -81,345 = -52,671 by the rule and -28,674 otherwise."""
    june, august = date(2020, 6, 30), date(2020, 8, 31)
    stock = pl.concat(
        [
            stock_rows(("camps", A, june, 52_671), camp=52_671),
            stock_rows(("others", A, june, 230_222 - 52_671)),
            stock_rows(("camps", A, august, 52_671), camp=52_671),
            stock_rows(("others", A, august, 225_443 - 52_671)),
        ]
    )
    row = only(changed(stock))
    assert row["change_individuals"] == -81_345
    assert parts_of(row, "individuals") == {"rule_or_category": -52_671, "panel_change": -28_674}
    assert parts_of(row) == {"panel_change": 225_443 - 230_222}


def test_without_locations_the_parts_are_unknown_and_not_zero() -> None:
    areas = stock_rows((None, A, D0, 10), (None, A, D1, 14)).with_columns(admin_level=pl.lit(2, pl.Int64))
    row = only(changed(areas))
    assert (row["previous_individuals"], row["current_individuals"], row["change_individuals"]) == (60, 84, 24)
    assert {row[f"{p}_individuals"] for p in PARTS} == {None}
    assert row["covered_share"] is None


def test_an_area_that_only_one_aggregate_gives_has_no_known_change() -> None:
    areas = stock_rows((None, A, D0, 10), (None, B, D0, 3), (None, A, D1, 14)).with_columns(
        admin_level=pl.lit(2, pl.Int64)
    )
    row = only(changed(areas), B)
    assert (row["previous_individuals"], row["current_individuals"], row["change_individuals"]) == (18, None, None)


def test_a_figure_that_was_carried_forward_is_no_panel() -> None:
    stock = stock_rows(("p", A, D0, 10), ("q", A, D0, 10), ("p", A, D1, 14), ("q", A, D1, 10))
    carried = pl.when((pl.col("place_id") == "q") & (pl.col("reference_date") == D1)).then(pl.lit(D0))
    row = only(changed(stock.with_columns(carried_from=carried)))
    assert (row["covered_share"], row["panel_locations"]) == (pytest.approx(24 / 44), 1)


@pytest.mark.parametrize(
    ("then", "now", "name"),
    [
        (200, 200, "stationary"),
        (200, 220, "stationary"),
        (200, 221, "fairly_stationary"),
        (200, 159, "fairly_dynamic"),
        (200, 139, "dynamic"),
        (99, 200, None),
    ],
)
def test_dynamics_go_by_the_panel_over_a_year_and_need_a_base(then: int, now: int, name: str | None) -> None:
    a_year_on = date(2020, 8, 31)
    returnees = "irq_returnee"  # whose household size did not change in 2020
    stock = stock_rows(("p", A, D0, then), ("p", A, date(2020, 2, 29), 1), ("p", A, a_year_on, now), series=returnees)
    pairs, year = consecutive_dates(stock), dates_apart(stock, 12, 45)
    told = with_dynamics(
        change_by_area(stock, change_of_districts(stock, pairs, RULES, NOTHING_TOLD), pairs, "district"),
        change_of_districts(stock, year, RULES, NOTHING_TOLD),
        year,
        "district",
        CHANGE,
    )
    last = told.filter(reference_date=a_year_on).row(0, named=True)
    assert last["dynamics_class"] == name
    assert told.filter(reference_date=date(2020, 2, 29))["dynamics_class"].to_list() == [None], "no date a year before"


def dynamics(stock: pl.DataFrame) -> dict[str, Any]:
    year = dates_apart(stock, 12, 45)
    parts = change_of_districts(stock, year, RULES, NOTHING_TOLD)
    told = change_by_area(stock, parts, year, "district")
    return with_dynamics(told, parts, year, "district", CHANGE).row(0, named=True)


def test_a_place_that_everybody_left_is_dynamic() -> None:
    stock = stock_rows(("p", A, D0, 1_000), ("p", A, date(2020, 8, 31), 0), series="irq_returnee")
    row = dynamics(stock)
    assert (row["dynamics_panel_share"], row["dynamics_class"]) == (-1.0, "dynamic")


def test_what_was_carried_forward_moves_no_dynamics() -> None:
    later = date(2020, 8, 31)
    stock = stock_rows(
        ("p", A, D0, 1_000), ("q", A, D0, 500), ("p", A, later, 2_000), ("q", A, later, 500), series="irq_returnee"
    )
    carried = pl.when((pl.col("place_id") == "p") & (pl.col("reference_date") == later)).then(pl.lit(D0))
    row = dynamics(stock.with_columns(carried_from=carried))
    assert (row["dynamics_panel_share"], row["dynamics_class"]) == (0.0, "stationary")


def test_the_comparable_panel_holds_only_what_every_date_lists() -> None:
    d2 = date(2019, 12, 31)
    stock = stock_rows(
        ("p", A, D0, 10), ("p", A, D1, 11), ("p", B, d2, 12), ("q", A, D0, 5), ("q", A, d2, 6), ("new", A, d2, 99)
    )
    told = comparable_panel(stock, 12, 45, "district")
    assert told.select("admin2_code", "reference_date", "households", "locations").rows() == [
        (B, D0, 10, 1),
        (B, D1, 11, 1),
        (B, d2, 12, 1),
    ], "a location stands where the newest date puts it"
