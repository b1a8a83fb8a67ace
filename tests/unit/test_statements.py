"""One stock is read from one statement: rounds and assessment types of one date, deliveries of one intake."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import polars as pl
import pytest

from dtm_pipeline.contracts import raw
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.plausibility import Decisions
from dtm_pipeline.domain.precedence import Reissue, labelled, statement_roles
from dtm_pipeline.domain.series import series_of_rows
from dtm_pipeline.facts.plausible import Plausibility
from dtm_pipeline.facts.stock import Deliveries, RawStocks, StockFacts, stock_facts
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

REFERENCE = Reference(Settings().reference)
GAZETTEER = Gazetteer.load(REFERENCE.folder).of_country("LBN")

RULES = REFERENCE.plausibility


def judged_by(names: list[str]) -> Plausibility:
    """The shipped rules, deliveries that came long after their dates, and nothing rejected."""
    came = pl.DataFrame({"snapshot_id": names}, schema={"snapshot_id": pl.String}).with_columns(received_on=date(2030, 1, 1), control_gap=pl.lit(None, pl.Float64), control_stated=pl.lit(None, pl.String), control_read=pl.lit(None, pl.String), unit_differs=pl.lit(False), date_inferred=pl.lit(False))  # fmt: skip
    return Plausibility(RULES, Decisions(), frozenset(), empty(raw.QUARANTINE), came)


DAY, NEXT = date(2023, 10, 15), date(2023, 11, 15)
OPERATION = "Displacement due to conflict"


def areas(
    snapshot: str,
    kind: str = "BA",
    number: str | None = "1",
    day: date = DAY,
    operation: str = OPERATION,
    **people: int,
) -> pl.DataFrame:
    """Figures of districts of Lebanon (LB63=..) in one delivery."""
    rows = [
        {"snapshot_id": snapshot, "source_row": n, "location_code": "LBN", "source_kind": "hdx_idps", "admin_level": 2, "provider_admin2_code": code,
         "operation": operation, "assessment_type": kind, "reporting_round": number, "reference_date": day, "individuals": count}
        for n, (code, count) in enumerate(people.items(), 1)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows), raw.API_FIGURE)


def facts(*told: pl.DataFrame, intakes: dict[str, int] | None = None, **statements: str) -> StockFacts:
    """Facts of deliveries of one intake, unless it is said otherwise."""
    names = sorted({s for f in told for s in f["snapshot_id"]})
    rows = [(n, (intakes or {}).get(n, 1), statements.get(n), None) for n in names]
    schema = {"snapshot_id": pl.String, "intake": pl.Int64, "statement": pl.String, "told_series": pl.String}
    # rows are numbered anew, as those of one file are
    numbered = pl.concat(told).with_columns(source_row=pl.int_range(1, pl.len() + 1).over("snapshot_id"))
    return stock_facts(
        RawStocks(empty(raw.MASTER_LIST), empty(raw.MASTER_LIST_CELL), empty(raw.LOCATION_DATABASE), empty(raw.LOCATION_DATABASE_COUNT), empty(raw.BASELINE_LOCATION), numbered),
        Deliveries(pl.DataFrame(rows, schema=schema, orient="row")), REFERENCE.series, REFERENCE.words, REFERENCE.size_rules, GAZETTEER, lambda _: None, REFERENCE.registers, Reissue(0.05, 0.2), judged_by(names),
    )  # fmt: skip


def people(told: StockFacts) -> int:
    return int(told.stock.filter("leads")["individuals"].sum())


def sentences(told: StockFacts, finding: str) -> list[str]:
    return sorted(told.findings.filter(finding=finding)["sentence"])


ROUND_1 = areas("a", number="1", LB63=410, LB61=270)
ROUND_2 = areas("a", number="2", LB63=640, LB61=455)


@pytest.mark.parametrize("second", ["a", "b"], ids=["one file", "two files"])
@pytest.mark.parametrize("intakes", [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}], ids=str)
def test_of_two_rounds_on_one_date_the_later_leads_and_the_other_is_named(second: str, intakes: dict[str, int]) -> None:
    told = facts(ROUND_1, ROUND_2.with_columns(snapshot_id=pl.lit(second)), intakes=intakes)
    assert people(told) == 1095
    assert sentences(told, "statement_compared") == [
        "lbn_idp on 2023-10-15: two statements of one date; BA round 2 (1095) leads, BA round 1 (680) is compared and never added"
    ]


def test_round_numbers_are_numbers_and_not_words() -> None:
    later = areas("b", number="Round 96", LB63=5, LB61=6)
    assert people(facts(areas("a", number="95", LB63=1, LB61=2), later)) == 11
    assert people(facts(areas("a", number="9", LB63=1, LB61=2), areas("b", number="10", LB63=5, LB61=6))) == 11


def test_rounds_that_are_no_numbers_can_not_be_compared_and_none_leads() -> None:
    told = facts(areas("a", number="R2a", LB63=1, LB61=2), areas("b", number="R2b", LB63=5, LB61=6))
    assert people(told) == 0
    assert told.totals.select("reference_date", "rows", "held", "leads").rows() == [(DAY, 0, True, False)]
    assert all("replaces = true" in s for s in sentences(told, "delivery_held"))


TYPES = {"BA": 100, "ETT": 130, "SA": 90}


@pytest.mark.parametrize("order", list(permutations(TYPES)), ids="+".join)
@pytest.mark.parametrize("together", [True, False], ids=["one file", "a file each"])
def test_one_assessment_type_of_a_series_leads(order: tuple[str, ...], together: bool) -> None:
    parts = [areas("a" if together else f"f{n}", kind, LB63=TYPES[kind]) for n, kind in enumerate(order)]
    told = facts(*parts)
    led = told.stock.filter(pl.col("leads") & (pl.col("series_id") == "lbn_idp"))
    assert led["individuals"].to_list() == [100], "BA stands before ETT in reference/series.toml"
    assert led["assessment_type"].to_list() == ["BA"]
    # SA is no type of the series: it is one of its own, which overlaps with it
    assert told.stock.filter(pl.col("series_id") != "lbn_idp")["individuals"].to_list() == [90]


@pytest.mark.parametrize("spelled", ["displacement  due to conflict", "DISPLACEMENT DUE TO CONFLICT ", "Displacement due-to conflict"])  # fmt: skip
def test_an_operation_spelled_otherwise_is_the_same_series_and_statement(spelled: str) -> None:
    told = facts(areas("a", LB63=100), areas("b", operation=spelled, LB63=100))
    assert (people(told), told.stock["series_id"].unique().to_list()) == (100, ["lbn_idp"])
    assert told.roles.sort("snapshot_id")["role"].to_list() == ["leads", "replaced"]


def test_a_list_without_a_round_is_of_the_only_round_that_others_name() -> None:
    told = facts(areas("a", number="7", LB63=100), areas("b", number=None, LB63=104), intakes={"a": 1, "b": 2})
    assert people(told) == 104


ORIGINAL, CORRECTED, COPY = areas("o", LB63=100, LB61=5), areas("c", LB63=104, LB61=5), areas("p", LB63=100, LB61=5)


@pytest.mark.parametrize("names", list(permutations(("x1", "x2", "x3"))), ids="".join)
def test_an_original_and_its_correction_in_one_inbox_have_no_order(names: tuple[str, ...]) -> None:
    deliveries = [
        f.with_columns(snapshot_id=pl.lit(n)) for f, n in zip((ORIGINAL, CORRECTED, COPY), names, strict=True)
    ]
    told = facts(*deliveries)
    assert people(told) == 0, "neither names nor clocks say which of them counts"
    assert set(told.roles["role"]) == {"held"}
    assert "one of several deliveries of one intake that say different things of it" in sentences(told, "delivery_held")[0]  # fmt: skip
    assert told.totals.select("held", "leads", "individuals").rows() == [(True, False, None)]


@pytest.mark.parametrize("names", list(permutations(("x1", "x2"))), ids="".join)
def test_a_sidecar_that_says_replaces_gives_deliveries_of_one_intake_an_order(names: tuple[str, str]) -> None:
    old, new = (f.with_columns(snapshot_id=pl.lit(n)) for f, n in zip((ORIGINAL, CORRECTED), names, strict=True))
    assert people(facts(old, new, **{names[1]: "replaces"})) == 109


def test_two_deliveries_of_one_intake_that_say_the_same_count_once() -> None:
    told = facts(ORIGINAL, COPY)
    assert (people(told), sorted(told.roles["role"])) == (105, ["leads", "replaced"])
    assert told.findings.filter(finding="delivery_held").is_empty()


def test_a_correction_that_comes_later_leads() -> None:
    assert people(facts(ORIGINAL, CORRECTED, intakes={"o": 1, "c": 2})) == 109


def test_an_addition_is_of_the_statement_that_leads_whatever_its_round() -> None:
    told = facts(areas("a", number="2", LB63=100), areas("b", number=None, LB61=9), areas("c", number="1", LB62=3), b="adds", c="adds")  # fmt: skip
    assert people(told) == 112


def test_a_statement_that_repeats_every_figure_of_the_date_before_is_held() -> None:
    again = areas("b", number="2", day=NEXT, LB63=410, LB61=270)
    told = facts(ROUND_1, again, intakes={"a": 1, "b": 2})
    assert people(told) == 680
    assert [s for s in sentences(told, "delivery_held") if "every figure equals the one of the date before" in s]
    assert people(facts(ROUND_1, again, intakes={"a": 1, "b": 2}, b="replaces")) == 1360, "a person looked"
    one_file = again.with_columns(snapshot_id=pl.lit("a"))
    assert people(facts(ROUND_1, one_file)) == 1360, "the source itself says that nothing changed"


def test_roles_do_not_depend_on_the_order_of_rows() -> None:
    rows = pl.concat([ROUND_1, ROUND_2, ROUND_2.with_columns(snapshot_id=pl.lit("b"))])
    shaped = rows.with_columns(
        population_group=pl.lit("idp"), series_id=pl.lit(None, pl.String), source_reference_date="reference_date",
        location_key="provider_admin2_code", content=pl.struct("provider_admin2_code", "individuals").hash(),
        intake=pl.lit(1, pl.Int64), statement=pl.lit(None, pl.String),
    )  # fmt: skip
    shaped, series = series_of_rows(shaped, REFERENCE.series, REFERENCE.words)
    outcomes = set()
    for seed in range(5):
        mixed = shaped.sample(fraction=1.0, shuffle=True, seed=seed)
        roles = statement_roles(labelled(mixed, series, 0.05), 0.05, series)
        outcomes.add(tuple(sorted(roles.select("snapshot_id", "statement_label", "role").rows())))
    assert len(outcomes) == 1
