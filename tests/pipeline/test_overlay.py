"""What a home says beside the shipped reference data: the same contracts, who and when, and figures that follow it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.overlay import KEYS, LISTS, Layers
from dtm_pipeline.storage.reference import PARTS, Reference
from tests.conftest import dtm
from tests.pipeline.test_countries_apart import IRAQ, rows, run, table

SHIPPED = Settings().reference


def overlay(folder: Path, **files: str) -> Path:
    """HOME/reference with files (`code_lists__headers_csv` is code_lists/headers.csv)."""
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        file = folder / "home" / "reference" / f"{stem.replace('__', '/')}.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder / "home"


def reference(home: Path) -> Reference:
    return Reference(SHIPPED, home / "reference")


def test_every_table_that_can_be_added_to_is_there_and_has_its_keys() -> None:
    for name, key in KEYS.items():
        shipped = pl.read_csv(SHIPPED / name, infer_schema=False)
        assert set(key) <= set(shipped.columns), name
        assert not shipped.select(key).is_duplicated().any(), name
    assert all((SHIPPED / name).is_file() for name in LISTS)


def test_without_an_overlay_everything_is_as_it_ships(tmp_path: Path) -> None:
    bare, beside = Reference(SHIPPED), Reference(SHIPPED, tmp_path / "nothing")
    assert bare.fingerprint() == beside.fingerprint()
    for part in PARTS:
        one, other = (r.plausibility("irq_idp") if part == "plausibility" else getattr(r, part) for r in (bare, beside))
        assert one.equals(other) if isinstance(one, pl.DataFrame) else repr(one) == repr(other), part
    beside.check()


def test_a_row_of_the_home_stands_beside_the_shipped_ones_or_for_one_of_them(tmp_path: Path) -> None:
    home = overlay(
        tmp_path,
        code_lists__vocabularies_csv="vocabulary,code,alias,by,on\nevent_type,flood,Inundation,A. Analyst,2026-11-25\nevent_type,storm,Flood,A. Analyst,2026-11-25\n",
    )
    events = reference(home).vocabularies.filter(vocabulary="event_type").select("alias", "code").rows()
    assert ("Inundation", "flood") in events
    assert [c for a, c in events if a == "Flood"] == ["storm"]
    told = json.loads(dtm("reference", "diff", "--home", home, "--json").out)
    assert [(r["key"], r["replaces"], r["by"], r["on"]) for r in told] == [
        ("event_type, Inundation", False, "A. Analyst", "2026-11-25"),
        ("event_type, Flood", True, "A. Analyst", "2026-11-25"),
    ]
    assert "flood -> storm" in dtm("reference", "diff", "--home", home).out
    assert "event_type,storm,Flood" in dtm("reference", "show", "code_lists/vocabularies.csv", "--home", home).out
    assert dtm("reference", "check", "--home", home).code == 0


def test_thresholds_series_and_countries_of_the_home_lead(tmp_path: Path) -> None:
    lebanon = (SHIPPED / "countries" / "LBN.toml").read_text(encoding="utf-8")
    home = overlay(
        tmp_path,
        thresholds_toml='[gates]\nby = "A. Analyst"\non = 2026-11-25\nmax_headline_jump = 0.75\n',
        series_toml='[[series]]\nby = "A. Analyst"\non = 2026-11-25\nseries_id = "afg_idp"\ntitle = "Afghanistan: IDPs"\nlocation_code = "AFG"\npopulation_group = "idp"\noperations = ["Baseline"]\nassessment_types = ["BA"]\nsources = ["dtm_api"]\ndate_tolerance_days = 0\noverlap_group = "afg_idp"\nheadline = true\nstatus = "active"\nmax_age_days = 730\n',
        countries__LBN_toml=f'by = "A. Analyst"\non = 2026-11-25\n{lebanon}'.replace("3.8", "4.1"),
    )
    told = reference(home)
    assert (told.thresholds["gates"]["max_headline_jump"], told.thresholds["gates"]["max_unplaced_share"]) == (
        0.75,
        0.1,
    )
    assert [s.series_id for s in told.series][-1] == "afg_idp"
    assert {r.out_of_camp for r in told.size_rules if r.location_code == "LBN"} == {4.1, 5.45}
    told.check()


WRONG = {
    "code_lists__headers_csv": [
        ("kind,field,alias\nany,longitude,Lon\n", "no column 'by'"),
        ("kind,field,alias,by,on\nany,longitude,Lon,,2026-11-25\n", "row 2 does not say who wrote it"),
        ("kind,field,alias,by,on\nany,longitude,Lon,A,yesterday\n", "row 2 says on = 'yesterday'; expected on, the day it was written, YYYY-MM-DD"),
        ("kind,field,alias,by,on,note\nany,longitude,Lon,A,2026-11-25,x\n", "the column 'note'"),
        ("kind,field,alias,by,on\nany,longitude,Lon,A,2026-11-25\nany,latitude,Lon,A,2026-11-25\n", "any, Lon stands twice"),
    ],
    "thresholds_toml": [
        ("[gates]\nmax_headline_jump = 0.7\n", "[gates] does not say who wrote it"),
        ('[gates]\nby = "A"\non = 2026-11-25\nmax_headline_jmp = 0.7\n', "gates.max_headline_jmp = 0.7"),
        ('[gates]\nby = "A"\non = 2026-11-25\nmax_headline_jump = "much"\n', "gates.max_headline_jump = 'much'; expected a value such as 0.5"),
        ("[gates\n", "is not readable as TOML"),
    ],
    "series_toml": [
        ('[[series]]\nby = "A"\non = 2026-11-25\ntitle = "x"\n', "an entry of [[series]] without series_id"),
        ('[[series]]\nby = "A"\non = 2026-11-25\nseries_id = "x"\n', "series can't be used"),
    ],
    "notes_txt": [("x", "it is no part of the reference data")],
    "countries__XXX_toml": [('location_code = "XXX"\n', "the file does not say who wrote it")],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "says"), [(n, t, s) for n, cases in WRONG.items() for t, s in cases])
def test_what_can_not_be_used_is_named_with_what_is_expected_before_anything_runs(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    home = overlay(tmp_path, **{name: text})
    with pytest.raises(ReferenceDataError, match=r".+") as refused:
        reference(home).check()
    assert says in str(refused.value)
    told = run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600))
    assert (told.code, says in told.err) == (2, True), told.err


def test_a_change_of_the_overlay_makes_figures_stale_and_stands_in_the_manifest(tmp_path: Path) -> None:
    assert run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600)).code == 0
    assert "unchanged" in run(tmp_path).out
    home = overlay(
        tmp_path,
        admin_boundaries__crosswalk_csv="location_code,admin_level,provider_parent_code,provider_name,code,status,valid_from,valid_to,source,by,on\n"
        "IRQ,2,IQG15,Quite Elsewhere,IQG15Q01,name,,,a letter,A. Analyst,2026-11-25\n",
    )
    elsewhere = {
        **IRAQ,
        "admin1Name": "Ninewa",
        "admin1Pcode": None,
        "admin2Pcode": None,
        "admin2Name": "Quite Elsewhere",
    }
    told = run(tmp_path, again=rows(elsewhere, "2020-03-31", 700))
    assert told.code == 0, told.err
    placed = table(tmp_path, "out_dtm__district_idp").sort("reference_date")
    assert placed["admin2_code"].to_list() == ["IQG15Q05", "IQG15Q01"]
    release = Path(dtm("releases", "path", "--home", home).out.strip())
    manifest = json.loads((release / "manifest.json").read_text())["reference"]
    assert manifest["overlay_sha256"] == Layers(SHIPPED, home / "reference").overlay_sha256()
    assert manifest["overlay_rows"] == 1
    assert "A. Analyst" not in (release / "manifest.json").read_text(), "names of staff stay in the home"


def test_a_header_of_the_home_is_read(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text("Jour,Point,Direction,Total\n2024-04-01,Rabia,in,10\n2024-04-02,Rabia,in,12\n")
    assert dtm("run", "--inbox", inbox, "--home", tmp_path / "home").code == 3
    overlay(tmp_path, code_lists__headers_csv="kind,field,alias,by,on\nborder_count,observed_on,Jour,A,2026-11-25\n")
    assert dtm("run", "--inbox", inbox, "--home", tmp_path / "home").code == 0
    assert table(tmp_path, "out_dtm__border_flow_daily")["movements"].to_list() == [10, 12]
