"""Other real files: daily counts at control points, and surveys that are of no kind known yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import dtm

pytestmark = pytest.mark.real
COUNTS = "flows/hong_kong_control_points/statistics_on_daily_passenger_traffic.csv"


def test_56424_rows_of_daily_counts_are_read_to_the_movement(real_data: Path, tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    inbox.mkdir()
    shutil.copy(real_data / COUNTS, inbox / "counts.csv")
    refused = dtm("run", "--inbox", inbox, "--home", home)
    assert (refused.code, 'say country = "ISO3"' in refused.err) == (3, True)
    (inbox / "counts.toml").write_text('country = "HKG"\nterms = "open government data"\n')
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 0, told.err
    flow = pl.read_parquet(Path(told.out.strip().splitlines()[-1]) / "tables" / "out_dtm__border_flow_daily.parquet")
    source = pl.read_csv(real_data / COUNTS, infer_schema=False, truncate_ragged_lines=True)
    assert flow.height == source.height == 56_424
    assert flow["movements"].sum() == source["Total"].cast(pl.Int64).sum()
    arrivals = source.filter(pl.col("Arrival / Departure") == "Arrival")["Total"].cast(pl.Int64).sum()
    assert flow.filter(direction="in")["movements"].sum() == arrivals
    assert flow.filter(movements=0).height == source.filter(pl.col("Total") == "0").height, "closures are stated zeros"


@pytest.mark.parametrize(
    "file",
    [
        "surveys/tal_afar_2021/raw_submissions.csv",
        "surveys/msna_2024_dummy/dummy_raw_data.xlsx",
        "dtm_api/hapi_idps_global.csv",
        "flows/gdi/idmc_flows.csv",
        "flows/unhcr_syria_2013/refugees.csv",
    ],
)
def test_a_real_file_of_no_known_kind_is_one_sentence_that_quotes_no_cell(
    real_data: Path, tmp_path: Path, file: str
) -> None:
    (tmp_path / "inbox").mkdir()
    shutil.copy(real_data / file, tmp_path / "inbox")
    told = dtm("run", "--inbox", tmp_path / "inbox", "--home", tmp_path / "home")
    lines = [line for line in told.err.splitlines() if line.startswith("refused ")]
    assert (told.code, len(lines)) == (3, 1)
    assert "is of no known kind" in lines[0]
