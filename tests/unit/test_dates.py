"""The reference date of a delivery, wherever it stands."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.dates import DateOrder, date_in, date_order, reference_date, round_in
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
        assert date_in(f"list_{day.strftime(form)}_IOM", "dmy") == day


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


@pytest.mark.parametrize("name", ["List_03-04-2019.xlsx", "IDP 3.4.2019.csv", "list_04/03/2019"])
def test_a_date_in_a_name_that_may_be_two_is_asked(name: str) -> None:
    with pytest.raises(DeliveryError, match="date_order"):
        reference_date(None, {"file name": name})
    assert {reference_date(None, {"file name": name}, order)[0] for order in ("dmy", "mdy")} == {date(2019, 3, 4), date(2019, 4, 3)}  # fmt: skip


def test_another_place_tells_which_of_two_dates_a_name_is() -> None:
    assert reference_date(None, {"banner": "as of 3 April 2019", "file name": "List_03-04-2019"})[0] == date(2019, 4, 3)
    with pytest.raises(DeliveryError, match="03-04-2019"):
        reference_date(None, {"banner": "as of 3 May 2019", "file name": "List_03-04-2019"})


COLUMNS = {"Date": "c0"}


def order_of(*days: str, said: str | None = None, others: tuple[str, ...] = ()) -> DateOrder:
    texts = pl.DataFrame(
        {"c0": list(days), "c1": list(others) or [None] * len(days)}, schema={"c0": pl.String, "c1": pl.String}
    )
    return date_order(texts, COLUMNS, said)


def test_days_that_can_be_read_both_ways_are_read_as_is_usual_and_that_is_said() -> None:
    told = order_of("04/05/2024", "05/06/2024")
    assert told.order == "dmy"
    assert "every day of Date can be read both ways" in str(told.assumed)
    assert order_of("04/05/2024", said="mdy") == DateOrder("mdy")
    texts = pl.DataFrame({"c0": ["04/05/2024"]})
    of_country = date_order(texts, COLUMNS, None, "mdy", "XXX")
    assert of_country.order == "mdy"
    assert "month-first, as is usual in XXX (reference/countries/XXX.toml)" in str(of_country.assumed)


def test_another_column_of_days_settles_the_order() -> None:
    assert order_of("04/05/2024", "05/06/2024", others=("04/25/2024", "05/26/2024")) == DateOrder("mdy")
    assert order_of("04/05/2024", "05/06/2024", others=("25/04/2024", "26/05/2024")) == DateOrder("dmy")


def test_twelve_days_of_march_are_not_spread_over_a_year() -> None:
    told = order_of(*(f"03/{d:02}/2021" for d in range(1, 13)))
    assert told.order == "mdy"
    assert "follow one another" in str(told.assumed)
    assert order_of(*(f"{d:02}/03/2021" for d in range(1, 13))) == DateOrder("dmy")


def test_days_that_show_their_order_or_need_none_are_not_asked_about() -> None:
    for days in (("13/05/2024", "04/05/2024"), ("2024-05-04",), ("05/05/2024",), ("4 May 2024",)):
        assert order_of(*days).assumed is None
