"""Reviews, hidden sheets and rows, headers of two rows, columns without a header: what a person sees of a delivery."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from tests.unit.test_surveys import forms

EVENTS = ["Event ID", "Event type", "Report date", "Governorate", "District", "Location name", "Current individuals"]


def read(path: Path, reference: Reference, files: tuple[tuple[str, Path], ...] = (), **said: str) -> Reading:
    told = Document(path.name, path, files)
    return read_delivery(told, Delivery("0" * 64, path.name, {"country": "IRQ", **said}), reference)


def table(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def book(path: Path, **sheets: list[list[Any]]) -> Workbook:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    return made


REJECTED = ["Not Approved", "validation_status_not_approved", "rejected", "REJECTED", "Non approuvé"]
OTHERS = {"Approved": [], "": [], "On Hold": ["review_on_hold"], "hasIssues": ["review_has_issues"], "edited": ["review_edited"], "nobody knows": ["review_unknown"]}  # fmt: skip


@pytest.mark.parametrize("header", ["_validation_status", "ReviewState", "_validation_status/label", "_submission__validation_status", "__system/reviewState"])  # fmt: skip
@pytest.mark.parametrize("word", REJECTED)
def test_what_a_reviewer_rejected_is_quarantined(tmp_path: Path, reference: Reference, header: str, word: str) -> None:
    rows = [[f"EV-{n}", "Flood", "2024-04-01", "Ninewa", "Mosul", f"P{n}", 100 * n, w] for n, w in ((1, "Approved"), (2, word))]  # fmt: skip
    told = read(table(tmp_path / "events.csv", [[*EVENTS, header], *rows]), reference)
    assert told.rejected.select("source_row", "rule", "found").rows() == [(3, "reviewer_rejected", word)]
    assert told.tables["raw_dtm__event_report"]["current_individuals"].to_list() == [100]


@pytest.mark.parametrize(("word", "flags"), OTHERS.items())
def test_other_states_of_review_are_used_and_named(
    tmp_path: Path, reference: Reference, word: str, flags: list[str]
) -> None:
    rows = [[f"EV-{n}", "Flood", "2024-04-01", "Ninewa", "Mosul", f"P{n}", 100, w] for n, w in ((1, ""), (2, word))]
    told = read(table(tmp_path / "events.csv", [[*EVENTS, "_validation_status"], *rows]), reference)
    assert told.tables["raw_dtm__event_report"]["flags"].to_list()[1] == flags
    assert [f.finding for f in told.findings] == flags


LISTS = {
    "border_count": (["Date", "Point", "Direction", "Total"], ["2024-04-0{n}", "Rabia", "in", 10], "raw_dtm__border_count"),
    "migrant_presence": (["Governorate", "Nationality", "Number of migrants", "Reference date"], ["Ninewa {n}", "Syrian", 10, "2024-04-01"], "raw_dtm__migrant_presence"),
    "location_assessment": (["Place id", "Governorate", "Population group", "Access to water", "Access to health", "First need"], ["p{n}", "Ninewa", "IDPs", "Yes", "No", "None"], "raw_dtm__location_assessment"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_a_review_counts_in_every_kind(tmp_path: Path, reference: Reference, kind: str) -> None:
    headers, row, name = LISTS[kind]
    rows = [[str(c).format(n=n) for c in row] + [w] for n, w in ((1, "Approved"), (2, "Not Approved"))]
    told = read(table(tmp_path / "list_2024-04-01.csv", [[*headers, "_validation_status"], *rows]), reference)
    assert (told.kind, told.rejected["rule"].to_list(), told.tables[name].height) == (kind, ["reviewer_rejected"], 1)


def test_a_severity_survey_that_a_reviewer_rejected_is_not_scored(tmp_path: Path, reference: Reference) -> None:
    model = next(m for m in reference.severity_models if m.index_name == "return_conditions")
    headers = [*model.questions.values(), *(i.question for i in model.indicators), "_validation_status"]
    place = {"households": "10", "surveyed_on": "2024-03-31"}
    answers = [next(iter(i.answers)) for i in model.indicators]
    rows = [
        [*(f"p{n}" if f == "place_id" else place.get(f, "x") for f in model.questions), *answers, word]
        for n, word in ((1, "Approved"), (2, "Not Approved"))
    ]
    told = read(table(tmp_path / "s.csv", [headers, *rows]), reference)
    assert told.rejected.select("source_row", "rule").rows() == [(3, "reviewer_rejected")]


SUBMISSIONS: list[dict[str, Any]] = [
    {"_uuid": "u1", "start": "2024-03-31T10:00:00", "hh/size": "3", "hh/displaced": "no"},
    {"_uuid": "u2", "start": "2024-03-31T11:00:00", "hh/size": "4", "hh/displaced": "no"},
]
STATES = {
    "kobo": [{"_validation_status": {"uid": "validation_status_approved", "label": "Approved"}}, {"_validation_status": {"uid": "validation_status_not_approved", "label": "Not Approved"}}],
    "kobo text": [{"_validation_status": "Approved"}, {"_validation_status": "Not Approved"}],
    "odk": [{"__system": {"reviewState": "approved"}}, {"__system": {"reviewState": "rejected"}}],
}  # fmt: skip


@pytest.mark.parametrize("shape", STATES)
def test_a_survey_from_a_live_system_leaves_out_what_was_rejected(
    tmp_path: Path, reference: Reference, shape: str
) -> None:
    rows = [{**s, **state} for s, state in zip(SUBMISSIONS, STATES[shape], strict=True)]
    (tmp_path / "survey.json").write_text(json.dumps(rows))
    told = read(tmp_path / "survey.json", reference, forms(tmp_path))
    assert told.rejected.select("source_row", "rule").rows() == [(3, "reviewer_rejected")]
    assert told.tables["raw_survey__record"]["record_key"].to_list() == ["u1"]


COUNTS = [["Date", "Point", "Direction", "Total"], ["2024-04-01", "Rabia", "in", 10]]


def test_a_hidden_sheet_is_not_read_and_is_named(tmp_path: Path, reference: Reference) -> None:
    made = book(tmp_path, Counts=COUNTS, Old=[COUNTS[0], ["2024-04-02", "Rabia", "in", 99]])
    made["Old"].sheet_state = "veryHidden"
    made.save(tmp_path / "a.xlsx")
    told = read(tmp_path / "a.xlsx", reference)
    assert told.tables["raw_dtm__border_count"]["movements"].to_list() == [10]
    assert [(f.finding, f.source_sheet) for f in told.findings] == [("hidden_sheet", "Old")]
    made["Counts"].sheet_state = "hidden"
    made.create_sheet("Cover")
    made.save(tmp_path / "a.xlsx")
    with pytest.raises(DeliveryError, match="every sheet with cells is hidden"):
        read(tmp_path / "a.xlsx", reference)


def test_hidden_and_struck_rows_are_read_and_named(tmp_path: Path, reference: Reference) -> None:
    rows = [["2024-04-0" + str(n), "Rabia", "in", 10 * n] for n in range(1, 6)]
    made = book(tmp_path, Counts=[COUNTS[0], *rows])
    made["Counts"].row_dimensions[3].hidden = True
    for cell in made["Counts"][5]:
        cell.font = Font(strike=True)
    made["Counts"]["A6"].font = Font(strike=True)
    made.save(tmp_path / "a.xlsx")
    told = read(tmp_path / "a.xlsx", reference)
    assert told.tables["raw_dtm__border_count"]["movements"].sum() == 150
    assert [(f.finding, f.source_row) for f in told.findings] == [("hidden_rows", 3), ("struck_rows", 5)]


BASELINE = {"country": "SYR", "reference_date": "2026-04-30"}
GROUPS = [
    ["Governorate", "District", "Location name", "Residents", "IDPs", None, "IDP returnees", None],
    [None, None, None, "Individuals", "Households", "Individuals", "Households", "Individuals"],
]
PLACES = [["Aleppo", "Afrin", f"Place {n}", 1000, 20, 100, 4, 21] for n in range(3)]


def test_two_header_rows_are_one_header(tmp_path: Path, reference: Reference) -> None:
    told = read(table(tmp_path / "Baseline.csv", [["Syria"], *GROUPS, *PLACES]), reference, **BASELINE)
    rows = told.tables["raw_dtm__baseline_location"]
    assert rows.select("idp_individuals", "idp_returnee_individuals", "resident_individuals").sum().row(0) == (300, 63, 3000)  # fmt: skip
    assert told.account.rows_in == 3
    assert "'IDPs Households'" in next(f.sentence for f in told.findings if f.finding == "unknown_header")


def test_a_merged_header_without_names_below_it_is_refused(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(DeliveryError, match=r"column 6 holds 3 numbers under no header, beside 'IDPs', which may be merged over both"):  # fmt: skip
        read(table(tmp_path / "Baseline.csv", [GROUPS[0], *PLACES]), reference, **BASELINE)


def test_a_first_row_of_data_is_no_second_header(tmp_path: Path, reference: Reference) -> None:
    headers = ["Date", "Point", "Direction", "Total", None]
    rows = [["2024-04-01", "Rabia", "in", 10, "calm"], ["2024-04-02", "Rabia", "in", 12, "calm"]]
    told = read(table(tmp_path / "a.csv", [headers, *rows]), reference)
    assert told.tables["raw_dtm__border_count"]["movements"].to_list() == [10, 12]
    assert [f.finding for f in told.findings] == ["column_without_header"]
