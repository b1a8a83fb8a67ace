"""The tables that leave. Names, order and types are a promise to clusters."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.core import BREAKDOWN_DIMENSIONS
from dtm_pipeline.contracts.model import Column, Rule, Table

GOVERNORATE = (c.location_code.required(), c.admin1_code, c.admin1_name, c.admin1_name_local)
DISTRICT = (*GOVERNORATE, c.admin2_code, c.admin2_name, c.admin2_name_local)
BASIS = (c.place_basis.required(), c.boundary_edition)
SERIES = (c.series_id.required(), c.population_group.required(), c.reference_date.required())
LABELS = (c.collection_start, c.collection_end, c.operation, c.assessment_type, c.reporting_round)
SUBDISTRICT = (*DISTRICT, c.admin3_code, c.admin3_name)
LEVELS = {"governorate": GOVERNORATE, "district": DISTRICT}
ALL_LEVELS = {**LEVELS, "subdistrict": SUBDISTRICT}
PLACE_KEY = {
    "governorate": ("location_code", "admin1_code"),
    "district": ("location_code", "admin1_code", "admin2_code"),
    "subdistrict": ("location_code", "admin1_code", "admin2_code", "admin3_code"),
}
AREA = {
    "governorate": "of a governorate",
    "district": "of a district",
    "subdistrict": "of a sub-district, on dates of which rows carry one,",
}
RETURNEES = ("idp_returnee", "returnee_from_abroad")
CHANGED = "1.1.0"


def share_column(name: str, description: str) -> Column:
    """A part of a whole, from 0 to 1."""
    return Column(name, "float64", "share", description, unit="ratio", at_least=0, at_most=1)


CONFIDENCE = (
    Column(
        "confidence",
        "string",
        "evidence",
        "How far the figure can be relied on, by the number of reasons for doubt; not_graded without locations. A grade of ours: it measures neither bias nor sampling error",
        allowed=("high", "medium", "low", "not_graded"),
    ).required(),
    Column(
        "confidence_reasons",
        "strings",
        "evidence",
        "Reasons for doubt: old_verification, coverage_changed, size_rule_matters, place_conflicts, informants_differ, rows_unreadable, control_total_differs, points_untested, people_unplaced, household_size_unusual, jumped, delivery_doubtful, accepted_by_a_person; no_locations",
    ).required(),
    share_column(
        "verified_share",
        "Part of the people at locations verified within the period, at most; null for aggregates, and where nothing but the date of the list is known",
    ),
    share_column(
        "covered_share", "Part of the people of this date and the one before who are at locations assessed at both"
    ),
    share_column("rule_share", "Part of the people who follow from households by a size rule"),
    Column(
        "rule_range",
        "float64",
        "evidence",
        "How wide the range of the size rule is, as a part of the figure; null where no source tells one",
        unit="ratio",
        at_least=0,
    ),
    share_column("place_conflict_share", "Part of the people in rows whose evidence of place disagrees"),
    share_column(
        "informant_spread",
        "How far two accounts of the same locations lie apart, as a part of the larger; null where only one is known",
    ),
    share_column("unread_share", "Part of the rows, or people, of the deliveries behind it that could not be read"),
    share_column("control_gap", "By what part of a delivery's list a totals row of it differs; null without one"),
    share_column("untested_share", "Part of the people at points that no boundary was at hand to test"),
    share_column(
        "unplaced_share",
        "Part of the people of the area above whose own area is not known: they are in no area of this level",
    ),
    Column(
        "household_size",
        "float64",
        "evidence",
        "Persons a household, where a source counts both; null where a rule gives the people",
        unit="persons",
        at_least=0,
    ),
    Column(
        "change_factor",
        "float64",
        "evidence",
        "How many times the date before the figure is; null at the first date, and where both are small",
        unit="ratio",
        at_least=0,
    ),
)


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
            *ALL_LEVELS[level],
            *BASIS,
            SERIES[0],
            group,
            SERIES[2],
            *LABELS,
            households,
            individuals,
            *c.range_columns(prefix),
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
            *CONFIDENCE,
        ),
        rules=(
            Rule(
                "camps_are_a_part",
                f"in_camp_individuals IS NULL OR in_camp_individuals + out_of_camp_individuals = {prefix}_individuals",
                "people in camps and outside add up to the stock",
            ),
        ),
        version=CHANGED,
        added_along=("place",),
    )


def breakdown_table(level: str, dimension: str) -> Table:
    """`out_dtm__{level}_{dimension}`: the stock by one dimension; the cells of a unit sum to its stock."""
    meaning = {
        "origin": "governorate of origin (IDPs) or of last displacement (returnees): opposite concepts",
        "shelter": "type of shelter",
        "period": "period of displacement",
        "reason": "reason of displacement",
        "sex_age": "sex, and age where it was taken",
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
            c.comparable_category_code,
            c.households,
            c.households_basis,
            c.individuals,
            c.individuals_basis,
            c.share,
            c.share_denominator.adding_along("place"),
            c.withheld.required(),
        ),
        version=CHANGED,
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
            c.model_illustrative.required(),
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
            c.model_illustrative.required(),
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
            ).adding_along("place"),
            c.severity_class,
            share_column(
                "class_kept_share",
                "How often the area keeps its class when the weights of the model move (docs/method/severity_robustness.md); null where nobody was assessed",
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
            ).adding_along("place"),
        ),
        version=CHANGED,
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

AGE_DAYS = Column(
    "age_days",
    "int64",
    "evidence",
    "Days from the reference date to the newest reference date of the release",
    unit="day",
    at_least=0,
)
HELD_NEWER = (
    Column(
        "held_reference_date",
        "date",
        "date",
        "Newest date, of this or later, on which a delivery of the series is held and waits for a person; null without one",
    ),
    Column(
        "held_newer_days",
        "int64",
        "evidence",
        "Days by which what is held is newer than the figure",
        unit="day",
        at_least=0,
    ),
)
LATEST = Table(
    "out_dtm__latest",
    "out",
    "The newest figure of each active headline series, by district. Ages run to the newest reference date of the release.",
    ("series_id", *PLACE_KEY["district"]),
    (*DISTRICT, *BASIS, *SERIES, c.households, c.individuals, c.individuals_basis, AGE_DAYS.required(), *HELD_NEWER),
    added_along=("place",),
)

LATEST_ALL = Table(
    "out_dtm__latest_all",
    "out",
    "The newest figure of every other series, by district, and why it is not the country's. Series of one overlap group count some of the same people and are never added.",
    ("series_id", *PLACE_KEY["district"]),
    (
        *DISTRICT,
        *BASIS,
        *SERIES,
        c.households,
        c.individuals,
        c.individuals_basis,
        AGE_DAYS.required(),
        *HELD_NEWER,
        Column(
            "why_not_latest",
            "string",
            "code",
            "unregistered, ended, not_headline (a part of another series, or beside it), or too_old",
            allowed=("unregistered", "ended", "not_headline", "too_old"),
        ).required(),
        Column(
            "overlap_group", "string", "code", "Series of one group count some of the same people and are never added"
        ).required(),
    ),
    added_along=("place",),
)


def arrival_table(level: str) -> Table:
    """`out_dtm__{level}_arrival`: returns and arrivals since the count began, and the part of the current year."""
    return Table(
        f"out_dtm__{level}_arrival",
        "out",
        f"Returns and arrivals {AREA[level]} since the count began, with the part of the current year, which resets every year and is never added.",
        ("series_id", "reference_date", *PLACE_KEY[level]),
        (
            *LEVELS[level],
            *BASIS,
            *SERIES,
            Column(
                "arrival_kind",
                "string",
                "code",
                "idp_returnee and returnee_from_abroad are returns; arrival_elsewhere is an arrival from abroad to another place",
                allowed=("idp_returnee", "returnee_from_abroad", "arrival_elsewhere"),
            ).required(),
            c.individuals,
            Column(
                "of_which_current_year",
                "int64",
                "stock",
                "Of the individuals those of the current year",
                unit="persons",
                at_least=0,
            ),
        ),
        added_along=("place",),
    )


def change_table(level: str) -> Table:
    """`out_dtm__{level}_change`: why the stock of an area changed from one date of its series to the next."""
    return Table(
        f"out_dtm__{level}_change",
        "out",
        f"Change of the stock {AREA[level]} from one date of its series to the next, as parts that sum to it. A change is not only movement. Parts are null without locations.",
        ("series_id", "reference_date", "previous_reference_date", *PLACE_KEY[level]),
        (
            *LEVELS[level],
            *SERIES,
            Column("previous_reference_date", "date", "date", "The date of the series before").required(),
            *c.change_columns("households"),
            *c.change_columns("individuals"),
            Column(
                "panel_locations",
                "int64",
                "count",
                "Locations assessed at both dates; null for aggregates",
                unit="locations",
            ),
            share_column(
                "covered_share",
                "Part of the people of both dates who are at locations assessed at both; null for aggregates",
            ),
            Column(
                "dynamics_previous_date",
                "date",
                "date",
                "Date about 12 months before, which dynamics_class compares with",
            ),
            Column(
                "dynamics_panel_share",
                "float64",
                "share",
                "Change over those months at locations assessed at both dates, as a part of their people then",
                unit="ratio",
            ),
            Column(
                "dynamics_class",
                "string",
                "code",
                "By the size of dynamics_panel_share: up to 10 % stationary, to 20 fairly stationary, to 30 fairly dynamic, above dynamic; null below the minimum base",
                allowed=("stationary", "fairly_stationary", "fairly_dynamic", "dynamic"),
            ),
        ),
        rules=tuple(
            Rule(
                f"parts_sum_to_change_{unit}",
                f"panel_change_{unit} + newly_listed_{unit} + emptied_{unit} + not_reassessed_{unit} + left_unexplained_{unit} + merged_or_split_{unit} + rule_or_category_{unit} = change_{unit}",
                f"the parts of a change sum to it, in {unit}",
            )
            for unit in ("households", "individuals")
        ),
        added_along=("place",),
    )


def panel_table(level: str) -> Table:
    """`out_dtm__{level}_comparable_panel`: the same locations at every date of a span."""
    return Table(
        f"out_dtm__{level}_comparable_panel",
        "out",
        f"People {AREA[level]} at those locations that every date of the last 12 months of a series (and the tolerance before them) lists. A part of the stock, for comparison; dates are never summed.",
        ("series_id", "reference_date", *PLACE_KEY[level]),
        (
            *LEVELS[level],
            *SERIES,
            Column("panel_from", "date", "date", "First date of the span").required(),
            Column("panel_to", "date", "date", "Last date of the span").required(),
            Column(
                "locations", "int64", "count", "Locations that every date lists", unit="locations", at_least=1
            ).required(),
            c.households,
            c.individuals,
        ),
        added_along=("place",),
    )


ORIGIN_DESTINATION = Table(
    "out_dtm__origin_destination_admin1",
    "out",
    "Where the displaced and returned people of a governorate came from. Origin (IDPs) and last displacement (returnees) are opposite concepts and are never added.",
    ("series_id", "reference_date", "location_code", "to_admin1_code", "from_kind", "from_admin1_code"),
    (
        c.location_code.required(),
        Column(
            "from_admin1_code",
            "string",
            "code",
            "Governorate that people came from; null when not told or withheld",
            words="place_code",
        ),
        Column(
            "from_kind",
            "string",
            "code",
            "governorate; unknown = not told; withheld = small cells held back together",
            allowed=("governorate", "unknown", "withheld"),
        ).required(),
        Column(
            "to_admin1_code",
            "string",
            "code",
            "Governorate that people are in; null when not known",
            words="place_code",
        ),
        Column("to_admin1_name", "string", "label", "Its name in English", words="place_name"),
        c.place_basis.required(),
        *SERIES,
        Column(
            "from_meaning",
            "string",
            "code",
            "origin = where IDPs fled from; last_displacement = where returnees came back from",
            allowed=("origin", "last_displacement"),
        ).required(),
        c.households,
        c.individuals,
        c.individuals_basis,
    ),
    added_along=("from_admin1_code", "to_admin1_code"),
)

RETURN_RATE = Table(
    "out_dtm__governorate_return_rate",
    "out",
    "Of those who fled a governorate and are known, the part that is back. A method of ours, not IOM's.",
    ("series_id", "reference_date", "location_code", "admin1_code"),
    (
        *GOVERNORATE,
        *BASIS,
        *SERIES,
        Column("idp_reference_date", "date", "date", "Date of the list that tells who is still displaced"),
        Column("method_version", "string", "code", "The method and its version").required(),
        Column("returnees", "int64", "stock", "Returnees to the governorate", unit="persons", at_least=0),
        Column(
            "still_displaced",
            "int64",
            "stock",
            "IDPs whose origin is told to be the governorate, without withheld cells; null where no list of the time tells origins",
            unit="persons",
            at_least=0,
        ),
        share_column("rate", "returnees / (returnees + still_displaced)"),
        share_column("origin_unknown_share", "Part of the country's IDPs whose origin is not told, or withheld"),
    ),
    added_along=("place",),
)

SEVERITY_DRIVER = Table(
    "out_dtm__district_severity_driver",
    "out",
    "What the mean severity score of a district is made of. Sensitive indicators are left out, and districts where the rest would tell them, so that the contributions told may be less than the score.",
    ("series_id", "reference_date", *PLACE_KEY["district"], "index_name", "model_version", "indicator_code"),
    (
        *DISTRICT,
        *BASIS,
        *SERIES,
        c.index_name.required(),
        c.model_version.required(),
        c.model_illustrative.required(),
        Column("indicator_code", "string", "code", "Indicator of the model, of class public or partner").required(),
        Column("scale", "string", "code", "Scale or domain that it belongs to").required(),
        Column(
            "mean_value",
            "float64",
            "score",
            "Mean worth of the answers, 0 best and 1 worst, weighted by people",
            unit="ratio",
            at_least=0,
            at_most=1,
        ),
        Column(
            "contribution",
            "float64",
            "score",
            "Points of the mean score of 0 to 100 that the indicator makes",
            unit="score of the model",
            at_least=0,
        ),
        Column("locations", "int64", "count", "Locations that answered", unit="locations", at_least=0)
        .adding_along("place")
        .required(),
        Column("previous_reference_date", "date", "date", "The survey before, of the same model and version"),
        Column(
            "locations_assessed_twice",
            "int64",
            "count",
            "Locations that answered in both surveys",
            unit="locations",
            at_least=0,
        ).adding_along("place"),
        Column(
            "mean_value_change",
            "float64",
            "score",
            "Mean change of the worth of the answers on those locations; above 0 = worse",
            unit="ratio",
        ),
    ),
)

COUNTED = {
    "new": "Displaced newly in the report",
    "cumulative": "Displaced since the event began",
    "current": "Displaced on the day of the report",
    "returned": "Returned since the event began",
}
EVENT = Table(
    "out_dtm__event",
    "out",
    "Every report of every event by district. A later report replaces the earlier ones of its event: only `newest` ones are figures of now.",
    ("location_code", "event_id", "report_date", "admin1_code", "admin2_code"),
    (
        *DISTRICT,
        *BASIS,
        c.event_id.required(),
        Column("report_date", "date", "date", "Day of the report").required(),
        Column("event_type", "string", "code", "What happened; mixed where reports of it differ").required(),
        Column("event_date", "date", "date", "Day of the event; null when not known"),
        Column(
            "origin_admin1_code",
            "string",
            "code",
            "Governorate that people fled from; null when not known",
            words="place_code",
        ),
        Column(
            "origin_admin2_code",
            "string",
            "code",
            "District that people fled from; null when not known",
            words="place_code",
        ),
        *(
            Column(f"{name}_{unit}", "int64", "stock", said, unit=counted, at_least=0)
            for name, said in COUNTED.items()
            for unit, counted in (("households", "households"), ("individuals", "persons"))
        ),
        c.individuals_basis,
        Column(
            "cumulative_basis",
            "string",
            "code",
            "stated by the report, derived as current + returned, or mixed",
            allowed=("stated", "derived", "mixed"),
        ),
        Column(
            "moved_on_individuals",
            "int64",
            "change",
            "cumulative - current - returned: people who went elsewhere; negative where the report does not add up",
            unit="persons",
        ),
        Column("newest", "boolean", "flag", "No later report of the event is known").required(),
        Column("supersedes", "date", "date", "Day of the report that this one replaces; null for the first"),
    ),
    added_along=("place", "event_id"),
)


def climate_table(level: str) -> Table:
    """`out_dtm__{level}_climate`: people displaced by the climate, a series of their own."""
    return Table(
        f"out_dtm__{level}_climate",
        "out",
        f"People displaced by the climate {AREA[level]}: a series of its own, never added to IDPs.",
        ("series_id", "reference_date", *PLACE_KEY[level], "event_type"),
        (
            *LEVELS[level],
            *BASIS,
            *SERIES,
            Column("event_type", "string", "code", "What displaced them; null where a list does not tell it"),
            Column(
                "events", "int64", "count", "Events; null where a list gives the figure", unit="events"
            ).adding_along(),
            c.households,
            c.individuals,
            c.individuals_basis,
            Column(
                "intra_district_individuals",
                "int64",
                "stock",
                "Of them displaced within their own district; null where no origin is told",
                unit="persons",
                at_least=0,
            ),
            share_column(
                "intra_district_share",
                "Part displaced within their own district, of those whose district of origin is told",
            ),
        ),
        added_along=("place", "event_type"),
    )


def named_table(level: str, name: str) -> Table:
    """`out_dtm__{level}_need` and `_barrier`: what key informants name, by locations and the people in them."""
    said = {"need": "needs, services and conditions", "barrier": "barriers to return"}[name]
    return Table(
        f"out_dtm__{level}_{name}",
        "out",
        f"Locations {AREA[level]} by the {said} that key informants name, and the people in them. Not people in need; a location may name several, which are never added. Sensitive answers are left out.",
        ("location_code", "population_group", "reference_date", *PLACE_KEY[level][1:], "question_code", "answer_code"),
        (
            *ALL_LEVELS[level],
            *BASIS,
            c.population_group,
            c.reference_date.required(),
            Column("theme", "string", "code", "need, service, condition or barrier").required(),
            Column("question_code", "string", "code", "Question, or sector").required(),
            Column("answer_code", "string", "code", "Answer").required(),
            Column(
                "locations", "int64", "count", "Locations that gave the answer", unit="locations", at_least=1
            ).required(),
            c.individuals,
            Column(
                "locations_assessed",
                "int64",
                "count",
                "Locations that answered the question; null of a question with sensitive answers, which it would tell",
                unit="locations",
                at_least=1,
            ),
            Column("individuals_assessed", "int64", "stock", "People in them", unit="persons", at_least=0),
            share_column("share_of_locations", "locations / locations_assessed"),
        ),
        added_along=("place",),
    )


MIGRANT_PRESENCE = Table(
    "out_dtm__governorate_migrant_presence",
    "out",
    "Migrants present in a governorate by nationality.",
    ("location_code", "reference_date", "admin1_code", "nationality"),
    (
        *GOVERNORATE,
        *BASIS,
        c.reference_date.required(),
        Column("nationality", "string", "label", "Nationality in the provider's words", words="nationality").required(),
        Column("individuals", "int64", "stock", "Migrants", unit="persons", at_least=0),
    ),
    added_along=("place", "nationality"),
)

POPULATION_BASELINE = Table(
    "out_meta__population_baseline",
    "out",
    "Residents of a district, where a source gives them.",
    ("series_id", "reference_date", *PLACE_KEY["district"]),
    (
        *DISTRICT,
        *BASIS,
        *SERIES,
        Column("source_kinds", "string", "label", "Kinds of the deliveries that the figure comes from").required(),
        Column("individuals", "int64", "stock", "Residents", unit="persons", at_least=0),
    ),
    added_along=("place",),
)

DIFFERENCES = {
    "date": "because theirs is of another day",
    "coverage": "because theirs is of fewer areas",
    "definition": "because theirs counts others (people in camps only)",
    "size_rule": "because theirs follows another household size",
    "unit": "because theirs is in households",
    "residual": "that nothing of the above explains",
}
RECONCILIATION = Table(
    "out_dtm__reconciliation",
    "out",
    "Our figure beside that of others for the same group, and why they differ. Both are kept; ours - theirs is the sum of the parts.",
    ("series_id", "location_code", "population_group", "other_source", "other_provider", "other_reference_date"),
    (
        c.location_code.required(),
        *SERIES,
        Column(
            "other_source", "string", "code", "Kind of the other source, with its level where it is one of ours"
        ).required(),
        Column("other_provider", "string", "label", "Who gives the other figure", words="provider").required(),
        Column("other_reference_date", "date", "date", "The date that the other figure stands for").required(),
        Column("ours", "int64", "stock", "Our figure at reference_date", unit="persons", at_least=0).adding_along(),
        Column(
            "theirs",
            "int64",
            "stock",
            "The other figure as published, in theirs_unit",
            unit="households or persons, see theirs_unit",
            at_least=0,
        ).adding_along(),
        Column(
            "theirs_unit", "string", "code", "Unit of the other figure", allowed=("households", "individuals")
        ).required(),
        *(
            Column(
                f"{part}_part" if part != "residual" else part,
                "int64",
                "change",
                f"Difference {said}; null for cumulative figures",
                unit="persons",
            ).adding_along()
            for part, said in DIFFERENCES.items()
        ),
        Column(
            "date_method",
            "string",
            "code",
            "How dates are brought together: interpolated between ours around theirs, or the nearest of ours",
            allowed=("same_date", "interpolated", "nearest"),
        ).required(),
        Column("areas_compared", "int64", "count", "Areas that the other source gives", unit="areas").adding_along(),
        Column("cumulative", "boolean", "flag", "The other figure counts from a beginning; it is no stock").required(),
    ),
    rules=(
        Rule(
            "parts_sum_to_the_difference",
            "date_part + coverage_part + definition_part + size_rule_part + unit_part + residual = ours - theirs",
            "the parts of a difference sum to it",
        ),
    ),
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
        Column("rows", "int64", "count", "Rows used", unit="rows").adding_along().required(),
        c.households.adding_along(),
        c.individuals.adding_along(),
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
            "partial = more was rejected than the threshold allows, or a newer delivery is held; held = nothing of the source and date is used until a person says which of its deliveries counts; refused = a gate refused the country, which has no release before",
            allowed=("complete", "partial", "held", "refused"),
        ).required(),
        Column(
            "kept_from_release",
            "string",
            "label",
            "The release that the country's figures are of, where a gate refused newer ones; null otherwise",
        ),
        Column(
            "kept_age_days",
            "int64",
            "count",
            "Days from the newest date of the kept figures of the country to the newest date of the release; null otherwise",
            unit="days",
            at_least=0,
        ).adding_along(),
        Column(
            "kept_because",
            "string",
            "label",
            "Which gate refused the country's newer figures, and what did not hold; null otherwise",
        ),
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
            "assessed = a figure stands; zero = the source states zero; not_assessed = nothing known; unknown = people stand in the governorate or the country without a district",
            allowed=("assessed", "zero", "not_assessed", "unknown"),
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
        Column("code", "string", "code", "Code of the unit", words="place_code").required(),
        Column("name_en", "string", "label", "Name in English", words="place_name"),
        Column("name_local", "string", "label", "Name in the local language, where known", words="place_name"),
        Column("parent_code", "string", "code", "Unit that it lies in", words="place_code").required(),
        Column("latitude", "float64", "evidence", "Latitude of one inner point", unit="degree"),
        Column("longitude", "float64", "evidence", "Longitude of one inner point", unit="degree"),
        c.boundary_edition,
    ),
)

TABLES = (
    *(stock_table(level, "idp", "idp", ("idp",)) for level in ALL_LEVELS),
    *(stock_table(level, "returnee", "returnee", RETURNEES) for level in ALL_LEVELS),
    *(arrival_table(level) for level in LEVELS),
    *(change_table(level) for level in LEVELS),
    *(panel_table(level) for level in LEVELS),
    *(severity_class_table(level) for level in LEVELS),
    *(severity_score_table(level) for level in LEVELS),
    SEVERITY_DRIVER,
    *(breakdown_table(level, dimension) for level in LEVELS for dimension in BREAKDOWN_DIMENSIONS),
    ORIGIN_DESTINATION,
    RETURN_RATE,
    EVENT,
    *(climate_table(level) for level in LEVELS),
    *(named_table(level, name) for name in ("need", "barrier") for level in ("district", "subdistrict")),
    MIGRANT_PRESENCE,
    BORDER_FLOW_DAILY,
    LATEST,
    LATEST_ALL,
    RECONCILIATION,
    ROUND,
    COVERAGE,
    SERIES_META,
    ADMIN_UNIT,
    POPULATION_BASELINE,
)
