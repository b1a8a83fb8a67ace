"""A delivery that was withdrawn leaves no byte in the home; a release that was taken back is not released again unasked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dtm_pipeline.storage.erase import erase, finish_erasures, named
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.snapshots import SnapshotStore
from tests.canaries import CANARY, Planted, found, plant
from tests.conftest import Answer, dtm
from tests.pipeline.test_runs import answer

KINDS = ("migrant_presence", "event_report", "camp_list")
WHO = ("--by", "A. Analyst", "--reason", "the ministry took it back on 28 November")


@pytest.fixture(scope="module")
def planted_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Planted]:
    """A home whose own inbox has deliveries of some kinds, and an archive, all full of canaries, after a run."""
    folder = tmp_path_factory.mktemp("erase")
    kinds = [f"--kind={k}" for k in KINDS]
    assert dtm("samples", "make", *kinds, "--out", folder / "samples").code == 0
    planted = plant(folder / "samples", folder / "inbox")
    home = Home(folder / "home").create()
    for file in (folder / "inbox").iterdir():
        shutil.copy(file, home.inbox)
    assert dtm("run", "--home", home.root).code == 6
    return home, planted


def deliveries(home: Home) -> list[dict[str, object]]:
    return list(dtm("status", "--json", "--home", home.root).json()["deliveries"])


def test_after_an_erasure_no_byte_of_the_delivery_is_left_in_the_home(planted_home: tuple[Home, Planted]) -> None:
    home, _ = planted_home
    before = set().union(*found(home.root).values())
    for told in deliveries(home):
        if told["kind"] != "archive":  # what came in an archive takes it along
            assert dtm("erase", str(told["ingest_sequence"]), *WHO, "--home", home.root).code == 0
    assert len(before) > 50
    assert found(home.root) == {}
    names = [f.name for f in home.root.rglob("*") if CANARY.search(f.name.encode())]
    assert names == []
    assert deliveries(home) == []


def test_what_was_erased_is_not_taken_again_and_others_stay(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600))
    answer(inbox / "b.json", ("2020-04-30", 500))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    erased = dtm("erase", "b.json", *WHO, "--json", "--home", home)
    assert erased.json()["releases_that_rest_on_it"] == [(home / "releases" / "partner").glob("2*").__next__().name]
    told = dtm(
        "run", "--inbox", inbox, "--home", home, "--waive", "no_headline_figure_vanishes=erased", "--by", "A. Analyst"
    )
    assert told.code == 6
    assert "b.json" in told.err
    assert "were erased on" in told.err
    assert [d["name"] for d in dtm("status", "--json", "--home", home).json()["deliveries"]] == ["a.json"]
    release = dtm("releases", "show", "--json", "--home", home).json()
    assert len(release["manifest"]["snapshots"]) == 1
    assert len(release["changes"]["because"]["deliveries_no_longer_used"]) == 1


def test_a_dry_run_of_an_erasure_changes_nothing(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600))
    dtm("run", "--inbox", inbox, "--home", home)
    before = sorted(p for p in home.rglob("*") if p.is_file() and "lock" not in p.name)
    assert dtm("erase", "1", *WHO, "--dry-run", "--home", home).code == 0
    assert sorted(p for p in home.rglob("*") if p.is_file() and "lock" not in p.name) == before


@pytest.mark.parametrize("asked", ["99", "nothing.csv", "abcdef12"])
def test_what_no_delivery_goes_by_is_not_erased(tmp_path: Path, asked: str) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("run", "--home", tmp_path)
    told = dtm("erase", asked, *WHO, "--home", tmp_path)
    assert told.code == 2
    assert "dtm status" in told.err


def test_a_killed_erasure_is_finished_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    answer(home.inbox / "a.json", ("2020-02-29", 600))
    answer(home.inbox / "b.json", ("2020-04-30", 500))
    dtm("run", "--home", tmp_path)
    chosen = named(SnapshotStore(home).all(), "b.json")
    monkeypatch.setattr("dtm_pipeline.storage.erase.finish_erasures", lambda _: None)
    erase(home, chosen, "A. Analyst", "withdrawn")
    monkeypatch.undo()
    assert (home.inbox / "b.json").is_file()
    dtm("run", "--home", tmp_path)
    assert not (home.inbox / "b.json").exists()
    assert [s.name for s in SnapshotStore(home).all()] == ["a.json"]
    finish_erasures(home)


def withdrawn(tmp_path: Path) -> tuple[Path, Path, Answer]:
    """A home with two releases of which the second is withdrawn."""
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600))
    dtm("run", "--inbox", inbox, "--home", home)
    answer(inbox / "b.json", ("2020-04-30", 620))
    dtm("run", "--inbox", inbox, "--home", home)
    (_, second) = (r["release"] for r in dtm("releases", "list", "--json", "--home", home).json())
    return inbox, home, dtm("releases", "withdraw", second, *WHO, "--home", home)


def test_a_withdrawn_release_keeps_its_folder_and_readers_go_back(tmp_path: Path) -> None:
    _, home, told = withdrawn(tmp_path)
    assert told.code == 0, told.err
    first, second = dtm("releases", "list", "--json", "--home", home).json()
    assert (first["latest"], second["latest"]) == (True, False)
    assert second["withdrawn"].startswith("by A. Analyst on ")
    assert dtm("releases", "path", "--home", home).out.strip().endswith(first["release"])
    assert dtm("releases", "verify", second["release"], "--home", home).code == 0
    again = dtm("releases", "withdraw", second["release"], *WHO, "--home", home)
    assert (again.code, "withdrawn before" in again.err) == (2, True)


def test_figures_that_were_withdrawn_are_not_released_again_unasked(tmp_path: Path) -> None:
    inbox, home, _ = withdrawn(tmp_path)
    state = home / "warehouse" / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"released": "nothing"}))
    refused = dtm("run", "--inbox", inbox, "--home", home)
    assert refused.code == 1
    assert "which A. Analyst withdrew on" in refused.err
    answer(inbox / "c.json", ("2020-06-30", 640))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0


def test_withdrawn_figures_leave_again_when_a_named_person_says_so(tmp_path: Path) -> None:
    inbox, home, _ = withdrawn(tmp_path)
    state = home / "warehouse" / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"released": "nothing"}))
    told = dtm("run", "--inbox", inbox, "--home", home, "--waive", "not_withdrawn=it was right", "--by", "A. Analyst")
    assert told.code == 0, told.err
    assert dtm("releases", "show", "--json", "--home", home).json()["manifest"]["waivers"] == {
        "not_withdrawn": "it was right (A. Analyst)"
    }


def test_the_only_release_can_be_withdrawn(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("run", "--home", tmp_path)
    (name,) = (r["release"] for r in dtm("releases", "list", "--json", "--home", tmp_path).json())
    assert "readers are on none" in dtm("releases", "withdraw", name, *WHO, "--home", tmp_path).out
    assert dtm("releases", "path", "--home", tmp_path).code == 2


def test_a_register_of_withdrawals_that_lost_a_line_stops_the_run_with_the_way_back(tmp_path: Path) -> None:
    inbox, home, _ = withdrawn(tmp_path)
    register = home / "releases" / "partner" / "withdrawn.csv"
    register.write_bytes(register.read_bytes().splitlines(keepends=True)[0])
    answer(inbox / "c.json", ("2020-06-30", 640))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 74, told.err
    assert "withdrawn.csv: has 1 lines, and 2 were written; bring it back from a copy of the home" in told.err


def test_a_withdrawn_release_is_compared_with_nothing_where_the_pointer_is_lost(tmp_path: Path) -> None:
    inbox, home, _ = withdrawn(tmp_path)
    first, _ = (r["release"] for r in dtm("releases", "list", "--json", "--home", home).json())
    (home / "releases" / "partner" / "latest.json").write_text("{")
    answer(inbox / "c.json", ("2020-06-30", 640))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert dtm("releases", "show", "--json", "--home", home).json()["manifest"]["previous_release"] == first
