"""The location master: every place that rounds ever listed, what it was called, where it stood, and what became of it.

Method: docs/method/locations.md. There is no official list of locations; the provider's place id is who a location is.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.places.names import name_key

PLACE = ["location_code", "place_id"]
EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True)
class LocationRules:
    """Numbers of `[locations]` in reference/thresholds.toml.

    Attributes:
        moved_m: a point that is farther from the one before has moved; nearer, it was measured again.
        link_m: how near places must lie to be proposed as parts of one.
    """

    moved_m: float
    link_m: float


@dataclass(frozen=True)
class LocationMaster:
    """Places of a country, and what changed between the rounds that list them."""

    locations: pl.DataFrame
    changes: pl.DataFrame


def location_master(stock: pl.DataFrame, links: pl.DataFrame, rules: LocationRules) -> LocationMaster:
    """Build the master from the rows of locations of all rounds.

    Args:
        stock: leading rows of locations: location_code, place_id, population_group, reference_date, location_name,
            location_name_local, latitude, longitude, admin1_code, admin2_code.
        links: what is on record of merged and split places (`LINK_SCHEMA` of registers.py; link is merged_into or split_from).
        rules: when a point has moved, and when places may be parts of one.

    Returns:
        locations: a row a place, with the newest name, point and unit that are known, first and last date,
            population_groups, merged_into, split_from and link_basis (register, proposed; null without a link).
        changes: renamed, moved, redistricted, merged_into, split_from: when, from what, to what, how far. What is
            proposed rests on names and distance alone, and moves no figure.
    """
    seen = (
        stock.filter(pl.col("place_id").is_not_null())
        .sort(*PLACE, "reference_date", "population_group")
        .group_by(*PLACE, "reference_date", maintain_order=True)
        .agg(
            *(pl.col(c).drop_nulls().first() for c in ("location_name", "location_name_local")),
            # a point is two numbers of one row
            *(
                pl.col(c).filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).first()
                for c in ("latitude", "longitude")
            ),
            # so are a unit and its parent
            *(pl.col(c).filter(pl.col("admin1_code").is_not_null()).first() for c in ("admin1_code", "admin2_code")),
            pl.col("population_group"),
        )
    )
    locations = seen.group_by(*PLACE, maintain_order=True).agg(
        *(pl.col(c).drop_nulls().last() for c in ("location_name", "location_name_local", "latitude", "longitude")),
        *(pl.col(c).filter(pl.col("admin1_code").is_not_null()).last() for c in ("admin1_code", "admin2_code")),
        first_date=pl.col("reference_date").min(),
        last_date=pl.col("reference_date").max(),
        dates=pl.len().cast(pl.Int64),
        population_groups=pl.col("population_group").explode().unique().sort().str.join(" "),
    )
    proposed = _proposed(locations, stock, rules)
    told = links.select(*PLACE, "link", "other_place_id", "reference_date", link_basis=pl.lit("register"))
    linked = pl.concat([told, proposed.join(told, on=[*PLACE, "link"], how="anti")])
    return LocationMaster(
        _with_links(locations, linked),
        pl.concat([_changes(seen, rules), _as_changes(linked)]).sort(*PLACE, "reference_date", "change"),
    )


def distance_m(latitude: pl.Expr, longitude: pl.Expr, other_latitude: pl.Expr, other_longitude: pl.Expr) -> pl.Expr:
    """Great-circle distance in metres between points in degrees (haversine, on a sphere: half a percent of error)."""
    up = ((other_latitude - latitude).radians() / 2).sin() ** 2
    across = ((other_longitude - longitude).radians() / 2).sin() ** 2
    half = up + latitude.radians().cos() * other_latitude.radians().cos() * across
    return 2 * EARTH_RADIUS_M * half.clip(0, 1).sqrt().arcsin()


def _changes(seen: pl.DataFrame, rules: LocationRules) -> pl.DataFrame:
    """What differs from the last date that told it."""
    before = {
        c: pl.col(c).forward_fill().shift(1).over(PLACE).alias(f"_{c}")
        for c in ("location_name", "latitude", "longitude", "admin2_code", "reference_date")
    }
    pairs = seen.sort(*PLACE, "reference_date").with_columns(before.values())
    far = distance_m(pl.col("_latitude"), pl.col("_longitude"), pl.col("latitude"), pl.col("longitude"))
    point = pl.format("{}, {}", pl.col("latitude").round(5), pl.col("longitude").round(5))
    point_before = pl.format("{}, {}", pl.col("_latitude").round(5), pl.col("_longitude").round(5))
    kinds = (
        (
            "renamed",
            name_key(pl.col("location_name")) != name_key(pl.col("_location_name")),
            pl.col("_location_name"),
            pl.col("location_name"),
        ),
        ("moved", far > rules.moved_m, point_before, point),
        (
            "redistricted",
            pl.col("admin2_code") != pl.col("_admin2_code"),
            pl.col("_admin2_code"),
            pl.col("admin2_code"),
        ),
    )
    return pl.concat(
        pairs.filter(differs.fill_null(False)).select(
            *PLACE,
            "reference_date",
            previous_reference_date="_reference_date",
            change=pl.lit(change),
            old=old,
            new=new,
            distance_m=far.round(0),
            link_basis=pl.lit(None, pl.String),
        )
        for change, differs, old, new in kinds
    )


def _proposed(locations: pl.DataFrame, stock: pl.DataFrame, rules: LocationRules) -> pl.DataFrame:
    """Places that may have become one, or come of one: near each other in one district, named alike but for a number.

    A place that is last listed before another of the name goes on is proposed as merged into it; one that is first
    listed while the other was there before, as split from it. Dates are those of the country's rounds.
    """
    rounds = stock.select("location_code", "reference_date").unique().sort("location_code", "reference_date")
    rounds = rounds.with_columns(_next=pl.col("reference_date").shift(-1).over("location_code"))
    base = name_key(pl.col("location_name").str.replace_all(r"[\d\(\)]+|\b(?:new|old|north|south|east|west)\b", ""))
    named = locations.with_columns(_base=base).filter(
        (pl.col("_base") != "") & pl.all_horizontal(pl.col("latitude", "longitude", "admin2_code").is_not_null())
    )
    named = named.select(*PLACE, "_base", "admin2_code", "latitude", "longitude", "first_date", "last_date")
    pairs = named.join(named, on=["location_code", "admin2_code", "_base"], suffix="_other").filter(
        (pl.col("place_id") != pl.col("place_id_other"))
        & (
            distance_m(*(pl.col(c) for c in ("latitude", "longitude", "latitude_other", "longitude_other")))
            <= rules.link_m
        )
    )
    ended = pairs.join(
        rounds, left_on=["location_code", "last_date"], right_on=["location_code", "reference_date"]
    ).filter((pl.col("first_date_other") <= pl.col("_next")) & (pl.col("last_date_other") >= pl.col("_next")))
    earliest = pl.col("first_date") > pl.col("first_date").min().over("location_code")
    began = pairs.filter(
        earliest
        & (pl.col("first_date_other") < pl.col("first_date"))
        & (pl.col("last_date_other") >= pl.col("first_date"))
    )
    parts = [
        ended.select(*PLACE, link=pl.lit("merged_into"), other_place_id="place_id_other", reference_date="_next"),
        began.select(*PLACE, link=pl.lit("split_from"), other_place_id="place_id_other", reference_date="first_date"),
    ]
    # a place with several possible partners has none for sure
    return (
        pl.concat(parts)
        .filter(pl.len().over(*PLACE, "link") == 1)
        .with_columns(link_basis=pl.lit("proposed"))
        .select(*PLACE, "link", "other_place_id", "reference_date", "link_basis")
    )


def _with_links(locations: pl.DataFrame, linked: pl.DataFrame) -> pl.DataFrame:
    for link in ("merged_into", "split_from"):
        own = linked.filter(link=link).unique(PLACE, keep="last", maintain_order=True)
        locations = locations.join(
            own.select(*PLACE, pl.col("other_place_id").alias(link), pl.col("link_basis").alias(f"_{link}")),
            on=PLACE,
            how="left",
        )
    return locations.with_columns(link_basis=pl.coalesce("_merged_into", "_split_from")).drop(
        "_merged_into", "_split_from"
    )


def _as_changes(linked: pl.DataFrame) -> pl.DataFrame:
    return linked.select(
        *PLACE,
        "reference_date",
        previous_reference_date=pl.lit(None, pl.Date),
        change="link",
        old=pl.when(pl.col("link") == "split_from").then("other_place_id").otherwise("place_id"),
        new=pl.when(pl.col("link") == "split_from").then("place_id").otherwise("other_place_id"),
        distance_m=pl.lit(None, pl.Float64),
        link_basis="link_basis",
    )
