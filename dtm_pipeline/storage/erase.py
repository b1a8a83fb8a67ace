"""Deliveries that a provider or a person in them withdrew: every byte of them leaves the home, and does not come back.

Bytes are removed, not overwritten; copies of the home, and files outside it, are their keeper's.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from dtm_pipeline.storage.erasures import Erasure, read_erasures, write_erasures
from dtm_pipeline.storage.home import TAKING, Home
from dtm_pipeline.storage.plan import read_state, write_state
from dtm_pipeline.storage.refused import files_of
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.warehouse import part_files

COMPUTED = ("core", "out")
SHORTEST_ID = 8
"""Characters of an id that name a delivery (ours): a number in `dtm status` has fewer digits."""


def named(snapshots: list[Snapshot], delivery: str) -> list[Snapshot]:
    """The deliveries that go by a number, a name or the first characters of an id."""
    asked = delivery.removeprefix("#")
    if asked.isdigit() and len(asked) < SHORTEST_ID:
        return [s for s in snapshots if s.ingest_sequence == int(asked)]
    by_id = [s for s in snapshots if len(asked) >= SHORTEST_ID and s.sha256.startswith(asked)]
    return by_id or [s for s in snapshots if delivery in (s.name, *s.copies)]


def with_archives(chosen: list[Snapshot], snapshots: list[Snapshot]) -> list[Snapshot]:
    """The deliveries, the archives that hold their bytes, and of an archive that is asked for all that came in it."""
    asked = {s.sha256 for s in chosen} | {s.content_sha256 for s in chosen}
    archives = {s.archive for s in chosen}
    return [
        s
        for s in snapshots
        if s.sha256 in asked or s.content_sha256 in asked | archives or (s.archive is not None and s.archive in asked)
    ]


def erase(home: Home, chosen: list[Snapshot], by: str, reason: str) -> None:
    """Remove every byte of deliveries from a home that is held, which has cleared its scratch, and note that it was done.

    Killed on the way, the next run or the same command goes on with it.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    done = read_erasures(home)
    known = {e.snapshot_id for e in done}
    new = [
        Erasure(s.sha256, s.content_sha256, str(s.ingest_sequence), " ".join(s.countries), by, now, reason)
        for s in chosen
        if s.sha256 not in known
    ]
    write_erasures(home, [*done, *new])
    finish_erasures(home)


def finish_erasures(home: Home) -> None:
    """Remove what still stands of deliveries that were erased: nothing, unless the command was killed."""
    store = SnapshotStore(home)
    present = {f.name for f in store.folders()}
    left = [e for e in read_erasures(home) if e.snapshot_id in present]
    if not left:
        return
    _remove_files(home, {e.content_sha256 for e in left})
    _remove_parts(home, {e.snapshot_id for e in left}, {c for e in left for c in e.countries.split()})
    # pages and caches name files, and are made again
    shutil.rmtree(home.quality, ignore_errors=True)
    home.quality.mkdir(mode=0o700)
    store.forget_hashes()
    for erasure in left:
        # last, and in one move: as long as the folder stands under its name, this is done again
        leaving = home.snapshots / f"{TAKING}{erasure.snapshot_id}"
        shutil.rmtree(leaving, ignore_errors=True)
        (home.snapshots / erasure.snapshot_id).replace(leaving)
        shutil.rmtree(leaving)


def _remove_files(home: Home, contents: set[str]) -> None:
    """Remove files of the home's own inbox, given back or not, with all that lies beside them."""
    for file, sha256 in files_of(home):
        if sha256 in contents:
            for part in file:
                part.unlink(missing_ok=True)


def _remove_parts(home: Home, snapshots: set[str], countries: set[str]) -> None:
    """Remove what was read of deliveries, and what was computed of their countries, which the next run makes again."""
    for name, file in part_files(home).items():
        key = name.rsplit("/", 1)[1]
        if key in snapshots or (key in countries and file.parent.parent.name in COMPUTED):
            file.unlink(missing_ok=True)
    state = read_state(home)
    state["countries"] = {c: f for c, f in state["countries"].items() if c not in countries}
    state["parts"] = {n: s for n, s in state["parts"].items() if n.rsplit("/", 1)[1] not in countries}
    write_state(home, state)
