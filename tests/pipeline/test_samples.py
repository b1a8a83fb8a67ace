"""Each planted fault is found at its row, and nothing unplanted is."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from dtm_pipeline.storage.home import Home
from tests.conftest import dtm

UNTESTED = ("", "", "", "points_untested")
"""What is said of a home without a boundary edition, whatever was planted."""


def planted(samples: Path, expected: str, with_boundaries: bool = False) -> set[tuple[str, str, str, str]]:
    with samples.with_name(f"{samples.name}_planted_faults.csv").open(encoding="utf-8") as file:
        return {
            (f["file"], f["sheet"], f["row"], f["fault"])
            for f in csv.DictReader(file)
            if f["expected"] == expected and (with_boundaries or f["needs_boundaries"] == "False")
        }


def found(home: Path, *options: str) -> set[tuple[str, str, str, str]]:
    told = dtm("quarantine", "list", "--json", "--home", home, *options).json()
    return {(t["delivery"] or "", t["sheet"] or "", "" if t["row"] is None else str(t["row"]), t["name"]) for t in told}


def test_every_planted_reject_is_quarantined_at_its_row_and_nothing_else_is(samples: Path, released: Path) -> None:
    assert found(released) == planted(samples, "quarantine")


def test_every_planted_finding_is_told_at_its_row_and_nothing_else_is(samples: Path, released: Path) -> None:
    held = {f for f in found(released, "--findings") if f[3] == "delivery_held"}
    assert {f[0] for f in held} == {f[0] for f in planted(samples, "held")}
    assert found(released, "--findings") - held == {*planted(samples, "finding"), UNTESTED}


def test_every_delivery_that_was_broken_is_refused_and_nothing_else_is(samples: Path, released: Path) -> None:
    deliveries = dtm("status", "--json", "--home", released).json()["deliveries"]
    refused = {d["name"] for d in deliveries if d["status"] == "refused"}
    assert refused == {f[0] for f in planted(samples, "refused")}


def test_the_page_of_the_home_names_every_quarantined_row_and_that_of_partners_counts_them_by_rule(
    samples: Path, released: Path, release_folder: Path
) -> None:
    page = Home(released).report.read_text(encoding="utf-8")
    partners = (release_folder / "report" / "index.html").read_text(encoding="utf-8")
    rules = set()
    for file, _, row, rule in planted(samples, "quarantine"):
        assert f"<td>{file}</td>" in page
        assert f"<td>{row}</td>" in page
        assert file not in partners
        rules.add(rule)
    assert all(f"<td>{rule}</td>" in partners for rule in rules)


def test_a_quarantined_row_is_shown_as_it_arrived_with_what_was_expected(samples: Path, released: Path) -> None:
    name = next(f.name for f in samples.iterdir() if "IDP_2019" in f.name)
    told = dtm("quarantine", "show", name, "--home", released)
    assert told.code == 0
    assert "column Families: expected that Families is a whole number; found 'about 20'" in told.out


def test_the_same_seed_makes_the_same_deliveries(samples: Path, tmp_path: Path) -> None:
    again = dtm("samples", "make", "--rounds", 3, "--locations", 400, "--seed", 11, "--out", tmp_path)
    assert again.code == 0
    for file in samples.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize("country", ["FRA", "JOR"])
def test_a_country_without_samples_is_refused_by_name(tmp_path: Path, country: str) -> None:
    told = dtm("samples", "make", "--country", country, "--out", tmp_path)
    assert (told.code, "no samples of" in told.err) == (2, True)


@pytest.mark.parametrize(("rounds", "locations"), [(1, 1), (2, 7), (3, 30)])
def test_samples_of_any_size_hold_the_faults_that_they_have_rows_for(
    tmp_path: Path, rounds: int, locations: int
) -> None:
    assert dtm("samples", "make", "--locations", 0, "--out", tmp_path).code == 2
    inbox = tmp_path / "inbox"
    told = dtm("samples", "make", "--locations", locations, "--rounds", rounds, "--out", inbox)
    assert told.code == 0, told.err
    assert dtm("run", "--inbox", inbox, "--home", tmp_path / "home").code in {1, 6}, (
        "some gates ask for more than a few rows"
    )
    assert found(tmp_path / "home") == planted(inbox, "quarantine")
    assert {f[0] for f in planted(inbox, "quarantine")} <= {f.name for f in inbox.iterdir()}


def test_the_quarantine_is_listed_by_file_rule_and_severity_with_counts_first(released: Path) -> None:
    listed = dtm("quarantine", "list", "--home", released).out
    counts, rows = listed.split("\n\n")
    assert counts.splitlines()[0].split() == ["severity", "delivery", "sheet", "name", "rows", "first_row"]
    severities = [line.split()[0] for line in counts.splitlines()[1:]]
    assert severities == sorted(severities, key=["loss", "doubt", "note"].index)
    every = dtm("quarantine", "list", "--json", "--home", released).json()
    assert len(rows.splitlines()) == 1 + len(every)
    summed = dtm("quarantine", "list", "--counts", "--json", "--home", released).json()
    assert sum(c["rows"] for c in summed) == len(every)
    one = summed[0]
    part = dtm("quarantine", "list", "--json", "--home", released, "--file", one["delivery"], "--rule", one["name"])
    assert len(part.json()) >= one["rows"]
    assert {(p["delivery"], p["name"]) for p in part.json()} == {(one["delivery"], one["name"])}
    text = dtm("quarantine", "list", "--csv", "--severity", "note", "--home", released).out
    notes = list(csv.DictReader(io.StringIO(text)))
    assert len(notes) == len([e for e in every if e["severity"] == "note"]) > 0
    assert dtm("quarantine", "list", "--severity", "bad", "--home", released).code == 2
