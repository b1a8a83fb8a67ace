"""Cells sum to the stock of their location, and small ones are withheld without being told."""

from __future__ import annotations

from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.contracts.core import BREAKDOWN
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.breakdowns import SmallCells, breakdown_by_area, cells_by_area, complete_cells

SMALL = SmallCells(households=5, individuals=30, locations=3)
DAY = date(2019, 8, 31)


def stock(households: list[int]) -> pl.DataFrame:
    count = len(households)
    return pl.DataFrame(
        {
            "snapshot_id": ["s"] * count,
            "source_sheet": [None] * count,
            "source_row": list(range(1, count + 1)),
            "admin_level": [4] * count,
            "series_id": ["irq_idp"] * count,
            "population_group": ["idp"] * count,
            "reference_date": [DAY] * count,
            "location_code": ["IRQ"] * count,
            "admin1_code": ["IQG01"] * count,
            "admin1_name": ["Al-Anbar"] * count,
            "admin1_name_local": [None] * count,
            "admin2_code": ["IQG01Q01"] * count,
            "admin2_name": ["Al-Falluja"] * count,
            "admin2_name_local": [None] * count,
            "place_basis": ["name"] * count,
            "boundary_edition": ["cod"] * count,
            "households": households,
            "individuals": [h * 6 for h in households],
            "individuals_basis": ["rule"] * count,
            "size_in_camp": [6] * count,
            "size_out_of_camp": [6] * count,
        },
        schema_overrides={
            "source_sheet": pl.String,
            "admin1_name_local": pl.String,
            "admin2_name_local": pl.String,
            "households": pl.Int64,
        },
    )


def cells(told: list[tuple[int, str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [("s", None, row, "origin", code, "households", value) for row, code, value in told],
        schema={
            "snapshot_id": pl.String,
            "source_sheet": pl.String,
            "source_row": pl.Int64,
            "dimension": pl.String,
            "category_code": pl.String,
            "unit": pl.String,
            "value": pl.Int64,
        },
        orient="row",
    )


def by_area(complete: pl.DataFrame, households: list[int]) -> pl.DataFrame:
    places = stock(households).drop(
        "households", "individuals", "individuals_basis", "size_in_camp", "size_out_of_camp"
    )
    return breakdown_by_area(cells_by_area(complete, places), "district", SMALL)


lists = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.dictionaries(st.sampled_from(["IQG01", "IQG08", "IQG15", "IQG16"]), st.integers(0, 30), max_size=4),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(lists)
def test_whatever_a_list_says_the_cells_of_a_location_and_of_an_area_sum_to_the_stock(
    told: list[tuple[int, dict[str, int]]],
) -> None:
    households = [h for h, _ in told]
    given_cells = [
        (row, code, value) for row, (_, parts) in enumerate(told, start=1) for code, value in parts.items() if value > 0
    ]
    if not given_cells:
        given_cells = [(1, "IQG01", households[0])]
    complete = complete_cells(stock(households), cells(given_cells))
    per_location = (
        complete.group_by("source_row").agg(pl.col("households").sum(), pl.col("individuals").sum()).sort("source_row")
    )
    assert per_location["households"].to_list() == households
    assert per_location["individuals"].to_list() == [h * 6 for h in households]
    area = by_area(complete, households)
    assert area["households"].sum() == sum(households)
    assert abs(area["share"].sum() - 1) < 1e-9
    visible = area.filter(~pl.col("withheld"))
    assert (visible["households"] >= SMALL.households).all()
    pool = area.filter("withheld")["households"]
    categories = complete["category_code"].n_unique()
    if not pool.is_empty() and not visible.is_empty():
        assert categories - visible.height >= 2, "a pool of one cell would tell it"
        assert pool.item() >= SMALL.households, "a pool that is small itself would tell its cells"


def test_cells_that_exceed_the_stock_are_all_unknown() -> None:
    complete = complete_cells(stock([10]), cells([(1, "IQG01", 7), (1, "IQG15", 8)]))
    assert complete.select("category_code", "households", "gap").rows() == [("unknown", 10, -5)]


def test_a_single_small_cell_is_pooled_with_the_next_so_that_the_pool_does_not_tell_it() -> None:
    told = [(row, code, value) for row in (1, 2, 3) for code, value in (("IQG01", 20), ("IQG15", 10), ("IQG08", 1))]
    area = by_area(complete_cells(stock([31, 31, 31]), cells(told)), [31, 31, 31])
    assert area.select("category_code", "households", "withheld").rows() == [
        ("IQG01", 60, False),
        ("withheld", 33, True),
    ]


def test_a_cell_on_two_locations_is_withheld_however_many_people_it_holds() -> None:
    told = [
        (1, "IQG15", 500),
        (2, "IQG15", 500),
        (3, "IQG01", 40),
        (4, "IQG01", 40),
        (5, "IQG01", 40),
        (3, "IQG08", 1),
        (4, "IQG08", 1),
    ]
    area = by_area(complete_cells(stock([500, 500, 41, 41, 40]), cells(told)), [500, 500, 41, 41, 40])
    assert area.filter(~pl.col("withheld"))["category_code"].to_list() == ["IQG01"]
    assert area.filter("withheld")["households"].to_list() == [1002]


def test_a_pool_that_is_small_itself_takes_the_next_cell_too() -> None:
    told = [(row, code, value) for row in (1, 2, 3) for code, value in (("IQG01", 20), ("IQG15", 4))]
    told += [(1, "IQG08", 1), (2, "IQG16", 1)]
    area = by_area(complete_cells(stock([25, 25, 24]), cells(told)), [25, 25, 24])
    assert area.select("category_code", "households").rows() == [("IQG01", 60), ("withheld", 14)]


def test_people_of_a_row_whose_households_are_unknown_are_unknown_and_not_lost() -> None:
    rows = stock([10, 10]).with_columns(households=pl.when(pl.col("source_row") == 1).then("households"))
    complete = complete_cells(rows, cells([(1, "IQG15", 10), (2, "IQG15", 10)]))
    assert complete.filter(source_row=2).select("category_code", "households", "individuals").rows() == [
        ("unknown", None, 60)
    ]


def test_cells_by_a_broken_size_have_no_people_of_their_own() -> None:
    rows = stock([12]).with_columns(
        individuals=pl.lit(46, pl.Int64), size_in_camp=pl.lit(3.8), size_out_of_camp=pl.lit(3.8)
    )
    made = complete_cells(rows, cells([(1, "camp", 3), (1, "school", 9)]).with_columns(dimension=pl.lit("shelter")))
    assert made["individuals"].to_list() == [None, None], "rounded cell by cell they would not sum to the stock"


def told_cells(*told: tuple[str, str, int | None, int | None, int]) -> pl.DataFrame:
    """Rows of core_dtm__breakdown: district, category, households, individuals, locations."""
    frame = pl.DataFrame(
        told, schema=["admin2_code", "category_code", "households", "individuals", "locations"], orient="row"
    )
    return conform(
        frame.with_columns(
            series_id=pl.lit("irq_idp"),
            population_group=pl.lit("idp"),
            reference_date=pl.lit(DAY),
            location_code=pl.lit("IRQ"),
            admin1_code=pl.col("admin2_code").str.head(5),
            admin2_name="admin2_code",
            dimension=pl.lit("shelter"),
        ),
        BREAKDOWN,
    )


@pytest.mark.parametrize("level", ["district", "governorate"])
def test_a_cell_of_unknown_people_stands_with_nulls_and_is_not_lost(level: str) -> None:
    area = breakdown_by_area(
        told_cells(("IQG01Q01", "camp", None, 100, 5), ("IQG01Q01", "unknown", None, None, 1)), level, SMALL
    )
    assert area.select("category_code", "individuals", "share", "share_denominator").rows() == [
        ("camp", 100, 1.0, 100),
        ("unknown", None, None, 100),
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["IQG01Q01", "IQG01Q02", "IQG02Q01"]),
            st.sampled_from(["camp", "school", "rented", "unknown", "mosque"]),
            st.one_of(st.none(), st.integers(1, 40)),
            st.one_of(st.none(), st.integers(1, 200)),
            st.integers(1, 6),
        ),
        min_size=1,
    ),
    st.randoms(),
)
def test_cells_add_up_in_any_order_and_none_gets_lost(
    told: list[tuple[str, str, int | None, int | None, int]], chance: Random
) -> None:
    key = ["admin1_code", "admin2_code", "category_code"]
    mixed = list(told)
    chance.shuffle(mixed)
    for level in ("district", "governorate"):
        one, other = (breakdown_by_area(told_cells(*rows), level, SMALL) for rows in (told, mixed))
        by = [k for k in key if k in one.columns]
        assert one.sort(by).equals(other.sort(by))
        for unit, place in (("households", 2), ("individuals", 3)):
            if all(cell[place] is not None for cell in told):
                assert one[unit].sum() == sum(cell[place] or 0 for cell in told)
        if not one["withheld"].any():
            assert set(one["category_code"]) == {cell[1] for cell in told}


def test_a_small_cell_is_held_in_an_area_of_mixed_units_too() -> None:
    told = told_cells(
        ("IQG01Q01", "camp", None, 400, 5),
        ("IQG01Q01", "school", 3, None, 5),
        ("IQG01Q01", "mosque", 40, None, 5),
        ("IQG01Q01", "rented", 60, 240, 5),
    )
    area = breakdown_by_area(told, "district", SMALL)
    assert "school" not in area["category_code"].to_list()
    assert area.filter("withheld").select("households", "individuals", "share").rows() == [(63, None, None)]
