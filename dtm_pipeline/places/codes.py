"""What a code of an administrative unit says, in any form in use. Method: docs/method/places.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer

COD_AB = "COD-AB"


def code_key(code: pl.Expr) -> pl.Expr:
    """Letters and digits of a code in capitals: `IRQ-G01Q01` -> `IRQG01Q01`."""
    return code.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")


def read_codes(asked: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """What each code stands for.

    A code is of COD-AB in any writing: with the country as ISO 2 or ISO 3, with dashes, dots or spaces, in small
    letters, with the code of a sub-district or a smaller unit behind it. Other systems are told by the forms of
    `code_forms.csv`, and stand for a unit only where `other_codes.csv` maps them: systems that number governorates
    in another way look like COD-AB and are not.

    Args:
        asked: location_code, code.
        gazetteer: units, forms and codes of other systems.

    Returns:
        The distinct pairs with system (null = no form that is known), admin1_code and admin2_code (null = not told),
        below_admin2 (the code is of a smaller unit), edition of the unit, and a note where the code places nothing.
    """
    rows = asked.select("location_code", "code").filter(pl.col("code").is_not_null()).unique(maintain_order=True)
    named = rows.with_columns(_form=pl.col("code").str.strip_chars().str.to_uppercase()).with_row_index("_code")
    foreign = _foreign(named, gazetteer)
    unread = named.join(foreign, on="_code", how="anti")
    exact = _exact(unread, gazetteer)
    own = _own(unread.join(exact, on="_code", how="anti"), gazetteer)
    told = pl.concat([foreign, exact, own], how="diagonal")
    parents = gazetteer.units.select(
        "location_code", "edition", _unit="code", _level="admin_level", _above="parent_code"
    )
    joined = (
        named.join(told, on="_code", how="left").join(parents, on=["location_code", "_unit"], how="left").sort("_code")
    )
    known = pl.col("_level").is_not_null()
    return joined.select(
        "location_code",
        "code",
        "system",
        "edition",
        admin1_code=pl.when(pl.col("_level") == 1).then("_unit").when(known).then("_above"),
        admin2_code=pl.when(pl.col("_level") == 2).then("_unit"),
        below_admin2=pl.col("_longer").fill_null(False),
        note=pl.when(known)
        .then(None)
        .otherwise(pl.coalesce("note", pl.lit("code of no form that is known, or of no unit of the gazetteer"))),
    )


def _foreign(named: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Codes of other systems: those that the register has, and those whose form alone tells the system."""
    listed = (
        named.with_columns(_key=code_key(pl.col("_form")))
        .join(
            gazetteer.other_codes.select("location_code", "system", _key=code_key(pl.col("other_code")), _unit="code"),
            on=["location_code", "_key"],
        )
        .select("_code", "system", "_unit")
    )
    # a typographic dash, a space or an underscore is the dash of the form: IQ–G08 is as old as IQ-G08
    dashed = pl.col("_form").str.replace_all(r"[^A-Z0-9]+", "-").str.strip_chars("-")
    forms = gazetteer.code_forms.filter(pl.col("system") != COD_AB).select("location_code", "system", "pattern", "note")
    formed = (
        named.join(listed, on="_code", how="anti")
        .join(forms, on="location_code")
        .filter(dashed.str.contains(pl.col("pattern")))
        .unique("_code", keep="first", maintain_order=True)
        .select("_code", "system", "note")
    )
    return pl.concat([listed, formed], how="diagonal")


def _exact(named: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Codes that are those of a unit letter by letter, whatever their form: LSA01 of Lesotho, 3501263 of Tajikistan."""
    units = gazetteer.units.select("location_code", _unit="code", _key=code_key(pl.col("code")))
    return (
        named.with_columns(_key=code_key(pl.col("_form")))
        .join(units, on=["location_code", "_key"])
        .select("_code", "_unit", _longer=pl.lit(False), system=pl.lit(COD_AB))
    )


def _own(named: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Codes of COD-AB: the longest unit whose code the code begins with."""
    prefixes = gazetteer.units.select(
        "location_code", _prefix=pl.col("code").str.extract(r"^([A-Z]{2,3}?)G?\d", 1)
    ).unique("location_code")
    key = code_key(pl.col("_form"))
    # AFG01 is 01 of Afghanistan, IQG01 is G01 of Iraq: ISO 3 is known by the row's country
    iso3 = key.str.starts_with(pl.col("location_code"))
    digits = pl.when(iso3).then(key.str.slice(3)).otherwise(key.str.replace(r"^[A-Z]{2,3}?(G?\d)", "${1}"))
    letters = pl.when(iso3).then("location_code").otherwise(key.str.extract(r"^([A-Z]{2,3}?)G?\d", 1))
    # the country may stand as ISO 2 or ISO 3, whichever the edition writes
    country = gazetteer.code_forms.filter(system=COD_AB, admin_level=0).select("location_code", _letters="pattern")
    written = (
        named.join(prefixes, on="location_code")
        .join(country, on="location_code")
        .with_columns(_key=pl.when(letters.str.contains(pl.col("_letters"))).then(pl.col("_prefix") + digits))
    )
    units = gazetteer.units.select("location_code", _unit="code", _own=code_key(pl.col("code")), _at="admin_level")
    widths = units.select("location_code", "_at", _width=pl.col("_own").str.len_chars()).unique()
    smaller = gazetteer.code_forms.filter(system=COD_AB, admin_level=3).select("location_code", "pattern")
    candidates = (
        written.join(widths, on="location_code")
        .with_columns(_own=pl.col("_key").str.head(pl.col("_width")))
        .join(units, on=["location_code", "_own", "_at"])
        .join(smaller, on="location_code", how="left")
        .with_columns(_longer=pl.col("_key").str.len_chars() > pl.col("_width"))
    )
    # a governorate's code with anything behind it is no district, and a district's with what is no sub-district is none
    of_smaller = (pl.col("_at") == 2) & pl.col("_key").str.contains(pl.col("pattern")).fill_null(False)
    return (
        candidates.filter(~pl.col("_longer") | of_smaller)
        .unique("_code", keep="first", maintain_order=True)
        .select("_code", "_unit", "_longer", system=pl.lit(COD_AB))
    )
