"""`dtm`: the command line. Heavy imports stand inside the commands."""

from __future__ import annotations

import os
import sys

import typer

from dtm_pipeline.cli import (
    boundaries,
    doctor,
    erase,
    explain,
    fetch,
    kinds,
    places,
    prune,
    quarantine,
    reference,
    releases,
    review,
    run,
    samples,
    serve,
    severity,
    status,
)
from dtm_pipeline.cli.common import BUSY, INTERNAL, PIPE, STOPPED, SURROUNDINGS, USAGE, log_internal_error

HELP = """Turn deliveries of displacement data into an immutable release of governorate and district tables.

Put files into an inbox, run `dtm run`, read the release that it names.

Exit codes: 0 all was taken, released or unchanged, 1 a gate refused the release (or a figure could not be traced whole), 2 usage or configuration, 3 something was refused and
nothing new was taken, 4 another run holds the home, 5 a live system did not give all of what was asked, 6 released, and something was refused, held or much of it rejected, a country keeps its last good tables, or a stored delivery is damaged, 70 internal error
(the message names the log), 74 the surroundings failed (disk, memory, a damaged file of the home), 130 stopped by you, 141 the reader of the output left.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(run.demo)
app.command("ingest")(run.ingest)
app.command("retry")(run.retry)
app.command("rebuild")(run.rebuild)
app.command("inspect")(kinds.inspect)
app.command("kinds")(kinds.kinds)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("erase")(erase.erase)
app.command("prune")(prune.prune)
app.command("serve")(serve.serve)
app.command("explain")(explain.explain)
app.add_typer(fetch.app, name="fetch")
app.add_typer(review.app, name="review")
app.add_typer(releases.app, name="releases")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(boundaries.app, name="boundaries")
app.add_typer(places.app, name="places")
app.add_typer(reference.app, name="reference")
app.add_typer(severity.app, name="severity")
app.add_typer(samples.app, name="samples")


def main() -> None:
    """The console script: every failure is a sentence and an exit code, never a traceback."""
    sys.exit(run_command())


def run_command(arguments: list[str] | None = None) -> int:  # noqa: PLR0911  one return an exit code
    """Run a command, by default that of the process, and give its exit code."""
    from typer._click.exceptions import ClickException  # typer carries a click of its own

    from dtm_pipeline.release.pointer import ReleaseError
    from dtm_pipeline.storage.errors import InternalError, ReferenceDataError
    from dtm_pipeline.storage.home import DamagedHomeError, HomeBusyError, HomeError
    from dtm_pipeline.storage.surroundings import passing_fault

    try:
        return int(app(arguments, standalone_mode=False) or 0)
    except ClickException as error:
        error.show()
        return error.exit_code
    except HomeBusyError as error:
        return _told(str(error), BUSY)
    except DamagedHomeError as error:
        return _told(str(error), SURROUNDINGS)
    except (HomeError, ReleaseError, ReferenceDataError) as error:
        return _told(str(error), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return _told("stopped; what was written is whole, and the next run goes on from there", STOPPED)
    except BrokenPipeError:
        # the reader of our output has left: nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except InternalError as error:
        return _told(f"internal error: {error}", INTERNAL)
    except Exception as error:
        if fault := passing_fault(error):
            return _told(str(fault), SURROUNDINGS)
        return _told(f"internal error ({type(error).__name__}); details are in {log_internal_error(error)}", INTERNAL)


def _told(sentence: str, code: int) -> int:
    typer.echo(f"dtm: {sentence}", err=True)
    return code


__all__ = ["app", "main", "run_command"]
