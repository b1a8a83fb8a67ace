"""Totals rows: control totals that accepted + rejected must equal, never a place."""

from __future__ import annotations

import re

import polars as pl

from dtm_pipeline.quality.parse import decimal_number, plain, whole_number
from sources.headers import HeaderRow
from sources.protocol import Finding

SAYS = r"(?i)^\W*((grand|sub)[\s-]?)?(totals?|sum)\b|^\W*المجموع"
LABEL_COLUMNS = 8
"""Columns, from the left, in one of which a totals row says what it is."""
SUBTOTAL = re.compile(r"^\W*sub[\s-]?total", re.IGNORECASE)
LOCATIONS = re.compile(r"locations?\s*:?\s*(\d[\d,]*)", re.IGNORECASE)


def part_totals(texts: pl.DataFrame, header: HeaderRow) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Totals rows, and the others. A totals row says so where a place would stand, and names no district or point."""
    fields = header.fields()

    def column(name: str) -> pl.Expr:
        return plain(pl.col(fields[name].cell)) if name in fields else pl.lit(None, pl.String)

    # a totals row says so before anything else
    first = [pl.col(c).str.strip_chars() for c in texts.columns[1 : 1 + LABEL_COLUMNS]]
    says_total = pl.coalesce(pl.when(c != "").then(c) for c in first).str.contains(SAYS).fill_null(False)
    # a location may be named so; a total has neither a district nor a point
    district = column("provider_admin2_name")
    placeless = (
        (district.is_null() | district.str.contains(SAYS))
        & column("provider_admin2_code").is_null()
        & decimal_number(column("latitude")).is_null()
    )
    is_total = says_total & placeless
    return texts.filter(is_total), texts.filter(~is_total)


def control_totals(
    totals: pl.DataFrame, rows: pl.DataFrame, header: HeaderRow, counts: tuple[str, ...], sheet: str | None
) -> list[Finding]:
    """Compare the totals rows with what was read: accepted + rejected.

    Args:
        totals: totals rows, as text.
        rows: all other rows, with the parsed counts.
        counts: names of the counts that a totals row may state.
    """
    fields = header.fields()
    findings = []
    for row in totals.iter_rows(named=True):
        if any(isinstance(c, str) and SUBTOTAL.search(c) for c in row.values()):
            continue  # of a part of the list, which it does not name
        number = int(row["source_row"])
        stated: dict[str, int | None] = {
            name: totals.filter(pl.col("source_row") == number).select(whole_number(pl.col(fields[name].cell))).item()
            for name in counts
            if name in fields
        }
        said = next((m for c in row.values() if isinstance(c, str) and (m := LOCATIONS.search(c))), None)
        read: dict[str, int] = {n: int(rows[n].filter(rows[n] >= 0).sum()) for n in stated}
        if said:
            stated["locations"], read["locations"] = int(said[1].replace(",", "")), rows.height
        findings += [
            Finding(
                "control_total_differs",
                f"the totals row states {value:,} {name}, the rows of the list hold {read[name]:,}",
                sheet,
                number,
            )
            for name, value in stated.items()
            if value is not None and value != read[name]
        ]
    return findings
