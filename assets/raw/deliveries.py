"""Every delivery that is new, or was judged by older code or reference data, is read once.

Providers, cadence and licence stand in docs/sources/. A delivery that can't be used is a row in the ledger and never
stops the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from assets.workspace import InWorkspace, Workspace, guarded, progress, spec
from dtm_pipeline.contracts import raw, table
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.plan import READ_BY_FORMS, forms_among, judging, read_state, write_state
from dtm_pipeline.storage.refused import give_back_refused
from dtm_pipeline.storage.snapshots import ACCEPTED, ARCHIVE, REFUSED, Snapshot, SnapshotStore
from dtm_pipeline.storage.surroundings import SurroundingsError
from dtm_pipeline.storage.tables import Parts, stored
from dtm_pipeline.storage.warehouse import remove_foreign
from sources.child import RAW_TABLES, Outcome
from sources.document import Document
from sources.readers import read_all
from sources.xlsform import may_be_form


@dg.multi_asset(
    outs={name: dg.AssetOut(**spec(name, {"polars", "pandera", "parquet"})) for name in RAW_TABLES},
    check_specs=[
        dg.AssetCheckSpec(
            "every_delivery_was_used",
            asset=raw.MASTER_LIST.name,
            description="No delivery of this run was refused. Deliveries are told by number; `dtm status` has their names.",
        )
    ],
)
@guarded
def deliveries(workspace: InWorkspace) -> Iterator[dg.Output[Parts] | dg.AssetCheckResult]:
    home, store = workspace.home, SnapshotStore(workspace.home)
    every = store.all()
    plan = workspace.plan()
    remove_foreign(home, plan.foreign)
    stale = set(plan.snapshots)
    reference = workspace.reference.fingerprint()
    parts = {name: Parts() for name in RAW_TABLES}
    pending = [s for s in every if s.sha256 in stale]
    _check_bytes(home, pending)
    # forms first: the surveys of this run, and those that waited for a form, are read by them
    forms = [s for s in pending if may_be_form(Document(s.name, s.payload(home), (), home.scratch))]
    _read(forms, every, parts, workspace)
    known = forms_among(every)
    # a delivery that was read without a form, or refused for want of one
    waiting = {s.sha256 for s in every if s.kind in READ_BY_FORMS and s.judged_with != judging(reference, s, known)}
    rest = [s for s in every if s not in forms and s.kind != ARCHIVE and s.sha256 in stale | waiting]
    _check_bytes(home, [*rest, *known] if rest else [])
    _read(rest, every, parts, workspace)
    records = [*forms, *rest]
    for name in RAW_TABLES:
        yield dg.Output(parts[name], output_name=name)
    refused = [r for r in records if r.status == REFUSED]
    yield dg.AssetCheckResult(
        check_name="every_delivery_was_used",
        asset_key=raw.MASTER_LIST.name,
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "deliveries": len(records),
            "refused": len(refused),
            "refused_because": {r.number: f"expected {r.expected}; `dtm status` says what was found" for r in refused},
        },
    )
    # only now, with every part on disk, is a delivery taken as read: a run killed before reads it again
    for record in records:
        record.judged_with = judging(reference, record, forms_among(every))
        store.save(record)
    give_back_refused(home)
    # what the steps below compute, whatever they change of the warehouse on the way
    write_state(home, {**read_state(home), "computing": list(workspace.plan().countries)})


def _check_bytes(home: Home, pending: list[Snapshot]) -> None:
    """Hold what is to be read against the hash under which it came.

    Raises:
        SurroundingsError: bytes of a delivery are not those that came.
    """
    if damaged := SnapshotStore(home).damaged_payloads(pending):
        raise SurroundingsError("; ".join(damaged))


def _read(pending: list[Snapshot], every: list[Snapshot], parts: dict[str, Parts], workspace: Workspace) -> None:
    """Read deliveries, and judge each by what came of it."""
    read = read_all(workspace.home, workspace.reference.folder, pending, lambda: forms_among(every))
    for number, snapshot in enumerate(pending, start=1):
        progress.info("reading %d of %d: %s", number, len(pending), snapshot.name)
        _judge(*next(read), parts, workspace)


def _judge(snapshot: Snapshot, outcome: Outcome, parts: dict[str, Parts], workspace: Workspace) -> None:
    """The record of a delivery after it was read or refused; its parts, and what is gone of those it had."""
    snapshot.status = ACCEPTED if outcome.refused is None else REFUSED
    snapshot.reason, snapshot.expected, snapshot.within = outcome.refused, outcome.expected, outcome.within
    snapshot.kind, snapshot.countries, snapshot.report = outcome.kind, list(outcome.countries), outcome.report
    snapshot.parts = {f"{name}/{key}": facts.sha256 for (name, key), facts in outcome.parts.items()}
    for (name, _), facts in outcome.parts.items():
        parts[name].written.append(facts)
    for name in RAW_TABLES:
        place = stored(workspace.home.warehouse, table(name))
        place.remove_but(snapshot.sha256, {key for n, key in outcome.parts if n == name})
