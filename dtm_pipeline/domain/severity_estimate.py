"""Weights of a severity model, fitted from what was seen at locations. Method: docs/method/severity_estimate.md.

A logistic regression of returns on the answers, each answer but the best of an indicator a dummy. What comes out is ours,
of this data and this day: a new version of the model, never compared with another.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dtm_pipeline.domain.severity import SeverityModel

if TYPE_CHECKING:
    import numpy as np

# odds of e^15, 3 million to one: no count of locations can show them, only answers that tell the outcome fully apart
MAX_COEFFICIENT = 15.0


class EstimateError(ValueError):
    """The data can't carry the estimate; the sentence says why and what to do."""


@dataclass(frozen=True)
class AnswerEffect:
    """An answer of an indicator in the fit.

    Attributes:
        coefficient: log-odds of returns against the indicator's best answer; negative = holds returns back.
        standard_error, p_value: of the coefficient.
        variance_inflation: 1 = not collinear with the rest; above 5 hard to tell apart from it.
        fold_mean, fold_spread: mean and standard deviation of the coefficient over the folds.
        same_sign: share of the folds in which the coefficient has the sign of the whole fit.
    """

    indicator_code: str
    answer: str
    locations: int
    coefficient: float
    standard_error: float
    p_value: float
    variance_inflation: float
    fold_mean: float
    fold_spread: float
    same_sign: float


@dataclass(frozen=True)
class Estimate:
    """A fitted model: weights and values of answers, and how good the fit is.

    Attributes:
        weights: weight of each indicator, 1 on average; indicators that hold nothing back are left out.
        values: of each indicator the value of each answer, 0 (best) to 1 (worst).
        effects: every dummy of the fit.
        locations, returned: rows used, and how many of them saw returns.
        dropped_rows: rows with a missing answer or outcome.
        pseudo_r2: McFadden's, of the fit against the mean alone.
        likelihood_ratio_p: of the fit against the mean alone.
        fold_accuracy: share of locations predicted right in the fold that was left out (mean over folds).
        fold_auc: area under the curve in the fold that was left out (mean over folds).
        base_rate: share of the larger outcome: what guessing gets right.
        left_out: indicators whose answers hold nothing back, or never vary.
        disordered: indicators of which a worse answer held back less than a better one: it is worth as much.
    """

    weights: dict[str, float]
    values: dict[str, dict[str, float]]
    effects: tuple[AnswerEffect, ...]
    locations: int
    returned: int
    dropped_rows: int
    pseudo_r2: float
    likelihood_ratio_p: float
    fold_accuracy: float
    fold_auc: float
    base_rate: float
    left_out: tuple[str, ...]
    disordered: tuple[str, ...]

    def tells_nothing(self, max_p: float, min_auc: float) -> bool:
        """Whether the answers tell no more of returns than chance would."""
        return self.likelihood_ratio_p > max_p or self.fold_auc < min_auc


def estimate(rows: pl.DataFrame, model: SeverityModel, outcome: str, folds: int, seed: int) -> Estimate:
    """Fit weights and values of answers for the indicators of a model.

    Args:
        rows: a column for each indicator (by its code) with the answers as the model's codes, and `outcome`:
            true where the location saw returns.
        model: which indicators there are, and which answer is the best of each.
        outcome: name of the outcome's column, boolean.
        folds: parts of the data that are left out in turn.
        seed: of the folds.

    Raises:
        EstimateError: too few locations, one outcome only, answers that tell each other or the outcome apart.
    """
    import numpy as np

    codes = [i.code for i in model.indicators]
    used = rows.select(*codes, outcome).drop_nulls()
    design, names, constant = _dummies(used, model)
    y = used[outcome].cast(pl.Float64).to_numpy()
    returned = int(y.sum())
    least = 2 * (len(names) + 1)
    if min(returned, len(y) - returned) < max(folds, 10) or len(y) < least:
        raise EstimateError(
            f"{len(y)} whole locations, {returned} of them with returns, can't carry {len(names)} answers: send at least "
            f"{least} locations, and {max(folds, 10)} with and without returns"
        )
    fit = _fit(design, y)
    told = _folds(design, y, folds, seed)
    effects = []
    for n, (code, answer) in enumerate(names):
        over = told["coefficients"][:, n]
        effects.append(
            AnswerEffect(
                code,
                answer,
                int(design[:, n].sum()),
                float(fit.params[n + 1]),
                float(fit.bse[n + 1]),
                float(fit.pvalues[n + 1]),
                _inflation(design, n),
                float(over.mean()),
                float(over.std(ddof=1)) if len(over) > 1 else 0.0,
                float((np.sign(over) == np.sign(fit.params[n + 1])).mean()),
            )
        )
    weights, values, idle, disordered = _as_weights(effects, model)
    return Estimate(
        weights,
        values,
        tuple(effects),
        len(y),
        returned,
        rows.height - used.height,
        float(fit.prsquared),
        float(fit.llr_pvalue),
        told["accuracy"],
        told["auc"],
        max(returned, len(y) - returned) / len(y),
        tuple(sorted({*idle, *constant})),
        tuple(disordered),
    )


def _dummies(used: pl.DataFrame, model: SeverityModel) -> tuple[np.ndarray, list[tuple[str, str]], list[str]]:
    """A column for each answer that somebody gave but the best; the indicators that never vary."""
    import numpy as np

    columns, names, constant = [], [], []
    for indicator in model.indicators:
        given = set(used[indicator.code].unique())
        if strangers := sorted(given - set(indicator.answers)):
            raise EstimateError(f"{indicator.code}: {len(strangers)} answers are none of the model's; map them first")
        ordered = sorted((a for a in indicator.answers if a in given), key=lambda a: (indicator.answers[a], a))
        if len(ordered) < 2:
            constant.append(indicator.code)
            continue
        for answer in ordered[1:]:
            columns.append((used[indicator.code] == answer).cast(pl.Float64).to_numpy())
            names.append((indicator.code, answer))
    if not columns:
        raise EstimateError("no indicator has more than one answer: there is nothing to estimate from")
    return np.column_stack(columns), names, constant


def _fit(design: np.ndarray, y: np.ndarray) -> Any:
    """The regression.

    Raises:
        EstimateError: the answers tell the outcome or each other apart, so that no finite weights exist.
    """
    import numpy as np
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    separated = "some answers tell returns and no returns fully apart, or two answers always go together: leave one of them out or send more locations"
    with warnings.catch_warnings():
        # statsmodels warns of overflow and of no convergence; the outcome is judged below, as an error with a way out
        warnings.simplefilter("ignore")
        try:
            fit = sm.Logit(y, sm.add_constant(design, has_constant="add")).fit(disp=0, maxiter=200)
        except (PerfectSeparationError, np.linalg.LinAlgError):
            raise EstimateError(separated) from None
    if not fit.mle_retvals["converged"] or np.abs(fit.params).max() > MAX_COEFFICIENT or np.isnan(fit.bse).any():
        raise EstimateError(separated)
    return fit


def _folds(design: np.ndarray, y: np.ndarray, folds: int, seed: int) -> dict[str, Any]:
    """The fit without each part of the data in turn, judged on that part."""
    import numpy as np
    from scipy.stats import rankdata

    fold = np.empty(len(y), dtype=int)
    rng = np.random.default_rng(seed)
    # each outcome is dealt out evenly, so that no fold lacks one
    for value in (0.0, 1.0):
        members = rng.permutation(np.flatnonzero(y == value))
        fold[members] = np.arange(len(members)) % folds
    coefficients, accuracy, auc = [], [], []
    for part in range(folds):
        test = fold == part
        fit = _fit(design[~test], y[~test])
        coefficients.append(np.asarray(fit.params)[1:])
        likely = fit.params[0] + design[test] @ np.asarray(fit.params)[1:]
        accuracy.append(float(((likely > 0) == (y[test] == 1)).mean()))
        ranks, with_returns = rankdata(likely), y[test] == 1
        pairs = with_returns.sum() * (~with_returns).sum()
        auc.append(float((ranks[with_returns].sum() - with_returns.sum() * (with_returns.sum() + 1) / 2) / pairs))
    return {
        "coefficients": np.array(coefficients),
        "accuracy": float(np.mean(accuracy)),
        "auc": float(np.mean(auc)),
    }


def _inflation(design: np.ndarray, column: int) -> float:
    import statsmodels.api as sm
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    with warnings.catch_warnings():
        # a column that the others give exactly divides by zero: the infinite factor says so
        warnings.simplefilter("ignore")
        return float(variance_inflation_factor(sm.add_constant(design, has_constant="add"), column + 1))


def _as_weights(
    effects: list[AnswerEffect], model: SeverityModel
) -> tuple[dict[str, float], dict[str, dict[str, float]], list[str], list[str]]:
    """Weights and values: an indicator weighs what its worst answer takes from the log-odds of returns.

    From the best answer to the worst each is worth at least what the one before is: worse conditions never score better.
    """
    spans: dict[str, float] = {}
    values: dict[str, dict[str, float]] = {}
    idle, disordered = [], []
    for indicator in model.indicators:
        mine = {e.answer: max(0.0, -e.coefficient) for e in effects if e.indicator_code == indicator.code}
        if not mine:
            continue
        worth: dict[str, float] = {}
        most = 0.0
        for answer in sorted(indicator.answers, key=lambda a: (indicator.answers[a], a)):
            if mine.get(answer, most) < most and indicator.code not in disordered:
                disordered.append(indicator.code)
            most = max(most, mine.get(answer, most))
            worth[answer] = most
        if most == 0:
            idle.append(indicator.code)
            continue
        spans[indicator.code] = most
        values[indicator.code] = {answer: round(w / most, 4) for answer, w in worth.items()}
    if not spans:
        raise EstimateError("no answer holds returns back in this data: there are no weights to give")
    mean = sum(spans.values()) / len(spans)
    return {code: round(span / mean, 4) for code, span in spans.items()}, values, idle, disordered
