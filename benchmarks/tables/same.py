"""Stocks, breakdowns and change by governorate and district with our methods: the tables that peer_pandas.py makes.

python benchmarks/tables/same.py HOME OUT
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import polars as pl

from dtm_pipeline.contracts import core
from dtm_pipeline.domain.breakdowns import SmallCells, breakdown_by_areas
from dtm_pipeline.domain.change import (
    ChangeRules,
    change_by_area,
    change_of_districts,
    consecutive_dates,
    dates_apart,
    with_dynamics,
)
from dtm_pipeline.domain.stocks import AREA_CODES, AREA_NAMES, JOINED, SERIES_KEY, stock_by_areas
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import stored

SMALL = SmallCells(5, 30, 3)
CHANGE = ChangeRules(12, 45, 600, (0.1, 0.2, 0.3))
REFERENCE = Reference(Settings().reference)
RULES, REGISTERS = REFERENCE.size_rules, REFERENCE.registers  # what the peer has as constants
SNAPPY: Literal["snappy"] = "snappy"  # what pandas writes by default
LEVELS = ("governorate", "district")
# what these methods ask of core_dtm__stock
COLUMNS = ["snapshot_id", "source_sheet", "source_row", *SERIES_KEY, *AREA_CODES["district"], *AREA_NAMES["district"]]
COLUMNS += ["place_basis", "place_id", "admin_level", "provider_admin2_name", "point_conflict", "carried_from", "leads"]
COLUMNS += ["households", "individuals", "individuals_basis", "individuals_low", "individuals_high"]
COLUMNS += ["in_camp_individuals", "out_of_camp_individuals", "last_verified_date", *JOINED]


def main(home: Path, out: Path) -> None:
    """The three side by side, as `make_all` does for the families of a country."""
    out.mkdir(parents=True, exist_ok=True)
    warehouse = home / "warehouse"
    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        making = [side_by_side.submit(breakdowns, warehouse, out)]
        stock = stored(warehouse, core.STOCK).read_all(columns=COLUMNS)
        making += [side_by_side.submit(changes, stock, out), side_by_side.submit(stocks, stock, out)]
        for made in making:
            made.result()


def stocks(stock: pl.DataFrame, out: Path) -> None:
    for level, told in stock_by_areas(stock, ("district", "governorate"), "idp").items():
        told.write_parquet(out / f"{level}_stock.parquet", compression=SNAPPY)


def breakdowns(warehouse: Path, out: Path) -> None:
    cells = stored(warehouse, core.BREAKDOWN).read_all()
    for level, told in breakdown_by_areas(cells, ("district", "governorate"), SMALL).items():
        told.write_parquet(out / f"{level}_breakdown.parquet", compression=SNAPPY)


def changes(stock: pl.DataFrame, out: Path) -> None:
    pairs, year = consecutive_dates(stock), dates_apart(stock, 12, 45)
    parts = change_of_districts(stock, pl.concat([pairs, year]).unique(), RULES, REGISTERS)
    for level in LEVELS:
        change = with_dynamics(change_by_area(stock, parts, pairs, level), parts, year, level, CHANGE)
        change.write_parquet(out / f"{level}_change.parquet", compression=SNAPPY)


if __name__ == "__main__":
    began = time.perf_counter()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{time.perf_counter() - began:.3f}")
