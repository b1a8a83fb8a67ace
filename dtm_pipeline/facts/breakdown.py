"""Breakdowns of the leading stocks of a country."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from dtm_pipeline.contracts.core import BREAKDOWN, FINDING, PLACE, SERIES
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.breakdowns import ROW, UNKNOWN, cells_by_area, complete_cells
from dtm_pipeline.domain.household_size import SizeRule, with_sizes

PLACES = [*ROW, *(c.name for c in (*SERIES, *PLACE))]


def breakdown_facts(
    stock: pl.DataFrame, deliveries: Iterable[pl.DataFrame], rules: tuple[SizeRule, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parts of the stock of each district, and findings where the cells of a location do not sum to its stock.

    Args:
        stock: core_dtm__stock of a country.
        deliveries: raw_dtm__master_list_cell, a frame a delivery: memory grows with the largest of them.
        rules: household-size rules.
    """
    leading = with_sizes(stock.filter(pl.col("leads") & (pl.col("admin_level") == 4)), rules)
    areas, gaps = [empty(BREAKDOWN)], [empty(FINDING)]
    for cells in deliveries:
        mine = leading.join(cells.select("snapshot_id").unique(), on="snapshot_id", how="semi")
        if mine.is_empty():
            continue
        parts = complete_cells(mine, cells)
        areas.append(conform(cells_by_area(parts, mine.select(PLACES)), BREAKDOWN))
        gaps.append(_gaps(parts, mine.select(*ROW, "location_code")))
    return pl.concat(areas), pl.concat(gaps)


def _gaps(parts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    missing = pl.format(
        "{}: {} {} of the location are in no category; they stand as unknown", "dimension", "gap", "unit"
    )
    exceeding = pl.format(
        "{}: the categories exceed the location's {} by {}; all stand as unknown",
        "dimension",
        "unit",
        pl.col("gap").abs(),
    )
    found = (
        parts.filter((pl.col("gap") != 0) & (pl.col("category_code") == UNKNOWN))
        .unique([*ROW, "dimension"])
        .join(rows, on=list(ROW), nulls_equal=True)
        .with_columns(
            finding=pl.when(pl.col("gap") > 0).then(pl.lit("breakdown_gap")).otherwise(pl.lit("breakdown_exceeds")),
            sentence=pl.when(pl.col("gap") > 0).then(missing).otherwise(exceeding),
        )
    )
    return conform(found.drop("individuals"), FINDING)
