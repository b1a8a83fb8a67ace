"""What every kind of delivery can do: be recognised from content, and be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import reduce
from typing import Any, Protocol

import polars as pl

from dtm_pipeline.quality.bounds import RowBounds
from dtm_pipeline.quality.split import SIZE_RULE, Account
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import Spool
from sources.document import DeliveryError, Document


@dataclass(frozen=True)
class Match:
    """How well a document fits a kind, from 0 to 1, and what did not fit."""

    score: float
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    headers: int = 0
    """Headers that the kind knows: of two kinds that fit alike, the one that knows more is meant."""
    must_be_said: bool = False
    """A sidecar must say the kind: the content may be of this kind, and of others that look the same."""


@dataclass(frozen=True)
class Delivery:
    """What is known of a delivery before it is read: its bytes' name, identity, and the sidecar's words."""

    snapshot_id: str
    name: str
    statement: dict[str, Any]
    received_on: date | None = None
    """The day it came; None where that is not known."""

    def bounds(self, reference: Reference, kind: str) -> RowBounds:
        """What a row of the delivery may say at all."""
        return RowBounds.of(reference.bounds, reference.countries, kind, self.received_on)


@dataclass(frozen=True)
class Finding:
    """Something that an analyst should look at. The sentence holds no people's data."""

    finding: str
    sentence: str
    source_sheet: str | None = None
    source_row: int | None = None
    share: float | None = None
    """How much of the figures of the delivery is in question, where that is known."""
    stated: str | None = None
    read: str | None = None
    """What the delivery states, and what was read instead, where the finding is that the two differ."""


@dataclass
class Reading:
    """A delivery, read: valid rows by raw table, rejected rows, and an account of both.

    `responses` are the answers of a survey by the table of its form, each with a contract made from the form.
    """

    kind: str
    countries: tuple[str, ...]
    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    account: Account
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    responses: dict[str, Spool] = field(default_factory=dict)

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


@dataclass
class SheetReading:
    """One sheet, read."""

    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    account: Account
    countries: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def combine(kind: str, read: Sequence[SheetReading], findings: Sequence[Finding] = (), **facts: Any) -> Reading:
    """The reading of a delivery from those of its sheets."""
    names = read[0].tables
    return Reading(
        kind=kind,
        countries=tuple(sorted({c for s in read for c in s.countries})),
        tables={name: pl.concat([s.tables[name] for s in read]) for name in names},
        rejected=pl.concat([s.rejected for s in read]),
        account=reduce(added, (s.account for s in read)),
        facts={"sheets": [s.facts for s in read], **facts},
        findings=[*findings, *(f for s in read for f in s.findings)],
    )


def added(a: Account, b: Account) -> Account:
    """Two accounts as one."""
    left, right = asdict(a), asdict(b)
    return Account(**{k: left[k] + right[k] for k in left})


def main_refusal(refusals: Sequence[tuple[float, int, DeliveryError]]) -> DeliveryError:
    """The refusal of the main sheet, where no sheet can be used: of the one that fits its kind best, then has most rows.

    Args:
        refusals: fit and rows of each sheet, and why it can't be used.
    """
    return max(refusals, key=lambda r: r[:2])[2]


def none_usable(rejected: pl.DataFrame) -> DeliveryError:
    """The refusal of a sheet in which no row can be used: the first reason stands for all."""
    first = rejected.sort("source_row").row(0, named=True)
    # what is found may be people's data; counts of a row are not
    found = f" (the first counts {first['found']})" if first["rule"] == SIZE_RULE else ""
    return DeliveryError(
        f"{rejected.height:,} rows and none that can be used{found}",
        f"of the first that {first['sentence']}",
        "mend the rows, or ask the sender to",
        sheet=first["source_sheet"],
        row=first["source_row"],
        column=first["column"],
    )


@dataclass(frozen=True)
class Description:
    """What a kind of delivery is, for a person: `dtm kinds`."""

    kind: str
    title: str
    needs: tuple[str, ...]
    """What makes a delivery of this kind, in words."""
    tables: tuple[str, ...]
    core_table: str
    replacement_key: tuple[str, ...]
    page: str


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

    def describe(self) -> Description:
        """What it is, what it needs, and where its rows go."""
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
