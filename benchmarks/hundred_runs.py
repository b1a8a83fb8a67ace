"""A hundred runs under Dagster's daemon, each with something new, some of them killed: what grows, and does anything stand still?

    python benchmarks/hundred_runs.py [--runs 100] [--kills 0.25]

Prints the size of each part of the home after every 25 releases, and at the end how many runs were killed, how long a delivery
waited for its release, and whether every release that is kept verifies. The retention of the home is 20 releases and 30 runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from dtm_pipeline.release.pointer import all_releases, verify
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.holder import read_holder
from dtm_pipeline.storage.home import Home

RETENTION = "[retention]\nreleases = 20\nruns = 30\nby = 'the benchmark'\non = 2026-11-29\n"
LONGEST = 300.0
LOCATION = ["-m", "dtm_pipeline.definitions"]
ROW = {
    "operation": "Iraq conflict",
    "admin0Name": "Iraq",
    "admin0Pcode": "IRQ",
    "admin1Name": "Ninewa",
    "admin1Pcode": "IQG15",
    "admin2Name": "Mosul",
    "admin2Pcode": "IQG15Q05",
    "assessmentType": "BA",
    "roundNumber": None,
}


def deliver(home: Home, number: int) -> None:
    """An answer of the API with a date that no other has."""
    day = date(2015, 1, 31) + timedelta(days=30 * number)
    row = {"id": 1, **ROW, "reportingDate": f"{day}T00:00:00", "numPresentIdpInd": 10_000 + 37 * number}
    content = json.dumps({"result": [row], "isSuccess": True, "statusCode": 200, "errorMessages": []})
    (home.inbox / f"{number:03}.json").write_text(content, encoding="utf-8")


def latest(home: Home) -> str | None:
    try:
        return str(json.loads((home.releases / "latest.json").read_text(encoding="utf-8"))["release"])
    except (OSError, ValueError, KeyError):
        return None


def sizes(home: Home) -> dict[str, float]:
    """Megabytes of each part of the home."""
    parts = ("snapshots", "warehouse", "releases", "dagster", "quality", "logs", "scratch")
    return {
        p: sum(f.stat().st_size for f in (home.root / p).rglob("*") if f.is_file()) / 1e6
        for p in parts
        if (home.root / p).is_dir()
    }


def one(home: Home, number: int, kills: float, chance: random.Random) -> tuple[float, int]:
    """Deliver something and wait for its release; how long it took, and how many runs were killed on the way."""
    before, killed, started = latest(home), 0, time.monotonic()
    deliver(home, number)
    due = chance.random() < kills
    while latest(home) == before:
        holder = read_holder(home.root)
        if due and holder and holder.run and not holder.died:
            time.sleep(chance.uniform(0, 3))
            os.kill(holder.pid, signal.SIGKILL)
            killed, due = killed + 1, False
        if time.monotonic() - started > LONGEST:
            raise SystemExit(f"delivery {number} was not released within {LONGEST:g} s: the schedule stands still")
        time.sleep(0.2)
    return time.monotonic() - started, killed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=100)
    arguments.add_argument("--kills", type=float, default=0.25, help="share of the runs that are killed")
    arguments.add_argument("--seed", type=int, default=7)
    told = arguments.parse_args()
    chance = random.Random(told.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").create()
        home.reference.mkdir()
        (home.reference / "thresholds.toml").write_text(RETENTION, encoding="utf-8")
        shutil.copyfile(Settings().dagster_yaml, home.dagster / "dagster.yaml")
        own = {"DTM_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster), "DTM_SENSOR_SECONDS": "2", "DTM_SETTLE_SECONDS": "0"}  # fmt: skip
        env = {**os.environ, **own}
        commands = Path(sys.executable).parent
        subprocess.run([commands / "dagster", "sensor", "start", "inbox", *LOCATION], env=env, check=True, capture_output=True)  # fmt: skip
        daemon = subprocess.Popen(
            [commands / "dagster-daemon", "run", *LOCATION],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        waited, kills = [], 0
        try:
            for number in range(told.runs):
                seconds, killed = one(home, number, told.kills, chance)
                waited.append(seconds)
                kills += killed
                if (number + 1) % 25 == 0 or number == 0:
                    print(f"after {number + 1}: " + ", ".join(f"{p} {mb:.1f} MB" for p, mb in sizes(home).items()), flush=True)  # fmt: skip
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(timeout=60)
        kept = all_releases(home.releases)
        broken = {r.name: wrong for r in kept if (wrong := verify(r))}
        shards = len(list((home.dagster / "history" / "runs").glob("*.db"))) - 1
        middle = sorted(waited)[len(waited) // 2]
        print(f"{told.runs} deliveries released, {kills} runs killed; a delivery waited {middle:.0f} s, at most {max(waited):.0f} s")  # fmt: skip
        print(f"kept: {len(kept)} releases, {len(kept) - len(broken)} verify; {shards} runs in the history")
        if broken:
            raise SystemExit(f"releases that do not verify: {broken}")


if __name__ == "__main__":
    main()
