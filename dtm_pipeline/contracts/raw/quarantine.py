"""Rows that could not be used."""

from __future__ import annotations

from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.contracts.raw.shared import (
    PROVENANCE,
    ROW,
)

QUARANTINE = Table(
    "quarantine_dtm__row",
    "raw",
    "A row that could not be used, with its text and the rule in words.",
    (*ROW, "rule"),
    (
        *PROVENANCE,
        Column("location_code", "string", "code", "Country of the delivery"),
        Column("kind", "string", "code", "Kind of the delivery").required(),
        Column("reference_date", "date", "date", "Reference date of the delivery"),
        Column(
            "location_key",
            "string",
            "key",
            "What the row counts: its place id, else its unit as the provider names it",
            dissemination="partner",
        ),
        Column("rule", "string", "code", "Name of the rule").required(),
        Column("sentence", "string", "label", "The rule in words").required(),
        Column("column", "string", "label", "Column that broke it, as the file spells it"),
        Column("found", "string", "evidence", "The value found", dissemination="sensitive"),
        Column(
            "original", "string", "evidence", "The row as it arrived, as JSON", dissemination="sensitive"
        ).required(),
        Column(
            "persons",
            "int64",
            "stock",
            "Persons that the row states; null when unreadable",
            unit="persons",
            dissemination="partner",
        ),
    ),
)

TABLES = (QUARANTINE,)
