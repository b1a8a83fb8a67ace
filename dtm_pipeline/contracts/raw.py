"""What a delivery holds once it is read: typed rows, one by one, in the provider's own words."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Rule, Table

PROVENANCE = (c.snapshot_id.required(), c.source_sheet, c.source_row.required())
ROW = ("snapshot_id", "source_sheet", "source_row")
PROVIDER_PLACE = (
    c.provider_admin1_name,
    c.provider_admin1_code,
    c.provider_admin2_name,
    c.provider_admin2_code,
)
FLAGS = Column("flags", "strings", "flag", "Findings about the row that did not stop its use", dissemination="partner")

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

API_FIGURE = Table(
    "raw_dtm__api_figure",
    "raw",
    "A row of a DTM API answer: the stock of an area at a date, or a part of it by reason and origin.",
    ROW,
    (
        *PROVENANCE,
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
        FLAGS,
    ),
    added_along=("place", "displacement_reason", "origin_admin1_name"),
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
        c.movements.required(),
        c.hours_observed,
        FLAGS,
    ),
    added_along=("observed_on", "flow_point"),
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

TABLES = (
    MASTER_LIST,
    MASTER_LIST_CELL,
    API_FIGURE,
    SEVERITY_LOCATION,
    SEVERITY_ANSWER,
    BORDER_COUNT,
    QUARANTINE,
)
