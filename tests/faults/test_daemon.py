"""A run that is killed under the living daemon: the sensor marks it failed and starts the next one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.holder import Holder, read_holder
from tests.pipeline.test_runs import answer, district

T = TypeVar("T")
COMMANDS = Path(sys.executable).parent


def waited_for(what: Callable[[], T | None], seconds: float) -> T:
    """What comes, when it comes."""
    until = time.monotonic() + seconds
    while (told := what()) is None:
        assert time.monotonic() < until, f"{what.__name__} did not come within {seconds} s"
        time.sleep(0.2)
    return told


@contextmanager
def daemon(home: Path) -> Iterator[None]:
    """Dagster's daemon with the sensor on the inbox started, as `make dev` and a deployment run it."""
    (home / "dagster").mkdir()
    shutil.copyfile(Settings().dagster_yaml, home / "dagster" / "dagster.yaml")
    env = {**os.environ, "DTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    location = ["-m", "dtm_pipeline.definitions"]
    subprocess.run(
        [COMMANDS / "dagster", "sensor", "start", "inbox", *location], env=env, check=True, capture_output=True
    )
    with subprocess.Popen(
        [COMMANDS / "dagster-daemon", "run", *location],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            yield
        finally:
            os.killpg(running.pid, signal.SIGTERM)


def test_a_run_that_is_killed_under_the_daemon_is_marked_failed_and_the_next_one_releases(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer(home / "inbox" / "a.json", ("2020-02-29", 600))

    def a_run_at_work() -> Holder | None:
        holder = read_holder(home)
        return holder if holder and holder.run and not holder.died else None

    def a_release() -> Path | None:
        pointer = home / "releases" / "partner" / "latest.json"
        return pointer if pointer.exists() else None

    with daemon(home):
        killed = waited_for(a_run_at_work, 120)
        os.kill(killed.pid, signal.SIGKILL)
        waited_for(a_release, 240)
    assert district(home) == [("2020-02-29", 600)]
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home / "dagster"))) as instance:
        runs = {r.run_id: r.status for r in instance.get_runs()}
    assert runs.pop(str(killed.run)) == dg.DagsterRunStatus.FAILURE
    assert len(runs) == 1
