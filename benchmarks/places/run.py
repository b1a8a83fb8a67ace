"""How many labelled places are resolved: right, wrong and silent, abstained, by kind, script and country.

    python benchmarks/places/run.py [--peer PYTHON] [--cases FILE] [--misses]

`--peer` is an interpreter that has hdx-python-country 4.2.5 (`pip install -r benchmarks/places/peers.txt` in an
environment of its own); its answers to the same names stand beside ours. `--misses` lists every case that is not right.

A case without an expected code is a trap: no match is right. Wrong and silent is a code that is not the expected one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import polars as pl

from dtm_pipeline.places import Gazetteer, resolve
from dtm_pipeline.places.gazetteer import UNIT_SCHEMA
from dtm_pipeline.settings import Settings

HERE = Path(__file__).parent


def read_cases(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, infer_schema=False).with_columns(
        pl.col("admin_level").cast(pl.Int64), expected=pl.col("expected").replace("", None)
    )


def ours(cases: pl.DataFrame) -> pl.DataFrame:
    """The code that the pipeline gives each case."""
    at = pl.col("admin_level")
    rows = cases.select(
        "location_code",
        provider_admin1_name=pl.when(at == 1).then("name").otherwise("parent"),
        provider_admin1_code=pl.when(at == 1).then("code").otherwise("parent"),
        provider_admin2_name=pl.when(at == 2).then("name"),
        provider_admin2_code=pl.when(at == 2).then("code"),
    )
    told = resolve(rows, Gazetteer.load())
    return cases.with_columns(got=pl.when(at == 1).then(told["admin1_code"]).otherwise(told["admin2_code"]))


def peers(cases: pl.DataFrame, python: Path) -> pl.DataFrame:
    """The code that hdx-python-country gives each case, from the same gazetteer."""
    units = pl.read_csv(Settings().reference / "admin_boundaries/gazetteer.csv", schema=UNIT_SCHEMA)
    asked = {"units": units.to_dicts(), "cases": cases.to_dicts()}
    told = subprocess.run(
        [python, HERE / "peer_hdx.py"], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return cases.with_columns(got=pl.Series(json.loads(told.stdout), dtype=pl.String))


def outcome() -> pl.Expr:
    got, expected = pl.col("got"), pl.col("expected")
    return (
        pl.when(got.eq_missing(expected))
        .then(pl.lit("right"))
        .when(got.is_not_null())
        .then(pl.lit("wrong"))
        .otherwise(pl.lit("abstained"))
    )


def shares(told: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Cases, and the shares that are right, wrong and silent, abstained, in percent."""
    counted = (
        told.with_columns(outcome=outcome())
        .group_by(by)
        .agg(
            pl.len().alias("cases"),
            *(
                (pl.col("outcome") == o).mean().mul(100).round(2).alias(f"{o} %")
                for o in ("right", "wrong", "abstained")
            ),
        )
    )
    return counted.sort(by)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--cases", type=Path, default=HERE / "cases.csv")
    parser.add_argument("--misses", action="store_true")
    arguments = parser.parse_args()
    cases = read_cases(arguments.cases)
    began = time.perf_counter()
    answers = {"dtm-pipeline": ours(cases)}
    print(f"{cases.height} cases, ours in {time.perf_counter() - began:.2f} s")
    if arguments.peer:
        answers["hdx-python-country"] = peers(cases, arguments.peer)
    with pl.Config(tbl_rows=100, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        for who, told in answers.items():
            print(f"\n{who}")
            whole = told.with_columns(all=pl.lit("all"))
            for by in (["all"], ["kind"], ["script"], ["location_code", "script"]):
                print(shares(whole, by))
    if arguments.misses:
        missed = answers["dtm-pipeline"].with_columns(outcome=outcome()).filter(pl.col("outcome") != "right")
        print(
            missed.select("outcome", "location_code", "parent", "name", "code", "expected", "got", "kind").write_csv()
        )


if __name__ == "__main__":
    main()
