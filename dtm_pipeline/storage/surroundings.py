"""Faults of the surroundings, which pass: a full disk, a lost mount, no memory. They stop a run; they are no judgement of a file."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

PASSING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EIO: "the disk can't be read or written",
    errno.EROFS: "it lies on a disk that can only be read",
    errno.EACCES: "it may not be opened",
    errno.EPERM: "it may not be changed",
    errno.ENOENT: "it is gone",
    errno.ESTALE: "its mount is gone",
    errno.ENOTCONN: "its mount is gone",
    errno.ENODEV: "its device is gone",
    errno.ENXIO: "its device is gone",
    errno.ETIMEDOUT: "its disk does not answer",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "there is no memory left",
    errno.EBUSY: "it is in use",
}
# libraries that are no Python tell the number in their words, SQLite tells it in its own
IN_WORDS = re.compile(r"\(os error (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
SQLITE = {"database or disk is full": errno.ENOSPC, "disk i/o error": errno.EIO, "readonly database": errno.EROFS}
MEND = "make it right and run again: nothing was judged by it, and the next run goes on from here"


class SurroundingsError(Exception):
    """The surroundings failed: which file, in what way, and what to do. The text holds no values of rows."""


def passing_fault(error: BaseException) -> SurroundingsError | None:
    """The fault of the surroundings behind an error or one of its causes, or None."""
    for one in _causes(error):
        if isinstance(one, SurroundingsError):
            return one
        if isinstance(one, MemoryError):
            return SurroundingsError(f"there is no memory left; {MEND}")
        number = _number(one)
        if number in PASSING:
            path = getattr(one, "filename", None)
            where = f"{path}: " if isinstance(path, str | Path) else ""
            return SurroundingsError(f"{where}{PASSING[number]}; {MEND}")
    return None


def stop_at_passing_fault(error: OSError, home: Path) -> None:
    """Raise what stops a run, where an error is a fault of the home and not of a file that was delivered.

    Args:
        home: root of the home; a file outside of it that can't be opened is told, and stops nothing.
    """
    fault = passing_fault(error)
    path = error.filename2 or error.filename
    outside = isinstance(path, str) and not Path(path).resolve().is_relative_to(home.resolve())
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
    if fault is not None and (full or not outside):
        raise fault from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    told: set[int] = set()
    current: BaseException | None = error
    # an orchestrator may tie causes into a ring
    while current is not None and id(current) not in told:
        told.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    if found := IN_WORDS.search(text):
        return int(found[1] or found[2])
    return next((number for words, number in SQLITE.items() if words in text.lower()), None)
