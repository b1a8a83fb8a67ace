"""Run the graph in this process, on the Dagster instance of a home, without a word on the console."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError, DagsterExecutionInterruptedError
from dagster._core.instance.ref import InstanceRef

from dtm_pipeline.contracts import raw
from dtm_pipeline.definitions import JOB, build_definitions
from dtm_pipeline.storage.errors import InternalError, write_error_log
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.surroundings import passing_fault

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(Exception):
    """A step failed; the text is the step's and its error's, for the log."""


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
    definitions = build_definitions(root, only_country, waivers, strict_about)
    instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster.resolve())))
    with instance:
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
        return None if result.success else RunFailedError(f"steps failed: {sorted(result.get_failed_step_keys())}")
