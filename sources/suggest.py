"""What a header that no list knows may mean: only where its words and the cells below it agree."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import polars as pl

from dtm_pipeline.quality.parse import decimal_number, plain, whole_number
from sources.dates import day_column
from sources.document import DeliveryError, Sheet, header_key
from sources.headers import (
    HOUSEHOLDS,
    MAX_HEADER_ROW,
    MEASURE,
    NUMERIC,
    PERSONS,
    Column,
    HeaderRow,
    data_rows,
    header_row,
)
from sources.protocol import Finding

COUNT, NUMBER, DAY, CODE, TEXT = "counts", "numbers", "days", "codes", "words"
AGREE = 0.8
"""Share of the filled cells of a column that must be of one sort."""
LIKENESS = 0.85
"""Of the letters of a header and a known one, where neither holds the words of the other."""
SHORTEST = 4
"""Letters that a known header must have to be found within another."""
MOST_TOLD = 8
P_CODE = r"^[A-Za-z]{2,3}[-_]?[A-Za-z]?\d[\dA-Za-z-]*$"
WORDS = re.compile(r"[^\W_]+")
COUNTED = re.compile(r"(households|individuals|movements)$")
HELD = (
    (re.compile(r"_date$|^observed_on$"), (DAY,)),
    (re.compile(r"^latitude$|^longitude$|^hours_observed$"), (NUMBER, COUNT)),
    (re.compile(r"^location_code$"), ()),
    (re.compile(r"_code$"), (CODE,)),
    (re.compile(r"_id$|_number$|_round$|_level$"), (CODE, COUNT, TEXT)),
)
"""What cells of a field are, by its name; those of all others are words."""


@dataclass(frozen=True)
class Suggestion:
    """A column that may stand for a field, or for a category of a breakdown."""

    column: Column
    target: tuple[str, str]

    @property
    def meaning(self) -> str:
        return self.target[1] if self.target[0] == "field" else "/".join(self.target)

    def line(self, kind: str) -> str:
        """The line of a code list that makes the header known."""
        first = kind if self.target[0] == "field" else self.target[0]
        return f"{first},{self.target[1]},{self.column.told},YOUR NAME,YYYY-MM-DD"


FILES = {"headers.csv": "kind,field,alias,by,on", "category_headers.csv": "dimension,category_code,alias,by,on"}
"""Code lists of `HOME/reference/code_lists` that a header may stand in, and their first lines."""


def how_to_add(found: list[Suggestion], kind: str) -> str:
    """What to add to which file of the home, so that the headers are read as suggested."""
    parts = []
    for file, first in FILES.items():
        of_file = [s for s in found if (s.target[0] == "field") == (file == "headers.csv")]
        lines = " and ".join(f"`{s.line(kind)}`" for s in of_file)
        if lines:
            parts.append(f"add {lines} to HOME/reference/code_lists/{file} (its first line is `{first}`)")
    return " and ".join(parts)


def suggestions(texts: pl.DataFrame, header: HeaderRow, table: dict[str, tuple[str, str]]) -> list[Suggestion]:
    """What the unknown headers of a sheet may mean.

    Args:
        texts: the rows below the header, as text.
        table: known headers of the kind (`header_key`) and what each stands for.
    """
    taken = {c.target for c in header.columns if c.target}
    found: dict[tuple[str, str], tuple[float, Suggestion]] = {}
    for column in header.unknown():
        content = content_of(texts, column.cell)
        near = _near(column.header, table)
        if not near:
            continue
        # what a header says first is what it means, or nothing is known of it
        likeness, target = near[0]
        fits = target not in taken and target[1] != "ignored" and _agrees(column.header, target, content)
        if fits and (target not in found or found[target][0] < likeness):
            found[target] = (likeness, Suggestion(column, target))
    return sorted((suggestion for _, suggestion in found.values()), key=lambda s: s.column.index)


def content_of(texts: pl.DataFrame, cell: str) -> str | None:
    """Of what sort most cells of a column are; None where it is blank, or of no one sort."""
    # tags (HXL) below a header are none of its cells
    filled = texts.select(t=plain(pl.col(cell))).filter(~pl.col("t").str.starts_with("#"))
    if filled.is_empty():
        return None
    shares = filled.select(
        whole_number(pl.col("t")).is_not_null().mean().alias(COUNT),
        decimal_number(pl.col("t")).is_not_null().mean().alias(NUMBER),
        pl.col("t").str.contains(P_CODE).mean().alias(CODE),
        (~pl.col("t").str.contains(NUMERIC.pattern)).mean().alias(TEXT),
    ).row(0, named=True)
    try:
        shares[DAY] = filled.select(day_column(filled, "t").is_not_null().mean()).item()
    except DeliveryError:
        shares[DAY] = 1.0  # days in two orders are days
    return next((sort for sort in (DAY, COUNT, NUMBER, CODE, TEXT) if (shares[sort] or 0) >= AGREE), None)


def _words(text: str) -> list[str]:
    return [w.lower().removesuffix("s") for w in WORDS.findall(text)]


def _near(header: str, table: dict[str, tuple[str, str]]) -> list[tuple[float, tuple[str, str]]]:
    """Known headers that a header is like, the nearest first."""
    key, words = header_key(header), {header_key(w) for w in _words(header)}
    inside = [
        known
        for known in table
        if len(known) >= SHORTEST and (known.removesuffix("s") in words or (len(known) > SHORTEST + 2 and known in key))
    ]
    alike = difflib.get_close_matches(key, list(table), n=3, cutoff=LIKENESS)
    near = [(1 + len(known) / max(1, len(key)), table[known]) for known in inside]
    measures = ((PERSONS, "individuals"), (HOUSEHOLDS, "households"))
    said = [
        ("field", name) for words_of, name in measures if words_of.search(header) and ("field", name) in table.values()
    ]
    near += [(1.0, target) for target in said]
    near += [(difflib.SequenceMatcher(None, key, known).ratio(), table[known]) for known in alike]
    return sorted(near, key=lambda n: (-n[0], n[1]))


def _agrees(header: str, target: tuple[str, str], content: str | None) -> bool:
    """Whether the cells are what the field holds, and the header names no other measure."""
    dimension, name = target
    if dimension != "field":
        # the cells of a category count people: its header must name the category, and nothing that is counted
        return content == COUNT and not MEASURE.search(header)
    if COUNTED.search(name):
        other = PERSONS if name.endswith("households") else HOUSEHOLDS
        return content == COUNT and not other.search(header)
    return content in next((sorts for ends, sorts in HELD if ends.search(name)), (TEXT,))


def unknown_headers(
    texts: pl.DataFrame, header: HeaderRow, table: dict[str, tuple[str, str]], kind: str, sheet: str | None
) -> list[Finding]:
    """A finding for the headers that no code list knows: what each may mean, and the line that would add it."""
    unknown = header.unknown()
    if not unknown:
        return []
    near = suggestions(texts, header, table)
    names = "; ".join(repr(c.told) for c in unknown[:MOST_TOLD])
    left = f"; and {len(unknown) - MOST_TOLD} more" if len(unknown) > MOST_TOLD else ""
    sentence = f"headers that no code list knows were left out: {names}{left}"
    if near:
        likely = ", ".join(f"{s.column.told!r} may be {s.meaning}" for s in near[:MOST_TOLD])
        sentence += f"; {likely}: if so {how_to_add(near[:MOST_TOLD], kind)}"
    return [Finding("unknown_header", sentence, sheet, header.row)]


def likely_header(sheet: Sheet, table: dict[str, tuple[str, str]]) -> HeaderRow | None:
    """The first of the rows with most words among the first ten; None where no row has two."""
    head = sheet.head()[:MAX_HEADER_ROW]
    counts = [sum(1 for c in row if c and header_key(c) and not NUMERIC.match(c)) for row in head]
    at = max(range(len(head)), key=lambda i: counts[i], default=None)
    return header_row(head[at], at + 1, table) if at is not None and counts[at] >= 2 else None


def suggested(sheets: list[Sheet], table: dict[str, tuple[str, str]]) -> list[Suggestion]:
    """What headers of a document may mean to a kind whose own headers it lacks."""
    found: dict[tuple[str, str], Suggestion] = {}
    for sheet in sheets:
        header = likely_header(sheet, table)
        if header is not None:
            for suggestion in suggestions(data_rows(sheet, header), header, table):
                found.setdefault(suggestion.target, suggestion)
    return list(found.values())
