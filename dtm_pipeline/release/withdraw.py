"""Releases that were taken back: their folders stay, the pointer goes back, and what they said is not released again unasked."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
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
        ReleaseError: the register can't be read.
    """
    file = releases / WITHDRAWN
    if not file.is_file():
        return []
    names = [f.name for f in fields(Withdrawal)]
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if any(not row.get(n) for row in rows for n in names):
        raise ReleaseError(f"{file}: can't be read; expected the columns {', '.join(names)}; bring it back from a copy")
    return [Withdrawal(**{n: row[n] for n in names}) for row in rows]


def withdraw(releases: Path, name: str, by: str, reason: str) -> Release | None:
    """Take a release back. Readers of the latest go to the newest whole one before it that stands.

    Returns:
        The release that readers are on now; None where none is left.

    Raises:
        ReleaseError: there is no such release, or it was taken back before.
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
        _write(releases, [*known, Withdrawal(name, release.manifest()["content_sha256"], by, now, reason)])
    if not led:
        return latest
    gone = {w.release for w in known} | {name}
    back = next((r for r in reversed(all_releases(releases)) if r.name not in gone and not verify(r)), None)
    if back is None:
        (releases / LATEST).unlink(missing_ok=True)
    else:
        point(releases, back.name)
    return back


def _write(releases: Path, withdrawals: list[Withdrawal]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in fields(Withdrawal)])
    writer.writeheader()
    writer.writerows(asdict(w) for w in withdrawals)
    temporary = (releases / WITHDRAWN).with_suffix(".part")
    temporary.write_text(text.getvalue(), encoding="utf-8")
    temporary.replace(releases / WITHDRAWN)
