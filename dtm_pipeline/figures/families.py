"""Families of tables: the facts that each needs, the tables that it makes, and the methods in between."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts import core, out, raw
from dtm_pipeline.domain import events as event_methods
from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.domain.breakdowns import breakdown_by_areas
from dtm_pipeline.domain.change import (
    change_by_area,
    change_of_districts,
    comparable_panel,
    consecutive_dates,
    dates_apart,
    with_dynamics,
)
from dtm_pipeline.domain.confidence import ConfidenceRules, evidence_by_area, graded
from dtm_pipeline.domain.flows import daily
from dtm_pipeline.domain.needs import named_by_area
from dtm_pipeline.domain.origins import origin_destination, return_rates
from dtm_pipeline.domain.precedence import LEVEL_NAMES
from dtm_pipeline.domain.reconciliation import PARTS, reconcile
from dtm_pipeline.domain.rounds import coverage, rounds, series_table
from dtm_pipeline.domain.severity import class_by_area, drivers, hotspots, score_by_area
from dtm_pipeline.domain.severity_robustness import class_kept_share
from dtm_pipeline.domain.stocks import (
    AREA_CODES,
    LOCATION_LEVEL,
    SERIES_KEY,
    arrivals_by_area,
    names_and_basis,
    newest_figures,
    stock_by_area,
    stock_by_areas,
    with_ages,
    with_subdistricts,
)
from dtm_pipeline.figures.parameters import Parameters

Facts = dict[str, pl.DataFrame]
Tables = dict[str, pl.DataFrame]
MODEL = ["index_name", "model_version"]
STOCKS = {"idp": ("idp",), "returnee": out.RETURNEES}


@dataclass(frozen=True)
class Family:
    """Tables that share facts and steps.

    Attributes:
        inputs: names of the tables of facts.
        tables: names of the tables that it makes.
        make: facts of one country and its parameters to those tables.
    """

    name: str
    inputs: tuple[str, ...]
    tables: tuple[str, ...]
    make: Callable[[Facts, Parameters], Tables]


def stocks(facts: Facts, p: Parameters) -> Tables:
    """Stocks with their confidence, change and panels, arrivals, the newest figure of each series, residents."""
    stock, totals = facts[core.STOCK.name], facts[core.SOURCE_TOTAL.name]
    made = _changes(stock, p)
    accounts = _informants(facts[core.LOCATION_ASSESSMENT.name], stock, p)
    updated = {s.series_id: s.updated_share for s in p.registry if s.updated_share is not None}
    detailed = with_subdistricts(stock)
    told = {name: _by_level(stock, detailed, groups, name) for name, groups in STOCKS.items()}
    for level in out.ALL_LEVELS:
        of_level = detailed if level == "subdistrict" else stock
        evidence = evidence_by_area(of_level, level, accounts, facts[core.STATEMENT.name], updated, p.confidence)
        evidence = graded(_with_changes(evidence, made, level, p.confidence), p.confidence)
        for name in STOCKS:
            made[f"out_dtm__{level}_{name}"] = told[name][level].join(
                evidence, on=[*SERIES_KEY, *AREA_CODES[level]], how="left", nulls_equal=True
            )
    for level in out.LEVELS:
        made[f"out_dtm__{level}_arrival"] = arrivals_by_area(stock, level)
        made[f"out_dtm__{level}_comparable_panel"] = comparable_panel(
            stock, p.change.dynamics_months, p.change.dynamics_tolerance_days, level
        )
    made[core.NEWEST_FIGURE.name] = newest_figures(stock, p.series_of(totals), totals)
    made[out.POPULATION_BASELINE.name] = _residents(stock)
    return made


def _by_level(stock: pl.DataFrame, detailed: pl.DataFrame, groups: tuple[str, ...], name: str) -> Tables:
    """The stock of some groups at each level; `detailed` are the rows of rounds that carry sub-districts."""
    mine, deeper = (f.filter(pl.col("population_group").is_in(groups)) for f in (stock, detailed))
    return stock_by_areas(mine, ("district", "governorate"), name) | stock_by_areas(deeper, ("subdistrict",), name)


def _changes(stock: pl.DataFrame, p: Parameters) -> Tables:
    pairs = consecutive_dates(stock)
    year = dates_apart(stock, p.change.dynamics_months, p.change.dynamics_tolerance_days)
    parts = change_of_districts(stock, pl.concat([pairs, year]).unique(), p.size_rules, p.registers)
    return {
        f"out_dtm__{level}_change": with_dynamics(
            change_by_area(stock, parts, pairs, level), parts, year, level, p.change
        )
        for level in out.LEVELS
    }


def _with_changes(evidence: pl.DataFrame, changes: Tables, level: str, rules: ConfidenceRules) -> pl.DataFrame:
    """How the date before is covered and how many times itself an area is; of sub-districts neither is known."""
    if level not in out.LEVELS:
        return evidence.with_columns(covered_share=pl.lit(None, pl.Float64), change_factor=pl.lit(None, pl.Float64))
    key = [*SERIES_KEY, *AREA_CODES[level]]
    before, now = pl.col("previous_individuals"), pl.col("current_individuals")
    large = (pl.max_horizontal(before, now) >= rules.jump_min_individuals) & (before > 0)
    told = changes[f"out_dtm__{level}_change"].select(
        *key, "covered_share", change_factor=pl.when(large).then(now / before)
    )
    return evidence.join(told, on=key, how="left", nulls_equal=True)


def _informants(assessments: pl.DataFrame, stock: pl.DataFrame, p: Parameters) -> pl.DataFrame:
    """What key informants of location assessments say of the people at a location, at the stock's nearest date."""
    own = pl.col("individuals").is_not_null() & pl.col("population_group").is_not_null() & pl.col("leads")
    said = assessments.filter(own).select("population_group", "place_id", "individuals", _on="reference_date")
    dates = stock.filter("leads").select("series_id", "population_group", "reference_date").unique()
    days = (pl.col("reference_date") - pl.col("_on")).dt.total_days().abs()
    return (
        said.join(dates, on="population_group")
        .with_columns(_days=days)
        .filter(pl.col("_days") <= p.confidence.verified_within_days)
        .filter(pl.col("_days") == pl.col("_days").min().over("series_id", "place_id", "_on"))
        .select("series_id", "reference_date", "place_id", "individuals")
    )


def _residents(stock: pl.DataFrame) -> pl.DataFrame:
    key = [*SERIES_KEY, *AREA_CODES["district"]]
    return (
        stock.filter("leads", pl.col("population_group") == "resident")
        .group_by(key)
        .agg(
            *names_and_basis("district"),
            known_sum("individuals"),
            source_kinds=pl.col("source_kind").unique().sort().str.join(", "),
        )
        .sort(key)
    )


def breakdowns(facts: Facts, p: Parameters) -> Tables:
    """One table a dimension and level, origin and destination, and the return rate."""
    cells, stock = facts[core.BREAKDOWN.name], facts[core.STOCK.name]
    every = breakdown_by_areas(cells, ("district", "governorate"), p.small)
    made = {
        f"out_dtm__{level}_{dimension}": _labelled(told.filter(dimension=dimension), dimension, p)
        for level, told in every.items()
        for dimension in core.BREAKDOWN_DIMENSIONS
    }
    flows = origin_destination(every["governorate"])
    returned = stock.filter(pl.col("population_group") == "idp_returnee")
    made[out.ORIGIN_DESTINATION.name] = flows
    made[out.RETURN_RATE.name] = return_rates(
        stock_by_area(returned, "governorate", "returnee"), flows, p.headline(), p.return_rate
    )
    return made


def _labelled(cells: pl.DataFrame, dimension: str, p: Parameters) -> pl.DataFrame:
    labels = p.categories.filter(dimension=dimension).select(
        "category_code",
        "category_class",
        category_label="label",
        comparable_category_code=pl.when(pl.col("comparable_code") != "").then("comparable_code"),
    )
    return cells.join(labels, on="category_code", how="left")


def severity(facts: Facts, p: Parameters) -> Tables:
    """Classes, mean scores with how sure their class is, hotspots, drivers."""
    located, scales, values = (facts[t.name] for t in (core.SEVERITY, core.SEVERITY_SCALE, core.SEVERITY_VALUE))
    known = _with_known_stock(located, facts[core.STOCK.name], p)
    spots = hotspots(located, scales, p.models)
    told = _illustrative(p)
    made: Tables = {
        out.SEVERITY_DRIVER.name: drivers(located, values, p.models, p.small.locations).join(told, on=MODEL, how="left")
    }
    for level in out.LEVELS:
        key = [*SERIES_KEY, *AREA_CODES[level], "index_name", "model_version"]
        scores = score_by_area(located, level, known)
        kept = class_kept_share(located, values, p.models, level, p.robustness)
        hot = spots.group_by(key).agg(
            hotspot_subdistricts=pl.when(pl.col("hotspot").count() > 0).then(pl.col("hotspot").sum().cast(pl.Int64))
        )
        made[f"out_dtm__{level}_severity_class"] = class_by_area(located, level).join(told, on=MODEL, how="left")
        made[f"out_dtm__{level}_severity_score"] = _classified(
            scores.join(kept, on=key, how="left", nulls_equal=True).join(hot, on=key, how="left", nulls_equal=True), p
        ).join(told, on=MODEL, how="left")
    return made


def _illustrative(p: Parameters) -> pl.DataFrame:
    """index_name, model_version, model_illustrative of every model."""
    return pl.DataFrame(
        [(m.index_name, m.model_version, m.illustrative) for m in p.models],
        schema={"index_name": pl.String, "model_version": pl.String, "model_illustrative": pl.Boolean},
        orient="row",
    )


def _with_known_stock(located: pl.DataFrame, stock: pl.DataFrame, p: Parameters) -> pl.DataFrame:
    """series_id and reference_date of surveys with a list of locations near enough in time (severity models say)."""
    tolerance = pl.DataFrame(
        [(m.index_name, m.model_version, m.stock_date_tolerance_days) for m in p.models],
        schema={"index_name": pl.String, "model_version": pl.String, "_days": pl.Int64},
        orient="row",
    )
    lists = stock.filter("leads", pl.col("admin_level") == LOCATION_LEVEL).select("series_id", _on="reference_date")
    surveys = located.select("series_id", "reference_date", "index_name", "model_version").unique()
    apart = (pl.col("reference_date") - pl.col("_on")).dt.total_days().abs()
    near = surveys.join(tolerance, on=["index_name", "model_version"]).join(lists.unique(), on="series_id")
    return near.filter(apart <= pl.col("_days")).select("series_id", "reference_date").unique()


def _classified(scores: pl.DataFrame, p: Parameters) -> pl.DataFrame:
    """The class of each area's mean score, by the cut-offs of its model."""
    name = pl.lit(None, pl.String)
    for model in p.models:
        mine = (pl.col("index_name") == model.index_name) & (pl.col("model_version") == model.model_version)
        name = pl.when(mine).then(model.classes(pl.col("score_mean"))).otherwise(name)
    return scores.with_columns(severity_class=name)


def events(facts: Facts, p: Parameters) -> Tables:
    """Reports of events, and displacement by the climate from events and from lists of its own."""
    reports, stock = facts[core.EVENT.name], facts[core.STOCK.name]
    by_climate = event_methods.with_people(reports, p.size_rules, "climate_idp")
    lists = stock.filter("leads", pl.col("population_group") == "climate_idp")
    made = {out.EVENT.name: event_methods.event_table(event_methods.with_people(reports, p.size_rules))}
    for level in out.LEVELS:
        listed = stock_by_area(lists, level, "idp").rename(
            {"idp_households": "households", "idp_individuals": "individuals"}
        )
        made[f"out_dtm__{level}_climate"] = pl.concat(
            [event_methods.climate_displacement(by_climate, level), listed], how="diagonal"
        )
    return made


def needs(facts: Facts, p: Parameters) -> Tables:
    """Needs and barriers by locations and the people in them."""
    assessed, answers = facts[core.LOCATION_ASSESSMENT.name], facts[raw.LOCATION_ANSWER.name]
    themes = {"need": ("need", "service", "condition"), "barrier": ("barrier",)}
    return {
        f"out_dtm__{level}_{name}": named_by_area(assessed, answers, p.size_rules, level, told)
        for name, told in themes.items()
        for level in ("district", "subdistrict")
    }


def presence(facts: Facts, p: Parameters) -> Tables:
    """Migrants present, by nationality."""
    key = ["location_code", "reference_date", "admin1_code", "nationality"]
    rows = facts[core.MIGRANT_PRESENCE.name].filter("leads")
    return {
        out.MIGRANT_PRESENCE.name: rows.group_by(key)
        .agg(*names_and_basis("governorate"), known_sum("individuals"))
        .sort(key)
    }


def border_flows(facts: Facts, p: Parameters) -> Tables:
    """Movements a day."""
    return {out.BORDER_FLOW_DAILY.name: daily(facts[core.BORDER_FLOW.name])}


def reconciliation(facts: Facts, p: Parameters) -> Tables:
    """Our figures beside those of others, and of the sources that do not lead."""
    stock, others = facts[core.STOCK.name], facts[core.OTHER_FIGURE.name]
    leading = stock.filter("leads")
    told = reconcile(
        leading,
        pl.concat([_other_sources(stock), _others(others, p.headline())], how="diagonal"),
        p.size_rules,
        p.reconciliation,
    )
    return {out.RECONCILIATION.name: told.rename({part: f"{part}_part" for part in PARTS})}


def _other_sources(stock: pl.DataFrame) -> pl.DataFrame:
    """Sources that came by another way or at another level than the one that leads."""
    level = pl.col("admin_level").replace_strict(LEVEL_NAMES, return_dtype=pl.String)
    return stock.filter(~pl.col("leads")).select(
        "location_code",
        "population_group",
        "admin1_code",
        "admin2_code",
        "households",
        "individuals",
        "series_id",
        other_source=pl.format("{} by {}", "source_kind", level),
        other_provider=pl.lit("IOM DTM"),
        # the tolerance of the series has already joined dates that are one round's
        other_reference_date="reference_date",
        definition=pl.lit("all"),
        cumulative=pl.lit(False),
    )


def _others(figures: pl.DataFrame, headline: dict[str, str]) -> pl.DataFrame:
    """Figures of others, beside the headline series of their group; a group without one has nothing to compare with."""
    camps = pl.col("source_kind") == "camp_list"
    return (
        figures.filter("leads")
        .select(
            "location_code",
            "population_group",
            "admin1_code",
            "admin2_code",
            "households",
            "individuals",
            series_id=pl.col("population_group").replace_strict(headline, default=None, return_dtype=pl.String),
            other_source="source_kind",
            other_provider="provider",
            other_reference_date="reference_date",
            definition=pl.when(camps).then(pl.lit("camps")).otherwise(pl.lit("all")),
            cumulative="cumulative",
        )
        .filter(pl.col("series_id").is_not_null())
    )


def meta(facts: Facts, p: Parameters) -> Tables:
    """Rounds, coverage, series and units."""
    stock, totals = facts[core.STOCK.name], facts[core.SOURCE_TOTAL.name]
    return {
        out.ROUND.name: rounds(totals, p.rejected, p.partial_above, p.registers.rounds),
        out.COVERAGE.name: coverage(stock, p.gazetteer.districts()),
        out.SERIES_META.name: series_table(p.series_of(totals), totals),
        out.ADMIN_UNIT.name: _units(stock, p),
    }


def _units(stock: pl.DataFrame, p: Parameters) -> pl.DataFrame:
    """Units of the gazetteer; without one, those that the provider names."""
    units = p.gazetteer.units
    if not units.is_empty():
        return units.rename({"edition": "boundary_edition"})
    rows = stock.filter(pl.col("place_basis") == "provider")
    levels = [
        rows.filter(pl.col(f"admin{n}_code").is_not_null())
        .group_by("location_code", code=f"admin{n}_code")
        .agg(
            pl.col(f"admin{n}_name").drop_nulls().min().alias("name_en"),
            (pl.col("location_code") if n == 1 else pl.col("admin1_code")).drop_nulls().first().alias("parent_code"),
        )
        .with_columns(admin_level=pl.lit(n, pl.Int64))
        for n in (1, 2)
    ]
    return pl.concat(levels, how="diagonal")


def make_all(facts: Facts, p: Parameters) -> Tables:
    """Every table of a country that stands alone, the families side by side: Polars works outside of Python's lock.

    Args:
        facts: every table that FAMILIES name as inputs.
        p: parameters of the country.
    """
    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        making = [side_by_side.submit(f.make, {n: facts[n] for n in f.inputs}, p) for f in FAMILIES]
        tables = {name: frame for made in making for name, frame in made.result().items()}
    return tables | latest_tables(tables.pop(core.NEWEST_FIGURE.name))


def latest_tables(figures: pl.DataFrame) -> Tables:
    """The newest figures of every country: those that are the country's, and the others with the reason.

    Args:
        figures: core_dtm__newest_figure of all countries of a release.
    """
    aged = with_ages(figures)
    is_latest = pl.col("why_not_latest").is_null()
    return {out.LATEST.name: aged.filter(is_latest), out.LATEST_ALL.name: aged.filter(~is_latest)}


def _names(*kinds: str, levels: tuple[str, ...] = tuple(out.LEVELS)) -> tuple[str, ...]:
    return tuple(f"out_dtm__{level}_{kind}" for kind in kinds for level in levels)


STOCK, TOTAL = core.STOCK.name, core.SOURCE_TOTAL.name
FAMILIES = (
    Family(
        "stock_tables",
        (STOCK, TOTAL, core.STATEMENT.name, core.LOCATION_ASSESSMENT.name),
        (
            *_names(*STOCKS, levels=tuple(out.ALL_LEVELS)),
            *_names("arrival", "change", "comparable_panel"),
            core.NEWEST_FIGURE.name,
            out.POPULATION_BASELINE.name,
        ),
        stocks,
    ),
    Family(
        "breakdown_tables",
        (core.BREAKDOWN.name, STOCK),
        (*_names(*core.BREAKDOWN_DIMENSIONS), out.ORIGIN_DESTINATION.name, out.RETURN_RATE.name),
        breakdowns,
    ),
    Family(
        "severity_tables",
        (core.SEVERITY.name, core.SEVERITY_SCALE.name, core.SEVERITY_VALUE.name, STOCK),
        (*_names("severity_class", "severity_score"), out.SEVERITY_DRIVER.name),
        severity,
    ),
    Family("event_tables", (core.EVENT.name, STOCK), (out.EVENT.name, *_names("climate")), events),
    Family(
        "need_tables",
        (core.LOCATION_ASSESSMENT.name, raw.LOCATION_ANSWER.name),
        _names("need", "barrier", levels=("district", "subdistrict")),
        needs,
    ),
    Family("presence_tables", (core.MIGRANT_PRESENCE.name,), (out.MIGRANT_PRESENCE.name,), presence),
    Family("border_flow_tables", (core.BORDER_FLOW.name,), (out.BORDER_FLOW_DAILY.name,), border_flows),
    Family("reconciliation_tables", (STOCK, core.OTHER_FIGURE.name), (out.RECONCILIATION.name,), reconciliation),
    Family(
        "meta_tables",
        (STOCK, TOTAL),
        (out.ROUND.name, out.COVERAGE.name, out.SERIES_META.name, out.ADMIN_UNIT.name),
        meta,
    ),
)
