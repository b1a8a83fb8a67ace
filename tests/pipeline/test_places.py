"""Places through the command line: a table of anybody's, and decisions that runs replay."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.conftest import dtm

HEADERS = "Place id,Governorate,District,Location name in English,Latitude,Longitude,Households,Individuals,Anbar,Ninewa,Camp,Host families,Pre-June14,Post March16"
LIST = f"""DTM : IDP Master List 29-02-2020
{HEADERS}
1,Ninewa,Mosul,A,36.3,43.1,10,60,10,,10,,10,
2,Ninewa,Qayyarah,B,35.8,43.3,20,120,,20,,20,,20
3,Ninewa,Tel Kaef,C,36.4,43.1,5,30,,5,,5,5,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "places.csv"
    file.write_text(
        "id,gov,dist,pcode\n7,نينوى,البعاج,\n3,Ninewa,Mosul Dam,\n5,,,IRQ-G01Q01\n1,IQG15,Tilkaif,\n2,Erbil,Mosul,\n4,,,\n",
        encoding="utf-8",
    )
    return file


def test_every_row_of_a_table_comes_back_in_its_order_with_its_unit(table: Path, tmp_path: Path) -> None:
    told = dtm("places", "resolve", table, "--country", "IRQ", "--level", "2", "--name-col", "dist", "--parent-col", "gov", "--code-col", "pcode", "--out", tmp_path / "out.csv")  # fmt: skip
    assert told.code == 0, told.err
    out = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert out["id"].to_list() == ["7", "3", "5", "1", "2", "4"]
    assert out.columns[4:] == ["admin1_code", "admin2_code", "method", "score", "conflict", "candidates"]
    assert out["admin2_code"].to_list() == ["IQG15Q02", None, "IQG01Q01", "IQG15Q09", None, None]
    assert out["method"].to_list() == ["name", None, "code", "name", None, None]
    assert out["conflict"].to_list()[4] == "district_of_another_parent"
    assert out["candidates"].to_list()[4] == "IQG15Q05"


def test_names_of_governorates_are_resolved_at_their_level(table: Path) -> None:
    told = dtm("places", "resolve", table, "--country", "IRQ", "--level", "1", "--name-col", "gov")
    assert told.code == 0, told.err
    assert [line.split(",")[4] for line in told.out.splitlines()[1:]] == ["IQG15", "IQG15", "", "", "IQG11", ""]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_with_semicolons_or_tabs_is_read_as_one_with_commas(
    table: Path, tmp_path: Path, separator: str
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(table.read_text(encoding="utf-8").replace(",", separator), encoding="utf-8")
    options = ["--country", "IRQ", "--name-col", "dist", "--parent-col", "gov"]
    one, same = (dtm("places", "resolve", file, *options) for file in (table, other))
    assert (same.code, same.out) == (0, one.out), same.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,dist,a\n1,Mosul,2\n", "t.csv: has the columns a twice; rename one of each"),
        (b'a,"dist\nin English",a\n1,Mosul,2\n', "t.csv: has the columns a twice; rename one of each"),
        (None, "t.csv: there is no such file"),
        (b"", "t.csv: can't be read as a UTF-8 CSV with a header and rows"),
        ("dist\nالموصل\n".encode("utf-16"), "t.csv: can't be read as a UTF-8 CSV"),
        (b"dist,b\n1,2,3,4\n", "t.csv: can't be read as a UTF-8 CSV"),
    ],
)
def test_a_file_that_is_no_table_is_told_why(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    told = dtm("places", "resolve", tmp_path / "t.csv", "--country", "IRQ", "--name-col", "dist")
    assert (told.code, says in told.err) == (2, True), told.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--name-col", "nothing"], "has no column 'nothing'; it has id, gov, dist, pcode"),
        ([], "name a column of names"),
        (["--lat-col", "id"], "--lat-col and --lon-col go together"),
        (["--country", "XXX", "--name-col", "dist"], "and not this one; name it by ISO 3166-1 alpha-3"),
    ],
)
def test_a_table_that_can_not_be_resolved_is_told_why(table: Path, options: list[str], says: str) -> None:
    told = dtm("places", "resolve", table, *(options if "--country" in options else ["--country", "IRQ", *options]))
    assert (told.code, says in told.err) == (2, True), told.err


def test_a_table_that_has_a_column_of_that_name_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("dist,score\nMosul,7\n")
    told = dtm("places", "resolve", tmp_path / "a.csv", "--country", "IRQ", "--name-col", "dist")
    assert (told.code, "already has the columns score" in told.err) == (2, True), told.err


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_decision_is_replayed_by_every_later_run_until_it_is_withdrawn(tmp_path: Path, kind: str) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "Round115_Master_List_IDP_2020-02-29_IOM_DTM.csv").write_text(LIST, encoding="utf-8")
    (inbox / "Round115_Master_List_IDP_2020-02-29_IOM_DTM.csv.toml").write_text('country = "IRQ"\n')

    def run() -> dict[str, int]:
        told = dtm("run", "--inbox", inbox, "--home", home, "--country", "IRQ")
        assert told.code == 0, told.err
        folder = Path(dtm("releases", "path", "--home", home).out.strip())
        rows = pl.read_parquet(folder / "tables" / "out_dtm__district_idp.parquet")
        return dict(rows.select(pl.col("admin2_code").fill_null("none"), "idp_individuals").iter_rows())

    assert run() == {"IQG15Q05": 60, "IQG15Q09": 30, "none": 120}
    sheet = tmp_path / f"review.{kind}"
    assert dtm("places", "review", "--out", sheet, "--home", home).code == 0
    read = pl.read_excel(sheet, infer_schema_length=0) if kind == "xlsx" else pl.read_csv(sheet, infer_schema=False)
    asked = read.select("provider_admin2_name", "question").rows()
    assert sorted(asked) == [("Qayyarah", "unresolved"), ("Tel Kaef", "likeness")]
    filled = read.with_columns(
        decided_admin2_code=pl.when(pl.col("provider_admin2_name") == "Qayyarah").then(pl.lit("IQG15Q05"))
    )
    filled.write_csv(tmp_path / "filled.csv")
    assert dtm("places", "accept", tmp_path / "filled.csv", "--by", "A. Analyst", "--home", home).code == 0
    assert run() == {"IQG15Q05": 180, "IQG15Q09": 30}
    assert dtm("places", "review", "--out", sheet, "--home", home).code == 0
    again = pl.read_excel(sheet, infer_schema_length=0) if kind == "xlsx" else pl.read_csv(sheet, infer_schema=False)
    assert again["provider_admin2_name"].to_list() == ["Tel Kaef"]
    assert dtm("places", "decisions", "--home", home, "--json").json()[0]["decided_by"] == "A. Analyst"
    assert dtm("places", "crosswalk", "check", "--home", home).code == 0
    assert dtm("places", "withdraw", "1", "--home", home).code == 0
    assert run() == {"IQG15Q05": 60, "IQG15Q09": 30, "none": 120}
    told = dtm("places", "crosswalk", "check", "--home", home)
    assert (told.code, "Qayyarah" in told.out) == (1, True)


def test_a_sheet_with_answers_is_not_written_over(tmp_path: Path) -> None:
    home, sheet = tmp_path / "home", tmp_path / "review.csv"
    (home / "warehouse").mkdir(parents=True)
    sheet.write_text("location_code,decided_admin1_code,decided_admin2_code\nIRQ,,IQG15Q05\n")
    told = dtm("places", "review", "--out", sheet, "--home", home)
    assert (told.code, "holds answers" in told.err) == (2, True), told.err
    assert "IQG15Q05" in sheet.read_text()


def test_points_of_a_table_are_read_or_told(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely.geometry import box

    home = tmp_path / "home"
    units = gpd.GeoDataFrame(
        {"ADM2_PCODE": ["IQG15Q05"], "ADM1_PCODE": ["IQG15"]}, geometry=[box(43, 36, 44, 37)], crs="EPSG:4326"
    )
    units.to_file(tmp_path / "units.geojson")
    assert (
        dtm(
            "boundaries", "import", tmp_path / "units.geojson", "--country", "IRQ", "--edition", "e", "--home", home
        ).code
        == 0
    )
    (tmp_path / "p.csv").write_text(
        'dist,lat,lon\nMosul,36.5,43.5\nMosul,95.5,43.1\nMosul,36.34N,43.1\n,"36,5",43.5\n,48.8,2.3\n,nan,43.1\n'
    )
    told = dtm("places", "resolve", tmp_path / "p.csv", "--country", "IRQ", "--name-col", "dist", "--lat-col", "lat", "--lon-col", "lon", "--home", home, "--out", tmp_path / "o.csv")  # fmt: skip
    assert told.code == 0, told.err
    out = pl.read_csv(tmp_path / "o.csv", infer_schema=False)
    assert out["conflict"].to_list() == [
        None,
        "point is on no place of the earth",
        "point can't be read",
        None,
        "point in no unit",
        "point is on no place of the earth",
    ]
    assert out["method"].to_list() == ["name", "name", "name", "point", None, None]


def test_a_sheet_without_a_decision_or_with_a_wrong_one_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "warehouse").mkdir(parents=True)
    (tmp_path / "empty.csv").write_text(
        "location_code,question,place_id,provider_admin1_name,provider_admin1_code,provider_admin2_name,provider_admin2_code,decided_admin1_code,decided_admin2_code,reason\n"
        "IRQ,unresolved,,Ninewa,,Qayyarah,,,,\n"
    )
    told = dtm("places", "accept", tmp_path / "empty.csv", "--by", "A", "--home", home)
    assert (told.code, "no row has a decision" in told.err) == (2, True)
    (tmp_path / "wrong.csv").write_text(
        (tmp_path / "empty.csv").read_text().replace("Qayyarah,,,,\n", "Qayyarah,,,IQG99,\n")
    )
    told = dtm("places", "accept", tmp_path / "wrong.csv", "--by", "A", "--home", home)
    assert (told.code, "row 2: IQG99 is no admin 2 unit of IRQ" in told.err) == (2, True), told.err
