"""Which unit a row stands in. Method: docs/method/places.md.

A reviewed decision leads, then a code, then the declared name within its parent. The point places only rows that
declare no unit; elsewhere it is evidence, and nobody is moved.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.places.codes import read_codes
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.match import match_names

DECLARED = (
    "provider_admin1_name",
    "provider_admin1_code",
    "provider_admin2_name",
    "provider_admin2_code",
)
ASKED = {
    "location_code": pl.String(),
    "reference_date": pl.Date(),
    "place_id": pl.String(),
    **dict.fromkeys(DECLARED, pl.String()),
}
PROVIDER_DISTRICT = "district of the provider that the boundary edition does not have"
BY_LIKENESS = (
    "declared governorate is spelled in a new way and taken by likeness",
    "declared district is spelled in a new way and taken by likeness",
)
EVIDENCE = ("place_score", "place_conflict", "place_candidates")
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


def subdistrict() -> tuple[pl.Expr, pl.Expr]:
    """admin3_code and admin3_name of placed rows: the declared sub-district, where its code nests in the district."""
    code = pl.col("provider_admin3_code").str.strip_chars().str.to_uppercase()
    nests = code.str.starts_with(pl.col("admin2_code")) & (code != pl.col("admin2_code"))
    return (
        pl.when(nests).then(code).alias("admin3_code"),
        pl.when(nests).then("provider_admin3_name").alias("admin3_name"),
    )


def resolve(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with their unit, by decision, code or declared name.

    Args:
        rows: of any countries: location_code, and any of reference_date, place_id, provider_admin1_name,
            provider_admin1_code, provider_admin2_name, provider_admin2_code. What is absent counts as null.
        gazetteer: the countries'. Without units for a country, codes and names are the provider's own
            (`place_basis` = provider).

    Returns:
        The rows, all of them and in their order, with admin1_code ... admin2_name_local, place_basis,
        boundary_edition, place_note, place_score (1 = by decision, code or exact name; below, by likeness),
        place_conflict (what the evidence disagrees about) and place_candidates (codes that the name could stand for).
        What is not known is null: a row with a governorate but no known district stands under its governorate, a row
        without either under its country.

    Example:
        >>> import polars as pl
        >>> from dtm_pipeline.places import Gazetteer, resolve
        >>> rows = pl.DataFrame({"location_code": ["IRQ"], "provider_admin1_name": ["Nineveh"], "provider_admin2_name": ["البعاج"]})
        >>> resolve(rows, Gazetteer.load())["admin2_code"].to_list()
        ['IQG15Q02']
    """
    # the names of 156 countries cost more than the rows of one
    gazetteer = gazetteer.of_countries(rows["location_code"].drop_nulls().unique().to_list())
    whole = rows.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in ASKED.items() if name not in rows.columns
    )
    key = ["location_code", "reference_date", *DECLARED]
    declared = whole.select(key).unique(maintain_order=True)
    units = _fused(_by_name(_by_code(declared, gazetteer), gazetteer), gazetteer)
    placed = whole.with_row_index("_row").join(units, on=key, how="left", nulls_equal=True)
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
    return _named(placed, gazetteer).sort("_row").select(*rows.columns, *PLACED, *EVIDENCE)


def _by_code(declared: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Units whose code the row states; `code1` is the governorate of `code2` where both are told."""
    read = read_codes(
        pl.concat(declared.select("location_code", code=f"provider_admin{n}_code") for n in (1, 2)), gazetteer
    ).select("location_code", "code", "admin1_code", "admin2_code")
    first = read.select("location_code", provider_admin1_code="code", stated1="admin1_code")
    second = read.select("location_code", provider_admin2_code="code", parent2="admin1_code", code2="admin2_code")
    return (
        declared.with_row_index("_unit")
        .join(first, on=["location_code", "provider_admin1_code"], how="left", maintain_order="left")
        .join(second, on=["location_code", "provider_admin2_code"], how="left", maintain_order="left")
        .with_columns(code1=pl.coalesce("parent2", "stated1"))
    )


def _by_name(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """The units of the declared names: the governorate's in its country, the district's within its governorate."""
    rows = _matched(rows.with_columns(parent=pl.col("location_code")), 1, gazetteer)
    rows = rows.with_columns(parent=pl.coalesce("code1", "name1"))
    declares_parent = pl.any_horizontal(pl.col("provider_admin1_name", "provider_admin1_code").is_not_null())
    # a governorate that is declared and not known must not open the whole country to the district's name
    askable = pl.col("parent").is_not_null() | ~declares_parent
    return _matched(rows, 2, gazetteer, askable)


def _matched(rows: pl.DataFrame, level: int, gazetteer: Gazetteer, askable: pl.Expr | None = None) -> pl.DataFrame:
    """Rows with name<level>, score<level>, status<level> and rivals<level> of the declared name of a level."""
    name = f"provider_admin{level}_name"
    asked = rows.filter(pl.col(name).is_not_null())
    names = gazetteer.names_of(level)
    inside = asked.filter(askable) if askable is not None else asked
    distinct = inside.select("location_code", "parent", name=name, day="reference_date").unique(maintain_order=True)
    # a district's name in the governorate's column, or a governorate's in the district's, is spelled as what it is
    told = match_names(distinct, names, gazetteer.likeness, gazetteer.names_of(3 - level))
    columns = {"code": "name", "score": "score", "status": "status", "rivals": "rivals"}
    return rows.join(
        told.rename({c: f"{to}{level}" for c, to in columns.items()} | {"name": name, "day": "reference_date"}),
        on=["location_code", "parent", name, "reference_date"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )


def _fused(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Code before name; what disagrees is told."""
    parents = gazetteer.units.filter(admin_level=2).select("location_code", name2="code", above2="parent_code")
    rows = rows.join(parents, on=["location_code", "name2"], how="left", maintain_order="left")
    both = pl.col("stated1").is_not_null() & pl.col("parent2").is_not_null() & (pl.col("stated1") != pl.col("parent2"))
    first = pl.col("code1").is_not_null() & pl.col("name1").is_not_null() & (pl.col("code1") != pl.col("name1"))
    second = pl.col("code2").is_not_null() & pl.col("name2").is_not_null() & (pl.col("code2") != pl.col("name2"))
    unmatched = pl.col("code2").is_null() & pl.col("name2").is_null() & pl.col("provider_admin2_name").is_not_null()
    abroad = unmatched & (pl.col("rivals2").list.len() > 0) & _of_another_parent(gazetteer)
    conflict = (
        pl.when(both)
        .then(pl.lit("codes_differ"))
        .when(first | second)
        .then(pl.lit("code_and_name_differ"))
        .when(abroad)
        .then(pl.lit("district_of_another_parent"))
    )
    by_name = pl.col("code2").is_null() & pl.col("name2").is_not_null()
    has_units = pl.col("location_code").is_in(sorted(gazetteer.countries()))
    note = (
        pl.when(~has_units)
        .then(None)
        .when(both)
        .then(pl.lit("codes of governorate and district differ; the district's leads"))
        .when(first | second)
        .then(pl.lit("code and declared name differ; the code leads"))
        .when(abroad)
        .then(pl.lit("declared district is not known in the declared governorate; another has one of that name"))
        .when(unmatched & (pl.col("rivals2").list.len() > 0))
        .then(pl.lit("declared district is neither one unit nor another for sure: its candidates wait for a decision"))
        .when(unmatched)
        .then(pl.lit("declared district is in neither the gazetteer nor the crosswalk of its governorate"))
        .when(pl.col("status1") == "provider_unit")
        .then(pl.lit("governorate of the provider that the boundary edition does not have"))
        .when(by_name & (pl.col("status2") == "arguable"))
        .then(pl.lit("district of the provider, mapped by an arguable crosswalk"))
        .when(by_name & (pl.col("status2") == "provider_unit"))
        .then(pl.lit(PROVIDER_DISTRICT))
        .when(by_name & (pl.col("score2") < 1))
        .then(pl.lit(BY_LIKENESS[1]))
        .when(pl.col("code1").is_null() & (pl.col("score1") < 1))
        .then(pl.lit(BY_LIKENESS[0]))
    )
    by_code = pl.col("code2").is_not_null() | (pl.col("code1").is_not_null() & pl.col("name2").is_null())
    return rows.select(
        "location_code",
        "reference_date",
        *DECLARED,
        admin2_code=pl.coalesce("code2", "name2"),
        admin1_code=pl.coalesce("code1", "name1", "above2"),
        place_basis=pl.when(by_code)
        .then(pl.lit("code"))
        .when(pl.col("name2").is_not_null() | pl.col("name1").is_not_null())
        .then(pl.lit("name")),
        place_note=note,
        place_score=pl.when(by_code)
        .then(1.0)
        .otherwise(pl.min_horizontal(pl.when(pl.col("code1").is_null()).then("score1"), "score2")),
        place_conflict=conflict,
        place_candidates=pl.when(unmatched)
        .then(pl.col("rivals2").list.join(" "))
        .when(pl.col("code1").is_null() & pl.col("name1").is_null())
        .then(pl.col("rivals1").list.join(" "))
        .replace("", None),
    )


def _of_another_parent(gazetteer: Gazetteer) -> pl.Expr:
    """Whether the first candidate of a district's name is of another governorate than the row's."""
    above = dict(gazetteer.units.filter(admin_level=2).select("code", "parent_code").iter_rows())
    candidate = pl.col("rivals2").list.first().replace_strict(above, default=None, return_dtype=pl.String)
    return pl.col("parent").is_not_null() & (candidate != pl.col("parent")).fill_null(False)


def _by_decision(placed: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """What a person decided for a place, or for a declared unit, leads over code and name; whole, one decision."""
    told = gazetteer.decisions.with_columns(_decided=pl.lit(True))
    by_place = (
        told.filter(pl.col("place_id").is_not_null())
        .unique(["location_code", "place_id"], keep="last")
        .select("location_code", "place_id", _a1="admin1_code", _a2="admin2_code", _by_place="_decided")
    )
    unit = ["location_code", *DECLARED]
    # a row that declares nothing is of no declared unit: no decision about one may take it
    by_unit = (
        told.filter(pl.col("place_id").is_null() & pl.any_horizontal(pl.col(DECLARED).is_not_null()))
        .unique(unit, keep="last")
        .select(*unit, _b1="admin1_code", _b2="admin2_code", _by_unit="_decided")
    )
    joined = placed.join(by_place, on=["location_code", "place_id"], how="left", maintain_order="left").join(
        by_unit, on=unit, how="left", nulls_equal=True, maintain_order="left"
    )
    place = pl.col("_by_place").fill_null(False)
    reviewed = place | pl.col("_by_unit").fill_null(False)

    def decided(level: int) -> pl.Expr:
        return pl.when(place).then(f"_a{level}").when(reviewed).then(f"_b{level}").otherwise(f"admin{level}_code")

    return joined.with_columns(
        admin1_code=decided(1),
        admin2_code=decided(2),
        place_basis=pl.when(reviewed).then(pl.lit("reviewed")).otherwise("place_basis"),
        place_note=pl.when(~reviewed).then("place_note"),
        place_score=pl.when(reviewed).then(1.0).otherwise("place_score"),
        place_conflict=pl.when(~reviewed).then("place_conflict"),
        place_candidates=pl.when(~reviewed).then("place_candidates"),
    ).drop("_a1", "_a2", "_b1", "_b2", "_by_place", "_by_unit")


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
