"""Multi-sectoral location assessments: needs, services, barriers, conditions. docs/sources/location_assessment.md.

Provider: IOM DTM, key informants (ILA and its kin). Cadence: yearly to quarterly. Questions and answers are codes of
reference/code_lists, each with its class: an answer about armed actors is sensitive wherever it stands.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.contracts.raw import LOCATION_ANSWER, LOCATION_ASSESSMENT, ROW
from dtm_pipeline.quality.parse import coded, written
from dtm_pipeline.storage.reference import Reference
from sources.document import header_key
from sources.headers import HeaderRow
from sources.protocol import Finding, Match
from sources.tabular import UNFIT, Context, Need, Tabular

MIN_QUESTIONS = 3
CLASSES = ("public", "partner", "sensitive")
SEPARATORS = r"\s*[;|,]\s*"


class LocationAssessment(Tabular):
    kind = "location_assessment"
    title = "multi-sectoral location assessment (needs, services, barriers, conditions)"
    table = LOCATION_ASSESSMENT
    core_table = "core_dtm__location_assessment"
    needs = (
        Need("a governorate", ("provider_admin1_name", "provider_admin1_code")),
        Need("a location", ("place_id", "location_name")),
    )
    identity = ("population_group", "place_id")
    parts = ("population_group",)
    places_once = True
    persons = "individuals"
    vocabularies = {"population_group": "population_group"}
    statements = ("population_group",)

    def more_tables(self) -> tuple[str, ...]:
        return (LOCATION_ANSWER.name,)

    def header_table(self, reference: Reference) -> dict[str, tuple[str, str]]:
        asked = reference.questions.select("question_code", "alias").rows()
        return super().header_table(reference) | {header_key(alias): ("question", code) for code, alias in asked}

    def fit(self, header: HeaderRow | None) -> Match:
        told = super().fit(header)
        asked = len(header.categories()) if header else 0
        label = f"{MIN_QUESTIONS} questions of reference/code_lists/questions.csv"
        if asked >= MIN_QUESTIONS:
            return Match(told.score, (*told.found, label), told.missing, told.headers)
        return Match(min(told.score, UNFIT), told.found, (*told.missing, label), told.headers)

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        reference, findings = context.reference, []
        asked = {q["question_code"]: q for q in reference.questions.unique("question_code").to_dicts()}
        parts = [empty(LOCATION_ANSWER)]
        for column in context.header.categories():
            assert column.target is not None
            question = asked[column.target[1]]
            told = _answers(kept, column.cell, question, reference)
            unknown = told.filter(pl.col("answer_code").is_null())["source_row"].unique().sort()
            findings += [
                Finding(
                    "unknown_answer",
                    f"an answer to {column.header} is none of {question['answer_set']} in reference/code_lists/answers.csv; it is unknown",
                    context.sheet.name,
                    row,
                )
                for row in unknown
            ]
            parts.append(conform(told.filter(pl.col("answer_code").is_not_null()), LOCATION_ANSWER))
        # two columns may ask one question, as ranked needs do
        answers = pl.concat(parts).unique(LOCATION_ANSWER.grain, maintain_order=True)
        return {LOCATION_ANSWER.name: answers}, findings


def _answers(kept: pl.DataFrame, cell: str, question: dict[str, str], reference: Reference) -> pl.DataFrame:
    """The answers in a column, a row each: code and class, null where the answer is none of the set."""
    known = reference.answers.filter(answer_set=question["answer_set"])
    words = pl.concat([known.select("answer_code", word="alias"), known.select("answer_code", word="answer_code")])
    mapping = {header_key(word): code for code, word in words.rows()}
    classes = dict(known.select("answer_code", "dissemination").rows())
    of_question = CLASSES.index(question["dissemination"])
    stricter = {code: CLASSES[max(of_question, CLASSES.index(c))] for code, c in classes.items()}

    def code(text: pl.Expr) -> pl.Expr:
        key = text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")
        return key.replace_strict(mapping, default=None, return_dtype=pl.String)

    said = kept.select(*ROW, _said=written(pl.col(cell)))
    whole = said.with_columns(_whole=code(pl.col("_said"))).filter(
        coded(pl.col("_said"), pl.col("_whole")).is_not_null()
    )
    # several answers in one cell: by signs, or as a KoBo export has them, where every piece is a code
    codes = known["answer_code"].unique().to_list()
    signs = pl.col("_said").str.contains(SEPARATORS)
    exported = pl.col("_said").str.split(" ").list.eval(pl.element().is_in(codes)).list.all()
    pieces = (
        pl.when(signs)
        .then(pl.col("_said").str.replace_all(SEPARATORS, ";").str.split(";"))
        .when(exported)
        .then(pl.col("_said").str.split(" "))
        .otherwise(pl.concat_list("_said"))
    )
    split = (
        whole.with_columns(_piece=pl.when(pl.col("_whole").is_null()).then(pieces).otherwise(pl.concat_list("_said")))
        .explode("_piece")
        .with_columns(answer_code=pl.coalesce("_whole", code(pl.col("_piece"))))
    )
    return split.with_columns(
        question_code=pl.lit(question["question_code"]),
        theme=pl.lit(question["theme"]),
        dissemination=pl.col("answer_code").replace_strict(stricter, default=None, return_dtype=pl.String),
    )
