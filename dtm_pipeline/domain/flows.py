"""Flows count movements, not persons, in the hours observed at the points observed."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.series import slug


def counts_of_days(counts: pl.DataFrame) -> pl.DataFrame:
    """One row for each point, direction and day of a delivery: the sum of its parts.

    Parts of one shift are counted in the same hours, those of several one after the other.

    Args:
        counts: rows of raw_dtm__border_count; a row of several parts stands by its first.
    """
    key = ["snapshot_id", "source_sheet", "location_code", "flow_point_name", "direction", "observed_on"]
    hours = pl.col("hours_observed")
    of_shift = counts.group_by(*key, "shift", maintain_order=True).agg(
        pl.col("movements").sum(), hours.max(), pl.exclude(*key, "shift", "movements", "hours_observed").first()
    )
    return of_shift.group_by(key, maintain_order=True).agg(
        pl.col("movements").sum(),
        pl.when(hours.null_count() == 0).then(hours.sum()),
        pl.exclude(*key, "shift", "counted_part", "movements", "hours_observed").first(),
    )


def flow_points(counts: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Counts with the flow point and crossing that the provider's name stands for on that day.

    Args:
        counts: rows of raw_dtm__border_count.
        points: reference/flow_points.csv: flow_point_id, location_code, name, alias, crossing_id, valid_from,
            valid_to. A name that is not there makes a point of its own, from its spelling.
    """
    key = pl.col("flow_point_name").str.to_lowercase().str.replace_all(r"[\s_]+", " ").str.strip_chars()
    known = points.with_columns(_key=pl.col("alias").str.to_lowercase(), _known=pl.lit(True))
    named = counts.with_row_index("_row").with_columns(_key=key)
    matched = (
        named.select("_row", "_key", "location_code", "observed_on")
        .join(known, on=["location_code", "_key"])
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("observed_on") >= pl.col("valid_from")))
            & (pl.col("valid_to").is_null() | (pl.col("observed_on") <= pl.col("valid_to")))
        )
        .unique("_row", keep="first")
        .select("_row", "flow_point_id", "crossing_id", _name="name")
    )
    spelled = named.select("location_code", "_key", "flow_point_name").unique()
    made = spelled.with_columns(
        _made=pl.Series(
            [f"{c}-FP-{slug(n).upper()}" for c, n in spelled.select("location_code", "flow_point_name").rows()],
            dtype=pl.String,
        )
    )
    return (
        named.join(matched, on="_row", how="left", maintain_order="left")
        .join(made, on=["location_code", "_key", "flow_point_name"], how="left", maintain_order="left")
        .with_columns(
            flow_point_id=pl.coalesce("flow_point_id", "_made"),
            crossing_id=pl.coalesce("crossing_id", "_made"),
            flow_point_name=pl.coalesce("_name", pl.col("flow_point_name").str.strip_chars()),
            observed_by="location_code",
        )
        .drop("_row", "_key", "_name", "_made")
    )


def operating_days(flow: pl.DataFrame, calendars: pl.DataFrame) -> pl.DataFrame:
    """Flows with `operating_day`: yes or no by the calendar of the point, unknown where none covers the day.

    Args:
        flow: flow_point_id, observed_on.
        calendars: reference/flow_calendars.csv: flow_point_id, valid_from, valid_to (null: open), weekdays
            (`1234567`, 1 = Monday), operating (`yes` or `no`). Of several that cover a day the one that began last
            holds.
    """
    covered = (
        flow.with_row_index("_row")
        .join(calendars, on="flow_point_id")
        .filter(
            (pl.col("observed_on") >= pl.col("valid_from"))
            & (pl.col("valid_to").is_null() | (pl.col("observed_on") <= pl.col("valid_to")))
        )
        .sort("valid_from")
        .unique("_row", keep="last")
        .with_columns(
            operating_day=pl.when(
                (pl.col("operating") == "yes")
                & pl.col("weekdays").str.contains(pl.col("observed_on").dt.weekday().cast(pl.String))
            )
            .then(pl.lit("yes"))
            .otherwise(pl.lit("no"))
        )
        .select("_row", "operating_day")
    )
    told = flow.with_row_index("_row").join(covered, on="_row", how="left", maintain_order="left").drop("_row")
    return told.with_columns(pl.col("operating_day").fill_null("unknown"))


def daily(flow: pl.DataFrame) -> pl.DataFrame:
    """The daily table, by point, direction and day."""
    return flow.sort("crossing_id", "flow_point_id", "observed_by", "direction", "observed_on")
