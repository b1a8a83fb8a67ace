"""`dtm quarantine`: rows that could not be used, and findings about rows that could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

if TYPE_CHECKING:
    import polars as pl

    from dtm_pipeline.storage.home import Home

SHORT_SHA = 6
"""Letters of a sha256 that name a delivery."""
SHOWN_ROWS = 200
"""Rows that a screen shows; CSV and JSON have all."""
app = typer.Typer(help="Rows that could not be used, by delivery.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(
    home: HomeOption = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="List findings about rows that were used instead.")
    ] = False,
    delivery: Annotated[
        str | None, typer.Option("--file", help="Of this delivery only: its name, or the start of its sha256.")
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule or finding only.")] = None,
    severity: Annotated[
        str | None,
        typer.Option(
            "--severity",
            help="Of this severity only: loss (people may be missing), doubt (a figure may be wrong), note (neither).",
        ),
    ] = None,
    counts: Annotated[bool, typer.Option("--counts", help="Only how many rows of each delivery and rule.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List how many rows each rule left out, the gravest first, then the rows; no values of rows."""
    import polars as pl

    from dtm_pipeline.quality.grave import SEVERITIES

    if severity is not None and severity not in SEVERITIES:
        fail(f"--severity {severity!r}: write one of {', '.join(SEVERITIES)}")
    place = open_home(home)
    rows = _records(place, findings)
    if delivery is not None:
        named = pl.col("delivery") == delivery
        rows = rows.filter(named | pl.col("sha256").str.starts_with(delivery) if len(delivery) >= SHORT_SHA else named)
    for column, wanted in (("name", rule), ("severity", severity)):
        rows = rows if wanted is None else rows.filter(pl.col(column) == wanted)
    gravest = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int64)
    rows = rows.sort(gravest, "delivery", "sheet", "row", "name", nulls_last=True)
    summed = (
        rows.group_by("severity", "delivery", "sheet", "name", maintain_order=True)
        .agg(rows=pl.len().cast(pl.Int64), first_row=pl.col("row").min())
        .sort(gravest, pl.col("rows"), descending=[False, True], maintain_order=True)
    )
    told = (summed if counts else rows).drop("sha256", strict=False)
    if as_json:
        print_json(told.to_dicts())
    elif as_csv:
        typer.echo(told.write_csv(), nl=False)
    elif rows.is_empty():
        typer.echo("nothing is quarantined" if not findings else "no findings")
    else:
        print_rows(summed.columns, [list(r) for r in summed.rows()])
        if not counts:
            typer.echo("")
            texts = rows.drop("sha256").with_columns(pl.col("row").cast(pl.String))
            print_rows(texts.columns, [list(r) for r in texts.head(SHOWN_ROWS).rows()])
            if rows.height > SHOWN_ROWS:
                typer.echo(
                    f"and {rows.height - SHOWN_ROWS:,} more rows; --csv lists all, --file, --rule and --severity a part"
                )


def _records(place: Home, findings: bool) -> pl.DataFrame:
    """Rows that could not be used, or findings: severity, delivery, sheet, row, name, sentence, sha256."""
    import polars as pl

    from dtm_pipeline.contracts.core import FINDINGS
    from dtm_pipeline.contracts.raw import QUARANTINE
    from dtm_pipeline.quality.grave import severity_of
    from dtm_pipeline.storage.snapshots import SnapshotStore
    from dtm_pipeline.storage.tables import stored

    snapshots = [s for s in SnapshotStore(place).all() if s.status == "accepted"]
    names = pl.DataFrame(
        [(s.sha256, s.name) for s in snapshots], schema={"sha256": pl.String, "delivery": pl.String}, orient="row"
    )
    schema = {"sha256": pl.String, "sheet": pl.String, "row": pl.Int64, "name": pl.String, "sentence": pl.String}
    columns = ["snapshot_id", "source_sheet", "source_row", "finding" if findings else "rule", "sentence"]
    tables = FINDINGS if findings else (QUARANTINE,)
    parts = [
        stored(place.warehouse, table).read_all(columns=columns).rename(dict(zip(columns, schema, strict=True)))
        for table in tables
    ]
    if findings:
        of_reading = [
            (s.sha256, f["source_sheet"], f["source_row"], f["finding"], f["sentence"])
            for s in snapshots
            for f in s.report.get("findings", [])
        ]
        parts.append(pl.DataFrame(of_reading, schema=schema, orient="row"))
    rows = pl.concat(parts, how="vertical_relaxed")
    # what is found of several deliveries together names none of them
    rows = rows.join(names, on="sha256", how="left" if findings else "inner", maintain_order="left")
    return rows.select(
        severity_of(pl.col("name")).alias("severity"), "delivery", "sheet", "row", "name", "sentence", "sha256"
    )


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
        if s.name == delivery or (len(delivery) >= SHORT_SHA and s.sha256.startswith(delivery))
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
