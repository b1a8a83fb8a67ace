"""Stocks, breakdowns and change in pandas without a loop or a function a group: what a pandas expert would write.

python benchmarks/tables/peer_pandas.py HOME OUT
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = {"governorate": ["admin1_code"], "district": ["admin1_code", "admin2_code"]}
NAMES = {"governorate": ["admin1_name", "admin1_name_local"]}
NAMES["district"] = [*NAMES["governorate"], "admin2_name", "admin2_name_local"]
TEXTS = dict.fromkeys(("boundary_edition", "operation", "assessment_type", "reporting_round"), "; ")
TEXTS["household_size_rule_id"] = "+"
KEY = ["series_id", "population_group", "reference_date", "location_code"]
# households to people: in camps, elsewhere; from the day of the change
SIZES = {("IRQ", "idp"): [("2014-01-01", 6, 6), ("2020-08-31", 5, 6)], ("IRQ", "idp_returnee"): [("2014-01-01", 6, 6)]}
OTHERS = {("SYR", "idp"): [("2020-01-01", 5, 5)], ("SYR", "idp_returnee"): [("2020-01-01", 5, 5)]}
COLUMNS = [*KEY, "admin1_code", "admin2_code", "place_id", "households", "individuals", "individuals_basis"]
COLUMNS += ["in_camp_individuals", "out_of_camp_individuals", "individuals_low", "individuals_high", "leads"]
COLUMNS += [
    "last_verified_date",
    "admin_level",
    "carried_from",
    "provider_admin2_name",
    "point_conflict",
    "place_basis",
]
COLUMNS += [*TEXTS, *NAMES["district"]]

CELLS = [*KEY, "admin1_code", "admin2_code", *NAMES["district"], "place_basis", "boundary_edition", "dimension"]
CELLS += ["category_code", "households", "households_basis", "individuals", "individuals_basis", "locations"]


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
    """The distinct texts of each group as one; only groups with several need a function."""
    distinct = rows[[*keys, column]].drop_duplicates().dropna(subset=[column]).sort_values(column)
    several = distinct.duplicated(keys, keep=False)
    alone = distinct[~several].set_index(keys)[column]
    if not several.any():
        return alone
    return pd.concat([alone, distinct[several].groupby(keys, observed=True, dropna=False)[column].agg(by.join)])


def complete(keys: list[str], rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sums that are unknown as soon as one part is."""
    grouped = rows.groupby(keys, observed=True, dropna=False)
    return grouped[columns].sum().where(grouped[columns].count().eq(grouped.size(), axis=0))


def stock_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    located = stock["admin_level"] == 4
    carried = stock["carried_from"].notna()
    people = (stock["households"].fillna(0) > 0) | (stock["individuals"].fillna(0) > 0)
    stock = stock.assign(
        populated=located & people,
        assessed=located & ~carried,
        aggregate_only=~located,
        carried_forward=carried,
        unknown=stock["individuals"].isna(),
        place_unresolved=stock["admin2_code"].isna() & stock["provider_admin2_name"].notna(),
        point_conflict=stock["point_conflict"].astype("boolean").fillna(False).astype(bool),
    )
    for level, codes in LEVELS.items():
        keys = [*KEY, *codes]
        grouped = stock.groupby(keys, observed=True, dropna=False)
        table = grouped[["households", "individuals"]].sum(min_count=1)
        table = table.join(complete(keys, stock, ["in_camp_individuals", "out_of_camp_individuals"]))
        table = table.join(complete(keys, stock, ["individuals_low", "individuals_high"]))
        table["locations_with_population"] = grouped["populated"].sum()
        table["locations_assessed"] = grouped["assessed"].sum()
        table["last_verified_date"] = grouped["last_verified_date"].max()
        for column in ("individuals_basis", "place_basis"):
            table[column] = one_or_mixed(keys, stock, column)
        for column, by in TEXTS.items():
            table[column] = joined(keys, stock, column, by)
        table[NAMES[level]] = grouped[NAMES[level]].min()
        held = grouped[["carried_forward", "place_unresolved", "point_conflict"]].any()
        held["aggregate_only"] = grouped["aggregate_only"].all()
        held["individuals_partly_unknown"] = grouped["unknown"].any() & ~grouped["unknown"].all()
        codes_held = pd.Series("", held.index)
        for code in sorted(held.columns):
            codes_held += np.where(held[code], f" {code}", "")
        table["caveat_codes"] = codes_held.str.split()
        table.loc[held["aggregate_only"], ["locations_with_population", "locations_assessed"]] = np.nan
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
        table["households_basis"] = cells.groupby(keys, observed=True, dropna=False)["households_basis"].min()
        table = table.reset_index()
        table["small"] = (table["households"] < 5) | (table["locations"] < 3)
        # a pool of one cell would tell it, and one below the limit is small itself: the next smallest join
        table["large"] = ~table["small"]
        table = table.sort_values([*area, "large", "households", "category_code"])
        grouped = table.groupby(area, observed=True, dropna=False)
        before = grouped["households"].cumsum() - table["households"]
        any_small = grouped["small"].transform("any")
        table["small"] |= any_small & ((grouped.cumcount() == 1) | (before < 5))
        table["share_denominator"] = table.groupby(area, observed=True, dropna=False)["households"].transform("sum")
        held = table[table["small"]]
        pools = complete(area, held, ["households", "individuals"])
        pools["share_denominator"] = held.groupby(area, observed=True, dropna=False)["share_denominator"].first()
        pools["individuals_basis"] = one_or_mixed(area, held, "individuals_basis")
        pools["households_basis"] = held.groupby(area, observed=True, dropna=False)["households_basis"].min()
        pools = pools.reset_index().assign(category_code="withheld", withheld=True)
        shown = table[~table["small"]].drop(columns=["small", "large", "locations"]).assign(withheld=False)
        table = pd.concat([shown, pools]) if len(pools) else shown
        table["share"] = table["households"] / table["share_denominator"]
        labels = cells.groupby(area, observed=True, dropna=False)[NAMES[level]].min()
        labels["place_basis"] = one_or_mixed(area, cells, "place_basis")
        labels["boundary_edition"] = joined(area, cells, "boundary_edition", "; ")
        made[level] = table.merge(labels.reset_index(), on=area, how="left")
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
        for side in ("previous", "current"):
            for unit in ("households", "individuals"):
                table[f"{side}_{unit}"] = table[f"{side}_{unit}"].where(table[f"{side}_rows"] > 0)
        for unit in ("households", "individuals"):
            known = table[[f"previous_{unit}", f"current_{unit}"]].fillna(0)
            table[f"change_{unit}"] = known[f"current_{unit}"] - known[f"previous_{unit}"]
            table[[f"not_reassessed_{unit}", f"merged_or_split_{unit}"]] = 0
        whole = table["previous_individuals"].fillna(0) + table["current_individuals"].fillna(0)
        panel = table["panel_previous_individuals"] + table["panel_current_individuals"]
        table["covered_share"] = (panel / whole).where(whole > 0)
        share = (span["panel_change_individuals"] + span["emptied_individuals"]) / span["dynamics_base"]
        names = np.select(
            [share.abs() > 0.3, share.abs() > 0.2, share.abs() > 0.1],
            ["dynamic", "fairly_dynamic", "fairly_stationary"],
            "stationary",
        )
        span["dynamics_class"], span["dynamics_panel_share"] = names, share
        span = span.rename(columns={"previous_date": "dynamics_previous_date"})
        told = ["dynamics_previous_date", "dynamics_panel_share", "dynamics_class"]
        span = span[span["dynamics_base"] >= 600][[*KEY, *codes, *told]]
        table = table.merge(span, on=[*KEY, *codes], how="left")
        spelled = stock.groupby(["location_code", *codes], observed=True, dropna=False)[NAMES[level]].min()
        table = table.merge(spelled.reset_index(), on=["location_code", *codes], how="left")
        made[level] = table.rename(columns={"previous_date": "previous_reference_date"})
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
    both["previous_rows"], both["current_rows"] = (~came).astype(int), (~left).astype(int)
    both["panel_locations"] = stays.astype(int)
    both["dynamics_base"] = both["individuals_then"].where(stays, 0)
    extra = [
        f"{p}_{u}"
        for u in ("households", "individuals")
        for p in ("panel_previous", "panel_current", "previous", "current")
    ]
    rows += [*extra, "previous_rows", "current_rows", "panel_locations", "dynamics_base"]
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
    out["previous_rows"], back["previous_rows"] = 1, -1
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
    began = time.perf_counter()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{time.perf_counter() - began:.3f}")
