"""What is on record of rounds and locations: closed, not reassessed, complete, partial, merged, split."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

STATED = ("location_code", "population_group", "reference_date")
CLOSED = "closed"
LINK_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "place_id": pl.String(),
    "link": pl.String(),
    "other_place_id": pl.String(),
    "reference_date": pl.Date(),
    "source": pl.String(),
}


@dataclass(frozen=True)
class Registers:
    """What is on record of rounds and locations.

    Attributes:
        rounds: series_id, reference_date, statement (`complete` or `partial`).
        locations: location_code, place_id or admin_code (the unit whose locations are all meant), population_group
            (null = every group), statement (`closed` or `not_reassessed`), valid_from, valid_to (null = open).
        links: location_code, place_id, link (`merged_into`, `split_from`), other_place_id, reference_date.
    """

    rounds: pl.DataFrame
    locations: pl.DataFrame
    links: pl.DataFrame


def with_statements(rows: pl.LazyFrame, locations: pl.DataFrame) -> pl.LazyFrame:
    """Rows with `says`: what is on record of their location on their date, for their group; null = nothing.

    A statement on the location leads over one on its unit; of several `closed` holds.

    Args:
        rows: location_code, population_group, reference_date, place_id, admin1_code, admin2_code.
        locations: those of Registers.
    """
    told = locations.with_columns(
        pl.col("population_group").fill_null("*"), pl.col("valid_to").fill_null(pl.date(9999, 12, 31))
    )
    answers = []
    for column, key in (("place_id", "place_id"), ("admin2_code", "admin_code"), ("admin1_code", "admin_code")):
        statements = told.filter(pl.col(key).is_not_null())
        if statements.is_empty():
            continue
        name = f"_{column}_says"
        of_group = (pl.col("_group") == "*") | (pl.col("_group") == pl.col("population_group"))
        met = (
            rows.select(*STATED, pl.col(column).alias(key))
            .unique()
            .join(
                statements.lazy().select(
                    "location_code", key, "statement", "valid_from", "valid_to", _group="population_group"
                ),
                on=["location_code", key],
            )
            .filter(of_group & pl.col("reference_date").is_between("valid_from", "valid_to"))
            .group_by(*STATED, pl.col(key).alias(column))
            .agg(pl.col("statement").min().alias(name))
        )
        rows = rows.join(met, on=[*STATED, column], how="left")
        answers.append(name)
    says = pl.coalesce(answers) if answers else pl.lit(None, pl.String)
    return rows.with_columns(says=says).drop(answers)
