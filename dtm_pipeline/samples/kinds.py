"""Small sample deliveries of every kind, in the layouts of sources.md, each with planted faults.

Figures are invented from a seed; places are units of the gazetteer.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.samples.layouts import GOVERNORATES, Cell, write_book, write_csv, write_xlsx
from dtm_pipeline.samples.plant import Fault, Samples
from dtm_pipeline.storage.reference import Reference

DAY = date(2024, 3, 31)
NATIONALITIES = ("Egyptian", "Syrian", "Yemeni", "Sudanese", "Pakistani", "Ethiopian")


@dataclass(frozen=True)
class Maker:
    """What a kind's samples are made with."""

    samples: Samples
    reference: Reference
    rng: np.random.Generator
    rows: int

    def areas(self, country: str) -> list[dict[str, Any]]:
        """Districts with their governorates, drawn for each row."""
        units = Gazetteer.load(self.reference.folder).of_country(country).units
        first = units.filter(admin_level=1).select(parent_code="code", admin1="name_en")
        second = units.filter(admin_level=2).join(first, on="parent_code").sort("code")
        drawn = self.rng.integers(0, second.height, self.rows)
        drawn_units: list[dict[str, Any]] = second[drawn.tolist()].to_dicts()
        return drawn_units

    def counts(self, mean: float, columns: int = 1) -> list[list[int]]:
        return [[int(v) for v in row] for row in self.rng.poisson(mean, (self.rows, columns))]

    def table(self, name: str, rows: list[list[Cell]], sheet: str = "Sheet1", **statement: str) -> Path:
        """Write a table as the name says, and a sidecar where something is stated."""
        path = self.samples.folder / name
        if path.suffix == ".xlsx":
            write_xlsx(path, rows, sheet)
        else:
            write_csv(path, rows)
        return self._deliver(path, statement)

    def document(self, name: str, content: Any, **statement: str) -> Path:
        path = self.samples.folder / name
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return self._deliver(path, statement)

    def _deliver(self, path: Path, statement: dict[str, str]) -> Path:
        if statement:
            told = "".join(f'{key} = "{value}"\n' for key, value in statement.items())
            path.with_name(path.name + ".toml").write_text(told, encoding="utf-8")
        self.samples.deliveries.append(path)
        return path

    def plant(self, path: Path, row: int | None, column: str, fault: str, expected: str, sheet: str = "") -> None:
        self.samples.planted.append(Fault(path.name, sheet, row, column, fault, expected))


def master_list(make: Maker) -> None:
    """A list of round 8: long by origin, bilingual headers, two banner rows."""
    rows: list[list[Cell]] = [
        ["DTM Iraq Master List of IDPs 31 October 2014"],
        ["Displaced families by governorate of origin"],
        ["Place ID رمز الموقع", "Governorate المحافظة", "District القضاء", "Location Name اسم الموقع", "Latitude", "Longitude", "Governorate of Origin محافظة الاصل", "Families", "Individuals"],
    ]  # fmt: skip
    origins = [n for n in GOVERNORATES if n in ("Anbar", "Ninewa", "Diyala")]
    for i, area in enumerate(make.areas("IRQ")):
        families = 10 + int(make.rng.integers(0, 200))
        for origin in origins[: 1 + i % 3]:
            rows.append([3000 + i, area["admin1"], area["name_en"], f"Hay {i}", area["latitude"], area["longitude"], origin, families, families * 6])  # fmt: skip
    rows[5][6] = "Atlantis"
    rows[8][7] = "many"
    path = make.table("Round8_Master_List_IDP_2014_October_31_IOM_DTM.xlsx", rows, "DTM Dataset")
    make.plant(path, 6, "Governorate of Origin", "unknown_origin", "finding", "DTM Dataset")
    make.plant(path, 9, "Families", "unreadable_households", "quarantine", "DTM Dataset")


def location_database(make: Maker) -> None:
    """Wide over rounds, dates once with dots and once with dashes, older codes of which some are missing."""
    dates = ("2018.07.15", "2018-08-15", "2018.09.15")
    headers: list[Cell] = ["Place id", "Governorate", "District", "Location_name", "Arabic_name", "Latitude", "Longitude", "OCHA_admin_1", "OCHA_admin_2"]  # fmt: skip
    for day in dates:
        headers += [f"families_abs_{day}", f"families_diff_abs_{day}", f"families_diff_perc_{day}"]
    rows: list[list[Cell]] = [headers]
    for i, (area, stock) in enumerate(zip(make.areas("IRQ"), make.counts(60, 3), strict=True)):
        codes: list[Cell] = [None, None] if i % 4 == 0 else ["IQ-G08", f"IQ-D{i:03}"]
        line: list[Cell] = [4000 + i, area["admin1"], area["name_en"], f"Qaria {i}", None, area["latitude"], area["longitude"], *codes]  # fmt: skip
        for n in stock:
            line += [n, 0, 0.0]
        rows.append(line)
    rows[3][12] = "?"
    rows[5][0] = rows[5][3] = None
    path = make.table("IDP_locations_database_2018.csv", rows, population_group="idp", country="IRQ")
    make.plant(path, 4, "families_abs_2018-08-15", "unreadable_cell", "finding")
    make.plant(path, 6, "Place id", "no_place_id", "quarantine")


def baseline_assessment(make: Maker) -> None:
    """The Syrian baseline: five disjoint groups, and the current year's part of three of them."""
    rows: list[list[Cell]] = [[
        "Governorate Pcode", "Governorate", "District Pcode", "District", "Sub-District Pcode", "Sub-district", "admin 4 Pcode", "admin4", "location Type", "Location Name",
        "Location Pcode", "Residents", "IDP Returnees from December 2024 until now", "IDP Returnees only in 2026", "IDPs",
        "Arrivals from abroad to place of originfrom December 2024 until now", "Arrivals from abroad to place of origin only in 2026",
        "Arrivals from abroad to another place from December 2024 until now", "Arrivals from abroad to another place only in 2026", "Total Population",
    ]]  # fmt: skip
    for i, (area, n) in enumerate(zip(make.areas("SYR"), make.counts(300, 5), strict=True)):
        resident, returned, idp, arrived, elsewhere = n
        rows.append([
            area["parent_code"], area["admin1"], area["code"], area["name_en"], f"{area['code']}00", f"{area['name_en']} Centre", f"C{i:04}", f"Community {i}", "Village", f"Village {i}",
            f"C{i:04}L", resident, returned, returned // 3, idp, arrived, arrived // 2, elsewhere, elsewhere // 4, resident + returned + idp + arrived + elsewhere,
        ])  # fmt: skip
    rows[2][19] = int(str(rows[2][19])) + 7
    rows[4][13] = int(str(rows[4][12])) + 1
    rows[6][14] = -4
    path = make.table("Syria_baseline_2026-04-30.xlsx", rows, "Data")
    make.plant(path, 3, "Total Population", "total_differs", "finding", "Data")
    make.plant(path, 5, "IDP Returnees only in 2026", "part_exceeds_whole", "finding", "Data")
    make.plant(path, 7, "IDPs", "negative_idp_individuals", "quarantine", "Data")


def location_assessment(make: Maker) -> None:
    """A location assessment by key informants: ranked needs, services, barriers, conditions."""
    rows: list[list[Cell]] = [[
        "Place id", "Governorate", "District", "Location name", "Latitude", "Longitude", "Population group", "Households", "Individuals", "Key informants", "KI name",
        "First need", "Second need", "Access to health", "Access to water", "Barriers to return", "Level of housing destruction", "Armed actors present", "Remarks",
    ]]  # fmt: skip
    needs, access = ("Food", "Shelter", "Health", "Livelihoods"), ("Yes", "Partly", "No")
    barriers, extent = ("Housing destroyed; No jobs", "Insecurity", "Blocked returns", "Lack of services"), ("None", "Few", "Half", "Most", "All")  # fmt: skip
    for i, area in enumerate(make.areas("IRQ")):
        households = 20 + int(make.rng.integers(0, 300))
        said = [int(v) for v in make.rng.integers(0, 60, 6)]
        rows.append([
            5000 + i, area["admin1"], area["name_en"], f"Hay {i}", area["latitude"], area["longitude"], "IDPs", households, households * 6, 2 + i % 3, f"Sample Person {i}",
            needs[said[0] % 4], needs[said[1] % 4], access[said[2] % 3], access[said[3] % 3], barriers[said[4] % 4], extent[said[5] % 5], "No", "free text",
        ])  # fmt: skip
    rows[3][13] = "sometimes maybe"
    rows[5][7] = "n. d."
    path = make.table("ILA_2024-03-31.csv", rows, country="IRQ")
    make.plant(path, 4, "Access to health", "unknown_answer", "finding")
    make.plant(path, 6, "Households", "unreadable_households", "quarantine")


def severity_survey(make: Maker) -> None:
    """Surveys of the Displacement Index's and the Communities of Return index's shape, as exports with group paths."""
    for index, country, prefix in (("displacement_conditions", "IRQ", 6000), ("communities_of_return", "SYR", 7000)):
        model = make.reference.severity_model(index)
        wanted = (
            "place_id",
            "provider_admin1_name",
            "provider_admin2_name",
            "location_name",
            "households",
            "surveyed_on",
        )
        rows: list[list[Cell]] = [[*(f"grp/{model.questions[w]}" for w in wanted), *(f"ind/{i.question}" for i in model.indicators), "_uuid"]]  # fmt: skip
        for n, area in enumerate(make.areas(country)):
            answers: list[Cell] = [list(i.answers)[int(make.rng.integers(0, len(i.answers)))] for i in model.indicators]
            rows.append([prefix + n, area["admin1"], area["name_en"], f"Place {n}", 10 + n, DAY.isoformat(), *answers, f"u{prefix + n}"])  # fmt: skip
        rows[3][8] = "perhaps"
        path = make.table(f"{index}_2024-03-31.csv", rows)
        make.plant(path, 4, str(rows[0][8]), "unknown_answer", "quarantine")


def event_report(make: Maker) -> None:
    """Reports of events, a later one of the same event, a camp closure and an eviction."""
    rows: list[list[Cell]] = [[
        "Event ID", "Event type", "Event date", "Report date", "Governorate", "District", "Location name", "Governorate of origin", "Camp name",
        "Newly displaced households", "Newly displaced individuals", "Cumulative individuals", "Current individuals", "Returned individuals", "Priority needs",
    ]]  # fmt: skip
    types = ("Flood", "Conflict", "Camp closure", "Eviction", "Drought", "Fire")
    areas = list(make.areas("IRQ"))
    for i in range(len(areas)):
        area = areas[i - i % 2]  # a later report of an event is of the same place
        event, report = DAY + timedelta(days=i // 2), DAY + timedelta(days=i // 2 + 1 + i % 2)
        new = 5 + int(make.rng.integers(0, 80))
        rows.append([
            f"EV-{i // 2:03}", types[(i // 2) % 6], event.isoformat(), report.isoformat(), area["admin1"], area["name_en"], f"Hay {i // 2}", "Ninewa", "Camp 1" if types[(i // 2) % 6] == "Camp closure" else None,
            new, new * 6, new * 8, new * 5, new * 3, "food",
        ])  # fmt: skip
    rows[4][1] = "Unheard-of"
    rows[6][12] = int(str(rows[6][11])) + 60
    path = make.table("event_tracking_2024-04.csv", rows, country="IRQ")
    make.plant(path, 5, "Event type", "unreadable_event_type", "quarantine")
    make.plant(path, 7, "Current individuals", "current_exceeds_cumulative", "finding")


def flow_registry(make: Maker) -> None:
    """A registry with two merged header rows and a totals row, and one with a single header row."""
    groups = [
        ("Enter form number", ""), ("Date of Entry", ""), ("Entry Location", ""), ("Sex of HH", ""),
        ("Family size", "Male family members"), ("", "Female family members"), ("", "Total Households"),
        ("Children size", "Males 0-4 years"), ("", "Females 0-4 years"), ("", "Males 5-17 years"), ("", "Females 5-17 years"), ("", "Total children"),
        ("Adult size", "Males 18-59 years"), ("", "Females 18-59 years"), ("", "Total Adults"), ("Mode of Transport", ""),
        ("Vulnerabilities observed/Special Needs Type", "PG=Pregnant"), ("", "SP=Single parent"),
    ]  # fmt: skip
    rows: list[list[Cell]] = [[g or None for g, _ in groups], [s or None for _, s in groups]]
    persons = 0
    for i, n in enumerate(make.counts(2, 6)):
        n[4] += 1
        children, adults = sum(n[:4]), sum(n[4:])
        day = date(2016, 7, 1) + timedelta(days=i % 60)
        rows.append([
            1 + i % 7, day.isoformat(), "Border post " if i % 2 else "Border post", "male" if i % 2 else "Male", n[0] + n[2] + n[4], n[1] + n[3] + n[5], children + adults,
            n[0], n[1], n[2], n[3], children, n[4], n[5], adults, "bus", "x" if i % 5 == 0 else None, None,
        ])  # fmt: skip
        persons += children + adults
    rows[4][4] = int(str(rows[4][4])) + 1
    rows[5][1] = "2016-02-01"
    rows[7][6] = "about 4"
    rows.append(["Total", None, None, None, None, None, f"{persons}"])
    path = make.table("registry_Q3_2016.xlsx", rows, "Entry Sheet", country="SYR")
    make.plant(path, 5, "Male family members", "sex_differs", "finding", "Entry Sheet")
    make.plant(path, 6, "Date of Entry", "day_outside_period", "finding", "Entry Sheet")
    make.plant(path, 8, "Total Households", "unreadable_individuals", "quarantine", "Entry Sheet")
    if make.rows > 7:
        make.plant(path, None, "Enter form number", "form_number_repeats", "finding", "Entry Sheet")
    make.plant(path, len(rows), "Total Households", "control_total_differs", "finding", "Entry Sheet")
    tally: list[list[Cell]] = [["Date", "Flow point", "Direction", "Route", "From", "To", "Travellers", "Boys", "Girls", "Men", "Women", "Seasonal", "Conflict", "Pregnant", "Hours observed"]]  # fmt: skip
    for i, n in enumerate(make.counts(3, 4)):
        n[2] += 1
        tally.append([(DAY + timedelta(days=i % 20)).isoformat(), "Masnaa", "Entry" if i % 2 else "Exit", "Road 1", "Syria", "Lebanon", sum(n), *n, i % 3, 0, 0, 8])  # fmt: skip
    tally[3][2] = "Sideways"
    path = make.table("flow_tally_lebanon.csv", tally, country="LBN")
    make.plant(path, 4, "Direction", "unreadable_direction", "quarantine")


def border_count(make: Maker) -> None:
    """Daily counts, day-first, with a closure as zeros."""
    rows: list[list[Cell]] = [["Date", "Border Point", "Arrival / Departure", "Total", "Hours observed", None]]
    for i, n in enumerate(make.counts(400)):
        day = DAY + timedelta(days=i // 2)
        rows.append(
            [f"{day:%d/%m/%Y}", "Cilvegözü", "Arrival" if i % 2 else "Departure", 0 if i % 11 == 0 else n[0], 12, None]
        )
    rows[3][0] = "31/02/2024"
    path = make.table("border_counts_turkiye.csv", rows, country="TUR")
    make.plant(path, 4, "Date", "unreadable_date", "quarantine")


def mobility_mapping(make: Maker) -> None:
    """Sites and routes of population mobility mapping."""
    sites: list[list[Cell]] = [["Site code", "Site name", "Type of site", "Governorate", "District", "Latitude", "Longitude", "Average people", "Period"]]  # fmt: skip
    for i, (area, n) in enumerate(zip(make.areas("JOR"), make.counts(500), strict=True)):
        sites.append([f"S{i:03}", f"Market {i}", "market" if i % 2 else "health facility", area["admin1"], area["name_en"], area["latitude"], area["longitude"], n[0], "week"])  # fmt: skip
    sites[4][7] = "lots"
    path = make.table("mobility_mapping_sites_2024-03-31.xlsx", sites, "Sites", country="JOR")
    make.plant(path, 5, "Average people", "unreadable_individuals", "quarantine", "Sites")
    routes: list[list[Cell]] = [["Route ID", "From site", "To site", "Mode of transport", "Number of people", "Period"]]
    for i, n in enumerate(make.counts(80)):
        routes.append([f"R{i:03}", f"Market {i}", f"Market {i + 1}", "bus", n[0], "day"])
    make.table("mobility_mapping_routes_2024-03-31.csv", routes, country="JOR")


def migrant_presence(make: Maker) -> None:
    """Migrants by area and nationality."""
    rows: list[list[Cell]] = [
        ["Country", "Governorate", "District", "Nationality", "Number of migrants", "Reference date"]
    ]
    for i, (area, n) in enumerate(zip(make.areas("EGY"), make.counts(900), strict=True)):
        rows.append(
            ["Egypt" if i % 2 else "EGY", area["admin1"], area["name_en"], NATIONALITIES[i % 6], n[0], DAY.isoformat()]
        )
    rows[3][4] = -1
    rows[5][3] = None
    path = make.table("migrant_presence_egypt.csv", rows)
    make.plant(path, 4, "Number of migrants", "negative_individuals", "quarantine")
    make.plant(path, 6, "Nationality", "no_nationality", "quarantine")


FORM: list[list[str | None]] = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "required", "relevant", "constraint"],
    ["today", "today", None, None, None, None, None],
    ["select_one governorate", "governorate", "Governorate", "المحافظة", "true", None, None],
    ["select_one stratum", "stratum", "Type of settlement", "نوع السكن", "true", None, None],
    ["begin_group", "hh", "Household", "الأسرة", None, None, None],
    ["integer", "hh_size", "How many are you?", "كم عددكم؟", "true", None, ". > 0 and . < 40"],
    ["select_one yes_no", "displaced", "Were you displaced?", "هل نزحتم؟", "true", None, None],
    ["integer", "year_displaced", "In what year?", "في أي سنة؟", "true", "selected(${displaced}, 'yes')", ". >= 2014"],
    [
        "select_multiple need or_other",
        "needs",
        "What do you need most?",
        "ماذا تحتاجون؟",
        "true",
        None,
        "count-selected(.) <= 3",
    ],
    ["end_group", None, None, None, None, None, None],
    ["begin_repeat", "member", "Member", "فرد", None, None, None],
    ["integer", "age", "Age", "العمر", "true", None, ". >= 0 and . < 120"],
    ["select_one sex", "sex", "Sex", "الجنس", "true", None, None],
    ["end_repeat", None, None, None, None, None, None],
]
CHOICES: list[list[str | None]] = [
    ["list_name", "name", "label::English (en)", "label::Arabic (ar)"],
    ["governorate", "ninewa", "Ninewa", "نينوى"], ["governorate", "dahuk", "Dahuk", "دهوك"], ["governorate", "erbil", "Erbil", "اربيل"],
    ["stratum", "its", "Informal tented settlement", "مخيم عشوائي"], ["stratum", "migrant_worker", "Migrant workers", "عمال"],
    ["yes_no", "yes", "Yes", "نعم"], ["yes_no", "no", "No", "لا"],
    ["need", "food", "Food", "غذاء"], ["need", "shelter", "Shelter", "مأوى"], ["need", "health", "Health care", "صحة"],
    ["sex", "male", "Male", "ذكر"], ["sex", "female", "Female", "انثى"],
]  # fmt: skip


def _form(make: Maker, name: str, form_id: str, title: str) -> None:
    from openpyxl import Workbook

    path = make.samples.folder / name
    book = Workbook()
    sheets: dict[str, list[list[str | None]]] = {
        "survey": FORM,
        "choices": CHOICES,
        "settings": [["form_title", "form_id", "version"], [title, form_id, "1"]],
    }
    for number, (sheet, rows) in enumerate(sheets.items()):
        page = book.active if number == 0 else book.create_sheet()
        page.title = sheet
        for row in rows:
            page.append(row)
    write_book(book, path)
    make.samples.deliveries.append(path)


def household_survey(make: Maker) -> None:
    """A form, and an export of it with labels, a repeat on a sheet of its own, Arabic-Indic digits."""
    from openpyxl import Workbook

    _form(make, "msna_form.xlsx", "msna_2024", "MSNA 2024")
    main: list[list[Cell]] = [["today", "governorate", "stratum", "hh/hh_size", "hh/displaced", "hh/year_displaced", "hh/needs", "hh/needs/food", "hh/needs/shelter", "_uuid", "_index", "_submission_time", "weight"]]  # fmt: skip
    members: list[list[Cell]] = [["member/age", "member/sex", "_index", "_parent_table_name", "_parent_index"]]
    for i in range(make.rows):
        displaced = "Yes" if i % 3 else "No"
        size = 1 + i % 4
        main.append([
            DAY.isoformat(), "Ninewa", "Informal tented settlement" if i % 2 else "Migrant workers", str(size).translate({48 + d: 0x660 + d for d in range(10)}), displaced, 2014 + i % 5 if displaced == "Yes" else None,
            "Food Health care" if i % 2 else "Shelter", 1 if i % 2 else 0, 0 if i % 2 else 1, f"uuid-{i}", i + 1, f"{DAY}T10:00:00", 1.5,
        ])  # fmt: skip
        for m in range(size):
            members.append([20 + m, "Male" if m % 2 else "Female", len(members), "msna_2024", i + 1])
    main[2][3] = 55
    main[4][5] = 2015
    members[3][4] = 9999
    path = make.samples.folder / "msna_2024_export.xlsx"
    book = Workbook()
    book.active.title = "msna_2024"
    second = book.create_sheet("member")
    for page, rows in ((book.active, main), (second, members)):
        for row in rows:
            page.append(row)
    write_book(book, path)
    make._deliver(path, {"country": "IRQ", "survey": "MSNA 2024"})
    make.plant(path, 3, "hh/hh_size", "broken_constraint", "finding", "msna_2024")
    make.plant(path, 5, "hh/year_displaced", "answered_though_not_asked", "finding", "msna_2024")
    make.plant(path, 4, "_parent_index", "no_parent", "quarantine", "member")


def flow_survey(make: Maker) -> None:
    """Flow Monitoring Survey interviews as the API of KoBoToolbox gives them."""
    _form(make, "fms_form.xlsx", "fms_lebanon", "Flow Monitoring Survey Lebanon")
    results = [
        {"_id": i, "_uuid": f"fms-{i}", "_submission_time": f"{DAY}T10:00:00", "today": DAY.isoformat(), "governorate": "erbil", "stratum": "its",
         "hh/hh_size": "1", "hh/displaced": "no", "hh/needs": "food shelter", "member": [{"member/age": "30", "member/sex": "male"}]}
        for i in range(make.rows)
    ]  # fmt: skip
    results[2]["hh/displaced"] = "perhaps"
    path = make.document("fms_lebanon.json", {"count": len(results), "results": results}, country="LBN", survey="Flow Monitoring Survey Lebanon")  # fmt: skip
    make.plant(path, 4, "hh/displaced", "unknown_answer", "finding", "main")


def xlsform(make: Maker) -> None:
    """A form as two CSV files in cp1256."""
    for name, rows in {"local_integration_survey.csv": FORM, "local_integration_choices.csv": CHOICES}.items():
        buffer = io.StringIO(newline="")
        csv.writer(buffer).writerows(["" if c is None else c for c in row] for row in rows)
        path = make.samples.folder / name
        path.write_bytes(buffer.getvalue().encode("cp1256"))
        make.samples.deliveries.append(path)


def government_registration(make: Maker) -> None:
    rows: list[list[Cell]] = [
        ["Governorate", "District", "Status", "Registered families", "Registered individuals", "As of"]
    ]
    for area, n in zip(make.areas("IRQ"), make.counts(200), strict=True):
        rows.append([area["admin1"], area["name_en"], "Returnees", n[0], n[0] * 5, DAY.isoformat()])
    rows[3][5] = "soon"
    path = make.table("ministry_returns.csv", _distinct(rows, 1), country="IRQ", provider="Ministry of Migration")
    make.plant(path, 4, "As of", "unreadable_reference_date", "quarantine")


def unhcr_figure(make: Maker) -> None:
    """A table with headers, and a series of days and cumulative counts without any."""
    rows: list[list[Cell]] = [["Date", "Country of asylum", "Registered refugees", "Source"]]
    for i, n in enumerate(make.counts(5000)):
        rows.append([(DAY + timedelta(days=i)).isoformat(), "Türkiye", n[0], "UNHCR"])
    rows[2][2] = "12k"
    path = make.table("unhcr_refugees.csv", rows, population_group="refugee")
    make.plant(path, 3, "Registered refugees", "unreadable_individuals", "quarantine")
    series: list[list[Cell]] = [[None, None]]
    total = 0
    for i, n in enumerate(make.counts(700)):
        total += n[0]
        series.append([(DAY + timedelta(days=7 * i)).isoformat(), total])
    make.table("unhcr_series.csv", series, kind="unhcr_figure", country="JOR", population_group="refugee")


def relief_list(make: Maker) -> None:
    rows: list[list[Cell]] = [
        ["Governorate", "District", "Shelter name", "Families sheltered", "Persons sheltered", "Date"]
    ]
    for i, (area, n) in enumerate(zip(make.areas("LBN"), make.counts(40), strict=True)):
        rows.append([area["admin1"], area["name_en"], f"School {i}", n[0], n[0] * 4, DAY.isoformat()])
    rows[4][4] = "-5"
    path = make.table("drm_shelters_lebanon.csv", rows, country="LBN", population_group="idp", provider="Disaster management unit")  # fmt: skip
    make.plant(path, 5, "Persons sheltered", "negative_individuals", "quarantine")


def camp_list(make: Maker) -> None:
    """A workbook whose figures are formulas into other workbooks: one was saved without its value."""
    rows: list[list[Cell]] = [["SSID", "Camp name", "Governorate", "District", "Families", "Individuals", "Updated on"]]
    for i, (area, n) in enumerate(zip(make.areas("IRQ"), make.counts(300), strict=True)):
        rows.append(
            [f"IQ0102-{i:04}-001", f"Camp {i}", area["admin1"], area["name_en"], n[0], n[0] * 5, DAY.isoformat()]
        )
    rows[3][4] = "='[camps.xlsx]Sheet1'!E4"
    path = make.table("cccm_camps.xlsx", rows, "Camps", country="IRQ", population_group="idp")
    make.plant(path, 4, "Families", "formula_without_value", "finding", "Camps")


def dtm_api(make: Maker) -> None:
    """A v3 answer of Lebanon, in parts by reason."""
    records = []
    for i, (area, n) in enumerate(zip(make.areas("LBN"), make.counts(800), strict=True)):
        records.append({
            "id": i, "operation": "Displacement due to conflict", "admin0Name": "Lebanon", "admin0Pcode": "LBN", "admin1Name": area["admin1"], "admin1Pcode": area["parent_code"],
            "admin2Name": area["name_en"], "admin2Pcode": area["code"], "numPresentIdpInd": n[0], "reportingDate": f"{DAY}T00:00:00", "yearReportingDate": 2024, "monthReportingDate": 3,
            "roundNumber": 1, "displacementReason": f"Conflict {i}", "numberMales": None, "numberFemales": None, "idpOriginAdmin1Name": None, "idpOriginAdmin1Pcode": None, "assessmentType": "BA",
        })  # fmt: skip
    records[2]["numPresentIdpInd"] = "x"
    envelope = {
        "result": records,
        "statusCode": 200,
        "isSuccess": True,
        "errorMessages": [],
        "totalRecordsCount": len(records),
    }
    path = make.document("v3_lbn_admin2.json", envelope)
    make.plant(path, 3, "numPresentIdpInd", "unreadable_individuals", "quarantine")


def hdx_idps(make: Maker) -> None:
    """The HDX export: a row of tags, three levels in one sheet, `Not available`."""
    rows: list[list[Cell]] = [
        ["id", "operation", "admin0Name", "admin0Pcode", "admin1Name", "admin1Pcode", "admin2Name", "admin2Pcode", "adminLevel", "numPresentIdpInd", "reportingDate", "roundNumber", "displacementReason", "idpOriginAdmin1Name", "assessmentType"],
        ["#id+code", "#operation+name", "#country+name", "#country+code", "#adm1+name", "#adm1+code", "#adm2+name", "#adm2+code", "#adm+level", "#affected+idps", "#date+reported", "#round+code", "#cause+type", "#adm1+name+origin", "#assessment+type"],
    ]  # fmt: skip
    total = 0
    for i, (area, n) in enumerate(zip(make.areas("JOR"), make.counts(100), strict=True)):
        rows.append([None, "Jordan floods", "Jordan", "JOR", area["admin1"], area["parent_code"], area["name_en"], area["code"], 2, n[0], DAY.isoformat(), 1, f"Flood {i}", "Not available", "BA"])  # fmt: skip
        total += n[0]
    rows.append(
        [
            None,
            "Jordan floods",
            "Jordan",
            "JOR",
            None,
            None,
            None,
            None,
            0,
            total,
            DAY.isoformat(),
            1,
            None,
            "Not available",
            "BA",
        ]
    )
    rows[4][9] = "Not available"
    path = make.table("global-iom-dtm.csv", rows)
    make.plant(path, 5, "numPresentIdpInd", "no_individuals", "quarantine")


def hapi_idps(make: Maker) -> None:
    """The HAPI form of the same."""
    rows: list[list[Cell]] = [["location_code", "has_hrp", "provider_admin1_name", "provider_admin2_name", "admin1_code", "admin2_code", "admin_level", "operation", "assessment_type", "population", "reporting_round", "reference_period_start", "reference_period_end"]]  # fmt: skip
    for area, n in zip(make.areas("TUR"), make.counts(100), strict=True):
        rows.append(["TUR", "N", area["admin1"], area["name_en"], area["parent_code"], area["code"], 2, "Türkiye earthquakes", "BA", n[0], 1, DAY.isoformat(), DAY.isoformat()])  # fmt: skip
    rows[3][6] = 7
    path = make.table("hapi_idps.csv", _distinct(rows, 5))
    make.plant(path, 4, "admin_level", "contract_admin_level", "quarantine")


def _distinct(rows: list[list[Cell]], column: int) -> list[list[Cell]]:
    """The rows, each of another unit: units are drawn with replacement."""
    first: dict[Cell, list[Cell]] = {}
    for row in rows:
        first.setdefault(row[column], row)
    return list(first.values())


MAKERS: dict[str, Callable[[Maker], None]] = {
    made.__name__: made
    for made in (
        master_list, location_database, baseline_assessment, location_assessment, severity_survey, event_report, flow_registry, border_count, mobility_mapping,
        migrant_presence, household_survey, flow_survey, xlsform, government_registration, unhcr_figure, relief_list, camp_list, dtm_api, hdx_idps, hapi_idps,
    )
}  # fmt: skip
"""What makes the samples of each kind."""


def make_kind_samples(kinds: list[str], rows: int, seed: int, out: Path, reference: Reference) -> Samples:
    """Write samples of kinds into a folder; the same arguments write the same bytes.

    Args:
        rows: rows of each delivery, at least 8.
    """
    out.mkdir(parents=True, exist_ok=True)
    samples = Samples(out)
    for kind in kinds:
        MAKERS[kind](Maker(samples, reference, np.random.default_rng([seed, *kind.encode()]), rows))
    samples.write_faults()
    return samples
