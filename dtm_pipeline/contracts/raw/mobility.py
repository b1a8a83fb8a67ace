"""Mobility tracking: stocks by location, and the aggregates that the DTM API gives."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    PROVIDER_SUBDISTRICT,
    ROW,
    persons,
)

MASTER_LIST = Table(
    "raw_dtm__master_list",
    "raw",
    "A location in a Master List: a stock of IDPs or returnees at a village, neighbourhood, camp or site.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.population_group.required(),
        c.reference_date.required(),
        c.reporting_round,
        c.place_id.required(),
        *PROVIDER_PLACE,
        c.location_name,
        c.location_name_local,
        c.latitude,
        c.longitude,
        c.households,
        c.individuals,
        Column(
            "from_camp_households",
            "int64",
            "flow",
            "Households that came from a camp since the last round; a flow, no part of the stock",
            unit="households",
            at_least=0,
        ),
        FLAGS,
    ),
    rules=(
        Rule(
            "some_count",
            "households IS NOT NULL OR individuals IS NOT NULL",
            "a location has households or individuals",
        ),
    ),
    added_along=("place",),
)

MASTER_LIST_CELL = Table(
    "raw_dtm__master_list_cell",
    "raw",
    "A cell of a Master List's breakdown by origin, shelter or period.",
    (*ROW, "dimension", "category_code"),
    (
        *PROVENANCE,
        Column(
            "dimension",
            "string",
            "code",
            "Breakdown that the cell belongs to",
            allowed=("origin", "shelter", "period"),
        ).required(),
        c.category_code.required(),
        Column("unit", "string", "code", "What the cell counts", allowed=("households", "individuals")).required(),
        Column("value", "int64", "stock", "The count", unit="households or persons, see unit", at_least=0).required(),
    ),
    added_along=("place", "category_code"),
)

LOCATION_DATABASE = Table(
    "raw_dtm__location_database",
    "raw",
    "A location of a database that is wide over rounds; its counts stand in raw_dtm__location_database_count.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.population_group.required(),
        c.place_id.required(),
        *PROVIDER_PLACE,
        c.location_name,
        c.location_name_local,
        c.latitude,
        c.longitude,
        FLAGS,
    ),
)

LOCATION_DATABASE_COUNT = Table(
    "raw_dtm__location_database_count",
    "raw",
    "Households of a location at one date of a database that is wide over rounds. A blank is no row; a zero is stated.",
    (*ROW, "reference_date"),
    (*PROVENANCE, c.reference_date.required(), c.households.required()),
    added_along=("place",),
)

BASELINE_LOCATION = Table(
    "raw_dtm__baseline_location",
    "raw",
    "A location of a baseline assessment with its disjoint population groups. `current_year` is a part of the column before it, never added to it.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.reference_date.required(),
        c.reporting_round,
        *PROVIDER_PLACE,
        *PROVIDER_SUBDISTRICT,
        Column("provider_admin4_name", "string", "label", "Community in the provider's words", dissemination="partner"),
        Column(
            "provider_admin4_code", "string", "code", "Community code in the provider's form", dissemination="partner"
        ),
        Column("location_type", "string", "label", "Type of the location in the provider's words"),
        c.location_name,
        c.place_id.required(),
        persons("resident_individuals", "Residents"),
        persons("idp_returnee_individuals", "IDPs who returned since the date that the header gives"),
        persons("idp_returnee_current_year_individuals", "Of them those of the current year"),
        persons("idp_individuals", "Internally displaced persons"),
        persons("returnee_from_abroad_individuals", "Arrivals from abroad to their place of origin"),
        persons("returnee_from_abroad_current_year_individuals", "Of them those of the current year"),
        persons("arrival_elsewhere_individuals", "Arrivals from abroad to another place than that of origin"),
        persons("arrival_elsewhere_current_year_individuals", "Of them those of the current year"),
        persons("total_individuals", "Total population as the source states it"),
        FLAGS,
    ),
    added_along=("place",),
    replacement_key=("location_code", "reference_date"),
)

API_FIGURE = Table(
    "raw_dtm__api_figure",
    "raw",
    "A row of a DTM API answer, or of the HDX and HAPI files made of them: the stock of an area at a date, or a part of it by reason and origin.",
    ROW,
    (
        *PROVENANCE,
        Column("source_kind", "string", "code", "The way it came: dtm_api, hdx_idps or hapi_idps").required(),
        Column(
            "provider_record_id",
            "string",
            "key",
            "The provider's record number; not stable",
            dissemination="partner",
        ),
        c.location_code.required(),
        Column(
            "admin_level",
            "int64",
            "code",
            "Depth of the unit: 0 country, 1 governorate, 2 district",
            at_least=0,
            at_most=2,
        ).required(),
        *PROVIDER_PLACE,
        c.operation.required(),
        c.assessment_type.required(),
        c.reporting_round,
        c.reference_date.required(),
        c.individuals.required(),
        Column("displacement_reason", "string", "label", "Reason of displacement in the provider's words"),
        Column("origin_admin1_name", "string", "label", "Governorate of origin in the provider's words"),
        persons("male_individuals", "Of them men and boys"),
        persons("female_individuals", "Of them women and girls"),
        FLAGS,
    ),
    added_along=("place", "displacement_reason", "origin_admin1_name"),
)

TABLES = (MASTER_LIST, MASTER_LIST_CELL, LOCATION_DATABASE, LOCATION_DATABASE_COUNT, BASELINE_LOCATION, API_FIGURE)
