"""Facts: placed, in a series, one meaning a row."""

from __future__ import annotations

from functools import partial

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts import raw
from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.contracts.raw import PROVENANCE, PROVIDER_PLACE, PROVIDER_SUBDISTRICT, ROW

SERIES = (
    c.series_id.required(),
    c.population_group.required(),
    c.reference_date.required(),
)
PLACE = (
    c.location_code.required(),
    c.admin1_code,
    c.admin1_name,
    c.admin1_name_local,
    c.admin2_code,
    c.admin2_name,
    c.admin2_name_local,
    c.place_basis.required(),
    c.boundary_edition,
)
PLACE_EVIDENCE = (
    Column(
        "place_score",
        "float64",
        "score",
        "How sure the declared place is: 1 by decision, code or exact name, below by likeness of the name",
        unit="ratio",
        at_least=0,
        at_most=1,
        dissemination="partner",
    ),
    Column(
        "place_conflict",
        "string",
        "evidence",
        "What the evidence of the place disagrees about; the first in the order of trust leads",
        allowed=("codes_differ", "code_and_name_differ", "district_of_another_parent"),
        dissemination="partner",
    ),
    Column(
        "place_candidates",
        "string",
        "evidence",
        "Codes of the units that a declared name could stand for, where it stands for none for sure",
        dissemination="partner",
    ),
    Column(
        "point_state",
        "string",
        "evidence",
        "What the point is: inside the declared unit (or any, where none is declared), snapped to it, outside, 0/0, with latitude and longitude swapped, in degrees and minutes, shared by many places; without a boundary edition untested (in the country) or outside the country",
        allowed=(
            "inside",
            "snapped",
            "outside",
            "zero",
            "swapped",
            "degrees_minutes",
            "of_many_places",
            "untested",
            "outside_country",
        ),
        dissemination="partner",
    ),
)
ADMIN_LEVEL = Column(
    "admin_level",
    "int64",
    "code",
    "Depth of the source: 0 country, 1 governorate, 2 district, 4 location",
    at_least=0,
    at_most=4,
).required()
SOURCE_KIND = Column("source_kind", "string", "code", "Kind of the delivery").required()
LEADS = Column("leads", "boolean", "flag", "The row feeds the tables; what does not lead is compared").required()

STOCK = Table(
    "core_dtm__stock",
    "core",
    "A stock of one population group at a location or an area, from one row of one delivery, with its series and place.",
    (*ROW, "source_reference_date", "population_group", "reference_date"),
    (
        *PROVENANCE,
        SOURCE_KIND,
        ADMIN_LEVEL,
        *SERIES,
        c.source_reference_date.required(),
        c.operation,
        c.assessment_type,
        c.reporting_round,
        *PLACE,
        c.admin3_code,
        c.admin3_name,
        *PROVIDER_PLACE,
        *PROVIDER_SUBDISTRICT,
        c.place_id,
        c.location_name,
        c.location_name_local,
        c.latitude,
        c.longitude,
        c.point_conflict,
        c.point_distance_m,
        c.households,
        c.individuals,
        c.individuals_basis,
        c.individuals_low,
        c.individuals_high,
        c.household_size_rule_id,
        c.in_camp_individuals,
        c.out_of_camp_individuals,
        c.last_verified_date,
        Column(
            "carried_from",
            "date",
            "date",
            "The round that the figure is of, where a partial round did not reach the location; null otherwise",
        ),
        Column(
            "of_which_current_year",
            "int64",
            "stock",
            "Of the individuals those of the current year; a part that resets every year, never added",
            unit="persons",
            at_least=0,
        ),
        LEADS,
        Column("why", "string", "label", "Why the row leads or does not", dissemination="partner").required(),
        Column(
            "place_note",
            "string",
            "label",
            "What to know about the place of the row",
            dissemination="partner",
        ),
        *PLACE_EVIDENCE,
    ),
    rules=(
        Rule(
            "some_count",
            "households IS NOT NULL OR individuals IS NOT NULL",
            "a stock has households or individuals",
        ),
    ),
    added_along=("place",),
)

BREAKDOWN_DIMENSIONS = ("origin", "shelter", "period", "reason", "sex_age")
LINK_BASIS = Column(
    "link_basis",
    "string",
    "evidence",
    "Where a merger or a split comes from: register, or proposed by names and distance (moves no figure)",
    allowed=("register", "proposed"),
    dissemination="partner",
)
LOCATION = Table(
    "core_dtm__location",
    "core",
    "A location that any round listed: its newest name, point and unit, since when and until when, IDP and returnee lists joined by place id.",
    ("location_code", "place_id"),
    (
        c.location_code.required(),
        c.place_id.required(),
        c.location_name,
        c.location_name_local,
        c.latitude,
        c.longitude,
        c.admin1_code,
        c.admin2_code,
        Column("first_date", "date", "date", "First reference date that lists the location").required(),
        Column("last_date", "date", "date", "Last reference date that lists the location").required(),
        Column(
            "dates", "int64", "count", "Reference dates that list the location", unit="dates", at_least=1
        ).required(),
        Column("population_groups", "string", "label", "Population groups that the location was listed for").required(),
        Column(
            "merged_into", "string", "key", "Place id of the location that it became a part of", dissemination="partner"
        ),
        Column(
            "split_from", "string", "key", "Place id of the location that it was a part of", dissemination="partner"
        ),
        LINK_BASIS,
    ),
)

LOCATION_CHANGE = Table(
    "core_dtm__location_change",
    "core",
    "What changed of a location between the dates that list it.",
    ("location_code", "place_id", "reference_date", "change", "new"),
    (
        c.location_code.required(),
        c.place_id.required(),
        c.reference_date.required(),
        Column("previous_reference_date", "date", "date", "The date before that lists the location"),
        Column(
            "change",
            "string",
            "code",
            "What changed",
            allowed=("renamed", "moved", "redistricted", "merged_into", "split_from"),
        ).required(),
        Column("old", "string", "evidence", "What stood before", dissemination="partner"),
        Column("new", "string", "evidence", "What stands since", dissemination="partner"),
        Column(
            "distance_m",
            "float64",
            "evidence",
            "Between the points before and since",
            unit="metre",
            at_least=0,
            dissemination="partner",
        ),
        LINK_BASIS,
    ),
)

BREAKDOWN = Table(
    "core_dtm__breakdown",
    "core",
    "A part of the leading stock of an area by origin, shelter, period, reason, or sex and age. The cells behind it are in raw_dtm__master_list_cell and raw_dtm__api_figure, by snapshot and row.",
    ("series_id", "reference_date", "location_code", "admin1_code", "admin2_code", "dimension", "category_code"),
    (
        *SERIES,
        *PLACE,
        Column("dimension", "string", "code", "Breakdown", allowed=BREAKDOWN_DIMENSIONS).required(),
        c.category_code.required(),
        c.households,
        c.households_basis,
        c.individuals,
        c.individuals_basis,
        Column(
            "locations",
            "int64",
            "count",
            "Locations with the category; null where the source gives areas",
            unit="locations",
            at_least=1,
        ).adding_along("place"),
    ),
    added_along=("place", "category_code"),
)

SEVERITY = Table(
    "core_dtm__severity",
    "core",
    "Severity of conditions at a location, assessed or not.",
    ("series_id", "reference_date", "index_name", "model_version", "place_id"),
    (
        *PROVENANCE,
        *SERIES,
        *PLACE,
        c.admin3_code,
        c.admin3_name,
        c.index_name.required(),
        c.model_version.required(),
        c.place_id.required(),
        c.severity_class.required(),
        Column(
            "score",
            "float64",
            "score",
            "0 = all conditions met, 100 = none; null when not assessed",
            unit="score of the model",
            at_least=0,
            at_most=100,
        ),
        c.individuals,
    ),
    added_along=("place", "severity_class"),
)

SURVEYED = (
    c.series_id.required(),
    c.reference_date.required(),
    c.index_name.required(),
    c.model_version.required(),
    c.place_id.required(),
)
SEVERITY_SCALE = Table(
    "core_dtm__severity_scale",
    "core",
    "Score of a location on one scale of its severity model.",
    ("series_id", "reference_date", "index_name", "model_version", "place_id", "scale"),
    (
        *SURVEYED,
        Column("scale", "string", "code", "Scale or domain of the model").required(),
        Column(
            "score",
            "float64",
            "score",
            "0 = all conditions met, 100 = none; null without an answer",
            unit="score of the model",
            dissemination="partner",
            at_least=0,
            at_most=100,
        ),
        Column(
            "answered", "int64", "count", "Indicators of the scale that were answered", unit="indicators"
        ).adding_along(),
    ),
)

SEVERITY_VALUE = Table(
    "core_dtm__severity_value",
    "core",
    "What the answer of a location to one indicator is worth. Sensitive: answers never leave the warehouse.",
    ("series_id", "reference_date", "index_name", "model_version", "place_id", "indicator_code"),
    (
        *SURVEYED,
        *(column for column in raw.SEVERITY_ANSWER.columns if column.name in ("indicator_code", "value")),
    ),
)

BORDER_FLOW = Table(
    "core_dtm__border_flow",
    "core",
    "Movements at a flow point, in one direction, on one day.",
    ("location_code", "flow_point_id", "observed_by", "direction", "observed_on"),
    (
        *PROVENANCE,
        c.location_code.required(),
        c.flow_point_id.required(),
        c.flow_point_name.required(),
        c.crossing_id.required(),
        c.observed_by.required(),
        c.direction.required(),
        c.observed_on.required(),
        c.movements.required(),
        c.hours_observed,
        c.operating_day.required(),
    ),
    added_along=("observed_on", "flow_point_id"),
)

SOURCE_TOTAL = Table(
    "core_dtm__source_total",
    "core",
    "What each source and level says of a series and date, and which of them leads.",
    ("series_id", "reference_date", "source_kind", "admin_level"),
    (
        c.location_code.required(),
        *SERIES,
        SOURCE_KIND,
        ADMIN_LEVEL,
        LEADS,
        Column("why", "string", "label", "Why it leads or does not").required(),
        Column("source_reference_dates", "string", "label", "Dates that the source itself gives"),
        c.operation,
        c.assessment_type,
        c.reporting_round,
        Column("rows", "int64", "count", "Rows used", unit="rows").required(),
        c.households,
        c.individuals,
        Column("snapshot_ids", "strings", "key", "Deliveries that the figures come from", dissemination="partner"),
        Column(
            "held",
            "boolean",
            "flag",
            "A delivery of the source and date is held (core_dtm__finding says why)",
            dissemination="partner",
        ).required(),
    ),
)

NEWEST_FIGURE = Table(
    "core_dtm__newest_figure",
    "core",
    "The newest figure of each series of a country, by district. Ages are told when all countries are at hand.",
    ("series_id", "location_code", "admin1_code", "admin2_code"),
    (
        *SERIES,
        *PLACE,
        c.households,
        c.individuals,
        c.individuals_basis,
        Column("headline", "boolean", "flag", "The series is its country's figure").required(),
        Column("series_status", "string", "code", "Status of the series (reference/series.toml)").required(),
        Column(
            "max_age_days", "int64", "count", "Above this age a figure of the series is not the latest", unit="days"
        ).adding_along(),
        Column("overlap_group", "string", "code", "Series of one group count some of the same people").required(),
        Column(
            "held_reference_date",
            "date",
            "date",
            "Newest date, of this or later, on which a delivery of the series is held for a person",
        ),
    ),
    added_along=("place",),
)

HELD_BECAUSE = (
    "lacks_places",
    "lacks_people",
    "several_at_once",
    "not_comparable",
    "repeats_previous_date",
    "implausible",
    "rejected",
)

DELIVERY_ROLE = Table(
    "core_dtm__delivery_role",
    "core",
    "What each delivery does for each series and date that it holds.",
    ("series_id", "source_kind", "admin_level", "source_reference_date", "statement_label", "snapshot_id"),
    (
        c.location_code.required(),
        c.series_id.required(),
        SOURCE_KIND,
        ADMIN_LEVEL,
        c.source_reference_date.required(),
        Column(
            "statement_label",
            "string",
            "key",
            "Operation, assessment type and round of the statement, however they are spelled",
            dissemination="partner",
        ).required(),
        c.snapshot_id.required(),
        Column(
            "role",
            "string",
            "code",
            "leads, adds, compared with the statement that leads, replaced or held",
            allowed=("leads", "adds", "compared", "replaced", "held"),
        ).required(),
        Column(
            "held_because",
            "string",
            "code",
            "Why a delivery is held; null unless it is",
            allowed=HELD_BECAUSE,
        ),
        Column(
            "review_id", "string", "key", "Id under which `dtm review` decides of it", dissemination="partner"
        ).required(),
        Column(
            "missing_share",
            "float64",
            "share",
            "Locations of the delivery before it that it lacks",
            unit="ratio",
            at_least=0,
            at_most=1,
        ),
    ),
)

_STATED = ("series_id", "source_kind", "admin_level", "source_reference_date", "statement_label", "snapshot_id")


_told = partial(Column, dissemination="partner")

REVIEW = Table(
    "core_dtm__review",
    "core",
    "Statements that are held, doubtful, or were accepted by a person, with the evidence (docs/method/plausibility.md).",
    ("review_id",),
    (
        _told("review_id", "string", "key", "Id of the statement of this delivery").required(),
        *(column for column in DELIVERY_ROLE.columns if column.name in ("location_code", *_STATED)),
        c.population_group,
        Column(
            "outcome",
            "string",
            "code",
            "hold = waits for a person, caveat = released and doubtful, pass = plausible",
            allowed=("hold", "caveat", "pass"),
        ).required(),
        _told("broken", "strings", "code", "Rules that it breaks, or why it is held"),
        _told("sentence", "string", "label", "Both figures and the likeliest causes in words").required(),
        _told("causes", "strings", "label", "Each rule that it breaks, in words"),
        Column("accepted", "boolean", "flag", "A person accepted it").required(),
        _told("waits_with", "string", "key", "The held statement that it agrees with: one decision is for both"),
        _told("previous_date", "date", "date", "Date of the last accepted statement of its line"),
        _told("measure", "string", "code", "What was compared: individuals or households"),
        _told(
            "before", "int64", "stock", "Total of the statement before, as `measure` says", unit="persons or households"
        ),
        _told("now", "int64", "stock", "Total of the statement, as `measure` says", unit="persons or households"),
        _told("panel_ratio", "float64", "score", "Median ratio of the locations in both", unit="ratio"),
        _told("panel_locations", "int64", "count", "Locations in both", unit="locations"),
        _told("locations_before", "int64", "count", "Locations of the statement before", unit="locations"),
        _told("locations_now", "int64", "count", "Locations of the statement", unit="locations"),
        _told("people_lost_share", "float64", "share", "People before whose locations are gone", unit="ratio"),
    ),
)

STATEMENT = Table(
    "core_dtm__statement",
    "core",
    "Statements that would lead, with what makes each more or less reliable: what of it could not be read, its control totals, and what its plausibility came to.",
    ("review_id",),
    (
        _told("review_id", "string", "key", "Id of the statement of this delivery").required(),
        *(column for column in DELIVERY_ROLE.columns if column.name in ("location_code", *_STATED)),
        Column(
            "unread_share",
            "float64",
            "share",
            "Part of its rows, or of its people where that is more, that could not be read",
            unit="ratio",
            at_least=0,
            at_most=1,
        ),
        Column(
            "control_gap",
            "float64",
            "share",
            "By what part of the list a totals row of it differs; null where none was compared",
            unit="ratio",
            at_least=0,
            at_most=1,
        ),
        Column(
            "outcome",
            "string",
            "code",
            "hold = waits for a person, caveat = released and doubtful, pass = plausible",
            allowed=("hold", "caveat", "pass"),
        ).required(),
        Column("accepted", "boolean", "flag", "A person accepted it").required(),
    ),
)

FINDING = Table(
    "core_dtm__finding",
    "core",
    "What an analyst should look at: a place, a comparison, a delivery.",
    (),
    (
        c.location_code,
        c.snapshot_id,
        c.source_sheet,
        c.source_row,
        Column("finding", "string", "code", "Name of the finding").required(),
        Column(
            "sentence",
            "string",
            "label",
            "The finding in words, without people's data",
            dissemination="partner",
        ).required(),
        Column(
            "individuals",
            "int64",
            "stock",
            "Persons concerned; null when not known",
            unit="persons",
            dissemination="partner",
        ),
    ),
)


def _findings(name: str, description: str) -> Table:
    return Table(name, "core", description, (), FINDING.columns)


BREAKDOWN_FINDING = _findings("core_dtm__breakdown_finding", "Locations whose categories do not sum to their stock.")
OBSERVATION_FINDING = _findings("core_dtm__observation_finding", "Deliveries of observations that are held.")
SEVERITY_FINDING = _findings("core_dtm__severity_finding", "Surveys of severity that are held.")
BORDER_FLOW_FINDING = _findings("core_dtm__border_flow_finding", "Counts of border points that are held.")


def _observed(name: str, source: Table, description: str, more: tuple[Column, ...] = ()) -> Table:
    """The core table of a raw table whose rows are facts by themselves: placed, and the newest delivery leads."""
    placed = "provider_admin1_name" in source.column_names
    subdistricts = (c.admin3_code, c.admin3_name) if "provider_admin3_code" in source.column_names else ()
    return Table(
        name,
        "core",
        description,
        source.grain,
        (
            *source.columns,
            *([p for p in PLACE if p.name not in source.column_names] if placed else []),
            *subdistricts,
            *more,
            Column("leads", "boolean", "flag", "No newer delivery replaces the row").required(),
        ),
        source.rules,
        added_along=source.added_along,
        replacement_key=source.replacement_key,
    )


LOCATION_ASSESSMENT = _observed(
    "core_dtm__location_assessment",
    raw.LOCATION_ASSESSMENT,
    "A location assessed by key informants. Its answers are in raw_dtm__location_answer, by snapshot and row.",
)
EVENT = _observed(
    "core_dtm__event",
    raw.EVENT_REPORT,
    "A report of an event at a place.",
    (
        Column("origin_admin1_code", "string", "code", "Governorate that people fled from; null when not known"),
        Column("origin_admin2_code", "string", "code", "District that people fled from; null when not known"),
        Column("newest", "boolean", "flag", "Of the newest report of the event, in a delivery that leads").required(),
    ),
)
FLOW_REGISTRATION = _observed(
    "core_dtm__flow_registration",
    raw.FLOW_REGISTRATION,
    "A household or group registered at a flow point. Its tallies are in raw_dtm__flow_registration_cell, by snapshot and row.",
)
MOBILITY_MAPPING = _observed(
    "core_dtm__mobility_mapping", raw.MOBILITY_MAPPING, "A site or a route of population mobility mapping."
)
MIGRANT_PRESENCE = _observed(
    "core_dtm__migrant_presence", raw.MIGRANT_PRESENCE, "Migrants of one nationality in an area at a date."
)
SURVEY_RECORD = _observed(
    "core_survey__record",
    raw.SURVEY_RECORD,
    "An interview of a survey, or a record of a repeat. Its answers are in raw_survey__response, by snapshot and row.",
)
OTHER_FIGURE = _observed(
    "core_other__figure", raw.OTHER_FIGURE, "A figure of others, to reconcile with. Never added to ours."
)
FINDINGS = (FINDING, BREAKDOWN_FINDING, SEVERITY_FINDING, BORDER_FLOW_FINDING, OBSERVATION_FINDING)
OBSERVED: dict[str, Table] = {
    raw.LOCATION_ASSESSMENT.name: LOCATION_ASSESSMENT,
    raw.EVENT_REPORT.name: EVENT,
    raw.FLOW_REGISTRATION.name: FLOW_REGISTRATION,
    raw.MOBILITY_MAPPING.name: MOBILITY_MAPPING,
    raw.MIGRANT_PRESENCE.name: MIGRANT_PRESENCE,
    raw.SURVEY_RECORD.name: SURVEY_RECORD,
    raw.OTHER_FIGURE.name: OTHER_FIGURE,
}
"""The core table of each raw table whose rows are facts by themselves."""

TABLES = (
    STOCK,
    LOCATION,
    LOCATION_CHANGE,
    BREAKDOWN,
    SEVERITY,
    SEVERITY_SCALE,
    SEVERITY_VALUE,
    BORDER_FLOW,
    *OBSERVED.values(),
    SOURCE_TOTAL,
    NEWEST_FIGURE,
    DELIVERY_ROLE,
    REVIEW,
    STATEMENT,
    *FINDINGS,
)
