"""Files of a home that vanish, are cut, emptied, changed or take each other's place: the same figures, or a refusal.

A few homes in CI, 300 by `make faults`. `reference/` is the operator's own: what stands there is what is meant.
"""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from dtm_pipeline.release.pointer import ReleaseError, latest_release
from tests.conftest import dtm
from tests.faults.test_faults import ALL

WAY_BACK = re.compile(r"deliver the (same )?file again|from a copy of the home|`?dtm (boundaries import|rebuild|run)")
SEEDS = 300 if ALL else 3
PARTS = ("snapshots", "warehouse", "releases", "review", "quality", "dagster", "seen.json")
"""What a run writes and reads again."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two releases, of lists, a survey, border counts and what was rejected of them."""
    folder = tmp_path_factory.mktemp("whole")
    made = dtm("samples", "make", "--rounds", 2, "--locations", 120, "--seed", 5, "--out", folder / "inbox")
    assert made.code == 0, made.err
    [later] = (folder / "inbox").glob("border_counts_*.csv")
    later.rename(folder / later.name)
    first = dtm("run", "--inbox", folder / "inbox", "--home", folder / "home")
    (folder / later.name).rename(later)
    second = dtm("run", "--inbox", folder / "inbox", "--home", folder / "home")
    assert (first.code, second.code) == (6, 6), first.out + second.out
    assert len(dtm("releases", "list", "--json", "--home", folder / "home").json()) == 2
    return folder / "home"


def content(home: Path) -> str | None:
    try:
        release = latest_release(home / "releases" / "partner")
    except ReleaseError:
        return None
    return str(release.manifest()["content_sha256"]) if release else None


def damage(draw: random.Random, home: Path) -> str:
    """Damage one file of a home; what was done to which."""
    files = [f for p in PARTS for f in ([home / p] if (home / p).is_file() else (home / p).rglob("*")) if f.is_file()]
    file = draw.choice(sorted(files))
    size = file.stat().st_size
    how = draw.choice(["delete", "cut", "empty", "change", "swap"])
    if how == "delete":
        file.unlink()
    elif how == "swap":
        other = draw.choice([f for f in sorted(files) if f.suffix == file.suffix])
        here, there = file.read_bytes(), other.read_bytes()
        file.write_bytes(there)
        other.write_bytes(here)
    elif how == "change" and size:
        bytes_ = bytearray(file.read_bytes())
        bytes_[draw.randrange(size)] ^= 0xFF
        file.write_bytes(bytes_)
    else:
        file.write_bytes(file.read_bytes()[: size // 2 if how == "cut" else 0])
    return f"{how} {file.relative_to(home)}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_damaged_home_gives_the_same_figures_or_a_refusal_that_says_what_to_do(
    whole: Path, tmp_path: Path, seed: int
) -> None:
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    draw = random.Random(seed)
    done = [damage(draw, home) for _ in range(draw.randint(1, 4))]
    told = dtm("run", "--home", home)
    where = f"{done}: {told.code}, {told.err}{told.out}"
    assert "Traceback" not in told.err, where
    assert "internal error" not in told.err, where
    if told.code in {0, 6}:
        assert content(home) == content(whole), where
        assert dtm("releases", "verify", "--home", home).code == 0, where
        assert dtm("run", "--home", home).out.startswith("unchanged"), where
    else:
        assert told.code == 74, where
        assert content(home) in {content(whole), None}, where
        assert str(home) in told.err, where
        assert WAY_BACK.search(told.err), where
