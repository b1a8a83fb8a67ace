"""What an analyst would write: stocks, breakdowns and change by governorate and district, with pandas.

Each pair of dates is merged and told apart in turn, small cells are pooled area by area, texts are joined group by group: no
loop over rows. peer_pandas_vectorised.py makes the same tables without any function a group.

python benchmarks/tables/peer_pandas.py HOME OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from peer_pandas_vectorised import CELLS, COLUMNS, KEY, LEVELS, a_year_apart, consecutive, size_at

PARTS = ("panel_change", "newly_listed", "emptied", "left_unexplained", "rule_or_category")
PLACE = ["series_id", "population_group", "location_code", "place_id"]
UNITS = ("households", "individuals")


def known_sum(values: pd.Series) -> float:
    return values.sum(min_count=1)


def complete_sum(values: pd.Series) -> float | None:
    return None if values.isna().any() else values.sum()


def one_or_mixed(values: pd.Series) -> str | None:
    found = values.dropna().unique()
    return "mixed" if len(found) > 1 else (found[0] if len(found) else None)


def joined(values: pd.Series) -> str | None:
    return "+".join(sorted(values.dropna().unique())) or None


def stock_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    stock = stock.assign(populated=(stock["households"].fillna(0) > 0) | (stock["individuals"].fillna(0) > 0))
    made = {}
    for level, codes in LEVELS.items():
        made[level] = (
            stock.groupby([*KEY, *codes], observed=True, dropna=False)
            .agg(
                households=("households", known_sum),
                individuals=("individuals", known_sum),
                individuals_low=("individuals_low", complete_sum),
                individuals_high=("individuals_high", complete_sum),
                in_camp_individuals=("in_camp_individuals", complete_sum),
                out_of_camp_individuals=("out_of_camp_individuals", complete_sum),
                individuals_basis=("individuals_basis", one_or_mixed),
                household_size_rule_id=("household_size_rule_id", joined),
                locations_with_population=("populated", "sum"),
                locations_assessed=("place_id", "size"),
                last_verified_date=("last_verified_date", "max"),
                admin1_name=("admin1_name", "min"),
                admin2_name=("admin2_name", "min"),
            )
            .reset_index()
        )
    return made


def pooled(area: pd.DataFrame) -> pd.DataFrame:
    """The cells of one area, small ones as `withheld`; a pool of one takes the next smallest with it."""
    area = area.sort_values(["households", "category_code"])
    small = (area["households"] < 5) | (area["locations"] < 3)
    if small.sum() == 1 and len(area) > 1:
        small.loc[area.index[~small][0]] = True
    shown, held = area[~small], area[small]
    pool = held.agg({"households": complete_sum, "individuals": complete_sum, "individuals_basis": one_or_mixed})
    cells = pd.concat([shown, pool.to_frame().T.assign(category_code="withheld")]) if len(held) else shown
    cells = cells.assign(share_denominator=area["households"].sum())
    return cells[["category_code", "households", "individuals", "individuals_basis", "share_denominator"]]


def breakdown_tables(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    made = {}
    for level, codes in LEVELS.items():
        area = [*KEY, *codes, "dimension"]
        table = (
            cells.groupby([*area, "category_code"], observed=True, dropna=False)
            .agg(
                households=("households", complete_sum),
                individuals=("individuals", complete_sum),
                locations=("locations", "sum"),
                individuals_basis=("individuals_basis", one_or_mixed),
            )
            .reset_index()
        )
        table = table.groupby(area, observed=True, dropna=False).apply(pooled).reset_index(area)
        made[level] = table.assign(share=table["households"] / table["share_denominator"])
    return made


def pair_parts(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The parts of one pair of dates by district."""
    day, previous = after["reference_date"].iloc[0], before["reference_date"].iloc[0]
    then, now_inside = size_at(after.assign(day=previous), "day"), size_at(after, "reference_date")[0]
    camp = (after["in_camp_individuals"] / now_inside).round().fillna(0)
    restated = camp * then[0] + (after["households"] - camp) * then[1]
    effect = (after["individuals"] - restated).where(after["individuals_basis"] == "rule").fillna(0)
    both = before.merge(after.assign(effect=effect), on=PLACE, how="outer", suffixes=("_then", "_now"), indicator=True)
    figures = [f"{u}_{s}" for u in UNITS for s in ("then", "now")]
    both[[*figures, "effect"]] = both[[*figures, "effect"]].fillna(0)
    stays, came, left = (both["_merge"] == w for w in ("both", "right_only", "left_only"))
    emptied = stays & (both["households_now"] == 0) & (both["individuals_now"] == 0)
    areas = []
    for side, mine in (("now", ~left), ("then", left)):
        rows = pd.DataFrame({c: both[f"{c}_{side}"] for c in LEVELS["district"]})
        for unit in UNITS:
            rule = both["effect"] if unit == "individuals" else 0
            moved = both[f"{unit}_now"] - both[f"{unit}_then"] - rule
            rows[f"panel_change_{unit}"] = moved.where(stays & ~emptied, 0)
            rows[f"emptied_{unit}"] = moved.where(emptied, 0)
            rows[f"newly_listed_{unit}"] = moved.where(came, 0)
            rows[f"left_unexplained_{unit}"] = moved.where(left, 0)
            rows[f"rule_or_category_{unit}"] = rule
            for name, suffix in (("previous", "then"), ("current", "now")):
                rows[f"{name}_{unit}"] = both[f"{unit}_{suffix}"]
                rows[f"panel_{name}_{unit}"] = both[f"{unit}_{suffix}"].where(stays, 0)
        rows["panel_locations"] = stays.astype(int)
        rows["dynamics_base"] = both["individuals_then"].where(stays, 0)
        areas.append(rows[mine])
    # who stands in another district now moved nowhere: the old one loses them, the new one gains them
    other = both[stays & (both["admin2_code_then"] != both["admin2_code_now"])]
    for side, sign in (("then", 1), ("now", -1)):
        rows = pd.DataFrame({c: other[f"{c}_{side}"] for c in LEVELS["district"]})
        for unit in UNITS:
            rows[f"rule_or_category_{unit}"] = -sign * other[f"{unit}_then"]
            rows[f"previous_{unit}"] = rows[f"panel_previous_{unit}"] = sign * other[f"{unit}_then"]
        areas.append(rows)
    made = pd.concat(areas).groupby(LEVELS["district"], observed=True, dropna=False).sum().reset_index()
    keys = {c: after[c].iloc[0] for c in KEY} | {"reference_date": day, "previous_date": previous}
    return made.assign(**keys)


def change_tables(stock: pd.DataFrame) -> dict[str, pd.DataFrame]:
    dates = dict(list(stock.groupby(["series_id", "reference_date"])))
    now, year = (
        pd.concat(
            pair_parts(dates[series, previous], dates[series, day])
            for series, day, previous in pairs[["series_id", "reference_date", "previous_date"]].itertuples(index=False)
        )
        for pairs in (consecutive(stock), a_year_apart(stock))
    )
    made = {}
    for level, codes in LEVELS.items():
        keys = [*KEY, "previous_date", *codes]
        table, span = (
            e.groupby(keys, observed=True, dropna=False).sum(numeric_only=True).reset_index() for e in (now, year)
        )
        whole = table["previous_individuals"] + table["current_individuals"]
        panel = table["panel_previous_individuals"] + table["panel_current_individuals"]
        table["covered_share"] = (panel / whole).where(whole > 0)
        span = span[span["dynamics_base"] >= 600]
        share = ((span["panel_change_individuals"] + span["emptied_individuals"]) / span["dynamics_base"]).abs()
        names = ["stationary", "fairly_stationary", "fairly_dynamic", "dynamic"]
        span = span.assign(dynamics_class=pd.cut(share, [-1, 0.1, 0.2, 0.3, float("inf")], labels=names).astype(str))
        made[level] = table.merge(span[[*KEY, *codes, "dynamics_class"]], on=[*KEY, *codes], how="left")
    return made


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
