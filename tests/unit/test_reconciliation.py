"""The difference from a figure of others is told in parts that sum to it, and neither figure is changed."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.domain.reconciliation import PARTS, ReconciliationRules, reconcile
from tests.histories import RULES, stock_rows

A, B = "IQG01Q01", "IQG15Q05"
D0, D1 = date(2019, 8, 1), date(2019, 8, 31)
NEAREST, BETWEEN = ReconciliationRules("nearest", 92), ReconciliationRules("interpolated", 92)


def theirs(*told: dict[str, Any]) -> pl.DataFrame:
    base = {
        "series_id": "irq_idp", "other_source": "government_registration", "other_provider": "Ministry", "population_group": "idp",
        "other_reference_date": D1, "location_code": "IRQ", "admin1_code": None, "admin2_code": None, "households": None,
        "individuals": None, "definition": "all", "cumulative": False,
    }  # fmt: skip
    types = {"households": pl.Int64, "individuals": pl.Int64, "admin1_code": pl.String, "admin2_code": pl.String}
    return pl.DataFrame([{**base, **t} for t in told], schema_overrides=types)


def one(ours: pl.DataFrame, other: pl.DataFrame, rules: ReconciliationRules = BETWEEN) -> dict[str, Any]:
    return reconcile(ours, other, RULES, rules).row(0, named=True)


def parts(row: dict[str, Any]) -> dict[str, int]:
    told = {p: row[p] for p in (*PARTS, "residual") if row[p] != 0}
    assert sum(told.values()) == row["ours"] - row["theirs"]
    return told


OURS = stock_rows(("p", A, D1, 100), ("q", B, D1, 50))


def test_the_same_figure_has_no_difference() -> None:
    assert parts(one(OURS, theirs({"individuals": 900}))) == {}


def test_what_nothing_explains_is_the_residual() -> None:
    assert parts(one(OURS, theirs({"individuals": 930}))) == {"residual": -30}


def test_a_figure_in_households_differs_by_its_unit() -> None:
    row = one(OURS, theirs({"households": 150}))
    assert (row["theirs"], row["theirs_unit"]) == (150, "households")
    assert parts(row) == {"unit": 750}


def test_a_figure_of_another_household_size_differs_by_the_rule() -> None:
    assert parts(one(OURS, theirs({"households": 150, "individuals": 750}))) == {"size_rule": 150}


def test_a_figure_of_fewer_areas_differs_by_coverage() -> None:
    assert parts(one(OURS, theirs({"admin1_code": "IQG01", "individuals": 600}))) == {"coverage": 300}
    assert parts(one(OURS, theirs({"admin1_code": "IQG01", "admin2_code": A, "individuals": 610}))) == {
        "coverage": 300,
        "residual": -10,
    }


def test_a_figure_of_another_day_differs_by_the_date() -> None:
    ours = pl.concat([stock_rows(("p", A, D0, 100)), stock_rows(("p", A, D1, 160))])
    middle = theirs({"other_reference_date": date(2019, 8, 16), "individuals": 780})
    row = one(ours, middle)
    assert (row["reference_date"], row["ours"]) == (D0, 600)
    assert parts(row) == {"date": -180}
    assert parts(one(ours, middle, NEAREST)) == {"residual": -180}


def test_a_list_of_camps_differs_by_definition() -> None:
    ours = pl.concat([stock_rows(("p", A, D1, 100)), stock_rows(("c", A, D1, 10), camp=10)])
    row = one(ours, theirs({"individuals": 66, "definition": "camps"}))
    assert parts(row) == {"definition": 600, "residual": -6}


def test_a_count_from_a_beginning_is_no_stock_and_is_not_split() -> None:
    row = one(OURS, theirs({"individuals": 5_000, "cumulative": True}))
    assert (row["ours"], row["theirs"]) == (900, 5_000)
    assert {row[p] for p in (*PARTS, "residual")} == {None}


def test_figures_too_far_apart_in_time_are_not_compared() -> None:
    assert reconcile(
        OURS, theirs({"other_reference_date": date(2021, 1, 1), "individuals": 1}), RULES, BETWEEN
    ).is_empty()


def test_nothing_to_compare_is_no_row() -> None:
    nobody = theirs({"individuals": 1}).clear()
    assert reconcile(OURS, nobody, RULES, BETWEEN).is_empty()
    assert reconcile(OURS.clear(), theirs({"individuals": 1}), RULES, BETWEEN).is_empty()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=2),
    st.none() | st.integers(0, 900),
    st.none() | st.integers(0, 6_000),
    st.sampled_from([None, A, B]),
    st.integers(0, 60),
    st.sampled_from(["all", "camps"]),
)
def test_the_parts_sum_to_the_difference_whatever_the_figures(
    people: list[int], households: int | None, individuals: int | None, district: str | None, days: int, definition: str
) -> None:
    if households is None and individuals is None:
        return
    ours = pl.concat([stock_rows(("p", A, D0, people[0])), stock_rows(("p", A, D1, people[1]), ("q", B, D1, 7))])
    day = date.fromordinal(D0.toordinal() + days)
    other = theirs({"households": households, "individuals": individuals, "admin2_code": district, "definition": definition, "other_reference_date": day})  # fmt: skip
    row = one(ours, other)
    if row["residual"] is not None:
        assert sum(row[p] for p in (*PARTS, "residual")) == row["ours"] - row["theirs"]
    else:
        assert row["ours"] == 0, "only a share of nobody is unknown"


@pytest.mark.parametrize("rules", [NEAREST, BETWEEN])
def test_the_method_of_dates_is_told(rules: ReconciliationRules) -> None:
    assert one(OURS, theirs({"individuals": 900}), rules)["date_method"] == "same_date"
    other = theirs({"individuals": 900, "other_reference_date": date(2019, 9, 3)})
    assert one(OURS, other, rules)["date_method"] == rules.date_method


def test_people_whose_district_is_not_known_are_in_one_that_the_other_source_gives() -> None:
    lost = stock_rows(("r", A, D1, 11)).with_columns(admin2_code=pl.lit(None, pl.String))
    told = theirs(
        {"admin1_code": "IQG01", "admin2_code": A, "individuals": 666},
        {"admin1_code": "IQG15", "admin2_code": B, "individuals": 300},
    )
    assert parts(one(pl.concat([OURS, lost]), told)) == {}


def test_the_same_figure_in_camps_and_elsewhere_has_no_difference_of_size() -> None:
    late = date(2020, 10, 31)
    ours = pl.concat([stock_rows(("c", A, late, 100), camp=100), stock_rows(("p", A, late, 100))])
    told = {"other_reference_date": late, "households": 200}
    assert parts(one(ours, theirs({**told, "individuals": 1_100}))) == {}
    assert parts(one(ours, theirs(told))) == {"unit": 900}


def test_a_date_of_ours_beyond_the_limit_is_not_interpolated_with() -> None:
    ours = pl.concat([stock_rows(("p", A, D0, 100)), stock_rows(("p", A, date(2020, 7, 1), 1_000))])
    assert parts(one(ours, theirs({"other_reference_date": date(2019, 9, 30), "individuals": 600}))) == {}


def test_of_a_figure_of_ours_that_is_partly_unknown_nothing_is_told_in_parts() -> None:
    ours = pl.concat([OURS, stock_rows(("r", "IQG02Q01", D1, None))])
    row = one(ours, theirs({"individuals": 1_200}))
    assert (row["ours"], row["theirs"], row["residual"]) == (900, 1_200, None)


def test_one_row_of_theirs_without_a_place_does_not_make_them_the_whole_country() -> None:
    told = theirs({"admin1_code": "IQG01", "individuals": 590}, {"individuals": 10})
    assert parts(one(OURS, told)) == {"coverage": 300}
