"""Stocks by origin, shelter and period. Method: docs/method/breakdowns.md.

The cells of a location sum to its stock; what no cell accounts for is `unknown`, never a silent gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.aggregate import complete_sum, one_or_mixed
from dtm_pipeline.domain.stocks import AREA_CODES, SERIES_KEY, names_and_basis

ROW = ("snapshot_id", "source_sheet", "source_row")
UNKNOWN = "unknown"
WITHHELD = "withheld"


@dataclass(frozen=True)
class SmallCells:
    """Below which a cell is held back (domain.md, protection of people)."""

    households: int
    individuals: int
    locations: int


def complete_cells(stock: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The cells of each leading location and dimension, made to sum to its stock.

    What is missing becomes `unknown`. Where cells exceed the stock none of them can be believed, and the whole
    stock is `unknown`. (In four real lists of 9,754 rows neither happens once repeated headers are dropped.)

    Args:
        stock: leading location rows: ROW, households, individuals, individuals_basis, size_in_camp,
            size_out_of_camp.
        cells: rows of raw_dtm__master_list_cell: ROW, dimension, category_code, unit, value.

    Returns:
        ROW, dimension, category_code, unit, households, individuals with their bases, and `gap`: the stock minus
        the sum of the cells, in their unit.
    """
    columns = ["households", "individuals", "individuals_basis", "size_in_camp", "size_out_of_camp"]
    told = cells.select("snapshot_id", "dimension", "unit").unique()
    sums = cells.group_by(*ROW, "dimension").agg(counted=pl.col("value").sum())
    by_households = pl.col("unit") == "households"
    spine = (
        stock.select(*ROW, *columns)
        .join(told, on="snapshot_id")
        .join(sums, on=[*ROW, "dimension"], how="left", nulls_equal=True)
        .with_columns(whole=pl.when(by_households).then("households").otherwise("individuals"))
        .with_columns(gap=pl.col("whole") - pl.col("counted").fill_null(0))
    )
    believed = spine.filter(pl.col("gap").is_null() | (pl.col("gap") >= 0))
    parts = believed.join(cells.drop("unit"), on=[*ROW, "dimension"], nulls_equal=True).filter(pl.col("value") > 0)
    rest = spine.filter(pl.col("gap") != 0).with_columns(
        category_code=pl.lit(UNKNOWN), value=pl.when(pl.col("gap") > 0).then("gap").otherwise("whole")
    )
    narrow = [*ROW, "dimension", "category_code", "unit", "value", "gap", *columns]
    return (
        pl.concat([parts.select(narrow), rest.select(narrow)])
        .with_columns(people=pl.when(by_households).then(pl.col("value") * _persons_a_household()).otherwise("value"))
        .select(
            *ROW,
            "dimension",
            "category_code",
            "unit",
            "gap",
            households=pl.when(by_households).then("value"),
            households_basis=pl.when(by_households).then(pl.lit("counted")),
            individuals="people",
            individuals_basis=pl.when(pl.col("people").is_not_null()).then(
                pl.when(by_households).then(pl.lit("rule")).otherwise(pl.lit("provider"))
            ),
        )
    )


def cells_by_area(cells: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Cells of locations summed by district, with the number of locations that each rests on.

    Args:
        cells: as complete_cells gives them.
        places: ROW, series, date and place columns of the same locations.
    """
    area = [*SERIES_KEY, *AREA_CODES["district"], "dimension", "category_code"]
    return (
        cells.join(places, on=list(ROW), nulls_equal=True)
        .group_by(area)
        .agg(*names_and_basis("district"), *_sums(), locations=pl.struct(ROW).n_unique().cast(pl.Int64))
    )


def _sums() -> list[pl.Expr]:
    """Sums of cells: unknown as soon as one is, so that a part never passes for the whole."""
    return [
        complete_sum("households"),
        pl.col("households_basis").drop_nulls().first(),
        complete_sum("individuals"),
        one_or_mixed("individuals_basis"),
    ]


def _persons_a_household() -> pl.Expr:
    """Size for a cell: by its shelter where that is the dimension, else the location's own where it has one."""
    own = pl.col("individuals") // pl.col("households")
    whole_number = pl.col("individuals") == own * pl.col("households")
    of_shelter = pl.when(pl.col("category_code") == "camp").then("size_in_camp").otherwise("size_out_of_camp")
    one_size = pl.when((pl.col("households") > 0) & whole_number).then(own)
    follows_rule = pl.col("individuals_basis") == "rule"
    return (
        pl.when(pl.col("dimension") == "shelter")
        .then(pl.when(follows_rule & (pl.col("category_code") != UNKNOWN)).then(of_shelter).otherwise(one_size))
        .otherwise(one_size)
    )


def breakdown_by_area(breakdown: pl.DataFrame, level: str, dimension: str, small: SmallCells) -> pl.DataFrame:
    """Cells of each area; small ones pooled in `withheld`, so that the cells still sum to the stock.

    A cell is small below `small.households` households (or `small.individuals` persons, where only persons are
    known) or on fewer than `small.locations` locations. A pool of one cell would tell that cell, so the next
    smallest joins it.

    Args:
        breakdown: rows of core_dtm__breakdown.
        level: `governorate` or `district`.
        dimension: `origin`, `shelter` or `period`.
    """
    area = [*SERIES_KEY, *AREA_CODES[level]]
    cells = (
        breakdown.filter(pl.col("dimension") == dimension)
        .group_by(*area, "category_code")
        .agg(*names_and_basis(level), *_sums(), pl.col("locations").sum())
    )
    size = pl.coalesce("households", "individuals")
    few = (
        pl.when(pl.col("households").is_not_null())
        .then(pl.col("households") < small.households)
        .otherwise(pl.col("individuals") < small.individuals)
    ) | (pl.col("locations") < small.locations)
    order = pl.struct(~pl.col("small"), size, "category_code").rank("ordinal").over(area)
    marked = cells.with_columns(small=few).with_columns(order=order, small_cells=pl.col("small").sum().over(area))
    pooled = pl.col("small") | ((pl.col("small_cells") == 1) & (pl.col("order") == 2))
    return (
        marked.with_columns(withheld=pooled)
        .with_columns(category_code=pl.when("withheld").then(pl.lit(WITHHELD)).otherwise("category_code"))
        .group_by(*area, "category_code")
        .agg(*names_and_basis(level), *_sums(), pl.col("withheld").any())
        .with_columns(share_denominator=size.sum().over(area))
        .with_columns(share=size / pl.col("share_denominator"))
        .sort(*area, "category_code")
    )
