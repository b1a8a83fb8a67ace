"""What a gate is told and what it answers. The gates themselves stand in checks/publication."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

NOT_WITHDRAWN = "not_withdrawn"
STRICT = "strict"
"""What `--strict` stops at is told as a gate that nobody waives."""
REFUSED_BY_GATES = "refused.json"
"""What gates refuse, in HOME/quality, until it is settled."""
GATES = (
    "one_source_leads",
    "hierarchy_adds_up",
    "breakdown_sums_to_stock",
    "individuals_follow_households",
    "small_cells_are_withheld",
    "no_headline_figure_vanishes",
    "no_headline_figure_jumps",
    "people_are_placed",
    "nothing_unclassified",
    "rows_and_persons_are_conserved",
    NOT_WITHDRAWN,
)


@dataclass(frozen=True)
class Candidate:
    """What is about to be released.

    Attributes:
        tables: every out table by name.
        previous: the tables of the release before, empty before the first.
        accounts: a row a delivery and country: rows and persons in, valid, rejected.
        categories: dimension, category_code and dissemination of reference/code_lists, and every governorate as origin.
        size_rules: rule_id, size_in_camp and size_out_of_camp of every rule.
        thresholds: reference/thresholds.toml, part `gates`, and the small cells of part `breakdowns`.
        accepted: series_id and reference_date of the statements that lead because a person accepted them.
        taken_back: series_id and reference_date of the statements that a person rejected, or whose acceptance one withdrew.
        docs: folder in the home where pages about the result may be written.
    """

    tables: dict[str, pl.DataFrame]
    previous: dict[str, pl.DataFrame]
    accounts: pl.DataFrame
    categories: pl.DataFrame
    size_rules: pl.DataFrame
    thresholds: dict[str, float]
    accepted: pl.DataFrame
    taken_back: pl.DataFrame
    docs: Path


@dataclass(frozen=True)
class GateResult:
    """One expectation's answer, without values of rows."""

    gate: str
    table: str
    expectation: str
    sentence: str
    passed: bool
    severity: str = "critical"
    countries: tuple[str, ...] = ()
    """Countries in which it does not hold; none where it is of no country."""

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


Judge = Callable[[Candidate], list[GateResult]]


class GateRefusedError(Exception):
    """A gate refused all that is new; readers stay on the release before."""

    def __init__(self, failed: list[GateResult]) -> None:
        self.failed = failed
        super().__init__("; ".join(f"{f.gate} ({f.table}): {f.sentence}" for f in failed))


def refused_countries(failed: list[GateResult]) -> dict[str, list[GateResult]] | None:
    """The gates that refuse each country; None where one refuses all of them."""
    if any(not f.countries for f in failed):
        return None
    found: dict[str, list[GateResult]] = {}
    for result in failed:
        for country in result.countries:
            found.setdefault(country, []).append(result)
    return dict(sorted(found.items()))
