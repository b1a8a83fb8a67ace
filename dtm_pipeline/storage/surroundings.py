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
# Polars tells the number in words. Its other errors quote cells, so nothing but these whole sentences is believed.
OF_POLARS = re.compile(r"(?:parquet: )?(?:File out of specification: underlying IO error: )?[A-Z][A-Za-z ]+ \(os error (\d+)\)(?:: .*)?")  # fmt: skip
OF_SQLITE = {"database or disk is full": errno.ENOSPC, "disk i/o error": errno.EIO, "readonly database": errno.EROFS}
MEND = "make it right and run again: nothing was judged by it, and the next run goes on from here"


class SurroundingsError(Exception):
    """The surroundings failed: which file, in what way, and what to do. The text holds no values of rows."""


def passing_fault(error: BaseException) -> SurroundingsError | None:
    """The fault of the surroundings behind an error or one of its causes, or None."""
    for one in causes(error):
        if isinstance(one, SurroundingsError):
            return one
        number = system_number(one)
        if number in PASSING:
            path = one.filename if isinstance(one, OSError) else None
            where = f"{path}: " if isinstance(path, str | Path) else ""
            return SurroundingsError(f"{where}{PASSING[number]}; {MEND}")
    return None


def stop_at_passing_fault(error: OSError, home: Path) -> None:
    """Raise what stops a run, where an error is a fault of the home and not of a file that was delivered.

    Args:
        home: root of the home; a file outside of it that can't be opened is told, and stops nothing.

    Raises:
        SurroundingsError: it is one of the home, or of the whole machine.
    """
    fault = passing_fault(error)
    path = error.filename2 or error.filename
    outside = isinstance(path, str) and not Path(path).resolve().is_relative_to(home.resolve())
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
    if fault is not None and (full or not outside):
        raise fault from error


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came of."""
    told: set[int] = set()
    current: BaseException | None = error
    # an orchestrator may tie causes into a ring
    while current is not None and id(current) not in told:
        told.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def system_number(error: BaseException) -> int | None:
    """The number that the system gave an error (errno); None where it is not the system's."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    maker = type(error).__module__.split(".")[0]
    if maker == "polars" or isinstance(error, OSError):
        found = OF_POLARS.fullmatch(str(error))
        return int(found[1]) if found else None
    if maker in ("sqlite3", "sqlalchemy"):
        return next((number for words, number in OF_SQLITE.items() if words in str(error).lower()), None)
    return None
