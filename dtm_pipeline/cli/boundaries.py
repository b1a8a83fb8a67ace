"""`dtm boundaries`: import, fetch, list, compare, check and index boundary editions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows
from dtm_pipeline.cli.fetch import limits_of

if TYPE_CHECKING:
    from dtm_pipeline.places.editions import Imported
    from dtm_pipeline.storage.home import Home

app = typer.Typer(
    help="Boundary editions of a home: polygons for points and maps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
UNREACHED = 5
CountryArgument = Annotated[str, typer.Argument(help="ISO 3166-1 alpha-3, such as IRQ.")]


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="GeoJSON, shapefile, GeoPackage, file geodatabase, GeoParquet, or a ZIP of them; all its levels."
        ),
    ],
    country: Annotated[str, typer.Option("--country", help="ISO 3166-1 alpha-3, such as IRQ.")],
    edition: Annotated[str, typer.Option("--edition", help="Your name for the edition, such as cod-2019.")],
    code_column: Annotated[
        str | None,
        typer.Option(
            "--code-column",
            help="Column of codes, where its name is none that is known. [default: found by its content]",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a boundary file into an edition and index it; says what it mended."""
    place = open_home(home, create=True)
    told = _imported(place, file, _country(country), edition, code_column)
    if as_json:
        from dataclasses import asdict

        print_json([asdict(level) for level in told])
        return
    _print_imported(told)


@app.command()
def fetch(
    country: CountryArgument,
    edition: Annotated[str | None, typer.Option("--edition", help="Your name for it. [default: cod-ab-DATE]")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address of the server. [default: HDX]")] = None,
    home: HomeOption = None,
) -> None:
    """Download the official edition (COD-AB) from HDX, import and index it."""
    from sources.live.hdx import BASE, fetch_boundaries
    from sources.live.transfer import FetchError, in_time

    limits = limits_of(insecure=False)
    place = open_home(home, create=True)
    code = _country(country)
    # held from the first byte on: whoever takes the home clears its scratch
    with place.held():
        try:
            typer.echo(f"downloading the edition of {code}", err=True)
            got = in_time(limits, partial(fetch_boundaries, code, place.scratch, url or BASE, limits=limits))
        except FetchError as error:
            fail(str(error), UNREACHED)
        try:
            for file in got.files:
                _print_imported(_imported(place, file, code, edition or f"cod-ab-{got.day or 'fetched'}", None))
        finally:
            for file in got.files:
                file.unlink(missing_ok=True)


def _country(told: str) -> str:
    code = told.upper()
    if len(code) != 3 or not code.isalpha():
        fail(f"{told!r} is no country: write it as ISO 3166-1 alpha-3, such as IRQ")
    return code


def _imported(place: Home, file: Path, country: str, edition: str, code_column: str | None) -> list[Imported]:
    from dtm_pipeline.places.boundary_file import BoundaryError
    from dtm_pipeline.places.editions import import_edition
    from dtm_pipeline.storage.reference import Reference

    try:
        with place.held():
            gazetteer = Reference.of(place).gazetteer()
            return import_edition(file, country, edition, place.boundaries, gazetteer, code_column)
    except BoundaryError as error:
        fail(str(error))


def _print_imported(levels: list[Imported]) -> None:
    for told in levels:
        typer.echo(
            f"{told.location_code} {told.edition}: {told.units} units of level {told.admin_level} from {told.source_name}, valid on {told.valid_on or 'no stated date'}"
            + (f", {told.cells:,} cells" if told.cells else "")
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
        columns = {"country": "location_code", "edition": "edition", "level": "admin_level", "units": "units", "valid on": "valid_on", "file": "source_name"}  # fmt: skip
        print_rows(list(columns), [[e[name] for name in columns.values()] for e in found])
    else:
        typer.echo("no edition is imported; everything works but points, and maps draw circles")


@app.command()
def diff(
    country: CountryArgument,
    old: Annotated[str, typer.Argument(help="The older edition.")],
    new: Annotated[str, typer.Argument(help="The newer edition.")],
    level: Annotated[int, typer.Option("--level", min=1, max=3, help="Admin level.")] = 2,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What changed between two editions, and which part of each unit's area went where."""
    from dtm_pipeline.places.changes import differences, overlay_shares
    from dtm_pipeline.places.editions import polygons

    boundaries, code = open_home(home).boundaries, _country(country)
    units: dict[str, Any] = {name: polygons(boundaries, code, name, level) for name in (old, new)}
    if absent := [name for name, frame in units.items() if frame is None]:
        fail(f"{code} has no edition {' and no edition '.join(absent)} of level {level}; see `dtm boundaries list`")
    changed = differences(units[old], units[new])
    shares = overlay_shares(units[old], units[new])
    moved = shares.filter(~((shares["old_code"] == shares["new_code"]) & (shares["area_share"] > 1 - 1e-9)))
    if as_json:
        print_json({"changes": changed.to_dicts(), "shares": moved.to_dicts()})
        return
    if changed.is_empty() and moved.is_empty():
        typer.echo(f"{code}: {old} and {new} have the same units of level {level}, drawn alike")
        return
    if changed.height:
        print_rows(changed.columns, [list(row) for row in changed.rows()])
    if moved.height:
        typer.echo("\nshares of area, for pcode_changes.csv:")
        print_rows(moved.columns, [[a, b, f"{share:.4f}"] for a, b, share in moved.rows()])


@app.command()
def check(home: HomeOption = None) -> None:
    """Check that codes are unique, polygons valid, units nest, and the map drawn from the cells is the polygons'."""
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


@app.command()
def index(home: HomeOption = None) -> None:
    """Build the cells of every edition again."""
    from dtm_pipeline.places.editions import INDEXED, editions, index_level, polygons

    place = open_home(home)
    with place.held():
        for told in editions(place.boundaries):
            country, edition, level = told["location_code"], told["edition"], told["admin_level"]
            units = polygons(place.boundaries, country, edition, level)
            if level in INDEXED and units is not None:
                cells = index_level(place.boundaries / country / edition, level, units)
                typer.echo(f"{country} {edition}, level {level}: {cells:,} cells")
