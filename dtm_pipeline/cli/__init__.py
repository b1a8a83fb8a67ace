"""`dtm`: the command line. Heavy imports stand inside the commands."""

from __future__ import annotations

import sys

import typer

from dtm_pipeline.cli import boundaries, quarantine, releases, run, samples, status
from dtm_pipeline.cli.common import INTERNAL, USAGE, log_internal_error

HELP = """Turn deliveries of displacement data into an immutable release of governorate and district tables.

Put files into an inbox, run `dtm run`, read the release that it names.

Exit codes: 0 released or unchanged, 1 a gate refused the release, 2 usage or configuration, 3 something was refused and
nothing new was taken, 4 another run holds the home, 70 internal error (the message names the log).
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
app.command("status")(status.status)
app.add_typer(releases.app, name="releases")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(boundaries.app, name="boundaries")
app.add_typer(samples.app, name="samples")


def main() -> None:
    """The console script: every failure is a sentence and an exit code, never a traceback."""
    from dtm_pipeline.storage.home import HomeBusyError, HomeError

    try:
        app()
    except HomeBusyError as error:
        typer.echo(f"dtm: {error}", err=True)
        sys.exit(4)
    except HomeError as error:
        typer.echo(f"dtm: {error}", err=True)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        typer.echo("dtm: stopped; what was written is whole, and the next run goes on from there", err=True)
        sys.exit(130)
    except Exception as error:
        typer.echo(
            f"dtm: internal error ({type(error).__name__}); details are in {log_internal_error(error)}",
            err=True,
        )
        sys.exit(INTERNAL)


__all__ = ["app", "main"]
