"""Events, needs, origins: what a later report replaces, who is counted where, and what is held back."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from dtm_pipeline.contracts import core, raw
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.breakdowns import SmallCells, breakdown_by_area
from dtm_pipeline.domain.events import climate_displacement, event_table, with_people
from dtm_pipeline.domain.needs import named_by_area
from dtm_pipeline.domain.origins import ReturnRateRules, origin_destination, return_rates
from dtm_pipeline.domain.stocks import stock_by_area
from tests.histories import RULES, stock_rows

A, B = "IQG01Q01", "IQG01Q02"
D0, D1 = date(2022, 3, 1), date(2022, 3, 15)
SMALL = SmallCells(5, 30, 3)


def reports(*told: dict[str, Any]) -> pl.DataFrame:
    base = {
        "snapshot_id": "s",
        "location_code": "IRQ",
        "event_type": "flood",
        "event_place": "a",
        "admin1_code": "IQG01",
        "admin2_code": A,
        "place_basis": "code",
        "leads": True,
        "newest": True,
    }
    rows = pl.DataFrame([{**base, **t, "source_row": i} for i, t in enumerate(told, 2)], infer_schema_length=None)
    return conform(rows, core.EVENT)


def events(*told: dict[str, Any]) -> pl.DataFrame:
    return event_table(with_people(reports(*told), RULES))


def test_cumulative_displaced_is_current_and_returned_as_in_mosul() -> None:
    """Iraq emergency tracking, Mosul, December 2016: 108,624 + 11,496 = 120,120."""
    row = events(
        {
            "event_id": "mosul",
            "reference_date": date(2016, 12, 20),
            "current_individuals": 108_624,
            "returned_individuals": 11_496,
        }
    ).row(0, named=True)
    assert (row["cumulative_individuals"], row["cumulative_basis"], row["moved_on_individuals"]) == (
        120_120,
        "derived",
        0,
    )


def test_climate_displacement_of_iraq_follows_from_its_households() -> None:
    """Iraq climate-induced displacement, September 2022: 10,464 households are 62,784 people."""
    told = with_people(
        reports(
            {
                "event_id": "d",
                "event_type": "drought",
                "reference_date": date(2022, 9, 30),
                "current_households": 10_464,
            }
        ),
        RULES,
        "climate_idp",
    )
    row = climate_displacement(told, "governorate").row(0, named=True)
    assert (row["individuals"], row["individuals_basis"], row["series_id"]) == (62_784, "rule", "irq_climate_event")


def test_what_exceeds_current_and_returned_is_told_as_moved_on() -> None:
    row = events(
        {
            "event_id": "e",
            "reference_date": D0,
            "cumulative_individuals": 100,
            "current_individuals": 60,
            "returned_individuals": 30,
        }
    ).row(0, named=True)
    assert (row["cumulative_basis"], row["moved_on_individuals"]) == ("stated", 10)


def test_a_later_report_replaces_the_earlier_one_and_both_are_kept() -> None:
    told = events(
        {"event_id": "e", "reference_date": D0, "current_individuals": 60, "newest": False},
        {"event_id": "e", "reference_date": D1, "current_individuals": 40},
    )
    assert told.select("report_date", "current_individuals", "newest", "supersedes").rows() == [
        (D0, 60, False, None),
        (D1, 40, True, D0),
    ]


def test_a_report_of_a_second_place_leaves_the_first_as_it_was() -> None:
    told = events(
        {"event_id": "e", "reference_date": D0, "current_individuals": 60},
        {"event_id": "e", "reference_date": D1, "current_individuals": 40, "event_place": "b", "admin2_code": B},
    )
    assert told.select("report_date", "admin2_code", "current_individuals", "newest", "supersedes").rows() == [
        (D0, A, 60, True, None),
        (D1, B, 40, True, None),
    ]
    both = reports(
        {"event_id": "e", "reference_date": D0, "current_individuals": 60},
        {"event_id": "e", "reference_date": D1, "current_individuals": 40, "event_place": "b"},
        {"event_id": "e", "reference_date": D1, "current_individuals": 50},
    )
    series = climate_displacement(with_people(both, RULES, "climate_idp"), "governorate")
    assert series.select("reference_date", "individuals").rows() == [(D0, 60), (D1, 90)]


def test_climate_displacement_holds_each_event_at_its_newest_report_and_never_adds_reports() -> None:
    told = reports(
        {"event_id": "f", "reference_date": D0, "current_individuals": 60, "origin_admin2_code": A, "newest": False},
        {"event_id": "g", "reference_date": D0, "event_type": "drought", "current_individuals": 7},
        {"event_id": "f", "reference_date": D1, "current_individuals": 40, "origin_admin2_code": B},
        {"event_id": "x", "reference_date": D1, "event_type": "conflict", "current_individuals": 999},
    )
    series = climate_displacement(with_people(told, RULES, "climate_idp"), "district")
    assert series.select("reference_date", "event_type", "individuals", "intra_district_share").rows() == [
        (D0, "drought", 7, None),
        (D0, "flood", 60, 1.0),
        (D1, "drought", 7, None),
        (D1, "flood", 40, 0.0),
    ]


def test_needs_count_locations_and_people_in_them_and_leave_sensitive_answers_out() -> None:
    assessed = conform(
        pl.DataFrame(
            [
                {"snapshot_id": "s", "source_row": n, "location_code": "IRQ", "population_group": "idp", "reference_date": D0,
                 "place_id": f"p{n}", "households": 10, "individuals": people, "admin1_code": "IQG01", "admin2_code": A,
                 "place_basis": "code", "leads": True}
                for n, people in ((2, None), (3, 33))
            ]
        ),
        core.LOCATION_ASSESSMENT,
    )  # fmt: skip
    answers = conform(
        pl.DataFrame(
            [
                {"snapshot_id": "s", "source_row": row, "theme": theme, "question_code": question, "answer_code": answer, "dissemination": kind}
                for row, theme, question, answer, kind in (
                    (2, "need", "priority_need", "food", "partner"),
                    (2, "need", "priority_need", "health", "partner"),
                    (3, "need", "priority_need", "food", "partner"),
                    (3, "barrier", "barrier_to_return", "blocked_return", "sensitive"),
                    (3, "barrier", "barrier_to_return", "no_jobs", "partner"),
                )
            ]
        ),
        raw.LOCATION_ANSWER,
    )  # fmt: skip
    needs = named_by_area(assessed, answers, RULES, "district", ("need", "service", "condition"))
    assert needs.select("answer_code", "locations", "individuals", "locations_assessed").rows() == [
        ("food", 2, 93, 2),
        ("health", 1, 60, 2),
    ]
    barriers = named_by_area(assessed, answers, RULES, "district", ("barrier",))
    assert barriers["answer_code"].to_list() == ["no_jobs"]
    assert named_by_area(assessed, answers, RULES, "subdistrict", ("need",)).is_empty()


def origins(group: str, *told: tuple[str, str, int]) -> pl.DataFrame:
    """Cells of origin: where people are, where they came from, how many individuals."""
    rows = pl.DataFrame(
        [
            {
                "series_id": {"idp": "irq_idp", "idp_returnee": "irq_returnee"}[group],
                "population_group": group,
                "reference_date": date(2021, 3, 31),
                "location_code": "IRQ",
                "admin1_code": here[:5],
                "admin2_code": here,
                "place_basis": "code",
                "dimension": "origin",
                "category_code": origin,
                "individuals": people,
                "individuals_basis": "provider",
                "locations": 9,
            }
            for here, origin, people in told
        ]
    )
    return conform(rows, core.BREAKDOWN)


def test_origin_and_destination_sum_to_the_stock_and_hold_back_what_the_origin_table_does() -> None:
    cells = origins("idp", (A, "IQG15", 500), (A, "IQG08", 40), (A, "IQG07", 12), (B, "IQG15", 100))
    flows = origin_destination(breakdown_by_area(cells, "governorate", SMALL))
    assert flows["individuals"].sum() == 652
    shown = dict(flows.filter(from_kind="governorate").select("from_admin1_code", "individuals").iter_rows())
    assert shown == {"IQG15": 600}
    assert flows.filter(from_kind="withheld")["individuals"].to_list() == [52]
    table = breakdown_by_area(cells, "governorate", SMALL)
    assert (
        table.sort("category_code")["individuals"].to_list()
        == flows.sort("individuals", descending=True)["individuals"].to_list()
    )


def test_idps_and_returnees_stand_apart_because_origin_means_the_opposite() -> None:
    both = pl.concat([origins("idp", (A, "IQG15", 500)), origins("idp_returnee", (A, "IQG15", 300))])
    told = (
        origin_destination(breakdown_by_area(both, "governorate", SMALL)).select("from_meaning", "individuals").rows()
    )
    assert sorted(told) == [("last_displacement", 300), ("origin", 500)]


def test_the_return_rate_is_of_those_who_are_known_and_says_whose_origin_is_not() -> None:
    returned = stock_by_area(
        stock_rows(("p", A, date(2021, 4, 10), 100), series="irq_returnee"), "governorate", "returnee"
    )
    flows = origin_destination(
        breakdown_by_area(
            origins("idp", ("IQG15Q01", "IQG01", 400), ("IQG15Q01", "unknown", 100)), "governorate", SMALL
        )
    )
    headline = {"idp": "irq_idp", "idp_returnee": "irq_returnee"}
    row = return_rates(returned, flows, headline, ReturnRateRules(31)).row(0, named=True)
    assert (row["returnees"], row["still_displaced"], row["rate"]) == (600, 400, pytest.approx(0.6))
    assert (row["idp_reference_date"], row["origin_unknown_share"]) == (date(2021, 3, 31), pytest.approx(0.2))
    far = return_rates(returned, flows, headline, ReturnRateRules(9)).row(0, named=True)
    assert (far["still_displaced"], far["rate"]) == (None, None), "unknown, not zero"


def test_a_governorate_whose_displaced_are_all_withheld_has_no_return_rate() -> None:
    returned = stock_by_area(
        stock_rows(("p", A, date(2021, 4, 10), 100), series="irq_returnee"), "governorate", "returnee"
    )
    headline = {"idp": "irq_idp", "idp_returnee": "irq_returnee"}

    def rate(*cells: tuple[str, str, int]) -> object:
        flows = origin_destination(breakdown_by_area(origins("idp", *cells), "governorate", SMALL))
        return return_rates(returned, flows, headline, ReturnRateRules(31))["rate"].item()

    assert rate(("IQG15Q01", "IQG08", 400), ("IQG15Q01", "IQG01", 12), ("IQG15Q01", "IQG07", 20)) is None
    assert rate(("IQG15Q01", "IQG08", 400)) == 1.0, "nobody from there is displaced, and no cell could hide them"


def test_a_report_that_a_later_delivery_replaced_is_in_no_figure() -> None:
    told = reports(
        {"event_id": "e", "reference_date": D0, "current_individuals": 100, "leads": False, "newest": False},
        {"event_id": "e", "reference_date": D0, "current_individuals": 120},
    )
    assert event_table(with_people(told, RULES))["current_individuals"].to_list() == [120]
    assert climate_displacement(with_people(told, RULES, "climate_idp"), "district")["individuals"].to_list() == [120]


def test_what_one_row_states_and_another_leaves_to_be_derived_both_count() -> None:
    row = events(
        {
            "event_id": "e",
            "reference_date": D0,
            "cumulative_individuals": 100,
            "current_individuals": 50,
            "returned_individuals": 50,
        },
        {"event_id": "e", "reference_date": D0, "current_individuals": 30, "returned_individuals": 20},
    ).row(0, named=True)
    assert (row["cumulative_individuals"], row["cumulative_basis"], row["moved_on_individuals"]) == (150, "mixed", 0)


def test_an_origin_whose_people_are_unknown_has_no_rate() -> None:
    returned = stock_by_area(
        stock_rows(("p", "IQG15Q05", date(2021, 4, 10), 100), series="irq_returnee"), "governorate", "returnee"
    )
    cells = origins("idp", (A, "IQG15", 400), ("IQG02Q01", "IQG15", 300)).with_columns(
        individuals=pl.when(pl.col("admin2_code") == A).then("individuals"), households=pl.lit(70, pl.Int64)
    )
    flows = origin_destination(breakdown_by_area(cells, "governorate", SMALL))
    headline = {"idp": "irq_idp", "idp_returnee": "irq_returnee"}
    row = return_rates(returned, flows, headline, ReturnRateRules(31)).row(0, named=True)
    assert (row["still_displaced"], row["rate"], row["origin_unknown_share"]) == (None, None, None)


def test_two_informants_of_one_place_are_one_location() -> None:
    place = {"location_code": "IRQ", "population_group": "idp", "reference_date": D0, "place_id": "p", "individuals": 100,
             "admin1_code": "IQG01", "admin2_code": A, "place_basis": "code", "leads": True, "snapshot_id": "s"}  # fmt: skip
    assessed = conform(pl.DataFrame([{**place, "source_row": n} for n in (2, 3)]), core.LOCATION_ASSESSMENT)
    answer = {
        "snapshot_id": "s",
        "theme": "need",
        "question_code": "priority_need",
        "answer_code": "food",
        "dissemination": "partner",
    }
    answers = conform(pl.DataFrame([{**answer, "source_row": n} for n in (2, 3)]), raw.LOCATION_ANSWER)
    told = named_by_area(assessed, answers, RULES, "district", ("need",)).row(0, named=True)
    assert (told["locations"], told["individuals"], told["share_of_locations"]) == (1, 100, 1.0)


def shares(*told: tuple[int, str, str]) -> list[tuple[Any, ...]]:
    """Answers to one question: location (from 100 on in another district), answer, dissemination."""
    places = sorted({n for n, _, _ in told})
    assessed = conform(
        pl.DataFrame(
            [
                {"snapshot_id": "s", "source_row": n, "location_code": "IRQ", "population_group": "idp", "reference_date": D0,
                 "place_id": f"p{n}", "individuals": 10, "admin1_code": "IQG01", "admin2_code": B if n >= 100 else A, "place_basis": "code", "leads": True}
                for n in places
            ]
        ),
        core.LOCATION_ASSESSMENT,
    )  # fmt: skip
    answers = conform(
        pl.DataFrame(
            [
                {"snapshot_id": "s", "source_row": n, "theme": "barrier", "question_code": "q", "answer_code": a, "dissemination": d}
                for n, a, d in told
            ]
        ),
        raw.LOCATION_ANSWER,
    )  # fmt: skip
    made = named_by_area(assessed, answers, RULES, "district", ("barrier",))
    return made.select("answer_code", "locations", "locations_assessed", "share_of_locations").rows()


def test_how_many_answered_is_not_told_where_it_would_tell_who_gave_a_sensitive_answer() -> None:
    armed = [(n, "armed_actors", "sensitive") for n in range(1, 8)]
    housing = [(n, "housing", "partner") for n in (7, 8, 9, 10)]
    assert shares(*armed, *housing) == [("housing", 4, None, None)]
    elsewhere = shares(*armed, *housing, (100, "housing", "partner"))
    assert elsewhere[1] == ("housing", 1, None, None), "that a district has a denominator would tell that it has none"


def test_of_a_question_without_sensitive_answers_all_who_answered_are_counted() -> None:
    assert shares((1, "housing", "partner"), (2, "jobs", "partner"), (2, "housing", "partner")) == [
        ("housing", 2, 2, 1.0),
        ("jobs", 1, 2, 0.5),
    ]


def test_of_a_governorate_that_no_cell_names_nothing_is_known_while_origins_are_unknown() -> None:
    returned = stock_by_area(
        stock_rows(("p", "IQG02Q01", date(2021, 4, 10), 100), series="irq_returnee"), "governorate", "returnee"
    )
    headline = {"idp": "irq_idp", "idp_returnee": "irq_returnee"}
    for unknown, still in ((900, None), (0, 0)):
        cells = [(A, "IQG15", 100), *([(A, "unknown", unknown)] if unknown else [])]
        flows = origin_destination(breakdown_by_area(origins("idp", *cells), "governorate", SMALL))
        row = return_rates(returned, flows, headline, ReturnRateRules(31)).row(0, named=True)
        assert (row["still_displaced"], row["rate"]) == (still, None if still is None else 1.0)


def test_an_event_whose_people_are_unknown_leaves_the_sum_of_its_area_unknown() -> None:
    told = reports(
        {"event_id": "f", "reference_date": D0, "current_individuals": 100},
        {"event_id": "g", "reference_date": D0, "new_individuals": 5_000},
    )
    row = climate_displacement(with_people(told, RULES, "climate_idp"), "district").row(0, named=True)
    assert (row["events"], row["individuals"]) == (2, None)
