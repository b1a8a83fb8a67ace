"""`dtm run` and `dtm demo`: deliveries in, a release out."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import (
    GATE,
    REFUSED,
    HomeOption,
    JsonOption,
    fail,
    open_home,
    print_json,
    print_rows,
    show_progress,
)

if TYPE_CHECKING:
    from dtm_pipeline.storage.home import Home
    from dtm_pipeline.storage.plan import Plan
    from dtm_pipeline.storage.snapshots import Snapshot

DEMO_HOME = Path("var/demo")


def run(
    inbox: Annotated[
        Path | None,
        typer.Option("--inbox", help="Folder of deliveries; its files are read, never moved. [default: HOME/inbox]"),
    ] = None,
    home: HomeOption = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Compute this country only (ISO 3166-1 alpha-3).")
    ] = None,
    waive: Annotated[
        list[str] | None,
        typer.Option(
            "--waive",
            help="Release although this gate refuses: NAME=REASON. Stands in the manifest with your name.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take what the inbox holds, compute what changed, and release it."""
    _run(open_home(home, create=True), inbox, country, _waivers(waive or []), as_json)


def demo(
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make sample deliveries of Iraq and run the main job on them, in a home of its own (var/demo)."""
    from dtm_pipeline.samples.make import make_samples
    from dtm_pipeline.storage.plan import mark_samples
    from dtm_pipeline.storage.snapshots import digest

    place = open_home(home or DEMO_HOME, create=True)
    made = make_samples("IRQ", rounds=3, locations=1500, seed=7, out=place.root / "samples")
    mark_samples(place, [digest(f) for f in made.deliveries])
    if not as_json:
        typer.echo(f"sample deliveries of Iraq, with {made.faults} planted faults, in {made.folder}", err=True)
    _run(place, made.folder, None, {}, as_json)


def _waivers(given: list[str]) -> dict[str, str]:
    waivers = {}
    for text in given:
        name, _, reason = text.partition("=")
        if not reason.strip():
            fail(f"--waive {text!r}: say why, as NAME=REASON")
        waivers[name.strip()] = f"{reason.strip()} ({getpass.getuser()})"
    return waivers


def _run(home: Home, inbox: Path | None, country: str | None, waivers: dict[str, str], as_json: bool) -> None:
    from dtm_pipeline.settings import Settings
    from dtm_pipeline.storage.plan import make_plan, take_inbox
    from dtm_pipeline.storage.reference import Reference

    settings = Settings()
    if country is not None and (len(country) != 3 or not country.isalpha()):
        fail(f"--country {country!r}: write the country as ISO 3166-1 alpha-3, such as IRQ")
    country = country.upper() if country else None
    started = time.monotonic()
    with home.held():
        intake = take_inbox(home, inbox or settings.inbox or home.inbox)
        plan = make_plan(home, Reference(settings.reference).fingerprint(), country)
        if plan.empty and not (waivers and plan.release):
            _unchanged(home, intake.taken, as_json)
            return
        show_progress(quiet=as_json)
        failure = _execute(home, country, waivers)
    _finish(home, plan, [s.sha256 for s in intake.taken], failure, time.monotonic() - started, as_json)


def _execute(home: Home, country: str | None, waivers: dict[str, str]) -> BaseException | None:
    """Run the graph in process; the exception that stopped it, or None."""
    import os
    import shutil
    import warnings

    from dtm_pipeline.settings import Settings

    warnings.filterwarnings("ignore")
    os.environ["DAGSTER_HOME"] = str(home.dagster.resolve())
    shutil.copyfile(Settings().dagster_yaml, home.dagster / "dagster.yaml")
    from dtm_pipeline.execute import execute

    return execute(home.root, country, waivers)


def _unchanged(home: Home, taken: list[Snapshot], as_json: bool) -> None:
    from dtm_pipeline.release.pointer import latest_release

    release = latest_release(home.releases)
    refused = [s for s in taken if s.status == "refused"]
    if as_json:
        print_json({"outcome": "unchanged", "release": str(release.folder) if release else None})
    elif release is None:
        typer.echo(f"nothing to do: no delivery that can be used in {home.inbox} or --inbox")
    else:
        typer.echo(f"unchanged: nothing is new since release {release.name}")
        typer.echo(str(release.folder))
    for snapshot in refused:
        typer.echo(f"refused {snapshot.name}: {snapshot.reason}", err=True)
    if refused:
        raise typer.Exit(REFUSED)


def _finish(
    home: Home, plan: Plan, taken: list[str], failure: BaseException | None, seconds: float, as_json: bool
) -> None:
    """Tell what came of each delivery, and where the release is."""
    from dtm_pipeline.release.gates import GateRefusedError
    from dtm_pipeline.release.pointer import latest_release
    from dtm_pipeline.storage.snapshots import SnapshotStore

    judged = [s for s in SnapshotStore(home).all() if s.sha256 in {*plan.snapshots, *taken}]
    release = latest_release(home.releases)
    refused = [s for s in judged if s.status == "refused"]
    content: dict[str, Any] = {
        "outcome": "released",
        "release": str(release.folder) if release else None,
        "seconds": round(seconds, 1),
        "deliveries": [
            {
                "name": s.name,
                "status": s.status,
                "kind": s.kind,
                "reason": s.reason,
                "rows": s.report.get("rows_in"),
                "rejected_rows": s.report.get("rows_rejected"),
            }
            for s in judged
        ],
    }
    if not as_json and judged:
        print_rows(
            ["delivery", "status", "kind", "rows", "rejected", "findings"],
            [
                [
                    s.name,
                    s.status,
                    s.kind,
                    s.report.get("rows_in"),
                    s.report.get("rows_rejected"),
                    len(s.report.get("findings", [])),
                ]
                for s in judged
            ],
        )
    for snapshot in refused:
        if not as_json:
            typer.echo(f"refused {snapshot.name}: {snapshot.reason}", err=True)
    if isinstance(failure, GateRefusedError):
        content |= {"outcome": "gate refused", "gates": [g.as_record() for g in failure.failed]}
        if as_json:
            print_json(content)
        for gate in failure.failed:
            typer.echo(
                f"gate {gate.gate} refused the release ({gate.table}): {gate.sentence} does not hold",
                err=True,
            )
        typer.echo(
            f"readers stay on {release.name if release else 'nothing: there is no release yet'}; pages about the gates: {home.quality / 'data_docs' / 'index.html'}",
            err=True,
        )
        typer.echo("to release all the same: dtm run --waive NAME=REASON", err=True)
        raise typer.Exit(GATE)
    if failure is not None:
        raise failure
    nothing_taken = bool(refused) and len(refused) == len(judged)
    if release is None or nothing_taken:
        content["outcome"] = "refused"
    if as_json:
        print_json(content)
    elif release is not None:
        tables = sorted((release.folder / "tables").glob("*.parquet"))
        typer.echo(f"release {release.name} ({seconds:.0f} s): {len(tables)} tables")
        typer.echo(f"tables: {release.folder / 'tables'}")
        typer.echo(f"report: {release.folder / 'report' / 'index.html'}")
        typer.echo(str(release.folder))
    if content["outcome"] == "refused":
        raise typer.Exit(REFUSED)
