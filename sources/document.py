"""A delivery as it can be read: sheets of text cells, or JSON. What can't be read is told in one sentence."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

HEAD_ROWS = 40
ENCODINGS = ("utf-8-sig", "cp1256", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
DATE_HEADER = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?: 00:00:00)?$")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class DeliveryError(Exception):
    """A delivery that can't be used: what was found, what was expected, what to do."""


def header_key(header: str | None) -> str:
    """Letters and digits of a header, lower case, without byte-order marks, tatweel, accents and newlines.

    A header that a spreadsheet took for a date comes back as day and month: `2019-08-14 00:00:00` and `14-Aug`
    share a key, and so do `2019-01-01` and `Jan 19`.
    """
    text = unicodedata.normalize("NFKC", header or "").strip()
    text = re.sub(r"^X\.U\.FEFF\.", "", text)
    as_date = DATE_HEADER.match(text)
    if as_date:
        day, month = int(as_date[3]), MONTHS[int(as_date[2]) - 1]
        # `Jan 19` was taken for the 19th of January, or for the 1st of January 2019
        text = f"{month}{as_date[1][2:]}" if day == 1 else f"{day}-{month}"
    return "".join(c for c in text.lower() if c.isalnum() and c != "\u0640")


@dataclass(frozen=True)
class Sheet:
    """Cells as text, null where empty. Row i of `cells` is row i + 1 of the file as a person sees it."""

    name: str | None
    cells: pl.DataFrame
    short_rows: dict[int, int] = field(default_factory=dict)
    """Rows of a text file that have fewer fields than the widest: row number to number of fields."""

    def head(self) -> list[list[str | None]]:
        return [list(row) for row in self.cells.head(HEAD_ROWS).rows()]


@dataclass(frozen=True)
class Document:
    """A delivery's bytes, and what they turn out to be."""

    name: str
    path: Path

    @cached_property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def format(self) -> str:
        """`workbook`, `json` or `text`, from the bytes and not from the name.

        Raises:
            DeliveryError: the file is empty, an archive, or no format that is read.
        """
        head = self.raw[:4096]
        if not self.raw.strip():
            raise DeliveryError("is empty; ask the sender to send it again")
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            return "workbook"
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            return "json"
        controls = sum(1 for b in head if b < 9 or 13 < b < 32)
        utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        if controls > len(head) // 50 and not utf16:
            raise DeliveryError(
                "is neither a workbook, nor text, nor JSON: its bytes are of no known format; ask for it as XLSX or CSV"
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
            raise DeliveryError(f"is JSON that is not UTF-8 (byte {error.start}); download it again") from error
        except RecursionError as error:
            raise DeliveryError("is JSON nested beyond reason; download it again") from error
        except json.JSONDecodeError as error:
            cut = error.pos >= len(error.doc.rstrip()) - 1 or "Unterminated" in error.msg
            what = "is cut off" if cut else "is damaged"
            raise DeliveryError(
                f"is JSON that {what} at line {error.lineno}, column {error.colno} ({error.msg}); download it again"
            ) from error

    @cached_property
    def text(self) -> tuple[str, str]:
        """The decoded text and the encoding that fits."""
        if self.raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.raw.decode("utf-16"), "utf-16"
        for encoding in ENCODINGS:
            try:
                return self.raw.decode(encoding), encoding
            except UnicodeDecodeError:
                continue
        return self.raw.decode("latin-1"), "latin-1"

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The sheets that hold cells; a text file is one sheet without a name.

        Raises:
            DeliveryError: the workbook or the text is damaged.
        """
        return _workbook(self.raw) if self.format == "workbook" else [_text_sheet(*self.text)]


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
                sheets.append(Sheet(name, _at_its_columns(cells, loaded)))
    except fastexcel.FastExcelError as error:
        said = str(error).strip().splitlines()
        kind = (
            "a ZIP archive that is no workbook, or a workbook that was cut"
            if raw[:2] == b"PK"
            else "a damaged workbook"
        )
        raise DeliveryError(
            f"can't be opened: {kind} ({said[0] if said else 'no more is known'}); ask the sender to save it again as XLSX"
        ) from error
    if not sheets:
        raise DeliveryError("is a workbook without a single cell; ask the sender to send it again")
    return sheets


def _at_its_columns(cells: pl.DataFrame, loaded: Any) -> pl.DataFrame:
    """Leading blank columns, which the reader drops, put back, so that columns are those a person sees."""
    columns = loaded.available_columns()
    dropped = columns[0].absolute_index if columns else 0
    shifted = [pl.lit(None, pl.String).alias(f"c{i}") for i in range(dropped)]
    return cells.select(
        *shifted, *(pl.col(n).cast(pl.String).alias(f"c{i + dropped}") for i, n in enumerate(cells.columns))
    )


def _text_sheet(text: str, encoding: str) -> Sheet:
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    head = text[:200_000]
    widths = {d: _width(head, d) for d in DELIMITERS}
    delimiter = max(widths, key=lambda d: widths[d])
    width = max(1, widths[delimiter])
    names = [f"c{i}" for i in range(width)]
    body = (delimiter.join(names) + "\n" + text).encode("utf-8")
    try:
        cells = pl.read_csv(body, separator=delimiter, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        wrong = _first_long_row(text, delimiter, width)
        if wrong:
            raise DeliveryError(
                f"row {wrong[0]} has {wrong[1]} fields where {width} were expected; mend the row, or send the workbook"
            ) from error
        raise DeliveryError(
            f"can't be read as text in columns ({encoding}): a quotation mark is opened and not closed, or the file is cut"
        ) from error
    return Sheet(None, cells, _short_rows(text, delimiter, width))


def _width(head: str, delimiter: str) -> int:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        return max((len(r) for _, r in zip(range(HEAD_ROWS), rows, strict=False)), default=0)
    except csv.Error:
        return 0


def _first_long_row(text: str, delimiter: str, width: int) -> tuple[int, int] | None:
    csv.field_size_limit(2**31 - 1)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1):
            if len(row) > width:
                return number, len(row)
    except csv.Error:
        pass
    return None


def _short_rows(text: str, delimiter: str, width: int) -> dict[int, int]:
    """Rows with fewer fields than the widest, which Polars pads with nulls without a word."""
    if '"' not in text:
        lines = pl.Series(text.split("\n"))
        counts = lines.str.count_matches(delimiter, literal=True) + 1
        blank = lines.str.strip_chars().str.len_chars() == 0
        short = (counts < width) & ~blank
        rows = short.arg_true()
        return dict(zip((rows + 1).to_list(), counts.gather(rows).to_list(), strict=True))
    csv.field_size_limit(2**31 - 1)
    try:
        rows_of_text = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return {i: len(r) for i, r in enumerate(rows_of_text, start=1) if 0 < len(r) < width}
    except csv.Error:
        return {}
