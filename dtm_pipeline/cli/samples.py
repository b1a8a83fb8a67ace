"""`dtm samples make`: deliveries that look like real ones, with planted faults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dtm_pipeline.cli.common import JsonOption, fail, print_json

app = typer.Typer(help="Sample deliveries, invented from a seed.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def samples() -> None:
    """Sample deliveries, invented from a seed."""


@app.command()
def make(
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder to write into; the planted faults are listed beside it, in OUT_planted_faults.csv."
        ),
    ],
    country: Annotated[str, typer.Option("--country", help="ISO 3166-1 alpha-3.")] = "IRQ",
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=40, help="Rounds of Master Lists.")] = 3,
    locations: Annotated[
        int,
        typer.Option(
            "--locations", min=1, help="Locations of IDPs in the first round; a small list holds fewer planted faults."
        ),
    ] = 3000,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", help="Small samples of this kind instead (`dtm kinds`), or of `all`; may stand several times."
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=8, help="With --kind: rows of each delivery.")] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same figures.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Write Master Lists, API answers, a severity survey and border counts, or samples of kinds; with planted faults."""
    from dtm_pipeline.samples.kinds import MAKERS, make_kind_samples
    from dtm_pipeline.samples.make import COUNTRIES, make_samples
    from dtm_pipeline.settings import Settings
    from dtm_pipeline.storage.reference import Reference

    unknown = [k for k in kind or [] if k not in (*MAKERS, "all")]
    if unknown:
        fail(f"no samples of the kind {unknown[0]!r}; known: all, {', '.join(MAKERS)}")
    if country.upper() not in COUNTRIES:
        fail(f"no samples of {country!r}; known: {', '.join(COUNTRIES)}")
    if out.exists() and not out.is_dir():
        fail(f"{out}: is a file; name a folder with --out")
    if kind:
        wanted = list(MAKERS) if "all" in kind else kind
        made = make_kind_samples(wanted, rows, seed, out, Reference(Settings().reference))
    else:
        made = make_samples(country.upper(), rounds, locations, seed, out)
    if as_json:
        print_json(
            {
                "folder": str(made.folder),
                "deliveries": [f.name for f in made.deliveries],
                "faults": str(made.fault_list),
            }
        )
        return
    for file in made.deliveries:
        typer.echo(str(file))
    typer.echo(f"{made.faults} planted faults: {made.fault_list}")
