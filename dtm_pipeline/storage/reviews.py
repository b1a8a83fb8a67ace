"""The register of decisions on held statements: kept in the home, replayed on every run."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields

from dtm_pipeline.domain.plausibility import Decisions
from dtm_pipeline.storage.home import DamagedHomeError, Home
from dtm_pipeline.storage.registers import DECIDED_STATEMENTS, as_register, check_register, replace_register

ACCEPT, REJECT, WITHDRAW = "accept", "reject", "withdraw"


@dataclass(frozen=True)
class Decision:
    """What a person decided of one statement.

    Attributes:
        review_id: the statement of the delivery.
        decision: `accept`, `reject`, or `withdraw`, which takes the one before it back.
        by, on, reason: who, when (ISO), why.
        about: the statement in words, as it was shown.
        part: governorates, as the provider names them and one a line, where only they were accepted; empty = all.
    """

    review_id: str
    decision: str
    by: str
    on: str
    reason: str
    about: str
    part: str = ""

    @property
    def units(self) -> frozenset[str]:
        return frozenset(self.part.splitlines())


def read_reviews(home: Home) -> list[Decision]:
    """Every decision of a home, in the order in which they were taken: none is ever removed, and the last of a statement counts.

    Raises:
        DamagedHomeError: the register is not what was written; the sentence names the line.
    """
    check_register(home.reviews, DECIDED_STATEMENTS)
    if not home.reviews.is_file():
        return []
    names = [f.name for f in fields(Decision)]
    with home.reviews.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        # a short line has no values for its last columns, a long one has some under no name
        whole = list(row) in (names, names[:-1]) and None not in row.values()
        if not whole or row["decision"] not in (ACCEPT, REJECT, WITHDRAW) or not row["review_id"]:
            raise DamagedHomeError(
                f"{home.reviews}: line {number} is no decision: expected the columns {', '.join(names)}, and {ACCEPT}, {REJECT} or {WITHDRAW}; "
                f"bring the file back from a copy of the home, or remove the line and decide again (`dtm review`)"
            )
    return [Decision(**row) for row in rows]


def write_reviews(home: Home, decisions: list[Decision]) -> None:
    """Write the register whole, in one move."""
    replace_register(home.reviews, as_register(Decision, decisions))


def standing(decisions: list[Decision]) -> dict[str, Decision]:
    """The decision that stands of each statement: the last, unless it was withdrawn."""
    last = {d.review_id: d for d in decisions}
    return {i: d for i, d in last.items() if d.decision != WITHDRAW}


def taken_back(home: Home) -> list[str]:
    """The statements that a person rejected, or whose acceptance one withdrew, by `review_id`."""
    last = {d.review_id: d for d in read_reviews(home)}
    return sorted(i for i, d in last.items() if d.decision in (REJECT, WITHDRAW))


def decided(home: Home) -> Decisions:
    """The decisions of a home as judging takes them."""
    last = standing(read_reviews(home))
    return Decisions(
        accepted=frozenset(i for i, d in last.items() if d.decision == ACCEPT),
        rejected=frozenset(i for i, d in last.items() if d.decision == REJECT),
        parts={i: d.units for i, d in last.items() if d.decision == ACCEPT and d.part},
    )
