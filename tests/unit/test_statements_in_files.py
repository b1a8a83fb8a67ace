"""What adds up in one file: parts of a figure. Totals, subtotals, repeats and other spellings of one thing never do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dtm_pipeline.domain.flows import counts_of_days
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

API = {"operation": "Displacement due to conflict", "admin0Pcode": "LBN", "admin1Name": "South", "admin1Pcode": "LB6", "admin2Name": "Sour", "admin2Pcode": "LB63", "reportingDate": "2023-10-15T00:00:00", "roundNumber": 1, "assessmentType": "BA", "idpOriginAdmin1Name": None}  # fmt: skip
HEADERS = "Governorate,District,Registered families,Registered individuals,As of"
REGISTERED = {"country": "IRQ", "population_group": "idp_returnee", "kind": "government_registration"}
SITES = "SSID,Governorate,District,Camp name,Families,Individuals,Date"


def read(folder: Path, text: str, reference: Reference, name: str = "list.csv", **said: str) -> Reading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_delivery(Document(name, path), Delivery("0" * 64, name, dict(said)), reference)


def answer(folder: Path, reference: Reference, *rows: dict[str, Any]) -> Reading:
    told = [{"id": i, "displacementReason": None, **API, **row} for i, row in enumerate(rows)]
    return read(folder, json.dumps(told), reference, "answer.json")


def people(reading: Reading, table: str = "raw_dtm__api_figure") -> int:
    return int(reading.tables[table]["individuals"].sum())


def rules(reading: Reading) -> list[str]:
    return reading.rejected.sort("source_row")["rule"].to_list()


def findings(reading: Reading) -> list[str]:
    return [f.finding for f in reading.findings]


REASONS = ({"displacementReason": "Conflict", "numPresentIdpInd": 60}, {"displacementReason": "Natural disaster", "numPresentIdpInd": 40})  # fmt: skip


def test_parts_by_distinct_codes_add_up_and_not_available_is_a_code(tmp_path: Path, reference: Reference) -> None:
    told = answer(tmp_path, reference, *REASONS, {"displacementReason": "Not available", "numPresentIdpInd": 100})
    assert (people(told), findings(told)) == (200, [])


def test_a_total_beside_its_split_is_a_control_total(tmp_path: Path, reference: Reference) -> None:
    told = answer(tmp_path, reference, {"numPresentIdpInd": 100}, *REASONS)
    assert (people(told), findings(told), told.account.rows_in) == (100, ["control_total"], 2)


def test_a_total_beside_its_only_part_counts_once(tmp_path: Path, reference: Reference) -> None:
    told = answer(tmp_path, reference, {"numPresentIdpInd": 60}, REASONS[0])
    assert (people(told), findings(told)) == (60, ["control_total"])


def test_a_total_that_its_parts_do_not_sum_to_is_named_where_others_are_totals(
    tmp_path: Path, reference: Reference
) -> None:
    other = {"admin2Name": "Saida", "admin2Pcode": "LB61"}
    told = answer(tmp_path, reference, {"numPresentIdpInd": 100}, *REASONS, *({**other, **r} for r in REASONS), {**other, "numPresentIdpInd": 130})  # fmt: skip
    assert (people(told), findings(told)) == (200, ["control_total", "control_total_differs"])


def test_people_of_no_stated_reason_are_a_part_where_no_row_is_a_total(tmp_path: Path, reference: Reference) -> None:
    assert people(answer(tmp_path, reference, {"numPresentIdpInd": 7}, *REASONS)) == 107


def test_a_total_over_reasons_and_origins_is_one(tmp_path: Path, reference: Reference) -> None:
    parts = [{**r, "idpOriginAdmin1Name": o} for r in REASONS for o in ("Nabatiyeh", "South")]
    totals = [{**r, "numPresentIdpInd": 2 * r["numPresentIdpInd"]} for r in REASONS]
    told = answer(tmp_path, reference, *parts, *totals, {"numPresentIdpInd": 200})
    assert (people(told), findings(told)) == (200, ["control_total"] * 3)


@pytest.mark.parametrize(
    "spelled",
    [
        {"operation": "DISPLACEMENT  due to conflict "},
        {"displacementReason": "conflict "},
        {"admin2Pcode": "LBN63", "admin2Name": "Tyre"},
        {"admin2Pcode": "lb-63"},
        {"roundNumber": "01"},
        {"assessmentType": "ba"},
    ],
)
def test_one_code_under_two_spellings_is_never_summed(
    tmp_path: Path, reference: Reference, spelled: dict[str, Any]
) -> None:
    first = {"displacementReason": "Conflict", "numPresentIdpInd": 60}
    again = answer(tmp_path, reference, first, {**first, **spelled})
    assert (people(again), rules(again)) == (60, ["repeated_row"])
    others = {**first, "admin2Name": "Saida", "admin2Pcode": "LB61", "numPresentIdpInd": 5}
    differs = answer(tmp_path, reference, first, {**first, **spelled, "numPresentIdpInd": 61}, others)
    assert (people(differs), rules(differs)) == (5, ["conflicting_duplicate"] * 2)


def test_reasons_given_together_are_one_code_in_any_order(tmp_path: Path, reference: Reference) -> None:
    both = {"numPresentIdpInd": 9, "displacementReason": "Conflict; Natural disaster"}
    told = answer(tmp_path, reference, both, {**both, "displacementReason": "Natural disaster;Conflict"}, *REASONS)
    assert (people(told), rules(told)) == (109, ["repeated_row"])


@pytest.mark.parametrize(
    ("rows", "count", "found"),
    [
        ("Ninewa,,10,50\nNinewa,Mosul,6,30\nNinewa,Tilkaif,4,20", 50, ["control_total"]),
        ("Ninewa,,10,50\nNinewa,Mosul,10,50", 50, ["control_total"]),
        ("Ninewa,Mosul,6,30\nNinewa,Tilkaif,4,20\nNinewa,,1,5", 55, ["unit_not_told"]),
        ("Ninewa,,10,50\nErbil,Erbil,4,20", 70, []),
        ("Ninewa,Ninewa,10,50\nNinewa,Tilkaif,4,20", 70, []),
        # national totals, without a name or with the country's
        ("Ninewa,Mosul,10,50\nErbil,Erbil,4,20\n,,14,70", 70, ["control_total"]),
        ("Ninewa,,10,50\nErbil,,4,20\nIraq,,14,70", 70, ["control_total"]),
        ("Ninewa,,10,50\nNinewa,Mosul,10,50\nErbil,,4,20\n,,14,70", 70, ["control_total"] * 2),
        # people of whom the district is not known, and a total over them and the districts
        ("Ninewa,Mosul,6,30\nNinewa,Tilkaif,4,20\nNinewa,,2,10\nNinewa,,12,60", 60, ["control_total", "unit_not_told"]),
        # an outline: the governorate stands once, above its districts
        ("Ninewa,,10,50\n,Mosul,6,30\n,Tilkaif,4,20\nErbil,,4,20\n,Erbil,4,20", 70, ["control_total"] * 2),
        # what says total is one, also of what is no unit of the list
        (
            "Ninewa,Mosul,6,30\nErbil,Erbil,1,5\nKRI Total,,1,5\nTotal Kurdistan Region,,1,5",
            35,
            ["control_total_not_compared"] * 2,
        ),
    ],
)
def test_a_row_of_a_larger_unit_is_its_subtotal_where_it_is_the_sum_of_the_smaller_ones(
    tmp_path: Path, reference: Reference, rows: str, count: int, found: list[str]
) -> None:
    body = "\n".join(f"{r},2024-03-31" for r in rows.splitlines())
    told = read(tmp_path, f"{HEADERS}\n{body}\n", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), findings(told)) == (count, found)


SUB_DISTRICTS = "Governorate,District,Sub-district,Registered families,Registered individuals,As of"


@pytest.mark.parametrize(
    ("rows", "count", "totals"),
    [
        ("Ninewa,Mosul,,6,30\nNinewa,Mosul,Bashiqa,4,20\nNinewa,Mosul,Markaz,2,10", 30, 1),
        ("Ninewa,,,10,50\nNinewa,Mosul,,6,30\nNinewa,Mosul,Bashiqa,4,20\nNinewa,Mosul,Markaz,2,10\nNinewa,Tilkaif,,4,20", 50, 2),
        (",,,11,55\nNinewa,,,10,50\nNinewa,Mosul,,6,30\nNinewa,Mosul,Bashiqa,4,20\nNinewa,Mosul,Markaz,2,10\nNinewa,Tilkaif,,4,20\nErbil,Erbil,,1,5", 55, 3),
        ("Ninewa,Mosul,Bashiqa,4,20\nNinewa,Tilkaif,,4,20\nNinewa,,,8,40", 40, 1),
    ],
)  # fmt: skip
def test_totals_of_several_levels_are_told_from_the_smallest_unit_up(
    tmp_path: Path, reference: Reference, rows: str, count: int, totals: int
) -> None:
    body = "\n".join(f"{r},2024-03-31" for r in rows.splitlines())
    told = read(tmp_path, f"{SUB_DISTRICTS}\n{body}\n", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), findings(told)) == (count, ["control_total"] * totals)


def test_a_district_that_bears_its_governorates_name_and_is_the_sum_of_the_others_is_held(
    tmp_path: Path, reference: Reference
) -> None:
    rows = "Ninewa,Ninewa,10,50,2024-03-31\nNinewa,Mosul,6,30,2024-03-31\nNinewa,Tilkaif,4,20,2024-03-31\n"
    told = read(tmp_path, f"{HEADERS}\n{rows}", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), rules(told)) == (50, ["subtotal_or_part"])


@pytest.mark.parametrize("name", ["Mosul District", "district of Mosul", "Qadha Mosul", "MOSUL", "قضاء Mosul"])
def test_a_district_is_one_with_and_without_the_word_for_it(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = f"Ninewa,Mosul,6,30,2024-03-31\nNinewa,{name},6,30,2024-03-31\n"
    told = read(tmp_path, f"{HEADERS}\n{rows}", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), rules(told)) == (30, ["repeated_row"])


@pytest.mark.parametrize("name", ["Mosul Centre", "Markaz Mosul", "Rural Mosul", "Mosul City"])
def test_words_that_tell_units_apart_make_two_of_them(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = f"Ninewa,Mosul,6,30,2024-03-31\nNinewa,{name},6,30,2024-03-31\n"
    told = read(tmp_path, f"{HEADERS}\n{rows}", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), rules(told)) == (60, [])


@pytest.mark.parametrize("total", ["Total", "All ministries", ""])
def test_figures_of_several_providers_are_parts_and_their_total_is_none(
    tmp_path: Path, reference: Reference, total: str
) -> None:
    headers = "Governorate,District,Registered families,Registered individuals,Ministry,As of"
    rows = (
        f"Ninewa,Mosul,6,30,MoMD,2024-03-31\nNinewa,Mosul,4,20,JCC,2024-03-31\nNinewa,Mosul,10,50,{total},2024-03-31\n"
    )
    told = read(tmp_path, f"{headers}\n{rows}", reference, **REGISTERED)
    table = told.tables["raw_other__figure"]
    assert dict(table.select("provider", "individuals").rows()) == {"MoMD": 30, "JCC": 20}
    assert rules(told) == []


def test_a_column_that_is_not_read_and_tells_rows_apart_is_named_as_the_cause(
    tmp_path: Path, reference: Reference
) -> None:
    headers = "Governorate,District,Registered families,Registered individuals,Desk,As of"
    rows = "Ninewa,Mosul,6,30,North desk,2024-03-31\nNinewa,Mosul,4,20,South desk,2024-03-31\n"
    with pytest.raises(DeliveryError, match="they differ in the column 'Desk', which is not read"):
        read(tmp_path, f"{headers}\n{rows}", reference, **REGISTERED)


def test_a_row_of_a_larger_unit_that_exceeds_the_smaller_ones_is_not_added(
    tmp_path: Path, reference: Reference
) -> None:
    rows = "Ninewa,,10,51,2024-03-31\nNinewa,Mosul,6,30,2024-03-31\nNinewa,Tilkaif,4,20,2024-03-31\n"
    told = read(tmp_path, f"{HEADERS}\n{rows}", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), rules(told)) == (50, ["subtotal_or_part"])


@pytest.mark.parametrize("name", ["Sumel Total", "Total Sumel", "SUMEL TOTAL:", "Total for Sumel district"])
def test_a_total_of_a_district_is_named_by_it_and_compared_with_its_rows(
    tmp_path: Path, reference: Reference, name: str
) -> None:
    rows = f"Dahuk,Sumel,6,30,2024-03-31\nDahuk,{name},7,35,2024-03-31\nDahuk,Zakho,1,5,2024-03-31\n"
    told = read(tmp_path, f"{HEADERS}\n{rows}", reference, **REGISTERED)
    assert (people(told, "raw_other__figure"), findings(told)) == (35, ["control_total_differs"] * 2)
    assert "states 35 individuals, the rows of the list hold 30" in told.findings[1].sentence


def sites(*rows: str) -> str:
    return "\n".join([SITES, *(f"{r},2024-03-31" for r in rows)]) + "\n"


def test_a_camp_under_another_id_counts_once(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, sites("A1,Ninewa,Mosul,Al-Salam camp,10,50", "A2,Ninewa,Mosul,al salam CAMP,10,50"), reference, country="IRQ", population_group="idp")  # fmt: skip
    assert (people(told, "raw_other__figure"), rules(told)) == (50, ["repeated_place"])


def test_two_ids_of_one_name_with_other_counts_are_two_places(tmp_path: Path, reference: Reference) -> None:
    told = read(tmp_path, sites("A1,Ninewa,Mosul,Al-Salam camp,10,50", "A2,Ninewa,Mosul,al salam CAMP,11,55"), reference, country="IRQ", population_group="idp")  # fmt: skip
    assert (people(told, "raw_other__figure"), rules(told)) == (105, [])


def test_totals_of_several_levels_in_the_column_of_places_are_told_apart(tmp_path: Path, reference: Reference) -> None:
    rows = ("S1,Ninewa,Mosul,K,10,50", "S2,Ninewa,Mosul,H,4,20", "S3,Erbil,Erbil,B,1,5", "S4,Erbil,Erbil,D,1,5", ",Ninewa,,Ninewa,14,70", ",Erbil,,Erbil,2,10", ",,,Iraq,16,80")  # fmt: skip
    told = read(tmp_path, sites(*rows), reference, country="IRQ", population_group="idp")
    assert (people(told, "raw_other__figure"), findings(told)) == (80, ["control_total"] * 3)


def test_villages_of_one_name_in_two_sub_districts_are_two_places(tmp_path: Path, reference: Reference) -> None:
    headers = "Governorate,District,Sub-district,Location Name,Location Pcode,Residents,IDPs,IDP Returnees"
    rows = "Aleppo,Afrin,Afrin,V1,C1,100,10,5\nAleppo,Afrin,Bulbul,V1,C9,100,10,5\n"
    told = read(tmp_path, f"{headers}\n{rows}", reference, country="SYR", reference_date="2026-04-30")
    assert told.tables["raw_dtm__baseline_location"]["idp_individuals"].sum() == 20


COUNTS = "Date,Point,Direction,Total"


@pytest.mark.parametrize("name", ["Total", "All points", "ALL POINTS:", "Grand total", "المجموع"])
def test_totals_of_border_counts_are_control_totals(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = f"2024-04-01,Ibrahim Khalil,in,10\n2024-04-01,Shalamcheh,in,5\n2024-04-01,{name},in,16\n"
    told = read(tmp_path, f"{COUNTS}\n{rows}", reference, country="IRQ")
    assert told.tables["raw_dtm__border_count"]["movements"].to_list() == [10, 5]
    assert [f.sentence for f in told.findings] == ["the totals row states 16 movements, the rows of the list hold 15"]


@pytest.mark.parametrize(
    "name", ["TOTAL IRAQ", "Overall", "All", "All border points", "Iraq", "IRAQ", "", "Total Kurdistan Region"]
)
def test_a_row_of_all_points_is_no_point_whatever_it_is_called(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = f"2024-04-01,Ibrahim Khalil,in,10\n2024-04-01,Shalamcheh,in,5\n2024-04-01,{name},in,15\n"
    told = read(tmp_path, f"{COUNTS}\n{rows}", reference, country="IRQ")
    assert told.tables["raw_dtm__border_count"]["movements"].to_list() == [10, 5]
    assert "control_total_differs" not in findings(told)
    assert rules(told) == []


@pytest.mark.parametrize("name", ["Total Energy crossing", "Total Station", "Al Kul", "Iraq"])
def test_a_point_stays_one_though_its_name_may_be_a_totals(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = f"2024-04-01,Ibrahim Khalil,in,10\n2024-04-01,Shalamcheh,in,5\n2024-04-01,{name},in,16\n"
    told = read(tmp_path, f"{COUNTS}\n{rows}", reference, country="IRQ")
    assert told.tables["raw_dtm__border_count"]["movements"].sum() == 31
    assert ("may_be_a_total" in findings(told)) == name.startswith("Total")


@pytest.mark.parametrize(
    ("header", "rows", "parts"),
    [
        ("Nationality", [("10", "Iraqi"), ("5", "Syrian")], 2),
        ("Nationality", [("10", "Iraqi"), ("5", "Syrian"), ("15", "Total")], 2),
        ("Nationality", [("10", "Iraqi"), ("5", "Syrian"), ("15", "")], 2),
        ("Nationality", [("10", "Iraqi"), ("5", "Syrian"), ("5", "SYRIAN")], 2),
        ("Shift", [("10", "AM"), ("5", "PM")], 2),
        ("Sex", [("10", "Male"), ("5", "Female")], 2),
    ],
)
def test_counts_of_a_day_may_stand_in_parts(
    tmp_path: Path, reference: Reference, header: str, rows: list[tuple[str, str]], parts: int
) -> None:
    body = "".join(f"2024-04-01,Rabia,in,{n},12,{part}\n" for n, part in rows)
    told = read(tmp_path, f"{COUNTS},Hours observed,{header}\n{body}", reference, country="IRQ")
    table = told.tables["raw_dtm__border_count"]
    assert (table["movements"].sum(), table.height) == (15, parts)
    day = counts_of_days(table)
    assert day.select("movements", "hours_observed").rows() == [(15, 24 if header == "Shift" else 12)]


def test_counts_told_apart_by_a_column_that_is_not_read_are_refused_with_its_name(
    tmp_path: Path, reference: Reference
) -> None:
    rows = "2024-04-01,Rabia,in,10,north\n2024-04-01,Rabia,in,5,south\n"
    with pytest.raises(DeliveryError, match="they differ in the column 'Lane', which is not read"):
        read(tmp_path, f"{COUNTS},Lane\n{rows}", reference, country="IRQ")


def test_a_direction_that_says_total_is_the_sum_of_both(tmp_path: Path, reference: Reference) -> None:
    rows = "2024-04-01,Rabia,in,10\n2024-04-01,Rabia,out,5\n2024-04-01,Rabia,Total,15\n2024-04-02,Rabia,Total,2\n"
    told = read(tmp_path, f"{COUNTS}\n{rows}", reference, country="IRQ")
    assert told.tables["raw_dtm__border_count"]["movements"].sum() == 15
    assert told.rejected.is_empty()


def test_migrants_of_communities_are_parts_of_their_district(tmp_path: Path, reference: Reference) -> None:
    text = """Country,Governorate,District,Sub-district,Location name,Nationality,Number of migrants,Reference date
EGY,Giza,6 October-2,One,Community A,Sudanese,300,2024-09-30
EGY,Giza,6 October-2,One,Community B,Sudanese,500,2024-09-30
EGY,Giza,6 October-2,Two,Community C,Sudanese,700,2024-09-30
EGY,Giza,6 October-2,Two,Community C,Syrian,40,2024-09-30
EGY,Giza,6 October-2,Two,community-c,Syrian,40,2024-09-30
EGY,Giza,6 October-2,Two,Community C,All nationalities,740,2024-09-30
EGY,Assiut,Alfath,Three,Community D,Syrian,60,2024-09-30
EGY,Assiut,Alfath,Three,Community E,Syrian,80,2024-09-30
"""
    told = read(tmp_path, text, reference)
    sums = told.tables["raw_dtm__migrant_presence"].group_by("nationality").agg(pl.col("individuals").sum()).sort("nationality")  # fmt: skip
    assert sums.rows() == [("Sudanese", 1500), ("Syrian", 180)]
    assert rules(told) == ["repeated_row"]


LIST = "Place id,Governorate,District,Location name,Latitude,Longitude,Households,Individuals,Anbar,Babylon,Baghdad,Basrah,Dahuk"  # fmt: skip


def listed(tmp_path: Path, reference: Reference, *rows: str) -> Reading:
    body = "".join(f"{row},0,0,0,0,0\n" for row in rows)
    return read(tmp_path, f"{LIST}\n{body}", reference, "Round112_Master_List_IDP_2020-02-29.csv")


@pytest.mark.parametrize("name", ["Hay Al Salam", "HAY AL-SALAM", "hay al–salam", " Hay  Al-Salam "])
def test_a_place_without_an_id_is_one_place_however_it_is_spelled(
    tmp_path: Path, reference: Reference, name: str
) -> None:
    first = ",Ninewa,Mosul,Hay Al-Salam,36.34,43.13,10,60"
    again = listed(tmp_path, reference, first, f",Ninewa,Mosul,{name},36.34,43.13,10,60")
    assert (people(again, "raw_dtm__master_list"), rules(again)) == (60, ["repeated_row"])
    other = ",Erbil,Erbil,X,36.2,44.0,1,6"
    differs = listed(tmp_path, reference, first, f",Ninewa,Mosul,{name},36.34,43.13,11,66", other)
    assert (people(differs, "raw_dtm__master_list"), rules(differs)) == (6, ["conflicting_duplicate"] * 2)


def test_two_points_that_lie_apart_are_two_places_of_one_name(tmp_path: Path, reference: Reference) -> None:
    told = listed(tmp_path, reference, ",Ninewa,Mosul,Al-Salam,36.34,43.13,10,60", ",Ninewa,Mosul,al salam,36.40,43.20,10,60")  # fmt: skip
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (120, [])
    assert told.tables["raw_dtm__master_list"]["place_id"].n_unique() == 2


@pytest.mark.parametrize(
    ("second", "count", "rule"),
    [
        ("77,Ninewa,Mosul,al salam,36.3401,43.1301,10,60", 60, ["repeated_place"]),
        ("77,Ninewa,Mosul,Al-Salam,,,10,60", 60, ["repeated_place"]),
        ("77,Ninewa,Mosul,Al-Salam,36.50,43.30,10,60", 120, []),
        ("77,Ninewa,Mosul,Al-Salam,36.34,43.13,11,66", 126, []),
        ("77,Ninewa,Tilkaif,Al-Salam,36.34,43.13,10,60", 120, []),
        (",Ninewa,Mosul,al-salam,36.34,43.13,10,60", 60, ["repeated_place"]),
    ],
)
def test_a_place_under_another_id_counts_once_where_everything_else_is_the_same(
    tmp_path: Path, reference: Reference, second: str, count: int, rule: list[str]
) -> None:
    told = listed(tmp_path, reference, "1,Ninewa,Mosul,Al-Salam,36.34,43.13,10,60", second)
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (count, rule)


@pytest.mark.parametrize(("counts", "count", "flagged"), [("1,6", 12, True), ("10,60", 60, False)])
def test_equal_counts_prove_one_place_only_where_they_are_no_coincidence(
    tmp_path: Path, reference: Reference, counts: str, count: int, flagged: bool
) -> None:
    told = listed(tmp_path, reference, f"1,Ninewa,Mosul,Al-Salam,,,{counts}", f"2,Ninewa,Mosul,Al-Salam,,,{counts}")
    assert (people(told, "raw_dtm__master_list"), "alike_place" in findings(told)) == (count, flagged)


@pytest.mark.parametrize("row", ["S1,Dahuk,Sumel,,,,15,90", "3,Dahuk,Sumel,,36.86,42.85,15,90"])
def test_a_row_with_a_serial_and_no_name_that_is_the_sum_of_its_unit_is_a_control_total(
    tmp_path: Path, reference: Reference, row: str
) -> None:
    rows = ["1,Dahuk,Sumel,A,36.86,42.85,10,60", "2,Dahuk,Sumel,B,36.87,42.86,5,30"]
    told = listed(tmp_path, reference, *rows, row)
    assert (people(told, "raw_dtm__master_list"), findings(told).count("control_total")) == (90, 1)
    # a list of ids alone has no names to miss
    bare = listed(tmp_path, reference, *(r.replace(",A,", ",,").replace(",B,", ",,") for r in rows), row)
    assert people(bare, "raw_dtm__master_list") == 180


def test_a_row_without_an_id_that_contradicts_one_with_an_id_counts_neither(
    tmp_path: Path, reference: Reference
) -> None:
    told = listed(tmp_path, reference, "1,Ninewa,Mosul,Al-Salam,36.34,43.13,10,60", ",Ninewa,Mosul,al salam,36.34,43.13,12,72", "3,Erbil,Erbil,X,36.2,44.0,1,6")  # fmt: skip
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (6, ["conflicting_place"] * 2)


def test_sectors_whose_numbers_differ_are_two_places(tmp_path: Path, reference: Reference) -> None:
    told = listed(tmp_path, reference, ",Ninewa,Mosul,Sector 1/12,36.34,43.13,10,60", ",Ninewa,Mosul,Sector 11/2,36.34,43.13,11,66")  # fmt: skip
    assert people(told, "raw_dtm__master_list") == 126


@pytest.mark.parametrize("name", ["Sumel Total", "Total Dahuk", "Grand Total", "المجموع الكلي"])
def test_a_total_in_a_list_is_no_location(tmp_path: Path, reference: Reference, name: str) -> None:
    rows = ["1,Dahuk,Sumel,A,36.86,42.85,10,60", "2,Dahuk,Sumel,B,36.87,42.86,5,30", f",,,{name},,,15,90"]
    told = listed(tmp_path, reference, *rows)
    assert (people(told, "raw_dtm__master_list"), told.account.rows_in, rules(told)) == (90, 2, [])


def test_a_district_that_bears_its_governorates_name_is_a_district(tmp_path: Path, reference: Reference) -> None:
    told = listed(tmp_path, reference, "1,Erbil,Erbil,Erbil,36.2,44.0,10,60", "2,Erbil,Soran,A,36.65,44.5,5,30")
    assert people(told, "raw_dtm__master_list") == 90


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (",Dahuk,Sumel,,,,15,90", ["control_total"]),
        (",Dahuk,,,,,16,96", ["control_total"]),
        (",,,,,,17,102", ["control_total"]),
    ],
)
def test_a_row_without_a_place_that_is_the_sum_of_its_unit_is_a_control_total(
    tmp_path: Path, reference: Reference, row: str, found: list[str]
) -> None:
    rows = ["1,Dahuk,Sumel,A,36.86,42.85,10,60", "2,Dahuk,Sumel,B,36.87,42.86,5,30", "3,Dahuk,Zakho,C,37.1,42.7,1,6"]
    told = listed(tmp_path, reference, *rows, "4,Erbil,Erbil,D,36.2,44.0,1,6", row)
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (102, [])
    assert [f for f in findings(told) if f == "control_total"] == found


def test_a_row_without_a_place_that_is_no_sum_is_quarantined(tmp_path: Path, reference: Reference) -> None:
    told = listed(tmp_path, reference, "1,Dahuk,Sumel,A,36.86,42.85,10,60", ",Dahuk,Sumel,,,,11,66")
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (60, ["no_identity"])


def test_a_subtotal_of_a_baseline_is_a_control_total(tmp_path: Path, reference: Reference) -> None:
    headers = "Governorate,District,Location name,Residents,IDPs,IDP returnees"
    rows = "Aleppo,Afrin,A,100,10,5\nAleppo,Afrin,B,200,20,6\nAleppo,Afrin,,300,30,11\nAleppo,,,300,30,11\n"
    told = read(tmp_path, f"{headers}\n{rows}", reference, country="SYR", reference_date="2026-04-30")
    assert told.tables["raw_dtm__baseline_location"]["idp_individuals"].sum() == 30
    assert (rules(told), findings(told).count("control_total")) == ([], 2)


def test_a_total_beside_the_origins_of_a_place_is_a_control_total(tmp_path: Path, reference: Reference) -> None:
    headers = "Place ID,Governorate,District,Location Name,Governorate of Origin,Families,Individuals"
    rows = "1,Erbil,Erbil,A,Anbar,6,36\n1,Erbil,Erbil,A,Ninewa,4,24\n1,Erbil,Erbil,A,,10,60\n2,Erbil,Erbil,B,Total,3,18\n2,Erbil,Erbil,B,Diyala,3,18\n"
    told = read(tmp_path, f"{headers}\n{rows}", reference, "Round8_Master_List_IDP_2014-10-31.csv")
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (78, [])


@pytest.mark.parametrize(
    "row",
    [
        "TOTAL IDPs,,,,,,15,90",
        ",Total IDPs,,,,,15,90",
        ",Grand Total 2020,,,,,15,90",
        ",Dahuk,Sumel,Total,36.86,42.85,15,90",
        ",Dahuk,,All locations,,,15,90",
        ",Dahuk,Sumel,Sumel,,,15,90",
    ],
)
def test_a_total_of_a_list_is_never_a_place_whatever_stands_around_the_word(
    tmp_path: Path, reference: Reference, row: str
) -> None:
    told = listed(tmp_path, reference, "1,Dahuk,Sumel,A,36.86,42.85,10,60", "2,Dahuk,Sumel,B,36.87,42.86,5,30", row)
    assert (people(told, "raw_dtm__master_list"), rules(told)) == (90, [])


@pytest.mark.parametrize("name", ["Total", "All", "Sum", "Summer camp", "Total A", "Kul Sumel", "Sumel"])
def test_a_place_with_an_id_of_its_own_stays_a_place_whatever_it_is_called(
    tmp_path: Path, reference: Reference, name: str
) -> None:
    told = listed(tmp_path, reference, "1,Dahuk,Sumel,A,36.86,42.85,10,60", f"9,Dahuk,Sumel,{name},,,7,42")
    assert people(told, "raw_dtm__master_list") == 102


@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        ("60,60", ["persons_per_household"]),
        ("66,11", ["persons_per_household"]),
        ("2,1", ["persons_per_household"]),
        ("10,600", ["persons_per_household"]),
        ("1,1", []),
        ("5,7", []),
        ("3,90", []),
        ("10,15", []),
    ],
)
def test_a_row_whose_two_counts_can_not_both_be_right_is_quarantined_with_both(
    tmp_path: Path, reference: Reference, counts: str, rule: list[str]
) -> None:
    told = listed(tmp_path, reference, "1,Ninewa,Mosul,A,36.34,43.13,20,120", f"2,Ninewa,Mosul,B,36.36,43.15,{counts}")
    assert rules(told) == rule
    households, individuals = counts.split(",")
    found = told.rejected["found"].to_list()
    assert found == [f"{households} households, {individuals} individuals"] * len(rule)
    register = read(tmp_path, f"{HEADERS}\nNinewa,Mosul,20,120,2024-03-31\nNinewa,Tilkaif,{counts},2024-03-31\n", reference, **REGISTERED)  # fmt: skip
    assert rules(register) == rule


def test_individuals_in_the_column_of_households_of_a_whole_file_refuse_it_with_both_figures(
    tmp_path: Path, reference: Reference
) -> None:
    with pytest.raises(DeliveryError, match="the first counts 120 households, 120 individuals"):
        listed(tmp_path, reference, *(f"{n},Ninewa,Mosul,P{n},36.3{n},43.1{n},120,120" for n in range(4)))


@pytest.mark.parametrize(
    ("households", "individuals", "read_as"),
    [("400 HH", "2400", (420, 2520)), ("400 families", "2400 ind.", (420, 2520)), ("400 عائلة", "2400 فرد", (420, 2520)), ("400 ind", "2400", (20, 120))],
)  # fmt: skip
def test_a_unit_beside_a_count_is_read_where_it_is_that_of_the_column(
    tmp_path: Path, reference: Reference, households: str, individuals: str, read_as: tuple[int, int]
) -> None:
    told = listed(tmp_path, reference, "1,Ninewa,Mosul,A,36.34,43.13,20,120", f"2,Ninewa,Mosul,B,36.36,43.15,{households},{individuals}")  # fmt: skip
    assert told.tables["raw_dtm__master_list"].select("households", "individuals").sum().row(0) == read_as
