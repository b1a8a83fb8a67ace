"""What a reader sees: districts without a figure, points that nothing could test, models that are illustrative."""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.domain.words import Words
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.points import apply_points
from dtm_pipeline.places.resolve import resolve
from dtm_pipeline.release.charts import GREY, district_map
from dtm_pipeline.release.readme import readme
from dtm_pipeline.release.report import Page, _map_of

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}
DISTRICTS = [{"type": "Feature", "properties": {"code": c}, "geometry": SQUARE} for c in ("A", "B")]
POINTS = pl.DataFrame({"admin2_code": ["A", "B"], "admin2_name": ["Aa", "Bb"], "latitude": [1.0, 2.0], "longitude": [3.0, 4.0]})  # fmt: skip


def figures(**people: int | None) -> pl.DataFrame:
    rows = [(code, code, date(2024, 3, 31), n) for code, n in people.items()]
    return pl.DataFrame(rows, schema=["admin2_code", "admin2_name", "reference_date", "people"], orient="row")


def drawn(districts: list[dict[str, object]]) -> dict[str, object]:
    page = Page()
    assert _map_of(page, figures(A=7), "people", "IDPs", "m", "idp", POINTS, districts, DISTRICTS)
    return dict(page.charts["m"])


def layers(spec: dict[str, object]) -> list[tuple[object, object]]:
    """The colour of each layer, and the data that it draws."""
    found = []
    for layer in spec["layer"]:  # type: ignore[attr-defined]  # a specification of Vega-Lite
        mark = layer["mark"]
        name = layer.get("data", {}).get("name")
        values = spec.get("datasets", {}).get(name) if name else layer["data"]["values"]  # type: ignore[attr-defined]  # the same
        found.append((mark.get("fill") or mark.get("color"), values))
    return found


def test_a_district_without_a_figure_is_drawn_in_grey_below_those_that_have_one() -> None:
    ground, filled = layers(drawn(DISTRICTS))
    assert ground[0] == GREY
    assert [f["properties"]["code"] for f in ground[1]] == ["A", "B"]  # type: ignore[attr-defined]  # features
    assert [f["properties"]["code"] for f in filled[1]] == ["A"]  # type: ignore[attr-defined]  # features
    assert [f["properties"]["name"] for f in ground[1]] == ["Aa", "Bb"]  # type: ignore[attr-defined]  # features


def test_without_an_edition_a_district_without_a_figure_is_a_grey_circle() -> None:
    _, grey, circles = layers(drawn([]))
    assert grey[0] == GREY
    assert [v["admin2_code"] for v in grey[1]] == ["B"]  # type: ignore[attr-defined]  # rows
    assert [v["admin2_code"] for v in circles[1]] == ["A"]  # type: ignore[attr-defined]  # rows


def test_a_map_of_no_values_at_all_can_be_drawn() -> None:
    spec = district_map(POINTS.with_columns(value=pl.lit(None, pl.Int64)), DISTRICTS, [], "IDPs", "idp")
    assert json.dumps(spec)


def test_every_severity_table_says_whether_its_model_is_illustrative() -> None:
    tables = [t for t in published_tables() if "model_version" in t.column_names]
    assert len(tables) == 5
    assert all(not t.column("model_illustrative").nullable for t in tables)


def test_the_readme_tells_zero_unknown_and_not_assessed_apart_as_the_coverage_table_does() -> None:
    text = readme("r", [], {t.name: empty(t) for t in published_tables()}, Words())
    coverage = next(t for t in published_tables() if t.name == "out_meta__coverage")
    assert all(f"`{word}`" in text for word in coverage.column("coverage").allowed)
    assert "A district without a row was not assessed" not in text


GAZETTEER = Gazetteer.load().of_country("IRQ")
PLACES = {
    "in Mosul": (36.34, 43.13, "untested"),
    "near the border": (29.05, 46.45, "untested"),
    "in the Gulf of Guinea": (0.0, 0.0, "zero"),
    "swapped": (43.13, 36.34, "swapped"),
    "in France": (48.0, 2.0, "outside_country"),
    "no point": (None, None, None),
}


def test_points_without_an_edition_are_tested_against_the_outline_of_the_country() -> None:
    rows = resolve(
        pl.DataFrame(
            [("IRQ", name, "Ninewa", "Mosul", lat, lon) for name, (lat, lon, _) in PLACES.items()],
            schema=["location_code", "place_id", "provider_admin1_name", "provider_admin2_name", "latitude", "longitude"],
            orient="row",
        ),
        GAZETTEER,
    )  # fmt: skip
    told = apply_points(rows, None, GAZETTEER)
    assert told["point_state"].to_list() == [state for *_, state in PLACES.values()]
    assert told.filter("point_conflict")["place_id"].to_list() == ["in France"]
    assert told["admin2_code"].to_list() == ["IQG15Q05"] * len(PLACES), "a point never moves people"


def test_a_country_whose_outline_does_not_ship_has_untested_points() -> None:
    bare = pl.DataFrame({"location_code": ["HTI"], "place_id": ["p"], "latitude": [18.5], "longitude": [-72.3]})
    gazetteer = Gazetteer.load().of_country("HTI")
    assert apply_points(resolve(bare, gazetteer), None, gazetteer)["point_state"].to_list() == ["untested"]
