"""How far a published figure can be relied on, from what is known of its rows. Method: docs/method/confidence.md.

The grade is ours: it counts reasons for doubt. It measures neither bias nor sampling error.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.stocks import AREA_CODES, LOCATION_LEVEL, SERIES_KEY


@dataclass(frozen=True)
class ConfidenceRules:
    """Numbers of `[confidence]` in reference/thresholds.toml.

    Attributes:
        verified_within_days: a figure verified longer before its reference date is old.
        min_verified_share: with less of the people verified within that time there is a reason for doubt.
        min_covered_share: the same for the part of the people in locations that the date before listed too.
        max_rule_range: the same where the range of the household-size rule is wider than this part of the figure.
        max_conflict_share: the same for people in rows whose evidence of place disagrees.
        max_informant_spread: the same for how far two accounts of one location lie apart.
        medium_from, low_from: numbers of reasons from which the grade is medium, and low.
    """

    verified_within_days: int
    min_verified_share: float
    min_covered_share: float
    max_rule_range: float
    max_conflict_share: float
    max_informant_spread: float
    medium_from: int
    low_from: int


def evidence_by_area(stock: pl.DataFrame, level: str, accounts: pl.DataFrame, rules: ConfidenceRules) -> pl.DataFrame:
    """What is known of the rows behind each figure.

    Args:
        stock: rows of core_dtm__stock.
        level: `governorate`, `district` or `subdistrict`.
        accounts: series_id, reference_date, place_id, individuals of another account of a location at that date
            (key informants of a location assessment); may be empty.
        rules: within how many days a figure counts as verified.

    Returns:
        SERIES_KEY, codes of the area, has_locations; verified_share, rule_share, rule_range, place_conflict_share,
        informant_spread: parts of the area's people (of households where people are not known); null where nothing is
        known of it.
    """
    weight = pl.coalesce("individuals", "households").cast(pl.Float64)
    key = [*SERIES_KEY, *AREA_CODES[level]]
    rows = stock.filter("leads").join(
        accounts.group_by("series_id", "reference_date", "place_id").agg(_other=pl.col("individuals").mean()),
        on=["series_id", "reference_date", "place_id"],
        how="left",
    )
    located = pl.col("admin_level") == LOCATION_LEVEL
    age = (pl.col("reference_date") - pl.col("last_verified_date")).dt.total_days()
    verified = (age <= rules.verified_within_days).fill_null(False)
    conflict = pl.col("place_conflict").is_not_null() | pl.col("point_conflict").fill_null(False)
    twice = pl.col("_other").is_not_null() & pl.col("individuals").is_not_null()
    apart = (pl.col("_other") - pl.col("individuals")).abs() / pl.max_horizontal("_other", "individuals", pl.lit(1))
    wide = (pl.col("individuals_high") - pl.col("individuals_low")).cast(pl.Float64)
    whole = weight.sum()

    def share(holds: pl.Expr) -> pl.Expr:
        return pl.when(whole > 0).then(weight.filter(holds).sum() / whole)

    return rows.group_by(key).agg(
        has_locations=located.any(),
        verified_share=pl.when(located.any()).then(share(verified)),
        rule_share=pl.when(pl.col("individuals_basis").count() > 0).then(
            pl.when(pl.col("individuals").sum() > 0).then(
                pl.col("individuals").filter(pl.col("individuals_basis") == "rule").sum() / pl.col("individuals").sum()
            )
        ),
        rule_range=pl.when((pl.col("individuals").sum() > 0) & (wide.count() > 0)).then(
            wide.sum() / pl.col("individuals").sum()
        ),
        place_conflict_share=pl.when(located.any()).then(share(conflict.fill_null(False))),
        informant_spread=pl.when(weight.filter(twice).sum() > 0).then(
            (apart * weight).filter(twice).sum() / weight.filter(twice).sum()
        ),
    )


def graded(evidence: pl.DataFrame, rules: ConfidenceRules) -> pl.DataFrame:
    """Evidence with `confidence` (high, medium, low; not_graded for figures without locations) and its reasons.

    Args:
        evidence: as evidence_by_area gives it, with covered_share of the change from the date before (null at the first
            date of a series).
        rules: when a reason holds.
    """
    reasons = {
        "old_verification": pl.col("verified_share") < rules.min_verified_share,
        "coverage_changed": pl.col("covered_share") < rules.min_covered_share,
        "size_rule_matters": pl.col("rule_range") > rules.max_rule_range,
        "place_conflicts": pl.col("place_conflict_share") > rules.max_conflict_share,
        "informants_differ": pl.col("informant_spread") > rules.max_informant_spread,
    }
    listed = pl.concat_list([pl.when(holds).then(pl.lit(name)) for name, holds in sorted(reasons.items())])
    count = pl.col("confidence_reasons").list.len()
    blind = ~pl.col("has_locations")
    return evidence.with_columns(
        confidence_reasons=pl.when(blind).then(pl.lit(["no_locations"])).otherwise(listed.list.drop_nulls())
    ).with_columns(
        confidence=pl.when(blind)
        .then(pl.lit("not_graded"))
        .when(count >= rules.low_from)
        .then(pl.lit("low"))
        .when(count >= rules.medium_from)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("high"))
    )
