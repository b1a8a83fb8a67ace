"""Facts of each country whose deliveries, boundaries, decisions, reference data or code changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import chain
from typing import Any

import dagster as dg
import polars as pl

from assets.workspace import InWorkspace, Workspace, guarded, progress, spec
from dtm_pipeline.contracts import core, raw, table
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.precedence import Reissue
from dtm_pipeline.domain.stocks import LOCATION_LEVEL
from dtm_pipeline.facts.border_flow import border_flow_facts
from dtm_pipeline.facts.breakdown import area_cells, breakdown_facts
from dtm_pipeline.facts.observed import observed_facts
from dtm_pipeline.facts.plausible import Plausibility
from dtm_pipeline.facts.severity import severity_facts
from dtm_pipeline.facts.stock import Deliveries, Edition, EditionAt, RawStocks, StockFacts, stock_facts
from dtm_pipeline.places.editions import cell_index, edition_for
from dtm_pipeline.places.locations import LocationRules, location_master
from dtm_pipeline.storage.reviews import decided
from dtm_pipeline.storage.tables import Parts, StoredParts, judged

STOCK_TABLES = (core.STOCK, core.SOURCE_TOTAL, core.DELIVERY_ROLE, core.REVIEW, core.STATEMENT, core.FINDING)


def of_country(parts: StoredParts, workspace: Workspace, country: str) -> pl.DataFrame:
    """The raw rows of a country, from its accepted deliveries."""
    rows = parts.read_all(s.sha256 for s in workspace.accepted(country))
    return rows.filter(pl.col("location_code") == country) if "location_code" in rows.columns else rows


def shelter_cells(parts: StoredParts, workspace: Workspace, country: str) -> pl.DataFrame:
    """The cells of shelter of a country's lists, which tell who is in camps."""
    told = [parts.read(s.sha256).filter(dimension="shelter") for s in workspace.accepted(country)]
    return pl.concat([empty(raw.MASTER_LIST_CELL), *told])


def deliveries_of(workspace: Workspace, country: str) -> pl.DataFrame:
    """snapshot_id, intake, statement and told_series of a country's accepted deliveries."""
    rows = [
        (
            s.sha256,
            s.intake,
            next((word for word in ("adds", "replaces") if s.statement.get(word)), None),
            s.statement.get("series"),
        )
        for s in workspace.accepted(country)
    ]
    schema = {
        "snapshot_id": pl.String,
        "intake": pl.Int64,
        "statement": pl.String,
        "told_series": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def plausibility_of(workspace: Workspace, country: str, quarantine: pl.DataFrame) -> Plausibility:
    """What the statements of a country are judged by: rules, decisions, and what is known of each delivery."""
    reference = workspace.reference
    rows = [
        (
            s.sha256,
            date.fromisoformat(s.received_at[:10]),
            *_control_total(s.report["findings"]),
            any(f["finding"] == "breakdown_unit_differs" for f in s.report["findings"]),
            any(sheet.get("reference_date_from") == "file name" for sheet in s.report.get("sheets", [])),
        )
        for s in workspace.accepted(country)
    ]
    schema = {
        "snapshot_id": pl.String,
        "received_on": pl.Date,
        "control_gap": pl.Float64,
        "control_stated": pl.String,
        "control_read": pl.String,
        "unit_differs": pl.Boolean,
        "date_inferred": pl.Boolean,
    }
    return Plausibility(
        reference.plausibility,
        decided(workspace.home),
        reference.known_jumps,
        quarantine,
        pl.DataFrame(rows, schema=schema, orient="row"),
    )


def _control_total(findings: list[dict[str, Any]]) -> tuple[float | None, str | None, str | None]:
    """The share of a list by which a totals row differs most, what it states and what the rows add to; None where none does."""
    differ = [f for f in findings if f["finding"] == "control_total_differs"]
    most = max(differ, key=lambda f: f["share"] or 0.0, default=None)
    if most is None:
        return None, None, None
    return most["share"] or 0.0, most.get("stated"), most.get("read")


def editions_of(workspace: Workspace, country: str) -> EditionAt:
    """The boundary edition of a day, each read once."""
    boundaries = workspace.home.boundaries

    @cache
    def index(name: str | None) -> Any:
        return cell_index(boundaries, country, name)

    @cache
    def at(day: date) -> Edition | None:
        chosen = edition_for(boundaries, country, day)
        return Edition(chosen.edition, index(chosen.edition), chosen.covers) if chosen else None

    return at


def validated(frames: dict[str, pl.DataFrame], name: str, gone: set[str]) -> Parts:
    """The parts of a core table, each validated in full by its contract.

    Raises:
        ContractBrokenError: a part breaks it; nothing of the table is written.
    """
    return Parts({country: judged(frame, table(name)) for country, frame in frames.items()}, gone)


@dg.multi_asset(
    outs={t.name: dg.AssetOut(**spec(t.name, {"polars", "geopandas", "parquet"})) for t in STOCK_TABLES},
)
@guarded
def stocks(
    workspace: InWorkspace,
    raw_dtm__master_list: StoredParts,
    raw_dtm__master_list_cell: StoredParts,
    raw_dtm__location_database: StoredParts,
    raw_dtm__location_database_count: StoredParts,
    raw_dtm__baseline_location: StoredParts,
    raw_dtm__api_figure: StoredParts,
    quarantine_dtm__row: StoredParts,
) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    gazetteer = workspace.gazetteer()
    reference = workspace.reference
    facts: dict[str, StockFacts] = {}
    for country in stale:
        progress.info("placing %s", country)
        facts[country] = stock_facts(
            RawStocks(
                master_list=of_country(raw_dtm__master_list, workspace, country),
                shelter_cells=shelter_cells(raw_dtm__master_list_cell, workspace, country),
                location_database=of_country(raw_dtm__location_database, workspace, country),
                location_database_count=of_country(raw_dtm__location_database_count, workspace, country),
                baseline=of_country(raw_dtm__baseline_location, workspace, country),
                areas=of_country(raw_dtm__api_figure, workspace, country),
            ),
            Deliveries(deliveries_of(workspace, country)),
            reference.series,
            reference.words,
            reference.size_rules,
            gazetteer.of_country(country),
            editions_of(workspace, country),
            reference.registers,
            Reissue.of(reference.thresholds),
            plausibility_of(workspace, country, of_country(quarantine_dtm__row, workspace, country)),
        )
    made = {
        core.STOCK.name: {c: f.stock for c, f in facts.items()},
        core.SOURCE_TOTAL.name: {c: f.totals for c, f in facts.items()},
        core.DELIVERY_ROLE.name: {c: f.roles for c, f in facts.items()},
        core.REVIEW.name: {c: f.reviews for c, f in facts.items()},
        core.STATEMENT.name: {c: f.statements for c, f in facts.items()},
        core.FINDING.name: {c: f.findings for c, f in facts.items()},
    }
    for name, frames in made.items():
        yield dg.Output(validated(frames, name, gone), output_name=name)


@dg.multi_asset(
    outs={t.name: dg.AssetOut(**spec(t.name, {"polars", "parquet"})) for t in (core.LOCATION, core.LOCATION_CHANGE)},
)
@guarded
def locations(workspace: InWorkspace, core_dtm__stock: StoredParts) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    reference = workspace.reference
    rules = LocationRules(**reference.thresholds["locations"])
    made = {
        country: location_master(
            core_dtm__stock.read(country).filter(pl.col("leads") & (pl.col("admin_level") == LOCATION_LEVEL)),
            reference.location_links.filter(location_code=country),
            rules,
        )
        for country in stale
    }
    places = {c: conform(m.locations, core.LOCATION) for c, m in made.items()}
    changes = {c: conform(m.changes, core.LOCATION_CHANGE) for c, m in made.items()}
    yield dg.Output(validated(places, core.LOCATION.name, gone), output_name=core.LOCATION.name)
    yield dg.Output(validated(changes, core.LOCATION_CHANGE.name, gone), output_name=core.LOCATION_CHANGE.name)


@dg.multi_asset(
    outs={t.name: dg.AssetOut(**spec(t.name, {"polars", "parquet"})) for t in (core.BREAKDOWN, core.BREAKDOWN_FINDING)},
)
@guarded
def breakdowns(
    workspace: InWorkspace,
    core_dtm__stock: StoredParts,
    raw_dtm__master_list_cell: StoredParts,
    raw_dtm__api_figure: StoredParts,
) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    gazetteer, reference = workspace.gazetteer(), workspace.reference
    reasons = reference.vocabularies.filter(vocabulary="displacement_reason")
    made = {}
    for country in stale:
        stock = core_dtm__stock.read(country)
        figures = of_country(raw_dtm__api_figure, workspace, country)
        lists = (raw_dtm__master_list_cell.read(s.sha256) for s in workspace.accepted(country))
        areas = area_cells(figures, stock, reasons, gazetteer.of_country(country))
        made[country] = breakdown_facts(stock, chain(lists, areas), reference.size_rules)
    frames = {c: m[0] for c, m in made.items()}
    yield dg.Output(validated(frames, core.BREAKDOWN.name, gone), output_name=core.BREAKDOWN.name)
    frames = {c: m[1] for c, m in made.items()}
    yield dg.Output(validated(frames, core.BREAKDOWN_FINDING.name, gone), output_name=core.BREAKDOWN_FINDING.name)


@dg.multi_asset(
    outs={
        t.name: dg.AssetOut(**spec(t.name, {"polars", "parquet"}))
        for t in (core.SEVERITY, core.SEVERITY_SCALE, core.SEVERITY_VALUE, core.SEVERITY_FINDING)
    },
)
@guarded
def severity(
    workspace: InWorkspace,
    raw_dtm__severity_location: StoredParts,
    raw_dtm__severity_answer: StoredParts,
    core_dtm__stock: StoredParts,
) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    gazetteer, reference = workspace.gazetteer(), workspace.reference
    made = {
        country: severity_facts(
            of_country(raw_dtm__severity_location, workspace, country),
            of_country(raw_dtm__severity_answer, workspace, country),
            core_dtm__stock.read(country),
            deliveries_of(workspace, country),
            reference.severity_models,
            {s.population_group: s.series_id for s in reference.series if s.location_code == country and s.headline},
            reference.size_rules,
            gazetteer.of_country(country),
            reference.thresholds["deliveries"]["max_missing_share"],
        )
        for country in stale
    }
    frames = {c: m.locations for c, m in made.items()}
    yield dg.Output(validated(frames, core.SEVERITY.name, gone), output_name=core.SEVERITY.name)
    frames = {c: m.scales for c, m in made.items()}
    yield dg.Output(validated(frames, core.SEVERITY_SCALE.name, gone), output_name=core.SEVERITY_SCALE.name)
    frames = {c: m.values for c, m in made.items()}
    yield dg.Output(validated(frames, core.SEVERITY_VALUE.name, gone), output_name=core.SEVERITY_VALUE.name)
    frames = {c: m.findings for c, m in made.items()}
    yield dg.Output(validated(frames, core.SEVERITY_FINDING.name, gone), output_name=core.SEVERITY_FINDING.name)


@dg.multi_asset(
    outs={
        t.name: dg.AssetOut(**spec(t.name, {"polars", "parquet"})) for t in (core.BORDER_FLOW, core.BORDER_FLOW_FINDING)
    },
)
@guarded
def border_flow(workspace: InWorkspace, raw_dtm__border_count: StoredParts) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    made = {
        country: border_flow_facts(
            of_country(raw_dtm__border_count, workspace, country),
            deliveries_of(workspace, country),
            workspace.reference.flow_points,
            workspace.reference.flow_calendars,
        )
        for country in stale
    }
    frames = {c: m.rows for c, m in made.items()}
    yield dg.Output(validated(frames, core.BORDER_FLOW.name, gone), output_name=core.BORDER_FLOW.name)
    frames = {c: m.findings for c, m in made.items()}
    yield dg.Output(validated(frames, core.BORDER_FLOW_FINDING.name, gone), output_name=core.BORDER_FLOW_FINDING.name)


@dg.multi_asset(
    ins={name: dg.AssetIn(name) for name in core.OBSERVED},
    outs={
        t.name: dg.AssetOut(**spec(t.name, {"polars", "parquet"}))
        for t in (*core.OBSERVED.values(), core.OBSERVATION_FINDING)
    },
)
@guarded
def observations(workspace: InWorkspace, **raw_parts: StoredParts) -> Iterator[dg.Output[Parts]]:
    stale, gone = workspace.stale_and_gone()
    gazetteer = workspace.gazetteer()
    findings = {country: [empty(core.OBSERVATION_FINDING)] for country in stale}
    max_missing_share = workspace.reference.thresholds["deliveries"]["max_missing_share"]
    for name, made in core.OBSERVED.items():
        frames = {}
        for country in stale:
            facts = observed_facts(
                of_country(raw_parts[name], workspace, country),
                made,
                deliveries_of(workspace, country),
                gazetteer.of_country(country),
                max_missing_share,
            )
            frames[country] = facts.rows
            findings[country].append(facts.findings)
        yield dg.Output(validated(frames, made.name, gone), output_name=made.name)
    told = {country: pl.concat(frames) for country, frames in findings.items()}
    name = core.OBSERVATION_FINDING.name
    yield dg.Output(validated(told, name, gone), output_name=name)


ASSETS = [stocks, locations, breakdowns, severity, border_flow, observations]
