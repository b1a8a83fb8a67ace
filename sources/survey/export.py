"""Exports of answers, in every shape that KoBoToolbox, ODK Central and their tools write (sources.md, section 4).

Headers carry group paths (`grp/q`, `grp.q`) or none, or are labels; a select_multiple is one column, or one a choice,
or both; repeats are further sheets. Which header is which question is decided by the form alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from dtm_pipeline.contracts.model import Column as Declared
from dtm_pipeline.contracts.model import Table, Type
from dtm_pipeline.contracts.raw import SURVEY_RESPONSE
from dtm_pipeline.quality.parse import decimal_number, plain, whole_number
from sources.document import Sheet, header_key
from sources.headers import Column, HeaderRow, header_row
from sources.survey.expressions import column_of, number_of
from sources.survey.xlsform import DAYS, NUMBERS, UNASKED, Form, Question

META = {
    "key": ("_uuid", "uuid", "KEY", "instanceID", "meta/instanceID", "__id"),
    "index": ("_index", "index"),
    "parent_index": ("_parent_index",),
    "parent_key": ("_submission__uuid", "PARENT_KEY", "__Submissions-id", "_submission__id"),
    "parent_table": ("_parent_table_name",),
    "submitted": ("_submission_time", "SubmissionDate", "__system/submissionDate"),
    "review": ("_validation_status", "_validation_status/label", "_validation_status/uid", "ReviewState", "__system/reviewState"),
    "version": ("__version__", "_version_", "_version", "FormVersion", "__system/formVersion"),
    "ignored": (
        "_id", "_notes", "_status", "_submitted_by", "_tags", "_attachments", "_geolocation", "row_id",
        "_submission__id", "_submission__submission_time", "_submission__validation_status", "_submission__notes", "_submission__status",
        "_submission__submitted_by", "_submission__tags", "_submission___version__", "DeviceID", "Edits", "Status", "AttachmentsPresent",
        "AttachmentsExpected", "SubmitterID", "SubmitterName", "_xform_id_string", "_bamboo_dataset_id", "rootUuid", "meta/rootUuid", "formhub/uuid",
    ),
}  # fmt: skip
META_KEYS = {name.lower(): role for role, names in META.items() for name in names}
KEY_ROLES = ("key", "index", "parent_index", "parent_key", "parent_table")
TRUE = ("true", "1", "1.0", "yes")
GEO_PARTS = re.compile(r"^_(?P<q>.+)_(latitude|longitude|altitude|precision)$")


def bare(header: str) -> str:
    """A header without a byte-order mark, and with the underscore that R makes `X_` of."""
    text = re.sub(r"^(X\.U\.FEFF\.|\ufeff|ï\.\.|ï»¿)", "", header.strip())
    return text[1:] if text.startswith("X_") else text


@dataclass(frozen=True)
class Mapped:
    """The columns of a sheet by what they hold."""

    header: HeaderRow
    questions: dict[str, Column]
    choices: dict[str, dict[str, Column]]
    """Columns of single choices of a select_multiple: question -> code -> column."""
    meta: dict[str, Column]
    unknown: tuple[Column, ...] = ()

    @property
    def understood(self) -> int:
        return len(self.questions) + sum(map(len, self.choices.values()))


@dataclass
class _Names:
    """What headers may say, by form."""

    form: Form
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told: dict[str, set[str]] = {}
        for q in self.form.questions:
            for label in q.labels.values():
                told.setdefault(header_key(label), set()).add(q.name)
        # a label of several questions stands for none of them
        self.labels = {key: names.pop() for key, names in told.items() if key and len(names) == 1}

    def question(self, text: str) -> Question | None:
        return self.form.by_name.get(text) or self.form.by_name.get(self.labels.get(header_key(text), ""))

    def resolve(self, header: str) -> tuple[Question, str | None] | None:
        """The question of a header, and the choice where it is one of a select_multiple."""
        whole = self.question(header)
        if whole is not None:
            return whole, None
        for cut in (m.start() for m in re.finditer(r"[/.]", header)):
            before, after = header[:cut], header[cut + 1 :]
            owner = self.question(before) or self.question(re.split(r"[/.]", before)[-1])
            if owner is not None and owner.type == "select_multiple":
                code = self.form.codes(owner).get(after)
                if code is not None:
                    return owner, code
            rest = self.form.by_name.get(after)
            if rest is not None:
                return rest, None
        return None


def mapped(sheet: Sheet, form: Form) -> Mapped | None:
    """The first row of a sheet against a form; None where the sheet is empty."""
    head = sheet.head()
    if not head:
        return None
    names = _Names(form)
    questions: dict[str, Column] = {}
    choices: dict[str, dict[str, Column]] = {}
    meta: dict[str, Column] = {}
    unknown: list[Column] = []
    for index, text in enumerate(head[0]):
        if not (text or "").strip():
            continue
        header = bare(str(text))
        column = Column(index, " ".join(str(text).split()), header_key(header), None)
        resolved = names.resolve(header)
        if resolved is not None:
            question, code = resolved
            if code is not None:
                choices.setdefault(question.name, {}).setdefault(code, column)
            else:
                questions.setdefault(question.name, column)
        elif header.lower() in META_KEYS:
            meta.setdefault(META_KEYS[header.lower()], column)
        elif header == "_geolocation" or ((geo := GEO_PARTS.match(header)) and geo["q"] in form.by_name):
            meta.setdefault("ignored", column)
        else:
            unknown.append(column)
    return Mapped(header_row(head[0], 1, {}), questions, choices, meta, tuple(unknown))


def is_export(sheet: Sheet) -> tuple[str, ...]:
    """The headers of a sheet that only exports of KoBoToolbox and ODK have."""
    head = sheet.head()
    own = {"_uuid", "_submission_time", "_index", "_parent_index", "_submitted_by", "instanceid", "submissiondate", "_validation_status", "deviceid", "__version__"}  # fmt: skip
    return tuple(sorted(h for c in (head[0] if head else []) if (h := bare(c or "")).lower() in own))


def records(sheet: Sheet) -> Iterator[pl.DataFrame]:
    """The rows below the headers that hold anything, with `source_row`, some at a time."""
    for rows in sheet.batches():
        cells = [c for c in rows.columns if c != "source_row"]
        yield rows.filter((pl.col("source_row") > 1) & pl.any_horizontal(pl.col(cells).is_not_null()))


def select(sheet: Sheet, *asked: Any, **named: Any) -> pl.DataFrame:
    """What is asked of all records, with little of them in memory at a time."""
    return pl.concat(rows.select(*asked, **named) for rows in records(sheet))


def asked(form: Form, columns: Mapped) -> list[Question]:
    """The questions whose answers a sheet holds and that are read, in the order of the form."""
    held = {*columns.questions, *columns.choices}
    return [q for q in form.questions if q.name in held and q.type not in UNASKED]


def answers_as_text(form: Form, columns: Mapped, questions: list[Question]) -> dict[str, pl.Expr]:
    """Each question's answer as the text of the form: codes for choices, several codes with spaces between."""
    return {column_of(q.name): _answer(form, columns, q) for q in questions}


def _answer(form: Form, columns: Mapped, question: Question) -> pl.Expr:
    whole = columns.questions.get(question.name)
    text = pl.lit(None, pl.String) if whole is None else stripped(pl.col(whole.cell))
    if not question.is_select:
        return text
    words = form.codes(question)
    if question.type == "select_one":
        return pl.coalesce(_coded(text, words), text)
    ticked = columns.choices.get(question.name, {})
    several = _codes_of_several(text, words)
    if ticked:
        parts = [pl.when(_is_true(pl.col(c.cell))).then(pl.lit(code)) for code, c in ticked.items()]
        joined = pl.concat_str(parts, separator=" ", ignore_nulls=True)
        several = pl.coalesce(several, pl.when(joined != "").then(joined))
    return several


def plain_text(text: pl.Expr) -> pl.Expr:
    """An answer without surrounding white space, in Western digits; null where nothing was answered.

    Words that mean a blank elsewhere (`none`, `-`) may be answers here.
    """
    said = plain(pl.lit("x") + text.str.strip_chars()).str.slice(1)
    return pl.when(said.str.len_chars() > 0).then(said)


def stripped(text: pl.Expr) -> pl.Expr:
    said = text.str.strip_chars()
    return pl.when(said.str.len_bytes() > 0).then(said)


def _is_true(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars().str.to_lowercase().is_in(TRUE).fill_null(False)


def _coded(text: pl.Expr, words: dict[str, str]) -> pl.Expr:
    if not words:
        return pl.lit(None, pl.String)
    return text.replace_strict(words, default=None, return_dtype=pl.String)


def _codes_of_several(text: pl.Expr, words: dict[str, str]) -> pl.Expr:
    """Codes with spaces between them, or labels with commas or spaces, as codes with spaces between them."""
    labels = sorted((w for w in words if w != words[w]), key=len, reverse=True)
    coded = text
    if labels:
        # labels hold spaces: where one stands in the text, labels were exported
        spoken = text.str.replace_many(labels, [words[w] for w in labels], leftmost=True).str.replace_all(
            r"\s*[,;]\s*", " "
        )
        pieces = text.str.split(" ").list.eval(pl.element().is_in(list(set(words.values())))).list.all()
        coded = pl.when(pieces).then(text).otherwise(spoken)
    return coded.str.replace_all(r"\s+", " ")


def as_coded(sheet: Sheet, form: Form) -> Sheet:
    """The sheet with the names and codes of the form, whatever was exported: labels, group paths, choices.

    Rows and columns keep their places; what the form does not know stays as it is.
    """
    columns = mapped(sheet, form)
    if columns is None:
        return sheet
    first = pl.int_range(pl.len()) == 0
    told = [
        pl.when(first).then(pl.lit(q.name)).otherwise(_answer(form, columns, q)).alias(columns.questions[q.name].cell)
        for q in form.questions
        if q.name in columns.questions
    ]
    return Sheet(sheet.name, sheet.cells.with_columns(told))


def with_numbers(answers: pl.DataFrame, questions: list[Question]) -> pl.DataFrame:
    """Answers with the numbers of questions that ask for one, in columns of their own.

    Columns of plain digits, which nearly all are, are cast; in the others signs and Arabic-Indic digits are minded, and
    their text is that of the number. Days in such digits are mended too.
    """
    kinds: dict[str, tuple[pl.DataType, Callable[[pl.Expr], pl.Expr]]] = {
        q.name: (pl.Int64(), whole_number) if q.type == "integer" else (pl.Float64(), decimal_number)
        for q in questions
        if q.type in NUMBERS
    }
    quick = answers.select(
        pl.col(column_of(n)).cast(dtype, strict=False).alias(number_of(n)) for n, (dtype, _) in kinds.items()
    )
    slow = [n for n in kinds if quick[number_of(n)].null_count() > answers[column_of(n)].null_count()]
    read = answers.select(kinds[n][1](pl.col(column_of(n))).alias(number_of(n)) for n in slow)
    days = [column_of(q.name) for q in questions if q.type in DAYS]
    odd = [c for c in days if answers.select(day(pl.col(c)).null_count() > pl.col(c).null_count()).item()]
    frame = answers.hstack(quick.with_columns(read) if slow else quick) if kinds else answers
    return frame.with_columns(
        *(pl.coalesce(pl.col(number_of(n)).cast(pl.String), column_of(n)).alias(column_of(n)) for n in slow),
        *(plain_text(pl.col(c)).alias(c) for c in odd),
    )


def response_table(form: Form, record_table: str, questions: list[Question]) -> Table:
    """The contract of the answers of one table of a form: the form is their declaration."""
    taken = set(SURVEY_RESPONSE.column_names)
    columns = [
        Declared(
            response_column(q, taken),
            _type(q),
            "label" if _type(q) in ("string", "strings") else "date" if _type(q) == "date" else "evidence",
            next(iter(q.labels.values()), q.name),
            dissemination="sensitive",
        )
        for q in questions
    ]
    return replace(
        SURVEY_RESPONSE,
        description=f"Answers of {form.form_id}, {record_table}. {SURVEY_RESPONSE.description}",
        columns=(*SURVEY_RESPONSE.columns, *columns),
    )


def response_column(question: Question, taken: set[str]) -> str:
    """A question's own name, unless a column of every response goes by it."""
    return f"{question.name}_answer" if question.name in taken else question.name


def _type(question: Question) -> Type:
    if question.type in NUMBERS:
        return "int64" if question.type == "integer" else "float64"
    if question.type in DAYS:
        return "date"
    return "strings" if question.type == "select_multiple" else "string"


def typed_answers(questions: list[Question], taken: set[str]) -> dict[str, pl.Expr]:
    """Answers in the types of their contract, from answers as text."""
    found: dict[str, pl.Expr] = {}
    for q in questions:
        text = pl.col(column_of(q.name))
        read = {
            "int64": pl.col(number_of(q.name)),
            "float64": pl.col(number_of(q.name)),
            "date": day(text),
            "strings": text.str.split(" "),
        }.get(_type(q), text)
        found[response_column(q, taken)] = read
    return found


def day(text: pl.Expr) -> pl.Expr:
    return text.str.head(10).str.to_date("%Y-%m-%d", strict=False)


def wrong_answers(form: Form, questions: list[Question]) -> dict[str, pl.Expr]:
    """By flag (`rule:question`): an answer that is no choice, no number, no day."""
    found: dict[str, pl.Expr] = {}
    for q in questions:
        text = pl.col(column_of(q.name))
        codes = sorted(set(form.codes(q).values())) if q.is_select else []
        if codes and q.type == "select_multiple":
            found[f"unknown_answer:{q.name}"] = ~text.str.split(" ").list.eval(pl.element().is_in(codes)).list.all()
        elif codes:
            found[f"unknown_answer:{q.name}"] = ~text.is_in(codes)
        elif q.type in NUMBERS:
            found[f"unreadable_number:{q.name}"] = text.is_not_null() & pl.col(number_of(q.name)).is_null()
        elif q.type in DAYS:
            found[f"unreadable_day:{q.name}"] = text.is_not_null() & day(text).is_null()
    return found
