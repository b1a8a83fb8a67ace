"""The layout of a home folder, and who may write in it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dtm_pipeline.storage.holder import heartbeat, read_holder

DEMO_MARK = "demo.json"
TAKING = ".taking-"
"""How the folder of a delivery is named while it is stored."""


class HomeError(Exception):
    """The home can't be used as asked; the sentence says why and what to do."""


class DamagedHomeError(HomeError):
    """A file of the home is gone or is not what was written, and can't be made again; the sentence names it and the way back."""


class HomeBusyError(HomeError):
    """Another run holds the home."""


@dataclass(frozen=True)
class Home:
    """A home folder (`$DTM_HOME`, `--home`)."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def refused(self) -> Path:
        """Files of the inbox that were refused, each with its reason beside it."""
        return self.inbox / "refused"

    @property
    def scratch(self) -> Path:
        """Where copies lie while they are read."""
        return self.root / "scratch"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def boundaries(self) -> Path:
        return self.root / "boundaries"

    @property
    def reference(self) -> Path:
        """What the home says beside the shipped reference data."""
        return self.root / "reference"

    @property
    def decisions(self) -> Path:
        return self.root / "places" / "decisions.csv"

    @property
    def reviews(self) -> Path:
        """What persons decided of held statements."""
        return self.root / "review" / "decisions.csv"

    @property
    def erasures(self) -> Path:
        """Which deliveries were erased, by whom and why."""
        return self.root / "review" / "erased.csv"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def quality(self) -> Path:
        return self.root / "quality"

    @property
    def report(self) -> Path:
        """The analysts' page of the last release that was made: it names files, sheets and rows."""
        return self.quality / "report.html"

    @property
    def releases(self) -> Path:
        return self.root / "releases" / "partner"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def state_file(self) -> Path:
        return self.warehouse / "state.json"

    @property
    def is_demo(self) -> bool:
        return (self.root / DEMO_MARK).is_file()

    def create(self) -> Home:
        """Make the folders; what may hold people's data is the owner's alone.

        Raises:
            HomeError: no home can be made there.
            OSError: a home that was made before, or its disk, can't be written now.
        """
        made = self.snapshots.is_dir()
        try:
            # a home that is made is the owner's alone, whatever the umask; one that an operator opened stays so
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.inbox.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.boundaries, self.releases):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.snapshots, self.warehouse, self.quality, self.dagster, self.logs, self.scratch):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            if made or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            raise HomeError(
                f"{self.root}: can't be used as a home: {error.strerror}; name another with --home"
            ) from error
        return self

    @contextmanager
    def held(self, run: str | None = None, looks_only: bool = False) -> Iterator[None]:
        """Hold the home for one run; the lock falls with the process, however it ends.

        The CLI and the run that it starts hold it together: within one process it is taken once.

        Args:
            run: id of the run in Dagster.
            looks_only: nothing is changed; else what a killed run left in scratch is removed, and the holder is named.

        Raises:
            HomeBusyError: another run holds it.
        """
        from filelock import FileLock, Timeout

        if not os.access(self.root, os.W_OK):
            raise HomeError(f"{self.root}: can't be written; name another home with --home")
        lock = FileLock(str(self.root.resolve() / ".lock"), is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            holder = read_holder(self.root)
            who = f" ({holder})" if holder else ""
            raise HomeBusyError(f"{self.root}: another run holds this home{who}; wait for it to end") from error
        try:
            if looks_only:
                yield
                return
            if lock.lock_counter == 1:
                self._clear()
            with heartbeat(self.root, run):
                yield
        finally:
            lock.release()

    def _clear(self) -> None:
        """Remove what killed runs left: copies of deliveries, which hold people's data, and deliveries half stored."""
        for left in (*self.scratch.glob("*"), *self.snapshots.glob(f"{TAKING}*")):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Wait until the bytes of a file, or the entries of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
