"""Figures of others, to reconcile with: government registrations, UNHCR, relief lists. docs/sources/ has a page for each.

None of them is ever added to ours. Whom they count is in a column or in the sidecar, never guessed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import polars as pl

from dtm_pipeline.contracts.columns import POPULATION_GROUPS
from dtm_pipeline.contracts.model import Column as Declared
from dtm_pipeline.contracts.raw import OTHER_FIGURE
from dtm_pipeline.quality.parse import plain
from dtm_pipeline.storage.reference import Reference
from sources.dates import day_column
from sources.document import DeliveryError, Document, MissingFactError, Sheet, header_key
from sources.headers import Column, HeaderRow
from sources.protocol import Delivery, Finding, Match, Reading, SheetReading, combine
from sources.tabular import Context, Need, Tabular

SERIES_SHARE = 0.9
SERIES = "series"


class OtherFigure(Tabular):
    """What the kinds of figures of others share."""

    table = OTHER_FIGURE
    core_table = "core_other__figure"
    identity: ClassVar[tuple[str, ...]] = (
        "location_code",
        "provider",
        "population_group",
        "reference_date",
        "provider_admin1_name",
        "provider_admin1_code",
        "provider_admin2_name",
        "provider_admin2_code",
        "place_id",
        "location_name",
    )
    parts = ("provider",)
    persons = "individuals"
    vocabularies = {"population_group": "population_group"}
    statements = ("population_group", "provider")
    provider: str

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        """Checks that somebody says whom the figures count.

        Raises:
            MissingFactError: nobody does.
        """
        if frame["population_group_text"].null_count() == frame.height:
            raise MissingFactError(
                "population_group", "does not say whom it counts", f"one of {', '.join(POPULATION_GROUPS)}"
            )
        return frame

    def typed(self, texts: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The provider is the kind's own where nothing else is said; beside others a row without one may be their total."""
        rows, facts = super().typed(texts, context)
        return rows.with_columns(pl.col("provider").fill_null(self.provider)), facts


class GovernmentRegistration(OtherFigure):
    kind = "government_registration"
    title = "registration of a government (ministries, statistics offices)"
    provider = "government"
    constants = {"source_kind": kind, "cumulative": False}
    needs = (
        Need("an area", ("provider_admin1_name", "provider_admin1_code")),
        Need("registered families or persons", ("households", "individuals")),
        Need("a date of registration", ("reference_date",), decisive=False),
    )


class ReliefList(OtherFigure):
    kind = "relief_list"
    title = "list of the Red Cross, the Red Crescent or a disaster-management office"
    provider = "relief organisation"
    constants = {"source_kind": kind, "cumulative": False}
    needs = (
        Need("an area", ("provider_admin1_name", "provider_admin1_code")),
        Need("affected or assisted families or persons", ("households", "individuals")),
        Need("a shelter, site or date", ("location_name", "reference_date"), decisive=False),
    )


class UnhcrFigure(OtherFigure):
    """Tables with headers, and series without: days in the first column, and a cumulative count a country."""

    kind = "unhcr_figure"
    title = "figures of UNHCR: registered returns, refugees, border counts"
    provider = "UNHCR"
    constants = {"source_kind": kind}
    needs = (
        Need("refugees or returns of UNHCR", ("individuals", "households")),
        Need("a date", ("reference_date",)),
        Need("an area or a country", ("provider_admin1_name", "location_code"), decisive=False),
    )

    def parsed(self) -> list[Declared]:
        return [c for c in super().parsed() if c.name != "cumulative"]

    def recognise(self, document: Document, reference: Reference) -> Match:
        told = super().recognise(document, reference)
        if document.format == "json":
            return told
        series = any(_series_columns(sheet, reference) for sheet in document.sheets)
        return Match(1.0, ("days and counts",), headers=2, must_be_said=True) if series else told

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        read, findings = [], []
        for sheet in document.sheets:
            columns = _series_columns(sheet, reference)
            _check_countries(sheet, columns)
            for index, country in columns.items():
                read.append(self._read_series(sheet, index, country, delivery, reference))
            if columns:
                findings += _columns_not_read(sheet, columns)
        return combine(self.kind, read, findings) if read else super().read(document, delivery, reference)

    def _read_series(
        self, sheet: Sheet, index: int, country: str | None, delivery: Delivery, reference: Reference
    ) -> SheetReading:
        """One column of counts; a day on which it says nothing is no row of it."""
        told = country or delivery.statement.get("country")
        if told is None:
            raise MissingFactError("country", "a series of days and counts that names no country", "a country")
        header = HeaderRow(
            _rows_before(sheet),
            (
                Column(0, "day", "day", ("field", "reference_date")),
                Column(index, country or "count", SERIES, ("field", "individuals")),
            ),
        )
        stated = Sheet(
            sheet.name,
            # rows keep their numbers: what the column does not say is blanked out, days and all
            sheet.cells.with_columns(
                pl.when(plain(pl.col(f"c{index}")).is_not_null() | (pl.int_range(pl.len()) < header.row)).then(pl.all())
            ),
        )
        of_country = replace(delivery, statement={**delivery.statement, "country": told})
        return self.read_sheet(Context(stated, header, of_country, reference))

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        # a series counts from its beginning, as UNHCR's registrations do
        series = context.header.columns[-1].key == SERIES
        return super().shaped(frame, context).with_columns(cumulative=pl.lit(series))


def _rows_before(sheet: Sheet) -> int:
    """Rows above the first day: headers, blank or not."""
    return next((i for i, row in enumerate(sheet.head()) if row and row[0] and row[0][:1].isdigit()), 0)


def _series_columns(sheet: Sheet, reference: Reference) -> dict[int, str | None]:
    """Columns of counts beside a first column of days: one without a header, or those headed by countries."""
    head = sheet.head()
    before = _rows_before(sheet)
    body = [row for row in head[before:] if any(row)]
    while body and not (body[-1][0] or "")[:1].isdigit():
        body.pop()  # totals and notes below the days
    if len(body) < 2 or any(not row[0] or not row[0][:1].isdigit() for row in body):
        return {}
    days = pl.DataFrame({"c": [row[0] for row in body]})
    if days.select(day_column(days, "c").null_count()).item() > (1 - SERIES_SHARE) * len(body):
        return {}
    names = head[before - 1] if before else [None] * sheet.width
    countries = reference.country_names
    headed = {i: countries[key] for i, n in enumerate(names) if i and (key := header_key(n)) in countries}
    if headed:
        return dict(headed)
    counted = [c for row in body for c in row[1:] if c]
    blank = not any(names)
    return {1: None} if sheet.width == 2 and blank and counted and all(c.isdigit() for c in counted) else {}


def _check_countries(sheet: Sheet, columns: dict[int, str | None]) -> None:
    """No two columns count one country.

    Raises:
        DeliveryError: they do.
    """
    seen: dict[str | None, int] = {}
    for index, country in columns.items():
        if country in seen:
            raise DeliveryError(
                f"columns {seen[country] + 1} and {index + 1} both count {country}",
                "one column a country: its people would count twice",
                "take one of them out",
                sheet=sheet.name,
                row=_rows_before(sheet),
            )
        seen[country] = index


def _columns_not_read(sheet: Sheet, columns: dict[int, str | None]) -> list[Finding]:
    """Columns of a series that hold something and are headed by no country: totals, notes."""
    others = [
        i for i in range(1, sheet.width) if i not in columns and sheet.cells[f"c{i}"].null_count() < sheet.row_count
    ]
    told = ", ".join(str(i + 1) for i in others)
    return (
        [Finding("columns_not_read", f"columns {told} are headed by no country and were not read", sheet.name)]
        if others
        else []
    )
