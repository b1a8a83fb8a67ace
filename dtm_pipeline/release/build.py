"""Build a release: staged, judged, sealed with its manifest, renamed, and only then pointed at.

A crash at any point leaves readers on the release before. Unchanged content makes no release.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline import __version__
from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.core import REVIEW
from dtm_pipeline.contracts.derive import (
    conform,
    dictionary_csv,
    dictionary_markdown,
    empty,
    frictionless_resource,
)
from dtm_pipeline.contracts.out import ROUND
from dtm_pipeline.domain.household_size import rule_table
from dtm_pipeline.places.editions import editions
from dtm_pipeline.places.gazetteer import read_units, with_origins
from dtm_pipeline.release.changes import moved_figures, table_changes
from dtm_pipeline.release.gates import (
    NOT_WITHDRAWN,
    REFUSED_BY_GATES,
    STRICT,
    Candidate,
    GateRefusedError,
    GateResult,
    Judge,
    refused_countries,
)
from dtm_pipeline.release.kept import reasons, same_figures, with_kept_countries
from dtm_pipeline.release.pointer import (
    STAGING,
    Release,
    ReleaseError,
    all_releases,
    latest_release,
    point,
    sealed,
    verify,
)
from dtm_pipeline.release.readme import readme
from dtm_pipeline.release.report import write_reports
from dtm_pipeline.release.reviews import not_taken, review_records
from dtm_pipeline.release.signature import fingerprint, sign, signing_key
from dtm_pipeline.release.withdraw import read_withdrawals, standing_releases
from dtm_pipeline.release.words import leaving, stand_ins
from dtm_pipeline.storage.hashes import digest
from dtm_pipeline.storage.home import Home, to_disk, write_json
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.reviews import taken_back
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.tables import stored, write_table


@dataclass
class Draft:
    """A release in the making."""

    home: Home
    reference: Reference
    snapshots: list[Snapshot]
    judge: Judge
    waivers: dict[str, str]
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    previous: Release | None = None
    pointed: str | None = None
    """Name of the release that the pointer leads to; None where it leads to none."""
    previous_tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    content_sha256: str = ""
    gates: list[GateResult] = field(default_factory=list)
    refused: dict[str, list[GateResult]] = field(default_factory=dict)
    """Countries whose newer figures a gate refused, and by which gates: their last good tables stay."""
    staging: Path = Path()
    name: str = ""


def publish(
    home: Home,
    reference: Reference,
    snapshots: list[Snapshot],
    judge: Judge,
    waivers: dict[str, str],
    strict_about: frozenset[str] | None = None,
) -> tuple[Release | None, bool]:
    """Release the out tables of a home.

    Args:
        strict_about: deliveries of which all must have been taken, and nothing be held; None: what was taken is released.

    Returns:
        The latest release (None where nothing was ever released) and whether it is new.

    A gate that refuses refuses its own country, whose last good tables stay; the others are released.

    Raises:
        GateRefusedError: a gate refused all that is new, and nobody waived it; or not all was taken, and that was asked for.
    """
    draft = Draft(home, reference, snapshots, judge, waivers)
    if strict_about is not None:
        _all_was_taken(draft, strict_about)
    collect(draft)
    if draft.previous is None and not any(s.status == "accepted" for s in snapshots):
        return None, False  # nothing was ever released, and nothing can be
    sealed = _same_content(draft)
    if sealed is None:
        judge_candidate(draft)
        sealed = _same_content(draft) if draft.refused else None
    if sealed is not None:
        # what a crash left between the rename and the pointer is whole: it is pointed at, not made twice
        moved = sealed.name != draft.pointed
        if moved:
            point(home.releases, sealed.name)
        return sealed, moved
    for step in STEPS:
        step(draft)
    return Release(home.releases / draft.name), True


def _all_was_taken(draft: Draft, deliveries: frozenset[str]) -> None:
    """Stop a strict run.

    Raises:
        GateRefusedError: a delivery was refused or much of it rejected, or something is held.
    """
    asked = [s for s in SnapshotStore(draft.home).all() if s.sha256 in deliveries]
    told = not_taken(draft.home, asked, draft.reference.thresholds["deliveries"]["partial_above"])
    if told:
        raise GateRefusedError([GateResult(STRICT, "deliveries", "all was taken", t, passed=False) for t in told])


def collect(draft: Draft) -> None:
    """Read the tables of every country, and those of the release before."""
    for declared in published_tables():
        frame = stored(draft.home.warehouse, declared).read_all()
        told = leaving(conform(frame, declared), declared, draft.reference.words)
        draft.tables[declared.name] = told.sort(declared.grain, nulls_last=True)
    draft.pointed, draft.previous = _previous(draft.home.releases)
    if draft.previous is not None:
        for declared in published_tables():
            file = draft.previous.folder / "tables" / f"{declared.name}.parquet"
            before = pl.read_parquet(file) if file.is_file() else empty(declared)
            # an older version may have quoted what leaves no more, and a kept country's rows are taken from it
            draft.previous_tables[declared.name] = leaving(before, declared, draft.reference.words)
    draft.content_sha256 = content_hash(draft.tables)


def _previous(releases: Path) -> tuple[str | None, Release | None]:
    """The name that the pointer leads to, and the release before: that one if it is whole, else the newest that is.

    A pointer that is damaged leads to none, and is written anew. What damaged bytes say is compared with nothing, and kept
    for no country. Before the first pointer there is no release before: what a crash left is not one that readers had.
    """
    try:
        pointed = latest_release(releases)
    except ReleaseError:
        return None, _newest_whole(standing_releases(releases))
    if pointed is None:
        return None, None
    others = [r for r in standing_releases(releases) if r.name != pointed.name]
    return pointed.name, _newest_whole([*others, pointed])


def _newest_whole(releases: list[Release]) -> Release | None:
    """The last of releases whose files are those of its manifest."""
    return next((r for r in reversed(releases) if not verify(r)), None)


def content_hash(tables: dict[str, pl.DataFrame]) -> str:
    """sha256 over the sorted rows and contract version of every table; the same content has the same hash."""
    total = hashlib.sha256()
    for declared in published_tables():
        frame = tables[declared.name]
        lists = [c for c, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        flat = frame.with_columns(pl.col(lists).list.join("|")) if lists else frame
        total.update(f"{declared.name} {declared.version}\n".encode())
        total.update(flat.write_csv().encode())
    return total.hexdigest()


def _same_content(draft: Draft) -> Release | None:
    """The latest release, or a newer one that was never pointed at, if it holds the same content."""
    known = standing_releases(draft.home.releases)
    newer = [
        r
        for r in known
        if draft.previous is None or r.name == draft.previous.name or r in _after(known, draft.previous)
    ]
    for release in reversed(newer):
        # one that is damaged is no release, whatever its manifest still says
        if not verify(release) and release.manifest()["content_sha256"] == draft.content_sha256:
            return release
    return None


def _after(known: list[Release], previous: Release) -> list[Release]:
    names = [r.name for r in known]
    return known[names.index(previous.name) + 1 :] if previous.name in names else known


def judge_candidate(draft: Draft) -> None:
    """Let the gates judge the candidate. A failed one that nobody waived refuses its countries, or all where it has none.

    Raises:
        GateRefusedError: nothing that is new is left, or what is kept does not pass either.
    """
    draft.gates = [*draft.judge(_candidate(draft)), *_withdrawn_before(draft)]
    failed = _unwaived(draft)
    if not failed:
        (draft.home.quality / REFUSED_BY_GATES).unlink(missing_ok=True)
        return
    write_json(draft.home.quality / REFUSED_BY_GATES, [g.as_record() for g in failed])
    refused = refused_countries(failed)
    if refused is None:
        raise GateRefusedError(failed)
    before = draft.previous.name if draft.previous else None
    draft.tables = with_kept_countries(draft.tables, draft.previous_tables, refused, before, draft.reference.series)
    first = draft.gates
    draft.gates = draft.judge(_candidate(draft))
    if _unwaived(draft) or not any(f.height for f in draft.tables.values()) or _only_refused(draft, refused):
        draft.gates = first
        raise GateRefusedError(failed)
    draft.refused = refused
    draft.content_sha256 = content_hash(draft.tables)


def _withdrawn_before(draft: Draft) -> list[GateResult]:
    """What a person took back is not released again unasked."""
    same = [w for w in read_withdrawals(draft.home.releases) if w.content_sha256 == draft.content_sha256]
    return [
        GateResult(
            NOT_WITHDRAWN,
            "all tables",
            NOT_WITHDRAWN,
            f"its figures are others than those of release {w.release}, which {w.by} withdrew on {w.on[:10]} ({w.reason})",
            passed=False,
        )
        for w in same[-1:]
    ]


def _only_refused(draft: Draft, refused: dict[str, list[GateResult]]) -> bool:
    """Whether nothing but refused figures is new: no country that is not refused has a row, or none of them moved."""
    released = set(draft.tables[ROUND.name].filter(pl.col("kept_because").is_null())["location_code"])
    if not released:
        return True
    same = bool(draft.previous_tables) and same_figures(draft.tables, draft.previous_tables)
    # a release that says already that the country is kept is the one that readers have
    kept = draft.previous.manifest().get("kept", {}) if draft.previous else {}
    return same and set(kept) != set(refused)


def _unwaived(draft: Draft) -> list[GateResult]:
    return [g for g in draft.gates if not g.passed and g.severity == "critical" and g.gate not in draft.waivers]


def _candidate(draft: Draft) -> Candidate:
    thresholds = draft.reference.thresholds
    reviewed = stored(draft.home.warehouse, REVIEW).read_all()
    took_back = reviewed.filter(pl.col("review_id").is_in(taken_back(draft.home)))
    return Candidate(
        tables=draft.tables,
        previous=draft.previous_tables,
        accounts=accounts(draft.snapshots),
        categories=with_origins(draft.reference.categories, read_units(draft.reference.folder / "admin_boundaries")),
        size_rules=rule_table(draft.reference.size_rules),
        thresholds={**thresholds["gates"], **thresholds["breakdowns"]},
        accepted=reviewed.filter("accepted").select("series_id", reference_date="source_reference_date"),
        taken_back=took_back.select("series_id", reference_date="source_reference_date"),
        docs=draft.home.quality / "data_docs",
    )


def accounts(snapshots: list[Snapshot]) -> pl.DataFrame:
    """Rows and persons of each accepted delivery: in, valid, rejected; a row for each of its countries."""
    names = ("rows_in", "rows_valid", "rows_rejected", "persons_in", "persons_valid", "persons_rejected")
    return pl.DataFrame(
        [
            (s.sha256, country, *(s.report[n] for n in names))
            for s in snapshots
            if s.status == "accepted"
            for country in (*s.countries, *([] if s.countries else [None]))
        ],
        schema={"snapshot_id": pl.String, "location_code": pl.String, **dict.fromkeys(names, pl.Int64)},
        orient="row",
    )


def stage(draft: Draft) -> None:
    """An empty staging folder beside the releases; what a crash left of another is removed."""
    draft.staging = draft.home.releases / STAGING
    shutil.rmtree(draft.staging, ignore_errors=True)
    draft.staging.mkdir(parents=True)
    known = [r.name.rsplit(".", 1) for r in all_releases(draft.home.releases)]
    # where the clock goes backwards, names do not: the newest release has the last name
    day = max([datetime.now(UTC).date().isoformat(), *(d for d, _ in known)])
    draft.name = f"{day}.{max((int(n) for d, n in known if d == day), default=0) + 1}"


def write_tables(draft: Draft) -> None:
    for declared in published_tables():
        write_table(draft.tables[declared.name], declared, draft.staging / "tables" / f"{declared.name}.parquet")


def write_documents(draft: Draft) -> None:
    """What stands beside the tables: dictionary, data package, changes, quality, report, the reader's README."""
    folder = draft.staging
    tables = published_tables()
    (folder / "data_dictionary.md").write_text(dictionary_markdown(tables), encoding="utf-8")
    (folder / "data_dictionary.csv").write_text(dictionary_csv(tables), encoding="utf-8")
    write_json(
        folder / "datapackage.json",
        {
            "name": "dtm-pipeline-release",
            "title": "Displacement figures by governorate and district",
            "version": draft.name,
            "profile": "data-package",
            "resources": [frictionless_resource(t) for t in tables],
        },
    )
    write_json(folder / "changes.json", _changes(draft))
    (folder / "quality").mkdir()
    write_json(folder / "quality" / "results.json", [g.as_record() for g in draft.gates])
    (folder / "README.md").write_text(
        readme(draft.name, draft.snapshots, draft.tables, draft.reference.words), encoding="utf-8"
    )
    (folder / "report").mkdir()
    draft.home.report.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_reports(
        folder / "report" / "index.html",
        draft.home.report,
        draft.name,
        draft.tables,
        draft.home,
        draft.reference,
        draft.snapshots,
        draft.gates,
        reasons(draft.refused),
    )


def _released(release: Release | None, name: str) -> Path | None:
    """A table's file in a release, or None where it has none."""
    file = release.folder / "tables" / f"{name}.parquet" if release else None
    return file if file is not None and file.is_file() else None


def _changes(draft: Draft) -> dict[str, Any]:
    before: set[str] = set()
    if draft.previous is not None:
        before = {s["sha256"] for s in draft.previous.manifest()["snapshots"]}
    used = [s for s in draft.snapshots if s.status == "accepted"]
    return {
        "previous_release": draft.previous.name if draft.previous else None,
        "because": {
            "new_deliveries": [
                {"sha256": s.sha256, "number": s.ingest_sequence, "kind": s.kind}
                for s in used
                if s.sha256 not in before
            ],
            "deliveries_no_longer_used": sorted(before - {s.sha256 for s in used}),
            "code_changed": draft.previous is not None and draft.previous.manifest()["version"] != __version__,
        },
        "tables": table_changes(
            {
                name: (_released(draft.previous, name), draft.staging / "tables" / f"{name}.parquet")
                for name in draft.tables
            }
        ),
        "figures_moved": moved_figures(draft.previous_tables, draft.tables),
    }


def write_manifest(draft: Draft) -> None:
    """The last file of a release: without it the folder is none."""
    key = signing_key()
    versions = {f"tables/{t.name}.parquet": t for t in published_tables()}
    files = []
    for file in sorted(draft.staging.rglob("*")):
        if file.is_file():
            path = file.relative_to(draft.staging).as_posix()
            record: dict[str, Any] = {"path": path, "bytes": file.stat().st_size, "sha256": digest(file)}
            if path in versions:
                record |= {
                    "rows": draft.tables[versions[path].name].height,
                    "contract_version": versions[path].version,
                }
            files.append(record)
    write_json(
        draft.staging / "manifest.json",
        {
            "release": draft.name,
            "channel": "partner",
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": __version__,
            "git_commit": git_commit(),
            "previous_release": draft.previous.name if draft.previous else None,
            # each release seals the one before it
            "previous_manifest_sha256": _seal(draft.previous) if draft.previous else None,
            "content_sha256": draft.content_sha256,
            "signed_by": fingerprint(key.public_key()) if key else None,
            "files": files,
            "snapshots": [
                {
                    "sha256": s.sha256,
                    "number": s.ingest_sequence,
                    "kind": s.kind,
                    "countries": s.countries,
                    "received_at": s.received_at,
                }
                for s in draft.snapshots
                if s.status == "accepted"
            ],
            "boundary_editions": [
                {k: e[k] for k in ("location_code", "edition", "admin_level", "source_sha256")}
                for e in editions(draft.home.boundaries)
            ],
            "gates": {g.gate: all(x.passed for x in draft.gates if x.gate == g.gate) for g in draft.gates},
            "reference": {
                "sha256": draft.reference.fingerprint(),
                "overlay_sha256": draft.reference.layers.overlay_sha256(),
                "overlay_rows": len(draft.reference.layers.rows()),
            },
            "kept": {
                country: {
                    **_kept_from(draft, country),
                    "because": why,
                }
                for country, why in reasons(draft.refused).items()
            },
            "stand_ins": stand_ins(draft.tables),
            "reviews": review_records(draft.home),
            "waivers": {
                g: why for g, why in draft.waivers.items() if any(x.gate == g and not x.passed for x in draft.gates)
            },
        },
    )
    if key:
        sign(draft.staging, key)
    to_disk(draft.staging)


def _seal(release: Release) -> str:
    """sha256 of the manifest of a release, as it was when the pointer was set on it where that is known."""
    return sealed(release) or digest(release.folder / "manifest.json")


def _kept_from(draft: Draft, country: str) -> dict[str, Any]:
    """The release that a kept country's figures are of, and their age in days; null where it never was in one."""
    told = draft.tables[ROUND.name].filter(location_code=country)
    release, age = told["kept_from_release"].drop_nulls(), told["kept_age_days"].max()
    return {"release": None if release.is_empty() else str(release[0]), "age_days": age}


def git_commit() -> str | None:
    """The commit of the checkout that the code runs from; None outside one, or where there is no git."""
    if shutil.which("git") is None:
        return None
    told = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None


def rename(draft: Draft) -> None:
    """From here on the folder is a release, and immutable; nobody reads it yet."""
    for file in draft.staging.rglob("*"):
        if file.is_file():
            file.chmod(0o444)
    draft.staging.rename(draft.home.releases / draft.name)
    to_disk(draft.home.releases)


def swap_pointer(draft: Draft) -> None:
    """One atomic replace brings readers to the new release."""
    point(draft.home.releases, draft.name)


STEPS: tuple[Callable[[Draft], None], ...] = (
    stage,
    write_tables,
    write_documents,
    write_manifest,
    rename,
    swap_pointer,
)
