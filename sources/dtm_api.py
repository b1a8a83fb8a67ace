"""DTM API answers, v2 and v3: stocks of areas, in parts by reason and origin. docs/sources/dtm_api.md.

Provider: IOM DTM, dtmapi.iom.int, key needed. One answer is one admin level; levels are the same people. v2 lacks
reason, sex and origin. Rows of one place, date, operation and type are additive parts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import polars as pl

from dtm_pipeline.contracts.raw import API_FIGURE
from dtm_pipeline.storage.reference import Reference
from sources.area_table import AreaTable
from sources.document import HEAD_ROWS, DeliveryError, Document, Sheet, header_key
from sources.headers import Column, HeaderRow, aliases
from sources.protocol import Delivery, Description, Finding, Match, Reading, combine, none_usable
from sources.survey.records import text_of
from sources.tabular import Context

LEVEL = "adminLevel"
NEEDED = ("operation", "admin0Pcode", "numPresentIdpInd", "reportingDate", "assessmentType")


class DtmApi(AreaTable):
    """Answers of the displacement operations: records, each read as the row of a table without a header row."""

    kind = "dtm_api"
    title = "DTM API answer (v2 or v3, JSON)"
    constants = {"source_kind": kind}
    needs = ()

    def describe(self) -> Description:
        return replace(super().describe(), needs=("the envelope of the DTM API, or its records as JSON",))

    def header_table(self, reference: Reference) -> dict[str, tuple[str, str]]:
        return aliases(reference, self.kind)

    def recognise(self, document: Document, reference: Reference) -> Match:
        if document.format != "json":
            return Match(0)
        content = document.json
        if isinstance(content, dict) and "isSuccess" in content and "result" in content:
            rows = content["result"]
            if not content["isSuccess"] or not rows:
                return Match(1.0, ("envelope of the DTM API",), headers=1)  # so that reading it can say what went wrong
        else:
            rows = content.get("result") if isinstance(content, dict) else content
        if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
            return Match(0.1, (), ("result", *NEEDED))
        keys = {k for row in rows[:HEAD_ROWS] if isinstance(row, dict) for k in row}
        found = tuple(n for n in NEEDED if n in keys)
        missing = tuple(n for n in NEEDED if n not in keys)
        # operation and country lists share the envelope and hold no figures
        return Match(len(found) / len(NEEDED) if "numPresentIdpInd" in found else 0.3, found, missing, len(found))

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        rows = _rows(document.json)
        level = _level(rows)
        read = self.read_sheet(self._context(rows, level, delivery, reference))
        valid = read.tables[API_FIGURE.name]
        if valid.is_empty():
            raise none_usable(read.rejected)
        facts = {
            "admin_level": level,
            "api_version": "v3" if "displacementReason" in rows[0] else "v2",
            "reference_dates": valid["reference_date"].n_unique(),
        }
        return combine(self.kind, [read], _rounds_on_several_dates(valid), **facts)

    def _context(self, rows: list[dict[str, Any]], level: int, delivery: Delivery, reference: Reference) -> Context:
        """The records as a sheet whose first row is record 1, and the level of the answer as a column of it."""
        names = list(dict.fromkeys(k for row in rows for k in row if k != LEVEL))
        table = self.header_table(reference)
        columns = [Column(i, n, header_key(n), table.get(header_key(n))) for i, n in enumerate(names)]
        columns.append(Column(len(names), LEVEL, header_key(LEVEL), ("field", "admin_level")))
        cells = pl.DataFrame(
            [[None if (v := row.get(k)) is None else text_of(v) for k in names] + [str(level)] for row in rows],
            schema={c.cell: pl.String for c in columns},
            orient="row",
        )
        return Context(Sheet(None, cells), HeaderRow(0, tuple(columns), rows=0), delivery, reference)


def _rows(content: Any) -> list[dict[str, Any]]:
    """The records of the answer.

    Raises:
        DeliveryError: the call failed, holds nothing, or is one page of more.
    """
    if isinstance(content, dict) and content.get("isSuccess") is False:
        said = "; ".join(map(str, content.get("errorMessages") or [])) or "no message"
        raise DeliveryError(
            f"is an answer that failed (isSuccess false, status {content.get('statusCode')}: {said[:120]})",
            "an answer with isSuccess true",
            "call the API again",
        )
    rows: list[dict[str, Any]] = content["result"] if isinstance(content, dict) else content
    if not rows:
        raise DeliveryError(
            "is an answer without rows", "records", "check operation and country, and call the API again"
        )
    told = str(content.get("totalRecordsCount") if isinstance(content, dict) else None)
    if told.isdigit() and int(told) > len(rows):
        raise DeliveryError(
            f"holds {len(rows):,} of {int(told):,} records: a page, not the answer",
            "all records",
            "fetch all pages into one file",
        )
    stray = next((i for i, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if stray is not None:
        raise DeliveryError(f"record {stray} of its result is no record", "records", "call the API again", row=stray)
    return rows


def _level(rows: list[dict[str, Any]]) -> int:
    """The admin level of the answer, from what its rows tell and not from the names of its fields.

    Raises:
        DeliveryError: rows of several levels; they are the same people and can't be told apart from parts.
    """

    def depth(row: dict[str, Any]) -> int:
        told = (n for n in (2, 1) if any(str(row.get(f"admin{n}{w}") or "").strip() for w in ("Name", "Pcode")))
        return next(told, 0)

    levels = Counter(depth(row) for row in rows)
    if len(levels) > 1:
        counted = " and ".join(f"{count:,} rows of level {level}" for level, count in sorted(levels.items()))
        raise DeliveryError(
            f"holds {counted}",
            "one level: levels are the same people and are never added",
            "save each level in a file of its own",
        )
    return next(iter(levels))


def _rounds_on_several_dates(valid: pl.DataFrame) -> list[Finding]:
    """Labels that stand on several dates, which is why nothing is joined by them."""
    twice = (
        valid.filter(pl.col("reporting_round").is_not_null())
        .group_by("location_code", "operation", "assessment_type", "reporting_round")
        .agg(dates=pl.col("reference_date").n_unique())
        .filter(pl.col("dates") > 1)
        .sort("location_code", "operation", "reporting_round")
    )
    return [
        Finding(
            "round_on_several_dates",
            f"{country} {operation} {assessment}: round {label} stands on {dates} dates; the date tells them apart",
        )
        for country, operation, assessment, label, dates in twice.iter_rows()
    ]
