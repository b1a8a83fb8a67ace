"""Points against the outline of their country, where no boundary edition is at hand. Method: docs/method/places.md."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

METRES_A_DEGREE = 111_320.0
NEAR_ZERO_DEGREES = 0.01


@lru_cache(maxsize=16)
def _outline(file: Path, changed: int, location_code: str) -> Any:
    """The outline of a country as one prepared shape; None for a country whose outline does not ship."""
    import shapely
    from shapely.geometry import shape

    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    parts = [shape(f["geometry"]) for f in features if f["properties"]["location_code"] == location_code]
    if not parts:
        return None
    whole = shapely.union_all([shapely.make_valid(p) for p in parts])
    shapely.prepare(whole)
    return whole


def states_by_outline(points: pl.DataFrame, file: Path, location_code: str, tolerance_km: float) -> pl.Series:
    """What each point is, as far as the outline of the country tells.

    Args:
        points: latitude, longitude (degrees; null where there is none).
        file: outlines of countries as GeoJSON (reference/admin_boundaries/outlines.geojson).
        tolerance_km: the outlines are simplified: a point so near is taken for one inside.

    Returns:
        `untested` (in the country, in which district is not known, or the outline is not at hand), `zero`, `swapped`,
        `outside_country`, or null without a point.
    """
    import shapely

    whole = _outline(file, file.stat().st_mtime_ns, location_code)
    latitude, longitude = (points[c].cast(pl.Float64).to_numpy() for c in ("latitude", "longitude"))
    known = ~(np.isnan(latitude) | np.isnan(longitude))
    zero = known & (np.abs(latitude) < NEAR_ZERO_DEGREES) & (np.abs(longitude) < NEAR_ZERO_DEGREES)
    states = np.full(len(known), "", dtype="U16")
    states[known] = "untested"
    if whole is not None:
        near = tolerance_km * 1000 / METRES_A_DEGREE

        def away(x: Any, y: Any) -> Any:
            """Whether points lie farther from the country than the outline is true."""
            out = known & ~shapely.contains_xy(whole, x, y)
            far = np.zeros(len(x), dtype=bool)
            far[out] = shapely.distance(whole, shapely.points(x[out], y[out])) > near
            return far

        outside = away(longitude, latitude)
        swapped = outside & ~away(latitude, longitude)
        states[outside] = "outside_country"
        states[swapped] = "swapped"
    states[zero] = "zero"
    return pl.Series("point_state", [s or None for s in states.tolist()], dtype=pl.String)
