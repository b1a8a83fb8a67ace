"""Asset checks: each named after the claim that it makes, with the worst few and the threshold, without rows."""

from __future__ import annotations

import dagster as dg
import polars as pl

from assets.workspace import Workspace, guarded
from dtm_pipeline.contracts import core, raw, table
from dtm_pipeline.domain.invariants import accounts_compared, country_compared, leaders, levels_compared
from dtm_pipeline.storage.tables import StoredParts, stored

WORST = 5
ACCOUNT = ("rows_in", "rows_valid", "persons_in", "persons_valid", "persons_rejected")


@dg.asset_check(
    asset=raw.QUARANTINE.name,
    blocking=True,
    description="Rows in = valid + rejected, and persons in = persons valid + rejected, for every delivery. Catches rows lost between a file and its table.",
)
@guarded
def rows_and_persons_are_conserved(workspace: Workspace, quarantine_dtm__row: StoredParts) -> dg.AssetCheckResult:
    told = []
    for snapshot in workspace.snapshots():
        if snapshot.status == "accepted":
            rejected = quarantine_dtm__row.read(snapshot.sha256).select("source_sheet", "source_row").n_unique()
            told.append(
                {"snapshot_id": snapshot.sha256, **{n: snapshot.report[n] for n in ACCOUNT}, "rows_rejected": rejected}
            )
    if not told:
        return dg.AssetCheckResult(passed=True, metadata={"deliveries": 0})
    lost = accounts_compared(pl.DataFrame(told)).filter(pl.col("lost") > 0)
    worst = lost["snapshot_id"].head(WORST).to_list()
    return dg.AssetCheckResult(
        passed=lost.is_empty(), metadata={"deliveries": len(told), "deliveries_that_lost_rows": worst}
    )


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
    blocking=True,
    description="Exactly one source and level leads each series and date. Catches a stock that would be counted twice.",
)
def one_source_leads(core_dtm__source_total: StoredParts) -> dg.AssetCheckResult:
    wrong = leaders(core_dtm__source_total.read_all()).filter(pl.col("leaders") != pl.col("expected"))
    return dg.AssetCheckResult(passed=wrong.is_empty(), metadata={"dates_without_one_leader": wrong.height})


def _adds_up(group: str, measure: str) -> dg.AssetChecksDefinition:
    governorate, district = f"out_dtm__governorate_{group}", f"out_dtm__district_{group}"

    @dg.asset_check(
        name="levels_add_up",
        asset=district,
        additional_deps=[governorate, core.SOURCE_TOTAL.name],
        blocking=True,
        description="The districts of a governorate add up to it, and the governorates to what the source that leads says, to the person, for every series and date. Catches rows dropped for want of a district.",
    )
    @guarded
    def check(workspace: Workspace) -> dg.AssetCheckResult:
        warehouse = workspace.home.warehouse
        governorates, districts = (stored(warehouse, table(n)).read_all() for n in (governorate, district))
        totals = stored(warehouse, core.SOURCE_TOTAL).read_all()
        levels = levels_compared(governorates, districts, measure)
        levels = levels.filter(pl.col("governorate").ne_missing(pl.col("district")))
        whole = country_compared(governorates, totals, measure, "individuals")
        whole = whole.filter(pl.col("country").ne_missing(pl.col("governorates")))
        return dg.AssetCheckResult(
            passed=levels.is_empty() and whole.is_empty(),
            metadata={"governorates_that_differ": levels.height, "countries_that_differ": whole.height},
        )

    return check


CHECKS = [
    rows_and_persons_are_conserved,
    leading_rows_have_a_governorate,
    one_source_leads,
    _adds_up("idp", "idp_individuals"),
    _adds_up("returnee", "returnee_individuals"),
]
