"""Refused files of the home's inbox: given back with the reason, and taken again when something new is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.home import Home, HomeError
from dtm_pipeline.storage.snapshots import (
    ACCEPTED,
    ARCHIVE,
    REFUSED,
    UNREADABLE,
    Snapshot,
    SnapshotStore,
    StatementError,
    beside,
    checked_statement,
    inbox_files,
    printable,
    read_statement,
    sidecars_of,
    why_no_file,
)

REASON = ".reason.txt"


def give_back_refused(home: Home) -> list[str]:
    """Move files of the home's inbox that were refused into `inbox/refused/`, each with its reason beside it.

    The bytes stay in the home as a snapshot: a delivery that was refused for want of a form, a header or a sidecar is read
    again when it comes, and its file then returns to the inbox. An archive of which only some files were refused stays,
    and its reason names them.

    Returns:
        The names of the files that were moved to `refused/`.
    """
    store = SnapshotStore(home)
    snapshots = store.all()
    files = [f for f in inbox_files(home.inbox, (home.refused,))[0] if why_no_file(f) is None]
    hashes, _ = store.hashes(files)
    moved = []
    for file, sha256 in hashes.items():
        snapshot = _of(file, sha256, snapshots)
        members = [s for s in snapshots if s.archive == sha256 and s.status == REFUSED]
        if snapshot is None or (snapshot.status != REFUSED and not members):
            continue
        if snapshot.judged_with is None and snapshot.kind != ARCHIVE:
            continue  # it is read again first
        home.refused.mkdir(exist_ok=True)
        reasons = [snapshot] if snapshot.status == REFUSED else members
        beside(home.refused / file.name, REASON).write_text(_letter(reasons), encoding="utf-8")
        if snapshot.status == REFUSED:
            for part in (file, *_sidecars(file, files)):
                if part.is_file():
                    part.replace(home.refused / part.name)
            moved.append(printable(file.name))
    for file, snapshot in _given_back(home, store, snapshots).items():
        if snapshot is not None and snapshot.status == ACCEPTED:
            _take_back(home, file)
    return moved


def take_back_described(home: Home) -> None:
    """Return refused files to the inbox of which a sidecar, in `inbox/` or in `refused/`, says something new."""
    store = SnapshotStore(home)
    waiting, _ = inbox_files(home.inbox, (home.refused,))
    owned = {n for f in waiting if f.suffix != ".toml" for n in (f.name, f.stem)}
    for file, snapshot in _given_back(home, store, store.all()).items():
        told = [s for s in sidecars_of(home.inbox / file.name) if s.stem not in owned]
        sidecar = next((s for s in told if s.is_file()), None)
        try:
            said = read_statement(file, sidecar, home.inbox)
        except StatementError as error:
            said = {UNREADABLE: str(error)}
        if said and (snapshot is None or said != snapshot.statement):
            _take_back(home, file)


def retry(home: Home, name: str, said: dict[str, Any]) -> Snapshot:
    """Have a refused delivery read again at the next run, with what is said of it now beside what was said before.

    A file in `inbox/refused/` returns to the inbox, with a sidecar.

    Args:
        name: of the file, or of the delivery.
        said: facts as a sidecar states them.

    Raises:
        HomeError: no refused delivery is of that name, or several are.
        StatementError: a fact is of the wrong form.
    """
    store = SnapshotStore(home)
    found = [s for s in store.all() if s.status == REFUSED and s.name in (name, Path(name).name)]
    if not found:
        refused = sorted({s.name for s in store.all() if s.status == REFUSED})
        listed = f"refused are {', '.join(map(repr, refused[:10]))}" if refused else "nothing is refused"
        raise HomeError(f"{name}: no refused delivery of {home.root} is of that name; {listed}")
    if len(found) > 1:
        listed = ", ".join(s.sha256[:12] for s in found)
        raise HomeError(
            f"{name}: {len(found)} refused deliveries are of that name ({listed}); lay a sidecar beside the one that is meant"
        )
    snapshot = found[0]
    known = {k: v for k, v in snapshot.statement.items() if k != UNREADABLE}
    statement = checked_statement(known | said, f"{snapshot.name}.toml")
    file = home.refused / snapshot.name
    if file.is_file():
        places = sidecars_of(home.inbox / file.name)
        if not places:
            raise HomeError(f"{name}: no sidecar can be of so long a name; rename the file and deliver it again")
        for sidecar in _sidecars(file, list(home.refused.iterdir())):
            sidecar.unlink(missing_ok=True)
        _take_back(home, file)
        if statement:
            places[0].write_text(_as_toml(statement), encoding="utf-8")
    snapshot.statement, snapshot.judged_with = statement, None
    store.save(snapshot)
    return snapshot


def files_of(home: Home) -> list[tuple[list[Path], str]]:
    """Each file of the home's inbox, given back or not, with what lies beside it (sidecars, the reason), and its sha256."""
    found = []
    for folder in (home.inbox, home.refused):
        if not folder.is_dir():
            continue
        files = [f for f in inbox_files(folder, (home.refused,))[0] if why_no_file(f) is None]
        hashes, _ = SnapshotStore(home).hashes(files, remember=False)
        every = list(folder.iterdir())
        for file, sha256 in hashes.items():
            # the reason of an archive of which some files were refused lies apart from it
            reasons = [beside(f / file.name, REASON) for f in (folder, home.refused)]
            found.append(([file, *_sidecars(file, every), *reasons], sha256))
    return found


def _of(file: Path, sha256: str, snapshots: list[Snapshot]) -> Snapshot | None:
    """The delivery that a file is, by its bytes and name."""
    same = [s for s in snapshots if s.content_sha256 == sha256]
    name = printable(file.name)
    return next((s for s in same if name == s.name or name in s.copies), next(iter(same), None))


def _given_back(home: Home, store: SnapshotStore, snapshots: list[Snapshot]) -> dict[Path, Snapshot | None]:
    """Files in `refused/`, and the delivery that each is."""
    if not home.refused.is_dir():
        return {}
    files = [f for f in inbox_files(home.refused)[0] if not f.name.endswith(REASON) and why_no_file(f) is None]
    hashes, _ = store.hashes(files, remember=False)
    return {file: _of(file, sha256, snapshots) for file, sha256 in hashes.items()}


def _take_back(home: Home, file: Path) -> None:
    """Return a file of `refused/` to the inbox with its sidecar; one of its name that lies there already is newer and stays."""
    if (home.inbox / file.name).exists():
        return
    for part in (file, *_sidecars(file, list(home.refused.iterdir()))):
        if (home.inbox / part.name).exists():
            part.unlink(missing_ok=True)  # an older sidecar
        elif part.is_file():
            part.replace(home.inbox / part.name)
    beside(file, REASON).unlink(missing_ok=True)


def _sidecars(file: Path, others: list[Path]) -> list[Path]:
    """The sidecars of a file; one by its bare name only where no other file shares that."""
    shared = [f for f in others if f.stem == file.stem and f != file and f.is_file() and f.suffix != ".toml"]
    return [s for s in sidecars_of(file) if s.stem == file.name or not shared]


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


def _as_toml(statement: dict[str, Any]) -> str:
    # strings of JSON are strings of TOML, and so are true and false
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in statement.items())
