"""A partial round keeps what it did not reach, where its series declares so, and says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.domain.carry_forward import carried_forward
from dtm_pipeline.domain.stocks import stock_by_area
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from tests.histories import registers, stock_rows

A = "IQG01Q01"
D0, D1, D2, D3 = date(2019, 8, 31), date(2019, 10, 31), date(2019, 12, 31), date(2020, 2, 29)
SERIES = next(s for s in Reference(Settings().reference).series if s.series_id == "irq_idp")


def carried(
    stock: pl.DataFrame, partial: list[date], max_age: int | None = 365, closed: list[tuple[str, date]] | None = None
) -> list[tuple[object, ...]]:
    told = registers(
        rounds=[("irq_idp", d, "partial", "t") for d in partial],
        locations=[("IRQ", p, None, None, "closed", d, None, "t") for p, d in closed or []],
    )
    rows = carried_forward(stock, told, (replace(SERIES, carry_forward_max_age_days=max_age),))
    return sorted(rows.select("place_id", "reference_date", "carried_from", "households").rows())


FULL = (("p", A, D0, 10), ("q", A, D0, 5))


def test_a_partial_round_keeps_the_locations_that_it_did_not_reach() -> None:
    assert carried(stock_rows(*FULL, ("p", A, D1, 11)), [D1]) == [("q", D1, D0, 5)]


def test_a_round_of_which_nothing_is_said_keeps_nothing() -> None:
    assert carried(stock_rows(*FULL, ("p", A, D1, 11)), []) == []


def test_a_series_that_declares_no_age_keeps_nothing() -> None:
    assert carried(stock_rows(*FULL, ("p", A, D1, 11)), [D1], max_age=None) == []


def test_a_figure_older_than_the_series_allows_is_not_kept() -> None:
    stock = stock_rows(*FULL, ("p", A, D1, 11))
    assert carried(stock, [D1], max_age=61) == [("q", D1, D0, 5)]
    assert carried(stock, [D1], max_age=60) == []


def test_partial_rounds_in_a_row_keep_the_newest_figure_of_each_location() -> None:
    stock = stock_rows(*FULL, ("p", A, D1, 11), ("q", A, D2, 6))
    assert carried(stock, [D1, D2]) == [("p", D2, D1, 11), ("q", D1, D0, 5)]


def test_what_a_full_round_no_longer_lists_is_not_brought_back() -> None:
    stock = stock_rows(*FULL, ("p", A, D1, 11), ("p", A, D2, 12), ("r", A, D3, 1))
    assert carried(stock, [D3]) == [("p", D3, D2, 12)]


def test_a_closed_location_is_not_kept() -> None:
    stock = stock_rows(*FULL, ("p", A, D1, 11))
    assert carried(stock, [D1], closed=[("q", D1)]) == []
    assert carried(stock, [D1], closed=[("q", D2)]) == [("q", D1, D0, 5)]


def carried_with(**told: Any) -> list[object]:
    stock = stock_rows(*FULL, ("p", A, D1, 11))
    register = registers(rounds=[("irq_idp", D1, "partial", "t")], **told)
    return carried_forward(stock, register, (replace(SERIES, carry_forward_max_age_days=365),))["place_id"].to_list()


def test_a_closure_holds_for_its_unit_its_group_and_its_span_only() -> None:
    assert carried_with(locations=[("IRQ", None, A, None, "closed", D0, None, "t")]) == []
    assert carried_with(locations=[("IRQ", "q", None, "idp_returnee", "closed", D0, None, "t")]) == ["q"]
    assert carried_with(locations=[("IRQ", "q", None, None, "closed", date(2017, 1, 1), date(2018, 1, 1), "t")]) == [
        "q"
    ]


def test_a_location_that_became_a_part_of_another_is_not_counted_beside_it() -> None:
    assert carried_with(links=[("IRQ", "q", "merged_into", "p", D1, "t")]) == []
    assert carried_with(links=[("IRQ", "q", "merged_into", "p", D0, "t")]) == ["q"], (
        "the merger was before its last listing"
    )
    assert carried_with(links=[("IRQ", "p", "split_from", "q", D1, "t")]) == []


def test_the_table_says_what_was_carried_and_how_many_locations_were_assessed() -> None:
    rows = stock_rows(("p", A, D1, 11), ("q", A, D1, 5))
    kept = pl.when(pl.col("place_id") == "q").then(pl.lit(D0))
    told = stock_by_area(rows.with_columns(carried_from=kept), "district", "idp").row(0, named=True)
    assert (told["idp_households"], told["locations_assessed"], told["caveat_codes"]) == (16, 1, ["carried_forward"])
