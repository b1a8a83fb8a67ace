"""Sheets of one row a thing: nothing is lost or guessed, whatever stands beside what was expected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

HEADERS = "Governorate,District,Registered families,Registered individuals,As of"
SAID = {"country": "IRQ", "population_group": "idp_returnee", "kind": "government_registration"}


def read(folder: Path, text: str, reference: Reference, name: str = "list.csv", **said: str) -> Reading:
    path = folder / name
    path.write_bytes(text.encode())
    return read_delivery(Document(name, path), Delivery("0" * 64, name, {**SAID, **said}), reference)


def figures(reading: Reading) -> pl.DataFrame:
    return reading.tables["raw_other__figure"]


def test_two_columns_for_one_figure_that_differ_are_refused_by_their_names(
    tmp_path: Path, reference: Reference
) -> None:
    text = f"{HEADERS},Registered persons\nNinewa,Mosul,10,50,2024-03-31,5000\n"
    with pytest.raises(DeliveryError, match=r"columns 4 \(Registered individuals\) and 6 \(Registered persons\) both say individuals, and differ in 1 rows"):  # fmt: skip
        read(tmp_path, text, reference)


def test_two_columns_that_say_the_same_are_read_once_and_told(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, f"{HEADERS},Registered persons\nNinewa,Mosul,10,50,2024-03-31,50\n", reference)
    assert figures(told)["individuals"].to_list() == [50]
    assert [f.finding for f in told.findings] == ["repeated_column"]


def test_a_column_without_a_header_that_holds_something_is_told(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, f"{HEADERS},\nNinewa,Mosul,10,50,2024-03-31,777\n", reference)
    assert [f.sentence for f in told.findings] == [
        "columns without a header hold something and were not read: 6 (1 rows)"
    ]


def test_two_tables_in_one_sheet_are_refused(tmp_path: Path, reference: Reference) -> None:
    text = f"{HEADERS},\nNinewa,Mosul,10,50,2024-03-31,\n,,,,,\n{HEADERS},Source\nErbil,Erbil,1,5,2024-03-31,x\n"
    with pytest.raises(DeliveryError, match="headers stand in row 1 and in row 4; expected one table in a sheet"):
        read(tmp_path, text, reference)


def test_an_unknown_header_is_told_with_the_line_that_would_add_it_only_where_its_cells_agree(
    tmp_path: Path, reference: Reference
) -> None:
    head, row = "Governorate,District,Registered individuals,As of", "Ninewa,Mosul,50,2024-03-31"
    told = read(tmp_path, f"{head},Registered families count\n{row},10\n", reference)
    assert [f.finding for f in told.findings] == ["unknown_header"]
    line = "add `government_registration,households,Registered families count,YOUR NAME,YYYY-MM-DD` to HOME/reference/code_lists/headers.csv"
    assert line in told.findings[0].sentence
    words = read(tmp_path, f"{head},Registered families count\n{row},several\n", reference)
    assert words.findings[0].sentence.endswith("were left out: 'Registered families count'")


@pytest.mark.parametrize(
    ("place", "people"),
    [
        ("Total station school,Mosul", 70),
        ("Total station school,", 50),
        ("KRI Total,", 50),
        ("Overall,", 50),
        ("All,", 50),
        ("TOTAL IRAQ,", 50),
        ("Ninewa,Total", 50),
        ("Total,", 50),
        ("Grand total:,", 50),
        ("Total Ninewa,", 50),
        ("Ninewa governorate total,", 50),
        ("Ninewa,Mosul Total", 50),
        ("Sous-total Ninewa,", 50),
        ("Genel Toplam,", 50),
        ("المجموع,", 50),
        ("Ninewa,Ninewa", 70),
    ],
)
def test_a_row_is_a_total_where_a_place_says_so_and_nothing_finer_stands_beside_it(
    tmp_path: Path, reference: Reference, place: str, people: int
) -> None:
    told = read(tmp_path, f"{HEADERS}\nNinewa,Mosul,10,50,2024-03-31\n{place},4,20,2024-03-31\n", reference)
    assert figures(told)["individuals"].sum() == people


def test_a_thousand_with_a_point_is_no_number(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, f"{HEADERS}\nNinewa,Mosul,10,50,2024-03-31\nErbil,Erbil,2,1.000,2024-03-31\n", reference)
    assert told.rejected.select("source_row", "rule").rows() == [(3, "unreadable_individuals")]


def test_one_odd_cell_does_not_turn_a_column_of_days_round(tmp_path: Path, reference: Reference) -> None:
    rows = "".join(f"Ninewa,Mosul {d},1,5,{d:02}/04/2024\n" for d in range(1, 9))
    told = read(tmp_path, f"{HEADERS}\n{rows}Ninewa,Tilkaif,1,5,04/13/2024\n", reference)
    assert set(figures(told)["reference_date"].dt.month()) == {4}
    assert told.rejected["rule"].to_list() == ["unreadable_reference_date"]


def test_a_sidecars_date_beside_a_column_of_dates_is_refused(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(DeliveryError, match="its sidecar says a reference_date, and the sheet has one in every row"):
        read(tmp_path, f"{HEADERS}\nNinewa,Mosul,10,50,2024-03-31\n", reference, reference_date="2023-01-01")


def test_codes_that_do_not_all_speak_for_one_country_say_none(tmp_path: Path, reference: Reference) -> None:
    text = "Governorate code,Registered individuals,As of\nIRQ-G01,5,2024-03-31\nSY01,6,2024-03-31\n"
    path = tmp_path / "a.csv"
    path.write_text(text)
    said = {k: v for k, v in SAID.items() if k != "country"}
    with pytest.raises(DeliveryError, match="does not say which country it is of"):
        read_delivery(Document("a.csv", path), Delivery("0" * 64, "a.csv", said), reference)
    path.write_text(text.replace("SY01", "IRQ-G02"))
    assert read_delivery(Document("a.csv", path), Delivery("0" * 64, "a.csv", said), reference).countries == ("IRQ",)


def test_a_column_of_countries_takes_names_and_codes_and_nothing_else(tmp_path: Path, reference: Reference) -> None:
    text = f"Country,{HEADERS}\nIraq,Ninewa,Mosul,1,5,2024-03-31\nJOR,Amman,Amman,1,5,2024-03-31\nAll,Ninewa,Mosul,1,5,2024-03-31\n"
    path = tmp_path / "a.csv"
    path.write_text(text)
    said = {k: v for k, v in SAID.items() if k != "country"}
    told = read_delivery(Document("a.csv", path), Delivery("0" * 64, "a.csv", said), reference)
    assert told.countries == ("IRQ", "JOR")
    assert told.rejected.select("source_row", "rule").rows() == [(4, "unreadable_location_code")]


def test_every_sheet_that_fits_is_read_and_the_others_are_named(tmp_path: Path, reference: Reference) -> None:
    book = Workbook()
    for name, place in (("January", "Mosul"), ("February", "Tilkaif"), ("Notes", "")):
        page = book.create_sheet(name)
        for row in [HEADERS.split(","), ["Ninewa", place, 1, 5, "2024-03-31"]] if place else [["remark"], ["x"]]:
            page.append(row)
    book.remove(book.worksheets[0])
    book.save(tmp_path / "a.xlsx")
    told = read_delivery(Document("a.xlsx", tmp_path / "a.xlsx"), Delivery("0" * 64, "a.xlsx", SAID), reference)
    assert figures(told)["source_sheet"].to_list() == ["January", "February"]
    assert [(f.finding, f.source_sheet) for f in told.findings] == [("sheet_not_read", "Notes")]


def test_a_sheet_in_which_no_row_can_be_used_keeps_its_rows_in_the_quarantine(
    tmp_path: Path, reference: Reference
) -> None:
    book = Workbook()
    for name, people in (("Good", 5), ("Bad", "many")):
        page = book.create_sheet(name)
        page.append(HEADERS.split(","))
        page.append(["Ninewa", name, 1, people, "2024-03-31"])
    book.remove(book.worksheets[0])
    book.save(tmp_path / "a.xlsx")
    told = read_delivery(Document("a.xlsx", tmp_path / "a.xlsx"), Delivery("0" * 64, "a.xlsx", SAID), reference)
    assert (told.account.rows_in, told.account.rows_rejected) == (2, 1)
    assert told.rejected["source_sheet"].to_list() == ["Bad"]


def test_errors_of_formulas_and_formulas_without_values_are_named_in_any_workbook(
    tmp_path: Path, reference: Reference
) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (
        HEADERS.split(","),
        ["Ninewa", "Mosul", 1, 5, "2024-03-31"],
        ["Erbil", "Erbil", "=A1", "#REF!", "2024-03-31"],
    ):
        page.append(row)
    page["D3"].data_type = "e"
    book.save(tmp_path / "a.xlsx")
    told = read_delivery(Document("a.xlsx", tmp_path / "a.xlsx"), Delivery("0" * 64, "a.xlsx", SAID), reference)
    assert {(f.finding, f.source_row) for f in told.findings} >= {("formula_error", 3), ("formula_without_value", 3)}


def test_a_stray_cell_far_away_is_refused_before_it_takes_all_memory(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active["XFD1048576"] = " "
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DeliveryError, match="spans 16,384 columns and 1,048,576 rows"):
        _ = Document("a.xlsx", tmp_path / "a.xlsx").sheets


def test_a_text_that_lost_a_byte_stays_utf8_and_says_so(tmp_path: Path, reference: Reference) -> None:
    whole = (f"{HEADERS}\n" + "نينوى,الموصل,1,5,2024-03-31\n" * 3).encode()
    (tmp_path / "a.csv").write_bytes(whole.replace("ن".encode(), "ن".encode()[:1], 1))
    document = Document("a.csv", tmp_path / "a.csv")
    assert document.encoding == "utf-8"
    told = read_delivery(document, Delivery("0" * 64, "a.csv", SAID), reference)
    assert "damaged_text" in {f.finding for f in told.findings}
    assert figures(told)["provider_admin2_name"][0] == "الموصل"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IDP_Master_List_Round 12 March 2024.xlsx", None),
        ("DTM_R5_May2024.xlsx", None),
        ("Phase 3 Marketplace 2024.csv", None),
        ("Round12_Master_List_IDP_2015_January_15_IOM_DTM.xlsx", date(2015, 1, 15)),
        ("05_IOM DTM Master_List_IDP_Round 51_20160803.xlsx", date(2016, 8, 3)),
        ("IDPs_MasterList_dataset_DTM_IOMFeb 02, 2017_Round64.xlsx", date(2017, 2, 2)),
        ("Round134_Master_List_IDP_2024-12-31_IOM_DTM - Individuals (1).xlsx", date(2024, 12, 31)),
        ("DTM Dataset 15 JAN 2015", date(2015, 1, 15)),
        ("MasterList Date 25 Apr 2015", date(2015, 4, 25)),
    ],
)
def test_numbers_of_rounds_are_no_days(name: str, expected: date | None) -> None:
    from sources.dates import date_in

    assert date_in(name) == expected


def test_two_dates_in_one_name_are_refused() -> None:
    from sources.dates import date_in

    with pytest.raises(DeliveryError, match="two dates, 2024-01-01 and 2024-03-31"):
        date_in("IDP_2024-01-01_2024-03-31.csv")


def test_a_header_that_may_be_a_person_is_told_by_its_column(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, f"{HEADERS},Sample Person 0770 123 4567\nNinewa,Mosul,10,50,2024-03-31,3\n", reference)
    assert "Sample" not in str(told.report())
    assert "(the header of column 6)" in told.findings[0].sentence
