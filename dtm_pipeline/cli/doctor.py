"""`dtm doctor`: all of a home held against what was written of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dtm_pipeline.cli.common import SURROUNDINGS, HomeOption, JsonOption, open_home, print_json


def doctor(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read every stored byte again, also of files that stand as they did."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check all of a home, and say what the next run mends and what you must do. Changes nothing."""
    from dtm_pipeline.release.doctor import examine
    from dtm_pipeline.settings import Settings
    from dtm_pipeline.storage.holder import read_holder

    place = open_home(home)
    left = read_holder(place.root)
    with place.held(looks_only=True):
        found = examine(place, Settings().reference, deep)
    died = f"a run that was killed left the home: {left}" if left else None
    if as_json:
        print_json(
            {
                "looked_at": found.looked_at,
                "died": died,
                "troubles": [asdict(t) for t in found.troubles],
                "whole": not found.troubles,
            }
        )
    else:
        typer.echo("looked at " + ", ".join(f"{count:,} {what}" for what, count in found.looked_at.items()))
        if died:
            typer.echo(died)
        for trouble in sorted(found.troubles, key=lambda t: t.person):
            typer.echo(f"{'you: ' if trouble.person else 'next run: '}{trouble.sentence}")
        asked = len(found.for_a_person)
        mended = len(found.troubles) - asked
        summary = f"{mended} that the next `dtm run` mends, {asked} that only you can"
        typer.echo(summary if found.troubles else "whole")
    if found.for_a_person:
        raise typer.Exit(SURROUNDINGS)
