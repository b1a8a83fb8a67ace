"""Severity of conditions by a versioned model. Method: docs/method/severity.md.

Scores of different models or versions are never compared. IOM publishes neither coefficients nor cut-offs of its indices. A model file is ours, is named with its version
in every row, and never passes for IOM's own score. Severity by location is not people in need.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.domain.stocks import AREA_CODES, AREA_NAMES, SERIES_KEY, names_and_basis

MODEL_KEY = ("index_name", "model_version")
COMBINATIONS = ("mean_of_scales", "highest_scale", "mean_of_indicators")
MISSING_ANSWERS = ("leave_out", "no_score")
NOT_ASSESSED = "not_assessed"
PLACE = ("series_id", "reference_date", *MODEL_KEY, "place_id")


class ModelsDifferError(ValueError):
    """Scores of different models, or versions of one, were about to be compared."""


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
class HotspotRule:
    """When a sub-district is a hotspot: high on a scale, or medium on one while it hosts relatively many people.

    Attributes:
        high_from, medium_from: scores of a scale, from 0 to 100.
        many_people_quantile: a sub-district hosts many people from this quantile of the sub-districts surveyed.
    """

    high_from: float
    medium_from: float
    many_people_quantile: float


@dataclass(frozen=True)
class SeverityModel:
    """How answers become a score of 0 to 100 and a class.

    `combination` is one of COMBINATIONS: how a location's scales become its score. `missing_answers` is one of
    MISSING_ANSWERS: whether what was not answered is left out of the means, or leaves the location without a score.
    """

    index_name: str
    model_version: str
    location_code: str
    population_group: str
    illustrative: bool
    source: str
    questions: dict[str, str]
    """Questions that are no indicators: place_id, households, surveyed_on, provider_admin1_name ..."""
    indicators: tuple[Indicator, ...]
    combination: str
    missing_answers: str
    medium_from: float
    high_from: float
    min_answered_share: float
    hotspot: HotspotRule
    stock_date_tolerance_days: int

    @property
    def name(self) -> str:
        return f"{self.index_name} {self.model_version}"

    def weights(self) -> pl.DataFrame:
        """indicator_code, scale, weight, dissemination."""
        return pl.DataFrame(
            [(i.code, i.scale, i.weight, i.dissemination) for i in self.indicators],
            schema={
                "indicator_code": pl.String,
                "scale": pl.String,
                "weight": pl.Float64,
                "dissemination": pl.String,
            },
            orient="row",
        )

    def classes(self, score: pl.Expr) -> pl.Expr:
        """The class of a score; not_assessed without one."""
        return (
            pl.when(score.is_null())
            .then(pl.lit(NOT_ASSESSED))
            .when(score >= self.high_from)
            .then(pl.lit("high"))
            .when(score >= self.medium_from)
            .then(pl.lit("medium"))
            .otherwise(pl.lit("low"))
        )


def score_scales(answers: pl.DataFrame, model: SeverityModel) -> pl.DataFrame:
    """Score of each location on each scale: 100 times the mean of its answers, weighted by indicator.

    Args:
        answers: key columns, indicator_code, value (0 to 1, null when not answered).

    Returns:
        Key columns, scale, score (null without an answer), answered.
    """
    key = [c for c in answers.columns if c not in ("indicator_code", "value")]
    answered = pl.col("value").is_not_null()
    weighed = pl.col("weight").filter(answered).sum()
    return (
        answers.join(model.weights(), on="indicator_code")
        .group_by(*key, "scale", maintain_order=True)
        .agg(
            score=pl.when(weighed > 0).then((pl.col("value") * pl.col("weight")).sum() / weighed * 100),
            answered=answered.sum().cast(pl.Int64),
            _weight=weighed,
            _indicators=pl.len(),
        )
    )


def score_locations(answers: pl.DataFrame, model: SeverityModel) -> pl.DataFrame:
    """Score and class of each location.

    The score combines the scales as the model says. There is none where less than `min_answered_share` of the
    indicators is answered, where a scale has no answer, or, with `missing_answers` = no_score, where any is missing.

    Args:
        answers: key columns, indicator_code, value (0 to 1, null when not answered).

    Returns:
        Key columns, score (0 to 100 or null) and severity_class.
    """
    key = [c for c in answers.columns if c not in ("indicator_code", "value")]
    combined = {
        "mean_of_scales": pl.col("score").mean(),
        "highest_scale": pl.col("score").max(),
        "mean_of_indicators": (pl.col("score") * pl.col("_weight")).sum() / pl.col("_weight").sum(),
    }[model.combination]
    least = 1.0 if model.missing_answers == "no_score" else model.min_answered_share
    enough = pl.col("answered").sum() >= least * len(model.indicators)
    # a scale without a single answer has no mean: the location has no score
    whole = pl.col("score").null_count() == 0
    return (
        score_scales(answers, model)
        .group_by(key, maintain_order=True)
        .agg(score=pl.when(enough & whole).then(combined))
        .with_columns(severity_class=model.classes(pl.col("score")))
    )


def with_unassessed(assessed: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Assessed locations with the people of the stock, and the stock's other locations as `not_assessed`.

    Args:
        assessed: placed, scored locations of one survey (columns of core_dtm__severity); `individuals` by the
            survey itself, used where the stock does not know the location.
        stock: leading location rows of the same series, at the date nearest to the survey; may be empty, and
            then nothing is known of who was not assessed.
    """
    if assessed.is_empty():
        return assessed  # a survey without a usable location tells nothing of who was not assessed
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
    """Mean score weighted by people, its class, and the share of the people that it rests on.

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
            individuals_assessed=pl.when(weights.count() > 0).then(weights.sum()),
            individuals_known=pl.col("individuals").sum(),
        )
        .join(
            stock_known.select("series_id", "reference_date", known=pl.lit(True)).unique(),
            on=["series_id", "reference_date"],
            how="left",
        )
        .with_columns(
            assessed_share=pl.when(pl.col("known") & (pl.col("individuals_known") > 0)).then(
                pl.col("individuals_assessed").fill_null(0) / pl.col("individuals_known")
            )
        )
        .drop("individuals_known", "known")
        .sort(area)
    )


def drivers(
    severity: pl.DataFrame, values: pl.DataFrame, models: tuple[SeverityModel, ...], least_locations: int
) -> pl.DataFrame:
    """What the mean score of each district is made of, by indicator.

    Contributions are points of the 0 to 100 score and sum to the mean score over all indicators of the model. Sensitive
    indicators are not told, and a district is left out where the score less the others would tell them: where fewer
    than two of them were answered, where their answers are all best or all worst, or where fewer than `least_locations`
    locations were scored. The change is the mean difference of the answer's value on locations that answered it in this
    survey and in the one before of the same model and version.

    Args:
        severity: rows of core_dtm__severity.
        values: PLACE, indicator_code, value (0 to 1, null when not answered).
        models: the models that the surveys were scored with.
        least_locations: of a model with sensitive indicators.

    Returns:
        SERIES_KEY, district columns, MODEL_KEY, indicator_code, scale, mean_value and contribution (both weighted by
        individuals), locations that answered, previous_reference_date, locations_assessed_twice,
        mean_value_change (null without such locations).
    """
    scored = severity.filter(pl.col("score").is_not_null())
    answered = values.filter(pl.col("value").is_not_null())
    area = [*SERIES_KEY, *AREA_CODES["district"], *MODEL_KEY]
    parts = []
    for model in models:
        mine = scored.filter(pl.col("index_name") == model.index_name, pl.col("model_version") == model.model_version)
        if mine.is_empty():
            continue
        told = answered.join(mine.select(PLACE), on=list(PLACE), how="semi").join(model.weights(), on="indicator_code")
        where = mine.select(
            *PLACE,
            "population_group",
            *AREA_CODES["district"],
            *AREA_NAMES["district"],
            "place_basis",
            "boundary_edition",
            "individuals",
        )
        placed = _contributions(told, model).join(where, on=list(PLACE))
        people = pl.col("individuals").fill_null(0)
        in_area = mine.group_by(area).agg(_people=people.sum())
        shown = placed.filter(~pl.col("indicator_code").is_in(_held_back(model))).join(
            _telling(placed, mine, model, area, least_locations), on=area, how="anti", nulls_equal=True
        )
        by_area = (
            shown.group_by(*area, "indicator_code", "scale")
            .agg(
                *names_and_basis("district"),
                _value=(pl.col("value") * people).sum(),
                _answered=people.sum(),
                _points=(pl.col("contribution") * people).sum(),
                locations=pl.len().cast(pl.Int64),
            )
            .join(in_area, on=area, nulls_equal=True)
            .with_columns(
                mean_value=pl.when(pl.col("_answered") > 0).then(pl.col("_value") / pl.col("_answered")),
                contribution=pl.when(pl.col("_people") > 0).then(pl.col("_points") / pl.col("_people")),
            )
            .drop("_value", "_answered", "_points", "_people")
        )
        changes = _changes_on_both(shown, area)
        parts.append(by_area.join(changes, on=[*area, "indicator_code"], how="left", nulls_equal=True))
    none = severity.select(area).clear()
    return pl.concat(parts) if parts else none


def _telling(
    placed: pl.DataFrame, scored: pl.DataFrame, model: SeverityModel, area: list[str], least_locations: int
) -> pl.DataFrame:
    """Areas in which the score less the indicators that are told would tell a sensitive one."""
    hidden = placed.filter(pl.col("indicator_code").is_in(_held_back(model)))
    if hidden.is_empty():
        return scored.select(area).clear()
    answers = hidden.group_by(area).agg(
        _indicators=pl.col("indicator_code").n_unique(), _least=pl.col("value").min(), _most=pl.col("value").max()
    )
    few = scored.group_by(area).agg(_locations=pl.len()).join(answers, on=area, how="left", nulls_equal=True)
    alike = (pl.col("_least") == pl.col("_most")) & pl.col("_least").is_in([0.0, 1.0])
    asked = pl.col("_indicators").is_not_null()
    tells = asked & ((pl.col("_locations") < least_locations) | (pl.col("_indicators") < 2) | alike)
    return few.filter(tells).select(area)


def _held_back(model: SeverityModel) -> list[str]:
    """Sensitive indicators; a single one takes the next of its scale, or of the model, with it."""
    held = [i for i in model.indicators if i.dissemination == "sensitive"]
    if len(held) == 1:
        others = sorted(
            (i for i in model.indicators if i not in held), key=lambda i: (i.scale != held[0].scale, i.code)
        )
        held += others[:1]
    return [i.code for i in held]


def _contributions(told: pl.DataFrame, model: SeverityModel) -> pl.DataFrame:
    """Points of a location's score that each of its answers makes: PLACE, indicator_code, contribution."""
    scale = [*PLACE, "scale"]
    weighed = told.with_columns(
        _of_scale=pl.col("weight").sum().over(scale), _of_all=pl.col("weight").sum().over(PLACE)
    )
    points = 100 * pl.col("value") * pl.col("weight")
    if model.combination == "mean_of_indicators":
        return weighed.with_columns(contribution=points / pl.col("_of_all"))
    within = points / pl.col("_of_scale")
    if model.combination == "mean_of_scales":
        return weighed.with_columns(contribution=within / pl.col("scale").n_unique().over(PLACE))
    of_scale = weighed.with_columns(_within=within, _score=within.sum().over(scale))
    # of scales that are equally high the first by name makes the score
    highest = pl.col("scale").sort_by(pl.col("_score"), pl.col("scale"), descending=[True, False]).first().over(PLACE)
    return of_scale.with_columns(contribution=pl.when(pl.col("scale") == highest).then("_within").otherwise(0.0))


def _changes_on_both(placed: pl.DataFrame, area: list[str]) -> pl.DataFrame:
    """Mean change of each indicator from one survey to the next, on locations that answered it in both."""
    day = "reference_date"
    surveys = placed.select("series_id", *MODEL_KEY, day).unique().sort(day)
    before = surveys.with_columns(
        previous_reference_date=pl.col(day).shift(1).over("series_id", *MODEL_KEY)
    ).drop_nulls()
    then = placed.select(
        "series_id", *MODEL_KEY, "place_id", "indicator_code", previous_reference_date=day, _then="value"
    )
    both = placed.join(before, on=["series_id", *MODEL_KEY, day]).join(
        then, on=["series_id", *MODEL_KEY, "place_id", "indicator_code", "previous_reference_date"]
    )
    return both.group_by(*area, "indicator_code").agg(
        pl.col("previous_reference_date").first(),
        locations_assessed_twice=pl.len().cast(pl.Int64),
        mean_value_change=(pl.col("value") - pl.col("_then")).mean(),
    )


def score_change(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Change of the score of each location that both surveys assessed.

    Args:
        before, after: place_id, index_name, model_version, score; a survey each.

    Returns:
        place_id, score_before, score_after, score_change.

    Raises:
        ModelsDifferError: the surveys were scored by different models, or versions of one.
    """
    used = pl.concat([f.select(MODEL_KEY) for f in (before, after)]).unique().sort(MODEL_KEY)
    if used.height > 1:
        named = " and ".join(f"{index} {version}" for index, version in used.rows())
        raise ModelsDifferError(f"scores of {named} are not compared: weights and cut-offs differ between them")
    return (
        before.select("place_id", score_before="score")
        .join(after.select("place_id", score_after="score"), on="place_id")
        .drop_nulls()
        .with_columns(score_change=pl.col("score_after") - pl.col("score_before"))
    )


def hotspots(severity: pl.DataFrame, scales: pl.DataFrame, models: tuple[SeverityModel, ...]) -> pl.DataFrame:
    """Sub-districts with the mean score of each scale, and whether they are hotspots by the model's rule.

    Args:
        severity: rows of core_dtm__severity, with admin3_code.
        scales: PLACE, scale, score.

    Returns:
        SERIES_KEY, location_code, admin1_code, admin2_code, admin3_code, MODEL_KEY, individuals, highest_scale_score,
        hotspot. Sub-districts are told where rows carry admin 3.
    """
    parts = []
    for model in models:
        rule = model.hotspot
        mine = severity.filter(
            pl.col("score").is_not_null() & pl.col("admin3_code").is_not_null(),
            pl.col("index_name") == model.index_name,
            pl.col("model_version") == model.model_version,
        )
        if mine.is_empty():
            continue
        area = [*SERIES_KEY, *AREA_CODES["subdistrict"], *MODEL_KEY]
        people = pl.col("individuals").fill_null(0)
        told = mine.select(*PLACE, "population_group", *AREA_CODES["subdistrict"], "individuals").join(
            scales.filter(pl.col("score").is_not_null()).select(*PLACE, "scale", "score"), on=list(PLACE)
        )
        by_scale = told.group_by(*area, "scale").agg(
            score=pl.when(people.sum() > 0).then((pl.col("score") * people).sum() / people.sum())
        )
        counted = mine.group_by(area).agg(people.sum())
        survey = [*SERIES_KEY[:1], "reference_date", *MODEL_KEY]
        many = pl.col("individuals") >= pl.col("individuals").quantile(rule.many_people_quantile, "linear").over(survey)
        parts.append(
            by_scale.group_by(area)
            .agg(highest_scale_score=pl.col("score").max())
            .join(counted, on=area, nulls_equal=True)
            .with_columns(
                hotspot=(pl.col("highest_scale_score") >= rule.high_from)
                | ((pl.col("highest_scale_score") >= rule.medium_from) & many)
            )
        )
    none = severity.select(*SERIES_KEY, *AREA_CODES["subdistrict"], *MODEL_KEY).clear()
    return pl.concat(parts) if parts else none.with_columns(hotspot=pl.lit(None, pl.Boolean))
