"""Border flows of a country: each point, direction and day once."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.core import BORDER_FLOW, BORDER_FLOW_FINDING
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.flows import counts_of_days, flow_points, operating_days
from dtm_pipeline.domain.precedence import Reissue, delivery_roles
from dtm_pipeline.facts.observed import Observed, held_findings

KEY = ("location_code", "flow_point_id", "observed_by", "direction", "observed_on")


def border_flow_facts(
    counts: pl.DataFrame, deliveries: pl.DataFrame, points: pl.DataFrame, calendars: pl.DataFrame
) -> Observed:
    """Rows of core_dtm__border_flow, and what is held: counts of one day that several deliveries of one intake give.

    Args:
        counts: raw_dtm__border_count of the country.
        deliveries: snapshot_id, intake, statement.
        points: reference/flow_points.csv.
        calendars: reference/flow_calendars.csv.
    """
    whole = counts_of_days(counts)
    rows = flow_points(whole.join(deliveries.select("snapshot_id", "intake", "statement"), on="snapshot_id"), points)
    told = rows.with_columns(location_key=pl.lit("all"), content=pl.struct("movements", "hours_observed").hash(seed=1))
    # a day that is counted again is counted anew: nothing adds to it, and no place can be missing
    roles = delivery_roles(told, Reissue(1.0), KEY)
    led = rows.join(roles.filter(role="leads").select(*KEY, "snapshot_id"), on=[*KEY, "snapshot_id"], nulls_equal=True)
    # one point under two of its names in one delivery is one count
    led = led.sort("source_row").unique(KEY, keep="last", maintain_order=True).sort(*KEY)
    return Observed(
        conform(operating_days(led, calendars), BORDER_FLOW),
        conform(held_findings(roles, "a count of a point, direction and day"), BORDER_FLOW_FINDING),
    )
