"""Individuals from households, by dated rules of a country. Method: docs/method/household_size.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class SizeRule:
    """Persons a household, in camps and outside, for some population groups in a span of dates."""

    rule_id: str
    location_code: str
    population_groups: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    in_camp: int
    out_of_camp: int
    source: str


RULE_SCHEMA = {
    "location_code": pl.String,
    "population_group": pl.String,
    "rule_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "size_in_camp": pl.Int64,
    "size_out_of_camp": pl.Int64,
}


def rule_table(rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """The rules as a frame, a row a rule and population group."""
    return pl.DataFrame(
        [
            (
                r.location_code,
                group,
                r.rule_id,
                r.valid_from,
                r.valid_to or date.max,
                r.in_camp,
                r.out_of_camp,
            )
            for r in rules
            for group in r.population_groups
        ],
        schema=RULE_SCHEMA,
        orient="row",
    )


def with_sizes(rows: pl.DataFrame, rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """Rows, in their order, with the rule that applies: rule_id, size_in_camp, size_out_of_camp; null without one.

    Args:
        rows: location_code, population_group, reference_date.
    """
    keyed = rows.with_row_index("_row")
    applicable = (
        keyed.select("_row", "location_code", "population_group", "reference_date")
        .join(rule_table(rules), on=["location_code", "population_group"])
        .filter(pl.col("reference_date").is_between("valid_from", "valid_to"))
        .unique("_row", keep="first", maintain_order=True)
        .select("_row", "rule_id", "size_in_camp", "size_out_of_camp")
    )
    return keyed.join(applicable, on="_row", how="left", maintain_order="left").drop("_row")


def with_individuals(rows: pl.DataFrame, rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """Rows with individuals, their basis, the rule, and people in and out of camps.

    The provider's own individuals lead; a rule fills what the provider leaves out. Where the provider's
    figure is what the rule gives, the basis is `rule`, else `provider`.

    Args:
        rows: location_code, population_group, reference_date, households, individuals,
            camp_households (null where the list has no shelter column for camps) and
            camp_individuals (where the list counts persons in that column).

    Returns:
        The rows, in their order, with individuals, individuals_basis, household_size_rule_id,
        in_camp_individuals, out_of_camp_individuals, size_in_camp, size_out_of_camp.
    """
    # where the list counts persons in camps, whole households of the camp's size stand for them
    whole = pl.col("camp_individuals") % pl.col("size_in_camp") == 0
    counted = pl.when(whole).then(pl.col("camp_individuals") // pl.col("size_in_camp"))
    camp_households = pl.coalesce("camp_households", counted).fill_null(0)
    by_rule = camp_households * pl.col("size_in_camp") + (pl.col("households") - camp_households) * pl.col(
        "size_out_of_camp"
    )
    # households outside camps can't be fewer than none: a camp column above the stock tells nothing
    by_rule = pl.when(camp_households <= pl.col("households")).then(by_rule)
    told = pl.col("individuals")
    in_camp = pl.coalesce("camp_individuals", pl.col("camp_households") * pl.col("size_in_camp"))
    return (
        with_sizes(rows, rules)
        .with_columns(_rule=by_rule)
        .with_columns(
            individuals_basis=pl.when(told.is_null() & pl.col("_rule").is_null())
            .then(None)
            .when(told.is_null() | (told == pl.col("_rule")))
            .then(pl.lit("rule"))
            .otherwise(pl.lit("provider")),
            individuals=pl.coalesce("individuals", "_rule"),
        )
        .with_columns(
            household_size_rule_id=pl.when(pl.col("individuals_basis") == "rule").then("rule_id"),
            in_camp_individuals=pl.when(in_camp <= pl.col("individuals")).then(in_camp),
        )
        .with_columns(out_of_camp_individuals=pl.col("individuals") - pl.col("in_camp_individuals"))
        .drop("_rule", "rule_id")
    )
