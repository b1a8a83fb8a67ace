"""Location databases that are wide over rounds. docs/sources/location_database.md.

Provider: IOM DTM Iraq, 2018-19. `families_abs_2018.07.15` is the stock of a date (dots once, dashes once); differences
beside it are arithmetic of others and are not read. Codes are of older lists, some of them null.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import polars as pl

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import LOCATION_DATABASE, LOCATION_DATABASE_COUNT
from dtm_pipeline.quality.bounds import RowBounds
from dtm_pipeline.quality.parse import unreadable, whole_number
from sources.document import DeliveryError
from sources.headers import Column, HeaderRow
from sources.master_list import population_group
from sources.protocol import Finding, Match
from sources.tabular import UNFIT, Context, Need, Tabular

COUNT = re.compile(r"^families_abs_(20\d\d)[.\-_/](\d\d?)[.\-_/](\d\d?)$", re.IGNORECASE)
DERIVED = re.compile(r"^families_diff_", re.IGNORECASE)
MIN_DATES = 2


class LocationDatabase(Tabular):
    kind = "location_database"
    title = "location database, wide over rounds"
    table = LOCATION_DATABASE
    core_table = "core_dtm__stock"
    needs = (
        Need("a governorate", ("provider_admin1_name", "provider_admin1_code")),
        Need("a location", ("place_id", "location_name")),
    )
    identity = ("place_id",)

    @property
    def replacement_key(self) -> tuple[str, ...]:
        return ("series_id", "reference_date")

    def more_tables(self) -> tuple[str, ...]:
        return (LOCATION_DATABASE_COUNT.name,)

    def fit(self, header: HeaderRow | None) -> Match:
        told = super().fit(header)
        dated = [c for c in header.columns if COUNT.match(c.header)] if header else []
        label = "two or more columns families_abs_YYYY.MM.DD"
        if len(dated) >= MIN_DATES:
            return Match(told.score, (*told.found, label), told.missing, told.headers + len(dated))
        return Match(min(told.score, UNFIT), told.found, (*told.missing, label), told.headers)

    def read_header(self, header: HeaderRow) -> HeaderRow:
        """The header with the columns of the rounds and their differences known."""
        days = [_day(c.header) for c in (*header.columns, *header.repeated) if COUNT.match(c.header)]
        twice = next((d for d in days if days.count(d) > 1), None)
        if twice is not None:
            raise DeliveryError(
                f"two columns of households on {twice}", "one a date", "take one of them out", row=header.row
            )
        columns = tuple(
            Column(c.index, c.header, c.key, ("field", "ignored"))
            if DERIVED.match(c.header)
            else Column(c.index, c.header, c.key, ("round", _day(c.header).isoformat()))
            if COUNT.match(c.header)
            else c
            for c in header.columns
        )
        return replace(header, columns=columns)

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        group = population_group(context.sheet, context.header, context.delivery)
        return frame.with_columns(population_group=pl.lit(group))

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        rounds = context.header.categories()
        _check_window(rounds, context.delivery.bounds(context.reference, self.kind))
        cells = {c.cell: c for c in rounds}
        long = kept.unpivot(
            list(cells), index=["snapshot_id", "source_sheet", "source_row"], variable_name="cell", value_name="text"
        ).with_columns(
            households=whole_number(pl.col("text")),
            reference_date=pl.col("cell")
            .replace_strict({k: c.target[1] for k, c in cells.items() if c.target}, return_dtype=pl.String)
            .str.to_date(),
        )
        bad = unreadable(pl.col("text"), pl.col("households")) | (pl.col("households") < 0).fill_null(False)
        findings = [
            Finding(
                "unreadable_cell",
                f"{cells[cell].header} is no whole number from 0; the location is unknown on that date",
                context.sheet.name,
                row,
            )
            for cell, row in long.filter(bad).select("cell", "source_row").sort("source_row").rows()
        ]
        counts = conform(long.filter((pl.col("households") >= 0).fill_null(False)), LOCATION_DATABASE_COUNT)
        return {LOCATION_DATABASE_COUNT.name: counts}, findings


def _check_window(rounds: list[Column], bounds: RowBounds) -> None:
    """No column is of a day that can't be.

    Raises:
        DeliveryError: one is.
    """
    for column in rounds:
        if not bounds.first <= _day(column.header) <= bounds.last:
            raise DeliveryError(
                f"the header {column.header!r} is of a day on which nobody was counted",
                f"one that lies {bounds.window()}",
                "mend the header, or ask the sender for the date",
                column=column.header,
            )


def _day(header: str) -> date:
    found = COUNT.match(header)
    assert found is not None
    try:
        return date(*(int(p) for p in found.groups()))
    except ValueError as error:
        raise DeliveryError(
            f"the date of the header {header!r}, which is none",
            "a day of the calendar",
            "mend the header, or ask the sender for the date",
            column=header,
        ) from error
