"""Needs and barriers: how many locations name them, and how many people live there. Method: docs/method/needs.md.

Key informants speak for a location: these are people in locations where a need was named, not people in need.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.events import individuals_of
from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.stocks import AREA_CODES, names_and_basis


def named_by_area(
    assessments: pl.DataFrame,
    answers: pl.DataFrame,
    rules: tuple[SizeRule, ...],
    level: str,
    themes: tuple[str, ...],
) -> pl.DataFrame:
    """Locations that gave each answer, and the people in them.

    A location that gives several answers counts under each: answers are not added. Sensitive answers are not told. Of a
    question that any location answers so, how many answered is not told either, in no area: less those whose answers
    are told they would be those who gave a sensitive one.

    Args:
        assessments: leading rows of core_dtm__location_assessment.
        answers: rows of raw_dtm__location_answer.
        rules: household-size rules, for locations of which only households are known.
        level: `district` or `subdistrict`; sub-districts stand where any row of a date carries one.
        themes: of need, service, barrier, condition.

    Returns:
        location_code, population_group, reference_date, place columns, theme, question_code, answer_code, locations,
        individuals, locations_assessed, individuals_assessed (of the area and question), share_of_locations;
        the last three null of a question with sensitive answers.
    """
    key = ["location_code", "population_group", "reference_date", *AREA_CODES[level][1:]]
    sized = with_sizes(assessments.filter("leads"), rules).with_columns(
        individuals=individuals_of("households", "individuals")
    )
    if level == "subdistrict":
        dated = ["location_code", "population_group", "reference_date"]
        carried = sized.filter(pl.col("admin3_code").is_not_null()).select(dated).unique()
        sized = sized.join(carried, on=dated, how="semi", nulls_equal=True)
    told = answers.filter(pl.col("theme").is_in(themes)).with_columns(_held=pl.col("dissemination") == "sensitive")
    rows = told.select(*ROW, "theme", "question_code", "answer_code", "_held").join(
        sized, on=list(ROW), nulls_equal=True
    )
    # several informants of one place, or one who says a thing twice, are one location
    place = [*key, "place_id", "question_code"]
    rows = (
        rows.group_by(*place, "theme", "answer_code")
        .agg(*names_and_basis(level), pl.col("individuals").max(), pl.col("_held").any())
        .with_columns(pl.col("individuals").max().over(place))
    )
    people = pl.when(pl.col("individuals").count() > 0).then(pl.col("individuals").sum())
    derivable = pl.col("question_code").is_in(told.filter("_held")["question_code"].unique().implode())
    asked = (
        rows.unique(place)
        .group_by(*key, "question_code")
        .agg(locations_assessed=pl.len().cast(pl.Int64), individuals_assessed=people)
        .with_columns(pl.when(~derivable).then(c).alias(c) for c in ("locations_assessed", "individuals_assessed"))
    )
    return (
        rows.filter(~pl.col("_held"))
        .group_by(*key, "theme", "question_code", "answer_code")
        .agg(*names_and_basis(level), locations=pl.len().cast(pl.Int64), individuals=people)
        .join(asked, on=[*key, "question_code"], nulls_equal=True)
        .with_columns(share_of_locations=pl.col("locations") / pl.col("locations_assessed"))
        .sort(*key, "theme", "question_code", "answer_code")
    )
