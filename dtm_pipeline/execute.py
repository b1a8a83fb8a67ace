"""Run the graph in this process, on the Dagster instance of a home, without a word on the console."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError, DagsterExecutionInterruptedError
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

from dtm_pipeline.contracts import raw
from dtm_pipeline.definitions import JOB, build_definitions, prune_runs
from dtm_pipeline.event_log import OpenEventLog
from dtm_pipeline.release.prune import Retention
from dtm_pipeline.storage.errors import InternalError, write_error_log
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.surroundings import passing_fault

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(Exception):
    """A step failed; the text is the step's and its error's, for the log."""


def instance_of(folder: Path) -> InstanceRef:
    """The instance that dagster.yaml of a folder describes; its event log is kept open where it is Dagster's SQLite."""
    ref = InstanceRef.from_dir(str(folder.resolve()))
    log = ref.event_storage_data
    if log is None or log.class_name != SqliteEventLogStorage.__name__:
        return ref
    kept = ConfigurableClassData(OpenEventLog.__module__, OpenEventLog.__name__, log.config_yaml)
    return ref._replace(event_storage_data=kept, storage_data=None)


def prune_history(home: Home, keep: int, dry_run: bool = False) -> int:
    """Remove runs beyond the newest from the history of a home; how many, or with `dry_run` how many would be."""
    if not (home.dagster / "history").is_dir():
        return 0
    with dg.DagsterInstance.from_ref(instance_of(home.dagster)) as instance:
        return prune_runs(instance, keep, dry_run)


def execute(
    root: Path,
    only_country: str | None,
    waivers: dict[str, str],
    only_read: bool = False,
    strict_about: tuple[str, ...] | None = None,
) -> Exception | None:
    """Materialize every asset, or only those of deliveries; what is not stale is not computed again.

    Args:
        strict_about: deliveries of which all must be taken, or nothing is released.

    Returns:
        None, or the exception that stopped the run.
    """
    home = Home(root)
    retention = Retention.of(Reference.of(home).thresholds)
    definitions = build_definitions(root, only_country, waivers, strict_about)
    with dg.DagsterInstance.from_ref(instance_of(home.dagster)) as instance:
        job = definitions.resolve_job_def(JOB)
        try:
            result = job.execute_in_process(
                instance=instance,
                run_config=QUIET,
                raise_on_error=True,
                asset_selection=[dg.AssetKey(t.name) for t in raw.TABLES] if only_read else None,
            )
        except DagsterExecutionInterruptedError as interrupt:
            raise KeyboardInterrupt from interrupt
        except DagsterAssetCheckFailedError as error:
            # names of tables and checks: no values of rows
            checks = "; ".join(str(error).splitlines()[1:])
            log = write_error_log(error, home.logs)
            return InternalError(f"an invariant is broken ({checks}): nothing was released; report it with {log}")
        except Exception as error:
            return passing_fault(error) or error
        finally:
            prune_runs(instance, retention.runs)
        return None if result.success else RunFailedError(f"steps failed: {sorted(result.get_failed_step_keys())}")
