"""Our figure beside that of others, and why they differ. Method: docs/method/reconciliation.md.

Neither figure is overwritten: ours - theirs = date + coverage + definition + size_rule + unit + residual, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.stocks import AREA_CODES

PARTS = ("unit", "size_rule", "date", "coverage", "definition")
DISTRICT = AREA_CODES["district"]
OTHER = ("series_id", "other_source", "other_provider", "population_group", "other_reference_date", "location_code")


@dataclass(frozen=True)
class ReconciliationRules:
    """Numbers of `[reconciliation]` in reference/thresholds.toml.

    Attributes:
        date_method: `interpolated` (between the dates around theirs, people linear in days) or `nearest`.
        max_days_apart: figures farther apart are not compared.
    """

    date_method: str
    max_days_apart: int


def reconcile(
    ours: pl.DataFrame, theirs: pl.DataFrame, size_rules: tuple[SizeRule, ...], rules: ReconciliationRules
) -> pl.DataFrame:
    """Each figure of others beside our nearest one of the same group, with the difference in named parts.

    Going from ours to theirs: to their date, to the areas that they give, to their definition (people in camps only),
    then to their household size and to their unit. What is left is the residual.

    Args:
        ours: leading stock: series_id, population_group, reference_date, location_code, admin1_code, admin2_code,
            households, individuals, in_camp_individuals.
        theirs: OTHER (the series is the one of ours that the figure is to be compared with), admin1_code, admin2_code
            (null where the figure is of all the country), households, individuals, definition (`all` or `camps`),
            cumulative.
        size_rules: household-size rules, for figures in households.
        rules: how dates are brought together.

    Returns:
        OTHER, reference_date (ours), ours, theirs (as published), theirs_unit, each part of PARTS,
        residual, date_method, areas_compared; parts and residual are null for cumulative figures, which are no stock,
        and where ours is partly unknown.
    """
    figures = _their_totals(theirs, size_rules)
    pairs = _dates(ours, figures, rules)
    matched = _at_our_size(figures.join(pairs, on=list(OTHER)))
    # where ours is unknown at a date, there is nothing to compare
    covered = _ours_in_their_areas(ours, theirs, pairs)
    told = matched.join(covered, on=list(OTHER)).with_columns(
        _at_date=pl.when(pl.lit(rules.date_method) == "interpolated").then("_interpolated").otherwise("ours"),
    )
    told = told.with_columns(
        _covered=(pl.col("_at_date") * pl.col("_covered_share")).round(0).cast(pl.Int64),
    ).with_columns(
        _defined=pl.when(pl.col("definition") == "camps")
        .then((pl.col("_covered") * pl.col("_camp_share")).round(0).cast(pl.Int64))
        .otherwise("_covered"),
    )
    # of a figure of ours that is partly unknown the rest is not missing: nothing is told in parts
    comparable = (
        ~pl.col("cumulative")
        & pl.col("_ours_whole")
        & pl.col("_defined").is_not_null()
        & pl.col("_at_our_size").is_not_null()
    )
    parts = {
        "date": pl.col("ours") - pl.col("_at_date"),
        "coverage": pl.col("_at_date") - pl.col("_covered"),
        "definition": pl.col("_covered") - pl.col("_defined"),
        "size_rule": pl.col("_at_our_size") - pl.col("_persons"),
        "unit": pl.col("_persons") - pl.col("theirs"),
        "residual": pl.col("_defined") - pl.col("_at_our_size"),
    }
    return (
        told.with_columns(pl.when(comparable).then(part).alias(name) for name, part in parts.items())
        .with_columns(
            date_method=pl.when(pl.col("reference_date") == pl.col("other_reference_date"))
            .then(pl.lit("same_date"))
            .otherwise(pl.lit(rules.date_method))
        )
        .sort(OTHER)
    )


def _their_totals(theirs: pl.DataFrame, size_rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """One figure a source and date as published, and the household size of our rules at their date."""
    summed = theirs.group_by(OTHER).agg(
        households=pl.when(pl.col("households").null_count() == 0).then(pl.col("households").sum()),
        individuals=pl.when(pl.col("individuals").null_count() == 0).then(pl.col("individuals").sum()),
        definition=pl.col("definition").first(),
        cumulative=pl.col("cumulative").any(),
        areas_compared=pl.coalesce("admin2_code", "admin1_code").n_unique().cast(pl.Int64),
    )
    sized = with_sizes(summed.with_columns(reference_date="other_reference_date"), size_rules).drop("reference_date")
    size = pl.when(pl.col("definition") == "camps").then("size_in_camp").otherwise("size_out_of_camp")
    return sized.with_columns(_rule_size=size).select(
        *OTHER, "households", "individuals", "definition", "cumulative", "areas_compared", "_rule_size"
    )


def _at_our_size(matched: pl.DataFrame) -> pl.DataFrame:
    """Their figure as published, in persons, and in persons by our household size.

    Our size is that of our own figure at the matched date, which mixes camps and other places as ours does; by the rule
    where ours has no households, and for lists of camps.
    """
    own = pl.when(pl.col("definition") == "all").then(pl.col("ours") / pl.col("_our_households"))
    by_size = (pl.col("households") * pl.coalesce(own, "_rule_size")).round(0).cast(pl.Int64)
    in_households = pl.col("individuals").is_null()
    return (
        matched.with_columns(
            theirs=pl.coalesce("individuals", "households"),
            theirs_unit=pl.when(in_households).then(pl.lit("households")).otherwise(pl.lit("individuals")),
            _persons=pl.coalesce("individuals", by_size),
        )
        # with households told beside people their own size shows; without, there is nothing to restate
        .with_columns(_at_our_size=pl.coalesce(by_size, "_persons"))
    )


def _dates(ours: pl.DataFrame, figures: pl.DataFrame, rules: ReconciliationRules) -> pl.DataFrame:
    """Our date nearest to each of theirs, our figure there, and the one between the dates around theirs."""
    totals = ours.group_by("series_id", "population_group", "location_code", "reference_date").agg(
        ours=pl.when(pl.col("individuals").count() > 0).then(pl.col("individuals").sum()),
        _ours_whole=pl.col("individuals").null_count() == 0,
        _our_households=pl.when((pl.col("households").null_count() == 0) & (pl.col("households").sum() > 0)).then(
            pl.col("households").sum()
        ),
        in_camp=pl.when(pl.col("in_camp_individuals").null_count() == 0).then(pl.col("in_camp_individuals").sum()),
    )
    both = figures.select(OTHER).join(totals, on=["series_id", "population_group", "location_code"])
    days = (pl.col("reference_date") - pl.col("other_reference_date")).dt.total_days()
    # farther than the limit nothing is compared, and nothing interpolated
    both = both.with_columns(_days=days).filter(pl.col("ours").is_not_null() & (days.abs() <= rules.max_days_apart))
    key = list(OTHER)
    nearest = (
        both.sort(*key, pl.col("_days").abs(), "reference_date")
        .unique(key, keep="first", maintain_order=True)
        .with_columns(_camp_share=pl.when(pl.col("ours") > 0).then(pl.col("in_camp") / pl.col("ours")))
        .select(*key, "reference_date", "ours", "_ours_whole", "_our_households", "_camp_share")
    )
    before, after = (
        both.filter(side)
        .sort(*key, pl.col("_days").abs())
        .unique(key, keep="first", maintain_order=True)
        .select(*key, pl.col("_days").alias(f"_days_{name}"), pl.col("ours").alias(f"_{name}"))
        for name, side in (("before", pl.col("_days") <= 0), ("after", pl.col("_days") >= 0))
    )
    span = pl.col("_days_after") - pl.col("_days_before")
    between = pl.col("_before") + (pl.col("_after") - pl.col("_before")) * (-pl.col("_days_before")) / span
    return (
        nearest.join(before, on=key, how="left")
        .join(after, on=key, how="left")
        .with_columns(
            # outside our dates nothing is extrapolated: the nearest stands
            _interpolated=pl.when(span > 0).then(between.round(0).cast(pl.Int64)).otherwise("ours")
        )
        .with_columns(pl.coalesce("_interpolated", "ours").alias("_interpolated"))
        .select(*key, "reference_date", "ours", "_ours_whole", "_our_households", "_camp_share", "_interpolated")
    )


def _ours_in_their_areas(ours: pl.DataFrame, theirs: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The part of our figure that lies in the areas that they give; all of it where they give none."""
    key = list(OTHER)
    districts = theirs.filter(pl.col("admin2_code").is_not_null()).select(*OTHER, "admin2_code", _in=True).unique()
    named = theirs.filter(pl.col("admin1_code").is_not_null()).select(*OTHER, "admin1_code", _named=True).unique()
    wholes = (
        theirs.filter(pl.col("admin2_code").is_null() & pl.col("admin1_code").is_not_null())
        .select(*OTHER, "admin1_code", _within=True)
        .unique()
    )
    whole = theirs.group_by(OTHER).agg(_everywhere=pl.coalesce("admin2_code", "admin1_code").is_null().all())
    mine = (
        pairs.select(*key, "reference_date")
        .join(
            ours.select("series_id", "reference_date", *DISTRICT[1:], "individuals"),
            on=["series_id", "reference_date"],
        )
        .join(districts, on=[*OTHER, "admin2_code"], how="left")
        .join(wholes, on=[*OTHER, "admin1_code"], how="left")
        .join(whole, on=list(OTHER))
        .join(named, on=[*OTHER, "admin1_code"], how="left")
    )
    # people of ours whose district is not known are in one of the districts that the other source gives
    inside = pl.col("_everywhere") | pl.any_horizontal(
        pl.col("_in").fill_null(False),
        pl.col("_within").fill_null(False),
        pl.col("admin2_code").is_null() & pl.col("_named").fill_null(False),
    )
    people = pl.col("individuals").fill_null(0)
    return mine.group_by(key).agg(
        _covered_share=pl.when(people.sum() > 0).then(people.filter(inside).sum() / people.sum()).otherwise(1.0)
    )
