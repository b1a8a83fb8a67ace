"""Tables as they leave the home: a provider's own words by the lists, all others by a stand-in. Method: docs/method/words.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.domain.words import UNLISTED, Words, saying


def leaving(frame: pl.DataFrame, declared: Table, words: Words) -> pl.DataFrame:
    """The rows of a table with every word of a provider that no list has behind its stand-in.

    Args:
        frame: rows of the declared table, which has location_code where its words depend on the country.
    """
    present = [c for c in declared.columns if c.words is not None and c.name in frame.columns]
    said = [_said(frame, column, words) for column in present]
    return frame.with_columns(s for s in said if s is not None)


def _said(frame: pl.DataFrame, column: Column, words: Words) -> pl.Series | None:
    """The values of a column as they leave; None where all of them may. Each distinct word is looked up once."""
    country = pl.col("location_code") if "location_code" in frame.columns else pl.lit(None, pl.String)
    asked = frame.select(country.alias("country"), word=column.name)
    several = column.type == "strings"
    flat = asked.explode("word") if several else asked
    distinct = flat.filter(pl.col("word").is_not_null()).unique()
    say = saying(words, column.words or "")
    told = [say(c, w) for c, w in distinct.iter_rows()]
    if told == distinct["word"].to_list():
        return None
    leaves = distinct.with_columns(leaves=pl.Series(told, dtype=pl.String))
    numbered = asked.with_row_index("_row")
    rows = (numbered.explode("word") if several else numbered).join(
        leaves, on=["country", "word"], how="left", nulls_equal=True, maintain_order="left"
    )
    if not several:
        return rows["leaves"].alias(column.name)
    # a list without words stays as it is: none, or not known
    gathered = rows.group_by("_row", maintain_order=True).agg(pl.col("leaves").drop_nulls())["leaves"]
    return _with_nulls(gathered, frame[column.name])


def _with_nulls(gathered: pl.Series, before: pl.Series) -> pl.Series:
    """Lists as they leave, null where nothing was known before."""
    pair = pl.DataFrame({"now": gathered, "before": before})
    return pair.select(pl.when(pl.col("before").is_not_null()).then("now").alias(before.name)).to_series()


def stand_ins(tables: dict[str, pl.DataFrame]) -> dict[str, int]:
    """How many different words of each list left behind a stand-in."""
    told: dict[str, set[str]] = {}
    for declared in published_tables():
        for column in declared.columns:
            if column.words is not None and column.type == "string":
                words = tables[declared.name][column.name].drop_nulls().unique()
                hidden = words.filter(words.str.contains(UNLISTED, literal=True))
                told.setdefault(column.words, set()).update(hidden)
    return {name: len(words) for name, words in sorted(told.items()) if words}


def hidden_words(frame: pl.DataFrame, declared: Table, words: Words) -> set[tuple[str, str, str, str]]:
    """The country, list, word and stand-in of all that leaves by a stand-in: for the analyst, who may list them.

    Args:
        frame: rows of the declared table, as they stay in the home.
    """
    hidden: set[tuple[str, str, str, str]] = set()
    for column in declared.columns:
        if column.words is not None and column.type == "string":
            say = saying(words, column.words)
            country = pl.col("location_code") if "location_code" in frame.columns else pl.lit(None, pl.String)
            for code, word in frame.select(country, word=column.name).drop_nulls("word").unique().iter_rows():
                if (leaves := say(code, word)) != word:
                    hidden.add((code or "", column.words, word, leaves))
    return hidden
