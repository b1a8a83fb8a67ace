"""Expressions of XLSForms (ODK XPath) as Polars expressions over a record's answers as text.

What can't be translated raises `NotTranslatedError` with the reason, and is listed as not checked: nothing is
guessed. An answer that was not given is the empty text, as in XPath.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["text", "number", "bool", "date"]
TOKEN = re.compile(
    r"""\s*(?:
    (?P<ref>\$\{\s*[^}]+?\s*\})
  | (?P<text>"[^"]*"|'[^']*')
  | (?P<number>\d+\.?\d*|\.\d+)
  | (?P<op><=|>=|!=|=|<|>|\+|-|\*|\(|\)|,|\.\./|\.\.|/|\||\[|\])
  | (?P<name>[A-Za-z_][\w:\-]*)
  | (?P<dot>\.)
    )""",
    re.VERBOSE,
)
PRECEDENCE = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
}
"""How strongly an operator of XPath binds."""


def column_of(question: str) -> str:
    """The column that holds a question's answers: beside columns of the record, whatever the question is called."""
    return f"q:{question}"


def number_of(question: str) -> str:
    """The column that holds the numbers of a question that asks for one."""
    return f"n:{question}"


class NotTranslatedError(Exception):
    """An expression that can't be told in Polars; the text says why."""


@dataclass(frozen=True)
class Value:
    """A translated part: its expression, and what it gives."""

    expr: pl.Expr
    kind: Kind
    read: pl.Expr | None = None
    """The number of an answer to a question that asks for one; `expr` is its text."""
    day: pl.Expr | None = None
    """The day of an answer to a question that asks for one; `expr` is its text."""

    @property
    def numeric(self) -> bool:
        return self.read is not None

    def text(self) -> pl.Expr:
        if self.kind == "bool":
            return pl.when(self.expr).then(pl.lit("true")).otherwise(pl.lit("false"))
        if self.kind == "number":
            whole = self.expr.cast(pl.Int64, strict=False)
            return (
                pl.when(whole == self.expr)
                .then(whole.cast(pl.String))
                .otherwise(self.expr.cast(pl.String))
                .fill_null("NaN")
            )
        return self.expr.cast(pl.String).fill_null("")

    def number(self) -> pl.Expr:
        if self.kind == "bool":
            return self.expr.cast(pl.Float64)
        if self.kind == "date":
            return self.expr.cast(pl.Int32).cast(pl.Float64)
        if self.day is not None:
            return self.day.cast(pl.Int32).cast(pl.Float64)
        return self.expr.cast(pl.Float64, strict=False) if self.read is None else self.read.cast(pl.Float64)

    def truth(self) -> pl.Expr:
        if self.kind == "bool":
            return self.expr
        if self.kind == "number":
            return ((self.expr != 0) & self.expr.is_not_nan()).fill_null(False)
        return self.text().str.len_chars() > 0

    def date(self) -> pl.Expr:
        if self.day is not None:
            return self.day
        return self.expr if self.kind == "date" else self.text().str.head(10).str.to_date("%Y-%m-%d", strict=False)

    @property
    def of_days(self) -> bool:
        return self.kind == "date" or self.day is not None


@dataclass(frozen=True)
class Scope:
    """What an expression may ask for.

    Attributes:
        answers: questions of the record whose answers stand as text in the column that `column_of` names.
        numeric: those that ask for a number, which stands in the column that `number_of` names.
        days: those that ask for a day.
        current: the question that `.` stands for.
        today: column with the day of the interview; None where it is not known.
    """

    answers: frozenset[str]
    numeric: frozenset[str]
    current: str
    today: str | None
    days: frozenset[str] = frozenset()


def translate(expression: str, scope: Scope) -> pl.Expr:
    """A condition as a Boolean expression.

    Raises:
        NotTranslatedError: it asks for what is not there, or uses what is not known.
    """
    try:
        condition = _Parser(_tokens(expression), scope).whole().truth()
        # on a record without answers: what Polars can't evaluate is told now, and not in the middle of a delivery
        blank: dict[str, type[pl.DataType]] = {column_of(n): pl.String for n in scope.answers}
        blank |= {number_of(n): pl.Float64 for n in scope.numeric}
        blank |= {scope.today: pl.Date} if scope.today else {}
        pl.DataFrame(schema=blank).select(condition)
    except (RecursionError, pl.exceptions.PolarsError) as error:
        raise NotTranslatedError(f"it can't be evaluated ({type(error).__name__})") from error
    return condition


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = expression.strip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise NotTranslatedError(f"can't be read from {text[position : position + 12]!r} on")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    """Reads by precedence: each part of an expression becomes a Value."""

    def __init__(self, tokens: list[tuple[str, str]], scope: Scope) -> None:
        self.tokens, self.scope, self.at = tokens, scope, 0

    def whole(self) -> Value:
        value = self.binary(1)
        if self.at < len(self.tokens):
            raise NotTranslatedError(f"{self.tokens[self.at][1]!r} was not expected")
        return value

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, sign: str) -> None:
        if self.take()[1] != sign:
            raise NotTranslatedError(f"{sign!r} is missing")

    def binary(self, level: int) -> Value:
        left = self.unary()
        while True:
            kind, sign = self.peek()
            strength = PRECEDENCE.get(sign, 0) if kind in ("op", "name") else 0
            if strength < level:
                return left
            self.take()
            left = _combined(left, sign, self.binary(strength + 1))

    def unary(self) -> Value:
        if self.peek() == ("op", "-"):
            self.take()
            return Value(-self.unary().number(), "number")
        return self.primary()

    def primary(self) -> Value:
        kind, word = self.take()
        if kind == "ref":
            return self.answer(word[2:-1].strip())
        if kind == "dot":
            return self.answer(self.scope.current)
        if kind == "text":
            return Value(pl.lit(word[1:-1]), "text")
        if kind == "number":
            return Value(pl.lit(float(word)), "number")
        if (kind, word) == ("op", "("):
            value = self.binary(1)
            self.expect(")")
            return value
        if kind == "name" and self.peek() == ("op", "("):
            return self.call(word)
        raise NotTranslatedError(f"{word!r} is a path or a sign that is not known" if word else "it ends too early")

    def answer(self, name: str) -> Value:
        if name not in self.scope.answers:
            raise NotTranslatedError(f"it asks for {name!r}, which the record does not hold")
        number = pl.col(number_of(name)) if name in self.scope.numeric else None
        text = pl.col(column_of(name)).fill_null("")
        day = text.str.head(10).str.to_date("%Y-%m-%d", strict=False) if name in self.scope.days else None
        return Value(text, "text", number, day)

    def call(self, name: str) -> Value:
        self.expect("(")
        arguments: list[Value] = []
        while self.peek() != ("op", ")"):
            arguments.append(self.binary(1))
            if self.peek() == ("op", ","):
                self.take()
            elif self.peek() != ("op", ")"):
                raise NotTranslatedError("')' is missing")
        self.take()
        if name == "now" and not arguments:
            raise NotTranslatedError("now(): the instant of the interview is not known")
        if name == "today" and not arguments:
            if self.scope.today is None:
                raise NotTranslatedError(f"{name}(): the day of the interview is not known")
            return Value(pl.col(self.scope.today), "date")
        function = FUNCTIONS.get(name)
        if function is None:
            raise NotTranslatedError(f"the function {name}() is not known")
        try:
            return function(*arguments)
        except TypeError as error:
            raise NotTranslatedError(f"{name}() was given {len(arguments)} arguments") from error
        except (ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            raise NotTranslatedError(f"{name}() was given what it can't take") from error


def _combined(a: Value, sign: str, b: Value) -> Value:
    if sign in ("and", "or"):
        return Value(a.truth() & b.truth() if sign == "and" else a.truth() | b.truth(), "bool")
    if sign in ("+", "-", "*", "div", "mod"):
        return Value(_arithmetic(a.number(), sign, b.number()), "number")
    return Value(_compared(a, sign, b), "bool")


def _arithmetic(a: pl.Expr, sign: str, b: pl.Expr) -> pl.Expr:
    if sign == "div":
        return a / b
    if sign == "mod":  # with the sign of the dividend
        quotient = a / b
        return a - b * pl.when(quotient < 0).then(quotient.ceil()).otherwise(quotient.floor())
    return {"+": a + b, "-": a - b, "*": a * b}[sign]


def _compared(a: Value, sign: str, b: Value) -> pl.Expr:
    """XPath compares as booleans, as numbers, else as texts; order is always of numbers, here also of days."""
    if (a.of_days or b.of_days) and "number" not in (a.kind, b.kind) and not _is_blank(a, b):
        left, right = a.date(), b.date()
    elif "bool" in (a.kind, b.kind) and sign in ("=", "!="):
        left, right = a.truth(), b.truth()
    elif sign not in ("=", "!=") or "number" in (a.kind, b.kind) or (a.numeric and b.numeric):
        left, right = a.number(), b.number()
    else:
        left, right = a.text(), b.text()
    if sign == "=":
        return (left == right).fill_null(False)
    if sign == "!=":
        return (left != right).fill_null(True)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign].fill_null(False)


def _is_blank(a: Value, b: Value) -> bool:
    """Whether an answer is held against the empty text, which asks whether it was given."""
    return any(v.kind == "text" and not v.expr.meta.root_names() and _literal(v) == "" for v in (a, b))


def _literal(value: Value) -> str:
    """The text of a constant."""
    try:
        return str(pl.select(value.expr).item())
    except pl.exceptions.PolarsError as error:
        raise NotTranslatedError("a pattern that is no constant") from error


def _regex(value: Value, pattern: Value) -> Value:
    # ODK asks the pattern of the whole answer
    whole = f"^(?:{_literal(pattern)})$"
    try:
        pl.select(pl.lit("").str.contains(whole))
    except pl.exceptions.PolarsError as error:
        raise NotTranslatedError("a pattern that can't be read here") from error
    return Value(value.text().str.contains(whole), "bool")


def _selected(value: Value, choice: Value) -> Value:
    return Value(
        (pl.lit(" ") + value.text() + pl.lit(" ")).str.contains(
            pl.lit(" ") + choice.text() + pl.lit(" "), literal=True
        ),
        "bool",
    )


def _count_selected(value: Value) -> Value:
    text = value.text().str.strip_chars()
    return Value(pl.when(text == "").then(0).otherwise(text.str.count_matches(r"\s+") + 1).cast(pl.Float64), "number")


def _if(condition: Value, yes: Value, no: Value) -> Value:
    if yes.kind == no.kind:
        return Value(pl.when(condition.truth()).then(yes.expr).otherwise(no.expr), yes.kind)
    return Value(pl.when(condition.truth()).then(yes.text()).otherwise(no.text()), "text")


def _coalesce(a: Value, b: Value) -> Value:
    return Value(pl.when(a.text() != "").then(a.text()).otherwise(b.text()), "text")


def _concat(*values: Value) -> Value:
    return Value(pl.concat_str([v.text() for v in values]), "text")


def _round(value: Value, digits: Value | None = None) -> Value:
    places = int(float(_literal(digits))) if digits else 0
    scale = 10.0**places
    return Value((value.number() * scale + 0.5).floor() / scale, "number")


def _substr(value: Value, start: Value, end: Value | None = None) -> Value:
    first = int(float(_literal(start)))
    length = int(float(_literal(end))) - first if end else None
    return Value(value.text().str.slice(first, length), "text")


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "selected": _selected,
    "count-selected": _count_selected,
    "regex": _regex,
    "not": lambda v: Value(~v.truth(), "bool"),
    "true": lambda: Value(pl.lit(True), "bool"),
    "false": lambda: Value(pl.lit(False), "bool"),
    "boolean": lambda v: Value(v.truth(), "bool"),
    "number": lambda v: Value(v.number(), "number"),
    "int": lambda v: Value(v.number().cast(pl.Int64, strict=False).cast(pl.Float64), "number"),
    "string": lambda v: Value(v.text(), "text"),
    "string-length": lambda v: Value(v.text().str.len_chars().cast(pl.Float64), "number"),
    "contains": lambda v, part: Value(v.text().str.contains(part.text(), literal=True), "bool"),
    "starts-with": lambda v, part: Value(v.text().str.starts_with(part.text()), "bool"),
    "ends-with": lambda v, part: Value(v.text().str.ends_with(part.text()), "bool"),
    "concat": _concat,
    "substr": _substr,
    "if": _if,
    "coalesce": _coalesce,
    "round": _round,
    "abs": lambda v: Value(v.number().abs(), "number"),
    "date": lambda v: Value(v.date(), "date"),
    "decimal-date-time": lambda v: Value(
        v.number() if v.kind == "date" else v.date().cast(pl.Int32).cast(pl.Float64), "number"
    ),
}
"""The functions that are translated; docs/method/survey_rules.md says what each means."""
