"""Real boundary files import, or refuse with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
import pytest

from dtm_pipeline.places.cells import drawn_areas, units_at
from dtm_pipeline.places.editions import cell_index, edition_for, polygons
from dtm_pipeline.places.shapes import district_features
from tests.conftest import dtm

pytestmark = pytest.mark.real
IRQ = "boundaries/irq/irq_admbnda_adm{}_cso_20190603.geojson"


def imported(real_data: Path, home: Path, file: str, country: str) -> dict[str, Any]:
    told = dtm(
        "boundaries", "import", real_data / file, "--country", country, "--edition", "e", "--home", home, "--json"
    )
    assert told.code == 0, told.err
    return told.json()[-1]


def test_iraq_imports_at_three_levels_and_its_units_nest(real_data: Path, tmp_path: Path) -> None:
    for level, units in ((1, 18), (2, 101), (3, 294)):
        told = imported(real_data, tmp_path, IRQ.format(level), "IRQ")
        assert (told["units"], told["admin_level"], told["valid_on"]) == (units, level, "2019-06-03")
    assert dtm("boundaries", "check", "--home", tmp_path).code == 0
    assert [e["admin_level"] for e in dtm("boundaries", "list", "--json", "--home", tmp_path).json()] == [1, 2, 3]
    assert len(district_features(tmp_path / "boundaries", "IRQ")) == 101


@pytest.mark.parametrize(
    ("file", "country", "level", "units"),
    [
        ("boundaries/lbn/codab_lbn_admin2.geojson", "LBN", 2, 26),
        ("boundaries/lbn/codab_lbn_admin1.geojson", "LBN", 1, 8),
        ("boundaries/syr/alahwa_syr_admin2.geojson", "SYR", 2, 61),
        ("boundaries/jor/prism_jor_admbnda_adm2_jdos.json", "JOR", 2, 51),
        ("boundaries/syr/alahwa_syr_admin1.geojson", "SYR", 1, 14),
        ("boundaries/jor/prism_jor_admbnda_adm1_jdos.json", "JOR", 1, 12),
        ("boundaries/jor/prism_jor_admbnda_adm3_jdos_merged.json", "JOR", 3, 89),
        ("boundaries/egy/ADM2.shp", "EGY", 2, 364),
        ("boundaries/tur/ADM1.shp", "TUR", 1, 81),
        ("boundaries/tur/ADM2.shp", "TUR", 2, 871),
        ("boundaries/normalised/egy_adm2.parquet", "EGY", 2, 364),
        ("boundaries/normalised/egy_adm1.parquet", "EGY", 1, 27),
        ("boundaries/normalised/tur_adm2.parquet", "TUR", 2, 891),
        ("boundaries/normalised/tur_adm1.parquet", "TUR", 1, 81),
    ],
)
def test_old_and_new_column_names_are_read(
    real_data: Path, tmp_path: Path, file: str, country: str, level: int, units: int
) -> None:
    told = imported(real_data, tmp_path, file, country)
    assert (told["admin_level"], told["units"]) == (level, units)
    shapes = polygons(tmp_path / "boundaries", country, "e", level)
    assert shapes is not None
    assert shapes.geometry.is_valid.all()
    assert shapes["code"].is_unique


def test_the_district_of_syria_without_a_polygon_is_named(real_data: Path, tmp_path: Path) -> None:
    told = imported(real_data, tmp_path, "boundaries/syr/alahwa_syr_admin2.geojson", "SYR")
    assert told["notes"] == ["1 units of the gazetteer without a polygon: SY1006"]


def test_another_projection_and_an_invalid_ring_are_mended_and_told(real_data: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(real_data / IRQ.format(2))
    from shapely.geometry import Polygon

    x, y = frame.geometry.iloc[0].representative_point().coords[0]
    frame.loc[0, "geometry"] = Polygon([(x, y), (x + 0.1, y + 0.1), (x + 0.1, y), (x, y + 0.1)])
    frame.to_crs("EPSG:32638").to_file(tmp_path / "utm.gpkg")
    told = dtm(
        "boundaries",
        "import",
        tmp_path / "utm.gpkg",
        "--country",
        "IRQ",
        "--edition",
        "utm",
        "--home",
        tmp_path / "home",
        "--json",
    ).json()[-1]
    assert any("invalid rings repaired: IQG02Q01" in m for m in told["mended"])
    assert any("EPSG:4326" in m for m in told["mended"])
    shapes = polygons(tmp_path / "home" / "boundaries", "IRQ", "utm")
    assert shapes is not None
    assert shapes.geometry.is_valid.all()
    assert 38 < shapes.total_bounds[0] < 39


@pytest.mark.parametrize(
    ("file", "country", "says"),
    [
        ("boundaries/lbn/codab_lbn_admin0.geojson", "LBN", "has no column of p-codes"),
        ("boundaries/tur/codab_2025_attrs/tur_admbnda_adm2_2025.dbf", "TUR", "table without polygons"),
        (IRQ.format(2), "SYR", "is it the right country"),
        ("pcodes/six_countries_pcodes_adm_1_2.csv", "IRQ", "table without polygons"),
        ("boundaries/irq/irq_admbnda_adm0_cso_itos_20190603.geojson", "IRQ", "has no column of p-codes"),
    ],
)
def test_what_can_not_be_used_is_refused_with_the_reason(
    real_data: Path, tmp_path: Path, file: str, country: str, says: str
) -> None:
    told = dtm("boundaries", "import", real_data / file, "--country", country, "--edition", "e", "--home", tmp_path)
    assert (told.code, says in told.err) == (2, True), told.err


def test_districts_under_another_governorate_are_refused(real_data: Path, tmp_path: Path) -> None:
    content = json.loads((real_data / IRQ.format(2)).read_text())
    content["features"][0]["properties"]["ADM1_PCODE"] = "IQG03"
    (tmp_path / "moved.geojson").write_text(json.dumps(content))
    told = dtm(
        "boundaries",
        "import",
        tmp_path / "moved.geojson",
        "--country",
        "IRQ",
        "--edition",
        "e",
        "--home",
        tmp_path / "home",
    )
    assert (told.code, "under another governorate" in told.err) == (2, True)


def test_a_date_is_placed_on_the_edition_that_covers_it_else_the_nearest(real_data: Path, tmp_path: Path) -> None:
    from datetime import date

    for name, day in (("old", "2014-01-01"), ("new", "2019-06-03")):
        content = json.loads((real_data / IRQ.format(1)).read_text())
        for feature in content["features"]:
            feature["properties"]["validOn"] = day
        (tmp_path / f"{name}.geojson").write_text(json.dumps(content))
        told = dtm(
            "boundaries",
            "import",
            tmp_path / f"{name}.geojson",
            "--country",
            "IRQ",
            "--edition",
            name,
            "--home",
            tmp_path,
        )
        assert told.code == 0
    folder = tmp_path / "boundaries"
    days = [date(2013, 1, 1), date(2018, 1, 1), date(2019, 6, 3), date(2024, 1, 1)]
    chosen = [edition_for(folder, "IRQ", d, level=1) for d in days]
    assert [(c.edition, c.covers) for c in chosen if c] == [("old", False), ("old", True), ("new", True), ("new", True)]


@pytest.mark.parametrize(
    ("file", "country", "notes"),
    [
        ("boundaries/egy/ADM2.shp", "EGY", ["codes are taken from column idgvt (COD-AB): 100% of its rows are units of the gazetteer", "1 units of the gazetteer without a polygon: EG2116"]),
        ("boundaries/normalised/tur_adm2.parquet", "TUR", ["35 polygons have no code: points there are known by level 1 only"]),
        ("boundaries/tur/ADM1.shp", "TUR", ["codes are taken from column idprogres (UNHCR): 100% of its rows are units of the gazetteer"]),
    ],
)  # fmt: skip
def test_what_a_file_lacks_is_told_where_it_can_be_used(
    real_data: Path, tmp_path: Path, file: str, country: str, notes: list[str]
) -> None:
    told = imported(real_data, tmp_path, file, country)
    assert told["notes"][: len(notes)] == notes


def test_codes_on_two_polygons_are_dissolved_and_told(real_data: Path, tmp_path: Path) -> None:
    told = imported(real_data, tmp_path, "boundaries/egy/ADM2.shp", "EGY")
    assert "1 codes stood on several polygons, dissolved: EG0100" in told["mended"]
    assert "coordinates brought from Popular_Visualisation_CRS_Mercator_deprecated to EPSG:4326" in told["mended"]


def test_names_that_stand_in_each_others_column_are_put_right(real_data: Path, tmp_path: Path) -> None:
    told = imported(real_data, tmp_path, "boundaries/jor/prism_jor_admbnda_adm1_jdos.json", "JOR")
    assert told["mended"] == ["the columns of English and local names stood the other way round"]
    shapes = polygons(tmp_path / "boundaries", "JOR", "e", 1)
    assert shapes is not None
    assert dict(zip(shapes["code"], shapes["name_en"], strict=True))["JO21"] == "Irbid"


@pytest.mark.parametrize(
    ("file", "country"),
    [
        (IRQ.format(2), "IRQ"),
        (IRQ.format(3), "IRQ"),
        ("boundaries/syr/alahwa_syr_admin2.geojson", "SYR"),
        ("boundaries/lbn/codab_lbn_admin2.geojson", "LBN"),
        ("boundaries/jor/prism_jor_admbnda_adm2_jdos.json", "JOR"),
        ("boundaries/egy/ADM2.shp", "EGY"),
        ("boundaries/normalised/tur_adm2.parquet", "TUR"),
    ],
)
def test_the_map_drawn_from_the_cells_is_the_polygons(real_data: Path, tmp_path: Path, file: str, country: str) -> None:
    level = int(imported(real_data, tmp_path, file, country)["admin_level"])
    index = cell_index(tmp_path / "boundaries", country, "e", level)
    assert index is not None
    areas = drawn_areas(index)
    assert areas.filter((pl.col("drawn") - pl.col("area")).abs() > 0.001 * pl.col("area")).is_empty()
    assert areas["area"].sum() > 0.5


def test_points_of_the_real_iraq_are_placed_as_geopandas_places_them(real_data: Path, tmp_path: Path) -> None:
    imported(real_data, tmp_path, IRQ.format(2), "IRQ")
    index = cell_index(tmp_path / "boundaries", "IRQ", "e")
    assert index is not None
    random = np.random.default_rng(5)
    west, south, east, north = index.units.total_bounds
    corners = random.permutation(index.units.geometry.get_coordinates().to_numpy())[:5_000]
    points = np.concatenate([random.uniform([west, south], [east, north], (20_000, 2)), corners])
    drawn = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points.T), crs="EPSG:4326")
    met = gpd.sjoin(drawn, index.units[["code", "geometry"]], predicate="intersects")["code"].groupby(level=0).min()
    told = units_at(pl.DataFrame({"longitude": points[:, 0], "latitude": points[:, 1]}), index)
    assert told.to_list() == [met.get(n) for n in range(len(points))]
