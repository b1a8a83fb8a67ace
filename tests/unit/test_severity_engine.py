"""Models, drivers, hotspots, how sure a class is, and weights from data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dtm_pipeline.contracts import core
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.severity import (
    HotspotRule,
    Indicator,
    ModelsDifferError,
    SeverityModel,
    drivers,
    hotspots,
    score_by_area,
    score_change,
    score_locations,
    score_scales,
)
from dtm_pipeline.domain.severity_estimate import EstimateError, estimate
from dtm_pipeline.domain.severity_robustness import RobustnessRules, class_kept_share
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference, severity_model
from tests.conftest import dtm

REFERENCE = Reference(Settings().reference)
DAY, LATER = date(2020, 12, 31), date(2021, 6, 30)
ANSWERS = {"good": 0.0, "fair": 0.5, "bad": 1.0}
MODEL = SeverityModel(
    index_name="small",
    model_version="1.0",
    location_code="IRQ",
    population_group="idp_returnee",
    illustrative=True,
    source="test",
    questions={},
    indicators=(
        Indicator("water", "q_water", "services", 1.0, ANSWERS, "partner"),
        Indicator("housing", "q_housing", "services", 3.0, ANSWERS, "partner"),
        Indicator("armed", "q_armed", "safety", 1.0, ANSWERS, "sensitive"),
        Indicator("tension", "q_tension", "safety", 1.0, ANSWERS, "partner"),
    ),
    combination="mean_of_scales",
    missing_answers="leave_out",
    medium_from=33.3,
    high_from=66.7,
    min_answered_share=0.5,
    hotspot=HotspotRule(66.7, 33.3, 0.75),
    stock_date_tolerance_days=92,
)
KEY = ["series_id", "reference_date", "index_name", "model_version", "place_id"]


def values(told: dict[str, tuple[float | None, ...]], day: date = DAY, version: str = "1.0") -> pl.DataFrame:
    """Worth of the answers of each place, in the order of the model's indicators."""
    rows = [
        ("irq_returnee", day, "small", version, place, indicator.code, value)
        for place, worth in told.items()
        for indicator, value in zip(MODEL.indicators, worth, strict=True)
    ]
    schema = dict.fromkeys([*KEY, "indicator_code"], pl.String) | {"reference_date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def located(
    told: pl.DataFrame, model: SeverityModel = MODEL, people: int | None = 100, admin3: str | None = None
) -> pl.DataFrame:
    scored = score_locations(told, model)
    return conform(
        scored.with_columns(
            snapshot_id=pl.lit("s"), source_row=pl.int_range(pl.len()) + 2, population_group=pl.lit("idp_returnee"),
            location_code=pl.lit("IRQ"), admin1_code=pl.lit("IQG15"), admin2_code=pl.lit("IQG15Q05"),
            admin3_code=pl.lit(admin3, pl.String), place_basis=pl.lit("code"), individuals=pl.lit(people, pl.Int64),
        ),
        core.SEVERITY,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("combination", "score"),
    # services: (1 x 1 + 3 x 0) / 4 = 25; safety: (1 + 1) / 2 = 100
    [("mean_of_scales", 62.5), ("highest_scale", 100.0), ("mean_of_indicators", 50.0)],
)
def test_scales_combine_as_the_model_says(combination: str, score: float) -> None:
    told = score_locations(values({"p": (1.0, 0.0, 1.0, 1.0)}), replace(MODEL, combination=combination))
    assert told["score"].item() == pytest.approx(score)


def test_a_missing_answer_is_left_out_or_leaves_no_score() -> None:
    told = values({"p": (1.0, None, 0.0, 0.0)})
    assert score_locations(told, MODEL)["score"].item() == pytest.approx(50)
    strict = score_locations(told, replace(MODEL, missing_answers="no_score")).row(0, named=True)
    assert (strict["score"], strict["severity_class"]) == (None, "not_assessed")


def test_a_scale_without_an_answer_has_no_score() -> None:
    told = score_scales(values({"p": (1.0, 1.0, None, None)}), MODEL)
    assert told.select("scale", "score", "answered").rows() == [("services", 100.0, 2), ("safety", None, 0)]


@pytest.mark.parametrize("combination", ["mean_of_scales", "highest_scale", "mean_of_indicators"])
def test_contributions_of_all_indicators_sum_to_the_score_of_the_district(combination: str) -> None:
    model = replace(
        MODEL, combination=combination, indicators=tuple(replace(i, dissemination="partner") for i in MODEL.indicators)
    )
    told = values({"p": (1.0, 0.5, 0.0, 1.0), "q": (0.0, 1.0, 0.5, None), "r": (0.5, 0.5, 0.5, 0.5)})
    severity = located(told, model)
    made = drivers(severity, told, (model,), 1)
    mean = score_by_area(severity, "district", severity.clear())["score_mean"].item()
    assert made["contribution"].sum() == pytest.approx(mean)
    assert made.filter(indicator_code="tension")["locations"].item() == 2


def test_a_sensitive_indicator_is_not_told_nor_left_as_the_only_one_that_is_not() -> None:
    told = values({"p": (1.0, 1.0, 1.0, 0.0)})
    assert drivers(located(told), told, (MODEL,), 1)["indicator_code"].sort().to_list() == ["housing", "water"]


@pytest.mark.parametrize(
    ("worth", "least", "told_at_all"),
    [
        ((1.0, 1.0, 1.0, 0.0), 1, True),
        ((1.0, 1.0, 1.0, 0.0), 2, False),  # one location
        ((1.0, 1.0, 1.0, None), 1, False),  # the rest would be the one sensitive answer
        ((0.5, 1.0, 1.0, 1.0), 1, False),  # all that is hidden is worst, and the score tells it
        ((0.5, 1.0, 0.0, 0.0), 1, False),
    ],
)
def test_a_district_whose_rest_would_tell_a_sensitive_answer_has_no_drivers(
    worth: tuple[float | None, ...], least: int, told_at_all: bool
) -> None:
    told = values({"p": worth})
    assert (drivers(located(told), told, (MODEL,), least).height > 0) is told_at_all


def test_the_change_of_a_driver_is_of_locations_that_answered_twice() -> None:
    told = pl.concat([
        values({"p": (1.0, 1.0, 0.0, 0.5), "gone": (1.0, 1.0, 1.0, 1.0)}),
        values({"p": (0.5, 1.0, 0.0, 0.5), "new": (0.0, 0.0, 0.0, 0.0)}, LATER),
    ])  # fmt: skip
    made = drivers(located(told), told, (MODEL,), 1)
    row = made.filter(indicator_code="water", reference_date=LATER).row(0, named=True)
    assert (row["previous_reference_date"], row["locations_assessed_twice"], row["mean_value_change"]) == (DAY, 1, -0.5)
    assert made.filter(reference_date=DAY)["mean_value_change"].null_count() == 2


def test_scores_of_different_versions_are_refused() -> None:
    one, other = located(values({"p": (1.0,) * 4})), located(values({"p": (0.0,) * 4}, LATER))
    assert score_change(one, other)["score_change"].to_list() == [-100.0]
    newer = located(values({"p": (0.0,) * 4}, LATER, "2.0"), replace(MODEL, model_version="2.0"))
    with pytest.raises(ModelsDifferError, match=r"small 1\.0 and small 2\.0 are not compared"):
        score_change(one, newer)
    told = pl.concat([values({"p": (1.0, 1.0, 1.0, 0.5)}), values({"p": (0.0, 0.0, 0.0, 0.5)}, LATER, "2.0")])
    made = drivers(pl.concat([one, newer]), told, (MODEL, replace(MODEL, model_version="2.0")), 1)
    assert made["mean_value_change"].null_count() == made.height > 0


@pytest.mark.parametrize(
    ("worth", "people", "hot"),
    [((1.0, 1.0, 0.0, 0.0), 10, True), ((0.5, 0.5, 0.0, 0.0), 10, False), ((0.5, 0.5, 0.0, 0.0), 900, True), ((0.0,) * 4, 900, False)],
)  # fmt: skip
def test_a_hotspot_is_high_on_a_scale_or_medium_with_many_people(
    worth: tuple[float, ...], people: int, hot: bool
) -> None:
    parts = [located(values({f"o{n}": (0.0,) * 4}), people=100, admin3=f"IQG15Q05N{n}") for n in range(4)]
    told = values({"p": worth, **{f"o{n}": (0.0,) * 4 for n in range(4)}})
    severity = pl.concat([located(values({"p": worth}), people=people, admin3="IQG15Q05N9"), *parts])
    made = hotspots(severity, score_scales(told, MODEL), (MODEL,))
    assert made.filter(admin3_code="IQG15Q05N9")["hotspot"].item() is hot
    assert made.filter(pl.col("admin3_code") != "IQG15Q05N9")["hotspot"].sum() == 0


def test_without_sub_districts_there_are_no_hotspots() -> None:
    told = values({"p": (1.0,) * 4})
    assert hotspots(located(told), score_scales(told, MODEL), (MODEL,)).is_empty()


RULES = RobustnessRules(1000, 0.2, 20260101)


def test_a_class_far_from_a_cut_off_is_sure_and_one_on_it_is_a_toss_up() -> None:
    sure = values({"p": (1.0,) * 4})
    assert class_kept_share(located(sure), sure, (MODEL,), "district", RULES)["class_kept_share"].item() == 1.0
    # one of two answers of each scale is worst: whatever the draw, about half of them fall on either side of 33.3
    close = replace(MODEL, medium_from=50.0)
    torn = values({"p": (1.0, 1 / 3, 1.0, 0.0)})
    share = class_kept_share(located(torn, close), torn, (close,), "district", RULES)["class_kept_share"].item()
    assert 0.4 < share < 0.6


def test_the_same_seed_gives_the_same_shares() -> None:
    torn = values({"p": (1.0, 1 / 3, 1.0, 0.0), "q": (0.5, 0.5, None, 0.5)})
    close = replace(MODEL, medium_from=50.0)
    shares = [class_kept_share(located(torn, close), torn, (close,), "governorate", RULES) for _ in range(2)]
    assert shares[0].equals(shares[1])


def test_the_model_that_is_shipped_for_displacement_has_17_indicators_in_five_domains() -> None:
    model = REFERENCE.severity_model("displacement_conditions")
    assert (len(model.indicators), len({i.scale for i in model.indicators})) == (17, 5)
    assert all(set(i.answers) == {"0", "1", "2", "3", "4", "5"} for i in model.indicators)
    returned = REFERENCE.severity_model("return_conditions")
    assert (len(returned.indicators), len({i.scale for i in returned.indicators})) == (16, 2)
    assert all(m.illustrative for m in REFERENCE.severity_models)


def content() -> dict[str, Any]:
    return tomllib.loads((REFERENCE.folder / "severity_models/return_conditions_v1.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"medium_from": 80.0}, "cut-offs are out of order"),
        ({"combination": "sum"}, "'sum' is none of mean_of_scales"),
        ({"missing_answers": "guess"}, "'guess' is none of leave_out"),
        ({"min_answered_share": 7}, "min_answered_share lies above 0 and up to 1"),
        (
            {"hotspot": {"high_from": 60, "medium_from": 40, "many_people_quantile": -1}},
            "a hotspot's scores lie in 0 to 100",
        ),
    ],
)
def test_a_model_file_that_can_not_be_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        severity_model({**content(), **change})


def test_a_class_of_dissemination_that_is_none_is_refused_and_not_taken_for_open() -> None:
    told = content()
    told["indicator"][0]["dissemination"] = "Sensitive"
    with pytest.raises(ValueError, match="dissemination is one of public, partner, sensitive"):
        severity_model(told)


def test_the_newest_version_is_found_by_its_numbers_and_no_version_stands_twice(tmp_path: Path) -> None:
    models = tmp_path / "severity_models"
    models.mkdir()
    text = (REFERENCE.folder / "severity_models/return_conditions_v1.toml").read_text(encoding="utf-8")
    for version in ("9.0", "10.0"):
        (models / f"v{version}.toml").write_text(re.sub(r'model_version = ".*"', f'model_version = "{version}"', text))
    assert Reference(tmp_path).severity_model("return_conditions").model_version == "10.0"
    (models / "again.toml").write_text((models / "v9.0.toml").read_text())
    with pytest.raises(ValueError, match=r"return_conditions 9\.0 stands in two files"):
        _ = Reference(tmp_path).severity_models


def test_an_indicator_that_stands_twice_is_refused() -> None:
    told = content()
    told["indicator"] = [*told["indicator"], told["indicator"][0]]
    with pytest.raises(ValueError, match="stands twice"):
        severity_model(told)


def survey(count: int, seed: int = 3) -> pl.DataFrame:
    """Locations whose returns hang on housing most, on water a little, and on the rest not at all."""
    rng = np.random.default_rng(seed)
    answers = {i.code: rng.choice(list(i.answers), count) for i in MODEL.indicators}
    worth = {code: np.vectorize(ANSWERS.get)(given) for code, given in answers.items()}
    odds = 1.2 - 2.4 * worth["housing"] - 0.8 * worth["water"]
    returned = rng.random(count) < 1 / (1 + np.exp(-odds))
    return pl.DataFrame({**{c: a.tolist() for c, a in answers.items()}, "returned": returned.tolist()})


def test_the_estimate_finds_the_weights_that_made_the_data() -> None:
    told = estimate(survey(4_000), MODEL, "returned", 5, 1)
    assert told.weights["housing"] > 2 * told.weights["water"] > 0
    assert told.values["housing"]["bad"] == 1.0
    assert told.values["housing"]["good"] == 0.0
    assert told.values["housing"]["fair"] == pytest.approx(0.5, abs=0.15)
    housing = next(e for e in told.effects if (e.indicator_code, e.answer) == ("housing", "bad"))
    assert housing.coefficient == pytest.approx(-2.4, abs=0.3)
    assert (housing.same_sign, housing.p_value < 1e-6) == (1.0, True)
    assert 1 <= housing.variance_inflation < 2
    assert told.fold_auc > 0.7
    assert told.fold_accuracy > told.base_rate
    assert sum(told.weights.values()) == pytest.approx(len(told.weights), abs=0.01)


def test_the_estimate_agrees_with_the_closed_form_of_one_indicator() -> None:
    """With one yes-no indicator the coefficient is the log of the odds ratio."""
    model = replace(MODEL, indicators=(Indicator("water", "q", "services", 1.0, {"good": 0.0, "bad": 1.0}, "partner"),))
    counts = {("good", True): 60, ("good", False): 20, ("bad", True): 30, ("bad", False): 50}
    rows = pl.DataFrame(
        [(a, r) for (a, r), n in counts.items() for _ in range(n)], schema=["water", "returned"], orient="row"
    )
    told = estimate(rows, model, "returned", 5, 1).effects[0]
    assert told.coefficient == pytest.approx(np.log(30 * 20 / (50 * 60)), abs=1e-6)
    assert told.standard_error == pytest.approx(np.sqrt(1 / 60 + 1 / 20 + 1 / 30 + 1 / 50), abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (lambda: survey(15), "can't carry 8 answers"),
        (lambda: survey(400).with_columns(returned=pl.lit(True)), "can.t carry"),
        (lambda: survey(400).with_columns(returned=pl.col("housing") == "good"), "fully apart"),
        (lambda: survey(400).with_columns(water="housing"), "always go together"),
        (lambda: survey(400).with_columns(pl.lit("good").alias(c) for c in ("water", "housing", "armed", "tension")), "nothing to estimate"),
    ],
)  # fmt: skip
def test_data_that_can_not_carry_an_estimate_is_refused_with_the_reason(
    rows: Callable[[], pl.DataFrame], says: str
) -> None:
    with pytest.raises(EstimateError, match=says):
        estimate(rows(), MODEL, "returned", 5, 1)


def locations_file(folder: Path, count: int = 1_500) -> Path:
    """A KoBo-like export of the shipped model's questions."""
    model = REFERENCE.severity_model("return_conditions")
    rng = np.random.default_rng(5)
    given = {i.code: rng.choice(list(i.answers), count) for i in model.indicators}
    worth = sum(np.vectorize(i.answers.get)(given[i.code]) for i in model.indicators[:4])
    returned = rng.random(count) < 1 / (1 + np.exp(-(2.0 - worth)))
    table = pl.DataFrame({f"grp/{i.question}": given[i.code].tolist() for i in model.indicators})
    file = folder / "locations.csv"
    table.with_columns(returned=pl.Series(np.where(returned, "yes", "no"))).write_csv(file)
    return file


def test_the_command_writes_a_new_version_that_scores(tmp_path: Path) -> None:
    out = tmp_path / "return_conditions_v2.toml"
    told = dtm(
        "severity",
        "estimate",
        locations_file(tmp_path),
        "--model",
        "return_conditions",
        "--version",
        "2.0",
        "--out",
        out,
    )
    assert told.code == 0, told.err
    assert "pseudo R2" in told.out
    made = severity_model(tomllib.loads(out.read_text(encoding="utf-8")))
    assert (made.name, made.illustrative, made.combination) == ("return_conditions 2.0", True, "mean_of_indicators")
    for indicator in made.indicators:
        better = next(
            i for i in REFERENCE.severity_model("return_conditions").indicators if i.code == indicator.code
        ).answers
        worth = [indicator.answers[a] for a in sorted(better, key=better.__getitem__)]
        assert worth == sorted(worth), "worse conditions never score better"
    assert "1500 locations of locations.csv" in made.source
    first = [i.code for i in REFERENCE.severity_model("return_conditions").indicators[:4]]
    assert {i.code for i in made.indicators if i.weight > 1.3} == set(first)
    again = dtm(
        "severity",
        "estimate",
        tmp_path / "locations.csv",
        "--model",
        "return_conditions",
        "--version",
        "2.0",
        "--out",
        out,
    )
    assert (again.code, "is there already" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        (lambda t: t, ["--model", "nothing"], "is no model; those are communities_of_return"),
        (lambda t: t, ["--version", "1.0"], "return_conditions 1.0: is there already"),
        (lambda t: t.drop("grp/q_water"), [], "lacks questions of return_conditions 1.0: q_water"),
        (
            lambda t: t.with_columns(pl.lit("lots").alias("grp/q_water")),
            [],
            "'grp/q_water' has 1500 answers that the model does not know, first in row 2",
        ),
        (lambda t: t.with_columns(place_id=pl.lit("7")), [], "1500 rows repeat a location of column 'place_id'"),
        (lambda t: t.with_columns(returned=pl.Series(["yes", "no"] * 750)), [], "tell no more of returns than chance"),
        (lambda t: t, ["--version", "a/b"], "letters, digits, dots and hyphens"),
        (lambda t: t.drop("returned"), [], "has no column 'returned'"),
        (lambda t: t.with_columns(returned=pl.lit("some")), [], "neither yes nor no in 1500 rows, first in row 2"),
        (lambda t: t.head(20), [], "can't carry"),
    ],
)
def test_the_command_says_what_is_wrong_with_the_file(
    tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], options: list[str], says: str
) -> None:
    file = locations_file(tmp_path)
    change(pl.read_csv(file, infer_schema=False)).write_csv(file)
    asked = {"--model": "return_conditions", "--version": "2.0", "--out": str(tmp_path / "new.toml")}
    asked |= dict(zip(options[::2], options[1::2], strict=True))
    told = dtm("severity", "estimate", file, *[w for pair in asked.items() for w in pair])
    assert (told.code, says in told.err) == (2, True), told.err
    assert not (tmp_path / "new.toml").exists()


def test_a_file_with_semicolons_and_other_cases_is_read(tmp_path: Path) -> None:
    table = pl.read_csv(locations_file(tmp_path), infer_schema=False)
    file = tmp_path / "semicolons.csv"
    table.with_columns(pl.all().str.to_uppercase() + " ").write_csv(file, separator=";")
    told = dtm(
        "severity", "estimate", file, "--model", "return_conditions", "--version", "2.0", "--out", tmp_path / "n.toml"
    )
    assert told.code == 0, told.err
    missing = dtm("severity", "estimate", tmp_path / "none.csv", "--model", "return_conditions", "--version", "2.0")
    assert (missing.code, "there is no such file" in missing.err) == (2, True)


def test_the_models_are_listed() -> None:
    told = dtm("severity", "models")
    assert "displacement_conditions" in told.out
    assert [m["model_version"] for m in dtm("severity", "models", "--json").json()] == ["1.0", "1.0", "1.0"]
