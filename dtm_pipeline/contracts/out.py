"""The tables that leave. Names, order and types are a promise to clusters."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Rule, Table

GOVERNORATE = (c.location_code.required(), c.admin1_code, c.admin1_name, c.admin1_name_local)
DISTRICT = (*GOVERNORATE, c.admin2_code, c.admin2_name, c.admin2_name_local)
BASIS = (c.place_basis.required(), c.boundary_edition)
SERIES = (c.series_id.required(), c.population_group.required(), c.reference_date.required())
LABELS = (c.collection_start, c.collection_end, c.operation, c.assessment_type, c.reporting_round)
LEVELS = {"governorate": GOVERNORATE, "district": DISTRICT}
PLACE_KEY = {
    "governorate": ("location_code", "admin1_code"),
    "district": ("location_code", "admin1_code", "admin2_code"),
}
AREA = {"governorate": "of a governorate", "district": "of a district"}


def stock_table(level: str, name: str, prefix: str, groups: tuple[str, ...]) -> Table:
    """`out_dtm__{level}_{name}`: the stock of a population group in each area, series and date."""
    households, individuals = c.stock_columns(prefix)
    group = Column("population_group", "string", "code", "Who is counted", allowed=groups, nullable=False)
    return Table(
        f"out_dtm__{level}_{name}",
        "out",
        f"Stock of {'IDPs' if prefix == 'idp' else 'returnees'} {AREA[level]} at a reference date. A stock is never summed over dates.",
        ("series_id", "reference_date", *PLACE_KEY[level]),
        (
            *LEVELS[level],
            *BASIS,
            SERIES[0],
            group,
            SERIES[2],
            *LABELS,
            households,
            individuals,
            c.in_camp_individuals,
            c.out_of_camp_individuals,
            c.individuals_basis,
            c.household_size_rule_id,
            Column(
                "locations_with_population",
                "int64",
                "count",
                "Locations with at least one household or person; null for aggregates",
                unit="locations",
            ),
            Column(
                "locations_assessed",
                "int64",
                "count",
                "Locations in the list; null for aggregates",
                unit="locations",
            ),
            c.last_verified_date,
            c.caveat_codes.required(),
        ),
        rules=(
            Rule(
                "camps_are_a_part",
                f"in_camp_individuals IS NULL OR in_camp_individuals + out_of_camp_individuals = {prefix}_individuals",
                "people in camps and outside add up to the stock",
            ),
        ),
        added_along=("place",),
    )


def breakdown_table(level: str, dimension: str) -> Table:
    """`out_dtm__{level}_{dimension}`: the stock by origin, shelter or period; the cells of a unit sum to its stock."""
    meaning = {
        "origin": "governorate of origin (IDPs) or of last displacement (returnees): opposite concepts",
        "shelter": "type of shelter",
        "period": "period of displacement",
    }[dimension]
    return Table(
        f"out_dtm__{level}_{dimension}",
        "out",
        f"Stock {AREA[level]} by {meaning}. Small cells are pooled in category withheld; totals stay whole.",
        ("series_id", "reference_date", *PLACE_KEY[level], "category_code"),
        (
            *LEVELS[level],
            *BASIS,
            *SERIES,
            c.category_code.required(),
            c.category_label,
            c.category_class,
            c.households,
            c.households_basis,
            c.individuals,
            c.individuals_basis,
            c.share,
            c.share_denominator,
            c.withheld.required(),
        ),
        added_along=("place", "category_code"),
    )


def severity_class_table(level: str) -> Table:
    return Table(
        f"out_dtm__{level}_severity_class",
        "out",
        f"People {AREA[level]} by severity of conditions at their location. Not people in need; not IOM's own score.",
        ("series_id", "reference_date", *PLACE_KEY[level], "index_name", "model_version", "severity_class"),
        (
            *LEVELS[level],
            *BASIS,
            *SERIES,
            c.index_name.required(),
            c.model_version.required(),
            c.severity_class.required(),
            Column("locations", "int64", "count", "Locations in the class", unit="locations", at_least=0).required(),
            c.individuals,
            Column(
                "share_of_assessed",
                "float64",
                "share",
                "Part of the people assessed; null for not_assessed",
                unit="ratio",
                at_least=0,
                at_most=1,
            ),
        ),
        added_along=("place", "severity_class"),
    )


def severity_score_table(level: str) -> Table:
    return Table(
        f"out_dtm__{level}_severity_score",
        "out",
        f"Mean severity {AREA[level]}, weighted by people.",
        ("series_id", "reference_date", *PLACE_KEY[level], "index_name", "model_version"),
        (
            *LEVELS[level],
            *BASIS,
            *SERIES,
            c.index_name.required(),
            c.model_version.required(),
            Column(
                "score_mean",
                "float64",
                "score",
                "Mean score weighted by individuals; null when nobody was assessed",
                unit="score of the model",
                at_least=0,
                at_most=100,
            ),
            Column(
                "individuals_assessed",
                "int64",
                "stock",
                "People at assessed locations",
                unit="persons",
                at_least=0,
            ),
            Column(
                "assessed_share",
                "float64",
                "share",
                "People at assessed locations, of all known; null when the stock of that date is not known",
                unit="ratio",
                at_least=0,
                at_most=1,
            ),
            Column(
                "hotspot_subdistricts",
                "int64",
                "count",
                "Sub-districts that are hotspots; null without admin 3",
                unit="sub-districts",
            ),
        ),
    )


BORDER_FLOW_DAILY = Table(
    "out_dtm__border_flow_daily",
    "out",
    "Movements a day at each flow point. Movements, not persons; the two sides of a crossing are never added.",
    ("crossing_id", "flow_point_id", "observed_by", "direction", "observed_on"),
    (
        c.location_code.required(),
        c.crossing_id.required(),
        c.flow_point_id.required(),
        c.flow_point_name.required(),
        c.observed_by.required(),
        c.direction.required(),
        c.observed_on.required(),
        c.movements.required(),
        c.hours_observed,
        c.operating_day.required(),
    ),
    added_along=("observed_on", "flow_point_id"),
)

LATEST = Table(
    "out_dtm__latest",
    "out",
    "The newest figure of each active headline series, by district. Ages run to the newest reference date of the release.",
    ("series_id", *PLACE_KEY["district"]),
    (
        *DISTRICT,
        *BASIS,
        *SERIES,
        c.households,
        c.individuals,
        c.individuals_basis,
        Column(
            "age_days",
            "int64",
            "evidence",
            "Days from the reference date to the newest reference date of the release",
            unit="day",
            at_least=0,
        ).required(),
    ),
    added_along=("place",),
)

ROUND = Table(
    "out_meta__round",
    "out",
    "The series and dates known, the source that leads each, what was compared and what was rejected.",
    ("series_id", "reference_date", "source_kind", "admin_level"),
    (
        c.location_code.required(),
        *SERIES,
        Column("source_kind", "string", "code", "Kind of the delivery").required(),
        Column(
            "admin_level",
            "int64",
            "code",
            "Depth of the source: 0 country, 1 governorate, 2 district, 4 location",
        ).required(),
        Column("leads", "boolean", "flag", "The source feeds the tables").required(),
        Column("why", "string", "label", "Why it leads or does not").required(),
        Column("source_reference_dates", "string", "label", "Dates that the source itself gives"),
        c.operation,
        c.assessment_type,
        c.reporting_round,
        Column("rows", "int64", "count", "Rows used", unit="rows").required(),
        c.households,
        c.individuals,
        Column(
            "difference_individuals",
            "int64",
            "stock",
            "This source minus the leading one; null for the leading one",
            unit="persons",
        ),
        Column(
            "rejected_rows", "int64", "count", "Rows of the deliveries that could not be used", unit="rows"
        ).required(),
        Column(
            "rejected_individuals",
            "int64",
            "stock",
            "Persons that those rows state; null when none of them is readable",
            unit="persons",
        ),
        Column("deliveries", "int64", "count", "Deliveries that the figures come from", unit="deliveries").required(),
        Column(
            "status",
            "string",
            "code",
            "partial = more was rejected than the threshold allows, or a newer delivery is held",
            allowed=("complete", "partial"),
        ).required(),
    ),
)

COVERAGE = Table(
    "out_meta__coverage",
    "out",
    "For every district, series and date: assessed, zero, or not assessed. Why a district is missing.",
    ("series_id", "reference_date", "location_code", "admin2_code"),
    (
        *DISTRICT,
        *SERIES,
        Column(
            "coverage",
            "string",
            "code",
            "assessed = a figure stands; zero = the source states zero; not_assessed = nothing known",
            allowed=("assessed", "zero", "not_assessed"),
        ).required(),
    ),
)

SERIES_META = Table(
    "out_meta__series",
    "out",
    "The series of the release: who is counted, who provides, whether it leads a country's figure.",
    ("series_id",),
    (
        c.series_id.required(),
        Column("title", "string", "label", "The series in words").required(),
        c.location_code.required(),
        c.population_group.required(),
        Column("operations", "strings", "label", "Names that providers give the operation"),
        Column("assessment_types", "strings", "label", "Types of assessment"),
        Column("sources", "strings", "code", "Sources in order of precedence"),
        Column(
            "overlap_group",
            "string",
            "code",
            "Series of one group count some of the same people and are never added",
        ).required(),
        Column("headline", "boolean", "flag", "The series gives the country's figure").required(),
        Column(
            "status",
            "string",
            "code",
            "active, ended, or unregistered (made from a provider's names; reference/series.toml does not list it)",
            allowed=("active", "ended", "unregistered"),
        ).required(),
        Column("max_age_days", "int64", "evidence", "Older than this is not latest", unit="day"),
        Column("first_reference_date", "date", "date", "Oldest date in the release"),
        Column("last_reference_date", "date", "date", "Newest date in the release"),
    ),
)

ADMIN_UNIT = Table(
    "out_meta__admin_unit",
    "out",
    "The administrative units of the release's countries.",
    ("location_code", "admin_level", "code"),
    (
        c.location_code.required(),
        Column("admin_level", "int64", "code", "1 governorate, 2 district").required(),
        Column("code", "string", "code", "Code of the unit").required(),
        Column("name_en", "string", "label", "Name in English"),
        Column("name_local", "string", "label", "Name in the local language, where known"),
        Column("parent_code", "string", "code", "Unit that it lies in").required(),
        Column("latitude", "float64", "evidence", "Latitude of one inner point", unit="degree"),
        Column("longitude", "float64", "evidence", "Longitude of one inner point", unit="degree"),
        c.boundary_edition,
    ),
)

BREAKDOWN_DIMENSIONS = ("origin", "shelter", "period")

TABLES = (
    *(stock_table(level, "idp", "idp", ("idp",)) for level in LEVELS),
    *(stock_table(level, "returnee", "returnee", ("idp_returnee", "returnee_from_abroad")) for level in LEVELS),
    *(severity_class_table(level) for level in LEVELS),
    *(severity_score_table(level) for level in LEVELS),
    *(breakdown_table(level, dimension) for level in LEVELS for dimension in BREAKDOWN_DIMENSIONS),
    BORDER_FLOW_DAILY,
    LATEST,
    ROUND,
    COVERAGE,
    SERIES_META,
    ADMIN_UNIT,
)
