"""What a point is: inside, on a border, outside, or no evidence at all."""

from __future__ import annotations

import geopandas as gpd
import polars as pl
import pytest
from shapely.geometry import box

from dtm_pipeline.places.cells import CellIndex, build_cells
from dtm_pipeline.places.gazetteer import Gazetteer, PointRules
from dtm_pipeline.places.points import apply_points, points_against
from dtm_pipeline.places.resolve import ASKED, resolve

GAZETTEER = Gazetteer.load()
RULES = PointRules(snap_m=200, places_at_one_point=5, outline_tolerance_km=10)


@pytest.fixture(scope="module")
def index() -> CellIndex:
    units = gpd.GeoDataFrame(
        {"code": ["IQG11Q02", "IQG15Q05"]}, geometry=[box(44, 36, 45, 37), box(42, 36, 43.9, 37)], crs="EPSG:4326"
    )
    return CellIndex(build_cells(units), units)


def against(index: CellIndex, latitude: float, longitude: float, declared: str | None) -> dict[str, object]:
    points = pl.DataFrame(
        {"latitude": [latitude], "longitude": [longitude], "admin2_code": [declared]},
        schema_overrides={"admin2_code": pl.String},
    )
    return points_against(points, index, RULES).row(0, named=True)


@pytest.mark.parametrize(
    ("latitude", "longitude", "declared", "state", "conflict"),
    [
        (36.5, 44.5, "IQG11Q02", "inside", False),
        (36.5, 44.5, None, "inside", None),
        (36.5, 43.9991, "IQG11Q02", "snapped", False),
        (36.5, 43.9991, None, "snapped", None),
        (36.5, 43.95, "IQG11Q02", "outside", True),
        (36.5, 43.95, None, "outside", None),
        (36.5, 43.5, "IQG11Q02", "outside", True),
        (0.0, 0.0, "IQG11Q02", "zero", None),
        (44.5, 36.5, "IQG11Q02", "swapped", None),
        (44.5, 36.5, None, "swapped", None),
        (36.5, 44.5, "SY0200", "inside", None),
        (95.0, 444.0, "IQG11Q02", "outside", True),
    ],
)
def test_each_kind_of_point_is_told(
    index: CellIndex, latitude: float, longitude: float, declared: str | None, state: str, conflict: bool | None
) -> None:
    told = against(index, latitude, longitude, declared)
    assert (told["point_state"], told["point_conflict"]) == (state, conflict)


def test_degrees_and_minutes_written_as_decimals_are_told_where_they_lead_into_the_declared_unit(
    index: CellIndex,
) -> None:
    # 36 degrees 15 minutes 30 seconds, 43 degrees 52 minutes: in the declared unit; as decimals in no unit of it
    units = gpd.GeoDataFrame({"code": ["IQG15Q05"]}, geometry=[box(43.85, 36.2, 43.9, 36.3)], crs="EPSG:4326")
    told = against(CellIndex(build_cells(units), units), 36.1530, 43.5200, "IQG15Q05")
    assert (told["point_state"], told["point_conflict"]) == ("degrees_minutes", True)


def test_the_distance_to_the_declared_unit_is_in_metres(index: CellIndex) -> None:
    assert against(index, 36.5, 43.95, "IQG11Q02")["point_distance_m"] == pytest.approx(4_480, rel=0.01)
    assert against(index, 36.5, 44.5, "IQG11Q02")["point_distance_m"] == 0


def placed(index: CellIndex, rows: list[dict[str, object]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={**ASKED, "latitude": pl.Float64(), "longitude": pl.Float64()})
    return apply_points(resolve(frame, GAZETTEER), index, GAZETTEER)


def test_a_point_that_many_places_share_is_flagged_and_moves_nobody(index: CellIndex) -> None:
    rows = [
        {
            "location_code": "IRQ",
            "place_id": str(n),
            "provider_admin1_name": "Erbil",
            "provider_admin2_name": "Erbil",
            "latitude": 36.5,
            "longitude": 44.5,
        }
        for n in range(6)
    ]
    told = placed(index, rows)
    assert set(told["point_state"]) == {"of_many_places"}
    assert set(told["admin2_code"]) == {"IQG11Q02"}
    assert set(placed(index, rows[:5])["point_state"]) == {"inside"}


@pytest.mark.parametrize("point", [(0.0, 0.0), (44.5, 36.5), (36.5, 43.95)])
def test_a_point_that_is_no_evidence_places_nobody(index: CellIndex, point: tuple[float, float]) -> None:
    told = placed(index, [{"location_code": "IRQ", "place_id": "1", "latitude": point[0], "longitude": point[1]}])
    assert told.select("admin1_code", "place_basis").row(0) == (None, "country")


def test_a_row_without_a_unit_is_snapped_to_the_nearest_within_the_distance(index: CellIndex) -> None:
    told = placed(index, [{"location_code": "IRQ", "place_id": "1", "latitude": 36.5, "longitude": 43.9991}])
    assert told.select("admin1_code", "admin2_code", "place_basis", "point_state").row(0) == (
        "IQG11",
        "IQG11Q02",
        "point",
        "snapped",
    )


def test_a_point_that_many_places_share_places_nobody(index: CellIndex) -> None:
    rows = [{"location_code": "IRQ", "place_id": str(n), "latitude": 36.5, "longitude": 44.5} for n in range(6)]
    assert set(placed(index, rows)["place_basis"]) == {"country"}


def test_a_row_of_a_governorate_conflicts_with_a_point_in_another(index: CellIndex) -> None:
    told = placed(
        index,
        [
            {
                "location_code": "IRQ",
                "place_id": "1",
                "provider_admin1_name": "Erbil",
                "latitude": 36.5,
                "longitude": 43.0,
            }
        ],
    )
    assert told.select("admin1_code", "admin2_code", "point_state", "point_conflict").row(0) == (
        "IQG11",
        None,
        "outside",
        True,
    )
