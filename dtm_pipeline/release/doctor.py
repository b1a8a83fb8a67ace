"""All of a home held against what was written of it: what the next run mends, and what only a person can bring back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dtm_pipeline.release.pointer import LATEST, STAGING, Release, ReleaseError, all_releases, latest_release, verify
from dtm_pipeline.storage.caches import history_files, why_damaged
from dtm_pipeline.storage.editions import damaged_editions
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.home import TAKING, DamagedHomeError, Home
from dtm_pipeline.storage.plan import lost_deliveries, read_state
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.registers import DECIDED_PLACES, DECIDED_STATEMENTS, check_register
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.warehouse import check_warehouse, part_files

COMPUTED_AGAIN = "the next run computes all countries again"


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it was written.

    Attributes:
        part: folder of the home.
        sentence: what is wrong, and where a person must act what to do.
        person: whether a person must act; else the next run does.
    """

    part: str
    sentence: str
    person: bool


@dataclass
class Examined:
    """What was looked at, by name and number, and what is wrong with it."""

    looked_at: dict[str, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def for_a_person(self) -> list[Trouble]:
        return [t for t in self.troubles if t.person]


def examine(home: Home, shipped: Path, deep: bool = False) -> Examined:
    """Look at all of a home; nothing is changed.

    Args:
        shipped: the reference data that are shipped.
        deep: read every byte of deliveries, tables and polygons; else files that stand as they did when they were last read are believed.
    """
    found = Examined()
    snapshots = _deliveries(home, deep, found)
    _warehouse(home, snapshots, deep, found)
    _said_by_persons(home, shipped, found)
    known = SnapshotStore(home).known_hashes(deep)
    found.looked_at["levels of boundary editions"] = len(list(home.boundaries.glob("*/*/adm[123].json")))
    found.troubles += [Trouble("boundaries", wrong, person=True) for wrong in damaged_editions(home, known)]
    _releases(home, found)
    found.troubles += [*_left_by_killed_runs(home), *_history(home)]
    return found


def _deliveries(home: Home, deep: bool, found: Examined) -> list[Snapshot]:
    store = SnapshotStore(home)
    snapshots = []
    for folder in store.folders():
        try:
            snapshots.append(store.read(folder))
        except DamagedHomeError as error:
            found.troubles.append(Trouble("snapshots", str(error), person=True))
    found.looked_at["deliveries"] = len(snapshots)
    lost = lost_deliveries(home, {f.name for f in store.folders()})
    found.troubles += [Trouble("snapshots", sentence, person=True) for sentence in lost]
    damaged = store.damaged_payloads(snapshots, deep)
    found.troubles += [Trouble("snapshots", sentence, person=True) for sentence in damaged]
    return snapshots


def _warehouse(home: Home, snapshots: list[Snapshot], deep: bool, found: Examined) -> None:
    state = check_warehouse(home, snapshots, read_state(home)["parts"], deep)
    found.looked_at["parts of tables"] = len(part_files(home))
    for names, wrong in ((state.missing, "is missing"), (state.damaged, "is damaged")):
        found.troubles += [
            Trouble("warehouse", f"{name} {wrong}; the next run makes it again", False) for name in names
        ]
    if not _is_json(home.state_file) and (state.foreign or home.state_file.exists()):
        lost = f"{home.state_file}: what was computed is not known; {COMPUTED_AGAIN}"
        found.troubles.append(Trouble("warehouse", lost, person=False))
        return
    found.troubles += [
        Trouble("warehouse", f"{name} is of nothing that is known; the next run removes it", person=False)
        for name in state.foreign
    ]


def _said_by_persons(home: Home, shipped: Path, found: Examined) -> None:
    for file, column in ((home.decisions, DECIDED_PLACES), (home.reviews, DECIDED_STATEMENTS)):
        found.looked_at["registers of decisions"] = found.looked_at.get("registers of decisions", 0) + file.is_file()
        try:
            check_register(file, column)
        except DamagedHomeError as error:
            found.troubles.append(Trouble(file.parent.name, str(error), person=True))
    try:
        Reference(shipped, home.reference).check()
    except ReferenceDataError as error:
        found.troubles.append(Trouble("reference", str(error), person=True))


def _releases(home: Home, found: Examined) -> None:
    releases = all_releases(home.releases)
    found.looked_at["releases"] = len(releases)
    try:
        latest = latest_release(home.releases)
    except ReleaseError as error:
        latest = None
        found.troubles.append(Trouble("releases", str(error), person=False))
    else:
        if latest is None and releases:
            gone = f"{home.releases / LATEST}: is gone; the next run makes a release and writes it"
            found.troubles.append(Trouble("releases", gone, person=False))
    for release in releases:
        found.troubles += _of_release(release, is_latest=latest is not None and release.name == latest.name)


def _of_release(release: Release, is_latest: bool) -> Iterator[Trouble]:
    way_back = (
        "the next run makes a new release; readers are on this one until then"
        if is_latest
        else "bring it back from a copy of the home, or tell those who rest on it"
    )
    for problem in verify(release):
        yield Trouble("releases", f"{release.folder}: {problem}; {way_back}", person=not is_latest)


def _left_by_killed_runs(home: Home) -> Iterator[Trouble]:
    left = [*home.scratch.glob("*"), *home.snapshots.glob(f"{TAKING}*"), *home.releases.glob(f"{STAGING}*")]
    for path in left:
        yield Trouble(path.parent.name, f"{path}: was left by a run that was killed; the next removes it", person=False)


def _history(home: Home) -> Iterator[Trouble]:
    for file in history_files(home):
        if why := why_damaged(file, whole=True):
            told = f"{file}: can't be read ({why}); the next run makes it anew: it holds the history of runs, and no figures"
            yield Trouble("dagster", told, person=False)


def _is_json(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
