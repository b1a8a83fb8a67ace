"""Each kind of delivery against the totals, repeats and parts that its providers write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery


def read(folder: Path, text: str, reference: Reference, name: str = "list.csv", **said: str) -> Reading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_delivery(Document(name, path), Delivery("0" * 64, name, dict(said)), reference)


def told(reading: Reading, measure: str = "individuals") -> tuple[int, list[str], list[str]]:
    """People, rules of the rejected rows, and findings about totals."""
    table = next(iter(reading.tables.values()))
    about = ("control_total", "control_total_not_compared", "second_breakdown", "may_be_a_total")
    rules = reading.rejected.sort("source_row")["rule"].to_list()
    return int(table[measure].sum()), rules, [f.finding for f in reading.findings if f.finding in about]


# -- figures of areas: one level in a file, or several; the same rows as HDX table and as answer of the API

Row = tuple[str | None, str | None, str | None, str | None, int]
REASONS: list[Row] = [("Irbid", "Ramtha", "Conflict", None, 60), ("Irbid", "Ramtha", "Disaster", None, 40)]
ORIGINS: list[Row] = [("Irbid", "Ramtha", None, "A", 70), ("Irbid", "Ramtha", None, "B", 30)]
DISTRICTS: list[Row] = [("Irbid", "Ramtha", None, None, 60), ("Irbid", "Koura", None, None, 40)]
GOVERNORATES: list[Row] = [("Irbid", None, None, None, 60), ("Amman", None, None, None, 40)]


def as_table(rows: list[Row]) -> str:
    head = "admin0Pcode,admin1Name,admin2Name,adminLevel,operation,assessmentType,reportingDate,roundNumber,displacementReason,idpOriginAdmin1Name,numPresentIdpInd\n"
    level = 2 if rows[0][1] else 1
    body = (
        f"JOR,{a or ''},{b or ''},{level},Op,BA,2024-03-31,1,{reason or ''},{origin or ''},{n}\n"
        for a, b, reason, origin, n in rows
    )
    return head + "".join(body)


def as_answer(rows: list[Row]) -> str:
    said = {"admin0Pcode": "JOR", "operation": "Op", "assessmentType": "BA", "reportingDate": "2024-03-31T00:00:00", "roundNumber": 1}  # fmt: skip
    return json.dumps([said | {"admin1Name": a, "admin2Name": b, "displacementReason": reason, "idpOriginAdmin1Name": origin, "numPresentIdpInd": n} for a, b, reason, origin, n in rows])  # fmt: skip


@pytest.mark.parametrize("form", ["table", "answer"])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*REASONS, ("Irbid", "Ramtha", "Total", None, 100)], (100, [], [])),
        ([*REASONS, ("Irbid", "Ramtha", "All reasons", None, 100)], (100, [], [])),
        ([*REASONS, ("Irbid", "Ramtha", "Subtotal Ramtha", None, 100)], (100, [], ["control_total_not_compared"])),
        ([*ORIGINS, ("Irbid", "Ramtha", None, "المجموع", 100)], (100, [], [])),
        ([*REASONS, *ORIGINS], (100, [], ["second_breakdown"] * 2)),
        (
            [*REASONS, *ORIGINS, ("Irbid", "Ramtha", None, None, 100)],
            (100, [], ["control_total", *["second_breakdown"] * 2]),
        ),
        (
            [*REASONS, ORIGINS[0], ("Irbid", "Ramtha", None, "B", 35), ("Irbid", "Koura", None, None, 1)],
            (1, ["breakdowns_differ"] * 4, []),
        ),
        ([*DISTRICTS, ("Irbid", "Irbid Total", None, None, 100)], (100, [], [])),
        ([*DISTRICTS, ("Irbid", "Total", None, None, 100)], (100, [], [])),
        ([*DISTRICTS, ("Irbid", "Irbid", None, None, 100)], (100, ["subtotal_or_part"], [])),
        ([*GOVERNORATES, ("Jordan", None, None, None, 100)], (100, [], ["control_total"])),
        ([*GOVERNORATES, ("الأردن", None, None, None, 100)], (100, [], ["control_total"])),
    ],
)
def test_totals_and_second_breakdowns_of_areas_are_not_added(
    tmp_path: Path, reference: Reference, form: str, rows: list[Row], expected: tuple[int, list[str], list[str]]
) -> None:
    text, name = (as_table(rows), "list.csv") if form == "table" else (as_answer(rows), "answer.json")
    assert told(read(tmp_path, text, reference, name)) == expected


@pytest.mark.parametrize("total", [("Irbid", None, None, None, 100), (None, None, None, None, 100)])
def test_a_row_of_a_larger_unit_in_one_level_is_its_total(tmp_path: Path, reference: Reference, total: Row) -> None:
    rows = DISTRICTS if total[0] else GOVERNORATES
    assert told(read(tmp_path, as_table([*rows, total]), reference)) == (100, [], ["control_total"])
    # an answer of the API is of one level, and this is none
    with pytest.raises(DeliveryError, match="levels are the same people"):
        read(tmp_path, as_answer([*rows, total]), reference, "answer.json")


# -- camps

SITES = "SSID,Governorate,District,Camp name,Families,Individuals,Date"
BLOCKS = "SSID,Governorate,District,Camp name,Block,Families,Individuals,Date"
KHAZIR, SHAM = "S1,Ninewa,Mosul,Khazir,10,50", "S2,Ninewa,Mosul,Hasan Sham,4,20"


def camps(folder: Path, reference: Reference, *rows: str, head: str = SITES) -> Reading:
    text = "\n".join([head, *(f"{r},2024-03-31" for r in rows)]) + "\n"
    return read(folder, text, reference, country="IRQ", population_group="idp", kind="camp_list")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",Ninewa,Mosul,Khazir,10,50", (70, ["repeated_place"], [])),
        (",Ninewa,Mosul,Khazir,11,55", (20, ["conflicting_place"] * 2, [])),
        ("S1,Ninewa,Mosul,Khazer camp,10,50", (70, ["repeated_row"], [])),
        ("S1,Ninewa,,Khazir,10,50", (70, ["repeated_row"], [])),
        ("S1,,,Khazir,10,50", (70, ["repeated_row"], [])),
        ("S1,Ninewa,Mosul,Khazir,12,60", (20, ["conflicting_duplicate"] * 2, [])),
        (",,,Ninewa,14,70", (70, [], ["control_total"])),
        (",Ninewa,,,14,70", (70, [], ["control_total"])),
        (",Iraq,,,14,70", (70, [], ["control_total"])),
        (",,,العراق,14,70", (70, [], ["control_total"])),
        ("S3,Ninewa,Mosul,Total,14,70", (70, [], ["control_total"])),
        ("S3,Ninewa,Mosul,Khazir Total,10,50", (120, [], ["may_be_a_total"])),
    ],
)
def test_a_camp_counts_once_and_totals_are_no_camps(
    tmp_path: Path, reference: Reference, row: str, expected: tuple[int, list[str], list[str]]
) -> None:
    assert told(camps(tmp_path, reference, KHAZIR, SHAM, row)) == expected


def test_blocks_of_a_camp_add_up_and_their_total_does_not(tmp_path: Path, reference: Reference) -> None:
    parts = ("S1,Ninewa,Mosul,Khazir Block A,6,30", "S1,Ninewa,Mosul,Khazir Block B,4,20")
    assert told(camps(tmp_path, reference, *parts, SHAM)) == (70, [], [])
    assert told(camps(tmp_path, reference, KHAZIR, *parts, SHAM)) == (70, [], ["control_total"])
    columns = ("S1,Ninewa,Mosul,Khazir,A,6,30", "S1,Ninewa,Mosul,Khazir,B,4,20", "S2,Ninewa,Mosul,Hasan Sham,A,4,20")
    assert told(camps(tmp_path, reference, *columns, head=BLOCKS)) == (70, [], [])
    whole = "S1,Ninewa,Mosul,Khazir,,10,50"
    assert told(camps(tmp_path, reference, *columns, whole, head=BLOCKS)) == (70, [], ["control_total"])


# -- assessments of locations


def assessed(folder: Path, reference: Reference, *rows: str) -> Reading:
    asked = reference.questions["alias"].unique(maintain_order=True).to_list()[:4]
    head = f"Governorate,District,Place id,Location name,Population group,Individuals,{','.join(asked)}"
    text = "\n".join([head, *(f"{r},,,," for r in rows)]) + "\n"
    return read(folder, text, reference, country="IRQ", reference_date="2024-03-31")


@pytest.mark.parametrize("group", ["Total", "All", "All groups", ""])
def test_a_total_over_the_groups_of_a_location_is_no_group(tmp_path: Path, reference: Reference, group: str) -> None:
    rows = ("Ninewa,Mosul,1,A,IDPs,100", "Ninewa,Mosul,1,A,Returnees,80", f"Ninewa,Mosul,1,A,{group},180")
    assert told(assessed(tmp_path, reference, *rows))[:2] == (180, [])


def test_a_location_under_two_ids_is_assessed_once(tmp_path: Path, reference: Reference) -> None:
    twice = assessed(tmp_path, reference, "Ninewa,Mosul,1,A,IDPs,100", "Ninewa,Mosul,2,A,IDPs,100")
    assert told(twice)[:2] == (100, ["repeated_place"])


# -- events

EVENTS = "Event id,Event type,Governorate,District,Location name,Report date,New individuals,Governorate of origin,Camp"


def events(folder: Path, reference: Reference, *rows: str) -> tuple[int, list[str], list[str]]:
    return told(read(folder, "\n".join([EVENTS, *rows]) + "\n", reference, country="IRQ"), "new_individuals")


@pytest.mark.parametrize("name", ["Total", "ALL", "All events", "المجموع"])
def test_a_total_over_events_is_no_event(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = (f"{i},flood,Ninewa,Mosul,A,2024-03-31,{n},," for i, n in (("E1", 60), ("E2", 40), (name, 100)))
    assert events(tmp_path, reference, *rows)[:2] == (100, [])


def test_an_event_whose_number_became_a_decimal_is_the_same(tmp_path: Path, reference: Reference) -> None:
    rows = (f"{i},flood,Ninewa,Mosul,A,2024-03-31,60,," for i in ("1", "1.0"))
    assert events(tmp_path, reference, *rows) == (60, ["repeated_row"], [])


def test_an_event_by_origins_or_camps_adds_up(tmp_path: Path, reference: Reference) -> None:
    at = "E1,flood,Ninewa,Mosul,A,2024-03-31"
    assert events(tmp_path, reference, f"{at},30,Anbar,", f"{at},12,Erbil,") == (42, [], [])
    assert events(tmp_path, reference, f"{at},30,Anbar,", f"{at},12,Erbil,", f"{at},42,,") == (42, [], ["control_total"])  # fmt: skip
    assert events(tmp_path, reference, f"{at},30,,K", f"{at},12,,L") == (42, [], [])


# -- migrants


def migrants(folder: Path, reference: Reference, *rows: str, more: str = "") -> tuple[int, list[str], list[str]]:
    head = f"Country,Governorate,District,Nationality{more},Number of migrants,Reference date"
    return told(read(folder, "\n".join([head, *(f"EGY,{r},2024-09-30" for r in rows)]) + "\n", reference))


@pytest.mark.parametrize(
    "name",
    [
        "Subtotal Arabs",
        "Total migrants",
        "All migrants",
        "إجمالي المهاجرين",
        "Tüm uyruklar",
        "Ensemble",
        "Total Syrian",
        "",
        "TOTAL",
    ],
)
def test_a_total_over_nationalities_is_no_nationality(tmp_path: Path, reference: Reference, name: str) -> None:
    people, rules, _ = migrants(tmp_path, reference, "Giza,X,Syrian,60", "Giza,X,Iraqi,40", f"Giza,X,{name},100")
    assert (people, rules) == (100, [])


def test_migrants_by_sex_add_up_and_their_total_does_not(tmp_path: Path, reference: Reference) -> None:
    rows = ("Giza,X,Syrian,Male,60", "Giza,X,Syrian,Female,40")
    assert migrants(tmp_path, reference, *rows, more=",Sex") == (100, [], [])
    assert migrants(tmp_path, reference, *rows, "Giza,X,Syrian,,100", more=",Sex") == (100, [], ["control_total"])


# -- UNHCR


@pytest.mark.parametrize("name", ["Total", "All countries", "المجموع"])
def test_a_total_over_countries_is_no_country(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = (f"{c},refugee,{n},2024-03-31" for c, n in (("Jordan", 60), ("Lebanon", 40), (name, 100)))
    text = "\n".join(["Country,Population group,Refugees,Date", *rows]) + "\n"
    assert told(read(tmp_path, text, reference, kind="unhcr_figure")) == (100, [], [])


def test_refugees_by_nationality_add_up(tmp_path: Path, reference: Reference) -> None:
    text = "Country,Population group,Refugees,Nationality,Date\nJordan,refugee,60,Syrian,2024-03-31\nJordan,refugee,40,Iraqi,2024-03-31\n"
    assert told(read(tmp_path, text, reference, kind="unhcr_figure")) == (100, [], [])


@pytest.mark.parametrize("foot", ["Total,21,3", "Source: UNHCR,,"])
def test_a_series_may_end_with_a_total_or_a_note(tmp_path: Path, reference: Reference, foot: str) -> None:
    text = f"Date,Lebanon,Jordan\n2024-03-01,10,1\n2024-03-02,11,2\n{foot}\n"
    made = read(tmp_path, text, reference, kind="unhcr_figure", population_group="refugee")
    assert told(made)[:2] == (24, [])


def test_a_country_in_two_columns_of_a_series_is_refused(tmp_path: Path, reference: Reference) -> None:
    text = "Date,Türkiye,Turkey,Jordan\n2024-03-01,10,10,1\n2024-03-02,11,11,2\n"
    with pytest.raises(DeliveryError, match="columns 2 and 3 both count TUR"):
        read(tmp_path, text, reference, kind="unhcr_figure", population_group="refugee")


# -- mobility mapping


def test_a_site_per_day_and_per_week_or_by_transport_is_several_rows_and_under_two_ids_one(
    tmp_path: Path, reference: Reference
) -> None:
    head = "Governorate,District,Site code,Location name,Site type,Period,Number of people,Mode of transport"

    def mapped(*rows: str) -> tuple[int, list[str], list[str]]:
        text = "\n".join([head, *rows]) + "\n"
        return told(read(tmp_path, text, reference, country="IRQ", reference_date="2024-03-31"))

    market = "Ninewa,Mosul,1,Market,market"
    assert mapped(f"{market},day,100,bus", f"{market},week,600,bus", f"{market},day,40,car") == (740, [], [])
    assert mapped(f"{market},day,100,", "Ninewa,Mosul,2,Market,market,day,100,") == (100, ["repeated_place"], [])
