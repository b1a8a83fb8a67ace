"""What is new and what is stale, and why: computed from records alone, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.editions import check_editions
from dtm_pipeline.storage.erasures import read_erasures
from dtm_pipeline.storage.home import DamagedHomeError, Home, write_json
from dtm_pipeline.storage.registers import DECIDED_PLACES, DECIDED_STATEMENTS, check_register
from dtm_pipeline.storage.snapshots import ACCEPTED, ARCHIVE, Snapshot, SnapshotStore
from dtm_pipeline.storage.warehouse import check_warehouse

FORM = "xlsform"
READ_BY_FORMS = ("household_survey", "flow_survey", "severity_survey", None)
"""Kinds that are read by a form; a delivery of no known kind may be one whose form has not come yet."""
REPOSITORY_PACKAGES = ("dtm_pipeline", "assets", "sources", "checks")


@dataclass(frozen=True)
class Plan:
    """What a run would do. An empty plan starts nothing."""

    snapshots: tuple[str, ...]
    countries: tuple[str, ...]
    release: bool
    reasons: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    """Parts of the warehouse that nothing known made: the run removes them."""

    @property
    def empty(self) -> bool:
        return not (self.snapshots or self.countries or self.release or self.foreign)


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


def judging(reference_fingerprint: str, snapshot: Snapshot, forms: list[Snapshot]) -> str:
    """What a delivery is judged with: code, reference data, its sidecar, the forms where it may need one, the bounds that refused it."""
    needs_forms = snapshot.kind in READ_BY_FORMS
    asked = [f.sha256 for f in forms if f.sha256 != snapshot.sha256] if needs_forms else []
    return _hash(code_fingerprint(), reference_fingerprint, snapshot.statement, asked, *_bounds_of(snapshot))


def _bounds_of(snapshot: Snapshot) -> list[str]:
    """The bounds of reading now, for a delivery that bounds refused."""
    if snapshot.within is None:
        return []
    from dtm_pipeline.settings import Bounds, Settings

    return [str(Bounds.of(Settings()))]


def forms_among(snapshots: list[Snapshot]) -> list[Snapshot]:
    """The forms of surveys (XLSForm) that the home holds."""
    return [s for s in snapshots if s.kind == FORM and s.status == ACCEPTED]


def country_fingerprints(home: Home, snapshots: list[Snapshot], reference_fingerprint: str) -> dict[str, str]:
    """For each country that deliveries are of, what its figures depend on."""
    decisions = [file.read_text(encoding="utf-8") for file in (home.decisions, home.reviews) if file.is_file()]
    used = [s for s in snapshots if s.status == ACCEPTED]
    found = {}
    for country in sorted({c for s in used for c in s.countries}):
        editions = [f.read_text() for f in sorted((home.boundaries / country).glob("*/adm*.json"))]
        deliveries = [(s.sha256, s.intake, s.statement, s.judged_with) for s in used if country in s.countries]
        found[country] = _hash(code_fingerprint(), reference_fingerprint, decisions, editions, deliveries)
    return found


def read_state(home: Home) -> dict[str, Any]:
    """What was computed last: {"countries": {ISO3: fingerprint}, "released": ..., "parts": {"TABLE/ISO3": sha256}, "computing": [ISO3]}.

    `computing` are the countries of the run that is under way, or was last.
    """
    try:
        state: dict[str, Any] = json.loads(home.state_file.read_text())
        return {
            "countries": dict(state["countries"]),
            "released": state["released"],
            "parts": dict(state["parts"]),
            "computing": list(state["computing"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        # nothing is known of what was computed: everything is computed again
        return {"countries": {}, "released": None, "parts": {}, "computing": []}


def write_state(home: Home, state: dict[str, Any]) -> None:
    write_json(home.state_file, state)


def release_fingerprint(countries: dict[str, str]) -> str:
    return _hash("release", countries)


def make_plan(home: Home, reference_fingerprint: str, only_country: str | None = None) -> Plan:
    """What is stale, and why. A part of the warehouse that is missing or damaged makes what it is a part of stale.

    Raises:
        DamagedHomeError: a record, a register or an edition is gone or damaged: nothing can make it again.
    """
    store = SnapshotStore(home)
    snapshots = store.all()
    for lost in lost_deliveries(home, {s.sha256 for s in snapshots}):
        raise DamagedHomeError(lost)
    known_hashes = store.known_hashes()
    check_editions(home, known_hashes)
    check_register(home.decisions, DECIDED_PLACES)
    check_register(home.reviews, DECIDED_STATEMENTS)
    known_hashes.remember()
    forms = forms_among(snapshots)
    state = read_state(home)
    warehouse = check_warehouse(home, snapshots, state["parts"])
    changed = {
        s.sha256 for s in snapshots if s.kind != ARCHIVE and s.judged_with != judging(reference_fingerprint, s, forms)
    }
    stale = [s for s in snapshots if s.sha256 in changed | warehouse.snapshots]
    fingerprints = country_fingerprints(home, snapshots, reference_fingerprint)
    moved = {c for c in {*fingerprints, *state["countries"]} if fingerprints.get(c) != state["countries"].get(c)}
    # what is damaged is mended whichever country was asked for: the newest figures of all are read together
    countries = [
        c for c in sorted(moved | warehouse.countries) if only_country in (None, c) or c in warehouse.countries
    ]
    known = fingerprints or state["released"]
    release = bool(known) and (
        state["released"] != release_fingerprint(state["countries"]) or not release_is_whole(home)
    )
    damaged = "parts of it in the warehouse are missing or damaged"
    reasons = [
        *(
            f"{s.name}: {'new' if s.status == 'new' else 'code, reference data or sidecar changed' if s.sha256 in changed else damaged}"
            for s in stale
        ),
        *(
            f"{c}: {'deliveries, boundaries, decisions, reference data or code changed' if c in moved else damaged}"
            for c in countries
        ),
        *(["the tables are newer than the last release, or that is damaged"] if release else []),
    ]
    return Plan(tuple(s.sha256 for s in stale), tuple(countries), release, tuple(reasons), tuple(warehouse.foreign))


def release_is_whole(home: Home) -> bool:
    """Whether the pointer leads to the manifest that it was set on, and the files are those that it names."""
    folder, manifest = _latest(home)
    try:
        known = SnapshotStore(home).known_hashes()
        seal = json.loads((home.releases / "latest.json").read_text(encoding="utf-8"))["manifest_sha256"]
        named = {"manifest.json": seal} | {f["path"]: f["sha256"] for f in manifest["files"]}
        whole = all(known.is_whole(folder / path, sha256) for path, sha256 in named.items())
        known.remember()
        return whole
    except (OSError, ValueError, KeyError, TypeError):
        return False


def lost_deliveries(home: Home, present: set[str]) -> Iterator[str]:
    """Deliveries that the latest release rests on and the home has no folder of, in sentences."""
    folder, manifest = _latest(home)
    erased = {e.snapshot_id for e in read_erasures(home)}
    for told in manifest.get("snapshots", []):
        if told["sha256"] not in present | erased:
            yield (
                f"{home.snapshots / told['sha256']}: is gone, delivery {told.get('number', told.get('name'))}, which release {folder.name} rests on; "
                f"deliver the file again, or bring the folder back from a copy of the home"
            )


def _latest(home: Home) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of the latest release; an empty manifest where there is none that can be read."""
    try:
        name = str(json.loads((home.releases / "latest.json").read_text(encoding="utf-8"))["release"])
        manifest = json.loads((home.releases / name / "manifest.json").read_text(encoding="utf-8"))
        return home.releases / name, manifest if isinstance(manifest, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return home.releases, {}
