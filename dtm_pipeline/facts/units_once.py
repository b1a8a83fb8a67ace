"""A unit that one delivery names in two ways: known only once its names are placed. Method: docs/method/statements.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.model import Table
from dtm_pipeline.contracts.raw import PROVIDER_PLACE, ROW
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.names import spelling_key
from dtm_pipeline.places.resolve import BY_LIKENESS, DECLARED, resolve

MEASURES = ("stock", "flow", "count")
REPEATED, CONFLICTING = "unit_repeated", "unit_conflicting"
SENTENCES = {
    REPEATED: "the row names a unit that another row of the delivery names in another way, with the same counts; it counts once",
    CONFLICTING: "rows of the delivery name one unit in two ways and differ in their counts; none of them counts: ask the sender which is right",
}
NO_IDENTITY = (
    *ROW,
    *(c.name for c in PROVIDER_PLACE),
    "flags",
    "reporting_round",
    "provider_record_id",
    "event_place",
    "latitude",
    "longitude",
)


def own_unit(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.Series:
    """The code of the unit that each row names, where the gazetteer has one of that name or code itself; else null.

    A unit of the provider that a crosswalk maps into ours is another unit than ours, and so is what a person decided.
    """
    keyed = rows if "place_id" in rows.columns else rows.with_columns(place_id=pl.lit(None, pl.String))
    told = resolve(keyed.select("location_code", "reference_date", "place_id", *DECLARED), gazetteer)
    itself = pl.col("place_basis").is_in(["code", "name"]) & (
        pl.col("place_note").is_null() | pl.col("place_note").is_in(BY_LIKENESS)
    )
    names_district = pl.any_horizontal(pl.col("provider_admin2_name", "provider_admin2_code").is_not_null())
    code = pl.when(names_district).then("admin2_code").otherwise("admin1_code")
    return told.select(pl.when(itself).then(code).alias("own_unit"))["own_unit"]


def units_once(rows: pl.DataFrame, table: Table, gazetteer: Gazetteer) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows in which each unit is named in one way, and a finding for each row that is left out.

    Two spellings of one unit in a delivery, alike in all that identifies them, are one statement where their counts are
    equal: the first is kept. Where each spelling has one row and the rows differ, none is kept. Several rows of one
    spelling are parts of the unit, and add up.

    Args:
        rows: raw rows of a country.
        table: their contract, or that of the core table made of them.

    Returns:
        The rows that are left; and location_code, snapshot_id, source_sheet, source_row, finding, sentence of the others.
    """
    measures = [c.name for c in table.columns if c.kind in MEASURES]
    identity = [c.name for c in table.columns if c.kind not in MEASURES and c.name not in NO_IDENTITY]
    own = [n for n in identity if n in rows.columns]
    spelled = pl.concat_str([pl.col(c).fill_null("") for c in DECLARED], separator="|")
    told = rows.with_columns(own_unit(rows, gazetteer)).with_columns(
        _spelled=spelled, **{c: spelling_key(pl.col(c)) for c in own if c == "location_name"}
    )
    same = ["snapshot_id", "source_sheet", "own_unit", *own]
    several = told.filter(pl.col("own_unit").is_not_null() & (pl.col("_spelled").n_unique().over(same) > 1))
    if several.is_empty():
        return rows, _findings(several.with_columns(finding=pl.lit(None, pl.String)))
    sums = several.group_by([*same, "_spelled"], maintain_order=True).agg(
        *(pl.when(pl.col(m).count() > 0).then(pl.col(m).sum()).alias(m) for m in measures), _rows=pl.len()
    )
    alike = sums.with_columns(
        _alike=pl.struct(measures).n_unique().over(same) == 1,
        _single=(pl.col("_rows") == 1).all().over(same),
        _first=pl.int_range(pl.len()).over(same) == 0,
    )
    verdicts = alike.select(
        *same,
        "_spelled",
        finding=pl.when(pl.col("_alike") & ~pl.col("_first"))
        .then(pl.lit(REPEATED))
        .when(~pl.col("_alike") & pl.col("_single"))
        .then(pl.lit(CONFLICTING)),
    )
    out = several.join(verdicts, on=[*same, "_spelled"], nulls_equal=True).filter(pl.col("finding").is_not_null())
    return rows.join(out.select(ROW), on=list(ROW), how="anti", nulls_equal=True), _findings(out)


def _findings(out: pl.DataFrame) -> pl.DataFrame:
    told = out.with_columns(sentence=pl.col("finding").replace_strict(SENTENCES, return_dtype=pl.String))
    return told.select("location_code", *ROW, "finding", "sentence")
