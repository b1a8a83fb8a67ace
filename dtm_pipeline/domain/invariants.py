"""What must hold in every run, as rows that break it: checks of the graph and gates of the release ask the same functions.

Method: docs/method/consistency.md.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.aggregate import known_sum

SCOPE = ("location_code", "series_id", "reference_date")


def levels_compared(governorates: pl.DataFrame, districts: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Each governorate of each series and date beside the sum of its districts.

    Returns:
        SCOPE, admin1_code, governorate, district: equal, or a row was lost or counted twice.
    """
    key = [*SCOPE, "admin1_code"]
    sums = [
        frame.group_by(key).agg(known_sum(measure)).rename({measure: level})
        for level, frame in (("governorate", governorates), ("district", districts))
    ]
    return sums[0].join(sums[1], on=key, how="full", nulls_equal=True, coalesce=True)


def country_compared(governorates: pl.DataFrame, totals: pl.DataFrame, measure: str, total: str) -> pl.DataFrame:
    """What the source that leads says of each series and date beside the sum of the governorates.

    Args:
        totals: a row for each source of each series and date, with `leads` (core_dtm__source_total, out_meta__round).
        measure, total: the count in the governorates and in the totals.

    Returns:
        SCOPE, country, governorates: equal, or people were lost on the way from the source to the tables.
    """
    sums = governorates.group_by(SCOPE).agg(known_sum(measure)).rename({measure: "governorates"})
    led = totals.filter("leads").group_by(SCOPE).agg(known_sum(total)).rename({total: "country"})
    return sums.join(led, on=SCOPE, how="left")


def leaders(totals: pl.DataFrame) -> pl.DataFrame:
    """How many sources lead each series and date; where all are held none does.

    Returns:
        SCOPE, leaders, expected (1, or 0 where nothing of the date is used).
    """
    return totals.group_by(SCOPE).agg(
        leaders=pl.col("leads").sum().cast(pl.Int64), expected=(pl.col("rows") > 0).any().cast(pl.Int64)
    )


def accounts_compared(accounts: pl.DataFrame) -> pl.DataFrame:
    """Rows and persons that each delivery lost between its file and its tables: none.

    Args:
        accounts: rows_in, rows_valid, rows_rejected and the same of persons, a row a delivery.

    Returns:
        The rows with `lost`.
    """
    gaps = [(pl.col(f"{n}_in") - pl.col(f"{n}_valid") - pl.col(f"{n}_rejected")).abs() for n in ("rows", "persons")]
    return accounts.with_columns(lost=pl.sum_horizontal(gaps))
