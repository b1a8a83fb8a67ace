"""How fast deliveries are read: a Master List workbook beside pandas with openpyxl, and a KoBo export in batches.

    python benchmarks/read.py [--rows 100000] [--submissions 200000]

Each task runs in a process of its own; seconds and the highest resident memory are those of that process.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

PEAK = """
import resource
from pathlib import Path
def peak_gib():
    # of this program alone: ru_maxrss may be that of the process that started it
    status = Path("/proc/self/status")
    if status.is_file():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30
"""
OURS = """
import json, resource, sys, time
from pathlib import Path
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from sources.document import Document
from sources.protocol import Delivery
from sources.registry import read_delivery
path, forms, statement = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
started = time.perf_counter()
document = Document(path.name, path, tuple((Path(f).name, Path(f)) for f in forms))
if document.format == "workbook":
    cells = document.sheets
read = time.perf_counter() - started
reading = read_delivery(document, Delivery("0" * 64, path.name, statement), Reference(Settings().reference))
told = {"rows": reading.account.rows_in, "read": read, "seconds": time.perf_counter() - started}
print(json.dumps({**told, "peak_gib": peak_gib()}))
"""
PANDAS = """
import json, resource, sys, time
from pathlib import Path
import pandas as pd
started = time.perf_counter()
frame = pd.read_excel(sys.argv[1], engine="openpyxl")
print(json.dumps({"rows": len(frame), "seconds": time.perf_counter() - started, "peak_gib": peak_gib()}))
"""


def run(code: str, *arguments: str) -> dict[str, float]:
    told = subprocess.run([sys.executable, "-c", PEAK + code, *arguments], capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return answer


def master_list(folder: Path, rows: int) -> Path:
    """A list in the layout of 2019, of as many locations."""
    from dtm_pipeline.samples.make import make_samples

    made = make_samples("IRQ", rounds=1, locations=rows, seed=1, out=folder / "samples")
    return next(f for f in made.deliveries if "IDP" in f.name and f.suffix == ".xlsx")


def export(folder: Path, submissions: int) -> tuple[Path, list[Path]]:
    """A KoBo export of 400 columns: numbers, choices with skip logic, several choices, texts."""
    rng = np.random.default_rng(1)
    survey = [["type", "name", "label", "required", "relevant", "constraint"]]
    columns: dict[str, np.ndarray] = {}
    for i in range(100):
        survey.append(["integer", f"n{i}", f"Number {i}", "true", "", ". >= 0 and . < 100"])
        columns[f"grp/n{i}"] = rng.integers(0, 101, submissions).astype(str)
    for i in range(100):
        survey.append([f"select_one c{i % 10}", f"s{i}", f"Choice {i}", "true", f"${{n{i}}} > 10", ""])
        columns[f"grp/s{i}"] = np.array(["a", "b", "c", "d", ""])[rng.integers(0, 5, submissions)]
    for i in range(20):
        survey.append(["select_multiple c0", f"m{i}", f"Several {i}", "true", "", "count-selected(.) <= 3"])
        columns[f"grp/m{i}"] = np.array(["a b", "b", "c d a b", "d", "a"])[rng.integers(0, 5, submissions)]
        for code in "abcd":
            columns[f"grp/m{i}/{code}"] = rng.integers(0, 2, submissions).astype(str)
    for i in range(98):
        survey.append(["text", f"t{i}", f"Text {i}", "", "", ""])
        columns[f"grp/t{i}"] = np.array(["", "", "some words", "xy"])[rng.integers(0, 4, submissions)]
    columns["_submission_time"] = np.full(submissions, "2024-03-31T10:00:00")
    columns["_uuid"] = np.array([f"uuid:{i:08}" for i in range(submissions)])
    pl.DataFrame(columns).write_csv(folder / "export.csv", separator=";")
    choices = [["list_name", "name", "label"], *([f"c{k}", c, c.upper()] for k in range(10) for c in "abcd")]
    for name, rows in (("form_survey.csv", survey), ("form_choices.csv", choices)):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder / "export.csv", [folder / "form_survey.csv", folder / "form_choices.csv"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--submissions", type=int, default=200_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workbook = master_list(folder, asked.rows)
        ours, theirs = run(OURS, str(workbook), "[]", "{}"), run(PANDAS, str(workbook))
        print(
            f"Master List of {ours['rows']:,.0f} rows into cells: {ours['read']:.1f} s; with recognising, typing, splitting and breaking it down: {ours['seconds']:.1f} s, {ours['peak_gib']:.2f} GiB"
        )
        print(f"pandas.read_excel with openpyxl, into cells: {theirs['seconds']:.1f} s, {theirs['peak_gib']:.2f} GiB")
        print(
            f"into cells {theirs['seconds'] / ours['read']:.1f} times as fast, the whole reading {theirs['seconds'] / ours['seconds']:.1f} times"
        )
        data, forms = export(folder, asked.submissions)
        told = run(OURS, str(data), json.dumps([str(f) for f in forms]), '{"country": "IRQ"}')
        print(
            f"KoBo export of {told['rows']:,.0f} submissions x 400 ({data.stat().st_size / 1e6:.0f} MB), "
            f"with its form's rules: {told['seconds']:.1f} s, {told['peak_gib']:.2f} GiB"
        )


if __name__ == "__main__":
    main()
