"""How grave a rule or finding is."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.quality.grave import DOUBT, LOSS, NOTE, severity_of

PINNED = Path(__file__).parent.parent / "golden" / "messages.txt"


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("unreadable_households", LOSS),
        ("no_identity", LOSS),
        ("conflicting_place", LOSS),
        ("sheet_refused", LOSS),
        ("hidden_sheet", LOSS),
        ("unknown_header", LOSS),
        ("delivery_held", LOSS),
        ("repeated_row", NOTE),
        ("repeated_header_differs", DOUBT),
        ("control_total", NOTE),
        ("control_total_differs", DOUBT),
        ("control_total_not_compared", DOUBT),
        ("reviewer_rejected", NOTE),
        ("may_be_a_total", DOUBT),
        ("date_order_assumed", DOUBT),
        ("what_nobody_listed", DOUBT),
    ],
)
def test_a_rule_is_as_grave_as_what_it_leaves_out(name: str, severity: str) -> None:
    assert pl.select(severity_of(pl.lit(name))).item() == severity


def test_every_rule_that_rejects_a_row_is_a_loss_or_a_note() -> None:
    rules = re.findall(r"Reject: f?'([a-z_]+)", PINNED.read_text(encoding="utf-8"))
    graded = pl.DataFrame({"rule": sorted(set(rules))}).with_columns(s=severity_of(pl.col("rule")))
    assert graded.height > 10
    assert graded.filter(s=DOUBT)["rule"].to_list() == []
