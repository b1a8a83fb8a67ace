"""A release depends on deliveries alone: their order, their batches and the runs between change nothing."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import dtm

BASE = {"operation": "Iraq conflict", "admin0Pcode": "IRQ", "admin1Pcode": "IRQ-G15", "admin2Pcode": "IRQ-G15Q05", "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip
LEBANON = {**BASE, "operation": "Displacement due to conflict", "admin0Pcode": "LBN", "admin1Pcode": "LB6", "admin2Pcode": "LB63"}  # fmt: skip
MIGRANTS = "Country,Governorate,Nationality,Number of migrants,Reference date\nEGY,Giza,Syrian,{n},2024-0{n}-30\n"


def answer(row: dict[str, object], day: str, people: int) -> str:
    return json.dumps([{**row, "id": 1, "reportingDate": f"{day}T00:00:00", "numPresentIdpInd": people}])


DELIVERIES = {
    "a.json": answer(BASE, "2020-02-29", 600),
    "b.json": answer(LEBANON, "2020-03-31", 90),
    "c.json": answer(LEBANON, "2024-03-31", 99),
    "d.json": answer(BASE, "2024-02-29", 660),
    "e.json": answer({**LEBANON, "assessmentType": "ETT"}, "2024-03-31", 120),
    "f.json": answer({**LEBANON, "operation": "Another crisis"}, "2021-01-31", 7),
    "g.csv": MIGRANTS.format(n=4),
    "h.csv": MIGRANTS.format(n=5),
    "bad.csv": "a,b\n1,2\n",
}


def content(batches: list[list[str]]) -> str:
    """The content hash of the release after a run a batch; each batch comes in an inbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for number, batch in enumerate(batches):
            inbox = Path(folder) / str(number)
            inbox.mkdir()
            for name in batch:
                (inbox / name).write_text(DELIVERIES[name])
            assert dtm("run", "--inbox", inbox, "--home", home).code in (0, 3, 6)
        release = Path(dtm("releases", "path", "--home", home).out.strip())
        return str(json.loads((release / "manifest.json").read_text())["content_sha256"])


@pytest.fixture(scope="module")
def together() -> str:
    return content([list(DELIVERIES)])


def test_one_country_before_another_and_its_newer_date_after_both(together: str) -> None:
    """IRQ 2020-02, then LBN 2020-03, then LBN 2024-03: the last date ages the figures of the first country too."""
    order = ["a.json", "b.json", "c.json", "d.json", "e.json", "f.json", "g.csv", "h.csv", "bad.csv"]
    assert content([[name] for name in order]) == together


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(order=st.permutations(list(DELIVERIES)), cuts=st.lists(st.integers(1, len(DELIVERIES) - 1), max_size=3))
def test_any_order_and_batching_gives_one_content_hash(order: list[str], cuts: list[int], together: str) -> None:
    marks = [0, *sorted(set(cuts)), len(order)]
    batches = [order[a:b] for a, b in pairwise(marks)]
    assert content(batches) == together
