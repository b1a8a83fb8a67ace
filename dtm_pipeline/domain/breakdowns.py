"""Stocks by origin, shelter, period, reason, and sex and age. Method: docs/method/breakdowns.md.

The cells of a location sum to its stock; what no cell accounts for is `unknown`, never a silent gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.aggregate import (
    as_ends,
    complete_sum,
    ends,
    known_sum,
    numbered,
    numbered_runs,
    one_or_mixed,
    run_starts,
    with_joined_texts,
)
from dtm_pipeline.domain.stocks import AREA_CODES, AREA_NAMES, LOCATION_LEVEL, SERIES_KEY, names_and_basis

UNKNOWN = "unknown"
WITHHELD = "withheld"
EDITION = {"boundary_edition": "; "}
LABELS = (*AREA_NAMES["district"], "place_basis", *EDITION)
MEASURES = ("households", "households_basis", "individuals", "individuals_basis", "locations")


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
    told = dimensions_told(stock, cells)
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


def dimensions_told(stock: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """What each delivery tells of a date: snapshot_id, series_id, reference_date, dimension, unit.

    Arguments are those of complete_cells.
    """
    dated = ["series_id", "reference_date"]
    return (
        cells.select(*ROW, "dimension", "unit")
        .join(stock.select(*ROW, *dated), on=list(ROW), nulls_equal=True)
        .select("snapshot_id", *dated, "dimension", "unit")
        .unique()
    )


def untold_cells(stock: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The whole stock of rows as `unknown`, in dimensions that other deliveries of their date tell and theirs does not.

    Args:
        stock: leading rows, as complete_cells asks for them.
        told: as dimensions_told gives it, of all deliveries.

    Returns:
        As complete_cells gives them, with series_id and reference_date.
    """
    dated = ["series_id", "reference_date", "dimension"]
    asked = told.group_by(dated).agg(pl.col("unit").min())
    by_households = pl.col("unit") == "households"
    return (
        stock.join(asked, on=dated[:2])
        .join(told, on=["snapshot_id", *dated], how="anti")
        .with_columns(gap=pl.when(by_households).then("households").otherwise("individuals"))
        .select(
            *ROW,
            *dated,
            "unit",
            "gap",
            "individuals",
            category_code=pl.lit(UNKNOWN),
            households=pl.when(by_households).then("households"),
            households_basis=pl.when(by_households & pl.col("households").is_not_null()).then(pl.lit("counted")),
            individuals_basis=pl.when(pl.col("individuals").is_not_null()).then("individuals_basis"),
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


def with_additions(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells of districts, those that several deliveries of one date tell added up.

    Args:
        cells: as cells_by_area gives them, one delivery after the other.
    """
    area = [*SERIES_KEY, *AREA_CODES["district"], "dimension", "category_code"]
    repeated = pl.struct(area).is_duplicated()
    sums = [*names_and_basis("district"), *_sums(), complete_sum("locations")]
    several = cells.filter(repeated).group_by(area).agg(sums)
    return pl.concat([cells.filter(~repeated), several.select(cells.columns)])


def _sums() -> list[pl.Expr]:
    """Sums of cells: unknown as soon as one is, so that a part never passes for the whole."""
    return [
        complete_sum("households"),
        pl.col("households_basis").min(),
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
    those counts is small itself: the next smallest join it until it is neither, as long as there are any. A cell of
    which nobody knows how many it holds tells nobody, and stands with its null.

    Args:
        breakdown: rows of core_dtm__breakdown: cells of districts.
        level: `governorate` or `district`.
    """
    return breakdown_by_areas(breakdown, (level,), small)[level]


def breakdown_by_areas(breakdown: pl.DataFrame, levels: tuple[str, ...], small: SmallCells) -> dict[str, pl.DataFrame]:
    """The same for several levels, finest first.

    Arguments and tables are those of breakdown_by_area.
    """
    area = [*SERIES_KEY, *AREA_CODES["district"], "dimension"]
    # texts in their order with numbers beneath: what is grouped and sorted by them costs a half
    codes = pl.Enum(sorted({*breakdown["category_code"].unique(), WITHHELD}))
    told = breakdown.select(*area, *LABELS, pl.col("category_code").cast(codes), *MEASURES)
    rows, areas = numbered_runs(told, area, "_area")
    # within an area what it is called rarely changes from row to row
    called = rows.select("_area", *LABELS).filter(run_starts(rows, ["_area", *LABELS]))
    areas = _labelled(areas, called.with_columns(as_ends(EDITION)), "district")
    made = {}
    for level in levels:
        if level != "district":
            rows, areas = _of_larger_areas(rows, areas, level)
        pooled = _pooled(_added_up(rows.select("_area", "category_code", *MEASURES)), small)
        labels = with_joined_texts(areas, rows, ["_area"], EDITION)
        made[level] = pooled.join(labels, on="_area", maintain_order="left").drop("_area")
    return made


def _added_up(cells: pl.DataFrame) -> pl.DataFrame:
    """One row a cell, in order: rows of districts mostly are that already, as they lie on disk."""
    cell = pl.col("_area").cast(pl.UInt64) * 2**32 + pl.col("category_code").to_physical()
    if cells.select((cell > cell.shift(1)).all()).item():
        return cells
    sums = cells.lazy().group_by("_area", "category_code").agg(*_sums(), known_sum("locations")).collect()
    return sums.sort("_area", "category_code")


def _labelled(areas: pl.DataFrame, parts: pl.DataFrame, level: str) -> pl.DataFrame:
    """Numbered areas with the names, basis and editions of their parts."""
    names = (pl.col(c).min() for c in AREA_NAMES[level])
    labels = parts.group_by("_area").agg(*names, one_or_mixed("place_basis"), *ends(EDITION))
    return areas.join(labels, on="_area", maintain_order="left")


def _of_larger_areas(rows: pl.DataFrame, areas: pl.DataFrame, level: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with the number of their area of a level, and those areas."""
    smaller, larger = numbered(areas.drop("_area"), [*SERIES_KEY, *AREA_CODES[level], "dimension"], "_area")
    return rows.with_columns(smaller["_area"].gather(rows["_area"])), _labelled(larger, smaller, level)


def _pooled(cells: pl.DataFrame, small: SmallCells) -> pl.DataFrame:
    """Cells, which lie together by area, with their share; the small ones of each area as one behind the others."""
    marked = _with_withheld(_with_size(cells), small)
    pools = (
        marked.filter("withheld")
        .group_by("_area")
        .agg(*_sums(), complete_sum("_size"), pl.col("share_denominator").first())
        .with_columns(category_code=pl.lit(WITHHELD, cells.schema["category_code"]), withheld=pl.lit(True))
    )
    return (
        pl.concat([marked.filter(~pl.col("withheld")).select(pools.columns), pools])
        .sort("_area", maintain_order=True)
        .with_columns(pl.col("category_code").cast(pl.String), share=pl.col("_size") / pl.col("share_denominator"))
        .drop("_size")
    )


def _with_size(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells with `_size` in the one unit of their area, households where every cell has them, and the area's sum."""
    by_households = pl.col("households").is_not_null().all()
    wholes = cells.group_by("_area").agg(
        _by_households=by_households,
        share_denominator=pl.when(by_households)
        .then(pl.col("households").sum())
        .otherwise(pl.col("individuals").sum()),
    )
    return cells.join(wholes, on="_area", maintain_order="left").with_columns(
        _size=pl.when("_by_households").then("households").otherwise("individuals")
    )


def _with_withheld(cells: pl.DataFrame, small: SmallCells) -> pl.DataFrame:
    """Cells with `withheld`: the small ones, and in areas whose pool would tell too much the next smallest."""
    least = pl.when("_by_households").then(small.households).otherwise(small.individuals)
    # in an area of mixed units a cell may be small in the other unit alone
    few = (
        (pl.col("_size") < least)
        | (pl.col("households") < small.households)
        | (pl.col("households").is_null() & (pl.col("individuals") < small.individuals))
        | (pl.col("locations") < small.locations)
    ).fill_null(False)
    counted = pl.any_horizontal(pl.col("households", "individuals").is_not_null())
    marked = cells.select("_area", "category_code", "_size", _least=least, _held=few & counted).with_row_index("_cell")
    held = marked.filter("_held")
    pools = held.group_by("_area").agg(_cells=pl.len(), _people=pl.col("_size").sum(), _least=pl.col("_least").first())
    short = pools.filter((pl.col("_cells") == 1) | (pl.col("_people") < pl.col("_least"))).drop("_least")
    joining = (
        marked.join(short, on="_area")
        .filter(~pl.col("_held") & pl.col("_size").is_not_null())
        .sort("_area", "_size", "category_code")
        # how many cells and people the pool holds before this one: sums along the whole, less those up to the area
        .with_columns(_nth=pl.int_range(pl.len()), _before=pl.col("_size").cum_sum() - pl.col("_size"))
        .with_columns(
            pl.col("_cells") + pl.col("_nth") - pl.col("_nth").min().over("_area"),
            pl.col("_people") + pl.col("_before") - pl.col("_before").min().over("_area"),
        )
        .filter((pl.col("_cells") == 1) | (pl.col("_people") < pl.col("_least")))
    )
    withheld = pl.concat([held["_cell"], joining["_cell"]])
    return cells.with_columns(withheld=marked["_cell"].is_in(withheld.implode()))
