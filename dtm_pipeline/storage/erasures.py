"""The register of deliveries that were erased: that it happened, by whom, when and why, and nothing of what they held."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields

from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.registers import ERASED, as_register, check_register, replace_register


@dataclass(frozen=True)
class Erasure:
    """A delivery that is no more.

    Attributes:
        snapshot_id, content_sha256: what it was known by; bytes of this hash are not taken again.
        number: its number in `dtm status`.
        countries: those whose figures rested on it, space between.
        by, on, reason: who, when (ISO), why.
    """

    snapshot_id: str
    content_sha256: str
    number: str
    countries: str
    by: str
    on: str
    reason: str


def read_erasures(home: Home) -> list[Erasure]:
    """What was erased, in the order in which it was.

    Raises:
        DamagedHomeError: the register is not what was written.
    """
    check_register(home.erasures, ERASED)
    if not home.erasures.is_file():
        return []
    names = [f.name for f in fields(Erasure)]
    with home.erasures.open(encoding="utf-8", newline="") as file:
        return [Erasure(**{n: row.get(n) or "" for n in names}) for row in csv.DictReader(file)]


def write_erasures(home: Home, erasures: list[Erasure]) -> None:
    """Write the register whole, in one move."""
    replace_register(home.erasures, as_register(Erasure, erasures))
