"""Breakdowns of the leading stocks of a country."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.core import BREAKDOWN, FINDING
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.breakdowns import complete_cells
from dtm_pipeline.domain.household_size import SizeRule, with_sizes


def breakdown_facts(
    stock: pl.DataFrame, cells: pl.DataFrame, rules: tuple[SizeRule, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells that sum to the stock of their location, and findings where they did not.

    Args:
        stock: core_dtm__stock of a country.
        cells: raw_dtm__master_list_cell of the same deliveries.
        rules: household-size rules.
    """
    leading = with_sizes(stock.filter(pl.col("leads") & (pl.col("admin_level") == 4)), rules)
    used = cells.join(leading.select("snapshot_id").unique(), on="snapshot_id", how="semi")
    parts = complete_cells(leading, used)
    gaps = (
        parts.filter((pl.col("gap") != 0) & (pl.col("category_code") == "unknown"))
        .unique(["snapshot_id", "source_sheet", "source_row", "dimension"])
        .with_columns(
            finding=pl.when(pl.col("gap") > 0).then(pl.lit("breakdown_gap")).otherwise(pl.lit("breakdown_exceeds")),
            sentence=pl.when(pl.col("gap") > 0)
            .then(
                pl.format(
                    "{}: {} {} of the location are in no category; they stand as unknown",
                    "dimension",
                    "gap",
                    "unit",
                )
            )
            .otherwise(
                pl.format(
                    "{}: the categories exceed the location's {} by {}; all stand as unknown",
                    "dimension",
                    "unit",
                    pl.col("gap").abs(),
                )
            ),
        )
    )
    return conform(parts, BREAKDOWN), conform(gaps.drop("individuals"), FINDING)
