"""Severity model files: the data that weights are fitted from, and a new version written beside the old one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from dtm_pipeline.domain.severity import Indicator, SeverityModel
from dtm_pipeline.domain.severity_estimate import Estimate, EstimateError
from dtm_pipeline.storage.csv_table import read_csv_table
from dtm_pipeline.storage.reference import severity_model

YES = ("1", "true", "yes", "y")
NO = ("0", "false", "no", "n")


def read_locations(file: Path, model: SeverityModel, outcome: str) -> pl.DataFrame:
    """Locations with their answers, from a CSV: a column for each indicator by its code, and the outcome as boolean.

    Questions are found by the model's names, with group paths (`grp/q`, `grp.q`) looked through; a blank is a missing answer.

    Raises:
        CsvTableError: unreadable.
        EstimateError: a question or the outcome is missing, an answer or outcome that is none, or a location that stands
            twice.
    """
    table = read_csv_table(file)
    plain = {name.replace(".", "/").rsplit("/", maxsplit=1)[-1].strip().lower(): name for name in table.columns}
    wanted = {i.code: plain.get(i.question.lower()) or plain.get(i.code.lower()) for i in model.indicators}
    missing = [i.question for i in model.indicators if wanted[i.code] is None]
    if missing:
        raise EstimateError(f"{file.name}: lacks questions of {model.name}: {', '.join(missing)}; export all of them")
    told = plain.get(outcome.lower())
    if told is None:
        raise EstimateError(f"{file.name}: has no column {outcome!r}; name the one that says whether people returned")
    place = plain.get(model.questions.get("place_id", "place_id").lower())
    if (
        place is not None
        and (twice := table.filter(pl.col(place).is_not_null() & pl.col(place).is_duplicated())).height
    ):
        raise EstimateError(
            f"{file.name}: {twice.height} rows repeat a location of column {place!r}: keep each once, or errors look too small"
        )
    word = pl.col(told).str.strip_chars().str.to_lowercase()
    known = word.is_in([*YES, *NO, ""]) | word.is_null()
    wrong = table.with_row_index("_row", offset=2).filter(~known)
    if not wrong.is_empty():
        raise EstimateError(
            f"{file.name}: column {told!r} is neither yes nor no in {wrong.height} rows, first in row {wrong['_row'][0]}; "
            f"write 1 or 0"
        )
    return table.select(
        *(
            _answers(table, str(column), indicator, file.name)
            for indicator, column in zip(model.indicators, wanted.values(), strict=True)
        ),
        pl.when(word.is_in(YES)).then(True).when(word.is_in(NO)).then(False).alias(outcome),
    )


def _answers(table: pl.DataFrame, column: str, indicator: Indicator, name: str) -> pl.Expr:
    """The answers of an indicator as the model's codes; a blank is missing.

    Raises:
        EstimateError: words that are none of the model's answers. They are not quoted: they may be anything.
    """
    codes = {a.lower(): a for a in indicator.answers}
    word = pl.col(column).str.strip_chars().str.to_lowercase()
    strange = word.is_not_null() & (word != "") & ~word.is_in(list(codes))
    wrong = table.with_row_index("_row", offset=2).filter(strange)
    if not wrong.is_empty():
        raise EstimateError(
            f"{name}: column {column!r} has {wrong.height} answers that the model does not know, first in row {wrong['_row'][0]}; "
            f"its answers are {', '.join(indicator.answers)}: write one of them, or leave the cell blank"
        )
    return word.replace_strict(codes, default=None, return_dtype=pl.String).alias(indicator.code)


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
    # weights were fitted side by side: all of them count, whatever scale an indicator is shown under
    content["combination"] = "mean_of_indicators"
    content["source"] = (
        f"Weights and answer values estimated on {today} from {told.locations} locations of {data} by logistic regression "
        f"(pseudo R2 {told.pseudo_r2:.3f}); questions and cut-offs: those of {model.name}"
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
    text = f"# Version {version}, estimated: see `source`. The comments below are those of {model.name}.\n{tomlkit.dumps(content)}"
    severity_model(tomlkit.parse(text).unwrap())  # a file that could not be read again is not written
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
