"""Nothing that a provider wrote leaves the home but words of a list: canaries of every kind of delivery, in every byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.core import EVENT, MIGRANT_PRESENCE
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.words import Words, formed_code, unlisted
from dtm_pipeline.release.words import leaving
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import stored
from tests.canaries import POINT, Planted, canaries_in, found, plant
from tests.conftest import Answer, dtm


@dataclass(frozen=True)
class Run:
    """A run over planted deliveries of every kind."""

    home: Home
    planted: Planted
    answer: Answer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("canaries")
    assert dtm("samples", "make", "--kind", "all", "--out", folder / "samples").code == 0
    planted = plant(folder / "samples", folder / "inbox")
    answer = dtm("run", "--inbox", folder / "inbox", "--home", folder / "home")
    assert answer.code == 6, answer.err
    return Run(Home(folder / "home"), planted, answer)


def test_canaries_came_in_with_every_kind(run: Run) -> None:
    told = dtm("status", "--json", "--home", run.home.root).json()["deliveries"]
    assert len({d["kind"] for d in told if d["status"] == "accepted"}) >= 16
    assert len(run.planted.where) > 400
    raw = set().union(*found(run.home.warehouse).values())
    assert POINT in raw
    assert len(raw & run.planted.of("cell")) > 100


@pytest.mark.parametrize("part", ["releases", "dagster", "logs"])
def test_no_canary_stands_in_any_byte_of(run: Run, part: str) -> None:
    assert found(run.home.root / part) == {}


def test_what_is_printed_names_files_and_headers_and_never_a_cell_or_what_stands_beside(run: Run) -> None:
    printed = canaries_in((run.answer.out + run.answer.err).encode())
    assert printed & run.planted.of("cell", "sidecar", "property") == set()
    assert POINT not in printed
    # whoever ran it must know which file is meant
    assert printed & run.planted.of("file") != set()


def test_the_page_of_the_home_names_files_and_holds_no_cell(run: Run) -> None:
    told = canaries_in(run.home.report.read_bytes())
    assert told & run.planted.of("cell", "sidecar", "property") == set()
    assert POINT not in told
    assert told & run.planted.of("file") != set()


@pytest.mark.parametrize(
    "column", ["operation", "assessment_type", "reporting_round", "nationality", "event_id", "flow_point_name"]
)
def test_a_column_whose_list_is_left_out_is_found(run: Run, column: str, tmp_path: Path) -> None:
    words = Reference.of(run.home).words
    for declared in published_tables():
        wrong = replace(
            declared,
            columns=tuple(replace(c, words=None) if c.name == column else c for c in declared.columns),
        )
        frame = stored(run.home.warehouse, declared).read_all()
        leaving(conform(frame, wrong), wrong, words).write_parquet(tmp_path / f"{declared.name}.parquet")
    assert found(tmp_path) != {}


def test_every_column_of_words_has_a_list_or_values_of_our_own() -> None:
    ours = {
        "assessment_types", "boundary_edition", "category_class", "category_code", "category_label", "caveat_codes", "comparable_category_code",
        "confidence_reasons", "event_type", "household_size_rule_id", "index_name", "indicator_code", "kept_because",
        "kept_from_release", "location_code", "method_version", "model_version", "observed_by", "operations", "other_source", "overlap_group",
        "question_code", "answer_code", "scale", "series_id", "source_kind", "source_kinds", "source_reference_dates", "sources",
        "theme", "title", "why",
    }  # fmt: skip
    texts = {c for t in published_tables() for c in t.columns if c.type in ("string", "strings") and not c.allowed}
    assert {c.name for c in texts if c.words is None} == ours


def test_the_same_words_have_one_stand_in_and_people_stay_counted(run: Run) -> None:
    name = "out_dtm__governorate_migrant_presence"
    (release,) = run.home.releases.glob("2*")
    leaves = pl.read_parquet(release / "tables" / f"{name}.parquet")
    facts = stored(run.home.warehouse, MIGRANT_PRESENCE).read_all().filter("leads")
    assert leaves["individuals"].sum() == facts["individuals"].sum()
    unknown = {unlisted(n) for n in facts["nationality"].unique() if canaries_in(n.encode())}
    assert unknown
    assert unknown <= set(leaves["nationality"])


def test_a_run_says_how_many_words_left_by_a_stand_in_and_the_command_lists_them(run: Run) -> None:
    assert "stand-in" in run.answer.out
    told = dtm("reference", "words", "--json", "--home", run.home.root).json()
    hidden = {row["word"] for row in told if row["list"] == "nationality"}
    assert hidden
    assert all(canaries_in(word.encode()) for word in hidden)
    where = {row["list"]: row["listed_in"] for row in told}
    assert where["operation"] == "code_lists/operations.csv"
    assert where["nationality"] == "code_lists/words.csv, list nationality"
    assert where["event_id"] == "code_lists/words.csv, list event_prefix"
    assert hidden & canaries_listed(dtm("reference", "words", "--home", run.home.root).out) == hidden


def canaries_listed(text: str) -> set[str]:
    """The words of a printed list that have a canary in them."""
    return {word for line in text.splitlines() for word in line.split("  ") if canaries_in(word.encode())}


def test_a_word_that_the_home_lists_leaves(run: Run, tmp_path: Path) -> None:
    overlay = tmp_path / "code_lists"
    overlay.mkdir()
    (overlay / "words.csv").write_text("list,word,source,by,on\nnationality,Martian,a letter,A. Analyst,2026-11-29\n")
    shipped = Reference.of(None)
    assert shipped.words.label("nationality", "Martian") == unlisted("Martian")
    assert Reference(shipped.folder, tmp_path).words.label("nationality", "martian") == "martian"


def test_an_event_whose_id_left_by_its_stand_in_is_explained(run: Run) -> None:
    facts = stored(run.home.warehouse, EVENT).read_all().filter(pl.col("leads") & pl.col("admin2_code").is_not_null())
    (row,) = facts.filter(pl.col("event_id").str.contains("Zqx")).head(1).iter_rows(named=True)
    told = dtm(
        "explain", "out_dtm__event", "--admin2", row["admin2_code"], "--date", row["reference_date"], "--json",
        "--category", unlisted(row["event_id"]), "--home", run.home.root,
    )  # fmt: skip
    assert told.code == 0, told.err
    assert told.json()["same_total"]


def test_words_of_a_list_leave_as_they_were_said() -> None:
    words = Words(
        {"round": frozenset({"round", "april"}), "event_prefix": frozenset({"ev"})}, frozenset({("HTI", "haiti earthquake")})
    )  # fmt: skip
    assert words.operation("HTI", "Haiti Earthquake") == "Haiti Earthquake"
    assert words.operation("IRQ", "Haiti Earthquake") == unlisted("Haiti Earthquake")
    assert [words.round_label(r) for r in ("113", "Round 113", "April 2024", "R5")] == ["113", "Round 113", "April 2024", "R5"]  # fmt: skip
    assert words.round_label("Round of Ahmed") == unlisted("Round of Ahmed")
    assert words.round_label("2020-12-31") == "2020-12-31"
    assert [words.event_id(e) for e in ("EV-012", "EV-2024-0031", "31")] == ["EV-012", "EV-2024-0031", "31"]
    assert words.event_id("AHMED-012") == unlisted("AHMED-012")
    assert formed_code("IQG15Q02001") == "IQG15Q02001"


@pytest.mark.parametrize(
    "number", ["0770 123 4567", "07701234567", "0770 1234 5678", "+964 770 123 4567", "07 70 12 34 56", "7701234"]
)
def test_a_phone_number_is_no_round_no_event_and_no_code(number: str) -> None:
    words = Words({"round": frozenset({"round"}), "event_prefix": frozenset({"ev", "irq"})})
    for said in (number, f"Round {number}"):
        assert words.round_label(said) == unlisted(said)
    for said in (number, f"EV {number}", f"IRQ-{number}", f"EV{number}"):
        assert words.event_id(said) == unlisted(said)
    for said in (number, f"IQ0{number.replace(' ', '')}", f"IQ {number}"):
        assert words.place_code("XXX", said) == unlisted(said) or len(number) < 8
