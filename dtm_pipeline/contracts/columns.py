"""The columns that tables are made of, each declared once. Names follow HDX HAPI where it has one."""

from __future__ import annotations

from dataclasses import replace

from dtm_pipeline.contracts.model import Column

POPULATION_GROUPS = (
    "idp",
    "idp_returnee",
    "returnee_from_abroad",
    "arrival_elsewhere",
    "resident",
    "refugee",
    "migrant",
    "climate_idp",
)
BASES = ("counted", "rule", "mixed", "provider")
PLACE_BASES = ("reviewed", "code", "name", "point", "provider", "country", "mixed")

# -- provenance ---------------------------------------------------------------------------------
snapshot_id = Column("snapshot_id", "string", "key", "sha256 of the delivery's bytes", dissemination="partner")
source_sheet = Column(
    "source_sheet",
    "string",
    "label",
    "Sheet of the workbook; null in files without sheets",
    dissemination="partner",
)
source_row = Column(
    "source_row",
    "int64",
    "key",
    "Row number as a person sees it in the file, from 1",
    unit="row",
    dissemination="partner",
    at_least=1,
)

# -- time and series ------------------------------------------------------------------------------
series_id = Column("series_id", "string", "code", "The series that the figure belongs to (out_meta__series)")
population_group = Column("population_group", "string", "code", "Who is counted", allowed=POPULATION_GROUPS)
reference_date = Column("reference_date", "date", "date", "The date that the figure stands for")
source_reference_date = Column(
    "source_reference_date",
    "date",
    "date",
    "The date that the source itself gives, before tolerance",
    dissemination="partner",
)
collection_start = Column("collection_start", "date", "date", "First day of data collection; null when unknown")
collection_end = Column("collection_end", "date", "date", "Last day of data collection; null when unknown")
operation = Column("operation", "string", "label", "The provider's name of the operation; a label", words="operation")
assessment_type = Column(
    "assessment_type",
    "string",
    "label",
    "The provider's type of assessment (BA, ETT, SA); a label",
    words="assessment_type",
)
reporting_round = Column(
    "reporting_round", "string", "label", "The provider's round; a label, never sorted or joined by", words="round"
)

# -- place ------------------------------------------------------------------------------------------
location_code = Column("location_code", "string", "code", "Country, ISO 3166-1 alpha-3")
admin1_code = Column(
    "admin1_code", "string", "code", "Governorate; null when only the country is known", words="place_code"
)
admin1_name = Column("admin1_name", "string", "label", "Name of the governorate in English", words="place_name")
admin1_name_local = Column(
    "admin1_name_local",
    "string",
    "label",
    "Name of the governorate in the local language, where known",
    words="place_name",
)
admin2_code = Column(
    "admin2_code",
    "string",
    "code",
    "District; null when only the governorate or the country is known",
    words="place_code",
)
admin2_name = Column("admin2_name", "string", "label", "Name of the district in English", words="place_name")
admin2_name_local = Column(
    "admin2_name_local",
    "string",
    "label",
    "Name of the district in the local language, where known",
    words="place_name",
)
place_basis = Column(
    "place_basis",
    "string",
    "code",
    "How the place was decided: reviewed, code, name or point; provider = codes and names are the provider's own; country = no unit known; mixed",
    allowed=PLACE_BASES,
)
boundary_edition = Column(
    "boundary_edition",
    "string",
    "label",
    "Edition of the administrative boundaries that the codes belong to; null for the provider's own codes",
)
admin3_code = Column(
    "admin3_code",
    "string",
    "code",
    "Sub-district; null when only the district or less is known",
    words="subdistrict_code",
)
admin3_name = Column(
    "admin3_name", "string", "label", "Name of the sub-district in the provider's words", words="subdistrict"
)
provider_admin1_name = Column("provider_admin1_name", "string", "label", "Governorate in the provider's words")
provider_admin1_code = Column("provider_admin1_code", "string", "code", "Governorate code in the provider's form")
provider_admin2_name = Column("provider_admin2_name", "string", "label", "District in the provider's words")
provider_admin2_code = Column("provider_admin2_code", "string", "code", "District code in the provider's form")
provider_admin3_name = Column("provider_admin3_name", "string", "label", "Sub-district in the provider's words")
provider_admin3_code = Column("provider_admin3_code", "string", "code", "Sub-district code in the provider's form")
place_id = Column(
    "place_id",
    "string",
    "key",
    "The provider's identity of a location, shared by IDP and returnee lists",
    dissemination="partner",
)
location_name = Column("location_name", "string", "label", "Name of the location in English", dissemination="partner")
location_name_local = Column(
    "location_name_local",
    "string",
    "label",
    "Name of the location in the local language",
    dissemination="partner",
)
latitude = Column(
    "latitude",
    "float64",
    "evidence",
    "Latitude of the location, WGS 84",
    unit="degree",
    dissemination="partner",
    at_least=-90,
    at_most=90,
)
longitude = Column(
    "longitude",
    "float64",
    "evidence",
    "Longitude of the location, WGS 84",
    unit="degree",
    dissemination="partner",
    at_least=-180,
    at_most=180,
)
point_conflict = Column(
    "point_conflict",
    "boolean",
    "flag",
    "The point lies outside the declared unit; nobody is moved",
    dissemination="partner",
)
point_distance_m = Column(
    "point_distance_m",
    "float64",
    "evidence",
    "Distance from the point to the declared unit",
    unit="metre",
    dissemination="partner",
    at_least=0,
)

# -- measures -----------------------------------------------------------------------------------------
households = Column(
    "households",
    "int64",
    "stock",
    "Households; null where the source gives only individuals",
    unit="households",
    at_least=0,
)
individuals = Column("individuals", "int64", "stock", "Persons", unit="persons", at_least=0)
households_basis = Column("households_basis", "string", "code", "Where households come from", allowed=BASES)
individuals_basis = Column(
    "individuals_basis",
    "string",
    "code",
    "Where individuals come from: counted, by a household-size rule, mixed, or as the provider gives them",
    allowed=BASES,
)
household_size_rule_id = Column(
    "household_size_rule_id", "string", "code", "The household-size rule (reference/countries)"
)
individuals_low = Column(
    "individuals_low",
    "int64",
    "stock",
    "Persons by the least household size that sources support, the figure itself where it was counted; null where no source tells a range",
    unit="persons",
    at_least=0,
)
individuals_high = Column(
    "individuals_high",
    "int64",
    "stock",
    "Persons by the greatest household size that sources support, the figure itself where it was counted; null where no source tells a range",
    unit="persons",
    at_least=0,
)
in_camp_individuals = Column(
    "in_camp_individuals",
    "int64",
    "stock",
    "Persons in camps; null when not known",
    unit="persons",
    at_least=0,
)
out_of_camp_individuals = Column(
    "out_of_camp_individuals",
    "int64",
    "stock",
    "Persons outside camps; null when not known",
    unit="persons",
    at_least=0,
)
last_verified_date = Column(
    "last_verified_date",
    "date",
    "date",
    "Newest date on which a location behind the figure was listed or verified; null for aggregates",
)
caveat_codes = Column(
    "caveat_codes",
    "strings",
    "code",
    "What to know before use: place_unresolved, point_conflict, aggregate_only (no locations are known), carried_forward (a partial round: locations not reached keep their last figure), individuals_partly_unknown (of some rows only households are known: the people are too few), no_range (of some people a source gives its own count, and nobody says how far it may be off: low and high are null)",
)
category_code = Column(
    "category_code",
    "string",
    "code",
    "Category of the breakdown; unknown = not told by the source, withheld = small cells held back together",
)
category_label = Column("category_label", "string", "label", "Category in words")
category_class = Column(
    "category_class",
    "string",
    "code",
    "Class of a shelter type: camp, private, critical, unclassified, unknown",
)
share = Column("share", "float64", "share", "Part of share_denominator", unit="ratio", at_least=0, at_most=1)
share_denominator = Column(
    "share_denominator",
    "int64",
    "stock",
    "What the share is a part of: the stock of the unit, in the unit of the breakdown",
    unit="households or persons",
    at_least=0,
)
comparable_category_code = Column(
    "comparable_category_code",
    "string",
    "code",
    "Category in which dates before and after a split of the category can be compared; null where it was never split",
)
withheld = Column("withheld", "boolean", "flag", "The row pools cells too small to show")
index_name = Column("index_name", "string", "code", "Name of the severity model; never IOM's own score")
model_illustrative = Column(
    "model_illustrative",
    "boolean",
    "flag",
    "The model's weights and cut-offs are illustrative: ours, from no published method, and never the provider's own scores",
)
model_version = Column("model_version", "string", "code", "Version of the severity model; versions are not compared")
severity_class = Column(
    "severity_class",
    "string",
    "code",
    "high, medium or low by the model's cut-offs; not_assessed = people counted but not surveyed",
    allowed=("high", "medium", "low", "not_assessed"),
)


def stock_columns(prefix: str) -> tuple[Column, Column]:
    """Households and individuals of a stock, with the unit in the name."""
    who = {"idp": "internally displaced persons", "returnee": "returnees"}[prefix]
    return (
        Column(
            f"{prefix}_households",
            "int64",
            "stock",
            f"Households of {who}; null where the source gives only individuals",
            unit="households",
            at_least=0,
        ),
        Column(f"{prefix}_individuals", "int64", "stock", f"{who.capitalize()}", unit="persons", at_least=0),
    )


def range_columns(prefix: str) -> tuple[Column, Column]:
    """The stock by the least and the greatest household size that sources support."""
    return (
        replace(individuals_low, name=f"{prefix}_individuals_low"),
        replace(individuals_high, name=f"{prefix}_individuals_high"),
    )


def change_columns(unit: str) -> tuple[Column, ...]:
    """Both figures of a change, and its parts, in households or individuals."""
    measure = {"households": "households", "individuals": "persons"}[unit]
    parts = {
        "panel_change": "at locations listed at both dates",
        "newly_listed": "at locations that only the later date lists",
        "emptied": "at locations known to be empty: a stated zero, a closure on record, or a round declared complete",
        "not_reassessed": "at locations that were not reassessed, as their source says",
        "left_unexplained": "at locations that the later date does not list, of which nothing is known",
        "merged_or_split": "that moved between areas because locations were merged or split",
        "rule_or_category": "by a changed rule of household size, or a location that was put into another area",
    }

    def change(name: str, description: str) -> Column:
        return Column(f"{name}_{unit}", "int64", "change", description, unit=measure)

    return (
        Column(
            f"previous_{unit}",
            "int64",
            "stock",
            "Stock at the earlier date; null where the area is not in it",
            unit=measure,
            at_least=0,
        ),
        Column(
            f"current_{unit}",
            "int64",
            "stock",
            "Stock at the later date; null where the area is not in it",
            unit=measure,
            at_least=0,
        ),
        change("change", "Change of what is listed: the sum of its parts"),
        *(change(name, f"Change {said}; null where a date has no locations") for name, said in parts.items()),
    )


# -- border flows -----------------------------------------------------------------------------------
flow_point_id = Column(
    "flow_point_id",
    "string",
    "code",
    "Flow point (reference/flow_points.csv, or made from its name)",
    words="flow_point_id",
)
flow_point_name = Column("flow_point_name", "string", "label", "Name of the flow point", words="flow_point")
crossing_id = Column(
    "crossing_id", "string", "code", "Crossing; both sides of one crossing share it", words="flow_point_id"
)
observed_by = Column("observed_by", "string", "code", "Country whose side counted")
observed_on = Column("observed_on", "date", "date", "Day of the count")
direction = Column("direction", "string", "code", "in or out of location_code", allowed=("in", "out"))
movements = Column(
    "movements",
    "int64",
    "flow",
    "Movements counted, not persons; a zero is stated by the source",
    unit="movements",
    at_least=0,
)
hours_observed = Column(
    "hours_observed",
    "float64",
    "evidence",
    "Hours that the point was observed; null when unknown",
    unit="hour",
    at_least=0,
    at_most=24,
)
operating_day = Column(
    "operating_day",
    "string",
    "code",
    "Whether the point operated, from its calendar",
    allowed=("yes", "no", "unknown"),
)

# -- events and surveys -------------------------------------------------------------------------------
EVENT_TYPES = (
    "conflict",
    "flood",
    "drought",
    "fire",
    "earthquake",
    "storm",
    "heat",
    "camp_closure",
    "eviction",
    "other",
)
event_id = Column(
    "event_id", "string", "key", "The provider's identity of the event, shared by its reports", words="event_id"
)
event_type = Column("event_type", "string", "code", "What happened", allowed=EVENT_TYPES)
survey = Column("survey", "string", "code", "The survey: the form's identity, or the sidecar's word")
survey_family = Column(
    "survey_family",
    "string",
    "code",
    "Family of surveys that it is of",
    allowed=(
        "household_survey",
        "durable_solutions",
        "local_integration",
        "msna",
        "return_intentions",
        "labour_market",
        "employer_survey",
        "flow_monitoring_survey",
    ),
)
