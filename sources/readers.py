"""The processes that deliveries are read in: warm, bounded, replaced when one dies. One file never takes the home down."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtm_pipeline.settings import Bounds, Settings
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.snapshots import Snapshot

if TYPE_CHECKING:
    from pebble import ProcessPool

    from sources.child import Outcome, Task

MEGABYTE = 1 << 20
TRIES = 2
"""A delivery that ends the process that reads it so often is refused."""


_pool: list[tuple[tuple[int, Bounds], ProcessPool]] = []


def warm_readers(deliveries: int) -> None:
    """Start the processes while other things are imported; they stay for the next deliveries.

    Args:
        deliveries: how many there are to read.
    """
    _readers(Settings(), deliveries).schedule(os.getpid)


def _readers(settings: Settings, deliveries: int) -> ProcessPool:
    from pebble import ProcessPool

    from sources.child import start

    bounds = Bounds.of(settings)
    wanted = min(settings.readers, max(deliveries, 1))
    if _pool:
        (workers, before), pool = _pool[0]
        if before == bounds and workers >= wanted and pool.active:
            return pool
        stop_readers()
    pool = ProcessPool(
        max_workers=wanted,
        initializer=start,
        initargs=(bounds.memory_mb * MEGABYTE, bounds.output_mb * MEGABYTE, os.getpid()),
        context=multiprocessing.get_context("spawn"),
    )
    _pool[:] = [((wanted, bounds), pool)]
    return pool


@atexit.register
def stop_readers() -> None:
    """End the processes."""
    while _pool:
        _, pool = _pool.pop()
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def read_all(
    home: Home, reference: Path, pending: list[Snapshot], forms: Callable[[], list[Snapshot]]
) -> Iterator[tuple[Snapshot, Outcome]]:
    """Read deliveries, each in a process that may die of it. One that ends its process twice is refused.

    Args:
        reference: folder of the shipped reference data.
        forms: the forms of surveys that are known when it is asked.

    Yields:
        Each delivery and what came of it, in the order given; those that were tried again come last.

    Raises:
        ConservationError, SurroundingsError: what stops a run.
    """
    again = []
    for snapshot, outcome in _read(home, reference, pending, forms()):
        if isinstance(outcome, str):
            again.append(snapshot)
        else:
            yield snapshot, outcome
    for snapshot in again:
        # alone: whatever else needed memory has ended
        for one, outcome in _read(home, reference, [snapshot], forms()):
            yield one, _died(outcome) if isinstance(outcome, str) else outcome


def _read(
    home: Home, reference: Path, pending: list[Snapshot], forms: list[Snapshot]
) -> Iterator[tuple[Snapshot, Outcome | str]]:
    """Each delivery and its outcome, or how the process that read it ended."""
    from sources.child import Task, read_and_store

    settings = Settings()
    known = tuple((f.name, f.payload(home)) for f in forms)
    tasks = [Task(home.root, reference, s, known, home.scratch / f"reading-{s.sha256[:16]}") for s in pending]
    pool = _readers(settings, len(tasks))
    waiting: list[tuple[Task, Any]] = []
    for task in tasks:
        task.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting.append((task, pool.schedule(read_and_store, (task,), timeout=settings.read_seconds)))
    try:
        for task, future in waiting:
            yield task.snapshot, _result(future)
            shutil.rmtree(task.scratch, ignore_errors=True)
    finally:
        for task, future in waiting:
            future.cancel()
            shutil.rmtree(task.scratch, ignore_errors=True)


def _result(future: Any) -> Outcome | str:
    from pebble import ProcessExpired

    from sources.child import OUT_OF_MEMORY

    bounds = Bounds.of(Settings())
    try:
        outcome: Outcome = future.result()
        return outcome
    except TimeoutError:
        return f"it took more than {bounds.seconds:g} s"
    except ProcessExpired as expired:
        full = expired.exitcode in (OUT_OF_MEMORY, -6)
        return f"it took more than {bounds.memory_mb:,} MB of memory" if full else "the process that read it was ended"
    except BrokenProcessPool:
        stop_readers()
        return "the process that read it was ended"


def _died(how: str) -> Outcome:
    """The refusal of a delivery that ended two processes."""
    from sources.child import Outcome
    from sources.document import DeliveryError

    told = DeliveryError(
        f"could not be read: {how}, {TRIES} times",
        "a file that can be read within bounds",
        "look for a stray cell far from the others, or ask for it as CSV or in parts; bounds are set by DTM_READ_MEMORY_MB and DTM_READ_SECONDS",
    )
    return Outcome(refused=str(told), within=str(Bounds.of(Settings())))
