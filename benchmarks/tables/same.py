"""Stocks, breakdowns and change by governorate and district with our methods: the tables that peer_pandas.py makes.

python benchmarks/tables/same.py HOME OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from dtm_pipeline.contracts import core
from dtm_pipeline.domain.breakdowns import SmallCells, breakdown_by_area
from dtm_pipeline.domain.change import (
    ChangeRules,
    change_by_area,
    change_of_districts,
    consecutive_dates,
    dates_apart,
    with_dynamics,
)
from dtm_pipeline.domain.stocks import stock_by_area
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import stored

SMALL = SmallCells(5, 30, 3)
CHANGE = ChangeRules(12, 45, 600, (0.1, 0.2, 0.3))
LEVELS = ("governorate", "district")


def main(home: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    warehouse = home / "warehouse"
    reference = Reference(Settings().reference)
    rules, registers = reference.size_rules, reference.registers
    stock = stored(warehouse, core.STOCK).read_all()
    cells = stored(warehouse, core.BREAKDOWN).read_all()
    pairs, year = consecutive_dates(stock), dates_apart(stock, 12, 45)
    parts = change_of_districts(stock, pl.concat([pairs, year]).unique(), rules, registers)
    for level in LEVELS:
        stock_by_area(stock, level, "idp").write_parquet(out / f"{level}_stock.parquet")
        told = breakdown_by_area(cells, level, SMALL)
        told.write_parquet(out / f"{level}_breakdown.parquet")
        change = with_dynamics(
            change_by_area(stock, parts, pairs, level), change_by_area(stock, parts, year, level), CHANGE
        )
        change.write_parquet(out / f"{level}_change.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
