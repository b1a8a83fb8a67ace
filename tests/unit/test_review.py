"""Questions about places, and decisions that answer them once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.contracts.core import STOCK
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.places.gazetteer import DECISION_SCHEMA, Gazetteer, read_decisions
from dtm_pipeline.places.resolve import resolve
from dtm_pipeline.places.review import (
    QUESTION_SCHEMA,
    DecisionError,
    decisions_of,
    open_questions,
    register,
    unmapped_units,
)

GAZETTEER = Gazetteer.load()
DAY = date(2020, 2, 29)


def stock(
    rows: list[tuple[str, str | None, str | None, int]], gazetteer: Gazetteer = GAZETTEER, **more: object
) -> pl.DataFrame:
    """Placed rows of a stock: place id, governorate, district, persons."""
    frame = pl.DataFrame(
        rows,
        schema={
            "place_id": pl.String,
            "provider_admin1_name": pl.String,
            "provider_admin2_name": pl.String,
            "individuals": pl.Int64,
        },
        orient="row",
    ).with_columns(
        location_code=pl.lit("IRQ"),
        reference_date=pl.lit(DAY),
        leads=pl.lit(True),
        provider_admin1_code=pl.lit(None, pl.String),
        provider_admin2_code=pl.lit(None, pl.String),
    )
    points = {"point_conflict": pl.lit(None, pl.Boolean), "point_distance_m": pl.lit(None, pl.Float64)}
    return resolve(frame, gazetteer).with_columns(**points).with_columns(**{n: pl.lit(v) for n, v in more.items()})


def asked(rows: pl.DataFrame, gazetteer: Gazetteer = GAZETTEER) -> dict[str | None, str]:
    told = open_questions(rows, gazetteer, far_km=5)
    return dict(zip(told["provider_admin2_name"], told["question"], strict=True))


def test_each_kind_of_doubt_is_asked_once_and_the_most_people_come_first() -> None:
    rows = stock(
        [
            ("1", "Ninewa", "Mosul", 900),
            ("2", "Ninewa", "Hamdanyia", 50),
            ("3", "Ninewa", "Hamdanyia", 60),
            ("4", "Ninewa", "Qayyarah", 70),
            ("5", "Erbil", "Mosul", 80),
        ]
    )
    told = open_questions(rows, GAZETTEER, far_km=5)
    assert told["provider_admin2_name"].to_list() == ["Hamdanyia", "Mosul", "Qayyarah"]
    assert told["question"].to_list() == ["likeness", "another_parent", "unresolved"]
    assert told["individuals_at_newest_date"].to_list() == [110, 80, 70]
    assert told["candidates"].to_list() == [None, "IQG15Q05 Al-Mosul", None]
    assert told.columns == list(QUESTION_SCHEMA)


def test_a_decision_taken_once_is_never_asked_again_and_its_withdrawal_brings_the_question_back() -> None:
    rows = [("4", "Ninewa", "Qayyarah", 70)]
    sheet = open_questions(stock(rows), GAZETTEER, far_km=5).cast(pl.String)
    filled = sheet.with_columns(decided_admin2_code=pl.lit("IQG15Q05"), reason=pl.lit("called the field"))
    decided = decisions_of(filled, GAZETTEER, "A. Analyst", DAY)
    assert decided.rows() == [
        ("IRQ", None, "Ninewa", None, "Qayyarah", None, "IQG15", "IQG15Q05", "A. Analyst", DAY, "called the field")
    ]
    with_it = replace(GAZETTEER, decisions=decided)
    placed = stock(rows, with_it)
    assert placed.select("admin2_code", "place_basis", "place_score").row(0) == ("IQG15Q05", "reviewed", 1.0)
    assert asked(placed, with_it) == {}
    assert asked(stock(rows)) == {"Qayyarah": "unresolved"}


def test_a_far_point_is_asked_by_place_and_a_decision_about_it_is_of_that_place_only() -> None:
    rows = stock(
        [("7", "Ninewa", "Mosul", 10), ("8", "Ninewa", "Mosul", 20)], point_conflict=True, point_distance_m=9_000.0
    )
    told = open_questions(rows, GAZETTEER, far_km=5)
    assert told.select("question", "place_id", "point_distance_km").rows() == [
        ("far_point", "8", 9.0),
        ("far_point", "7", 9.0),
    ]
    filled = told.cast(pl.String).head(1).with_columns(decided_admin2_code=pl.lit("IQG15Q09"))
    decided = decisions_of(filled, GAZETTEER, "A. Analyst", DAY)
    assert decided.select("place_id", "provider_admin2_name", "admin2_code").rows() == [("8", None, "IQG15Q09")]


def test_a_later_decision_stands_for_the_earlier() -> None:
    one = ("IRQ", None, "Ninewa", None, "Qayyarah", None, "IQG15", "IQG15Q05", "A", DAY, "x")
    other = (*one[:7], "IQG15Q04", "B", DAY, "y")
    frames = [pl.DataFrame([r], schema=pl.Schema(DECISION_SCHEMA), orient="row") for r in (one, other)]
    assert register(*frames).rows() == [other]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decided_admin2_code": "IQG99"}, "row 2: IQG99 is no admin 2 unit of IRQ"),
        ({"decided_admin1_code": "IQG15Q05"}, "is no admin 1 unit"),
        ({"decided_admin1_code": "IQG01", "decided_admin2_code": "IQG15Q05"}, "IQG15Q05 lies in IQG15, not in IQG01"),
        (
            {"decided_admin2_code": "IQG15Q05", "provider_admin1_name": "", "provider_admin2_name": " "},
            "names neither a place",
        ),
    ],
)
def test_a_decision_that_can_not_be_is_refused_with_its_row(answer: dict[str, str], says: str) -> None:
    sheet = open_questions(stock([("4", "Ninewa", "Qayyarah", 70)]), GAZETTEER, far_km=5).cast(pl.String)
    with pytest.raises(DecisionError, match=says):
        decisions_of(sheet.with_columns(pl.lit(v).alias(k) for k, v in answer.items()), GAZETTEER, "A", DAY)


def test_a_sheet_of_another_kind_is_refused() -> None:
    with pytest.raises(DecisionError, match="lacks the columns decided_admin1_code"):
        decisions_of(pl.DataFrame({"location_code": ["IRQ"]}), GAZETTEER, "A", DAY)


def test_declared_units_that_nothing_maps_are_listed() -> None:
    told = unmapped_units(
        stock([("1", "Ninewa", "Mosul", 1), ("2", "Atlantis", "Mosul", 1), ("3", "Ninewa", "Qayyarah", 1)]),
        GAZETTEER,
    )
    assert sorted(told.select("provider_admin1_name", "provider_admin2_name").rows()) == [
        ("Atlantis", "Mosul"),
        ("Ninewa", "Qayyarah"),
    ]


def test_the_stock_of_the_warehouse_holds_what_questions_need() -> None:
    assert asked(conform(stock([("4", "Ninewa", "Qayyarah", 70)]), STOCK)) == {"Qayyarah": "unresolved"}


def test_a_far_point_without_a_place_is_neither_asked_nor_decided() -> None:
    rows = stock([("7", "Ninewa", "Mosul", 10)], point_conflict=True, point_distance_m=9_000.0)
    assert open_questions(rows.with_columns(place_id=pl.lit(None, pl.String)), GAZETTEER, far_km=5).is_empty()
    sheet = open_questions(rows, GAZETTEER, far_km=5).cast(pl.String)
    emptied = sheet.with_columns(place_id=pl.lit(None, pl.String), decided_admin2_code=pl.lit("IQG15Q05"))
    with pytest.raises(DecisionError, match="names neither a place"):
        decisions_of(emptied, GAZETTEER, "A", DAY)


def decided(*rows: tuple[object, ...]) -> Gazetteer:
    return replace(GAZETTEER, decisions=pl.DataFrame(rows, schema=pl.Schema(DECISION_SCHEMA), orient="row"))


def test_a_decision_about_no_unit_takes_no_row_that_declares_none() -> None:
    gazetteer = decided(("IRQ", None, None, None, None, None, "IQG15", "IQG15Q05", "A", DAY, None))
    told = resolve(pl.DataFrame({"location_code": ["IRQ"]}), gazetteer)
    assert told.select("admin1_code", "place_basis").row(0) == (None, "country")


def test_a_decision_about_a_name_takes_no_row_that_declares_another_code() -> None:
    gazetteer = decided(("IRQ", None, "Ninewa", None, "Mosul", "IQG15Q05", "IQG15", "IQG15Q07", "A", DAY, None))
    rows = pl.DataFrame({"location_code": ["IRQ"] * 2, "provider_admin1_name": "Ninewa", "provider_admin2_name": "Mosul", "provider_admin2_code": ["IQG15Q05", "IQG15Q09"]})  # fmt: skip
    assert resolve(rows, gazetteer)["admin2_code"].to_list() == ["IQG15Q07", "IQG15Q09"]


def test_of_two_decisions_one_leads_whole() -> None:
    gazetteer = decided(
        ("IRQ", "P1", None, None, None, None, "IQG11", None, "A", DAY, None),
        ("IRQ", None, "Ninewa", None, "Foo", None, "IQG15", "IQG15Q05", "A", DAY, None),
    )
    rows = pl.DataFrame({"location_code": ["IRQ"], "place_id": ["P1"], "provider_admin1_name": ["Ninewa"], "provider_admin2_name": ["Foo"]})  # fmt: skip
    assert resolve(rows, gazetteer).select("admin1_code", "admin2_code").row(0) == ("IQG11", None)


def test_a_register_written_by_hand_is_read_with_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "decisions.csv").write_text(
        "location_code,place_id,admin1_code,admin2_code,decided_on\nIRQ,77,IQG01,IQG01Q02,soon\n"
    )
    told = read_decisions(tmp_path / "decisions.csv")
    assert told.select("place_id", "provider_admin1_code", "admin2_code", "decided_on").row(0) == (
        "77",
        None,
        "IQG01Q02",
        None,
    )
    assert told.schema == pl.Schema(DECISION_SCHEMA)


def test_two_answers_for_one_unit_in_a_sheet_are_refused() -> None:
    sheet = open_questions(stock([("4", "Ninewa", "Qayyarah", 70)]), GAZETTEER, far_km=5).cast(pl.String)
    both = pl.concat([sheet.with_columns(decided_admin2_code=pl.lit(c)) for c in ("IQG15Q05", "IQG15Q04")])
    with pytest.raises(DecisionError, match="rows 2 and 3: decide one unit or place in two ways"):
        decisions_of(both, GAZETTEER, "A", DAY)
