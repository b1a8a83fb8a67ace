"""Severity of conditions by a versioned model. Method: docs/method/severity.md.

IOM publishes neither coefficients nor cut-offs of its indices. A model file is ours, is named with its version
in every row, and never passes for IOM's own score. Severity by location is not people in need.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.domain.stocks import AREA_CODES, SERIES_KEY, names_and_basis

MODEL_KEY = ("index_name", "model_version")


@dataclass(frozen=True)
class Indicator:
    """A question of the survey, the scale it belongs to and what each answer is worth (0 best, 1 worst)."""

    code: str
    question: str
    scale: str
    weight: float
    answers: dict[str, float]
    dissemination: str


@dataclass(frozen=True)
class SeverityModel:
    """How answers become a score of 0 to 100 and a class."""

    index_name: str
    model_version: str
    location_code: str
    population_group: str
    illustrative: bool
    source: str
    questions: dict[str, str]
    """Questions that are no indicators: place_id, households, surveyed_on, provider_admin1_name ..."""
    indicators: tuple[Indicator, ...]
    medium_from: float
    high_from: float
    min_answered_share: float
    stock_date_tolerance_days: int


def score_locations(answers: pl.DataFrame, model: SeverityModel) -> pl.DataFrame:
    """Score and class of each location.

    A scale's score is 100 times the mean of its answers weighted by indicator; the location's is the mean of its
    scales. Where less than `min_answered_share` of the indicators is answered there is no score.

    Args:
        answers: key columns, indicator_code, value (0 to 1, null when not answered).

    Returns:
        Key columns, score (0 to 100 or null) and severity_class.
    """
    key = [c for c in answers.columns if c not in ("indicator_code", "value")]
    weights = pl.DataFrame(
        {
            "indicator_code": [i.code for i in model.indicators],
            "scale": [i.scale for i in model.indicators],
            "weight": [i.weight for i in model.indicators],
        }
    )
    answered = pl.col("value").is_not_null()
    weighed = pl.col("weight").filter(answered)
    scales = (
        answers.join(weights, on="indicator_code")
        .group_by(*key, "scale", maintain_order=True)
        .agg(
            score=(pl.col("value").filter(answered) * weighed).sum() / weighed.sum() * 100,
            answered=answered.sum(),
        )
    )
    enough = pl.col("answered").sum() >= model.min_answered_share * len(model.indicators)
    # a scale without a single answer has no mean: the location has no score
    whole = pl.col("score").is_nan().any().not_()
    return (
        scales.group_by(key, maintain_order=True)
        .agg(score=pl.when(enough & whole).then(pl.col("score").mean()))
        .with_columns(
            severity_class=pl.when(pl.col("score").is_null())
            .then(pl.lit("not_assessed"))
            .when(pl.col("score") >= model.high_from)
            .then(pl.lit("high"))
            .when(pl.col("score") >= model.medium_from)
            .then(pl.lit("medium"))
            .otherwise(pl.lit("low"))
        )
    )


def with_unassessed(assessed: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Assessed locations with the people of the stock, and the stock's other locations as `not_assessed`.

    Args:
        assessed: placed, scored locations of one survey (columns of core_dtm__severity); `individuals` by the
            survey itself, used where the stock does not know the location.
        stock: leading location rows of the same series, at the date nearest to the survey; may be empty, and
            then nothing is known of who was not assessed.
    """
    people = stock.select("place_id", stock_individuals="individuals")
    joined = assessed.join(people, on="place_id", how="left").with_columns(
        individuals=pl.coalesce("stock_individuals", "individuals")
    )
    first = assessed.row(0, named=True)
    rest = stock.join(assessed.select("place_id"), on="place_id", how="anti").with_columns(
        reference_date=pl.lit(first["reference_date"], pl.Date),
        index_name=pl.lit(first["index_name"]),
        model_version=pl.lit(first["model_version"]),
        severity_class=pl.lit("not_assessed"),
        score=pl.lit(None, pl.Float64),
    )
    columns = [c for c in assessed.columns if c in rest.columns]
    return pl.concat([joined.select(columns), rest.select(columns)])


def class_by_area(severity: pl.DataFrame, level: str) -> pl.DataFrame:
    """People and locations of each class; the share is of those assessed."""
    area = [*SERIES_KEY, *AREA_CODES[level], *MODEL_KEY]
    assessed = pl.col("severity_class") != "not_assessed"
    return (
        severity.group_by(*area, "severity_class")
        .agg(*names_and_basis(level), known_sum("individuals"), locations=pl.len())
        .with_columns(denominator=pl.col("individuals").filter(assessed).sum().over(area))
        .with_columns(
            share_of_assessed=pl.when(assessed & (pl.col("denominator") > 0)).then(
                pl.col("individuals") / pl.col("denominator")
            )
        )
        .drop("denominator")
        .sort(*area, "severity_class")
    )


def score_by_area(severity: pl.DataFrame, level: str, stock_known: pl.DataFrame) -> pl.DataFrame:
    """Mean score weighted by people, and the share of the people that it rests on.

    Args:
        severity: rows of core_dtm__severity.
        stock_known: series_id, reference_date of surveys whose stock is known; elsewhere the share is null.
    """
    area = [*SERIES_KEY, *AREA_CODES[level], *MODEL_KEY]
    weighed = pl.col("score").is_not_null() & pl.col("individuals").is_not_null()
    weights = pl.col("individuals").filter(weighed)
    return (
        severity.group_by(area)
        .agg(
            *names_and_basis(level),
            score_mean=pl.when(weights.sum() > 0).then(
                (pl.col("score").filter(weighed) * weights).sum() / weights.sum()
            ),
            individuals_assessed=weights.sum(),
            individuals_known=pl.col("individuals").sum(),
        )
        .join(
            stock_known.select("series_id", "reference_date", known=pl.lit(True)).unique(),
            on=["series_id", "reference_date"],
            how="left",
        )
        .with_columns(
            assessed_share=pl.when(pl.col("known") & (pl.col("individuals_known") > 0)).then(
                pl.col("individuals_assessed") / pl.col("individuals_known")
            )
        )
        .drop("individuals_known", "known")
        .sort(area)
    )
