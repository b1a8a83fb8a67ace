"""A release can be signed, and verify tells who signed it, and whether it is the manifest that was signed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import dtm
from tests.pipeline.test_runs import answer


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home with a signed release, and the public key."""
    folder = tmp_path_factory.mktemp("signed")
    assert dtm("releases", "key", folder / "key").code == 0
    answer(folder / "home" / "inbox" / "a.json", ("2020-02-29", 600))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DTM_SIGN_KEY", str(folder / "key"))
        told = dtm("run", "--home", folder / "home")
    assert told.code == 0, told.err
    return folder / "home", folder / "key.pub"


@pytest.fixture
def copy(signed: tuple[Path, Path], tmp_path: Path) -> Path:
    shutil.copytree(signed[0], tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def release(home: Path) -> Path:
    return Path(dtm("releases", "path", "--home", home).out.strip())


def test_a_signed_release_is_told_by_the_publishers_key(signed: tuple[Path, Path]) -> None:
    home, public = signed
    told = dtm("releases", "verify", "--key", public, "--home", home)
    assert (told.code, "the key that you named" in told.out) == (0, True), told.err
    assert "compare it with the publisher's" in dtm("releases", "verify", "--home", home).out


def test_a_release_of_another_key_is_refused(signed: tuple[Path, Path], tmp_path: Path) -> None:
    dtm("releases", "key", tmp_path / "other")
    told = dtm("releases", "verify", "--key", tmp_path / "other.pub", "--home", signed[0])
    assert (told.code, "not the signature of this manifest by that key" in told.err) == (1, True)


def test_a_manifest_that_was_changed_with_all_its_hashes_is_told_by_the_signature(
    signed: tuple[Path, Path], copy: Path
) -> None:
    manifest = release(copy) / "manifest.json"
    content = json.loads(manifest.read_text()) | {"created_at": "2020-01-01T00:00:00+00:00"}
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(content))
    told = dtm("releases", "verify", "--key", signed[1], "--home", copy)
    assert (told.code, "not the signature of this manifest" in told.err) == (1, True)


def test_a_signature_that_was_taken_out_is_missed(signed: tuple[Path, Path], copy: Path) -> None:
    (release(copy) / "manifest.sig").unlink()
    for key in ((), ("--key", signed[1])):
        told = dtm("releases", "verify", *key, "--home", copy)
        assert (told.code, "the signature was taken out" in told.err) == (1, True)


def test_without_a_key_nothing_is_signed_and_a_named_key_misses_it(signed: tuple[Path, Path], tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("run", "--home", tmp_path)
    assert dtm("releases", "verify", "--home", tmp_path).code == 0
    told = dtm("releases", "verify", "--key", signed[1], "--home", tmp_path)
    assert (told.code, "it is not signed" in told.err) == (1, True)


def test_a_key_that_can_not_be_used_stops_a_run_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(tmp_path / "home" / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("releases", "key", tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    for file, says in (("key", "chmod 600"), ("none", "`dtm releases key FILE` makes one"), ("key.pub", "makes one")):
        monkeypatch.setenv("DTM_SIGN_KEY", str(tmp_path / file))
        if file == "key.pub":
            (tmp_path / file).chmod(0o600)
        told = dtm("run", "--home", tmp_path / "home")
        assert (told.code, says in told.err) == (2, True), told.err
    assert not list((tmp_path / "home" / "snapshots").glob("*/record.json"))


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    assert dtm("releases", "key", tmp_path / "key").code == 0
    before = (tmp_path / "key").read_bytes()
    assert ((tmp_path / "key").stat().st_mode & 0o777) == 0o600
    assert dtm("releases", "key", tmp_path / "key").code == 2
    assert (tmp_path / "key").read_bytes() == before
    nowhere = dtm("releases", "key", tmp_path / "none" / "key")
    assert (nowhere.code, "can't be written" in nowhere.err) == (2, True)
