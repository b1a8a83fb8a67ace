"""The layouts of real Master Lists (sources.md, section 1), with their damage."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dtm_pipeline.samples.world import Round

if TYPE_CHECKING:
    from openpyxl import Workbook

Cell = str | int | float | datetime | None
GOVERNORATES = {
    "Anbar": "IQG01", "Babylon": "IQG07", "Baghdad": "IQG08", "Basrah": "IQG02", "Dahuk": "IQG09", "Diyala": "IQG10",
    "Erbil": "IQG11", "Kerbala": "IQG12", "Kirkuk": "IQG13", "Missan": "IQG14", "Muthanna": "IQG03", "Najaf": "IQG04",
    "Ninewa": "IQG15", "Qadissiya": "IQG05", "Salah al-Din": "IQG16", "Sulaymaniyah": "IQG06", "Thi-Qar": "IQG17", "Wassit": "IQG18",
}  # fmt: skip
CSV_HEAD = [
    "Place id",
    "Governorate",
    "District",
    "Location name\nin English",
    "Location name\nin Arabic ",
    "Latitude",
    "Longitude",
    "Households",
    "Individuals",
]
MAPS = ["Open Street Map", "Google Map", "Bing Map"]


@dataclass(frozen=True)
class Layout:
    """Headers of a list with the category that each stands for; None for headers without figures."""

    head: list[str]
    origins: list[tuple[str, str]]
    shelters: list[tuple[str | datetime, str | None]]
    periods: list[tuple[str | datetime, str | None]]
    tail: list[str]
    from_camp: str | None
    banner: list[list[str]]
    individuals_in_cells: bool = False
    repeated: int = 0
    destroyed_arabic: bool = False
    totals_row: bool = False
    blank_zero: bool = True
    location_id: bool = False


def _origins(**respelled: str) -> list[tuple[str, str]]:
    return [(respelled.get(code, name), code) for name, code in GOVERNORATES.items()]


IDP_CSV = Layout(
    head=CSV_HEAD,
    origins=_origins(),
    shelters=[
        ("Camp", "camp"), ("Host families", "host_family"), ("Hotel/Motel or short-term rental", None),
        ("Informal settlements", "informal_settlement"), ("Other shelter type", None), ("Religious building", "religious_building"),
        ("Rental (Habitable)", "rented_habitable"), ("Rental(Uninhabitable)", "rented_uninhabitable"), ("School building", "school"),
        ("Unfinished/Abandoned building", "unfinished_abandoned_building"), ("Own Property", "own_property"), ("Unknown shelter type", "unknown"),
    ],
    periods=[
        ("Pre-June14 ", "pre_june_2014"), ("June-July14 ", "june_july_2014"), ("14-Aug", "august_2014"), ("Post September14 ", "post_september_2014"),
        ("Post April15 ", "post_april_2015"), ("Post March16", "post_march_2016"), ("Post 17 October16", "post_17_october_2016"), ("17-Jul", "july_2017"),
        ("19-Jan", None), ("\u0640Jan 20", None),
    ],
    tail=MAPS,
    from_camp="Households Coming From Camp",
    banner=[["DTM : IDP Master List {day:%d-%m-%Y}"], ["Location of Displacement", "", "", "", "", "", "", "", "", "", "Governorate of origin (Number of Households)", "Shelter type", "Period of displacement", "Link for Map"]],
)  # fmt: skip
RETURNEE_CSV = Layout(
    head=CSV_HEAD,
    origins=_origins(),
    shelters=[
        ("Camp", None), ("Habitual residnece (Habitable)", "habitual_habitable"), ("Habitual residence (Uninhabitable)", "habitual_uninhabitable"),
        ("Host Families", "host_family"), ("Hotel/Motel", None), ("Informal settlements", None), ("Other shelter type", None), ("Religious Building", None),
        ("Rented houses", "rented_unsplit"), ("School Building", None), ("Unfinished/\nAbandoned building", None), ("Unknown shelter type", None),
    ],
    periods=[
        ("Pre-June14 Period", "pre_june_2014"), ("June-July14 Period", "june_july_2014"), ("August14 Period", "august_2014"), ("Post September14 Period", "post_september_2014"),
        ("Post April15 Period", "post_april_2015"), ("Post Mar16 Period", "post_march_2016"), ("Post 17 October 16 Period", "post_17_october_2016"), ("17-Jul", "july_2017"),
        ("19-Jan", None), ("20-Jan", None),
    ],
    tail=MAPS,
    from_camp="Households returned From Camp",
    banner=[["DTM : Returnee Master List {day:%d-%m-%Y}"], ["Location of return", "", "", "", "", "", "", "", "", "", "Governorate of last displacement", "Shelter type", "Period of displacement", "Link for Map"]],
    destroyed_arabic=True,
)  # fmt: skip
_DISPLACED = "Period of displacement"
RETURNEE_XLSX = Layout(
    head=["Location ID", "Place_ID", "Governorate", "District", "Location_name", "Arabic_name", "Latitude", "Longitude", "Returnee Families", "Returnee Individuals"],
    origins=_origins(IQG16="Salahal Din", IQG17="Thi Qar"),
    shelters=[
        ("Camp", None), ("Habitual Pre_31_October2018", None), ("Habitual Residence (Habitable)", "habitual_habitable"), ("Habitual Residence (Uninhabitable)", "habitual_uninhabitable"),
        ("Host_families", "host_family"), ("Hotel_Motel", None), ("Informal_settlements", None), ("Other", None), ("Religious_building", None), ("Rented_houses", "rented_unsplit"),
        ("School_building", None), ("Unfinished_Abandoned_building", None), ("Unknown_shelter_type", None),
    ],
    periods=[
        (f"Pre June14 {_DISPLACED}", "pre_june_2014"), (f"June July14 {_DISPLACED}", "june_july_2014"), (f"August14 {_DISPLACED}", "august_2014"), (f"Post September14 {_DISPLACED}", "post_september_2014"),
        (f"Post April15 {_DISPLACED}", "post_april_2015"), (f"Post March16 {_DISPLACED}", "post_march_2016"), (f"Post 17 October 16 {_DISPLACED}", "post_17_october_2016"), (f"July 17 {_DISPLACED}", "july_2017"),
        ("Jan19", None),
    ],
    tail=[],
    from_camp=None,
    banner=[],
    location_id=True,
)  # fmt: skip
IDP_XLSX = Layout(
    head=["Location ID", "Place ID", "Governorate", "District", "Location Name", "Arabic Name", "Latitude", "Longitude", "Families", "Individuals"],
    origins=_origins(),
    shelters=[
        ("Camp", "camp"), ("Host Families", "host_family"), ("Hotel/Motel", None), ("Informal settlements", "informal_settlement"), ("Other shelter type", None), ("Religious building", "religious_building"),
        ("Rental (Habitable)", "rented_habitable"), ("Rental (Uninhabitable)", "rented_uninhabitable"), ("Rented pre Apr 2019", None), ("School building", "school"),
        ("Unfinished/Abandoned building", "unfinished_abandoned_building"), ("Own Property", "own_property"), ("Unknown shelter type", "unknown"),
    ],
    periods=[
        ("Pre June14", "pre_june_2014"), ("June July14", "june_july_2014"), ("August14", "august_2014"), ("Post September14", "post_september_2014"), ("Post April15", "post_april_2015"),
        ("Post March16", "post_march_2016"), ("Post 17 October16", "post_17_october_2016"), ("July17", "july_2017"), ("Jan19", None),
    ],
    tail=[],
    from_camp=None,
    banner=[],
    repeated=16,
    location_id=True,
)  # fmt: skip


def from_round_119(base: Layout, title: str) -> Layout:
    """The layout from December 2020 on: individuals in the cells, header cells that became dates, a totals row."""
    periods: list[tuple[str | datetime, str | None]] = [
        (
            datetime(2020, 8, 14)
            if code == "august_2014"
            else datetime(2020, 7, 17)
            if code == "july_2017"
            else header,
            code,
        )
        for header, code in base.periods
    ]
    return Layout(
        head=["Place ID", *base.head[2:]] if base.location_id else base.head,
        origins=base.origins,
        shelters=base.shelters,
        periods=periods,
        tail=[],
        from_camp=None,
        banner=[[title]],
        individuals_in_cells=True,
        totals_row=True,
        blank_zero=False,
    )


def sheet_rows(layout: Layout, data: Round) -> tuple[list[list[Cell]], int]:
    """The cells of a list, banner and headers first, and the number of rows before the first location."""
    headers: list[Cell] = [*layout.head]
    if layout.from_camp:
        headers.append(layout.from_camp)
    columns: list[np.ndarray | None] = []
    for dimension, entries in (
        ("origin", layout.origins),
        ("shelter", layout.shelters),
        ("period", layout.periods),
    ):
        for header, code in entries:
            headers.append(header)
            columns.append(data.cells[dimension].get(code) if code else None)
    start = len(headers) - len(columns)
    order = list(range(len(columns)))
    if layout.repeated:
        first = len(layout.origins)
        order = order[:first] + [
            i for j in range(first, len(columns)) for i in ([j, j] if j - first < layout.repeated else [j])
        ]
        headers = headers[:start] + [headers[start + i] for i in order]
    sizes = (data.rows["individuals"] // data.rows["households"]).to_numpy()
    size = sizes if layout.individuals_in_cells else np.ones_like(sizes)
    blank: Cell = None if layout.blank_zero else 0
    width = len(headers) + len(layout.tail)
    banner: list[list[Cell]] = [[text.format(day=data.day) for text in row] for row in layout.banner]
    rows: list[list[Cell]] = [row + [None] * (width - len(row)) for row in banner]
    rows.append(headers + list(layout.tail))
    counts = [None if (column := columns[i]) is None else column * size for i in order]
    told = data.rows.select(
        "place_id",
        "governorate",
        "district",
        "name",
        "name_ar",
        "latitude",
        "longitude",
        "households",
        "individuals",
    )
    for number, row in enumerate(told.iter_rows()):
        arabic = "?" * len(row[4]) if layout.destroyed_arabic else row[4]
        line: list[Cell] = [*row[:4], arabic, *row[5:]]
        if layout.location_id:
            line.insert(0, f"L{number + 1}")
        if layout.from_camp:
            line.append(None)
        line += [blank if c is None or c[number] == 0 else int(c[number]) for c in counts]
        line += [f"map?lat={row[5]}&lon={row[6]}"] * len(layout.tail)
        rows.append(line)
    return rows, len(banner) + 1


def totals_row(rows: list[list[Cell]], before: int, headers: Sequence[Cell]) -> list[Cell]:
    """The control totals at the foot: locations, households, individuals."""
    body = rows[before:]
    households = next(i for i, h in enumerate(headers) if str(h) in ("Households", "Families", "Returnee Families"))
    line: list[Cell] = [None] * len(headers)
    line[0], line[1] = "Totals:", f"Locations:{len(body)}"
    for column in (households, households + 1):
        line[column] = sum(value for r in body if isinstance(value := r[column], int))
    return line


def write_csv(path: Path, rows: list[list[Cell]]) -> None:
    """CSV as spreadsheets save it: byte-order mark, CRLF, newlines inside quoted headers."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(["" if c is None else c for c in row] for row in rows)
    path.write_bytes(b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8"))


def write_xlsx(path: Path, rows: list[list[Cell]], sheet: str) -> None:
    """A workbook whose sheet stores no dimensions, as the published ones; the same rows make the same bytes."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    for row in rows:
        page.append(row)
    write_book(book, path)


def write_book(book: Workbook, path: Path) -> None:
    """A workbook without the time of its writing."""
    buffer = io.BytesIO()
    book.save(buffer)
    # the time of writing, which stands in the archive and in its properties, would make every workbook another
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in made.namelist():
            content = made.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", content)
            fixed.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def layout_of(day: date, group: str) -> tuple[Layout, str]:
    """The layout of a round's date and the form of its file."""
    if day < date(2020, 1, 1):
        return (IDP_XLSX if group == "idp" else RETURNEE_XLSX), "xlsx"
    if day < date(2020, 12, 1):
        return (IDP_CSV if group == "idp" else RETURNEE_CSV), "csv"
    title = f"DTM {'IDP' if group == 'idp' else 'Returnee'} Master List {day:%d %B %Y} (Number of Individuals)"
    return from_round_119(IDP_XLSX if group == "idp" else RETURNEE_XLSX, title), "xlsx"
