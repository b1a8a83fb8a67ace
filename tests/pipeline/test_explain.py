"""Any published figure can be followed back to the rows of deliveries, with the same total at every step."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtm_pipeline.contracts import core, raw
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.events import event_table, with_people
from dtm_pipeline.domain.stocks import stock_by_area
from dtm_pipeline.release.explain import WAYS, Question, explain, follow
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.tables import stored, write_table
from tests.conftest import dtm
from tests.histories import RULES, history

STOCKS = [f"out_dtm__{level}_{name}" for level in ("governorate", "district") for name in ("idp", "returnee", "change")]
CELLS = ["out_dtm__district_origin", "out_dtm__governorate_shelter", "out_dtm__district_period"]
OTHERS = ["out_dtm__latest", "out_dtm__district_severity_class"]


def question(name: str, row: dict[str, Any]) -> Question:
    level = "governorate" if "governorate" in name else "district"
    area = row["admin1_code"] if level == "governorate" else row["admin2_code"]
    return Question(
        name,
        area,
        row["admin1_code"] if level == "district" else None,
        row["reference_date"],
        series=row["series_id"],
        category=row.get("category_code") or row.get("severity_class"),
    )


@pytest.mark.parametrize("name", [*STOCKS, *CELLS, *OTHERS])
def test_every_figure_of_a_release_leads_back_to_rows_with_the_same_total(
    release_folder: Path, released: Path, name: str
) -> None:
    frame = pl.read_parquet(release_folder / "tables" / f"{name}.parquet")
    assert frame.height > 0
    for row in frame.sample(min(25, frame.height), seed=4).iter_rows(named=True):
        told = explain(Home(released), question(name, row))
        assert told.same_total, told
        assert told.total == row[told.measure]
        assert sum(len(s.rows) for s in told.sources) == told.steps[-1].rows


def test_people_of_a_severity_class_lead_back_to_the_list_that_they_are_from(
    release_folder: Path, released: Path
) -> None:
    name = "out_dtm__district_severity_class"
    frame = pl.read_parquet(release_folder / "tables" / f"{name}.parquet").filter(pl.col("individuals") > 0)
    for row in frame.sample(5, seed=1).iter_rows(named=True):
        told = explain(Home(released), question(name, row))
        assert "master_list" in {s.kind for s in told.sources if s.total}


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_figures_of_any_history_lead_back_to_their_rows(tmp_path: Path, seed: int) -> None:
    stock = history(seed).stock
    home = Home(tmp_path / str(seed)).create()
    shas = {s: f"{n:064x}" for n, s in enumerate(stock["snapshot_id"].unique().sort())}
    named = stock.with_columns(pl.col("snapshot_id").replace_strict(shas))
    write_table(named, core.STOCK, stored(home.warehouse, core.STOCK).path("IRQ"))
    for (snapshot,), rows in named.partition_by("snapshot_id", as_dict=True).items():
        delivered = rows.with_columns(individuals=pl.lit(None, pl.Int64), place_id=pl.col("place_id").fill_null("none"))
        place = stored(home.warehouse, raw.MASTER_LIST).path(str(snapshot))
        write_table(conform(delivered, raw.MASTER_LIST), raw.MASTER_LIST, place)
    frame = stock_by_area(named.filter(population_group="idp"), "district", "idp")
    for row in frame.sample(8, seed=seed).iter_rows(named=True):
        told = follow(home, "test", frame, question("out_dtm__district_idp", row))
        assert (told.same_total, told.total) == (True, row["idp_individuals"])


def test_the_command_tells_the_way_without_peoples_data(release_folder: Path, released: Path) -> None:
    row = (
        pl.read_parquet(release_folder / "tables/out_dtm__district_idp.parquet")
        .filter(pl.col("locations_assessed").is_not_null())
        .sort("idp_individuals")
        .row(-1, named=True)
    )
    told = dtm(
        "explain",
        "out_dtm__district_idp",
        "--admin2",
        row["admin2_code"],
        "--date",
        row["reference_date"],
        "--home",
        released,
    )
    assert told.code == 0, told.err
    assert f"idp_individuals = {row['idp_individuals']:,}" in told.out
    assert "the total is the same at every step" in told.out
    assert "Master_List_IDP" in told.out
    places = stored(released / "warehouse", core.STOCK).read("IRQ")
    for column in ("location_name", "place_id"):
        assert not any(str(v) in told.out.split("row numbers")[0] for v in places[column].drop_nulls().unique())


def test_json_has_every_row_number(released: Path) -> None:
    told = dtm(
        "explain", "out_dtm__governorate_idp", "--admin1", "IQG15", "--date", "2020-02-29", "--home", released, "--json"
    )
    content = told.json()
    assert content["same_total"] is True
    assert [s["name"] for s in content["steps"]] == ["published", "facts", "delivered"]
    assert len(content["sources"][0]["rows"]) == content["steps"][-1]["rows"]


def test_a_figure_that_the_warehouse_no_longer_gives_is_told_and_the_exit_code_says_so(
    released: Path, tmp_path: Path
) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(released, home)
    place = stored(home / "warehouse", core.STOCK)
    rows = place.read("IRQ").with_columns(individuals=pl.col("individuals") + 1)
    write_table(rows, core.STOCK, place.path("IRQ"))
    told = dtm("explain", "out_dtm__governorate_idp", "--admin1", "IQG15", "--date", "2020-02-29", "--home", home)
    assert (told.code, "not the same at every step" in told.err) == (1, True)


@pytest.mark.parametrize("damage", ["other households", "no rows"])
def test_people_by_a_rule_follow_from_what_was_delivered_and_not_from_themselves(
    released: Path, tmp_path: Path, damage: str
) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(released, home)
    place = stored(home / "warehouse", raw.MASTER_LIST)
    for key in sorted(place.keys()):
        rows = place.read(key)
        broken = rows.clear() if damage == "no rows" else rows.with_columns(households=pl.col("households") * 2)
        write_table(broken.with_columns(individuals=pl.lit(None, pl.Int64)), raw.MASTER_LIST, place.path(key))
    told = dtm("explain", "out_dtm__governorate_idp", "--admin1", "IQG15", "--date", "2020-02-29", "--home", home)
    assert (told.code, "not the same at every step" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["out_dtm__nothing", "--admin2", "IQG15Q05"], "is no table that can be explained; those are"),
        (["out_dtm__district_idp"], "is a table of districts: name one with --admin2"),
        (["out_dtm__district_idp", "--admin2", "IQG99Q99"], "has no row of IQG99Q99"),
        (["out_dtm__district_idp", "--admin2", "IQG15Q05", "--date", "2001-01-01"], "no figure of that unit on 2001-01-01; its last dates are"),
        (["out_dtm__governorate_idp", "--admin1", "IQG15", "--admin2", "IQG15Q05"], "is a table of governorates: leave --admin2 out"),
        (["out_dtm__governorate_idp", "--admin1", "IQG15", "--category", "camp"], "has no categories: leave --category out"),
        (["out_dtm__district_idp", "--admin1", "IQG15"], "nobody in IQG15 is without a known unit"),
        (["out_dtm__governorate_change", "--admin1", "IQG15"], "2 figures fit: --series is one of irq_idp, irq_returnee"),
        (["out_dtm__governorate_origin", "--admin1", "IQG15", "--group", "idp"], "--category is one of"),
        (["out_dtm__district_idp", "--admin2", "IQG15Q05", "--group", "migrant"], "--group migrant: no such figure of that unit and date; there are idp"),
    ],
)  # fmt: skip
def test_a_figure_that_can_not_be_found_is_told_with_what_to_give(
    released: Path, arguments: list[str], says: str
) -> None:
    told = dtm("explain", *arguments, "--home", released)
    assert (told.code, says in told.err) == (2, True), told.err


def test_every_table_of_a_way_is_published() -> None:
    from dtm_pipeline.contracts import published_tables

    assert {t for way in WAYS for t in way.tables} <= {t.name for t in published_tables()}


def test_it_answers_without_the_heavy_libraries(released: Path) -> None:
    code = (
        "import sys; from dtm_pipeline.cli import run_command; "
        f"run_command(['explain', 'out_dtm__governorate_idp', '--admin1', 'IQG15', '--home', {str(released)!r}]); "
        "print([m for m in ('dagster', 'pandera', 'geopandas', 'great_expectations', 'duckdb') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_a_change_is_followed_back_to_both_dates(released: Path) -> None:
    told = dtm(
        "explain", "out_dtm__governorate_change", "--admin1", "iqg15", "--group", "idp", "--home", released, "--json"
    ).json()
    earlier = told["earlier"]
    assert earlier["total"] == told["figure"]["previous_individuals"] == earlier["steps"][-1]["total"]
    assert earlier["figure"]["reference_date"] == told["figure"]["previous_reference_date"]
    assert {s["sha256"] for s in earlier["sources"]}.isdisjoint({s["sha256"] for s in told["sources"]})


def test_what_a_release_holds_back_is_not_told_by_its_explanation(release_folder: Path, released: Path) -> None:
    frame = pl.read_parquet(release_folder / "tables/out_dtm__district_origin.parquet").filter("withheld")
    assert frame.height > 0
    for row in frame.head(10).iter_rows(named=True):
        told = explain(Home(released), question("out_dtm__district_origin", row))
        assert told.same_total
        assert isinstance(told.steps[1].facts["categories"], int), "how many, not which and how large"


@pytest.mark.parametrize("unit", ["individuals", "households"])
def test_an_event_leads_back_to_its_report_and_not_to_a_replaced_delivery(tmp_path: Path, unit: str) -> None:
    """People by a size rule stand in no report: there the households are followed."""
    home = Home(tmp_path).create()
    base = {
        "event_id": "EV-001",
        "event_place": "anbar",
        "event_type": "flood",
        "location_code": "IRQ",
        "reference_date": date(2022, 3, 1),
        "admin1_code": "IQG01",
        "admin2_code": "IQG01Q01",
        "place_basis": "code",
        "newest": True,
    }
    told = [
        {"snapshot_id": "a" * 64, "source_row": 2, f"current_{unit}": 90, "leads": False, "newest": False},
        {"snapshot_id": "b" * 64, "source_row": 2, f"current_{unit}": 70, f"returned_{unit}": 5, "leads": True},
        {"snapshot_id": "b" * 64, "source_row": 3, f"current_{unit}": 30, f"returned_{unit}": 0, "leads": True},
    ]
    rows = conform(pl.DataFrame([base | t for t in told], infer_schema_length=None), core.EVENT)
    write_table(rows, core.EVENT, stored(home.warehouse, core.EVENT).path("IRQ"))
    frame = event_table(with_people(rows, RULES))
    way = follow(home, "test", frame, Question("out_dtm__event", "IQG01Q01", category="EV-001"))
    assert (way.same_total, way.measure, way.total) == (True, f"current_{unit}", 100)
    assert [(s.sha256, s.rows) for s in way.sources] == [("b" * 64, [2, 3])]
