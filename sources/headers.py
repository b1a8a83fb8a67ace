"""Headers of a sheet against the aliases of reference/code_lists: every header is mapped, ignored or reported."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from dtm_pipeline.storage.reference import Reference
from sources.document import Sheet, header_key

MAX_HEADER_ROW = 10


@dataclass(frozen=True)
class Column:
    """A column of a sheet: where it stands, how the file spells it, and what it means."""

    index: int
    header: str
    key: str
    target: tuple[str, str] | None
    """("field", name), (dimension, category_code), or None for an unknown header."""


@dataclass(frozen=True)
class HeaderRow:
    """The header row of a sheet. `row` counts from 1, as a person does."""

    row: int
    columns: tuple[Column, ...]
    repeated: tuple[Column, ...] = field(default=())

    def fields(self) -> dict[str, Column]:
        """The first column of each field."""
        found: dict[str, Column] = {}
        for column in self.columns:
            if column.target and column.target[0] == "field" and column.target[1] != "ignored":
                found.setdefault(column.target[1], column)
        return found

    def categories(self) -> list[Column]:
        return [c for c in self.columns if c.target and c.target[0] != "field"]

    def facts(self) -> dict[str, object]:
        """What became of each header, for the record of the reading."""
        return {
            "header_row": self.row,
            "headers_mapped": len([c for c in self.columns if c.target and c.target != ("field", "ignored")]),
            "headers_ignored": [c.header for c in self.columns if c.target == ("field", "ignored")],
            "headers_unknown": [c.header for c in self.columns if c.target is None],
            "headers_repeated": [c.header for c in self.repeated],
        }


def aliases(reference: Reference, kind: str, with_categories: bool = False) -> dict[str, tuple[str, str]]:
    """Header key to target for one kind of delivery."""
    table: dict[str, tuple[str, str]] = {}
    if with_categories:
        for dimension, code, alias in reference.category_headers.iter_rows():
            table[header_key(alias)] = (dimension, code)
    for field_name, alias in reference.headers.filter(kind=kind).select("field", "alias").rows():
        table[header_key(alias)] = ("field", field_name)
    table.pop("", None)
    return table


def find_header(sheet: Sheet, table: dict[str, tuple[str, str]]) -> HeaderRow | None:
    """The row of the first ten in which most headers are known; None where no row has two of them."""
    best: tuple[int, int] | None = None
    head = sheet.head()[:MAX_HEADER_ROW]
    for i, row in enumerate(head):
        hits = len({table[k] for k in map(header_key, row) if k in table})
        if hits >= 2 and (best is None or hits > best[0]):
            best = (hits, i)
    if best is None:
        return None
    columns: list[Column] = []
    repeated: list[Column] = []
    seen: set[str] = set()
    for index, header in enumerate(head[best[1]]):
        key = header_key(header)
        if not key:
            continue
        column = Column(index, " ".join(str(header).split()), key, table.get(key))
        (repeated if key in seen else columns).append(column)
        seen.add(key)
    return HeaderRow(best[1] + 1, tuple(columns), tuple(repeated))


def data_rows(sheet: Sheet, header: HeaderRow) -> pl.DataFrame:
    """Rows below the header that hold anything, with `source_row` as a person counts it."""
    cells = sheet.cells.columns
    filled = pl.any_horizontal(pl.col(cells).str.strip_chars().str.len_chars().fill_null(0) > 0)
    return (
        sheet.cells.with_row_index("source_row", offset=1)
        .with_columns(pl.col("source_row").cast(pl.Int64))
        .filter((pl.col("source_row") > header.row) & filled)
    )


def original_json(header: HeaderRow) -> pl.Expr:
    """The row as it arrived, by the file's own headers, as JSON."""
    used: set[str] = set()
    fields = []
    for column in sorted((*header.columns, *header.repeated), key=lambda c: c.index):
        name = column.header
        while name in used:
            name += "*"
        used.add(name)
        fields.append(pl.col(f"c{column.index}").alias(name))
    return pl.struct(fields).struct.json_encode()
