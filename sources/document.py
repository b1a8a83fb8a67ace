"""A delivery as it can be read: sheets of text cells, or JSON. What can't be read is told in one sentence."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from sources.workbook import Examination, WorkbookError, examine

HEAD_ROWS = 40
HEAD_BYTES = 1 << 18
CHUNK_BYTES = 1 << 21
BATCH_ROWS = 4_000
LEGACY_ENCODINGS = ["cp1256", "cp1252", "cp1254"]
"""What spreadsheets of the six countries save text in, where it is not UTF-8: Arabic, Western, Turkish."""
DAMAGED_AT_MOST = 20
"""A text of which fewer than one character in so many is damaged is UTF-8 that lost bytes, and no legacy encoding."""
DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
DATE_HEADER = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?: 00:00:00)?$")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
QUOTE, NEWLINE, RETURN = ord('"'), ord("\n"), ord("\r")
OPENERS = np.isin(np.arange(256), [QUOTE, NEWLINE, RETURN, codecs.BOM_UTF8[-1]])
"""Bytes after which a quotation mark opens a field, beside the delimiter."""
SEND_AGAIN = "ask the sender to send it again"


class DeliveryError(Exception):
    """A delivery that can't be used: where, what was found, what was expected, what to do.

    The sentence quotes no cell that may hold people's data.
    """

    def __init__(
        self,
        found: str,
        expected: str,
        action: str,
        *,
        sheet: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.found, self.expected, self.action = found, expected, action
        self.sheet, self.row, self.column = sheet, row, column
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.where}{self.found}; expected {self.expected}; {self.action}"

    @property
    def where(self) -> str:
        parts = [
            f"sheet {self.sheet!r}" if self.sheet else "",
            f"row {self.row}" if self.row else "",
            f"column {self.column!r}" if self.column else "",
        ]
        told = ", ".join(p for p in parts if p)
        return f"{told}: " if told else ""

    def at(self, sheet: str | None) -> Self:
        """The same refusal, said of a sheet."""
        same = self.__class__.__new__(self.__class__)
        same.__dict__.update(self.__dict__)
        same.sheet = self.sheet or sheet
        Exception.__init__(same, str(same))
        return same


FACTS = {
    "kind": ("KIND", "--as", ""),
    "country": ("ISO3", "--country", "IRQ"),
    "population_group": ("GROUP", "--group", "idp"),
    "reference_date": ("YYYY-MM-DD", "--date", "2000-01-01"),
    "date_order": ("dmy", "--date-order", "dmy"),
}
"""Facts that a sidecar can state of a delivery: what stands for the value, the option of `dtm retry`, and a value to read on
with when it lacks."""


class MissingFactError(DeliveryError):
    """A delivery that does not say something that a sidecar can say. The reading goes on to find what else it lacks."""

    def __init__(self, fact: str, found: str, expected: str, *, read_on_with: str | None = None) -> None:
        self.fact = fact
        self.read_on_with = read_on_with or FACTS[fact][2]
        super().__init__(found, expected, say_facts([fact]))


def say_facts(facts: list[str], name: str = "NAME") -> str:
    """How to state facts of a delivery: the lines of its sidecar, and the command that writes them."""
    lines = " and ".join(f'{fact} = "{FACTS[fact][0]}"' for fact in facts)
    options = " ".join(f"{FACTS[fact][1]} {FACTS[fact][0]}" for fact in facts)
    return f'say {lines} in a sidecar {name}.toml beside it, or: dtm retry "{name}" {options}'


@lru_cache(maxsize=65536)
def header_key(header: str | None) -> str:
    """Letters and digits of a header, lower case, without byte-order marks, tatweel, accents and newlines.

    A header that a spreadsheet took for a date comes back as day and month: `2019-08-14 00:00:00` and `14-Aug`
    share a key, and so do `2019-01-01` and `Jan 19`.
    """
    text = unicodedata.normalize("NFKC", header or "").strip()
    text = re.sub(r"^X\.U\.FEFF\.", "", text)
    as_date = DATE_HEADER.match(text)
    if as_date and 1 <= int(as_date[2]) <= len(MONTHS):
        day, month = int(as_date[3]), MONTHS[int(as_date[2]) - 1]
        # `Jan 19` was taken for the 19th of January, or for the 1st of January 2019
        text = f"{month}{as_date[1][2:]}" if day == 1 else f"{day}-{month}"
    return "".join(c for c in text.lower() if c.isalnum() and c != "\u0640")


class Sheet:
    """Cells as text, null where empty. Row i of `cells` is row i + 1 of the file as a person sees it."""

    visible = True

    def __init__(self, name: str | None, cells: pl.DataFrame, visible: bool = True) -> None:
        self.name = name
        self._cells = cells
        self.visible = visible

    @property
    def cells(self) -> pl.DataFrame:
        return self._cells

    @property
    def short_rows(self) -> dict[int, int]:
        """Rows of a text file that have fewer fields than the widest: row number to number of fields."""
        return {}

    @property
    def width(self) -> int:
        return self.cells.width

    @property
    def row_count(self) -> int:
        return self.cells.height

    def head(self) -> list[list[str | None]]:
        return [list(row) for row in self.cells.head(HEAD_ROWS).rows()]

    def batches(self) -> Iterator[pl.DataFrame]:
        """The cells with `source_row`, as a person counts it, some rows at a time."""
        whole = self.cells.with_row_index("source_row", offset=1)
        yield from whole.with_columns(pl.col("source_row").cast(pl.Int64)).iter_slices(BATCH_ROWS)


class TextSheet(Sheet):
    """The one sheet of a text file. Its head is read at once, the rest when it is asked for."""

    def __init__(self, path: Path, encoding: str, scratch: Path | None = None, mend: bool = True) -> None:
        self.name = None
        self.mend = mend
        self.encoding = encoding
        self.scratch = scratch
        self._source = path
        head = _decoded_head(path, encoding)
        self.lone_returns = "\r" in head and "\n" not in head
        # the body is split at line feeds: a lone carriage return is a part of a cell
        self._head = re.sub(r"\r(?!\n)", "\n" if self.lone_returns else " ", head)
        widths = {d: _width(self._head, d) for d in DELIMITERS}
        self.delimiter = max(widths, key=lambda d: widths[d])
        self._width = max(1, widths[self.delimiter])

    @property
    def width(self) -> int:
        return self._width

    @property
    def row_count(self) -> int:
        return len(self.field_counts)

    def head(self) -> list[list[str | None]]:
        rows = csv.reader(io.StringIO(self._head, newline=""), delimiter=self.delimiter)
        try:
            head = [row for _, row in zip(range(HEAD_ROWS), rows, strict=False)]
        except csv.Error:
            head = []
        return [[c or None for c in row] + [None] * (self._width - len(row)) for row in head]

    @cached_property
    def _utf8(self) -> Path:
        """The file itself where it is UTF-8 with line feeds, else a copy that is, beside nobody's eyes."""
        if not self.mend and not self.lone_returns:
            return self._source
        self._copy = tempfile.TemporaryDirectory(prefix="dtm-", dir=self.scratch)
        path = Path(self._copy.name) / "text.csv"
        with (
            self._source.open(encoding=self.encoding, newline="", errors="replace") as old,
            path.open("w", encoding="utf-8", newline="") as new,
        ):
            while piece := old.read(CHUNK_BYTES):
                new.write(piece.replace("\r", "\n") if self.lone_returns else piece)
        return path

    @cached_property
    def _records(self) -> _Records:
        return _records(self._utf8, self.delimiter)

    @property
    def field_counts(self) -> np.ndarray:
        """Fields of each record, quotes minded; 0 for a blank line."""
        return self._records.fields

    @cached_property
    def short_rows(self) -> dict[int, int]:
        short = np.flatnonzero((self.field_counts < self._width) & (self.field_counts > 0))
        return {int(i) + 1: int(self.field_counts[i]) for i in short}

    def _parsed(self, source: Path | bytes) -> pl.DataFrame:
        """Text in columns.

        Raises:
            DeliveryError: a row has more fields than the rows above it, or a quotation mark is not closed.
        """
        long = np.flatnonzero(self.field_counts > self._width)
        if long.size:
            row = int(long[0])
            raise DeliveryError(
                f"the row has {self.field_counts[row]} fields",
                f"{self._width}, as the rows above it",
                "mend the row (a quotation mark or a delimiter too many), or send the workbook",
                row=row + 1,
            )
        try:
            return pl.read_csv(
                source,
                separator=self.delimiter,
                has_header=False,
                missing_columns="insert",
                schema={f"c{i}": pl.String for i in range(self._width)},
            )
        except pl.exceptions.PolarsError as error:
            raise DeliveryError(
                f"the text ({self.encoding}, {DELIMITER_NAMES[self.delimiter]}) can't be read in columns: a quotation mark is opened and not closed, or the file is cut",
                "rows of fields",
                SEND_AGAIN,
            ) from error

    @cached_property
    def cells(self) -> pl.DataFrame:
        return self._parsed(self._utf8)

    def batches(self) -> Iterator[pl.DataFrame]:
        starts = self._records.starts
        if starts is None:
            yield from super().batches()
            return
        with self._utf8.open("rb") as file:
            for number, start in enumerate(starts):
                end = starts[number + 1] if number + 1 < len(starts) else None
                file.seek(start)
                piece = self._parsed(file.read() if end is None else file.read(end - start))
                rows = piece.with_row_index("source_row", offset=1 + number * BATCH_ROWS)
                yield rows.with_columns(pl.col("source_row").cast(pl.Int64))


@dataclass(frozen=True)
class Document:
    """A delivery's bytes, and what they turn out to be."""

    name: str
    path: Path
    forms: tuple[tuple[str, Path], ...] = ()
    """Names and files of the forms (XLSForm) that came with it, or before it."""
    scratch: Path | None = None
    """Where copies may lie while it is read; the system's place for them where none is named."""

    @cached_property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def _start(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    @cached_property
    def format(self) -> str:
        """`workbook`, `json` or `text`, from the bytes and not from the name.

        Raises:
            DeliveryError: the file is empty, or of no format that is read.
        """
        head = self._start[:4096]
        if not head.strip() and not self.raw.strip():
            raise DeliveryError("is empty", "a workbook, text in columns, or JSON", SEND_AGAIN)
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            return "workbook"
        if re.match(rb"[\xef\xbb\xbf\s]*(\{\s*[\"}]|\[\s*[\[{\]])", head):
            return "json"
        _check_no_markup(head)
        controls = sum(1 for b in head if b < 9 or 13 < b < 32)
        utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        if controls > len(head) // 50 and not utf16:
            raise DeliveryError(
                "its bytes are of no known format",
                "a workbook (XLSX, XLS, ODS), text in columns (CSV), JSON, or a ZIP archive of these",
                "ask for it as XLSX or CSV",
            )
        return "text"

    @cached_property
    def json(self) -> Any:
        """The JSON content.

        Raises:
            DeliveryError: it is cut or damaged.
        """
        try:
            return json.loads(self.raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise DeliveryError(f"byte {error.start} is no UTF-8", "JSON in UTF-8", "download it again") from error
        except json.JSONDecodeError as error:
            cut = error.pos >= len(error.doc.rstrip()) - 1 or "Unterminated" in error.msg
            what = "is cut off" if cut else "is damaged"
            raise DeliveryError(
                f"{what} at line {error.lineno}, column {error.colno} ({error.msg})", "whole JSON", "download it again"
            ) from error
        except ValueError as error:
            raise DeliveryError("holds a number beyond reason", "JSON of records", "download it again") from error
        except RecursionError as error:
            raise DeliveryError("is nested beyond reason", "JSON of records", "download it again") from error

    @cached_property
    def encoding(self) -> str:
        """The encoding of a text file: UTF-8 or UTF-16 where it is, else the legacy one that its bytes speak for."""
        if self._start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if _is_utf8(self.path):
            return "utf-8-sig" if self._start.startswith(codecs.BOM_UTF8) else "utf-8"
        if self.damaged_places:
            return "utf-8"
        from charset_normalizer import from_bytes

        best = from_bytes(_from_first_letter(self.path), cp_isolation=LEGACY_ENCODINGS).best()
        return best.encoding if best else "cp1252"

    @cached_property
    def damaged_places(self) -> int:
        """Places at which a text that is UTF-8 everywhere else is not: a byte was lost on its way."""
        if _is_utf8(self.path):
            return 0
        good = bad = 0
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        with self.path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                bad += decoder.decode(piece).count("\N{REPLACEMENT CHARACTER}")
                # bytes that begin a character that is no ASCII
                good += int((np.frombuffer(piece, dtype=np.uint8) >= 0xC0).sum())
        return bad if good > DAMAGED_AT_MOST * bad else 0

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The visible sheets that hold cells; a text file is one sheet without a name.

        Raises:
            DeliveryError: the workbook or the text is damaged, or shows no sheet.
        """
        if self.format == "workbook":
            _ = self.examination  # a workbook that must not be opened is refused before it is
            visible = [s for s in self._workbook if s.visible]
            if not visible:
                raise DeliveryError(
                    f"every sheet with cells is hidden ({', '.join(repr(s.name) for s in self._workbook)})",
                    "a sheet that a person sees",
                    "ask the sender which sheet counts, and to unhide it",
                )
            return visible
        return [TextSheet(self.path, self.encoding, self.scratch, mend=not _is_utf8(self.path))]

    @cached_property
    def _workbook(self) -> list[Sheet]:
        return _workbook(self.raw)

    @property
    def hidden_sheets(self) -> list[str]:
        """Names of sheets that hold cells and that the workbook hides: they are not read."""
        return [str(s.name) for s in self._workbook if not s.visible] if self.format == "workbook" else []

    @cached_property
    def examination(self) -> Examination:
        """What stands in a workbook and has no value.

        Raises:
            DeliveryError: it must not be opened.
        """
        if not self._start.startswith(b"PK") or not _is_xlsx(self.path):
            return Examination()
        try:
            return examine(self.path)
        except WorkbookError as error:
            raise DeliveryError(
                f"can't be opened: {error}", "a workbook", "ask the sender to save it again as XLSX"
            ) from error

    def facts(self) -> dict[str, str]:
        """What its bytes turned out to be, for the record of the reading."""
        if self.format != "text":
            return {"format": self.format}
        sheet = self.sheets[0]
        assert isinstance(sheet, TextSheet)
        return {"format": "text", "encoding": self.encoding, "delimiter": DELIMITER_NAMES[sheet.delimiter]}


def _check_no_markup(head: bytes) -> None:
    """A page or an XML workbook is no text in columns, whatever its name ends in.

    Raises:
        DeliveryError: it is one.
    """
    start = head.decode("utf-8-sig", errors="ignore").lstrip().lower()
    what = None
    if re.match(r"<!doctype html|<html|<table|<head|<body|<meta", start):
        what = "a web page (HTML), as some systems export it under the name of a workbook"
    elif start.startswith(("<?xml", "<workbook")):
        old = "urn:schemas-microsoft-com:office:spreadsheet" in start
        what = "an XML workbook of 2003 (SpreadsheetML)" if old else "XML"
    if what:
        raise DeliveryError(
            f"is {what}",
            "a workbook (XLSX, XLS, ODS) or text in columns (CSV)",
            "open it in a spreadsheet, save it as XLSX, and deliver that file",
        )


PASSWORD = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds a workbook with a password."""


def _check_no_password(raw: bytes, said: str) -> None:
    """A workbook with a password can't be opened.

    Raises:
        DeliveryError: it has one.
    """
    if PASSWORD in raw or "password" in said.lower():
        raise DeliveryError(
            "is a workbook with a password", "one that opens without", "ask the sender to save it without the password"
        )


def _workbook(raw: bytes) -> list[Sheet]:
    import fastexcel

    try:
        book = fastexcel.read_excel(raw)
        sheets = []
        for name in book.sheet_names:
            # all as text: types come from the contract, not from the first thousand rows
            loaded = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            cells = loaded.to_polars()
            if cells.width and cells.height:
                sheets.append(Sheet(name, _at_its_columns(cells, loaded), loaded.visible == "visible"))
    except fastexcel.FastExcelError as error:
        said = str(error).strip().splitlines()
        _check_no_password(raw, str(error))
        what = "a ZIP archive that is no workbook, or a workbook that was cut" if raw[:2] == b"PK" else "damaged"
        raise DeliveryError(
            f"can't be opened: it is {what} ({said[0] if said else 'no more is known'})",
            "a workbook",
            "ask the sender to save it again as XLSX",
        ) from error
    if not sheets:
        raise DeliveryError("is a workbook without a single cell", "a sheet with rows", SEND_AGAIN)
    return sheets


def _at_its_columns(cells: pl.DataFrame, loaded: Any) -> pl.DataFrame:
    """Leading blank columns, which the reader drops, put back, so that columns are those a person sees."""
    columns = loaded.available_columns()
    dropped = columns[0].absolute_index if columns else 0
    shifted = [pl.lit(None, pl.String).alias(f"c{i}") for i in range(dropped)]
    return cells.select(
        *shifted, *(pl.col(n).cast(pl.String).alias(f"c{i + dropped}") for i, n in enumerate(cells.columns))
    )


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_xlsx(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as book:
            return "xl/workbook.xml" in book.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return False


def _from_first_letter(path: Path) -> bytes:
    """Bytes from the first that is no ASCII on: what an encoding shows itself in."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            high = np.flatnonzero(np.frombuffer(piece, dtype=np.uint8) > 0x7F)
            if high.size:
                return piece[int(high[0]) :][:HEAD_BYTES] + file.read(max(0, HEAD_BYTES - (len(piece) - int(high[0]))))
    return b""


def _decoded_head(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        return file.read(HEAD_BYTES)


def _width(head: str, delimiter: str) -> int:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        return max((len(r) for _, r in zip(range(HEAD_ROWS), rows, strict=False)), default=0)
    except csv.Error:
        return 0


@dataclass(frozen=True)
class _Records:
    """The records of a text file: fields of each (0 for a blank line), and the byte where every batch begins.

    `starts` is None where quotation marks stand in the middle of fields, which only a reader of fields can mind.
    """

    fields: np.ndarray
    starts: list[int] | None


def _records(path: Path, delimiter: str) -> _Records:
    """The records of a UTF-8 file, counted over its bytes in pieces, so that no row is looped over."""
    separator, quoted, last, done, open_fields = ord(delimiter), False, NEWLINE, 0, 0
    ends, returns, counts = [], [], []
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            bytes_ = np.frombuffer(data, dtype=np.uint8)
            before = np.concatenate([[last], bytes_[:-1]]).astype(np.uint8)
            outside = np.ones(bytes_.size, dtype=bool)
            if quoted or b'"' in data:
                quote = bytes_ == QUOTE
                inside = ((np.cumsum(quote, dtype=np.int32) + quoted) & 1).astype(bool)
                opened_after = before[quote & inside]
                if not (OPENERS[opened_after] | (opened_after == separator)).all():
                    return _Records(_fields_one_by_one(path, delimiter), None)
                outside, quoted = ~inside, bool(inside[-1])
            end = (bytes_ == NEWLINE) & outside
            at = np.flatnonzero(end)
            delimiters = np.flatnonzero((bytes_ == separator) & outside)
            until = np.searchsorted(delimiters, at)
            told = np.diff(until, prepend=0)
            if at.size:
                told[0] += open_fields
                open_fields = 0
            open_fields += int(delimiters.size - (until[-1] if at.size else 0))
            ends.append(at + done)
            returns.append(before[end] == RETURN)
            counts.append(told)
            last, done = int(bytes_[-1]), done + len(data)
    if last != NEWLINE or quoted:  # the last record ends with the file
        ends.append(np.array([done]))
        returns.append(np.array([last == RETURN]))
        counts.append(np.array([open_fields]))
    if not ends or not sum(e.size for e in ends):
        return _Records(np.zeros(0, dtype=np.int64), [])
    every = np.concatenate(ends)
    first = np.concatenate([[0], every[:-1] + 1])
    fields = np.concatenate(counts) + 1
    blank = every - first - np.concatenate(returns) <= 0
    return _Records(np.where(blank, 0, fields), first[::BATCH_ROWS].tolist())


def _fields_one_by_one(path: Path, delimiter: str) -> np.ndarray:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        try:
            counts = [len(row) for row in csv.reader(file, delimiter=delimiter)]
        except csv.Error:
            counts = []
    return np.array(counts, dtype=np.int64)
