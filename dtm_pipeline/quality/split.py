"""Split rows by their contract, and hold every row to account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dtm_pipeline.contracts.derive import conform, holds, pandera_schema
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.contracts.raw import QUARANTINE
from dtm_pipeline.quality.bounds import ABSURD_COUNT, ABSURD_DATE, RowBounds, absurd_counts, absurd_dates
from dtm_pipeline.quality.parse import unreadable

PERSONS = "_persons"
SIZE_RULE = "persons_per_household"
LOCATION = (
    "place_id",
    "provider_admin2_code",
    "provider_admin2_name",
    "provider_admin1_code",
    "provider_admin1_name",
    "location_code",
)
"""What a row is known by from one date to the next: the first of these that its table has and the row tells."""
VERDICT = pl.Struct(dict.fromkeys(("rule", "sentence", "column", "found"), pl.String))


class ConservationError(Exception):
    """Rows or persons in are not valid + rejected: a broken invariant, the run stops."""


@dataclass(frozen=True)
class Reject:
    """A reason for which a row can't be used, found before the contract is asked."""

    rule: str
    sentence: str
    column: str | None
    broken: pl.Expr
    found: pl.Expr


@dataclass(frozen=True)
class Originals:
    """The rows as they arrived, with `source_row`, and how one is told as JSON. Only rejected rows are."""

    texts: pl.DataFrame
    as_json: pl.Expr
    headers: dict[str, str] = field(default_factory=dict)
    """Header of each column that has one, as the file spells it."""


@dataclass(frozen=True)
class Split:
    """Rows that can be used, and rows that can't with the reason."""

    valid: pl.DataFrame
    rejected: pl.DataFrame


@dataclass(frozen=True)
class Account:
    """Rows and persons in, valid and rejected; persons of unreadable rows are not known."""

    rows_in: int
    rows_valid: int
    rows_rejected: int
    persons_in: int
    persons_valid: int
    persons_rejected: int
    rows_with_unknown_persons: int


def count_rejects(columns: dict[str, str]) -> list[Reject]:
    """The rejects of columns that hold counts: unreadable and negative.

    Args:
        columns: name of the parsed column, and the header as the file spells it. The text stands in
            `{name}_text`.
    """
    rejects = []
    for name, header in columns.items():
        text = pl.col(f"{name}_text")
        rejects += [
            Reject(
                f"unreadable_{name}",
                f"{header} is a whole number",
                header,
                unreadable(text, pl.col(name)),
                text,
            ),
            Reject(f"negative_{name}", f"{header} is not negative", header, pl.col(name) < 0, text),
        ]
    return rejects


@dataclass(frozen=True)
class SizeOfRow:
    """How many persons a household may have in one row (`[deliveries]` in reference/thresholds.toml).

    Attributes:
        low, high: persons a household, below and above which the two counts of a row can't both be right.
        households_min: rows of fewer households are asked only whether they have a person a household.
        individuals_min: rows of fewer persons may have few households.
    """

    low: float
    high: float
    households_min: int
    individuals_min: int

    @classmethod
    def of(cls, deliveries: dict[str, Any]) -> SizeOfRow:
        """The numbers of `[deliveries]`."""
        return cls(**{n: deliveries[f"row_{n}"] for n in ("low", "high", "households_min", "individuals_min")})


def unfit(households: str, individuals: str, rule: SizeOfRow) -> pl.Expr:
    """Whether households and persons of a row can't both be right."""
    h, i = pl.col(households), pl.col(individuals)
    few = (h > 0) & ((i < h) | ((h >= rule.households_min) & (i < rule.low * h)))
    return few | ((i >= rule.individuals_min) & (h >= 0) & (i > rule.high * h))


def size_rejects(pairs: list[tuple[str, str]], headers: dict[str, str], rule: SizeOfRow) -> list[Reject]:
    """The rejects of rows whose households and persons can't both be right.

    Args:
        pairs: names of the columns of households and of the persons in them.
        headers: of columns, as the file spells them; a pair of which one is missing is not compared.
    """
    rejects = []
    for households, individuals in pairs:
        if households not in headers or individuals not in headers:
            continue
        rejects.append(
            Reject(
                SIZE_RULE,
                f"{headers[households]} and {headers[individuals]} fit each other: {rule.low:g} to {rule.high:g} persons a household",
                headers[individuals],
                unfit(households, individuals, rule),
                pl.format("{} households, {} individuals", households, individuals),
            )
        )
    return rejects


def absurd_rejects(table: Table, columns: list[str], bounds: RowBounds, headers: dict[str, str]) -> list[Reject]:
    """The rejects of rows that say what can't be: a date outside the window, more people than there are.

    Args:
        columns: those that the rows have.
        headers: of columns, as the file spells them.
    """
    dates = [
        Reject(ABSURD_DATE, f"{headers.get(n, n)} lies {bounds.window()}", headers.get(n), broken, pl.col(n))
        for n, broken in absurd_dates(table, columns, bounds).items()
    ]
    counts = [
        Reject(
            ABSURD_COUNT,
            f"{headers.get(n, n)} is at most what its place, or its country, can hold ([bounds], and most_people of reference/countries)",
            headers.get(n),
            broken,
            pl.col(n),
        )
        for n, broken in absurd_counts(table, columns, bounds).items()
    ]
    return [*dates, *counts]


def split(
    rows: pl.DataFrame, table: Table, rejects: list[Reject], kind: str, originals: Originals, bounds: RowBounds
) -> Split:
    """Split rows into valid ones, with exactly the table's columns, and quarantined ones.

    The checks run as one Polars pass; Pandera is asked only for a report on the rows that fail the contract.

    Args:
        rows: the table's columns, `_persons` (persons that the row states by its raw text, null when unreadable),
            and whatever the rejects look at.
        table: contract of the valid rows.
        rejects: in order: the first reason that holds is told.
        kind: kind of the delivery.
        originals: the same rows as they arrived.
        bounds: what a row of the kind may say at all.
    """
    # what can't be told at all comes first where it can be told: an unreadable cell is none of these
    rejects = [*absurd_rejects(table, rows.columns, bounds, originals.headers), *rejects]
    verdict = pl.coalesce(
        pl.lit(None, VERDICT),
        *(
            pl.when(r.broken.fill_null(False)).then(
                pl.struct(
                    rule=pl.lit(r.rule),
                    sentence=pl.lit(r.sentence),
                    column=pl.lit(r.column, pl.String),
                    found=r.found.cast(pl.String),
                )
            )
            for r in rejects
        ),
    )
    judged = rows.with_row_index("_index").with_columns(_verdict=verdict)
    passed = judged.filter(pl.col("_verdict").is_null())
    broken = passed.filter(~holds(table))
    if not broken.is_empty():
        judged = judged.join(_report(broken, table), on="_index", how="left", maintain_order="left").with_columns(
            _verdict=pl.coalesce("_verdict", "_told")
        )
    wrong = pl.col("_verdict").is_not_null()
    rejected = judged.filter(wrong).with_columns(
        pl.col("_verdict").struct.unnest(),
        kind=pl.lit(kind),
        persons=pl.col(PERSONS),
        location_key=location_key(rows.columns),
    )
    arrived = originals.texts.join(rejected.select("source_row"), on="source_row", how="semi")
    rejected = rejected.join(arrived.select("source_row", original=originals.as_json), on="source_row", how="left")
    return Split(conform(judged.filter(~wrong), table), conform(rejected, QUARANTINE))


def location_key(columns: list[str]) -> pl.Expr:
    """What a row is known by from one date to the next (LOCATION).

    Args:
        columns: of the rows.
    """
    return pl.coalesce(pl.lit(None, pl.String), *(pl.col(c).cast(pl.String) for c in LOCATION if c in columns))


def _report(broken: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Pandera's report on rows that fail: for each the first broken statement of the contract."""
    import pandera.errors

    frame = conform(broken, table)
    try:
        pandera_schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases.filter(pl.col("index").is_not_null())
    else:
        raise AssertionError(f"{table.name}: the Polars pass and the Pandera schema disagree")
    names = [c.name for c in table.columns]
    is_column = pl.col("column").is_in(names)
    first = (
        cases.unique("index", keep="first", maintain_order=True)
        .with_columns(pl.col("index").cast(pl.UInt32))
        .select(
            "index",
            _told=pl.struct(
                rule=pl.when(is_column).then(pl.lit("contract_") + pl.col("column")).otherwise(pl.lit("contract_row")),
                sentence=pl.when(pl.col("check") == "not_nullable")
                .then(pl.col("column") + " is known")
                .otherwise("check"),
                column=pl.when(is_column).then("column"),
                # a frame check's case is the whole row, which the quarantine holds already
                found=pl.when(is_column).then("failure_case"),
            ),
        )
    )
    keys = broken.select("_index").with_row_index("index").with_columns(pl.col("index").cast(pl.UInt32))
    return keys.join(first, on="index", how="inner").select("_index", "_told")


def account(rows: pl.DataFrame, outcome: Split, kept: pl.DataFrame) -> Account:
    """Prove that nothing was lost: rows and persons in = valid + rejected.

    Args:
        rows: what went into the split, with `_persons`.
        outcome: what came out.
        kept: the rows of `rows` that are valid, by their provenance, with `_persons`.

    Raises:
        ConservationError: they differ.
    """
    told = Account(
        rows_in=rows.height,
        rows_valid=outcome.valid.height,
        rows_rejected=outcome.rejected.height,
        persons_in=int(rows[PERSONS].sum()),
        persons_valid=int(kept[PERSONS].sum()),
        persons_rejected=int(outcome.rejected["persons"].sum()),
        rows_with_unknown_persons=int(rows[PERSONS].null_count()),
    )
    if (
        told.rows_in != told.rows_valid + told.rows_rejected
        or told.persons_in != told.persons_valid + told.persons_rejected
    ):
        raise ConservationError(f"rows or persons were lost between delivery and table: {told}")
    return told


TIGHT_SHARE = 0.8
"""A breakdown adds to a count where it does in so many of the rows that tell both (ours)."""
LEAST_DIGITS = 100
"""Smaller figures may be ten times another by chance (ours)."""


def digit_rejects(rows: pl.DataFrame, breakdowns: list[list[str]], headers: dict[str, str]) -> list[Reject]:
    """The rejects of rows whose count is 10 or 100 times what its breakdown adds to, or a tenth: a zero too many, or too few.

    Only breakdowns that add to the count in nearly all other rows are asked.

    Args:
        rows: rows with the counts and the cells.
        breakdowns: of each dimension the columns of its cells.
        headers: of the counts, as the file spells them.
    """
    rejects = []
    for name, header in headers.items():
        count = pl.col(name)
        for cells in breakdowns:
            total = pl.sum_horizontal(cells)
            both = rows.filter((count > 0) & (total > 0))
            if both.is_empty() or both.select((total == count).mean()).item() < TIGHT_SHARE:
                continue
            off = pl.any_horizontal(
                *(pl.max_horizontal(count, total) == n * pl.min_horizontal(count, total) for n in (10, 100))
            )
            rejects.append(
                Reject(
                    "digit_too_many",
                    f"{header} is what its breakdown adds to, as in the other rows, and not 10 or 100 times it, or a part of it",
                    header,
                    (count > 0) & (total > 0) & (pl.max_horizontal(count, total) >= LEAST_DIGITS) & off,
                    pl.format(f"{{}} {name}, breakdown {{}}", count, total),
                )
            )
    return rejects


def duplicate_rejects(identity: list[str], name: str, measures: list[str]) -> list[Reject]:
    """The rejects of rows that tell one thing twice.

    A row that repeats another in full is kept once. Where rows of one identity differ in their counts none can be
    believed, and all are rejected. Rows that share an identity and differ in `name` are different things.

    Args:
        identity: columns that identify what is counted.
        name: key of its name.
        measures: columns of counts.
    """
    same = [*identity, name]
    versions = pl.struct(measures).n_unique().over(same)
    again = pl.int_range(pl.len()).over(same) > 0
    label = pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in identity], separator=" ")
    return [
        Reject(
            "conflicting_duplicate",
            "a location stands once; rows that differ can't both be right",
            None,
            (pl.len().over(same) > 1) & (versions > 1),
            label,
        ),
        Reject(
            "repeated_row",
            "a location stands once; the row repeats another, which is kept",
            None,
            again & (versions == 1),
            label,
        ),
    ]
