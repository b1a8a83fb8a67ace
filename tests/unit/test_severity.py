"""Scores, classes, and people who were not assessed."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.domain.severity import class_by_area, score_by_area, score_locations, with_unassessed
from dtm_pipeline.facts.severity import _stock_near
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference, severity_model
from tests.histories import stock_rows

MODEL = Reference(Settings().reference).severity_model("return_conditions")
CODES = [i.code for i in MODEL.indicators]
DAY = date(2020, 12, 31)


def answers(values: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"place_id": ["p"] * len(values), "indicator_code": CODES[: len(values)], "value": values},
        schema_overrides={"value": pl.Float64},
    )


def scored(values: list[float | None]) -> tuple[float | None, str]:
    row = score_locations(answers(values), MODEL).row(0, named=True)
    return row["score"], row["severity_class"]


@pytest.mark.parametrize(("value", "score", "name"), [(0.0, 0, "low"), (0.5, 50, "medium"), (1.0, 100, "high")])
def test_all_conditions_met_is_0_and_none_is_100(value: float, score: float, name: str) -> None:
    assert scored([value] * 16) == (pytest.approx(score), name)


def test_the_two_scales_weigh_alike_however_many_questions_each_has() -> None:
    services = [1.0 if i.scale == "livelihoods_and_services" else 0.0 for i in MODEL.indicators]
    assert scored(services)[0] == pytest.approx(50)


@given(st.lists(st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=16, max_size=16))
def test_a_score_lies_between_0_and_100_and_stands_only_on_enough_answers(values: list[float | None]) -> None:
    score, name = scored(values)
    if sum(v is not None for v in values) < MODEL.min_answered_share * 16:
        assert (score, name) == (None, "not_assessed")
    elif score is not None:
        assert -1e-9 <= score <= 100 + 1e-9


def located(*told: tuple[str, str, float | None, int | None]) -> pl.DataFrame:
    base = {
        "snapshot_id": "survey",
        "source_sheet": None,
        "source_row": 2,
        "series_id": "irq_returnee",
        "population_group": "idp_returnee",
        "reference_date": DAY,
        "location_code": "IRQ",
        "admin1_code": "IQG15",
        "admin1_name": "Ninewa",
        "admin1_name_local": None,
        "admin2_code": "IQG15Q05",
        "admin2_name": "Al-Mosul",
        "admin2_name_local": None,
        "place_basis": "name",
        "boundary_edition": "cod",
        "index_name": "r",
        "model_version": "1",
    }
    rows = [{**base, "place_id": p, "severity_class": c, "score": s, "individuals": n} for p, c, s, n in told]
    return pl.DataFrame(
        rows,
        schema_overrides={
            "source_sheet": pl.String,
            "admin1_name_local": pl.String,
            "admin2_name_local": pl.String,
            "score": pl.Float64,
            "individuals": pl.Int64,
        },
        infer_schema_length=None,
    )


def test_people_of_the_stock_who_were_not_surveyed_are_a_class_of_their_own() -> None:
    assessed = located(("a", "high", 90.0, 6), ("x", "low", 10.0, 12))
    stock = located(("a", "", None, 600), ("b", "", None, 300)).with_columns(
        snapshot_id=pl.lit("list"), reference_date=pl.lit(date(2020, 11, 30))
    )
    together = with_unassessed(assessed, stock)
    told = together.select("place_id", "severity_class", "individuals").sort("place_id").rows()
    assert told == [("a", "high", 600), ("b", "not_assessed", 300), ("x", "low", 12)]
    assert set(together["reference_date"]) == {DAY}
    shares = {
        r["severity_class"]: r["share_of_assessed"] for r in class_by_area(together, "district").iter_rows(named=True)
    }
    assert shares["not_assessed"] is None
    assert shares["high"] == pytest.approx(600 / 612)
    score = score_by_area(together, "district", together.filter(severity_class="not_assessed")).row(0, named=True)
    assert score["score_mean"] == pytest.approx((90 * 600 + 10 * 12) / 612)
    assert score["assessed_share"] == pytest.approx(612 / 912)


def test_the_assessed_share_is_unknown_where_the_stock_is() -> None:
    assessed = located(("a", "high", 90.0, 6))
    told = score_by_area(assessed, "governorate", assessed.clear()).row(0, named=True)
    assert (told["assessed_share"], told["individuals_assessed"]) == (None, 6)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["high", "medium", "low", "not_assessed"]), st.integers(0, 10**6)),
        min_size=1,
        max_size=20,
    )
)
def test_classes_add_up_to_the_people_and_shares_to_one(told: list[tuple[str, int]]) -> None:
    rows = located(*[(str(i), c, None if c == "not_assessed" else 50.0, n) for i, (c, n) in enumerate(told)])
    classes = class_by_area(rows, "governorate")
    assert classes["individuals"].sum() == sum(n for _, n in told)
    if sum(n for c, n in told if c != "not_assessed") > 0:
        assert classes["share_of_assessed"].sum() == pytest.approx(1)


def test_a_survey_midway_between_two_lists_has_the_people_of_the_earlier_and_never_of_both() -> None:
    lists = pl.concat(
        [stock_rows(("p", "IQG01Q01", day, n)) for day, n in ((date(2019, 8, 1), 10), (date(2019, 8, 31), 12))]
    )
    near = _stock_near(lists, "irq_idp", date(2019, 8, 16), 31)
    assert near.select("place_id", "reference_date", "households").rows() == [("p", date(2019, 8, 1), 10)]
    assert _stock_near(lists, "irq_idp", date(2019, 8, 17), 31)["households"].to_list() == [12]
    assert _stock_near(lists, "irq_idp", date(2019, 10, 17), 31).is_empty()


def test_a_model_with_a_value_out_of_range_is_refused() -> None:
    content = {
        "index_name": "x", "model_version": "1", "location_code": "IRQ", "population_group": "idp", "illustrative": True, "source": "s", "questions": {},
        "answer_values": {"a": {"yes": 2.0}}, "indicator": [{"code": "i", "question": "q", "scale": "s", "weight": 1, "answers": "a"}],
        "medium_from": 30, "high_from": 60, "min_answered_share": 0.5, "stock_date_tolerance_days": 30,
    }  # fmt: skip
    with pytest.raises(ValueError, match="indicator i has a weight or an answer out of range"):
        severity_model(content)


def test_shipped_models_are_marked_as_illustrative() -> None:
    assert MODEL.illustrative


def test_a_survey_without_a_usable_location_tells_nothing_of_who_was_not_assessed() -> None:
    assessed = located(("a", "low", 10.0, 5)).clear()
    assert with_unassessed(assessed, located(("b", "low", 10.0, 5))).is_empty()


def test_people_who_are_not_known_are_not_zero_people_assessed() -> None:
    told = located(("a", "low", 10.0, None))
    assert score_by_area(told, "district", told.clear())["individuals_assessed"].to_list() == [None]
