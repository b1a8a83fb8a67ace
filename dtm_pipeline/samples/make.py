"""Write sample deliveries with planted faults, and the list of the faults."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import numpy as np
import polars as pl

from dtm_pipeline.domain.severity import SeverityModel
from dtm_pipeline.samples.layouts import Cell, layout_of, sheet_rows, totals_row, write_csv, write_xlsx
from dtm_pipeline.samples.plant import Fault, Samples
from dtm_pipeline.samples.world import Round, invent
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

P = ParamSpec("P")
COUNTRIES = ("IRQ",)
FIRST_ROUNDS = (date(2019, 8, 31), date(2020, 2, 29), date(2020, 12, 31))
FIRST_ROUND_NUMBER = 111
API_ONLY = (date(2018, 12, 31), date(2019, 4, 30))
SURVEY_SHARE = 0.8
BORDER_DAYS = 240
PERSONS_TYPED = 6
"""Persons a household of the returnees that are invented."""


def round_days(rounds: int) -> list[date]:
    """The dates of the rounds: three layouts of real lists first, then one every four months."""
    days = list(FIRST_ROUNDS[:rounds])
    while len(days) < rounds:
        days.append((days[-1].replace(day=1) + timedelta(days=150)).replace(day=1) - timedelta(days=1))
    return days


def make_samples(country: str, rounds: int, locations: int, seed: int, out: Path) -> Samples:
    """Write the deliveries of a country into a folder; the same arguments write the same figures."""
    reference = Reference(Settings().reference)
    out.mkdir(parents=True, exist_ok=True)
    samples = Samples(out)
    made = invent(reference.folder, round_days(rounds), locations, seed)
    numbers = {day: FIRST_ROUND_NUMBER + i for i, day in enumerate(round_days(rounds))}
    used: dict[date, pl.DataFrame] = {}
    for data in made:
        lost = _master_list(samples, data, numbers[data.day])
        if data.group == "idp":
            used[data.day] = data.rows.filter(~pl.col("place_id").is_in(lost))
    _api_answers(samples, used, numbers)
    last = next(r for r in reversed(made) if r.group == "idp_returnee")
    rng = np.random.default_rng(seed + 1)
    _severity_survey(samples, last, reference.severity_model("return_conditions"), rng)
    _border_counts(samples, last.day, rng)
    _individuals_as_households(samples, last, max(numbers.values()) + 1)
    _broken(samples)
    samples.write_faults()
    return samples


def _master_list(samples: Samples, data: Round, number: int) -> list[str]:
    """Write a list with the faults of its layout; returns the place ids whose rows can't be used."""
    layout, form = layout_of(data.day, data.group)
    rows, before = sheet_rows(layout, data)
    sheet = "RETURNEE DATASET" if data.group == "idp_returnee" else "DTM Dataset"
    name = f"Round{number}_Master_List_{'IDP' if data.group == 'idp' else 'Returnee'}_{data.day.isoformat()}_IOM_DTM.{form}"
    headers = rows[before - 1]
    plant = _Plant(samples, rows, before, name, "" if form == "csv" else sheet)
    if form == "xlsx" and not layout.individuals_in_cells and data.group == "idp":
        plant.conflicting_duplicate()
        plant.repeated_row()
        plant.put("Families", "about 20", "unreadable_households")
    elif form == "xlsx" and not layout.individuals_in_cells:
        plant.put("Returnee Families", -12, "negative_households")
        plant.no_identity(("Place_ID", "Location_name"))
    elif form == "csv" and data.group == "idp":
        plant.put("Individuals", "n. d.", "unreadable_individuals")
        plant.put("District", "Al-Unknown", "place_unresolved", "finding")
        plant.far_point()
        plant.no_point()
    elif form == "csv":
        plant.missing_part()
        plant.unreadable_cell()
        samples.planted.append(Fault(name, "", None, "Location name in Arabic", "destroyed_text", "finding"))
    elif data.group == "idp":
        plant.put("Families", "-3", "negative_households")
    if layout.totals_row:
        totals = totals_row(rows, before, headers)
        if data.group == "idp_returnee":
            column = headers.index("Returnee Families")
            totals[column] = int(str(totals[column])) + 1
            samples.planted.append(
                Fault(name, sheet, len(rows) + 1, "Returnee Families", "control_total_differs", "finding")
            )
        rows.append(totals)
    path = samples.folder / name
    if form == "csv":
        write_csv(path, rows)
    else:
        write_xlsx(path, rows, sheet)
    samples.deliveries.append(path)
    return plant.lost


class _NoRowLeftError(Exception):
    """A list is too small for one more fault."""


def _where_a_row_is_left(plant: Callable[Concatenate[_Plant, P], None]) -> Callable[Concatenate[_Plant, P], None]:
    """A fault that is planted in a row of its own, or not at all in a list that has none left."""

    @wraps(plant)
    def planted(self: _Plant, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with suppress(_NoRowLeftError):
            plant(self, *args, **kwargs)

    return planted


class _Plant:
    """Plants faults in the rows of a list, each in a row of its own; a small list holds as many as it has rows for."""

    def __init__(self, samples: Samples, rows: list[list[Cell]], before: int, file: str, sheet: str) -> None:
        self.samples, self.rows, self.before, self.file, self.sheet = samples, rows, before, file, sheet
        self.headers = [" ".join(str(h).split()) for h in rows[before - 1]]
        self.place = next(i for i, h in enumerate(self.headers) if h.lower().replace("_", " ") == "place id")
        self.lost: list[str] = []
        self._next, self._end = before + 5, len(rows)

    def _row(self) -> int:
        self._next += 7
        if self._next >= self._end:
            raise _NoRowLeftError
        return self._next

    def _tell(self, row: int, column: str, fault: str, expected: str, needs_boundaries: bool = False) -> None:
        self.samples.planted.append(Fault(self.file, self.sheet, row + 1, column, fault, expected, needs_boundaries))
        if expected == "quarantine":
            self.lost.append(str(self.rows[row][self.place]))

    @_where_a_row_is_left
    def put(self, column: str, value: Cell, fault: str, expected: str = "quarantine") -> None:
        row = self._row()
        self.rows[row][self.headers.index(column)] = value
        self._tell(row, column, fault, expected)

    @_where_a_row_is_left
    def no_identity(self, columns: tuple[str, ...]) -> None:
        row = self._row()
        self._tell(row, columns[0], "no_identity", "quarantine")
        for column in columns:
            self.rows[row][self.headers.index(column)] = None

    @_where_a_row_is_left
    def conflicting_duplicate(self) -> None:
        row = self._row()
        copy = list(self.rows[row])
        families, individuals = self.headers.index("Families"), self.headers.index("Individuals")
        copy[families] = int(str(copy[families])) + 10
        copy[individuals] = int(str(copy[individuals])) + 60
        self.rows.append(copy)
        self._tell(row, "", "conflicting_duplicate", "quarantine")
        self._tell(len(self.rows) - 1, "", "conflicting_duplicate", "quarantine")

    @_where_a_row_is_left
    def repeated_row(self) -> None:
        row = self._row()
        self.rows.append(list(self.rows[row]))
        # the copy is quarantined, the location is still there
        self.samples.planted.append(Fault(self.file, self.sheet, len(self.rows), "", "repeated_row", "quarantine"))

    @_where_a_row_is_left
    def far_point(self) -> None:
        row = self._row()
        latitude = self.headers.index("Latitude")
        self.rows[row][latitude] = round(float(str(self.rows[row][latitude])) - 2.5, 6)
        self._tell(row, "Latitude", "point_conflict", "finding", needs_boundaries=True)

    @_where_a_row_is_left
    def no_point(self) -> None:
        row = self._row()
        for column in ("Latitude", "Longitude"):
            self.rows[row][self.headers.index(column)] = 0
        self._tell(row, "Latitude", "unreadable_point", "finding")

    @_where_a_row_is_left
    def missing_part(self) -> None:
        """A location whose origins do not account for all of its households."""
        column = self.headers.index("Ninewa")
        told = range(self._row(), self._end)
        several = (i for i in told if isinstance(self.rows[i][column], int) and int(str(self.rows[i][column])) > 1)
        row = next(several, None)
        if row is None:
            raise _NoRowLeftError
        self._next = row
        self.rows[row][column] = int(str(self.rows[row][column])) - 1
        self._tell(row, "Ninewa", "breakdown_gap", "finding")

    @_where_a_row_is_left
    def unreadable_cell(self) -> None:
        row = self._row()
        column = self.headers.index("Muthanna")
        self.rows[row][column] = "?"
        self._tell(row, "Muthanna", "unreadable_cell", "finding")


def _api_answers(samples: Samples, used: dict[date, pl.DataFrame], numbers: dict[date, int]) -> None:
    """v2 answers of all levels: what the lists give, one district of one round apart, and two earlier dates.

    The provider's dates stand a day after the list's in one round, as they do in places.
    """
    figures: list[tuple[date, int, str, str, int]] = []
    for day, rows in used.items():
        for admin1, admin2, people in (
            rows.group_by("admin1_code", "admin2_code").agg(pl.col("individuals").sum()).sort("admin2_code").rows()
        ):
            figures.append((day, numbers[day], admin1, admin2, people))
    first = min(used)
    for back, day in enumerate(API_ONLY, start=1):
        figures += [
            (day, FIRST_ROUND_NUMBER - len(API_ONLY) - 1 + back, a1, a2, people + 6 * back)
            for d, _, a1, a2, people in figures
            if d == first
        ]
    shifted = date(2020, 2, 29)
    for level in (0, 1, 2):
        parts: dict[tuple[date, int, str, str], int] = {}
        for day, number, admin1, admin2, people in figures:
            key = (day, number, admin1 if level else "", admin2 if level == 2 else "")
            parts[key] = parts.get(key, 0) + people
        result = [_record(i, key, people, shifted) for i, (key, people) in enumerate(sorted(parts.items()), start=1)]
        name = f"v2_irq_admin{level}.json"
        if level == 2:
            _plant_in_api(samples, result, name, _told_on(max(used), shifted))
        path = samples.folder / name
        content = {"result": result, "statusCode": 200, "isSuccess": True, "errorMessages": []}
        path.write_text(json.dumps(content), encoding="utf-8")
        samples.deliveries.append(path)


def _told_on(day: date, shifted: date) -> date:
    """The provider's date of a round: that of the list, or a day after it."""
    return day + timedelta(days=1) if day == shifted else day


def _record(number: int, key: tuple[date, int, str, str], people: int, shifted: date) -> dict[str, object]:
    day, label, admin1, admin2 = key
    day = _told_on(day, shifted)
    record: dict[str, object] = {
        "id": 13000 + number,
        "operation": "Iraq conflict",
        "admin0Name": "Iraq",
        "admin0Pcode": "IRQ",
    }
    if admin1:
        record |= {"admin1Name": None, "admin1Pcode": admin1.replace("IQ", "IRQ-")}
    if admin2:
        record |= {"admin2Name": None, "admin2Pcode": admin2.replace("IQ", "IRQ-")}
    return record | {
        "numPresentIdpInd": people,
        "reportingDate": f"{day.isoformat()}T00:00:00",
        "yearReportingDate": day.year,
        "monthReportingDate": day.month,
        "roundNumber": label,
        "assessmentType": "BA",
    }


def _plant_in_api(samples: Samples, result: list[dict[str, object]], name: str, newest: date) -> None:
    """A figure that differs from the list's, a negative one, and a row that stands twice."""
    at = next((i for i, r in enumerate(result) if r["reportingDate"] == f"{newest.isoformat()}T00:00:00"), None)
    if at is None:
        return  # no row of the newest list can be used
    result[at]["numPresentIdpInd"] = int(str(result[at]["numPresentIdpInd"])) + 60
    samples.planted.append(Fault(name, "", None, "numPresentIdpInd", "sources_differ", "finding"))
    early = dict(result[0], id=1, numPresentIdpInd=-6, reportingDate="2018-08-31T00:00:00")
    result.append(early)
    samples.planted.append(Fault(name, "", len(result), "numPresentIdpInd", "negative_individuals", "quarantine"))
    result.append(dict(result[0]))
    samples.planted.append(Fault(name, "", len(result), "id", "repeated_row", "quarantine"))


def _severity_survey(samples: Samples, returnees: Round, model: SeverityModel, rng: np.random.Generator) -> None:
    """A KoBo export: semicolons, group paths, metadata, names of invented informants, four of five locations."""
    chosen = returnees.rows.filter(pl.Series(rng.random(returnees.rows.height) < SURVEY_SHARE))
    groups = {"livelihoods_and_services": "grp_services", "safety_and_cohesion": "grp_safety"}
    questions = [f"{groups[i.scale]}/{i.question}" for i in model.indicators]
    headers = [
        "start",
        "end",
        "deviceid",
        "grp_place/place_id",
        "grp_place/governorate",
        "grp_place/district",
        "grp_place/location_name",
        "grp_place/returnee_households",
        "grp_place/survey_date",
        "ki_name",
        "ki_phone",
        *questions,
        "_gps_latitude",
        "_gps_longitude",
        "_id",
        "_uuid",
        "_submission_time",
        "_submitted_by",
    ]
    hardship = dict(zip(chosen["admin2_code"].unique().sort(), rng.uniform(0.1, 0.8, 200), strict=False))
    rows: list[list[Cell]] = [list(headers)]
    for n, r in enumerate(chosen.iter_rows(named=True), start=1):
        answers: list[Cell] = []
        for indicator in model.indicators:
            known = list(indicator.answers)
            level = float(np.clip(rng.normal(hardship[r["admin2_code"]], 0.22), 0, 0.999))
            answers.append(known[int(level * len(known))])
        day = returnees.day - timedelta(days=int(rng.integers(1, 25)))
        rows.append(
            [
                f"{day}T09:00:00.000+03:00",
                f"{day}T09:40:00.000+03:00",
                "collect:sample",
                r["place_id"],
                r["governorate"],
                r["district"],
                r["name"],
                r["households"],
                f"{day}",
                f"Sample Person {n}",
                f"+964 000 {n:07d}",
                *answers,
                r["latitude"],
                r["longitude"],
                n,
                f"uuid-{n:08d}",
                f"{day}T10:00:00",
                "enumerator_1",
            ]
        )
    name = f"return_conditions_{returnees.day.isoformat()}.csv"

    def plant(row: int, column: str, value: Cell, fault: str) -> None:
        if row >= len(rows):
            return
        rows[row][headers.index(column)] = value
        samples.planted.append(Fault(name, "", row + 1, column, fault, "quarantine"))

    plant(12, questions[2], "sometimes", "unknown_answer")
    plant(20, "grp_place/place_id", None, "no_identity")
    plant(28, "grp_place/returnee_households", "many", "unreadable_households")
    if len(rows) > 36:
        rows.append(list(rows[36]))
        samples.planted.append(Fault(name, "", len(rows), "grp_place/place_id", "repeated_row", "quarantine"))
    path = samples.folder / name
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";").writerows(["" if c is None else c for c in row] for row in rows)
    samples.deliveries.append(path)


def _border_counts(samples: Samples, until: date, rng: np.random.Generator) -> None:
    """Daily counts: day-first dates, a trailing comma, closures as zeros, a point renamed on the way."""
    points = {"Ibrahim Khalil": 900, "Peshkhabour": 420, "Al-Qa'im": 160, "Trebil": 230, "Rabia": 60}
    rows: list[list[Cell]] = [
        ["Date", "Border Point", "Arrival / Departure", "Iraqi nationals", "Other nationals", "Total", None]
    ]
    for offset in range(BORDER_DAYS):
        day = until - timedelta(days=BORDER_DAYS - 1 - offset)
        for point, usual in points.items():
            spelled = "Ibrahim Al-Khalil" if point == "Ibrahim Khalil" and offset > BORDER_DAYS // 2 else point
            closed = point == "Rabia" and 60 <= offset < 90
            for direction, share in (("Arrival", 1.0), ("Departure", 0.85)):
                season = 1 + 0.3 * np.sin(offset / 30)
                nationals, others = (
                    (0, 0) if closed else (int(v) for v in rng.poisson([usual * share * season, usual * share * 0.2]))
                )
                rows.append([f"{day:%d-%m-%Y}", spelled, direction, nationals, others, nationals + others, None])
    name = f"border_counts_{until.isoformat()}.csv"
    rows[40][0] = "31-02-2020"
    samples.planted.append(Fault(name, "", 41, "Date", "unreadable_date", "quarantine"))
    rows[60][2] = "Transit"
    samples.planted.append(Fault(name, "", 61, "Arrival / Departure", "unknown_direction", "quarantine"))
    rows[80][5] = int(str(rows[80][5])) + 5
    samples.planted.append(Fault(name, "", 81, "Total", "total_differs", "finding"))
    write_csv(samples.folder / name, rows)
    samples.deliveries.append(samples.folder / name)


def _individuals_as_households(samples: Samples, last: Round, number: int) -> None:
    """The list of a month later, in which somebody typed individuals into the column of families: it is held."""
    day = (last.day + timedelta(days=1)).replace(day=28)
    typed = last.rows.with_columns(households=pl.col("individuals"), individuals=pl.col("individuals") * PERSONS_TYPED)
    cells = {d: {c: n * PERSONS_TYPED for c, n in told.items()} for d, told in last.cells.items()}
    layout, form = layout_of(day, last.group)
    rows, _ = sheet_rows(layout, replace(last, day=day, rows=typed, cells=cells))
    path = samples.folder / f"Round{number}_Master_List_Returnee_{day.isoformat()}_IOM_DTM.{form}"
    if form == "csv":
        write_csv(path, rows)
    else:
        write_xlsx(path, rows, "RETURNEE DATASET")
    samples.planted.append(Fault(path.name, "", None, "", "implausible", "held"))
    samples.deliveries.append(path)


def _broken(samples: Samples) -> None:
    """A workbook that was cut on its way."""
    whole = next((f for f in samples.deliveries if f.suffix == ".xlsx"), None)
    if whole is None:
        return
    path = samples.folder / "Round_cut_on_its_way.xlsx"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples.planted.append(Fault(path.name, "", None, "", "refused", "refused"))
    samples.deliveries.append(path)
