"""How far the class of an area hangs on the weights of its model. Method: docs/method/severity_robustness.md.

Weights of the shipped models are ours: an area whose class changes when they move a little has no sure class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dtm_pipeline.domain.severity import MODEL_KEY, PLACE, SeverityModel
from dtm_pipeline.domain.stocks import AREA_CODES, SERIES_KEY

if TYPE_CHECKING:
    import numpy as np

BLOCK = 250


@dataclass(frozen=True)
class RobustnessRules:
    """Numbers of `[severity]` in reference/thresholds.toml.

    Attributes:
        draws: how many sets of weights are drawn.
        spread: each weight is multiplied by a factor drawn evenly from 1 - spread to 1 + spread.
        seed: of the draws: the same release gives the same shares.
    """

    draws: int
    spread: float
    seed: int


def class_kept_share(
    severity: pl.DataFrame, values: pl.DataFrame, models: tuple[SeverityModel, ...], level: str, rules: RobustnessRules
) -> pl.DataFrame:
    """How often an area keeps its class when all weights of its model move, of so many draws.

    The class of an area is that of its mean score, weighted by individuals.

    Args:
        severity: rows of core_dtm__severity.
        values: PLACE, indicator_code, value (0 to 1, null when not answered).
        models: the models that the surveys were scored with.
        level: `governorate` or `district`.
        rules: draws, spread and seed.

    Returns:
        SERIES_KEY, codes of the area, MODEL_KEY, class_kept_share (0 to 1; null where nobody was assessed).
    """
    area = [*SERIES_KEY, *AREA_CODES[level], *MODEL_KEY]
    parts = []
    answered = values.filter(pl.col("value").is_not_null()).select(PLACE).unique()
    scored = severity.filter(pl.col("score").is_not_null() & (pl.col("individuals").fill_null(0) > 0)).join(
        answered, on=list(PLACE), how="semi"
    )
    for (_, _, index, version), survey in scored.partition_by(
        ["series_id", "reference_date", *MODEL_KEY], as_dict=True
    ).items():
        model = next((m for m in models if (m.index_name, m.model_version) == (index, version)), None)
        if model is None:
            continue
        rows = survey.sort(area, nulls_last=True)
        matrix = _matrix(rows, values, model)
        first = rows.select(pl.struct(area).ne_missing(pl.struct(area).shift(1)).fill_null(True)).to_series()
        starts = first.arg_true().to_numpy()
        shares = _kept(matrix, rows["individuals"].to_numpy(), starts, model, rules)
        parts.append(rows.filter(first).select(area).with_columns(class_kept_share=pl.Series(shares)))
    if not parts:
        return severity.select(area).clear().with_columns(class_kept_share=pl.lit(None, pl.Float64))
    return pl.concat(parts)


def _matrix(rows: pl.DataFrame, values: pl.DataFrame, model: SeverityModel) -> np.ndarray:
    """Values of the answers, locations x indicators, in the order of the rows; NaN where not answered."""
    codes = [i.code for i in model.indicators]
    wide = (
        values.filter(pl.col("indicator_code").is_in(codes))
        .join(rows.select(PLACE), on=list(PLACE), how="semi")
        .pivot("indicator_code", index=list(PLACE), values="value", aggregate_function="first")
    )
    missing = [pl.lit(None, pl.Float64).alias(c) for c in codes if c not in wide.columns]
    ordered = rows.select(PLACE).join(wide.with_columns(missing), on=list(PLACE), how="left", maintain_order="left")
    return ordered.select(pl.col(codes).fill_null(float("nan"))).to_numpy()


def _kept(
    matrix: np.ndarray, people: np.ndarray, starts: np.ndarray, model: SeverityModel, rules: RobustnessRules
) -> np.ndarray:
    """Share of the draws in which each area keeps its class."""
    import numpy as np

    rng = np.random.default_rng(rules.seed)
    base = np.array([i.weight for i in model.indicators])
    answered = np.where(np.isnan(matrix), 0.0, 1.0)
    told = np.nan_to_num(matrix)
    settled = _classes(told, answered, people, starts, base[:, None], model)
    kept = np.zeros(len(starts))
    for begin in range(0, rules.draws, BLOCK):
        draws = min(BLOCK, rules.draws - begin)
        weights = base[:, None] * rng.uniform(1 - rules.spread, 1 + rules.spread, (len(base), draws))
        kept += (_classes(told, answered, people, starts, weights, model) == settled).sum(axis=1)
    return kept / rules.draws


def _classes(
    told: np.ndarray,
    answered: np.ndarray,
    people: np.ndarray,
    starts: np.ndarray,
    weights: np.ndarray,
    model: SeverityModel,
) -> np.ndarray:
    """Class of each area (0 low, 1 medium, 2 high) under each set of weights: areas x draws."""
    import numpy as np

    scales = [i.scale for i in model.indicators]
    sums, weighed = [], []
    for scale in dict.fromkeys(scales):
        mine = [n for n, s in enumerate(scales) if s == scale]
        sums.append(told[:, mine] @ weights[mine])
        weighed.append(answered[:, mine] @ weights[mine])
    if model.combination == "mean_of_indicators":
        scores = 100 * sum(sums) / sum(weighed)
    else:
        of_scales = [100 * s / w for s, w in zip(sums, weighed, strict=True)]
        scores = (
            np.maximum.reduce(of_scales) if model.combination == "highest_scale" else sum(of_scales) / len(of_scales)
        )
    means = np.add.reduceat(scores * people[:, None], starts, axis=0) / np.add.reduceat(people, starts)[:, None]
    return (means >= model.medium_from).astype(int) + (means >= model.high_from)
