"""Headers of a sheet against the aliases of reference/code_lists: every header is mapped, ignored or reported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

import polars as pl

from dtm_pipeline.quality.parse import plain
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Sheet, header_key
from sources.protocol import Finding

MAX_HEADER_ROW = 10
LONGEST_TOLD = 120
NUMERIC = re.compile(r"^[+-]?[\d\u0660-\u0669\u06f0-\u06f9][\d\u0660-\u0669\u06f0-\u06f9.,:/ -]*$")
PERSONS = re.compile(
    r"individual|person|people|\bind\b|\bpax\b|individus|personnes|personas|kişi|أفراد|افراد|اشخاص", re.IGNORECASE
)
HOUSEHOLDS = re.compile(r"household|famil|\bhhs?\b|ménage|menage|hogar|hane|أسر|اسر|عوائل|عائلات", re.IGNORECASE)
MEASURE = re.compile(f"{PERSONS.pattern}|{HOUSEHOLDS.pattern}|male|female|total|men|boys|girls|number", re.IGNORECASE)
COUNTS = re.compile(r"households|individuals|movements")
SHARED = "any"
"""Rows of headers.csv that hold for every kind that reads them: places, dates, rounds."""
LATIN = re.compile(r"[^\x00-\u024f]+")
OTHER_SCRIPT = re.compile(r"[\x00-\u024f]+")


@dataclass(frozen=True)
class Column:
    """A column of a sheet: where it stands, how the file spells it, and what it means."""

    index: int
    header: str
    key: str
    target: tuple[str, str] | None
    """("field", name), (dimension, category_code), or None for an unknown header."""

    @property
    def told(self) -> str:
        """The header as it may be told: one that no list knows may be a person's name and number that slipped there."""
        doubtful = re.search(r"\d{6,}", re.sub(r"[\s+-]", "", self.header)) or len(self.header) > LONGEST_TOLD
        return f"(the header of column {self.index + 1})" if doubtful and self.target is None else self.header

    @property
    def cell(self) -> str:
        """Name of the column in the sheet's cells."""
        return f"c{self.index}"


@dataclass(frozen=True)
class HeaderRow:
    """The header row of a sheet. `row` counts from 1, as a person does."""

    row: int
    columns: tuple[Column, ...]
    repeated: tuple[Column, ...] = field(default=())
    bare: tuple[int, ...] = ()
    """Columns without a header."""
    rows: int = 1
    """Rows that the header takes; `row` is the last of them."""

    @property
    def above(self) -> int:
        """Rows above the header: a banner, or nothing."""
        return self.row - self.rows

    def fields(self) -> dict[str, Column]:
        """The first column of each field."""
        found: dict[str, Column] = {}
        for column in self.columns:
            if column.target and column.target[0] == "field" and column.target[1] != "ignored":
                found.setdefault(column.target[1], column)
        return found

    def doubles(self) -> dict[str, list[Column]]:
        """Fields that several columns stand for, a header that stands twice among them."""
        found: dict[str, list[Column]] = {}
        by_key = {c.key: c for c in self.columns}
        for column in (*self.columns, *self.repeated):
            target = column.target or (by_key[column.key].target if column.key in by_key else None)
            if target and target[0] == "field" and target[1] != "ignored":
                found.setdefault(target[1], []).append(column)
        return {name: columns for name, columns in found.items() if len(columns) > 1}

    def categories(self) -> list[Column]:
        return [c for c in self.columns if c.target and c.target[0] != "field"]

    def unknown(self) -> list[Column]:
        return [c for c in self.columns if c.target is None]

    def facts(self) -> dict[str, object]:
        """What became of each header, for the record of the reading."""
        return {
            "header_row": self.row,
            "headers_mapped": {c.header: c.target[1] for c in self.columns if c.target and c.target[1] != "ignored"},
            "headers_ignored": [c.header for c in self.columns if c.target == ("field", "ignored")],
            "headers_unknown": [c.told for c in self.unknown()],
            "headers_repeated": [c.told for c in self.repeated],
        }


def aliases(
    reference: Reference, kind: str, with_categories: bool = False, shared: bool = False, own: tuple[str, ...] = ()
) -> dict[str, tuple[str, str]]:
    """Header key to target for one kind of delivery; what the kind says leads over what is shared.

    Args:
        own: fields that only the kind's own aliases stand for.
    """
    asked = ("aliases", kind, with_categories, shared, own)
    if asked in reference.made:
        known: dict[str, tuple[str, str]] = reference.made[asked]
        return known
    table: dict[str, tuple[str, str]] = {}
    if with_categories:
        for dimension, code, alias in reference.category_headers.iter_rows():
            table[header_key(alias)] = (dimension, code)
    for kinds in ([SHARED] if shared else []) + [kind]:
        rows = reference.headers.filter(pl.col("kind") == kinds)
        if kinds == SHARED:
            rows = rows.filter(~pl.col("field").is_in(own))
        for field_name, alias in rows.select("field", "alias").rows():
            table[header_key(alias)] = ("field", field_name)
    table.pop("", None)
    reference.made[asked] = table
    return table


@lru_cache(maxsize=65536)
def spellings(header: str | None) -> tuple[str, ...]:
    """The keys that a header may be known by: whole, without its group path, in one of its two scripts."""
    text = (header or "").strip()
    found = [header_key(text)]
    bare = re.sub(r"^X\.U\.FEFF\.", "", text)
    if re.fullmatch(r"\S*[/.]\S+", bare) and not re.search(r"\d[/.]\d", bare):
        found.append(header_key(re.split(r"[/.]", bare)[-1]))
    if LATIN.search(text) and OTHER_SCRIPT.search(text):
        found += [header_key(LATIN.sub(" ", text)), header_key(OTHER_SCRIPT.sub(" ", text))]
    return tuple(found)


def target_of(header: str | None, table: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    return next((table[key] for key in spellings(header) if key in table), None)


def find_header(sheet: Sheet, table: dict[str, tuple[str, str]]) -> HeaderRow | None:
    """The row of the first ten in which most headers are known; None where no row has two of them.

    Two rows are one header where the lower one names columns that the upper one leaves blank: groups merged over theirs.
    """
    best: tuple[int, int] | None = None
    head = sheet.head()[: MAX_HEADER_ROW + 1]
    for i, row in enumerate(head[:MAX_HEADER_ROW]):
        hits = len({target for header in row if (target := target_of(header, table))})
        if hits >= 2 and (best is None or hits > best[0]):
            best = (hits, i)
    if best is None:
        return None
    at = best[1]
    below = head[at + 1] if at + 1 < len(head) else []
    if _names_columns(below, head[at]):
        return joined_header(head[at], below, at + 2, table)
    if at and _names_columns(head[at], head[at - 1]):
        return joined_header(head[at - 1], head[at], at + 1, table)
    return header_row(head[at], at + 1, table)


def _names_columns(lower: list[str | None], upper: list[str | None]) -> bool:
    """Whether a row names columns that the one above it leaves blank beside a named one, and holds no data."""
    words = [c.strip() for c in lower if c and c.strip()]
    if len(words) < 2 or any(NUMERIC.match(w) or w.startswith("#") for w in words):
        return False
    # a row of data has its own words, a row of headers says the same few of each group
    filled = [i for i, c in enumerate(lower) if c and c.strip()]
    beside = [i for i in filled if i and not header_key(upper[i]) and any(header_key(u) for u in upper[:i])]
    named_first = all(header_key(upper[i]) or i in beside for i in filled)
    repeats = len({header_key(w) for w in words}) < len(words)
    return bool(beside) and named_first and (repeats or all(MEASURE.search(w) for w in words))


def joined_header(
    upper: list[str | None], lower: list[str | None], number: int, table: dict[str, tuple[str, str]]
) -> HeaderRow:
    """The header of two rows: each group of the upper row stands over its columns up to the next group.

    A column is known by both names together; where the lower one says that persons are counted by the upper one, and where
    it says households by the field of households of the same group.
    """
    joined: list[str | None] = []
    groups: list[tuple[str, str]] = []
    group = ""
    for above, below in zip(upper, lower, strict=True):
        group = str(above) if header_key(above) else group if header_key(below) else ""
        label = " ".join(t for t in (group, below or "") if t)
        joined.append(label or None)
        groups.append((group, below or ""))
    plain = header_row(joined, number, table)
    known = {c.target for c in plain.columns if c.target}
    columns = tuple(
        column if column.target else replace(column, target=_of_group(*groups[column.index], table, known))
        for column in plain.columns
    )
    return replace(plain, columns=columns, rows=2)


def _of_group(
    group: str, measure: str, table: dict[str, tuple[str, str]], known: set[tuple[str, str]]
) -> tuple[str, str] | None:
    """What a column of a group stands for, from what the group stands for and what the column says it counts."""
    target = target_of(group, table)
    if target is None or not measure or target in known:
        return target if not measure else None
    if PERSONS.search(measure):
        return None if target[1].endswith("_households") or target[1] == "households" else target
    if HOUSEHOLDS.search(measure) and target[1].endswith("individuals"):
        of_households = (target[0], target[1].replace("individuals", "households"))
        return of_households if of_households in table.values() else None
    return None


def header_row(cells: list[str | None], number: int, table: dict[str, tuple[str, str]]) -> HeaderRow:
    """The headers of a row of cells."""
    columns: list[Column] = []
    repeated: list[Column] = []
    seen: set[str] = set()
    bare: list[int] = []
    for index, header in enumerate(cells):
        key = header_key(header)
        if not key:
            bare.append(index)
            continue
        column = Column(index, " ".join(str(header).split()), key, target_of(header, table))
        (repeated if key in seen else columns).append(column)
        seen.add(key)
    return HeaderRow(number, tuple(columns), tuple(repeated), tuple(bare))


def check_one_table(sheet: Sheet, header: HeaderRow, table: dict[str, tuple[str, str]]) -> None:
    """Above the headers stands no other table.

    Raises:
        DeliveryError: a row above them holds headers too.
    """
    known = len({c.target for c in header.columns if c.target})
    for number, row in enumerate(sheet.head()[: header.above], start=1):
        hits = len({target for cell in row if (target := target_of(cell, table))})
        if hits > 2 and 2 * hits > known:
            raise DeliveryError(
                f"headers stand in row {number} and in row {header.row}",
                "one table in a sheet",
                "send each table in a sheet of its own",
                sheet=sheet.name,
                row=header.row,
            )


def column_findings(texts: pl.DataFrame, header: HeaderRow, sheet: str | None, decisive: set[str]) -> list[Finding]:
    """Findings for columns under no header that hold something, and for columns that say what another says.

    Args:
        texts: the rows below the header.
        decisive: fields that identify or count: two columns that differ in one of them can't both be right.

    Raises:
        DeliveryError: they differ.
    """
    filled = {i: int(texts[f"c{i}"].drop_nulls().str.strip_chars().str.len_chars().gt(0).sum()) for i in header.bare}
    _check_bare(texts, header, filled, sheet, decisive)
    told = [f"{i + 1} ({n:,} rows)" for i, n in filled.items() if n]
    findings = []
    if told:
        sentence = f"columns without a header hold something and were not read: {', '.join(told[:8])}"
        findings.append(Finding("column_without_header", sentence, sheet, header.row))
    for name, (first, *others) in header.doubles().items():
        for other in others:
            a, b = (texts[c.cell].fill_null("").str.strip_chars() for c in (first, other))
            differ = int(((a != b) & (b != "")).sum())
            if differ and name in decisive:
                raise DeliveryError(
                    f"columns {first.index + 1} ({first.header}) and {other.index + 1} ({other.header}) both say {name}, and differ in {differ:,} rows",
                    "one column for it",
                    "take one of them out, or give it a header of its own",
                    sheet=sheet,
                    row=header.row,
                    column=other.header,
                )
            what = f"differs in {differ:,} rows and was not read" if differ else "says the same"
            sentence = f"column {other.index + 1} ({other.header}) stands for {name}, as column {first.index + 1} does; it {what}"
            findings.append(Finding("repeated_column", sentence, sheet, header.row))
    return findings


def _check_bare(
    texts: pl.DataFrame, header: HeaderRow, filled: dict[int, int], sheet: str | None, decisive: set[str]
) -> None:
    """No column of numbers without a header stands beside one that counts: which of the two counts is not known.

    Raises:
        DeliveryError: one does, as under a header that is merged over several columns.
    """
    counts = {c.index: c for c in header.columns if c.target and c.target[0] == "field" and c.target[1] in decisive}
    for index, rows in filled.items():
        beside = counts.get(index - 1)
        if beside is None or beside.target is None or not COUNTS.search(beside.target[1]):
            continue
        numbers = texts.filter(plain(pl.col(f"c{index}")).str.contains(NUMERIC.pattern)).height
        if rows and numbers >= 0.5 * texts.height:
            raise DeliveryError(
                f"column {index + 1} holds {numbers:,} numbers under no header, beside {beside.header!r}, which may be merged over both",
                "a header over every column that counts",
                "ask the sender which of the two columns counts what, and to name both",
                sheet=sheet,
                row=header.row,
                column=beside.header,
            )


def numbered(sheet: Sheet) -> pl.DataFrame:
    """The cells with `source_row`, as a person counts it; rows without anything in them are left out."""
    cells = sheet.cells.columns
    filled = pl.any_horizontal(pl.col(cells).str.strip_chars().str.len_chars().fill_null(0) > 0)
    return (
        sheet.cells.with_row_index("source_row", offset=1)
        .with_columns(pl.col("source_row").cast(pl.Int64))
        .filter(filled)
    )


def data_rows(sheet: Sheet, header: HeaderRow) -> pl.DataFrame:
    """Rows below the header that hold anything, with `source_row` as a person counts it."""
    return numbered(sheet).filter(pl.col("source_row") > header.row)


def original_json(header: HeaderRow) -> pl.Expr:
    """The row as it arrived, by the file's own headers, as JSON; what stands under no header goes by its column."""
    used: set[str] = set()
    fields = [pl.col(f"c{i}").alias(f"column {i + 1}") for i in header.bare]
    for column in sorted((*header.columns, *header.repeated), key=lambda c: c.index):
        name = column.header
        while name in used:
            name += "*"
        used.add(name)
        fields.append(pl.col(column.cell).alias(name))
    return pl.struct(fields).struct.json_encode()


def headers_of(header: HeaderRow) -> dict[str, str]:
    """The header of each field, as the file spells it."""
    return {name: column.header for name, column in header.fields().items()}


def told_apart_by(texts: pl.DataFrame, header: HeaderRow, alike: pl.Series) -> str:
    """The unread column, if there is one, that tells rows apart which are alike in all that is read, as part of a sentence.

    Args:
        texts: the rows as text.
        alike: a number for each row that others are alike with, the same for those that are; null for all other rows.
    """
    rows = texts.with_columns(_alike=alike).filter(pl.col("_alike").is_not_null())
    for column in header.unknown() if not rows.is_empty() else []:
        value = plain(pl.col(column.cell))
        apart = value.is_not_null() & (value.n_unique().over("_alike") == pl.len().over("_alike"))
        numbers = rows.filter(value.str.contains(NUMERIC.pattern)).height
        if rows.select(apart.all()).item() and numbers < 0.5 * rows.height:
            return f"; they differ in the column {column.told!r}, which is not read: add up what are parts of one figure, or ask the sender what it says"
    return ""
