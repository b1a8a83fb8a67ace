"""Our tables beside pandas on the same core facts: wall time and peak memory of whole processes, alternately, and equal results.

python benchmarks/tables/run.py [--locations 5000] [--dates 12] [--rounds 3]
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

from dtm_pipeline.contracts import table
from dtm_pipeline.release.build import point
from dtm_pipeline.storage.home import Home, write_json

HERE = Path(__file__).parent
DTM = Path(sys.executable).parent / "dtm"
KEY = ["series_id", "reference_date", "location_code", "admin1_code", "admin2_code"]
PUBLISHED = {"stock": "idp", "breakdown": "shelter", "change": "change"}


def timed(script: str, *arguments: object) -> tuple[float, float, float]:
    """Seconds, seconds after its imports, and peak MiB (of its resident set, looked at) of a script as a process."""
    began = time.perf_counter()
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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
    said, _ = process.communicate()
    seconds = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{script} failed")
    return seconds, float(said.split()[-1]), peak[0]


def differing(ours: Path, theirs: Path) -> list[str]:
    """Published columns whose cells are not equal, with how many differ."""
    told = []
    for level in ("governorate", "district"):
        for name, published in PUBLISHED.items():
            one = pl.read_parquet(ours / f"{level}_{name}.parquet")
            one = one.rename({c: c.removeprefix("idp_") for c in one.columns})
            other = pl.read_parquet(theirs / f"{level}_{name}.parquet")
            key = [k for k in [*KEY, "dimension", "category_code"] if k in one.columns]
            columns = [c.name.removeprefix("idp_") for c in table(f"out_dtm__{level}_{published}").columns]
            measures = [c for c in columns if c in one.columns and c not in key]
            missing = [c for c in measures if c not in other.columns]
            told += [f"{level}_{name}.{c}: not made" for c in missing]
            types = {c: one.schema[c] for c in [*key, *measures] if c not in missing}
            both = one.with_columns(_one=True).join(
                other.select(*types).cast(types).with_columns(_other=True),
                on=key,
                how="full",
                coalesce=True,
                nulls_equal=True,
                suffix="_peer",
            )
            alone = both.filter(pl.col("_one").is_null() | pl.col("_other").is_null()).height
            told += [f"{level}_{name}: {alone} rows of one alone"] if alone else []
            for c in measures:
                wrong = 0 if c in missing else both.filter(~pl.col(c).eq_missing(pl.col(f"{c}_peer"))).height
                told += [f"{level}_{name}.{c}: {wrong} of {both.height}"] if wrong else []
    return told


def released(home: Path, tables: Path) -> None:
    """A release of the tables, as far as `dtm explain` needs one."""
    releases = Home(home).releases
    folder = releases / "2026-01-01.1"
    (folder / "tables").mkdir(parents=True)
    for made in tables.iterdir():
        pl.read_parquet(made).write_parquet(folder / "tables" / f"{made.name}.parquet")
    write_json(folder / "manifest.json", {"release": folder.name, "files": [], "snapshots": []})
    point(releases, folder.name)


def explained(home: Path, rounds: int) -> list[float]:
    """Seconds of `dtm explain` for the largest district of a date, as a process of its own."""
    published = home / "releases/partner/2026-01-01.1/tables/out_dtm__district_idp.parquet"
    figure = pl.read_parquet(published).filter(location_code="IRQ").sort("idp_individuals").row(-1, named=True)
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
        "pandas": ("peer_pandas.py", home, work / "pandas"),
    }
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in scripts}
    for _ in range(arguments.rounds):
        for name, (script, *told) in scripts.items():
            runs[name].append(timed(script, *told))
    released(home, work / "all")
    explain = explained(home, arguments.rounds + 2)
    print(f"{'median of':<28} {'process':>9} {'of it after imports':>20} {'peak':>10}")
    print(f"{'dtm explain':<28} {statistics.median(explain):7.2f} s")
    made = {}
    for name, measured in runs.items():
        seconds, made[name], memory = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:<28} {seconds:7.2f} s {made[name]:18.2f} s {memory:6.0f} MiB")
    times = made["pandas"] / made["ours, the peer's tables"]
    print(f"ours make the peer's tables {times:.1f} times as fast as pandas, imports apart")
    wrong = differing(work / "ours", work / "pandas")
    print(f"equal to pandas: {'every published column' if not wrong else '; '.join(wrong)}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
