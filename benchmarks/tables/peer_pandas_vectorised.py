"""Stocks, breakdowns and change in pandas without a loop or a function a group: what a pandas expert would write.

python benchmarks/tables/peer_pandas_vectorised.py HOME OUT
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
COLUMNS += ["in_camp_individuals", "out_of_camp_individuals", "individuals_low", "individuals_high", "leads"]
COLUMNS += ["last_verified_date", "household_size_rule_id", "admin1_name", "admin2_name"]

CELLS = [*KEY, "admin1_code", "admin2_code", "admin1_name", "admin2_name", "dimension", "category_code"]
CELLS += ["households", "individuals", "individuals_basis", "locations"]


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


def one_or_mixed(keys: list[str], rows: pd.DataFrame, column: str) -> pd.Series:
    """The one text of each group, `mixed` where there are several."""
    distinct = rows[[*keys, column]].drop_duplicates().dropna(subset=[column])
    grouped = distinct.groupby(keys, observed=True, dropna=False)[column]
    return grouped.min().where(grouped.size() == 1, "mixed")


def joined(keys: list[str], rows: pd.DataFrame, column: str, by: str) -> pd.Series:
    distinct = rows[[*keys, column]].drop_duplicates().dropna(subset=[column]).sort_values(column)
    return distinct.groupby(keys, observed=True, dropna=False)[column].agg(by.join)


def complete(keys: list[str], rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sums that are unknown as soon as one part is."""
    grouped = rows.groupby(keys, observed=True, dropna=False)
    return grouped[columns].sum().where(grouped[columns].count().eq(grouped.size(), axis=0))


def stock_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    stock = stock.assign(populated=(stock["households"].fillna(0) > 0) | (stock["individuals"].fillna(0) > 0))
    for level, codes in LEVELS.items():
        keys = [*KEY, *codes]
        grouped = stock.groupby(keys, observed=True, dropna=False)
        table = grouped[["households", "individuals"]].sum(min_count=1)
        table = table.join(complete(keys, stock, ["in_camp_individuals", "out_of_camp_individuals"]))
        table = table.join(complete(keys, stock, ["individuals_low", "individuals_high"]))
        table["locations_with_population"] = grouped["populated"].sum()
        table["locations_assessed"] = grouped.size()
        table["last_verified_date"] = grouped["last_verified_date"].max()
        table["individuals_basis"] = one_or_mixed(keys, stock, "individuals_basis")
        table["household_size_rule_id"] = joined(keys, stock, "household_size_rule_id", "+")
        for name in ("admin1_name", "admin2_name")[: len(codes)]:
            table[name] = grouped[name].min()
        made[level] = table.reset_index()
    return made


def breakdown_tables(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    for level, codes in LEVELS.items():
        area = [*KEY, *codes, "dimension"]
        keys = [*area, "category_code"]
        table = complete(keys, cells, ["households", "individuals"])
        table["locations"] = cells.groupby(keys, observed=True, dropna=False)["locations"].sum()
        table["individuals_basis"] = one_or_mixed(keys, cells, "individuals_basis")
        table = table.reset_index()
        table["small"] = (table["households"] < 5) | (table["locations"] < 3)
        # a pool of one cell would tell it: the next smallest joins
        alone = table.groupby(area, observed=True, dropna=False)["small"].transform("sum") == 1
        rest = table[alone & ~table["small"]].sort_values(["households", "category_code"])
        table.loc[rest.groupby(area, observed=True, dropna=False).head(1).index, "small"] = True
        table["share_denominator"] = table.groupby(area, observed=True, dropna=False)["households"].transform("sum")
        held = table[table["small"]]
        pools = complete(area, held, ["households", "individuals"])
        pools["share_denominator"] = held.groupby(area, observed=True, dropna=False)["share_denominator"].first()
        pools["individuals_basis"] = one_or_mixed(area, held, "individuals_basis")
        pools = pools.reset_index().assign(category_code="withheld")
        table = pd.concat([table[~table["small"]].drop(columns=["small", "locations"]), pools])
        table["share"] = table["households"] / table["share_denominator"]
        for name in ("admin1_name", "admin2_name")[: len(codes)]:
            names = cells[[*codes, name]].drop_duplicates(codes)
            table = table.merge(names, on=codes, how="left")
        made[level] = table
    return made


def consecutive(stock: pd.DataFrame) -> pd.DataFrame:
    dates = stock[["series_id", "reference_date"]].drop_duplicates().sort_values(["series_id", "reference_date"])
    dates["previous_date"] = dates.groupby("series_id")["reference_date"].shift(1)
    return dates.dropna()


def a_year_apart(stock: pd.DataFrame) -> pd.DataFrame:
    dates = stock[["series_id", "reference_date"]].drop_duplicates()
    both = dates.merge(dates.rename(columns={"reference_date": "previous_date"}), on="series_id")
    both["off"] = (both["previous_date"] - (both["reference_date"] - pd.DateOffset(months=12))).dt.days.abs()
    both = both[(both["previous_date"] < both["reference_date"]) & (both["off"] <= 45)]
    nearest = both.sort_values(["off", "previous_date"]).drop_duplicates(["series_id", "reference_date"])
    return nearest.drop(columns="off")


def change_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    now = parts_of(stock, consecutive(stock))
    year = parts_of(stock, a_year_apart(stock))
    made = {}
    for level, codes in LEVELS.items():
        table, span = (
            e.groupby([*KEY, "previous_date", *codes], observed=True, dropna=False).sum(numeric_only=True).reset_index()
            for e in (now, year)
        )
        whole = table["previous_individuals"] + table["current_individuals"]
        panel = table["panel_previous_individuals"] + table["panel_current_individuals"]
        table["covered_share"] = (panel / whole).where(whole > 0)
        share = (span["panel_change_individuals"] + span["emptied_individuals"]) / span["dynamics_base"]
        names = np.select(
            [share.abs() > 0.3, share.abs() > 0.2, share.abs() > 0.1],
            ["dynamic", "fairly_dynamic", "fairly_stationary"],
            "stationary",
        )
        span["dynamics_class"] = names
        span = span[span["dynamics_base"] >= 600][[*KEY, *codes, "dynamics_class"]]
        made[level] = table.merge(span, on=[*KEY, *codes], how="left")
    return made


def parts_of(stock: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    place = ["series_id", "population_group", "location_code", "place_id"]
    then = pairs.rename(columns={"reference_date": "later", "previous_date": "reference_date"})
    before = stock.merge(then, on=["series_id", "reference_date"])
    before = before.rename(columns={"reference_date": "previous_date", "later": "reference_date"})
    after = stock.merge(pairs, on=["series_id", "reference_date"])
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
    for unit in ("households", "individuals"):
        both[f"panel_previous_{unit}"] = both[f"{unit}_then"].where(stays, 0)
        both[f"panel_current_{unit}"] = both[f"{unit}_now"].where(stays, 0)
        both[f"previous_{unit}"], both[f"current_{unit}"] = both[f"{unit}_then"], both[f"{unit}_now"]
    both["panel_locations"] = stays.astype(int)
    both["dynamics_base"] = both["individuals_then"].where(stays, 0)
    extra = [
        f"{p}_{u}"
        for u in ("households", "individuals")
        for p in ("panel_previous", "panel_current", "previous", "current")
    ]
    rows += [*extra, "panel_locations", "dynamics_base"]
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
        for side, sign in ((out, 1), (back, -1)):
            side[f"rule_or_category_{unit}"] = -sign * moved[f"{unit}_then"]
            for figure in ("previous", "panel_previous"):
                side[f"{figure}_{unit}"] = sign * moved[f"{unit}_then"]
    columns = [*KEY, "previous_date", *LEVELS["district"], *rows]
    return pd.concat([f[columns] for f in (here, gone, out, back)])


def main(home: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    core = home / "warehouse/core"
    stock = pd.read_parquet(core / "core_dtm__stock", columns=COLUMNS)
    stock = stock[stock["leads"]].assign(reference_date=lambda f: pd.to_datetime(f["reference_date"]))
    cells = pd.read_parquet(core / "core_dtm__breakdown", columns=CELLS)
    for name, tables in (
        ("stock", stock_tables(stock)),
        ("breakdown", breakdown_tables(cells)),
        ("change", change_tables(stock)),
    ):
        for level, table in tables.items():
            table.to_parquet(out / f"{level}_{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
