"""The rows that are parsed from a small sample of each kind, pinned. To renew them: DTM_RENEW=1 pytest tests/golden/test_kinds.py"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dtm_pipeline.samples.kinds import MAKERS, make_kind_samples
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import read_statement
from sources.document import Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from sources.xlsform import may_be_form

PINNED = Path(__file__).parent / "parsed"


def plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows without what is the same in all, nulls left out."""
    rows = frame.drop("snapshot_id").to_dicts()
    return [{k: v for k, v in r.items() if v not in (None, [])} for r in rows]


def told(reading: Reading) -> dict[str, Any]:
    return {
        "kind": reading.kind,
        "tables": {n: plain(f) for n, f in reading.tables.items()},
        "responses": {n: plain(s.rows()) for n, s in reading.responses.items()},
        "rejected": plain(
            reading.rejected.select("snapshot_id", "source_sheet", "source_row", "rule", "sentence", "column")
        ),
        "findings": [[f.finding, f.source_sheet, f.source_row, f.sentence] for f in reading.findings],
        "account": vars(reading.account),
    }


@pytest.mark.parametrize("kind", MAKERS)
def test_the_parsed_rows_of_a_small_sample_are_those_pinned(kind: str, reference: Reference, tmp_path: Path) -> None:
    made = make_kind_samples([kind], 8, 2, tmp_path / "samples", reference)
    forms = tuple((f.name, f) for f in made.deliveries if may_be_form(Document(f.name, f)))
    readings = {}
    for file in made.deliveries:
        delivery = Delivery("0" * 64, file.name, read_statement(file))
        readings[file.name] = told(read_delivery(Document(file.name, file, forms), delivery, reference))
    text = json.dumps(readings, indent=1, ensure_ascii=False, default=str) + "\n"
    pinned = PINNED / f"{kind}.json"
    if os.environ.get("DTM_RENEW"):
        PINNED.mkdir(exist_ok=True)
        pinned.write_text(text, encoding="utf-8")
    assert pinned.read_text(encoding="utf-8") == text
