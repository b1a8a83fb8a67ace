"""`dtm kinds` and `dtm inspect`: what is read, and what a file would be taken for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import REFUSED, JsonOption, fail, home_if_there, print_json, print_rows

if TYPE_CHECKING:
    from sources.document import Document
    from sources.protocol import Reading

FIRST = 10


def kinds(as_json: JsonOption = False) -> None:
    """List the kinds of deliveries that are read: what makes each, where its rows go, what replaces what."""
    from sources.registry import SOURCES

    described = [s.describe() for s in SOURCES]
    if as_json:
        print_json([asdict(d) for d in described])
        return
    print_rows(["kind", "what it is", "core table"], [[d.kind, d.title, d.core_table] for d in described])
    for d in described:
        typer.echo("")
        typer.echo(f"{d.kind}: {d.title} ({d.page})")
        typer.echo(f"  needs: {'; '.join(d.needs)}")
        if d.replacement_key:
            typer.echo(f"  the newest delivery leads for each: {', '.join(d.replacement_key)}")


def inspect(
    file: Annotated[Path, typer.Argument(help="The file to look at.")],
    kind: Annotated[str | None, typer.Option("--as", help="Look at it as this kind (`dtm kinds`).")] = None,
    country: Annotated[str | None, typer.Option("--country", help="As if its sidecar said this country.")] = None,
    form: Annotated[
        list[Path] | None, typer.Option("--form", help="XLSForm to read it by: a workbook, or both CSV files.")
    ] = None,
    home: Annotated[Path | None, typer.Option("--home", help="Home whose forms are known. [default: none]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a file is taken for and why, its headers, rows and first findings; nothing is written."""
    from dtm_pipeline.storage.reference import Reference
    from dtm_pipeline.storage.snapshots import StatementError, printable, read_statement
    from sources.document import DeliveryError, Document
    from sources.protocol import Delivery
    from sources.registry import SOURCES, read_delivery

    for wanted in (file, *(form or [])):
        if not wanted.is_file():
            fail(f"{wanted}: there is no such file")
    forms = [(f.name, f.resolve()) for f in form or []] + _forms_of(home)
    document = Document(printable(file.name), file.resolve(), tuple(forms))
    reference = Reference.of(home_if_there(home))
    try:
        statement = read_statement(file) | ({"kind": kind} if kind else {})
        statement |= {"country": country.upper()} if country else {}
        matches = {s.kind: s.recognise(document, reference) for s in SOURCES}
        reading = read_delivery(
            document, Delivery("0" * 64, document.name, statement, datetime.now(UTC).date()), reference
        )
    except (DeliveryError, StatementError) as refusal:
        seen = _headers_seen(document)
        if as_json:
            print_json({"file": document.name, "refused": str(refusal), "headers": seen})
        typer.echo(f"refused {document.name}: {refusal}", err=True)
        for sheet in [] if as_json else seen:
            named = f"sheet {sheet['sheet']}, row {sheet['row']}" if sheet["sheet"] else f"row {sheet['row']}"
            typer.echo(f"  headers in {named}: {' | '.join(sheet['headers'])}")
        raise typer.Exit(REFUSED) from None
    ranked = sorted(matches.items(), key=lambda m: (-m[1].score, -m[1].headers))
    told = {
        "file": document.name,
        "kind": reading.kind,
        "countries": list(reading.countries),
        "fits": {
            k: {"score": round(m.score, 2), "found": m.found, "missing": m.missing} for k, m in ranked if m.score > 0
        },
        **reading.report(),
    }
    if as_json:
        print_json(told)
    else:
        _tell(document, reading, told)


def _headers_seen(document: Document) -> list[dict[str, Any]]:
    """What looks like the header row of each sheet of a refused file; for the eyes of the one who asks only."""
    from sources.document import DeliveryError
    from sources.suggest import likely_header

    try:
        if document.format == "json":
            return []
        rows = [(sheet.name, likely_header(sheet, {})) for sheet in document.sheets]
    except DeliveryError:
        return []
    return [{"sheet": name, "row": h.row, "headers": [c.header for c in h.columns]} for name, h in rows if h]


def _forms_of(home: Path | None) -> list[tuple[str, Path]]:
    if home is None:
        return []
    from dtm_pipeline.cli.common import open_home
    from dtm_pipeline.storage.plan import forms_among
    from dtm_pipeline.storage.snapshots import SnapshotStore

    place = open_home(home)
    return [(f.name, f.payload(place).resolve()) for f in forms_among(SnapshotStore(place).all())]


def _tell(document: Document, reading: Reading, told: dict[str, Any]) -> None:
    typer.echo(f"{document.name}: {reading.kind}, {', '.join(reading.countries) or 'no country'}")
    for kind, fit in list(told["fits"].items())[:3]:
        lacks = f"; lacks {', '.join(fit['missing'])}" if fit["missing"] else ""
        typer.echo(f"  fits {kind} to {fit['score']:.0%}: {', '.join(fit['found']) or 'nothing by name'}{lacks}")
    typer.echo(f"  {', '.join(f'{k} {told[k]}' for k in ('format', 'encoding', 'delimiter') if k in told)}")
    for sheet in told.get("sheets", []):
        _tell_sheet(sheet)
    account = reading.account
    typer.echo(f"  rows {account.rows_in:,}: {account.rows_valid:,} can be used, {account.rows_rejected:,} can't")
    if account.persons_in:
        typer.echo(f"  persons {account.persons_in:,}: {account.persons_valid:,} in rows that can be used")
    for name, frame in reading.tables.items():
        typer.echo(f"  into {name}: {frame.height:,} rows")
    rejected = reading.rejected.select("source_sheet", "source_row", "column", "sentence").sort(
        "source_sheet", "source_row"
    )
    for sheet_name, row, column, sentence in rejected.head(FIRST).rows():
        where = ", ".join(
            p
            for p in (f"sheet {sheet_name}" if sheet_name else "", f"row {row}", f"column {column}" if column else "")
            if p
        )
        typer.echo(f"  rejected {where}: expected that {sentence}")
    for finding in reading.findings[:FIRST]:
        row_told = f"row {finding.source_row}: " if finding.source_row else ""
        typer.echo(f"  finding {finding.finding}: {row_told}{finding.sentence}")
    more = max(0, rejected.height - FIRST) + max(0, len(reading.findings) - FIRST)
    if more:
        typer.echo(f"  and {more:,} more; `dtm run` lists all of them")


def _tell_sheet(sheet: dict[str, Any]) -> None:
    name = f"sheet {sheet['sheet']}" if sheet.get("sheet") else "the sheet"
    if "header_row" not in sheet:
        typer.echo(f"  {name}: {sheet.get('record_table', '')} {sheet.get('questions', '')} questions")
        return
    typer.echo(f"  {name}: headers in row {sheet['header_row']}")
    for header, field in sheet["headers_mapped"].items():
        typer.echo(f"    {header} -> {field}")
    for what in ("ignored", "unknown", "repeated"):
        if sheet.get(f"headers_{what}"):
            typer.echo(f"    {what}: {', '.join(sheet[f'headers_{what}'])}")
