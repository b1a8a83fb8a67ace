"""An answer is never a blank: every answer of every scale, question list and vocabulary arrives, in every source."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.domain.severity import SeverityModel
from dtm_pipeline.quality.parse import coded, plain, written
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from sources.document import Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

REFERENCE = Reference(Settings().reference)
VARIANTS = (str, str.upper, str.title, lambda a: f" {a} ")


def read(path: Path, **said: str) -> Reading:
    return read_delivery(Document(path.name, path), Delivery("0" * 64, path.name, dict(said)), REFERENCE)


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.parametrize("model", REFERENCE.severity_models, ids=lambda m: m.index_name)
@pytest.mark.parametrize("spelled", VARIANTS)
def test_every_answer_of_a_severity_model_arrives_with_its_value(
    model: SeverityModel, spelled: object, tmp_path: Path
) -> None:
    most = max(len(i.answers) for i in model.indicators)
    headers = [*model.questions.values(), *(i.question for i in model.indicators)]
    place = {"place_id": "p{}", "households": "10", "surveyed_on": "2024-03-31"}
    rows = [headers]
    for n in range(most):
        answers = [list(i.answers)[n % len(i.answers)] for i in model.indicators]
        rows.append(
            [
                *(place.get(field, "x").format(n) for field in model.questions),
                *(spelled(a) for a in answers),  # type: ignore[operator]  # a way to write a word
            ]
        )
    read_as = read(write(tmp_path / "survey_2024-03-31.csv", rows), country=model.location_code)
    values = read_as.tables["raw_dtm__severity_answer"]
    for indicator in model.indicators:
        arrived = values.filter(indicator_code=indicator.code).sort("source_row")["value"].to_list()
        known = list(indicator.answers.values())
        assert arrived == [known[n % len(known)] for n in range(most)], indicator.code
    assert read_as.rejected.is_empty()


@pytest.mark.parametrize("question", REFERENCE.questions.unique("question_code").sort("question_code").to_dicts(), ids=lambda q: q["question_code"])  # fmt: skip
def test_every_answer_of_a_question_of_location_assessments_arrives(question: dict[str, str], tmp_path: Path) -> None:
    known = REFERENCE.answers.filter(answer_set=question["answer_set"])
    words = [*known.select("alias", "answer_code").rows(), *((c, c) for c in known["answer_code"].unique())]
    others = [q for q in REFERENCE.questions.unique("question_code").sort("question_code").to_dicts() if q != question]
    headers = ["Place id", "Governorate", "District", "Population group", "Individuals", question["alias"]]
    headers += [q["alias"] for q in others[:3]]
    rows = [[str(n), "Ninewa", "Mosul", "IDPs", "60", word, "", "", ""] for n, (word, _) in enumerate(words)]
    reading = read(write(tmp_path / "ILA_2024-03-31.csv", [headers, *rows]), country="IRQ")
    answers = reading.tables["raw_dtm__location_answer"].filter(question_code=question["question_code"])
    arrived = dict(answers.select("source_row", "answer_code").rows())
    assert [arrived.get(n + 2) for n in range(len(words))] == [code for _, code in words]
    assert not [f for f in reading.findings if f.finding == "unknown_answer"]


@pytest.mark.parametrize("vocabulary", sorted(REFERENCE.vocabularies["vocabulary"].unique()))
def test_every_word_of_a_vocabulary_is_told_from_a_blank(vocabulary: str) -> None:
    words = REFERENCE.vocabularies.filter(vocabulary=vocabulary)
    frame = words.select("alias", arrives=coded(pl.col("alias"), pl.col("code")))
    assert frame["arrives"].null_count() == 0


def test_a_word_for_a_blank_is_one_where_a_name_or_a_number_is_expected() -> None:
    words = pl.DataFrame({"t": ["None", " n/a ", "Not available", "-", "", None, "Noneville"]})
    assert words.select(plain(pl.col("t")))["t"].to_list() == [None] * 6 + ["Noneville"]
    assert words.select(written(pl.col("t")))["t"].to_list() == ["None", "n/a", "Not available", "-", None, None, "Noneville"]  # fmt: skip


def test_a_blank_answer_beside_a_list_without_that_word_stays_a_blank(tmp_path: Path) -> None:
    model = next(m for m in REFERENCE.severity_models if m.index_name == "displacement_conditions")
    headers = [*model.questions.values(), *(i.question for i in model.indicators)]
    place = {"place_id": "p1", "households": "10", "surveyed_on": "2024-03-31"}
    row = [*(place.get(f, "") for f in model.questions), "n/a", *("3.0" for _ in model.indicators[1:])]
    reading = read(write(tmp_path / "survey_2024-03-31.csv", [headers, row]), country="IRQ")
    values = reading.tables["raw_dtm__severity_answer"].sort("indicator_code")
    assert values["value"].null_count() == 1
    assert values["value"].drop_nulls().unique().to_list() == [0.6]
