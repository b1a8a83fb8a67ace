"""Stocks by origin, shelter, period, reason, and sex and age. Method: docs/method/breakdowns.md.

The cells of a location sum to its stock; what no cell accounts for is `unknown`, never a silent gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.aggregate import complete_sum, known_sum, numbered, one_or_mixed
from dtm_pipeline.domain.stocks import AREA_CODES, LOCATION_LEVEL, SERIES_KEY, names_and_basis

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
        stock: leading rows: ROW, series_id, reference_date, households, individuals, individuals_basis, size_in_camp,
            size_out_of_camp.
        cells: rows of raw_dtm__master_list_cell: ROW, dimension, category_code, unit, value.

    Returns:
        ROW, dimension, category_code, unit, households, individuals with their bases, and `gap`: the stock minus
        the sum of the cells, in their unit.
    """
    columns = ["households", "individuals", "individuals_basis", "size_in_camp", "size_out_of_camp"]
    # what a delivery tells of a date it tells of all rows of that date
    dated = ["snapshot_id", "series_id", "reference_date"]
    told = (
        cells.select(*ROW, "dimension", "unit")
        .join(stock.select(*ROW, *dated[1:]), on=list(ROW), nulls_equal=True)
        .select(*dated, "dimension", "unit")
        .unique()
    )
    sums = cells.group_by(*ROW, "dimension").agg(counted=pl.col("value").sum())
    by_households = pl.col("unit") == "households"
    spine = (
        stock.select(*ROW, *dated[1:], *columns)
        .join(told, on=dated)
        .drop(dated[1:])
        .join(sums, on=[*ROW, "dimension"], how="left", nulls_equal=True)
        .with_columns(whole=pl.when(by_households).then("households").otherwise("individuals"))
        .with_columns(gap=pl.col("whole") - pl.col("counted").fill_null(0))
    )
    # of a location whose stock is not known in the unit of its cells, the whole is unknown: nothing says what they sum to
    believed = spine.filter(pl.col("gap") >= 0)
    parts = believed.join(cells.drop("unit"), on=[*ROW, "dimension"], nulls_equal=True).filter(pl.col("value") > 0)
    rest = spine.filter((pl.col("gap") != 0) | pl.col("whole").is_null()).with_columns(
        category_code=pl.lit(UNKNOWN), value=pl.when(pl.col("gap") > 0).then("gap").otherwise("whole")
    )
    narrow = [*ROW, "dimension", "category_code", "unit", "value", "gap", "whole", *columns]
    return (
        pl.concat([parts.select(narrow), rest.select(narrow)])
        .with_columns(
            people=pl.when(pl.col("whole").is_null())
            .then("individuals")
            .when(by_households)
            .then((pl.col("value") * _persons_a_household()).round(0).cast(pl.Int64))
            .otherwise("value")
        )
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
        places: ROW, admin_level, series, date and place columns of the same rows.
    """
    area = [*SERIES_KEY, *AREA_CODES["district"], "dimension", "category_code"]
    # rows of areas tell nothing of how many locations stand behind them
    listed = (pl.col("admin_level") == LOCATION_LEVEL).all()
    return (
        cells.join(places, on=list(ROW), nulls_equal=True)
        .group_by(area)
        .agg(
            *names_and_basis("district"),
            *_sums(),
            locations=pl.when(listed).then(pl.struct(ROW).n_unique().cast(pl.Int64)),
        )
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
    # people of cells by a broken size would not sum to those of the location
    of_shelter = pl.when(of_shelter == of_shelter.round(0)).then(of_shelter)
    one_size = pl.when((pl.col("households") > 0) & whole_number).then(own)
    follows_rule = pl.col("individuals_basis") == "rule"
    return (
        pl.when(pl.col("dimension") == "shelter")
        .then(pl.when(follows_rule & (pl.col("category_code") != UNKNOWN)).then(of_shelter).otherwise(one_size))
        .otherwise(one_size)
    )


def breakdown_by_area(breakdown: pl.DataFrame, level: str, small: SmallCells) -> pl.DataFrame:
    """Cells of each area and dimension; small ones pooled in `withheld`, so that the cells still sum to the stock.

    A cell is small below `small.households` households (or `small.individuals` persons, where only persons are
    known) or on fewer than `small.locations` locations. A pool of one cell would tell that cell, and one below
    those counts is small itself: the next smallest join it until it is neither, as long as there are any.

    Args:
        breakdown: rows of core_dtm__breakdown.
        level: `governorate` or `district`.
    """
    area = ["dimension", *SERIES_KEY, *AREA_CODES[level]]
    rows, areas = numbered(breakdown, area, "_area")
    cells = rows.group_by("_area", "category_code").agg(*_sums(), known_sum("locations"))
    # one unit for the cells of an area: households where every cell has them
    cells = cells.with_columns(_counts_households=pl.col("households").is_not_null().all().over("_area"))
    size = pl.when("_counts_households").then("households").otherwise("individuals")
    least = pl.when("_counts_households").then(small.households).otherwise(small.individuals)
    few = (size < least) | (pl.col("locations") < small.locations).fill_null(False)
    ranked = (
        cells.with_columns(small=few)
        .sort("_area", ~pl.col("small"), size, "category_code", nulls_last=True)
        .with_columns(
            any_small=pl.col("small").any().over("_area"),
            before=pl.int_range(pl.len()).over("_area"),
            size_before=(size.cum_sum() - size).over("_area"),
            share_denominator=size.sum().over("_area"),
        )
    )
    joins_the_pool = pl.col("any_small") & ((pl.col("before") == 1) | (pl.col("size_before") < least))
    marked = ranked.with_columns(withheld=pl.col("small") | joins_the_pool)
    pools = (
        marked.filter("withheld")
        .group_by("_area")
        .agg(*_sums(), pl.col("share_denominator", "_counts_households").first())
        .with_columns(category_code=pl.lit(WITHHELD), withheld=pl.lit(True))
    )
    shown = marked.filter(~pl.col("withheld")).select(pools.columns)
    labels = rows.group_by("_area").agg(names_and_basis(level))
    return (
        pl.concat([shown, pools])
        .with_columns(share=size / pl.col("share_denominator"))
        .sort("_area", "category_code")
        .join(areas.join(labels, on="_area"), on="_area", maintain_order="left")
        .drop("_area", "_counts_households")
    )
