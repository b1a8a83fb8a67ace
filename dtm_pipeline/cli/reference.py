"""`dtm reference`: the reference data, and what a home says beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, home_if_there, print_json, print_rows

app = typer.Typer(
    help="Reference data: what ships, and what HOME/reference says beside it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(
    part: Annotated[
        str | None,
        typer.Argument(help="A table, such as code_lists/headers.csv: print it as CSV, both layers together."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what a home may add to, and how much of it is its own; or print one table as it is used."""
    from dtm_pipeline.storage.overlay import KEYS, LISTS, TABLES, WHOLE
    from dtm_pipeline.storage.reference import Reference

    reference = Reference.of(home_if_there(home))
    if part is not None:
        if part not in KEYS:
            fail(f"{part}: is no table of the reference data; those are {', '.join(KEYS)}")
        typer.echo(reference.layers.csv(part).write_csv(), nl=False)
        return
    own = reference.layers.rows()
    parts = [*KEYS, *LISTS, *TABLES, *WHOLE]
    told = [(p, sum(r.file == p or r.file.startswith(f"{p}/") for r in own)) for p in parts]
    if as_json:
        print_json({"shipped": str(reference.folder), "overlay": str(reference.overlay), "own": dict(told)})
        return
    typer.echo(f"ships in {reference.folder}")
    typer.echo(f"the home's own, over it: {reference.overlay or 'there is no home here (--home)'}")
    print_rows(["part", "own rows"], [[p, str(n) if n else None] for p, n in told])


@app.command()
def check(home: HomeOption = None) -> None:
    """Read all of it, as a run would; exit code 2 where something can't be used."""
    from dtm_pipeline.storage.reference import Reference

    reference = Reference.of(home_if_there(home))
    reference.check()
    reference.gazetteer()
    rows = len(reference.layers.rows())
    typer.echo(f"the reference data can be used; {rows} rows are the home's own")


@app.command()
def diff(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what a home says beside what ships: who, when, and what it stands for."""
    from dtm_pipeline.storage.reference import Reference

    rows = Reference.of(home_if_there(home)).layers.rows()
    if as_json:
        print_json([{**_record(r), "content": r.content, "shipped": r.shipped} for r in rows])
    elif not rows:
        typer.echo("the home says nothing beside what ships")
    else:
        print_rows(
            ["file", "key", "does", "by", "on", "what"],
            [[r.file, r.key, "replaces" if r.replaces else "adds", r.by, r.on.isoformat(), _change(r)] for r in rows],
        )


LET_OUT = {
    "operation": "code_lists/operations.csv",
    "flow_point": "flow_points.csv",
    "flow_point_id": "flow_points.csv",
    "event_id": "code_lists/words.csv, list event_prefix",
    "place_name": None,
    "place_code": None,
    "subdistrict_code": None,
}
"""Where a word is listed, if not in code_lists/words.csv under the list's name; None where only a code formed as p-codes leaves."""


@app.command()
def words(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the words of providers that partners see by a stand-in, and the file of HOME/reference that would let each out.

    What is printed may be free text of a provider: it stays with the analysts of the home.
    """
    from dtm_pipeline.contracts import published_tables
    from dtm_pipeline.release.words import hidden_words
    from dtm_pipeline.storage.reference import Reference
    from dtm_pipeline.storage.tables import stored

    place = home_if_there(home)
    if place is None:
        fail("there is no home here; name one with --home")
    lists = Reference.of(place).words
    tables = ((stored(place.warehouse, t).read_all(), t) for t in published_tables())
    hidden = sorted(set().union(*(hidden_words(frame, declared, lists) for frame, declared in tables)))
    told = [{**asdict(h), "listed_in": LET_OUT.get(h.list, f"code_lists/words.csv, list {h.list}")} for h in hidden]
    if as_json:
        print_json(told)
    elif not told:
        typer.echo("every word of the release is in a list")
    else:
        print_rows(
            ["country", "list", "word", "stand-in", "list it in HOME/reference/"],
            [[*list(row.values())[:4], row["listed_in"] or "no list: a code formed as p-codes leaves"] for row in told],
        )


def _record(row: Any) -> dict[str, Any]:
    return {"file": row.file, "key": row.key, "by": row.by, "on": row.on.isoformat(), "replaces": row.replaces}


def _change(row: Any) -> str:
    """What a row says that the shipped one does not: `max_headline_jump: 0.5 -> 0.7`."""
    before = row.shipped or {}
    changed = {k: v for k, v in row.content.items() if v is not None and before.get(k) != v}
    told = [f"{k}: {before[k]} -> {v}" if before.get(k) is not None else f"{k}: {v}" for k, v in changed.items()]
    return "; ".join(told[:4]) + ("; ..." if len(told) > 4 else "")
