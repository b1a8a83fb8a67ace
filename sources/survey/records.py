"""Submissions as the APIs of KoBoToolbox and ODK Central give them, as sheets: interviews, and a sheet a repeat."""

from __future__ import annotations

from typing import Any

import polars as pl

from sources.document import DeliveryError, Sheet

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
    if isinstance(content, dict):
        _check_whole(content, len(rows))
    marks = {"_uuid", "_id", "__id", "instanceID", "meta/instanceID"}
    return rows if marks & rows[0].keys() else None


def _check_whole(envelope: dict[str, Any], came: int) -> None:
    """An answer holds all submissions, not a page of them.

    Raises:
        DeliveryError: it leads to a next page, or counts more than it holds.
    """
    told = envelope.get("count", envelope.get("@odata.count"))
    following = envelope.get("next") or envelope.get("@odata.nextLink")
    if following or (isinstance(told, int) and told > came):
        raise DeliveryError(
            f"holds {came:,} of {told:,} submissions: a page, not the answer"
            if isinstance(told, int)
            else f"holds {came:,} submissions and leads to a next page",
            "all submissions",
            "`dtm fetch` brings all pages; or put them into one file",
        )


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
                record[path] = " ".join(text_of(v) for v in value if not isinstance(v, dict))
            elif value is not None:
                record[path] = text_of(value)


def _sheet(name: str, records: list[dict[str, str]]) -> Sheet:
    """A sheet whose first row are the keys of all records."""
    headers = list(dict.fromkeys(key for record in records for key in record))
    columns = {f"c{i}": [h, *(record.get(h) for record in records)] for i, h in enumerate(headers)}
    return Sheet(name, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))


def text_of(value: Any) -> str:
    """A value of JSON as text that can be stored: halves of characters become the sign for what can't be read."""
    return str(value).encode("utf-8", "replace").decode("utf-8")
