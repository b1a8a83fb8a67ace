"""Aggregations that keep unknown apart from zero."""

from __future__ import annotations

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


def joined(column: str, separator: str = "; ") -> pl.Expr:
    """The distinct known values as one text, sorted; null where none is known."""
    values = pl.col(column).drop_nulls().unique().sort()
    return pl.when(values.len() > 0).then(values.str.join(separator)).alias(column)


def joined_texts(rows: pl.DataFrame, key: str, separators: dict[str, str]) -> pl.DataFrame:
    """The distinct known values of several columns as one text each, by a number.

    Most groups have one value of each: only those with several are taken apart and put together.

    Args:
        rows: `key` (a number) and the columns.
        separators: what stands between the values of each column.
    """
    ends = rows.group_by(key).agg(
        *(pl.col(c).min() for c in separators), *(pl.col(c).max().alias(f"_last_{c}") for c in separators)
    )
    several = pl.any_horizontal(pl.col(c) != pl.col(f"_last_{c}") for c in separators).fill_null(False)
    alike = ends.filter(~several).select(key, *separators)
    apart = rows.join(ends.filter(several), on=key, how="semi").select(key, *separators).unique()
    return pl.concat([alike, apart.group_by(key).agg(joined(c, s) for c, s in separators.items())])
