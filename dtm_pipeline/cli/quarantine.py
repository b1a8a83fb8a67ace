"""`dtm quarantine`: rows that could not be used, and findings about rows that could."""

from __future__ import annotations

from typing import Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

app = typer.Typer(help="Rows that could not be used, by delivery.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(
    home: HomeOption = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="List findings about rows that were used instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, rules and row numbers; no values of rows."""
    import polars as pl

    from dtm_pipeline.contracts.core import FINDINGS
    from dtm_pipeline.contracts.raw import QUARANTINE
    from dtm_pipeline.storage.snapshots import SnapshotStore
    from dtm_pipeline.storage.tables import stored

    place = open_home(home)
    snapshots = {s.sha256: s for s in SnapshotStore(place).all() if s.status == "accepted"}
    columns = ["delivery", "sheet", "row", "name", "sentence"]
    if findings:
        told = [
            [s.name, f["source_sheet"], f["source_row"], f["finding"], f["sentence"]]
            for s in snapshots.values()
            for f in s.report.get("findings", [])
        ]
        for table in FINDINGS:
            rows = stored(place.warehouse, table).read_all().sort("snapshot_id", "source_row")
            told += [
                [snapshots[s].name if s in snapshots else None, sheet, row, finding, sentence]
                for s, sheet, row, finding, sentence in rows.select(
                    "snapshot_id", "source_sheet", "source_row", "finding", "sentence"
                ).rows()
            ]
    else:
        rows = stored(place.warehouse, QUARANTINE).read_all().filter(pl.col("snapshot_id").is_in(list(snapshots)))
        told = [
            [snapshots[s].name, sheet, row, rule, sentence]
            for s, sheet, row, rule, sentence in rows.sort("snapshot_id", "source_sheet", "source_row")
            .select("snapshot_id", "source_sheet", "source_row", "rule", "sentence")
            .rows()
        ]
    if as_json:
        print_json([dict(zip(columns, t, strict=True)) for t in told])
    elif told:
        print_rows(columns, [[t[0], t[1], str(t[2]) if t[2] is not None else None, t[3], t[4]] for t in told])
    else:
        typer.echo("nothing is quarantined" if not findings else "no findings")


@app.command()
def show(
    delivery: Annotated[str, typer.Argument(help="Name of the delivery, or the start of its sha256.")],
    row: Annotated[int | None, typer.Option("--row", help="Only this row of the file.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show quarantined rows of a delivery as they arrived. They may hold people's data: mind who sees the screen."""
    import polars as pl

    from dtm_pipeline.contracts.raw import QUARANTINE
    from dtm_pipeline.storage.snapshots import SnapshotStore
    from dtm_pipeline.storage.tables import stored

    place = open_home(home)
    matching = [
        s
        for s in SnapshotStore(place).all()
        if s.name == delivery or (len(delivery) >= 6 and s.sha256.startswith(delivery))
    ]
    if not matching:
        fail(f"no delivery is named {delivery!r}; `dtm status` lists them")
    rows = stored(place.warehouse, QUARANTINE).read_all(s.sha256 for s in matching)
    if row is not None:
        rows = rows.filter(pl.col("source_row") == row)
    records = (
        rows.sort("source_sheet", "source_row")
        .select("source_sheet", "source_row", "rule", "sentence", "column", "found", "original")
        .to_dicts()
    )
    if as_json:
        print_json(records)
        return
    for r in records:
        typer.echo(_sentence(delivery, r))
        typer.echo(f"  as it arrived: {r['original']}")
    if not records:
        typer.echo("nothing of it is quarantined")


def _sentence(delivery: str, record: dict[str, object]) -> str:
    sheet = f", sheet {record['source_sheet']}" if record["source_sheet"] else ""
    column = f", column {record['column']}" if record["column"] else ""
    found = f"; found {record['found']!r}" if record["found"] else ""
    return f"{delivery}{sheet}, row {record['source_row']}{column}: expected that {record['sentence']}{found}; mend the row, or ask the sender to, and deliver the file again"
