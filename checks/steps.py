"""Asset checks: each named after the claim that it makes, with the worst few and the threshold, without rows."""

from __future__ import annotations

import dagster as dg
import polars as pl

from assets.workspace import Workspace, guarded
from dtm_pipeline.contracts import core, raw, table
from dtm_pipeline.storage.tables import StoredParts, stored

WORST = 5


@dg.asset_check(
    asset=raw.QUARANTINE.name,
    description="Rows in = valid + rejected, and persons in = persons valid + rejected, for every delivery. Catches rows lost between a file and its table.",
)
@guarded
def rows_and_persons_are_conserved(workspace: Workspace, quarantine_dtm__row: StoredParts) -> dg.AssetCheckResult:
    wrong = []
    for snapshot in workspace.snapshots():
        if snapshot.status != "accepted":
            continue
        told = snapshot.report
        rejected = quarantine_dtm__row.read(snapshot.sha256).select("source_sheet", "source_row").n_unique()
        if (
            told["rows_in"] != told["rows_valid"] + rejected
            or told["persons_in"] != told["persons_valid"] + told["persons_rejected"]
        ):
            wrong.append(snapshot.sha256)
    return dg.AssetCheckResult(passed=not wrong, metadata={"deliveries_that_lost_rows": wrong[:WORST]})


@dg.asset_check(
    asset=core.STOCK.name,
    description="Every leading row of a country with a gazetteer stands in a governorate. Catches a new spelling that moves people to 'not known'.",
)
@guarded
def leading_rows_have_a_governorate(workspace: Workspace, core_dtm__stock: StoredParts) -> dg.AssetCheckResult:
    known = sorted(workspace.gazetteer().countries())
    rows = core_dtm__stock.read_all(known).filter(pl.col("leads") & (pl.col("admin_level") > 0))
    lost = rows.filter(pl.col("admin1_code").is_null())
    return dg.AssetCheckResult(
        passed=lost.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": rows.height, "rows_without_governorate": lost.height},
    )


@dg.asset_check(
    asset=core.SOURCE_TOTAL.name,
    description="Exactly one source and level leads each series and date. Catches a stock that would be counted twice.",
)
def one_source_leads(core_dtm__source_total: StoredParts) -> dg.AssetCheckResult:
    leaders = (
        core_dtm__source_total.read_all()
        .group_by("series_id", "reference_date")
        .agg(leaders=pl.col("leads").sum())
        .filter(pl.col("leaders") != 1)
    )
    return dg.AssetCheckResult(passed=leaders.is_empty(), metadata={"dates_without_one_leader": leaders.height})


def _adds_up(group: str, measure: str) -> dg.AssetChecksDefinition:
    governorate, district = f"out_dtm__governorate_{group}", f"out_dtm__district_{group}"

    @dg.asset_check(
        name="districts_add_up_to_governorates",
        asset=district,
        additional_deps=[governorate],
        description="The districts of a governorate add up to it, to the person, for every series and date. Catches rows dropped for want of a district.",
    )
    @guarded
    def check(workspace: Workspace) -> dg.AssetCheckResult:
        key = ["location_code", "series_id", "reference_date", "admin1_code"]
        sums = [
            stored(workspace.home.warehouse, table(name))
            .read_all()
            .group_by(key)
            .agg(pl.col(measure).sum().alias(level))
            for level, name in (("governorate", governorate), ("district", district))
        ]
        apart = sums[0].join(sums[1], on=key, how="full", nulls_equal=True, coalesce=True)
        apart = apart.filter(pl.col("governorate").ne_missing(pl.col("district")))
        return dg.AssetCheckResult(passed=apart.is_empty(), metadata={"governorates_that_differ": apart.height})

    return check


CHECKS = [
    rows_and_persons_are_conserved,
    leading_rows_have_a_governorate,
    one_source_leads,
    _adds_up("idp", "idp_individuals"),
    _adds_up("returnee", "returnee_individuals"),
]
