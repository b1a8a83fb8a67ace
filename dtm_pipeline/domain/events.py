"""Events: who was displaced, is displaced now, and went back. Method: docs/method/events.md.

A later report of an event at a place replaces the earlier ones of that place. Cumulative displaced = current + returned (+ moved on).
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.aggregate import complete_sum, known_sum, one_or_mixed
from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.stocks import AREA_CODES, names_and_basis

MEASURES = ("new", "cumulative", "current", "returned")
UNITS = ("households", "individuals")
CLIMATE_TYPES = ("flood", "drought", "storm", "heat", "fire")
DISTRICT = AREA_CODES["district"]


def newest_reports(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `newest`: of the newest report of their event at their place, in the delivery that leads.

    Args:
        rows: event_id, event_place, reference_date (of the report), leads (of the newest delivery of the report).

    Returns:
        The rows, in their order. Earlier reports stay: what an event was thought to be is kept. Rows of replaced
        deliveries do not lead and are in no figure.
    """
    last = pl.when("leads").then("reference_date").max().over("event_id", "event_place")
    return rows.with_columns(newest=pl.col("leads") & (pl.col("reference_date") == last))


def individuals_of(households: str, individuals: str) -> pl.Expr:
    """Persons as the source counts them, else its households by the size rule outside camps."""
    by_rule = (pl.col(households) * pl.col("size_out_of_camp")).round(0).cast(pl.Int64)
    return pl.coalesce(individuals, by_rule)


def with_people(events: pl.DataFrame, rules: tuple[SizeRule, ...], group: str = "idp") -> pl.DataFrame:
    """Leading reports with persons by the country's size rule where they give only households, and `individuals_basis`."""
    led = events.filter("leads").with_columns(population_group=pl.lit(group))
    sized = with_sizes(led, rules)
    filled = pl.any_horizontal(
        pl.col(f"{m}_individuals").is_null() & pl.col(f"{m}_households").is_not_null() for m in MEASURES
    )
    known = pl.any_horizontal(pl.col(f"{m}_individuals").is_not_null() for m in MEASURES)
    by_rule = filled & pl.col("size_out_of_camp").is_not_null()
    return sized.with_columns(
        *(individuals_of(f"{m}_households", f"{m}_individuals").alias(f"{m}_individuals") for m in MEASURES),
        individuals_basis=pl.when(by_rule & known)
        .then(pl.lit("mixed"))
        .when(by_rule)
        .then(pl.lit("rule"))
        .when(known)
        .then(pl.lit("counted")),
    )


def event_table(events: pl.DataFrame) -> pl.DataFrame:
    """Every report of every event by district, which report it replaces, and whether its figures hold together.

    What a row does not state and follows from the rest is derived: cumulative = current + returned. `moved_on` is what
    cumulative exceeds the two by: people who went elsewhere, or a report that does not add up when it is negative. It is
    known where every row of the district tells all three.

    Args:
        events: rows of core_dtm__event, with_people.

    Returns:
        event_id, report_date, district columns, event_type, event_date, origin codes, MEASURES in households and
        individuals, cumulative_basis (stated, derived, mixed), moved_on_individuals, newest, supersedes.
    """
    key = ["location_code", "event_id", "reference_date"]
    place = ["location_code", "event_id", "event_place"]
    reports = events.select(*place, "reference_date").unique().sort(*place, "reference_date")
    reports = reports.with_columns(supersedes=pl.col("reference_date").shift(1).over(place))
    area = [*key, *DISTRICT[1:]]
    both = {u: pl.col(f"current_{u}") + pl.col(f"returned_{u}") for u in UNITS}
    stated = pl.col("cumulative_individuals").is_not_null()
    rows = (
        events.join(reports, on=[*place, "reference_date"], nulls_equal=True)
        .with_columns(
            *(pl.coalesce(f"cumulative_{u}", both[u]).alias(f"cumulative_{u}") for u in UNITS),
            cumulative_basis=pl.when(stated)
            .then(pl.lit("stated"))
            .when(both["individuals"].is_not_null())
            .then(pl.lit("derived")),
        )
        .with_columns(moved_on_individuals=pl.col("cumulative_individuals") - both["individuals"])
    )
    return (
        rows.group_by(area)
        .agg(
            *names_and_basis("district"),
            one_or_mixed("event_type"),
            pl.col("event_date").min(),
            one_or_mixed("origin_admin1_code"),
            one_or_mixed("origin_admin2_code"),
            *(known_sum(f"{m}_{u}") for m in MEASURES for u in UNITS),
            one_or_mixed("individuals_basis"),
            one_or_mixed("cumulative_basis"),
            complete_sum("moved_on_individuals"),
            pl.col("newest").any(),
            pl.col("supersedes").max(),
        )
        .with_columns(report_date="reference_date")
        .sort(area)
    )


def climate_displacement(events: pl.DataFrame, level: str) -> pl.DataFrame:
    """People displaced by the climate, date by date: each event at the newest report of each of its places up to that date.

    Args:
        events: rows of core_dtm__event, with_people of group climate_idp; types outside CLIMATE_TYPES are left out.
        level: `governorate` or `district`.

    Returns:
        series_id (`<country>_climate_event`), population_group climate_idp, reference_date, place columns, event_type,
        events, households, individuals (displaced now), intra_district_individuals and intra_district_share: of those
        whose district of origin is told, the part displaced within it; null where no origin is told.
    """
    mine = events.filter(pl.col("event_type").is_in(CLIMATE_TYPES))
    dates = mine.select("location_code", "reference_date").unique()
    place = ["location_code", "event_id", "event_place"]
    reports = mine.select(*place, _report="reference_date").unique()
    known = (
        dates.join(reports, on="location_code")
        .filter(pl.col("_report") <= pl.col("reference_date"))
        .group_by(*place, "reference_date")
        .agg(pl.col("_report").max())
    )
    now = {u: pl.coalesce(f"current_{u}", pl.col(f"cumulative_{u}") - pl.col(f"returned_{u}")) for u in UNITS}
    rows = mine.rename({"reference_date": "_report"}).with_columns(**now)
    within = pl.col("origin_admin2_code") == pl.col("admin2_code")
    area = ["series_id", "population_group", "reference_date", *AREA_CODES[level], "event_type"]
    told = pl.col("individuals").filter(within.is_not_null()).sum()
    known_within = (within.is_not_null() & pl.col("individuals").is_not_null()).any()
    return (
        known.join(rows, on=[*place, "_report"], nulls_equal=True)
        .with_columns(
            series_id=pl.col("location_code").str.to_lowercase() + "_climate_event",
            population_group=pl.lit("climate_idp"),
        )
        .group_by(area)
        .agg(
            *names_and_basis(level),
            complete_sum("households"),
            complete_sum("individuals"),
            one_or_mixed("individuals_basis"),
            events=pl.col("event_id").n_unique().cast(pl.Int64),
            intra_district_individuals=pl.when(known_within).then(
                pl.col("individuals").filter(within.fill_null(False)).sum()
            ),
            intra_district_share=pl.when(told > 0).then(
                pl.col("individuals").filter(within.fill_null(False)).sum() / told
            ),
        )
        .sort(area)
    )
