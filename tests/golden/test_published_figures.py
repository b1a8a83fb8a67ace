"""Figures printed in public reports, reached by the project's own functions."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.domain.household_size import with_individuals
from dtm_pipeline.domain.severity import class_by_area, score_by_area
from dtm_pipeline.storage.reference import Reference
from tests.unit.test_household_size import rows
from tests.unit.test_severity import located


def people(reference: Reference, group: str, day: date, households: int, camp: int | None = None) -> dict[str, object]:
    return with_individuals(rows(("IRQ", group, day, households, None, camp, None)), reference.size_rules).row(
        0, named=True
    )


@pytest.mark.parametrize(
    ("source", "group", "day", "households", "individuals"),
    [
        ("round 109, April 2019", "idp", date(2019, 4, 30), 277_518, 1_665_108),
        ("round 109, April 2019", "idp_returnee", date(2019, 4, 30), 711_147, 4_266_882),
        ("round 112, October 2019", "idp", date(2019, 10, 31), 240_750, 1_444_500),
        ("round 119, December 2020", "idp_returnee", date(2020, 12, 31), 805_261, 4_831_566),
        ("round 116, June 2020", "idp", date(2020, 6, 30), 230_222, 1_381_332),
    ],
)
def test_people_of_iraqi_rounds_follow_from_their_households(
    reference: Reference, source: str, group: str, day: date, households: int, individuals: int
) -> None:
    assert people(reference, group, day, households)["individuals"] == individuals, source


def test_round_132_has_the_people_that_its_camps_and_other_households_give(reference: Reference) -> None:
    told = people(reference, "idp", date(2024, 4, 30), 188_390, 31_427)
    assert told["individuals"] == 1_098_913
    assert round(told["in_camp_individuals"] / told["individuals"], 3) == 0.143


def test_the_break_from_round_116_to_117_is_52671_by_the_rule_and_28674_otherwise(reference: Reference) -> None:
    before = people(reference, "idp", date(2020, 6, 30), 230_222)["individuals"]
    after = people(reference, "idp", date(2020, 8, 31), 225_443, 52_671)["individuals"]
    old_rule = people(reference, "idp", date(2020, 6, 30), 225_443, 52_671)["individuals"]
    assert (after - before, after - old_rule, old_rule - before) == (-81_345, -52_671, -28_674)


def test_the_displacement_index_of_round_8_shares_out_as_printed() -> None:
    told = located(
        ("h", "high", 90.0, 56_250),
        ("m", "medium", 50.0, 255_486),
        ("l", "low", 10.0, 640_344),
        ("n", "not_assessed", None, 146_833),
    )
    classes = {
        r["severity_class"]: r["share_of_assessed"] for r in class_by_area(told, "governorate").iter_rows(named=True)
    }
    assert [round(classes[c] * 100) for c in ("high", "medium", "low")] == [6, 27, 67]
    score = score_by_area(told, "governorate", told.filter(pl.col("severity_class") == "not_assessed")).row(
        0, named=True
    )
    assert (score["individuals_assessed"], round(score["assessed_share"], 3)) == (952_080, 0.866)


def test_the_return_index_of_anbar_in_round_6_adds_up() -> None:
    parts = [("high", 88_560), ("medium", 517_386), ("low", 697_404)]
    told = class_by_area(located(*[(c, c, 50.0, n) for c, n in parts]), "governorate")
    assert told["individuals"].sum() == 1_303_350
