"""Releases that were taken back: their folders stay, the pointer goes back, and what they said is not released again unasked."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from dtm_pipeline.release.pointer import (
    LATEST,
    WITHDRAWN,
    Release,
    ReleaseError,
    all_releases,
    find_release,
    latest_release,
    point,
    verify,
)
from dtm_pipeline.storage.registers import TAKEN_BACK, as_register, check_register, replace_register


@dataclass(frozen=True)
class Withdrawal:
    """A release that was taken back.

    Attributes:
        release, content_sha256: its name, and what it said.
        by, on, reason: who, when (ISO), why.
    """

    release: str
    content_sha256: str
    by: str
    on: str
    reason: str


def read_withdrawals(releases: Path) -> list[Withdrawal]:
    """The releases that were taken back, in the order in which they were.

    Raises:
        DamagedHomeError: the register is not what was written.
    """
    file = releases / WITHDRAWN
    check_register(file, TAKEN_BACK)
    if not file.is_file():
        return []
    names = [f.name for f in fields(Withdrawal)]
    with file.open(encoding="utf-8", newline="") as lines:
        return [Withdrawal(**{n: row.get(n) or "" for n in names}) for row in csv.DictReader(lines)]


def standing_releases(releases: Path) -> list[Release]:
    """Every release that was not taken back, oldest first."""
    gone = {w.release for w in read_withdrawals(releases)}
    return [r for r in all_releases(releases) if r.name not in gone]


def withdraw(releases: Path, name: str, by: str, reason: str) -> Release | None:
    """Take a release back. Readers of the latest go to the newest whole one before it that stands.

    Returns:
        The release that readers are on now; None where none is left.

    Raises:
        ReleaseError: there is no such release, or it was taken back before.
        DamagedHomeError: the register is not what was written.
    """
    release = find_release(releases, name)
    known = read_withdrawals(releases)
    latest = latest_release(releases)
    led = latest is not None and latest.name == name
    if any(w.release == name for w in known):
        if not led:
            raise ReleaseError(f"release {name} was withdrawn before; `dtm releases list` says which are")
        # the command was killed before the pointer went back
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Withdrawal(name, release.manifest()["content_sha256"], by, now, reason)
        replace_register(releases / WITHDRAWN, as_register(Withdrawal, [*known, entry]))
    if not led:
        return latest
    back = next((r for r in reversed(standing_releases(releases)) if not verify(r)), None)
    if back is None:
        (releases / LATEST).unlink(missing_ok=True)
    else:
        point(releases, back.name)
    return back
