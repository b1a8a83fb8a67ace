"""Severity of the locations of a country: scored by its model, placed, with the people of the stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dtm_pipeline.contracts.core import SEVERITY, SEVERITY_FINDING, SEVERITY_SCALE, SEVERITY_VALUE
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.precedence import Reissue, delivery_roles, newest_of
from dtm_pipeline.domain.severity import NOT_ASSESSED, SeverityModel, score_locations, score_scales, with_unassessed
from dtm_pipeline.domain.stocks import LOCATION_LEVEL
from dtm_pipeline.facts.observed import held_findings
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.resolve import PLACED, resolve

SURVEY = ("index_name", "model_version", "reference_date")


@dataclass(frozen=True)
class SeverityFacts:
    """Scored locations, their scales, and what each answer is worth."""

    locations: pl.DataFrame
    scales: pl.DataFrame
    values: pl.DataFrame
    findings: pl.DataFrame


def severity_facts(
    locations: pl.DataFrame,
    answers: pl.DataFrame,
    stock: pl.DataFrame,
    deliveries: pl.DataFrame,
    models: tuple[SeverityModel, ...],
    headline_series: dict[str, str],
    rules: tuple[SizeRule, ...],
    gazetteer: Gazetteer,
    max_missing_share: float,
) -> SeverityFacts:
    """Rows of core_dtm__severity, core_dtm__severity_scale and core_dtm__severity_value.

    Args:
        locations, answers: raw rows of the country's surveys.
        stock: core_dtm__stock of the country.
        deliveries: snapshot_id, intake, statement; the newest delivery of a survey leads.
        models: the severity models.
        headline_series: series_id of each population group of the country.
        rules: household-size rules.
        gazetteer: units of the country.
    """
    rows = locations.join(deliveries.select("snapshot_id", "intake", "statement"), on="snapshot_id")
    given = (
        answers.with_columns(_answer=pl.struct("indicator_code", "value").hash(seed=1))
        .group_by(ROW)
        .agg(pl.col("_answer").bitwise_xor())
    )
    said = rows.join(given, on=list(ROW), how="left", nulls_equal=True, maintain_order="left").with_columns(
        location_key="place_id", content=pl.struct("place_id", "households", "_answer").hash(seed=1)
    )
    roles = delivery_roles(said, Reissue(max_missing_share), SURVEY)
    leading = roles.filter(pl.col("role").is_in(["leads", "adds"])).select("snapshot_id", *SURVEY)
    used = rows.join(leading, on=["snapshot_id", *SURVEY], how="semi")
    # where an addition surveys a location again, the newer answers stand for it
    used = newest_of(used, (*SURVEY, "place_id")).select(locations.columns)
    parts, scales, values = [empty(SEVERITY)], [empty(SEVERITY_SCALE)], [empty(SEVERITY_VALUE)]
    for (index, version, day), survey in used.partition_by(SURVEY, as_dict=True).items():
        model = next((m for m in models if (m.index_name, m.model_version) == (index, version)), None)
        if model is None:
            continue  # the model file is gone: the survey is read again when it is back
        mine = answers.join(survey.select(ROW), on=list(ROW), how="semi", nulls_equal=True)
        # a location that answered nothing stays, as not assessed
        scored = survey.join(score_locations(mine, model), on=list(ROW), how="left", nulls_equal=True).with_columns(
            pl.col("severity_class").fill_null(NOT_ASSESSED)
        )
        series_id = headline_series.get(
            model.population_group, f"{model.location_code.lower()}_{model.population_group}"
        )
        people = _stock_near(stock, series_id, day, model.stock_date_tolerance_days)
        sized = with_sizes(scored, rules).with_columns(
            individuals=(pl.col("households") * pl.col("size_out_of_camp")).round(0).cast(pl.Int64),
            series_id=pl.lit(series_id),
        )
        assessed = conform(_placed(sized, stock, gazetteer), SEVERITY)
        parts.append(conform(with_unassessed(assessed, people), SEVERITY))
        surveyed = survey.select(*ROW, *SURVEY, "place_id").with_columns(series_id=pl.lit(series_id))
        placed = mine.join(surveyed, on=list(ROW), nulls_equal=True)
        values.append(conform(placed, SEVERITY_VALUE))
        told = placed.select("series_id", *SURVEY, "place_id", "indicator_code", "value")
        scales.append(conform(score_scales(told, model), SEVERITY_SCALE))
    held = held_findings(roles.with_columns(location_code=pl.lit(_country(locations))), "a survey of severity")
    return SeverityFacts(pl.concat(parts), pl.concat(scales), pl.concat(values), conform(held, SEVERITY_FINDING))


def _country(locations: pl.DataFrame) -> str | None:
    return None if locations.is_empty() else str(locations["location_code"][0])


def nearest_list(stock: pl.DataFrame, series_id: str, day: date, tolerance: int) -> pl.DataFrame:
    """Leading location rows of the series at the date nearest to the survey (of two the earlier), within the tolerance.

    Rows without a place id are locations of their own, named by their row.
    """
    mine = stock.filter(
        pl.col("leads") & (pl.col("admin_level") == LOCATION_LEVEL) & (pl.col("series_id") == series_id)
    )
    apart = (pl.col("reference_date") - pl.lit(day)).dt.total_days().abs()
    dates = mine.select("reference_date").unique().filter(apart <= tolerance).sort(apart, "reference_date")
    alone = pl.format("row {} of {}", "source_row", pl.col("source_sheet").fill_null("the file"))
    # a stock is never added over dates: of two that lie as near one is taken
    return mine.join(dates.head(1), on="reference_date", how="semi").with_columns(
        place_id=pl.coalesce("place_id", alone)
    )


def _stock_near(stock: pl.DataFrame, series_id: str, day: date, tolerance: int) -> pl.DataFrame:
    """The nearest list with one row a location: rows of one place are its people together."""
    near = nearest_list(stock, series_id, day, tolerance)
    rest = [c for c in near.columns if c not in ("place_id", "households", "individuals")]
    return near.group_by("place_id", maintain_order=True).agg(
        *(pl.col(c).first() for c in rest), known_sum("households"), known_sum("individuals")
    )


def _placed(scored: pl.DataFrame, stock: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Locations that a Master List knows stand where it puts them; the others where the survey declares them."""
    columns = [*(c for c in PLACED if c != "place_note"), "admin3_code", "admin3_name"]
    known = (
        stock.filter(pl.col("place_id").is_not_null())
        .sort("reference_date")
        .unique("place_id", keep="last")
        .select("place_id", *columns)
    )
    listed = scored.join(known, on="place_id")
    others = resolve(scored.join(known, on="place_id", how="anti"), gazetteer).drop("place_note")
    return pl.concat([listed, others], how="diagonal")
