"""Editions: which one covers a day, what changed between two, and figures carried over without losing anybody."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from dtm_pipeline.places.boundary_file import BoundaryError, read_boundaries
from dtm_pipeline.places.changes import carry_figures, differences, overlay_shares, registered_shares
from dtm_pipeline.places.editions import cell_index, check_edition, edition_for, import_edition
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.points import apply_points
from dtm_pipeline.places.resolve import DECLARED, resolve
from tests.conftest import dtm

GAZETTEER = Gazetteer.load()
IRAQ = GAZETTEER.of_country("IRQ")


def districts(**shapes: Polygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": list(shapes), "name_en": list(shapes), "parent_code": [c[:5] for c in shapes]},
        geometry=list(shapes.values()),
        crs="EPSG:4326",
    )


def cod(codes: dict[str, BaseGeometry], **more: object) -> gpd.GeoDataFrame:
    """A file in the old names of COD-AB."""
    return gpd.GeoDataFrame(
        {"ADM2_PCODE": list(codes), "ADM2_EN": "x", "ADM1_PCODE": [c[:5] for c in codes], **more},
        geometry=list(codes.values()),
        crs="EPSG:4326",
    )


HALVES: dict[str, BaseGeometry] = {"IQG01Q01": box(43, 33, 44, 34), "IQG01Q02": box(44, 33, 45, 34)}


def edition(folder: Path, name: str, valid_on: str | None, valid_to: str | None = None) -> None:
    (folder / "IRQ" / name).mkdir(parents=True)
    record = {"location_code": "IRQ", "edition": name, "admin_level": 2, "valid_on": valid_on, "valid_to": valid_to}
    (folder / "IRQ" / name / "adm2.json").write_text(json.dumps(record))


def test_a_day_is_placed_on_the_edition_that_covers_it_else_on_the_nearest(tmp_path: Path) -> None:
    edition(tmp_path, "old", "2010-01-01", "2014-12-31")
    edition(tmp_path, "new", "2019-06-03")
    days = {date(2012, 1, 1): ("old", True), date(2016, 1, 1): ("old", False), date(2019, 1, 1): ("new", False)}
    days |= {date(2009, 1, 1): ("old", False), date(2024, 1, 1): ("new", True)}
    told = {day: edition_for(tmp_path, "IRQ", day) for day in days}
    assert {day: (c.edition, c.covers) for day, c in told.items() if c} == days
    assert edition_for(tmp_path, "SYR", date(2012, 1, 1)) is None


def test_an_edition_without_a_date_covers_every_day_until_the_next(tmp_path: Path) -> None:
    edition(tmp_path, "undated", None)
    edition(tmp_path, "dated", "2019-06-03")
    chosen = [edition_for(tmp_path, "IRQ", day) for day in (date(2000, 1, 1), date(2020, 1, 1))]
    assert [(c.edition, c.covers) for c in chosen if c] == [("undated", True), ("dated", True)]


def test_what_changed_between_editions_is_told() -> None:
    old = districts(IQG01Q01=box(43, 33, 44, 34), IQG01Q02=box(44, 33, 45, 34))
    new = districts(IQG01Q01=box(43, 33, 43.5, 34), IQG01Q03=box(43.5, 33, 44, 34), IQG01Q02=box(44, 33, 45, 34))
    new.loc[new["code"] == "IQG01Q02", "name_en"] = "Renamed"
    told = {(row["code"], row["change"]) for row in differences(old, new).iter_rows(named=True)}
    assert told == {("IQG01Q01", "redrawn"), ("IQG01Q03", "added"), ("IQG01Q02", "renamed")}
    shares = overlay_shares(old, new)
    assert shares.select("old_code", "new_code").rows() == [
        ("IQG01Q01", "IQG01Q01"),
        ("IQG01Q01", "IQG01Q03"),
        ("IQG01Q02", "IQG01Q02"),
    ]
    assert shares["area_share"].to_list() == pytest.approx([0.5, 0.5, 1.0], abs=1e-3)


SHARES = pl.DataFrame(
    {"old_code": ["A", "A", "B", "C"], "new_code": ["A", "D", "E", "E"], "area_share": [0.25, 0.75, 1.0, 1.0]}
)


def test_a_split_goes_by_area_and_by_people_where_they_are_known() -> None:
    figures = pl.DataFrame({"code": ["A", "B", "C", "Z"], "individuals": [10, 5, None, 7]})
    by_area = carry_figures(figures, SHARES, ["individuals"])
    assert by_area.rows() == [("A", 3, 3), ("D", 7, 7), ("E", 5, 0), ("Z", 7, 0)] or by_area.rows() == [
        ("A", 2, 2),
        ("D", 8, 8),
        ("E", 5, 0),
        ("Z", 7, 0),
    ]
    people = pl.DataFrame({"code": ["A", "D"], "people": [900, 100]})
    assert carry_figures(figures, SHARES, ["individuals"], people).rows()[:2] == [("A", 9, 9), ("D", 1, 1)]


def test_what_is_not_known_stays_unknown_when_it_is_carried() -> None:
    figures = pl.DataFrame(
        {"code": ["B", "C"], "individuals": [None, None]}, schema={"code": pl.String, "individuals": pl.Int64}
    )
    assert carry_figures(figures, SHARES, ["individuals"]).rows() == [("E", None, None)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 10**7), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.floats(0.01, 1)), max_size=20),
    st.lists(st.integers(0, 10**6), min_size=9, max_size=9),
)
def test_nobody_is_lost_or_added_when_figures_are_carried(
    figures: list[int], ways: list[tuple[int, int, float]], people: list[int]
) -> None:
    frame = pl.DataFrame({"code": [f"O{i}" for i in range(len(figures))], "n": figures})
    shares = pl.DataFrame(
        [(f"O{a}", f"N{b}", s) for a, b, s in ways],
        schema={"old_code": pl.String, "new_code": pl.String, "area_share": pl.Float64},
        orient="row",
    ).unique(["old_code", "new_code"], keep="first", maintain_order=True)
    known = pl.DataFrame({"code": [f"N{i}" for i in range(9)], "people": people})
    for told in (carry_figures(frame, shares, ["n"]), carry_figures(frame, shares, ["n"], known)):
        assert told["n"].sum() == sum(figures)
        assert told.filter((pl.col("n") < 0) | (pl.col("n_estimated") > pl.col("n"))).is_empty()


@pytest.mark.parametrize("share", [None, 0.0, -1.0])
def test_figures_of_a_unit_whose_shares_are_not_known_are_not_shared_out(share: float | None) -> None:
    figures = pl.DataFrame({"code": ["A"], "n": [10]})
    shares = pl.DataFrame({"old_code": ["A", "A"], "new_code": ["X", "Y"], "area_share": [share, 1.0]})
    with pytest.raises(ValueError, match="the shares of A are not known"):
        carry_figures(figures, shares, ["n"])


def test_registered_changes_of_a_country_are_shares() -> None:
    table = pl.DataFrame(
        {
            "location_code": ["IRQ", "IRQ", "SYR"],
            "admin_level": [2, 2, 2],
            "old_code": ["A", "B", "A"],
            "new_code": ["C", None, "C"],
            "area_share": [1.0, None, 1.0],
        }
    )
    assert registered_shares(table, "IRQ", 2).rows() == [("A", "C", 1.0)]


def test_polygons_without_a_code_place_their_points_in_the_governorate_only(tmp_path: Path) -> None:
    frame = cod(HALVES)
    frame.loc[1, "ADM2_PCODE"] = None
    frame.to_file(tmp_path / "a.geojson")
    told = import_edition(tmp_path / "a.geojson", "IRQ", "e", tmp_path / "home", GAZETTEER)[0]
    assert (told.units, told.notes[0]) == (1, "1 polygons have no code: points there are known by level 1 only")
    index = cell_index(tmp_path / "home", "IRQ", "e")
    assert index is not None
    rows = pl.DataFrame({"location_code": ["IRQ"] * 2, "latitude": [33.5, 33.5], "longitude": [43.5, 44.5]})
    declared = rows.with_columns(pl.lit(None, pl.String).alias(c) for c in ("place_id", *DECLARED))
    placed = apply_points(resolve(declared, GAZETTEER), index, GAZETTEER)
    assert placed.select("admin1_code", "admin2_code", "place_basis").rows() == [
        ("IQG01", "IQG01Q01", "point"),
        ("IQG01", None, "point"),
    ]


def test_every_level_of_a_geopackage_is_imported(tmp_path: Path) -> None:
    first = gpd.GeoDataFrame(
        {"adm1_pcode": ["IQG01"], "adm1_name": ["Al-Anbar"]}, geometry=[box(43, 33, 45, 34)], crs="EPSG:4326"
    )
    first.to_file(tmp_path / "irq.gpkg", layer="adm1")
    cod(HALVES).to_file(tmp_path / "irq.gpkg", layer="adm2")
    gpd.GeoDataFrame({"n": [1]}, geometry=[box(43, 33, 45, 34).centroid], crs="EPSG:4326").to_file(
        tmp_path / "irq.gpkg", layer="towns"
    )
    told = import_edition(tmp_path / "irq.gpkg", "IRQ", "e", tmp_path / "home", GAZETTEER)
    assert [(t.admin_level, t.units) for t in told] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("driver", ["FlatGeobuf", "OpenFileGDB", "ESRI Shapefile", "GPKG", "GeoJSON"])
def test_every_vector_format_is_read_also_out_of_an_archive(tmp_path: Path, driver: str) -> None:
    suffix = {
        "FlatGeobuf": ".fgb",
        "OpenFileGDB": ".gdb",
        "ESRI Shapefile": ".shp",
        "GPKG": ".gpkg",
        "GeoJSON": ".geojson",
    }[driver]
    file = tmp_path / "data" / f"irq_adm2{suffix}"
    file.parent.mkdir()
    cod(HALVES).to_file(file, driver=driver)
    assert read_boundaries(file, "IRQ", IRAQ)[0].frame["code"].tolist() == list(HALVES)
    with zipfile.ZipFile(tmp_path / "irq.zip", "w") as archive:
        for part in sorted(file.parent.rglob("*")):
            archive.write(part, part.relative_to(tmp_path))
    if driver != "FlatGeobuf":
        assert read_boundaries(tmp_path / "irq.zip", "IRQ", IRAQ)[0].frame["code"].tolist() == list(HALVES)


@pytest.mark.parametrize("encoding", ["UTF-8", "CP1256"])
def test_the_text_of_a_dbf_that_does_not_say_its_code_page_is_read(tmp_path: Path, encoding: str) -> None:
    cod(HALVES, ADM2_AR="الفلوجة").to_file(tmp_path / "irq.shp", encoding=encoding)
    (tmp_path / "irq.cpg").unlink()
    dbf = bytearray((tmp_path / "irq.dbf").read_bytes())
    dbf[29] = 0  # the language that the header would tell
    (tmp_path / "irq.dbf").write_bytes(dbf)
    assert read_boundaries(tmp_path / "irq.shp", "IRQ", IRAQ)[0].frame["name_local"].tolist() == ["الفلوجة"] * 2


def test_a_column_of_codes_is_found_by_its_content_and_told(tmp_path: Path) -> None:
    frame = cod(HALVES).drop(columns=["ADM2_PCODE", "ADM1_PCODE"]).assign(kod=["IRQ-G01Q01", "IRQ-G01Q02"])
    frame.to_file(tmp_path / "a.geojson")
    units = read_boundaries(tmp_path / "a.geojson", "IRQ", IRAQ)[0]
    assert units.frame[["code", "parent_code"]].to_numpy().tolist() == [["IQG01Q01", "IQG01"], ["IQG01Q02", "IQG01"]]
    assert units.notes[0] == "codes are taken from column kod (COD-AB): 100% of its rows are units of the gazetteer"
    with pytest.raises(BoundaryError, match="has no column nothing"):
        read_boundaries(tmp_path / "a.geojson", "IRQ", IRAQ, "nothing")


def test_codes_on_the_wrong_polygons_are_refused(tmp_path: Path) -> None:
    units = IRAQ.units.filter(admin_level=2).head(20)
    shapes = [box(x - 0.1, y - 0.1, x + 0.1, y + 0.1) for x, y in units.select("longitude", "latitude").iter_rows()]
    codes = units["code"].to_list()
    cod(dict(zip(codes, shapes, strict=True))).to_file(tmp_path / "right.geojson")
    assert len(read_boundaries(tmp_path / "right.geojson", "IRQ", IRAQ)[0].frame) == 20
    cod(dict(zip(codes, [*shapes[10:], *shapes[:10]], strict=True))).to_file(tmp_path / "shuffled.geojson")
    with pytest.raises(BoundaryError, match="are codes on the wrong polygons"):
        read_boundaries(tmp_path / "shuffled.geojson", "IRQ", IRAQ)


def test_degrees_that_are_metres_and_lines_that_are_no_units_are_told(tmp_path: Path) -> None:
    from shapely.geometry import LineString

    far = cod({c: box(400_000, 3_000_000, 500_000, 3_100_000) for c in HALVES})
    far.to_parquet(tmp_path / "metres.parquet")
    with pytest.raises(BoundaryError, match="its coordinate reference system is not the one that it states"):
        read_boundaries(tmp_path / "metres.parquet", "IRQ", IRAQ)
    lines = cod({**HALVES, "IQG01Q03": LineString([(43, 33), (44, 34)])})
    lines.to_parquet(tmp_path / "lines.parquet")
    told = read_boundaries(tmp_path / "lines.parquet", "IRQ", IRAQ)[0]
    assert told.frame["code"].tolist() == list(HALVES)
    assert told.mended == ["1 units without a polygon left out (they stay in the gazetteer): IQG01Q03"]


def test_a_date_that_is_none_and_a_code_of_signs_are_not_taken(tmp_path: Path) -> None:
    cod(HALVES, validOn="2019-13-45").to_file(tmp_path / "a.geojson")
    assert read_boundaries(tmp_path / "a.geojson", "IRQ", IRAQ)[0].valid_on is None
    cod({**HALVES, "IQG15|Q99": box(45, 33, 46, 34)}).to_file(tmp_path / "b.geojson")
    with pytest.raises(BoundaryError, match="codes hold more than letters"):
        read_boundaries(tmp_path / "b.geojson", "IRQ", IRAQ)


def test_an_import_that_fails_leaves_the_edition_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dtm_pipeline.places import editions

    cod(HALVES).to_file(tmp_path / "a.geojson")
    import_edition(tmp_path / "a.geojson", "IRQ", "e", tmp_path / "home", GAZETTEER)
    before = {f.name: f.read_bytes() for f in (tmp_path / "home/IRQ/e").iterdir()}

    def fails(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(editions, "build_cells", fails)
    cod({"IQG01Q01": box(43, 33, 44, 34)}).to_file(tmp_path / "b.geojson")
    with pytest.raises(MemoryError):
        import_edition(tmp_path / "b.geojson", "IRQ", "e", tmp_path / "home", GAZETTEER)
    assert {f.name: f.read_bytes() for f in (tmp_path / "home/IRQ/e").iterdir()} == before


def test_a_unit_outside_the_parent_of_the_same_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"adm1_pcode": ["IQG01"]}, geometry=[box(50, 33, 51, 34)], crs="EPSG:4326").to_file(
        tmp_path / "a.gpkg", layer="adm1"
    )
    cod(HALVES).to_file(tmp_path / "a.gpkg", layer="adm2")
    with pytest.raises(BoundaryError, match="2 units lie outside the parent that they name"):
        import_edition(tmp_path / "a.gpkg", "IRQ", "e", tmp_path / "home", GAZETTEER)
    assert not (tmp_path / "home").exists()


def test_the_commands_of_boundaries_import_compare_index_and_check(tmp_path: Path) -> None:
    home = tmp_path / "home"
    cod(HALVES).to_file(tmp_path / "old.geojson")
    cod({**HALVES, "IQG01Q01": box(43, 33, 43.5, 34), "IQG01Q03": box(43.5, 33, 44, 34)}).to_file(
        tmp_path / "new.geojson"
    )
    for name in ("old", "new"):
        assert (
            dtm(
                "boundaries",
                "import",
                tmp_path / f"{name}.geojson",
                "--country",
                "IRQ",
                "--edition",
                name,
                "--home",
                home,
            ).code
            == 0
        )
    told = dtm("boundaries", "diff", "IRQ", "old", "new", "--home", home, "--json").json()
    assert {(c["code"], c["change"]) for c in told["changes"]} == {("IQG01Q01", "redrawn"), ("IQG01Q03", "added")}
    assert [s["new_code"] for s in told["shares"]] == ["IQG01Q01", "IQG01Q03"]
    cells = home / "boundaries" / "IRQ" / "old" / "adm2_cells.parquet"
    broken = pl.read_parquet(cells).filter(pl.col("code").is_null())
    broken.write_parquet(cells)
    assert "the cells are not those that were drawn" in dtm("boundaries", "check", "--home", home).out
    # an edition that was imported before hashes were noted
    record = cells.with_name("adm2.json")
    record.write_text(json.dumps({n: v for n, v in json.loads(record.read_text()).items() if n != "files"}))
    assert "differs by more than 0.1%" in dtm("boundaries", "check", "--home", home).out
    assert dtm("boundaries", "index", "--home", home).code == 0
    assert check_edition(home / "boundaries", "IRQ", "old") == []
    assert dtm("boundaries", "diff", "IRQ", "old", "none", "--home", home).code == 2
