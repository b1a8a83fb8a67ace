"""How many true rounds the plausibility rules hold, and how many planted faults they catch, on real series.

    python benchmarks/plausibility.py FOLDER        # answers of the DTM API and HDX files of it

Prints a row for each country, operation and assessment type: its dates, those from the fourth on, the ones that are held (a
date held at several levels counts once), and of each planted fault the share that is held. Faults are planted into every
date but the first, one at a time, at the deepest level; a fault is caught where the statement is held or doubtful, and where
it is held is told apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from dtm_pipeline.contracts import raw
from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.domain.plausibility import HOLD, PASS, Decisions
from dtm_pipeline.domain.precedence import STATEMENT, Reissue, labelled, statement_roles, with_repeated_dates
from dtm_pipeline.domain.series import Series, series_of_rows
from dtm_pipeline.facts.plausible import Plausibility, plausible_roles
from dtm_pipeline.facts.stock import RawStocks
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery
from sources.registry import read_delivery

LINE = ["series_id", "source_kind", "admin_level"]


def shifted(rows: pl.DataFrame) -> pl.DataFrame:
    """From the middle on the figure is that of another column: households in place of individuals."""
    half = pl.int_range(pl.len()) >= pl.len() // 2
    return rows.with_columns(
        individuals=pl.when(half).then((pl.col("individuals") / 6).round(0)).otherwise("individuals").cast(pl.Int64)
    )


def larger(factor: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(individuals=(pl.col("individuals") * factor).round(0).cast(pl.Int64))


def largest_times(factor: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def fault(rows: pl.DataFrame) -> pl.DataFrame:
        first = pl.col("individuals") == pl.col("individuals").max()
        return rows.with_columns(
            individuals=pl.when(first).then(pl.col("individuals") * factor).otherwise("individuals")
        )

    return fault


def cut_to_a_third(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.head(max(1, rows.height // 3))


def largest_gone(rows: pl.DataFrame) -> pl.DataFrame:
    """The largest places, which hold 45 % of the people, are missing."""
    ordered = rows.sort("individuals", descending=True)
    before = pl.col("individuals").cum_sum() - pl.col("individuals")
    return ordered.filter(before > 0.45 * pl.col("individuals").sum())


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "x 6": larger(6),
    "/ 6": larger(1 / 6),
    "half / 6": shifted,
    "x 10": larger(10),
    "largest x 10": largest_times(10),
    "largest x 100": largest_times(100),
    "a third": cut_to_a_third,
    "45 % gone": largest_gone,
}


def delivered(folder: Path, reference: Reference) -> pl.DataFrame:
    """The figures of every file of a folder that can be read as an answer of the API or a table of HDX."""
    found = [empty(raw.API_FIGURE)]
    for file in sorted(folder.iterdir()):
        try:
            told = read_delivery(Document(file.name, file), Delivery(file.name, file.name, {}), reference)
        except DeliveryError as refusal:
            print(f"left out {file.name}: {str(refusal)[:100]}")
            continue
        found.append(told.tables.get(raw.API_FIGURE.name, empty(raw.API_FIGURE)))
    return pl.concat(found)


def statements(figures: pl.DataFrame, reference: Reference) -> tuple[pl.DataFrame, tuple[Series, ...]]:
    """Rows of stocks with their series and statement, as facts see them."""
    others = (
        raw.MASTER_LIST,
        raw.MASTER_LIST_CELL,
        raw.LOCATION_DATABASE,
        raw.LOCATION_DATABASE_COUNT,
        raw.BASELINE_LOCATION,
    )
    rows = RawStocks(*(empty(t) for t in others), figures).rows()
    rows = rows.with_columns(
        intake=pl.lit(1), statement=pl.lit(None, pl.String), series_id=pl.lit(None, pl.String),
        people=pl.coalesce("individuals", "households"),
        content=pl.struct("location_key", "households", "individuals").hash(seed=1),
    )  # fmt: skip
    rows, series = series_of_rows(rows, reference.series, reference.words)
    return labelled(rows, series, Reissue.of(reference.thresholds)), series


def verdicts(rows: pl.DataFrame, series: tuple[Series, ...], reference: Reference) -> pl.DataFrame:
    snapshots = rows.select("snapshot_id").unique()
    came = snapshots.with_columns(
        received_on=date(2100, 1, 1),
        control_gap=pl.lit(None, pl.Float64),
        control_stated=pl.lit(None, pl.String),
        control_read=pl.lit(None, pl.String),
        unit_differs=pl.lit(False),
        date_inferred=pl.lit(False),
    )
    told = Plausibility(reference.plausibility, Decisions(), reference.known_jumps, empty(raw.QUARANTINE), came)
    most = Reissue.of(reference.thresholds)
    return plausible_roles(rows, lambda r: with_repeated_dates(statement_roles(r, most, series), r), told).reviews


def planted(rows: pl.DataFrame, series: tuple[Series, ...], reference: Reference) -> pl.DataFrame:
    """What becomes of each fault in each date but the first of a line: fault, number of the date, outcome."""
    found = []
    for line in rows.partition_by(LINE):
        days = line["source_reference_date"].unique().sort().to_list()
        for number, day in enumerate(days[1:], start=2):
            before = line.filter(pl.col("source_reference_date") < day)
            now = line.filter(source_reference_date=day)
            for name, fault in FAULTS.items():
                judged = verdicts(pl.concat([before, fault(now)]), series, reference).filter(source_reference_date=day)
                found.append((name, number, judged["outcome"][0] if judged.height else HOLD))
    return pl.DataFrame(found, schema=["fault", "number", "outcome"], orient="row")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--true-only", action="store_true", help="plant no faults")
    asked = arguments.parse_args()
    reference = Reference(Settings().reference)
    alone_from = reference.thresholds["plausibility"]["alone_from"]
    figures = delivered(asked.folder, reference).filter(pl.col("source_kind") == "dtm_api")
    print(f"{'country':8} {'operation, type':58} {'dates':>5} {'4th on':>6} {'held':>4} {'doubtful':>8}")
    true_rounds = held_rounds = 0
    faults = []
    for (country,), own in (
        figures.sort("location_code").partition_by("location_code", as_dict=True, maintain_order=True).items()
    ):
        rows, series = statements(own, reference)
        judged = verdicts(rows, series, reference).with_columns(
            number=pl.col("source_reference_date").rank("dense").over(*LINE)
        )
        for (series_id,), line in judged.partition_by(["series_id"], as_dict=True, maintain_order=True).items():
            dates = line.group_by("source_reference_date").agg(
                late=(pl.col("number") >= alone_from).any(), held=(pl.col("outcome") == HOLD).any(), doubtful=((pl.col("outcome") != PASS) & (pl.col("outcome") != HOLD)).any()
            )  # fmt: skip
            late = dates.filter("late")
            true_rounds, held_rounds = true_rounds + late.height, held_rounds + late["held"].sum()
            print(
                f"{country:8} {series_id:58} {dates.height:5} {late.height:6} {dates['held'].sum():4} {dates['doubtful'].sum():8}"
            )
        if not asked.true_only:
            deepest = rows.filter(pl.col("admin_level") == pl.col("admin_level").max().over("series_id"))
            leading = deepest.join(judged.select(*STATEMENT).unique(), on=list(STATEMENT), how="semi")
            faults.append(planted(leading, series, reference))
    print(
        f"true rounds from the fourth date on: {true_rounds}, held {held_rounds} ({held_rounds / max(true_rounds, 1):.1%})"
    )
    if faults:
        told = pl.concat(faults).with_columns(late=pl.col("number") >= alone_from)
        with pl.Config(tbl_rows=-1):
            print(told.group_by("late", "fault").agg(planted=pl.len(), held=(pl.col("outcome") == HOLD).mean().round(3), held_or_doubtful=(pl.col("outcome") != PASS).mean().round(3)).sort("late", "fault"))  # fmt: skip


if __name__ == "__main__":
    main()
