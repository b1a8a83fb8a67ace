"""Figures of a release: counted once, adding up, traceable."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from dtm_pipeline.contracts import core, published_tables
from dtm_pipeline.contracts.derive import arrow_schema, pandera_schema
from dtm_pipeline.storage.tables import stored
from tests.conftest import dtm

SCOPE = ["series_id", "reference_date", "location_code", "admin1_code"]


def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "tables" / f"{name}.parquet")


def test_every_declared_table_is_written_with_its_contract_and_metadata(release_folder: Path) -> None:
    for table in published_tables():
        path = release_folder / "tables" / f"{table.name}.parquet"
        assert pq.read_schema(path).equals(arrow_schema(table), check_metadata=True), table.name
        frame = pl.read_parquet(path)
        pandera_schema(table).validate(frame, lazy=True)
        assert frame.equals(frame.sort(table.grain, nulls_last=True)), f"{table.name} is not sorted by its grain"


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("idp", ["idp_households", "idp_individuals"]),
        ("returnee", ["returnee_households", "returnee_individuals"]),
        ("severity_class", ["individuals", "locations"]),
    ],
)
def test_districts_add_up_to_governorates_to_the_person(release_folder: Path, name: str, measures: list[str]) -> None:
    sums = [
        read(release_folder, f"out_dtm__{level}_{name}").group_by(SCOPE).agg(pl.col(measures).sum()).sort(SCOPE)
        for level in ("governorate", "district")
    ]
    assert sums[0].height > 0
    assert sums[0].equals(sums[1])


def test_a_list_and_an_api_answer_of_one_round_give_the_stock_once_and_the_comparison(
    release_folder: Path, samples: Path
) -> None:
    rounds = read(release_folder, "out_meta__round").filter(series_id="irq_idp")
    stock = (
        read(release_folder, "out_dtm__governorate_idp").group_by("reference_date").agg(pl.col("idp_individuals").sum())
    )
    both = rounds.group_by("reference_date").agg(
        pl.col("source_kind").unique().sort(),
        leader=pl.col("individuals").filter("leads").sum(),
        leaders=pl.col("leads").sum(),
        levels=pl.len(),
    )
    joined = both.join(stock, on="reference_date")
    assert (joined["leaders"] == 1).all()
    assert joined["leader"].to_list() == joined["idp_individuals"].to_list()
    shared = joined.filter(pl.col("source_kind").list.len() == 2)
    assert shared.height == 3, "three rounds came as list and as API answer"
    assert (shared["levels"] == 4).all(), "the list, and the API at three levels"
    differences = rounds.filter(~pl.col("leads") & (pl.col("difference_individuals") != 0))
    assert differences.select("admin_level", "difference_individuals").rows() == [(2, 60)], "the one planted difference"


def test_the_api_date_a_day_off_joined_the_date_of_the_list(release_folder: Path) -> None:
    told = read(release_folder, "out_meta__round").filter(series_id="irq_idp", source_kind="dtm_api")
    dates = told.select(pl.col("reference_date").cast(pl.String), "source_reference_dates").unique().rows()
    assert ("2020-02-29", "2020-03-01") in dates


def test_every_breakdown_sums_to_the_stock_of_its_area(release_folder: Path) -> None:
    stock = pl.concat(
        [
            read(release_folder, f"out_dtm__district_{n}").select(
                "series_id", "reference_date", "admin1_code", "admin2_code", h=f"{n}_households", i=f"{n}_individuals"
            )
            for n in ("idp", "returnee")
        ]
    )
    key = ["series_id", "reference_date", "admin1_code", "admin2_code"]
    for dimension in ("origin", "shelter", "period"):
        cells = read(release_folder, f"out_dtm__district_{dimension}")
        assert cells.height > 0
        sums = cells.group_by(key).agg(
            pl.col("households").sum(),
            pl.col("individuals").sum(),
            by_household=pl.col("households").is_not_null().all(),
        )
        joined = sums.join(stock, on=key, how="left", nulls_equal=True)
        told = joined.select(
            pl.when("by_household")
            .then(pl.col("households") == pl.col("h"))
            .otherwise(pl.col("individuals") == pl.col("i"))
        )
        assert told.to_series().all(), dimension


def test_from_december_2020_cells_count_individuals_and_households_are_unknown(release_folder: Path) -> None:
    cells = read(release_folder, "out_dtm__governorate_origin")
    late = pl.col("reference_date") >= pl.date(2020, 12, 1)
    assert cells.filter(late)["households"].null_count() == cells.filter(late).height > 0
    assert cells.filter(~late)["households"].null_count() == 0


def test_no_visible_cell_is_small_or_stands_on_fewer_than_three_locations(release_folder: Path, released: Path) -> None:
    facts = stored(released / "warehouse", core.BREAKDOWN).read("IRQ")
    for dimension in ("origin", "shelter", "period"):
        visible = read(release_folder, f"out_dtm__district_{dimension}").filter(~pl.col("withheld"))
        key = ["series_id", "reference_date", "admin2_code", "category_code"]
        locations = facts.filter(dimension=dimension).select(*key, "locations")
        assert (visible.join(locations, on=key, nulls_equal=True)["locations"] >= 3).all()
        assert (visible["households"].drop_nulls() >= 5).all()


def test_latest_is_the_newest_figure_of_each_headline_series(release_folder: Path) -> None:
    latest = read(release_folder, "out_dtm__latest")
    assert set(latest["series_id"]) == {"irq_idp", "irq_returnee"}
    assert latest["age_days"].unique().to_list() == [0]
    stock = read(release_folder, "out_dtm__district_idp").filter(
        pl.col("reference_date") == pl.col("reference_date").max()
    )
    assert latest.filter(series_id="irq_idp")["individuals"].sum() == stock["idp_individuals"].sum()


def test_every_district_of_the_gazetteer_has_a_coverage_on_every_date(release_folder: Path) -> None:
    coverage = read(release_folder, "out_meta__coverage")
    assert set(coverage.group_by("series_id", "reference_date").len()["len"]) == {101}
    assessed = coverage.filter(coverage="assessed", series_id="irq_idp").height
    placed = read(release_folder, "out_dtm__district_idp").filter(pl.col("admin2_code").is_not_null()).height
    assert assessed == placed


def test_severity_names_its_model_and_tells_who_was_not_assessed(release_folder: Path) -> None:
    classes = read(release_folder, "out_dtm__governorate_severity_class")
    assert set(classes["index_name"]) == {"return_conditions"}
    assert "not_assessed" in set(classes["severity_class"])
    stock = read(release_folder, "out_dtm__governorate_returnee").filter(
        pl.col("reference_date") == pl.col("reference_date").max()
    )
    assert classes["individuals"].sum() == stock["returnee_individuals"].sum()


def test_border_flows_are_movements_a_day_with_closures_as_stated_zeros(release_folder: Path) -> None:
    flow = read(release_folder, "out_dtm__border_flow_daily")
    assert set(flow["direction"]) == {"in", "out"}
    assert set(flow["operating_day"]) == {"unknown"}
    assert flow.filter(flow_point_id="IRQ-FP-RABIA", movements=0).height == 60
    assert flow.filter(flow_point_id="IRQ-FP-IBRAHIM-KHALIL")["observed_on"].n_unique() == 240, (
        "two spellings, one point"
    )


def test_every_leading_figure_can_be_traced_to_the_rows_that_it_came_from(released: Path, release_folder: Path) -> None:
    stock = stored(released / "warehouse", core.STOCK).read("IRQ").filter("leads")
    district = (
        read(release_folder, "out_dtm__district_idp")
        .filter(admin2_code="IQG15Q05")
        .sort("reference_date")
        .row(-1, named=True)
    )
    rows = stock.filter(series_id="irq_idp", admin2_code="IQG15Q05", reference_date=district["reference_date"])
    assert rows["individuals"].sum() == district["idp_individuals"]
    assert rows.select("snapshot_id", "source_row").null_count().row(0) == (0, 0)
    assert rows.height == district["locations_with_population"]


def test_a_reader_finds_everything_beside_the_tables(release_folder: Path) -> None:
    for name in (
        "manifest.json",
        "datapackage.json",
        "data_dictionary.md",
        "data_dictionary.csv",
        "changes.json",
        "README.md",
        "quality/results.json",
        "report/index.html",
    ):
        assert (release_folder / name).stat().st_size > 0, name
    package = json.loads((release_folder / "datapackage.json").read_text())
    for resource in package["resources"]:
        schema = pq.read_schema(release_folder / resource["path"])
        assert [f["name"] for f in resource["schema"]["fields"]] == schema.names


def test_status_tells_what_leads_and_why(released: Path) -> None:
    told = dtm("status", "--home", released)
    assert told.code == 0
    assert "leads: the deepest level, then the series' order of sources" in told.out
    assert "compared: master_list at location level leads" in told.out
