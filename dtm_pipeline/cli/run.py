"""`dtm run` and `dtm demo`: deliveries in, a release out."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dtm_pipeline.cli.common import (
    GATE,
    PARTLY,
    REFUSED,
    RELEASED,
    HomeOption,
    JsonOption,
    fail,
    open_home,
    print_json,
    print_rows,
    show_progress,
)

if TYPE_CHECKING:
    from dtm_pipeline.release.gates import GateRefusedError
    from dtm_pipeline.release.pointer import Release
    from dtm_pipeline.release.prune import Retention
    from dtm_pipeline.storage.home import Home
    from dtm_pipeline.storage.inbox import Intake
    from dtm_pipeline.storage.plan import Plan
    from dtm_pipeline.storage.snapshots import Snapshot

DEMO_HOME = Path("var/demo")


class Source(StrEnum):
    """What a home is made again from."""

    RAW = "raw"
    SNAPSHOTS = "snapshots"


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
            help="Release although this gate refuses: NAME=REASON. Needs --by; both stand in the manifest.",
        ),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who waives, by name.")] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Release nothing where a delivery is refused, much rejected, or something held."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take what the inbox holds, compute what changed, and release it."""
    from dtm_pipeline.storage.home import HomeError

    country = _country(country) if country is not None else None
    waivers = _waivers(waive or [], by)
    if inbox is not None and not inbox.is_dir():
        raise HomeError(f"{inbox}: is no folder; name the folder that holds the deliveries with --inbox")
    _run(open_home(home, create=True), inbox, country, waivers, strict, as_json)


def demo(
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make sample deliveries of Iraq and run the main job on them, in a home of its own (var/demo)."""
    from dtm_pipeline.samples.make import make_samples
    from dtm_pipeline.storage.hashes import digest
    from dtm_pipeline.storage.inbox import mark_samples

    place = open_home(home or DEMO_HOME, create=True)
    made = make_samples("IRQ", rounds=3, locations=1500, seed=7, out=place.root / "samples")
    mark_samples(place, [digest(f) for f in made.deliveries])
    if not as_json:
        typer.echo(f"sample deliveries of Iraq, with {made.faults} planted faults, in {made.folder}", err=True)
    try:
        _run(place, made.folder, None, {}, False, as_json, settled=True)
    except typer.Exit as told:
        # its faults are planted: what is held and refused is what it shows
        raise typer.Exit(RELEASED if told.exit_code == PARTLY else told.exit_code) from None


def _waivers(given: list[str], by: str | None) -> dict[str, str]:
    """Why each gate is waived, and by whom."""
    from dtm_pipeline.release.gates import GATES

    waivers = {}
    for text in given:
        name, _, reason = (part.strip() for part in text.partition("="))
        if name not in GATES:
            fail(f"--waive {text!r}: there is no gate {name!r}; the gates are {', '.join(GATES)}")
        if not reason:
            fail(f"--waive {text!r}: say why, as {name}=REASON")
        if not (by or "").strip():
            fail(f"--waive {text!r}: a person answers for it: say who, with --by NAME")
        waivers[name] = f"{reason} ({by})"
    return waivers


def ingest(
    files: Annotated[list[Path], typer.Argument(help="Files to take: deliveries, forms, ZIP archives of them.")],
    kind: Annotated[
        str | None, typer.Option("--as", help="What they are, where their content fits several kinds (`dtm kinds`).")
    ] = None,
    country: Annotated[
        str | None,
        typer.Option("--country", help="Country that they are of (ISO 3166-1 alpha-3), where they do not say."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files into the home and read them; the tables follow at the next `dtm run`."""
    from dtm_pipeline.storage.inbox import take_files
    from dtm_pipeline.storage.plan import make_plan
    from dtm_pipeline.storage.reference import Reference
    from sources.dates import labels_of_name

    lost = [f for f in files if not f.is_file()]
    if lost:
        fail(f"{lost[0]}: there is no such file")
    said: dict[str, Any] = {"kind": kind} if kind else {}
    said |= {"country": _country(country)} if country else {}
    place = open_home(home, create=True)
    reference = Reference.of(place)
    started = time.monotonic()
    with place.held():
        intake = take_files(place, files, reference.archive_limits, labels_of_name, said)
        plan = make_plan(place, reference.fingerprint())
        failure = None
        if plan.snapshots:
            show_progress(quiet=as_json)
            _warm(plan)
            failure = _execute(place, None, {}, only_read=True)
    if failure is not None:
        raise failure
    judged, refused = _told_deliveries(place, plan, intake, as_json)
    if as_json:
        told = {"seconds": round(time.monotonic() - started, 1), "deliveries": [_record(s) for s in judged]}
        print_json({**told, "not_taken": intake.not_taken})
    elif not refused:
        typer.echo("read; `dtm run` computes what follows from it" if judged else "nothing new: all of it is known")
    if refused and not any(s.status == "accepted" for s in judged):
        raise typer.Exit(REFUSED)


def retry(
    file: Annotated[str, typer.Argument(help="Name of the refused file, as `dtm status` lists it.")],
    kind: Annotated[str | None, typer.Option("--as", help="What it is (`dtm kinds`).")] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Country that it is of (ISO 3166-1 alpha-3).")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Whom it counts: idp, idp_returnee, refugee, ...")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="Its reference date, YYYY-MM-DD.")] = None,
    date_order: Annotated[
        str | None, typer.Option("--date-order", help="Order of days and months in it: dmy or mdy.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a refused delivery again, with what you say of it, and run. What you say stands in its sidecar."""
    from dtm_pipeline.storage.refused import retry as read_again
    from dtm_pipeline.storage.snapshots import StatementError

    facts = {
        "kind": kind,
        "country": _country(country) if country else None,
        "population_group": group,
        "reference_date": date,
        "date_order": date_order,
    }
    place = open_home(home)
    try:
        with place.held():
            read_again(place, file, {name: value for name, value in facts.items() if value is not None})
    except StatementError as error:
        fail(str(error))
    _run(place, None, None, {}, False, as_json)


def rebuild(
    source: Annotated[
        Source,
        typer.Option("--from", help="raw: what was read of the deliveries; snapshots: the stored deliveries."),
    ] = Source.RAW,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make every table again, and release it where anything differs. Takes nothing from the inbox."""
    from dtm_pipeline.storage.inbox import Intake
    from dtm_pipeline.storage.warehouse import forget_computed, forget_read

    place = open_home(home).create()
    started = time.monotonic()
    with place.held():
        (forget_read if source is Source.SNAPSHOTS else forget_computed)(place)
        _compute(place, Intake(), None, {}, False, as_json, started)


def _country(told: str) -> str:
    if len(told) != 3 or not told.isalpha():
        fail(f"--country {told!r}: write the country as ISO 3166-1 alpha-3, such as IRQ")
    return told.upper()


def _run(
    home: Home,
    inbox: Path | None,
    country: str | None,
    waivers: dict[str, str],
    strict: bool,
    as_json: bool,
    settled: bool = False,
) -> None:
    """Take the inbox and run what is stale.

    Args:
        settled: the inbox is whole: nobody writes into it.
    """
    from dtm_pipeline.release.prune import Retention
    from dtm_pipeline.release.signature import SignatureError, signing_key
    from dtm_pipeline.settings import Settings
    from dtm_pipeline.storage.caches import make_caches_anew
    from dtm_pipeline.storage.inbox import take_inbox
    from dtm_pipeline.storage.reference import Reference
    from dtm_pipeline.storage.refused import give_back_refused
    from sources.dates import labels_of_name

    settings = Settings()
    reference = Reference.of(home)
    started = time.monotonic()
    retention = Retention.of(reference.thresholds)
    try:
        signing_key()
    except SignatureError as error:
        fail(str(error))
    with home.held():
        for sentence in make_caches_anew(home):
            typer.echo(f"made anew: {sentence}", err=True)
        place = inbox or settings.inbox or home.inbox
        intake = take_inbox(
            home, place, reference.archive_limits, labels_of_name, 0 if settled else settings.settle_seconds
        )
        for name in give_back_refused(home):
            typer.echo(f"refused {name}: it was refused before; the reason lies in {home.refused}", err=True)
        try:
            _compute(home, intake, country, waivers, strict, as_json, started)
        finally:
            _prune(home, retention)


def _prune(home: Home, retention: Retention) -> None:
    """Remove what lies beyond the retention, and say so."""
    from dtm_pipeline.release.prune import prune_files

    if gone := prune_files(home, retention).releases:
        typer.echo(f"removed {len(gone)} releases beyond the newest {retention.releases}: {', '.join(gone)}", err=True)


def _compute(
    home: Home,
    intake: Intake,
    country: str | None,
    waivers: dict[str, str],
    strict: bool,
    as_json: bool,
    started: float,
) -> None:
    """Compute what is stale, release it, and tell what came of it; the caller holds the home."""
    from dtm_pipeline.storage.plan import make_plan
    from dtm_pipeline.storage.reference import Reference

    before = _release_name(home)
    reference = Reference.of(home)
    plan = make_plan(home, reference.fingerprint(), country)
    failure = None
    # a waiver releases what a gate kept back, though nothing else is new
    if not plan.empty or (waivers and _kept(home)):
        reference.check()
        show_progress(quiet=as_json)
        _warm(plan)
        failure = _execute(home, country, waivers, strict_about=plan.snapshots if strict else None)
    _tell(home, plan, intake, failure, before, time.monotonic() - started, as_json)


def _warm(plan: Plan) -> None:
    """Start the processes that read, while the graph is imported."""
    from sources.readers import warm_readers

    if plan.snapshots:
        warm_readers(len(plan.snapshots))


def _release_name(home: Home) -> str | None:
    from dtm_pipeline.release.pointer import ReleaseError, latest_release

    try:
        release = latest_release(home.releases)
    except ReleaseError:
        return None
    return release.name if release else None


def _kept(home: Home) -> dict[str, dict[str, Any]]:
    """Countries of the latest release whose newer figures a gate refused: from which release they are, and why."""
    from dtm_pipeline.release.pointer import ReleaseError, latest_release

    try:
        release = latest_release(home.releases)
    except ReleaseError:
        return {}
    return dict(release.manifest().get("kept", {})) if release else {}


def _execute(
    home: Home,
    country: str | None,
    waivers: dict[str, str],
    only_read: bool = False,
    strict_about: tuple[str, ...] | None = None,
) -> Exception | None:
    """Run the graph in process; the exception that stopped it, or None."""
    import os
    import shutil
    import warnings

    from dtm_pipeline.settings import Settings

    # Dagster tells developers of previews and deprecations; an analyst's terminal is no place for it
    warnings.filterwarnings("ignore")
    os.environ["DAGSTER_HOME"] = str(home.dagster.resolve())
    shutil.copyfile(Settings().dagster_yaml, home.dagster / "dagster.yaml")
    from dtm_pipeline.execute import execute

    return execute(home.root, country, waivers, only_read, strict_about)


def _tell(
    home: Home,
    plan: Plan,
    intake: Intake,
    failure: Exception | None,
    before: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Tell what came of each delivery, and where the release is; the exit code says it again."""
    from dtm_pipeline.release.gates import GateRefusedError
    from dtm_pipeline.release.pointer import latest_release
    from dtm_pipeline.storage.snapshots import SnapshotStore

    judged, refused = _told_deliveries(home, plan, intake, as_json)
    accepted = [s for s in judged if s.status == "accepted"]
    content: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "deliveries": [_record(s) for s in judged],
        "not_taken": intake.not_taken,
        "copies": intake.copies,
        "left_alone": intake.left_alone,
        "mended": intake.mended,
        "removed_parts": list(plan.foreign),
    }
    if isinstance(failure, GateRefusedError):
        _tell_refusal(home, failure, before, content, as_json)
    if failure is not None:
        raise failure
    waiting = [] if plan.empty else _waiting(home)
    content["waiting"] = [sentence for _, sentence in waiting]
    if not as_json:
        _tell_set_aside(accepted, home)
        _tell_waiting(waiting, home)
        if plan.empty:
            _tell_still_held(home)
    release = latest_release(home.releases)
    new = release is not None and release.name != before
    kept = _kept(home)
    content["kept"] = kept
    # no figure needs them now, and none could be made of them again
    content["damaged"] = SnapshotStore(home).damaged_payloads()
    if not as_json:
        _tell_kept(kept)
        for sentence in content["damaged"]:
            typer.echo(f"damaged: {sentence}", err=True)
    nothing_taken = bool(refused) and not accepted
    outcome = "released" if new else "refused" if nothing_taken or (release is None and refused) else "unchanged"
    _tell_release(home, release, outcome, seconds, content, as_json)
    if outcome == "refused":
        raise typer.Exit(REFUSED)
    if (kept and outcome == "released") or content["damaged"] or _not_all(home, judged, intake, waiting):
        raise typer.Exit(PARTLY)


def _tell_release(
    home: Home, release: Release | None, outcome: str, seconds: float, content: dict[str, Any], as_json: bool
) -> None:
    """What the run came to, and where its tables and pages lie."""
    if as_json:
        print_json({"outcome": outcome, "release": str(release.folder) if release else None, **content})
    elif release is None:
        typer.echo("nothing to release: no delivery that can be used was found")
    else:
        if outcome == "released":
            tables = list((release.folder / "tables").glob("*.parquet"))
            typer.echo(f"release {release.name} ({seconds:.0f} s): {len(tables)} tables")
        else:
            typer.echo(f"unchanged: nothing is new since release {release.name}")
        _tell_places(home, release)
        typer.echo(str(release.folder))


def _tell_places(home: Home, release: Release) -> None:
    """Where the tables and the two pages lie, and what of providers' own words partners don't see."""
    if hidden := release.manifest().get("stand_ins"):
        words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in hidden.items())
        typer.echo(
            f"words that no list has, and that partners see by a stand-in: {words}; `dtm reference words` lists them"
        )
    typer.echo(f"tables: {release.folder / 'tables'}")
    typer.echo(f"report: {release.folder / 'report' / 'index.html'}")
    if home.report.is_file():
        typer.echo(f"with the names of files and rows, for analysts: {home.report}")


def _not_all(home: Home, judged: list[Snapshot], intake: Intake, waiting: list[tuple[str, str]]) -> bool:
    """Whether something of this run was refused, held or rejected beyond its threshold."""
    from dtm_pipeline.release.reviews import rejected_much
    from dtm_pipeline.storage.reference import Reference

    refused = bool(intake.not_taken) or any(s.status == "refused" for s in judged)
    above = Reference.of(home).thresholds["deliveries"]["partial_above"]
    return refused or any(word == "held" for word, _ in waiting) or bool(rejected_much(judged, above))


def _tell_still_held(home: Home) -> None:
    """Where nothing is new, say what waits since an earlier run."""
    if still := sum(word == "held" for word, _ in _waiting(home)):
        typer.echo(f"still held, since an earlier run: {still}; to settle it: dtm review --home {home.root}", err=True)


COUNTS_ONLY = ("persons_per_household", "digit_too_many")
"""Rules whose evidence is counts and no words: it may be printed."""


def _tell_set_aside(accepted: list[Snapshot], home: Home) -> None:
    """How many rows and people of each delivery were set aside, and by which rules."""
    import polars as pl

    from dtm_pipeline.contracts.raw import QUARANTINE
    from dtm_pipeline.storage.tables import stored

    of = {s.sha256: s for s in accepted if s.report.get("rows_rejected")}
    rows = stored(home.warehouse, QUARANTINE).read_all(
        of, columns=["snapshot_id", "rule", "source_row", "persons", "found"]
    )
    by = rows.group_by("snapshot_id").agg(
        pl.len(),
        pl.col("persons").sum(),
        unknown=pl.col("persons").null_count(),
        first=pl.col("source_row").min(),
        rules=pl.col("rule").unique().sort(),
        counts=pl.col("found").filter(pl.col("rule").is_in(COUNTS_ONLY)).first(),
    )
    worst = by.sort("len", "snapshot_id", descending=[True, False]).head(SHOWN_WAITING)
    for sha256, count, people, unknown, first, rules, counts in worst.rows():
        named = f"{', '.join(rules[:3])}{' ...' if len(rules) > 3 else ''}"
        who = f"{people:,} people" if unknown < count else "people not known"
        more = f", and of {unknown:,} the people are not known" if 0 < unknown < count else ""
        typer.echo(
            f"set aside of {of[sha256].name}: {count:,} row{'s' if count > 1 else ''} ({who}{more}), first row {first}: {named}{f' ({counts})' if counts else ''}",
            err=True,
        )
    if of:
        typer.echo(f"why, row by row: dtm quarantine list --home {home.root}", err=True)


SHOWN_WAITING = 20
"""Sentences of one sort that a run shows; `dtm review` has all."""


def _tell_waiting(waiting: list[tuple[str, str]], home: Home) -> None:
    for word in dict.fromkeys(word for word, _ in waiting):
        sentences = [sentence for w, sentence in waiting if w == word]
        for sentence in sentences[:SHOWN_WAITING]:
            typer.echo(f"{word}: {sentence}", err=True)
        if len(sentences) > SHOWN_WAITING:
            typer.echo(
                f"{word}: and {len(sentences) - SHOWN_WAITING} more; `dtm review --doubtful` lists them", err=True
            )
    if any(word == "held" for word, _ in waiting):
        typer.echo(f"to settle what is held: dtm review --home {home.root}", err=True)


def _tell_kept(kept: dict[str, dict[str, Any]]) -> None:
    for country, told in kept.items():
        since = f"its tables are those of release {told['release']}" if told["release"] else "it is in no release yet"
        typer.echo(f"kept {country}: {told['because']}; {since}", err=True)
    if kept:
        typer.echo("to release all the same: dtm run --waive GATE=REASON --by NAME", err=True)


def _waiting(home: Home) -> list[tuple[str, str]]:
    """Deliveries that wait for a person, and statements that are compared with the one that leads, in words."""
    import polars as pl

    from dtm_pipeline.contracts.core import FINDINGS
    from dtm_pipeline.storage.tables import stored

    words = {
        "delivery_held": "held",
        "doubtful": "doubtful",
        "statement_compared": "compared",
        "accepted_by_review": "accepted",
    }
    told = pl.concat([stored(home.warehouse, table).read_all(columns=["finding", "sentence"]) for table in FINDINGS])
    rows = told.filter(pl.col("finding").is_in(list(words))).unique().sort("finding", "sentence").rows()
    return [(words[finding], sentence) for finding, sentence in rows]


def _told_deliveries(home: Home, plan: Plan, intake: Intake, as_json: bool) -> tuple[list[Snapshot], dict[str, str]]:
    """Tell what became of each delivery; the ones that this run judged, and the refused ones with their reasons."""
    from dtm_pipeline.storage.snapshots import SnapshotStore

    concerned = {*plan.snapshots, *(s.sha256 for s in intake.taken)}
    judged = [s for s in SnapshotStore(home).all() if s.sha256 in concerned]
    refused = {s.name: str(s.reason) for s in judged if s.status == "refused"} | intake.not_taken
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
                    len(s.report.get("findings", [])) if s.status == "accepted" else None,
                ]
                for s in judged
            ],
        )
    for name, reason in refused.items():
        typer.echo(f"refused {name}: {reason}", err=True)
    for name, known in intake.copies.items():
        typer.echo(f"copy {name}: its bytes are those of {known}, which counts once", err=True)
    for name in intake.mended:
        typer.echo(f"mended {name}: its stored bytes were damaged or gone, and are whole again", err=True)
    if plan.foreign:
        typer.echo(f"removed {len(plan.foreign)} files of the warehouse that no delivery of the home made", err=True)
    for name in intake.left_alone:
        typer.echo(f"left alone {name}: is no file; deliveries are files that lie in the inbox itself", err=True)
    return judged, refused


def _record(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "status": snapshot.status,
        "kind": snapshot.kind,
        "reason": snapshot.reason,
        "rows": snapshot.report.get("rows_in"),
        "rejected_rows": snapshot.report.get("rows_rejected"),
    }


def _tell_refusal(
    home: Home, failure: GateRefusedError, before: str | None, content: dict[str, Any], as_json: bool
) -> NoReturn:
    from dtm_pipeline.release.gates import STRICT

    if as_json:
        print_json({"outcome": "gate refused", "gates": [g.as_record() for g in failure.failed], **content})
    for gate in failure.failed:
        of = ", ".join(gate.countries) or "the release"
        told = f"gate {gate.gate} refused {of} ({gate.table}): {gate.sentence} does not hold"
        typer.echo(f"--strict: not released: {gate.sentence}" if gate.gate == STRICT else told, err=True)
    pages = home.quality / "data_docs" / "index.html"
    typer.echo(
        f"readers stay on {before or 'nothing: there is no release yet'}; pages about the gates: {pages}", err=True
    )
    if all(gate.gate == STRICT for gate in failure.failed):
        typer.echo(
            f"to release what was taken: dtm run --home {home.root}, without --strict; what is held: dtm review --home {home.root}",
            err=True,
        )
    else:
        gates = " ".join(f"--waive {g}=REASON" for g in dict.fromkeys(g.gate for g in failure.failed))
        typer.echo(f"to release all the same: dtm run {gates} --by NAME --home {home.root}", err=True)
    raise typer.Exit(GATE)
