"""The processes that deliveries are read in: warm, bounded, replaced when one dies. One file never takes the home down."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtm_pipeline.settings import Bounds, Settings
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.snapshots import Snapshot

if TYPE_CHECKING:
    from pebble import ProcessPool

    from sources.child import Outcome, Task

MEGABYTE = 1 << 20
_pool: list[tuple[tuple[int, Bounds], ProcessPool]] = []


def warm_readers(deliveries: int) -> None:
    """Start the processes while other things are imported; they stay for the next deliveries.

    Args:
        deliveries: how many there are to read.
    """
    _readers(Settings(), deliveries).schedule(os.getpid)


def _readers(settings: Settings, deliveries: int) -> ProcessPool:
    from pebble import ProcessPool

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
        pool.stop()  # type: ignore[no-untyped-call]  # pebble types only what gives something back
        pool.join()


def read_all(
    home: Home, reference: Path, pending: list[Snapshot], forms: Callable[[], list[Snapshot]]
) -> Iterator[tuple[Snapshot, Outcome]]:
    """Read deliveries, each in a process that may die of it. One that fails in a process of its own, too, is refused.

    A process reads many deliveries, and what one leaves behind in memory may be what the next one fails of.

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
        if isinstance(outcome, str) or outcome.defect:
            again.append(snapshot)
        else:
            yield snapshot, outcome
    for snapshot in again:
        # alone and in a new process: whatever else needed memory has ended
        stop_readers()
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

    from sources.child import OUT_OF_MEMORY, TOO_LARGE

    bounds = Bounds.of(Settings())
    ends = {
        OUT_OF_MEMORY: f"it took more than {bounds.memory_mb:,} MB of memory",
        TOO_LARGE: f"it wrote a file of more than {bounds.output_mb:,} MB",
    }
    try:
        outcome: Outcome = future.result()
        return outcome
    except TimeoutError:
        return f"it took more than {bounds.seconds:g} s"
    except ProcessExpired as expired:
        broke = f"it broke the process that read it (code {expired.exitcode}), which may take {bounds.memory_mb:,} MB"
        return ends.get(expired.exitcode, broke)
    except BrokenProcessPool:
        stop_readers()
        return "the processes that read were ended"


def _died(how: str) -> Outcome:
    """The refusal of a delivery that ended two processes."""
    from sources.child import Outcome
    from sources.document import DeliveryError

    told = DeliveryError(
        f"could not be read: {how}, twice",
        "a file that can be read within bounds",
        "look for a stray cell far from the others, or ask for it as CSV or in parts; bounds are set by DTM_READ_MEMORY_MB and DTM_READ_SECONDS",
    )
    return Outcome(refused=str(told), expected=told.expected, within=str(Bounds.of(Settings())))


def start(memory: int, output: int, parent: int) -> None:
    """Make this process one that reads deliveries: bounded, quiet, gone when its parent is, all that it needs imported.

    Args:
        memory, output: bytes that a delivery may take, and that a file of it may have.
        parent: id of the process that waits for it.
    """
    import resource

    for needed in ("sources.child", "pyarrow.parquet", "fastexcel"):
        import_module(needed)  # once, for every delivery, and before memory is bounded

    os.umask(0o077)
    # libraries that panic print what they were reading
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_FSIZE, output)
    if sys.platform == "linux":
        # elsewhere the kernel keeps no such bound; the size of a sheet is looked at before it is read everywhere
        _bound(resource.RLIMIT_AS, _in_use() + memory)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _bound(what: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _in_use() -> int:
    """Address space that the process has now, in bytes, which is that of its libraries."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _leave_with(parent: int) -> None:
    """End when the process that started this one is gone, whatever this one is doing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
