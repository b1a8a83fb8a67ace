"""What is new and what is stale, and why: computed from records alone, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.home import Home, write_json
from dtm_pipeline.storage.snapshots import ACCEPTED, ARCHIVE, Snapshot, SnapshotStore

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

    @property
    def empty(self) -> bool:
        return not (self.snapshots or self.countries or self.release)


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
    """What a delivery is judged with: code, reference data, its sidecar, and the forms where it may need one."""
    needs_forms = snapshot.kind in READ_BY_FORMS
    asked = [f.sha256 for f in forms if f.sha256 != snapshot.sha256] if needs_forms else []
    return _hash(code_fingerprint(), reference_fingerprint, snapshot.statement, asked)


def forms_among(snapshots: list[Snapshot]) -> list[Snapshot]:
    """The forms of surveys (XLSForm) that the home holds."""
    return [s for s in snapshots if s.kind == FORM and s.status == ACCEPTED]


def country_fingerprints(home: Home, snapshots: list[Snapshot], reference_fingerprint: str) -> dict[str, str]:
    """For each country that deliveries are of, what its figures depend on."""
    decisions = home.decisions.read_text(encoding="utf-8") if home.decisions.is_file() else ""
    decisions += home.reviews.read_text(encoding="utf-8") if home.reviews.is_file() else ""
    used = [s for s in snapshots if s.status == ACCEPTED]
    found = {}
    for country in sorted({c for s in used for c in s.countries}):
        editions = [f.read_text() for f in sorted((home.boundaries / country).glob("*/adm*.json"))]
        deliveries = [(s.sha256, s.intake, s.statement, s.judged_with) for s in used if country in s.countries]
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
    forms = forms_among(snapshots)
    stale = [s for s in snapshots if s.kind != ARCHIVE and s.judged_with != judging(reference_fingerprint, s, forms)]
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
