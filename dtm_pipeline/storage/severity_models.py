"""Severity model files: the data that weights are fitted from, and a new version written beside the old one."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl

from dtm_pipeline.domain.severity import SeverityModel
from dtm_pipeline.domain.severity_estimate import Estimate, EstimateError
from dtm_pipeline.storage.reference import severity_model

YES = ("1", "true", "yes", "y")
NO = ("0", "false", "no", "n")


def read_locations(file: Path, model: SeverityModel, outcome: str) -> pl.DataFrame:
    """Locations with their answers, from a CSV: a column for each indicator by its code, and the outcome as boolean.

    Questions are found by the model's names, with group paths (`grp/q`, `grp.q`) looked through; an answer that is not one
    of the model's counts as missing.

    Raises:
        EstimateError: unreadable, a question or the outcome is missing, or an outcome that is neither yes nor no.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
        table = pl.read_csv(file, infer_schema=False)
    except (OSError, UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError) as error:
        raise EstimateError(
            f"{file.name}: can't be read as UTF-8 CSV ({type(error).__name__}); save it as CSV UTF-8"
        ) from None
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise EstimateError(f"{file.name}: has the columns {', '.join(twice)} twice; rename one of each")
    plain = {name.replace(".", "/").rsplit("/", maxsplit=1)[-1].strip().lower(): name for name in table.columns}
    wanted = {i.code: plain.get(i.question.lower()) or plain.get(i.code.lower()) for i in model.indicators}
    missing = [code for code, column in wanted.items() if column is None]
    if missing:
        raise EstimateError(f"{file.name}: lacks questions of {model.name}: {', '.join(missing)}; export all of them")
    told = plain.get(outcome.lower())
    if told is None:
        raise EstimateError(f"{file.name}: has no column {outcome!r}; name the one that says whether people returned")
    word = pl.col(told).str.strip_chars().str.to_lowercase()
    known = word.is_in([*YES, *NO, ""]) | word.is_null()
    wrong = table.with_row_index("_row", offset=2).filter(~known)
    if not wrong.is_empty():
        raise EstimateError(
            f"{file.name}: column {told!r} is neither yes nor no in {wrong.height} rows, first in row {wrong['_row'][0]}; "
            f"write 1 or 0"
        )
    answers = {i.code: list(i.answers) for i in model.indicators}
    return table.select(
        *(
            pl.when(pl.col(str(column)).str.strip_chars().is_in(answers[code]))
            .then(pl.col(str(column)).str.strip_chars())
            .alias(code)
            for code, column in wanted.items()
        ),
        pl.when(word.is_in(YES)).then(True).when(word.is_in(NO)).then(False).alias(outcome),
    )


def write_version(
    folder: Path, model: SeverityModel, told: Estimate, version: str, data: str, today: date, out: Path
) -> None:
    """Write a new version of a model file; comments and everything that was not estimated stay as they are.

    Args:
        folder: where the model's own file stands.
        data: name of the file that the weights were fitted from.
        out: the new file.

    Raises:
        EstimateError: the version or the file is there already.
    """
    import tomlkit

    if out.exists():
        raise EstimateError(f"{out}: is there already; name another file with --out")
    base = next(
        f
        for f in sorted(folder.glob("*.toml"))
        if (doc := tomlkit.parse(f.read_text(encoding="utf-8")))["index_name"] == model.index_name
        and doc["model_version"] == model.model_version
    )
    content = tomlkit.parse(base.read_text(encoding="utf-8"))
    content["model_version"] = version
    content["source"] = (
        f"Weights and answer values estimated on {today} from {told.locations} locations of {data} by logistic regression "
        f"(pseudo R2 {told.pseudo_r2:.3f}); shape, combination and cut-offs: those of {model.name}"
    )
    kept = tomlkit.aot()
    for indicator in content["indicator"]:
        code = str(indicator["code"])
        if code in told.weights:
            indicator["weight"] = told.weights[code]
            indicator["answers"] = code
            kept.append(indicator)
    content["indicator"] = kept
    values = tomlkit.table()
    for code, worth in told.values.items():
        values[code] = worth
    content["answer_values"] = values
    text = tomlkit.dumps(content)
    severity_model(tomlkit.parse(text).unwrap())  # a file that could not be read again is not written
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
