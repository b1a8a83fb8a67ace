"""Breakdowns of the leading stocks of a country."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from dtm_pipeline.contracts.core import BREAKDOWN, FINDING, PLACE, SERIES
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.breakdowns import (
    UNKNOWN,
    cells_by_area,
    complete_cells,
    dimensions_told,
    untold_cells,
    with_additions,
)
from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.stocks import LOCATION_LEVEL
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.names import name_key

PLACES = [*ROW, "admin_level", *(c.name for c in (*SERIES, *PLACE))]
SEVERAL = "several"
CELL = [*ROW, "dimension", "category_code", "unit", "value"]


def breakdown_facts(
    stock: pl.DataFrame, deliveries: Iterable[pl.DataFrame], rules: tuple[SizeRule, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parts of the stock of each district, and findings where the cells of a row do not sum to its stock.

    Args:
        stock: core_dtm__stock of a country.
        deliveries: cells of rows (raw_dtm__master_list_cell, or area_cells), a frame a delivery: memory grows with the
            largest of them.
        rules: household-size rules.
    """
    leading = with_sizes(stock.filter("leads"), rules)
    areas, gaps, told = [empty(BREAKDOWN)], [empty(FINDING)], []
    for cells in deliveries:
        mine = leading.join(cells.select("snapshot_id").unique(), on="snapshot_id", how="semi")
        if mine.is_empty():
            continue
        # a row that was carried forward has the cells of the row that it is
        told.append(dimensions_told(mine, cells))
        parts = complete_cells(mine.unique(ROW, keep="first", maintain_order=True), cells)
        areas.append(conform(cells_by_area(parts, mine.select(PLACES)), BREAKDOWN))
        listed = mine.filter(pl.col("admin_level") == LOCATION_LEVEL).unique(ROW, maintain_order=True)
        gaps.append(_gaps(parts, listed.select(*ROW, "location_code")))
    if told:
        # what one delivery of a date tells and another does not is unknown in the other's rows
        for rest in untold_cells(leading, pl.concat(told)).partition_by("series_id", "reference_date"):
            mine = leading.join(rest.select("series_id", "reference_date").unique(), on=["series_id", "reference_date"])
            areas.append(
                conform(cells_by_area(rest.drop("series_id", "reference_date"), mine.select(PLACES)), BREAKDOWN)
            )
            listed = mine.filter(pl.col("admin_level") == LOCATION_LEVEL).unique(ROW, maintain_order=True)
            gaps.append(_gaps(rest, listed.select(*ROW, "location_code")))
    return with_additions(pl.concat(areas)), pl.concat(gaps)


def area_cells(
    figures: pl.DataFrame, stock: pl.DataFrame, reasons: pl.DataFrame, gazetteer: Gazetteer
) -> Iterable[pl.DataFrame]:
    """Cells of figures of areas, a frame a delivery: reason, origin, and sex.

    A dimension stands for a series and date where its source tells any of it; rows of which nothing is told are then
    `unknown`. Origins are told of countries whose governorates the gazetteer has.

    Args:
        figures: raw_dtm__api_figure of a country.
        stock: core_dtm__stock of the country.
        reasons: the vocabulary displacement_reason: code, alias.
        gazetteer: units of the country.
    """
    leading = stock.filter(pl.col("leads") & (pl.col("admin_level") < LOCATION_LEVEL))
    rows = figures.join(leading.select(*ROW, "series_id", day="reference_date"), on=list(ROW), nulls_equal=True)
    if rows.is_empty():
        return
    told = [_reasons(rows, reasons), _origins(rows, gazetteer), *_sexes(rows)]
    cells = pl.concat([c.select(*CELL, "series_id", "day") for c in told])
    known = cells.filter(pl.col("category_code") != UNKNOWN)
    asked = known.select("series_id", "day", "dimension").unique()
    cells = cells.join(asked, on=["series_id", "day", "dimension"], how="semi").select(CELL)
    # rows of which a dimension tells nothing have it as unknown, on dates where it is told at all
    rest = rows.join(asked, on=["series_id", "day"]).join(
        cells.select(*ROW, "dimension").unique(), on=[*ROW, "dimension"], how="anti", nulls_equal=True
    )
    silent = rest.select(
        *ROW, "dimension", category_code=pl.lit(UNKNOWN), unit=pl.lit("individuals"), value="individuals"
    )
    yield from pl.concat([cells, silent]).partition_by("snapshot_id")


def _reasons(rows: pl.DataFrame, vocabulary: pl.DataFrame) -> pl.DataFrame:
    """One reason a row; several given together are a category of their own, for nobody says how many had which."""
    codes = dict(zip(vocabulary["alias"].str.to_lowercase(), vocabulary["code"], strict=True))
    words = pl.col("displacement_reason").str.to_lowercase().str.split(";")
    known = words.list.eval(
        pl.element().str.strip_chars().replace_strict(codes, default=UNKNOWN, return_dtype=pl.String)
    )
    meant = known.list.eval(pl.element().filter(pl.element() != UNKNOWN)).list.unique()
    code = (
        pl.when(meant.list.len() > 1).then(pl.lit(SEVERAL)).otherwise(pl.coalesce(meant.list.first(), pl.lit(UNKNOWN)))
    )
    return _as_cells(rows, "reason", code, "individuals")


def _origins(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    names = (
        gazetteer.names_of(1)
        .select("location_code", code="code", key=name_key(pl.col("name")))
        .unique(["location_code", "key"], keep="first", maintain_order=True)
    )
    named = rows.with_columns(key=name_key(pl.col("origin_admin1_name"))).join(
        names, on=["location_code", "key"], how="left"
    )
    known = named.filter(pl.col("location_code").is_in(sorted(gazetteer.countries())))
    return _as_cells(known, "origin", pl.coalesce("code", pl.lit(UNKNOWN)), "individuals")


def _sexes(rows: pl.DataFrame) -> list[pl.DataFrame]:
    return [
        _as_cells(rows.filter(pl.col(column).is_not_null()), "sex_age", pl.lit(code), column)
        for code, column in (("male", "male_individuals"), ("female", "female_individuals"))
    ]


def _as_cells(rows: pl.DataFrame, dimension: str, code: pl.Expr, value: str) -> pl.DataFrame:
    return rows.with_columns(
        dimension=pl.lit(dimension), category_code=code, unit=pl.lit("individuals"), value=pl.col(value)
    )


def _gaps(parts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    missing = pl.format(
        "{}: {} {} of the location are in no category; they stand as unknown", "dimension", "gap", "unit"
    )
    exceeding = pl.format(
        "{}: the categories exceed the location's {} by {}; all stand as unknown",
        "dimension",
        "unit",
        pl.col("gap").abs(),
    )
    found = (
        parts.filter((pl.col("gap") != 0) & (pl.col("category_code") == UNKNOWN))
        .unique([*ROW, "dimension"])
        .join(rows, on=list(ROW), nulls_equal=True)
        .with_columns(
            finding=pl.when(pl.col("gap") > 0).then(pl.lit("breakdown_gap")).otherwise(pl.lit("breakdown_exceeds")),
            sentence=pl.when(pl.col("gap") > 0).then(missing).otherwise(exceeding),
        )
    )
    return conform(found.drop("individuals"), FINDING)
