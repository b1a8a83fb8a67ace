"""Every delivery that is new, or was judged by older code or reference data, is read once.

Providers, cadence and licence stand in docs/sources/. A delivery that can't be used is a row in the ledger and never
stops the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.workspace import Workspace, guarded, progress, spec
from dtm_pipeline.contracts import raw, table
from dtm_pipeline.quality.split import ConservationError
from dtm_pipeline.storage.errors import write_error_log
from dtm_pipeline.storage.plan import forms_among, judging
from dtm_pipeline.storage.refused import give_back_refused
from dtm_pipeline.storage.snapshots import ACCEPTED, ARCHIVE, REFUSED, UNREADABLE, Snapshot, SnapshotStore
from dtm_pipeline.storage.tables import Parts, StoredParts, stored, write_table
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from sources.xlsform import may_be_form

RAW_TABLES = [t.name for t in raw.TABLES]


def read_snapshot(snapshot: Snapshot, forms: list[Snapshot], workspace: Workspace) -> Reading:
    """Recognise and read one delivery.

    Args:
        forms: the forms of surveys that the home holds.

    Raises:
        DeliveryError: it can't be used; the sentence says why.
    """
    if UNREADABLE in snapshot.statement:
        told = str(snapshot.statement[UNREADABLE])
        raise DeliveryError(told, "a sidecar that can be used", "mend the sidecar")
    document = _document(snapshot, forms, workspace)
    return read_delivery(document, Delivery(snapshot.sha256, snapshot.name, snapshot.statement), workspace.reference)


def _document(snapshot: Snapshot, forms: list[Snapshot], workspace: Workspace) -> Document:
    files = tuple((f.name, f.payload(workspace.home)) for f in forms)
    return Document(snapshot.name, snapshot.payload(workspace.home), files, workspace.home.scratch)


def _judge(snapshot: Snapshot, outcome: Reading | DeliveryError) -> None:
    """The record of a delivery after it was read or refused."""
    if isinstance(outcome, DeliveryError):
        snapshot.status, snapshot.reason, snapshot.kind = REFUSED, str(outcome), None
        snapshot.countries, snapshot.report = [], {}
    else:
        snapshot.status, snapshot.reason, snapshot.kind = ACCEPTED, None, outcome.kind
        snapshot.countries, snapshot.report = list(outcome.countries), outcome.report()


@dg.multi_asset(
    outs={name: dg.AssetOut(**spec(name, {"polars", "pandera", "parquet"})) for name in RAW_TABLES},
    check_specs=[
        dg.AssetCheckSpec(
            "every_delivery_was_used",
            asset=raw.MASTER_LIST.name,
            description="No delivery of this run was refused. A refused one is named in the ledger (dtm status).",
        )
    ],
)
@guarded
def deliveries(workspace: Workspace) -> Iterator[dg.Output[Parts] | dg.AssetCheckResult]:
    store = SnapshotStore(workspace.home)
    stale = set(workspace.plan().snapshots)
    every = store.all()
    reference = workspace.reference.fingerprint()
    parts = {name: Parts() for name in RAW_TABLES}
    # forms first: the surveys of this run, and those that waited for a form, are read by them
    forms = [s for s in every if s.sha256 in stale and may_be_form(_document(s, [], workspace))]
    _read(forms, every, parts, workspace)
    known = forms_among(every)
    waiting = [
        s for s in every if s not in forms and s.kind != ARCHIVE and s.judged_with != judging(reference, s, known)
    ]
    _read(waiting, every, parts, workspace)
    records = [*forms, *waiting]
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
            "refused_because": {r.name: str(r.reason) for r in refused},
        },
    )
    # only now, with every part on disk, is a delivery taken as read: a run killed before reads it again
    for record in records:
        record.judged_with = judging(reference, record, forms_among(every))
        store.save(record)
    give_back_refused(workspace.home)


def _read(pending: list[Snapshot], every: list[Snapshot], parts: dict[str, Parts], workspace: Workspace) -> None:
    """Read deliveries, keep what they give, and judge each by what came of it."""
    for number, snapshot in enumerate(pending, start=1):
        progress.info("reading %d of %d: %s", number, len(pending), snapshot.name)
        outcome = _outcome(snapshot, forms_among(every), workspace)
        for name in RAW_TABLES:
            place = stored(workspace.home.warehouse, table(name))
            if name == raw.SURVEY_RESPONSE.name:
                _keep_responses(parts[name], place, snapshot, outcome)
            else:
                _keep(parts[name], place, snapshot, outcome)
        _judge(snapshot, outcome)


def _outcome(snapshot: Snapshot, forms: list[Snapshot], workspace: Workspace) -> Reading | DeliveryError:
    """A reading, or the refusal that the delivery gets instead."""
    try:
        return read_snapshot(snapshot, forms, workspace)
    except DeliveryError as refusal:
        return refusal
    except ConservationError:
        raise  # a broken invariant stops the run
    except Exception as error:
        # a defect of ours in the face of one file never stops the others
        log = write_error_log(error, workspace.home.logs)
        return DeliveryError(
            f"could not be read: internal error ({type(error).__name__})", "no defect of ours", f"report it with {log}"
        )


def _keep(parts: Parts, place: StoredParts, snapshot: Snapshot, outcome: Reading | DeliveryError) -> None:
    """Write what a reading gives of a table at once: frames of many deliveries are never held together."""
    frame = None
    if not isinstance(outcome, DeliveryError):
        frame = _quarantined(outcome) if place.table is raw.QUARANTINE else outcome.tables.get(place.table.name)
    if frame is None:
        parts.gone.add(snapshot.sha256)
    else:
        parts.written.append(write_table(frame, place.table, place.path(snapshot.sha256)))


def _keep_responses(parts: Parts, place: StoredParts, snapshot: Snapshot, outcome: Reading | DeliveryError) -> None:
    """Write the answers of a survey, a file for each table of its form, by the contract that the form makes."""
    responses = {} if isinstance(outcome, DeliveryError) else outcome.responses
    place.remove(snapshot.sha256)
    for name, spool in responses.items():
        parts.written.append(write_table(spool, spool.table, place.path(f"{snapshot.sha256}.{name}")))


def _quarantined(reading: Reading) -> pl.DataFrame:
    country = reading.countries[0] if len(reading.countries) == 1 else None
    return reading.rejected.with_columns(location_code=pl.coalesce("location_code", pl.lit(country, pl.String)))
