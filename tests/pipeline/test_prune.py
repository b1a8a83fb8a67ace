"""A home keeps as much as it declares, and never less than its readers are on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from dtm_pipeline.execute import instance_of
from dtm_pipeline.release.prune import Retention, prune_files
from dtm_pipeline.storage.home import Home
from tests.conftest import dtm
from tests.pipeline.test_runs import answer

KEPT = "[retention]\nreleases = 2\nruns = 3\nby = 'A. Analyst'\non = 2026-11-29\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that keeps two releases and three runs, after five releases."""
    home = Home(tmp_path_factory.mktemp("prune")).create()
    home.reference.mkdir()
    (home.reference / "thresholds.toml").write_text(KEPT)
    for number in range(5):
        answer(home.inbox / f"{number}.json", (f"2020-0{number + 1}-28", 600 + number))
        assert dtm("run", "--home", home.root).code == 0
    return home


def releases(home: Home) -> list[str]:
    return [r["release"].rsplit(".")[-1] for r in dtm("releases", "list", "--json", "--home", home.root).json()]


def test_each_run_removes_what_lies_beyond_the_retention(home: Home) -> None:
    assert releases(home) == ["4", "5"]
    with dg.DagsterInstance.from_ref(instance_of(home.dagster)) as instance:
        runs = instance.get_run_ids()
    assert len(runs) == 3
    shards = {f.stem for f in (home.dagster / "history" / "runs").glob("*.db")} - {"index"}
    assert shards == set(runs)
    assert dtm("releases", "verify", "--home", home.root).code == 0


def test_a_dry_run_removes_nothing_and_says_what_would_go(home: Home) -> None:
    told = prune_files(home, Retention(releases=1, runs=3, log_days=1), dry_run=True)
    assert [r.rsplit(".")[-1] for r in told.releases] == ["4"]
    assert told.bytes > 100_000
    assert releases(home) == ["4", "5"]
    assert dtm("prune", "--dry-run", "--json", "--home", home.root).json()["releases"] == []


def test_the_release_that_readers_are_on_stays_however_old(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    for number in range(2):
        answer(home.inbox / f"{number}.json", (f"2020-0{number + 1}-28", 600 + number))
        dtm("run", "--home", tmp_path)
    first, second = (r["release"] for r in dtm("releases", "list", "--json", "--home", tmp_path).json())
    dtm("releases", "withdraw", second, "--by", "A. Analyst", "--reason", "wrong", "--home", tmp_path)
    assert prune_files(home, Retention(1, 1, 1)).releases == []
    assert dtm("releases", "path", "--home", tmp_path).out.strip().endswith(first)


def test_old_logs_go_and_new_ones_stay(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    for name, age in (("error-old.log", 100), ("error-new.log", 10)):
        (home.logs / name).write_text("frames")
        then = time.time() - age * 24 * 3600
        os.utime(home.logs / name, (then, then))
    assert prune_files(home, Retention(9, 9, 90)).logs == ["error-old.log"]
    assert [f.name for f in home.logs.iterdir()] == ["error-new.log"]


def test_nothing_is_removed_from_under_a_pointer_that_can_not_be_read(home: Home) -> None:
    pointer = home.releases / "latest.json"
    before = pointer.read_bytes()
    pointer.write_text("{")
    try:
        assert prune_files(home, Retention(1, 1, 1)).releases == []
    finally:
        pointer.write_bytes(before)
    assert releases(home) == ["4", "5"]


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_retention_that_keeps_nothing_is_named(tmp_path: Path, number: str) -> None:
    home = Home(tmp_path).create()
    home.reference.mkdir()
    (home.reference / "thresholds.toml").write_text(
        f"[retention]\nreleases = {number}\nby = 'A. Analyst'\non = 2026-11-29\n"
    )
    for command in (("prune",), ("run",)):
        told = dtm(*command, "--home", tmp_path)
        assert (told.code, "releases is a whole number from 1" in told.err) == (2, True), told.err
