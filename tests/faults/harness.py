"""A run that is killed, or whose disk is full, at the n-th change of a file of its home.

Changes are seen where Python makes them (`sys.addaudithook`). Libraries write Parquet by themselves, each file under a
name that the run renames afterwards, which is seen.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = {"os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Fault:
    """What happens from the change with that number on, counted from 1 in a part of the home.

    The process is killed (`kill`), the disk is full (`full`) or can only be read (`read-only`).
    """

    kind: str
    at: int
    part: str = ""

    def happen(self, path: str) -> None:
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        number = {"full": errno.ENOSPC, "read-only": errno.EROFS}[self.kind]
        raise OSError(number, os.strerror(number), path)


class Counter:
    """Counts the changes of files under a home, without the orchestrator's own, and lets a fault happen."""

    def __init__(self, home: Path, fault: Fault | None) -> None:
        self.seen = 0
        self._part, self._not = f"{home / (fault.part if fault else '')}{os.sep}", f"{home / 'dagster'}{os.sep}"
        self._fault = fault

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not flags & WRITING:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        at = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        # a relative name is one beside an open folder: only `shutil.rmtree` does that, and only in the home
        if Path(at).is_absolute() and (not at.startswith(self._part) or at.startswith(self._not)):
            return
        self.seen += 1
        if self._fault is not None and self.seen >= self._fault.at:
            self._fault.happen(at)


@dataclass(frozen=True)
class Ended:
    """How a faulty run ended: its exit code (-9: killed), what it said, how many changes it had made."""

    code: int
    said: str
    changes: int


def run_with(fault: Fault | None, home: Path, told: Path) -> Ended:
    """Run `dtm run` in a process of its own, forked from a server in which all is loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.loaded"])
    process = context.Process(target=_run, args=(fault, home, told))
    process.start()
    process.join(120)
    assert process.exitcode is not None, f"{fault} left the run hanging"
    number = told.with_suffix(".changes")
    return Ended(process.exitcode, told.read_text(), int(number.read_text()) if number.exists() else 0)


def _run(fault: Fault | None, home: Path, told: Path) -> None:
    from dtm_pipeline.cli import run_command
    from sources.readers import stop_readers

    counter = Counter(home, fault)
    with told.open("w", buffering=1) as out, redirect_stdout(out), redirect_stderr(out):
        os.dup2(out.fileno(), sys.__stderr__.fileno())
        sys.addaudithook(counter)
        code = run_command(["run", "--home", str(home)])
    told.with_suffix(".changes").write_text(str(counter.seen))
    stop_readers()
    # threads of libraries that a fork brought along are not waited for
    os._exit(code)
