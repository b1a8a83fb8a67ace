"""What can't be read is told in one sentence; what can is read row by row as a person sees it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from sources.document import DeliveryError, Document, header_key


def document(folder: Path, content: bytes, name: str = "delivery.bin") -> Document:
    path = folder / name
    path.write_bytes(content)
    return Document(name, path)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("\u0640Jan 20", "Jan20"),
        ("Unfinished/\nAbandoned building", "Unfinished_Abandoned_building"),
        ("Location name\nin Arabic ", "Location name in Arabic"),
        ("2019-08-14 00:00:00", "14-Aug"),
        ("2019-01-01 00:00:00", "Jan 19"),
        ("Jul-17", "Jul 17"),
        ("X.U.FEFF.start", "start"),
        ("\ufeffPlace id", "Place ID"),
        ("Salahal Din", "Salah al-Din"),
    ],
)
def test_headers_that_differ_only_in_damage_share_a_key(left: str, right: str) -> None:
    assert header_key(left) == header_key(right)


@given(st.text(max_size=40))
def test_a_header_key_is_stable(text: str) -> None:
    assert header_key(header_key(text)) == header_key(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \r\n ", "is empty"),
        (b"PK\x03\x04broken", "no workbook, or a workbook that was cut"),
        (bytes(range(256)) * 20, "its bytes are of no known format"),
    ],
)
def test_damage_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(DeliveryError, match=says):
        _ = document(tmp_path, content).sheets


def test_a_workbook_that_was_cut_is_one_sentence(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["a"] * 50)
    book.save(tmp_path / "whole.xlsx")
    whole = (tmp_path / "whole.xlsx").read_bytes()
    with pytest.raises(DeliveryError, match="can't be opened"):
        _ = document(tmp_path, whole[: len(whole) // 2], "cut.xlsx").sheets


def test_a_zip_under_the_name_of_a_workbook_is_one_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    with pytest.raises(DeliveryError, match="a ZIP archive that is no workbook"):
        _ = Document("x.xlsx", tmp_path / "x.xlsx").sheets


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9, 0.999])
def test_json_that_was_cut_says_where(tmp_path: Path, cut: float) -> None:
    whole = b'{"isSuccess": true, "result": [{"a": "\xd8\xa7", "b": 1}]}'
    with pytest.raises(DeliveryError, match=r"(is cut off|is damaged) at line|is no UTF-8; expected JSON"):
        _ = document(tmp_path, whole[: int(len(whole) * cut)]).json


def test_rows_and_columns_are_those_that_a_person_sees(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    page["C4"] = "header"
    page["C5"] = 7
    book.save(tmp_path / "b.xlsx")
    cells = Document("b.xlsx", tmp_path / "b.xlsx").sheets[0].cells
    assert cells.columns[2] == "c2"
    assert cells["c2"].to_list()[3:] == ["header", "7"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_short_rows_are_told_and_not_only_padded(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["a", "b", "c"], ["1", "2"], ["3", "4", "5"]))
    sheet = document(tmp_path, text.encode()).sheets[0]
    assert sheet.cells.rows() == [("a", "b", "c"), ("1", "2", None), ("3", "4", "5")]
    assert sheet.short_rows == {2: 2}


def test_a_row_with_too_many_fields_is_named(tmp_path: Path) -> None:
    rows = ["a,b,c"] * 60 + ["1,2,3,4"]
    with pytest.raises(DeliveryError, match="row 61: the row has 4 fields; expected 3, as the rows above it"):
        _ = document(tmp_path, "\n".join(rows).encode()).sheets[0].cells


def test_arabic_text_in_cp1256_is_decoded_and_the_encoding_known(tmp_path: Path) -> None:
    told = document(tmp_path, "محافظة,عدد\nنينوى,5\n".encode("cp1256"))
    assert told.sheets[0].cells.row(1) == ("نينوى", "5")
    assert told.facts() == {"format": "text", "encoding": "cp1256", "delimiter": "comma"}
