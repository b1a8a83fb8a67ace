"""`dtm fetch`: whole answers of live systems into the inbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json

if TYPE_CHECKING:
    from sources.live.transfer import FetchLimits

app = typer.Typer(
    help="Download from live systems into the inbox. Secrets come from the environment.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
UNREACHED = 5
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Follow plain HTTP to other addresses than this machine: who listens reads key and answer."
    ),
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder to write into. [default: HOME/inbox]")]


@app.command("dtm-api")
def dtm_api(
    country: Annotated[str, typer.Option("--country", help="ISO 3166-1 alpha-3.")],
    level: Annotated[
        list[int] | None,
        typer.Option("--level", min=0, max=2, help="Admin level; may stand several times. [default: 0 1 2]"),
    ] = None,
    operation: Annotated[str | None, typer.Option("--operation", help="Only this operation.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address of the API.")] = None,
    insecure: InsecureOption = False,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The DTM API v3; the key stands in DTM_API_KEY."""
    from sources.live.dtm_api import BASE, LEVELS, fetch_dtm_api

    wanted = tuple(sorted(set(level))) if level else LEVELS
    _fetched(
        lambda folder, limits: fetch_dtm_api(country.upper(), wanted, folder, operation, url or BASE, limits=limits),
        out,
        home,
        as_json,
        insecure,
    )


@app.command()
def kobo(
    asset: Annotated[str, typer.Option("--asset", help="Identifier of the form's asset, as its address shows it.")],
    url: Annotated[str, typer.Option("--url", help="Address of the server.")],
    insecure: InsecureOption = False,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """KoBoToolbox API v2: all submissions and the form; the token stands in DTM_KOBO_TOKEN."""
    from sources.live.kobo import fetch_kobo

    _fetched(lambda folder, limits: fetch_kobo(asset, folder, url, limits=limits), out, home, as_json, insecure)


@app.command()
def odk(
    form: Annotated[str, typer.Option("--form", help="xmlFormId of the form.")],
    project: Annotated[int, typer.Option("--project", help="Number of the project.")],
    url: Annotated[str, typer.Option("--url", help="Address of the server.")],
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only submissions that were sent or changed since this day (YYYY-MM-DD)."),
    ] = None,
    insecure: InsecureOption = False,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """ODK Central: submissions and the form; the account stands in DTM_ODK_EMAIL and DTM_ODK_PASSWORD."""
    from sources.live.odk_central import fetch_odk

    day = None
    if since is not None:
        try:
            day = date.fromisoformat(since)
        except ValueError:
            fail(f"--since {since!r}: write the day as YYYY-MM-DD")
    _fetched(lambda folder, limits: fetch_odk(form, project, folder, url, day, limits), out, home, as_json, insecure)


def limits_of(insecure: bool) -> FetchLimits:
    """What the environment lets a download take (DTM_FETCH_MB, DTM_FETCH_SECONDS)."""
    from dtm_pipeline.settings import Settings
    from sources.live.transfer import FetchLimits

    settings = Settings()
    return FetchLimits(settings.fetch_mb, settings.fetch_seconds, insecure=insecure)


def _fetched(
    fetch: Callable[[Path, FetchLimits], list[Path]], out: Path | None, home: Path | None, as_json: bool, insecure: bool
) -> None:
    from sources.live.transfer import FetchError, in_time

    folder = out or open_home(home, create=True).inbox
    try:
        limits = limits_of(insecure)
        files = in_time(limits, lambda: fetch(folder, limits))
    except FetchError as error:
        fail(str(error), UNREACHED)
    if as_json:
        print_json({"files": [str(f) for f in files]})
        return
    for file in files:
        typer.echo(str(file))
