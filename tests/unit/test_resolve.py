"""Which unit a row stands in: decision, code, declared name; the point is evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import geopandas as gpd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from dtm_pipeline.places.cells import CellIndex, build_cells
from dtm_pipeline.places.codes import read_codes
from dtm_pipeline.places.gazetteer import DECISION_SCHEMA, Gazetteer, PointRules
from dtm_pipeline.places.points import apply_points
from dtm_pipeline.places.resolve import resolve
from dtm_pipeline.settings import Settings

GAZETTEER = Gazetteer.load(Settings().reference)
DAY = date(2020, 2, 29)


def row(
    a1: str | None = None,
    a2: str | None = None,
    c1: str | None = None,
    c2: str | None = None,
    country: str = "IRQ",
    place_id: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
) -> pl.DataFrame:
    return pl.DataFrame(
        {"location_code": [country], "reference_date": [DAY], "place_id": [place_id], "provider_admin1_name": [a1], "provider_admin1_code": [c1], "provider_admin2_name": [a2], "provider_admin2_code": [c2], "latitude": [latitude], "longitude": [longitude]},
        schema_overrides={"place_id": pl.String, "provider_admin1_name": pl.String, "provider_admin1_code": pl.String, "provider_admin2_name": pl.String, "provider_admin2_code": pl.String, "latitude": pl.Float64, "longitude": pl.Float64},
    )  # fmt: skip


def place(*args: str | None, **kwargs: object) -> tuple[str | None, str | None, str]:
    told = resolve(row(*args, **kwargs), GAZETTEER).row(0, named=True)
    return told["admin1_code"], told["admin2_code"], told["place_basis"]


@pytest.mark.parametrize("code", ["IQG01Q01", "IRQ-G01Q01", "IRQ-G01-Q01", "IQ-G01Q01", "irqg01q01", "IQG01Q01N03"])
def test_a_code_is_read_in_every_iraqi_form(code: str) -> None:
    assert place(c2=code) == ("IQG01", "IQG01Q01", "code")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GAZETTEER.units.filter(admin_level=2)["code"].to_list()))
@example("LSA01")
@example("3501263")
def test_every_unit_of_the_gazetteer_is_found_by_its_own_code(code: str) -> None:
    unit = GAZETTEER.units.filter(admin_level=2, code=code).row(0, named=True)
    assert place(c2=code, country=unit["location_code"]) == (unit["parent_code"], code, "code")


def test_no_unit_of_the_gazetteer_is_unknown_by_its_own_code() -> None:
    units = GAZETTEER.units.filter(pl.col("admin_level").is_in([1, 2]))
    told = units.select("location_code", "code", "admin_level").join(
        read_codes(units, GAZETTEER), on=["location_code", "code"]
    )
    found = pl.when(pl.col("admin_level") == 1).then("admin1_code").otherwise("admin2_code")
    assert told.filter(found.ne_missing(pl.col("code"))).is_empty()
    assert told.height == units.height


def test_every_iraqi_district_is_found_by_its_english_and_its_arabic_name_within_its_governorate() -> None:
    districts = GAZETTEER.of_country("IRQ").districts()
    for name in ("admin2_name", "admin2_name_local"):
        for unit in districts.iter_rows(named=True):
            assert place(unit["admin1_name"], unit[name]) == (unit["admin1_code"], unit["admin2_code"], "name"), unit


@pytest.mark.parametrize(
    ("governorate", "district", "code"),
    [
        ("Ninewa", "Mosul", "IQG15Q05"),
        ("Ninewa", "Al-Ba'aj", "Al-Baaj"),
        ("Salah al-Din", "Tuz Khurmatu", "Tooz Khurmato"),
        ("Salahal Din", "Baiji", "Beygee"),
        ("Dahuk", "Sumel", "Sumail"),
        ("Baghdad", "Abu Ghraib", "Al-Kadhmiyah"),
        ("Baghdad", "Tarmia", "Al-Kadhmiyah"),
        ("Baghdad", "Thawra2", "Al-Thawra"),
        ("Salah al-Din", "Al-Fares", "Balad"),
        ("Wassit", "Al-Azezia", "Al-Suwaira"),
        ("Anbar", "Ra'ua", "Al-Rutba"),
    ],
)
def test_the_providers_spellings_and_units_are_mapped_into_the_boundary_edition(
    governorate: str, district: str, code: str
) -> None:
    told = resolve(row(governorate, district), GAZETTEER).row(0, named=True)
    assert code in (told["admin2_code"], told["admin2_name"])


def test_a_name_outside_its_parent_is_no_match_and_the_row_stays_in_its_governorate() -> None:
    assert place("Basrah", "Mosul") == ("IQG02", None, "name")


def test_a_district_that_nobody_knows_leaves_the_row_in_its_governorate_with_a_note() -> None:
    told = resolve(row("Ninewa", "Al-Unknown"), GAZETTEER).row(0, named=True)
    assert (told["admin1_code"], told["admin2_code"]) == ("IQG15", None)
    assert "neither the gazetteer nor the crosswalk" in told["place_note"]


def test_a_declared_halabja_governorate_maps_to_its_parent_and_is_flagged() -> None:
    told = resolve(row("Halabja", "Halabja"), GAZETTEER).row(0, named=True)
    assert (told["admin1_code"], told["admin2_code"]) == ("IQG06", "IQG06Q05")
    assert told["place_note"]


def test_a_row_that_says_nothing_stands_under_its_country() -> None:
    assert place() == (None, None, "country")


def test_without_a_gazetteer_codes_and_names_are_the_providers_own() -> None:
    told = resolve(row("Lac", "Fouli", "AA07", "AA0704", country="AAA"), GAZETTEER).row(0, named=True)
    assert (told["admin1_code"], told["admin2_code"], told["admin2_name"], told["place_basis"]) == (
        "AA07",
        "AA0704",
        "Fouli",
        "provider",
    )


def test_a_reviewed_decision_leads_over_code_and_name() -> None:
    decided = pl.DataFrame(
        [("IRQ", "77", None, None, None, None, "IQG01", "IQG01Q02", "A. Analyst", DAY, "called")],
        schema=DECISION_SCHEMA,
        orient="row",
    )
    gazetteer = replace(GAZETTEER, decisions=decided)
    told = resolve(row("Ninewa", "Mosul", place_id="77"), gazetteer).row(0, named=True)
    assert (told["admin1_code"], told["admin2_code"], told["place_basis"]) == ("IQG01", "IQG01Q02", "reviewed")


@pytest.fixture(scope="module")
def squares() -> gpd.GeoDataFrame:
    """Two districts side by side, sharing the border at longitude 44."""
    return gpd.GeoDataFrame(
        {"code": ["IQG01Q01", "IQG15Q06"]}, geometry=[box(43, 33, 44, 34), box(44, 33, 45, 34)], crs="EPSG:4326"
    )


def indexed(shapes: gpd.GeoDataFrame) -> CellIndex:
    return CellIndex(build_cells(shapes), shapes)


def at(squares: gpd.GeoDataFrame, declared: pl.DataFrame) -> dict[str, object]:
    return apply_points(resolve(declared, GAZETTEER), indexed(squares), GAZETTEER).row(0, named=True)


def test_a_point_places_a_row_that_declares_nothing(squares: gpd.GeoDataFrame) -> None:
    told = at(squares, row(latitude=33.5, longitude=43.5))
    assert (told["admin1_code"], told["admin2_code"], told["place_basis"]) == ("IQG01", "IQG01Q01", "point")
    assert told["admin2_name"] == "Al-Falluja"


def test_a_point_on_a_border_belongs_to_the_lowest_code(squares: gpd.GeoDataFrame) -> None:
    assert at(squares, row(latitude=33.5, longitude=44.0))["admin2_code"] == "IQG01Q01"


def test_a_point_never_moves_a_row_that_declares_its_unit_but_the_distance_is_told(squares: gpd.GeoDataFrame) -> None:
    told = at(squares, row("Anbar", "Falluja", latitude=33.5, longitude=44.1))
    assert (told["admin2_code"], told["point_conflict"]) == ("IQG01Q01", True)
    assert told["point_distance_m"] == pytest.approx(9290, rel=0.01)


def test_a_point_in_the_declared_unit_is_no_conflict(squares: gpd.GeoDataFrame) -> None:
    told = at(squares, row("Anbar", "Falluja", latitude=33.5, longitude=43.5))
    assert (told["point_conflict"], told["point_distance_m"]) == (False, 0.0)


def test_a_point_places_no_row_whose_declared_district_is_not_known(squares: gpd.GeoDataFrame) -> None:
    assert at(squares, row("Anbar", "Al-Unknown", latitude=33.5, longitude=43.5))["admin2_code"] is None


def test_a_point_never_places_across_the_declared_governorate(squares: gpd.GeoDataFrame) -> None:
    assert at(squares, row("Ninewa", latitude=33.5, longitude=43.5))["admin2_code"] is None
    assert at(squares, row("Anbar", latitude=33.5, longitude=43.5))["admin2_code"] == "IQG01Q01"


def test_without_an_edition_points_say_nothing() -> None:
    told = apply_points(resolve(row(latitude=33.5, longitude=43.5), GAZETTEER), None, GAZETTEER).row(0, named=True)
    assert (told["admin1_code"], told["point_conflict"]) == (None, None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(42.5, 45.5), st.floats(32.5, 34.5)), min_size=1, max_size=30))
def test_points_are_placed_as_the_polygons_say_ties_to_the_lowest_code(points: list[tuple[float, float]]) -> None:
    shapes = gpd.GeoDataFrame(
        {"code": ["IQG01Q01", "IQG15Q06"]}, geometry=[box(43, 33, 44, 34), box(44, 33, 45, 34)], crs="EPSG:4326"
    )
    rows = pl.concat([row(latitude=y, longitude=x) for x, y in points])
    exact = replace(GAZETTEER, point_rules=PointRules(snap_m=0.0, places_at_one_point=5, outline_tolerance_km=10))
    told = apply_points(resolve(rows, GAZETTEER), indexed(shapes), exact)["admin2_code"].to_list()
    expected = [
        min(
            (c for c, g in zip(shapes["code"], shapes.geometry, strict=True) if g.intersects(Point(x, y))), default=None
        )
        for x, y in points
    ]
    assert told == expected
