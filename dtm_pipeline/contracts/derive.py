"""Schemas of Polars, Arrow, Pandera and Frictionless, and the data dictionary, from a declaration."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from dtm_pipeline.contracts.model import Column, Table

if TYPE_CHECKING:
    import pandera.polars as pa
    import polars as pl
    import pyarrow

FRICTIONLESS = {
    "string": "string",
    "int64": "integer",
    "float64": "number",
    "boolean": "boolean",
    "date": "date",
    "strings": "array",
}


def polars_type(column: Column) -> pl.DataType:
    """The Polars type of a column."""
    import polars as pl

    types: dict[str, pl.DataType] = {
        "string": pl.String(),
        "int64": pl.Int64(),
        "float64": pl.Float64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "strings": pl.List(pl.String),
    }
    return types[column.type]


def polars_schema(table: Table) -> dict[str, pl.DataType]:
    """Column names and Polars types, in the order of the declaration."""
    return {c.name: polars_type(c) for c in table.columns}


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame with exactly the columns, order and types of the table; a missing column becomes null.

    Raises:
        polars.exceptions.InvalidOperationError: a value does not fit its type.
    """
    import polars as pl

    schema = polars_schema(table)
    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
    )


def empty(table: Table) -> pl.DataFrame:
    """A frame of no rows with the table's schema."""
    import polars as pl

    return pl.DataFrame(schema=polars_schema(table))


def arrow_schema(table: Table) -> pyarrow.Schema:
    """Arrow schema with description, unit, kind and dissemination class on every field."""
    import pyarrow as pa

    types = {
        "string": pa.large_string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "strings": pa.large_list(pa.field("element", pa.large_string())),
    }
    fields = [
        pa.field(
            c.name,
            types[c.type],
            c.nullable,
            {
                "description": c.description,
                "unit": c.unit,
                "kind": c.kind,
                "dissemination": c.dissemination,
                "adds_along": ",".join(table.axes_of(c.name)),
            },
        )
        for c in table.columns
    ]
    return pa.schema(
        fields,
        {
            "table": table.name,
            "description": table.description,
            "contract_version": table.version,
            "grain": ",".join(table.grain),
        },
    )


def holds(table: Table) -> pl.Expr:
    """All statements of a contract about a single row, as one expression; unknown passes. The grain is no such statement."""
    import polars as pl

    held = [pl.lit(True)]
    for c in table.columns:
        column = pl.col(c.name)
        if not c.nullable:
            held.append(column.is_not_null())
        if c.allowed:
            held.append(column.is_in(list(c.allowed)).fill_null(True))
        if c.at_least is not None:
            held.append((column >= c.at_least).fill_null(True))
        if c.at_most is not None:
            held.append((column <= c.at_most).fill_null(True))
    held += [pl.sql_expr(r.condition).fill_null(True) for r in table.rules]
    return pl.all_horizontal(held)


def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """The Pandera schema: types, nulls, allowed values, bounds, grain and row rules.

    Judge eager frames with it: Pandera passes a LazyFrame's values unseen.
    """
    import pandera.polars as pa
    import polars as pl

    def checks(c: Column) -> list[Any]:
        found = []
        if c.allowed:
            found.append(pa.Check.isin(list(c.allowed), error=f"{c.name} is one of {', '.join(c.allowed)}"))
        if c.at_least is not None:
            found.append(pa.Check.ge(c.at_least, error=f"{c.name} is at least {c.at_least:g}"))
        if c.at_most is not None:
            found.append(pa.Check.le(c.at_most, error=f"{c.name} is at most {c.at_most:g}"))
        return found

    def row_rule(condition: str, name: str, sentence: str) -> Any:
        return pa.Check(
            lambda data: data.lazyframe.select(pl.sql_expr(condition).fill_null(True)),
            name=name,
            error=sentence,
        )

    return pa.DataFrameSchema(
        {c.name: pa.Column(polars_type(c), nullable=c.nullable, checks=checks(c)) for c in table.columns},
        checks=[row_rule(r.condition, r.name, r.sentence) for r in table.rules],
        unique=list(table.grain) or None,
        strict=True,
        ordered=True,
        name=table.name,
    )


def frictionless_resource(table: Table) -> dict[str, Any]:
    """The table as a resource of `datapackage.json` (Frictionless Data Package)."""
    fields = []
    for c in table.columns:
        constraints: dict[str, Any] = {} if c.nullable else {"required": True}
        if c.allowed:
            constraints["enum"] = list(c.allowed)
        if c.at_least is not None:
            constraints["minimum"] = c.at_least
        if c.at_most is not None:
            constraints["maximum"] = c.at_most
        field: dict[str, Any] = {
            "name": c.name,
            "type": FRICTIONLESS[c.type],
            "description": c.description,
            "kind": c.kind,
            "dissemination": c.dissemination,
        }
        if c.unit:
            field["unit"] = c.unit
        if constraints:
            field["constraints"] = constraints
        fields.append(field)
    return {
        "name": table.name.replace("__", "-").replace("_", "-"),
        "title": table.name,
        "description": table.description,
        "path": f"tables/{table.name}.parquet",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "contract_version": table.version,
        "schema": {"fields": fields, "primaryKey": list(table.grain)},
    }


def dictionary_markdown(tables: tuple[Table, ...]) -> str:
    """The data dictionary as a page."""
    lines = ["# Data dictionary", "", "Generated from the contracts; do not edit.", ""]
    for table in tables:
        lines += [
            f"## {table.name}",
            "",
            table.description,
            "",
            f"Contract {table.version}. One row for each: {', '.join(f'`{g}`' for g in table.grain) or 'finding'}.",
            "",
            "| column | type | unit | kind | adds along | class | description |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{c.name}` | {c.type} | {c.unit} | {c.kind} | {', '.join(table.axes_of(c.name))} | {c.dissemination} | {c.description} |"
            for c in table.columns
        ]
        if table.rules:
            lines += ["", *[f"- {r.sentence}" for r in table.rules]]
        lines.append("")
    return "\n".join(lines)


def dictionary_csv(tables: tuple[Table, ...]) -> str:
    """The data dictionary as CSV, a row a column."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "table",
            "column",
            "type",
            "unit",
            "kind",
            "adds_along",
            "dissemination",
            "nullable",
            "in_grain",
            "description",
        ]
    )
    for table in tables:
        for c in table.columns:
            writer.writerow(
                [
                    table.name,
                    c.name,
                    c.type,
                    c.unit,
                    c.kind,
                    " ".join(table.axes_of(c.name)),
                    c.dissemination,
                    c.nullable,
                    c.name in table.grain,
                    c.description,
                ]
            )
    return buffer.getvalue()
