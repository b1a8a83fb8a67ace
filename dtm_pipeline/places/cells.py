"""The cell index: which unit a point stands in, by an equi-join. Method and measurements: docs/method/cell_index.md.

A grid is laid over an edition once. A cell lies wholly in one unit, or a border runs through it; only points in cells
of the second kind meet a polygon. A point on a border belongs to the unit with the lowest code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pyarrow as pa

FINE = 0.005
"""Side of a border cell in degrees: about 500 m; some 3 % of points anywhere in Iraq lie in border cells."""
SPLIT = 4
"""A cell of the coarse grid that a border crosses is cut into SPLIT x SPLIT fine ones."""
COARSE = FINE * SPLIT
SLACK = 1e-9
"""Cells are tested this much larger, in degrees: a point that rounding puts into the neighbouring cell is still right."""
OFFSET = 100_000
"""Cell numbers are y * OFFSET + x from -180, -90; a grid of 0.005 degrees has 72,000 columns."""
CELL_SCHEMA = pl.Schema({"grid": pl.Float64(), "cell": pl.Int64(), "code": pl.String(), "codes": pl.String()})
BATCH_ROWS = 250_000
SEPARATOR = "|"


@dataclass(frozen=True)
class CellIndex:
    """Cells of an edition, and its polygons for the exact test.

    Attributes:
        cells: grid (side in degrees), cell (number), code (the unit that holds the whole cell), codes (units whose
            border runs through it, in order, joined by `|`); exactly one of the last two is known.
        units: the polygons in EPSG:4326 with `code`.
    """

    cells: pl.DataFrame
    units: gpd.GeoDataFrame

    @cached_property
    def codes(self) -> list[str]:
        """Codes in order; the number of a unit is its place here."""
        return sorted(self.units["code"].tolist())

    @cached_property
    def polygons(self) -> list[Any]:
        """Polygons in the order of `codes`, prepared for many tests."""
        import shapely

        shapes = self.units.set_index("code").geometry.loc[self.codes].to_numpy()
        shapely.prepare(shapes)
        return list(shapes)

    @cached_property
    def metric(self) -> gpd.GeoSeries:
        """The polygons by code in the local UTM zone, whose unit is the metre."""
        told = self.units.set_index("code").geometry
        return told.to_crs(told.estimate_utm_crs())

    @cached_property
    def rivals(self) -> list[tuple[int, ...]]:
        """The sets of units whose borders meet in a cell, as numbers of units; a set is known by its place here."""
        number = {code: i for i, code in enumerate(self.codes)}
        sets = self.cells["codes"].drop_nulls().unique().sort()
        return [tuple(number[c] for c in told.split(SEPARATOR)) for told in sets]

    @cached_property
    def numbered(self) -> pl.DataFrame:
        """Cells with `unit` (number of the unit that holds it) and `rivals` (number of the set), either -1."""
        units = {code: i for i, code in enumerate(self.codes)}
        sets = {told: i for i, told in enumerate(self.cells["codes"].drop_nulls().unique().sort())}
        return self.cells.select(
            "grid",
            "cell",
            unit=pl.col("code").replace_strict(units, default=-1, return_dtype=pl.Int32),
            rivals=pl.col("codes").replace_strict(sets, default=-1, return_dtype=pl.Int32),
        )


def build_cells(units: gpd.GeoDataFrame) -> pl.DataFrame:
    """Lay the grids over the polygons of an edition.

    Cells that an edge of a polygon touches are its border cells; every other cell is wholly inside or outside of it, so
    that one point of it tells which, and of a run of such cells one point of one.

    Args:
        units: valid polygons in EPSG:4326 with `code`; a code once.

    Returns:
        The cells of `CellIndex.cells`, sorted by grid and cell. Cells that touch no unit are not there.
    """
    import shapely

    units = units.sort_values("code", ignore_index=True)
    shapes = units.geometry.to_numpy()
    shapely.prepare(shapes)
    border = _border_cells(shapes)
    blocks = border.select("unit", x=pl.col("x") // SPLIT, y=pl.col("y") // SPLIT).unique()
    parts = [
        border.with_columns(fine=pl.lit(True), holds=pl.lit(False)),
        _inner_blocks(blocks, shapes).with_columns(fine=pl.lit(False), holds=pl.lit(True)),
        _inner_parts(blocks, border, shapes).with_columns(fine=pl.lit(True), holds=pl.lit(True)),
    ]
    return _resolved(pl.concat(parts), dict(enumerate(units["code"].tolist())))


def _border_cells(shapes: np.ndarray) -> pl.DataFrame:
    """Fine cells that the bounding box of a piece of an edge touches: unit, x, y. A piece is no longer than a cell."""
    import numpy as np
    import shapely

    parts, unit_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    unit_of_ring = unit_of_part[part_of_ring]
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, step, unit = points[:-1][same], (points[1:] - points[:-1])[same], unit_of_ring[ring[:-1][same]]
    pieces = np.maximum(1, np.ceil(np.abs(step).max(axis=1) / FINE)).astype(np.int64)
    edge = np.repeat(np.arange(len(pieces)), pieces)
    at = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = step[edge] / pieces[edge, None]
    one, other = start[edge] + share * at[:, None], start[edge] + share * (at + 1)[:, None]
    origin = np.array([-180.0, -90.0])
    low = np.floor((np.minimum(one, other) - origin - SLACK) / FINE).astype(np.int64)
    high = np.floor((np.maximum(one, other) - origin + SLACK) / FINE).astype(np.int64)
    spans = pl.DataFrame({"unit": unit[edge], "x": low[:, 0], "y": low[:, 1], "x1": high[:, 0], "y1": high[:, 1]})
    return (
        spans.unique()
        .with_columns(x=pl.int_ranges("x", pl.col("x1") + 1), y=pl.int_ranges("y", pl.col("y1") + 1))
        .explode("x")
        .explode("y")
        .select(pl.col("unit").cast(pl.Int32), "x", "y")
        .unique()
    )


def _alike(values: np.ndarray) -> list[np.ndarray]:
    """Positions of each distinct value."""
    import numpy as np

    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)


def _held(cells: pl.DataFrame, shapes: np.ndarray, side: float) -> np.ndarray:
    """Whether the unit of each cell holds the cell's middle."""
    import numpy as np
    import shapely

    x, y = (((cells[c].to_numpy() + 0.5) * side) for c in ("x", "y"))
    told = np.zeros(cells.height, dtype=bool)
    unit = cells["unit"].to_numpy()
    for own in _alike(unit):
        told[own] = shapely.contains_xy(shapes[unit[own[0]]], x[own] - 180, y[own] - 90)
    return told


def _inner_blocks(blocks: pl.DataFrame, shapes: np.ndarray) -> pl.DataFrame:
    """Coarse cells between the border blocks of a row that lie inside the unit."""
    runs = (
        blocks.sort("unit", "y", "x")
        .with_columns(end=pl.col("x").shift(-1).over("unit", "y"), x=pl.col("x") + 1)
        .filter(pl.col("end") > pl.col("x"))
    )
    inside = runs.filter(pl.Series(_held(runs, shapes, COARSE)))
    return inside.with_columns(x=pl.int_ranges("x", "end")).explode("x").select("unit", "x", "y")


def _inner_parts(blocks: pl.DataFrame, border: pl.DataFrame, shapes: np.ndarray) -> pl.DataFrame:
    """Fine cells of a unit's border blocks that no edge of it touches and that lie inside it."""
    parts = _parts(blocks).join(border, on=["unit", "x", "y"], how="anti")
    return parts.filter(pl.Series(_held(parts, shapes, FINE)))


def _parts(blocks: pl.DataFrame) -> pl.DataFrame:
    """Each coarse cell cut into SPLIT x SPLIT fine ones."""
    step = pl.DataFrame({"dx": [i % SPLIT for i in range(SPLIT**2)], "dy": [i // SPLIT for i in range(SPLIT**2)]})
    return blocks.join(step, how="cross").select(
        "unit", x=pl.col("x") * SPLIT + pl.col("dx"), y=pl.col("y") * SPLIT + pl.col("dy")
    )


def _resolved(told: pl.DataFrame, code_of: dict[int, str]) -> pl.DataFrame:
    """One row a cell: the unit that alone touches and holds it, or the units that it takes to look at."""
    coarse, fine = told.filter(~pl.col("fine")), told.filter("fine")
    # a block that is cut up for one unit, or that units share, is cut up for all of them
    cut = pl.concat(
        [
            fine.select(x=pl.col("x") // SPLIT, y=pl.col("y") // SPLIT).unique(),
            coarse.group_by("x", "y").len().filter(pl.col("len") > 1).select("x", "y"),
        ]
    ).unique()
    again = _parts(coarse.join(cut, on=["x", "y"], how="semi")).with_columns(holds=pl.lit(True))
    named = pl.col("unit").replace_strict(code_of, return_dtype=pl.String)
    number = pl.col("y") * OFFSET + pl.col("x")
    alone = coarse.join(cut, on=["x", "y"], how="anti").select(
        grid=pl.lit(COARSE), cell=number, code=named, codes=pl.lit(None, pl.String)
    )
    cells = pl.concat([fine.select("unit", "holds", cell=number), again.select("unit", "holds", cell=number)])
    touching = pl.len().over("cell")
    pure = cells.filter((touching == 1) & pl.col("holds"))
    shared = (
        cells.filter((touching > 1) | ~pl.col("holds"))
        .with_columns(code=named)
        .group_by("cell")
        .agg(codes=pl.col("code").unique().sort().str.join(SEPARATOR))
    )
    frames = [
        alone,
        pure.select(grid=pl.lit(FINE), cell="cell", code=named, codes=pl.lit(None, pl.String)),
        shared.select(grid=pl.lit(FINE), cell="cell", code=pl.lit(None, pl.String), codes="codes"),
    ]
    return pl.concat(frames).match_to_schema(CELL_SCHEMA).sort("grid", "cell")


def placed_batches(
    source: str | pl.DataFrame,
    index: CellIndex,
    longitude: str = "longitude",
    latitude: str = "latitude",
    keep: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a relation with `code`, the unit that each point stands in (null = in none), in any order.

    Out of core: the relation is read in batches, joined to the cells in DuckDB, and only points of border cells meet
    a polygon.

    Args:
        source: what DuckDB reads: `read_parquet('points.parquet')`, or a quoted path of a Parquet file; or a frame.
        index: cells and polygons of an edition.
        longitude, latitude: columns in degrees of EPSG:4326; null or not finite = no point.
        keep: columns that stand beside `code`; all of them when None.
    """
    import duckdb
    import pyarrow as pa

    # the cells fit into memory and the points stream past them; what would spill lay in the working folder
    connection = duckdb.connect(config={"temp_directory": ""})
    if isinstance(source, pl.DataFrame):
        connection.register("points", source.to_arrow())
        source = "points"
    for name, side in (("coarse", COARSE), ("fine", FINE)):
        connection.register("told", index.numbered.filter(pl.col("grid") == side).drop("grid").to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM told")
        connection.unregister("told")
    lon, lat = (f'p."{name}"' for name in (longitude, latitude))
    kept = "p.* EXCLUDE (_x, _y)" if keep is None else ", ".join(f'p."{name}"' for name in keep)
    # NaN passes a comparison that the statistics of a Parquet file answer
    on_earth = f"isfinite(CAST({lon} AS DOUBLE)) AND isfinite(CAST({lat} AS DOUBLE)) AND abs({lon}) <= 180 AND abs({lat}) <= 90"
    # the coarse cell is that of the fine one: two divisions could put a point on their line into two blocks
    reader = connection.sql(
        f"""
        SELECT {kept}, {lon} AS _longitude, {lat} AS _latitude,
               CAST(coalesce(c.unit, f.unit, -1) AS INTEGER) AS _unit, CAST(coalesce(f.rivals, -1) AS INTEGER) AS _rivals
        FROM (SELECT p.*, CASE WHEN {on_earth} THEN TRY_CAST(floor(({lon} + 180) / {FINE!r}) AS BIGINT) END AS _x,
                     CASE WHEN {on_earth} THEN TRY_CAST(floor(({lat} + 90) / {FINE!r}) AS BIGINT) END AS _y FROM {source} p) p
        LEFT JOIN coarse c ON c.cell = p._y // {SPLIT} * {OFFSET} + p._x // {SPLIT}
        LEFT JOIN fine f ON f.cell = CASE WHEN c.unit IS NULL THEN p._y * {OFFSET} + p._x END
        """
    ).to_arrow_reader(BATCH_ROWS)
    names = pa.array(index.codes, pa.string())
    for batch in reader:
        unit = batch.column("_unit").to_numpy(zero_copy_only=False).copy()
        rivals = batch.column("_rivals").to_numpy(zero_copy_only=False)
        _settle(unit, rivals, batch, index)
        code = pa.DictionaryArray.from_arrays(pa.array(unit, mask=unit < 0), names)
        yield batch.drop_columns(["_longitude", "_latitude", "_unit", "_rivals"]).append_column("code", code)


def _settle(unit: np.ndarray, rivals: np.ndarray, batch: pa.RecordBatch, index: CellIndex) -> None:
    """Set `unit` of the points in border cells: the first of its cell's units that the point meets."""
    import numpy as np
    import shapely

    border = np.flatnonzero(rivals >= 0)
    if not len(border):
        return
    x, y = (batch.column(c).to_numpy(zero_copy_only=False)[border].astype(float) for c in ("_longitude", "_latitude"))
    told = rivals[border]
    for waiting in _alike(told):
        for number in index.rivals[told[waiting[0]]]:
            inside = shapely.intersects_xy(index.polygons[number], x[waiting], y[waiting])
            unit[border[waiting[inside]]] = number
            waiting = waiting[~inside]  # noqa: PLW2901  those that no unit holds so far
            if not len(waiting):
                break


def place_file(
    points: Path,
    out: Path,
    index: CellIndex,
    longitude: str = "longitude",
    latitude: str = "latitude",
    keep: Sequence[str] | None = None,
) -> int:
    """Write the rows of a Parquet file of points with `code`, in any order (`placed_batches`); returns their number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = f"read_parquet('{str(points).replace(chr(39), chr(39) * 2)}')"
    rows, writer = 0, None
    try:
        for batch in placed_batches(source, index, longitude, latitude, keep):
            # trying a dictionary for numbers costs more than all the rest of the writing
            worded: Any = [
                f.name for f in batch.schema if not (pa.types.is_integer(f.type) or pa.types.is_floating(f.type))
            ]
            writer = writer or pq.ParquetWriter(out, batch.schema, compression="zstd", use_dictionary=worded)
            writer.write_batch(batch)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def units_at(points: pl.DataFrame, index: CellIndex) -> pl.Series:
    """The unit of each point of a frame with longitude and latitude (degrees), in their order; null = in none."""
    told = [pl.DataFrame(schema={"_at": pl.UInt32, "code": pl.String})]
    asked = points.select("longitude", "latitude").with_row_index("_at")
    for batch in placed_batches(asked, index, keep=["_at"]):
        told.append(pl.DataFrame(batch).with_columns(pl.col("code").cast(pl.String)))
    return pl.concat(told).sort("_at")["code"]


def drawn_areas(index: CellIndex) -> pl.DataFrame:
    """The map drawn from the cells, beside the polygons: code, area and drawn area in square degrees."""
    import numpy as np
    import shapely

    held = index.cells.filter(pl.col("code").is_not_null()).group_by("code").agg(held=(pl.col("grid") ** 2).sum())
    border = (
        index.cells.filter(pl.col("codes").is_not_null())
        .with_columns(code=pl.col("codes").str.split(SEPARATOR), x=pl.col("cell") % OFFSET, y=pl.col("cell") // OFFSET)
        .explode("code")
        .with_columns(cx=pl.col("x") // SPLIT, cy=pl.col("y") // SPLIT)
    )
    # a polygon is cut to the larger cell once, its sixteen parts are cut from that
    blocks = border.select("code", "cx", "cy").unique(maintain_order=True).with_row_index("block")
    number = {code: i for i, code in enumerate(index.codes)}
    shapes = np.array(index.polygons, dtype=object)

    def boxes(x: np.ndarray, y: np.ndarray, side: float) -> np.ndarray:
        return np.asarray(shapely.box(x * side - 180, y * side - 90, (x + 1) * side - 180, (y + 1) * side - 90))

    own = blocks["code"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    cut = shapely.intersection(shapes[own], boxes(blocks["cx"].to_numpy(), blocks["cy"].to_numpy(), COARSE))
    parts = border.join(blocks, on=["code", "cx", "cy"], maintain_order="left")
    areas = shapely.area(
        shapely.intersection(cut[parts["block"].to_numpy()], boxes(parts["x"].to_numpy(), parts["y"].to_numpy(), FINE))
    )
    crossed = parts.select("code", area=pl.Series(areas)).group_by("code").agg(crossed=pl.col("area").sum())
    whole = pl.DataFrame({"code": index.codes, "area": [float(p.area) for p in index.polygons]})
    return (
        whole.join(held, on="code", how="left")
        .join(crossed, on="code", how="left")
        .select("code", "area", drawn=pl.col("held").fill_null(0.0) + pl.col("crossed").fill_null(0.0))
    )
