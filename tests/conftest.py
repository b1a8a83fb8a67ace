"""What tests share: the reference data, a home with a release of the samples, the real files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dtm_pipeline.cli import run_command
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

# tests put files into inboxes and run at once; the waiting itself has a test of its own
os.environ.setdefault("DTM_SETTLE_SECONDS", "0")


@dataclass(frozen=True)
class Answer:
    """What the command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def dtm(*arguments: object) -> Answer:
    """Run a command in this process, so that heavy imports are paid once; exit code and outputs as a user sees them."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command([str(a) for a in arguments])
    return Answer(code, out.getvalue(), err.getvalue())


def dtm_process(*arguments: object, env: dict[str, str] | None = None) -> Answer:
    """Run the installed command in a process of its own."""
    told = subprocess.run(
        [str(Path(sys.executable).parent / "dtm"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Answer(told.returncode, told.stdout, told.stderr)


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(Settings().reference)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample deliveries of three rounds with planted faults."""
    out = tmp_path_factory.mktemp("samples")
    answer = dtm("samples", "make", "--rounds", 3, "--locations", 400, "--seed", 11, "--out", out)
    assert answer.code == 0, answer.err
    return out


@pytest.fixture(scope="session")
def released(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a release of the samples. Tests read it and never write in it."""
    home = tmp_path_factory.mktemp("released")
    answer = dtm("run", "--inbox", samples, "--home", home)
    # a delivery is planted to be refused, and one to be held
    assert answer.code == 6, answer.err
    return home


@pytest.fixture(scope="session")
def release_folder(released: Path) -> Path:
    return Path(dtm("releases", "path", "--home", released).out.strip())


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real files that DTM_REAL_DATA names. CI sets it, so that these tests can't be skipped there."""
    named = os.environ.get("DTM_REAL_DATA")
    if not named:
        pytest.skip("DTM_REAL_DATA names no folder of real files")
    folder = Path(named).resolve()
    assert folder.is_dir(), f"DTM_REAL_DATA={named} is no folder"
    return folder
