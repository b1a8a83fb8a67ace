"""Governorate and district tables: each is one function of the domain over the facts of a country."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import polars as pl

from assets.workspace import Workspace, guarded, spec
from dtm_pipeline.contracts import core, out, table
from dtm_pipeline.domain.breakdowns import SmallCells, breakdown_by_area
from dtm_pipeline.domain.flows import daily
from dtm_pipeline.domain.rounds import coverage, rounds, series_table
from dtm_pipeline.domain.series import Series, series_of_rows
from dtm_pipeline.domain.severity import class_by_area, score_by_area
from dtm_pipeline.domain.stocks import latest, stock_by_area
from dtm_pipeline.storage.tables import Parts, StoredParts, judged, stored

Make = Callable[[Workspace, str, dict[str, pl.DataFrame]], pl.DataFrame]


def out_asset(name: str, inputs: tuple[str, ...], make: Make) -> dg.AssetsDefinition:
    """The asset of an out table: its facts of each stale country through one function, judged by its contract."""
    declared = table(name)

    @dg.asset(
        name=name,
        ins={i: dg.AssetIn(i) for i in inputs},
        **spec(name, {"polars", "pandera", "parquet"}),
    )
    @guarded
    def made(workspace: Workspace, **facts: StoredParts) -> Parts:
        stale, gone = workspace.stale_and_gone()
        parts = Parts(gone=gone)
        for country in stale:
            parts.frames[country] = judged(
                make(workspace, country, {n: f.read(country) for n, f in facts.items()}), declared
            )
        return parts

    return made


def series_of(workspace: Workspace, totals: pl.DataFrame) -> tuple[Series, ...]:
    """The series that figures of a country are in."""
    known = {s.series_id: s for s in workspace.reference.series}
    rows = totals.select(
        "location_code",
        "population_group",
        "operation",
        "assessment_type",
        series_id=pl.when(pl.col("series_id").is_in(list(known))).then("series_id"),
    ).unique(maintain_order=True)
    return series_of_rows(rows, workspace.reference.series)[1]


def small_cells(workspace: Workspace) -> SmallCells:
    told = workspace.reference.thresholds["breakdowns"]
    return SmallCells(
        int(told["small_cell_households"]),
        int(told["small_cell_individuals"]),
        int(told["small_cell_locations"]),
    )


def _stock(level: str, prefix: str, groups: tuple[str, ...]) -> Make:
    def make(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
        mine = facts[core.STOCK.name].filter(pl.col("population_group").is_in(groups))
        return stock_by_area(mine, level, prefix)

    return make


def _breakdown(level: str, dimension: str) -> Make:
    def make(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
        cells = breakdown_by_area(facts[core.BREAKDOWN.name], level, dimension, small_cells(workspace))
        labels = workspace.reference.categories.filter(dimension=dimension).select(
            "category_code", category_label="label", category_class="category_class"
        )
        return cells.join(labels, on="category_code", how="left")

    return make


def _severity_class(level: str) -> Make:
    return lambda workspace, country, facts: class_by_area(facts[core.SEVERITY.name], level)


def _severity_score(level: str) -> Make:
    def make(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
        severity = facts[core.SEVERITY.name]
        surveyed = severity.filter(pl.col("severity_class") != "not_assessed")["snapshot_id"].unique()
        from_stock = severity.filter(~pl.col("snapshot_id").is_in(surveyed.to_list()))
        return score_by_area(severity, level, from_stock)

    return make


def _flow(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return daily(facts[core.BORDER_FLOW.name])


def _latest(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    # ages run to the newest date of the whole release, so the totals of every country are asked
    every = stored(workspace.home.warehouse, core.SOURCE_TOTAL).read_all()
    newest: Any = every["reference_date"].max()
    return latest(facts[core.STOCK.name], series_of(workspace, facts[core.SOURCE_TOTAL.name]), newest)


def rejected_rows(workspace: Workspace, country: str, quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows and persons of each delivery and date of a country."""
    ids = [s.sha256 for s in workspace.accepted(country)]
    mine = quarantine.filter(pl.col("snapshot_id").is_in(ids))
    mine = mine.filter(pl.col("location_code").is_null() | (pl.col("location_code") == country))
    return mine.group_by("snapshot_id", "reference_date").agg(
        rejected_rows=pl.struct("source_sheet", "source_row").n_unique().cast(pl.Int64),
        rejected_individuals=pl.when(pl.col("persons").count() > 0).then(pl.col("persons").sum()),
    )


def _rounds(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    from dtm_pipeline.contracts.raw import QUARANTINE

    quarantine = stored(workspace.home.warehouse, QUARANTINE).read_all(s.sha256 for s in workspace.accepted(country))
    rejected = rejected_rows(workspace, country, quarantine)
    threshold = workspace.reference.thresholds["deliveries"]["partial_above"]
    return rounds(facts[core.SOURCE_TOTAL.name], rejected, threshold)


def _coverage(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return coverage(facts[core.STOCK.name], workspace.gazetteer().of_country(country).districts())


def _series(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    totals = facts[core.SOURCE_TOTAL.name]
    return series_table(series_of(workspace, totals), totals)


def _admin_units(workspace: Workspace, country: str, facts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Units of the gazetteer; without one, those that the provider names."""
    units = workspace.gazetteer().of_country(country).units
    if not units.is_empty():
        return units.rename({"edition": "boundary_edition"})
    rows = facts[core.STOCK.name].filter(pl.col("place_basis") == "provider")
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


STOCK, TOTAL = core.STOCK.name, core.SOURCE_TOTAL.name
RETURNEES = ("idp_returnee", "returnee_from_abroad")

ASSETS = [
    *(
        out_asset(f"out_dtm__{level}_{name}", (STOCK,), _stock(level, name, groups))
        for level in out.LEVELS
        for name, groups in (("idp", ("idp",)), ("returnee", RETURNEES))
    ),
    *(
        out_asset(f"out_dtm__{level}_{dimension}", (core.BREAKDOWN.name,), _breakdown(level, dimension))
        for level in out.LEVELS
        for dimension in out.BREAKDOWN_DIMENSIONS
    ),
    *(
        out_asset(f"out_dtm__{level}_{name}", (core.SEVERITY.name,), make(level))
        for level in out.LEVELS
        for name, make in (("severity_class", _severity_class), ("severity_score", _severity_score))
    ),
    out_asset(out.BORDER_FLOW_DAILY.name, (core.BORDER_FLOW.name,), _flow),
    out_asset(out.LATEST.name, (STOCK, TOTAL), _latest),
    out_asset(out.ROUND.name, (TOTAL,), _rounds),
    out_asset(out.COVERAGE.name, (STOCK,), _coverage),
    out_asset(out.SERIES_META.name, (TOTAL,), _series),
    out_asset(out.ADMIN_UNIT.name, (STOCK,), _admin_units),
]
