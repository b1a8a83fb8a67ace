"""Stocks by area. A stock adds up over places of one series and date, never over dates."""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.domain.aggregate import complete_sum, joined, known_sum, one_or_mixed
from dtm_pipeline.domain.series import Series

SERIES_KEY = ("series_id", "population_group", "reference_date")
AREA_CODES = {
    "governorate": ("location_code", "admin1_code"),
    "district": ("location_code", "admin1_code", "admin2_code"),
}
AREA_NAMES = {
    "governorate": ("admin1_name", "admin1_name_local"),
    "district": ("admin1_name", "admin1_name_local", "admin2_name", "admin2_name_local"),
}


def names_and_basis(level: str) -> list[pl.Expr]:
    """Names of the unit (the first in order where a provider spells it in several ways), basis and edition."""
    return [
        *(pl.col(name).drop_nulls().min() for name in AREA_NAMES[level]),
        one_or_mixed("place_basis"),
        joined("boundary_edition"),
    ]


def caveats() -> pl.Expr:
    """What to know about the figure of an area, as sorted codes."""
    located = pl.col("admin_level") == 4
    unresolved = pl.col("admin2_code").is_null() & pl.col("provider_admin2_name").is_not_null()
    codes = {
        "aggregate_only": ~located.any(),
        "place_unresolved": unresolved.any(),
        "point_conflict": pl.col("point_conflict").fill_null(False).any(),
    }
    return (
        pl.concat_list([pl.when(says).then(pl.lit(code)) for code, says in sorted(codes.items())])
        .list.drop_nulls()
        .alias("caveat_codes")
    )


def stock_by_area(stock: pl.DataFrame, level: str, prefix: str) -> pl.DataFrame:
    """Households and individuals of each area, series and date, from the rows that lead.

    Args:
        stock: rows of core_dtm__stock.
        level: `governorate` or `district`.
        prefix: `idp` or `returnee`, the measure's name.

    Returns:
        A row for each area; rows whose unit is not known stand under the unit that is.
    """
    located = pl.col("admin_level") == 4
    populated = (pl.col("households").fill_null(0) > 0) | (pl.col("individuals").fill_null(0) > 0)
    return (
        stock.filter("leads")
        .group_by(*SERIES_KEY, *AREA_CODES[level])
        .agg(
            *names_and_basis(level),
            joined("operation"),
            joined("assessment_type"),
            joined("reporting_round"),
            known_sum("households").alias(f"{prefix}_households"),
            known_sum("individuals").alias(f"{prefix}_individuals"),
            complete_sum("in_camp_individuals"),
            complete_sum("out_of_camp_individuals"),
            one_or_mixed("individuals_basis"),
            joined("household_size_rule_id", "+"),
            pl.when(located.any()).then((located & populated).sum()).alias("locations_with_population"),
            pl.when(located.any()).then(located.sum()).alias("locations_assessed"),
            caveats(),
        )
        .sort(*SERIES_KEY, *AREA_CODES[level])
    )


def latest(stock: pl.DataFrame, series: tuple[Series, ...], newest: date | None) -> pl.DataFrame:
    """The newest figure of each active headline series by district, if within the series' maximum age.

    Args:
        stock: rows of core_dtm__stock.
        series: the series of the release.
        newest: newest reference date of the release; ages run to it, never to the clock.
    """
    headline = {s.series_id: s.max_age_days for s in series if s.headline and s.status == "active"}
    ages = pl.DataFrame(
        {"series_id": list(headline), "max_age_days": list(headline.values())},
        schema={"series_id": pl.String, "max_age_days": pl.Int64},
    )
    return (
        stock.filter("leads")
        .join(ages, on="series_id")
        .filter(pl.col("reference_date") == pl.col("reference_date").max().over("series_id"))
        .with_columns(age_days=(pl.lit(newest, pl.Date) - pl.col("reference_date")).dt.total_days())
        .filter(pl.col("max_age_days").is_null() | (pl.col("age_days") <= pl.col("max_age_days")))
        .group_by(*SERIES_KEY, *AREA_CODES["district"])
        .agg(
            *names_and_basis("district"),
            known_sum("households"),
            known_sum("individuals"),
            one_or_mixed("individuals_basis"),
            pl.col("age_days").first(),
        )
        .sort(*SERIES_KEY, *AREA_CODES["district"])
    )
