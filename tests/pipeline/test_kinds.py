"""Every kind of delivery: its sample goes through a run into its core table, with each planted fault at its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet
import pytest

from dtm_pipeline.contracts import table
from dtm_pipeline.samples.kinds import MAKERS
from dtm_pipeline.storage.tables import stored
from sources.registry import SOURCES
from tests.conftest import dtm
from tests.pipeline.test_samples import UNTESTED, found, planted

KINDS = [s.kind for s in SOURCES]


@pytest.fixture(scope="module")
def kind_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kinds") / "samples"
    answer = dtm("samples", "make", "--kind", "all", "--rows", 12, "--seed", 5, "--out", out)
    assert answer.code == 0, answer.err
    return out


@pytest.fixture(scope="module")
def kind_home(kind_samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("kinds_home")
    answer = dtm("run", "--inbox", kind_samples, "--home", home)
    assert answer.code == 6, answer.err
    return home


@pytest.fixture(scope="module")
def ledger(kind_home: Path) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = dtm("status", "--json", "--home", kind_home).json()["deliveries"]
    return deliveries


def test_every_kind_has_samples() -> None:
    assert set(MAKERS) == set(KINDS)


def test_every_kind_has_its_page_and_a_core_table() -> None:
    for kind in dtm("kinds", "--json").json():
        page = Path(__file__).parent.parent.parent / kind["page"]
        assert page.is_file(), kind["page"]
        for heading in ("Provider", "Cadence", "Licence", "Layout", "Known damage"):
            assert f"**{heading}" in page.read_text(encoding="utf-8"), f"{page.name}: {heading}"
        if kind["kind"] != "xlsform":  # a form holds no figures
            assert table(kind["core_table"]).layer == "core"
            assert kind["replacement_key"], kind["kind"]


def test_every_sample_is_taken_for_its_kind(ledger: list[dict[str, Any]]) -> None:
    assert [(d["name"], d["reason"]) for d in ledger if d["status"] != "accepted"] == []
    assert {d["kind"] for d in ledger} == set(KINDS)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "xlsform"])
def test_the_rows_of_a_sample_reach_the_core_table(kind: str, kind_home: Path, ledger: list[dict[str, Any]]) -> None:
    described = {d["kind"]: d for d in dtm("kinds", "--json").json()}[kind]
    mine = [d["sha256"] for d in ledger if d["kind"] == kind]
    core = stored(kind_home / "warehouse", table(described["core_table"])).read_all()
    reached = core.filter(pl.col("snapshot_id").is_in(mine))
    rows = reached.select("snapshot_id", "source_sheet", "source_row").n_unique()
    valid = sum(d["rows_in"] - d["rows_rejected"] for d in ledger if d["kind"] == kind)
    # a survey of severity also tells who was not assessed; counts of points are told once a day and direction
    assert rows == valid > 0


def test_every_planted_reject_is_quarantined_at_its_row_and_nothing_else_is(
    kind_samples: Path, kind_home: Path
) -> None:
    assert found(kind_home) == planted(kind_samples, "quarantine")


def test_every_planted_finding_is_told_at_its_row_and_nothing_else_is(kind_samples: Path, kind_home: Path) -> None:
    told = {
        f for f in found(kind_home, "--findings") if f[3] not in ("place_note", "place_unresolved", "sources_differ")
    }
    assert told == {*planted(kind_samples, "finding"), UNTESTED}


def test_samples_of_a_kind_are_the_same_bytes_every_time(kind_samples: Path, tmp_path: Path) -> None:
    assert dtm("samples", "make", "--kind", "all", "--rows", 12, "--seed", 5, "--out", tmp_path / "again").code == 0
    for file in kind_samples.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_the_five_groups_of_a_baseline_stand_apart_and_sum_to_the_total(kind_home: Path) -> None:
    stock = stored(kind_home / "warehouse", table("core_dtm__stock")).read("SYR")
    baseline = stock.filter(source_kind="baseline_assessment")
    assert set(baseline["population_group"]) == {
        "resident",
        "idp",
        "idp_returnee",
        "returnee_from_abroad",
        "arrival_elsewhere",
    }
    raw = stored(kind_home / "warehouse", table("raw_dtm__baseline_location")).read_all()
    # the total of one row was planted 7 too high
    assert baseline["individuals"].sum() == raw["total_individuals"].sum() - 7
    part = baseline.filter(pl.col("of_which_current_year") > pl.col("individuals"))
    assert part.height == 1, "the part that exceeds its whole is flagged, never added"
    assert baseline["provider_admin3_code"].null_count() == 0


def test_a_later_report_of_an_event_is_the_newest_and_the_earlier_one_stays(kind_home: Path) -> None:
    events = stored(kind_home / "warehouse", table("core_dtm__event")).read("IRQ")
    newest = events.group_by("event_id").agg(pl.col("reference_date").max())
    last = events.filter("newest").select("event_id", "reference_date").sort("event_id")
    assert last.rows() == newest.sort("event_id").rows()
    assert events.filter(~pl.col("newest")).height > 0
    assert events["leads"].all(), "one delivery, which nothing replaces"


def test_repeats_are_tied_to_their_interviews(kind_home: Path) -> None:
    records = stored(kind_home / "warehouse", table("core_survey__record")).read("IRQ")
    main = records.filter(record_table="main")
    members = records.filter(record_table="member")
    assert set(members["parent_key"]) <= set(main["record_key"])
    assert set(main["stratum"]) == {"its", "migrant_worker"}, "labels were exported, codes are stored"
    responses = stored(kind_home / "warehouse", table("raw_survey__response"))
    answers = pl.read_parquet(responses.path(f"{main['snapshot_id'][0]}.main"))
    assert answers["hh_size"].sum() == 55 + sum(1 + i % 4 for i in range(12) if i != 1), (
        "Arabic-Indic digits are numbers"
    )
    assert set(map(tuple, answers["needs"].to_list())) == {("food", "health"), ("shelter",)}, "labels became codes"
    ages = pl.read_parquet(responses.path(f"{main['snapshot_id'][0]}.member"))["age"]
    assert (ages.dtype, ages.min()) == (pl.Int64(), 20)


def test_an_answer_carries_the_question_and_its_class_in_the_file(
    kind_home: Path, ledger: list[dict[str, Any]]
) -> None:
    sha = next(d["sha256"] for d in ledger if d["name"] == "msna_2024_export.xlsx")
    file = stored(kind_home / "warehouse", table("raw_survey__response")).path(f"{sha}.main")
    field = pyarrow.parquet.read_schema(file).field("hh_size")
    assert field.metadata[b"description"] == b"How many are you?"
    assert field.metadata[b"dissemination"] == b"sensitive"
