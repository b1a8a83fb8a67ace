"""Rows and persons in = valid + rejected, and each rejection says why."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.quality.bounds import LEVELS, RowBounds
from dtm_pipeline.quality.split import (
    ConservationError,
    Originals,
    Reject,
    Split,
    account,
    count_rejects,
    duplicate_rejects,
)
from dtm_pipeline.quality.split import split as split_rows

THING = Table(
    "raw_test__thing",
    "raw",
    "A thing.",
    ("source_row",),
    (
        Column("source_row", "int64", "key", "Row", nullable=False),
        Column("name", "string", "label", "Name", nullable=False),
        Column("colour", "string", "code", "Colour", allowed=("red", "blue")),
        Column("count", "int64", "stock", "Count", unit="things", at_least=0),
    ),
    rules=(Rule("red_counts", "colour <> 'red' OR count > 1", "a red thing counts more than one"),),
)


BOUNDS = RowBounds(date.min, date.max, dict.fromkeys(LEVELS, 10**9))


def rows(*told: tuple[int, str | None, str | None, str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(
        told,
        schema={"source_row": pl.Int64, "name": pl.String, "colour": pl.String, "count_text": pl.String},
        orient="row",
    )
    return frame.with_columns(
        count=pl.col("count_text").cast(pl.Int64, strict=False),
        snapshot_id=pl.lit("s"),
        source_sheet=pl.lit(None, pl.String),
        location_code=pl.lit("IRQ"),
        reference_date=pl.lit(None, pl.Date),
        _persons=pl.col("count_text").cast(pl.Int64, strict=False),
    )


def split(given: pl.DataFrame, table: Table, rejects: list[Reject], kind: str) -> Split:
    return split_rows(given, table, rejects, kind, Originals(given, pl.format("{}", "source_row")), BOUNDS)


def test_each_rejected_row_tells_the_first_rule_that_it_breaks_with_column_and_value() -> None:
    given = rows(
        (1, "a", "blue", "3"),
        (2, "b", "blue", "many"),
        (3, "c", "blue", "-4"),
        (4, None, "blue", "1"),
        (5, "e", "green", "1"),
        (6, "f", "red", "1"),
    )
    outcome = split(given, THING, count_rejects({"count": "Count of things"}), "test")
    assert outcome.valid["source_row"].to_list() == [1]
    told = outcome.rejected.select("source_row", "rule", "column", "found").rows()
    assert told == [
        (2, "unreadable_count", "Count of things", "many"),
        (3, "negative_count", "Count of things", "-4"),
        (4, "contract_name", "name", None),
        (5, "contract_colour", "colour", "green"),
        (6, "contract_row", None, None),
    ]
    assert outcome.rejected.filter(source_row=6)["sentence"].item() == "a red thing counts more than one"


def test_valid_rows_have_exactly_the_columns_of_the_contract() -> None:
    outcome = split(rows((1, "a", None, None)), THING, [], "test")
    assert outcome.valid.columns == THING.column_names


def test_a_row_that_repeats_another_is_kept_once_and_rows_that_contradict_are_kept_never() -> None:
    given = rows(
        (1, "a", "blue", "3"), (2, "a", "blue", "3"), (3, "b", "blue", "3"), (4, "b", "blue", "4")
    ).with_columns(id=pl.col("name"))
    outcome = split(given, THING, duplicate_rejects(["id"], "name", ["count"]), "test")
    assert outcome.valid["source_row"].to_list() == [1]
    assert outcome.rejected.select("source_row", "rule").rows() == [
        (2, "repeated_row"),
        (3, "conflicting_duplicate"),
        (4, "conflicting_duplicate"),
    ]


def test_rows_that_share_an_identity_and_differ_in_name_are_different_things() -> None:
    given = rows((1, "a", "blue", "3"), (2, "b", "blue", "9")).with_columns(id=pl.lit("same"))
    assert split(given, THING, duplicate_rejects(["id"], "name", ["count"]), "test").rejected.is_empty()


def test_a_lost_row_and_a_lost_person_stop_the_run() -> None:
    given = rows((1, "a", "blue", "3"), (2, "b", "blue", "-4"))
    outcome = split(given, THING, count_rejects({"count": "Count"}), "test")
    kept = given.filter(source_row=1)
    told = account(given, outcome, kept)
    assert (told.rows_in, told.rows_valid, told.rows_rejected) == (2, 1, 1)
    assert (told.persons_in, told.persons_valid, told.persons_rejected) == (-1, 3, -4)
    with pytest.raises(ConservationError):
        account(given.head(1), outcome, kept)
    with pytest.raises(ConservationError):
        account(given, outcome, kept.with_columns(_persons=pl.lit(2)))


def test_conform_makes_missing_columns_null_and_keeps_the_order() -> None:
    frame = conform(pl.DataFrame({"count": [1], "source_row": [7]}), THING)
    assert frame.columns == THING.column_names
    assert frame.row(0) == (7, None, None, 1)
