"""Hostile inboxes: the good file is released, nothing is written or read outside the home, memory stays bounded.

Some in CI, 200 by `make fuzz`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtm_pipeline.storage.snapshots import inbox_files, printable
from sources.readers import stop_readers
from tests.conftest import dtm
from tests.fuzz.hostile import STOLEN, fill
from tests.pipeline.test_runs import answer, district

INBOXES = 200 if "DTM_FUZZ" in os.environ else 3
MEMORY_MB = 1024
LINUX = sys.platform == "linux"
"""Elsewhere the system holds no process to its memory (docs/runbook.md)."""
FIGURES = [("2020-02-29", 600), ("2020-04-30", 500)]


@pytest.fixture(scope="module", autouse=True)
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Processes that read with little memory, and a temporary folder of the system that is watched."""
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DTM_READ_MEMORY_MB", str(MEMORY_MB))
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", str(temporary))
        stop_readers()
        yield temporary
    stop_readers()


def around(folder: Path, home: Path) -> dict[str, tuple[int, int]]:
    """Everything in a folder but the home, with sizes and times."""
    found = [Path(at) / name for at, folders, files in os.walk(folder) for name in (*folders, *files)]
    left = [f for f in found if not f.is_relative_to(home)]
    return {os.fsdecode(f): (f.lstat().st_size if not f.is_dir() else 0, f.lstat().st_mtime_ns) for f in left}


def peak_mb(process: int | str) -> float:
    """The most memory that a process held since it was started, or since its mark was set back."""
    told = Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1]
    return int(told.split()[0]) / 1024


@pytest.mark.parametrize("seed", range(INBOXES))
def test_a_good_file_beside_hostile_ones_is_released_and_nothing_else_happens(
    tmp_path: Path, bounded: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    outside, home = tmp_path / "outside", tmp_path / "home"
    # the home's own inbox, from which what is refused is moved, or one that is somebody else's
    inbox = home / "inbox" if seed % 2 else tmp_path / "inbox"
    outside.mkdir()
    (outside / "secret.json").write_bytes(STOLEN)
    answer(inbox / "good.json", *FIGURES)
    fill(seed, inbox, outside)
    monkeypatch.chdir(outside)
    home.mkdir(exist_ok=True)
    deliveries, left = inbox_files(inbox)
    before = around(tmp_path, home)
    if LINUX:
        Path("/proc/self/clear_refs").write_text("5")
        held = peak_mb("self")
    told = dtm("run", "--inbox", inbox, "--home", home)
    if LINUX:
        assert max((peak_mb(p.pid) for p in multiprocessing.active_children() if p.pid), default=0) <= MEMORY_MB
        assert peak_mb("self") - held <= MEMORY_MB, "the run itself, which opens archives"
    said = told.out + told.err
    assert told.code in {0, 6}, said
    assert district(home) == FIGURES
    assert around(tmp_path, home) == before
    assert [f for f in bounded.iterdir() if f.suffix != ".log"] == []
    assert list((home / "scratch").iterdir()) == []
    assert "Traceback" not in said
    assert [c for c in said if not c.isprintable() and c != "\n"] == []
    untold = [
        n for n in (*(printable(f.name) for f in deliveries), *left) if n not in said and n.split(".")[0] not in said
    ]
    assert untold == [], said
    # a delivery that names it lies in snapshots and inbox; nothing that was made of a delivery does
    made = [f for f in home.rglob("*") if f.is_file() and not {"snapshots", "inbox"} & {*f.relative_to(home).parts}]
    assert [f for f in made if b"987654321" in f.read_bytes()] == []
