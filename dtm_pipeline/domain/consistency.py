"""Checks that a table of figures must pass before anybody believes it. Method: docs/method/consistency.md."""

from __future__ import annotations

import polars as pl

FOLLOW = "individuals follow households"
SUM = "parts sum to the total"


def follows_households(
    households: pl.Expr, individuals: pl.Expr, least_size: pl.Expr, greatest_size: pl.Expr, locations: pl.Expr
) -> pl.Expr:
    """Whether people by a rule lie between households times the least and the greatest size.

    Each location is rounded to whole people, which may add up to half a person a location.
    """
    room = locations.fill_null(1) * 0.5
    return individuals.is_between(households * least_size - room, households * greatest_size + room)


def faults(parts: pl.DataFrame, total_households: int, household_size: float) -> list[tuple[str, str]]:
    """What is wrong with a table of households and individuals by category.

    Args:
        parts: category_code, households, individuals (null where not printed).
        total_households: the total that is printed beside it.
        household_size: persons a household by the rule that the table names.

    Returns:
        Name of the check and what was found, for each that fails.
    """
    size = pl.lit(household_size)
    apart = parts.filter(
        ~follows_households(pl.col("households"), pl.col("individuals"), size, size, pl.lit(1)).fill_null(True)
    )
    found = [
        (FOLLOW, f"{code}: {households:,} households of {household_size:g} are not {individuals:,} individuals")
        for code, households, individuals in apart.select("category_code", "households", "individuals").iter_rows()
    ]
    whole = int(parts["households"].sum())
    if whole != total_households:
        found.append((SUM, f"the parts are {whole:,} households, the total says {total_households:,}"))
    return found
