"""What can't be, whoever says it: dates outside the window of a kind, more people than a country or a place of it can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from dtm_pipeline.contracts.model import Table

LEVELS = ("country", "admin1", "admin2", "location")
"""Where people are counted."""
UNITS = {
    "admin1": ("provider_admin1_code", "provider_admin1_name"),
    "admin2": ("provider_admin2_code", "provider_admin2_name"),
}
PEOPLE = ("persons", "households")
ABSURD_DATE, ABSURD_COUNT = "absurd_date", "absurd_count"


@dataclass(frozen=True)
class RowBounds:
    """The window of dates of a kind, and the most people that one row may tell.

    Attributes:
        first, last: of the window, both in it.
        most: the most people of a country, a governorate, a district and a location.
        of_countries: the same for countries where it is stated.
    """

    first: date
    last: date
    most: Mapping[str, int]
    of_countries: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, thresholds: Mapping[str, Any], countries: Mapping[str, Any], kind: str, received_on: date | None
    ) -> RowBounds:
        """The bounds of a kind.

        Args:
            thresholds: `[bounds]` of reference/thresholds.toml.
            countries: what is on record of each country, by its code: `most_people`.
            received_on: the day the delivery came; None where that is not known.
        """
        told = {**thresholds, **thresholds.get("kinds", {}).get(kind, {})}
        last = received_on + timedelta(days=int(told["days_after"])) if received_on else date.max
        most = {level: int(told["most_people"][level]) for level in LEVELS}
        stated = {c: {**most, **country["most_people"]} for c, country in countries.items() if "most_people" in country}
        return cls(told["first"], last, most, stated)

    def window(self) -> str:
        """The window in words."""
        return f"between {self.first} and {self.last}"

    def most_of(self, columns: list[str]) -> pl.Expr:
        """The most people that a row may tell, by its country and level.

        Args:
            columns: those that the rows have.
        """
        country = pl.col("location_code") if "location_code" in columns else pl.lit(None, pl.String)
        names = _level(columns)
        told = pl.lit(None, pl.Int64)
        for number, name in enumerate(LEVELS):
            stated = {c: most[name] for c, most in self.of_countries.items()}
            bound = country.replace_strict(stated, default=self.most[name], return_dtype=pl.Int64)
            told = pl.when(names == number).then(bound).otherwise(told)
        return told


def absurd_dates(table: Table, columns: list[str], bounds: RowBounds) -> dict[str, pl.Expr]:
    """Of each column of dates the rows whose date can't be.

    Args:
        columns: those that the rows have.
    """
    dates = [c.name for c in table.columns if c.type == "date" and c.name in columns]
    return {n: ~pl.col(n).is_between(bounds.first, bounds.last) for n in dates}


def absurd_counts(table: Table, columns: list[str], bounds: RowBounds) -> dict[str, pl.Expr]:
    """Of each count of people the rows that tell more than the place, or its country, can hold.

    Args:
        columns: those that the rows have.
    """
    counts = [c.name for c in table.columns if c.kind == "stock" and c.unit in PEOPLE and c.name in columns]
    return {n: pl.col(n) > bounds.most_of(columns) for n in counts}


def _level(columns: list[str]) -> pl.Expr:
    """Index in LEVELS of what a row is of: as it says, a location where it names one, else its smallest unit.

    Args:
        columns: those that the rows have.
    """
    location = LEVELS.index("location")
    if "admin_level" in columns:
        return pl.col("admin_level").fill_null(location).clip(0, location)
    told = pl.lit(0, pl.Int64)
    for name, cells in UNITS.items():
        present = [pl.col(c).is_not_null() for c in cells if c in columns]
        told = pl.when(pl.any_horizontal(present)).then(LEVELS.index(name)).otherwise(told) if present else told
    places = [pl.col(c).is_not_null() for c in ("place_id", "location_name") if c in columns]
    return pl.when(pl.any_horizontal(places)).then(location).otherwise(told) if places else told
