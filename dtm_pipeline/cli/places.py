"""`dtm places`: resolve names, codes and points; review what is not sure; the provider's units."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

if TYPE_CHECKING:
    import polars as pl

    from dtm_pipeline.places.gazetteer import Gazetteer
    from dtm_pipeline.storage.home import Home

app = typer.Typer(help="Which unit a place is in.", no_args_is_help=True, rich_markup_mode=None)
crosswalk = typer.Typer(help="The provider's own units.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(crosswalk, name="crosswalk")


@app.command()
def resolve(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8, with commas, semicolons or tabs.")],
    country: Annotated[str, typer.Option("--country", help="ISO 3166-1 alpha-3, such as IRQ.")],
    name_col: Annotated[str | None, typer.Option("--name-col", help="Column of names.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="CSV file to write. [default: standard output]")] = None,
    level: Annotated[int, typer.Option("--level", min=1, max=2, help="Admin level of the names and codes.")] = 2,
    parent_col: Annotated[
        str | None, typer.Option("--parent-col", help="Column of the unit above: name or code.")
    ] = None,
    code_col: Annotated[str | None, typer.Option("--code-col", help="Column of codes.")] = None,
    lat_col: Annotated[str | None, typer.Option("--lat-col", help="Column of latitudes (degrees).")] = None,
    lon_col: Annotated[str | None, typer.Option("--lon-col", help="Column of longitudes (degrees).")] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Home whose boundary edition points are placed on. [default: $DTM_HOME]"),
    ] = None,
) -> None:
    """Add the unit of each row to a CSV file: every row stays, in its order."""
    import os

    from dtm_pipeline.places.editions import cell_index, edition_for
    from dtm_pipeline.places.table import AskedColumns, TableError, resolve_table
    from dtm_pipeline.storage.csv_table import CsvTableError, read_csv_table
    from dtm_pipeline.storage.reference import Reference

    asked = AskedColumns(name_col, parent_col, code_col, lat_col, lon_col)
    index = None
    root = home or (Path(os.environ["DTM_HOME"]) if "DTM_HOME" in os.environ else None)
    if asked.latitude and root is not None:
        place = open_home(root)
        chosen = edition_for(place.boundaries, country.upper(), None)
        index = cell_index(place.boundaries, country.upper(), chosen.edition) if chosen else None
    if asked.latitude and index is None:
        typer.echo("dtm: no boundary edition is at hand (--home): points are not used", err=True)
    own = open_home(root) if root is not None else None
    try:
        gazetteer = Reference.of(own).gazetteer(own.decisions if own else None)
        told = resolve_table(read_csv_table(file), country.upper(), level, asked, gazetteer, index)
    except TableError as error:
        fail(f"{file.name}: {error}")
    except CsvTableError as error:
        fail(str(error))
    if out is None:
        typer.echo(told.write_csv(), nl=False)
        return
    try:
        told.write_csv(out)
    except OSError as error:
        fail(f"{out}: can't be written: {error.strerror}")
    column = f"admin{level}_code"
    found = told.height - told[column].null_count()
    typer.echo(f"{out}: {told.height:,} rows, {found:,} with a unit, {told['conflict'].count():,} with a conflict")


@app.command()
def review(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Sheet to write, .xlsx or .csv. [default: HOME/places/review.xlsx and .csv]"),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the questions that only a person can answer, those with the most people first."""
    from dtm_pipeline.places.review import open_questions
    from dtm_pipeline.storage.reference import Reference

    place = open_home(home)
    far_km = Reference.of(place).thresholds["places"]["review_far_km"]
    questions = open_questions(_stock(place), _gazetteer(place), far_km)
    files = [out] if out else [place.decisions.with_name(f"review.{kind}") for kind in ("xlsx", "csv")]
    for file in files:
        if file.is_file() and _answers(file):
            fail(f"{file}: holds answers; accept it first, or write the sheet elsewhere with --out")
    for file in files:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_sheet(questions, file)
        typer.echo(str(file))
    if questions.is_empty():
        typer.echo("no place waits for a decision")
    else:
        typer.echo(
            f"{questions.height:,} questions; fill decided_admin1_code and decided_admin2_code, then `dtm places accept FILE --by NAME`"
        )


@app.command()
def accept(
    file: Annotated[Path, typer.Argument(help="The sheet of `dtm places review`, filled.")],
    by: Annotated[str, typer.Option("--by", help="Who decided.")],
    home: HomeOption = None,
) -> None:
    """Take decisions into the home; every later run replays them."""
    from dtm_pipeline.places.review import DecisionError, decisions_of, register

    if not by.strip():
        fail("--by: write who decided")
    place = open_home(home)
    try:
        decided = decisions_of(_read_sheet(file), _gazetteer(place), by.strip(), datetime.now(UTC).date())
    except DecisionError as error:
        fail(f"{file.name}: {error}")
    if decided.is_empty():
        fail(f"{file.name}: no row has a decision; fill decided_admin1_code or decided_admin2_code")
    with place.held():
        _write_decisions(place, register(_gazetteer(place).decisions, decided))
    typer.echo(f"{decided.height:,} decisions taken; `dtm run` replays them")


@app.command()
def decisions(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the decisions of the home by number."""
    known = _gazetteer(open_home(home)).decisions.with_row_index("number", offset=1)
    if as_json:
        print_json(known.to_dicts())
    elif known.is_empty():
        typer.echo("no decision was taken")
    else:
        print_rows(known.columns, [[str(v) if v is not None else None for v in row] for row in known.rows()])


@app.command()
def withdraw(
    number: Annotated[int, typer.Argument(help="Number of the decision, as `dtm places decisions` lists it.", min=1)],
    home: HomeOption = None,
) -> None:
    """Take a decision back; its question comes back with the next run."""
    place = open_home(home)
    with place.held():
        known = _gazetteer(place).decisions
        if number > known.height:
            fail(f"there is no decision {number}; there are {known.height}")
        _write_decisions(place, known.with_row_index("_n", offset=1).filter(_number() != number).drop("_n"))
    typer.echo(f"decision {number} is withdrawn; `dtm run` asks again")


@crosswalk.command()
def check(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List declared units that no name, code or crosswalk maps, with the rows that hang on them."""
    from dtm_pipeline.places.review import unmapped_units

    told = unmapped_units(_stock(open_home(home)), _gazetteer(open_home(home)))
    if as_json:
        print_json(told.to_dicts())
    elif told.is_empty():
        typer.echo("every declared unit is mapped")
    else:
        print_rows(told.columns, [[str(v) if v is not None else None for v in row] for row in told.rows()])
        raise typer.Exit(1)


def _number() -> pl.Expr:
    import polars as pl

    return pl.col("_n")


def _gazetteer(place: Home) -> Gazetteer:
    from dtm_pipeline.storage.reference import Reference

    return Reference.of(place).gazetteer(place.decisions)


def _stock(place: Home) -> pl.DataFrame:
    from dtm_pipeline.contracts.core import STOCK
    from dtm_pipeline.storage.tables import stored

    return stored(place.warehouse, STOCK).read_all()


def _write_decisions(place: Home, known: pl.DataFrame) -> None:
    """The register, whole or as it was."""
    from dtm_pipeline.storage.registers import replace_register

    replace_register(place.decisions, known.write_csv())


def _answers(file: Path) -> bool:
    """Whether a sheet that is there holds decisions that nobody has taken yet."""
    sheet = _read_sheet(file)
    filled = [c for c in ("decided_admin1_code", "decided_admin2_code") if c in sheet.columns]
    return any(sheet[c].cast(str).str.strip_chars().replace("", None).count() for c in filled)


def _write_sheet(questions: pl.DataFrame, file: Path) -> None:
    import polars as pl

    if file.suffix.lower() == ".csv":
        # with a byte-order mark: Excel takes Arabic for something else without; an apostrophe keeps words from being formulas
        words = pl.col(pl.String).str.replace(r"^([=+\-@])", "'${1}")
        questions.with_columns(words).write_csv(file, include_bom=True)
        return
    if file.suffix.lower() != ".xlsx":
        fail(f"{file}: write the sheet as .xlsx or .csv")
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "review"
    sheet.append(questions.columns)
    for row in questions.iter_rows():
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", v) if isinstance(v, str) else v for v in row])
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            # a word of a delivery that begins like a formula stays a word
            if isinstance(cell.value, str):
                cell.data_type = "s"
    sheet.freeze_panes = "A2"
    book.save(file)


def _read_sheet(file: Path) -> pl.DataFrame:
    import polars as pl

    if not file.is_file():
        fail(f"{file}: there is no such file")
    try:
        if file.suffix.lower() == ".xlsx":
            return pl.read_excel(file, engine="calamine", infer_schema_length=0)
        return pl.read_csv(file, infer_schema=False)
    except Exception as error:  # polars and fastexcel each raise their own
        fail(f"{file.name}: can't be read as a sheet: {str(error).splitlines()[0]}")
