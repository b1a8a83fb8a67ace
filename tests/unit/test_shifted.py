"""Rows whose cells stand one column beside their headers refuse their sheet, with the row and the column."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

HEAD = ["Place id", "Governorate", "District", "Location name", "Latitude", "Longitude", "Households", "Individuals", "Anbar", "Babylon", "Baghdad", "Basrah", "Dahuk"]  # fmt: skip
NAME = "Round112_Master_List_IDP_2020-02-29.csv"


def row(number: int) -> list[str]:
    households = 20 + number % 7
    parts = [str(households * 6 if number % 5 == i else 0) for i in range(5)]
    return [str(1000 + number), "Ninewa", "Mosul", f"Place {number}", f"36.{number:03}", f"43.{number:03}", str(households), str(households * 6), *parts]  # fmt: skip


def read(folder: Path, rows: list[list[str]], reference: Reference) -> Reading:
    path = folder / NAME
    path.write_text("\n".join(",".join(r) for r in [HEAD, *rows]) + "\n", encoding="utf-8")
    return read_delivery(Document(NAME, path), Delivery("0" * 64, NAME, {}), reference)


def right(cells: list[str], column: int) -> list[str]:
    return [*cells[:column], "", *cells[column:]]


def left(cells: list[str], column: int) -> list[str]:
    return [*cells[:column], *cells[column + 1 :], ""]


@pytest.mark.parametrize("start", [10, 41, 90])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("column", [0, 4, 5])
def test_rows_that_stand_aside_from_a_row_on_refuse_the_sheet(
    tmp_path: Path, reference: Reference, start: int, side: str, column: int
) -> None:
    move = right if side == "right" else left
    # row 1 is the header
    rows = [move(row(n), column)[: len(HEAD)] if n + 2 >= start else row(n) for n in range(100)]
    with pytest.raises(
        DeliveryError,
        match=rf"from row {start} on every cell from column \d+ \(.*\) on stands one column to the {side} of its header",
    ):
        read(tmp_path, rows, reference)


def test_a_block_in_the_middle_is_named_with_its_end(tmp_path: Path, reference: Reference) -> None:
    rows = [right(row(n), 0)[: len(HEAD)] if 40 <= n + 2 <= 60 else row(n) for n in range(100)]
    with pytest.raises(DeliveryError, match="from row 40 to row 60 every cell from column 1"):
        read(tmp_path, rows, reference)


def test_cells_that_fall_off_the_headers_tell_a_shift_among_counts(tmp_path: Path, reference: Reference) -> None:
    rows = [right(row(n), 9) if n + 2 >= 41 else [*row(n), ""] for n in range(100)]
    with pytest.raises(DeliveryError, match="from row 41 on every cell from column"):
        read(tmp_path, rows, reference)


def test_a_count_that_ends_where_the_other_changes_its_size_refuses_the_sheet(
    tmp_path: Path, reference: Reference
) -> None:
    rows = [right(row(n), 6)[: len(HEAD)] if n + 2 >= 41 else row(n) for n in range(100)]
    with pytest.raises(DeliveryError, match=r"from row 41 on Households is blank, and Individuals is 23 in the median"):
        read(tmp_path, rows, reference)


def test_a_count_that_is_not_stated_from_a_row_on_is_only_unknown(tmp_path: Path, reference: Reference) -> None:
    rows = [[*row(n)[:6], "", *row(n)[7:]] if n + 2 >= 41 else row(n) for n in range(100)]
    assert read(tmp_path, rows, reference).account.rows_valid == 100


def test_a_list_sorted_by_who_has_what_is_not_shifted(tmp_path: Path, reference: Reference) -> None:
    """Of two categories one is filled in the first rows, the other in the rest: blanks prove nothing."""
    rows = [[*row(n)[:8], "", "", *(["5", ""] if n < 40 else ["", "5"]), ""] for n in range(100)]
    assert read(tmp_path, rows, reference).account.rows_valid == 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 8), min_size=10, max_size=60))
def test_no_pattern_of_blanks_is_taken_for_a_shift(
    tmp_path_factory: pytest.TempPathFactory, filled: list[tuple[bool, ...]]
) -> None:
    reference = Reference(Path(__file__).parents[2] / "reference")
    rows = [
        [cell if i < 4 or i in (6, 7) or keeps[(i - 4) % 8] else "" for i, cell in enumerate(row(n))]
        for n, keeps in enumerate(filled)
    ]
    assert read(tmp_path_factory.mktemp("blanks"), rows, reference).account.rows_in == len(rows)


def test_a_cell_deleted_before_the_counts_refuses_the_sheet_with_the_row(tmp_path: Path, reference: Reference) -> None:
    rows = [left(row(n), 6)[: len(HEAD)] if n + 2 >= 41 else row(n) for n in range(100)]
    with pytest.raises(
        DeliveryError, match=r"from row 41 on (Households and Individuals don't fit|every cell from column)"
    ):
        read(tmp_path, rows, reference)


def test_from_a_row_on_counts_that_do_not_fit_refuse_the_sheet(tmp_path: Path, reference: Reference) -> None:
    rows = [[*row(n)[:6], str(60 + n), str(60 + n), *row(n)[8:]] if n + 2 >= 41 else row(n) for n in range(100)]
    with pytest.raises(
        DeliveryError, match=r"from row 41 on Households and Individuals don't fit each other \(row 41: 99 and 99\)"
    ):
        read(tmp_path, rows, reference)


@pytest.mark.parametrize("times", [10, 100])
def test_a_count_that_is_ten_times_its_breakdown_is_set_aside_with_both(
    tmp_path: Path, reference: Reference, times: int
) -> None:
    rows = [row(n) for n in range(60)]
    households, people = int(rows[30][6]), int(rows[30][7])
    rows[30][6], rows[30][7] = str(households * times), str(people * times)
    told = read(tmp_path, rows, reference).rejected
    assert told.select("source_row", "rule", "found").rows() == [
        (32, "digit_too_many", f"{people * times} individuals, breakdown {people}")
    ]
