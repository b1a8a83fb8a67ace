"""Who holds a home, and the heartbeat by which it is known to live (`HOME/.holder.json`, touched while the lock is held)."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BEAT_SECONDS = 15.0
SILENT_SECONDS = 4 * BEAT_SECONDS
"""A holder that was not heard for so long is taken for dead."""


@dataclass(frozen=True)
class Holder:
    """A process that holds a home, or held it and died.

    Attributes:
        run: id of its run in Dagster, where it has one.
        silent_for: seconds since it was last heard.
    """

    pid: int
    host: str
    since: str
    run: str | None
    silent_for: float

    @property
    def died(self) -> bool:
        """Whether it is known to be dead: on this machine at once, on another when it was not heard any more."""
        return self.silent_for > SILENT_SECONDS or (self.host == socket.gethostname() and not _alive(self.pid))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}, heard {self.silent_for:.0f} seconds ago"


def read_holder(root: Path) -> Holder | None:
    """Who holds the home at `root`, or left it without a word; None where nobody did."""
    file = _file(root)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Holder(told["pid"], told["host"], told["since"], told["run"], time.time() - file.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def heartbeat(root: Path, run: str | None = None) -> Iterator[None]:
    """Say who holds the home, and beat until it is let go. What can't be written holds nobody up.

    Args:
        run: id of the run in Dagster; within the hold of the command that started it, it is added to what is said.
    """
    before = read_holder(root)
    within = before is not None and before.pid == os.getpid()
    since = before.since if before and within else datetime.now(UTC).isoformat(timespec="seconds")
    told = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "run": run}
    _write(root, told)
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(_file(root), over), daemon=True)
    if not within:
        beating.start()
    try:
        yield
    finally:
        over.set()
        if within:
            _write(root, {**told, "run": before.run if before else None})
        else:
            with suppress(OSError):
                _file(root).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _file(root: Path) -> Path:
    return root / ".holder.json"


def _write(root: Path, told: dict[str, object]) -> None:
    file = _file(root)
    temporary = file.with_name(f"{file.name}.tmp")
    with suppress(OSError):
        temporary.write_text(json.dumps(told), encoding="utf-8")
        temporary.replace(file)


def _beat(file: Path, over: threading.Event) -> None:
    while not over.wait(BEAT_SECONDS):
        with suppress(OSError):
            os.utime(file)
