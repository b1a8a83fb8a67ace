"""From an inbox into the home: which files are taken, which wait, which are given back with the reason."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.archives import ArchiveError, ArchiveLimits, is_archive, open_archive
from dtm_pipeline.storage.home import DEMO_MARK, Home, HomeError, write_json
from dtm_pipeline.storage.snapshots import (
    NEW,
    OPENED,
    REFUSED,
    Snapshot,
    SnapshotStore,
    StatementError,
    inbox_files,
    printable,
    read_statement,
)

UNREADABLE = "unreadable"
ARCHIVE = "archive"
REASON = ".reason.txt"
GROWING = "is still growing; it is taken when it has stopped"


@dataclass
class Intake:
    """What the inbox held: deliveries taken now, what could not be taken and why, and what was left alone."""

    taken: list[Snapshot] = field(default_factory=list)
    not_taken: dict[str, str] = field(default_factory=dict)
    left_alone: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A file to take: where it lies, the name it goes by, what is said beside it, the archive it came in."""

    path: Path
    name: str
    statement: dict[str, Any]
    archive: str | None = None


def take_inbox(home: Home, inbox: Path, limits: ArchiveLimits, settle_seconds: float = 0.0) -> Intake:
    """Store what the inbox holds and the home does not know. Files of other inboxes are read, never moved.

    One file that can't be read never stops the others. The same bytes under several names are one delivery. In the
    home's own inbox a file is taken only when it has stopped growing.

    Args:
        settle_seconds: a file of the home's inbox that changed less than this ago is looked at again after it.

    Raises:
        HomeError: the inbox is no folder.
    """
    if not inbox.is_dir():
        raise HomeError(f"{inbox}: is no folder; name the folder that holds the deliveries with --inbox")
    files, left_alone = inbox_files(inbox, (home.refused,))
    growing = _growing(files, settle_seconds) if inbox.resolve() == home.inbox.resolve() else set()
    intake = take_files(home, [f for f in files if f not in growing], limits)
    intake.left_alone = left_alone
    intake.not_taken |= {printable(f.name): GROWING for f in growing}
    return intake


def take_files(home: Home, files: list[Path], limits: ArchiveLimits, said: dict[str, Any] | None = None) -> Intake:
    """Store files that the home does not know.

    Args:
        said: what is said of all of them; it leads over their sidecars.
    """
    store = SnapshotStore(home)
    known = {s.sha256: s for s in store.all()}
    samples = _sample_hashes(home)
    intake = Intake()
    hashes, unreadable = store.hashes(files)
    intake.not_taken |= {printable(f.name): why for f, why in unreadable.items()}
    copies: dict[str, list[Path]] = {}
    for file, sha256 in hashes.items():
        copies.setdefault(sha256, []).append(file)
    for sha256, paths in copies.items():
        if samples is not None and sha256 not in samples:
            intake.not_taken[printable(paths[0].name)] = (
                "is no sample, and this home is marked as demo; name another home with --home"
            )
            continue
        delivered = _File(paths[0], printable(paths[0].name), _statement(paths) | (said or {}))
        if is_archive(paths[0]):
            _take_archive(store, delivered, sha256, known, intake, limits)
        else:
            _take(store, delivered, sha256, known, intake)
    return intake


def _take(
    store: SnapshotStore, file: _File, sha256: str, known: dict[str, Snapshot], intake: Intake
) -> Snapshot | None:
    """Store one file; None where it was known as it is, or can't be stored."""
    before = known.get(sha256)
    # silence takes nothing back: what was said of a delivery stands until something else is said
    if before is not None and (before.statement == file.statement or not file.statement):
        return None
    try:
        if before is None:
            sequence = 1 + max((s.ingest_sequence for s in known.values()), default=0)
            known[sha256] = store.take(file.path, sha256, file.name, file.statement, sequence, file.archive)
        else:
            before.statement, before.judged_with = file.statement, None
            store.save(before)
    except (OSError, StatementError) as error:
        intake.not_taken[file.name] = getattr(error, "strerror", None) or str(error)
        return None
    intake.taken.append(known[sha256])
    return known[sha256]


def _take_archive(
    store: SnapshotStore, file: _File, sha256: str, known: dict[str, Snapshot], intake: Intake, limits: ArchiveLimits
) -> None:
    """Store an archive, and each file in it as a delivery of its own. What is said of the archive is said of all."""
    before = known.get(sha256)
    # stored and never opened: a run was killed in between
    archive = before if before is not None and before.status == NEW else _take(store, file, sha256, known, intake)
    if archive is None:
        return
    archive.kind, archive.status, archive.reason = ARCHIVE, OPENED, None
    with tempfile.TemporaryDirectory(prefix="archive-", dir=store.home.scratch) as scratch:
        try:
            members = open_archive(file.path, file.name, Path(scratch), limits)
        except ArchiveError as error:
            archive.status, archive.reason, members = REFUSED, str(error), []
        every = [n for n, _ in members]
        deliveries = [(name, path) for name, path in members if not _is_sidecar(name, every)]
        archive.report = {"members": [name for name, _ in deliveries]}
        hashes, _ = store.hashes([path for _, path in deliveries], remember=False)
        for name, path in deliveries:
            statement = file.statement | _member_statement(name, dict(members))
            member = _File(path, printable(name), statement, sha256)
            if hashes[path] != sha256:
                _take(store, member, hashes[path], known, intake)
        # last: an archive that is not marked as opened is opened again
        store.save(archive)


def _is_sidecar(name: str, names: list[str]) -> bool:
    owners = {stem for n in names if not n.endswith(".toml") for stem in (n, n.rsplit(".", maxsplit=1)[0])}
    return name.endswith(".toml") and name.removesuffix(".toml") in owners


def _member_statement(name: str, members: dict[str, Path]) -> dict[str, Any]:
    """What the sidecar of a member says."""
    for sidecar in (f"{name}.toml", f"{name.rsplit('.', maxsplit=1)[0]}.toml"):
        if sidecar in members and sidecar != name:
            try:
                return read_statement(members[name], members[sidecar])
            except StatementError as error:
                return {UNREADABLE: str(error)}
    return {}


def _growing(files: list[Path], settle_seconds: float) -> set[Path]:
    """Files that change while they are looked at: those that changed a moment ago are looked at twice."""
    young = {f: mark for f in files if (mark := _mark(f)) and time.time() - f.stat().st_mtime < settle_seconds}
    if young:
        time.sleep(settle_seconds)
    return {f for f, mark in young.items() if _mark(f) != mark}


def _mark(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def give_back_refused(home: Home) -> list[str]:
    """Move files of the home's inbox that were refused into `inbox/refused/`, each with its reason beside it.

    The bytes stay in the home as a snapshot: a delivery that was refused for want of a form or a sidecar is read
    again when it comes. An archive of which only some files were refused stays, and its reason names them.

    Returns:
        The names of the files that were moved.
    """
    store = SnapshotStore(home)
    snapshots = store.all()
    by_hash = {s.sha256: s for s in snapshots}
    files, _ = inbox_files(home.inbox, (home.refused,))
    hashes, _ = store.hashes(files)
    moved = []
    for file, sha256 in hashes.items():
        snapshot = by_hash.get(sha256)
        members = [s for s in snapshots if s.archive == sha256 and s.status == REFUSED]
        if snapshot is None or (snapshot.status != REFUSED and not members):
            continue
        home.refused.mkdir(exist_ok=True)
        reasons = [snapshot] if snapshot.status == REFUSED else members
        (home.refused / f"{file.name}{REASON}").write_text(_letter(reasons), encoding="utf-8")
        if snapshot.status == REFUSED:
            shared = [f for f in files if f.stem == file.stem and f != file and f.is_file()]
            sidecars = [file.with_name(file.name + ".toml"), *([] if shared else [file.with_suffix(".toml")])]
            for part in (file, *sidecars):
                if part.is_file():
                    part.replace(home.refused / part.name)
            moved.append(printable(file.name))
    return moved


def _letter(refused: list[Snapshot]) -> str:
    """The reason in words that an analyst can forward to the sender."""
    lines = []
    for snapshot in refused:
        lines += [
            f"File: {snapshot.name}",
            f"Received: {snapshot.received_at} ({snapshot.bytes:,} bytes, sha256 {snapshot.sha256})",
            f"It could not be used: {snapshot.reason}",
            "",
        ]
    return "\n".join([*lines, "Please send it again when it is mended, under any name. What was sent is kept.", ""])


def _statement(copies: list[Path]) -> dict[str, Any]:
    """What is said beside a delivery; where it lies under several names, what is said beside any of them.

    A sidecar that can't be used, or two that differ, stand as `unreadable`: the delivery is refused with that
    sentence until they are mended.
    """
    said: list[dict[str, Any]] = []
    for file in copies:
        try:
            statement = read_statement(file)
        except StatementError as error:
            return {UNREADABLE: str(error)}
        if statement and statement not in said:
            said.append(statement)
    if len(said) > 1:
        return {UNREADABLE: f"the same bytes lie under {len(copies)} names with sidecars that differ; leave one"}
    return said[0] if said else {}


def _sample_hashes(home: Home) -> set[str] | None:
    """In a home marked as demo the deliveries that it takes, else None."""
    mark = home.root / DEMO_MARK
    return set(json.loads(mark.read_text()).get("samples", [])) if mark.is_file() else None


def mark_samples(home: Home, hashes: list[str]) -> None:
    """Mark the home as demo; from now on it takes these samples only.

    Raises:
        HomeError: it already holds real deliveries.
    """
    mark = home.root / DEMO_MARK
    if not mark.is_file() and any(home.snapshots.glob("*/record.json")):
        raise HomeError(f"{home.root}: holds real deliveries; run the demo in another --home")
    write_json(mark, {"demo": True, "means": "this home takes these samples only", "samples": sorted(hashes)})
