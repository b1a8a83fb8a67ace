"""A release names all that it rests on, and one that was tampered with does not verify (killed runs: tests/faults)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from dtm_pipeline.release.pointer import Release, latest_release, verify
from tests.conftest import dtm
from tests.pipeline.test_runs import answer


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one release, and an inbox with a correction that waits."""
    folder = tmp_path_factory.mktemp("before")
    answer(folder / "inbox" / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", folder / "inbox", "--home", folder / "home").code == 0
    answer(folder / "inbox" / "b.json", ("2020-02-29", 660))
    return folder


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "no manifest"])
def test_a_release_that_was_tampered_with_does_not_verify(before: Path, tmp_path: Path, damage: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(before / "home", home)
    release = latest_release(home / "releases" / "partner")
    assert release is not None
    assert verify(release) == []
    table = release.folder / "tables" / "out_dtm__district_idp.parquet"
    if damage == "changed":
        table.write_bytes(table.read_bytes()[:-1] + b"X")
    elif damage == "missing":
        table.unlink()
    elif damage == "added":
        (release.folder / "notes.txt").write_text("hello")
    else:
        (release.folder / "manifest.json").unlink()
    told = dtm("releases", "verify", "--home", home)
    assert (told.code, "Traceback" in told.err) == (1, False)


def tamper(release: Release) -> None:
    """Change a table and its hash in the manifest, as somebody would who knows how releases are checked."""
    table = release.folder / "tables" / "out_dtm__district_idp.parquet"
    content = table.read_bytes()[:-1] + b"X"
    manifest = release.manifest()
    told = next(f for f in manifest["files"] if f["path"].endswith(table.name))
    told["sha256"] = hashlib.sha256(content).hexdigest()
    for file, new in ((table, content), (release.folder / "manifest.json", json.dumps(manifest).encode())):
        file.chmod(0o644)
        file.write_bytes(new)


def test_each_release_seals_the_one_before_it_and_a_run_does_not_go_on_from_one_that_was_tampered_with(
    before: Path, tmp_path: Path
) -> None:
    shutil.copytree(before, tmp_path / "copy")
    home, inbox = tmp_path / "copy" / "home", tmp_path / "copy" / "inbox"
    first = latest_release(home / "releases" / "partner")
    assert first is not None
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    tamper(first)
    assert verify(first) == ["manifest.json: is not the one that was released"]
    second = latest_release(home / "releases" / "partner")
    assert second is not None
    tamper(second)
    assert verify(second) == ["manifest.json: is not the one that was released"]
    assert "damaged" in dtm("status", "--home", home).out
    assert dtm("run", "--inbox", inbox, "--home", home).out.startswith(("delivery", "release"))
    third = latest_release(home / "releases" / "partner")
    assert third is not None
    assert (third.name != second.name, verify(third)) == (True, [])
    assert third.manifest()["content_sha256"] == second.manifest()["content_sha256"]


def test_releases_are_listed_beside_one_that_can_not_be_read(before: Path, tmp_path: Path) -> None:
    shutil.copytree(before, tmp_path / "copy")
    home, inbox = tmp_path / "copy" / "home", tmp_path / "copy" / "inbox"
    first = latest_release(home / "releases" / "partner")
    assert first is not None
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    (first.folder / "manifest.json").unlink()
    told = dtm("releases", "list", "--home", home)
    assert (told.code, len(told.out.splitlines()) == 3, "can't be read" in told.out) == (74, True, True)
    assert f"damaged: {first.folder}: has no manifest that can be read" in told.err


def test_the_manifest_names_every_file_snapshot_edition_gate_and_the_release_before(before: Path) -> None:
    release = latest_release(before / "home" / "releases" / "partner")
    assert release is not None
    manifest = release.manifest()
    assert manifest["previous_release"] is None
    assert manifest["snapshots"][0]["kind"] == "dtm_api"
    assert all(manifest["gates"].values())
    assert {f["path"].split("/")[0] for f in manifest["files"]} >= {"tables", "report", "quality", "changes.json"}
    assert all(f["rows"] >= 0 and f["contract_version"] for f in manifest["files"] if f["path"].startswith("tables/"))
    results = json.loads((release.folder / "quality" / "results.json").read_text())
    assert {r["gate"] for r in results} >= {
        "hierarchy_adds_up",
        "no_headline_figure_vanishes",
        "people_are_placed",
        "nothing_unclassified",
    }
    assert all(
        set(r) == {"gate", "table", "expectation", "sentence", "passed", "severity", "countries"} for r in results
    )
