"""Population mobility mapping: sites where people gather, and the routes between them. docs/sources/mobility_mapping.md.

Provider: IOM DTM and health partners. Cadence: on demand, for preparedness.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.raw import MOBILITY_MAPPING
from sources.tabular import Context, Need, Tabular


class MobilityMapping(Tabular):
    kind = "mobility_mapping"
    title = "population mobility mapping (sites and routes)"
    table = MOBILITY_MAPPING
    core_table = "core_dtm__mobility_mapping"
    needs = (
        Need("a site or a route", ("place_id", "location_name")),
        Need("a type of site, or the two ends of a route", ("site_type", "from_place", "record_type")),
        Need("people in a period", ("individuals",)),
        Need("a governorate, or where a route leads", ("provider_admin1_name", "to_place"), decisive=False),
    )
    identity = ("record_type", "place_id", "reference_date", "period", "transport")
    places_once = True
    vocabularies = {"record_type": "mobility_record"}

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        # a sheet without a column for it lists routes where both ends are named, else sites
        ends = pl.all_horizontal(pl.col("from_place", "to_place").is_not_null())
        told = pl.when(ends).then(pl.lit("route")).otherwise(pl.lit("site"))
        name = pl.coalesce("location_name", pl.concat_str("from_place", "to_place", separator=" - "))
        stated = "record_type" in context.header.fields()
        return frame.with_columns(record_type=pl.col("record_type") if stated else told, location_name=name)
