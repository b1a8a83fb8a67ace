"""Severity, needs and barriers of the samples, computed again from the raw files by plain code that shares no parser."""

from __future__ import annotations

import csv
import random
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.settings import Settings
from tests.conftest import dtm

REFERENCE = Settings().reference
MODELS = {
    "return_conditions": "return_conditions_2020-12-31.csv",
    "communities_of_return": "communities_of_return_2024-03-31.csv",
    "displacement_conditions": "displacement_conditions_2024-03-31.csv",
}


@pytest.fixture(scope="module")
def home(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home with a release of the samples of Iraq and of every severity index, and of an assessment with all answers."""
    inbox, home = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("home")
    told = dtm("samples", "make", "--kind", "severity_survey", "--rows", 60, "--out", inbox)
    assert told.code == 0, told.err
    for file in samples.glob("*"):
        if "border" not in file.name and "v2_" not in file.name:
            (inbox / file.name).write_bytes(file.read_bytes())
    assessment(inbox / "ILA_2020-12-31.csv")
    (inbox / "ILA_2020-12-31.toml").write_text('country = "IRQ"\n', encoding="utf-8")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 6
    return inbox, home


def assessment(path: Path) -> None:
    """Locations of Ninewa and Erbil, with answers drawn from every word of the lists, words for blanks among them."""
    draw = random.Random(5)
    words = defaultdict(list)
    for row in plain_rows(REFERENCE / "code_lists/answers.csv"):
        words[row["answer_set"]] += [row["alias"], row["answer_code"]]
    asked = {"Priority needs": "sector", "Access to water": "access", "Access to health": "access", "Barriers to return": "barrier", "Housing destroyed": "extent"}  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["Place id", "Governorate", "District", "Population group", "Individuals", *asked])
        for n in range(240):
            where = ("Ninewa", "Mosul") if n % 3 else ("Erbil", "Erbil")
            answers = [draw.choice([*words[kind], ""]) for kind in asked.values()]
            out.writerow([f"ila{n}", *where, "IDPs", 6 * (n + 1), *answers])


def plain_rows(path: Path) -> Iterator[dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if text.splitlines()[0].count(";") > text.splitlines()[0].count(",") else ","
    yield from csv.DictReader(text.splitlines(), delimiter=delimiter)


def table(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(next((home / "releases/partner").glob(f"*/tables/{name}.parquet")))


def core(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(next((home / "warehouse/core" / name).glob("*.parquet")).parent)


def scored(file: Path, model: dict[str, object]) -> dict[str, float | None]:
    """Score of each place of a survey, None where too little was answered; rows that can't be used are left out."""
    indicators: list[dict[str, object]] = model["indicator"]  # type: ignore[assignment]  # as the files have it
    answers: dict[str, dict[str, float]] = model["answer_values"]  # type: ignore[assignment]  # as the files have it
    questions: dict[str, str] = model["questions"]  # type: ignore[assignment]  # as the files have it
    found: dict[str, float | None] = {}
    for row in plain_rows(file):
        said = {header.split("/")[-1]: cell for header, cell in row.items()}
        place = said[questions["place_id"]].strip()
        values: dict[str, list[float]] = defaultdict(list)
        scales = {str(i["scale"]) for i in indicators}
        known = True
        for i in indicators:
            answer = said[str(i["question"])].strip()
            if not answer:
                continue
            if answer not in answers[str(i["answers"])]:
                known = False
                continue
            values[str(i["scale"])].append(answers[str(i["answers"])][answer])
        if not place or not known or not said[questions["households"]].strip().isdigit() or place in found:
            continue
        answered = sum(map(len, values.values()))
        if answered < model["min_answered_share"] * len(indicators) or set(values) != scales:  # type: ignore[operator]  # a share
            found[place] = None
        else:
            found[place] = 100 * sum(sum(v) / len(v) for v in values.values()) / len(values)
    return found


@pytest.mark.parametrize("index", MODELS)
def test_severity_by_district_is_what_plain_code_makes_of_the_raw_file(home: tuple[Path, Path], index: str) -> None:
    inbox, place = home
    model = tomllib.loads(next((REFERENCE / "severity_models").glob(f"{index}_v1.toml")).read_text(encoding="utf-8"))
    scores = scored(inbox / MODELS[index], model)
    located = core(place, "core_dtm__severity").filter(index_name=index)
    assert scores.keys() <= set(located["place_id"]), "a place of the survey is in no table"
    counts: dict[tuple[str | None, str], list[int]] = defaultdict(lambda: [0, 0])
    weighed: dict[str | None, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for place_id, district, people in located.select("place_id", "admin2_code", "individuals").rows():
        score = scores.get(place_id)
        name = "not_assessed" if score is None else "high" if score >= model["high_from"] else "medium" if score >= model["medium_from"] else "low"  # fmt: skip
        counts[district, name][0] += 1
        counts[district, name][1] += people
        if score is not None:
            weighed[district][0] += score * people
            weighed[district][1] += people
    classes = table(place, "out_dtm__district_severity_class").filter(index_name=index)
    told = {(d, c): [n, p] for d, c, n, p in classes.select("admin2_code", "severity_class", "locations", "individuals").rows()}  # fmt: skip
    assert told == dict(counts)
    means = table(place, "out_dtm__district_severity_score").filter(index_name=index)
    for district, mean in means.select("admin2_code", "score_mean").rows():
        total, people = weighed[district]
        assert mean == (pytest.approx(total / people, abs=1e-9) if people else None)
    assert any(c == "high" for _, c in counts), "the samples have places of severe conditions"


def test_needs_and_barriers_are_what_plain_code_makes_of_the_raw_file(home: tuple[Path, Path]) -> None:
    inbox, place = home
    codes: dict[str, dict[str, str]] = defaultdict(dict)
    sensitive = set()
    for row in plain_rows(REFERENCE / "code_lists/answers.csv"):
        for word in (row["alias"], row["answer_code"]):
            codes[row["answer_set"]][word.lower()] = row["answer_code"]
        if row["dissemination"] == "sensitive":
            sensitive.add((row["answer_set"], row["answer_code"]))
    questions = {r["alias"]: r for r in plain_rows(REFERENCE / "code_lists/questions.csv")}
    given: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    asked: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    hidden = set()
    for row in plain_rows(inbox / "ILA_2020-12-31.csv"):
        district, people = {"Mosul": "IQG15Q05", "Erbil": "IQG11Q02"}[row["District"]], int(row["Individuals"])
        for header in list(row)[5:]:
            question, word = questions[header], row[header].strip().lower()
            if not word:
                continue
            answer, code = codes[question["answer_set"]][word], question["question_code"]
            asked[district, code][0] += 1
            asked[district, code][1] += people
            if (question["answer_set"], answer) in sensitive or question["dissemination"] == "sensitive":
                hidden.add(code)
                continue
            given[district, code, answer][0] += 1
            given[district, code, answer][1] += people
    columns = ("admin2_code", "question_code", "answer_code", "locations", "individuals", "locations_assessed", "individuals_assessed")  # fmt: skip
    told = {}
    for name in ("need", "barrier"):
        for district, code, answer, *figures in table(place, f"out_dtm__district_{name}").select(columns).rows():
            told[district, code, answer] = figures
    expected = {
        (district, code, answer): [*figures, *([None, None] if code in hidden else asked[district, code])]
        for (district, code, answer), figures in given.items()
    }
    assert told == expected
    assert {"none", "no"} <= {answer for _, _, answer in told}
