"""`dtm status`: what was delivered, what leads, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, open_home, print_json, print_rows

if TYPE_CHECKING:
    from dtm_pipeline.release.pointer import Release
    from dtm_pipeline.storage.home import Home


def status(
    home: HomeOption = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Show this country only (ISO 3166-1 alpha-3).")
    ] = None,
    dates: Annotated[int, typer.Option("--dates", min=1, help="Newest reference dates to show of each series.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Show the deliveries, which source leads each series and date, and why."""
    import polars as pl

    from dtm_pipeline.contracts import core
    from dtm_pipeline.release.pointer import latest_release
    from dtm_pipeline.storage.holder import read_holder
    from dtm_pipeline.storage.snapshots import SnapshotStore
    from dtm_pipeline.storage.tables import stored

    place = open_home(home)
    holder = read_holder(place.root)
    damaged = [*SnapshotStore(place).damaged_payloads(), *_changed_release(place)]
    snapshots = [s for s in SnapshotStore(place).all() if country is None or country.upper() in s.countries]
    totals = stored(place.warehouse, core.SOURCE_TOTAL).read_all()
    roles = stored(place.warehouse, core.DELIVERY_ROLE).read_all()
    if country is not None:
        totals = totals.filter(location_code=country.upper())
        roles = roles.filter(location_code=country.upper())
    role_counts: dict[str, dict[str, int]] = {}
    # a delivery that is the newest of its kind leads a date, or is compared with the source that does
    used = totals.explode("snapshot_ids").select(
        pl.col("snapshot_ids").alias("snapshot_id"),
        role=pl.when("leads").then(pl.lit("leads")).otherwise(pl.lit("compared")),
    )
    waiting = roles.filter(pl.col("role").is_in(["held", "replaced"])).select("snapshot_id", "role")
    for sha, role, count in pl.concat([used, waiting]).group_by("snapshot_id", "role").len().rows():
        role_counts.setdefault(sha, {})[role] = count
    refused = _refused_by_gates(place)
    release = latest_release(place.releases)
    moved = _moved(release)
    newest = totals.filter(pl.col("reference_date").rank("dense", descending=True).over("series_id") <= dates)
    newest = newest.sort("series_id", "reference_date", "leads", descending=[False, True, True])
    if as_json:
        print_json(
            {
                "release": release.name if release else None,
                "deliveries": [
                    {
                        "sha256": s.sha256,
                        "name": s.name,
                        "received_at": s.received_at,
                        "ingest_sequence": s.ingest_sequence,
                        "status": s.status,
                        "kind": s.kind,
                        "countries": s.countries,
                        "reason": s.reason,
                        "roles": role_counts.get(s.sha256, {}),
                        "rows_in": s.report.get("rows_in"),
                        "rows_rejected": s.report.get("rows_rejected"),
                    }
                    for s in snapshots
                ],
                "holder": str(holder) if holder else None,
                "damaged": damaged,
                "refused_by_gates": refused,
                "series": newest.to_dicts(),
                "moved_figures": moved,
            }
        )
        return
    typer.echo(f"home {place.root}: release {release.name if release else 'none yet'}")
    if holder:
        typer.echo(f"a run {'died; the next one goes on from there' if holder.died else 'is at work'}: {holder}")
    for sentence in damaged:
        typer.echo(f"damaged: {sentence}")
    typer.echo("")
    print_rows(
        ["#", "delivery", "status", "kind", "rows", "rejected", "does"],
        [
            [
                s.ingest_sequence,
                s.name,
                s.status,
                s.kind,
                s.report.get("rows_in"),
                s.report.get("rows_rejected"),
                _does(role_counts.get(s.sha256, {})) or s.reason,
            ]
            for s in snapshots
        ],
    )
    for sentence in _held(place, country):
        typer.echo(f"held: {sentence}")
    for sentence in refused:
        typer.echo(f"refused by a gate: {sentence}; deliver what is right, or `dtm run --waive GATE=REASON --by NAME`")
    if moved:
        typer.echo("")
        typer.echo(f"figures that moved with release {release.name if release else ''}:")
        print_rows(
            ["series", "reference date", "before", "now"],
            [[m["series_id"], m["reference_date"], m["before"], m["now"]] for m in moved],
        )
    if newest.is_empty():
        return
    typer.echo("")
    print_rows(
        ["series", "reference date", "source", "level", "individuals", "why"],
        [
            [
                r["series_id"],
                r["reference_date"],
                r["source_kind"],
                r["admin_level"],
                r["individuals"],
                r["why"]
                + ("; another delivery of the date, or a part of it, waits for a decision" if r["held"] else ""),
            ]
            for r in newest.iter_rows(named=True)
        ],
    )


def _changed_release(home: Home) -> list[str]:
    """The latest release, where it is not as it was released."""
    from dtm_pipeline.release.pointer import LATEST
    from dtm_pipeline.storage.plan import release_is_whole

    if not (home.releases / LATEST).is_file() or release_is_whole(home):
        return []
    return ["the latest release is not as it was released (`dtm releases verify`); the next `dtm run` makes it anew"]


def _refused_by_gates(place: Home) -> list[str]:
    """What gates refuse of the newest tables, until it is settled."""
    from dtm_pipeline.release.gates import REFUSED_BY_GATES

    try:
        told = json.loads((place.quality / REFUSED_BY_GATES).read_text(encoding="utf-8"))
        return [
            f"{', '.join(g['countries']) or 'the release'} ({g['gate']}, {g['table']}): {g['sentence']} does not hold"
            for g in told
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _held(place: Home, country: str | None) -> list[str]:
    """What waits for a person, in the words of the finding."""
    import polars as pl

    from dtm_pipeline.contracts.core import FINDINGS
    from dtm_pipeline.storage.tables import stored

    rows = pl.concat(
        stored(place.warehouse, table).read_all(columns=["location_code", "finding", "sentence"]) for table in FINDINGS
    ).filter(finding="delivery_held")
    if country is not None:
        rows = rows.filter(pl.col("location_code").is_null() | (pl.col("location_code") == country.upper()))
    return rows["sentence"].unique().sort().to_list()


def _moved(release: Release | None) -> list[dict[str, Any]]:
    """Figures of the same series and date that the newest release changed."""
    if release is None:
        return []
    told = json.loads((release.folder / "changes.json").read_text(encoding="utf-8"))
    return list(told["figures_moved"])


def _does(roles: dict[str, int]) -> str:
    """`leads on 80 dates, replaced on 2`."""
    return ", ".join(f"{role} on {count} date{'s' if count > 1 else ''}" for role, count in sorted(roles.items()))
