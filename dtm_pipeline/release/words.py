"""Tables as they leave the home: a provider's own words by the lists, all others by a stand-in. Method: docs/method/words.md."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.domain.words import UNLISTED, Words, saying


def leaving(frame: pl.DataFrame, declared: Table, words: Words) -> pl.DataFrame:
    """The rows of a table with every word of a provider that no list has behind its stand-in.

    Args:
        frame: rows of the declared table, which has location_code where its words depend on the country.
    """
    for column in _of_words(declared):
        if column.name in frame.columns:
            frame = _said(frame, column, words)
    return frame


def _of_words(declared: Table) -> list[Column]:
    return [c for c in declared.columns if c.words is not None]


def _asked(frame: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Each different word of a column, with the country that it is said of: country, word."""
    country = pl.col("location_code") if "location_code" in frame.columns else pl.lit(None, pl.String)
    return frame.select(country=country, word=column.name).drop_nulls("word").unique()


def _said(frame: pl.DataFrame, column: Column, words: Words) -> pl.DataFrame:
    """The rows with the words of a column as they leave."""
    asked = _asked(frame, column)
    say = saying(words, str(column.words))
    told = asked.with_columns(leaves=pl.Series([say(c, w) for c, w in asked.iter_rows()], dtype=pl.String))
    if told.filter(pl.col("leaves") != pl.col("word")).is_empty():
        return frame
    country = pl.col("location_code") if "location_code" in frame.columns else pl.lit(None, pl.String)
    rows = frame.select(country=country, word=column.name)
    leaves = rows.join(told, on=["country", "word"], how="left", nulls_equal=True, maintain_order="left")["leaves"]
    return frame.with_columns(leaves.alias(column.name))


def stand_ins(tables: dict[str, pl.DataFrame]) -> dict[str, int]:
    """How many different words of each list left behind a stand-in."""
    told: dict[str, set[str]] = {}
    for declared in published_tables():
        for column in _of_words(declared):
            words = tables[declared.name][column.name].drop_nulls().unique()
            told.setdefault(str(column.words), set()).update(words.filter(words.str.contains(UNLISTED, literal=True)))
    return {name: len(words) for name, words in sorted(told.items()) if words}


@dataclass(frozen=True, order=True)
class HiddenWord:
    """A word of a provider that leaves by a stand-in, with the country and the list that it is of."""

    location_code: str
    list: str
    word: str
    stand_in: str


def hidden_words(frame: pl.DataFrame, declared: Table, words: Words) -> set[HiddenWord]:
    """All words that leave by a stand-in: for the analyst, who may list them.

    Args:
        frame: rows of the declared table, as they stay in the home.
    """
    hidden = set()
    for column in _of_words(declared):
        say = saying(words, str(column.words))
        for code, word in _asked(frame, column).iter_rows():
            if (leaves := say(code, word)) != word:
                hidden.add(HiddenWord(code or "", str(column.words), word, leaves))
    return hidden
