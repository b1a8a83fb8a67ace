"""The Dagster code location: assets, checks, the nightly job with its schedule, the sensor on the inbox."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from assets.core.facts import ASSETS as CORE_ASSETS
from assets.out.tables import ASSETS as OUT_ASSETS
from assets.raw.deliveries import deliveries
from assets.release import release_asset
from assets.workspace import Workspace, parts_io_manager, workspace_resource
from checks.publication.gates import judge
from checks.steps import CHECKS
from dtm_pipeline.release.prune import Retention, prune_files
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.holder import read_holder
from dtm_pipeline.storage.home import Home, HomeBusyError
from dtm_pipeline.storage.inbox import take_inbox
from dtm_pipeline.storage.plan import make_plan
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.refused import give_back_refused
from sources.dates import labels_of_name

JOB = "nightly_release"


nightly_release = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    description="Deliveries in, a release out. Computes what changed; unchanged content makes no release.",
    executor_def=dg.in_process_executor,
)


UNDER_WAY = dg.RunsFilter(
    job_name=JOB,
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ],
)
"""Runs that Dagster takes for running, or about to."""


def prune_runs(instance: dg.DagsterInstance, keep: int, dry_run: bool = False) -> int:
    """Remove runs beyond the newest from Dagster's history, with their events.

    Returns:
        How many were removed, or with `dry_run` would be.
    """
    ended = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    old = instance.get_run_ids(filters=ended)[keep:]
    if not dry_run:
        for run_id in old:
            instance.delete_run(run_id)
            if isinstance(log := instance.event_log_storage, SqliteEventLogStorage):
                # Dagster empties the run's database, and leaves its file
                for ending in ("", "-wal", "-shm"):
                    Path(log.path_for_shard(run_id) + ending).unlink(missing_ok=True)
    return len(old)


def _something_new(home: Home, instance: dg.DagsterInstance) -> dg.SkipReason | None:
    """Take the inbox; the reason not to start a run, or None when there is work and nobody is at it."""
    settings = Settings()
    reference = Reference(settings.reference, home.reference)
    under_way = instance.get_run_records(filters=UNDER_WAY)
    perhaps_dead = {r.dagster_run.run_id: why for r in under_way if (why := _why_dead(r, home, settings.start_seconds))}
    if len(perhaps_dead) < len(under_way):
        return dg.SkipReason("a run is under way")
    try:
        with home.create().held():
            # nobody holds the home, and so nobody is at these runs
            for record in under_way:
                instance.report_run_failed(record.dagster_run, perhaps_dead[record.dagster_run.run_id])
            inbox = settings.inbox or home.inbox
            take_inbox(home, inbox, reference.archive_limits, labels_of_name, settings.settle_seconds)
            give_back_refused(home)
            retention = Retention.of(reference.thresholds)
            prune_files(home, retention)
            prune_runs(instance, retention.runs)
    except HomeBusyError as busy:
        return dg.SkipReason(str(busy))
    plan = make_plan(home, reference.fingerprint())
    return dg.SkipReason("nothing is new") if plan.empty else None


def _why_dead(record: dg.RunRecord, home: Home, start_seconds: float) -> str | None:
    """Why a run that Dagster takes for running may be dead; None where it lives as far as is known.

    Args:
        start_seconds: how long a run may take to its start, and after its end, without holding the home.
    """
    left = read_holder(home.root)
    if left is not None and left.run == record.dagster_run.run_id and left.died:
        return f"its process died: {left}; the next run goes on from there"
    silent = (datetime.now(UTC) - record.update_timestamp.replace(tzinfo=UTC)).total_seconds()
    if silent > start_seconds:
        return f"no process holds the home for it, {silent:.0f} seconds after it was last heard; the next run goes on from there"
    return None


def nightly_schedule(home: Home) -> dg.ScheduleDefinition:
    """Every night; an empty plan starts nothing."""

    @dg.schedule(
        name="nightly",
        job=nightly_release,
        cron_schedule="30 2 * * *",
        execution_timezone="Asia/Baghdad",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every night at 02:30 in Baghdad. Skips when nothing is new.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _something_new(home, context.instance) or dg.RunRequest()

    return nightly


def inbox_sensor(home: Home) -> dg.SensorDefinition:
    """Starts a run when the plan is not empty: it looks at the plan, so that nothing can be missed."""

    @dg.sensor(
        name="inbox",
        job=nightly_release,
        minimum_interval_seconds=Settings().sensor_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Starts a run when the inbox, a sidecar, the boundaries or the reference data have changed.",
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _something_new(home, context.instance) or dg.RunRequest()

    return inbox


def build_definitions(
    home: Path,
    only_country: str | None = None,
    waivers: dict[str, str] | None = None,
    strict_about: tuple[str, ...] | None = None,
) -> dg.Definitions:
    """Everything wired for one home.

    Args:
        strict_about: deliveries of which all must be taken, or nothing is released; None: no such run.
    """
    return dg.Definitions(
        assets=[deliveries, *CORE_ASSETS, *OUT_ASSETS, release_asset()],
        asset_checks=CHECKS,
        jobs=[nightly_release],
        schedules=[nightly_schedule(Home(home.resolve()))],
        sensors=[inbox_sensor(Home(home.resolve()))],
        resources={
            "workspace": workspace_resource(
                Workspace(
                    root=home.resolve(),
                    reference_folder=Settings().reference,
                    only_country=only_country or "",
                    waivers=waivers or {},
                    strict=strict_about is not None,
                    asked=strict_about or (),
                )
            ),
            "io_manager": parts_io_manager,
            "gates": judge,
        },
    )


defs = build_definitions(Path(os.environ.get("DTM_HOME", "var")))
