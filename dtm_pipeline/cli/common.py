"""What commands share: the home, exit codes, output for people and for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from dtm_pipeline.storage.home import Home

RELEASED, GATE, USAGE, REFUSED, BUSY, PARTLY, INTERNAL, SURROUNDINGS, STOPPED, PIPE = 0, 1, 2, 3, 4, 6, 70, 74, 130, 141

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Home folder: snapshots, tables, releases. [default: $DTM_HOME, or ./var]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

_current_home: list[Path] = []


def home_if_there(home: Path | None) -> Home | None:
    """The home that a command may take reference data from: the one named, else $DTM_HOME or ./var, if it is there."""
    from dtm_pipeline.storage.home import Home

    root = home or Path(os.environ.get("DTM_HOME", "var"))
    return Home(root) if root.is_dir() else None


def open_home(home: Path | None, create: bool = False) -> Home:
    """The home that a command works in; commands that only read never make one."""
    from dtm_pipeline.storage.home import Home, HomeError

    root = home or Path(os.environ.get("DTM_HOME", "var"))
    _current_home[:] = [root]
    if create:
        if root.exists() and not root.is_dir():
            raise HomeError(f"{root}: is a file; name a folder with --home")
        return Home(root).create()
    if not any((root / folder).is_dir() for folder in ("snapshots", "warehouse", "boundaries")):
        raise HomeError(f"{root}: there is no home here; name one with --home, or make one with `dtm run`")
    return Home(root)


def fail(sentence: str, code: int = USAGE) -> NoReturn:
    """Say what is wrong and leave."""
    typer.echo(f"dtm: {sentence}", err=True)
    raise typer.Exit(code)


def print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, default=str))


def print_rows(headers: list[str], rows: list[list[Any]]) -> None:
    """A plain table: columns padded, nothing cut, numbers right."""
    texts = [["" if v is None else f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
    widths = [max(len(h), *(len(r[i]) for r in texts)) if texts else len(h) for i, h in enumerate(headers)]
    numeric = [any(isinstance(r[i], int) for r in rows) for i in range(len(headers))]

    def line(cells: list[str]) -> str:
        return "  ".join(
            c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)
        ).rstrip()

    typer.echo(line(headers))
    for row in texts:
        typer.echo(line(row))


def show_progress(quiet: bool) -> None:
    """Send the progress of a run to standard error, a line a step."""
    logger = logging.getLogger("dtm_pipeline.progress")
    logger.handlers.clear()
    logger.propagate = False
    if not quiet:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("  %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def log_internal_error(error: BaseException) -> Path:
    """Write down where an internal error happened, in the home if there is one."""
    from dtm_pipeline.storage.errors import write_error_log

    return write_error_log(error, _current_home[0] / "logs" if _current_home else None)
