"""Boundary editions of a home against their records: polygons that are gone or changed are never "no boundaries"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.hashes import KnownHashes
from dtm_pipeline.storage.home import DamagedHomeError, Home


def check_editions(home: Home, known: KnownHashes) -> None:
    """Hold the polygons of every edition against their record.

    Raises:
        DamagedHomeError: of polygons and record one is gone, can't be read, or is not what was imported.
    """
    for wrong in damaged_editions(home, known):
        raise DamagedHomeError(wrong)


def damaged_editions(home: Home, known: KnownHashes) -> Iterator[str]:
    """What is wrong with the editions of a home, in sentences. Cells that are gone or damaged are drawn again from the polygons."""
    stems = {f.with_suffix("") for end in ("json", "parquet") for f in home.boundaries.glob(f"*/*/adm[123].{end}")}
    for stem in sorted(stems):
        edition = stem.parent
        wrong = _wrong(stem, known)
        if wrong is not None:
            yield (
                f"{wrong}; import the edition again: "
                f"dtm boundaries import FILE --country {edition.parent.name} --edition {edition.name} --home {home.root}"
            )


def _wrong(stem: Path, known: KnownHashes) -> str | None:
    record, polygons = stem.with_suffix(".json"), stem.with_suffix(".parquet")
    for one, other in ((record, polygons), (polygons, record)):
        if not one.is_file():
            return f"{one}: is gone, and {other.name} is there"
    try:
        told: dict[str, Any] = dict(json.loads(record.read_text(encoding="utf-8")))
        of = (told["location_code"], told["edition"], f"adm{told['admin_level']}")
    except (ValueError, TypeError, KeyError):
        return f"{record}: can't be read"
    if of != (stem.parent.parent.name, stem.parent.name, stem.name):
        return f"{record}: is the record of another edition or level"
    # editions that were imported by a version that noted no hash are taken as they are
    noted = told.get("files", {}).get(polygons.name)
    return f"{polygons}: is not what was imported" if noted and not known.is_whole(polygons, noted) else None
