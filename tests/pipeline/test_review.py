"""What is held is shown with both figures, settled by a person, replayed, withdrawn, and told wherever a reader looks."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Answer, dtm
from tests.pipeline.test_cases_of_statements import EVENTS


def release(home: Path) -> Path:
    return Path(dtm("releases", "path", "--home", home).out.strip())


@pytest.fixture
def own_home(released: Path, tmp_path: Path) -> Path:
    """A copy of the home with a release of the samples, in which a list is held."""
    home = tmp_path / "home"
    shutil.copytree(released, home, symlinks=True)
    return home


def test_a_held_list_is_shown_rejected_withdrawn_and_accepted(own_home: Path, samples: Path) -> None:

    def run(*more: str) -> Answer:
        return dtm("run", "--inbox", samples, "--home", own_home, *more)

    [held] = dtm("review", "--home", own_home, "--json").json()
    assert held["broken"][:2] == ["total", "panel"]
    shown = dtm("review", "show", held["review_id"], "--home", own_home).out
    assert "individuals typed as households?" in shown
    assert re.search(r"Ninawa +[\d,]+ +[\d,]+ +6\.00", shown)
    assert "held: irq_returnee on" in dtm("status", "--home", own_home).out
    latest = pl.read_parquet(release(own_home) / "tables" / "out_dtm__latest.parquet").filter(series_id="irq_returnee")
    assert latest["held_reference_date"].unique().to_list() == [date.fromisoformat(held["source_reference_date"])]
    assert (latest["held_newer_days"] > 0).all()
    page = (release(own_home) / "report" / "index.html").read_text(encoding="utf-8")
    assert held["review_id"] in page
    assert dtm("review", "accept", "0000000000", "--by", "A", "--reason", "B", "--home", own_home).code == 2

    assert (
        dtm("review", "reject", held["review_id"], "--by", "Ana", "--reason", "typed wrong", "--home", own_home).code
        == 0
    )
    told = run()
    assert (told.code, "held:" in told.err) == (0, False), told.err
    assert dtm("review", "--home", own_home).out.startswith("nothing is held\n")
    assert "reject by Ana" in dtm("review", "decisions", "--home", own_home).out

    assert (
        dtm(
            "review", "withdraw", held["review_id"], "--by", "Bo", "--reason", "asked the field", "--home", own_home
        ).code
        == 0
    )
    assert run().code == 6
    assert (
        dtm("review", "accept", held["review_id"], "--by", "Ana", "--reason", "true after all", "--home", own_home).code
        == 0
    )
    # who accepted the jump with its evidence is not asked again by the gate
    told = run()
    assert told.code == 0, told.err
    [review] = [
        r for r in json.loads((release(own_home) / "manifest.json").read_text())["reviews"] if r["state"] == "accepted"
    ]
    assert (review["by"], review["reason"]) == ("Ana", "true after all")
    figure = dtm("explain", "out_dtm__governorate_returnee", "--admin1", "IQG15", "--date", review["reference_date"], "--home", own_home)  # fmt: skip
    assert "accepted by Ana" in figure.out, figure.err


def test_a_part_of_a_held_list_is_accepted_by_the_name_of_its_governorate(own_home: Path, samples: Path) -> None:
    [held] = dtm("review", "--home", own_home, "--json").json()
    who = ("--by", "Ana", "--reason", "only there", "--home", own_home)
    unknown = dtm("review", "accept", held["review_id"], "--part", "Atlantis", *who)
    assert (unknown.code, "no such governorate; it has" in unknown.err) == (2, True)
    taken = dtm("review", "accept", held["review_id"], "--part", "Ninawa", *who)
    assert "for Ninawa only: what led the rest of its date before stays" in taken.out
    assert "accept of Ninawa by Ana" in dtm("review", "decisions", "--home", own_home).out
    told = dtm("run", "--inbox", samples, "--home", own_home)
    assert told.code == 0, told.err
    assert "accepted for Ninawa only" in told.err
    rounds = pl.read_parquet(release(own_home) / "tables" / "out_meta__round.parquet")
    day = date.fromisoformat(held["source_reference_date"])
    assert rounds.filter(series_id="irq_returnee", reference_date=day)["status"].to_list() == ["partial"]
    table = pl.read_parquet(release(own_home) / "tables" / "out_dtm__governorate_returnee.parquet")
    assert table.filter(reference_date=day)["admin1_code"].to_list() == ["IQG15"]
    [review] = [
        r for r in json.loads((release(own_home) / "manifest.json").read_text())["reviews"] if r["state"] == "accepted"
    ]
    assert review["parts"] == ["Ninawa"]


def test_a_strict_run_releases_nothing_where_not_all_was_taken(samples: Path, tmp_path: Path) -> None:
    told = dtm("run", "--strict", "--inbox", samples, "--home", tmp_path)
    assert told.code == 1
    assert "refused: can't be opened" in told.err
    assert "irq_returnee on 2021-01-28" in told.err
    assert not (tmp_path / "releases" / "partner" / "latest.json").exists()


def test_a_decision_needs_a_name_a_reason_and_a_statement_that_is_held(released: Path) -> None:
    [held] = dtm("review", "--home", released, "--json").json()
    for by, reason, told in ((" ", "x", "--by"), ("A", " ", "--reason")):
        refused = dtm("review", "accept", held["review_id"], "--by", by, "--reason", reason, "--home", released)
        assert (refused.code, told in refused.err) == (2, True)
    assert (
        "no decision stands of it"
        in dtm("review", "withdraw", held["review_id"], "--by", "A", "--reason", "B", "--home", released).err
    )
    assert dtm("review", "show", "none", "--home", released).code == 2
    assert dtm("review", "decisions", "--home", released).out == "no decision was taken\n"


@pytest.mark.parametrize("line", ["0123456789,maybe,A,2026-01-01,why,what", "0123456789,accept"])
def test_a_register_that_is_not_as_it_was_written_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "decisions.csv").write_text(f"review_id,decision,by,on,reason,about\n{line}\n")
    told = dtm("review", "decisions", "--home", tmp_path)
    assert (told.code, "line 2 is no decision" in told.err) == (74, True)


def test_what_is_no_stock_and_is_held_is_listed_with_the_sidecar_that_settles_it(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    inbox.mkdir()
    for name, people in (("a", 65), ("b", 56)):
        (inbox / f"{name}.csv").write_text(f"{EVENTS}\nEV-1,Flood,2024-04-01,Al-Basrah,Abu Al-Khaseeb,x,{people}\n")
        (inbox / f"{name}.csv.toml").write_text('country = "IRQ"\n')
    assert dtm("run", "--inbox", inbox, "--home", home).code == 6
    listed = dtm("review", "--home", home).out
    assert listed.count("by sidecar  held") == 2
    assert "say replaces = true in the sidecar of the one that counts" in listed
    assert {(r["delivery"], r["review_id"]) for r in dtm("review", "--home", home, "--json").json()} == {("a.csv", None), ("b.csv", None)}  # fmt: skip
    (inbox / "b.csv.toml").write_text('country = "IRQ"\nreplaces = true\n')
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert dtm("review", "--home", home).out == "nothing is held\n"


def test_a_withdrawn_acceptance_takes_its_figure_out_and_no_gate_stands_in_the_way(
    own_home: Path, samples: Path
) -> None:
    [held] = dtm("review", "--home", own_home, "--json").json()
    who = ("--by", "Ana", "--reason", "true", "--home", own_home)
    dtm("review", "accept", held["review_id"], *who)
    waits = dtm("review", "--home", own_home).out
    assert "accepted by Ana, in the tables with the next `dtm run`" in waits
    assert dtm("run", "--inbox", samples, "--home", own_home).code == 0
    shown = dtm("review", "show", held["review_id"], "--home", own_home).out
    assert "accepted by Ana on" in shown
    assert f"dtm review withdraw {held['review_id']}" in shown
    dtm("review", "withdraw", held["review_id"], "--by", "Bo", "--reason", "the field says no", "--home", own_home)
    told = dtm("run", "--inbox", samples, "--home", own_home)
    assert told.code == 6, told.err
    table = pl.read_parquet(release(own_home) / "tables" / "out_dtm__governorate_returnee.parquet")
    assert table.filter(reference_date=date.fromisoformat(held["source_reference_date"])).is_empty()
    log = dtm("review", "decisions", "--home", own_home).out
    assert [w in log for w in ("accept by Ana", "withdraw by Bo")] == [True, True], "a decision is never removed"
    again = dtm("run", "--inbox", samples, "--home", own_home)
    assert "still held, since an earlier run: 1" in again.err


def test_what_was_rejected_keeps_its_evidence_in_the_manifest(own_home: Path, samples: Path) -> None:
    [held] = dtm("review", "--home", own_home, "--json").json()
    dtm("review", "reject", held["review_id"], "--by", "Ana", "--reason", "typed wrong", "--home", own_home)
    dtm("run", "--inbox", samples, "--home", own_home)
    [told] = [
        r for r in json.loads((release(own_home) / "manifest.json").read_text())["reviews"] if r["state"] == "rejected"
    ]
    assert told["sentence"] == held["sentence"]
    assert (told["by"], told["reason"]) == ("Ana", "typed wrong")
    asked = ("out_dtm__governorate_returnee", "--admin1", "IQG15", "--date", held["source_reference_date"])
    why = dtm("explain", *asked, "--home", own_home)
    assert why.code == 2
    assert "rejected by Ana on" in why.err
    assert held["sentence"] in why.err


def test_a_second_decision_names_the_one_it_stands_in_place_of(own_home: Path) -> None:
    [held] = dtm("review", "--home", own_home, "--json").json()
    dtm("review", "accept", held["review_id"], "--by", "Ana", "--reason", "true", "--home", own_home)
    told = dtm("review", "reject", held["review_id"], "--by", "Bo", "--reason", "no", "--home", own_home)
    assert "in place of what Ana decided" in told.out
    assert len(dtm("review", "decisions", "--json", "--home", own_home).json()) == 2


def test_a_run_says_which_rows_were_set_aside_and_by_which_rule(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    for file in samples.glob("Round11[23]_Master_List_IDP_*"):
        shutil.copy(file, tmp_path / "inbox")
    told = dtm("run", "--home", tmp_path)
    assert re.search(r"set aside of Round113_\S+: \d+ rows? \([\d,]+ people[^)]*\), first row \d+: \w+", told.err)
    unread = next(
        line for line in told.err.splitlines() if "set aside" in line and line.endswith(": unreadable_individuals")
    )
    assert "(people not known)" in unread, "unknown is not zero"
    assert f"dtm quarantine list --home {tmp_path}" in told.err


@pytest.mark.parametrize(("households", "individuals"), [(60, 60), (66, 11)])
def test_one_row_whose_counts_can_not_both_be_right_is_said_with_both(
    tmp_path: Path, households: int, individuals: int
) -> None:
    head = "Place id,Governorate,District,Location name,Households,Individuals,Anbar,Babylon,Baghdad,Basrah,Dahuk\n"
    rows = [f"{n},Ninewa,Mosul,Place {n},{10 + n},{60 + 6 * n},0,0,0,0,0" for n in range(40)]
    rows[20] = f"20,Ninewa,Mosul,Place 20,{households},{individuals},0,0,0,0,0"
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "Round112_Master_List_IDP_2020-02-29.csv").write_text(head + "\n".join(rows) + "\n")
    told = dtm("run", "--home", tmp_path)
    said = f"1 row ({individuals} people), first row 22: persons_per_household ({households} households, {individuals} individuals)"
    assert said in told.err
