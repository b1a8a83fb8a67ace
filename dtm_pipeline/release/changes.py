"""What changed from one release to the next, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.contracts import table
from dtm_pipeline.domain.aggregate import known_sum


def table_changes(pairs: dict[str, tuple[Path | None, Path]]) -> dict[str, dict[str, int]]:
    """Rows added, removed and changed between two released files of each table, by its grain.

    DuckDB joins the files where they lie; nulls in the grain (a district that is not known) match each other. It is
    opened once: that costs more than most of the joins.

    Args:
        pairs: of each table its file before (None where it had none) and its file now.
    """
    import duckdb

    # nothing of a home spills into the folder that somebody works in
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        return {name: _changed_rows(connection, name, before, after) for name, (before, after) in pairs.items()}


def _changed_rows(connection: Any, name: str, before: Path | None, after: Path) -> dict[str, int]:
    if before is None:
        rows = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(after)]).fetchone()
        return {"added": rows[0] if rows else 0, "removed": 0, "changed": 0}
    key = " AND ".join(f'a."{c}" IS NOT DISTINCT FROM b."{c}"' for c in table(name).grain)
    query = f"""
        SELECT count(*) FILTER (NOT coalesce(b.present, false)),
               count(*) FILTER (NOT coalesce(a.present, false)),
               count(*) FILTER (a.present AND b.present AND a.content IS DISTINCT FROM b.content)
        FROM (SELECT *, true AS present, to_json(n)::VARCHAR AS content FROM read_parquet($after) AS n) AS a
        FULL JOIN (SELECT *, true AS present, to_json(o)::VARCHAR AS content FROM read_parquet($before) AS o) AS b
        ON {key}
    """
    found = connection.execute(query, {"after": str(after), "before": str(before)}).fetchone()
    added, removed, changed = found or (0, 0, 0)
    return {"added": added, "removed": removed, "changed": changed}


def figures(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The country's figure of each stock series and date: series_id, reference_date, location_code, individuals."""
    stocks = [
        tables[f"out_dtm__governorate_{name}"].select(
            "location_code",
            "series_id",
            "population_group",
            "reference_date",
            individuals=f"{name}_individuals",
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
    moved = both.filter(
        pl.col("individuals").ne_missing(pl.col("individuals_now")) & pl.col("individuals").is_not_null()
    )
    return [
        {
            "series_id": r["series_id"],
            "reference_date": r["reference_date"].isoformat(),
            "before": r["individuals"],
            "now": r["individuals_now"],
        }
        for r in moved.iter_rows(named=True)
    ]
