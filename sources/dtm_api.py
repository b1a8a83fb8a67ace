"""DTM API answers, v2 and v3: stocks of areas, in parts by reason and origin. docs/sources/dtm_api.md.

Provider: IOM DTM, dtmapi.iom.int, key needed. One answer is one admin level; levels are the same people. v2 lacks
reason, sex and origin. Rows of one place, date, operation and type are additive parts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from dtm_pipeline.contracts.raw import API_FIGURE
from dtm_pipeline.quality.identity import identity_keys
from dtm_pipeline.quality.parse import plain, whole_number, written
from dtm_pipeline.quality.split import PERSONS, Originals, Reject, account, count_rejects, split
from dtm_pipeline.quality.totals import Statement
from dtm_pipeline.storage.reference import Reference
from sources.area_table import AreaTable
from sources.document import HEAD_ROWS, DeliveryError, Document
from sources.protocol import Delivery, Description, Finding, Match, Reading, none_usable
from sources.survey.records import text_of
from sources.tabular import PARTS, UNIT_KEYS
from sources.totals import without_totals_of_parts

KIND = "dtm_api"
NEEDED = ("operation", "admin0Pcode", "numPresentIdpInd", "reportingDate", "assessmentType")


class DtmApi:
    """Recognises and reads answers of the displacement operations."""

    kind = KIND
    title = "DTM API answer (v2 or v3, JSON)"
    replacement_key = ("series_id", "reference_date", "admin_level")

    def describe(self) -> Description:
        return Description(
            KIND,
            self.title,
            ("the envelope of the DTM API, or its records as JSON",),
            (API_FIGURE.name,),
            "core_dtm__stock",
            self.replacement_key,
            "docs/sources/dtm_api.md",
        )

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
        rows, level = _rows(document.json)
        everything = _typed(rows, level, delivery, reference)
        frame, summed = without_totals_of_parts(everything, STATEMENT, None)
        rejects = [
            Reject(
                "no_country",
                "admin0Pcode is an ISO 3166 alpha-3 code",
                "admin0Pcode",
                ~pl.col("location_code").str.contains(r"^[A-Z]{3}$").fill_null(False),
                pl.col("location_code"),
            ),
            Reject(
                "no_series",
                "operation and assessmentType are given",
                "operation",
                pl.col("operation").is_null() | pl.col("assessment_type").is_null(),
                pl.lit(None, pl.String),
            ),
            Reject(
                "unreadable_date",
                "reportingDate is a date",
                "reportingDate",
                pl.col("reference_date").is_null(),
                pl.col("reportingDate"),
            ),
            Reject(
                "no_count",
                "numPresentIdpInd is given",
                "numPresentIdpInd",
                plain(pl.col("individuals_text")).is_null(),
                pl.lit(None, pl.String),
            ),
            *count_rejects({"individuals": "numPresentIdpInd"}),
            Reject(
                "conflicting_duplicate",
                "a place, date, reason and origin stand once; rows that differ can't both be right",
                "numPresentIdpInd",
                pl.col("_versions") > 1,
                pl.col("individuals_text"),
            ),
            Reject(
                "repeated_row",
                "a place, date, reason and origin stand once; the row repeats another, which is kept",
                "id",
                pl.col("_repeat"),
                pl.col("provider_record_id"),
            ),
        ]
        outcome = split(frame, API_FIGURE, rejects, KIND, Originals(frame, _as_json(frame, reference)))
        if outcome.valid.is_empty():
            raise none_usable(outcome.rejected)
        kept = frame.join(outcome.rejected.select("source_row"), on="source_row", how="anti")
        return Reading(
            kind=KIND,
            countries=tuple(sorted(outcome.valid["location_code"].unique())),
            tables={API_FIGURE.name: outcome.valid},
            rejected=outcome.rejected,
            account=account(frame, outcome, kept),
            facts={
                "admin_level": level,
                "api_version": "v3" if "displacementReason" in rows[0] else "v2",
                "reference_dates": outcome.valid["reference_date"].n_unique(),
                "totals_rows": everything.height - frame.height,
            },
            findings=[*summed, *_findings(outcome.valid)],
        )


def _as_json(frame: pl.DataFrame, reference: Reference) -> pl.Expr:
    """A record in the provider's own fields, as JSON."""
    fields = reference.headers.filter(kind=KIND)["alias"]
    return pl.struct([pl.col(f) for f in fields if f in frame.columns]).struct.json_encode()


def _rows(content: Any) -> tuple[list[dict[str, Any]], int]:
    """The rows of the answer and its admin level.

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
    rows = content["result"] if isinstance(content, dict) else content
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
    return rows, _level(rows)


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


def _typed(rows: list[dict[str, Any]], level: int, delivery: Delivery, reference: Reference) -> pl.DataFrame:
    """The rows as the columns of the contract. The first record of the answer is row 1."""
    table = reference.headers.filter(kind=KIND)
    fields = dict(table.filter(pl.col("field") != "ignored").select("alias", "field").iter_rows())
    texts = pl.DataFrame(
        [{k: None if (v := row.get(k)) is None else text_of(v) for k in fields} for row in rows],
        schema=dict.fromkeys(fields, pl.String),
    )
    optional = ("displacement_reason", "origin_admin1_name")
    sexes = {"male_individuals": "numberMales", "female_individuals": "numberFemales"}
    typed = (
        texts.with_row_index("source_row", offset=1)
        .with_columns(
            pl.col("source_row").cast(pl.Int64),
            *(
                (written if f in PARTS else plain)(pl.col(a)).alias(f)
                for a, f in fields.items()
                if f not in ("individuals", "reporting_date")
            ),
            individuals=whole_number(pl.col("numPresentIdpInd")),
            individuals_text=pl.col("numPresentIdpInd"),
            reference_date=pl.col("reportingDate").str.head(10).str.to_date("%Y-%m-%d", strict=False),
            snapshot_id=pl.lit(delivery.snapshot_id),
            source_kind=pl.lit(KIND),
            source_sheet=pl.lit(None, pl.String),
            admin_level=pl.lit(level, pl.Int64),
            flags=pl.lit([], pl.List(pl.String)),
            **{
                PERSONS: pl.when(whole_number(pl.col("numPresentIdpInd")) >= 0).then(
                    whole_number(pl.col("numPresentIdpInd"))
                )
            },
        )
        .with_columns(location_code=pl.col("location_code").str.to_uppercase(), **{o: pl.col(o) for o in optional})
        .with_columns(
            pl.when(whole_number(pl.col(column)) >= 0).then(whole_number(pl.col(column))).alias(field)
            for field, column in sexes.items()
        )
    )
    # reason and origin tell the parts of one figure apart; the record number tells nothing
    keys = identity_keys(AreaTable.identity)
    return typed.with_columns(**keys).with_columns(
        _repeat=pl.int_range(pl.len()).over(list(keys)) > 0,
        _versions=pl.struct("individuals", *sexes).n_unique().over(list(keys)),
    )


STATEMENT = Statement(
    scope=tuple(k for k in identity_keys(AreaTable.identity) if k not in (*UNIT_KEYS, *(f"_key_{p}" for p in PARTS))),
    unit=UNIT_KEYS[:2],
    parts=tuple(f"_key_{p}" for p in PARTS),
    measure="individuals",
)


def _findings(valid: pl.DataFrame) -> list[Finding]:
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
