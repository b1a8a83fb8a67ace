"""A table of anybody's, with the unit of each row: names, codes and points in columns of any name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.points import apply_points
from dtm_pipeline.places.resolve import resolve

if TYPE_CHECKING:
    from dtm_pipeline.places.cells import CellIndex

ADDED = ("admin1_code", "admin2_code", "method", "score", "conflict", "candidates")


class TableError(Exception):
    """A table that can't be resolved; the sentence says what to do."""


@dataclass(frozen=True)
class AskedColumns:
    """Columns of a table that tell places; None where it has none."""

    name: str | None = None
    parent: str | None = None
    code: str | None = None
    latitude: str | None = None
    longitude: str | None = None


def resolve_table(
    table: pl.DataFrame,
    location_code: str,
    level: int,
    asked: AskedColumns,
    gazetteer: Gazetteer,
    index: CellIndex | None = None,
) -> pl.DataFrame:
    """A table with the unit of each row.

    Args:
        table: text, as somebody's file has it.
        location_code: country of all rows. level: 1 or 2, of the names and codes.
        asked: which columns tell the place.
        index: cells of the districts, for points.

    Returns:
        Every row in its order, as text, with admin1_code, admin2_code, method (reviewed, code, name, point; null = no
        unit), score, conflict and candidates.

    Raises:
        TableError: no such column, one that would be written over, or a country without a gazetteer.
    """
    own = gazetteer.of_country(location_code)
    if own.units.is_empty():
        raise TableError(
            f"{location_code}: the gazetteer has {len(gazetteer.countries())} countries and not this one; name it by ISO 3166-1 alpha-3, such as IRQ"
        )
    if (asked.latitude is None) != (asked.longitude is None):
        raise TableError("--lat-col and --lon-col go together: name both or none")
    if asked.name is None and asked.code is None and asked.latitude is None:
        raise TableError(
            "name a column of names (--name-col), of codes (--code-col) or of points (--lat-col, --lon-col)"
        )
    for option in fields(asked):
        column = getattr(asked, option.name)
        if column is not None and column not in table.columns:
            raise TableError(f"has no column {column!r}; it has {', '.join(table.columns)}")
    if taken := [name for name in ADDED if name in table.columns]:
        raise TableError(f"already has the columns {', '.join(taken)}, which are added; rename them")
    rows = _rows(table, location_code, level, asked)
    told = resolve(rows, own)
    placed = apply_points(told, index, own)
    found = pl.col(f"admin{level}_code").is_not_null()
    sure = pl.coalesce("place_score", pl.when(pl.col("place_basis") == "point").then(1.0))
    return table.with_columns(
        placed.select(
            "admin1_code",
            "admin2_code",
            method=pl.when(found).then("place_basis"),
            score=pl.when(found).then(sure),
            conflict=_conflict(table, asked),
            candidates="place_candidates",
        )
    )


def _conflict(table: pl.DataFrame, asked: AskedColumns) -> pl.Expr:
    """What the evidence of a row disagrees about: code against name first, then the point, with its distance."""
    if asked.latitude is None or asked.longitude is None:
        return pl.col("place_conflict")
    written = pl.any_horizontal(
        pl.Series(table[c].str.strip_chars().replace("", None).is_not_null()) for c in (asked.latitude, asked.longitude)
    )
    unread = written & pl.any_horizontal(pl.col("latitude", "longitude").is_null())
    off_earth = (
        (pl.col("latitude").abs() > 90)
        | (pl.col("longitude").abs() > 180)
        | pl.col("latitude").is_nan()
        | pl.col("longitude").is_nan()
    )
    far = pl.format("point {} m outside the declared district", pl.col("point_distance_m").round(0).cast(pl.Int64))
    return (
        pl.when(pl.col("place_conflict").is_not_null())
        .then("place_conflict")
        .when(unread)
        .then(pl.lit("point can't be read"))
        .when(off_earth)
        .then(pl.lit("point is on no place of the earth"))
        .when(pl.col("point_state").is_in(["zero", "swapped", "of_many_places"]))
        .then(pl.format("point is {}", "point_state"))
        .when("point_conflict")
        .then(pl.coalesce(far, pl.lit("point outside the declared governorate")))
        .when(pl.col("point_state") == "outside")
        .then(pl.lit("point in no unit"))
    )


def _rows(table: pl.DataFrame, location_code: str, level: int, asked: AskedColumns) -> pl.DataFrame:
    """The table's columns in the words of the resolver; a parent may be a name or a code."""

    def text(column: str | None) -> pl.Expr:
        return pl.col(column).str.strip_chars().replace("", None) if column else pl.lit(None, pl.String)

    def degrees(column: str | None) -> pl.Expr:
        return text(column).str.replace(",", ".").cast(pl.Float64, strict=False)

    told = {f"provider_admin{n}_{what}": text(None) for n in (1, 2) for what in ("name", "code")}
    if level == 2:
        told |= {"provider_admin1_name": text(asked.parent), "provider_admin1_code": text(asked.parent)}
    told |= {f"provider_admin{level}_name": text(asked.name), f"provider_admin{level}_code": text(asked.code)}
    return table.select(
        location_code=pl.lit(location_code),
        # rows of one name are one place: a point that many names share is the point of none
        place_id=pl.concat_str(
            [text(c) for c in (asked.parent, asked.name, asked.code) if c], separator="/", ignore_nulls=True
        )
        if asked.parent or asked.name or asked.code
        else pl.lit(None, pl.String),
        latitude=degrees(asked.latitude),
        longitude=degrees(asked.longitude),
        **told,
    )
