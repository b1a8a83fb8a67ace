"""Governorate and district tables: each family is one function over the facts of a country."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.workspace import InWorkspace, Workspace, guarded, spec
from dtm_pipeline.contracts import out, table
from dtm_pipeline.contracts.raw import QUARANTINE
from dtm_pipeline.figures.families import FAMILIES, Family, latest_tables
from dtm_pipeline.figures.parameters import Parameters
from dtm_pipeline.storage.tables import Parts, StoredParts, judged, stored


def family_asset(family: Family) -> dg.AssetsDefinition:
    """The assets of a family: its tables for each stale country, judged by their contracts."""

    @dg.multi_asset(
        name=family.name,
        ins={i: dg.AssetIn(i) for i in family.inputs},
        outs={t: dg.AssetOut(**spec(t, {"polars", "pandera", "parquet"})) for t in family.tables},
    )
    @guarded
    def made(workspace: InWorkspace, **facts: StoredParts) -> Iterator[dg.Output[Parts]]:
        stale, gone = workspace.stale_and_gone()
        parts = {name: Parts(gone=set(gone)) for name in family.tables}
        for country in stale:
            of_country = {name: _of_country(stored_facts, workspace, country) for name, stored_facts in facts.items()}
            for name, frame in family.make(of_country, parameters(workspace, country)).items():
                parts[name].frames[country] = judged(frame, table(name))
        for name, made_parts in parts.items():
            yield dg.Output(made_parts, output_name=name)

    return made


def _of_country(facts: StoredParts, workspace: Workspace, country: str) -> pl.DataFrame:
    """Facts of a country; raw tables have a part a delivery."""
    if facts.table.layer == "raw":
        return facts.read_all(s.sha256 for s in workspace.accepted(country))
    return facts.read(country)


def parameters(workspace: Workspace, country: str) -> Parameters:
    """What the methods are told of a country beside its facts."""
    quarantine = stored(workspace.home.warehouse, QUARANTINE).read_all(s.sha256 for s in workspace.accepted(country))
    return Parameters.of(
        workspace.reference,
        workspace.gazetteer().of_country(country),
        country,
        rejected_rows(workspace, country, quarantine),
    )


def rejected_rows(workspace: Workspace, country: str, quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows and persons of each delivery and date of a country."""
    ids = [s.sha256 for s in workspace.accepted(country)]
    mine = quarantine.filter(pl.col("snapshot_id").is_in(ids))
    mine = mine.filter(pl.col("location_code").is_null() | (pl.col("location_code") == country))
    return mine.group_by("snapshot_id", "reference_date").agg(
        rejected_rows=pl.struct("source_sheet", "source_row").n_unique().cast(pl.Int64),
        rejected_individuals=pl.when(pl.col("persons").count() > 0).then(pl.col("persons").sum()),
    )


@dg.multi_asset(
    outs={t.name: dg.AssetOut(**spec(t.name, {"polars", "pandera", "parquet"})) for t in (out.LATEST, out.LATEST_ALL)},
)
@guarded
def latest(workspace: InWorkspace, core_dtm__newest_figure: StoredParts) -> Iterator[dg.Output[Parts]]:
    # ages run to the newest date of all countries: a new delivery of one ages the figures of the others
    _, gone = workspace.stale_and_gone()
    figures, countries = core_dtm__newest_figure.read_all(), core_dtm__newest_figure.keys()
    for name, frame in latest_tables(figures).items():
        whole = judged(frame, table(name))
        parts = {country: whole.filter(location_code=country) for country in countries}
        yield dg.Output(Parts(parts, gone), output_name=name)


ASSETS = [*(family_asset(family) for family in FAMILIES), latest]
