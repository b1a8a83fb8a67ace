"""What a delivery holds once it is read: typed rows, one by one, in the provider's own words."""

from __future__ import annotations

from dtm_pipeline.contracts.raw import assessments, events, flows, mobility, others, quarantine, surveys
from dtm_pipeline.contracts.raw.assessments import (
    LOCATION_ANSWER,
    LOCATION_ASSESSMENT,
    SEVERITY_ANSWER,
    SEVERITY_LOCATION,
)
from dtm_pipeline.contracts.raw.events import EVENT_REPORT
from dtm_pipeline.contracts.raw.flows import (
    BORDER_COUNT,
    FLOW_REGISTRATION,
    FLOW_REGISTRATION_CELL,
    MIGRANT_PRESENCE,
    MOBILITY_MAPPING,
)
from dtm_pipeline.contracts.raw.mobility import (
    API_FIGURE,
    BASELINE_LOCATION,
    LOCATION_DATABASE,
    LOCATION_DATABASE_COUNT,
    MASTER_LIST,
    MASTER_LIST_CELL,
)
from dtm_pipeline.contracts.raw.others import OTHER_FIGURE
from dtm_pipeline.contracts.raw.quarantine import QUARANTINE
from dtm_pipeline.contracts.raw.shared import FLAGS, PROVENANCE, PROVIDER_PLACE, PROVIDER_SUBDISTRICT, ROW
from dtm_pipeline.contracts.raw.surveys import SURVEY_RECORD, SURVEY_RESPONSE

TABLES = (
    *mobility.TABLES,
    *assessments.TABLES,
    *events.TABLES,
    *flows.TABLES,
    *surveys.TABLES,
    *others.TABLES,
    *quarantine.TABLES,
)

__all__ = [
    "API_FIGURE",
    "BASELINE_LOCATION",
    "BORDER_COUNT",
    "EVENT_REPORT",
    "FLAGS",
    "FLOW_REGISTRATION",
    "FLOW_REGISTRATION_CELL",
    "LOCATION_ANSWER",
    "LOCATION_ASSESSMENT",
    "LOCATION_DATABASE",
    "LOCATION_DATABASE_COUNT",
    "MASTER_LIST",
    "MASTER_LIST_CELL",
    "MIGRANT_PRESENCE",
    "MOBILITY_MAPPING",
    "OTHER_FIGURE",
    "PROVENANCE",
    "PROVIDER_PLACE",
    "PROVIDER_SUBDISTRICT",
    "QUARANTINE",
    "ROW",
    "SEVERITY_ANSWER",
    "SEVERITY_LOCATION",
    "SURVEY_RECORD",
    "SURVEY_RESPONSE",
    "TABLES",
]
