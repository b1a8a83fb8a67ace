"""From one boundary edition to another: what changed, and figures carried over. Method: docs/method/editions.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import geopandas as gpd

SHARE_SCHEMA = pl.Schema({"old_code": pl.String(), "new_code": pl.String(), "area_share": pl.Float64()})
NOISE = 0.005
"""Parts of a unit smaller than this are borders drawn in another way, not a change of it (ours)."""


def overlay_shares(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pl.DataFrame:
    """Which part of each old unit's area lies in each new one.

    Args:
        old, new: units of one level of two editions, with `code`, in EPSG:4326.

    Returns:
        old_code, new_code, area_share. Parts below half a percent are taken for other drawing and left out; the shares
        of a unit sum to 1, and a unit that lies in no new one is absent.
    """
    metric = old.estimate_utm_crs()
    one, other = (f[["code", "geometry"]].to_crs(metric) for f in (old, new))
    met = one.rename(columns={"code": "old_code"}).overlay(
        other.rename(columns={"code": "new_code"}), how="intersection", keep_geom_type=True
    )
    told = pl.DataFrame(
        {
            "old_code": met["old_code"].tolist(),
            "new_code": met["new_code"].tolist(),
            "area": met.geometry.area.tolist(),
        },
        schema={"old_code": pl.String, "new_code": pl.String, "area": pl.Float64},
    )
    own = pl.DataFrame({"old_code": one["code"].tolist(), "whole": one.geometry.area.tolist()})
    return (
        told.join(own, on="old_code")
        .filter(pl.col("area") > NOISE * pl.col("whole"))
        .select("old_code", "new_code", area_share=pl.col("area") / pl.col("area").sum().over("old_code"))
        .sort("old_code", "new_code")
    )


def registered_shares(changes: pl.DataFrame, location_code: str, level: int) -> pl.DataFrame:
    """The changes of `pcode_changes.csv` that say which part of a unit went where: old_code, new_code, area_share."""
    own = changes.filter(pl.col("location_code") == location_code, pl.col("admin_level") == level)
    return own.select(SHARE_SCHEMA.names()).drop_nulls().match_to_schema(SHARE_SCHEMA)


def carry_figures(
    figures: pl.DataFrame, shares: pl.DataFrame, measures: list[str], people: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Figures of old units as figures of new ones; nobody is lost or added.

    A unit that lies in one new unit goes there whole. One that was split goes by the people of the new units where all
    of them are known, else by area; whole persons or households, the largest remainders first, so that totals stay.

    Args:
        figures: `code` and integer measures of units of the old edition; null stays null.
        shares: old_code, new_code, area_share (`overlay_shares`, or `pcode_changes.csv`). A unit that is not there
            keeps its code.
        measures: columns of figures to carry.
        people: `code` of new units and `people`, a population; optional.

    Raises:
        ValueError: a share of a unit is not known or not positive: its figures could not be shared out.

    Returns:
        `code`, the measures, and `<measure>_estimated`: how many of them came by a split.
    """
    unknown = shares.filter(pl.col("area_share").is_null() | (pl.col("area_share") <= 0))
    if unknown.height:
        raise ValueError(
            f"the shares of {', '.join(unknown['old_code'].unique().sort().head(5))} are not known; state each, above 0"
        )
    known = people if people is not None else pl.DataFrame(schema={"code": pl.String, "people": pl.Int64})
    ways = (
        shares.join(known, left_on="new_code", right_on="code", how="left")
        .with_columns(
            parts=pl.len().over("old_code"),
            by_people=pl.col("people").is_not_null().all().over("old_code")
            & (pl.col("people").sum().over("old_code") > 0),
        )
        .with_columns(
            share=pl.when("by_people")
            .then(pl.col("people") / pl.col("people").sum().over("old_code"))
            .otherwise(pl.col("area_share") / pl.col("area_share").sum().over("old_code"))
        )
        .select("old_code", "new_code", "share", split=pl.col("parts") > 1)
    )
    numbered = figures.with_row_index("_figure")
    carried = numbered.join(ways, left_on="code", right_on="old_code", how="left").with_columns(
        new_code=pl.coalesce("new_code", "code"),
        share=pl.col("share").fill_null(1.0),
        split=pl.col("split").fill_null(False),
    )
    carried = carried.with_columns(_shared_out(m) for m in measures)
    estimated = [pl.when("split").then(m).otherwise(0 * pl.col(m)).alias(f"{m}_estimated") for m in measures]
    told = [c for m in measures for c in (m, f"{m}_estimated")]
    return (
        carried.with_columns(estimated)
        .group_by(code="new_code")
        .agg(pl.when(pl.col(c).is_not_null().any()).then(pl.col(c).sum()).alias(c) for c in told)
        .sort("code")
    )


def _shared_out(measure: str) -> pl.Expr:
    """A figure cut into whole parts: each its floor, the rest one by one to the largest remainders."""
    exact = pl.col(measure) * pl.col("share")
    floor = exact.floor()
    rest = pl.col(measure) - floor.sum().over("_figure")
    rank = (exact - floor).rank("ordinal", descending=True).over("_figure")
    return (floor + (rank <= rest).cast(pl.Int64)).cast(pl.Int64).alias(measure)


def differences(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, changed_area: float = 0.01) -> pl.DataFrame:
    """What changed between two editions of a level: new, gone, renamed, under another parent, drawn larger or smaller.

    Args:
        old, new: units with code, name_en, parent_code and polygons in EPSG:4326.
        changed_area: least relative difference of areas that is told.

    Returns:
        code, change (added, removed, renamed, moved, redrawn), old, new: what stood, what stands.
    """
    metric = old.estimate_utm_crs()

    def table(units: gpd.GeoDataFrame) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "code": units["code"].tolist(),
                "name": [n if isinstance(n, str) else None for n in units["name_en"]],
                "parent": units["parent_code"].tolist(),
                "km2": (units.to_crs(metric).geometry.area / 1e6).round(1).tolist(),
            },
            schema={"code": pl.String, "name": pl.String, "parent": pl.String, "km2": pl.Float64},
        )

    both = table(old).join(table(new), on="code", how="full", suffix="_new", coalesce=True)
    gone, fresh = pl.col("parent_new").is_null(), pl.col("parent").is_null()

    def told(change: str, column: str, condition: pl.Expr) -> pl.DataFrame:
        return both.filter(condition).select(
            "code",
            change=pl.lit(change),
            old=pl.col(column).cast(pl.String),
            new=pl.col(f"{column}_new").cast(pl.String),
        )

    stays = ~gone & ~fresh
    grown = (pl.col("km2_new") - pl.col("km2")).abs() > changed_area * pl.col("km2")
    return pl.concat(
        [
            told("added", "name", fresh),
            told("removed", "name", gone),
            told("renamed", "name", stays & (pl.col("name") != pl.col("name_new"))),
            told("moved", "parent", stays & (pl.col("parent") != pl.col("parent_new"))),
            told("redrawn", "km2", stays & grown),
        ]
    ).sort("code", "change")
