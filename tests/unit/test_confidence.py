"""A grade counts reasons for doubt, and says them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.contracts.core import STATEMENT
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.confidence import ConfidenceRules, evidence_by_area, graded
from tests.histories import stock_rows

RULES = ConfidenceRules(
    verified_within_days=92, min_verified_share=0.95, min_covered_share=0.9, max_rule_range=0.2, max_conflict_share=0.05,
    max_informant_spread=0.25, max_unread_share=0.02, max_control_gap=0.001, max_untested_share=0.05, max_unplaced_share=0.02, size_low=2.5, size_high=10,
    jump_factor=2, jump_min_individuals=600, medium_from=1, low_from=3,
)  # fmt: skip
A, DAY = "IQG01Q01", date(2019, 8, 31)
NOBODY = pl.DataFrame(
    schema={"series_id": pl.String, "reference_date": pl.Date, "place_id": pl.String, "individuals": pl.Int64}
)


NOTHING_SAID = empty(STATEMENT)


def judged(
    stock: pl.DataFrame,
    accounts: pl.DataFrame = NOBODY,
    covered: float | None = 1.0,
    factor: float | None = 1.0,
    statements: pl.DataFrame = NOTHING_SAID,
    updated: float | None = None,
) -> dict[str, object]:
    known = {} if updated is None else {"irq_idp": updated}
    evidence = evidence_by_area(stock, "district", accounts, statements, known, RULES).with_columns(
        covered_share=pl.lit(covered, pl.Float64), change_factor=pl.lit(factor, pl.Float64)
    )
    return graded(evidence, RULES).row(0, named=True)


def statement_of(stock: pl.DataFrame, **said: object) -> pl.DataFrame:
    """The statement behind some rows, plausible unless something else is said."""
    one = stock.select("series_id", "snapshot_id", "source_kind", "admin_level", "source_reference_date").unique()
    told = {"review_id": "r", "outcome": "pass", "accepted": False} | said
    return conform(one.with_columns(**{k: pl.lit(v) for k, v in told.items()}), STATEMENT)


def two() -> pl.DataFrame:
    return stock_rows(("p", A, DAY, 90), ("q", A, DAY, 10))


def test_a_figure_without_reasons_for_doubt_is_of_high_confidence() -> None:
    row = judged(two())
    assert (row["confidence"], row["confidence_reasons"]) == ("high", [])
    assert (row["verified_share"], row["rule_share"], row["place_conflict_share"]) == (None, 1.0, 0.0)
    assert row["rule_range"] == pytest.approx((6.7 - 5.7) / 6, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pl.lit(date(2019, 4, 30)).alias("last_verified_date"), "old_verification"),
        (pl.lit("codes_differ").alias("place_conflict"), "place_conflicts"),
        (pl.lit(True).alias("point_conflict"), "place_conflicts"),
        ((pl.col("individuals") * 2).alias("individuals_high"), "size_rule_matters"),
        (pl.lit("untested").alias("point_state"), "points_untested"),
        ([pl.lit("provider").alias("individuals_basis"), pl.col("households") * 11], "household_size_unusual"),
    ],
)
def test_each_reason_is_told(change: pl.Expr | list[pl.Expr], reason: str) -> None:
    row = judged(two().with_columns(change))
    assert (row["confidence"], row["confidence_reasons"]) == ("medium", [reason])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"unread_share": 0.03}, ["rows_unreadable"]),
        ({"unread_share": 0.01}, []),
        ({"control_gap": 0.004}, ["control_total_differs"]),
        ({"control_gap": 0.0}, []),
        ({"outcome": "caveat"}, ["delivery_doubtful"]),
        ({"outcome": "pass", "accepted": True}, ["accepted_by_a_person"]),
    ],
)
def test_what_is_known_of_the_delivery_is_a_reason_for_each_of_its_figures(
    said: dict[str, object], reason: list[str]
) -> None:
    row = judged(two(), statements=statement_of(two(), **said))
    assert row["confidence_reasons"] == reason


@pytest.mark.parametrize(("factor", "reason"), [(2.5, ["jumped"]), (0.4, ["jumped"]), (1.9, []), (None, [])])
def test_an_area_that_jumps_is_doubtful(factor: float | None, reason: list[str]) -> None:
    assert judged(two(), factor=factor)["confidence_reasons"] == reason


def test_when_the_locations_of_a_list_were_visited_is_not_known_unless_somebody_says() -> None:
    assert judged(two())["verified_share"] is None
    half = judged(two(), updated=0.5)
    assert (half["verified_share"], half["confidence_reasons"]) == (0.5, ["old_verification"])
    carried = two().with_columns(
        last_verified_date=pl.when(pl.col("place_id") == "q").then(date(2019, 4, 30)).otherwise("last_verified_date")
    )
    assert judged(carried)["verified_share"] == pytest.approx(0.9)


def test_people_of_the_governorate_without_a_district_are_a_reason_for_its_districts() -> None:
    rows = stock_rows(("p", A, DAY, 90), ("q", A, DAY, 10)).with_columns(
        admin2_code=pl.when(pl.col("place_id") == "p").then("admin2_code")
    )
    evidence = evidence_by_area(rows, "district", NOBODY, NOTHING_SAID, {}, RULES)
    assert evidence["unplaced_share"].round(6).unique().to_list() == [0.1]
    assert "people_unplaced" in judged(rows)["confidence_reasons"]  # type: ignore[operator]  # a list of codes
    whole = evidence_by_area(rows, "governorate", NOBODY, NOTHING_SAID, {}, RULES)
    assert whole["unplaced_share"].to_list() == [0.0]


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
