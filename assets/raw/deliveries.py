"""Every delivery that is new, or was judged by older code or reference data, is read once.

Providers, cadence and licence stand in docs/sources/. A delivery that can't be used is a row in the ledger and never
stops the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.workspace import Workspace, guarded, progress, spec
from dtm_pipeline.contracts import raw
from dtm_pipeline.quality.split import ConservationError
from dtm_pipeline.storage.errors import write_error_log
from dtm_pipeline.storage.plan import UNREADABLE, judging
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from dtm_pipeline.storage.tables import Parts
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

RAW_TABLES = [t.name for t in raw.TABLES]


def read_snapshot(snapshot: Snapshot, workspace: Workspace) -> Reading:
    """Recognise and read one delivery.

    Raises:
        DeliveryError: it can't be used; the sentence says why.
    """
    if UNREADABLE in snapshot.statement:
        raise DeliveryError(snapshot.statement[UNREADABLE])
    document = Document(snapshot.name, snapshot.payload(workspace.home))
    return read_delivery(document, Delivery(snapshot.sha256, snapshot.name, snapshot.statement), workspace.reference)


def _judge(snapshot: Snapshot, reading: Reading | DeliveryError) -> Snapshot:
    """The record of a delivery after it was read or refused."""
    if isinstance(reading, DeliveryError):
        snapshot.status, snapshot.reason, snapshot.kind = "refused", str(reading), None
        snapshot.countries, snapshot.report = [], {}
    else:
        snapshot.status, snapshot.reason, snapshot.kind = "accepted", None, reading.kind
        snapshot.countries, snapshot.report = list(reading.countries), reading.report()
    return snapshot


@dg.multi_asset(
    outs={name: dg.AssetOut(**spec(name, {"polars", "pandera", "parquet"})) for name in RAW_TABLES},
    check_specs=[
        dg.AssetCheckSpec(
            "every_delivery_was_used",
            asset=raw.MASTER_LIST.name,
            description="No delivery of this run was refused. A refused one is named in the ledger (dtm status).",
        )
    ],
    op_tags={"kind": "ingest"},
)
@guarded
def deliveries(workspace: Workspace) -> Iterator[dg.Output[Parts] | dg.AssetCheckResult]:
    store = SnapshotStore(workspace.home)
    stale = set(workspace.plan().snapshots)
    pending = [s for s in store.all() if s.sha256 in stale]
    judged: list[tuple[Snapshot, Reading | DeliveryError]] = []
    for number, snapshot in enumerate(pending, start=1):
        progress.info("reading %d of %d: %s", number, len(pending), snapshot.name)
        try:
            judged.append((snapshot, read_snapshot(snapshot, workspace)))
        except DeliveryError as refusal:
            judged.append((snapshot, refusal))
        except ConservationError:
            raise  # a broken invariant stops the run
        except Exception as error:
            # a defect of ours in the face of one file never stops the others
            log = write_error_log(error, workspace.home.logs)
            judged.append(
                (snapshot, DeliveryError(f"could not be read: internal error ({type(error).__name__}), see {log}"))
            )
    for name in RAW_TABLES:
        yield dg.Output(_parts(name, judged), output_name=name)
    refused = [s for s, r in judged if isinstance(r, DeliveryError)]
    yield dg.AssetCheckResult(
        check_name="every_delivery_was_used",
        asset_key=raw.MASTER_LIST.name,
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"deliveries": len(judged), "refused": len(refused)},
    )
    # only now, with every part on disk, is a delivery taken as read: a run killed before reads it again
    reference = workspace.reference.fingerprint()
    for snapshot, reading in judged:
        record = _judge(snapshot, reading)
        record.judged_with = judging(reference, record.statement)
        store.save(record)


def _parts(name: str, judged: list[tuple[Snapshot, Reading | DeliveryError]]) -> Parts:
    parts = Parts()
    for snapshot, reading in judged:
        frame = None
        if not isinstance(reading, DeliveryError):
            frame = _quarantined(reading) if name == raw.QUARANTINE.name else reading.tables.get(name)
        if frame is None:
            parts.gone.add(snapshot.sha256)
        else:
            parts.frames[snapshot.sha256] = frame
    return parts


def _quarantined(reading: Reading) -> pl.DataFrame:
    country = reading.countries[0] if len(reading.countries) == 1 else None
    return reading.rejected.with_columns(location_code=pl.coalesce("location_code", pl.lit(country, pl.String)))
