"""Whole runs on inputs that were once released wrong: what is right, or a sentence that says what is not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Answer, dtm

EVENTS = "Event ID,Event type,Report date,Governorate,District,Location name,Current individuals"
HDX = """id,operation,admin0Name,admin0Pcode,admin1Name,admin1Pcode,admin2Name,admin2Pcode,adminLevel,numPresentIdpInd,reportingDate,yearReportingDate,monthReportingDate,roundNumber,assessmentType,operationStatus
#id+code,#operation+name,#country+name,#country+code,#adm1+name,#adm1+code,#adm2+name,#adm2+code,#adm+level,#affected+idps,#date+reported,#date+year+reported,#date+month+reported,#round+code,#assessment+type,#operation+status
"""


def run(tmp_path: Path, **files: str) -> tuple[Answer, Path]:
    """A run on files (a name's last underscore stands for the dot of its ending)."""
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    inbox.mkdir(exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (inbox / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return dtm("run", "--inbox", inbox, "--home", home), home


def table(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(Path(dtm("releases", "path", "--home", home).out.strip()) / "tables" / f"{name}.parquet")


def core(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(home / "warehouse" / "core" / name)


def lebanon(number: int, sour: int, saida: int) -> str:
    levels = [("", "", "", "", 0, sour + saida), ("South", "LB6", "", "", 1, sour + saida), ("South", "LB6", "Sour", "LB63", 2, sour), ("South", "LB6", "Saida", "LB61", 2, saida)]  # fmt: skip
    return "".join(
        f"{100 * number + i},Displacement due to conflict,Lebanon,LBN,{a},{b},{c},{d},{level},{people},2023-10-15T00:00:00,2023,10,{number},BA,Active\n"
        for i, (a, b, c, d, level, people) in enumerate(levels)
    )


def test_rounds_1_and_2_of_one_date_are_never_added(tmp_path: Path) -> None:
    told, home = run(tmp_path, lbn_csv=HDX + lebanon(1, 410, 270) + lebanon(2, 640, 455))
    assert told.code == 0, told.err
    idps = table(home, "out_dtm__district_idp")
    assert idps["idp_individuals"].sum() == 1095
    assert idps["reporting_round"].unique().to_list() == ["2"]
    assert table(home, "out_dtm__governorate_idp")["idp_individuals"].sum() == 1095
    said = core(home, "core_dtm__finding").filter(finding="statement_compared")["sentence"].to_list()
    assert any("BA round 2 (1095) leads, BA round 1 (680) is compared and never added" in s for s in said)
    shown = dtm("quarantine", "list", "--findings", "--home", home)
    assert "BA round 1 (680) is compared and never added" in shown.out
    assert "compared: lbn_idp on 2023-10-15" in told.err


def test_an_event_report_of_a_second_place_next_day_leaves_the_first_place(tmp_path: Path) -> None:
    monday = f"{EVENTS}\nEV-1,Flood,2024-04-01,Al-Basrah,Abu Al-Khaseeb,A,120\n"
    tuesday = f"{EVENTS}\nEV-1,Flood,2024-04-02,Al-Basrah,Abu Al-Khaseeb,B,60\n"
    side = 'country = "IRQ"\n'
    told, home = run(tmp_path, monday_csv=monday, monday_toml=side, tuesday_csv=tuesday, tuesday_toml=side)
    assert told.code == 0, told.err
    reports = table(home, "out_dtm__event")
    assert reports.filter("newest")["current_individuals"].sum() == 180
    climate = table(home, "out_dtm__governorate_climate").sort("reference_date")
    assert climate.select("reference_date", "individuals").rows() == [(date(2024, 4, 1), 120), (date(2024, 4, 2), 180)]
    correction = f"{EVENTS}\nEV-1,Flood,2024-04-03,Al-Basrah,Abu Al-Khaseeb,b,65\n"
    told, home = run(tmp_path, wednesday_csv=correction, wednesday_toml=side)
    assert table(home, "out_dtm__event").filter("newest")["current_individuals"].sum() == 185


def test_migrants_by_community_are_summed_by_district_and_nationality(tmp_path: Path) -> None:
    rows = "EGY,Giza,6 October-2,{},{},{},{},2024-09-30\n"
    told, home = run(
        tmp_path,
        migrants_csv="Country,Governorate,District,Sub-district,Location name,Nationality,Number of migrants,Reference date\n"
        + "".join(rows.format(*r) for r in (("One", "A", "Sudanese", 300), ("One", "B", "Sudanese", 500), ("Two", "C", "Sudanese", 700), ("Two", "C", "Syrian", 40))),
    )  # fmt: skip
    assert told.code == 0, told.err
    presence = table(home, "out_dtm__governorate_migrant_presence")
    assert presence.select("nationality", "individuals").sort("nationality").rows() == [("Sudanese", 1500), ("Syrian", 40)]  # fmt: skip


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_two_versions_of_one_list_in_one_inbox_wait_and_the_date_says_so(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    versions = (lebanon(1, 410, 270), lebanon(1, 415, 270))
    told, home = run(tmp_path, **{f"{n}_csv": HDX + v for n, v in zip(names, versions, strict=True)})
    assert told.code == 6, told.err
    assert table(home, "out_dtm__governorate_idp").is_empty()
    rounds = table(home, "out_meta__round")
    assert rounds.select("status", "individuals").unique().rows() == [("held", None)]
    shown = json.loads(dtm("quarantine", "list", "--findings", "--home", home, "--json").out)
    assert {f["name"] for f in shown} == {"delivery_held"}
    assert all("several deliveries of one intake" in f["sentence"] for f in shown)
    assert ": one of several deliveries of one intake" in told.err
    (tmp_path / "inbox" / "b.csv.toml").write_text("replaces = true\n")
    assert dtm("run", "--inbox", tmp_path / "inbox", "--home", home).code == 0
    counts = {"a": 680, "b": 685} if names == ("a", "b") else {"a": 685, "b": 680}
    assert table(home, "out_dtm__governorate_idp")["idp_individuals"].sum() == counts["b"]
