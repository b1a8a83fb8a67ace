"""Registers of decisions that the home's commands write and a person may add to: what is lost of one is seen before it is read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.home import DamagedHomeError, write_json

DECIDED_PLACES, DECIDED_STATEMENTS, ERASED, TAKEN_BACK = "location_code", "review_id", "content_sha256", "release"
"""A column that each of the registers has."""


def as_register(sort: type, entries: Sequence[Any]) -> str:
    """The entries of a register as its file holds them.

    Args:
        sort: the dataclass of an entry, whose fields are the columns.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in fields(sort)])
    writer.writeheader()
    writer.writerows(asdict(e) for e in entries)
    return text.getvalue()


def replace_register(file: Path, content: str) -> None:
    """Write a register whole or leave it as it was, and note what was written (`FILE.noted`)."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = content.encode()
    now, lines = hashlib.sha256(data).hexdigest(), data.count(b"\n")
    before = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
    # a run that is killed between the two leaves the one or the other, and both are what was written
    if before:
        write_json(_noted(file), {"sha256": [now, before], "lines": lines})
    temporary = file.with_suffix(".part")
    with temporary.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)
    write_json(_noted(file), {"sha256": [now], "lines": lines})


def check_register(file: Path, column: str) -> None:
    """Hold a register against what was written last. A person may change and add lines by hand, never lose some unseen.

    Args:
        column: one that each register of its sort has.

    Raises:
        DamagedHomeError: it is gone, is another file, ends within a line, or has fewer lines than were written.
    """
    if file.is_file() and column not in file.read_bytes().partition(b"\n")[0].decode("utf-8", "replace"):
        raise DamagedHomeError(f"{file}: has no column {column}: is it another file? {_way_back(file)}")
    try:
        told = json.loads(_noted(file).read_text(encoding="utf-8"))
        written, lines = list(told["sha256"]), int(told["lines"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not file.is_file():
        raise DamagedHomeError(f"{file}: is gone, and held decisions; {_way_back(file)}")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() in written:
        return
    if not data.endswith(b"\n"):
        raise DamagedHomeError(f"{file}: ends within a line; {_way_back(file)}")
    present = data.count(b"\n")
    if present < lines:
        raise DamagedHomeError(f"{file}: has {present} lines, and {lines} were written; {_way_back(file)}")


def _noted(file: Path) -> Path:
    return file.with_name(f"{file.name}.noted")


def _way_back(file: Path) -> str:
    return f"bring it back from a copy of the home, or remove {_noted(file).name} beside it if that was meant"
