"""Real answers of the DTM API, counted exactly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import dtm

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def release(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real answers in one inbox, with the real COD-AB of Iraq."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "inbox").mkdir()
    for file in sorted((real_data / "dtm_api").glob("v?_*admin[012]*.json")):
        shutil.copy(file, folder / "inbox")
    polygons = real_data / "boundaries/irq/irq_admbnda_adm2_cso_20190603.geojson"
    imported = dtm(
        "boundaries", "import", polygons, "--country", "IRQ", "--edition", "cod-2019", "--home", folder / "home"
    )
    assert imported.code == 0, imported.err
    told = dtm("run", "--inbox", folder / "inbox", "--home", folder / "home")
    assert told.code == 0, told.err
    return Path(told.out.strip().splitlines()[-1])


def table(release: Path, name: str, country: str) -> pl.DataFrame:
    return pl.read_parquet(release / "tables" / f"{name}.parquet").filter(location_code=country)


def raw(real_data: Path, name: str) -> pl.DataFrame:
    return pl.DataFrame(json.loads((real_data / "dtm_api" / name).read_text())["result"], infer_schema_length=None)


def test_iraq_has_7691_district_rows_over_80_dates_all_placed_by_code(release: Path, real_data: Path) -> None:
    district = table(release, "out_dtm__district_idp", "IRQ")
    assert (district.height, district["reference_date"].n_unique(), district["admin2_code"].null_count()) == (
        7691,
        80,
        0,
    )
    assert district["place_basis"].unique().to_list() == ["code"]
    assert district["boundary_edition"].unique().to_list() == ["cod-2019"]
    source = raw(real_data, "v2_irq_admin2.json")
    codes = source.select(
        reference_date=pl.col("reportingDate").str.head(10).str.to_date(),
        admin2_code=pl.col("admin2Pcode").str.replace("IRQ-", "IQ"),
        people="numPresentIdpInd",
    )
    joined = codes.join(district, on=["reference_date", "admin2_code"], how="left")
    assert (joined["people"] == joined["idp_individuals"]).all()


def test_iraqs_districts_add_up_to_governorates_and_to_the_country_on_every_date(
    release: Path, real_data: Path
) -> None:
    district = table(release, "out_dtm__district_idp", "IRQ")
    governorate = table(release, "out_dtm__governorate_idp", "IRQ")
    key = ["reference_date", "admin1_code"]
    sums = district.group_by(key).agg(pl.col("idp_individuals").sum()).sort(key)
    assert sums.equals(governorate.select(*key, "idp_individuals").sort(key))
    assert governorate.height == 1430
    country = raw(real_data, "v2_irq_admin0.json").select(
        reference_date=pl.col("reportingDate").str.head(10).str.to_date(), people="numPresentIdpInd"
    )
    totals = (
        governorate.group_by("reference_date").agg(pl.col("idp_individuals").sum()).join(country, on="reference_date")
    )
    assert totals.height == 80
    assert (totals["idp_individuals"] == totals["people"]).all()


def test_iraqs_levels_0_and_1_are_compared_and_not_added(release: Path) -> None:
    rounds = table(release, "out_meta__round", "IRQ")
    assert rounds.group_by("admin_level", "leads").len().sort("admin_level").rows() == [
        (0, False, 80),
        (1, False, 80),
        (2, True, 80),
    ]
    assert rounds["difference_individuals"].drop_nulls().unique().to_list() == [0]


def test_round_48_stands_on_two_dates_and_nothing_is_joined_by_it(release: Path) -> None:
    told = table(release, "out_meta__round", "IRQ").filter(leads=True, reporting_round="48")
    assert told["reference_date"].n_unique() == 2


def test_afghanistan_comes_at_levels_0_and_1_and_stands_under_its_governorates(release: Path) -> None:
    district = table(release, "out_dtm__district_idp", "AFG")
    assert district["admin2_code"].null_count() == district.height > 0
    assert district["admin1_code"].null_count() == 0
    last = district.filter(pl.col("reference_date") == pl.date(2022, 12, 31))
    assert last["idp_individuals"].sum() == 6_557_855
    assert set(table(release, "out_meta__round", "AFG").filter(leads=True)["admin_level"]) == {1}


@pytest.mark.parametrize(("country", "people"), [("AFG", 59_411_923), ("HTI", 13_831_385), ("TCD", 6_117_890)])
def test_countries_of_the_global_p_code_table_keep_every_person(release: Path, country: str, people: int) -> None:
    for level in ("governorate", "district"):
        rows = table(release, f"out_dtm__{level}_idp", country)
        assert rows["idp_individuals"].sum() == people
        assert rows["place_basis"].unique().to_list() == ["code"]
        assert rows["boundary_edition"].null_count() == 0
        assert rows["admin1_code"].null_count() == 0


def test_parts_by_reason_and_origin_are_summed_to_one_figure_a_place_and_date(release: Path, real_data: Path) -> None:
    source = raw(real_data, "v3_displacement-admin2-admin0pcode-hti.json")
    keys = ["operation", "assessmentType", "reportingDate", "admin2Pcode"]
    assert source.group_by(keys).len().filter(pl.col("len") > 1).height == 152
    district = table(release, "out_dtm__district_idp", "HTI")
    assert district.height == source.select(keys).unique().height


def test_chads_ba_and_sa_are_series_apart_that_overlap(release: Path) -> None:
    series = table(release, "out_meta__series", "TCD")
    assert series["series_id"].to_list() == ["tcd_lake-chad-basin-crisis_ba", "tcd_lake-chad-basin-crisis_sa"]
    assert series["overlap_group"].n_unique() == 1
    assert series["headline"].any() is False
    rows = (
        table(release, "out_dtm__governorate_idp", "TCD")
        .group_by("series_id", "reference_date")
        .agg(pl.col("idp_individuals").sum())
    )
    assert set(rows.filter(idp_individuals=147_032)["series_id"]) == set(series["series_id"])


@pytest.mark.parametrize("name", ["v3_displacement-country-list.json", "v3_displacement-operation-list.json"])
def test_lists_of_the_api_are_no_figures_and_say_what_they_lack(real_data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    shutil.copy(real_data / "dtm_api" / name, tmp_path / "inbox")
    told = dtm("run", "--inbox", tmp_path / "inbox", "--home", tmp_path / "home")
    assert (told.code, "expected also" in told.err, "numPresentIdpInd" in told.err) == (3, True, True)


def test_a_real_answer_that_was_cut_is_refused_with_the_place(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "cut.json").write_bytes((real_data / "dtm_api/v2_irq_admin2.json").read_bytes()[:20_000])
    told = dtm("run", "--inbox", tmp_path / "inbox", "--home", tmp_path / "home")
    assert (told.code, "is cut off at line 1, column" in told.err) == (3, True)
