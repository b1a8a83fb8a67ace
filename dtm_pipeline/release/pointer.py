"""Releases on disk: which one is the latest, what each holds, whether it is whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.hashes import digest
from dtm_pipeline.storage.home import to_disk, write_json

RELEASE_NAME = re.compile(r"\d{4}-\d\d-\d\d\.\d+")
LATEST = "latest.json"
SIGNATURE = "manifest.sig"
"""Signature of the manifest, where the publisher signs."""
WITHDRAWN = "withdrawn.csv"
"""Register of the releases that were taken back."""
STAGING = ".staging"
"""Folder of a release that is being made."""


class ReleaseError(Exception):
    """There is no such release, or it can't be read."""


class DamagedReleaseError(ReleaseError):
    """The pointer, or what it leads to, is damaged."""


@dataclass(frozen=True)
class Release:
    """A release folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def manifest(self) -> dict[str, Any]:
        """What the release says of itself.

        Raises:
            ReleaseError: it has no manifest, or one that can't be read.
        """
        try:
            content: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ReleaseError(f"{self.folder}: has no manifest that can be read ({error})") from error
        if not isinstance(content, dict):
            raise ReleaseError(f"{self.folder}: its manifest.json is not the manifest of a release")
        return content


def _order(name: str) -> tuple[str, int]:
    day, number = name.rsplit(".", 1)
    return day, int(number)


def all_releases(folder: Path) -> list[Release]:
    """Every release, oldest first; staging folders are none."""
    if not folder.is_dir():
        return []
    named = [f for f in folder.iterdir() if f.is_dir() and RELEASE_NAME.fullmatch(f.name)]
    return [Release(f) for f in sorted(named, key=lambda f: _order(f.name))]


def latest_release(folder: Path) -> Release | None:
    """The release that `latest.json` names; None before the first.

    Raises:
        ReleaseError: the pointer can't be read, or leads to no release.
    """
    pointer = folder / LATEST
    if not pointer.is_file():
        return None
    try:
        release = Release(folder / str(json.loads(pointer.read_text(encoding="utf-8"))["release"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedReleaseError(f"{pointer}: can't be read; the next `dtm run` writes it anew") from error
    if not (release.folder / "manifest.json").is_file():
        raise DamagedReleaseError(
            f"{pointer}: names {release.name}, which is no whole release; the next `dtm run` makes one"
        )
    return release


def find_release(folder: Path, name: str | None) -> Release:
    """A release by name, or the latest.

    Raises:
        ReleaseError: there is none.
    """
    if name is None:
        release = latest_release(folder)
        if release is None:
            raise ReleaseError(f"{folder}: holds no release yet; run `dtm run`")
        return release
    release = Release(folder / name)
    if not RELEASE_NAME.fullmatch(name) or not release.folder.is_dir():
        known = ", ".join(r.name for r in all_releases(folder)[-5:]) or "none"
        raise ReleaseError(f"there is no release {name!r}; the newest are: {known}")
    return release


def verify(release: Release) -> list[str]:
    """What is wrong with a release, in sentences: files that are missing, changed, or not in its manifest."""
    try:
        manifest = release.manifest()
    except ReleaseError as error:
        return [str(error)]
    problems = []
    if not {"files", "release"} <= set(manifest):
        return ["manifest.json: is not the manifest of a release"]
    listed = {f["path"]: f for f in manifest["files"]}
    for path, told in listed.items():
        file = release.folder / path
        if not file.is_file():
            problems.append(f"{path}: is in the manifest and not in the release")
        elif digest(file) != told["sha256"]:
            problems.append(f"{path}: its bytes are not those that were released")
    present = {f.relative_to(release.folder).as_posix() for f in release.folder.rglob("*") if f.is_file()}
    problems += [
        f"{path}: is in the release and not in its manifest"
        for path in sorted(present - set(listed) - {"manifest.json", SIGNATURE})
    ]
    if sealed(release) not in (None, digest(release.folder / "manifest.json")):
        problems.append("manifest.json: is not the one that was released")
    if manifest["release"] != release.name:
        problems.append(f"the manifest is of {manifest['release']}, the folder is {release.name}")
    return problems


def point(releases: Path, name: str) -> None:
    """Name a release the latest."""
    manifest = releases / name / "manifest.json"
    write_json(releases / LATEST, {"release": name, "manifest_sha256": digest(manifest)})
    to_disk(releases)


def sealed(release: Release) -> str | None:
    """sha256 of the manifest that was released, as the pointer or the release after it says; None where neither does."""
    try:
        told = json.loads((release.folder.parent / LATEST).read_text(encoding="utf-8"))
        if told["release"] == release.name:
            return str(told["manifest_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    later = (r for r in all_releases(release.folder.parent) if _order(r.name) > _order(release.name))
    for other in later:
        try:
            told = other.manifest()
        except ReleaseError:
            continue
        if told.get("previous_release") == release.name and told.get("previous_manifest_sha256"):
            return str(told["previous_manifest_sha256"])
    return None
