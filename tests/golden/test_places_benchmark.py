"""The public benchmark of places: its cases are of real units, and what it must reach is reached."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.places.gazetteer import Gazetteer

FOLDER = Path(__file__).parent.parent.parent / "benchmarks" / "places"


@pytest.fixture(scope="module")
def answers() -> pl.DataFrame:
    spec = importlib.util.spec_from_file_location("places_benchmark", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    told: pl.DataFrame = run.ours(run.read_cases(FOLDER / "cases.csv")).with_columns(outcome=run.outcome())
    return told


def right(answers: pl.DataFrame) -> float:
    return answers.filter(outcome="right").height / answers.height


def test_every_expected_code_is_a_unit_and_every_case_has_a_source(answers: pl.DataFrame) -> None:
    units = Gazetteer.load().units.select("location_code", "admin_level", expected="code")
    labelled = answers.filter(pl.col("expected").is_not_null())
    assert labelled.join(units, on=["location_code", "admin_level", "expected"], how="anti").is_empty()
    assert answers["source"].null_count() == 0
    assert answers.height >= 600
    assert set(answers["location_code"]) == {"EGY", "IRQ", "JOR", "LBN", "SYR", "TUR"}


@pytest.mark.parametrize(
    ("script", "least"), [("latin", 0.97), ("kurmanji", 0.97), ("arabic", 0.95), ("kurdish", 0.95), ("code", 1.0)]
)
def test_each_script_is_resolved_as_often_as_it_must_be(answers: pl.DataFrame, script: str, least: float) -> None:
    assert right(answers.filter(script=script)) >= least


def test_hardly_anything_is_wrong_and_silent_and_every_trap_is_refused(answers: pl.DataFrame) -> None:
    assert answers.filter(outcome="wrong").height / answers.height < 0.003
    assert answers.filter(pl.col("kind").is_in(["trap", "wrong_parent"]) & pl.col("got").is_not_null()).is_empty()
