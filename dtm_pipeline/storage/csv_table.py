"""Anybody's CSV file as text, for commands that ask for one."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

SEPARATORS = (",", ";", "\t")


class CsvTableError(Exception):
    """A file that can't be read as a table; the sentence says what to do."""


def read_csv_table(file: Path) -> pl.DataFrame:
    """A CSV file as text: UTF-8, a header, and commas, semicolons or tabs, whichever its header has most of.

    Raises:
        CsvTableError: no such file, unreadable, or a column that stands twice.
    """
    if not file.is_file():
        raise CsvTableError(f"{file}: there is no such file")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            separator = max(SEPARATORS, key=lines.readline().count)
            lines.seek(0)
            # a name may go over several lines
            header = next(csv.reader(lines, delimiter=separator), [])
        table = pl.read_csv(file, infer_schema=False, separator=separator)
    except (OSError, UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError) as error:
        raise CsvTableError(
            f"{file.name}: can't be read as a UTF-8 CSV with a header and rows ({type(error).__name__}); save it as CSV UTF-8"
        ) from None
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise CsvTableError(f"{file.name}: has the columns {', '.join(twice)} twice; rename one of each")
    return table
