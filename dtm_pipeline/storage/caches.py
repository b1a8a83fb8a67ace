"""What a home can lose without losing a figure: the memory of hashes, and the history of runs. Damaged, they are made anew."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from dtm_pipeline.storage.home import Home

LARGEST_CHECKED = 64 * 1024 * 1024
"""Bytes of a database that is looked through before each run; of a larger one only the beginning is (ours)."""


def history_files(home: Home) -> list[Path]:
    """The databases of the orchestrator."""
    return sorted(home.dagster.rglob("*.db"))


def why_damaged(file: Path, whole: bool = False) -> str | None:
    """What is wrong with a database; None where nothing is.

    Args:
        whole: look through it however large it is.
    """
    check = "pragma quick_check(1)" if whole or file.stat().st_size <= LARGEST_CHECKED else "pragma schema_version"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            told = str(database.execute(check).fetchone()[0])
    except sqlite3.OperationalError as error:
        # another process writes, or may; that is no damage
        return None if "locked" in str(error) else str(error)
    except sqlite3.Error as error:
        return str(error)
    return None if told == "ok" or told.isdigit() else told


def make_caches_anew(home: Home) -> list[str]:
    """Set damaged caches aside, so that the run makes them anew.

    Returns:
        A sentence for each.
    """
    told = []
    seen = home.snapshots / "seen.json"
    try:
        if seen.is_file() and not isinstance(json.loads(seen.read_text(encoding="utf-8")), dict):
            raise ValueError
    except ValueError:
        seen.unlink()
        told.append(f"{seen}: the memory of hashes can't be read, and is made anew: every file is read once more")
    for file in history_files(home):
        if why := why_damaged(file):
            for ending in ("-wal", "-shm"):
                file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
            aside = file.with_name(f"{file.name}.damaged")
            file.replace(aside)
            told.append(
                f"{file}: can't be read ({why}), and is made anew: the history of runs in it lies in {aside.name}; no figure rests on it"
            )
    return told
