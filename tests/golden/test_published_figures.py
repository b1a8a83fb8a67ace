"""Figures printed in public reports, reached by the project's own functions within their printed precision."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dtm_pipeline.contracts.core import SOURCE_TOTAL
from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.domain.change import change_by_area, change_of_districts, consecutive_dates
from dtm_pipeline.domain.consistency import FOLLOW, SUM, faults
from dtm_pipeline.domain.events import event_table, with_people
from dtm_pipeline.domain.household_size import with_individuals
from dtm_pipeline.domain.severity import class_by_area, score_by_area
from dtm_pipeline.domain.stocks import newest_figures, stock_by_area, with_ages
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from tests.histories import NOTHING_TOLD, RULES, stock_rows
from tests.unit.test_events_needs_origins import reports
from tests.unit.test_household_size import rows
from tests.unit.test_severity import located

FIGURES = {
    f["name"]: f for f in tomllib.loads((Path(__file__).parent / "published_figures.toml").read_text())["figure"]
}
Given = dict[str, Any]
A = "IQG15Q05"


def people(group: str, day: date, households: int, camp: int | None = None) -> dict[str, Any]:
    told = with_individuals(rows(("IRQ", group, day, households, None, camp, None)), RULES)
    return told.row(0, named=True)


def change(stock: pl.DataFrame) -> dict[str, Any]:
    pairs = consecutive_dates(stock)
    parts = change_of_districts(stock, pairs, RULES, NOTHING_TOLD)
    return change_by_area(stock, parts, pairs, "governorate").row(0, named=True)


def change_share(individuals: int, change_individuals: int, day: date) -> float:
    """The change of a stock of counted people, by the change table."""
    before, after = date(day.year - 1, day.month, 28), day
    stock = stock_rows(("p", A, before, 1), ("p", A, after, 1)).with_columns(
        individuals=pl.Series([individuals - change_individuals, individuals]), individuals_basis=pl.lit("counted")
    )
    row = change(stock)
    assert row["panel_change_individuals"] == change_individuals
    return float(row["change_individuals"] / row["previous_individuals"])


def idps(day: date) -> Callable[[Given], dict[str, Any]]:
    def reach(given: Given) -> dict[str, Any]:
        told = people("idp", day, given["idp_households"])
        assert told["individuals"] == given["idp_individuals"]
        return {
            "household_size": told["individuals"] / told["households"],
            "change_share": change_share(given["idp_individuals"], given["change_individuals"], day),
        }

    return reach


def returnees(day: date) -> Callable[[Given], dict[str, Any]]:
    def reach(given: Given) -> dict[str, Any]:
        told = people("idp_returnee", day, given["returnee_households"])
        assert told["individuals"] == given["returnee_individuals"]
        return {"household_size": told["individuals"] / told["households"]}

    return reach


def round_132(given: Given) -> dict[str, Any]:
    # households in camps are what makes the people of the rule: 5 h + 6 (all - h) = people
    camp = given["size_other"] * given["idp_households"] - given["idp_individuals"]
    told = people("idp", date(2024, 4, 30), given["idp_households"], camp)
    assert told["individuals"] == given["idp_individuals"]
    assert (told["size_in_camp"], told["size_out_of_camp"]) == (given["size_camp"], given["size_other"])
    return {
        "camp_households": camp,
        "camp_share_of_individuals": told["in_camp_individuals"] / told["individuals"],
        "change_share": change_share(given["idp_individuals"], given["change_individuals"], date(2024, 4, 30)),
    }


def displacement_index(given: Given) -> dict[str, Any]:
    names = ("high", "medium", "low")
    told = pl.concat(
        located(*[(f"{c}{n}", c, 50.0, None) for n in range(given[f"{c}_locations"])]).with_columns(
            individuals=pl.when(pl.int_range(pl.len()) == 0).then(given[f"{c}_individuals"]).otherwise(0)
        )
        for c in names
    )
    classes = {r["severity_class"]: r for r in class_by_area(told, "governorate").iter_rows(named=True)}
    return {
        "locations": sum(classes[c]["locations"] for c in names),
        "shares_percent": [round(classes[c]["share_of_assessed"] * 100) for c in names],
    }


def return_index(given: Given) -> dict[str, Any]:
    told = pl.concat(
        located(*[(f"{c}{n}", c, 50.0, None) for n in range(given[c][1])]).with_columns(
            individuals=pl.when(pl.int_range(pl.len()) == 0).then(given[c][0]).otherwise(0)
        )
        for c in ("high", "medium", "low")
    )
    by_class = class_by_area(told, "governorate")
    return {"total": [by_class["individuals"].sum(), by_class["locations"].sum()]}


def mosul(given: Given) -> dict[str, Any]:
    report = {"event_id": "mosul", "reference_date": date(2016, 12, 20)}
    told = reports({**report, "current_individuals": given["current"], "returned_individuals": given["returned"]})
    return {"cumulative": event_table(with_people(told, RULES))["cumulative_individuals"].item()}


def climate(given: Given) -> dict[str, Any]:
    told = people("climate_idp", date(2022, 9, 30), given["households"])
    assert told["size_out_of_camp"] == given["household_size"]
    return {"individuals": told["individuals"]}


def sudan(given: Given) -> dict[str, Any]:
    """Two series that count different people are two groups of one country: each stands in `latest` once."""
    day = date(2024, 10, 31)
    series = tuple(s for s in Reference(Settings().reference).series if s.series_id in ("irq_idp", "irq_climate_idp"))
    counts = zip(("irq_idp", "irq_climate_idp"), ("idp", "climate_idp"), given.values(), strict=True)
    stock = pl.concat(
        stock_rows(("p", A, day, 1)).with_columns(
            series_id=pl.lit(name), population_group=pl.lit(group), individuals=pl.lit(count, pl.Int64)
        )
        for name, group, count in counts
    )
    aged = with_ages(newest_figures(stock, series, empty(SOURCE_TOTAL)))
    return {"total": aged.filter(pl.col("why_not_latest").is_null())["individuals"].sum()}


def rule_break(given: Given) -> dict[str, Any]:
    june, august, camp = date(2020, 6, 30), date(2020, 8, 31), given["camp_households_117"]

    def lists(day: date, households: int) -> pl.DataFrame:
        camps = stock_rows(("camps", A, day, camp), camp=camp)
        return pl.concat([camps, stock_rows(("others", A, day, households - camp))])

    stock = pl.concat([lists(june, given["households_116"]), lists(august, given["households_117"])])
    row = change(stock)
    assert row["change_individuals"] == given["change_individuals"]
    totals = stock_by_area(stock, "governorate", "idp")
    assert totals["idp_households"].to_list() == [given["households_116"], given["households_117"]]
    return {"rule_part": row["rule_or_category_individuals"], "other_part": row["panel_change_individuals"]}


def assessed(given: Given) -> dict[str, Any]:
    rest = given["idp_individuals"] - given["assessed_individuals"]
    told = located(("a", "low", 10.0, given["assessed_individuals"]), ("n", "not_assessed", None, rest))
    score = score_by_area(told, "governorate", told.filter(pl.col("severity_class") == "not_assessed"))
    by_class = class_by_area(told, "governorate").filter(severity_class="not_assessed")
    return {
        "assessed_share": score["assessed_share"].item(),
        "not_assessed_individuals": by_class["individuals"].item(),
    }


REACH: dict[str, Callable[[Given], dict[str, Any]]] = {
    "iraq_round_109_change": idps(date(2019, 4, 30)),
    "iraq_round_109_returnees": returnees(date(2019, 4, 30)),
    "iraq_round_112_change": idps(date(2019, 10, 31)),
    "iraq_round_119_returnees": returnees(date(2020, 12, 31)),
    "iraq_round_132_camps": round_132,
    "displacement_index_round_8": displacement_index,
    "return_index_round_6_anbar": return_index,
    "mosul_december_2016": mosul,
    "iraq_climate_september_2022": climate,
    "sudan_overlap": sudan,
    "iraq_rounds_116_to_117_break": rule_break,
    "displacement_index_round_8_assessed": assessed,
}


def within_print(reached: object, printed: object) -> bool:
    """Equal as far as the printed figure has digits."""
    if isinstance(printed, float):
        digits = len(str(printed).split(".")[1])
        return abs(float(str(reached)) - printed) <= 0.5 * 10**-digits + 1e-12
    return reached == printed


def assert_reached(figure: dict[str, Any]) -> None:
    if figure["kind"] == "must_fail":
        assert_refused(figure["given"], figure["check"])
        return
    reached = REACH[figure["name"]](figure["given"])
    assert reached.keys() == figure["expect"].keys()
    for name, printed in figure["expect"].items():
        assert within_print(reached[name], printed), (name, reached[name], printed)


def assert_refused(given: Given, check: str) -> None:
    critical = given["critical_households"]
    parts = pl.DataFrame(
        {
            "category_code": ["critical", "other"],
            "households": [critical, given["sum_of_parts"] - critical],
            "individuals": [given["critical_individuals"], None],
        }
    )
    found = dict(faults(parts, given["total_households"], given["household_size"]))
    assert set(found) == {FOLLOW, SUM} == set(check.split("; "))
    assert "50,080 households of 6 are not 324,480 individuals" in found[FOLLOW]


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_published_figure_is_reached(name: str) -> None:
    assert_reached(FIGURES[name])


def test_a_table_that_holds_together_is_not_refused() -> None:
    parts = pl.DataFrame({"category_code": ["camp", "other"], "households": [10, 5], "individuals": [60, None]})
    assert faults(parts, 15, 6) == []


@pytest.mark.real
def test_every_figure_of_these_areas_that_was_given_to_the_project_is_reached(real_data: Path) -> None:
    told = tomllib.loads((real_data.parent / "golden/published_figures.toml").read_text(encoding="utf-8"))["figure"]
    mine = [f for f in told if f["area"] in ("stocks", "severity")]
    assert {f["name"] for f in mine} <= set(FIGURES)
    for figure in mine:
        assert_reached(figure)


@pytest.mark.parametrize(
    ("source", "group", "day", "households", "individuals"),
    [
        ("round 109, April 2019", "idp", date(2019, 4, 30), 277_518, 1_665_108),
        ("round 116, June 2020", "idp", date(2020, 6, 30), 230_222, 1_381_332),
    ],
)
def test_people_of_iraqi_rounds_follow_from_their_households(
    source: str, group: str, day: date, households: int, individuals: int
) -> None:
    assert people(group, day, households)["individuals"] == individuals, source
