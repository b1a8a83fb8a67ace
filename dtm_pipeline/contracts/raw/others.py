"""Figures that others publish, to reconcile with."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    ROW,
)

OTHER_FIGURE = Table(
    "raw_other__figure",
    "raw",
    "A figure of a government, UNHCR, the Red Cross, a disaster-management office or a camp manager. Never added to ours.",
    (*ROW, "location_code"),
    (
        *PROVENANCE,
        Column("source_kind", "string", "code", "Kind of the delivery").required(),
        Column("provider", "string", "label", "Who gives the figure").required(),
        c.location_code.required(),
        c.population_group.required(),
        c.reference_date.required(),
        *PROVIDER_PLACE,
        Column("place_id", "string", "key", "The provider's identity of a camp or site", dissemination="partner"),
        c.location_name,
        c.latitude,
        c.longitude,
        Column(
            "cumulative",
            "boolean",
            "flag",
            "The figure counts from the beginning of the series; it is no stock of a day",
        ).required(),
        c.households,
        c.individuals,
        FLAGS,
    ),
    rules=(
        Rule(
            "some_count", "households IS NOT NULL OR individuals IS NOT NULL", "a figure has households or individuals"
        ),
    ),
    added_along=("place",),
    replacement_key=("source_kind", "provider", "location_code", "population_group", "reference_date"),
)

TABLES = (OTHER_FIGURE,)
