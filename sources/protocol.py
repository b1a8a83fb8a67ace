"""What every kind of delivery can do: be recognised from content, and be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import polars as pl

from dtm_pipeline.quality.split import Account
from dtm_pipeline.storage.reference import Reference
from sources.document import Document


@dataclass(frozen=True)
class Match:
    """How well a document fits a kind, from 0 to 1, and what did not fit."""

    score: float
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """What is known of a delivery before it is read: its bytes' name, identity, and the sidecar's words."""

    snapshot_id: str
    name: str
    statement: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something that an analyst should look at. The sentence holds no people's data."""

    finding: str
    sentence: str
    source_sheet: str | None = None
    source_row: int | None = None


@dataclass
class Reading:
    """A delivery, read: valid rows by raw table, rejected rows, and an account of both."""

    kind: str
    countries: tuple[str, ...]
    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    account: Account
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """The record of the reading, as it is kept beside the snapshot: counts and headers, no values of rows."""
        return {**asdict(self.account), **self.facts, "findings": [asdict(f) for f in self.findings]}


MANY = 200
"""Above this many rows one finding tells how many and where the first stands."""


def flag_findings(rows: pl.DataFrame, sentences: dict[str, str], sheet: str | None) -> list[Finding]:
    """A finding for each flagged row, or one for all where a flag stands on many.

    Args:
        rows: source_row and flags.
        sentences: what each flag means, in words.
        sheet: sheet of the rows.
    """
    flagged = rows.select("source_row", flag="flags").explode("flag").filter(pl.col("flag").is_not_null())
    findings = []
    for flag, sentence in sentences.items():
        numbers = flagged.filter(pl.col("flag") == flag)["source_row"].sort().to_list()
        if len(numbers) > MANY or (numbers and len(numbers) == rows.height):
            findings.append(
                Finding(
                    flag,
                    f"{sentence} (in {len(numbers):,} of {rows.height:,} rows, first in row {numbers[0]})",
                    sheet,
                )
            )
        else:
            findings += [Finding(flag, sentence, sheet, n) for n in numbers]
    return findings


class Source(Protocol):
    """A kind of delivery."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def replacement_key(self) -> tuple[str, ...]:
        """The columns for each value of which the newest delivery leads, whole."""
        ...

    def recognise(self, document: Document, reference: Reference) -> Match:
        """How well the document fits, from its content alone."""
        ...

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        """Read it.

        Raises:
            DeliveryError: its shape, date or country can't be used.
        """
        ...
