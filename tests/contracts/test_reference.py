"""The reference data: every row has its source, every code its class, every alias one meaning."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.reference import Reference
from sources.document import header_key

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder)


def test_every_category_has_a_dissemination_class_and_a_source() -> None:
    assert set(REFERENCE.categories["dissemination"]) <= {"public", "partner", "sensitive"}
    assert REFERENCE.categories["source"].null_count() == 0


def test_every_category_that_a_header_stands_for_is_declared() -> None:
    used = REFERENCE.category_headers.select("dimension", "category_code").unique()
    assert used.join(REFERENCE.categories, on=["dimension", "category_code"], how="anti").is_empty()


def test_no_header_has_two_meanings() -> None:
    meanings: dict[str, set[tuple[str, str]]] = {}
    for dimension, code, alias in REFERENCE.category_headers.iter_rows():
        meanings.setdefault(header_key(alias), set()).add((dimension, code))
    for field, alias in REFERENCE.headers.filter(kind="master_list").select("field", "alias").rows():
        if header_key(alias):
            meanings.setdefault(header_key(alias), set()).add(("field", field))
    assert {k: v for k, v in meanings.items() if len(v) > 1} == {}


@pytest.mark.parametrize(
    ("country", "governorates", "districts"),
    [("IRQ", 18, 101), ("SYR", 14, 62), ("LBN", 8, 26), ("JOR", 12, 51), ("TUR", 81, 973), ("EGY", 27, 365)],
)
def test_the_gazetteer_has_the_units_of_six_countries_and_they_nest(
    country: str, governorates: int, districts: int
) -> None:
    units = GAZETTEER.of_country(country).units
    assert (units.filter(admin_level=1).height, units.filter(admin_level=2).height) == (governorates, districts)
    assert units["code"].is_unique().all()
    assert set(units.filter(admin_level=2)["parent_code"]) <= set(units.filter(admin_level=1)["code"])
    assert units["name_en"].null_count() == 0
    assert units["source"].null_count() == 0


def test_jordans_names_stand_in_their_own_columns() -> None:
    irbid = GAZETTEER.units.filter(code="JO21").row(0, named=True)
    assert (irbid["name_en"], irbid["name_local"]) == ("Irbid", "إربد")


def test_every_crosswalk_row_leads_to_a_unit_and_says_why() -> None:
    mapped = GAZETTEER.crosswalk.filter(pl.col("status") != "no_unit")
    assert mapped.join(GAZETTEER.units, on=["location_code", "code"], how="anti").is_empty()
    no_unit = GAZETTEER.crosswalk.filter(status="no_unit")
    assert no_unit["code"].null_count() == no_unit.height
    assert GAZETTEER.crosswalk["source"].null_count() == 0
    assert set(GAZETTEER.crosswalk["status"]) == {"same_unit", "provider_unit", "arguable", "no_unit"}


def test_every_other_name_and_code_is_of_a_unit_and_has_a_source() -> None:
    for table in (GAZETTEER.names, GAZETTEER.other_codes):
        assert table.join(GAZETTEER.units, on=["location_code", "code"], how="anti").is_empty()
        assert table["source"].null_count() == 0
    assert set(GAZETTEER.names["language"]) == {"ar", "ckb", "en", "kmr", "tr"}
    assert GAZETTEER.other_codes["other_code"].is_unique().all()


def test_no_other_name_within_a_governorate_is_of_two_units() -> None:
    for level in (1, 2):
        names = GAZETTEER.names_of(level).filter(pl.col("status") != "gazetteer", pl.col("code").is_not_null())
        # a crosswalk may map two of the provider's units into one, never one name into two
        shared = (
            names.group_by("location_code", "parent", "name").agg(pl.col("code").n_unique()).filter(pl.col("code") > 1)
        )
        assert shared.is_empty()


def test_every_form_of_a_code_is_a_pattern_with_a_source() -> None:
    import re

    assert all(re.compile(p) for p in GAZETTEER.code_forms["pattern"])
    assert GAZETTEER.code_forms["source"].null_count() == 0
    # codes of Tajikistan are letters only: its units are known by their names
    assert GAZETTEER.countries() - set(GAZETTEER.code_forms["location_code"]) == {"TJK"}


def test_every_series_names_a_known_group_and_no_operation_twice() -> None:
    from dtm_pipeline.contracts.columns import POPULATION_GROUPS

    names = [
        (s.location_code, o.casefold(), a) for s in REFERENCE.series for o in s.operations for a in s.assessment_types
    ]
    assert len(names) == len(set(names))
    assert {s.population_group for s in REFERENCE.series} <= set(POPULATION_GROUPS)
    assert {s.location_code for s in REFERENCE.series} == {"IRQ", "SYR", "LBN", "JOR", "TUR", "EGY"}


def test_size_rules_of_a_group_never_overlap() -> None:
    rules = sorted(
        (r.location_code, g, r.valid_from, r.valid_to)
        for r in REFERENCE.size_rules
        for g in r.population_groups
        if r.valid_to
    )
    for country, group, _, until in rules:
        later = [
            r
            for r in REFERENCE.size_rules
            if r.location_code == country and group in r.population_groups and r.valid_from > until
        ]
        assert later, f"{country} {group} has no rule after {until}"
    assert pl.Series([r.source for r in REFERENCE.size_rules]).str.len_chars().min() > 0


SECOND_HEADLINE = """[[series]]
series_id = "irq_idp_again"
title = "t"
location_code = "IRQ"
population_group = "idp"
operations = []
assessment_types = []
sources = []
date_tolerance_days = 3
overlap_group = "irq_idp"
headline = true
status = "active"
max_age_days = 730"""


@pytest.mark.parametrize(
    ("file", "row", "says"),
    [
        ("round_statements.csv", "no_series,2024-01-31,complete,t", "series.toml has no series 'no_series'"),
        ("round_statements.csv", "irq_idp,2024-01-31,done,t", "a statement is one of complete, partial; found 'done'"),
        ("round_statements.csv", "irq_idp,2024-01-31,complete,t\nirq_idp,2024-01-31,partial,t", "said to be complete and partial"),
        ("location_statements.csv", "IRQ,7,IQG01,,closed,2024-01-31,,t", "a place_id or an admin_code, one of the two"),
        ("location_statements.csv", "IRQ,,,,closed,2024-01-31,,t", "a place_id or an admin_code, one of the two"),
        ("location_statements.csv", "IRQ,7,,,closed,31/01/2024,,t", "registers can't be used"),
        ("severity_models/return_conditions_v1.toml", "nonsense", "severity models can't be used"),
        ("countries/ZZZ.toml", 'location_code = "ZZZ"\nname = "Z"\ndate_order = "ymd"', "date_order is dmy or mdy; found 'ymd'"),
        ("series.toml", SECOND_HEADLINE, "series.toml: irq_idp has two active headline series"),
    ],
)  # fmt: skip
def test_reference_data_that_says_what_can_not_be_is_refused_before_anything_is_computed(
    tmp_path: Path, file: str, row: str, says: str
) -> None:
    folder = tmp_path / "reference"
    shutil.copytree(REFERENCE.folder, folder)
    with (folder / file).open("a", encoding="utf-8") as register:
        register.write(row + "\n")
    with pytest.raises(ReferenceDataError, match=re.escape(says)):
        Reference(folder).check()


def test_the_registers_that_are_shipped_can_be_read() -> None:
    REFERENCE.check()
