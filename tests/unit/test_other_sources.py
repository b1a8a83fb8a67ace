"""API answers, border counts and surveys in the variants that senders make of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

ROW = {"id": 1, "operation": "Iraq conflict", "admin0Pcode": "IRQ", "admin1Pcode": "IRQ-G15", "admin2Pcode": "IRQ-G15Q05", "numPresentIdpInd": 6, "reportingDate": "2020-02-29T00:00:00", "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip


def read(folder: Path, content: object, reference: Reference, name: str = "delivery", **statement: object) -> Reading:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_delivery(Document(name, path), Delivery("0" * 64, name, dict(statement)), reference)


def rejected(reading: Reading) -> list[tuple[int, str]]:
    return reading.rejected.select("source_row", "rule").rows()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"numPresentIdpInd": "6"},
        {"numPresentIdpInd": 6.0},
        {"admin0Pcode": "irq"},
        {"somethingNew": 1},
        {"admin1Name": None},
    ],
)
def test_an_answer_is_read_in_the_forms_that_clients_save(
    tmp_path: Path, reference: Reference, change: dict[str, Any]
) -> None:
    for content in ([ROW | change], {"result": [ROW | change], "isSuccess": True}):
        told = read(tmp_path, content, reference)
        assert (told.kind, told.countries, told.tables["raw_dtm__api_figure"]["individuals"].to_list()) == (
            "dtm_api",
            ("IRQ",),
            [6],
        )


def test_parts_of_a_figure_are_kept_and_a_part_that_stands_twice_is_not(tmp_path: Path, reference: Reference) -> None:
    parts = [
        ROW | {"displacementReason": reason, "id": i}
        for i, reason in enumerate(("Conflict", "Natural disaster", "Conflict"))
    ]
    assert rejected(read(tmp_path, parts, reference)) == [(3, "repeated_row")]
    parts[2]["numPresentIdpInd"] = 7
    assert rejected(read(tmp_path, parts, reference)) == [(1, "conflicting_duplicate"), (3, "conflicting_duplicate")]


def test_rows_that_can_not_be_used_are_named_by_their_record(tmp_path: Path, reference: Reference) -> None:
    rows = [
        ROW,
        ROW | {"numPresentIdpInd": None, "roundNumber": 2},
        ROW | {"reportingDate": "soon"},
        ROW | {"assessmentType": None},
        ROW | {"admin0Pcode": "XX"},
    ]
    assert rejected(read(tmp_path, rows, reference)) == [
        (2, "no_individuals"),
        (3, "unreadable_reference_date"),
        (4, "no_assessment_type"),
        (5, "unreadable_location_code"),
    ]


def test_levels_in_one_file_are_refused_because_they_are_the_same_people(tmp_path: Path, reference: Reference) -> None:
    above = {k: v for k, v in ROW.items() if k != "admin2Pcode"}
    with pytest.raises(DeliveryError, match="1 rows of level 1 and 1 rows of level 2"):
        read(tmp_path, [ROW, above], reference)


def test_the_level_is_told_by_what_rows_hold_and_not_by_the_names_of_fields(
    tmp_path: Path, reference: Reference
) -> None:
    told = read(tmp_path, [ROW | {"admin2Pcode": None, "admin2Name": None}], reference)
    assert told.tables["raw_dtm__api_figure"]["admin_level"].to_list() == [1]


COUNTS = "Date{d}Crossing{d}Direction{d}Men{d}Women\n{day}{d}Rabia{d}In{d}3{d}4\n{day}{d}Rabia{d}Out{d}1{d}0\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("day", ["2024-01-15", "15-01-2024", "15/01/2024", "15.01.24", "2024-01-15T00:00:00"])
def test_counts_are_read_in_every_form_of_date_and_delimiter(
    tmp_path: Path, reference: Reference, delimiter: str, day: str
) -> None:
    told = read(tmp_path, COUNTS.format(d=delimiter, day=day), reference).tables["raw_dtm__border_count"]
    assert told.select("observed_on", "direction", "movements").rows() == [
        (date(2024, 1, 15), "in", 7),
        (date(2024, 1, 15), "out", 1),
    ]


def test_columns_that_count_nothing_are_not_summed(tmp_path: Path, reference: Reference) -> None:
    text = "No,Year,Date,Crossing,Direction,Men,Women,Remarks\n1,2024,2024-01-15,Rabia,In,3.0,4,\n2,2024,2024-01-16,Rabia,In,5,1,2 buses\n"
    told = read(tmp_path, text, reference)
    assert told.tables["raw_dtm__border_count"]["movements"].to_list() == [7, 6]
    assert [f.sentence for f in told.findings if f.finding == "groups_summed"] == [
        "no total is given: Men, Women were summed"
    ]


def test_a_negative_group_is_rejected_even_where_the_sum_is_not(tmp_path: Path, reference: Reference) -> None:
    text = "Date,Crossing,Direction,Men,Women\n2024-01-15,Rabia,In,-1,50\n2024-01-16,Rabia,In,1,50\n"
    assert rejected(read(tmp_path, text, reference)) == [(2, "negative_group")]


def test_dates_that_prove_both_orders_are_refused(tmp_path: Path, reference: Reference) -> None:
    lines = [f"{d},Rabia,In,5" for d in ("25/12/2024", "12/25/2024", "12/26/2024")]
    with pytest.raises(DeliveryError, match=r"day-first and month-first dates in one column \(1 and 2 rows\)"):
        read(tmp_path, "Date,Crossing,Direction,Total\n" + "\n".join(lines), reference)


def test_counts_of_unknown_points_need_a_country(tmp_path: Path, reference: Reference) -> None:
    text = "Date,Crossing,Direction,Total\n2024-01-15,Nowhere,In,5\n"
    with pytest.raises(DeliveryError, match='say country = "ISO3"'):
        read(tmp_path, text, reference)
    assert read(tmp_path, text, reference, country="SYR").countries == ("SYR",)


def test_a_sidecar_that_contradicts_the_content_is_refused(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(DeliveryError, match="it holds IRQ; expected SYR, as its sidecar says"):
        read(tmp_path, [ROW], reference, country="SYR")
    with pytest.raises(DeliveryError, match="the sheet has one in every row"):
        read(tmp_path, [ROW], reference, reference_date="2020-02-29")


def survey(reference: Reference, *answers: str) -> str:
    model = reference.severity_model("return_conditions")
    headers = ["place_id", "returnee_households", "survey_date", *[f"grp.{i.question}" for i in model.indicators]]
    rows = [[str(n), "10", "2020-12-20", *([a] * 9), *["very"] * 7] for n, a in enumerate(answers)]
    return "\n".join(";".join(row) for row in [headers, *rows])


def test_a_survey_is_known_by_its_models_questions_through_group_paths(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, survey(reference, "none", "yes_all"), reference)
    assert (told.kind, told.countries, told.account.rows_valid) == ("severity_survey", ("IRQ",), 2)
    assert set(told.tables["raw_dtm__severity_location"]["reference_date"]) == {date(2020, 12, 20)}
    assert told.tables["raw_dtm__severity_answer"].height == 32


def test_a_survey_that_lacks_questions_names_them(tmp_path: Path, reference: Reference) -> None:
    text = survey(reference, "none").replace("grp.q_water", "grp.other")
    with pytest.raises(DeliveryError, match=r"lacks questions of return_conditions 1\.0: water"):
        read(tmp_path, text, reference)


def test_an_answer_outside_the_choices_is_quarantined(tmp_path: Path, reference: Reference) -> None:
    assert rejected(read(tmp_path, survey(reference, "none", "maybe"), reference)) == [(3, "unknown_answer")]
