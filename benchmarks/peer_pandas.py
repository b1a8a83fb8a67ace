"""What an analyst would write: every Master List of a folder to IDPs and returnees by district, with pandas.

python benchmarks/peer_pandas.py INBOX REFERENCE OUT.parquet
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

NAMES = {"families": "households", "returneefamilies": "households", "returneeindividuals": "individuals"}


def key(text: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(text).lower())


def place_key(text: object) -> str:
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^(al|el)[ -]", "", str(text).lower().strip()))


def read(path: Path) -> pd.DataFrame:
    raw = (
        pd.read_excel(path, header=None, dtype=str)
        if path.suffix == ".xlsx"
        else pd.read_csv(path, header=None, dtype=str, names=range(80))
    )
    start = next(i for i in range(10) if "placeid" in {key(v) for v in raw.iloc[i]})
    frame = raw.iloc[start + 1 :].copy()
    frame.columns = [NAMES.get(key(v), key(v)) for v in raw.iloc[start]]
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame["individuals"] = pd.to_numeric(frame["individuals"], errors="coerce")
    frame["group"] = "idp_returnee" if "Returnee" in path.name else "idp"
    frame["date"] = re.search(r"\d{4}-\d\d-\d\d", path.name)[0]
    return frame[["placeid", "governorate", "district", "individuals", "group", "date"]]


def main(inbox: Path, reference: Path, out: Path) -> None:
    lists = []
    for path in sorted(inbox.glob("Round1*_Master_List_*")):
        frame = read(path)
        frame = frame[frame["placeid"].notna() & frame["district"].notna() & (frame["individuals"] >= 0)]
        lists.append(frame.drop_duplicates("placeid"))
    table = pd.concat(lists)
    units = pd.read_csv(reference / "admin_boundaries/gazetteer.csv", dtype=str).query("location_code == 'IRQ'")
    walk = pd.read_csv(reference / "admin_boundaries/crosswalk.csv", dtype=str).query("location_code == 'IRQ'")
    first = {place_key(n): c for n, c in walk[walk.admin_level == "1"][["provider_name", "code"]].values}
    second = {
        (p, place_key(n)): c for p, n, c in units[units.admin_level == "2"][["parent_code", "name_en", "code"]].values
    }
    second |= {
        (p, place_key(n)): c
        for p, n, c in walk[walk.admin_level == "2"][["provider_parent_code", "provider_name", "code"]].values
    }
    table["admin1_code"] = table["governorate"].map(lambda v: first.get(place_key(v)))
    table["admin2_code"] = [
        second.get((a, place_key(d))) for a, d in zip(table["admin1_code"], table["district"], strict=True)
    ]
    totals = table.groupby(["group", "date", "admin2_code"], as_index=False)["individuals"].sum()
    totals.to_parquet(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
