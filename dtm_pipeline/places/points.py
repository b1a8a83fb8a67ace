"""Points against an edition: a place for rows that declare none, evidence for the others. Method: docs/method/places.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.places.cells import CellIndex, units_at
from dtm_pipeline.places.gazetteer import Gazetteer, PointRules
from dtm_pipeline.places.outline import states_by_outline
from dtm_pipeline.places.resolve import DECLARED

POINT_COLUMNS = {"point_state": pl.String(), "point_conflict": pl.Boolean(), "point_distance_m": pl.Float64()}
POINT = ["latitude", "longitude"]
NEAR_ZERO_DEGREES = 0.01


def apply_points(rows: pl.DataFrame, index: CellIndex | None, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with point_state, point_conflict and point_distance_m; rows that declare no unit are placed by their point.

    A row that declares only its governorate may get a district within that governorate, never across it. A point
    on a border belongs to the unit with the lowest code. A point that is no evidence (0/0, swapped, degrees and
    minutes) is named and places nobody.

    Args:
        rows: resolved rows with place_id, latitude and longitude (degrees).
        index: cells of the districts of one edition. Without one points place nobody: they are tested against the
            outline of their country only, and say so (point_state `untested`, `outside_country`).
        gazetteer: names of the units; when a point is snapped, and when it is shared by too many.
    """
    untouched = rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in POINT_COLUMNS.items())
    if rows.is_empty():
        return untouched
    if index is None:
        return _by_outline(untouched, gazetteer)
    # the same places come back round after round: each point is looked at once
    asked = [*POINT, "admin2_code"]
    points = rows.filter(pl.all_horizontal(pl.col(POINT).is_not_null())).select(asked).unique(maintain_order=True)
    if points.is_empty():
        return untouched
    known = points_against(points, index, gazetteer.point_rules).join(
        _shared(rows, gazetteer.point_rules), on=POINT, how="left"
    )
    crowded = pl.col("_crowded").fill_null(False) & pl.col("point_state").is_in(["inside", "snapped", "outside"])
    known = known.with_columns(
        pl.when(~crowded).then("_at").alias("_at"),
        point_state=pl.when(crowded).then(pl.lit("of_many_places")).otherwise("point_state"),
        point_conflict=pl.when(~crowded).then("point_conflict"),
        point_distance_m=pl.when(~crowded).then("point_distance_m"),
    ).drop("_crowded")
    district = pl.col("admin_level") == 2
    parents = gazetteer.units.select(
        _at="code",
        _at1=pl.when(district).then("parent_code").otherwise("code"),
        # polygons without a code of their own stand under their governorate's
        _at2=pl.when(district).then("code"),
    )
    joined = (
        rows.with_row_index("_row")
        .join(known, on=asked, how="left", nulls_equal=True, maintain_order="left")
        .join(parents, on="_at", how="left", maintain_order="left")
    )
    # a row that is known by its governorate only conflicts with a point in another; how far, no district tells
    elsewhere = (
        pl.col("admin1_code").is_not_null()
        & pl.col("admin2_code").is_null()
        & (pl.col("_at1") != pl.col("admin1_code"))
    )
    abroad = elsewhere.fill_null(False) & pl.col("point_state").is_in(["inside", "snapped"])
    joined = joined.with_columns(
        point_state=pl.when(abroad).then(pl.lit("outside")).otherwise("point_state"),
        point_conflict=pl.when(abroad).then(True).otherwise("point_conflict"),
    )
    placed = joined.with_columns(
        admin1_code=pl.when(_by_point()).then("_at1").otherwise("admin1_code"),
        admin2_code=pl.when(_by_point()).then("_at2").otherwise("admin2_code"),
        place_basis=pl.when(_by_point()).then(pl.lit("point")).otherwise("place_basis"),
    )
    return _named(placed, gazetteer).sort("_row").select(*rows.columns, *POINT_COLUMNS)


def _by_outline(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with what the outline of their country says of their points."""
    rules, country = gazetteer.point_rules, str(rows["location_code"][0])
    state = states_by_outline(rows.select(POINT), gazetteer.outlines, country, rules.outline_tolerance_km)
    outside = pl.col("point_state") == "outside_country"
    return rows.with_columns(state).with_columns(
        point_conflict=pl.when(outside & pl.col("admin1_code").is_not_null()).then(True)
    )


def _by_point() -> pl.Expr:
    """Rows that declare nothing, or only the governorate in which the point lies."""
    undeclared = pl.all_horizontal(pl.col(DECLARED).is_null()) & pl.col("admin1_code").is_null()
    only_governorate = (
        pl.all_horizontal(pl.col("provider_admin2_name", "provider_admin2_code").is_null())
        & pl.col("admin2_code").is_null()
        & (pl.col("admin1_code") == pl.col("_at1"))
        & pl.col("_at2").is_not_null()
    )
    reviewed = pl.col("place_basis") == "reviewed"
    return pl.col("_at1").is_not_null() & ~reviewed & (undeclared | only_governorate)


def _shared(rows: pl.DataFrame, rules: PointRules) -> pl.DataFrame:
    """Points at which more places stand than can."""
    return (
        rows.filter(pl.col("place_id").is_not_null())
        .group_by(POINT)
        .agg(_crowded=pl.col("place_id").n_unique() > rules.places_at_one_point)
        .filter("_crowded")
    )


def points_against(points: pl.DataFrame, index: CellIndex, rules: PointRules) -> pl.DataFrame:
    """What each point is, against the unit that is declared for it.

    Args:
        points: latitude, longitude (degrees, not null), admin2_code (null = none declared).

    Returns:
        The points with `_at` (the unit in which the point lies, or to which it is snapped; null where the point is
        no evidence), point_state, point_conflict (null where the edition has no such unit) and point_distance_m
        (to the declared unit; 0 inside).
    """
    numbered = points.with_row_index("_point")
    told = numbered.with_columns(_at=units_at(points, index))
    declared = pl.col("admin2_code").is_in(index.codes).fill_null(False)
    inside = (
        pl.when(declared)
        .then((pl.col("_at") == pl.col("admin2_code")).fill_null(False))
        .otherwise(pl.col("_at").is_not_null())
    )
    told = told.with_columns(_declared=declared, _inside=inside)
    told = told.join(_metres(told.filter(~pl.col("_inside")), index, rules.snap_m), on="_point", how="left")
    told = told.join(_misread(told.filter(~pl.col("_inside")), index), on="_point", how="left")
    zero = pl.all_horizontal(pl.col(POINT).abs() < NEAR_ZERO_DEGREES)
    state = (
        pl.when(zero)
        .then(pl.lit("zero"))
        .when("_inside")
        .then(pl.lit("inside"))
        .when(pl.col("_metres") <= rules.snap_m)
        .then(pl.lit("snapped"))
        .when(pl.col("_misread").is_not_null())
        .then("_misread")
        .otherwise(pl.lit("outside"))
    )
    told = told.with_columns(point_state=state)
    # degrees and minutes are a possible reading: the distance as it stands is told all the same
    usable = pl.col("point_state").is_in(["inside", "snapped", "outside", "degrees_minutes"])
    near = pl.col("point_state") == "snapped"
    return told.select(
        *points.columns,
        pl.when(near)
        .then(pl.coalesce(pl.when("_declared").then("admin2_code"), "_nearest"))
        .when(usable & (pl.col("point_state") != "degrees_minutes"))
        .then("_at")
        .alias("_at"),
        "point_state",
        point_conflict=pl.when(usable & pl.col("_declared")).then(
            pl.col("point_state").is_in(["outside", "degrees_minutes"])
        ),
        point_distance_m=pl.when(usable & pl.col("_declared")).then(pl.when("_inside").then(0.0).otherwise("_metres")),
    )


def _metres(outside: pl.DataFrame, index: CellIndex, snap_m: float) -> pl.DataFrame:
    """Metres (in the local UTM zone) to the declared unit; where none is declared, to the nearest within `snap_m`."""
    import geopandas as gpd

    schema = pl.Schema({"_point": pl.UInt32(), "_metres": pl.Float64(), "_nearest": pl.String()})
    told = [pl.DataFrame(schema=schema)]
    real = outside.filter(pl.col("latitude").abs() <= 90, pl.col("longitude").abs() <= 180)
    for part, declared in ((real.filter("_declared"), True), (real.filter(~pl.col("_declared")), False)):
        if part.is_empty():
            continue
        metric = index.metric
        points = gpd.GeoSeries.from_xy(part["longitude"].to_numpy(), part["latitude"].to_numpy(), crs="EPSG:4326")
        points = points.to_crs(metric.crs)
        if declared:
            own = metric.loc[part["admin2_code"].to_list()].to_numpy()
            metres = points.distance(gpd.GeoSeries(own, crs=metric.crs)).round(1)
            told.append(
                pl.DataFrame({"_point": part["_point"], "_metres": metres.to_numpy(), "_nearest": None}, schema=schema)
            )
            continue
        if snap_m <= 0:
            continue
        near = gpd.sjoin_nearest(
            gpd.GeoDataFrame({"_point": part["_point"].to_numpy()}, geometry=points),
            metric.reset_index().set_geometry(metric.name or "geometry"),
            max_distance=snap_m,
            distance_col="_metres",
        ).sort_values(["_point", "code"])
        near = near[~near["_point"].duplicated()]
        told.append(
            pl.DataFrame(
                {
                    "_point": near["_point"].to_numpy(),
                    "_metres": near["_metres"].to_numpy(),
                    "_nearest": near["code"].tolist(),
                },
                schema=schema,
            )
        )
    return pl.concat(told)


def _misread(outside: pl.DataFrame, index: CellIndex) -> pl.DataFrame:
    """Points that lie right when they are read in another way: swapped, or degrees and minutes written as decimals.

    Where a unit is declared the other reading must lie in it; where none is, only a swap is told, and only for points
    outside every unit.
    """

    def minutes(column: str) -> pl.Expr:
        whole = pl.col(column).truncate()
        part = ((pl.col(column) - whole) * 100).round(6)
        # 36.2045 is 36 degrees, 20 minutes, 45 seconds; 36.2075 can only be 20.75 minutes
        seconds = (part - part.truncate()) * 100
        told = (
            pl.when(seconds.abs() < 60).then(whole + part.truncate() / 60 + seconds / 3600).otherwise(whole + part / 60)
        )
        return pl.when(part.abs() < 60).then(told).alias(column)

    points = outside.select("_point", *POINT, "admin2_code", "_at", "_declared")
    told = []
    for name, other in (
        ("swapped", points.with_columns(latitude="longitude", longitude="latitude")),
        ("degrees_minutes", points.with_columns(minutes("latitude"), minutes("longitude")).drop_nulls(POINT)),
    ):
        there = units_at(other, index)
        alone = pl.col("_there").is_not_null() & pl.col("_at").is_null() if name == "swapped" else pl.lit(False)
        fits = pl.when("_declared").then(pl.col("_there") == pl.col("admin2_code")).otherwise(alone)
        told.append(
            other.with_columns(_there=there).filter(fits.fill_null(False)).select("_point", _misread=pl.lit(name))
        )
    return pl.concat(told).unique("_point", keep="first", maintain_order=True)


def _named(placed: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Names and edition of the units that points gave."""
    first = gazetteer.units.filter(admin_level=1).select(
        admin1_code="code", _admin1_name="name_en", _admin1_name_local="name_local", _edition="edition"
    )
    second = gazetteer.units.filter(admin_level=2).select(
        admin2_code="code", _admin2_name="name_en", _admin2_name_local="name_local"
    )
    named = placed.join(first, on="admin1_code", how="left").join(second, on="admin2_code", how="left")
    columns = ["admin1_name", "admin1_name_local", "admin2_name", "admin2_name_local"]
    return named.with_columns(
        *(pl.coalesce(c, f"_{c}").alias(c) for c in columns),
        boundary_edition=pl.coalesce("boundary_edition", "_edition"),
    )
