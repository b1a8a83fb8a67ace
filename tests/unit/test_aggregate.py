"""Unknown is null, not zero, through every aggregation."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dtm_pipeline.domain.aggregate import complete_sum, joined, known_sum, one_or_mixed

values = st.lists(st.none() | st.integers(0, 10**9), max_size=20)


@given(values)
def test_a_sum_of_nothing_known_is_null_and_any_other_sum_is_that_of_the_known(numbers: list[int | None]) -> None:
    frame = pl.DataFrame({"n": numbers}, schema={"n": pl.Int64})
    known = [n for n in numbers if n is not None]
    assert frame.select(known_sum("n")).item() == (sum(known) if known else None)


@given(values)
def test_a_complete_sum_is_null_as_soon_as_one_value_is_unknown(numbers: list[int | None]) -> None:
    frame = pl.DataFrame({"n": numbers}, schema={"n": pl.Int64})
    known = [n for n in numbers if n is not None]
    assert frame.select(complete_sum("n")).item() == (sum(known) if len(known) == len(numbers) else None)


def test_one_value_stays_itself_and_two_are_mixed() -> None:
    frame = pl.DataFrame({"one": ["rule", None, "rule"], "two": ["rule", "provider", None], "none": [None] * 3}).cast(
        pl.String
    )
    told = frame.select(one_or_mixed("one"), one_or_mixed("two"), one_or_mixed("none")).row(0)
    assert told == ("rule", "mixed", None)


def test_labels_are_joined_once_each_in_order() -> None:
    frame = pl.DataFrame({"label": ["b", "a", None, "b"]})
    assert frame.select(joined("label")).item() == "a; b"
