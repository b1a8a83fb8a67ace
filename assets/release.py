"""The release: every out table of every country, judged once more by its own gates."""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.workspace import OWNER, InWorkspace, guarded, progress
from dtm_pipeline.contracts import published_tables
from dtm_pipeline.contracts.out import LATEST, LATEST_ALL
from dtm_pipeline.release.build import publish
from dtm_pipeline.release.gates import Judge
from dtm_pipeline.storage.plan import read_state, release_fingerprint, write_state
from dtm_pipeline.storage.warehouse import computed_parts

NAME = "release_dtm__partner"


def release_asset() -> dg.AssetsDefinition:
    """The asset of the partner release."""

    @dg.asset(
        name=NAME,
        deps=[t.name for t in published_tables()],
        group_name="release",
        kinds={"greatexpectations", "parquet"},
        owners=[OWNER],
        description="An immutable folder of tables, manifest and report for partners. Unchanged content makes no release.",
    )
    @guarded
    def release(workspace: InWorkspace, gates: dg.ResourceParam[Judge]) -> dg.MaterializeResult[Any]:
        # the tables of these countries are on disk now: a run killed from here on need not make them again
        now = workspace.fingerprints()
        state = read_state(workspace.home)
        computed = set(state["computing"])
        kept = {c: f for c, f in state["countries"].items() if c not in computed}
        countries = kept | {c: f for c, f in now.items() if c in computed}
        parts = computed_parts(workspace.home, computed, {t.name for t in (LATEST, LATEST_ALL)}, state["parts"])
        state |= {"countries": countries, "parts": parts}
        write_state(workspace.home, state)
        progress.info("judging the release")
        # a delivery whose figures are not computed yet (another country's) is no part of this release
        current = {c for c, f in now.items() if countries.get(c) == f}
        used = [s for s in workspace.snapshots() if s.status != "accepted" or set(s.countries) <= current]
        made, new = publish(
            workspace.home, workspace.reference, used, gates, dict(workspace.waivers), workspace.strict_about
        )
        write_state(workspace.home, {**state, "released": release_fingerprint(countries)})
        told: dict[str, Any] = {"new": new}
        if made is not None:
            told |= {"release": made.name, "content_sha256": made.manifest()["content_sha256"]}
        return dg.MaterializeResult(metadata=told)

    return release
