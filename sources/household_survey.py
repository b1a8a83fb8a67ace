"""Surveys of households, persons, employers and travellers, by their XLSForm. docs/sources/household_survey.md.

Provider: IOM DTM, REACH and partners. Exports of KoBoToolbox and ODK Central in every shape. The form decides which
header is which question; answers outside the choices, broken skip logic and broken constraints are findings of rows.
Nothing of an answer leaves the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.contracts.raw import QUARANTINE, SURVEY_RECORD, SURVEY_RESPONSE
from dtm_pipeline.quality.bounds import RowBounds
from dtm_pipeline.quality.parse import decimal_number
from dtm_pipeline.quality.split import PERSONS, Account, Originals, Reject, account, split
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import Spool
from sources.document import DeliveryError, Document, MissingFactError, Sheet
from sources.headers import original_json
from sources.protocol import Delivery, Description, Finding, Match, Reading, added, none_usable
from sources.review import RULE, flag_sentences, flagged, quarantined, review_state
from sources.survey import export
from sources.survey.expressions import NotTranslatedError, Scope, column_of, number_of, translate
from sources.survey.records import sheets_of_json
from sources.survey.xlsform import DAYS, NUMBERS, Form, Question, forms_of

MAIN = "main"
LIKELY = 0.95
"""What a fitting form reaches at most: a kind that knows the questions themselves leads over it."""
ROWS_TOLD = 20
DAYS_OF_A_ROUND = 366
TRUTHS = ("true", "yes", "true()", "1")
FAMILY_QUESTIONS = ("stratum", "cluster", "weight", "provider_admin1_name", "provider_admin1_code", "provider_admin2_name", "provider_admin2_code")  # fmt: skip
SENTENCES = {
    "unknown_answer": "the answer is none of the choices of the form",
    "unreadable_number": "the answer is no number; it is unknown",
    "unreadable_day": "the answer is no day; it is unknown",
    "answered_though_not_asked": "an answer stands where the form's skip logic asks nothing",
    "missing_answer": "a required question was asked and not answered",
    "broken_constraint": "the answer breaks the form's constraint",
}


@dataclass(frozen=True)
class _Records:
    """The records of one table of a survey: the interviews, or a repeat."""

    name: str
    sheet: Sheet
    columns: export.Mapped
    form: Form

    @cached_property
    def questions(self) -> list[Question]:
        return export.asked(self.form, self.columns)

    @cached_property
    def answers(self) -> dict[str, pl.Expr]:
        return export.answers_as_text(self.form, self.columns, self.questions)

    def cell(self, role: str) -> pl.Expr:
        column = self.columns.meta.get(role)
        return pl.col(column.cell) if column else pl.lit(None, pl.String)

    @cached_property
    def interview_day(self) -> pl.Expr:
        days = [self.answers[column_of(q.name)] for q in self.questions if q.type in ("today", "start", "end")]
        return export.day(pl.coalesce(*days, self.cell("submitted")))


@dataclass
class _Rules:
    """The rules of a form for one table as expressions, and what could not be translated."""

    flags: dict[str, pl.Expr] = field(default_factory=dict)
    asked_of_parent: set[str] = field(default_factory=set)
    not_checked: list[dict[str, str]] = field(default_factory=list)


class HouseholdSurvey:
    """Recognises exports by the forms that are known, and reads them."""

    kind = "household_survey"
    title = "household, person or employer survey by its XLSForm (KoBoToolbox, ODK)"
    other_families: ClassVar[bool] = True
    """Whether it is of any family but that of travellers."""

    @property
    def replacement_key(self) -> tuple[str, ...]:
        return SURVEY_RECORD.replacement_key

    def describe(self) -> Description:
        return Description(
            self.kind,
            self.title,
            ("an export of KoBoToolbox or ODK Central", "its XLSForm, delivered beside it or before it"),
            (SURVEY_RECORD.name, SURVEY_RESPONSE.name),
            "core_survey__record",
            self.replacement_key,
            f"docs/sources/{self.kind}.md",
        )

    def recognise(self, document: Document, reference: Reference) -> Match:
        sheets = _sheets(document)
        if not sheets:
            return Match(0)
        fit = _best_form(document, sheets)
        if fit is None:
            told = max((export.is_export(s) for s in sheets), key=len)
            missing = ("its XLSForm: put it into the inbox too",)
            # headers that only such exports have lead over places and dates, which many kinds know
            near = Match(0.4, told, missing, headers=100)
            return near if self.other_families and len(told) > 1 else Match(0)
        form, share, understood = fit
        family = _family(document.name, None, form, reference)
        mine = (family["family"] != "flow_monitoring_survey") == self.other_families
        return Match(share * LIKELY if mine else 0, (f"{understood} questions of {form.form_id}",), (), understood)

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        sheets = _sheets(document)
        fit = _best_form(document, sheets)
        if fit is None:
            raise DeliveryError(
                "an export whose form is not known", "its XLSForm", "put the XLSForm into the inbox too"
            )
        form = fit[0]
        country = delivery.statement.get("country")
        if country is None:
            raise MissingFactError("country", "a survey that names no country", "a country")
        tables, left = _tables(sheets, form)
        survey = str(delivery.statement.get("survey") or form.form_id)
        family = _family(document.name, delivery.statement.get("survey"), form, reference)
        keys = {MAIN: _main_keys(tables[MAIN], reference)}
        for name in _parents_first(tables, form):
            keys[name] = _repeat_keys(tables[name], keys, form)
        told_day = delivery.statement.get("reference_date")
        day = date.fromisoformat(told_day) if told_day else _last_day(keys[MAIN]["interviewed_on"])
        facts = {
            "location_code": pl.lit(country),
            "survey": pl.lit(survey),
            "survey_family": pl.lit(family["family"]),
            "reference_date": pl.lit(day, pl.Date),
            "snapshot_id": pl.lit(delivery.snapshot_id),
        }
        outcomes = [
            _read_table(
                t,
                keys,
                tables,
                facts,
                family,
                self.kind,
                document.scratch,
                reference,
                delivery.bounds(reference, self.kind),
            )
            for t in tables.values()
        ]
        if not any(o.rows.height for o in outcomes):
            raise none_usable(pl.concat([o.rejected for o in outcomes]))
        findings = [f for o in outcomes for f in o.findings]
        findings += [
            Finding("sheet_not_read", f"the sheet holds no question of the form {form.form_id}", s.name) for s in left
        ]
        total = outcomes[0].account
        for outcome in outcomes[1:]:
            total = added(total, outcome.account)
        return Reading(
            kind=self.kind,
            countries=(country,),
            tables={SURVEY_RECORD.name: pl.concat([o.rows for o in outcomes])},
            responses=dict(zip(tables, (o.responses for o in outcomes), strict=True)),
            rejected=pl.concat([o.rejected for o in outcomes]),
            account=total,
            facts={
                "form": form.form_id,
                "survey_family": family["family"],
                "sheets": [o.facts for o in outcomes],
                "not_checked": [n for o in outcomes for n in o.not_checked],
            },
            findings=findings,
        )


class FlowSurvey(HouseholdSurvey):
    """Flow Monitoring Survey interviews: travellers at flow points."""

    kind = "flow_survey"
    title = "Flow Monitoring Survey interviews by their XLSForm"
    other_families = False


def _sheets(document: Document) -> list[Sheet]:
    return sheets_of_json(document.json) if document.format == "json" else document.sheets


def _best_form(document: Document, sheets: list[Sheet]) -> tuple[Form, float, int] | None:
    """The form that explains most headers: at least half of those that are no metadata.

    Of forms that explain the same (versions, copies) the one that the file or a sheet is named after, else the newest.
    """
    named = " ".join([document.name, *(s.name or "" for s in sheets)]).lower()
    forms = sorted(forms_of(document.forms), key=lambda f: f.form_id.lower() in named)
    best: tuple[Form, float, int] | None = None
    for form in forms:
        fits = [columns for s in sheets if (columns := export.mapped(s, form))]
        understood = sum(f.understood for f in fits)
        unknown = sum(len(f.unknown) for f in fits if f.understood)
        share = understood / (understood + unknown) if understood else 0.0
        if share >= 0.5 and (best is None or understood >= best[2]):
            best = (form, share, understood)
    return best


def _family(name: str, told: str | None, form: Form, reference: Reference) -> dict[str, Any]:
    """The family whose words the survey, its form or its file name hold; household surveys where none does."""
    said = " ".join((told or "", form.form_id, form.title, name)).lower().replace("_", " ").replace("-", " ")
    families = reference.survey_families
    return next((f for f in families if any(word in said for word in f["words"])), families[-1])


def _tables(sheets: list[Sheet], form: Form) -> tuple[dict[str, _Records], list[Sheet]]:
    """The table of the form that each sheet is, the interviews first; and the sheets that are none.

    Raises:
        DeliveryError: no sheet holds the interviews, or two hold one table.
    """
    found: dict[str, _Records] = {}
    left = []
    for sheet in sheets:
        columns = export.mapped(sheet, form)
        if columns is None or not columns.understood:
            left.append(sheet)
            continue
        names = [form.by_name[q].repeat or MAIN for q in (*columns.questions, *columns.choices)]
        name = sheet.name if sheet.name in form.repeats else max(set(names), key=names.count)
        if name in found:
            raise DeliveryError(
                f"the sheets {found[name].sheet.name!r} and {sheet.name!r} both hold {name}",
                "each table of the form once",
                "export it again, or send the sheets in files of their own",
            )
        found[name] = _Records(name, sheet, columns, form)
    if MAIN not in found:
        raise DeliveryError(
            f"repeats of {form.form_id} without its interviews", "a sheet with the interviews", "export all sheets"
        )
    return {MAIN: found.pop(MAIN), **found}, left


def _main_keys(main: _Records, reference: Reference) -> pl.DataFrame:
    """source_row, record_key, index, interviewed_on, review, and the reason why a row can't be used.

    Of two rows of one interview the one that a reviewer rejected is no rival of the other.
    """
    key = export.plain_text(main.cell("key"))
    index = export.plain_text(main.cell("index")).str.replace(r"\.0$", "")
    keys = export.select(
        main.sheet,
        "source_row",
        record_key=pl.coalesce(key, pl.format("index {}", index), pl.format("row {}", "source_row")),
        index=index,
        interviewed_on=main.interview_day,
        review=main.cell("review"),
    )
    rejected = quarantined(review_state(pl.col("review"), reference), reference)
    keys = keys.with_columns(_rejected=rejected)
    reviewed = pl.when("_rejected").then(pl.lit(RULE))
    twice = keys.filter(~pl.col("_rejected")).filter(pl.col("record_key").is_duplicated())
    if twice.is_empty():
        return keys.with_columns(reason=reviewed).drop("_rejected")
    ticked = [c for codes in main.columns.choices.values() for c in codes.values()]
    same = pl.struct(pl.col(c.cell) for c in (*main.columns.questions.values(), *ticked))
    at = pl.col("source_row").is_in(twice["source_row"].to_list())
    told = pl.concat(rows.filter(at).select("source_row", _all=same) for rows in export.records(main.sheet))
    reasons = (
        twice.join(told, on="source_row", maintain_order="left")
        .with_columns(
            versions=pl.col("_all").n_unique().over("record_key"), again=pl.int_range(pl.len()).over("record_key") > 0
        )
        .select(
            "source_row",
            reason=pl.when(pl.col("versions") > 1)
            .then(pl.lit("conflicting_duplicate"))
            .when("again")
            .then(pl.lit("repeated_row")),
        )
    )
    judged = keys.join(reasons, on="source_row", how="left", maintain_order="left")
    return judged.with_columns(reason=pl.coalesce(reviewed, "reason")).drop("_rejected")


def _last_day(days: pl.Series) -> date | None:
    """The last day of interviews; a device whose clock is a year ahead of the others says nothing."""
    known = days.drop_nulls().sort()
    if known.is_empty():
        return None
    middle: date = known[known.len() // 2]
    likely: list[date] = [d for d in known.unique().to_list() if (d - middle).days <= DAYS_OF_A_ROUND]
    return max(likely)


def _parents_first(tables: dict[str, _Records], form: Form) -> list[str]:
    """The repeats, each after the one that it stands in."""

    def depth(name: str | None) -> int:
        return 0 if name is None else 1 + depth(form.repeats.get(name))

    return sorted((n for n in tables if n != MAIN), key=depth)


def _repeat_keys(repeat: _Records, keys: dict[str, pl.DataFrame], form: Form) -> pl.DataFrame:
    """source_row, record_key, parent_key, and the reason why a row can't be used: its parent is not there.

    The parent is an interview, or a record of the repeat that this one stands in.
    """
    above = form.repeats.get(repeat.name) or MAIN
    parents = keys.get(above, keys[MAIN])
    own = export.plain_text(repeat.cell("index")).str.replace(r"\.0$", "")
    rows = export.select(
        repeat.sheet,
        "source_row",
        own=pl.coalesce(own, pl.col("source_row").cast(pl.String)),
        index=export.plain_text(repeat.cell("parent_index")).str.replace(r"\.0$", ""),
        told=pl.coalesce(export.plain_text(repeat.cell("parent_key")), export.plain_text(repeat.cell("key"))),
    )
    usable = parents.filter(pl.col("reason").fill_null("") == "").unique("record_key", keep="first")
    by_index = (
        usable.filter(pl.col("index").is_not_null()).unique("index", keep="none").select("index", by_index="record_key")
    )
    by_key = usable.select(told="record_key", by_key="record_key")
    # within a repeat only the index tells the parent: the key that a row carries is that of its interview
    found = pl.coalesce("by_index", "by_key") if above != MAIN else pl.coalesce("by_key", "by_index")
    return (
        rows.join(by_key, on="told", how="left", maintain_order="left")
        .join(by_index, on="index", how="left", maintain_order="left")
        .with_columns(parent_key=found)
        .select(
            "source_row",
            "parent_key",
            record_key=pl.format("{}/{}/{}", pl.col("parent_key").fill_null("?"), pl.lit(repeat.name), "own"),
            index="own",
            interviewed_on=pl.lit(None, pl.Date),
            review=pl.lit(None, pl.String),
            reason=pl.when(pl.col("parent_key").is_null()).then(pl.lit("no_parent")),
        )
    )


REJECTS = [
    Reject(RULE, "a submission that is used is not one that its reviewer rejected", None, pl.col("reason") == RULE, pl.col("review")),
    Reject("no_parent", "a record of a repeat names its interview, and the interview is there", None, pl.col("reason") == "no_parent", pl.lit(None, pl.String)),
    Reject("conflicting_duplicate", "an interview stands once; rows that differ can't both be right", None, pl.col("reason") == "conflicting_duplicate", pl.col("record_key")),
    Reject("repeated_row", "an interview stands once; the row repeats another, which is kept", None, pl.col("reason") == "repeated_row", pl.col("record_key")),
]  # fmt: skip


@dataclass
class _Outcome:
    rows: pl.DataFrame
    responses: Spool
    rejected: pl.DataFrame
    account: Account
    facts: dict[str, Any]
    findings: list[Finding]
    not_checked: list[dict[str, str]]


def _read_table(
    table: _Records,
    keys: dict[str, pl.DataFrame],
    tables: dict[str, _Records],
    facts: dict[str, pl.Expr],
    family: dict[str, Any],
    kind: str,
    scratch: Path | None,
    reference: Reference,
    bounds: RowBounds,
) -> _Outcome:
    """Read a table in pieces: memory grows with the largest piece, not with the file."""
    rules = _rules(table, tables[MAIN])
    rules.flags |= {f"{flag}:review": hit for flag, hit in flagged(pl.col("review"), reference).items()}
    parents = _parent_answers(tables[MAIN], keys[MAIN], rules.asked_of_parent)
    own = {} if table.name != MAIN else _family_columns(table, family)
    kept, rejected = [empty(SURVEY_RECORD)], [empty(QUARANTINE)]
    taken = set(SURVEY_RESPONSE.column_names)
    spool = Spool(export.response_table(table.form, table.name, table.questions), scratch)
    typed = export.typed_answers(table.questions, taken)
    total = Account(0, 0, 0, 0, 0, 0, 0)
    tally: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for texts in export.records(table.sheet):
        told = own | {"form_version": export.plain_text(table.cell("version"))}
        read = export.with_numbers(
            texts.lazy().select("source_row", **table.answers, **told).collect(), table.questions
        )
        rows = read.join(keys[table.name], on="source_row", maintain_order="left")
        if table.name == MAIN:
            rows = rows.with_columns(parent_key=pl.lit(None, pl.String))
        elif parents is not None:
            rows = rows.join(parents, on="parent_key", how="left", maintain_order="left")
        rows = rows.with_columns(
            **facts,
            source_sheet=pl.lit(table.sheet.name, pl.String),
            record_table=pl.lit(table.name),
            **{PERSONS: pl.lit(None, pl.Int64)},
        )
        weight = decimal_number(pl.col("weight")) if "weight" in own else pl.lit(None, pl.Float64)
        rows = rows.with_columns(weight=weight)
        rows = _flagged(rows, rules, tally, counts)
        outcome = split(
            rows, SURVEY_RECORD, REJECTS, kind, Originals(texts, original_json(table.columns.header)), bounds
        )
        valid = rows.join(outcome.rejected.select("source_row"), on="source_row", how="anti", maintain_order="left")
        total = added(total, account(rows, outcome, valid))
        kept.append(outcome.valid)
        rejected.append(outcome.rejected)
        spool.add(valid.select(*SURVEY_RESPONSE.column_names, **typed))
    beside = len(table.columns.unknown) - len(own.keys() & _beside(table, family))
    record = {
        "sheet": table.sheet.name,
        "record_table": table.name,
        "questions": len(table.questions),
        "columns": table.sheet.width,
        # headers beside the form may be anything: they are counted, those of the family named
        "headers_beside_the_form": beside,
        "flags": counts,
    }
    return _Outcome(
        pl.concat(kept),
        spool,
        pl.concat(rejected),
        total,
        record,
        _findings(tally, counts, beside, table.sheet.name, SENTENCES | flag_sentences(reference)),
        rules.not_checked,
    )


def _beside(table: _Records, family: dict[str, Any]) -> set[str]:
    """What the family finds in columns beside the form."""
    names = {export.bare(c.header).rsplit("/", maxsplit=1)[-1].lower() for c in table.columns.unknown}
    return {column for column in FAMILY_QUESTIONS if names & set(family.get(column, ()))}


def _family_columns(table: _Records, family: dict[str, Any]) -> dict[str, pl.Expr]:
    """What says stratum, weight and place: answers to questions of the form, or columns beside it."""
    held = {export.bare(c.header).rsplit("/", maxsplit=1)[-1].lower(): pl.col(c.cell) for c in table.columns.unknown}
    held |= {q.name: table.answers[column_of(q.name)] for q in table.questions}
    named = {c: next((held[n] for n in family.get(c, ()) if n in held), None) for c in FAMILY_QUESTIONS}
    return {column: expr for column, expr in named.items() if expr is not None}


def _parent_answers(main: _Records, keys: pl.DataFrame, names: set[str]) -> pl.DataFrame | None:
    """Answers of the interviews that rules of repeats ask for."""
    if not names:
        return None
    asked = [q for q in main.questions if q.name in names]
    asked_for = {column_of(q.name): main.answers[column_of(q.name)] for q in asked}
    answers = export.with_numbers(export.select(main.sheet, "source_row", **asked_for), asked)
    keyed = answers.join(keys.select("source_row", parent_key="record_key"), on="source_row")
    return keyed.drop("source_row").unique("parent_key", keep="first")


def _rules(table: _Records, main: _Records) -> _Rules:
    """The rules of the form for the questions of a table."""
    rules = _Rules(flags=export.wrong_answers(table.form, table.questions))
    own = {q.name for q in table.questions}
    # a repeat within a repeat is tied to that one: answers of the interview are not at hand, and its rules not checked
    direct = table.name != MAIN and table.form.repeats.get(table.name) is None
    above = {q.name for q in main.questions} - own if direct else set()
    every = [*table.questions, *(main.questions if above else [])]
    numeric = frozenset(q.name for q in every if q.type in NUMBERS)
    days = frozenset(q.name for q in every if q.type in DAYS)
    answered = {q.name: pl.col(column_of(q.name)).is_not_null() for q in table.questions}

    def checked(question: Question, what: str, expression: str) -> pl.Expr | None:
        today = "interviewed_on" if table.name == MAIN else None
        scope = Scope(frozenset(own | above), numeric, question.name, today, days)
        try:
            expr = translate(expression, scope)
        except NotTranslatedError as why:
            rules.not_checked.append({"question": question.name, "rule": what, "why": str(why)})
            return None
        roots = set(expr.meta.root_names())
        rules.asked_of_parent |= {n for n in above if {column_of(n), number_of(n)} & roots}
        return expr

    for q in table.questions:
        conditions = [checked(q, "relevant", text) for text in q.relevant]
        known = [c for c in conditions if c is not None]
        asked = pl.all_horizontal(known) if len(known) == len(conditions) and known else None
        if asked is not None and q.type != "calculate":
            rules.flags[f"answered_though_not_asked:{q.name}"] = answered[q.name] & ~asked
        always = not q.relevant
        if q.required.lower() in TRUTHS and (always or asked is not None):
            rules.flags[f"missing_answer:{q.name}"] = ~answered[q.name] & (pl.lit(True) if asked is None else asked)
        elif q.required and q.required.lower() not in (*TRUTHS, "false", "no", "false()", "0"):
            rules.not_checked.append({"question": q.name, "rule": "required", "why": "it is an expression"})
        if q.constraint and (holds := checked(q, "constraint", q.constraint)) is not None:
            rules.flags[f"broken_constraint:{q.name}"] = answered[q.name] & ~holds
        if q.choice_filter:
            rules.not_checked.append(
                {"question": q.name, "rule": "choice_filter", "why": "which choices were offered is not evaluated"}
            )
    return rules


def _flagged(rows: pl.DataFrame, rules: _Rules, tally: dict[str, list[int]], counts: dict[str, int]) -> pl.DataFrame:
    """Rows with their flags; the first rows of each flag, and how many there are, are remembered for the findings."""
    # a rule without a question is the same for every row
    there = pl.col("source_row").is_not_null()
    flags = {name: e.fill_null(False) & there for name, e in rules.flags.items()}
    # lazily, so that what rules share is computed once
    hits = rows.lazy().select(**flags).collect()
    struck = [name for name in hits.columns if hits[name].any()]
    for name in struck:
        at = rows["source_row"].filter(hits[name])
        counts[name] = counts.get(name, 0) + at.len()
        first = tally.setdefault(name, [])
        first += at.head(ROWS_TOLD - len(first)).to_list()
    told = [pl.when(pl.col(name)).then(pl.lit(name)) for name in struck]
    struck_flags = hits.select(flags=pl.concat_list(told).list.drop_nulls()) if told else None
    nothing = pl.lit([], pl.List(pl.String)).alias("flags")
    return rows.with_columns(nothing if struck_flags is None else struck_flags["flags"])


def _findings(
    tally: dict[str, list[int]], counts: dict[str, int], beside: int, sheet: str | None, sentences: dict[str, str]
) -> list[Finding]:
    """A finding a row for what stands on few rows, one for all where it stands on many; each row keeps its flags."""
    findings = []
    if beside:
        told = f"{beside:,} columns are in no question of the form and were not read: another version of it, or columns that were added"
        findings.append(Finding("columns_beside_the_form", told, sheet, 1))
    for name, rows in tally.items():
        rule, question = name.split(":", maxsplit=1)
        sentence = f"{question}: {sentences[rule]}"
        if counts[name] > ROWS_TOLD:
            findings.append(
                Finding(rule, f"{sentence} (in {counts[name]:,} rows, first in row {rows[0]})", sheet, rows[0])
            )
        else:
            findings += [Finding(rule, sentence, sheet, row) for row in rows]
    return findings
