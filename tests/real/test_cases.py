"""The small inputs that failed when tried (cases beside the real files), read as they lie."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import read_statement
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from tests.conftest import dtm

pytestmark = pytest.mark.real


@pytest.fixture
def cases(real_data: Path) -> Path:
    folder = real_data.parent / "cases"
    assert folder.is_dir(), f"{folder}: the cases lie beside the real files"
    return folder


def read(file: Path, reference: Reference) -> Reading:
    return read_delivery(Document(file.name, file), Delivery("0" * 64, file.name, read_statement(file)), reference)


def test_of_two_rounds_on_one_date_the_second_leads_and_the_first_is_named(cases: Path, tmp_path: Path) -> None:
    told = dtm("run", "--inbox", cases / "two_rounds_one_date", "--home", tmp_path)
    assert "BA round 2 (1095) leads, BA round 1 (680) is compared and never added" in told.err
    release = Path(dtm("releases", "path", "--home", tmp_path).out.strip())
    for level in ("governorate", "district"):
        assert pl.read_parquet(release / "tables" / f"out_dtm__{level}_idp.parquet")["idp_individuals"].sum() == 1095


def test_two_header_rows_are_one(cases: Path, reference: Reference) -> None:
    told = read(cases / "two_level_header" / "Syria_baseline_two_level_2026-04-30.xlsx", reference)
    rows = told.tables["raw_dtm__baseline_location"]
    # the sum of the column that the file heads IDP returnees, Individuals
    assert rows.select("idp_individuals", "idp_returnee_individuals").sum().row(0) == (1530, 570)


def test_a_hidden_sheet_is_left_out_and_named(cases: Path, reference: Reference) -> None:
    told = read(cases / "hidden_sheet_summed" / "Round119_Master_List_IDP_2020-12-31_IOM_DTM.xlsx", reference)
    assert told.tables["raw_dtm__master_list"]["individuals"].sum() == 1140
    assert [f.source_sheet for f in told.findings if f.finding == "hidden_sheet"] == ["closed locations"]


def test_migrants_of_communities_are_summed(cases: Path, reference: Reference) -> None:
    told = read(cases / "migrants_by_community" / "migrants_community_2024-09-30.csv", reference)
    assert (told.tables["raw_dtm__migrant_presence"]["individuals"].sum(), told.rejected.height) == (1680, 0)


def test_what_a_reviewer_did_not_approve_is_quarantined(cases: Path, reference: Reference) -> None:
    told = read(cases / "kobo_not_approved" / "event_tracking_2024-04.csv", reference)
    assert told.tables["raw_dtm__event_report"]["event_id"].to_list() == ["EV-1", "EV-3", "EV-4"]
    assert told.rejected["rule"].to_list() == ["reviewer_rejected"]
    assert [f.finding for f in told.findings] == ["review_on_hold"]


@pytest.mark.parametrize(
    ("case", "file", "says"),
    [
        ("html_saved_as_xls", "html_Round119_Master_List_IDP_2020-12-31_IOM_DTM.xls", "is a web page (HTML)"),
        ("html_saved_as_xls", "xmlss_Round119_Master_List_IDP_2020-12-31_IOM_DTM.xls", "save it as XLSX"),
        (
            "declared_kind_not_explained",
            "migrants_2024-09-30.csv",
            "lacks a governorate and a nationality; of its headers 'Migrant Nationality' may be nationality",
        ),
        (
            "side_sheets_by_origin",
            "Round5_Master_List_IDP_2014_August_24_IOM_DTM.xlsx",
            "sheet '1.DTM master list 20140826': contradicts itself: 2014-08-26 in the sheet name and 2014-08-24 in the file name",
        ),
    ],
)
def test_the_cause_is_named_in_one_sentence(cases: Path, reference: Reference, case: str, file: str, says: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        read(cases / case / file, reference)
    assert says in str(refused.value)


def test_days_that_can_be_read_both_ways_are_named(cases: Path, reference: Reference) -> None:
    told = read(cases / "ambiguous_dates_assumed" / "hapi_ambig.csv", reference)
    assert "date_order_assumed" in [f.finding for f in told.findings]


def test_a_list_of_which_most_rows_can_not_be_read_is_held_and_said_to_be(cases: Path, tmp_path: Path) -> None:
    told = dtm("run", "--inbox", cases / "mostly_rejected", "--home", tmp_path)
    assert told.code == 6
    assert (
        "75.0% of its rows were set aside (households that are no numbers), and how many people they hold is not known; to settle it: `dtm review show"
        in told.err
    )
    release = Path(dtm("releases", "path", "--home", tmp_path).out.strip())
    assert pl.read_parquet(release / "tables" / "out_dtm__governorate_idp.parquet").is_empty()
    assert "1,200 individuals" in dtm("review", "--home", tmp_path).out
