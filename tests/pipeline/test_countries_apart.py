"""A country never stops another: gates refuse a country, which keeps its last good tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from checks import steps
from dtm_pipeline.contracts import core
from dtm_pipeline.domain import invariants
from tests.conftest import Answer, dtm

IRAQ = {"operation": "Iraq conflict", "admin0Pcode": "IRQ", "admin1Pcode": "IRQ-G15", "admin2Pcode": "IRQ-G15Q05", "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip
LEBANON = {"operation": "Displacement due to conflict", "admin0Pcode": "LBN", "admin1Name": "South", "admin1Pcode": "LB6", "admin2Name": "Sour", "admin2Pcode": "LB63", "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip
SYRIA = {"operation": "Syrian Arab Republic Displacement", "admin0Pcode": "SYR", "admin1Name": "Aleppo", "admin1Pcode": "SY02", "admin2Name": "Afrin", "admin2Pcode": "SY0203", "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip


def rows(base: dict[str, Any], day: str, *people: int, **more: list[Any]) -> str:
    told = [{**base, "id": i, "reportingDate": f"{day}T00:00:00", "numPresentIdpInd": n, **{k: v[i] for k, v in more.items()}} for i, n in enumerate(people)]  # fmt: skip
    return json.dumps(told)


def run(folder: Path, *arguments: object, **files: str) -> Answer:
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    for name, text in files.items():
        (inbox / f"{name}.json").write_text(text)
    return dtm("run", "--inbox", inbox, "--home", folder / "home", *arguments)


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(release(folder) / "tables" / f"{name}.parquet")


def release(folder: Path) -> Path:
    return Path(dtm("releases", "path", "--home", folder / "home").out.strip())


def people(folder: Path) -> dict[tuple[str, str], int]:
    told = table(folder, "out_dtm__governorate_idp").select("location_code", "reference_date", "idp_individuals")
    return {(c, str(day)): n for c, day, n in told.rows()}


def test_origins_outside_iraq_are_categories_of_the_gazetteer(tmp_path: Path) -> None:
    lebanese = rows(LEBANON, "2024-10-31", 60, 40, idpOriginAdmin1Name=["El Nabatieh", "South"])
    syrian = rows(SYRIA, "2024-10-31", 70, 30, idpOriginAdmin1Name=["Aleppo", "Dar'a"])
    told = run(tmp_path, lebanon=lebanese, syria=syrian)
    assert told.code == 0, told.err
    origins = table(tmp_path, "out_dtm__governorate_origin").filter(~pl.col("withheld"))
    assert origins.select("category_code", "category_label", "individuals").sort("category_code").rows() == [
        ("LB4", "El Nabatieh", 60),
        ("LB6", "South", 40),
        ("SY02", "Aleppo", 70),
        ("SY12", "Dar'a", 30),
    ]


def test_a_list_of_people_displaced_by_the_climate_is_released(tmp_path: Path) -> None:
    assert dtm("samples", "make", "--rounds", 1, "--locations", 100, "--out", tmp_path / "samples").code == 0
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    sample = next((tmp_path / "samples").glob("*IDP*"))
    (inbox / sample.name).write_bytes(sample.read_bytes())
    (inbox / f"{sample.name}.toml").write_text('population_group = "climate_idp"\n')
    told = dtm("run", "--inbox", inbox, "--home", tmp_path / "home")
    assert told.code == 0, told.err
    listed = table(tmp_path, "out_dtm__governorate_climate")
    assert listed["individuals"].sum() > 0
    assert table(tmp_path, "out_dtm__governorate_shelter").filter(population_group="climate_idp").height > 0


@pytest.fixture
def jumped(tmp_path: Path) -> tuple[Path, Answer]:
    """A release of Iraq and Lebanon; then a correction of Iraq that a gate refuses, beside a new date of Lebanon."""
    told = run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600), lebanon=rows(LEBANON, "2024-03-31", 90))
    assert told.code == 0, told.err
    return tmp_path, run(tmp_path, iraq_again=rows(IRAQ, "2020-02-29", 6000), lebanon_april=rows(LEBANON, "2024-04-30", 99))  # fmt: skip


def test_a_refused_country_keeps_its_last_good_tables_and_the_others_are_released(jumped: tuple[Path, Answer]) -> None:
    folder, told = jumped
    assert told.code == 6, told.err
    assert people(folder) == {("IRQ", "2020-02-29"): 600, ("LBN", "2024-03-31"): 90, ("LBN", "2024-04-30"): 99}
    assert "kept IRQ: no_headline_figure_jumps" in told.err
    first = "its tables are those of release "
    assert first in told.err
    rounds = table(folder, "out_meta__round").filter(location_code="IRQ").row(0, named=True)
    assert rounds["kept_from_release"] in told.err
    assert rounds["kept_because"].startswith("no_headline_figure_jumps (out_dtm__governorate_idp, _returnee): no headline figure")  # fmt: skip
    manifest = json.loads((release(folder) / "manifest.json").read_text())
    assert rounds["kept_age_days"] == 1522
    kept = {"release": rounds["kept_from_release"], "age_days": 1522, "because": rounds["kept_because"]}
    assert manifest["kept"]["IRQ"] == kept
    assert manifest["previous_release"] == rounds["kept_from_release"]
    page = (release(folder) / "report" / "index.html").read_text()
    assert f"Figures of IRQ are those of release {rounds['kept_from_release']}, up to 2020-02-29" in page
    assert dtm("releases", "verify", "--home", folder / "home").code == 0


def test_ages_of_the_latest_figures_run_over_what_is_released(jumped: tuple[Path, Answer]) -> None:
    latest = pl.concat(table(jumped[0], f"out_dtm__{n}").select("location_code", "age_days") for n in ("latest", "latest_all"))  # fmt: skip
    assert dict(latest.rows()) == {"IRQ": 1522, "LBN": 0}


def test_a_kept_country_is_named_at_every_run_until_a_waiver_or_a_better_delivery(jumped: tuple[Path, Answer]) -> None:
    folder, _ = jumped
    name = release(folder).name
    again = run(folder)
    assert (again.code, "kept IRQ" in again.err, release(folder).name) == (0, True, name)
    more = run(folder, lebanon_may=rows(LEBANON, "2024-05-31", 80))
    assert (more.code, people(folder)["IRQ", "2020-02-29"], people(folder)["LBN", "2024-05-31"]) == (6, 600, 80)
    assert table(folder, "out_meta__round").filter(location_code="IRQ")["kept_from_release"].to_list() != [name], "the figures are of the first release"  # fmt: skip
    waived = run(folder, "--waive", "no_headline_figure_jumps=counted again by the ministry", "--by", "A. Analyst")
    assert waived.code == 0, waived.err
    assert people(folder)["IRQ", "2020-02-29"] == 6000
    assert json.loads((release(folder) / "manifest.json").read_text())["kept"] == {}


def test_a_country_that_was_never_released_stands_without_figures_and_with_the_reason(tmp_path: Path) -> None:
    nowhere = {**IRAQ, "admin1Pcode": None, "admin2Pcode": None, "admin1Name": "Nowhere", "admin2Name": "Nowhere"}
    told = run(tmp_path, iraq=rows(nowhere, "2020-02-29", 600), lebanon=rows(LEBANON, "2024-03-31", 90))
    assert told.code == 6, told.err
    assert people(tmp_path) == {("LBN", "2024-03-31"): 90}
    rounds = table(tmp_path, "out_meta__round").filter(location_code="IRQ").row(0, named=True)
    assert (rounds["status"], rounds["individuals"], rounds["leads"]) == ("refused", None, False)
    assert "people_are_placed" in rounds["kept_because"]
    assert "it is in no release yet" in told.err


def test_where_all_that_is_new_is_refused_readers_stay_where_they_are(tmp_path: Path) -> None:
    assert run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600), lebanon=rows(LEBANON, "2024-03-31", 90)).code == 0
    name = release(tmp_path).name
    told = run(tmp_path, again=rows(IRAQ, "2020-02-29", 6000))
    assert (told.code, release(tmp_path).name) == (1, name)
    assert "gate no_headline_figure_jumps refused IRQ" in told.err


def test_every_published_table_says_of_which_country_its_rows_are() -> None:
    from dtm_pipeline.contracts import published_tables

    assert [t.name for t in published_tables() if "location_code" not in t.column_names] == []


BROKEN = {
    "one_source_leads": ("leaders", lambda totals: totals.select(*invariants.SCOPE, leaders=pl.lit(2), expected=pl.lit(1))),
    "rows_and_persons_are_conserved": ("accounts_compared", lambda accounts: accounts.with_columns(lost=pl.lit(1))),
    "levels_add_up": ("levels_compared", lambda governorates, districts, measure: governorates.select(*invariants.SCOPE, "admin1_code", governorate=pl.lit(1), district=pl.lit(2))),
}  # fmt: skip


@pytest.mark.parametrize("check", BROKEN)
def test_a_broken_invariant_stops_the_run_before_the_release(
    check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, broken = BROKEN[check]
    monkeypatch.setattr(steps, name, broken)
    told = run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600))
    assert (told.code, check in told.err) == (70, True), told.err
    assert not (tmp_path / "home" / "releases" / "partner" / "latest.json").exists()


def test_every_check_that_states_an_invariant_is_blocking() -> None:
    blocking = {k.name for c in steps.CHECKS for k, s in zip(c.check_keys, c.check_specs, strict=False) if s.blocking}
    assert blocking == {"rows_and_persons_are_conserved", "one_source_leads", "levels_add_up"}
    assert invariants.__doc__
    assert isinstance(steps.CHECKS[0], dg.AssetChecksDefinition)


def test_core_tables_are_validated_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assets.core import facts

    real = facts.stock_facts

    def wrong(*arguments: Any) -> Any:
        made = real(*arguments)
        return replace(made, stock=made.stock.with_columns(individuals_basis=pl.lit("a guess")))

    monkeypatch.setattr(facts, "stock_facts", wrong)
    told = run(tmp_path, iraq=rows(IRAQ, "2020-02-29", 600))
    assert told.code == 70, told.err
    assert f"{core.STOCK.name} breaks its contract (individuals_basis: individuals_basis is one of" in told.err
