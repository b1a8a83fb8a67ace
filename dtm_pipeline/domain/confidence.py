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
        max_unread_share: the same for what of a delivery could not be read.
        max_control_gap: the same for by how much of a list a stated total differs.
        max_untested_share: the same for people at points that no boundary was at hand for.
        max_unplaced_share: the same for people of the area above whose own area is not known: they are in none.
        size_low, size_high: the same where a household of the area has fewer, or more, persons.
        jump_factor: the same where the area is so many times the date before, or less than that part of it, and has at least
            `jump_min_individuals` on one of the two.
        medium_from, low_from: numbers of reasons from which the grade is medium, and low.
    """

    verified_within_days: int
    min_verified_share: float
    min_covered_share: float
    max_rule_range: float
    max_conflict_share: float
    max_informant_spread: float
    max_unread_share: float
    max_control_gap: float
    max_untested_share: float
    max_unplaced_share: float
    size_low: float
    size_high: float
    jump_factor: float
    jump_min_individuals: int
    medium_from: int
    low_from: int


OF_STATEMENT = ("series_id", "snapshot_id", "source_kind", "admin_level", "source_reference_date")


def evidence_by_area(
    stock: pl.DataFrame,
    level: str,
    accounts: pl.DataFrame,
    statements: pl.DataFrame,
    updated: dict[str, float],
    rules: ConfidenceRules,
) -> pl.DataFrame:
    """What is known of the rows behind each figure.

    Args:
        stock: rows of core_dtm__stock.
        level: `governorate`, `district` or `subdistrict`.
        accounts: series_id, reference_date, place_id, individuals of another account of a location at that date
            (key informants of a location assessment); may be empty.
        statements: rows of core_dtm__statement.
        updated: part of the locations that a round truly visits again, by series, where it is known.
        rules: within how many days a figure counts as verified.

    Returns:
        SERIES_KEY, codes of the area, has_locations; verified_share, rule_share, rule_range, place_conflict_share,
        informant_spread, unread_share, control_gap, untested_share, unplaced_share: parts of the area's people (of households where people
        are not known), household_size, doubtful, accepted; null where nothing is known of it.
    """
    weight = pl.coalesce("individuals", "households").cast(pl.Float64)
    key = [*SERIES_KEY, *AREA_CODES[level]]
    of_statement = statements.group_by(OF_STATEMENT).agg(
        pl.col("unread_share", "control_gap").max(),
        _doubtful=(pl.col("outcome") == "caveat").any(),
        _accepted=pl.col("accepted").any(),
    )
    rows = (
        stock.filter("leads")
        .join(
            accounts.group_by("series_id", "reference_date", "place_id").agg(_other=pl.col("individuals").mean()),
            on=["series_id", "reference_date", "place_id"],
            how="left",
        )
        .join(of_statement, on=list(OF_STATEMENT), how="left")
        .with_columns(_updated=pl.col("series_id").replace_strict(updated, default=None, return_dtype=pl.Float64))
    )
    located = pl.col("admin_level") == LOCATION_LEVEL
    age = (pl.col("reference_date") - pl.col("last_verified_date")).dt.total_days()
    verified = (age <= rules.verified_within_days).fill_null(False)
    # the date of a list is that of its round, not of the visit to each of its locations
    own = (pl.col("last_verified_date") != pl.col("source_reference_date")) | pl.col("carried_from").is_not_null()
    known = own.fill_null(False).any() | pl.col("_updated").is_not_null().any()
    conflict = pl.col("place_conflict").is_not_null() | pl.col("point_conflict").fill_null(False)
    twice = pl.col("_other").is_not_null() & pl.col("individuals").is_not_null()
    apart = (pl.col("_other") - pl.col("individuals")).abs() / pl.max_horizontal("_other", "individuals", pl.lit(1))
    wide = (pl.col("individuals_high") - pl.col("individuals_low")).cast(pl.Float64)
    counted = (pl.col("individuals_basis") == "provider") & (pl.col("households") > 0)
    whole = weight.sum()

    def share(holds: pl.Expr) -> pl.Expr:
        return pl.when(whole > 0).then(weight.filter(holds).sum() / whole)

    code, above = AREA_CODES[level][-1], [*SERIES_KEY, *AREA_CODES[level][:-1]]
    unplaced = pl.when(weight.sum().over(above) > 0).then(
        pl.when(pl.col(code).is_null()).then(weight).otherwise(0.0).sum().over(above) / weight.sum().over(above)
    )
    return (
        rows.with_columns(_unplaced=unplaced)
        .group_by(key)
        .agg(
            has_locations=located.any(),
            verified_share=pl.when(located.any() & known).then(
                share(verified) * pl.col("_updated").min().fill_null(1.0)
            ),
            rule_share=pl.when(pl.col("individuals_basis").count() > 0).then(
                pl.when(pl.col("individuals").sum() > 0).then(
                    pl.col("individuals").filter(pl.col("individuals_basis") == "rule").sum()
                    / pl.col("individuals").sum()
                )
            ),
            rule_range=pl.when((pl.col("individuals").sum() > 0) & (wide.count() > 0)).then(
                wide.sum() / pl.col("individuals").sum()
            ),
            place_conflict_share=pl.when(located.any()).then(share(conflict.fill_null(False))),
            informant_spread=pl.when(weight.filter(twice).sum() > 0).then(
                (apart * weight).filter(twice).sum() / weight.filter(twice).sum()
            ),
            unread_share=pl.col("unread_share").max(),
            control_gap=pl.col("control_gap").max(),
            untested_share=pl.when(located.any()).then(share((pl.col("point_state") == "untested").fill_null(False))),
            unplaced_share=pl.when(located.any()).then(pl.col("_unplaced").max()),
            household_size=pl.when(counted.any()).then(
                pl.col("individuals").filter(counted).sum() / pl.col("households").filter(counted).sum()
            ),
            doubtful=pl.col("_doubtful").fill_null(False).any(),
            accepted=pl.col("_accepted").fill_null(False).any(),
        )
    )


def graded(evidence: pl.DataFrame, rules: ConfidenceRules) -> pl.DataFrame:
    """Evidence with `confidence` (high, medium, low; not_graded for figures without locations) and its reasons.

    Args:
        evidence: as evidence_by_area gives it, with covered_share and change_factor of the change from the date before (null
            at the first date of a series).
        rules: when a reason holds.
    """
    reasons = {
        "old_verification": pl.col("verified_share") < rules.min_verified_share,
        "coverage_changed": pl.col("covered_share") < rules.min_covered_share,
        "size_rule_matters": pl.col("rule_range") > rules.max_rule_range,
        "place_conflicts": pl.col("place_conflict_share") > rules.max_conflict_share,
        "informants_differ": pl.col("informant_spread") > rules.max_informant_spread,
        "rows_unreadable": pl.col("unread_share") > rules.max_unread_share,
        "control_total_differs": pl.col("control_gap") > rules.max_control_gap,
        "points_untested": pl.col("untested_share") > rules.max_untested_share,
        "people_unplaced": pl.col("unplaced_share") > rules.max_unplaced_share,
        "household_size_unusual": ~pl.col("household_size").is_between(rules.size_low, rules.size_high),
        "jumped": ~pl.col("change_factor").is_between(1 / rules.jump_factor, rules.jump_factor),
        "delivery_doubtful": pl.col("doubtful"),
        "accepted_by_a_person": pl.col("accepted"),
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
