"""What can't be is set aside, whoever says it: dates outside the window of a kind, more people than there are."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtm_pipeline.contracts.raw import API_FIGURE, MASTER_LIST, OTHER_FIGURE
from dtm_pipeline.quality.bounds import RowBounds, absurd_counts, absurd_dates
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery

CAME = date(2026, 11, 29)
MOST = {"country": 1000, "admin1": 500, "admin2": 100, "location": 10}
BOUNDS = RowBounds(date(1990, 1, 1), date(2027, 11, 30), MOST, {"IRQ": {**MOST, "location": 50}})


def read(folder: Path, name: str, text: str, reference: Reference, **said: object) -> Reading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_delivery(Document(name, path), Delivery("0" * 64, name, dict(said), CAME), reference)


EVENTS = "Event ID,Event type,Event date,Report date,Governorate,District,Newly displaced individuals\n"
COUNTS = "Date,Border Point,Arrival / Departure,Total\n"


@pytest.mark.parametrize("day", ["01/01/0001", "31/12/1899", "01/01/1900", "31/12/2099", "31/12/9999", "01/02/2027"])
def test_a_day_that_can_not_be_is_set_aside_with_the_window(tmp_path: Path, reference: Reference, day: str) -> None:
    text = f"{COUNTS}31/03/2024,Masnaa,Arrival,12\n{day},Masnaa,Arrival,13\n"
    told = read(tmp_path, "counts.csv", text, reference, country="LBN")
    (row,) = told.rejected.iter_rows(named=True)
    assert row["source_row"] == 3
    assert row["rule"] in ("absurd_date", "unreadable_observed_on")
    if row["rule"] == "absurd_date":
        assert row["sentence"] == "Date lies between 1990-01-01 and 2026-12-30"


def test_a_delivery_of_a_day_that_can_not_be_is_refused_with_the_window(tmp_path: Path, reference: Reference) -> None:
    text = f"{EVENTS}EV-1,Flood,2099-12-01,2099-12-02,Ninewa,Mosul,30\n"
    with pytest.raises(DeliveryError, match=r"none that can be used.*lies between 1990-01-01 and 2026-12-30"):
        read(tmp_path, "events.csv", text, reference, country="IRQ")


@pytest.mark.parametrize(("people", "rules"), [(900_000, []), (2_000_000_000, ["absurd_count"])])
def test_more_people_than_a_country_has_are_set_aside(
    tmp_path: Path, reference: Reference, people: int, rules: list[str]
) -> None:
    head = "Place id,Governorate,District,Location name,Households,Individuals,Anbar,Babylon,Baghdad,Basrah,Dahuk\n"
    rows = "".join(f"{n},Ninewa,Mosul,Place {n},{10 + n},{60 + 6 * n},{60 + 6 * n},0,0,0,0\n" for n in range(20))
    large = f"99,Ninewa,Mosul,Place 99,{people // 6},{people},{people},0,0,0,0\n"
    told = read(tmp_path, "Round112_Master_List_IDP_2020-02-29.csv", head + rows + large, reference)
    assert told.rejected["rule"].to_list() == rules


def test_a_stock_is_asked_by_its_level_and_country() -> None:
    rows = pl.DataFrame(
        {"location_code": ["IRQ", "IRQ", "JOR", "JOR", None], "admin_level": [4, 2, 4, 0, None], "individuals": [40, 101, 11, 999, 11]}
    )  # fmt: skip
    (broken,) = absurd_counts(API_FIGURE, ["location_code", "admin_level", "individuals"], BOUNDS).values()
    assert rows.select(broken).to_series().to_list() == [False, True, True, False, True]


@given(st.dates())
def test_a_day_is_absurd_exactly_where_it_lies_outside_the_window(day: date) -> None:
    (broken,) = absurd_dates(MASTER_LIST, ["reference_date"], BOUNDS).values()
    told = pl.DataFrame({"reference_date": [day]}).select(broken).item()
    assert told == (not BOUNDS.first <= day <= BOUNDS.last)


def test_a_kind_has_a_window_of_its_own(reference: Reference) -> None:
    delivery = Delivery("0" * 64, "x", {}, CAME)
    assert delivery.bounds(reference, "unhcr_figure").first == date(1950, 1, 1)
    assert delivery.bounds(reference, "event_report").last == date(2026, 12, 30)
    assert delivery.bounds(reference, "master_list").last == date(2027, 11, 30)


def test_a_round_in_a_header_that_can_not_be_refuses_the_sheet(tmp_path: Path, reference: Reference) -> None:
    head = "Place id,Governorate,District,Location_name,families_abs_2018.07.15,families_abs_2099.08.15\n"
    with pytest.raises(DeliveryError, match="lies between 1990-01-01 and"):
        read(
            tmp_path,
            "IDP_locations_database_2018.csv",
            head + "1,Ninewa,Mosul,Place,5,6\n",
            reference,
            population_group="idp",
            country="IRQ",
        )


@pytest.mark.parametrize(
    ("cells", "people", "absurd"),
    [((None, None), 999, False), (("Ninewa", None), 501, True), (("Ninewa", "Mosul"), 101, True), (("Ninewa", "Mosul"), 99, False)],
)  # fmt: skip
def test_a_figure_of_others_is_asked_by_its_smallest_unit(
    cells: tuple[str | None, str | None], people: int, absurd: bool
) -> None:
    names = ("provider_admin1_name", "provider_admin2_name")
    row = pl.DataFrame(
        {"location_code": ["JOR"], **{n: [c] for n, c in zip(names, cells, strict=True)}, "individuals": [people]}
    )
    (broken, *_) = absurd_counts(OTHER_FIGURE, ["location_code", *names, "individuals"], BOUNDS).values()
    assert row.cast(dict.fromkeys(names, pl.String)).select(broken).item() == absurd


@pytest.mark.parametrize("said", ['first = "1990"', "days_after = 'long'", "most_people = { location = 0 }"])
def test_bounds_that_are_none_are_named_before_anything_is_read(
    tmp_path: Path, reference: Reference, said: str
) -> None:
    (tmp_path / "thresholds.toml").write_text(f"[bounds]\n{said}\nby = 'A. Analyst'\non = 2026-11-29\n")
    with pytest.raises(ReferenceDataError, match=r"bounds\.|most_people of a level is a whole number from 1"):
        Reference(reference.folder, tmp_path).check()


def test_people_of_a_country_that_are_no_number_are_named_before_anything_is_read(
    tmp_path: Path, reference: Reference
) -> None:
    (tmp_path / "countries").mkdir()
    shipped = (reference.folder / "countries" / "JOR.toml").read_text(encoding="utf-8")
    said = re.sub(r"most_people = .*", 'most_people = { location = "many" }', shipped)
    (tmp_path / "countries" / "JOR.toml").write_text("by = 'A. Analyst'\non = 2026-11-29\n" + said, encoding="utf-8")
    with pytest.raises(ReferenceDataError, match=r"countries/JOR\.toml: most_people of a level"):
        Reference(reference.folder, tmp_path).check()
