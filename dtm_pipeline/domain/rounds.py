"""What is known of each series and date: rounds, coverage, series."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.series import Series

SCOPE = ("series_id", "reference_date")


def rounds(
    totals: pl.DataFrame, rejected: pl.DataFrame, partial_above: float, statements: pl.DataFrame
) -> pl.DataFrame:
    """out_meta__round from core_dtm__source_total.

    Args:
        totals: rows of core_dtm__source_total.
        rejected: snapshot_id, reference_date (null = every date of the delivery), rejected_rows,
            rejected_individuals.
        partial_above: a date is partial when more than this share of its rows, or of its persons, was rejected.
        statements: those on rounds (registers.py): a date that is on record as partial is partial.
    """
    # a rejected row whose date is not readable counts against the delivery's newest date, never against none
    by_key = ["location_code", *SCOPE, "source_kind", "admin_level"]
    spread = totals.select(*by_key, snapshot_id="snapshot_ids").explode("snapshot_id")
    dated = spread.join(rejected.filter(pl.col("reference_date").is_not_null()), on=["snapshot_id", "reference_date"])
    newest = spread.sort("reference_date", "admin_level").unique("snapshot_id", keep="last")
    known = spread.select("snapshot_id", "reference_date").unique()
    undated = rejected.join(known, on=["snapshot_id", "reference_date"], how="anti").drop("reference_date")
    counted = (
        pl.concat([dated, newest.join(undated, on="snapshot_id")], how="diagonal")
        .group_by(by_key)
        .agg(
            pl.col("rejected_rows").sum(),
            pl.when(pl.col("rejected_individuals").count() > 0)
            .then(pl.col("rejected_individuals").sum())
            .alias("rejected_individuals"),
        )
    )
    lead = totals.filter("leads").select(*SCOPE, _lead="individuals")
    stated = statements.filter(statement="partial").select(*SCOPE, _partial=True).unique()
    rows = pl.col("rejected_rows") / (pl.col("rejected_rows") + pl.col("rows"))
    people = pl.col("rejected_individuals").fill_null(0) / (
        pl.col("rejected_individuals").fill_null(0) + pl.col("individuals").fill_null(0)
    )
    return (
        totals.join(counted, on=by_key, how="left")
        .join(lead, on=SCOPE, how="left")
        .join(stated, on=SCOPE, how="left")
        .with_columns(
            pl.col("rejected_rows").fill_null(0),
            difference_individuals=pl.when(~pl.col("leads")).then(pl.col("individuals") - pl.col("_lead")),
            deliveries=pl.col("snapshot_ids").list.len(),
        )
        .with_columns(
            # of no people none were rejected: nothing over nothing is no share
            status=pl.when(pl.col("held") & (pl.col("rows") == 0))
            .then(pl.lit("held"))
            .when(
                (rows.fill_nan(0) > partial_above)
                | (people.fill_nan(0) > partial_above)
                | pl.col("held")
                | pl.col("_partial").fill_null(False)
            )
            .then(pl.lit("partial"))
            .otherwise(pl.lit("complete"))
        )
        .drop("_lead", "_partial")
        .sort(*SCOPE, "source_kind", "admin_level")
    )


def coverage(stock: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """For every district of the gazetteer, series and date: assessed, zero, not assessed, or unknown.

    Unknown is a district of which nothing stands while people of the date stand in its governorate, or in the country,
    without a district. What was carried forward was not assessed on the date.

    Args:
        stock: rows of core_dtm__stock.
        units: districts: location_code, admin1_code .. admin2_name_local.
    """
    leading = stock.filter("leads")
    dates = leading.select("location_code", *SCOPE, "population_group").unique()
    assessed = leading.filter(pl.col("carried_from").is_null())
    people = pl.col("households").fill_null(0) + pl.col("individuals").fill_null(0)
    counted = assessed.group_by(*SCOPE, "location_code", "admin2_code").agg(_counted=people.sum())
    loose = (
        assessed.filter(pl.col("admin2_code").is_null() & (people > 0))
        .select(*SCOPE, "location_code", "admin1_code", _loose=True)
        .unique()
    )
    anywhere = loose.filter(pl.col("admin1_code").is_null()).select(*SCOPE, "location_code", _anywhere=True)
    return (
        dates.join(units, on="location_code")
        .join(counted, on=[*SCOPE, "location_code", "admin2_code"], how="left")
        .join(
            loose.filter(pl.col("admin1_code").is_not_null()), on=[*SCOPE, "location_code", "admin1_code"], how="left"
        )
        .join(anywhere, on=[*SCOPE, "location_code"], how="left")
        .with_columns(
            coverage=pl.when(pl.col("_counted").is_null() & pl.any_horizontal("_loose", "_anywhere"))
            .then(pl.lit("unknown"))
            .when(pl.col("_counted").is_null())
            .then(pl.lit("not_assessed"))
            .when(pl.col("_counted") == 0)
            .then(pl.lit("zero"))
            .otherwise(pl.lit("assessed"))
        )
        .drop("_counted", "_loose", "_anywhere")
        .sort(*SCOPE, "location_code", "admin2_code")
    )


def series_table(series: tuple[Series, ...], totals: pl.DataFrame) -> pl.DataFrame:
    """out_meta__series: the series that have figures, with their first and last dates."""
    spans = totals.group_by("series_id").agg(
        first_reference_date=pl.col("reference_date").min(),
        last_reference_date=pl.col("reference_date").max(),
    )
    fields = (
        "series_id",
        "title",
        "location_code",
        "population_group",
        "operations",
        "assessment_types",
        "sources",
        "overlap_group",
        "headline",
        "status",
        "max_age_days",
    )
    types = {"headline": pl.Boolean, "max_age_days": pl.Int64}
    lists = {"operations", "assessment_types", "sources"}
    declared = pl.DataFrame(
        {f: [list(getattr(s, f)) if f in lists else getattr(s, f) for s in series] for f in fields},
        schema={f: pl.List(pl.String) if f in lists else types.get(f, pl.String) for f in fields},
    )
    return declared.join(spans, on="series_id").sort("series_id")
