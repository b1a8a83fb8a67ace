"""A grade counts reasons for doubt, and says them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.domain.confidence import ConfidenceRules, evidence_by_area, graded
from tests.histories import stock_rows

RULES = ConfidenceRules(92, 0.95, 0.9, 0.2, 0.05, 0.25, 1, 3)
A, DAY = "IQG01Q01", date(2019, 8, 31)
NOBODY = pl.DataFrame(
    schema={"series_id": pl.String, "reference_date": pl.Date, "place_id": pl.String, "individuals": pl.Int64}
)


def judged(stock: pl.DataFrame, accounts: pl.DataFrame = NOBODY, covered: float | None = 1.0) -> dict[str, object]:
    evidence = evidence_by_area(stock, "district", accounts, RULES).with_columns(
        covered_share=pl.lit(covered, pl.Float64)
    )
    return graded(evidence, RULES).row(0, named=True)


def two() -> pl.DataFrame:
    return stock_rows(("p", A, DAY, 90), ("q", A, DAY, 10))


def test_a_figure_without_reasons_for_doubt_is_of_high_confidence() -> None:
    row = judged(two())
    assert (row["confidence"], row["confidence_reasons"]) == ("high", [])
    assert (row["verified_share"], row["rule_share"], row["place_conflict_share"]) == (1.0, 1.0, 0.0)
    assert row["rule_range"] == pytest.approx((6.7 - 5.7) / 6, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pl.lit(date(2019, 4, 30)).alias("last_verified_date"), "old_verification"),
        (pl.lit("codes_differ").alias("place_conflict"), "place_conflicts"),
        (pl.lit(True).alias("point_conflict"), "place_conflicts"),
        ((pl.col("individuals") * 2).alias("individuals_high"), "size_rule_matters"),
    ],
)
def test_each_reason_is_told(change: pl.Expr, reason: str) -> None:
    row = judged(two().with_columns(change))
    assert (row["confidence"], row["confidence_reasons"]) == ("medium", [reason])


def test_reasons_count_by_people_and_not_by_rows() -> None:
    few = two().with_columns(place_conflict=pl.when(pl.col("place_id") == "q").then(pl.lit("codes_differ")))
    many = two().with_columns(place_conflict=pl.when(pl.col("place_id") == "p").then(pl.lit("codes_differ")))
    assert judged(few)["place_conflict_share"] == pytest.approx(0.1)
    assert judged(many)["place_conflict_share"] == pytest.approx(0.9)


def test_three_reasons_make_a_figure_low() -> None:
    doubtful = two().with_columns(last_verified_date=pl.lit(date(2019, 4, 30)), point_conflict=pl.lit(True))
    row = judged(doubtful, covered=0.5)
    assert (row["confidence"], row["confidence_reasons"]) == (
        "low",
        ["coverage_changed", "old_verification", "place_conflicts"],
    )


def test_the_first_date_of_a_series_has_no_covered_share_and_no_doubt_for_it() -> None:
    assert judged(two(), covered=None)["confidence"] == "high"


def test_two_accounts_of_a_location_that_differ_are_a_reason() -> None:
    said = pl.DataFrame([("irq_idp", DAY, "p", 270)], schema=dict(NOBODY.schema), orient="row")
    row = judged(two(), said)
    assert row["informant_spread"] == pytest.approx(0.5)
    assert row["confidence_reasons"] == ["informants_differ"]
    assert judged(two())["informant_spread"] is None


def test_aggregates_are_not_graded() -> None:
    row = judged(two().with_columns(admin_level=pl.lit(2, pl.Int64), last_verified_date=pl.lit(None, pl.Date)))
    assert (row["confidence"], row["confidence_reasons"], row["verified_share"]) == (
        "not_graded",
        ["no_locations"],
        None,
    )
