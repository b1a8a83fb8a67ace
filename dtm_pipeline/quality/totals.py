"""Totals that stand beside their parts: control totals, never added to them. Method: docs/method/statements.md."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.places.names import spelling_key

TOTAL, DIFFERS = "total", "total_differs"


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

    Returns:
        `total`, `total_differs` or null for each row.
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
    return told["verdict"]


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


REMAINDER, UNCLEAR = "remainder", "unclear"


def subtotals_of_units(
    rows: pl.DataFrame, scope: tuple[str, ...], unit: str, finer: str, measures: list[str]
) -> pl.Series:
    """Rows of a larger unit beside rows of smaller ones in it.

    Equal to their sum it is a subtotal. Less than their sum it can't be one: it is people of whom the smaller unit is not
    known. More than their sum may be either, and is not to be added.

    Args:
        scope: keys that rows of one statement and part share.
        unit: key of the larger unit; a row without it is of none.
        finer: key of the smaller unit, null in a row of the larger one.
        measures: counts; a row and the rows under it are compared in those that both state.

    Returns:
        `total`, `remainder`, `unclear` or null for each row.
    """
    group = [*scope, unit]
    under = pl.col(finer).is_not_null()
    sums = {m: pl.when(under).then(m).sum().over(group) for m in measures}
    stated = {m: pl.col(m).is_not_null() & (pl.when(under).then(m).count().over(group) > 0) for m in measures}
    whole = pl.col(finer).is_null() & pl.col(unit).is_not_null() & (under.sum().over(group) > 0)
    known = pl.any_horizontal(stated.values())
    equal = pl.all_horizontal(~stated[m] | (pl.col(m) == sums[m]) for m in measures)
    less = pl.all_horizontal(~stated[m] | (pl.col(m) < sums[m]) for m in measures)
    return rows.select(
        verdict=pl.when(whole & known & equal)
        .then(pl.lit(TOTAL))
        .when(whole & known & less)
        .then(pl.lit(REMAINDER))
        .when(whole & known)
        .then(pl.lit(UNCLEAR))
    )["verdict"]


def sums_without_a_place(rows: pl.DataFrame, measures: list[str]) -> pl.Series:
    """Rows of a list of places that name none and whose counts are the sum of the places of their unit.

    The unit is the district that a row names, else its governorate, else the whole list. A row without an id that bears the
    name of its district or governorate names no other place: where it is the sum of two or more it is their sum.

    Args:
        rows: place_id (null: no place), _derived (the id is made of names), provider_admin1_name, provider_admin2_name,
            location_name, and the measures.

    Returns:
        Whether each row is such a sum.
    """
    units = {f"_unit{n}": spelling_key(pl.col(f"provider_admin{n}_name")) for n in (1, 2)}
    name = spelling_key(pl.col("location_name"))
    told = rows.select(
        pl.col("place_id").is_not_null().alias("_placed"),
        "_derived",
        _name=name,
        **units,
        **{m: pl.col(m) for m in measures},
    )
    named_so = _named_as_their_unit(told, measures)
    told = told.with_columns(_placed=pl.col("_placed") & ~named_so)
    first, second = pl.col("_unit1").is_not_null(), pl.col("_unit2").is_not_null()
    scopes: tuple[tuple[pl.Expr, list[str]], ...] = (
        (second, ["_unit1", "_unit2"]),
        (first & ~second, ["_unit1"]),
        (~first & ~second, []),
    )
    found = pl.lit(False)
    for of_level, keys in scopes:
        stated = [pl.col(m).is_not_null() & (pl.col(m) > 0) for m in measures]
        sums = [pl.when("_placed").then(m).sum() for m in measures]
        under = pl.col("_placed").sum()
        if keys:
            sums, under = [s.over(keys) for s in sums], under.over(keys)
        equal = pl.all_horizontal(pl.col(m).is_null() | (pl.col(m) == s) for m, s in zip(measures, sums, strict=True))
        found = found | (~pl.col("_placed") & of_level & pl.any_horizontal(stated) & equal & (under > 0))
    return told.select(found.fill_null(False).alias("is_sum"))["is_sum"] | named_so


def _named_as_their_unit(told: pl.DataFrame, measures: list[str]) -> pl.Series:
    """Rows without an id that bear the name of their unit and are the sum of the two or more other places of it."""
    found = pl.lit(False)
    for unit, keys in (("_unit2", ["_unit1", "_unit2"]), ("_unit1", ["_unit1"])):
        others = pl.col("_placed").sum().over(keys) - 1
        stated = [pl.col(m).is_not_null() & (pl.col(m) > 0) for m in measures]
        rest = [pl.when("_placed").then(m).sum().over(keys) - pl.col(m) for m in measures]
        equal = pl.all_horizontal(pl.col(m).is_null() | (pl.col(m) == r) for m, r in zip(measures, rest, strict=True))
        same = pl.col("_derived") & (pl.col("_name") == pl.col(unit))
        found = found | (same & pl.any_horizontal(stated) & equal & (others > 1))
    return told.select(found.fill_null(False).alias("named_so"))["named_so"]
