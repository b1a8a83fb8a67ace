"""Text to numbers, with what could not be read told apart from what is empty."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtm_pipeline.quality.parse import decimal_number, plain, unreadable, whole_number


def whole(text: str | None) -> int | None:
    return pl.DataFrame({"t": [text]}, schema={"t": pl.String}).select(whole_number(pl.col("t"))).item()


@given(st.integers(-(10**14), 10**14))
def test_every_whole_number_reads_as_itself_in_each_way_that_lists_write_it(number: int) -> None:
    arabic = str(number).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for text in (
        str(number),
        f"{number:,}",
        f"{number:,}".replace(",", " "),
        f" {number} ",
        f"{number}.0",
        f"\u00a0{number}\u00a0",
        arabic,
    ):
        assert whole(text) == number


@pytest.mark.parametrize(
    "text", ["12.5", "about 20", "1,23", "1 20", "12e3", "--3", "n. d.", "#REF!", "12 (est.)", "9" * 16]
)
def test_what_is_no_whole_number_is_unreadable_and_not_a_guess(text: str) -> None:
    frame = pl.DataFrame({"t": [text]})
    assert whole(text) is None
    assert frame.select(unreadable(pl.col("t"), whole_number(pl.col("t")))).item()


@pytest.mark.parametrize("text", [None, "", "  ", "-", "Not available", "N/A", "\u200f"])
def test_blank_cells_and_sentinels_are_empty_and_not_unreadable(text: str | None) -> None:
    frame = pl.DataFrame({"t": [text]}, schema={"t": pl.String})
    assert frame.select(plain(pl.col("t"))).item() is None
    assert not frame.select(unreadable(pl.col("t"), whole_number(pl.col("t")))).item()


@pytest.mark.parametrize("text", ["inf", "nan", "-inf", "north"])
def test_a_coordinate_is_a_finite_number_or_nothing(text: str) -> None:
    assert pl.DataFrame({"t": [text]}).select(decimal_number(pl.col("t"))).item() is None
