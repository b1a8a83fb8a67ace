"""The report adds nothing that may count the same people, and shows what is not known as that."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.contracts import table
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.release import report
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference

DAY = date(2025, 7, 31)
OVERLAPPING = pl.DataFrame(
    {
        "series_id": ["syr_idp", "syr_as_sweida"],
        "population_group": ["idp", "idp"],
        "reference_date": [DAY, DAY],
        "idp_individuals": [1_000, 400],
    }
).with_columns(
    location_code=pl.lit("SYR"), admin1_code=pl.lit("SY13"), admin2_code=pl.lit("SY1300"), admin2_name=pl.lit("Sweida")
)


def tables(**told: pl.DataFrame) -> dict[str, pl.DataFrame]:
    asked = (
        "out_dtm__latest",
        "out_meta__admin_unit",
        "out_dtm__district_severity_score",
        "out_dtm__district_returnee",
    )
    return {n: empty(table(n)) for n in asked} | {n: conform(f, table(n)) for n, f in told.items()}


@pytest.mark.parametrize("headline", [True, False])
def test_series_that_overlap_are_never_added_on_a_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headline: bool
) -> None:
    monkeypatch.setattr(report, "district_features", lambda *_: [{}])
    monkeypatch.setattr(report, "outline_features", lambda *_: [])
    monkeypatch.setattr(report, "district_map", lambda values, *_: {"drawn": values["value"].to_list()})
    told = tables(out_dtm__district_idp=OVERLAPPING)
    if headline:
        told["out_dtm__latest"] = conform(OVERLAPPING.head(1), table("out_dtm__latest"))
    page = report.Page()
    report._maps(page, "SYR", told, Home(tmp_path), Reference(Settings().reference))
    assert [spec["drawn"] for spec in page.charts.values()] == ([[1_000]] if headline else [[400], [1_000]])
    titles = [label for label in ("IDPs, syr_as_sweida", "IDPs, syr_idp", "IDPs, 31") if label in "".join(page.parts)]
    assert titles == (["IDPs, 31"] if headline else ["IDPs, syr_as_sweida", "IDPs, syr_idp"])


def test_a_series_without_known_people_is_no_zero() -> None:
    governorates = conform(
        OVERLAPPING.head(1).drop("admin2_code", "admin2_name").with_columns(idp_individuals=pl.lit(None, pl.Int64)),
        table("out_dtm__governorate_idp"),
    )
    series = pl.DataFrame({"series_id": ["syr_idp"], "title": ["IDPs"], "headline": [True], "status": ["active"]})
    told = {
        "out_dtm__governorate_idp": governorates,
        "out_dtm__governorate_returnee": empty(table("out_dtm__governorate_returnee")),
        "out_meta__series": series,
        "out_dtm__latest": empty(table("out_dtm__latest")),
        "out_meta__round": empty(table("out_meta__round")),
    }
    over_time = report._series_over_time(told, "SYR")
    assert over_time["individuals"].to_list() == [None]
    page = report.Page()
    report._cards(page, over_time, told, "SYR")
    assert "people not known" in "".join(page.parts)
