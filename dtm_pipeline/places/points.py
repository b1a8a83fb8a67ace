"""Points against polygons: a place for rows that declare none, evidence for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.resolve import DECLARED

if TYPE_CHECKING:
    import geopandas as gpd

POINT_COLUMNS = {"point_conflict": pl.Boolean(), "point_distance_m": pl.Float64()}


def apply_points(rows: pl.DataFrame, polygons: gpd.GeoDataFrame | None, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with point_conflict and point_distance_m; rows that declare no unit are placed by their point.

    A row that declares only its governorate may get a district within that governorate, never across it. A point
    on a border belongs to the unit with the lowest code.

    Args:
        rows: resolved rows with latitude and longitude.
        polygons: districts of one edition in EPSG:4326 with `code`, or None without an edition.
        gazetteer: names of the units.
    """
    untouched = rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in POINT_COLUMNS.items())
    if polygons is None or rows.is_empty():
        return untouched
    # the same places come back round after round: each point meets the polygons once
    asked = ["latitude", "longitude", "admin2_code"]
    located = (
        rows.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null())
        .select(asked)
        .unique(maintain_order=True)
        .with_row_index("_row")
    )
    if located.is_empty():
        return untouched
    hits = _districts_at(located, polygons)
    parents = gazetteer.units.filter(admin_level=2).select(_at="code", _at1="parent_code")
    known = (
        located.join(hits, on="_row", how="left")
        .join(parents, on="_at", how="left")
        .join(_distances(located, hits, polygons), on="_row", how="left")
        .with_columns(
            point_conflict=pl.when(pl.col("admin2_code").is_in(polygons["code"].tolist())).then(
                pl.col("_inside").is_null()
            )
        )
        .with_columns(
            point_distance_m=pl.when(pl.col("point_conflict").is_not_null()).then(
                pl.col("point_distance_m").fill_null(0.0)
            )
        )
        .select(*asked, "_at", "_at1", "point_conflict", "point_distance_m")
    )
    undeclared = pl.all_horizontal(pl.col(DECLARED).is_null()) & pl.col("admin1_code").is_null()
    only_governorate = (
        pl.all_horizontal(pl.col("provider_admin2_name", "provider_admin2_code").is_null())
        & pl.col("admin2_code").is_null()
        & (pl.col("admin1_code") == pl.col("_at1"))
    )
    by_point = pl.col("_at1").is_not_null() & (undeclared | only_governorate)
    placed = (
        rows.with_row_index("_row")
        .join(known, on=asked, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            admin1_code=pl.when(by_point).then("_at1").otherwise("admin1_code"),
            admin2_code=pl.when(by_point).then("_at").otherwise("admin2_code"),
            place_basis=pl.when(by_point).then(pl.lit("point")).otherwise("place_basis"),
        )
    )
    names = gazetteer.districts().drop("location_code", "admin1_code").rename({"admin2_code": "_code"})
    edition = gazetteer.units.filter(admin_level=2).select(_code="code", _edition="edition")
    named = placed.join(
        names.join(edition, on="_code"), left_on="admin2_code", right_on="_code", how="left", suffix="_found"
    )
    columns = ["admin1_name", "admin1_name_local", "admin2_name", "admin2_name_local"]
    return (
        named.with_columns(
            *(pl.coalesce(c, f"{c}_found").alias(c) for c in columns),
            boundary_edition=pl.coalesce("boundary_edition", "_edition"),
        )
        .sort("_row")
        .select(*rows.columns, *POINT_COLUMNS)
    )


def _districts_at(located: pl.DataFrame, polygons: gpd.GeoDataFrame) -> pl.DataFrame:
    """`_at`: the district that holds the point; `_inside`: whether the row's own district does."""
    import geopandas as gpd

    points = gpd.GeoDataFrame(
        {"_row": located["_row"].to_list()},
        geometry=gpd.points_from_xy(located["longitude"].to_list(), located["latitude"].to_list()),
        crs="EPSG:4326",
    )
    # `within` would place no point on a border, `intersects` places it in both: the lowest code decides
    hits = gpd.sjoin(points, polygons[["code", "geometry"]], predicate="intersects")
    frame = pl.DataFrame(
        {"_row": hits["_row"].tolist(), "code": hits["code"].tolist()},
        schema=pl.Schema({"_row": located.schema["_row"], "code": pl.String()}),
    )
    own = located.select("_row", "admin2_code").join(
        frame, left_on=["_row", "admin2_code"], right_on=["_row", "code"], how="semi"
    )
    return (
        frame.group_by("_row")
        .agg(_at=pl.col("code").min())
        .join(own.select("_row", _inside=pl.lit(True)), on="_row", how="left")
    )


def _distances(located: pl.DataFrame, hits: pl.DataFrame, polygons: gpd.GeoDataFrame) -> pl.DataFrame:
    """Metres from each point that lies outside its declared district to that district (in the local UTM zone)."""
    import geopandas as gpd

    outside = (
        located.join(hits.select("_row", "_inside"), on="_row", how="left")
        .filter(pl.col("_inside").is_null())
        .filter(pl.col("admin2_code").is_in(polygons["code"].tolist()))
    )
    schema = pl.Schema({"_row": located.schema["_row"], "point_distance_m": pl.Float64()})
    if outside.is_empty():
        return pl.DataFrame(schema=schema)
    metric = polygons.estimate_utm_crs()
    points = gpd.GeoSeries(
        gpd.points_from_xy(outside["longitude"].to_list(), outside["latitude"].to_list()), crs="EPSG:4326"
    ).to_crs(metric)
    own = polygons.set_index("code").geometry.to_crs(metric).loc[outside["admin2_code"].to_list()]
    metres = points.distance(gpd.GeoSeries(own.to_numpy(), crs=metric)).round(1)
    return pl.DataFrame({"_row": outside["_row"], "point_distance_m": metres.tolist()}, schema=schema)
