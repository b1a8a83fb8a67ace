"""Locations that a partial round did not reach, kept at their last figure. Method: docs/method/carry_forward.md.

Only where a round is declared partial and its series declares a maximum age: a round of which nothing is said is
taken as it is.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.registers import CLOSED, Registers, with_statements
from dtm_pipeline.domain.series import Series
from dtm_pipeline.domain.stocks import LOCATION_LEVEL


def carried_forward(stock: pl.DataFrame, registers: Registers, series: tuple[Series, ...]) -> pl.DataFrame:
    """Rows of earlier rounds that stand for locations which a partial round does not list.

    A location is taken from the newest round before that lists it, no older than the series allows, and not from
    before the last round that was not partial: what a full round no longer lists is not brought back. A location that is
    closed on that date, or has since become a part of another, is not carried: nobody is there, or counted there.

    Args:
        stock: leading rows: series_id, reference_date, admin_level, place_id, last_verified_date and the rest.
        registers: partial rounds, closed locations, mergers and splits.
        series: of which `carry_forward_max_age_days` is read; None = never.

    Returns:
        Rows of `stock` with the reference_date of the partial round and `carried_from`, the date that they are of.
    """
    ages = pl.DataFrame(
        [(s.series_id, s.carry_forward_max_age_days) for s in series if s.carry_forward_max_age_days is not None],
        schema={"series_id": pl.String, "_max_age": pl.Int64},
        orient="row",
    )
    # one row of a round is enough to say at which level it came
    dates = stock.filter(pl.col("admin_level") == LOCATION_LEVEL).select("series_id", "reference_date").unique()
    partial = registers.rounds.filter(statement="partial").select("series_id", "reference_date").unique()
    wanted = dates.join(partial, on=["series_id", "reference_date"], how="semi").join(ages, on="series_id")
    whole = dates.join(partial, on=["series_id", "reference_date"], how="anti")
    if wanted.is_empty():
        return stock.clear().with_columns(carried_from=pl.lit(None, pl.Date))
    since = wanted.join(whole.rename({"reference_date": "_whole"}), on="series_id", how="left").filter(
        pl.col("_whole").is_null() | (pl.col("_whole") < pl.col("reference_date"))
    )
    since = wanted.join(
        since.group_by("series_id", "reference_date").agg(pl.col("_whole").max()),
        on=["series_id", "reference_date"],
        how="left",
    )
    age = (pl.col("_for") - pl.col("reference_date")).dt.total_days()
    earlier = (
        stock.filter((pl.col("admin_level") == LOCATION_LEVEL) & pl.col("place_id").is_not_null())
        .join(since.rename({"reference_date": "_for"}), on="series_id")
        .filter((pl.col("reference_date") < pl.col("_for")) & (age <= pl.col("_max_age")))
        .filter(pl.col("_whole").is_null() | (pl.col("reference_date") >= pl.col("_whole")))
        .filter(pl.col("reference_date") == pl.col("reference_date").max().over("series_id", "_for", "place_id"))
    )
    there = stock.select("series_id", "place_id", _for="reference_date").unique()
    absent = earlier.join(there, on=["series_id", "place_id", "_for"], how="anti").with_columns(
        carried_from="reference_date", reference_date="_for"
    )
    told = with_statements(absent.lazy(), registers.locations).collect()
    # of a merger the part, of a split the whole is counted elsewhere now
    linked = registers.links.select(
        "location_code",
        place_id=pl.when(pl.col("link") == "merged_into").then("place_id").otherwise("other_place_id"),
        _linked="reference_date",
    )
    moved = (
        absent.select("location_code", "place_id", "carried_from", "reference_date")
        .join(linked, on=["location_code", "place_id"])
        .filter(pl.col("_linked").is_between("carried_from", "reference_date", closed="right"))
    )
    return (
        told.filter(pl.col("says").ne_missing(CLOSED))
        .join(moved, on=["location_code", "place_id", "carried_from", "reference_date"], how="anti")
        .drop("_for", "_max_age", "_whole", "says")
    )
