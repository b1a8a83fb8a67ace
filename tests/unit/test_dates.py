"""The reference date of a delivery, wherever it stands."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.dates import date_in, reference_date, round_in
from sources.document import DeliveryError


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Round12_Master_List_IDP_2015_January_15_IOM_DTM.xlsx", date(2015, 1, 15)),
        ("05_IOM DTM Master_List_IDP_Round 51_20160803.xlsx", date(2016, 8, 3)),
        ("IDPs_MasterList_dataset_DTM_IOMFeb 02, 2017_Round64.xlsx", date(2017, 2, 2)),
        ("Round112_Master_List_IDP_2019-10-31_IOM_DTM.xlsx", date(2019, 10, 31)),
        ("Round134_Master_List_IDP_2024-12-31_IOM_DTM - Individuals (1).xlsx", date(2024, 12, 31)),
        ("DTM : IDP Master List 29-02-2020", date(2020, 2, 29)),
        ("DTM Dataset 15 JAN 2015", date(2015, 1, 15)),
        ("MasterList Date 25 Apr 2015", date(2015, 4, 25)),
        ("families 2018.07.15", date(2018, 7, 15)),
        ("Returnee list 31st August 2019", date(2019, 8, 31)),
        ("list 31/08/19", date(2019, 8, 31)),
        ("list 2019 08 31", date(2019, 8, 31)),
        ("list 02-29-2020", date(2020, 2, 29)),
        ("DTM Dataset", None),
        ("Returnee Master List round 111", None),
    ],
)
def test_dates_are_read_as_real_lists_write_them(text: str, day: date | None) -> None:
    assert date_in(text) == day


@given(st.dates(date(2014, 1, 1), date(2040, 12, 31)))
def test_every_day_reads_back_in_every_form(day: date) -> None:
    for form in ("%Y-%m-%d", "%d-%m-%Y", "%Y%m%d", "%d %B %Y", "%Y_%B_%d", "%b %d, %Y", "%d.%m.%Y"):
        assert date_in(f"list_{day.strftime(form)}_IOM") == day


def test_a_date_that_is_none_is_refused_and_not_moved_to_the_next_that_is() -> None:
    with pytest.raises(DeliveryError, match=r"2021-21-31.*which is none.*sidecar"):
        date_in("Round124_Master_List_2021-21-31_IOM.xlsx")


def test_the_sidecar_leads_and_the_banner_comes_before_the_file_name() -> None:
    places = {"banner": "List 29-02-2020", "file name": "list_2020-02-29.csv"}
    assert reference_date("2020-03-01", places) == (date(2020, 3, 1), "sidecar")
    assert reference_date(None, places) == (date(2020, 2, 29), "banner")


def test_two_dates_that_contradict_each_other_are_refused_and_both_are_named() -> None:
    with pytest.raises(DeliveryError, match=r"2020-02-29 in the banner and 2020-03-31 in the file name"):
        reference_date(None, {"banner": "List 29-02-2020", "file name": "list_2020-03-31.csv"})


def test_a_list_that_says_no_date_is_refused_with_what_to_do() -> None:
    with pytest.raises(DeliveryError, match=r'looked in file name.*reference_date = "YYYY-MM-DD"'):
        reference_date(None, {"file name": "master list.xlsx"})


@pytest.mark.parametrize(
    ("text", "label"),
    [("Round 51_2016", "51"), ("_R115_", "115"), ("Round_007", "7"), ("Returnee", None), ("for 2020", None)],
)
def test_the_round_is_a_label_taken_from_the_name(text: str, label: str | None) -> None:
    assert round_in(text) == label
