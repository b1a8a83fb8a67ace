"""Individuals from households, by dated rules of a country. Method: docs/method/household_size.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class SizeRule:
    """Persons a household, in camps and outside, for some population groups in a span of dates.

    `range_in_camp` and `range_out_of_camp` are the least and the greatest mean size that published sources support:
    what the rule's choice may be off by. None where no source tells one.
    """

    rule_id: str
    location_code: str
    population_groups: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    in_camp: float
    out_of_camp: float
    source: str
    range_in_camp: tuple[float, float] | None = None
    range_out_of_camp: tuple[float, float] | None = None


RULE_SCHEMA = {
    "location_code": pl.String,
    "population_group": pl.String,
    "rule_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "size_in_camp": pl.Float64,
    "size_out_of_camp": pl.Float64,
    "low_in_camp": pl.Float64,
    "high_in_camp": pl.Float64,
    "low_out_of_camp": pl.Float64,
    "high_out_of_camp": pl.Float64,
}
SIZES = tuple(RULE_SCHEMA)[5:]


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
                *(r.range_in_camp or (None, None)),
                *(r.range_out_of_camp or (None, None)),
            )
            for r in rules
            for group in r.population_groups
        ],
        schema=RULE_SCHEMA,
        orient="row",
    )


def with_sizes(rows: pl.DataFrame, rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """Rows, in their order, with the rule that applies: rule_id, sizes and their ranges (SIZES); null without one.

    Args:
        rows: location_code, population_group, reference_date.
    """
    keyed = rows.with_row_index("_row")
    applicable = (
        keyed.select("_row", "location_code", "population_group", "reference_date")
        .join(rule_table(rules), on=["location_code", "population_group"])
        .filter(pl.col("reference_date").is_between("valid_from", "valid_to"))
        .unique("_row", keep="first", maintain_order=True)
        .select("_row", "rule_id", *SIZES)
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
        in_camp_individuals, out_of_camp_individuals, size_in_camp, size_out_of_camp, and individuals_low and
        individuals_high: the people by the least and greatest size that sources support where a rule gives them, null
        where no source tells a range, nor how far a count of its own may be off.
    """
    # where the list counts persons in camps, whole households of the camp's size stand for them
    whole = pl.col("camp_individuals") % pl.col("size_in_camp") == 0
    counted = pl.when(whole).then((pl.col("camp_individuals") / pl.col("size_in_camp")).round(0).cast(pl.Int64))
    camp_households = pl.coalesce("camp_households", counted).fill_null(0)
    by_rule = camp_households * pl.col("size_in_camp") + (pl.col("households") - camp_households) * pl.col(
        "size_out_of_camp"
    )
    # households outside camps can't be fewer than none: a camp column above the stock tells nothing
    by_rule = pl.when(camp_households <= pl.col("households")).then(by_rule.round(0).cast(pl.Int64))
    told = pl.col("individuals")
    in_camp = pl.coalesce(
        "camp_individuals", (pl.col("camp_households") * pl.col("size_in_camp")).round(0).cast(pl.Int64)
    )
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
        .with_columns(
            out_of_camp_individuals=pl.col("individuals") - pl.col("in_camp_individuals"),
            individuals_low=_at_size("low", camp_households),
            individuals_high=_at_size("high", camp_households),
        )
        .drop("_rule", "rule_id", *SIZES[2:])
    )


def _at_size(bound: str, camp_households: pl.Expr) -> pl.Expr:
    """People by one end of the rule's range. How far a source's own count may be off is not known: it has no range."""
    elsewhere = (pl.col("households") - camp_households) * pl.col(f"{bound}_out_of_camp")
    in_camps = pl.when(camp_households > 0).then(camp_households * pl.col(f"{bound}_in_camp")).otherwise(0.0)
    by_range = (elsewhere + in_camps).round(0).cast(pl.Int64)
    return pl.when(pl.col("individuals_basis") == "rule").then(by_range)
