"""How the grades of confidence fall: on lists without a fault, on each planted fault that is not held, on real answers.

    python benchmarks/confidence.py [--answers FOLDER]      # FOLDER: answers of the DTM API

Makes three dates of a list of 240 locations in Iraq, in a home for each fault, runs the main job on it as an analyst would, and
prints how the district figures of the newest date are graded and why. A fault that is held or refused is said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl

from dtm_pipeline.cli import run_command
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings

HEADERS = ["Place id", "Governorate", "District", "Location name", "Households", "Individuals", "Anbar", "Babylon", "Baghdad", "Basrah", "Dahuk"]  # fmt: skip
DAYS = ("2020-02-29", "2020-06-30", "2020-10-31")
LOCATIONS = 240
Rows = list[list[str]]


def places() -> list[tuple[str, str]]:
    """Governorates and districts of Iraq, by name."""
    units = Gazetteer.load(Settings().reference).units.filter(location_code="IRQ")
    above = dict(units.filter(admin_level=1).select("code", "name_en").rows())
    return [
        (above[p], n) for p, n in units.filter(admin_level=2).select("parent_code", "name_en").sort("name_en").rows()
    ]


def lists(seed: int) -> list[Rows]:
    """Three dates of one list; households drift by at most a tenth."""
    rng = random.Random(seed)
    units = places()
    households = [rng.randint(20, 300) for _ in range(LOCATIONS)]
    made = []
    for _ in DAYS:
        households = [max(5, round(h * rng.uniform(0.92, 1.08))) for h in households]
        made.append(
            [
                [str(1000 + n), *units[n % 40], f"Place {n}", str(h), str(h * 6), str(h * 6), "0", "0", "0", "0"]
                for n, h in enumerate(households)
            ]
        )
    return made


def changed(rows: Rows, which: Callable[[int, list[str]], bool], column: str, value: Callable[[str], str]) -> Rows:
    at = HEADERS.index(column)
    return [[*r[:at], value(r[at]), *r[at + 1 :]] if which(n, r) else list(r) for n, r in enumerate(rows)]


def sized(rows: Rows, size: float) -> Rows:
    """Persons by another household size in every tenth row."""
    return [[*r[:5], str(round(int(r[4]) * size)), *r[6:]] if n % 10 == 0 else r for n, r in enumerate(rows)]


def one_district(factor: float) -> Callable[[Rows], Rows]:
    def fault(rows: Rows) -> Rows:
        name = rows[0][2]
        return [[*r[:4], str(round(int(r[4]) * factor)), str(round(int(r[4]) * factor) * 6), *r[6:]] if r[2] == name else r for r in rows]  # fmt: skip

    return fault


def with_total(difference: float) -> Callable[[Rows], Rows]:
    def fault(rows: Rows) -> Rows:
        people = round(sum(int(r[5]) for r in rows) * (1 + difference))
        return [*rows, ["", "Grand total", "", "", "", str(people), "", "", "", "", ""]]

    return fault


FAULTS: dict[str, Callable[[Rows], Rows]] = {
    "none": lambda rows: rows,
    "1 % of the rows can't be read": lambda rows: changed(rows, lambda n, _: n % 100 == 0, "Households", lambda _: "many"),
    "5 % of the rows can't be read": lambda rows: changed(rows, lambda n, _: n % 20 == 0, "Households", lambda _: "many"),
    "30 % of the rows can't be read": lambda rows: changed(rows, lambda n, _: n % 10 < 3, "Households", lambda _: "many"),
    "a totals row differs by 0.5 %": with_total(0.005),
    "a totals row differs by 5 %": with_total(0.05),
    "one district x 3": one_district(3),
    "a tenth of the rows at 2 persons a household": lambda rows: sized(rows, 2),
    "a tenth of the rows at 15 persons a household": lambda rows: sized(rows, 15),
    "districts misspelled beyond likeness, a tenth": lambda rows: changed(rows, lambda n, _: n % 10 == 0, "District", lambda _: "Qzxw"),
    "every figure x 2.5": lambda rows: [[*r[:4], str(round(int(r[4]) * 2.5)), str(round(int(r[4]) * 2.5) * 6), *r[6:]] for r in rows],
    "a third of the list is gone": lambda rows: rows[: len(rows) * 2 // 3],
}  # fmt: skip


def graded(fault: Callable[[Rows], Rows], folder: Path) -> tuple[dict[str, int], Counter[str], str]:
    """Grades and reasons of the district figures of the newest date, and what the run said of the faulty list."""
    inbox = folder / "inbox"
    for number, (day, rows) in enumerate(zip(DAYS, lists(7), strict=True)):
        inbox.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        csv.writer(text).writerows([HEADERS, *(fault(rows) if number == len(DAYS) - 1 else rows)])
        (inbox / f"Round{110 + number}_Master_List_IDP_{day}.csv").write_text(text.getvalue(), encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        run_command(["run", "--inbox", str(inbox), "--home", str(folder / "home")])
    pointed = io.StringIO()
    with contextlib.redirect_stdout(pointed):
        run_command(["releases", "path", "--home", str(folder / "home")])
    table = pl.read_parquet(Path(pointed.getvalue().strip()) / "tables" / "out_dtm__district_idp.parquet")
    newest = table.filter(pl.col("reference_date").cast(pl.String) == DAYS[-1])
    word = next(
        (line.split(":")[0] for line in said.getvalue().splitlines() if line.startswith(("held", "refused"))), ""
    )
    return (
        dict(newest["confidence"].value_counts().rows()),
        Counter(newest["confidence_reasons"].explode().drop_nulls().to_list()),
        word,
    )


def of_answers(folder: Path, home: Path) -> None:
    """Grades of real answers of the API: figures of areas, of which no location is known."""
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    for file in folder.glob("v*_admin2*.json"):
        shutil.copyfile(file, inbox / file.name)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run_command(["run", "--inbox", str(inbox), "--home", str(home / "home")])
    pointed = io.StringIO()
    with contextlib.redirect_stdout(pointed):
        run_command(["releases", "path", "--home", str(home / "home")])
    table = pl.read_parquet(Path(pointed.getvalue().strip()) / "tables" / "out_dtm__district_idp.parquet")
    print("real answers of the API:", dict(table["confidence"].value_counts().rows()))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--answers", type=Path, help="folder with answers of the DTM API")
    asked = arguments.parse_args()
    print(f"{'planted':48} {'high':>5} {'medium':>7} {'low':>4}  reasons (district figures)")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, fault) in enumerate(FAULTS.items()):
            grades, reasons, word = graded(fault, Path(folder) / str(number))
            told = word or ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
            print(f"{name:48} {grades.get('high', 0):5} {grades.get('medium', 0):7} {grades.get('low', 0):4}  {told}")
        if asked.answers:
            of_answers(asked.answers, Path(folder) / "answers")


if __name__ == "__main__":
    main()
