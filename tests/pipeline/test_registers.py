"""What is on record of rounds and locations moves figures through a real run, and only as it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.settings import Settings
from tests.conftest import dtm

HEADERS = "Place id,Governorate,District,Location name in English,Latitude,Longitude,Households,Individuals,Anbar,Ninewa,Camp,Host families,Pre-June14,Post March16"
FIRST = (
    "1,Ninewa,Mosul,A,36.3,43.1,10,60,10,,10,,10,",
    "2,Ninewa,Mosul,B,36.3,43.2,20,120,,20,,20,,20",
    "3,Ninewa,Mosul,C,36.4,43.1,5,30,,5,,5,5,",
)
SECOND = ("1,Ninewa,Mosul,A,36.3,43.1,12,72,12,,12,,12,",)
DATES = ("2019-08-31", "2019-10-31")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for day, rows in zip(DATES, (FIRST, SECOND), strict=True):
        name = f"Master_List_IDP_{day}_IOM_DTM.csv"
        (folder / name).write_text("\n".join(("DTM : IDP Master List", HEADERS, *rows, "")), encoding="utf-8")
        (folder / f"{name}.toml").write_text(f'country = "IRQ"\nreference_date = "{day}"\nreplaces = true\n')
    return folder


def test_registers_say_what_became_of_the_locations_that_a_round_does_not_list(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, reference = tmp_path / "home", tmp_path / "reference"
    shutil.copytree(Settings().reference, reference)
    monkeypatch.setenv("DTM_REFERENCE", str(reference))

    def figures(*waiver: str) -> tuple[dict[str, object], dict[str, object]]:
        told = dtm("run", "--inbox", inbox, "--home", home, *waiver)
        assert told.code == 0, told.err
        folder = Path(dtm("releases", "path", "--home", home).out.strip()) / "tables"
        last = pl.col("reference_date") == pl.lit(DATES[1]).str.to_date()
        stock = pl.read_parquet(folder / "out_dtm__district_idp.parquet").filter(last).row(0, named=True)
        change = pl.read_parquet(folder / "out_dtm__district_change.parquet").filter(last).row(0, named=True)
        return stock, change

    stock, change = figures()
    assert (stock["idp_households"], stock["caveat_codes"]) == (12, [])
    assert (change["panel_change_households"], change["left_unexplained_households"]) == (2, -25)

    with (reference / "location_statements.csv").open("a", encoding="utf-8") as register:
        register.write("IRQ,3,,,closed,2019-09-15,,camp closed\n")
    with (reference / "round_statements.csv").open("a", encoding="utf-8") as register:
        register.write("irq_idp,2019-10-31,partial,the round's report\n")
    stock, change = figures()
    assert stock["idp_households"] == 12, "a partial round carries nothing where its series does not say so"
    assert (change["emptied_households"], change["left_unexplained_households"]) == (-5, -20)

    series = reference / "series.toml"
    declared = 'series_id = "irq_idp"\n'
    series.write_text(
        series.read_text(encoding="utf-8").replace(declared, declared + "carry_forward_max_age_days = 180\n")
    )
    refused = dtm("run", "--inbox", inbox, "--home", home)
    assert (refused.code, "no_headline_figure_jumps" in refused.err) == (1, True), (
        "a figure that doubles is looked at first"
    )
    stock, change = figures("--waive", "no_headline_figure_jumps=the round is partial", "--by", "A. Analyst")
    assert (stock["idp_households"], stock["idp_individuals"]) == (32, 192)
    assert (stock["locations_assessed"], stock["caveat_codes"]) == (1, ["carried_forward"])
    assert (change["change_households"], change["left_unexplained_households"]) == (-3, 0)
    assert change["panel_locations"] == 1
    told = dtm(
        "explain", "out_dtm__district_idp", "--admin2", "IQG15Q05", "--date", DATES[1], "--home", home, "--json"
    ).json()
    assert told["same_total"] is True
    assert {s["delivery"] for s in told["sources"]} == {f"Master_List_IDP_{d}_IOM_DTM.csv" for d in DATES}
    origin = pl.read_parquet(
        Path(dtm("releases", "path", "--home", home).out.strip()) / "tables/out_dtm__district_origin.parquet"
    )
    last = origin.filter(pl.col("reference_date") == pl.lit(DATES[1]).str.to_date())
    assert last["households"].sum() == 32, "what is carried forward has its breakdown with it"


def test_a_statement_that_is_none_is_told(inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = tmp_path / "reference"
    shutil.copytree(Settings().reference, reference)
    monkeypatch.setenv("DTM_REFERENCE", str(reference))
    with (reference / "round_statements.csv").open("a", encoding="utf-8") as register:
        register.write("irq_idp,2019-10-31,finished,somebody\n")
    told = dtm("run", "--inbox", inbox, "--home", tmp_path / "home")
    assert (told.code, "a statement is one of complete, partial; found 'finished'" in told.err) == (2, True), told.err
