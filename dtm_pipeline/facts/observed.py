"""Facts of a country whose raw rows are facts by themselves: placed, and the newest delivery leads."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts.core import OBSERVATION_FINDING
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.domain.events import newest_reports
from dtm_pipeline.domain.precedence import delivery_roles
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.resolve import DECLARED, PLACED, resolve, subdistrict


@dataclass(frozen=True)
class Observed:
    """Rows of a core table, and what an analyst should look at."""

    rows: pl.DataFrame
    findings: pl.DataFrame


def observed_facts(
    raw: pl.DataFrame, table: Table, deliveries: pl.DataFrame, gazetteer: Gazetteer, max_missing_share: float
) -> Observed:
    """Rows of a core table from the raw rows of one country.

    For each value of the table's replacement key the newest delivery leads, whole. Where places are known, one that
    lacks more than `max_missing_share` of those it would replace is held and named.

    Args:
        raw: raw rows of the country.
        table: contract of the core table; its replacement key is that of the raw table.
        deliveries: snapshot_id, ingest_sequence, statement.
        gazetteer: units of the country.
    """
    if raw.is_empty():
        return Observed(empty(table), empty(OBSERVATION_FINDING))
    key = table.replacement_key
    rows = raw.join(deliveries.select("snapshot_id", "ingest_sequence", "statement"), on="snapshot_id")
    roles = delivery_roles(rows.with_columns(location_key=_location(rows, key)), max_missing_share, key)
    used = roles.filter(pl.col("role").is_in(["leads", "adds"])).select(*key, "snapshot_id", leads=pl.lit(True))
    rows = rows.join(used, on=[*key, "snapshot_id"], how="left", nulls_equal=True, maintain_order="left")
    rows = _placed(rows.with_columns(pl.col("leads").fill_null(False)), gazetteer)
    if "origin_admin1_name" in rows.columns:
        rows = _with_origin(rows, gazetteer)
    if "event_id" in key:
        rows = newest_reports(rows)
    return Observed(conform(rows, table), _held(roles, table))


def _location(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.Expr:
    """What tells the places of a delivery apart; one value for all where the key itself names the thing."""
    names = [
        n
        for n in ("place_id", "provider_admin2_code", "provider_admin2_name", "provider_admin1_name")
        if n in rows.columns
    ]
    whole = "record_key" in key or "event_id" in key or "flow_point_name" in key
    return pl.lit("all") if whole or not names else pl.coalesce(*names, pl.lit("all"))


def _placed(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    if not set(DECLARED) <= set(rows.columns):
        return rows
    keyed = rows if "place_id" in rows.columns else rows.with_columns(place_id=pl.lit(None, pl.String))
    bare = keyed.select("location_code", "reference_date", "place_id", *DECLARED)
    placed = rows.with_columns(resolve(bare, gazetteer).select(PLACED))
    return placed.with_columns(subdistrict()) if "provider_admin3_code" in rows.columns else placed


def _with_origin(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Rows with the units that people fled from, where they are named."""
    asked = rows.select(
        "location_code",
        "reference_date",
        provider_admin1_name="origin_admin1_name",
        provider_admin2_name="origin_admin2_name",
    )
    found = resolve(asked, gazetteer)
    return rows.with_columns(
        found["admin1_code"].alias("origin_admin1_code"), found["admin2_code"].alias("origin_admin2_code")
    )


def _held(roles: pl.DataFrame, table: Table) -> pl.DataFrame:
    told = pl.format(
        "{}: a newer delivery lacks {} % of the places it would replace and is held; say replaces = true or adds = true in its sidecar",
        pl.lit(table.name),
        (pl.col("missing_share") * 100).round(1),
    )
    held = roles.filter(role="held").with_columns(finding=pl.lit("delivery_held"), sentence=told)
    return conform(held, OBSERVATION_FINDING)
