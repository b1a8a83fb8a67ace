"""Every table of every country of a home from its core facts, without Dagster, gates and report.

python benchmarks/tables/ours.py HOME OUT [--judge]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import polars as pl

from dtm_pipeline.contracts import core, table
from dtm_pipeline.figures.families import FAMILIES, make_all
from dtm_pipeline.figures.parameters import Parameters
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import judged, stored, write_table

REJECTED = {
    "snapshot_id": pl.String,
    "reference_date": pl.Date,
    "rejected_rows": pl.Int64,
    "rejected_individuals": pl.Int64,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--judge", action="store_true", help="judge each table by its contract, as a run does")
    arguments = parser.parse_args()
    began = time.perf_counter()
    warehouse = arguments.home / "warehouse"
    reference = Reference(Settings().reference)
    gazetteer = Gazetteer.load(reference.folder)
    totals = stored(warehouse, core.SOURCE_TOTAL)
    for country in sorted(totals.keys()):
        told = Parameters.of(reference, gazetteer.of_country(country), country, pl.DataFrame(schema=REJECTED))
        asked = {n for f in FAMILIES for n in f.inputs}
        facts = {n: stored(warehouse, table(n)).read(country) for n in asked}
        for name, frame in make_all(facts, told).items():
            made = judged(frame, table(name)) if arguments.judge else frame
            write_table(made, table(name), arguments.out / name / f"{country}.parquet")
    print(f"{time.perf_counter() - began:.3f}")


if __name__ == "__main__":
    main()
