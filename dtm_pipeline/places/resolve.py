"""Which unit a row stands in. Method: docs/method/places.md.

A reviewed decision leads, then a code, then the declared name within its parent. The point places only rows that
declare no unit; elsewhere it is evidence, and nobody is moved.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.normalise import code_key, name_key

DECLARED = (
    "provider_admin1_name",
    "provider_admin1_code",
    "provider_admin2_name",
    "provider_admin2_code",
)
PROVIDER_DISTRICT = "district of the provider that the boundary edition does not have"
PLACED = (
    "admin1_code",
    "admin1_name",
    "admin1_name_local",
    "admin2_code",
    "admin2_name",
    "admin2_name_local",
    "place_basis",
    "boundary_edition",
    "place_note",
)


def resolve(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with their unit, by decision, code or declared name.

    Args:
        rows: of one country: location_code, reference_date, place_id and the four provider columns; all but
            location_code may be null.
        gazetteer: the country's. Without units for the country, codes and names are the provider's own
            (`place_basis` = provider).

    Returns:
        The rows, all of them and in their order, with admin1_code ... admin2_name_local, place_basis,
        boundary_edition and place_note. What is not known is null: a row with a governorate but no known
        district stands under its governorate, a row without either under its country.
    """
    key = ["location_code", "reference_date", *DECLARED]
    declared = rows.select(key).unique(maintain_order=True)
    units = _by_name(_by_code(declared, gazetteer), gazetteer)
    placed = rows.with_row_index("_row").join(units, on=key, how="left", nulls_equal=True)
    placed = _by_decision(placed, gazetteer)
    known = pl.col("location_code").is_in(sorted(gazetteer.countries()))
    placed = placed.with_columns(
        place_basis=pl.when(~known)
        .then(
            pl.when(pl.any_horizontal(pl.col(DECLARED).is_not_null()))
            .then(pl.lit("provider"))
            .otherwise(pl.lit("country"))
        )
        .when(pl.col("admin1_code").is_null() & pl.col("admin2_code").is_null())
        .then(pl.lit("country"))
        .otherwise("place_basis")
    )
    return _named(placed, gazetteer).sort("_row").drop("_row")


def _by_code(declared: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Units whose code the row states, in any form: with dashes, with ISO 3 or ISO 2, with admin 3 behind it."""
    prefix = gazetteer.units.select("location_code", _prefix=pl.col("code").str.extract(r"^([A-Z]+?)G?\d", 1)).unique(
        "location_code"
    )
    second = gazetteer.units.filter(admin_level=2).select(
        "location_code", code2="code", parent2="parent_code", _code=code_key(pl.col("code"))
    )
    first = gazetteer.units.filter(admin_level=1).select("location_code", code1="code", _code=code_key(pl.col("code")))

    def form(column: str) -> pl.Expr:
        bare = code_key(pl.col(column))
        own = pl.when(bare.str.starts_with(pl.col("location_code"))).then(pl.col("_prefix") + bare.str.slice(3))
        # IQ-G08 is of an older OCHA list that numbers governorates in another way: it is no code of the edition
        older = pl.col(column).str.to_uppercase().str.contains(r"^\s*IQ-G\d\d\s*$").fill_null(False)
        told = pl.coalesce(own, bare).str.replace(r"^(IQG\d\dQ\d\d)N\d+$", "${1}")
        return pl.when(~older).then(told)

    return (
        declared.join(prefix, on="location_code", how="left", maintain_order="left")
        .with_columns(_form1=form("provider_admin1_code"), _form2=form("provider_admin2_code"))
        .join(
            first.rename({"_code": "_form1"}),
            on=["location_code", "_form1"],
            how="left",
            maintain_order="left",
        )
        .join(
            second.rename({"_code": "_form2"}),
            on=["location_code", "_form2"],
            how="left",
            maintain_order="left",
        )
        .with_columns(code1=pl.coalesce("parent2", "code1"), stated1="code1")
        .drop("_prefix", "_form1", "_form2", "parent2")
    )


def _names(gazetteer: Gazetteer, level: int) -> pl.DataFrame:
    """Every name of every unit of a level within its parent, as keys, with the span in which it holds."""
    units = gazetteer.units.filter(admin_level=level)
    always = [pl.lit(None, pl.Date).alias("valid_from"), pl.lit(None, pl.Date).alias("valid_to")]
    own = [
        units.select(
            "location_code",
            parent="parent_code",
            _key=name_key(pl.col(name)),
            code="code",
            status=pl.lit("gazetteer"),
        ).with_columns(always)
        for name in ("name_en", "name_local")
    ]
    provider = gazetteer.crosswalk.filter(admin_level=level).select(
        "location_code",
        "code",
        "status",
        "valid_from",
        "valid_to",
        parent="provider_parent_code",
        _key=name_key(pl.col("provider_name")),
    )
    return pl.concat([provider, *own], how="diagonal").filter(pl.col("_key").str.len_chars() > 0)


def _match(rows: pl.DataFrame, names: pl.DataFrame, on: list[str], code: str, status: str) -> pl.DataFrame:
    """The one unit that a name stands for at the row's date; a name of several units is no match."""
    candidates = (
        rows.select("_unit", "reference_date", *on)
        .join(names, on=on)
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("reference_date") >= pl.col("valid_from")).fill_null(True))
            & (pl.col("valid_to").is_null() | (pl.col("reference_date") <= pl.col("valid_to")).fill_null(True))
        )
        .group_by("_unit")
        .agg(
            pl.when(pl.col("code").n_unique() == 1).then(pl.col("code").first()).alias(code),
            pl.col("status").first().alias(status),
        )
    )
    return rows.join(candidates, on="_unit", how="left", maintain_order="left")


def _by_name(declared: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Fill what no code told by the declared names, the district within its governorate."""
    rows = declared.with_row_index("_unit").with_columns(
        _key=name_key(pl.col("provider_admin1_name")), parent=pl.col("location_code")
    )
    rows = _match(rows, _names(gazetteer, 1), ["location_code", "parent", "_key"], "name1", "status1")
    rows = rows.with_columns(parent=pl.coalesce("code1", "name1"), _key=name_key(pl.col("provider_admin2_name")))
    within = _match(rows, _names(gazetteer, 2), ["location_code", "parent", "_key"], "name2", "status2")
    # no governorate declared: the name must be the only one of its kind in the country
    orphan = within.select(pl.exclude("name2", "status2", "parent"))
    anywhere = _match(orphan, _names(gazetteer, 2), ["location_code", "_key"], "only2", "_status")
    parents = gazetteer.units.filter(admin_level=2).select("location_code", only2="code", only1="parent_code")
    no_parent = pl.all_horizontal(pl.col("provider_admin1_name", "provider_admin1_code").is_null())
    joined = (
        within.join(anywhere.select("_unit", "only2"), on="_unit", how="left", maintain_order="left")
        .join(parents, on=["location_code", "only2"], how="left", maintain_order="left")
        .with_columns(name2=pl.coalesce("name2", pl.when(no_parent).then("only2")))
        .with_columns(name1=pl.coalesce("name1", pl.when(no_parent).then("only1")))
    )
    unmatched = pl.col("code2").is_null() & pl.col("name2").is_null() & pl.col("provider_admin2_name").is_not_null()
    disputed = pl.col("stated1").is_not_null() & pl.col("name1").is_not_null() & (pl.col("stated1") != pl.col("name1"))
    has_units = pl.col("location_code").is_in(sorted(gazetteer.countries()))
    note = (
        pl.when(~has_units)
        .then(None)
        .when(disputed)
        .then(pl.lit("code and declared governorate differ; the code leads"))
        .when(unmatched)
        .then(pl.lit("declared district is in neither the gazetteer nor the crosswalk of its governorate"))
        .when(pl.col("status1") == "provider_unit")
        .then(pl.lit("governorate of the provider that the boundary edition does not have"))
        .when(pl.col("code2").is_null() & (pl.col("status2") == "arguable"))
        .then(pl.lit("district of the provider, mapped by an arguable crosswalk"))
        .when(pl.col("code2").is_null() & (pl.col("status2") == "provider_unit"))
        .then(pl.lit(PROVIDER_DISTRICT))
    )
    return joined.with_columns(
        admin2_code=pl.coalesce("code2", "name2"),
        admin1_code=pl.coalesce("code1", "name1"),
        place_basis=pl.when(pl.col("code2").is_not_null())
        .then(pl.lit("code"))
        .when(pl.col("name2").is_not_null())
        .then(pl.lit("name"))
        .when(pl.col("code1").is_not_null())
        .then(pl.lit("code"))
        .when(pl.col("name1").is_not_null())
        .then(pl.lit("name")),
        place_note=note,
    ).select(
        "location_code",
        "reference_date",
        *DECLARED,
        "admin1_code",
        "admin2_code",
        "place_basis",
        "place_note",
    )


def _by_decision(placed: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """What a person decided for a place, or for a declared unit, leads over code and name."""
    decided = {"_a1": "admin1_code", "_a2": "admin2_code"}
    by_place = (
        gazetteer.decisions.filter(pl.col("place_id").is_not_null())
        .unique(["location_code", "place_id"], keep="last")
        .select("location_code", "place_id", **decided)
    )
    by_unit = (
        gazetteer.decisions.filter(pl.col("place_id").is_null())
        .unique(["location_code", "provider_admin1_name", "provider_admin2_name"], keep="last")
        .select(
            "location_code",
            "provider_admin1_name",
            "provider_admin2_name",
            _b1="admin1_code",
            _b2="admin2_code",
        )
    )
    joined = placed.join(by_place, on=["location_code", "place_id"], how="left", maintain_order="left").join(
        by_unit,
        on=["location_code", "provider_admin1_name", "provider_admin2_name"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    first, second = pl.coalesce("_a1", "_b1"), pl.coalesce("_a2", "_b2")
    reviewed = first.is_not_null()
    return joined.with_columns(
        admin1_code=pl.coalesce(first, "admin1_code"),
        admin2_code=pl.when(reviewed).then(second).otherwise("admin2_code"),
        place_basis=pl.when(reviewed).then(pl.lit("reviewed")).otherwise("place_basis"),
        place_note=pl.when(~reviewed).then("place_note"),
    ).drop("_a1", "_a2", "_b1", "_b2")


def _named(placed: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Names of the units in the columns of the tables; without a gazetteer the provider's codes and names."""
    first = gazetteer.units.filter(admin_level=1).select(
        "location_code",
        admin1_code="code",
        admin1_name="name_en",
        admin1_name_local="name_local",
        boundary_edition="edition",
    )
    second = gazetteer.units.filter(admin_level=2).select(
        "location_code", admin2_code="code", admin2_name="name_en", admin2_name_local="name_local"
    )
    named = placed.join(first, on=["location_code", "admin1_code"], how="left", maintain_order="left").join(
        second, on=["location_code", "admin2_code"], how="left", maintain_order="left"
    )
    own = pl.col("place_basis") == "provider"
    columns = []
    for level in (1, 2):
        code, name = f"provider_admin{level}_code", f"provider_admin{level}_name"
        coded = own & pl.col(code).is_not_null()
        columns += [
            pl.when(own).then(code).otherwise(f"admin{level}_code").alias(f"admin{level}_code"),
            # a name without a code can't stand in a table whose units are codes; core keeps the provider's words
            pl.when(coded).then(name).otherwise(f"admin{level}_name").alias(f"admin{level}_name"),
        ]
    return named.with_columns(columns)
