"""`dtm prune`: what a home keeps beyond its retention is removed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, open_home, print_json


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old releases, runs of the orchestrator and logs beyond the retention; every run does the same at its end.

    How much is kept stands in `[retention]` of reference/thresholds.toml; a home says other numbers in its own. Deliveries are
    never removed by age: `dtm erase` removes one.
    """
    from dtm_pipeline.execute import prune_history
    from dtm_pipeline.release.prune import Retention, prune_files
    from dtm_pipeline.storage.reference import Reference

    place = open_home(home)
    retention = Retention.of(Reference.of(place).thresholds)
    with place.held(looks_only=dry_run):
        told = prune_files(place, retention, dry_run)
        runs = prune_history(place, retention.runs, dry_run)
    if as_json:
        print_json({**asdict(told), "runs": runs, "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    typer.echo(
        f"{verb}: {len(told.releases)} releases, {runs} runs, {len(told.logs)} logs ({told.bytes / 1e6:.1f} MB without the runs)"
    )
    for name in told.releases:
        typer.echo(f"  release {name}")
    typer.echo(
        f"kept: the newest {retention.releases} releases and {retention.runs} runs, logs of {retention.log_days} days"
    )
