"""Other real files: surveys with their forms, counts at control points, HDX and HAPI files, UNHCR's series of 2013."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dtm_pipeline.contracts import table
from dtm_pipeline.storage.tables import stored
from tests.conftest import dtm

pytestmark = pytest.mark.real
COUNTS = "flows/hong_kong_control_points/statistics_on_daily_passenger_traffic.csv"
SERIES = {"iraq": ("IRQ", 37), "jordan": ("JOR", 52), "lebanon": ("LBN", 81), "turkey": ("TUR", 59)}


def rows_of(home: Path, name: str) -> pl.DataFrame:
    return stored(home / "warehouse", table(name)).read_all()


@pytest.fixture(scope="module")
def home(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home with all of them: surveys of Iraq, HDX and HAPI, UNHCR; the control points as a country of their own."""
    folder = tmp_path_factory.mktemp("others")
    inbox, home = folder / "inbox", folder / "home"
    inbox.mkdir()

    def put(file: str, name: str | None = None, **said: str) -> None:
        target = inbox / (name or Path(file).name)
        shutil.copy(real_data / file, target)
        if said:
            told = "".join(f'{k} = "{v}"\n' for k, v in said.items())
            target.with_name(target.name + ".toml").write_text(told)

    for part in ("survey", "choices"):
        put(f"surveys/tal_afar_2021/xlsform_{part}.csv", f"tal_afar_{part}.csv")
    put("surveys/tal_afar_2021/raw_submissions.csv", country="IRQ", survey="Tal Afar water 2021")
    put("surveys/msna_2024_dummy/REACH_2024_MSNA-kobo-tool_draft_v11.xlsx")
    put("surveys/msna_2024_dummy/dummy_raw_data.xlsx", country="IRQ", survey="MSNA 2024 dummy")
    put("dtm_api/hdx_global-iom-dtm-from-api-admin-0-to-2.csv")
    put("dtm_api/hapi_idps_global.csv")
    put(COUNTS, country="HKG", terms="open government data")
    for name, (country, _) in SERIES.items():
        put(f"flows/unhcr_syria_2013/{name}.csv", kind="unhcr_figure", country=country, population_group="refugee")
    put("flows/unhcr_syria_2013/refugees_complete_camps.csv", kind="unhcr_figure", population_group="refugee")
    told = dtm("run", "--inbox", inbox, "--home", home)
    # two series of UNHCR say different things of one day, and wait
    assert told.code == 6, told.err
    return home


@pytest.fixture(scope="module")
def ledger(home: Path) -> dict[str, dict[str, Any]]:
    return {d["name"]: d for d in dtm("status", "--json", "--home", home).json()["deliveries"]}


def test_all_of_them_are_taken_and_no_row_is_rejected(ledger: dict[str, dict[str, Any]]) -> None:
    assert [(d["name"], d["reason"]) for d in ledger.values() if d["status"] != "accepted"] == []
    assert {n: d["rows_rejected"] for n, d in ledger.items() if d["rows_rejected"]} == {}


def test_56424_rows_of_daily_counts_are_read_to_the_movement(real_data: Path, home: Path) -> None:
    flow = rows_of(home, "core_dtm__border_flow")
    source = pl.read_csv(real_data / COUNTS, infer_schema=False, truncate_ragged_lines=True)
    assert flow.height == source.height == 56_424
    assert flow["movements"].sum() == source["Total"].cast(pl.Int64).sum()
    arrivals = source.filter(pl.col("Arrival / Departure") == "Arrival")["Total"].cast(pl.Int64).sum()
    assert flow.filter(direction="in")["movements"].sum() == arrivals
    assert flow.filter(movements=0).height == source.filter(pl.col("Total") == "0").height, "closures are stated zeros"


def test_counts_at_points_that_are_not_on_record_ask_for_their_country(real_data: Path, tmp_path: Path) -> None:
    told = dtm("inspect", real_data / COUNTS)
    assert (told.code, 'say country = "ISO3"' in told.err) == (3, True)


def test_tal_afar_is_632_interviews_of_348_columns_with_their_form(
    real_data: Path, home: Path, ledger: dict[str, dict[str, Any]]
) -> None:
    source = pl.read_csv(real_data / "surveys/tal_afar_2021/raw_submissions.csv", infer_schema=False)
    assert source.shape == (632, 348)
    sha = ledger["raw_submissions.csv"]["sha256"]
    records = rows_of(home, "core_survey__record").filter(snapshot_id=sha)
    assert set(records["record_key"]) == set(source["X_uuid"])
    answers = pl.read_parquet(stored(home / "warehouse", table("raw_survey__response")).path(f"{sha}.main"))
    assert answers.height == 632
    assert answers["num_hh_member"].sum() == source["num_hh_member"].cast(pl.Int64).sum()
    several = answers["water_sources"].list.len().sum()
    assert several == source["water_sources"].str.split(" ").list.len().sum()
    ticks = source.select(pl.col("^water_sources\\..*$") == "True").sum_horizontal().sum()
    assert several == ticks, "the one column and those of its choices say the same"


def test_the_msna_dummy_is_241_households_and_four_repeats_of_965(
    home: Path, ledger: dict[str, dict[str, Any]]
) -> None:
    sha = ledger["dummy_raw_data.xlsx"]["sha256"]
    records = rows_of(home, "core_survey__record").filter(snapshot_id=sha)
    counted = dict(records.group_by("record_table").len().rows())
    assert counted == {"main": 241, "roster": 965, "edu_ind": 965, "health_ind": 965, "nut_ind": 965}
    assert set(records["survey_family"]) == {"msna"}
    main = records.filter(record_table="main")
    assert main["weight"].null_count() == main["stratum"].null_count() == 0
    for repeat in ("roster", "edu_ind", "health_ind", "nut_ind"):
        assert set(records.filter(record_table=repeat)["parent_key"]) <= set(main["record_key"])


def test_hdx_and_hapi_files_are_read_to_the_person_and_count_once(real_data: Path, home: Path) -> None:
    hdx = pl.read_csv(
        real_data / "dtm_api/hdx_global-iom-dtm-from-api-admin-0-to-2.csv", infer_schema=False, skip_rows_after_header=1
    )
    stock = rows_of(home, "core_dtm__stock")
    assert hdx.height == stock.filter(source_kind="hdx_idps").height == 13_367
    assert stock.filter(source_kind="hapi_idps").height == 6_854
    people = hdx["numPresentIdpInd"].cast(pl.Int64).sum()
    assert people == 238_083_594, "over all levels and dates: a control, no stock"
    for kind in ("hdx_idps", "hapi_idps"):
        assert stock.filter(source_kind=kind)["individuals"].sum() == people
    leaders = stock.filter("leads").select("series_id", "reference_date", "source_kind", "admin_level").unique()
    assert leaders.select("series_id", "reference_date").is_duplicated().sum() == 0, "one source and level a date"


@pytest.mark.parametrize("name", SERIES)
def test_unhcrs_series_of_2013_are_read_to_the_day_and_person(
    name: str, real_data: Path, home: Path, ledger: dict[str, dict[str, Any]]
) -> None:
    country, rows = SERIES[name]
    source = pl.read_csv(
        real_data / f"flows/unhcr_syria_2013/{name}.csv", has_header=False, infer_schema=False, new_columns=["day", "n"]
    ).filter(pl.col("day").is_not_null() & (pl.col("day") != ""))
    figures = rows_of(home, "core_other__figure").filter(snapshot_id=ledger[f"{name}.csv"]["sha256"])
    assert figures.height == source.height == rows
    assert (set(figures["location_code"]), set(figures["cumulative"])) == ({country}, {True})
    read = figures.sort("reference_date").select(pl.col("reference_date").cast(pl.String), "individuals").rows()
    assert read == source.select("day", pl.col("n").cast(pl.Int64)).sort("day").rows()


def test_a_series_of_several_countries_is_a_figure_of_each(home: Path, ledger: dict[str, dict[str, Any]]) -> None:
    figures = rows_of(home, "core_other__figure").filter(snapshot_id=ledger["refugees_complete_camps.csv"]["sha256"])
    assert figures.height == 229
    assert set(figures["location_code"]) == {"IRQ", "JOR", "LBN", "TUR"}


@pytest.mark.parametrize("file", ["flows/gdi/idmc_flows.csv", "flows/unhcr_syria_2013/data_layout.csv"])
def test_a_real_file_of_no_known_kind_is_one_sentence_that_quotes_no_cell(real_data: Path, file: str) -> None:
    told = dtm("inspect", real_data / file)
    assert told.code == 3
    assert told.err.count("\n") == 1
    assert "is of no known kind" in told.err
