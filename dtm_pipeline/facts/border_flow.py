"""Border flows of a country: each point, direction and day once."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.core import BORDER_FLOW
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.flows import flow_points, newest_counts, operating_days


def border_flow_facts(
    counts: pl.DataFrame, deliveries: pl.DataFrame, points: pl.DataFrame, calendars: pl.DataFrame
) -> pl.DataFrame:
    """Rows of core_dtm__border_flow.

    Args:
        counts: raw_dtm__border_count of the country.
        deliveries: snapshot_id, ingest_sequence.
        points: reference/flow_points.csv.
        calendars: reference/flow_calendars.csv.
    """
    sequenced = counts.join(deliveries.select("snapshot_id", "ingest_sequence"), on="snapshot_id")
    return conform(operating_days(newest_counts(flow_points(sequenced, points)), calendars), BORDER_FLOW)
