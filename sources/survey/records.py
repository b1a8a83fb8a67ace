"""Submissions as the APIs of KoBoToolbox and ODK Central give them, as sheets: interviews, and a sheet a repeat."""

from __future__ import annotations

from typing import Any

import polars as pl

from sources.document import Sheet

ENVELOPES = ("results", "value")


def submissions(content: Any) -> list[dict[str, Any]] | None:
    """The submissions of an answer: KoBo's `results`, OData's `value`, or a list; None where it is no such thing."""
    rows = (
        next((content[e] for e in ENVELOPES if isinstance(content.get(e), list)), None)
        if isinstance(content, dict)
        else content
    )
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        return None
    marks = {"_uuid", "_id", "__id", "instanceID", "meta/instanceID"}
    return rows if marks & rows[0].keys() else None


def sheets_of_json(content: Any) -> list[Sheet]:
    """The sheets that an export of the same submissions would hold; none where the content is something else."""
    rows = submissions(content)
    if rows is None:
        return []
    tables: dict[str, list[dict[str, str]]] = {"main": []}
    for number, row in enumerate(rows, start=1):
        _flatten(row, "main", {"_index": str(number)}, tables)
    return [_sheet(name, records) for name, records in tables.items()]


def _flatten(row: dict[str, Any], table: str, record: dict[str, str], tables: dict[str, list[dict[str, str]]]) -> None:
    tables.setdefault(table, []).append(record)
    pending: list[tuple[str, dict[str, Any]]] = [("", row)]
    while pending:
        prefix, part = pending.pop()
        for key, value in part.items():
            path = f"{prefix}{key}"
            if isinstance(value, dict):
                pending.append((f"{path}/", value))
            elif (
                isinstance(value, list)
                and value
                and all(isinstance(v, dict) for v in value)
                and not key.startswith("_")
            ):
                name = path.rsplit("/", maxsplit=1)[-1]
                for child in value:
                    index = {
                        "_index": str(len(tables.get(name, [])) + 1),
                        "_parent_table_name": table,
                        "_parent_index": record["_index"],
                    }
                    _flatten({k.removeprefix(f"{path}/"): v for k, v in child.items()}, name, index, tables)
            elif isinstance(value, list):
                record[path] = " ".join(str(v) for v in value if not isinstance(v, dict))
            elif value is not None:
                record[path] = str(value)


def _sheet(name: str, records: list[dict[str, str]]) -> Sheet:
    """A sheet whose first row are the keys of all records."""
    headers = list(dict.fromkeys(key for record in records for key in record))
    columns = {f"c{i}": [h, *(record.get(h) for record in records)] for i, h in enumerate(headers)}
    return Sheet(name, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
