"""XLSForms: questions, choices, groups, repeats, rules. A workbook, or its survey and choices sheets as CSV files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path, PurePath

from sources.document import DeliveryError, Document, Sheet

NUMBERS = ("integer", "decimal", "range")
DAYS = ("date", "datetime", "today", "start", "end")
UNASKED = (
    "note", "audit", "deviceid", "phonenumber", "simserial", "subscriberid", "username", "email", "acknowledge", "image",
    "audio", "video", "file", "background-audio", "hidden", "xml-external", "csv-external",
)  # fmt: skip
"""Types that hold no answer, or a device's or a person's identity: they are not read."""
OTHER = "other"
LABEL = re.compile(r"^label(?:::?(.*))?$", re.IGNORECASE)
LEGACY = re.compile(r"^select (one|multiple) (?:from )?", re.IGNORECASE)
FRAME = re.compile(r"^(begin|end)[ _](group|repeat)\b", re.IGNORECASE)
ODK = "https://xlsform.org"


@dataclass(frozen=True)
class Question:
    """A question of a form. `relevant` holds the conditions of its groups too, each a text of its own."""

    name: str
    type: str
    path: tuple[str, ...]
    repeat: str | None
    list_name: str | None = None
    or_other: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    required: str = ""
    relevant: tuple[str, ...] = ()
    constraint: str = ""
    choice_filter: str = ""

    @property
    def is_select(self) -> bool:
        return self.list_name is not None


@dataclass(frozen=True)
class Form:
    """A form: its questions in order, its choices by list, and the repeat that each repeat stands in."""

    form_id: str
    version: str | None
    title: str
    questions: tuple[Question, ...]
    choices: dict[str, dict[str, dict[str, str]]]
    """list name -> code -> language -> label"""
    repeats: dict[str, str | None]

    @cached_property
    def by_name(self) -> dict[str, Question]:
        return {q.name: q for q in self.questions}

    @property
    def languages(self) -> list[str]:
        return sorted({language for q in self.questions for language in q.labels})

    def codes(self, question: Question) -> dict[str, str]:
        """Every word that stands for a choice of the question, and its code: codes, and labels in every language."""
        options = self.choices.get(question.list_name or "", {})
        meant: dict[str, set[str]] = {}
        for code, labels in options.items():
            for label in labels.values():
                meant.setdefault(label, set()).add(code)
        # a label of several choices stands for none of them
        words = {label: codes.pop() for label, codes in meant.items() if len(codes) == 1}
        words |= {code: code for code in options}
        if question.or_other:
            words |= {OTHER: OTHER}
        return words


def read_form(survey: Sheet, choices: Sheet | None, settings: Sheet | None, name: str) -> Form:
    """A form from its sheets.

    Raises:
        DeliveryError: the survey sheet has no type and name columns, or its groups do not close.
    """
    rows = _records(survey)
    rows = [{**row, "type": LEGACY.sub(lambda m: f"select_{m[1]} ", row.get("type", ""))} for row in rows]
    if not rows or not {"type", "name"} <= rows[0].keys():
        raise DeliveryError(
            "a survey sheet without type and name", "an XLSForm", f"see {ODK}", sheet=survey.name, row=1
        )
    told = next(iter(_records(settings)), {}) if settings else {}
    questions: list[Question] = []
    repeats: dict[str, str | None] = {}
    stack: list[tuple[str, str, str]] = []
    for row in rows:
        words = row.get("type", "").split()
        if not words:
            continue
        frame = FRAME.match(row["type"])
        if frame and frame[1] == "begin":
            if frame[2] == "repeat":
                repeats[row.get("name", "")] = next((n for kind, n, _ in reversed(stack) if kind == "repeat"), None)
            stack.append((frame[2], row.get("name", ""), _relevant(row)))
        elif frame:
            if not stack:
                raise DeliveryError(
                    f"{row['type']} closes what was not opened",
                    "groups that open and close",
                    f"see {ODK}",
                    sheet=survey.name,
                    row=int(row["_row"]),
                )
            stack.pop()
        elif row.get("name"):
            question = _question(row, words, stack)
            if question.name in {q.name for q in questions}:  # legal in groups of their own: known by its path
                question = replace(question, name="/".join((*question.path, question.name)))
            questions.append(question)
            if question.or_other:
                questions.append(
                    replace(
                        question,
                        name=f"{question.name}_{OTHER}",
                        type="text",
                        list_name=None,
                        labels={},
                        or_other=False,
                        required="",
                        constraint="",
                        choice_filter="",
                    )
                )
    if stack:
        raise DeliveryError(
            f"begin {stack[-1][0]} {stack[-1][1]!r} is never closed",
            "groups that open and close",
            f"see {ODK}",
            sheet=survey.name,
        )
    form_id = told.get("form_id") or told.get("id_string") or PurePath(name).stem
    return Form(
        form_id, told.get("version"), told.get("form_title", form_id), tuple(questions), _choices(choices), repeats
    )


def _question(row: dict[str, str], words: list[str], stack: list[tuple[str, str, str]]) -> Question:
    select = words[0] in ("select_one", "select_multiple", "rank") and len(words) > 1
    return Question(
        name=row["name"],
        type=words[0],
        path=tuple(name for _, name, _ in stack),
        repeat=next((name for kind, name, _ in reversed(stack) if kind == "repeat"), None),
        list_name=words[1] if select else None,
        or_other=select and words[-1] in ("or_other", "or_specify_other"),
        labels=_labels(row),
        required=row.get("required", ""),
        relevant=tuple(r for r in (*(relevant for _, _, relevant in stack), _relevant(row)) if r),
        constraint=row.get("constraint", ""),
        choice_filter=row.get("choice_filter", ""),
    )


def _relevant(row: dict[str, str]) -> str:
    return row.get("relevant") or row.get("relevance") or ""


def _choices(sheet: Sheet | None) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in _records(sheet) if sheet else ():
        listed = row.get("list_name") or row.get("list name")
        code = row.get("name") or row.get("value")
        if listed and code:
            found.setdefault(listed, {})[code] = _labels(row)
    return found


def _labels(row: dict[str, str]) -> dict[str, str]:
    """Labels by language, with their white space as an export writes it."""
    return {m[1] or "": " ".join(text.split()) for key, text in row.items() if text and (m := LABEL.match(key))}


def _records(sheet: Sheet) -> list[dict[str, str]]:
    """The rows below the first, by its headers; headers lower case but for languages."""
    cells = [list(row) for row in sheet.cells.rows()]
    if not cells:
        return []
    headers = [_plain(c) for c in cells[0]]
    return [
        {"_row": str(number), **{h: _cell(c) for h, c in zip(headers, row, strict=True) if h}}
        for number, row in enumerate(cells[1:], start=2)
        if any(row)
    ]


def _plain(header: str | None) -> str:
    bare = (header or "").replace("\ufeff", "").replace("X.U.FEFF.", "").strip()
    return bare if "::" in bare or bare.lower().startswith("label:") else bare.lower()


def _cell(text: str | None) -> str:
    """A cell with the quotation marks that a word processor bent made straight."""
    bare = (text or "").strip().translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0xA0: " "})
    return re.sub(r"\.0$", "", bare)


def parts_of(document: Document) -> dict[str, Sheet]:
    """The sheets of an XLSForm that a document holds: survey, choices, settings; empty where it is none."""
    if document.format == "json":
        return {}
    found: dict[str, Sheet] = {}
    for sheet in document.sheets:
        head = sheet.head()
        headers = {_plain(h) for h in (head[0] if head else [])}
        name = (sheet.name or "").strip().lower()
        if {"type", "name"} <= headers and (name == "survey" or (not sheet.name and _asks(sheet))):
            found.setdefault("survey", sheet)
        elif {"name"} <= headers and headers & {"list_name", "list name"} and (not sheet.name or name == "choices"):
            found.setdefault("choices", sheet)
        elif name == "settings":
            found.setdefault("settings", sheet)
    return found if found.keys() & {"survey", "choices"} else {}


def _asks(sheet: Sheet) -> bool:
    first = [(row[0] or "").split() for row in sheet.head()[1:] if row]
    types = {words[0] for words in first if words}
    return bool(types & {"integer", "text", "select_one", "select_multiple", "begin_group", "begin", "start"})


def assemble(documents: Iterable[Document]) -> tuple[Form, ...]:
    """The forms that documents hold.

    A survey sheet that came without its choices takes those of the CSV file whose name differs in nothing else; of
    several the newest that holds every list it asks for.
    """
    surveys: list[tuple[str, dict[str, Sheet]]] = []
    choices: list[tuple[str, Sheet]] = []
    for document in documents:
        parts = parts_of(document)
        stem = re.sub(r"survey|choices|settings", "", PurePath(document.name).stem.lower()).strip("_- .")
        if "survey" in parts:
            surveys.append((stem, parts))
        elif "choices" in parts:
            choices.append((stem, parts["choices"]))
    return tuple(_assembled(stem, parts, choices) for stem, parts in surveys)


@cache
def forms_of(files: tuple[tuple[str, Path], ...]) -> tuple[Form, ...]:
    """The forms in files, by name and path; snapshots never change, so they are read once."""
    return assemble([Document(name, path) for name, path in files])


def _assembled(stem: str, parts: dict[str, Sheet], choices: list[tuple[str, Sheet]]) -> Form:
    form = read_form(parts["survey"], parts.get("choices"), parts.get("settings"), stem or "form")
    if "choices" in parts:
        return form
    asked = {q.list_name for q in form.questions if q.list_name}
    beside = [read for name, sheet in choices if name == stem and asked & (read := _choices(sheet)).keys()]
    whole = [read for read in beside if asked <= read.keys()] or beside
    return replace(form, choices=whole[-1]) if whole else form
