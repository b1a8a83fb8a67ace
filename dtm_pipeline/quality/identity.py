"""What tells rows of one delivery apart, however it is spelled. Method: docs/method/statements.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.statements import round_key, text_key
from dtm_pipeline.places.names import spelling_key, unit_key

REASONS = "displacement_reason"
LEVELS = (1, 2, 3)
COUNTRY, PLACE = 0, 4
"""Depth of what stands above the governorates, and below the sub-districts."""
UNIT_LEVELS = tuple(f"_level{n}" for n in (*LEVELS, PLACE))
STANDS_FOR = "_stands_for"


def reasons_key(text: pl.Expr) -> pl.Expr:
    """Reasons given together are one code, whatever their order: `Conflict; Natural disaster`."""
    parts = text.str.split(";").list.eval(text_key(pl.element()))
    return parts.list.unique().list.sort().list.join("; ")


def code_key(code: pl.Expr) -> pl.Expr:
    """A p-code without the letters of its country, which is written as ISO 2 or ISO 3: `IRQ-G01Q01`, `iqg01q01`.

    The G of Iraqi codes goes with them: in `AFG01` it is the country's.
    """
    bare = code.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    return bare.str.replace(r"^[A-Z]{2,3}?G?(\d)", "${1}")


def identity_keys(columns: tuple[str, ...]) -> dict[str, pl.Expr]:
    """Keys that are equal for rows that differ in nothing but spelling.

    A unit is known by its code where the row gives one, else by its name.

    Args:
        columns: names of the columns that identify a row.

    Returns:
        Expressions by the name of the key, `_key_...`.
    """
    keys: dict[str, pl.Expr] = {}
    for column in columns:
        level = next((n for n in LEVELS if column in (f"provider_admin{n}_name", f"provider_admin{n}_code")), None)
        name = f"_key_admin{level}" if level else f"_key_{column}"
        if name in keys:
            continue
        if level:
            parts = [code_key(pl.col(c)) for c in (f"provider_admin{level}_code",) if c in columns]
            parts += [unit_key(pl.col(c), level) for c in (f"provider_admin{level}_name",) if c in columns]
            keys[name] = pl.coalesce(parts)
        elif column == REASONS:
            keys[name] = reasons_key(pl.col(column))
        elif column == "reporting_round":
            keys[name] = round_key(pl.col(column))
        elif column.endswith("_name"):
            keys[name] = spelling_key(pl.col(column))
        elif column.endswith(("_type", "_id", "operation", "nationality", "provider", "_number")):
            keys[name] = text_key(pl.col(column))
        else:
            keys[name] = pl.col(column)
    return keys


def with_unit_levels(rows: pl.DataFrame, country_names: list[str]) -> pl.DataFrame:
    """Rows with the keys of their units (`UNIT_LEVELS`) and the larger unit that each may be the total of (`STANDS_FOR`).

    A row may be the total of a unit whose name it bears, if it has no code or id of its own; and, in a list of named places, a
    row with an id and no name may be that of the unit in which it stands.

    Args:
        rows: those of provider_admin1_name ... provider_admin3_code, location_name, place_id and _derived (the id is made of
            names) that the list has.
        country_names: names of its country, as `unit_key` of level 1 gives them.
    """
    units = [f"provider_admin{n}_{w}" for n in LEVELS for w in ("name", "code")]
    absent = [pl.lit(None, pl.String).alias(c) for c in (*units, "location_name", "place_id") if c not in rows.columns]
    made = pl.col("_derived") if "_derived" in rows.columns else pl.lit(False)
    told = rows.with_columns(absent).with_columns(_own_id=pl.when(~made).then("place_id"))
    told = told.with_columns(_in_named_unit(told))
    keys = identity_keys((*units, "location_name", "_own_id"))
    told = told.with_columns(
        **{UNIT_LEVELS[n - 1]: keys[f"_key_admin{n}"].alias(UNIT_LEVELS[n - 1]) for n in LEVELS},
        **{UNIT_LEVELS[-1]: pl.coalesce(keys["_key_location_name"], keys["_key__own_id"])},
    )
    standing = _stands_for(told, country_names)
    return rows.with_columns(told.select(*UNIT_LEVELS, standing.cast(pl.Int64).alias(STANDS_FOR)))


def _in_named_unit(told: pl.DataFrame) -> list[pl.Expr]:
    """The units of rows that name none, but bear the name of one in which other rows stand: they are in it."""
    units = [f"provider_admin{n}_{w}" for n in LEVELS for w in ("name", "code")]
    alone = pl.col("location_name").is_not_null() & pl.col("_own_id").is_null()
    alone &= pl.all_horizontal(pl.col(u).is_null() for u in units)
    governorates = told.select(k=unit_key(pl.col("provider_admin1_name"), 1))["k"].drop_nulls().unique()
    of_governorate = alone & unit_key(pl.col("location_name"), 1).is_in(governorates.to_list())
    return [
        pl.when(of_governorate).then("location_name").otherwise("provider_admin1_name").alias("provider_admin1_name")
    ]


def _stands_for(told: pl.DataFrame, country_names: list[str]) -> pl.Expr:
    """The depth of the larger unit that a row may be the total of, else null."""
    name = {n: pl.col(f"provider_admin{n}_name") for n in LEVELS} | {PLACE: pl.col("location_name")}
    own = {n: pl.col(f"provider_admin{n}_code") for n in LEVELS} | {PLACE: pl.col("_own_id")}
    bears = []
    for depth in (PLACE, *reversed(LEVELS)):
        deepest = [name[n].is_null() & own[n].is_null() for n in name if n > depth]
        above = [
            pl.when(unit_key(name[up], up) == unit_key(name[depth], up)).then(up)
            for up in reversed(LEVELS)
            if up < depth
        ]
        of_country = pl.when(unit_key(name[depth], 1).is_in(country_names)).then(COUNTRY)
        bears.append(
            pl.when(pl.all_horizontal(pl.lit(True), *deepest) & name[depth].is_not_null() & own[depth].is_null()).then(
                pl.coalesce(*above, of_country)
            )
        )
    named = told["location_name"].null_count() < told.height
    unnamed = pl.lit(named) & pl.col("_own_id").is_not_null() & pl.col("location_name").is_null()
    unit = pl.max_horizontal(
        pl.lit(COUNTRY), *(pl.when(pl.col(UNIT_LEVELS[n - 1]).is_not_null()).then(n) for n in LEVELS)
    )
    return pl.coalesce(*bears, pl.when(unnamed).then(unit))
