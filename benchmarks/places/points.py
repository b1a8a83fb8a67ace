"""Points in districts: ours beside geopandas.sjoin and SedonaDB, from a Parquet file of points to a Parquet file with codes.

    python benchmarks/places/points.py DISTRICTS [--points 5000000] [--peer PYTHON]

DISTRICTS is a boundary file of districts, such as Iraq's COD-AB. Half of the points lie anywhere in its bounding box, half
around 5,000 places (about 1 km). `--peer` is an interpreter that has SedonaDB (benchmarks/places/peers.txt). Each task
runs in a process of its own; seconds are those from the start of reading to the end of writing, memory is the highest
resident memory of the process. The answers are compared: `intersects`, ties to the lowest code.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import polars as pl

from dtm_pipeline.places import Gazetteer
from dtm_pipeline.places.boundary_file import read_boundaries

PEAK = """
import json, resource, sys, time
from pathlib import Path
def peak_mib():
    # of this program alone: ru_maxrss may be that of the process that started it
    status = Path("/proc/self/status")
    if status.is_file():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
points, units, out, cells = sys.argv[1:]
"""
OURS = """
import geopandas as gpd, polars as pl
from dtm_pipeline.places.cells import CellIndex, place_file
index = CellIndex(pl.read_parquet(cells), gpd.read_parquet(units))
began = time.perf_counter()
place_file(Path(points), Path(out), index, keep=["id"])
"""
INDEX = """
import geopandas as gpd
from dtm_pipeline.places.cells import build_cells
frame = gpd.read_parquet(units)
began = time.perf_counter()
build_cells(frame).write_parquet(out)
"""
SJOIN = """
import geopandas as gpd, pandas as pd
frame = gpd.read_parquet(units)
began = time.perf_counter()
told = pd.read_parquet(points)
drawn = gpd.GeoDataFrame(told, geometry=gpd.points_from_xy(told.longitude, told.latitude), crs="EPSG:4326")
met = gpd.sjoin(drawn, frame[["code", "geometry"]], predicate="intersects", how="left").drop(columns=["geometry", "index_right"])
met.groupby("id", as_index=False)["code"].min().to_parquet(out)
"""
SEDONA = """
import sedonadb
sd = sedonadb.connect()
began = time.perf_counter()
sd.read_parquet(points).to_view("points")
sd.read_parquet(units).to_view("units")
sd.sql("SELECT p.id, min(u.code) AS code FROM points p JOIN units u ON ST_Intersects(u.geometry, ST_SetSRID(ST_Point(p.longitude, p.latitude), 4326)) GROUP BY p.id").to_parquet(out)
"""
END = """
print(json.dumps({"seconds": time.perf_counter() - began, "peak_mib": peak_mib()}))
"""


def make_points(count: int, units: gpd.GeoDataFrame, file: Path) -> None:
    random = np.random.default_rng(7)
    west, south, east, north = units.total_bounds
    half = count // 2
    places = units.sample_points(1 + 5_000 // len(units), rng=3).explode().get_coordinates().to_numpy()[:5_000]
    near = places[random.integers(0, len(places), count - half)] + random.normal(0, 0.01, (count - half, 2))
    wide = np.column_stack([random.uniform(west, east, half), random.uniform(south, north, half)])
    both = random.permutation(np.concatenate([near, wide]))
    pl.DataFrame({"id": np.arange(count), "longitude": both[:, 0], "latitude": both[:, 1]}).write_parquet(file)


def timed(python: Path, code: str, *files: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a task in a process of its own."""
    told = subprocess.run([python, "-c", PEAK + code + END, *files], capture_output=True, text=True, check=True)
    figures = json.loads(told.stdout.splitlines()[-1])
    return figures["seconds"], figures["peak_mib"]


def answers(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file).select("id", pl.col("code").cast(pl.String)).sort("id")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("districts", type=Path)
    parser.add_argument("--country", default="IRQ")
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--peer", type=Path)
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dtm-points-"))
    points, units, cells = work / "points.parquet", work / "units.parquet", work / "cells.parquet"
    drawn = read_boundaries(arguments.districts, arguments.country, Gazetteer.load().of_country(arguments.country))
    drawn[-1].frame.to_parquet(units)
    make_points(arguments.points, drawn[-1].frame, points)
    here = Path(sys.executable)
    seconds, peak = timed(here, INDEX, points, units, cells, cells)
    print(f"{len(drawn[-1].frame)} districts; index built in {seconds:.2f} s, {peak:.0f} MiB")
    tasks = {"cell index": (here, OURS), "geopandas.sjoin": (here, SJOIN)}
    if arguments.peer:
        tasks["SedonaDB"] = (arguments.peer, SEDONA)
    took: dict[str, float] = {}
    for name, (python, code) in tasks.items():
        out = work / f"{name}.parquet"
        took[name], peak = timed(python, code, points, units, out, cells)
        print(f"{name}: {arguments.points:,} points in {took[name]:.2f} s, peak {peak:.0f} MiB")
    print(f"{took['geopandas.sjoin'] / took['cell index']:.1f} times as fast as geopandas.sjoin")
    ours = answers(work / "cell index.parquet")
    for name in list(tasks)[1:]:
        both = ours.join(answers(work / f"{name}.parquet"), on="id", how="left", suffix="_peer")
        print(f"answers that differ from {name}: {both.filter(pl.col('code').ne_missing(pl.col('code_peer'))).height}")


if __name__ == "__main__":
    main()
