"""Stocks by area. A stock adds up over places of one series and date, never over dates."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.aggregate import (
    as_ends,
    complete_sum,
    ends,
    joined,
    known_sum,
    one_or_mixed,
    with_joined_texts,
)
from dtm_pipeline.domain.series import Series

SERIES_KEY = ("series_id", "population_group", "reference_date")
LOCATION_LEVEL = 4
AREA_CODES = {
    "governorate": ("location_code", "admin1_code"),
    "district": ("location_code", "admin1_code", "admin2_code"),
    "subdistrict": ("location_code", "admin1_code", "admin2_code", "admin3_code"),
}
AREA_NAMES = {
    "governorate": ("admin1_name", "admin1_name_local"),
    "district": ("admin1_name", "admin1_name_local", "admin2_name", "admin2_name_local"),
    "subdistrict": ("admin1_name", "admin1_name_local", "admin2_name", "admin2_name_local", "admin3_name"),
}
# texts of which an area has as many as its rows, and what stands between them
JOINED = {
    **dict.fromkeys(("boundary_edition", "operation", "assessment_type", "reporting_round"), "; "),
    "household_size_rule_id": "+",
}
CAVEATS = (
    "aggregate_only",
    "carried_forward",
    "individuals_partly_unknown",
    "no_range",
    "place_unresolved",
    "point_conflict",
)


def names_and_basis(level: str) -> list[pl.Expr]:
    """Names of the unit (the first in order where a provider spells it in several ways), basis and edition."""
    return [
        *(pl.col(name).min() for name in AREA_NAMES[level]),
        one_or_mixed("place_basis"),
        joined("boundary_edition"),
    ]


def with_subdistricts(stock: pl.DataFrame) -> pl.DataFrame:
    """Rows of those series and dates of which any row carries a sub-district."""
    carried = stock.filter(pl.col("leads") & pl.col("admin3_code").is_not_null())
    return stock.join(
        carried.select("series_id", "reference_date").unique(), on=["series_id", "reference_date"], how="semi"
    )


def stock_by_area(stock: pl.DataFrame, level: str, prefix: str) -> pl.DataFrame:
    """Households and individuals of each area, series and date, from the rows that lead.

    Args:
        stock: rows of core_dtm__stock.
        level: `governorate`, `district` or `subdistrict`.
        prefix: `idp` or `returnee`, the measure's name.

    Returns:
        A row for each area; rows whose unit is not known stand under the unit that is. `*_low` and `*_high` are the
        people by the least and greatest household size that sources support; null where a part of them has no range.
    """
    return stock_by_areas(stock, (level,), prefix)[level]


def stock_by_areas(stock: pl.DataFrame, levels: tuple[str, ...], prefix: str) -> dict[str, pl.DataFrame]:
    """The same for several levels, finest first: each is put together from the one before it.

    Arguments and tables are those of stock_by_area.
    """
    rows = stock.filter("leads")
    parts, made = _as_parts(rows), {}
    for level in levels:
        sums = _put_together(parts, level).collect()
        made[level] = _told(sums, rows, level, prefix)
        parts = sums.lazy()
    return made


def _as_parts(rows: pl.DataFrame) -> pl.LazyFrame:
    """Each row as the part of an area that it is: what _put_together takes and gives."""
    located = pl.col("admin_level") == LOCATION_LEVEL
    populated = (pl.col("households").fill_null(0) > 0) | (pl.col("individuals").fill_null(0) > 0)
    fresh = pl.col("carried_from").is_null()
    return rows.lazy().with_columns(
        *as_ends(JOINED),
        locations_with_population=pl.when(located).then(populated.cast(pl.Int64)),
        locations_assessed=pl.when(located).then(fresh.cast(pl.Int64)),
        aggregate_only=~located,
        carried_forward=~fresh,
        individuals_partly_unknown=pl.lit(False),
        no_range=pl.col("individuals").is_not_null() & pl.col("individuals_low").is_null(),
        place_unresolved=pl.col("admin2_code").is_null() & pl.col("provider_admin2_name").is_not_null(),
        point_conflict=pl.col("point_conflict").fill_null(False),
    )


def _put_together(parts: pl.LazyFrame, level: str) -> pl.LazyFrame:
    """Areas of a level from rows or from smaller areas."""
    known = pl.col("individuals").is_not_null()
    ranges = (
        # of the parts that are in the total, each must tell its range
        pl.when(known.any() & (pl.col(bound).is_not_null() | ~known).all()).then(pl.col(bound).sum()).alias(bound)
        for bound in ("individuals_low", "individuals_high")
    )
    return parts.group_by(*SERIES_KEY, *AREA_CODES[level]).agg(
        *(pl.col(name).min() for name in AREA_NAMES[level]),
        one_or_mixed("place_basis"),
        known_sum("households"),
        known_sum("individuals"),
        *ranges,
        complete_sum("in_camp_individuals"),
        complete_sum("out_of_camp_individuals"),
        one_or_mixed("individuals_basis"),
        known_sum("locations_with_population"),
        known_sum("locations_assessed"),
        pl.col("last_verified_date").max(),
        *ends(JOINED),
        pl.col("aggregate_only").all(),
        pl.col("carried_forward", "no_range", "place_unresolved", "point_conflict").any(),
        individuals_partly_unknown=pl.col("individuals_partly_unknown").any() | (known.any() & ~known.all()),
    )


def _told(sums: pl.DataFrame, rows: pl.DataFrame, level: str, prefix: str) -> pl.DataFrame:
    """Areas as a table tells them: named measures, joined texts, and what to know about the figure as sorted codes."""
    key = [*SERIES_KEY, *AREA_CODES[level]]
    measures = ("households", "individuals", "individuals_low", "individuals_high")
    caveats = pl.concat_list([pl.when(code).then(pl.lit(code)) for code in CAVEATS]).list.drop_nulls()
    return (
        with_joined_texts(sums, rows, key, JOINED)
        .with_columns(caveat_codes=caveats)
        .drop(CAVEATS)
        .rename({measure: f"{prefix}_{measure}" for measure in measures})
        .sort(key, nulls_last=True)
    )


def arrivals_by_area(stock: pl.DataFrame, level: str) -> pl.DataFrame:
    """Arrivals of each area: returns and arrivals since the count began, and how many of them in the current year.

    `of_which_current_year` resets every year: it is a part, never added to the stock.

    Args:
        stock: rows of core_dtm__stock; groups idp_returnee, returnee_from_abroad and arrival_elsewhere of which a
            source tells the current year's part.
        level: `governorate` or `district`.

    Returns:
        SERIES_KEY, place columns, arrival_kind, individuals, of_which_current_year.
    """
    told = stock.filter(pl.col("leads") & pl.col("of_which_current_year").is_not_null())
    key = [*SERIES_KEY, *AREA_CODES[level]]
    return (
        told.group_by(key)
        .agg(*names_and_basis(level), known_sum("individuals"), known_sum("of_which_current_year"))
        .with_columns(arrival_kind="population_group")
        .sort(key)
    )


def newest_figures(stock: pl.DataFrame, series: tuple[Series, ...], totals: pl.DataFrame) -> pl.DataFrame:
    """The newest figure of each series by district, with what its series says of it.

    Args:
        stock: rows of core_dtm__stock.
        series: the series of the country.
        totals: rows of core_dtm__source_total, which tell on which dates a delivery is held.

    Returns:
        SERIES_KEY, district columns, households, individuals, headline, series_status, max_age_days, overlap_group, and
        held_reference_date: the newest date, of this or later, on which a delivery waits for a person.
    """
    held = totals.filter("held").group_by("series_id").agg(held_reference_date=pl.col("reference_date").max())
    declared = pl.DataFrame(
        [(s.series_id, s.headline, s.status, s.max_age_days, s.overlap_group) for s in series],
        schema={
            "series_id": pl.String,
            "headline": pl.Boolean,
            "series_status": pl.String,
            "max_age_days": pl.Int64,
            "overlap_group": pl.String,
        },
        orient="row",
    )
    key = [*SERIES_KEY, *AREA_CODES["district"]]
    return (
        stock.filter("leads")
        .filter(pl.col("reference_date") == pl.col("reference_date").max().over("series_id"))
        .group_by(key)
        .agg(
            *names_and_basis("district"),
            known_sum("households"),
            known_sum("individuals"),
            one_or_mixed("individuals_basis"),
        )
        .join(declared, on="series_id")
        .join(held, on="series_id", how="left")
        .with_columns(
            held_reference_date=pl.when(pl.col("held_reference_date") >= pl.col("reference_date")).then(
                "held_reference_date"
            )
        )
        .sort(key)
    )


def with_ages(figures: pl.DataFrame) -> pl.DataFrame:
    """The newest figures of all countries with their age, and why they are not the country's, if they are not.

    Ages run to the newest reference date among the figures, never to the clock: what a release holds depends on its
    deliveries alone.

    Args:
        figures: newest_figures of every country.

    Returns:
        The rows with age_days, held_newer_days (how much newer what is held is) and why_not_latest (null for an active headline
        series within its maximum age).
    """
    age = pl.col("age_days")
    reasons = (
        (pl.col("series_status") == "unregistered", "unregistered"),
        (pl.col("series_status") == "ended", "ended"),
        (~pl.col("headline"), "not_headline"),
        ((age > pl.col("max_age_days")).fill_null(False), "too_old"),
    )
    why = pl.lit(None, pl.String)
    for holds, reason in reversed(reasons):
        why = pl.when(holds).then(pl.lit(reason)).otherwise(why)
    newest = pl.col("reference_date").max()
    return figures.with_columns(
        age_days=(newest - pl.col("reference_date")).dt.total_days(),
        held_newer_days=(pl.col("held_reference_date") - pl.col("reference_date")).dt.total_days(),
    ).with_columns(why_not_latest=why)
