"""The four layouts of real Master Lists, header by header, and what is read from them."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import Workbook

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

GOVERNORATES = [
    "Anbar",
    "Babylon",
    "Baghdad",
    "Basrah",
    "Dahuk",
    "Diyala",
    "Erbil",
    "Kerbala",
    "Kirkuk",
    "Missan",
    "Muthanna",
    "Najaf",
    "Ninewa",
    "Qadissiya",
    "Salah al-Din",
    "Sulaymaniyah",
    "Thi-Qar",
    "Wassit",
]
IDP_2020 = [
    "Place id", "Governorate", "District", "Location name\nin English", "Location name\nin Arabic ", "Latitude", "Longitude", "Households", "Individuals", "Households Coming From Camp",
    *GOVERNORATES,
    "Camp", "Host families", "Hotel/Motel or short-term rental", "Informal settlements", "Other shelter type", "Religious building", "Rental (Habitable)", "Rental(Uninhabitable)", "School building", "Unfinished/Abandoned building", "Own Property", "Unknown shelter type",
    "Pre-June14 ", "June-July14 ", "14-Aug", "Post September14 ", "Post April15 ", "Post March16", "Post 17 October16", "17-Jul", "19-Jan", "\u0640Jan 20", "Open Street Map", "Google Map", "Bing Map",
]  # fmt: skip
RETURNEE_2020 = [
    *IDP_2020[:9], "Households returned From Camp", *GOVERNORATES,
    "Camp", "Habitual residnece (Habitable)", "Habitual residence (Uninhabitable)", "Host Families", "Hotel/Motel", "Informal settlements", "Other shelter type", "Religious Building", "Rented houses", "School Building", "Unfinished/\nAbandoned building", "Unknown shelter type",
    "Pre-June14 Period", "June-July14 Period", "August14 Period", "Post September14 Period", "Post April15 Period", "Post Mar16 Period", "Post 17 October 16 Period", "17-Jul", "19-Jan", "20-Jan", "Open Street Map", "Google Map", "Bing Map",
]  # fmt: skip
RETURNEE_2019 = [
    "Location ID", "Place_ID", "Governorate", "District", "Location_name", "Arabic_name", "Latitude", "Longitude", "Returnee Families", "Returnee Individuals",
    *[{"Salah al-Din": "Salahal Din", "Thi-Qar": "Thi Qar"}.get(g, g) for g in GOVERNORATES],
    "Camp", "Habitual Pre_31_October2018", "Habitual Residence (Habitable)", "Habitual Residence (Uninhabitable)", "Host_families", "Hotel_Motel", "Informal_settlements", "Other", "Religious_building", "Rented_houses", "School_building", "Unfinished_Abandoned_building", "Unknown_shelter_type",
    *[f"{p} Period of displacement" for p in ("Pre June14", "June July14", "August14", "Post September14", "Post April15", "Post March16", "Post 17 October 16", "July 17")], "Jan19",
]  # fmt: skip
_SHELTER_PERIOD = [
    "Camp",
    "Host Families",
    "Hotel/Motel",
    "Informal settlements",
    "Other shelter type",
    "Religious building",
    "Rental (Habitable)",
    "Rental (Uninhabitable)",
    "School building",
    "Unfinished/Abandoned building",
    "Own Property",
    "Unknown shelter type",
    "Pre June14",
    "June July14",
    "August14",
    "Post September14",
    "Post April15",
    "Post March16",
]
IDP_2019 = [
    "Location ID", "Place ID", "Governorate", "District", "Location Name", "Arabic Name", "Latitude", "Longitude", "Families", "Individuals", *GOVERNORATES,
    *[h for i, header in enumerate(_SHELTER_PERIOD) for h in ([header, header] if i < 16 else [header])],
]  # fmt: skip

LISTS = {
    "IDP 2020": (IDP_2020, "csv", ["DTM : IDP Master List 29-02-2020"], "Place id", "Households", "Individuals"),
    "Returnee 2020": (RETURNEE_2020, "csv", ["DTM : Returnee Master List 29-02-2020"], "Place id", "Households", "Individuals"),
    "Returnee 2019": (RETURNEE_2019, "xlsx", [], "Place_ID", "Returnee Families", "Returnee Individuals"),
    "IDP 2019": (IDP_2019, "xlsx", [], "Place ID", "Families", "Individuals"),
}  # fmt: skip


def line(headers: list[Any], place: int, households: int, parts: dict[Any, int]) -> list[Any]:
    """A location: its households, and the households of some headers; a header that stands twice is filled twice."""
    told: dict[Any, Any] = {"Governorate": "Ninewa", "District": "Mosul", "Latitude": 36.34, "Longitude": 43.13}
    for header in headers:
        key = str(header).lower().replace("_", " ").replace("\n", " ")
        if key in ("place id",):
            told[header] = place
        elif key in ("households", "families", "returnee families"):
            told[header] = households
        elif key in ("individuals", "returnee individuals"):
            told[header] = households * 6
        elif key.startswith("location name") and "arabic" not in key:
            told[header] = f"Hay {place}"
        elif "arabic" in key:
            told[header] = "????"
    return [parts.get(h, told.get(h)) for h in headers]


def write(folder: Path, name: str, rows: list[list[Any]], sheet: str = "DTM Dataset") -> Document:
    path = folder / name
    if path.suffix == ".csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(["" if c is None else c for c in row] for row in rows)
        path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    else:
        book = Workbook(write_only=True)
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
        book.save(path)
    return Document(name, path)


def read(document: Document, reference: Reference, **statement: object) -> Reading:
    return read_delivery(document, Delivery("0" * 64, document.name, dict(statement)), reference)


def the_list(folder: Path, kind: str, *more: list[Any]) -> Document:
    headers, form, banner, *_ = LISTS[kind]
    group = "Returnee" if "Returnee" in kind else "IDP"
    name = f"{group}_Master_List_{'2020-02-29' if '2020' in kind else '2019-08-31'}.{form}"
    shelter = next(
        h
        for h in headers
        if str(h).startswith(("Habitual Residence (H", "Habitual residnece", "Host Families", "Host families"))
    )
    august = next(h for h in headers if str(h).startswith(("14-Aug", "August14")))
    rows: list[list[Any]] = [[b] for b in banner]
    if banner:
        rows.append(["Location of Displacement", "Governorate of origin (Number of Households)"])
    rows += [
        headers,
        line(headers, 1001, 10, {"Anbar": 4, "Ninewa": 6, shelter: 10, august: 10}),
        line(headers, 1002, 3, {"Wassit": 3, shelter: 3, august: 3}),
        *more,
    ]
    return write(folder, name, rows)


@pytest.mark.parametrize("kind", LISTS)
def test_each_layout_is_read_to_the_household_with_its_group_date_and_categories(
    tmp_path: Path, reference: Reference, kind: str
) -> None:
    reading = read(the_list(tmp_path, kind), reference)
    rows = reading.tables["raw_dtm__master_list"]
    assert rows.select("place_id", "households", "individuals").rows() == [("1001", 10, 60), ("1002", 3, 18)]
    assert set(rows["population_group"]) == {"idp_returnee" if "Returnee" in kind else "idp"}
    assert set(rows["reference_date"]) == {date(2020, 2, 29) if "2020" in kind else date(2019, 8, 31)}
    assert rows["source_row"].to_list() == ([4, 5] if "2020" in kind else [2, 3])
    cells = reading.tables["raw_dtm__master_list_cell"]
    assert set(cells["unit"]) == {"households"}
    sums = cells.group_by("source_row", "dimension").agg(pl.col("value").sum()).sort("source_row", "dimension")
    assert sums["value"].to_list() == [10, 10, 10, 3, 3, 3], "origin, period and shelter each sum to the households"
    assert set(cells.filter(dimension="period")["category_code"]) == {"august_2014"}
    assert cells.filter(dimension="origin", source_row=rows["source_row"][0])["category_code"].sort().to_list() == [
        "IQG01",
        "IQG15",
    ]
    facts = reading.facts["sheets"][0]
    assert facts["headers_unknown"] == []
    assert len(facts["headers_repeated"]) == (16 if kind == "IDP 2019" else 0)


def test_individuals_in_cells_are_told_from_december_2020_on(tmp_path: Path, reference: Reference) -> None:
    headers: list[Any] = [
        datetime(2020, 8, 14) if h == "August14" else h for h in IDP_2019 if IDP_2019.count(h) == 1 or True
    ]
    parts = {"Ninewa": 60, "Host Families": 60, headers[headers.index(datetime(2020, 8, 14))]: 60}
    document = write(tmp_path, "Round119_Master_List_IDP_2020-12-31.xlsx", [headers, line(headers, 7, 10, parts)])
    cells = read(document, reference).tables["raw_dtm__master_list_cell"]
    assert set(cells["unit"]) == {"individuals"}
    assert cells.filter(dimension="period").select("category_code", "value").rows() == [("august_2014", 60)]


def test_a_totals_row_is_a_control_total_and_no_location(tmp_path: Path, reference: Reference) -> None:
    totals = ["Totals:", "Locations:2"] + [None] * (len(IDP_2019) - 2)
    totals[IDP_2019.index("Families")] = "13"
    totals[IDP_2019.index("Individuals")] = "79"
    reading = read(the_list(tmp_path, "IDP 2019", totals), reference)
    assert reading.account.rows_in == 2
    assert [(f.finding, f.sentence) for f in reading.findings if f.finding == "control_total_differs"] == [
        ("control_total_differs", "the totals row states 79 individuals, the rows of the list hold 78")
    ]


def test_a_location_that_is_named_like_a_total_stays_a_location(tmp_path: Path, reference: Reference) -> None:
    named = line(IDP_2019, 1003, 5, {"Ninewa": 5})
    named[IDP_2019.index("Location Name")] = "Total camp"
    assert read(the_list(tmp_path, "IDP 2019", named), reference).account.rows_in == 3


def test_the_same_locations_on_two_sheets_are_refused(tmp_path: Path, reference: Reference) -> None:
    book = Workbook()
    for sheet in ("DTM DATASET", "DTM DATASET (2)"):
        page = book.create_sheet(sheet)
        for row in (IDP_2019, line(IDP_2019, 1001, 10, {"Anbar": 10})):
            page.append(row)
    book.save(tmp_path / "IDP_2019-08-31.xlsx")
    with pytest.raises(DeliveryError, match=r"1 locations in the sheets DTM DATASET and DTM DATASET \(2\) alike"):
        read(Document("IDP_2019-08-31.xlsx", tmp_path / "IDP_2019-08-31.xlsx"), reference)


def test_a_summary_sheet_beside_the_list_is_left_alone(tmp_path: Path, reference: Reference) -> None:
    book = Workbook()
    page = book.create_sheet("Summary")
    page.append(["Governorate", "Families", "Individuals", *GOVERNORATES])
    page.append(["Ninewa", 10, 60, *[0] * 18])
    page = book.create_sheet("DTM Dataset")
    for row in (IDP_2019, line(IDP_2019, 1001, 10, {"Anbar": 10})):
        page.append(row)
    book.save(tmp_path / "IDP_2019-08-31.xlsx")
    assert read(Document("IDP_2019-08-31.xlsx", tmp_path / "IDP_2019-08-31.xlsx"), reference).account.rows_in == 1


def test_a_new_header_is_reported_and_its_people_stand_as_unknown(tmp_path: Path, reference: Reference) -> None:
    headers = [*IDP_2019, "Displaced 2023"]
    reading = read(
        write(
            tmp_path,
            "IDP_2019-08-31.xlsx",
            [headers, line(headers, 1, 10, {"Anbar": 10, "Camp": 10, "Displaced 2023": 10})],
        ),
        reference,
    )
    assert reading.facts["sheets"][0]["headers_unknown"] == ["Displaced 2023"]
    assert [f.finding for f in reading.findings if f.finding == "unknown_header"] == ["unknown_header"]


def test_a_list_that_contradicts_itself_on_who_is_listed_is_refused_and_a_sidecar_settles_it(
    tmp_path: Path, reference: Reference
) -> None:
    document = write(tmp_path, "IDP_list_2019-08-31.xlsx", [RETURNEE_2019, line(RETURNEE_2019, 1, 10, {"Anbar": 10})])
    with pytest.raises(DeliveryError, match="idp_returnee in the headers and idp in the file name"):
        read(document, reference)
    assert read(document, reference, population_group="idp_returnee").account.rows_valid == 1


def test_a_repeated_header_whose_copy_differs_is_told_and_read_once(tmp_path: Path, reference: Reference) -> None:
    row = line(IDP_2019, 1001, 10, {"Anbar": 10, "Camp": 10})
    second = [i for i, h in enumerate(IDP_2019) if h == "Camp"][1]
    row[second] = 4
    reading = read(write(tmp_path, "IDP_2019-08-31.xlsx", [IDP_2019, row]), reference)
    assert [f.finding for f in reading.findings] == ["repeated_header_differs", "destroyed_text"]
    assert reading.tables["raw_dtm__master_list_cell"].filter(category_code="camp")["value"].to_list() == [10]
