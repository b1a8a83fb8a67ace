"""Events: a later report of one event replaces the earlier ones. docs/sources/event_report.md."""

from __future__ import annotations

import polars as pl


def newest_reports(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `leads` for the newest report of each event only.

    Args:
        rows: event_id, reference_date (of the report), leads (of the newest delivery of the event).

    Returns:
        The rows, in their order. Earlier reports stay, and do not lead: what an event was thought to be is kept.
    """
    newest = pl.when("leads").then("reference_date").max().over("event_id")
    return rows.with_columns(leads=pl.col("leads") & (pl.col("reference_date") == newest))
