"""Flow monitoring, population mobility mapping, migrant presence."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    ROW,
)

BORDER_COUNT = Table(
    "raw_dtm__border_count",
    "raw",
    "Movements counted at a flow point in one direction on one day.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.observed_on.required(),
        c.flow_point_name.required(),
        c.direction.required(),
        Column("shift", "string", "label", "Part of the day that was counted, where a day is counted in several"),
        Column(
            "counted_part",
            "string",
            "label",
            "What tells the rows of one count apart (nationality, sex, age, kind of traveller), in the provider's words",
        ),
        c.movements.required(),
        c.hours_observed,
        FLAGS,
    ),
    added_along=("observed_on", "flow_point"),
    replacement_key=("flow_point_name", "direction", "observed_on"),
)

FLOW_REGISTRATION = Table(
    "raw_dtm__flow_registration",
    "raw",
    "A household or group registered at a flow point. Its form number repeats and is never a key; tallies stand in raw_dtm__flow_registration_cell.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        Column("mission", "string", "code", "Layout of the mission (reference/flow_layouts)").required(),
        c.observed_on.required(),
        c.flow_point_name.required(),
        c.direction.required(),
        Column("form_number", "string", "label", "Number on the form; it repeats", dissemination="partner"),
        Column(
            "individuals", "int64", "flow", "Persons in the household or group", unit="persons", at_least=0
        ).required(),
        Column("route", "string", "label", "Route in the provider's words"),
        Column("from_country", "string", "label", "Where they come from, in the provider's words"),
        Column("to_country", "string", "label", "Where they go, in the provider's words"),
        Column("transport", "string", "label", "Mode of transport in the provider's words"),
        c.hours_observed,
        FLAGS,
    ),
    added_along=("observed_on", "flow_point"),
    replacement_key=("location_code", "mission", "flow_point_name", "direction", "observed_on"),
)

FLOW_REGISTRATION_CELL = Table(
    "raw_dtm__flow_registration_cell",
    "raw",
    "A tally of a registration: persons by sex and age, reasons and vulnerabilities that were ticked.",
    (*ROW, "dimension", "category_code"),
    (
        *PROVENANCE,
        Column(
            "dimension",
            "string",
            "code",
            "What is tallied",
            allowed=("sex", "sex_age", "reason", "vulnerability", "means"),
        ).required(),
        Column("category_code", "string", "code", "Category of the tally", dissemination="sensitive").required(),
        Column(
            "value", "int64", "flow", "Persons, or 1 where a box was ticked", unit="persons or ticks", at_least=0
        ).required(),
    ),
    added_along=("observed_on", "flow_point"),
)

MOBILITY_MAPPING = Table(
    "raw_dtm__mobility_mapping",
    "raw",
    "A site where people gather, or a route between two of them, in population mobility mapping.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.reference_date.required(),
        Column("record_type", "string", "code", "What the row is of", allowed=("site", "route")).required(),
        c.place_id.required(),
        c.location_name,
        Column(
            "site_type",
            "string",
            "label",
            "Type of the site in the provider's words: market, border point, health facility",
        ),
        *PROVIDER_PLACE,
        c.latitude,
        c.longitude,
        Column("from_place", "string", "label", "Where the route begins", dissemination="partner"),
        Column("to_place", "string", "label", "Where the route ends", dissemination="partner"),
        Column("transport", "string", "label", "Mode of transport in the provider's words"),
        Column(
            "individuals",
            "int64",
            "flow",
            "Persons in the period, as the provider estimates them",
            unit="persons",
            at_least=0,
        ),
        Column("period", "string", "label", "Period that the persons are counted in: day, week, month"),
        FLAGS,
    ),
    replacement_key=("location_code", "record_type", "reference_date"),
)

MIGRANT_PRESENCE = Table(
    "raw_dtm__migrant_presence",
    "raw",
    "Migrants of one nationality in an area at a date.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.reference_date.required(),
        c.reporting_round,
        *PROVIDER_PLACE,
        Column("nationality", "string", "label", "Nationality in the provider's words").required(),
        Column("individuals", "int64", "stock", "Persons", unit="persons", at_least=0).required(),
        FLAGS,
    ),
    added_along=("place", "nationality"),
    replacement_key=("location_code", "reference_date"),
)

TABLES = (BORDER_COUNT, FLOW_REGISTRATION, FLOW_REGISTRATION_CELL, MOBILITY_MAPPING, MIGRANT_PRESENCE)
