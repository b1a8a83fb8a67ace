"""The location master: names, moves, mergers and splits over the rounds."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.domain.registers import LINK_SCHEMA
from dtm_pipeline.places.locations import LocationMaster, LocationRules, location_master

RULES = LocationRules(moved_m=500, link_m=2000)
NO_LINKS = pl.DataFrame(schema=LINK_SCHEMA)
DAYS = [date(2019, 8, 31), date(2019, 10, 31), date(2020, 2, 29)]
SCHEMA = pl.Schema(
    {
        "place_id": pl.String(),
        "population_group": pl.String(),
        "reference_date": pl.Date(),
        "location_name": pl.String(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "admin2_code": pl.String(),
    }
)


def master(rows: list[tuple[object, ...]], links: pl.DataFrame = NO_LINKS) -> LocationMaster:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(
        location_code=pl.lit("IRQ"),
        location_name_local=pl.lit(None, pl.String),
        admin1_code=pl.col("admin2_code").str.head(5),
    )
    return location_master(frame, links, RULES)


def row(place: str, day: int, name: str | None = "Al-Nasr", north: float | None = 36.0, district: str = "IQG15Q05", group: str = "idp") -> tuple[object, ...]:  # fmt: skip
    return (place, group, DAYS[day], name, north, 43.0 if north is not None else None, district)


def changes(told: LocationMaster) -> list[tuple[str, str, str | None, str | None]]:
    return told.changes.select("place_id", "change", "old", "new").rows()


def test_idp_and_returnee_lists_are_joined_by_place_id() -> None:
    told = master([row("1", 0), row("1", 2, group="idp_returnee"), row("2", 1, "B")]).locations
    assert told.select("place_id", "first_date", "last_date", "dates", "population_groups").rows() == [
        ("1", DAYS[0], DAYS[2], 2, "idp idp_returnee"),
        ("2", DAYS[1], DAYS[1], 1, "idp"),
    ]


def test_a_new_name_is_a_change_and_another_spelling_is_none() -> None:
    told = master([row("1", 0, "Al-Nasr"), row("1", 1, "al nasr"), row("1", 2, "Al-Salam")])
    assert changes(told) == [("1", "renamed", "al nasr", "Al-Salam")]
    assert told.locations["location_name"].to_list() == ["Al-Salam"]


def test_a_name_that_a_round_leaves_out_is_no_change_and_is_kept() -> None:
    told = master([row("1", 0, "A"), row("1", 1, None, None), row("1", 2, "A", 36.001)])
    assert changes(told) == []
    assert told.locations.select("location_name", "latitude").row(0) == ("A", 36.001)


def test_a_point_that_is_far_from_the_one_before_has_moved() -> None:
    told = master([row("1", 0), row("1", 1, north=36.004), row("1", 2, north=36.1)])
    assert changes(told) == [("1", "moved", "36.004, 43.0", "36.1, 43.0")]
    assert told.changes["distance_m"].item() == pytest.approx(10_675, rel=0.01)


def test_a_place_under_another_district_than_before_is_told() -> None:
    assert changes(master([row("1", 0), row("1", 1, district="IQG15Q09")])) == [
        ("1", "redistricted", "IQG15Q05", "IQG15Q09")
    ]


def test_places_of_one_name_that_give_way_to_one_another_are_proposed_and_no_more() -> None:
    told = master(
        [row("1", 0, "Nasr 1"), row("2", 0, "Nasr 2", 36.01), row("2", 1, "Nasr 2", 36.01), row("3", 1, "Salam")]
    )
    assert told.locations.select("place_id", "merged_into", "link_basis").rows() == [
        ("1", "2", "proposed"),
        ("2", None, None),
        ("3", None, None),
    ]
    split = master([row("1", 0, "Nasr"), row("1", 1, "Nasr"), row("2", 1, "Nasr 2", 36.01)])
    assert split.locations.select("place_id", "split_from", "link_basis").rows() == [
        ("1", None, None),
        ("2", "1", "proposed"),
    ]


def test_a_place_with_several_possible_partners_or_a_far_one_is_linked_to_none() -> None:
    several = master([row("1", 0, "Nasr 1"), *(row(p, d, f"Nasr {p}") for p in "23" for d in (0, 1))])
    assert several.locations["merged_into"].null_count() == 3
    far = master([row("1", 0, "Nasr 1"), row("2", 0, "Nasr 2", 36.5), row("2", 1, "Nasr 2", 36.5)])
    assert far.locations["merged_into"].null_count() == 2


def test_what_is_on_record_leads_over_what_names_propose() -> None:
    links = pl.DataFrame(
        [("IRQ", "1", "merged_into", "9", DAYS[1], "letter of the governorate")],
        schema=pl.Schema(LINK_SCHEMA),
        orient="row",
    )
    told = master([row("1", 0, "Nasr 1"), row("2", 0, "Nasr 2"), row("2", 1, "Nasr 2")], links)
    assert told.locations.select("merged_into", "link_basis").rows()[0] == ("9", "register")


def test_a_country_without_locations_has_an_empty_master() -> None:
    told = master([])
    assert (told.locations.height, told.changes.height) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("12345"),
            st.integers(0, 2),
            st.sampled_from(["A", "A 2", "B", None]),
            st.sampled_from([36.0, 36.001, 36.2, None]),
        ),
        max_size=30,
        unique_by=lambda r: (r[0], r[1]),
    )
)
def test_every_place_stands_once_between_its_first_and_its_last_date(
    rows: list[tuple[str, int, str | None, float | None]],
) -> None:
    told = master([row(*r) for r in rows])
    assert sorted(told.locations["place_id"]) == sorted({r[0] for r in rows})
    for place, first, last in told.locations.select("place_id", "first_date", "last_date").iter_rows():
        days = [DAYS[r[1]] for r in rows if r[0] == place]
        assert (first, last) == (min(days), max(days))
    assert told.changes.filter(pl.col("old") == pl.col("new")).is_empty()
