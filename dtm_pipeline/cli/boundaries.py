"""`dtm boundaries`: import, list and check boundary editions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

app = typer.Typer(
    help="Boundary editions of a home: polygons for points and maps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="COD-AB file of one level: GeoJSON, shapefile, GeoPackage, GeoParquet.")],
    country: Annotated[str, typer.Option("--country", help="ISO 3166-1 alpha-3, such as IRQ.")],
    edition: Annotated[str, typer.Option("--edition", help="Your name for the edition, such as cod-2019.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a boundary file into an edition; says what it mended."""
    from dataclasses import asdict

    from dtm_pipeline.places.editions import BoundaryError, import_edition
    from dtm_pipeline.places.gazetteer import Gazetteer
    from dtm_pipeline.settings import Settings

    place = open_home(home, create=True)
    code = country.upper()
    if len(code) != 3 or not code.isalpha():
        fail(f"--country {country!r}: write the country as ISO 3166-1 alpha-3, such as IRQ")
    try:
        with place.held():
            told = import_edition(file, code, edition, place.boundaries, Gazetteer.load(Settings().reference))
    except BoundaryError as error:
        fail(str(error))
    if as_json:
        print_json(asdict(told))
        return
    typer.echo(
        f"{told.location_code} {told.edition}: {told.units} units of level {told.admin_level} from {told.source_name}, valid on {told.valid_on or 'no stated date'}"
    )
    for line in told.mended:
        typer.echo(f"  mended: {line}")
    for line in told.notes:
        typer.echo(f"  note: {line}")


@app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the editions that were imported."""
    from dtm_pipeline.places.editions import editions

    found = editions(open_home(home).boundaries)
    if as_json:
        print_json(found)
    elif found:
        print_rows(
            ["country", "edition", "level", "units", "valid on", "file"],
            [
                [
                    e["location_code"],
                    e["edition"],
                    e["admin_level"],
                    e["units"],
                    e["valid_on"],
                    e["source_name"],
                ]
                for e in found
            ],
        )
    else:
        typer.echo("no edition is imported; everything works but points, and maps draw circles")


@app.command()
def check(home: HomeOption = None) -> None:
    """Check that codes are unique, polygons valid, and units nest in their parents."""
    from dtm_pipeline.places.editions import check_edition, editions

    place = open_home(home)
    known = sorted({(e["location_code"], e["edition"]) for e in editions(place.boundaries)})
    if not known:
        typer.echo("no edition is imported; nothing to check")
        return
    wrong = 0
    for country, edition in known:
        problems = check_edition(place.boundaries, country, edition)
        wrong += len(problems)
        typer.echo(f"{country} {edition}: {'whole' if not problems else f'{len(problems)} problems'}")
        for problem in problems:
            typer.echo(f"  {problem}")
    if wrong:
        raise typer.Exit(1)
