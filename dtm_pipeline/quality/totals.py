"""Totals that stand beside their parts: control totals, never added to them. Method: docs/method/statements.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dtm_pipeline.quality.identity import COUNTRY, PLACE, STANDS_FOR, UNIT_LEVELS

TOTAL, DIFFERS, REMAINDER, UNCLEAR = "total", "total_differs", "remainder", "unclear"
SAME_PEOPLE = "same_people"


@dataclass(frozen=True)
class Statement:
    """How rows of one delivery add up.

    Attributes:
        scope: keys that one statement shares (country, level, operation, type, date, round).
        unit: keys of a place within it.
        parts: keys that tell the parts of one figure apart (reason, origin); null where a row names no part.
        measure: the count that adds up over parts.
    """

    scope: tuple[str, ...]
    unit: tuple[str, ...]
    parts: tuple[str, ...]
    measure: str


def totals_beside_parts(rows: pl.DataFrame, statement: Statement) -> pl.Series:
    """Which rows are the total of rows beside them.

    A row that names no part, beside at least two parts that sum to it, or beside one that equals it, is their total.
    Where a statement has such totals, a row without a part that its parts do not sum to is a total that differs: the
    parts are read. Elsewhere it is a part of which nobody said which.

    Rows that name one kind of part only (reasons), beside rows that name another only (origins), are two breakdowns of one
    figure: where their sums are equal the first kind is read, else nobody said which is right.

    Returns:
        `total`, `total_differs`, `same_people` (of a second breakdown), `unclear` (of two that differ) or null for each row.
    """
    told = rows.select(*statement.scope, *statement.unit, *statement.parts, measure=statement.measure).with_columns(
        verdict=pl.lit(None, pl.String)
    )
    for part in statement.parts:
        others = [p for p in statement.parts if p != part]
        told = _marked(told, statement, [*statement.unit, *others], pl.col(part).is_not_null())
    if len(statement.parts) > 1:
        named = pl.any_horizontal(pl.col(p).is_not_null() for p in statement.parts)
        told = _marked(told, statement, list(statement.unit), named)
        told = _two_breakdowns(told, statement)
    return told["verdict"]


def _two_breakdowns(told: pl.DataFrame, statement: Statement) -> pl.DataFrame:
    """The rows with verdicts on those that break one figure down by another kind of part than those before them."""
    group = [*statement.scope, *statement.unit]
    left = pl.col("verdict").is_null()
    alone = {
        p: left & pl.col(p).is_not_null() & pl.all_horizontal(pl.col(o).is_null() for o in statement.parts if o != p)
        for p in statement.parts
    }
    sums = {p: pl.when(only).then("measure").sum().over(group) for p, only in alone.items()}
    first, *others = statement.parts
    for other in others:
        both = alone[first].any().over(group) & alone[other].any().over(group)
        equal = sums[first] == sums[other]
        told = told.with_columns(
            verdict=pl.when(both & equal & alone[other])
            .then(pl.lit(SAME_PEOPLE))
            .when(both & ~equal & (alone[first] | alone[other]))
            .then(pl.lit(UNCLEAR))
            .otherwise("verdict")
        )
    return told


def _marked(told: pl.DataFrame, statement: Statement, group: list[str], named: pl.Expr) -> pl.DataFrame:
    """The rows with verdicts on those that name no part of a group in which others do."""
    scope = list(statement.scope)
    part = named & pl.col("verdict").is_null()
    judged = told.with_columns(
        _parts=part.sum().over(*scope, *group),
        _sum=pl.when(part).then("measure").sum().over(*scope, *group),
        _total=~named & pl.col("verdict").is_null() & pl.col("measure").is_not_null(),
    ).with_columns(_total=pl.col("_total") & (pl.col("_parts") > 0))
    equal = pl.col("_total") & (pl.col("measure") == pl.col("_sum"))
    proven = (equal & (pl.col("_parts") > 1)).any().over(scope) if scope else (equal & (pl.col("_parts") > 1)).any()
    return judged.with_columns(
        verdict=pl.when(equal)
        .then(pl.lit(TOTAL))
        .when(pl.col("_total") & proven)
        .then(pl.lit(DIFFERS))
        .otherwise("verdict")
    ).drop("_parts", "_sum", "_total")


@dataclass(frozen=True)
class Units:
    """How the rows of a list that name units (`UNIT_LEVELS`) add up.

    Attributes:
        scope: keys that rows of one statement share, whatever they are parts of (country, date).
        parts: further keys that tell the parts of a figure apart (group, reason, provider).
        measures: counts; rows are compared in those that both state.
    """

    scope: tuple[str, ...]
    parts: tuple[str, ...]
    measures: tuple[str, ...]


def subtotals(rows: pl.DataFrame, units: Units) -> pl.Series:
    """Rows of a larger unit beside rows of smaller ones in it, from the smallest units up to the country.

    Equal to their sum, or to their sum and that of the other rows that name no smaller unit, a row is a subtotal. Less than
    their sum it can't be one: it is people of whom the smaller unit is not known. More than their sum may be either, and is
    not to be added. A row that may stand for a larger unit (`STANDS_FOR`) is its total where it equals the sum of two or more
    others, and otherwise what it says it is.

    Args:
        rows: of `with_unit_levels`, with the columns of `units`, in the order of the file.

    Returns:
        `total`, `remainder`, `unclear` or null for each row.
    """
    told = rows.select(
        *units.scope,
        *units.parts,
        *_outlined(UNIT_LEVELS),
        *units.measures,
        STANDS_FOR,
        _depth=pl.max_horizontal(
            pl.lit(COUNTRY), *(pl.when(pl.col(k).is_not_null()).then(n) for n, k in enumerate(UNIT_LEVELS, 1))
        ),
        _whole=pl.lit("all"),
        _verdict=pl.lit(None, pl.String),
    )
    over_parts = pl.all_horizontal(pl.lit(True), *(pl.col(p).is_null() for p in units.parts))
    for depth in reversed(range(PLACE)):
        if told.filter((pl.col("_depth") == depth) | (pl.col(STANDS_FOR) == depth)).is_empty():
            continue
        group = ["_whole", *units.scope, *UNIT_LEVELS[:depth]]
        told = _judged(told, [*group, *units.parts], depth, pl.lit(True), units.measures)
        if units.parts:
            told = _judged(told, group, depth, over_parts, units.measures)
    return told["_verdict"]


def _outlined(levels: tuple[str, ...]) -> list[pl.Expr]:
    """Keys of units. Where a row names a unit and none above it, those above are the ones last named, as in an outline."""
    named = [pl.col(k).is_not_null() for k in levels]
    return [
        # a row that bears the name of a larger unit is no line of an outline
        pl.when(
            ~pl.any_horizontal(named[: n + 1])
            & pl.any_horizontal(pl.lit(False), *named[n + 1 :])
            & pl.col(STANDS_FOR).is_null()
        )
        .then(pl.col(key).forward_fill())
        .otherwise(key)
        .alias(key)
        for n, key in enumerate(levels)
    ]


def _judged(
    told: pl.DataFrame, group: list[str], depth: int, asked: pl.Expr, measures: tuple[str, ...]
) -> pl.DataFrame:
    """The rows with verdicts on those of one depth, and on those that may stand for it."""
    under = (pl.col("_depth") > depth) & (pl.col("_verdict").is_null() | (pl.col("_verdict") == REMAINDER))
    counted = pl.any_horizontal(pl.col(m) > 0 for m in measures)
    others = {m: pl.when(under).then(m).sum().over(group) - pl.col(m) for m in measures}
    standing = asked & under & (pl.col(STANDS_FOR) == depth) & counted & (under.sum().over(group) > 2) & _equal(others)
    # a district may bear its governorate's name and be as large as all others
    unsure = (pl.col("_depth") < PLACE) & (depth > COUNTRY)
    told = told.with_columns(
        _verdict=pl.when(standing & unsure)
        .then(pl.lit(UNCLEAR))
        .when(standing)
        .then(pl.lit(TOTAL))
        .otherwise("_verdict")
    )

    compared = {
        m: pl.when(pl.col(m).is_not_null() & (pl.when(under).then(m).count().over(group) > 0)).then(
            pl.when(under).then(m).sum().over(group)
        )
        for m in measures
    }
    whole = asked & (pl.col("_depth") == depth) & pl.any_horizontal(c.is_not_null() for c in compared.values())
    left = whole & pl.col("_verdict").is_null()
    told = told.with_columns(_verdict=pl.when(left & _equal(compared)).then(pl.lit(TOTAL)).otherwise("_verdict"))

    beside = {m: c + pl.when(left).then(m).sum().over(group) - pl.col(m) for m, c in compared.items()}
    less = pl.all_horizontal(c.is_null() | (pl.col(m) < c) for m, c in compared.items())
    return told.with_columns(
        _verdict=pl.when(left & (left.sum().over(group) > 1) & counted & _equal(beside))
        .then(pl.lit(TOTAL))
        .when(left & less)
        .then(pl.lit(REMAINDER))
        .when(left)
        .then(pl.lit(UNCLEAR))
        .otherwise("_verdict")
    )


def _equal(sums: Mapping[str, pl.Expr]) -> pl.Expr:
    """Whether a row states each of some sums; what it does not state, or is not known, is not compared."""
    return pl.all_horizontal(pl.col(m).is_null() | s.is_null() | (pl.col(m) == s) for m, s in sums.items())


def sums_of_rows_above(
    rows: pl.DataFrame, asked: pl.Expr, scope: tuple[str, ...], measures: tuple[str, ...]
) -> pl.Series:
    """Which of some rows are the sum of two or more rows that stand right above them, among those of one scope.

    Args:
        rows: in the order of the file.
        asked: the rows that may be such a sum; none of them is a part of another.
        scope: keys that a total shares with its parts.
        measures: counts, all of which must agree.
    """
    group = ["_whole", *scope]
    counted = pl.any_horizontal(pl.col(m) > 0 for m in measures)
    before = {f"_before_{m}": pl.when(~pl.col("_asked")).then(m).fill_null(0).cum_sum().over(group) for m in measures}
    told = (
        rows.with_row_index("_at")
        .with_columns(_asked=asked, _whole=pl.lit("all"))
        .with_columns(**before, _rows=(counted & ~pl.col("_asked")).cum_sum().over(group))
    )
    sums = told.filter(pl.col("_asked") & counted).with_columns(
        (pl.col(f"_before_{m}") - pl.col(m).fill_null(0)).alias(f"_before_{m}") for m in measures
    )
    keys = [*group, *before]
    starts = [told.select(*keys, _start="_rows"), told.select(*group).unique().with_columns(*(pl.lit(0, pl.Int64).alias(b) for b in before), _start=pl.lit(0, pl.UInt32))]  # fmt: skip
    found = (
        sums.join(pl.concat(starts, how="vertical_relaxed"), on=keys, nulls_equal=True)
        .filter(pl.col("_rows").cast(pl.Int64) - pl.col("_start").cast(pl.Int64) >= 2)["_at"]
        .unique()
    )
    return told.select(pl.col("_at").is_in(found.to_list()).alias("is_sum"))["is_sum"]
