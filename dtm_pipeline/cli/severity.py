"""`dtm severity`: the models, and weights from data."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtm_pipeline.cli.common import JsonOption, fail, home_if_there, print_json, print_rows

if TYPE_CHECKING:
    from dtm_pipeline.domain.severity_estimate import Estimate

app = typer.Typer(help="Severity models.", no_args_is_help=True, rich_markup_mode=None)
# a usual limit (James et al., An Introduction to Statistical Learning, 3.3.3: 5 or 10); it only marks a row
COLLINEAR = 5.0
P_SHOWN = 0.001


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models: which index, version, country and group, and where they come from."""
    from dtm_pipeline.storage.reference import Reference

    known = Reference.of(home_if_there(None)).severity_models
    if as_json:
        print_json([{k: v for k, v in asdict(m).items() if k not in ("questions", "indicators")} for m in known])
        return
    print_rows(
        ["index", "version", "country", "group", "indicators", "illustrative", "source"],
        [
            [m.index_name, m.model_version, m.location_code, m.population_group, len(m.indicators), "yes" if m.illustrative else "no", m.source]
            for m in known
        ],
    )  # fmt: skip


@app.command()
def estimate(
    file: Annotated[
        Path, typer.Argument(help="CSV of locations: a column for each question, and one for the outcome.")
    ],
    model: Annotated[str, typer.Option("--model", help="Index whose questions it answers (dtm severity models).")],
    version: Annotated[str, typer.Option("--version", help="Version of the new model, such as 2.0.")],
    outcome: Annotated[
        str, typer.Option("--outcome", help="Column that says whether the location saw returns: 1 or 0, yes or no.")
    ] = "returned",
    out: Annotated[Path | None, typer.Option("--out", help="New model file. [default: INDEX_vVERSION.toml]")] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts left out in turn.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Of the folds.")] = 1,
    anyway: Annotated[bool, typer.Option("--anyway", help="Write a model that tells no more than chance.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fit the weights of a model's indicators from locations with and without returns, and write a new version.

    A logistic regression on the answers; reports fit, stability over folds and collinearity. The old version stays, and
    scores of the two are never compared. Method: docs/method/severity_estimate.md.
    """
    from datetime import UTC, datetime

    from dtm_pipeline.domain.severity_estimate import EstimateError
    from dtm_pipeline.domain.severity_estimate import estimate as fitted
    from dtm_pipeline.storage.csv_table import CsvTableError
    from dtm_pipeline.storage.reference import Reference
    from dtm_pipeline.storage.severity_models import read_locations, write_version

    reference = Reference.of(home_if_there(None))
    known = sorted({m.index_name for m in reference.severity_models})
    if model not in known:
        fail(f"{model}: is no model; those are {', '.join(known)}")
    if any((m.index_name, m.model_version) == (model, version) for m in reference.severity_models):
        fail(f"{model} {version}: is there already; name a version of its own")
    if not re.fullmatch(r"[\w.-]+", version):
        fail(f"--version {version!r}: letters, digits, dots and hyphens, such as 2.0")
    base = reference.severity_model(model)
    target = out or Path(f"{model}_v{version}.toml")
    try:
        told = fitted(read_locations(file, base, outcome), base, outcome, folds, seed)
        limits = reference.thresholds["severity_estimate"]
        if told.tells_nothing(limits["max_p"], limits["min_auc"]) and not anyway:
            fail(
                f"the answers tell no more of returns than chance (p = {told.likelihood_ratio_p:.2g}, area under the curve in folds "
                f"left out {told.fold_auc:.2f}): no model is written; --anyway writes it"
            )
        folder = reference.folder / "severity_models"
        write_version(folder, base, told, version, file.name, datetime.now(UTC).date(), target)
    except ImportError:
        fail("needs statsmodels and tomlkit: pip install 'dtm-pipeline[estimate]'")
    except (CsvTableError, EstimateError) as error:
        fail(str(error))
    if as_json:
        print_json({"file": str(target), **asdict(told)})
    else:
        _show(told, base.name)
        typer.echo(f"wrote {target}; put it into {folder} to score surveys by it")


def _show(told: Estimate, base: str) -> None:
    typer.echo(
        f"{told.locations} locations, {told.returned} with returns; {told.dropped_rows} rows with a missing answer left out"
    )
    typer.echo(
        f"fit: pseudo R2 {told.pseudo_r2:.3f}, against the mean alone p = {told.likelihood_ratio_p:.3g}; in folds left out "
        f"{told.fold_accuracy:.0%} right (guessing: {told.base_rate:.0%}), area under the curve {told.fold_auc:.2f}"
    )
    print_rows(
        ["indicator", "answer", "locations", "coefficient", "error", "p", "inflation", "folds", "same sign", ""],
        [
            [
                e.indicator_code, e.answer, e.locations, f"{e.coefficient:+.2f}", f"{e.standard_error:.2f}", "<0.001" if e.p_value < P_SHOWN else f"{e.p_value:.3f}",
                f"{e.variance_inflation:.1f}", f"{e.fold_mean:+.2f} +-{e.fold_spread:.2f}", f"{e.same_sign:.0%}",
                "collinear" if e.variance_inflation > COLLINEAR else "",
            ]
            for e in told.effects
        ],
    )  # fmt: skip
    print_rows(["indicator", "weight"], [[code, f"{weight:.2f}"] for code, weight in told.weights.items()])
    if told.left_out:
        typer.echo(f"left out of the new version, for they hold nothing back or never vary: {', '.join(told.left_out)}")
    if told.disordered:
        typer.echo(
            f"a worse answer held back less than a better one, and is worth as much: {', '.join(told.disordered)}"
        )
    typer.echo("the cut-offs are those of the old version: look whether they fit scores by these weights")
    typer.echo(f"this is a model of its own: its scores are never compared with those of {base}")
