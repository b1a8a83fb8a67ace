"""Exports of one survey in every shape give the same answers; repeats find their parents; rules are checked a row."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import Workbook

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from sources.survey.xlsform import assemble

SURVEY = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "required", "relevant", "constraint"],
    ["start", "start", "", "", "", "", ""],
    ["begin_group", "hh", "", "", "", "", ""],
    ["integer", "size", "How many are you?", "كم عددكم؟", "true", "", ". > 0 and . < 30"],
    ["select_one yn", "displaced", "Displaced?", "نازح؟", "true", "", ""],
    ["date", "since", "Since when?", "منذ متى؟", "true", "selected(${displaced}, 'yes')", ". <= today()"],
    ["select_multiple need or_other", "needs", "Needs?", "احتياجات؟", "", "", "count-selected(.) < 3"],
    ["end_group", "", "", "", "", "", ""],
    ["begin_repeat", "member", "", "", "", "", ""],
    ["integer", "age", "Age?", "العمر؟", "true", "", ". < 120"],
    ["begin_repeat", "illness", "", "", "", "", ""],
    ["text", "what", "What?", "ماذا؟", "", "${age} > 5", ""],
    ["end_repeat", "", "", "", "", "", ""],
    ["end_repeat", "", "", "", "", "", ""],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::Arabic (ar)"],
    ["yn", "yes", "Yes", "نعم"],
    ["yn", "no", "No", "لا"],
    ["need", "food", "Food", "غذاء"],
    ["need", "water", "Clean water", "ماء"],
]
ROWS: list[dict[str, Any]] = [
    {"start": "2024-03-31T10:00:00.000+03:00", "size": "5", "displaced": "yes", "since": "2020-01-15", "needs": ["food", "water"]},
    {"start": "2024-03-31T11:00:00.000+03:00", "size": "2", "displaced": "no", "since": "", "needs": ["water"]},
]  # fmt: skip
LABELS = {"yes": "Yes", "no": "No", "food": "Food", "water": "Clean water"}
EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SHAPES = [
    "paths",
    "dots",
    "bare",
    "labels",
    "arabic labels",
    "joint only",
    "ticks only",
    "eastern",
    "semicolons",
    "mangled",
]


def forms(folder: Path, encoding: str = "utf-8") -> tuple[tuple[str, Path], ...]:
    made = []
    for name, rows in (("f_survey.csv", SURVEY), ("f_choices.csv", CHOICES)):
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        (folder / name).write_bytes(text.getvalue().encode(encoding))
        made.append((name, folder / name))
    return tuple(made)


def export(shape: str) -> str:
    """The same two interviews as each tool writes them."""
    cut = "." if shape == "dots" else "/"
    group = "" if shape in ("bare", "mangled") else f"hh{cut}"
    words = LABELS | {"yes": "نعم", "no": "لا", "food": "غذاء", "water": "ماء"} if shape == "arabic labels" else LABELS
    says = words if "labels" in shape else {w: w for w in words}
    titles = {"size": 2, "displaced": 2, "since": 2, "needs": 2} if shape == "labels" else {}
    named = {q[1]: q[titles[q[1]]] if q[1] in titles else f"{group}{q[1]}" for q in SURVEY}
    headers = ["X.U.FEFF.start" if shape == "mangled" else "start", named["size"], named["displaced"], named["since"]]
    headers += [] if shape == "ticks only" else [named["needs"]]
    ticks = (
        []
        if shape in ("joint only", "labels", "arabic labels")
        else [f"{named['needs']}{cut}{c}" for c in ("food", "water")]
    )
    headers += [*ticks, "X_uuid" if shape == "mangled" else "_uuid", "X_index" if shape == "mangled" else "_index"]
    lines = []
    for i, row in enumerate(ROWS, start=1):
        size = row["size"].translate(EASTERN) if shape == "eastern" else row["size"]
        line = [row["start"], size, says[str(row["displaced"])], row["since"]]
        line += [] if shape == "ticks only" else [" ".join(says[n] for n in row["needs"])]
        line += [("TRUE" if c in row["needs"] else "FALSE") for c in ("food", "water")] if ticks else []
        lines.append([*line, f"u{i}", str(i)])
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";" if shape == "semicolons" else ",").writerows([headers, *lines])
    return text.getvalue()


def read(path: Path, files: tuple[tuple[str, Path], ...], reference: Reference, **said: str) -> Reading:
    delivery = Delivery("0" * 64, path.name, {"country": "IRQ", **said})
    return read_delivery(Document(path.name, path, files), delivery, reference)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_export_gives_the_same_answers(shape: str, tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "export.csv"
    path.write_text(export(shape), encoding="utf-8")
    told = read(path, forms(tmp_path), reference)
    answers = told.responses["main"].rows()
    assert answers["size"].to_list() == [5, 2]
    assert answers["displaced"].to_list() == ["yes", "no"]
    assert answers["since"].cast(pl.String).to_list() == ["2020-01-15", None]
    assert [set(n) for n in answers["needs"].to_list()] == [{"food", "water"}, {"water"}]
    assert told.tables["raw_survey__record"]["record_key"].to_list() == ["u1", "u2"]
    assert told.findings == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1256"])
def test_forms_are_read_in_the_encodings_that_they_come_in(encoding: str, tmp_path: Path) -> None:
    files = forms(tmp_path, encoding)
    form = assemble([Document(n, p) for n, p in files])[0]
    assert form.by_name["size"].labels == {"English (en)": "How many are you?", "Arabic (ar)": "كم عددكم؟"}
    assert form.repeats == {"member": None, "illness": "member"}
    assert "needs_other" in form.by_name


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"size": "45"}, "broken_constraint"),
        ({"size": "many"}, "unreadable_number"),
        ({"displaced": "perhaps"}, "unknown_answer"),
        ({"displaced": "no"}, "answered_though_not_asked"),
        ({"since": ""}, "missing_answer"),
        ({"since": "2030-01-01"}, "broken_constraint"),
        ({"since": "soon"}, "unreadable_day"),
    ],
)
def test_an_answer_that_breaks_the_form_is_a_finding_of_its_row(
    change: dict[str, str], rule: str, tmp_path: Path, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LABELS, "perhaps", "perhaps")
    monkeypatch.setitem(globals(), "ROWS", [{**ROWS[0], **change}, ROWS[1]])
    path = tmp_path / "export.csv"
    path.write_text(export("paths"), encoding="utf-8")
    told = read(path, forms(tmp_path), reference)
    assert (rule, 2) in {(f.finding, f.source_row) for f in told.findings}
    flags = told.tables["raw_survey__record"]["flags"].to_list()
    assert any(f.startswith(f"{rule}:") for f in flags[0])
    assert flags[1] == []
    assert told.account.rows_rejected == 0, "a broken rule is a question, never a rejection"


def nested(as_json: bool, folder: Path) -> Path:
    people: list[dict[str, Any]] = [
        {"age": 30, "ill": ["flu"]},
        {"age": 3, "ill": ["cough", "fever"]},
    ]
    if as_json:
        records = [
            {"_id": i, "_uuid": f"u{i}", "start": ROWS[0]["start"], "hh/size": "2", "hh/displaced": "no",
             "member": [{"member/age": str(p["age"] + i), "member/illness": [{"member/illness/what": w} for w in p["ill"]]} for p in people]}
            for i in (1, 2)
        ]  # fmt: skip
        (folder / "a.json").write_text(json.dumps({"count": 2, "next": None, "results": records}))
        return folder / "a.json"
    main = [["start", "hh/size", "hh/displaced", "_uuid", "_index"]]
    members: list[list[Any]] = [["member/age", "_index", "_parent_table_name", "_parent_index", "_submission__uuid"]]
    ills: list[list[Any]] = [
        ["member/illness/what", "_index", "_parent_table_name", "_parent_index", "_submission__uuid"]
    ]
    for i in (1, 2):
        main.append([str(ROWS[0]["start"]), "2", "no", f"u{i}", str(i)])
        for p in people:
            members.append([p["age"] + i, len(members), "main", i, f"u{i}"])
            for w in p["ill"]:
                ills.append([w, len(ills), "member", len(members) - 1, f"u{i}"])
    book = Workbook()
    for name, rows in (("main", main), ("member", members), ("illness", ills)):
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.remove(book.worksheets[0])
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_repeat_within_a_repeat_is_tied_to_its_own_parent(
    as_json: bool, tmp_path: Path, reference: Reference
) -> None:
    told = read(nested(as_json, tmp_path), forms(tmp_path), reference)
    records = told.tables["raw_survey__record"]
    assert dict(records.group_by("record_table").len().rows()) == {"main": 2, "member": 4, "illness": 6}
    assert told.account.rows_rejected == 0
    ages = told.responses["member"].rows().select(parent_key="record_key", age="age")
    whats = told.responses["illness"].rows().select("record_key", "what")
    tied = records.filter(record_table="illness").join(whats, on="record_key").join(ages, on="parent_key")
    assert told.findings == [], "what a nested repeat can't see is listed, never counted as broken"
    assert [n["question"] for n in told.facts["not_checked"]] == ["what"]
    assert sorted(tied.select("what", "age").rows()) == [("cough", 4), ("cough", 5), ("fever", 4), ("fever", 5), ("flu", 31), ("flu", 32)]  # fmt: skip


def test_a_saved_page_of_an_api_is_refused(tmp_path: Path, reference: Reference) -> None:
    rows = [{"_id": 1, "_uuid": "u1", "hh/size": "2"}]
    (tmp_path / "a.json").write_text(json.dumps({"count": 5000, "next": "https://example.org/next", "results": rows}))
    with pytest.raises(DeliveryError, match="holds 1 of 5,000 submissions: a page, not the answer"):
        read(tmp_path / "a.json", forms(tmp_path), reference)


def test_an_interview_twice_is_kept_once_and_one_that_differs_is_believed_in_neither_form(
    tmp_path: Path, reference: Reference
) -> None:
    lines = export("paths").splitlines()
    path = tmp_path / "export.csv"
    path.write_text("\n".join([*lines, lines[1], lines[2].replace(",2,", ",9,", 1)]) + "\n", encoding="utf-8")
    told = read(path, forms(tmp_path), reference)
    rules = told.rejected.select("source_row", "rule").sort("source_row").rows()
    assert rules == [(3, "conflicting_duplicate"), (4, "repeated_row"), (5, "conflicting_duplicate")]


def test_columns_beside_the_form_are_counted_and_never_quoted(tmp_path: Path, reference: Reference) -> None:
    lines = export("paths").splitlines()
    path = tmp_path / "export.csv"
    path.write_text("\n".join([lines[0] + ",Ahmad 0770", *(line + ",x" for line in lines[1:])]), encoding="utf-8")
    told = read(path, forms(tmp_path), reference)
    assert [f.finding for f in told.findings] == ["columns_beside_the_form"]
    assert "Ahmad" not in json.dumps(told.report(), default=str)
