"""A run that is killed or whose disk is full at any change of any file: the next one ends as if nothing had been.

A few of the changes in CI; `make faults` takes all of them and prints their number.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from dtm_pipeline.release.pointer import latest_release
from tests.conftest import Answer, dtm, dtm_process
from tests.faults.harness import Ended, Fault, run_with
from tests.pipeline.test_runs import answer

ALL = os.environ.get("DTM_FAULTS") == "all"
SHORT = {"kill": 5, "full": 3}
"""Changes tried in CI, of each kind of fault, spread over the run."""
SHARES = (os.cpu_count() or 1) if ALL else 1
"""How many processes share the changes."""


@dataclass(frozen=True)
class Place:
    """A home with its inbox, and where a run that is forked writes what it says."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    def copy(self, to: Path) -> Place:
        shutil.copytree(self.folder, to)
        return Place(to)

    def run(self, fault: Fault | None) -> Ended:
        return run_with(fault, self.home, self.folder / "said.txt")

    def again(self) -> Answer:
        return dtm("run", "--home", self.home)

    @property
    def content(self) -> str:
        release = latest_release(self.home / "releases" / "partner")
        assert release is not None
        return str(release.manifest()["content_sha256"])


@dataclass(frozen=True)
class Undisturbed:
    """A home before the run and what the run comes to when nothing disturbs it."""

    before: Place
    changes: int
    content: str
    code: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A home with one release; a correction and a file that is to be refused wait in the inbox."""
    before = Place(tmp_path_factory.mktemp("before") / "place")
    answer(before.inbox / "a.json", ("2020-02-29", 600), ("2020-04-30", 500))
    assert before.again().code == 0
    answer(before.inbox / "b.json", ("2020-02-29", 660))
    (before.inbox / "refused.csv").write_text("no,header,of,ours\n1,2,3,4\n")
    place = before.copy(tmp_path_factory.mktemp("undisturbed") / "place")
    ended = place.run(None)
    assert ended.code == 6, ended.said
    return Undisturbed(before, ended.changes, place.content, ended.code)


def same_as_undisturbed(place: Place, undisturbed: Undisturbed) -> None:
    """Another run ends where the undisturbed one did: content, releases, refusals, and nothing left lying about."""
    told = place.again()
    # what was refused by the disturbed run is not refused a second time, and not new to a run that finds nothing to do
    assert told.code in {undisturbed.code, 0}, told.err
    assert place.content == undisturbed.content
    assert dtm("releases", "verify", "--home", place.home).code == 0
    assert len(dtm("releases", "list", "--json", "--home", place.home).json()) == 2
    assert sorted(f.name for f in (place.inbox / "refused").iterdir()) == ["refused.csv", "refused.csv.reason.txt"]
    assert list((place.home / "scratch").iterdir()) == []


def tried(kind: str, undisturbed: Undisturbed, share: int) -> list[int]:
    """The changes at which a fault happens: some, spread over the run with its first and last, or all of them."""
    last = undisturbed.changes
    if ALL:
        return list(range(1 + share, last + 1, SHARES))
    steps = SHORT[kind] - 1
    return [1 + i * (last - 1) // steps for i in range(steps + 1)]


def try_each(kind: str, code: int, undisturbed: Undisturbed, share: int, folder: Path) -> int:
    """Let a fault of a kind happen at each change that is tried; the number of changes tried.

    A run ends with the code of the fault, or as the undisturbed one when its release had been made by then.
    """
    at = tried(kind, undisturbed, share)
    for number in at:
        place = undisturbed.before.copy(folder / str(number))
        ended = place.run(Fault(kind, number))
        where = f"{kind} at change {number} of {undisturbed.changes}: {ended.code}, {ended.said}"
        if ended.code != code:
            assert (ended.code, place.content) == (undisturbed.code, undisturbed.content), where
        assert "Traceback" not in ended.said, where
        assert dtm("releases", "verify", "--home", place.home).code == 0, (
            f"{where}: readers are on a release that is not whole"
        )
        assert place.content in {undisturbed.before.content, undisturbed.content}, where
        try:
            same_as_undisturbed(place, undisturbed)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        shutil.rmtree(place.folder)
    return len(at)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_that_is_killed_at_any_change_is_as_if_it_had_not_been(
    undisturbed: Undisturbed, tmp_path: Path, share: int
) -> None:
    number = try_each("kill", -9, undisturbed, share, tmp_path)
    assert number >= SHORT["kill"]
    print(f"killed at {number} of {undisturbed.changes} changes of files")


@pytest.mark.parametrize("share", range(SHARES))
def test_a_disk_that_is_full_from_any_change_on_stops_the_run_with_a_sentence(
    undisturbed: Undisturbed, tmp_path: Path, share: int
) -> None:
    number = try_each("full", 74, undisturbed, share, tmp_path)
    assert number >= SHORT["full"]
    print(f"full from {number} of {undisturbed.changes} changes of files on")


@pytest.mark.parametrize("part", ["snapshots", "warehouse", "releases"])
def test_a_part_of_the_home_that_can_only_be_read_is_named(undisturbed: Undisturbed, tmp_path: Path, part: str) -> None:
    place = undisturbed.before.copy(tmp_path / "place")
    ended = place.run(Fault("read-only", 1, part))
    assert ended.code == 74, ended.said
    assert f"{place.home / part}" in ended.said
    assert "it lies on a disk that can only be read" in ended.said
    assert "Traceback" not in ended.said
    same_as_undisturbed(place, undisturbed)


def test_of_two_runs_side_by_side_one_is_told_that_the_other_holds_the_home(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    place = undisturbed.before.copy(tmp_path / "place")
    with ThreadPoolExecutor() as both:
        started = [both.submit(dtm_process, "run", "--home", place.home) for _ in range(2)]
        told = sorted((s.result() for s in started), key=lambda t: t.code)
    assert [t.code for t in told] == [4, 6], [t.err for t in told]
    assert "holds" in told[0].err
    same_as_undisturbed(place, undisturbed)
