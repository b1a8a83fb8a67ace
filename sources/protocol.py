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


class Source(Protocol):
    """A kind of delivery."""

    kind: str
    title: str
    replacement_key: tuple[str, ...]

    def recognise(self, document: Document, reference: Reference) -> Match:
        """How well the document fits, from its content alone."""
        ...

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        """Read it.

        Raises:
            DeliveryError: its shape, date or country can't be used.
        """
        ...
