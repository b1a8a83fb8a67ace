"""Our run beside the analyst's script: wall time and peak memory of each as a whole process, in one run."""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
DTM = Path(sys.executable).parent / "dtm"


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of a command."""
    code = f"import subprocess, resource, sys; r = subprocess.run({command!r}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode)"
    began = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scale = 1024 if sys.platform == "linux" else 1024 * 1024
    return time.perf_counter() - began, int(told.stdout) / scale


def agree(home: Path, peer: Path) -> tuple[int, int]:
    """Districts and dates compared, and those that differ by more than the planted faults explain."""
    folder = Path(
        subprocess.run(
            [DTM, "releases", "path", "--home", home], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    ours = pl.concat(
        pl.read_parquet(folder / "tables" / f"out_dtm__district_{n}.parquet").select(
            "admin2_code",
            group="population_group",
            date=pl.col("reference_date").cast(pl.String),
            ours=f"{n}_individuals",
        )
        for n in ("idp", "returnee")
    )
    both = pl.read_parquet(peer).join(ours, on=["group", "date", "admin2_code"])
    return both.height, both.filter(pl.col("individuals") != pl.col("ours")).height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locations", type=int, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dtm-bench-"))
    print(
        f"{arguments.rounds} rounds of two lists; peak memory of the whole process; {resource.getpagesize()} byte pages"
    )
    for locations in arguments.locations:
        inbox, home, peer = work / f"in{locations}", work / f"home{locations}", work / f"peer{locations}.parquet"
        subprocess.run(
            [DTM, "samples", "make", "--locations", str(locations), "--rounds", str(arguments.rounds), "--out", inbox],
            check=True,
            capture_output=True,
        )
        (inbox / "Round_cut_on_its_way.xlsx").unlink()
        rows = [
            (
                "pandas script (totals only)",
                [sys.executable, str(HERE / "peer_pandas.py"), str(inbox), str(HERE.parent / "reference"), str(peer)],
            ),
            ("dtm run (whole job)", [str(DTM), "run", "--inbox", str(inbox), "--home", str(home)]),
            ("dtm run, nothing new", [str(DTM), "run", "--inbox", str(inbox), "--home", str(home)]),
        ]
        for name, command in rows:
            seconds, memory = timed(command)
            print(f"{locations:>8,} locations  {name:<28} {seconds:7.1f} s  {memory:7.0f} MiB", flush=True)
        compared, apart = agree(home, peer)
        print(f"{'':>8}            {compared:,} district figures compared, {apart} differ (the planted rejects)")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
