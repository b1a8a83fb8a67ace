"""Errors that stop a command, and the logs of internal ones: where they happened, never the values that they quote."""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

OWN_PACKAGES = ("dtm_pipeline", "assets", "sources", "checks")


class InternalError(Exception):
    """A defect of ours: the text names the type and the log, and nothing of the data."""


class ReferenceDataError(Exception):
    """Reference data that can't be used; the sentence names the part and what is wrong."""


def write_error_log(error: BaseException, folder: Path | None) -> Path:
    """Write type and frames of an error and its causes into a file of the owner's alone.

    Messages of other people's libraries quote values of rows, so only those of our own errors are kept. It never raises.
    """
    place = folder if folder is not None and folder.is_dir() else Path(tempfile.gettempdir())
    try:
        handle, name = tempfile.mkstemp(prefix="error-", suffix=".log", dir=place)
        _write_frames(error, handle)
    except OSError as failed:
        # what went wrong is told all the same: a log that can't be written is no second error
        return place / f"(no log: {failed.strerror})"
    return Path(name)


def _write_frames(error: BaseException, handle: int) -> None:
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        current: BaseException | None = error
        told: set[int] = set()
        # an orchestrator may tie causes into a ring
        while current is not None and id(current) not in told:
            told.add(id(current))
            kind = type(current)
            own = kind.__module__.split(".")[0] in OWN_PACKAGES
            file.write(f"{kind.__module__}.{kind.__qualname__}: {current if own else '(message left out)'}\n")
            file.writelines(traceback.format_tb(current.__traceback__))
            current = current.__cause__ or current.__context__
