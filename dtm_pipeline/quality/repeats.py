"""A place that stands twice in one list: under another id, or spelled in another way. Method: docs/method/statements.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dtm_pipeline.places.locations import distance_m
from dtm_pipeline.places.names import spelling_key
from dtm_pipeline.quality.split import Reject

PLACE_NAMES = ("provider_admin1_name", "provider_admin2_name", "location_name")
REPEATED, CONFLICTING, ALIKE = "repeated", "conflicting", "alike"
DERIVED = "name:"


@dataclass(frozen=True)
class PlaceOnce:
    """What makes two rows of a list one place.

    Attributes:
        names: columns of the names of its units and its own.
        scope: keys that rows of one list and part share (population group, date, origin).
        measures: counts that are compared.
    """

    names: tuple[str, ...]
    scope: tuple[str, ...]
    measures: tuple[str, ...]


def derived_id(names: tuple[str, ...]) -> pl.Expr:
    """An id from the names of a place: one for all of their spellings."""
    parts = [spelling_key(pl.col(n)).fill_null("") for n in names]
    return pl.lit(DERIVED) + pl.concat_str(parts, separator="/")


@dataclass(frozen=True)
class PlaceRules:
    """Numbers of `[deliveries]` in reference/thresholds.toml.

    Attributes:
        near_m: metres within which two points are of one place.
        figure_min: least count that two ids must share to be one place where their points are not known.
    """

    near_m: float
    figure_min: int

    @classmethod
    def of(cls, thresholds: dict[str, Any]) -> PlaceRules:
        """The rules of reference/thresholds.toml."""
        return cls(thresholds["deliveries"]["same_place_m"], thresholds["deliveries"]["same_figure_min"])


def with_places_twice(rows: pl.DataFrame, once: PlaceOnce, rules: PlaceRules) -> pl.DataFrame:
    """The rows with `_twice`: `repeated` of a row that says again what a row before it says of the place, `conflicting`
    of rows of one place of which one at most is right, `alike` of one whose equal count is too small to tell, else null.

    Two rows are of one place where names and units are spelled alike and their points, if both have one, lie within
    `near_m`. Under different ids they are two places, unless all of their counts are equal (and, where a point is missing, at
    least one of these reaches `figure_min`: villages of one family each are often alike). Names alone, without an id,
    never make two places of one; points that lie apart do, and the ids made of names then tell them apart.

    Args:
        rows: source_row, place_id, _derived (the id is made of names), latitude, longitude, and the columns of `once`.
        rules: how near is near, and how large is no coincidence.
    """
    where = derived_id(once.names)
    unknown = [pl.lit(None, pl.Float64).alias(c) for c in ("latitude", "longitude") if c not in rows.columns]
    named = rows.with_columns(*unknown, _where=pl.when(pl.col("location_name").is_not_null()).then(where))
    group = ["_where", *once.scope]
    several = named.filter(pl.col("_where").is_not_null() & (pl.len().over(group) > 1))
    if several.is_empty():
        return named.with_columns(_twice=pl.lit(None, pl.String)).drop("_where")
    named, several = _apart(named, several, rules.near_m)
    pairs = _pairs(several, once, group).filter(pl.col("_metres").is_null() | (pl.col("_metres") <= rules.near_m))
    other_id = pl.col("place_id") != pl.col("place_id_2")
    by_name = pl.col("_derived") | pl.col("_derived_2")
    counted = pl.any_horizontal(pl.col(m) > 0 for m in once.measures)
    equal = pairs.filter(other_id & pl.col("_equal") & counted)
    telling = (
        by_name
        | pl.col("_metres").is_not_null()
        | pl.any_horizontal(pl.col(m) >= rules.figure_min for m in once.measures)
    )
    again = equal.filter(telling.fill_null(False))["source_row_2"].to_list()
    alike = equal.filter(~telling.fill_null(False))["source_row_2"].to_list()
    apart = pairs.filter(other_id & by_name & ~pl.col("_equal"))
    conflict = [*apart["source_row"], *apart["source_row_2"]]
    verdict = (
        pl.when(pl.col("source_row").is_in(conflict))
        .then(pl.lit(CONFLICTING))
        .when(pl.col("source_row").is_in(again))
        .then(pl.lit(REPEATED))
        .when(pl.col("source_row").is_in(alike))
        .then(pl.lit(ALIKE))
    )
    return named.with_columns(_twice=verdict).drop("_where")


def _apart(named: pl.DataFrame, several: pl.DataFrame, near_m: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ids made of names, told apart by their points where these lie apart from the first of the name."""
    first = [pl.col(c).drop_nulls().first().over("_where") for c in ("latitude", "longitude")]
    far = several.filter("_derived").filter(
        (distance_m(pl.col("latitude"), pl.col("longitude"), *first) > near_m).fill_null(False)
    )
    if far.is_empty():
        return named, several
    point = pl.format("{}@{},{}", "place_id", pl.col("latitude").round(3), pl.col("longitude").round(3))
    renamed = pl.when(pl.col("source_row").is_in(far["source_row"].to_list())).then(point).otherwise("place_id")
    return named.with_columns(place_id=renamed), several.with_columns(place_id=renamed)


def _pairs(several: pl.DataFrame, once: PlaceOnce, group: list[str]) -> pl.DataFrame:
    """Each two rows of one name: the earlier, the later (`_2`), the metres between them, and whether they count alike."""
    asked = [*group, "source_row", "place_id", "_derived", "latitude", "longitude", *once.measures]
    rows = several.select(list(dict.fromkeys(asked)))
    pairs = rows.join(rows, on=group, nulls_equal=True, suffix="_2").filter(
        pl.col("source_row") < pl.col("source_row_2")
    )
    metres = distance_m(pl.col("latitude"), pl.col("longitude"), pl.col("latitude_2"), pl.col("longitude_2"))
    equal = pl.all_horizontal(pl.col(m).eq_missing(pl.col(f"{m}_2")) for m in once.measures)
    return pairs.with_columns(_metres=metres, _equal=equal)


ALIKE_SENTENCE = (
    "another place of this unit has the name and the counts of this one, under another id; both are counted"
)


def place_rejects(what: str) -> list[Reject]:
    """The rejects of places that stand twice."""
    return [
        Reject(
            "conflicting_place",
            f"a {what} stands once; two rows of one name and unit, one of them without an id, differ in their counts and can't both be right",
            None,
            pl.col("_twice") == CONFLICTING,
            pl.lit(None, pl.String),
        ),
        Reject(
            "repeated_place",
            f"a {what} stands once; the row has the name, the unit and the counts of another, which is kept",
            None,
            pl.col("_twice") == REPEATED,
            pl.lit(None, pl.String),
        ),
    ]
