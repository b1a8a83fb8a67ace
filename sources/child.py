"""Reading one delivery, start to end, in a process that may die of it: recognised, read, and its parts written."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.contracts import raw, table
from dtm_pipeline.quality.split import ConservationError
from dtm_pipeline.storage.errors import write_error_log
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import UNREADABLE, Snapshot
from dtm_pipeline.storage.surroundings import passing_fault
from dtm_pipeline.storage.tables import FileFacts, stored, write_table
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

OUT_OF_MEMORY = 77
"""Exit code of a child that used all the memory that it may."""
RAW_TABLES = tuple(t.name for t in raw.TABLES)


@dataclass(frozen=True)
class Task:
    """A delivery to read.

    Attributes:
        home: root of the home.
        reference: folder of the shipped reference data.
        snapshot: the delivery.
        forms: name and payload of the forms of surveys that the home holds.
        scratch: a folder of its own, which is removed after it.
    """

    home: Path
    reference: Path
    snapshot: Snapshot
    forms: tuple[tuple[str, Path], ...]
    scratch: Path


@dataclass(frozen=True)
class Outcome:
    """What came of a delivery. Its parts are on disk.

    Attributes:
        refused: why it can't be used; None where it was read.
        parts: facts of each part that was written, by table and key.
        within: the bounds that refused it; None where they did not.
    """

    refused: str | None = None
    kind: str | None = None
    countries: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    parts: dict[tuple[str, str], FileFacts] = field(default_factory=dict)
    within: str | None = None


def read_and_store(task: Task) -> Outcome:
    """Read a delivery and write what it gives.

    Raises:
        ConservationError: an invariant is broken; the run stops.
        SurroundingsError: the disk, the memory or a file of the home failed; the delivery is not judged by it.
    """
    try:
        reading = _read(task)
    except DeliveryError as refusal:
        if fault := passing_fault(refusal):
            raise fault from None
        return Outcome(refused=str(refusal))
    except ConservationError:
        raise
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        if fault := passing_fault(error):
            raise fault from None
        # a defect of ours in the face of one file never stops the others
        log = write_error_log(error, Home(task.home).logs)
        told = DeliveryError(
            f"could not be read: internal error ({type(error).__name__})", "no defect of ours", f"report it with {log}"
        )
        return Outcome(refused=str(told))
    return Outcome(None, reading.kind, tuple(reading.countries), reading.report(), _store(reading, task))


def _read(task: Task) -> Reading:
    snapshot, home = task.snapshot, Home(task.home)
    if UNREADABLE in snapshot.statement:
        told = str(snapshot.statement[UNREADABLE])
        raise DeliveryError(told, "a sidecar that can be used", "mend the sidecar")
    document = Document(snapshot.name, snapshot.payload(home), task.forms, task.scratch)
    reference = Reference(task.reference, home.reference)
    return read_delivery(document, Delivery(snapshot.sha256, snapshot.name, snapshot.statement), reference)


def _store(reading: Reading, task: Task) -> dict[tuple[str, str], FileFacts]:
    """Write what a reading gives of each table at once: frames of many deliveries are never held together."""
    key, warehouse = task.snapshot.sha256, Home(task.home).warehouse
    parts = {}
    for name in RAW_TABLES:
        place = stored(warehouse, table(name))
        if name == raw.SURVEY_RESPONSE.name:
            # a file for each table of the form, by the contract that the form makes
            for of_form, spool in reading.responses.items():
                answers = f"{key}.{of_form}"
                parts[name, answers] = write_table(spool, spool.table, place.path(answers))
            continue
        frame = _quarantined(reading) if name == raw.QUARANTINE.name else reading.tables.get(name)
        if frame is not None:
            parts[name, key] = write_table(frame, place.table, place.path(key))
    return parts


def _quarantined(reading: Reading) -> pl.DataFrame:
    country = reading.countries[0] if len(reading.countries) == 1 else None
    return reading.rejected.with_columns(location_code=pl.coalesce("location_code", pl.lit(country, pl.String)))


def start(memory: int, output: int, parent: int) -> None:
    """Make this process one that reads deliveries: bounded, quiet, gone when its parent is.

    Args:
        memory, output: bytes that a delivery may take, and that a file of it may have.
        parent: id of the process that waits for it.
    """
    import resource

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
    """Address space that the process has now, which is that of its libraries."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _leave_with(parent: int) -> None:
    """End when the process that started this one is gone, whatever this one is doing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
