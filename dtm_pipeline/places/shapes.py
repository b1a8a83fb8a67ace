"""Shapes to draw maps with: districts of an edition, else the country's outline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dtm_pipeline.places.editions import edition_for, polygons

TOLERANCE_DEGREES = 0.01


def district_features(boundaries: Path, location_code: str) -> list[dict[str, Any]]:
    """The districts of the newest edition as GeoJSON features, simplified for a page; empty without an edition."""
    import shapely

    chosen = edition_for(boundaries, location_code, None)
    units = polygons(boundaries, location_code, chosen.edition) if chosen else None
    if units is None:
        return []
    simple = units.geometry.simplify(TOLERANCE_DEGREES, preserve_topology=True).to_numpy()
    # d3-geo fills the inside of a clockwise ring; GeoJSON's own order would fill the rest of the world
    shapes = shapely.orient_polygons(shapely.set_precision(simple, 0.0001), exterior_cw=True)
    return [
        {"type": "Feature", "properties": {"code": code}, "geometry": json.loads(shapely.to_geojson(shape))}
        for code, shape in zip(units["code"], shapes, strict=True)
    ]


def outline_features(reference: Path, location_code: str) -> list[dict[str, Any]]:
    """The country's outline (Natural Earth 1:10 m, public domain); empty for a country that is not shipped."""
    file = reference / "admin_boundaries/outlines.geojson"
    features: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["features"]
    return [f for f in features if f["properties"]["location_code"] == location_code]
