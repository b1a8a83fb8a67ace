"""Baseline and area-of-return assessments: five disjoint population groups a location. docs/sources/baseline_assessment.md.

Provider: IOM DTM Syria. Cadence: monthly. "Only in 2026" is a part of "until now": it is kept beside it, never added.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.raw import BASELINE_LOCATION
from sources.protocol import Finding
from sources.tabular import Context, Need, Tabular

GROUPS = (
    "resident_individuals",
    "idp_returnee_individuals",
    "idp_individuals",
    "returnee_from_abroad_individuals",
    "arrival_elsewhere_individuals",
)
PARTS = ("idp_returnee", "returnee_from_abroad", "arrival_elsewhere")


class BaselineAssessment(Tabular):
    kind = "baseline_assessment"
    title = "baseline or area-of-return assessment, by population group"
    table = BASELINE_LOCATION
    core_table = "core_dtm__stock"
    needs = (
        Need("a governorate", ("provider_admin1_name", "provider_admin1_code")),
        Need("a location", ("place_id", "location_name")),
        Need("residents", ("resident_individuals",)),
        Need("IDPs", ("idp_individuals",)),
        Need("returnees or arrivals", ("idp_returnee_individuals", "returnee_from_abroad_individuals")),
    )
    identity = ("place_id",)
    places_once = True
    persons = "_everybody"

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        known = pl.any_horizontal(pl.col(GROUPS).is_not_null())
        return frame.with_columns(_everybody=pl.when(known).then(pl.sum_horizontal(pl.col(GROUPS).clip(0))))

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        sheet = context.sheet.name
        differs = kept.filter(pl.col("total_individuals") != pl.col("_everybody"))
        told = "the total is not the sum of residents, IDPs, returnees and arrivals; the groups are read"
        findings = [Finding("total_differs", told, sheet, row) for row in differs["source_row"]]
        for group in PARTS:
            part, whole = f"{group}_current_year_individuals", f"{group}_individuals"
            exceeds = kept.filter(pl.col(part) > pl.col(whole))
            told = f"{part} exceeds {whole}, of which it is a part"
            findings += [Finding("part_exceeds_whole", told, sheet, row) for row in exceeds["source_row"]]
        return {}, findings
