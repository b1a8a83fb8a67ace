"""`dtm review`: what is held and why, and what a person decides of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

if TYPE_CHECKING:
    import polars as pl

    from dtm_pipeline.storage.home import Home
    from dtm_pipeline.storage.reviews import Decision

app = typer.Typer(
    help="Statements that are held: list them, look at the evidence, accept or reject.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the statement, as `dtm review` lists it.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; stands in the manifest and the report.")]
SHOWN_UNITS = 30


@app.callback()
def listed(
    context: typer.Context,
    home: HomeOption = None,
    doubtful: Annotated[bool, typer.Option("--doubtful", help="List what was released and is doubtful, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the statements that wait for a decision."""
    if context.invoked_subcommand is not None:
        return
    import polars as pl

    place = open_home(home)
    every = _reviews(place)
    # what a person rejected is settled: `decisions` lists it
    settled = pl.col("broken").list.contains("rejected")
    waiting = every if doubtful else every.filter((pl.col("outcome") == "hold") & ~settled)
    by_sidecar = _settled_by_sidecar(place)
    if as_json:
        told = [*waiting.to_dicts(), *by_sidecar.to_dicts()]
        print_json([{**r, "delivery": _name(place, r["snapshot_id"])} for r in told])
        return
    for row in by_sidecar.iter_rows(named=True):
        typer.echo(f"by sidecar  held  {_name(place, row['snapshot_id'])}: {row['sentence']}")
    if waiting.is_empty():
        typer.echo("no statement waits for `dtm review accept`" if by_sidecar.height else "nothing is held")
        return
    # what waits with another statement is decided with it
    alone = pl.col("waits_with").is_null() | ~pl.col("waits_with").is_in(waiting["review_id"].to_list())
    for row in waiting.filter(alone).iter_rows(named=True):
        word = {"hold": "held", "caveat": "doubtful", "pass": "accepted"}[row["outcome"]]
        typer.echo(f"{row['review_id']}  {word}  {_name(place, row['snapshot_id'])}: {row['sentence']}")
        others = waiting.filter(waits_with=row["review_id"])
        if not others.is_empty():
            typer.echo(
                f"            {others.height} later dates agree with it and wait for the same decision: {', '.join(map(str, others['source_reference_date'].sort()))}"
            )
    typer.echo(
        "`dtm review show ID` lays both figures side by side; `dtm review accept ID --by NAME --reason WHY` or `reject` settles it"
    )


@app.command()
def show(review_id: IdArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the evidence of one statement beside the one before it, by governorate."""
    place = open_home(home)
    row = _one(place, review_id)
    units = _side_by_side(place, row)
    if as_json:
        print_json({**row, "delivery": _name(place, row["snapshot_id"]), "governorates": units.to_dicts()})
        return
    typer.echo(f"{row['review_id']} {_name(place, row['snapshot_id'])}")
    typer.echo(row["sentence"])
    typer.echo("")
    same = row["previous_date"] == row["source_reference_date"]
    kept = "has no figure"
    if row["before"] is not None:
        kept = f"keeps {row['before']:,}" if same else f"has no figure ({row['before']:,} on {row['previous_date']} is the newest before it)"  # fmt: skip
    now = f"{row['now']:,} {row['measure']}" if row["now"] is not None else "what the delivery says"
    typer.echo(f"accepted: {row['series_id']} on {row['source_reference_date']} becomes {now}")
    typer.echo(f"rejected: the date {kept}{'' if same else ', or is led by another delivery that is plausible'}")
    if not units.is_empty():
        typer.echo("")
        print_rows(
            ["governorate, as the provider names it", f"{row['previous_date'] or 'before'}", f"{row['source_reference_date']}", "times"],
            [
                [r["unit"], r["before"], r["now"], f"{r['now'] / r['before']:.2f}" if r["before"] and r["now"] is not None else None]
                for r in units.head(SHOWN_UNITS).iter_rows(named=True)
            ],
        )  # fmt: skip
        if units.height > SHOWN_UNITS:
            typer.echo(f"and {units.height - SHOWN_UNITS} more (--json has all)")
    typer.echo("")
    for word in ("accept", "reject"):
        typer.echo(f"dtm review {word} {row['review_id']} --by NAME --reason WHY --home {place.root}")


@app.command()
def accept(
    review_id: IdArgument,
    by: ByOption,
    reason: ReasonOption,
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="Let this governorate only count, as `show` names it; can be said several times."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Let a held statement count, and those that agree with it."""
    _decide(home, review_id, "accept", by, reason, part or [])


@app.command()
def reject(review_id: IdArgument, by: ByOption, reason: ReasonOption, home: HomeOption = None) -> None:
    """Never let a statement count; what led before it stays."""
    _decide(home, review_id, "reject", by, reason, [])


@app.command()
def withdraw(review_id: IdArgument, home: HomeOption = None) -> None:
    """Take a decision back: the statement is judged again with the next run."""
    from dtm_pipeline.storage.reviews import read_reviews, write_reviews

    place = open_home(home)
    with place.held():
        known = read_reviews(place)
        left = [d for d in known if d.review_id != review_id]
        if len(left) == len(known):
            fail(f"{review_id}: no decision was taken of it; `dtm review decisions` lists those that were")
        write_reviews(place, left)
    typer.echo(f"{review_id}: the decision is withdrawn; `dtm run` judges it again")


@app.command()
def decisions(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the decisions of the home."""
    from dtm_pipeline.storage.reviews import read_reviews

    known = read_reviews(open_home(home))
    if as_json:
        print_json([{**vars(d), "part": sorted(d.units)} for d in known])
    elif not known:
        typer.echo("no decision was taken")
    for d in [] if as_json else known:
        only = f" of {', '.join(sorted(d.units))}" if d.part else ""
        typer.echo(f"{d.review_id}  {d.decision}{only} by {d.by} on {d.on}: {d.reason} ({d.about})")


def _decide(home: HomeOption, review_id: str, word: str, by: str, reason: str, part: list[str]) -> None:
    from dtm_pipeline.storage.reviews import Decision, read_reviews, write_reviews

    if not by.strip():
        fail("--by: write who decides")
    if not reason.strip():
        fail("--reason: write why")
    place = open_home(home)
    row = _one(place, review_id)
    if row["outcome"] != "hold":
        fail(f"{review_id}: is not held; `dtm review` lists what is")
    if part:
        units = sorted(_side_by_side(place, row)["unit"])
        unknown = [unit for unit in part if unit not in units]
        if unknown:
            fail(f"--part {unknown[0]!r}: the statement has no such governorate; it has {', '.join(units)}")
    # a part is of one date: where the others are wrong they may be so elsewhere
    agreeing = [] if part else _reviews(place).filter(waits_with=review_id).to_dicts()
    today = datetime.now(UTC).date().isoformat()
    taken = [
        Decision(r["review_id"], word, by.strip(), today, reason.strip(), r["sentence"], "\n".join(sorted(part)))
        for r in (row, *agreeing)
    ]
    with place.held():
        write_reviews(place, [*_without(read_reviews(place), taken), *taken])
    also = f", and of {len(agreeing)} later dates that agree with it" if agreeing else ""
    also = f", for {', '.join(sorted(part))} only: the rest of its date keeps what led before" if part else also
    typer.echo(f"{word}ed: {review_id}{also}; `dtm run` replays it")


def _without(known: list[Decision], taken: list[Decision]) -> list[Decision]:
    """Decisions without those that are taken anew."""
    ids = {d.review_id for d in taken}
    return [d for d in known if d.review_id not in ids]


def _reviews(place: Home) -> pl.DataFrame:
    from dtm_pipeline.contracts import core
    from dtm_pipeline.storage.tables import stored

    return stored(place.warehouse, core.REVIEW).read_all().sort("location_code", "series_id", "source_reference_date")


def _settled_by_sidecar(place: Home) -> pl.DataFrame:
    """What is held and is no stock: review_id (null), snapshot_id, location_code, outcome, sentence. Its sidecar settles it."""
    import polars as pl

    from dtm_pipeline.contracts import core
    from dtm_pipeline.storage.tables import stored

    others = [t for t in core.FINDINGS if t.name != core.FINDING.name]
    columns = ["snapshot_id", "location_code", "finding", "sentence"]
    held = pl.concat(stored(place.warehouse, t).read_all(columns=columns) for t in others)
    return (
        held.filter(finding="delivery_held")
        .select(pl.lit(None, pl.String).alias("review_id"), *columns[:2], pl.lit("hold").alias("outcome"), "sentence")
        .unique()
        .sort("location_code", "snapshot_id")
    )


def _one(place: Home, review_id: str) -> dict[str, Any]:
    found = _reviews(place).filter(review_id=review_id)
    if found.is_empty():
        fail(f"{review_id}: no statement has this id; `dtm review` lists those that wait, `--doubtful` the others")
    return found.row(0, named=True)


def _name(place: Home, snapshot_id: str) -> str:
    from dtm_pipeline.storage.snapshots import SnapshotStore

    return next((s.name for s in SnapshotStore(place).all() if s.sha256 == snapshot_id), snapshot_id[:10])


def _side_by_side(place: Home, row: dict[str, Any]) -> pl.DataFrame:
    """What the statement and the one before it say of each governorate: unit, before, now; those that moved most first."""
    import polars as pl

    from dtm_pipeline.contracts import core
    from dtm_pipeline.domain.aggregate import known_sum
    from dtm_pipeline.facts.plausible import provider_unit
    from dtm_pipeline.storage.tables import stored

    roles = stored(place.warehouse, core.DELIVERY_ROLE).read_all()
    same = roles.filter(
        pl.col("role").is_in(["leads", "adds"]),
        series_id=row["series_id"],
        source_kind=row["source_kind"],
        admin_level=row["admin_level"],
    )
    measure = row["measure"] or "individuals"
    key = ["location_code", "population_group", "source_kind", "admin_level", "source_reference_date"]

    def of(snapshots: list[str], day: Any, name: str) -> pl.DataFrame:
        asked = pl.DataFrame([{**{k: row[k] for k in key}, "source_reference_date": day}])
        told = _raw_rows(place, row["source_kind"], snapshots).join(
            asked.cast({"admin_level": pl.Int64}), on=key, how="semi"
        )
        return told.group_by(unit=provider_unit(told)).agg(known_sum(measure).alias(name))

    before = same.filter(source_reference_date=row["previous_date"]) if row["previous_date"] else same.clear()
    if before.is_empty():
        return of([row["snapshot_id"]], row["source_reference_date"], "now").with_columns(before=None).sort("unit")
    old = of(before["snapshot_id"].unique().to_list(), row["previous_date"], "before")
    new = of([row["snapshot_id"]], row["source_reference_date"], "now")
    both = old.join(new, on="unit", how="full", coalesce=True)
    moved = (pl.col("now").fill_null(0) - pl.col("before").fill_null(0)).abs()
    return both.sort(moved, "unit", descending=[True, False])


def _raw_rows(place: Home, source_kind: str, snapshots: list[str]) -> pl.DataFrame:
    """Rows of stocks of some deliveries as they were read."""
    from dtm_pipeline.contracts import raw
    from dtm_pipeline.facts.stock import RawStocks
    from dtm_pipeline.storage.tables import stored

    names = (raw.MASTER_LIST, raw.MASTER_LIST_CELL, raw.LOCATION_DATABASE, raw.LOCATION_DATABASE_COUNT, raw.BASELINE_LOCATION, raw.API_FIGURE)  # fmt: skip
    return RawStocks(*(stored(place.warehouse, t).read_all(snapshots) for t in names)).rows()
