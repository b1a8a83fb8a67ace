"""`dtm review`: what is held and why, and what a person decides of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

if TYPE_CHECKING:
    import polars as pl

    from dtm_pipeline.storage.home import Home

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

    from dtm_pipeline.storage.reviews import read_reviews, standing

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
        _point_to_doubtful(every, place)
        return
    # what waits with another statement is decided with it
    alone = pl.col("waits_with").is_null() | ~pl.col("waits_with").is_in(waiting["review_id"].to_list())
    taken = standing(read_reviews(place))
    for row in waiting.filter(alone).iter_rows(named=True):
        word = {"hold": "held", "caveat": "doubtful", "pass": "accepted"}[row["outcome"]]
        if row["outcome"] == "hold" and (decision := taken.get(row["review_id"])):
            word = f"{decision.decision}ed by {decision.by}, in the tables with the next `dtm run`;"
        typer.echo(f"{row['review_id']}  {word}  {_name(place, row['snapshot_id'])}: {row['sentence']}")
        others = waiting.filter(waits_with=row["review_id"])
        if not others.is_empty():
            typer.echo(
                f"            {others.height} later dates agree with it and wait for the same decision: {', '.join(map(str, others['source_reference_date'].sort()))}"
            )
    typer.echo(f"both figures side by side: dtm review show ID --home {place.root}")
    if not doubtful:
        _point_to_doubtful(every, place)


def _point_to_doubtful(every: pl.DataFrame, place: Home) -> None:
    """Say that something was released and is doubtful."""
    if count := every.filter(outcome="caveat").height:
        typer.echo(f"released and doubtful: {count}; to list them: dtm review --doubtful --home {place.root}")


@app.command()
def show(review_id: IdArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the evidence of one statement beside the one before it, by governorate."""
    place = open_home(home)
    row = _one(place, review_id)
    units = _side_by_side(place, row)
    if as_json:
        print_json({**row, "delivery": _name(place, row["snapshot_id"]), "governorates": units.to_dicts()})
        return
    from dtm_pipeline.facts.plausible import SAID
    from dtm_pipeline.storage.reviews import read_reviews, standing

    decision = standing(read_reviews(place)).get(review_id)
    typer.echo(f"{row['review_id']} {_name(place, row['snapshot_id'])}")
    typer.echo(decision.about if decision else row["sentence"])
    for cause in (row["causes"] or [])[SAID:] if not decision else []:
        typer.echo(f"and: {cause}")
    if largest := _largest(place, row):
        typer.echo(largest)
    typer.echo("")
    _tell_outcomes(place, row)
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
    words = ("withdraw",) if decision else ("accept", "reject")
    if decision:
        only = f" for {', '.join(sorted(decision.units))} only" if decision.part else ""
        typer.echo(
            f"{decision.decision}ed{only} by {decision.by} on {decision.on}: {decision.reason}; to take that back:"
        )
    for word in words:
        typer.echo(f"dtm review {word} {row['review_id']} --by NAME --reason WHY --home {place.root}")


def _tell_outcomes(place: Home, row: dict[str, Any]) -> None:
    """What the figure of the date becomes by either decision."""
    now = f"{row['now']:,} {row['measure']}" if row["now"] is not None else "what the delivery says"
    lost = {"individuals": "households", "households": "individuals"}.get(row["measure"] or "")
    by_rule = (
        f"; {lost} are computed by the household size"
        if "measure_lost" in (row["broken"] or []) and lost == "individuals"
        else ""
    )
    typer.echo(f"accepted: {row['series_id']} on {row['source_reference_date']} becomes {now}{by_rule}")
    leads = _leading(place, row)
    kept = f"keeps {leads:,} {row['measure']}" if leads is not None else "has no figure"
    before = (
        f" ({row['before']:,} on {row['previous_date']} is the newest before it)"
        if leads is None and row["before"] is not None
        else ""
    )
    typer.echo(f"rejected: the date {kept}{before}")


def _leading(place: Home, row: dict[str, Any]) -> int | None:
    """What another delivery, which leads the date, says of it; None where none does."""
    import polars as pl

    from dtm_pipeline.contracts import core
    from dtm_pipeline.storage.tables import stored

    totals = stored(place.warehouse, core.SOURCE_TOTAL).read_all()
    lead = totals.filter("leads", pl.col("reference_date") == row["source_reference_date"], series_id=row["series_id"])
    told = lead.filter(~pl.col("snapshot_ids").list.contains(row["snapshot_id"]))[row["measure"] or "individuals"]
    return int(told[0]) if told.len() and told[0] is not None else None


def _largest(place: Home, row: dict[str, Any]) -> str | None:
    """The location that grew most, by its name and row, where one is too large: for the analyst, who has the file."""
    import polars as pl

    if "zeros_too_many" not in (row["broken"] or []) or row["previous_date"] is None:
        return None
    measure = row["measure"] or "individuals"
    new = _of_date(place, row, [row["snapshot_id"]], row["source_reference_date"])
    old = _of_date(place, row, _deliveries_of(place, row), row["previous_date"])
    grown = (pl.col(measure) - pl.col("_before")).alias("_grown")
    both = new.join(old.select("location_key", _before=measure), on="location_key").sort(grown, descending=True)
    if both.is_empty():
        return None
    place_row = both.row(0, named=True)
    name = place_row.get("location_name") or place_row.get("provider_admin2_name") or place_row["location_key"]
    return f"the location: {name}, row {place_row['source_row']}: {place_row[measure]:,} {measure}, {place_row['_before']:,} on {row['previous_date']}"


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
def withdraw(review_id: IdArgument, by: ByOption, reason: ReasonOption, home: HomeOption = None) -> None:
    """Take a decision back: the statement is judged again with the next run. That it was taken stays on record."""
    from dtm_pipeline.storage.reviews import WITHDRAW, Decision, read_reviews, standing, write_reviews

    _said(by, reason)
    place = open_home(home)
    with place.held():
        known = read_reviews(place)
        taken = standing(known).get(review_id)
        if taken is None:
            fail(f"{review_id}: no decision stands of it; `dtm review decisions` lists all that were taken")
        back = Decision(review_id, WITHDRAW, by.strip(), _today(), reason.strip(), taken.about)
        write_reviews(place, [*known, back])
    typer.echo(f"{review_id}: the decision of {taken.by} is withdrawn; to judge it again: dtm run --home {place.root}")


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
    from dtm_pipeline.storage.reviews import Decision, read_reviews, standing, write_reviews

    _said(by, reason)
    place = open_home(home)
    row = _one(place, review_id)
    before = standing(read_reviews(place)).get(review_id)
    if row["outcome"] != "hold" and before is None:
        fail(f"{review_id}: is not held; `dtm review` lists what is")
    if part:
        units = sorted(_side_by_side(place, row)["unit"])
        unknown = [unit for unit in part if unit not in units]
        if unknown:
            fail(f"--part {unknown[0]!r}: the statement has no such governorate; it has {', '.join(units)}")
    # a part is of one date: where the others are wrong they may be so elsewhere
    agreeing = [] if part else _reviews(place).filter(waits_with=review_id).to_dicts()
    about = before.about if before else row["sentence"]
    taken = [
        Decision(r["review_id"], word, by.strip(), _today(), reason.strip(), said, "\n".join(sorted(part)))
        for r, said in ((row, about), *((r, r["sentence"]) for r in agreeing))
    ]
    with place.held():
        write_reviews(place, [*read_reviews(place), *taken])
    also = f", and of {len(agreeing)} later dates that agree with it" if agreeing else ""
    also = (
        f", for {', '.join(sorted(part))} only: what led the rest of its date before stays, if anything did"
        if part
        else also
    )
    typer.echo(f"{word}ed: {review_id}{also}; to see it in the tables: dtm run --home {place.root}")
    if before:
        typer.echo(
            f"it stands in place of what {before.by} decided on {before.on} ({before.decision}: {before.reason})"
        )


def _said(by: str, reason: str) -> None:
    if not by.strip():
        fail("--by: write who decides")
    if not reason.strip():
        fail("--reason: write why")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


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

    from dtm_pipeline.domain.aggregate import known_sum
    from dtm_pipeline.facts.plausible import provider_unit

    measure = row["measure"] or "individuals"

    def of(snapshots: list[str], day: Any, name: str) -> pl.DataFrame:
        told = _of_date(place, row, snapshots, day)
        return told.group_by(unit=provider_unit(told)).agg(known_sum(measure).alias(name))

    before = _deliveries_of(place, row) if row["previous_date"] else []
    if not before:
        return of([row["snapshot_id"]], row["source_reference_date"], "now").with_columns(before=None).sort("unit")
    old = of(before, row["previous_date"], "before")
    new = of([row["snapshot_id"]], row["source_reference_date"], "now")
    both = old.join(new, on="unit", how="full", coalesce=True)
    moved = (pl.col("now").fill_null(0) - pl.col("before").fill_null(0)).abs()
    return both.sort(moved, "unit", descending=[True, False])


def _deliveries_of(place: Home, row: dict[str, Any]) -> list[str]:
    """The deliveries that the date before rests on."""
    import polars as pl

    from dtm_pipeline.contracts import core
    from dtm_pipeline.storage.tables import stored

    roles = stored(place.warehouse, core.DELIVERY_ROLE).read_all()
    same = roles.filter(
        pl.col("role").is_in(["leads", "adds"]),
        series_id=row["series_id"],
        source_kind=row["source_kind"],
        admin_level=row["admin_level"],
        source_reference_date=row["previous_date"],
    )
    return same["snapshot_id"].unique().to_list()


def _of_date(place: Home, row: dict[str, Any], snapshots: list[str], day: Any) -> pl.DataFrame:
    """The rows of some deliveries on a date, of the group, source and level of a statement."""
    import polars as pl

    key = ["location_code", "population_group", "source_kind", "admin_level", "source_reference_date"]
    asked = pl.DataFrame([{**{k: row[k] for k in key}, "source_reference_date": day}])
    return _raw_rows(place, row["source_kind"], snapshots).join(
        asked.cast({"admin_level": pl.Int64}), on=key, how="semi"
    )


def _raw_rows(place: Home, source_kind: str, snapshots: list[str]) -> pl.DataFrame:
    """Rows of stocks of some deliveries as they were read."""
    from dtm_pipeline.contracts import raw
    from dtm_pipeline.facts.stock import RawStocks
    from dtm_pipeline.storage.tables import stored

    names = (raw.MASTER_LIST, raw.MASTER_LIST_CELL, raw.LOCATION_DATABASE, raw.LOCATION_DATABASE_COUNT, raw.BASELINE_LOCATION, raw.API_FIGURE)  # fmt: skip
    return RawStocks(*(stored(place.warehouse, t).read_all(snapshots) for t in names)).rows()
