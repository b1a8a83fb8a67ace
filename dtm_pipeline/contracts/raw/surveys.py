"""Surveys of households, persons, employers and travellers: records and answers. Nothing of an answer leaves."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    ROW,
)

SURVEY_RECORD = Table(
    "raw_survey__record",
    "raw",
    "An interview of a survey, or a record of one of its repeats.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.survey.required(),
        c.survey_family.required(),
        Column("form_version", "string", "label", "Version of the form that the record names"),
        c.reference_date,
        Column("record_table", "string", "code", "`main`, or the name of the repeat").required(),
        Column(
            "record_key", "string", "key", "Identity of the record in the delivery", dissemination="partner"
        ).required(),
        Column(
            "parent_key", "string", "key", "Identity of the interview that a repeat belongs to", dissemination="partner"
        ),
        Column("interviewed_on", "date", "date", "Day of the interview", dissemination="partner"),
        *PROVIDER_PLACE,
        Column("stratum", "string", "code", "Stratum of the sample", dissemination="partner"),
        Column("cluster", "string", "code", "Cluster of the sample", dissemination="partner"),
        Column("weight", "float64", "evidence", "Sampling weight", unit="ratio", dissemination="partner", at_least=0),
        FLAGS,
    ),
    replacement_key=("survey", "record_table", "record_key"),
)

SURVEY_RESPONSE = Table(
    "raw_survey__response",
    "raw",
    "The answers of one table of a survey (the interviews, or a repeat), a file each. Beside these columns stands one for each question, typed and described by the XLSForm; a select_multiple is a list.",
    ROW,
    (
        *PROVENANCE,
        Column(
            "record_key", "string", "key", "Identity of the record in the delivery", dissemination="partner"
        ).required(),
    ),
)

TABLES = (SURVEY_RECORD, SURVEY_RESPONSE)
