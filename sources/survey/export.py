"""Exports of answers, in every shape that KoBoToolbox, ODK Central and their tools write (sources.md, section 4).

Headers carry group paths (`grp/q`, `grp.q`) or none, or are labels; a select_multiple is one column, or one a choice,
or both; repeats are further sheets. Which header is which question is decided by the form alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from dtm_pipeline.quality.parse import decimal_number, plain, unreadable
from sources.document import Sheet, header_key
from sources.headers import Column, HeaderRow, header_row
from sources.survey.expressions import column_of
from sources.survey.xlsform import DAYS, NUMBERS, UNASKED, Form, Question

META = {
    "key": ("_uuid", "uuid", "KEY", "instanceID", "meta/instanceID", "__id"),
    "index": ("_index", "index"),
    "parent_index": ("_parent_index",),
    "parent_key": ("_submission__uuid", "PARENT_KEY", "__Submissions-id", "_submission__id"),
    "parent_table": ("_parent_table_name",),
    "submitted": ("_submission_time", "SubmissionDate", "__system/submissionDate"),
    "version": ("__version__", "_version_", "_version", "FormVersion", "__system/formVersion"),
    "ignored": (
        "_id", "_validation_status", "_notes", "_status", "_submitted_by", "_tags", "_attachments", "_geolocation", "row_id",
        "_submission__id", "_submission__submission_time", "_submission__validation_status", "_submission__notes", "_submission__status",
        "_submission__submitted_by", "_submission__tags", "_submission___version__", "ReviewState", "DeviceID", "Edits", "Status", "AttachmentsPresent",
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


def numbered(sheet: Sheet) -> pl.LazyFrame:
    """The rows below the headers that hold anything, with `source_row`."""
    rows = sheet.lazy()
    cells = [c for c in rows.collect_schema().names() if c != "source_row"]
    return rows.filter((pl.col("source_row") > 1) & pl.any_horizontal(pl.col(cells).is_not_null()))


def asked(form: Form, columns: Mapped) -> list[Question]:
    """The questions whose answers a sheet holds and that are read, in the order of the form."""
    held = {*columns.questions, *columns.choices}
    return [q for q in form.questions if q.name in held and q.type not in UNASKED]


def answers_as_text(form: Form, columns: Mapped, questions: list[Question]) -> dict[str, pl.Expr]:
    """Each question's answer as the text of the form: codes for choices, several codes with spaces between."""
    return {column_of(q.name): _answer(form, columns, q) for q in questions}


def _answer(form: Form, columns: Mapped, question: Question) -> pl.Expr:
    whole = columns.questions.get(question.name)
    text = pl.lit(None, pl.String) if whole is None else plain_text(pl.col(whole.cell))
    if not question.is_select:
        return text
    words = form.codes(question)
    if question.type == "select_one":
        return pl.coalesce(_coded(text, words), text)
    ticked = columns.choices.get(question.name, {})
    several = _codes_of_several(text, words)
    if whole is None:
        parts = [pl.when(_is_true(pl.col(c.cell))).then(pl.lit(code)) for code, c in ticked.items()]
        joined = pl.concat_str(parts, separator=" ", ignore_nulls=True)
        several = pl.when(joined != "").then(joined)
    return several


def plain_text(text: pl.Expr) -> pl.Expr:
    """An answer without surrounding white space, in Western digits; null where nothing was answered.

    Words that mean a blank elsewhere (`none`, `-`) may be answers here.
    """
    said = plain(pl.lit("x") + text.str.strip_chars()).str.slice(1)
    return pl.when(said.str.len_chars() > 0).then(said)


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


def typed_answers(frame: pl.DataFrame, form: Form, questions: list[Question]) -> pl.DataFrame:
    """Answers in their types: Int64 or Float64, Date, String, and List(String) for select_multiple.

    Args:
        frame: answers as text.
    """

    def typed(q: Question) -> pl.Expr:
        text = pl.col(column_of(q.name))
        if q.type in NUMBERS:
            return decimal_number(text)
        if q.type in DAYS:
            return day(text)
        return text.str.split(" ") if q.type == "select_multiple" else text

    return frame.with_columns(typed(q).alias(q.name) for q in questions).drop(column_of(q.name) for q in questions)


def day(text: pl.Expr) -> pl.Expr:
    return text.str.head(10).str.to_date("%Y-%m-%d", strict=False)


def long_answers(frame: pl.DataFrame, questions: list[Question]) -> Iterator[pl.DataFrame]:
    """A row a record and question that was answered, in the shape of raw_survey__answer, some questions at a time.

    Args:
        frame: provenance, and answers as text.
    """
    for q in questions:
        text = pl.col(column_of(q.name))
        told = text.str.split(" ") if q.type == "select_multiple" else pl.concat_list(text)
        yield frame.filter(text.is_not_null()).select(
            "snapshot_id",
            "source_sheet",
            "source_row",
            question=pl.lit(q.name),
            answers=told,
            number=decimal_number(text) if q.type in (*NUMBERS, "calculate") else pl.lit(None, pl.Float64),
            day=day(text) if q.type in DAYS else pl.lit(None, pl.Date),
        )


def wrong_answers(form: Form, questions: list[Question]) -> dict[str, pl.Expr]:
    """By flag (`rule:question`): an answer that is no choice, no number, no day."""
    found: dict[str, pl.Expr] = {}
    for q in questions:
        text = pl.col(column_of(q.name))
        if q.is_select and form.choices.get(q.list_name or ""):
            codes = sorted(set(form.codes(q).values()))
            pieces = text.str.split(" ") if q.type == "select_multiple" else pl.concat_list(text)
            found[f"unknown_answer:{q.name}"] = (
                text.is_not_null() & ~pieces.list.eval(pl.element().is_in(codes)).list.all()
            )
        elif q.type in NUMBERS:
            found[f"unreadable_number:{q.name}"] = unreadable(text, decimal_number(text))
        elif q.type in DAYS:
            found[f"unreadable_day:{q.name}"] = text.is_not_null() & day(text).is_null()
    return found
