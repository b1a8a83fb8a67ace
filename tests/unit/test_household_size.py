"""Individuals from households, by dated rules."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtm_pipeline.domain.household_size import with_individuals
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

SCHEMA = {
    "location_code": pl.String,
    "population_group": pl.String,
    "reference_date": pl.Date,
    "households": pl.Int64,
    "individuals": pl.Int64,
    "camp_households": pl.Int64,
    "camp_individuals": pl.Int64,
}


def rows(*told: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(told, schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("day", "group", "households", "camp", "individuals", "rule"),
    [
        (date(2020, 6, 30), "idp", 100, 40, 600, "irq-6-everywhere"),
        (date(2020, 8, 30), "idp", 100, 40, 600, "irq-6-everywhere"),
        (date(2020, 8, 31), "idp", 100, 40, 560, "irq-5-in-camps"),
        (date(2020, 12, 31), "idp_returnee", 100, 0, 600, "irq-6-returnees"),
    ],
)
def test_the_rule_of_the_day_and_group_gives_the_people(
    reference: Reference, day: date, group: str, households: int, camp: int, individuals: int, rule: str
) -> None:
    told = with_individuals(rows(("IRQ", group, day, households, None, camp, None)), reference.size_rules).row(
        0, named=True
    )
    assert (told["individuals"], told["individuals_basis"], told["household_size_rule_id"]) == (
        individuals,
        "rule",
        rule,
    )


def test_the_providers_own_people_lead_and_say_so_where_no_rule_gives_them(reference: Reference) -> None:
    told = with_individuals(rows(("IRQ", "idp", date(2019, 8, 31), 10, 57, None, None)), reference.size_rules).row(
        0, named=True
    )
    assert (told["individuals"], told["individuals_basis"], told["household_size_rule_id"]) == (57, "provider", None)


def test_without_a_rule_people_are_unknown_and_not_zero(reference: Reference) -> None:
    told = with_individuals(rows(("TCD", "idp", date(2019, 8, 31), 10, None, None, None)), reference.size_rules).row(
        0, named=True
    )
    assert (told["individuals"], told["individuals_basis"]) == (None, None)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.dates(date(2014, 1, 1), date(2030, 1, 1)))
def test_people_in_camps_and_outside_add_up_to_all(camp: int, outside: int, day: date) -> None:
    reference = Reference(Settings().reference)
    told = with_individuals(rows(("IRQ", "idp", day, camp + outside, None, camp, None)), reference.size_rules).row(
        0, named=True
    )
    assert told["in_camp_individuals"] + told["out_of_camp_individuals"] == told["individuals"]
