"""From where to where, and how many of those who fled a governorate are back. Method: docs/method/origins.md."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.breakdowns import UNKNOWN, WITHHELD

RETURN_RATE_METHOD = "returnees/(returnees+idps_from_here) 1.0"
FROM_MEANING = {"idp": "origin", "idp_returnee": "last_displacement"}


@dataclass(frozen=True)
class ReturnRateRules:
    """Numbers of `[return_rate]` in reference/thresholds.toml.

    Attributes:
        date_tolerance_days: how far the list of IDPs may lie from that of returnees.
    """

    date_tolerance_days: int


def origin_destination(cells: pl.DataFrame) -> pl.DataFrame:
    """People by the governorate that they came from and the one they are in.

    What a governorate of origin means differs: for IDPs where they fled from, for returnees where they last were
    displaced to. The cells are those of the origin table of governorates, small ones pooled: neither table tells what
    the other withholds.

    Args:
        cells: those of governorates, as breakdown_by_area gives them.

    Returns:
        SERIES_KEY, location_code, from_admin1_code (null = not told, or withheld), from_kind (governorate, unknown,
        withheld), to_admin1_code, to_admin1_name, place_basis, from_meaning, households, individuals.
    """
    origins = pl.col("population_group").is_in(list(FROM_MEANING)) & (pl.col("dimension") == "origin")
    code = pl.col("category_code")
    kind = pl.when(code.is_in([UNKNOWN, WITHHELD])).then(code).otherwise(pl.lit("governorate"))
    return cells.filter(origins).with_columns(
        from_kind=kind,
        from_admin1_code=pl.when(kind == "governorate").then(code),
        to_admin1_code="admin1_code",
        to_admin1_name="admin1_name",
        from_meaning=pl.col("population_group").replace_strict(FROM_MEANING, return_dtype=pl.String),
    )


def return_rates(
    returnees: pl.DataFrame, flows: pl.DataFrame, headline: dict[str, str], rules: ReturnRateRules
) -> pl.DataFrame:
    """returnees to a governorate / (returnees to it + IDPs from it), as a method of ours.

    IDPs from a governorate are those whose origin is told and not withheld; the rate is therefore a little high, and
    `origin_unknown_share` says how many of the country's IDPs have no told origin. Lower than governorates origins are
    not known.

    Args:
        returnees: leading stock by governorate: series_id, population_group, reference_date, location_code,
            admin1_code, admin1_name, admin1_name_local, place_basis, boundary_edition, returnee_individuals.
        flows: as origin_destination gives it.
        headline: series_id of the headline series of each population group of the country.
        rules: how far the dates may lie apart.

    Returns:
        Place columns, series_id and reference_date of the returnees, idp_reference_date, method_version, returnees,
        still_displaced, rate, origin_unknown_share; null where no origins are told.
    """
    mine = returnees.filter(
        pl.col("series_id") == headline.get("idp_returnee", ""), pl.col("admin1_code").is_not_null()
    )
    from_here = flows.filter(pl.col("series_id") == headline.get("idp", ""))
    told = from_here.filter(from_kind="governorate")
    by_origin = told.group_by("reference_date", admin1_code="from_admin1_code").agg(
        still_displaced=pl.when(pl.col("individuals").null_count() == 0).then(pl.col("individuals").sum()),
        _named=pl.lit(True),
    )
    unknown = from_here.group_by("reference_date").agg(
        origin_unknown_share=pl.when(pl.col("individuals").null_count() == 0).then(
            pl.col("individuals").filter(pl.col("from_kind") != "governorate").sum() / pl.col("individuals").sum()
        ),
        _untold=((pl.col("from_kind") != "governorate") & (pl.col("individuals").fill_null(1) > 0)).sum(),
    )
    days = by_origin.select(idp_reference_date="reference_date").unique().sort("idp_reference_date")
    dates = mine.select("reference_date").unique().join(days, how="cross")
    off = (pl.col("idp_reference_date") - pl.col("reference_date")).dt.total_days().abs()
    nearest = (
        dates.with_columns(_off=off)
        .filter(pl.col("_off") <= rules.date_tolerance_days)
        .sort("reference_date", "_off", "idp_reference_date")
        .unique("reference_date", keep="first", maintain_order=True)
        .drop("_off")
    )
    rate = pl.col("returnees") / (pl.col("returnees") + pl.col("still_displaced"))
    return (
        mine.rename({"returnee_individuals": "returnees"})
        .join(nearest, on="reference_date", how="left")
        .join(
            by_origin.rename({"reference_date": "idp_reference_date"}),
            on=["idp_reference_date", "admin1_code"],
            how="left",
        )
        .join(unknown.rename({"reference_date": "idp_reference_date"}), on="idp_reference_date", how="left")
        .with_columns(
            # of a governorate that no cell names nobody is displaced, where no cell is withheld or unknown that could name it
            still_displaced=pl.when(pl.col("_named"))
            .then("still_displaced")
            .otherwise(pl.when(pl.col("_untold") == 0).then(0)),
            method_version=pl.lit(RETURN_RATE_METHOD),
        )
        .with_columns(rate=pl.when(pl.col("returnees") + pl.col("still_displaced") > 0).then(rate))
        .sort("series_id", "reference_date", "admin1_code")
    )
