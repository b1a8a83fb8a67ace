"""What changed from one release to the next, and why."""

from __future__ import annotations

from typing import Any

import polars as pl

from dtm_pipeline.contracts import table
from dtm_pipeline.domain.aggregate import known_sum


def table_changes(name: str, before: pl.DataFrame | None, after: pl.DataFrame) -> dict[str, int]:
    """Rows added, removed and changed, by the table's grain."""
    if before is None:
        return {"added": after.height, "removed": 0, "changed": 0}
    key = list(table(name).grain)
    measures = [c for c in after.columns if c not in key]
    old = before.select(*key, _old=pl.struct([c for c in measures if c in before.columns]).struct.json_encode())
    new = after.select(*key, _new=pl.struct([c for c in measures if c in before.columns]).struct.json_encode())
    both = new.join(old, on=key, how="full", nulls_equal=True, coalesce=True)
    return {
        "added": both.filter(pl.col("_old").is_null()).height,
        "removed": both.filter(pl.col("_new").is_null()).height,
        "changed": both.filter(pl.col("_old") != pl.col("_new")).height,
    }


def figures(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The country's figure of each stock series and date: series_id, reference_date, location_code, individuals."""
    stocks = [
        tables[f"out_dtm__governorate_{name}"].select(
            "location_code", "series_id", "population_group", "reference_date", individuals=f"{name}_individuals"
        )
        for name in ("idp", "returnee")
        if f"out_dtm__governorate_{name}" in tables
    ]
    if not stocks:
        return pl.DataFrame(
            schema={
                "location_code": pl.String,
                "series_id": pl.String,
                "population_group": pl.String,
                "reference_date": pl.Date,
                "individuals": pl.Int64,
            }
        )
    return (
        pl.concat(stocks)
        .group_by("location_code", "series_id", "population_group", "reference_date")
        .agg(known_sum("individuals"))
        .sort("series_id", "reference_date")
    )


def moved_figures(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Figures of the same series and date that are not what they were."""
    key = ["location_code", "series_id", "population_group", "reference_date"]
    both = figures(before).join(figures(after), on=key, how="full", suffix="_now", coalesce=True)
    moved = both.filter(pl.col("individuals").ne_missing(pl.col("individuals_now")) & pl.col("individuals").is_not_null())
    return [
        {
            "series_id": r["series_id"],
            "reference_date": r["reference_date"].isoformat(),
            "before": r["individuals"],
            "now": r["individuals_now"],
        }
        for r in moved.iter_rows(named=True)
    ]
