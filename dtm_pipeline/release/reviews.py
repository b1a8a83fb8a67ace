"""What is held, doubtful or decided, for manifest, report and explanation; and what a strict run stops at."""

from __future__ import annotations

from typing import Any

import polars as pl

from dtm_pipeline.contracts import core
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reviews import read_reviews, standing
from dtm_pipeline.storage.snapshots import ACCEPTED, REFUSED, Snapshot
from dtm_pipeline.storage.tables import stored

STATES = {"hold": "held", "caveat": "doubtful", "pass": "accepted"}


def review_records(home: Home) -> list[dict[str, Any]]:
    """Every statement that is held, doubtful or was decided, with who decided what and why."""
    decisions = standing(read_reviews(home))
    rows = (
        stored(home.warehouse, core.REVIEW)
        .read_all()
        .sort("location_code", "series_id", "source_reference_date", "review_id")
    )
    told = []
    for row in rows.iter_rows(named=True):
        decision = decisions.get(row["review_id"])
        state = (
            "accepted"
            if row["accepted"]
            else "rejected"
            if "rejected" in (row["broken"] or [])
            else STATES[row["outcome"]]
        )
        told.append(
            {
                "review_id": row["review_id"],
                "location_code": row["location_code"],
                "series_id": row["series_id"],
                "reference_date": row["source_reference_date"],
                "snapshot_id": row["snapshot_id"],
                "state": state,
                "rules": row["broken"],
                # what was decided on stands as it was shown to who decided
                "sentence": decision.about if decision else row["sentence"],
                "parts": sorted(decision.units) if decision else [],
                "by": decision.by if decision else None,
                "on": decision.on if decision else None,
                "reason": decision.reason if decision else None,
            }
        )
    return told


def in_words(record: dict[str, Any]) -> str:
    """A record as a line: what was decided of what, by whom."""
    only = f" for {', '.join(record['parts'])} only" if record["parts"] else ""
    who = f"{only} by {record['by']} on {record['on']}: {record['reason']}" if record["by"] else ""
    return f"{record['state']}{who}: {record['sentence']}"


def not_taken(home: Home, snapshots: list[Snapshot], partial_above: float) -> list[str]:
    """What was not taken whole of some deliveries, and what is held: nothing where all was taken.

    Args:
        snapshots: the deliveries that are asked about.
        partial_above: share of rejected rows, or of their persons, from which it is said.
    """
    told = [f"{s.name}: refused: {s.reason}" for s in snapshots if s.status == REFUSED]
    told += rejected_much(snapshots, partial_above)
    held = (
        stored(home.warehouse, core.REVIEW).read_all(columns=["outcome", "sentence", "broken"]).filter(outcome="hold")
    )
    waiting = held.filter(~pl.col("broken").list.contains("rejected"))
    return [*told, *(f"held: {s}" for s in waiting["sentence"].sort())]


def rejected_much(snapshots: list[Snapshot], partial_above: float) -> list[str]:
    """The deliveries of which more rows, or people, were rejected than goes without saying, in words."""
    shares = [(s, _share(s, "rows"), _share(s, "persons")) for s in snapshots if s.status == ACCEPTED]
    return [
        f"{s.name}: {rows:.0%} of its rows, with {people:.0%} of its people, were rejected"
        for s, rows, people in shares
        if max(rows, people) > partial_above
    ]


def _share(snapshot: Snapshot, what: str) -> float:
    whole = snapshot.report.get(f"{what}_in") or 0
    return (snapshot.report.get(f"{what}_rejected") or 0) / whole if whole else 0.0
