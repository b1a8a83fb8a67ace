"""What a reader of stored values does not tell of an XLSX workbook: its extent, damage, errors, formulas without values.

The sheets are looked through as they lie in the archive, a piece at a time, before they are read.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 1 << 22
OVERLAP = 1 << 10
MOST_BYTES = 4 << 30
MOST_CELLS = 100_000_000
CELL = re.compile(rb'<c [^>]*?\br="([A-Z]{1,3})(\d+)"')
ROW = re.compile(rb'<row [^>]*?\br="(\d+)"')
ERROR = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*?t="e"')
NO_VALUE = re.compile(
    rb'<c r="([A-Z]+)(\d+)"[^>]*>\s*(?:<f>[^<]*</f>|<f [^>]*>[^<]*</f>|<f[^>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)
SHEET = re.compile(r'<(?:\w+:)?sheet [^>]*?name="([^"]*)"[^>]*?r:id="([^"]*)"')
RELATION = re.compile(r"<Relationship [^>]*>")
HIDDEN_ROW = re.compile(
    rb'<row [^>]*?\br="(\d+)"[^>]*?\bhidden="(?:1|true)"|<row [^>]*?\bhidden="(?:1|true)"[^>]*?\br="(\d+)"'
)
STYLED = re.compile(rb'<c r="[A-Z]+(\d+)"(?: [^>]*?)?\bs="(\d+)"[^>]*?(?:/>|>)')
PLAIN_CELL = re.compile(rb'<c r="[A-Z]+(\d+)"(?![^>]*\bs=)[^>]*>')
FONT = re.compile(rb"<font>.*?</font>|<font/>", re.DOTALL)
FORMAT = re.compile(rb"<xf [^>]*?fontId=\"(\d+)\"")
TOLD = 20


class WorkbookError(Exception):
    """A workbook that must not be read: what was found."""


@dataclass
class Examination:
    """What a person sees of a workbook and its values do not tell: cells without a value (sheet, cell), hidden and struck rows."""

    errors: list[tuple[str, str, int]] = field(default_factory=list)
    without_value: list[tuple[str, str, int]] = field(default_factory=list)
    hidden_rows: dict[str, list[int]] = field(default_factory=dict)
    """By sheet the rows that a filter or a person hid."""
    struck_rows: dict[str, list[int]] = field(default_factory=dict)
    """By sheet the rows of which every cell is struck through."""


def examine(path: Path) -> Examination:
    """Look an XLSX workbook through.

    Raises:
        WorkbookError: it is damaged, unpacks to more than is reasonable, or a stray cell spans an immense sheet.
    """
    found = Examination()
    try:
        with zipfile.ZipFile(path) as book:
            if sum(m.file_size for m in book.infolist()) > MOST_BYTES:
                raise WorkbookError(f"it unpacks to more than {MOST_BYTES:,} bytes")
            struck = _struck_formats(book)
            for name, member in _sheets(book).items():
                _examine_sheet(book, member, name, struck, found)
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, NotImplementedError, EOFError, ValueError) as error:
        raise WorkbookError(f"it is damaged, or was cut ({type(error).__name__})") from error
    return found


def _sheets(book: zipfile.ZipFile) -> dict[str, str]:
    """The name of each sheet, and the member that holds it."""
    names = SHEET.findall(book.read("xl/workbook.xml").decode("utf-8", "replace"))
    relations = RELATION.findall(book.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace"))
    targets = {
        i[1]: t[1]
        for r in relations
        if (i := re.search(r'\bId="([^"]*)"', r)) and (t := re.search(r'\bTarget="([^"]*)"', r))
    }
    members = {n: targets[i].lstrip("/").removeprefix("xl/") for n, i in names if i in targets}
    return {n: f"xl/{m}" for n, m in members.items() if f"xl/{m}" in book.namelist()}


def _pieces(book: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The bytes of a member, each piece with the end of the one before; reading to the end checks its sum."""
    tail = b""
    with book.open(member) as sheet:
        while piece := sheet.read(PIECE):
            yield tail + piece
            tail = piece[-OVERLAP:]


def _struck_formats(book: zipfile.ZipFile) -> set[int]:
    """Numbers of the cell formats whose font is struck through."""
    if "xl/styles.xml" not in book.namelist():
        return set()
    styles = book.read("xl/styles.xml")
    if b"<strike" not in styles:
        return set()
    fonts = {i for i, f in enumerate(FONT.findall(styles)) if re.search(rb'<strike(?! val="(?:0|false)")', f)}
    formats = styles[styles.find(b"<cellXfs") : styles.find(b"</cellXfs>")]
    return {i for i, font in enumerate(FORMAT.findall(formats)) if int(font) in fonts}


def _examine_sheet(book: zipfile.ZipFile, member: str, name: str, struck: set[int], found: Examination) -> None:
    column, row = 0, 0
    hidden: set[int] = set()
    cells_struck: set[int] = set()
    cells_not: set[int] = set()
    for piece in _pieces(book, member):
        last = ROW.match(piece, piece.rfind(b"<row "))
        row = max(row, int(last[1])) if last else row
        column, row = _extent(piece, column, row)
        if column * row > MOST_CELLS:
            raise WorkbookError(
                f"sheet {name!r} spans {column:,} columns and {row:,} rows: a stray cell far from the others"
            )
        if b'hidden="' in piece:
            hidden |= {int(a or b) for a, b in HIDDEN_ROW.findall(piece)}
        if struck:
            for number, style in STYLED.findall(piece):
                (cells_struck if int(style) in struck else cells_not).add(int(number))
            cells_not |= {int(n) for n in PLAIN_CELL.findall(piece)}
        for pattern, cells in ((ERROR, found.errors), (NO_VALUE, found.without_value)):
            if (pattern is ERROR and b't="e"' not in piece) or (pattern is NO_VALUE and b"<f" not in piece):
                continue
            for letters, number in pattern.findall(piece):
                cell = (name, letters.decode(), int(number))
                if cell not in cells[-TOLD:]:
                    cells.append(cell)
    if hidden:
        found.hidden_rows[name] = sorted(hidden)
    if cells_struck - cells_not:
        found.struck_rows[name] = sorted(cells_struck - cells_not)


def _extent(piece: bytes, column: int, row: int) -> tuple[int, int]:
    """The farthest column and row of a piece of a sheet, and of what was seen before. The last cell of a row is its farthest."""
    for of_row in piece.split(b"</row>"):
        if last := CELL.match(of_row, max(of_row.rfind(b"<c "), 0)):
            column, row = max(column, _number(last[1])), max(row, int(last[2]))
    return column, row


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
