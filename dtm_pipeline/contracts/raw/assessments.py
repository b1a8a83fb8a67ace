"""Assessments of locations by key informants: needs, services, barriers, conditions, severity."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    PROVIDER_SUBDISTRICT,
    ROW,
)

LOCATION_ASSESSMENT = Table(
    "raw_dtm__location_assessment",
    "raw",
    "A location in a multi-sectoral location assessment; its answers stand in raw_dtm__location_answer.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.reference_date.required(),
        c.reporting_round,
        c.population_group,
        c.place_id.required(),
        *PROVIDER_PLACE,
        *PROVIDER_SUBDISTRICT,
        c.location_name,
        c.latitude,
        c.longitude,
        c.households,
        c.individuals,
        Column(
            "informants",
            "int64",
            "count",
            "Key informants who answered",
            unit="informants",
            dissemination="partner",
            at_least=0,
        ),
        FLAGS,
    ),
    added_along=("place",),
    replacement_key=("location_code", "population_group", "reference_date"),
)

LOCATION_ANSWER = Table(
    "raw_dtm__location_answer",
    "raw",
    "An answer about a location, by the codes of reference/code_lists/questions.csv and answers.csv.",
    (*ROW, "question_code", "answer_code"),
    (
        *PROVENANCE,
        Column("question_code", "string", "code", "Question").required(),
        Column(
            "theme",
            "string",
            "code",
            "What the question is about",
            allowed=("need", "service", "barrier", "condition"),
        ).required(),
        Column("answer_code", "string", "code", "Answer", dissemination="sensitive").required(),
        Column(
            "dissemination",
            "string",
            "code",
            "Class of the question and answer, the stricter of the two",
            allowed=("public", "partner", "sensitive"),
        ).required(),
    ),
)

SEVERITY_LOCATION = Table(
    "raw_dtm__severity_location",
    "raw",
    "A location in a severity survey.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.population_group.required(),
        c.reference_date.required(),
        c.index_name.required(),
        c.model_version.required(),
        c.place_id.required(),
        *PROVIDER_PLACE,
        c.location_name,
        c.latitude,
        c.longitude,
        c.households,
        FLAGS,
    ),
)

SEVERITY_ANSWER = Table(
    "raw_dtm__severity_answer",
    "raw",
    "An answer of a severity survey, as the value that the model file gives it.",
    (*ROW, "indicator_code"),
    (
        *PROVENANCE,
        Column(
            "indicator_code", "string", "code", "Indicator of the severity model", dissemination="sensitive"
        ).required(),
        Column(
            "value",
            "float64",
            "score",
            "0 = best, 1 = worst; null when not answered",
            unit="ratio",
            dissemination="sensitive",
            at_least=0,
            at_most=1,
        ),
    ),
)

TABLES = (LOCATION_ASSESSMENT, LOCATION_ANSWER, SEVERITY_LOCATION, SEVERITY_ANSWER)
