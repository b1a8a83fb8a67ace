"""The Dagster code location: assets, checks, the nightly job with its schedule, the sensor on the inbox."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import dagster as dg

from assets.core.facts import ASSETS as CORE_ASSETS
from assets.out.tables import ASSETS as OUT_ASSETS
from assets.raw.deliveries import deliveries
from assets.release import release_asset
from assets.workspace import Workspace, parts_io_manager
from checks.publication.gates import judge
from checks.steps import CHECKS
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.plan import make_plan, take_inbox
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import inbox_files

JOB = "nightly_release"


def _reference() -> Reference:
    return Reference(Settings().reference)


nightly_release = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    description="Deliveries in, a release out. Computes what changed; unchanged content makes no release.",
    executor_def=dg.in_process_executor,
)


@dg.schedule(
    job=nightly_release,
    cron_schedule="30 2 * * *",
    execution_timezone="Asia/Baghdad",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night at 02:30 in Baghdad. Skips when nothing is new.",
)
def nightly(context: dg.ScheduleEvaluationContext, workspace: Workspace) -> dg.RunRequest | dg.SkipReason:
    home = workspace.home.create()
    with home.held():
        take_inbox(home, Settings().inbox or home.inbox)
    plan = make_plan(home, _reference().fingerprint())
    if plan.empty:
        return dg.SkipReason("nothing is new")
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date().isoformat()}")


@dg.sensor(
    job=nightly_release,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts a run when the files of the inbox have changed.",
)
def inbox(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.RunRequest | dg.SkipReason:
    home = workspace.home.create()
    folder = Settings().inbox or home.inbox
    marks = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in inbox_files(folder)]
    if not marks:
        return dg.SkipReason("the inbox is empty")
    seen = hashlib.sha256(repr(marks).encode()).hexdigest()[:16]
    if context.cursor == seen:
        return dg.SkipReason("the inbox has not changed")
    context.update_cursor(seen)
    with home.held():
        take_inbox(home, folder)
    if make_plan(home, _reference().fingerprint()).empty:
        return dg.SkipReason("the inbox holds nothing new")
    return dg.RunRequest(run_key=f"inbox-{seen}")


def build_definitions(
    home: Path, only_country: str | None = None, waivers: dict[str, str] | None = None
) -> dg.Definitions:
    """Everything wired for one home."""
    return dg.Definitions(
        assets=[deliveries, *CORE_ASSETS, *OUT_ASSETS, release_asset()],
        asset_checks=CHECKS,
        jobs=[nightly_release],
        schedules=[nightly],
        sensors=[inbox],
        resources={
            "workspace": Workspace(
                root=str(home.resolve()),
                reference_folder=str(Settings().reference),
                only_country=only_country or "",
                waivers=waivers or {},
            ),
            "io_manager": parts_io_manager,
            "gates": judge,
        },
    )


defs = build_definitions(Path(os.environ.get("DTM_HOME", "var")))
