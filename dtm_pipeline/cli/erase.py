"""`dtm erase`: a delivery that was withdrawn leaves the home, with every byte of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows


def erase(
    delivery: Annotated[
        str, typer.Argument(help="Its number in `dtm status`, its name, or the first 8 characters of its id.")
    ],
    by: Annotated[str, typer.Option("--by", help="Who decided it, by name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why: who withdrew it, and when.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a delivery from the home for good: a provider, or a person in it, withdrew it.

    Its bytes, what was read of it, the copies in the home's inbox, pages and caches go; an archive that holds it goes too. The
    same bytes are not taken again. Tables are made without it by the next run. Releases that rest on it are listed, and stay.
    """
    from dtm_pipeline.storage.erase import erase as remove
    from dtm_pipeline.storage.erase import named, with_archives
    from dtm_pipeline.storage.snapshots import SnapshotStore

    if not by.strip() or not reason.strip():
        fail("a person answers for what is erased: give --by NAME and --reason WHY")
    place = open_home(home)
    with place.held(looks_only=dry_run):
        snapshots = SnapshotStore(place).all()
        found = named(snapshots, delivery)
        if not found:
            fail(f"{delivery}: no delivery of {place.root} goes by that; `dtm status` lists them with their numbers")
        if len(found) > 1:
            several = ", ".join(f"#{s.ingest_sequence}" for s in found)
            fail(
                f"{delivery}: {len(found)} deliveries go by that name; name the one that is meant by its number: {several}"
            )
        chosen = with_archives(found, snapshots)
        rest = _releases_that_rest_on(place.releases, {s.sha256 for s in chosen})
        if not dry_run:
            remove(place, chosen, by, reason)
    if as_json:
        told = [{"number": s.ingest_sequence, "name": s.name, "sha256": s.sha256} for s in chosen]
        print_json({"erased": told, "dry_run": dry_run, "releases_that_rest_on_it": rest})
        return
    print_rows(
        ["#", "would be erased" if dry_run else "erased", "kind"], [[s.ingest_sequence, s.name, s.kind] for s in chosen]
    )
    if rest:
        typer.echo(f"releases that rest on it, and stay as they are: {', '.join(rest)}")
        typer.echo("to take one back: dtm releases withdraw NAME --by NAME --reason WHY")
    if not dry_run:
        typer.echo("its countries have no tables in the warehouse until the next run: dtm run")
        typer.echo("copies of the home, and the file in other inboxes, are yours to remove")


def _releases_that_rest_on(releases: Path, deliveries: set[str]) -> list[str]:
    """Names of the releases that were made of any of some deliveries."""
    from dtm_pipeline.release.pointer import ReleaseError, all_releases

    found = []
    for release in all_releases(releases):
        try:
            used = {s["sha256"] for s in release.manifest().get("snapshots", [])}
        except ReleaseError:
            continue
        if used & deliveries:
            found.append(release.name)
    return found
