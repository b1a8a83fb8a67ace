"""Our tables beside pandas on the same core facts: wall time and peak memory of whole processes, alternately, and equal results.

python benchmarks/tables/run.py [--locations 5000] [--dates 12] [--rounds 3] [--analyst]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import polars as pl

from dtm_pipeline.release.build import point
from dtm_pipeline.storage.home import Home, write_json

HERE = Path(__file__).parent
DTM = Path(sys.executable).parent / "dtm"
KEY = ["series_id", "reference_date", "admin1_code", "admin2_code"]
MEASURES = {
    "stock": [
        "households", "individuals", "individuals_low", "individuals_high", "in_camp_individuals", "out_of_camp_individuals",
        "locations_with_population", "locations_assessed", "individuals_basis", "household_size_rule_id",
    ],
    "breakdown": ["households", "individuals", "individuals_basis", "share_denominator"],
    "change": [
        *(f"{p}_{u}" for u in ("households", "individuals") for p in ("panel_change", "newly_listed", "emptied", "left_unexplained", "rule_or_category")),
        "panel_locations", "dynamics_class",
    ],
}  # fmt: skip


def timed(script: str, *arguments: object) -> tuple[float, float]:
    """Seconds and peak MiB of a script as a process of its own (its resident set, looked at while it runs)."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(HERE / script), *map(str, arguments)], stdout=subprocess.DEVNULL)
    peak = [0.0]

    def watch() -> None:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None and status.exists():
            try:
                text = status.read_text()
            except OSError:
                return
            line = next((row for row in text.splitlines() if row.startswith("VmHWM")), None)
            peak[0] = int(line.split()[1]) / 1024 if line else peak[0]
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{script} failed")
    return seconds, peak[0]


def differing(ours: Path, theirs: Path) -> list[str]:
    """Tables whose cells are not equal, with how many differ."""
    told = []
    for level in ("governorate", "district"):
        for name, measures in MEASURES.items():
            key = [k for k in KEY if level == "district" or k != "admin2_code"]
            key += ["dimension", "category_code"] if name == "breakdown" else []
            one = pl.read_parquet(ours / f"{level}_{name}.parquet").rename(
                {f"idp_{m}": m for m in measures if name == "stock" and f"idp_{m}" in pl.read_parquet_schema(ours / f"{level}_{name}.parquet")}
            )  # fmt: skip
            other = pl.read_parquet(theirs / f"{level}_{name}.parquet").with_columns(
                pl.col("reference_date").cast(pl.Date)
            )
            both = one.join(other, on=key, how="full", coalesce=True, nulls_equal=True, suffix="_peer")
            for measure in measures:
                number = both.schema[measure].is_numeric()
                mine, peer = pl.col(measure), pl.col(f"{measure}_peer")
                same = (
                    (mine.fill_null(-1).cast(pl.Float64) == peer.fill_null(-1).cast(pl.Float64).fill_nan(-1))
                    if number
                    else mine.eq_missing(peer)
                )
                wrong = both.filter(~same).height
                if wrong or one.height != other.height:
                    told.append(
                        f"{level}_{name}.{measure}: {wrong} of {both.height} ({one.height} and {other.height} rows)"
                    )
    return told


def released(home: Path, tables: Path) -> None:
    """A release of the tables, as far as `dtm explain` needs one."""
    releases = Home(home).releases
    folder = releases / "2026-01-01.1"
    (folder / "tables").mkdir(parents=True)
    for table in tables.iterdir():
        pl.read_parquet(table).write_parquet(folder / "tables" / f"{table.name}.parquet")
    write_json(folder / "manifest.json", {"release": folder.name, "files": [], "snapshots": []})
    point(releases, folder.name)


def explained(home: Path, rounds: int) -> list[float]:
    """Seconds of `dtm explain` for the largest district of a date, as a process of its own."""
    table = home / "releases/partner/2026-01-01.1/tables/out_dtm__district_idp.parquet"
    figure = pl.read_parquet(table).filter(location_code="IRQ").sort("idp_individuals").row(-1, named=True)
    asked = ["--admin2", figure["admin2_code"], "--date", str(figure["reference_date"]), "--home", str(home)]
    told = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([DTM, "explain", "out_dtm__district_idp", *asked], check=True, stdout=subprocess.DEVNULL)
        told.append(time.perf_counter() - began)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--locations", type=int, default=5_000, help="of a country and date, IDPs and returnees together"
    )
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed")
    parser.add_argument("--analyst", action="store_true", help="time the script with a function a group too (minutes)")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dtm-tables-"))
    home = work / "home"
    subprocess.run(
        [
            sys.executable,
            HERE / "facts.py",
            home,
            "--locations",
            str(arguments.locations),
            "--dates",
            str(arguments.dates),
        ],
        check=True,
    )
    print(
        f"2 countries x {arguments.dates} dates x {arguments.locations:,} locations, {os.cpu_count()} cores, whole processes"
    )
    scripts = {
        "ours, every table": ("ours.py", home, work / "all"),
        "ours, the peer's tables": ("same.py", home, work / "ours"),
        "pandas, vectorised": ("peer_pandas_vectorised.py", home, work / "vectorised"),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in scripts}
    for _ in range(arguments.rounds):
        for name, (script, *told) in scripts.items():
            runs[name].append(timed(script, *told))
    if arguments.analyst:
        runs["pandas, a function a group"] = [timed("peer_pandas.py", home, work / "analyst")]
    released(home, work / "all")
    explain = explained(home, arguments.rounds + 2)
    print(f"{'dtm explain':<28} {statistics.median(explain):7.2f} s")
    for name, measured in runs.items():
        seconds, memory = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:<28} {seconds:7.2f} s  {memory:6.0f} MiB")
    for peer in ("vectorised", *(["analyst"] if arguments.analyst else [])):
        wrong = differing(work / "ours", work / peer)
        print(f"equal to pandas, {peer}: {'every figure' if not wrong else '; '.join(wrong)}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
