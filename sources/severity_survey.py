"""Location surveys for severity, as KoBo or ODK export them, read by a model file. docs/sources/severity_survey.md.

Provider: IOM DTM, key informants. One row a location a round. The model file in reference/severity_models says which
question is which indicator and what each answer is worth. Answers are sensitive: they never leave the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import SEVERITY_ANSWER, SEVERITY_LOCATION
from dtm_pipeline.domain.severity import Indicator, SeverityModel
from dtm_pipeline.quality.parse import decimal_number, plain, whole_number, written
from dtm_pipeline.quality.split import PERSONS, Originals, Reject, account, count_rejects, split
from dtm_pipeline.storage.reference import Reference
from sources.dates import date_in
from sources.document import SEND_AGAIN, DeliveryError, Document, MissingFactError, Sheet, header_key
from sources.headers import Column, HeaderRow, data_rows, headers_of, original_json
from sources.protocol import (
    Delivery,
    Description,
    Finding,
    Match,
    Reading,
    SheetReading,
    combine,
    flag_findings,
    none_usable,
)
from sources.review import flag_sentences, flagged, review_reject, review_text
from sources.survey.export import as_coded, mapped
from sources.survey.records import sheets_of_json
from sources.survey.xlsform import forms_of

KIND = "severity_survey"
MIN_QUESTIONS = 3


@dataclass(frozen=True)
class _Fit:
    model: SeverityModel
    header: HeaderRow
    columns: dict[str, Column]
    match: Match


class SeveritySurvey:
    """Recognises and reads exports whose questions are those of a severity model."""

    kind = KIND
    title = "location survey of a severity model (KoBo or ODK export)"
    replacement_key = ("index_name", "model_version", "reference_date")

    def describe(self) -> Description:
        return Description(
            KIND,
            self.title,
            ("the questions of a model in reference/severity_models", "a place id", "households"),
            (SEVERITY_LOCATION.name, SEVERITY_ANSWER.name),
            "core_dtm__severity",
            self.replacement_key,
            "docs/sources/severity_survey.md",
        )

    def recognise(self, document: Document, reference: Reference) -> Match:
        heads = [_coded(Sheet(s.name, _head(s)), document) for s in _sheets(document)]
        matches = [fit.match for s in heads if (fit := _best_fit(s, reference))]
        return max(matches, key=lambda m: (m.score, m.headers), default=Match(0))

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        read: list[SheetReading] = []
        findings = []
        last: DeliveryError | None = None
        for whole in _sheets(document):
            sheet = _coded(whole, document)
            fit = _best_fit(sheet, reference)
            if fit is None or fit.match.score < reference.thresholds["deliveries"]["min_header_share"]:
                findings.append(
                    Finding("sheet_not_read", "the sheet was not read: it asks no model's questions", whole.name)
                )
                continue
            try:
                read.append(_read_sheet(sheet, fit, delivery, reference))
            except DeliveryError as refusal:
                last = refusal
                findings.append(Finding("sheet_refused", f"the sheet was left out: {refusal}", whole.name))
        if not read:
            assert last is not None
            raise last
        if all(s.tables[SEVERITY_LOCATION.name].is_empty() for s in read):
            raise none_usable(pl.concat([s.rejected for s in read]))
        rows = pl.concat([s.tables[SEVERITY_LOCATION.name] for s in read])
        if rows["place_id"].is_duplicated().any() and len(read) > 1:
            raise DeliveryError(
                "several sheets survey one location", "each location once", "send it with one of the sheets"
            )
        return combine(KIND, read, findings)


def _read_sheet(sheet: Sheet, fit: _Fit, delivery: Delivery, reference: Reference) -> SheetReading:
    if fit.match.missing:
        raise DeliveryError(
            f"lacks questions of {fit.model.index_name} {fit.model.model_version}: {', '.join(fit.match.missing[:5])}",
            "every question of the model",
            "export all questions, with codes",
            sheet=sheet.name,
            row=fit.header.row,
        )
    texts = data_rows(sheet, fit.header)
    if texts.is_empty():
        raise DeliveryError(
            "headers and no row below them", "submissions", SEND_AGAIN, sheet=sheet.name, row=fit.header.row
        )
    rows = _typed(texts, fit, delivery, sheet)
    told_flags = [pl.when(hit).then(pl.lit(flag)) for flag, hit in flagged(pl.col("_review"), reference).items()]
    rows = rows.with_columns(
        reference_date=_reference_date(rows, delivery), flags=pl.concat_list(told_flags).list.drop_nulls()
    )
    wrong = {
        i.code: pl.col(f"a_{i.code}").is_null() & plain(pl.col(f"q_{i.code}")).is_not_null()
        for i in fit.model.indicators
    }
    place, households = fit.columns["place_id"].header, fit.columns["households"].header
    rejects = [
        *review_reject(fit.header, reference),
        Reject(
            "no_identity",
            "a location has its place id",
            place,
            pl.col("place_id").is_null(),
            pl.lit(None, pl.String),
        ),
        *count_rejects({"households": households}),
        *(
            Reject(
                "unknown_answer",
                "an answer is one of the model's choices",
                fit.columns[code].header,
                broken,
                pl.col(f"q_{code}"),
            )
            for code, broken in wrong.items()
        ),
        Reject(
            "conflicting_duplicate",
            "a location is surveyed once a round; submissions that differ can't both be right",
            place,
            (pl.len().over("place_id") > 1) & (pl.col("_answers").n_unique().over("place_id") > 1),
            pl.col("place_id"),
        ),
        Reject(
            "repeated_row",
            "a location is surveyed once a round; the row repeats another, which is kept",
            place,
            pl.int_range(pl.len()).over("place_id") > 0,
            pl.col("place_id"),
        ),
    ]
    outcome = split(
        rows,
        SEVERITY_LOCATION,
        rejects,
        KIND,
        Originals(texts, original_json(fit.header), headers_of(fit.header)),
        delivery.bounds(reference, KIND),
    )
    kept = rows.join(outcome.rejected.select("source_row"), on="source_row", how="anti")
    # questions beside the model's are neither mapped nor quoted: they may be anything
    facts = {
        "sheet": sheet.name,
        "model": f"{fit.model.index_name} {fit.model.model_version}",
        "header_row": fit.header.row,
        "headers_mapped": {c.header: c.target[1] for c in fit.header.columns if c.target},
        "questions_beside_the_model": sum(c.target is None for c in fit.header.columns),
    }
    tables = {SEVERITY_LOCATION.name: outcome.valid, SEVERITY_ANSWER.name: _answers(kept, fit.model)}
    told = account(rows, outcome, kept)
    findings = flag_findings(outcome.valid, flag_sentences(reference), sheet.name)
    return SheetReading(tables, outcome.rejected, told, (fit.model.location_code,), facts, findings)


def _sheets(document: Document) -> list[Sheet]:
    return sheets_of_json(document.json) if document.format == "json" else document.sheets


def _head(sheet: Sheet) -> pl.DataFrame:
    head = sheet.head()
    return pl.DataFrame({f"c{i}": [row[i] for row in head] for i in range(len(head[0]) if head else 0)})


def _coded(sheet: Sheet, document: Document) -> Sheet:
    """The sheet in the names and codes of its form where one is known; labels and paths are looked through."""
    forms = forms_of(document.forms)
    fits = [(columns.understood, form) for form in forms if (columns := mapped(sheet, form)) is not None]
    understood, form = max(fits, key=lambda f: f[0], default=(0, None))
    return as_coded(sheet, form) if form is not None and understood >= MIN_QUESTIONS else sheet


def _best_fit(sheet: Sheet, reference: Reference) -> _Fit | None:
    """The model whose questions the first row holds best; group paths (`grp/q`, `grp.q`) are looked through."""
    head = sheet.head()
    if not head:
        return None
    fits = [_fit(head[0], model) for model in reference.severity_models]
    return max(fits, key=lambda f: f.match.score, default=None)


def _fit(headers: list[str | None], model: SeverityModel) -> _Fit:
    wanted = {header_key(q): name for name, q in model.questions.items()}
    wanted |= {header_key(i.question): i.code for i in model.indicators}
    columns: dict[str, Column] = {}
    every = []
    for index, header in enumerate(headers):
        if not header:
            continue
        last = header.replace(".", "/").rsplit("/", maxsplit=1)[-1]
        name = wanted.get(header_key(header)) or wanted.get(header_key(last))
        column = Column(index, " ".join(header.split()), header_key(header), ("field", name) if name else None)
        every.append(column)
        if name:
            columns.setdefault(name, column)
    needed = ["place_id", "households", *(i.code for i in model.indicators)]
    missing = tuple(n for n in needed if n not in columns)
    found = tuple(n for n in needed if n in columns)
    match = Match(len(found) / len(needed), found, missing, len(columns))
    return _Fit(model, HeaderRow(1, tuple(every)), columns, match)


def _typed(texts: pl.DataFrame, fit: _Fit, delivery: Delivery, sheet: Sheet) -> pl.DataFrame:
    def text(name: str) -> pl.Expr:
        return pl.col(f"c{fit.columns[name].index}") if name in fit.columns else pl.lit(None, pl.String)

    model = fit.model
    answers = {i.code: _answer(text(i.code), i) for i in model.indicators}
    size_free = whole_number(text("households"))
    return texts.select(
        "source_row",
        place_id=plain(text("place_id")).str.replace(r"\.0$", ""),
        provider_admin1_name=plain(text("provider_admin1_name")),
        provider_admin2_name=plain(text("provider_admin2_name")),
        provider_admin1_code=pl.lit(None, pl.String),
        provider_admin2_code=pl.lit(None, pl.String),
        location_name=plain(text("location_name")),
        latitude=decimal_number(text("latitude")),
        longitude=decimal_number(text("longitude")),
        households=size_free,
        households_text=text("households"),
        surveyed_on=plain(text("surveyed_on")).str.head(10).str.to_date("%Y-%m-%d", strict=False),
        _review=review_text(fit.header),
        _answers=pl.concat_str([a.fill_null("") for a in answers.values()], separator="|"),
        **{f"a_{code}": answer for code, answer in answers.items()},
        **{f"q_{i.code}": text(i.code) for i in model.indicators},
        **{PERSONS: pl.lit(None, pl.Int64)},
        snapshot_id=pl.lit(delivery.snapshot_id),
        source_sheet=pl.lit(sheet.name, pl.String),
        location_code=pl.lit(model.location_code),
        population_group=pl.lit(model.population_group),
        index_name=pl.lit(model.index_name),
        model_version=pl.lit(model.model_version),
    )


def _answer(text: pl.Expr, indicator: Indicator) -> pl.Expr:
    """The answer as its model spells it, whatever its case; null where none is given or the model has no such answer.

    Spreadsheets write whole numbers as `3.0`.
    """
    spelled = {answer.lower(): answer for answer in indicator.answers}
    said = written(text).str.to_lowercase()
    return said.replace_strict(spelled, default=said.str.replace(r"\.0$", "").replace_strict(spelled, default=None))


def _reference_date(rows: pl.DataFrame, delivery: Delivery) -> pl.Expr:
    """The round's date: the sidecar's, the file name's, else the last day of interviews.

    Raises:
        DeliveryError: none of them is known.
    """
    told = delivery.statement.get("reference_date")
    day = date_in(str(told)) if told else date_in(delivery.name)
    day = day or rows["surveyed_on"].max()  # type: ignore[assignment]  # a column of dates has a date as its maximum
    if day is None:
        raise MissingFactError("reference_date", "says nowhere what date it stands for", "a reference date")
    return pl.lit(day, pl.Date)


def _answers(kept: pl.DataFrame, model: SeverityModel) -> pl.DataFrame:
    """A row a location and indicator, with the value that the model gives the answer."""
    values = pl.DataFrame(
        [(f"a_{i.code}", i.code, answer, value) for i in model.indicators for answer, value in i.answers.items()],
        schema={"question": pl.String, "indicator_code": pl.String, "answer": pl.String, "value": pl.Float64},
        orient="row",
    )
    codes = values.select("question", "indicator_code").unique()
    long = (
        kept.unpivot(
            [f"a_{i.code}" for i in model.indicators],
            index=["snapshot_id", "source_sheet", "source_row"],
            variable_name="question",
            value_name="answer",
        )
        .join(codes, on="question")
        .join(values.select("question", "answer", "value"), on=["question", "answer"], how="left")
    )
    return conform(long, SEVERITY_ANSWER)
