"""Aggregations that keep unknown apart from zero."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl


def known_sum(column: str) -> pl.Expr:
    """Sum of the known values; null when none is known. (Polars gives 0 for a sum of nothing but nulls.)"""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(column)


def complete_sum(column: str) -> pl.Expr:
    """Sum when every value is known, else null: for a part that must add up with another part."""
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum()).alias(column)


def one_or_mixed(column: str) -> pl.Expr:
    """The one value that stands in all rows that have one, `mixed` where they differ, null where none has."""
    first, last = pl.col(column).min(), pl.col(column).max()
    return pl.when(first != last).then(pl.lit("mixed")).otherwise(first).alias(column)


def numbered(rows: pl.DataFrame, keys: list[str], name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with a number for what `keys` tell apart, and the keys of each number, in their order.

    Groups and windows over one number cost a fraction of those over seven columns of text.
    """
    known = rows.select(keys).unique().sort(keys, nulls_last=True).with_row_index(name)
    numbers = rows.select(keys).join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return rows.with_columns(numbers[name]), known


def run_starts(rows: pl.DataFrame, keys: Iterable[str]) -> pl.Series:
    """Which rows differ from the one before them in any of the columns: true for the first."""
    differs = pl.any_horizontal(pl.col(k).ne_missing(pl.col(k).shift(1)) for k in keys)
    return rows.select((differs | (pl.int_range(pl.len()) == 0)).alias("starts"))["starts"]


def numbered_runs(rows: pl.DataFrame, keys: list[str], name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same for rows that lie together by `keys`, as a table on disk does by its grain; others are laid together.

    Returns:
        The rows, with the number of the run that each is in, rising; the keys of each run.
    """
    starts = run_starts(rows, keys)
    known = rows.select(keys).filter(starts)
    if known.is_duplicated().any():
        return numbered_runs(rows.sort(keys, nulls_last=True), keys, name)
    numbers = (starts.cum_sum() - 1).cast(pl.UInt32).set_sorted()
    return rows.with_columns(numbers.alias(name)), known.with_row_index(name)


def joined(column: str, separator: str = "; ") -> pl.Expr:
    """The distinct known values as one text, sorted; null where none is known."""
    values = pl.col(column).drop_nulls().unique().sort()
    return pl.when(values.len() > 0).then(values.str.join(separator)).alias(column)


def as_ends(columns: Iterable[str]) -> list[pl.Expr]:
    """Each text of a row as the last of its own, `_last_c`: what `ends` puts together."""
    return [pl.col(c).alias(f"_last_{c}") for c in columns]


def ends(columns: Iterable[str]) -> list[pl.Expr]:
    """The first and the last of the known texts of a group, from those of its rows or of smaller groups."""
    told = list(columns)
    return [*(pl.col(c).min() for c in told), *(pl.col(f"_last_{c}").max() for c in told)]


def with_joined_texts(
    groups: pl.DataFrame, rows: pl.DataFrame, keys: list[str], separators: dict[str, str]
) -> pl.DataFrame:
    """Groups with the distinct known values of several columns of their rows as one text each.

    Most groups have one value of each: only the rows of those with several are looked at.

    Args:
        groups: the keys, and `ends` of the columns; other columns stay.
        rows: the keys and the columns.
        keys: what tells the groups apart.
        separators: what stands between the values of each column.
    """
    last = [f"_last_{c}" for c in separators]
    several = pl.any_horizontal(pl.col(c) != pl.col(f"_last_{c}") for c in separators).fill_null(False)
    if not groups.select(several.any()).item():
        return groups.drop(last)
    alike, apart = groups.filter(~several).drop(last), groups.filter(several).drop(last)
    theirs = rows.select(*keys, *separators).join(apart, on=keys, how="semi", nulls_equal=True).unique()
    told = theirs.group_by(keys).agg(joined(c, s) for c, s in separators.items())
    whole = apart.drop(*separators).join(told, on=keys, nulls_equal=True)
    return pl.concat([alike, whole.select(alike.columns)])
