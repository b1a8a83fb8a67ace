"""What is held is shown with both figures, settled by a person, replayed, withdrawn, and told wherever a reader looks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import Answer, dtm


def release(home: Path) -> Path:
    return Path(dtm("releases", "path", "--home", home).out.strip())


def test_a_held_list_is_shown_rejected_withdrawn_and_accepted(released: Path, samples: Path, tmp_path: Path) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(released, home, symlinks=True)

    def run(*more: str) -> Answer:
        return dtm("run", "--inbox", samples, "--home", home, *more)

    [held] = dtm("review", "--home", home, "--json").json()
    assert held["broken"][:2] == ["total", "panel"]
    shown = dtm("review", "show", held["review_id"], "--home", home).out
    assert "individuals typed as households?" in shown
    assert re.search(r"Ninawa +[\d,]+ +[\d,]+ +6\.00", shown)
    page = (release(home) / "report" / "index.html").read_text(encoding="utf-8")
    assert held["review_id"] in page
    assert dtm("review", "accept", "0000000000", "--by", "A", "--reason", "B", "--home", home).code == 2

    assert (
        dtm("review", "reject", held["review_id"], "--by", "Ana", "--reason", "typed wrong", "--home", home).code == 0
    )
    told = run()
    assert (told.code, "held:" in told.err) == (0, False), told.err
    assert dtm("review", "--home", home).out == "nothing is held\n"
    assert "reject by Ana" in dtm("review", "decisions", "--home", home).out

    assert dtm("review", "withdraw", held["review_id"], "--home", home).code == 0
    assert run().code == 6
    assert (
        dtm("review", "accept", held["review_id"], "--by", "Ana", "--reason", "true after all", "--home", home).code
        == 0
    )
    told = run("--waive", "no_headline_figure_jumps=accepted by Ana")
    assert told.code == 0, told.err
    [review] = [
        r for r in json.loads((release(home) / "manifest.json").read_text())["reviews"] if r["state"] == "accepted"
    ]
    assert (review["by"], review["reason"]) == ("Ana", "true after all")
    figure = dtm("explain", "out_dtm__governorate_returnee", "--admin1", "IQG15", "--date", review["reference_date"], "--home", home)  # fmt: skip
    assert "accepted by Ana" in figure.out, figure.err


def test_a_strict_run_releases_nothing_where_not_all_was_taken(samples: Path, tmp_path: Path) -> None:
    told = dtm("run", "--strict", "--inbox", samples, "--home", tmp_path)
    assert told.code == 1
    assert "refused: can't be opened" in told.err
    assert "irq_returnee on 2021-01-28" in told.err
    assert not (tmp_path / "releases" / "partner" / "latest.json").exists()
