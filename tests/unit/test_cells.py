"""The cell index against the polygons themselves."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from dtm_pipeline.places.cells import COARSE, FINE, CellIndex, build_cells, drawn_areas, place_file, units_at


def frame(**shapes: Polygon | MultiPolygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": list(shapes)}, geometry=list(shapes.values()), crs="EPSG:4326")


def index(units: gpd.GeoDataFrame) -> CellIndex:
    return CellIndex(build_cells(units), units)


def by_geopandas(points: np.ndarray, units: gpd.GeoDataFrame) -> list[str | None]:
    """The answer that is to be reached: sjoin with `intersects`, ties to the lowest code."""
    drawn = gpd.GeoDataFrame({"n": range(len(points))}, geometry=gpd.points_from_xy(*points.T), crs="EPSG:4326")
    met = gpd.sjoin(drawn, units[["code", "geometry"]], predicate="intersects").groupby("n")["code"].min()
    return [met.get(n) for n in range(len(points))]


def by_cells(points: np.ndarray, cells: CellIndex) -> list[str | None]:
    return units_at(pl.DataFrame({"longitude": points[:, 0], "latitude": points[:, 1]}), cells).to_list()


def star(x: float, y: float, radius: float, seed: int) -> Polygon:
    """A ragged polygon of forty corners."""
    random = np.random.default_rng(seed)
    turn = np.sort(random.uniform(0, 2 * np.pi, 40))
    far = radius * random.uniform(0.3, 1, 40)
    return Polygon(np.column_stack([x + far * np.cos(turn), y + far * np.sin(turn)]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_points_vertices_and_border_points_are_placed_as_geopandas_places_them(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    shapes = [star(*random.uniform(43, 43.3, 2), random.uniform(0.02, 0.2), seed + i) for i in range(count)]
    units = frame(**{f"U{i}": s.buffer(0) for i, s in enumerate(shapes)})
    units = units[~units.geometry.is_empty].reset_index(drop=True)
    corners = units.geometry.get_coordinates().to_numpy()
    along = (corners[1:] + corners[:-1]) / 2
    lattice = np.array([[43 + FINE * i, 43 + COARSE * j] for i in range(12) for j in range(12)])
    points = np.concatenate([random.uniform(42.8, 43.5, (400, 2)), corners, along, lattice])
    assert by_cells(points, index(units)) == by_geopandas(points, units)


def test_a_point_on_a_shared_border_is_the_lowest_codes_also_where_cells_meet() -> None:
    units = frame(B=box(43, 33, 44, 34), A=box(44, 33, 45, 34))
    points = np.array([[44.0, 33.5], [44.0, 33.0], [44.0, 34.0], [43.0, 33.0], [45.0, 34.0]])
    assert by_cells(points, index(units)) == ["A", "A", "A", "B", "A"]


def test_every_point_on_the_lines_of_the_grid_is_placed() -> None:
    cells = index(frame(A=box(38, 29, 40, 31), B=box(40, 29, 42, 31)))
    lines = np.array(
        [[-180 + FINE * i, -90 + FINE * j] for i in range(43_600, 44_400) for j in (24_000, 24_001, 24_004)]
    )
    assert by_cells(lines, cells) == ["A" if x <= 40 else "B" for x in lines[:, 0]]


def test_islands_holes_and_overlaps_are_kept() -> None:
    ring = Polygon(box(43, 33, 44, 34).exterior.coords, [box(43.4, 33.4, 43.6, 33.6).exterior.coords])
    units = frame(
        A=MultiPolygon([ring, box(45, 33, 45.1, 33.1)]), B=box(43.4, 33.4, 43.6, 33.6), C=box(43.1, 33.1, 43.2, 33.2)
    )
    points = np.array([[43.5, 33.5], [45.05, 33.05], [43.15, 33.15], [44.5, 33.5]])
    assert by_cells(points, index(units)) == ["B", "A", "A", None]


@pytest.mark.parametrize(
    "point", [(None, 33.5), (float("nan"), 33.5), (float("inf"), 33.5), (400.0, 33.5), (43.5, -91.0)]
)
def test_what_is_no_point_stands_in_no_unit(point: tuple[float | None, float]) -> None:
    cells = index(frame(A=box(43, 33, 44, 34)))
    told = units_at(
        pl.DataFrame(
            {"longitude": [point[0]], "latitude": [point[1]]}, schema={"longitude": pl.Float64, "latitude": pl.Float64}
        ),
        cells,
    )
    assert told.to_list() == [None]


def test_the_map_drawn_from_the_cells_has_the_areas_of_the_polygons() -> None:
    units = frame(A=star(43, 33, 0.4, 1).buffer(0), B=star(44, 33, 0.4, 2).buffer(0))
    told = drawn_areas(index(units))
    assert told["drawn"].to_list() == pytest.approx(told["area"].to_list(), rel=1e-9)


def test_a_file_of_points_comes_back_with_every_row_and_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    units = frame(A=box(43, 33, 44, 34))
    random = np.random.default_rng(1)
    points = random.uniform([42.5, 32.5], [44.5, 34.5], (5_000, 2))
    pl.DataFrame({"id": range(5_000), "lon": points[:, 0], "lat": points[:, 1]}).write_parquet(
        tmp_path / "it's.parquet"
    )
    rows = place_file(tmp_path / "it's.parquet", tmp_path / "out.parquet", index(units), "lon", "lat", keep=["id"])
    told = pl.read_parquet(tmp_path / "out.parquet").sort("id")
    assert (rows, told.columns) == (5_000, ["id", "code"])
    assert told["code"].cast(pl.String).to_list() == [
        "A" if units.geometry[0].intersects(Point(p)) else None for p in points
    ]


def test_every_cell_is_one_units_or_names_those_that_meet_in_it() -> None:
    cells = build_cells(frame(A=box(43, 33, 44, 34), B=box(44, 33, 45, 34)))
    assert cells.filter(pl.col("code").is_null() == pl.col("codes").is_null()).is_empty()
    assert not cells.select("grid", "cell").is_duplicated().any()
    assert set(cells["codes"].drop_nulls()) == {"A", "B", "A|B"}


def test_a_point_that_is_no_number_is_beside_good_ones(tmp_path: Path) -> None:
    points = np.array([[43.5, 33.5], [float("nan"), 33.5], [43.5, float("nan")]])
    assert by_cells(points, index(frame(A=box(43, 33, 44, 34)))) == ["A", None, None]
