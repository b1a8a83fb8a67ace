"""From an inbox into the home: which files are taken, which wait, which are given back with the reason."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.archives import ArchiveError, ArchiveLimits, is_archive, open_archive
from dtm_pipeline.storage.erase import finish_erasures
from dtm_pipeline.storage.erasures import Erasure, read_erasures
from dtm_pipeline.storage.home import DEMO_MARK, Home, HomeError, write_json
from dtm_pipeline.storage.refused import take_back_described
from dtm_pipeline.storage.snapshots import (
    ARCHIVE,
    NEW,
    OPENED,
    REFUSED,
    UNREADABLE,
    Snapshot,
    SnapshotStore,
    StatementError,
    inbox_files,
    printable,
    read_statement,
    redated_id,
    why_no_file,
)
from dtm_pipeline.storage.surroundings import stop_at_passing_fault

GROWING = "is still growing; it is taken when it has stopped"


@dataclass
class Intake:
    """What the inbox held: deliveries taken now, what could not be taken and why, and what was left alone."""

    taken: list[Snapshot] = field(default_factory=list)
    not_taken: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    """Names of files whose bytes are those of a known delivery, and the name of that one."""
    mended: list[str] = field(default_factory=list)
    """Names of files whose bytes took the place of a damaged payload."""
    left_alone: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A file to take: where it lies, the name it goes by, what is said beside it, the archive it came in."""

    path: Path
    name: str
    statement: dict[str, Any]
    archive: str | None = None


Labels = tuple[str | None, str | None]
"""The reference date (ISO) and the round that a name or a sidecar gives, as far as it does."""
ReadLabels = Callable[[str], Labels]
"""What a file name says of date and round."""


def take_inbox(
    home: Home, inbox: Path, limits: ArchiveLimits, read_labels: ReadLabels, settle_seconds: float = 0.0
) -> Intake:
    """Store what the inbox holds and the home does not know. Files of other inboxes are read, never moved.

    One file that can't be read never stops the others. The same bytes under several names are one delivery, unless name or
    sidecar give them another date or round. A file is taken only when it has stopped growing, in whichever inbox; a link is not followed.

    Args:
        settle_seconds: a file that changed less than this ago is looked at again after it.

    Raises:
        HomeError: the inbox is no folder.
    """
    if not inbox.is_dir():
        raise HomeError(f"{inbox}: is no folder; name the folder that holds the deliveries with --inbox")
    finish_erasures(home)
    own = inbox.resolve() == home.inbox.resolve()
    if own:
        take_back_described(home)
    files, left_alone = inbox_files(inbox, (home.refused,))
    no_files = {f: why for f in files if (why := why_no_file(f))}
    files = [f for f in files if f not in no_files]
    growing = _growing(files, settle_seconds)
    intake = take_files(home, [f for f in files if f not in growing], limits, read_labels)
    intake.left_alone = left_alone
    intake.not_taken |= {printable(f.name): why for f, why in no_files.items()}
    intake.not_taken |= {printable(f.name): GROWING for f in growing}
    return intake


def take_files(
    home: Home, files: list[Path], limits: ArchiveLimits, read_labels: ReadLabels, said: dict[str, Any] | None = None
) -> Intake:
    """Store files that the home does not know.

    Args:
        read_labels: what a file name says of date and round.
        said: what is said of all of them; it leads over their sidecars.
    """
    store = SnapshotStore(home)
    known = store.all()
    samples = _sample_hashes(home)
    intake = Intake()
    hashes, unreadable = store.hashes(files)
    intake.not_taken |= {printable(f.name): why for f, why in unreadable.items()}
    again = [s for s in known if s.content_sha256 in set(hashes.values())]
    again += [s for s in known if s.archive in set(hashes.values())]
    damaged = {s.sha256 for s in store.damaged(again)}
    taker = _Taker(store, known, intake, read_labels, 1 + max((s.intake for s in known), default=0), damaged)
    copies: dict[str, list[Path]] = {}
    erased = {e.content_sha256: e for e in read_erasures(home)}
    intake.not_taken |= {printable(f.name): _why_erased(erased[h]) for f, h in hashes.items() if h in erased}
    for file, sha256 in ((f, h) for f, h in hashes.items() if h not in erased):
        copies.setdefault(sha256, []).append(file)
    for sha256, paths in copies.items():
        if samples is not None and sha256 not in samples:
            intake.not_taken[printable(paths[0].name)] = (
                "is no sample, and this home is marked as demo; name another home with --home"
            )
            continue
        for group in _by_labels({p: _labels(p, read_labels) for p in paths}):
            delivered = _File(group[0], printable(group[0].name), _statement(group) | (said or {}))
            if is_archive(group[0]):
                _take_archive(taker, delivered, sha256, limits)
            else:
                taker.take(delivered, sha256)
            for copy in group[1:]:
                taker.name_copy(printable(copy.name), sha256, delivered)
    return intake


def _why_erased(erasure: Erasure) -> str:
    return (
        f"holds bytes that were erased on {erasure.on[:10]} by {erasure.by} ({erasure.reason}), and are not taken again; remove it, "
        f"or take the line of delivery {erasure.number} out of review/erased.csv with its .noted if that was wrong"
    )


def _labels(file: Path, read_labels: ReadLabels) -> Labels:
    """Date and round of a file: its sidecar's, else its name's."""
    try:
        said = read_statement(file)
    except StatementError:
        said = {}
    day, number = read_labels(file.name)
    return said.get("reference_date") or day, said.get("round") or number


def _by_labels(labels: dict[Path, Labels]) -> list[list[Path]]:
    """Files of the same bytes, those together that say the same date and round; a silent one goes with the first."""
    groups: dict[Labels, list[Path]] = {}
    for path in sorted(labels, key=lambda p: (labels[p].count(None), len(p.name), p.name)):
        like = next((g for g in groups if not _differ(labels[path], g)), labels[path])
        groups.setdefault(like, []).append(path)
    return list(groups.values())


def _differ(some: Labels, others: Labels) -> bool:
    """Whether two files give another date or another round. Silence differs from nothing: the content then says it."""
    return any(a is not None and b is not None and a != b for a, b in zip(some, others, strict=True))


@dataclass(frozen=True)
class _Taker:
    """What an intake stores files with."""

    store: SnapshotStore
    known: list[Snapshot]
    intake: Intake
    read_labels: ReadLabels
    number: int
    damaged: set[str]
    """Ids of known deliveries whose payload is gone or damaged: the right bytes mend it."""

    def labels(self, name: str, statement: dict[str, Any]) -> Labels:
        """Date and round of a delivery: the sidecar's, else its name's."""
        day, number = self.read_labels(name)
        return statement.get("reference_date") or day, statement.get("round") or number

    def find(self, sha256: str, labels: Labels) -> Snapshot | None:
        """The known delivery of the same bytes whose date and round these labels do not contradict."""
        same = [s for s in self.known if s.content_sha256 == sha256]
        return next((s for s in same if not _differ(labels, self.labels(s.name, s.statement))), None)

    def take(self, file: _File, sha256: str) -> Snapshot | None:
        """Store one file; None where it was known as it is, or can't be stored.

        Where a sidecar dates a delivery anew that was known under the same name, it is the same delivery, mended.
        """
        labels = self.labels(file.name, file.statement)
        before = self.find(sha256, labels)
        renamed = next((s for s in self.known if s.content_sha256 == sha256 and s.name == file.name), None)
        before = before or renamed
        try:
            if before is None:
                taken = self.store.take(file.path, self._new(file, sha256, labels))
                self.known.append(taken)
            else:
                # silence takes nothing back: what was said of a delivery stands until something else is said
                same = before.statement == file.statement or not file.statement
                mended = self._mend(file, before)
                if same and not mended:
                    self._tell_copy(file.name, before)
                    return None
                taken = before
                if not same:
                    taken.statement, taken.judged_with = file.statement, None
                    self.store.save(taken)
        except (OSError, StatementError) as error:
            if isinstance(error, OSError):
                stop_at_passing_fault(error, self.store.home.root)
            self.intake.not_taken[file.name] = getattr(error, "strerror", None) or str(error)
            return None
        self.intake.taken.append(taken)
        return taken

    def _mend(self, file: _File, known: Snapshot) -> bool:
        """Put the bytes in the place of a damaged payload; False where it is whole."""
        if known.sha256 not in self.damaged:
            return False
        self.store.mend(file.path, known)
        self.damaged.discard(known.sha256)
        self.intake.mended.append(file.name)
        return True

    def name_copy(self, name: str, sha256: str, delivered: _File) -> None:
        """Note that a file holds the bytes of another file of the intake."""
        same = self.find(sha256, self.labels(delivered.name, delivered.statement))
        if same is not None:
            self._tell_copy(name, same)

    def _tell_copy(self, name: str, known: Snapshot) -> None:
        if name == known.name or name in known.copies:
            return
        known.copies.append(name)
        self.store.save(known)
        self.intake.copies[name] = known.name

    def _new(self, file: _File, sha256: str, labels: Labels) -> Snapshot:
        again = any(s.content_sha256 == sha256 for s in self.known)
        return Snapshot(
            sha256=redated_id(sha256, labels) if again else sha256,
            name=file.name,
            bytes=0,
            received_at=datetime.now(UTC).isoformat(timespec="seconds"),
            ingest_sequence=1 + max((s.ingest_sequence for s in self.known), default=0),
            intake=self.number,
            statement=file.statement,
            archive=file.archive,
            content_sha256=sha256,
        )


def _take_archive(taker: _Taker, file: _File, sha256: str, limits: ArchiveLimits) -> None:
    """Store an archive, and each file in it as a delivery of its own. What is said of the archive is said of all."""
    store = taker.store
    before = next((s for s in taker.known if s.content_sha256 == sha256), None)
    of_it = {s.sha256 for s in taker.known if s.archive == sha256}
    # stored and never opened: a run was killed in between; or a file of it is damaged
    again = (
        before is not None and before.sha256 not in taker.damaged and (before.status == NEW or of_it & taker.damaged)
    )
    archive = before if again else taker.take(file, sha256)
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
        erased = {e.content_sha256: e for e in read_erasures(store.home)}
        for name, path in deliveries:
            statement = file.statement | _member_statement(name, dict(members))
            member = _File(path, printable(name), statement, sha256)
            if hashes[path] in erased:
                taker.intake.not_taken[member.name] = _why_erased(erased[hashes[path]])
            elif hashes[path] != sha256:
                taker.take(member, hashes[path])
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
