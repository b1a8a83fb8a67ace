"""Asset checks: each named after the claim that it makes, with the worst few and the threshold, without rows."""

from __future__ import annotations

import dagster as dg
import polars as pl

from assets.workspace import InWorkspace, Workspace, guarded
from dtm_pipeline.contracts import core, raw, table
from dtm_pipeline.domain.invariants import SCOPE, accounts_compared, country_compared, leaders, levels_compared
from dtm_pipeline.domain.plausibility import HOLD
from dtm_pipeline.facts.plausible import REJECTED
from dtm_pipeline.storage.tables import StoredParts, stored

WORST = 5
ACCOUNT = ("rows_in", "rows_valid", "persons_in", "persons_valid", "persons_rejected")


@dg.asset_check(
    asset=raw.QUARANTINE.name,
    blocking=True,
    description="Rows in = valid + rejected, and persons in = persons valid + rejected, for every delivery. Catches rows lost between a file and its table.",
)
@guarded
def rows_and_persons_are_conserved(workspace: InWorkspace, quarantine_dtm__row: StoredParts) -> dg.AssetCheckResult:
    told = []
    for snapshot in workspace.snapshots():
        if snapshot.status == "accepted":
            # a row of a wide table tells several things, each of which may be rejected
            rejected = quarantine_dtm__row.read(snapshot.sha256).height
            told.append(
                {"snapshot_id": snapshot.sha256, **{n: snapshot.report[n] for n in ACCOUNT}, "rows_rejected": rejected}
            )
    if not told:
        return dg.AssetCheckResult(passed=True, metadata={"deliveries": 0})
    lost = accounts_compared(pl.DataFrame(told)).filter(pl.col("lost") > 0)
    numbers = {s.sha256: s.number for s in workspace.snapshots()}
    worst = [numbers[s] for s in lost["snapshot_id"].head(WORST)]
    return dg.AssetCheckResult(
        passed=lost.is_empty(), metadata={"deliveries": len(told), "deliveries_that_lost_rows": worst}
    )


@dg.asset_check(
    asset=core.STOCK.name,
    description="Every leading row of a country with a gazetteer stands in a governorate. Catches a new spelling that moves people to 'not known'.",
)
@guarded
def leading_rows_have_a_governorate(workspace: InWorkspace, core_dtm__stock: StoredParts) -> dg.AssetCheckResult:
    known = sorted(workspace.gazetteer().countries())
    rows = core_dtm__stock.read_all(known).filter(pl.col("leads") & (pl.col("admin_level") > 0))
    lost = rows.filter(pl.col("admin1_code").is_null())
    return dg.AssetCheckResult(
        passed=lost.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "rows": rows.height,
            "rows_without_governorate": lost.height,
            "where": _where(lost, workspace),
        },
    )


def _where(rows: pl.DataFrame, workspace: Workspace) -> list[str]:
    """The deliveries of some rows by number, those with most rows first."""
    numbers = {s.sha256: s.number for s in workspace.snapshots()}
    by = rows.group_by("snapshot_id").agg(rows=pl.len(), first=pl.col("source_row").min())
    worst = by.sort("rows", "snapshot_id", descending=[True, False]).head(WORST)
    return [
        f"{numbers.get(snapshot, snapshot)}: {count} rows, first in row {first}"
        for snapshot, count, first in worst.rows()
    ]


@dg.asset_check(
    asset=core.REVIEW.name,
    description="Nothing waits for a person. What is held is in no figure; `dtm review` lists it with its evidence.",
)
def nothing_is_held(core_dtm__review: StoredParts) -> dg.AssetCheckResult:
    held = core_dtm__review.read_all().filter(
        (pl.col("outcome") == HOLD) & ~pl.col("broken").list.contains(REJECTED).fill_null(False)
    )
    return dg.AssetCheckResult(
        passed=held.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"held": held.height, "held_because": held["sentence"].sort().head(WORST).to_list()},
    )


@dg.asset_check(
    asset=core.SOURCE_TOTAL.name,
    blocking=True,
    description="Exactly one source and level leads each series and date. Catches a stock that would be counted twice.",
)
def one_source_leads(core_dtm__source_total: StoredParts) -> dg.AssetCheckResult:
    wrong = leaders(core_dtm__source_total.read_all()).filter(pl.col("leaders") != pl.col("expected"))
    worst = wrong.sort("series_id", "reference_date").head(WORST).select("series_id", "reference_date").rows()
    return dg.AssetCheckResult(
        passed=wrong.is_empty(),
        metadata={"dates_without_one_leader": wrong.height, "where": [f"{s} on {d}" for s, d in worst]},
    )


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
    def check(workspace: InWorkspace) -> dg.AssetCheckResult:
        warehouse = workspace.home.warehouse
        governorates, districts = (stored(warehouse, table(n)).read_all() for n in (governorate, district))
        totals = stored(warehouse, core.SOURCE_TOTAL).read_all()
        levels = levels_compared(governorates, districts, measure)
        levels = levels.filter(pl.col("governorate").ne_missing(pl.col("district")))
        whole = country_compared(governorates, totals, measure, "individuals")
        whole = whole.filter(pl.col("country").ne_missing(pl.col("governorates")))
        return dg.AssetCheckResult(
            passed=levels.is_empty() and whole.is_empty(),
            metadata={
                "governorates_that_differ": levels.height,
                "countries_that_differ": whole.height,
                "where": [
                    " ".join(map(str, r))
                    for f, by in ((levels, [*SCOPE, "admin1_code"]), (whole, list(SCOPE)))
                    for r in f.select(by).head(WORST).rows()
                ],
            },
        )

    return check


CHECKS = [
    rows_and_persons_are_conserved,
    leading_rows_have_a_governorate,
    one_source_leads,
    nothing_is_held,
    _adds_up("idp", "idp_individuals"),
    _adds_up("returnee", "returnee_individuals"),
]
