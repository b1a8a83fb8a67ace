"""`dtm serve`: Dagster's pages of a home, for who has the token."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, fail, open_home


def serve(
    home: HomeOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on loopback.")] = 3000,
    daemon: Annotated[bool, typer.Option("--daemon/--no-daemon", help="Run schedules and sensors, too.")] = True,
) -> None:
    """Serve Dagster's pages of a home on loopback: runs, assets, schedules. Prints the address with its token; ctrl-C ends it.

    Other pages, other host names, queries that change something by GET, and requests without the token are refused. Behind a proxy
    of yours with TLS: DTM_SERVE_HOSTS names the hosts, DTM_SERVE_TOKEN the token.
    """
    import shutil
    import socket

    from dtm_pipeline.settings import Settings

    try:
        from dtm_pipeline.serve import serve as run
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed; pip install 'dtm-pipeline[serve]'")
    place = open_home(home, create=True)
    with socket.socket() as tried:
        if tried.connect_ex(("127.0.0.1", port)) == 0:
            fail(f"port {port} is taken; name another with --port")
    shutil.copyfile(Settings().dagster_yaml, place.dagster / "dagster.yaml")
    run(place.root, port, _tell, daemon)


def _tell(address: str) -> None:
    typer.echo(address)
    # who starts it from a program reads the line while it runs
    sys.stdout.flush()
