"""What is not plausible beside what is known waits for a person; what is, never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.contracts import raw
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.plausibility import Decisions
from dtm_pipeline.domain.precedence import Reissue
from dtm_pipeline.facts.plausible import Plausibility
from dtm_pipeline.facts.stock import Deliveries, RawStocks, StockFacts, stock_facts
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder).of_country("IRQ")
DAYS = [date(2023, 1, 31) + timedelta(days=61 * n) for n in range(6)]
Counts = list[tuple[int | None, int | None]]
PLACES: Counts = [(10 + n, 60 + 6 * n) for n in range(40)]


def listed(snapshot: str, day: date, counts: Counts, number: str | None = None) -> pl.DataFrame:
    """A Master List of IDPs: households and individuals of places that are numbered."""
    rows = [
        {"snapshot_id": snapshot, "source_row": n, "location_code": "IRQ", "population_group": "idp", "reference_date": day, "reporting_round": number,
         "place_id": str(n), "provider_admin1_name": "Ninewa", "provider_admin2_name": "Mosul", "location_name": f"P{n}", "households": h, "individuals": i}
        for n, (h, i) in enumerate(counts, 1)
    ]  # fmt: skip
    return conform(
        pl.DataFrame(rows, schema_overrides={"households": pl.Int64, "individuals": pl.Int64}), raw.MASTER_LIST
    )


def judged(
    *lists: pl.DataFrame,
    decisions: Decisions | None = None,
    jumps: frozenset[tuple[str, date]] = frozenset(),
    quarantine: pl.DataFrame | None = None,
    adds: str | None = None,
    **evidence: Any,
) -> StockFacts:
    """Facts of lists, each in an intake of its own; `evidence` is that of the last."""
    names = list(dict.fromkeys(s for f in lists for s in f["snapshot_id"]))
    deliveries = pl.DataFrame(
        [(n, i, "adds" if n == adds else None, None) for i, n in enumerate(names)],
        schema={"snapshot_id": pl.String, "intake": pl.Int64, "statement": pl.String, "told_series": pl.String}, orient="row",
    )  # fmt: skip
    own = {
        "received_on": date(2030, 1, 1),
        "control_gap": None,
        "control_stated": None,
        "control_read": None,
        "unit_differs": False,
        "date_inferred": False,
    }
    came = pl.DataFrame(
        [{"snapshot_id": n, **own, **(evidence if n == names[-1] else {})} for n in names],
        schema={"snapshot_id": pl.String, "received_on": pl.Date, "control_gap": pl.Float64, "control_stated": pl.String, "control_read": pl.String, "unit_differs": pl.Boolean, "date_inferred": pl.Boolean},
    )  # fmt: skip
    lost = empty(raw.QUARANTINE) if quarantine is None else quarantine
    told = Plausibility(REFERENCE.plausibility, decisions or Decisions(), jumps, lost, came)
    return stock_facts(
        RawStocks(pl.concat(lists), empty(raw.MASTER_LIST_CELL), empty(raw.LOCATION_DATABASE), empty(raw.LOCATION_DATABASE_COUNT), empty(raw.BASELINE_LOCATION), empty(raw.API_FIGURE)),
        Deliveries(deliveries), REFERENCE.series, REFERENCE.words, REFERENCE.size_rules, GAZETTEER, lambda _: None, REFERENCE.registers, Reissue(0.05, 0.2), told,
    )  # fmt: skip


def history(dates: int = 3) -> list[pl.DataFrame]:
    return [listed(f"d{n}", DAYS[n], [(h, i + n) for h, i in PLACES]) for n in range(dates)]


def held(told: StockFacts) -> dict[date, list[str]]:
    return dict(told.reviews.filter(outcome="hold").select("source_reference_date", "broken").rows())


def doubtful(told: StockFacts) -> dict[date, list[str]]:
    return dict(told.reviews.filter(outcome="caveat").select("source_reference_date", "broken").rows())


def of(change: Any) -> Counts:
    return [change(n, h, i) for n, (h, i) in enumerate(PLACES)]


@pytest.mark.parametrize("dates", [1, 3], ids=["a second date", "a fourth date"])
@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        (of(lambda n, h, i: (i, i * 6)), "panel"),
        (of(lambda n, h, i: (h, h)), "persons_per_household"),
        (of(lambda n, h, i: (h * 10, i * 10)), "panel"),
        (PLACES[:13], "list_cut"),
        (of(lambda n, h, i: (h, i) if n < 10 else (h // 6, h)), "block"),
    ],
    ids=["individuals as households", "households as individuals", "a digit", "cut to a third", "shifted from a row on"],
)  # fmt: skip
def test_a_list_that_is_wrong_as_a_whole_is_held_with_both_figures(dates: int, counts: Counts, rule: str) -> None:
    told = judged(*history(dates), listed("new", DAYS[dates], counts))
    assert rule in held(told)[DAYS[dates]]
    assert told.stock.filter("leads")["reference_date"].max() == DAYS[dates - 1]
    [sentence] = told.findings.filter(finding="delivery_held")["sentence"]
    now, before = (f"{told.reviews.filter(outcome='hold')[c][0]:,}" for c in ("now", "before"))
    assert now in sentence
    assert before in sentence
    assert "replaces = true" not in sentence, "a sidecar settles nothing that is not plausible"


@pytest.mark.parametrize("factor", [10, 100])
def test_a_zero_too_many_in_one_large_place_is_held(factor: int) -> None:
    wrong = [(500 * factor, 3000 * factor), *PLACES]
    before = [listed(f"d{n}", DAYS[n], [(500 + n, 3000 + 6 * n), *PLACES]) for n in range(3)]
    told = judged(*before, listed("new", DAYS[3], wrong))
    assert "zeros_too_many" in held(told)[DAYS[3]]


def test_a_measure_that_stood_last_time_and_is_gone_is_held() -> None:
    told = judged(*history(), listed("new", DAYS[3], of(lambda n, h, i: (None, i))))
    assert held(told) == {DAYS[3]: ["measure_lost"]}


def test_a_jump_of_one_area_and_a_moderate_change_are_never_held() -> None:
    moved = [(h * 3, i * 3) if n == 5 else (h, int(i * 1.3)) for n, (h, i) in enumerate(PLACES)]
    assert held(judged(*history(), listed("new", DAYS[3], moved))) == {}


def test_an_early_jump_by_one_rule_is_a_caveat_and_later_a_hold() -> None:
    grown: Counts = [*of(lambda n, h, i: (h, i)), *((60, 360) for _ in range(30))]
    early = judged(history(1)[0], listed("new", DAYS[1], grown))
    assert (held(early), doubtful(early)) == ({}, {DAYS[1]: ["total"]})
    assert held(judged(*history(), listed("new", DAYS[3], grown))) == {DAYS[3]: ["total"]}


def test_a_jump_on_record_is_a_caveat() -> None:
    doubled = of(lambda n, h, i: (h * 3, i * 3))
    told = judged(*history(), listed("new", DAYS[3], doubled), jumps=frozenset({("irq_idp", DAYS[3])}))
    assert (held(told), list(doubtful(told))) == ({}, [DAYS[3]])


def test_small_totals_are_compared_in_caveats() -> None:
    told = judged(
        *(listed(f"d{n}", DAYS[n], [(1, 6 + n)] * 12) for n in range(3)), listed("new", DAYS[3], [(5, 30)] * 12)
    )
    assert (held(told), list(doubtful(told))) == ({}, [DAYS[3]])


@pytest.mark.parametrize(
    ("evidence", "rule"),
    [
        ({"control_gap": 0.2}, "control_total"),
        ({"received_on": DAYS[0] - timedelta(days=400)}, "in_the_future"),
    ],
)
def test_what_a_file_shows_by_itself_needs_no_history(evidence: dict[str, Any], rule: str) -> None:
    told = judged(listed("new", DAYS[0], PLACES), **evidence)
    assert held(told) == {DAYS[0]: [rule]}
    assert told.stock.filter("leads").is_empty()
    assert told.totals.select("held", "rows").rows() == [(True, 0)]


def unreadable(rows: list[tuple[str | None, date | None, int | None]]) -> pl.DataFrame:
    """Rows of the newest list that could not be read: place id, reference date, persons."""
    frame = pl.DataFrame(
        rows,
        schema={"location_key": pl.String, "reference_date": pl.Date, "persons": pl.Int64},
        orient="row",
    )
    said = {"snapshot_id": "new", "rule": "unreadable_individuals", "original": "{}"}
    return conform(frame.with_columns(**{n: pl.lit(v) for n, v in said.items()}), raw.QUARANTINE)


def test_a_list_of_which_most_people_could_not_be_read_is_held() -> None:
    told = judged(listed("new", DAYS[0], PLACES), quarantine=unreadable([("x", DAYS[0], 3_000)] * 3))
    assert held(told) == {DAYS[0]: ["rows_unreadable"]}


LARGE: Counts = [(500, 3000), *PLACES]
REST = sum(i or 0 for _, i in PLACES)


@pytest.mark.parametrize("day", [DAYS[1], None], ids=["its date", "a date that can't be read"])
def test_people_that_could_not_be_read_are_those_of_the_last_figure_of_their_place(day: date | None) -> None:
    new = listed("new", DAYS[1], LARGE).filter(pl.col("place_id") != "1")
    told = judged(listed("old", DAYS[0], LARGE), new, quarantine=unreadable([("1", day, None)]))
    assert held(told) == {DAYS[1]: ["rows_unreadable"]}
    assert f"about {3000 / (3000 + REST):.0%} of its people" in told.reviews.filter(outcome="hold")["sentence"][0]


def test_a_row_whose_place_is_new_or_small_holds_nothing_when_its_people_could_not_be_read() -> None:
    for place in ("2", "never listed", None):
        grown: Counts = [(h, (i or 0) + 7) for h, i in LARGE]
        now = listed("new", DAYS[1], grown).filter(~pl.col("place_id").eq_missing(pl.lit(place)))
        told = judged(listed("old", DAYS[0], LARGE), now, quarantine=unreadable([(place, DAYS[1], None)]))
        assert held(told) == {}


def test_what_could_not_be_read_is_not_told_to_be_gone() -> None:
    lost = sorted(PLACES, key=lambda c: -(c[1] or 0))[:25]
    keys = [str(PLACES.index(c) + 1) for c in lost]
    now = listed("new", DAYS[1], PLACES).filter(~pl.col("place_id").is_in(keys))
    told = judged(listed("old", DAYS[0], PLACES), now, quarantine=unreadable([(k, DAYS[1], None) for k in keys]))
    [broken] = held(told).values()
    assert "rows_unreadable" in broken
    assert "people_lost" not in broken


def test_a_correction_that_lacks_two_places_and_half_of_the_people_is_held() -> None:
    large: Counts = [(1500, 9000), (1200, 7200), *((60, 360) for _ in range(55))]
    told = judged(listed("a", DAYS[0], large), listed("b", DAYS[0], large[2:]))
    assert held(told) == {DAYS[0]: ["lacks_people"]}
    assert told.stock.filter("leads")["individuals"].sum() == sum(i or 0 for _, i in large)
    assert "lacks 45.0% of the people it would replace" in told.reviews["sentence"][0]


def test_a_correction_that_is_not_plausible_leaves_what_led_its_date() -> None:
    wrong = listed("new", DAYS[2], of(lambda n, h, i: (i, i * 6)))
    told = judged(*history(3), wrong)
    assert told.reviews.filter(outcome="hold")["snapshot_id"].to_list() == ["new"]
    assert set(told.stock.filter("leads", reference_date=DAYS[2])["snapshot_id"]) == {"d2"}


def test_the_next_date_is_compared_with_the_last_accepted_and_with_what_is_held() -> None:
    doubled = of(lambda n, h, i: (h * 3, i * 3))
    agrees = judged(*history(), listed("e", DAYS[3], doubled), listed("f", DAYS[4], [*doubled[:-1], (1, 7)]))
    first, second = agrees.reviews.filter(outcome="hold").sort("source_reference_date").iter_rows(named=True)
    assert (first["waits_with"], second["waits_with"]) == (None, first["review_id"])
    back = judged(*history(), listed("e", DAYS[3], doubled), listed("f", DAYS[4], of(lambda n, h, i: (h, i + 5))))
    assert list(held(back)) == [DAYS[3]]


def test_what_a_person_accepted_leads_and_what_one_rejected_never_does() -> None:
    wrong = listed("new", DAYS[3], of(lambda n, h, i: (i, i * 6)))
    review_id = judged(*history(), wrong).reviews.filter(outcome="hold")["review_id"][0]
    accepted = judged(*history(), wrong, decisions=Decisions(accepted=frozenset({review_id})))
    assert accepted.stock.filter("leads")["reference_date"].max() == DAYS[3]
    assert accepted.reviews.filter("accepted")["review_id"].to_list() == [review_id]
    assert "accepted_by_review" in set(accepted.findings["finding"])
    rejected = judged(*history(), wrong, decisions=Decisions(rejected=frozenset({review_id})))
    assert rejected.stock.filter("leads")["reference_date"].max() == DAYS[2]
    assert rejected.reviews.filter(outcome="hold")["broken"].to_list() == [["rejected"]]
    assert "delivery_held" not in set(rejected.findings["finding"])


def of_two_governorates(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        provider_admin1_name=pl.when(pl.col("source_row") <= 20).then(pl.lit("Ninewa")).otherwise(pl.lit("Erbil")),
        provider_admin2_name=pl.when(pl.col("source_row") <= 20).then(pl.lit("Mosul")).otherwise(pl.lit("Erbil")),
    )


def people(told: StockFacts, day: date) -> dict[str, int]:
    stock = told.stock.filter(pl.col("leads") & (pl.col("reference_date") == day))
    return dict(stock.group_by("admin1_name").agg(pl.col("individuals").sum()).rows())


def test_a_part_that_a_person_accepted_counts_and_the_rest_of_its_date_is_not_assessed() -> None:
    lists = [of_two_governorates(f) for f in history()]
    # Erbil is typed wrong, Ninewa is true
    wrong = of_two_governorates(listed("new", DAYS[3], of(lambda n, h, i: (h, i + 9) if n < 20 else (i, i * 6))))
    review_id = judged(*lists, wrong).reviews.filter(outcome="hold")["review_id"][0]
    part = Decisions(accepted=frozenset({review_id}), parts={review_id: frozenset({"Ninewa"})})
    true = of_two_governorates(listed("next", DAYS[4], of(lambda n, h, i: (h, i + 10))))
    told = judged(*lists, wrong, true, decisions=part)
    assert people(told, DAYS[3]) == {"Ninewa": sum(i + 9 for _, i in PLACES[:20])}
    [row] = told.reviews.filter("accepted").to_dicts()
    assert row["sentence"].endswith("accepted for Ninewa only")
    # the date is told to be in part, and the next list is compared with the last whole one
    assert told.totals.filter(reference_date=DAYS[3])["held"].to_list() == [True]
    assert held(told) == {}


def test_a_part_of_a_reissue_stands_beside_what_led_its_date_before() -> None:
    lists = [of_two_governorates(f) for f in history(4)]
    again = of_two_governorates(listed("again", DAYS[3], of(lambda n, h, i: (h, i + 9) if n < 20 else (i, i * 6))))
    before = people(judged(*lists), DAYS[3])
    review_id = judged(*lists, again).reviews.filter(outcome="hold")["review_id"][0]
    part = Decisions(accepted=frozenset({review_id}), parts={review_id: frozenset({"Ninewa"})})
    told = judged(*lists, again, decisions=part)
    assert people(told, DAYS[3]) == {"Ninewa": sum(i + 9 for _, i in PLACES[:20]), "Erbil": before["Erbil"]}
    assert told.reviews.filter("accepted")["review_id"].to_list() == [review_id]


def test_a_round_that_runs_against_its_date_is_a_caveat_and_a_hold_where_the_date_was_inferred() -> None:
    lists = [listed(f"d{n}", DAYS[n], [(h, i + n) for h, i in PLACES], str(100 + n)) for n in range(3)]
    back = listed("new", DAYS[3], [(h, i + 9) for h, i in PLACES], "99")
    assert doubtful(judged(*lists, back)) == {DAYS[3]: ["round_before_date"]}
    assert held(judged(*lists, back, date_inferred=True)) == {DAYS[3]: ["round_before_date"]}


def test_what_is_added_to_a_held_list_does_not_stand_for_it() -> None:
    wrong = listed("new", DAYS[3], of(lambda n, h, i: (i, i * 6)))
    more = listed("more", DAYS[3], [(10, 60)]).with_columns(place_id=pl.lit("other"))
    told = judged(*history(), wrong, more, adds="more")
    assert told.stock.filter("leads")["reference_date"].max() == DAYS[2]
    assert set(told.roles.filter(role="held")["snapshot_id"]) == {"new", "more"}


def test_rules_may_differ_for_a_series() -> None:
    rules = REFERENCE.plausibility("irq_idp")
    assert REFERENCE.plausibility("hti_hurricane-matthew_sa") == replace(rules, history_holds=False)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(min_value=20, max_value=5_000), min_size=12, max_size=40),
    st.floats(min_value=0.75, max_value=1.3),
)
def test_no_list_whose_every_place_moves_by_less_than_a_third_is_held(people: list[int], factor: float) -> None:
    before: Counts = [(max(1, p // 6), p) for p in people]
    after: Counts = [(h, max(1, int((i or 0) * factor))) for h, i in before]
    lists = [listed(f"d{n}", DAYS[n], [(h, (i or 0) + n) for h, i in before]) for n in range(3)]
    told = judged(*lists, listed("new", DAYS[3], after)).reviews.filter(outcome="hold")
    assert told.filter(~pl.col("broken").list.contains("persons_per_household")).is_empty()


@pytest.mark.parametrize("times", [7, 8.3, 9.3, 10, 10.5, 15, 70, 100])
def test_a_large_place_with_a_zero_too_many_that_moved_besides_is_held(times: float) -> None:
    lists = [listed(f"d{n}", DAYS[n], [*PLACES[:-1], (200 + n, 1200 + n)]) for n in range(3)]
    wrong = listed("d3", DAYS[3], [*PLACES[:-1], (round(200 * times), round(1200 * times))])
    (broken,) = held(judged(*lists, wrong)).values()
    assert "zeros_too_many" in broken


@pytest.mark.parametrize("times", [1.5, 3, 5])
def test_a_place_that_grew_is_no_zero_too_many(times: float) -> None:
    lists = [listed(f"d{n}", DAYS[n], [*PLACES[:-1], (200 + n, 1200 + n)]) for n in range(3)]
    told = judged(*lists, listed("d3", DAYS[3], [*PLACES[:-1], (round(200 * times), round(1200 * times))]))
    assert not any("zeros_too_many" in broken for broken in told.reviews["broken"].to_list())


def test_a_place_a_hundred_times_as_large_is_held_on_the_second_date_too() -> None:
    places = [*PLACES[:-1], (200, 1200)]
    told = judged(listed("d0", DAYS[0], places), listed("d1", DAYS[1], [*PLACES[:-1], (18_000, 108_000)]))
    assert DAYS[1] in held(told)


def test_an_accepted_part_stands_for_all_that_others_say_of_its_governorate() -> None:
    whole, lacks = listed("d0", DAYS[0], PLACES), listed("d1", DAYS[0], PLACES[:20])
    [review] = judged(whole, lacks).reviews.filter(outcome="hold")["review_id"].to_list()
    accepted = Decisions(accepted=frozenset({review}), parts={review: frozenset({"Ninewa"})})
    told = judged(whole, lacks, decisions=accepted)
    assert int(told.stock.filter("leads")["individuals"].sum()) == sum(i or 0 for _, i in PLACES[:20])


def test_a_rejected_delivery_waits_for_nothing() -> None:
    wrong = listed("d1", DAYS[1], [(h, 6 * (i or 0)) for h, i in PLACES])
    right = listed("d2", DAYS[1], [(h, (i or 0) + 1) for h, i in PLACES])
    [review] = judged(listed("d0", DAYS[0], PLACES), wrong).reviews.filter(outcome="hold")["review_id"].to_list()
    told = judged(listed("d0", DAYS[0], PLACES), wrong, right, decisions=Decisions(rejected=frozenset({review})))
    assert told.totals.filter(reference_date=DAYS[1]).select("leads", "held").rows() == [(True, False)]


def test_a_measure_that_is_lost_holds_on_the_second_date_too() -> None:
    told = judged(listed("d0", DAYS[0], PLACES), listed("d1", DAYS[1], [(h, None) for h, _ in PLACES]))
    assert held(told) == {DAYS[1]: ["measure_lost"]}
