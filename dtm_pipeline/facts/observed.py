"""Facts of a country whose raw rows are facts by themselves: placed, and the newest delivery leads."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts.core import EVENT, MIGRANT_PRESENCE, OBSERVATION_FINDING, OTHER_FIGURE
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.events import newest_reports
from dtm_pipeline.domain.precedence import Reissue, delivery_roles
from dtm_pipeline.facts.units_once import own_unit, units_once
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.names import spelling_key
from dtm_pipeline.places.resolve import DECLARED, PLACED, resolve, subdistrict

NO_CONTENT = ("flags", "reporting_round")
"""Columns in which two deliveries may differ and still say the same."""
OF_UNITS = (EVENT.name, MIGRANT_PRESENCE.name, OTHER_FIGURE.name)
"""Tables whose rows each count what is in a unit, not in a place with an id of its own."""


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
        deliveries: snapshot_id, intake, statement.
        gazetteer: units of the country.
    """
    if raw.is_empty():
        return Observed(empty(table), empty(OBSERVATION_FINDING))
    key = table.replacement_key
    found = empty(OBSERVATION_FINDING)
    if table.name in OF_UNITS:
        raw, twice = units_once(raw, table, gazetteer)
        found = conform(twice, OBSERVATION_FINDING)
    if "event_place" in key:
        raw = _with_placed_events(raw, gazetteer)
    rows = raw.join(deliveries.select("snapshot_id", "intake", "statement"), on="snapshot_id")
    said = [c.name for c in table.columns if c.name in raw.columns and c.name not in (*ROW, *NO_CONTENT)]
    told = rows.with_columns(location_key=_location(rows, key), content=pl.struct(said).hash(seed=1))
    roles = delivery_roles(told, Reissue(max_missing_share), key)
    used = roles.filter(pl.col("role").is_in(["leads", "adds"])).select(*key, "snapshot_id", leads=pl.lit(True))
    rows = rows.join(used, on=[*key, "snapshot_id"], how="left", nulls_equal=True, maintain_order="left")
    rows = _placed(rows.with_columns(pl.col("leads").fill_null(False)), gazetteer)
    if "origin_admin1_name" in rows.columns:
        rows = _with_origin(rows, gazetteer)
    if "event_id" in key:
        rows = newest_reports(rows)
    held = conform(held_findings(roles, table.name), OBSERVATION_FINDING)
    return Observed(conform(rows, table), pl.concat([found, held]))


def _with_placed_events(raw: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Reports whose place is known by its unit's code, so that a later report of it replaces them however it is spelled."""
    place = pl.concat_str("own_unit", spelling_key(pl.col("location_name")).fill_null(""), separator="/")
    return raw.with_columns(own_unit(raw, gazetteer)).with_columns(event_place=pl.coalesce(place, "event_place"))


def _location(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.Expr:
    """What tells the places of a delivery apart; one value for all where the key itself names the thing."""
    names = [
        n
        for n in ("place_id", "provider_admin2_code", "provider_admin2_name", "provider_admin1_name")
        if n in rows.columns
    ]
    # where the key itself names the thing no place of it can be missing
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


def held_findings(roles: pl.DataFrame, what: str) -> pl.DataFrame:
    """A finding for each delivery that is held, and why.

    Args:
        roles: of delivery_roles.
        what: of what the delivery is held.

    Returns:
        location_code (where it is in the key), snapshot_id, finding, sentence.
    """
    held = roles.filter(role="held")
    lacks = pl.col("held_because") == "lacks_places"
    share = pl.format("{}", (pl.col("missing_share").max() * 100).round(1))
    by = [c for c in ("location_code", "snapshot_id", "held_because") if c in held.columns]
    return (
        held.group_by(by)
        .agg(_share=share.first(), _keys=pl.len())
        .with_columns(
            finding=pl.lit("delivery_held"),
            sentence=pl.when(lacks)
            .then(
                pl.format(
                    "{}: a newer delivery lacks {} % of the places it would replace and is held; say replaces = true or adds = true in its sidecar",
                    pl.lit(what),
                    "_share",
                )
            )
            .otherwise(
                pl.format(
                    "{}: several deliveries of one intake say different things in {} cases; they have no order, and all are held; say replaces = true in the sidecar of the one that counts",
                    pl.lit(what),
                    "_keys",
                )
            ),
        )
        .drop("_share", "_keys")
    )
