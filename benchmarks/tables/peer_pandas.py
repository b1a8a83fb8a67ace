"""What an analyst would write: stocks, breakdowns and change by governorate and district, with pandas.

python benchmarks/tables/peer_pandas.py HOME OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = {"governorate": ["admin1_code"], "district": ["admin1_code", "admin2_code"]}
KEY = ["series_id", "population_group", "reference_date", "location_code"]
# households to people: in camps, elsewhere; from the day of the change
SIZES = {("IRQ", "idp"): [("2014-01-01", 6, 6), ("2020-08-31", 5, 6)], ("IRQ", "idp_returnee"): [("2014-01-01", 6, 6)]}
OTHERS = {("SYR", "idp"): [("2020-01-01", 5, 5)], ("SYR", "idp_returnee"): [("2020-01-01", 5, 5)]}
COLUMNS = [*KEY, "admin1_code", "admin2_code", "place_id", "households", "individuals", "individuals_basis"]
COLUMNS += ["in_camp_individuals", "out_of_camp_individuals", "leads"]


def size_at(rows: pd.DataFrame, day: str) -> tuple[pd.Series, pd.Series]:
    """Sizes in camps and elsewhere by the rule of each row's `day`; nothing before the first rule."""
    inside = pd.Series(np.nan, rows.index)
    outside = pd.Series(np.nan, rows.index)
    for (country, group), rules in {**SIZES, **OTHERS}.items():
        mine = (rows["location_code"] == country) & (rows["population_group"] == group)
        for start, camp, other in rules:
            holds = mine & (rows[day] >= pd.Timestamp(start))
            inside[holds], outside[holds] = camp, other
    return inside, outside


def stock_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    for level, codes in LEVELS.items():
        table = stock.groupby([*KEY, *codes], observed=True, dropna=False).agg(
            households=("households", "sum"),
            individuals=("individuals", "sum"),
            known=("individuals", "count"),
            in_camp=("in_camp_individuals", "sum"),
            out_of_camp=("out_of_camp_individuals", "sum"),
            locations=("place_id", "size"),
        )
        table["individuals"] = table["individuals"].where(table["known"] > 0)
        made[level] = table.drop(columns="known").reset_index()
    return made


def breakdown_tables(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    for level, codes in LEVELS.items():
        area = [*KEY, *codes, "dimension"]
        table = cells.groupby([*area, "category_code"], observed=True, dropna=False).agg(
            households=("households", "sum"), locations=("locations", "sum")
        )
        table = table.reset_index()
        table["small"] = (table["households"] < 5) | (table["locations"] < 3)
        # a pool of one cell would tell it: the next smallest joins
        alone = table.groupby(area, observed=True, dropna=False)["small"].transform("sum") == 1
        rest = table[alone & ~table["small"]].sort_values(["households", "category_code"])
        table.loc[rest.groupby(area, observed=True, dropna=False).head(1).index, "small"] = True
        table.loc[table["small"], "category_code"] = "withheld"
        table = table.groupby([*area, "category_code"], observed=True, dropna=False)["households"].sum().reset_index()
        whole = table.groupby(area, observed=True, dropna=False)["households"].transform("sum")
        table["share"] = table["households"] / whole
        made[level] = table
    return made


def change_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    dates = stock[["series_id", "reference_date"]].drop_duplicates().sort_values(["series_id", "reference_date"])
    dates["next_date"] = dates.groupby("series_id")["reference_date"].shift(-1)
    place = ["series_id", "population_group", "location_code", "place_id"]
    before = stock.merge(dates.dropna(), on=["series_id", "reference_date"])
    before = before.rename(columns={"reference_date": "previous_date", "next_date": "reference_date"})
    dates["previous_date"] = dates.groupby("series_id")["reference_date"].shift(1)
    after = stock.merge(dates.dropna(subset=["previous_date"])[["series_id", "reference_date", "previous_date"]])
    inside, outside = size_at(after, "previous_date")
    now_inside, _ = size_at(after, "reference_date")
    camp = (after["in_camp_individuals"] / now_inside).round().fillna(0)
    after["effect"] = (
        (after["individuals"] - camp * inside - (after["households"] - camp) * outside)
        .where(after["individuals_basis"] == "rule")
        .fillna(0)
    )
    both = before.merge(
        after, on=[*place, "reference_date", "previous_date"], how="outer", suffixes=("_then", "_now"), indicator=True
    )
    numbers = ["households_then", "households_now", "individuals_then", "individuals_now", "effect"]
    both[numbers] = both[numbers].fillna(0)
    stays, came, left = (both["_merge"] == w for w in ("both", "right_only", "left_only"))
    emptied = stays & (both["households_now"] == 0) & (both["individuals_now"] == 0)
    rows = []
    for unit in ("households", "individuals"):
        effect = both["effect"] if unit == "individuals" else 0 * both["effect"]
        moved = both[f"{unit}_now"] - both[f"{unit}_then"] - effect
        both[f"panel_change_{unit}"] = moved.where(stays & ~emptied, 0)
        both[f"emptied_{unit}"] = moved.where(emptied, 0)
        both[f"newly_listed_{unit}"] = moved.where(came, 0)
        both[f"left_unexplained_{unit}"] = moved.where(left, 0)
        both[f"rule_or_category_{unit}"] = effect.where(~left, 0)
        rows += [
            f"{p}_{unit}" for p in ("panel_change", "emptied", "newly_listed", "left_unexplained", "rule_or_category")
        ]
    here = both[~left].assign(admin1_code=lambda f: f["admin1_code_now"], admin2_code=lambda f: f["admin2_code_now"])
    gone = both[left].assign(admin1_code=lambda f: f["admin1_code_then"], admin2_code=lambda f: f["admin2_code_then"])
    # who stands in another district now moved nowhere: the old district loses them, the new one gains them
    moved = both[stays & (both["admin2_code_then"] != both["admin2_code_now"])]
    out = moved.assign(
        admin1_code=moved["admin1_code_then"], admin2_code=moved["admin2_code_then"], **dict.fromkeys(rows, 0)
    )
    back = moved.assign(
        admin1_code=moved["admin1_code_now"], admin2_code=moved["admin2_code_now"], **dict.fromkeys(rows, 0)
    )
    for unit in ("households", "individuals"):
        out[f"rule_or_category_{unit}"] = -moved[f"{unit}_then"]
        back[f"rule_or_category_{unit}"] = moved[f"{unit}_then"]
    every = pd.concat([here, gone, out, back])
    return {
        level: every.groupby([*KEY, "previous_date", *codes], observed=True, dropna=False)[rows].sum().reset_index()
        for level, codes in LEVELS.items()
    }


def main(home: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    core = home / "warehouse/core"
    stock = pd.read_parquet(core / "core_dtm__stock", columns=COLUMNS)
    stock = stock[stock["leads"]].assign(reference_date=lambda f: pd.to_datetime(f["reference_date"]))
    cells = pd.read_parquet(
        core / "core_dtm__breakdown",
        columns=[*KEY, "admin1_code", "admin2_code", "dimension", "category_code", "households", "locations"],
    )
    for name, tables in (
        ("stock", stock_tables(stock)),
        ("breakdown", breakdown_tables(cells)),
        ("change", change_tables(stock)),
    ):
        for level, table in tables.items():
            table.to_parquet(out / f"{level}_{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
