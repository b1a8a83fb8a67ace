"""Text to numbers and dates, with what could not be read told apart from what is empty."""

from __future__ import annotations

import polars as pl

ARABIC_DIGITS = {chr(0x660 + d): str(d) for d in range(10)} | {chr(0x6F0 + d): str(d) for d in range(10)}
BLANKS = ("-", "–", "not available", "n/a", "na", "null", "none")
"""Words for a blank where a name, a number or a date is expected. An answer is read against its own list first."""


def written(text: pl.Expr) -> pl.Expr:
    """Text without surrounding white space, in Western digits; null only where nothing is written.

    For answers and codes: `None`, `n/a` and `Not available` may be what was answered.
    """
    cleaned = text.str.strip_chars(" \t\r\n\u00a0\u200f\u200e\ufeff")
    cleaned = cleaned.str.replace_many(list(ARABIC_DIGITS), list(ARABIC_DIGITS.values()))
    return pl.when(cleaned != "").then(cleaned)


def plain(text: pl.Expr) -> pl.Expr:
    """Text as `written`, and null where it holds a word for a blank. For names, numbers and dates, never for answers."""
    cleaned = written(text)
    return pl.when(~cleaned.str.to_lowercase().is_in(BLANKS)).then(cleaned)


def coded(text: pl.Expr, code: pl.Expr) -> pl.Expr:
    """An answer as it is written where its list knows it; a word for a blank is one only where the list has no such word.

    Args:
        text: the answer.
        code: what the list of answers makes of it, null where it has no such word.
    """
    return pl.when(code.is_not_null()).then(written(text)).otherwise(plain(text))


UNITS = {
    "households": r"hhs?|h/h|households?|fam|famil(?:y|ies)|ménages?|familles?|عائلة|عائلات|اسرة|أسرة|اسر|أسر",
    "individuals": r"inds?|individuals?|persons?|people|pax|personnes?|individus?|فرد|افراد|أفراد|شخص|اشخاص|أشخاص|نسمة",
}
"""Words that people write after a count, by the end of the name of the column that counts it."""


def without_unit(text: pl.Expr, name: str) -> pl.Expr:
    """Text without the word for what a column counts: `400 HH` in one of households. A word for another unit stays.

    Args:
        name: of the column: `households`, `new_individuals`.
    """
    unit = next((words for ends, words in UNITS.items() if name.endswith(ends)), None)
    return text.str.replace(rf"(?i)^\s*([\d,. ]*\d)\s*(?:{unit})\s*\.?\s*$", "${1}") if unit else text


def whole_number(text: pl.Expr) -> pl.Expr:
    """Text as Int64: `1234`, `1,234`, `1 234`, `1234.0`; null where it is none.

    Also for `12.5`, `about 12` and `1.000`, which is one in some countries and a thousand in others.
    """
    bare = plain(text)
    grouped = bare.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.0{1,2})?$|^[+-]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+$")
    bare = pl.when(grouped).then(bare.str.replace_all(r"[, \x{a0}\x{202f}]", "")).otherwise(bare)
    fits = bare.str.contains(r"^[+-]?\d{1,15}(\.0{1,2})?$")
    return pl.when(fits).then(bare.str.replace(r"\.0+$", "").str.strip_prefix("+")).cast(pl.Int64, strict=False)


def whole_numbers(frame: pl.DataFrame, columns: dict[str, str], counts: dict[str, str]) -> pl.DataFrame:
    """The frame with columns of text read as Int64, as `whole_number` reads them, without words for what they count.

    Columns of plain digits, which nearly all are, are cast; only the others meet the patterns.

    Args:
        columns: name of the new column, and of the text column.
        counts: names of new columns that count something, and the field that says what (`households`).
    """
    quick = frame.select(pl.col(text).cast(pl.Int64, strict=False).alias(name) for name, text in columns.items())
    slow = [n for n, text in columns.items() if quick[n].null_count() > frame[text].null_count()]
    read = frame.select(whole_number(without_unit(pl.col(columns[n]), counts.get(n, n))).alias(n) for n in slow)
    return frame.with_columns(quick.with_columns(read) if slow else quick)


def decimal_number(text: pl.Expr) -> pl.Expr:
    """Text as Float64; null where it is no finite number."""
    number = plain(text).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def unreadable(text: pl.Expr, parsed: pl.Expr) -> pl.Expr:
    """Something is written and could not be read."""
    return plain(text).is_not_null() & parsed.is_null()
