"""`dtm explain`: where a published figure comes from. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtm_pipeline.cli.common import HomeOption, JsonOption, fail, open_home, print_json, print_rows

if TYPE_CHECKING:
    from dtm_pipeline.release.explain import Explanation

SHOWN_RANGES = 12


def explain(
    table: Annotated[str, typer.Argument(help="Table of the release, such as out_dtm__district_idp.")],
    admin1: Annotated[str | None, typer.Option("--admin1", help="Code of the governorate.")] = None,
    admin2: Annotated[str | None, typer.Option("--admin2", help="Code of the district.")] = None,
    admin3: Annotated[str | None, typer.Option("--admin3", help="Code of the sub-district.")] = None,
    date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Reference date. [default: the newest]")
    ] = None,
    group: Annotated[str | None, typer.Option("--group", help="Population group, such as idp.")] = None,
    series: Annotated[str | None, typer.Option("--series", help="Series, where an area has several.")] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="Category of a breakdown, severity class, or event.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow one published figure back through facts, places and rules to deliveries, sheets and row numbers.

    With --admin1 alone, a table of districts is asked for the people of that governorate whose district is not known.
    Exit code 1 where the total is not the same at every step.
    """
    from dtm_pipeline.release.explain import ExplainError, Question
    from dtm_pipeline.release.explain import explain as way_of

    options = {"governorate": admin1, "district": admin2, "subdistrict": admin3}
    level = next((n for n in options if f"__{n}_" in table), "district")
    deeper = list(options)[list(options).index(level) + 1 :]
    named = {"governorate": "--admin1", "district": "--admin2", "subdistrict": "--admin3"}
    for name in deeper:
        if options[name] is not None:
            fail(f"{table} is a table of {level}s: leave {named[name]} out, or name the table of {name}s")
    area = options[level]
    parent = {"governorate": None, "district": admin1, "subdistrict": admin2}[level]
    if area is None and parent is None:
        fail(f"{table} is a table of {level}s: name one with {named[level]}")
    day = date.date() if date else None
    try:
        told = way_of(
            open_home(home),
            Question(table, area and area.upper(), parent and parent.upper(), day, group, series, category),
        )
    except ExplainError as error:
        fail(str(error))
    if as_json:
        print_json(told.as_record())
    else:
        _show(told)
    if not told.same_total:
        typer.echo("dtm: the total is not the same at every step: do not rely on the figure, and report it", err=True)
        raise typer.Exit(1)


def _show(told: Explanation) -> None:
    figure = told.figure
    area = next((figure[c] for c in ("admin3_code", "admin2_code", "admin1_code") if figure.get(c)), "unit not known")
    day = figure.get("reference_date") or figure.get("report_date")
    typer.echo(f"{told.table} of release {told.release}: {area} on {day}")
    typer.echo(f"{told.measure} = {_number(told.total)}")
    typer.echo("")
    print_rows(["step", "rows", "total", "what stands there"], [[s.name, s.rows, s.total, s.says] for s in told.steps])
    for step in told.steps:
        for name, value in step.facts.items():
            if value not in ({}, [], None):
                typer.echo(f"  {name.replace('_', ' ')}: {_words(value)}")
    typer.echo("")
    print_rows(
        ["delivery", "sheet", "received", "rows", "total", "row numbers"],
        [[s.delivery, s.sheet or "", s.received_at[:16], len(s.rows), s.total, _ranges(s.rows)] for s in told.sources],
    )
    typer.echo("")
    for sentence in told.reviews:
        typer.echo(sentence)
    if told.earlier is not None:
        typer.echo("compared with:")
        _show(told.earlier)
    else:
        typer.echo(
            "the total is the same at every step" if told.same_total else "the total is NOT the same at every step"
        )


def _number(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v:,}" if isinstance(v, int) else f"{k} {v}" for k, v in value.items())
    return str(value)


def _ranges(rows: list[int]) -> str:
    """Row numbers as a person writes them: 3-7, 9."""
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:SHOWN_RANGES]]
    rest = len(ranges) - SHOWN_RANGES
    return ", ".join(told) + (f" and {rest} more (--json has all)" if rest > 0 else "")
