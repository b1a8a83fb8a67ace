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
    values = pl.col(column).drop_nulls()
    return pl.when(values.n_unique() > 1).then(pl.lit("mixed")).otherwise(values.min()).alias(column)


def joined(column: str, separator: str = "; ") -> pl.Expr:
    """The distinct known values as one text, sorted; null where none is known."""
    values = pl.col(column).drop_nulls().unique().sort()
    return pl.when(values.len() > 0).then(values.str.join(separator)).alias(column)
