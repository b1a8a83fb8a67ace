"""What is new and what is stale, and why: computed from records alone, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.home import DEMO_MARK, Home, HomeError, write_json
from dtm_pipeline.storage.snapshots import (
    Snapshot,
    SnapshotStore,
    StatementError,
    inbox_files,
    printable,
    read_statement,
)

UNREADABLE = "unreadable"
REPOSITORY_PACKAGES = ("dtm_pipeline", "assets", "sources", "checks")


@dataclass
class Intake:
    """What the inbox held: deliveries taken now, what could not be taken and why, and what was left alone."""

    taken: list[Snapshot] = field(default_factory=list)
    not_taken: dict[str, str] = field(default_factory=dict)
    left_alone: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a run would do. An empty plan starts nothing."""

    snapshots: tuple[str, ...]
    countries: tuple[str, ...]
    release: bool
    reasons: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not (self.snapshots or self.countries or self.release)


def take_inbox(home: Home, inbox: Path) -> Intake:
    """Store what the inbox holds and the home does not know. Files are read, never moved.

    One file that can't be read never stops the others. The same bytes under several names are one delivery.

    Raises:
        HomeError: the inbox is no folder.
    """
    if not inbox.is_dir():
        raise HomeError(f"{inbox}: is no folder; name the folder that holds the deliveries with --inbox")
    store = SnapshotStore(home)
    known = {s.sha256: s for s in store.all()}
    samples = _sample_hashes(home)
    files, left_alone = inbox_files(inbox)
    intake = Intake(left_alone=left_alone)
    hashes, unreadable = store.hashes(files)
    intake.not_taken |= {printable(f.name): why for f, why in unreadable.items()}
    names: dict[str, list[Path]] = {}
    for file, sha256 in hashes.items():
        names.setdefault(sha256, []).append(file)
    for sha256, copies in names.items():
        if samples is not None and sha256 not in samples:
            intake.not_taken[printable(copies[0].name)] = (
                "is no sample, and this home is marked as demo; name another home with --home"
            )
            continue
        statement = _statement(copies)
        before = known.get(sha256)
        if before is not None and before.statement == statement:
            continue
        try:
            if before is None:
                sequence = 1 + max((s.ingest_sequence for s in known.values()), default=0)
                known[sha256] = store.take(copies[0], sha256, statement, sequence)
            else:
                before.statement, before.judged_with = statement, None
                store.save(before)
        except (OSError, StatementError) as error:
            intake.not_taken[printable(copies[0].name)] = getattr(error, "strerror", None) or str(error)
            continue
        intake.taken.append(known[sha256])
    return intake


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


@cache
def code_fingerprint() -> str:
    """sha256 over the source code of the four packages."""
    root = Path(__file__).parent.parent.parent
    total = hashlib.sha256()
    for package in REPOSITORY_PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            total.update(file.relative_to(root).as_posix().encode())
            total.update(file.read_bytes())
    return total.hexdigest()


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def judging(reference_fingerprint: str, statement: dict[str, Any]) -> str:
    """What a delivery is judged with: code, reference data, its sidecar."""
    return _hash(code_fingerprint(), reference_fingerprint, statement)


def country_fingerprints(home: Home, snapshots: list[Snapshot], reference_fingerprint: str) -> dict[str, str]:
    """For each country that deliveries are of, what its figures depend on."""
    decisions = home.decisions.read_text(encoding="utf-8") if home.decisions.is_file() else ""
    used = [s for s in snapshots if s.status == "accepted"]
    found = {}
    for country in sorted({c for s in used for c in s.countries}):
        editions = [f.read_text() for f in sorted((home.boundaries / country).glob("*/adm*.json"))]
        deliveries = [(s.sha256, s.ingest_sequence, s.statement, s.judged_with) for s in used if country in s.countries]
        found[country] = _hash(code_fingerprint(), reference_fingerprint, decisions, editions, deliveries)
    return found


def read_state(home: Home) -> dict[str, Any]:
    """Fingerprints of what was computed last: {"countries": {ISO3: ...}, "released": ...}."""
    try:
        state: dict[str, Any] = json.loads(home.state_file.read_text())
        return {"countries": dict(state["countries"]), "released": state["released"]}
    except (OSError, ValueError, KeyError, TypeError):
        # nothing is known of what was computed: everything is computed again
        return {"countries": {}, "released": None}


def write_state(home: Home, state: dict[str, Any]) -> None:
    write_json(home.state_file, state)


def release_fingerprint(countries: dict[str, str]) -> str:
    return _hash("release", countries)


def make_plan(home: Home, reference_fingerprint: str, only_country: str | None = None) -> Plan:
    """What is stale, and why."""
    snapshots = SnapshotStore(home).all()
    stale = [s for s in snapshots if s.judged_with != judging(reference_fingerprint, s.statement)]
    state = read_state(home)
    fingerprints = country_fingerprints(home, snapshots, reference_fingerprint)
    countries = [
        c
        for c in sorted({*fingerprints, *state["countries"]})
        if fingerprints.get(c) != state["countries"].get(c) and only_country in (None, c)
    ]
    known = fingerprints or state["released"]
    release = bool(known) and (
        state["released"] != release_fingerprint(state["countries"]) or not _pointer_leads_to_a_release(home)
    )
    reasons = [
        *(f"{s.name}: {'new' if s.status == 'new' else 'code, reference data or sidecar changed'}" for s in stale),
        *(f"{c}: deliveries, boundaries, decisions, reference data or code changed" for c in countries),
        *(["the tables are newer than the last release, or its pointer is damaged"] if release else []),
    ]
    return Plan(tuple(s.sha256 for s in stale), tuple(countries), release, tuple(reasons))


def _pointer_leads_to_a_release(home: Home) -> bool:
    """Whether readers find a release with its manifest."""
    try:
        name = json.loads((home.releases / "latest.json").read_text(encoding="utf-8"))["release"]
        return (home.releases / str(name) / "manifest.json").is_file()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def mark_samples(home: Home, hashes: list[str]) -> None:
    """Mark the home as demo; from now on it takes these samples only.

    Raises:
        HomeError: it already holds real deliveries.
    """
    mark = home.root / DEMO_MARK
    if not mark.is_file() and any(home.snapshots.glob("*/record.json")):
        raise HomeError(f"{home.root}: holds real deliveries; run the demo in another --home")
    write_json(mark, {"demo": True, "means": "this home takes these samples only", "samples": sorted(hashes)})
