"""Reading one delivery, start to end, in a process that may die of it: recognised, read, and its parts written."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.contracts import raw, table
from dtm_pipeline.quality.split import ConservationError
from dtm_pipeline.storage.errors import write_error_log
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import UNREADABLE, Snapshot
from dtm_pipeline.storage.surroundings import causes, passing_fault, system_number
from dtm_pipeline.storage.tables import FileFacts, stored, write_table
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

OUT_OF_MEMORY, TOO_LARGE = 77, 78
"""Exit codes of a process that used all the memory, or wrote as large a file, as it may."""
BEYOND = {errno.ENOMEM: OUT_OF_MEMORY, errno.EFBIG: TOO_LARGE}
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
        expected: what was expected of it, in words of ours alone.
        parts: facts of each part that was written, by table and key.
        within: the bounds that refused it; None where they did not.
        defect: reading it failed by a defect, ours or of a library, or for what this process had read before it.
    """

    refused: str | None = None
    expected: str | None = None
    kind: str | None = None
    countries: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    parts: dict[tuple[str, str], FileFacts] = field(default_factory=dict)
    within: str | None = None
    defect: bool = False


def read_and_store(task: Task) -> Outcome:
    """Read a delivery and write what it gives. Where it takes more than it may, this process ends.

    Raises:
        ConservationError: an invariant is broken; the run stops.
        SurroundingsError: the disk or a file of the home failed; the delivery is not judged by it.
    """
    try:
        reading = _read(task)
        parts = _store(reading, task)
    except (ConservationError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a library that panics raises no Exception
        refusal = _refusal(error, task)
        return Outcome(refused=str(refusal), expected=refusal.expected, defect=refusal is not error)
    return Outcome(kind=reading.kind, countries=tuple(reading.countries), report=reading.report(), parts=parts)


def _refusal(error: BaseException, task: Task) -> DeliveryError:
    """Why a delivery can't be used, where that is the delivery's fault.

    Raises:
        SurroundingsError: it is not.
    """
    for number in map(system_number, causes(error)):
        if number in BEYOND:
            os._exit(BEYOND[number])
    if fault := passing_fault(error):
        raise fault from None
    if isinstance(error, DeliveryError):
        return error
    # a defect of ours in the face of one file never stops the others
    log = write_error_log(error, Home(task.home).logs)
    return DeliveryError(
        f"could not be read: internal error ({type(error).__name__})", "no defect of ours", f"report it with {log}"
    )


def _read(task: Task) -> Reading:
    snapshot, home = task.snapshot, Home(task.home)
    if UNREADABLE in snapshot.statement:
        told = str(snapshot.statement[UNREADABLE])
        raise DeliveryError(told, "a sidecar that can be used", "mend the sidecar")
    document = Document(snapshot.name, snapshot.payload(home), task.forms, task.scratch)
    reference = Reference(task.reference, home.reference)
    return read_delivery(
        document,
        Delivery(snapshot.sha256, snapshot.name, snapshot.statement, date.fromisoformat(snapshot.received_at[:10])),
        reference,
    )


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
