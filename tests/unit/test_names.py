"""Names as they sound, and the unit that a name stands for."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.match import alternatives, likeness_matrix, match_names
from dtm_pipeline.places.names import folded, sound, words
from dtm_pipeline.places.resolve import resolve

GAZETTEER = Gazetteer.load()
IRAQ = GAZETTEER.of_country("IRQ")
NAMES = [
    (u["location_code"], u["parent_code"], n, u["code"])
    for u in GAZETTEER.units.filter(admin_level=2).iter_rows(named=True)
    for n in (u["name_en"], u["name_local"])
    if n
]


def likeness(one: str, other: str, country: str = "IRQ") -> float:
    return float(likeness_matrix([sound(one, country)], [sound(other, country)])[0, 0])


def matched(
    name: str, parent: str | None = "IQG15", country: str = "IRQ", level: int = 2, day: date | None = None
) -> dict[str, Any]:
    asked = pl.DataFrame(
        {"location_code": [country], "parent": [parent], "name": [name], "day": [day]},
        schema={"location_code": pl.String, "parent": pl.String, "name": pl.String, "day": pl.Date},
    )
    others = GAZETTEER.names_of(3 - level)
    return match_names(asked, GAZETTEER.names_of(level), GAZETTEER.likeness, others).row(0, named=True)


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("Al-Ba'aj", "al Baaj"),
        ("İSTANBUL", "istanbul"),
        ("Iğdır", "IGDIR"),
        ("الأنبار", "الانبار"),
        ("كربلاء", "كربلا"),
        ("حديثة", "حديثه"),
        ("سنجـــار", "سنجار"),
        ("٣", "3"),
        ("کەلار", "كەلار"),
        ("Ünye", "U\u0308nye"),
    ],
)
def test_spellings_of_one_name_share_a_form(written: str, other: str) -> None:
    assert sound(written, "IRQ").spelling == sound(other, "IRQ").spelling


@pytest.mark.parametrize(
    ("name", "country", "bare"),
    [
        ("Al-Hamdaniya District", "IRQ", "hamdaniya"),
        ("Alhamdaniya", "IRQ", "hamdaniya"),
        ("Deir ez-Zor", "SYR", "deirzor"),
        ("Ash-Shirqat", "IRQ", "shirqat"),
        ("Assafira", "SYR", "safira"),
        ("قضاء الحمدانية", "IRQ", "حمدانيه"),
        ("پارێزگای هەولێر", "IRQ", "هەولير"),
        ("Tal al-Kabir, al-", "EGY", "talkabir"),
        ("Elbistan", "TUR", "elbistan"),
        ("Thawra2", "IRQ", "thawra2"),
        ("Merkez", "TUR", "merkez"),
    ],
)
def test_articles_and_words_for_the_kind_of_unit_are_set_aside(name: str, country: str, bare: str) -> None:
    assert sound(name, country).bare == bare


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("North Sinai", "South Sinai", "EGY"),
        ("Hurghada 1", "Hurghada 2", "EGY"),
        ("Thawra 1", "Thawra", "IRQ"),
        ("Rural Damascus", "Damascus", "SYR"),
        ("New Cairo", "Cairo", "EGY"),
        ("المزار الشمالي", "المزار الجنوبي", "JOR"),
    ],
)
def test_names_that_differ_in_a_number_or_a_direction_are_never_alike(one: str, other: str, country: str) -> None:
    assert likeness(one, other, country) == 0


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("Shamal Sina", "شمال سيناء", "EGY"),
        ("West Bekaa", "البقاع الغربي", "LBN"),
        ("Jebel Saman", "Mount Saman", "SYR"),
        ("Şeqlawe", "Shaqlawa", "IRQ"),
        ("Chouf", "Shouf", "LBN"),
        ("Biltis", "Bitlis", "TUR"),
    ],
)
def test_names_that_sound_alike_are_alike_in_every_script(one: str, other: str, country: str) -> None:
    assert likeness(one, other, country) > 0.74


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES))
def test_a_unit_is_found_by_each_of_its_names_within_its_parent_or_its_namesakes_are_named(
    unit: tuple[str, str, str, str],
) -> None:
    country, parent, name, code = unit
    told = matched(name, parent, country)
    assert told["code"] == code or (told["code"] is None and code in (told["rivals"] or []))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["IRQ", "SYR", "LBN", "JOR", "TUR", "EGY"]))
def test_any_text_has_a_sound_and_folding_twice_changes_nothing(text: str, country: str) -> None:
    told = sound(text, country)
    assert folded(folded(text)) == folded(text)
    assert not any(unicodedata.combining(c) for c in told.bare if c < "\u0600")
    assert told.marks == tuple(sorted(told.marks))
    assert all(w.strip() == w and w for w in words(text))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_likeness_is_the_same_both_ways_and_whole_for_the_same_name(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert likeness(one[2], other[2]) == likeness(other[2], one[2])
    if sound(one[2], "IRQ").skeleton:
        assert likeness(one[2], one[2]) == pytest.approx(1)


def test_a_name_that_is_close_to_two_units_is_neithers_and_both_are_named() -> None:
    told = matched("Imbaba", "EG21", "EGY")
    assert (told["code"], told["rivals"]) == (None, ["EG2101", "EG2113"])


def test_a_name_of_another_governorate_is_no_match_and_its_unit_is_named() -> None:
    told = matched("Mosul", "IQG11")
    assert (told["code"], told["rivals"]) == (None, ["IQG15Q05"])


def test_a_slip_of_a_key_is_read_and_scored_below_one() -> None:
    told = matched("Hamdanyia")
    assert told["code"] == "IQG15Q03"
    assert 0.74 <= told["score"] <= 1


def test_a_name_below_the_threshold_is_no_match() -> None:
    assert matched("Qayyarah")["code"] is None


def test_a_district_that_the_edition_lacks_is_not_its_neighbour_that_sounds_so() -> None:
    told = matched("Sharazur", "IQG06")
    assert (told["code"], told["status"]) == (None, "no_unit")


def test_without_a_parent_a_short_name_is_no_match_by_likeness() -> None:
    assert matched("Al-Nasr", None)["code"] is None
    assert matched("Sulaymanya", None, level=1)["code"] == "IQG06"


def test_a_dated_name_holds_only_in_its_span() -> None:
    assert matched("Halabja", "IRQ", level=1, day=date(2020, 1, 1))["code"] == "IQG06"
    assert matched("Halabja", "IRQ", level=1, day=date(2010, 1, 1))["code"] is None


def test_two_names_in_one_cell_must_be_of_one_unit() -> None:
    assert alternatives("Kirkuk/Ta'mim") == ["Kirkuk", "Ta'mim"]
    assert matched("Qaraqosh (Al-Hamdaniya)")["code"] == "IQG15Q03"
    for cell in ("Mosul / Sinjar", "Makhmur (Mosul)", "Mosul (West)", "Thawra (3)"):
        assert matched(cell, "IQG08" if "Thawra" in cell else "IQG15")["code"] is None
    assert matched("Mosul (district)")["code"] == "IQG15Q05"


@pytest.mark.parametrize(
    ("name", "parent", "unit"),
    [("بيجي", "IQG15", "IQG16Q03"), ("المدائن", "IQG02", "IQG08Q04"), ("Al-Sulaymaniyah", "IQG03", "IQG06")],
)
def test_a_name_that_is_spelled_elsewhere_is_taken_by_no_likeness(name: str, parent: str, unit: str) -> None:
    told = matched(name, parent)
    assert told["code"] is None
    assert unit in told["rivals"]


def test_a_districts_name_in_the_governorates_column_is_no_other_governorate() -> None:
    rows = pl.DataFrame(
        {
            "location_code": ["IRQ", "SYR", "SYR", "IRQ"],
            "provider_admin1_name": ["Al-Salman", "Darayya", "Deir", "Sulaimani"],
        }
    )
    assert resolve(rows, GAZETTEER)["admin1_code"].to_list() == [None, None, None, "IQG06"]


def test_a_name_of_nothing_but_words_for_units_is_spelled_so_or_is_none() -> None:
    assert matched("مدينة", "IQG08")["code"] is None
    assert matched("المدينة", "IQG02")["code"] == "IQG02Q04"


def test_every_name_asked_is_answered_in_its_order() -> None:
    names = ["Mosul", None, "Sinjar", "", "x", "Mosul"]
    asked = pl.DataFrame({"location_code": "IRQ", "parent": "IQG15", "name": names, "day": None}).cast({"day": pl.Date})
    told = match_names(asked, IRAQ.names_of(2), IRAQ.likeness)
    assert told["name"].to_list() == names
    assert told["code"].to_list() == ["IQG15Q05", None, "IQG15Q07", None, None, "IQG15Q05"]
