"""Expressions of XLSForms as Polars expressions: what ODK's XPath says of the same answers."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.survey.expressions import NotTranslatedError, Scope, column_of, number_of, translate

ANSWERS = {
    "age": ["17", "40", None, "x"],
    "sex": ["male", "female", None, "male"],
    "needs": ["food shelter", "food", None, "health"],
    "day": ["2024-03-30", "2024-04-01", None, "2024-03-31"],
    "code": ["A-12", "B", None, "A-1"],
    "born": ["2024-03-31"] * 4,
}
FRAME = pl.DataFrame({column_of(k): v for k, v in ANSWERS.items()}).with_columns(
    pl.col(column_of("age")).cast(pl.Float64, strict=False).alias(number_of("age")), today=pl.lit(date(2024, 3, 31))
)
NUMERIC = frozenset({"age"})
DAYS = frozenset({"day", "born"})


def holds(expression: str, current: str = "age") -> list[bool]:
    scope = Scope(
        frozenset(ANSWERS),
        NUMERIC,
        "day" if ". <= $" in expression or "2024" in expression or "- 365" in expression else current,
        "today",
        DAYS,
    )
    told: list[bool] = FRAME.with_columns(translate(expression, scope).alias("t"))["t"].to_list()
    return told


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (". > 17 and . < 120", [False, True, False, False]),
        (".>=0 or .=-999", [True, True, False, False]),
        ("${sex} = 'male'", [True, False, False, True]),
        ("${sex} != 'male'", [False, True, True, False]),
        ("${age} = ''", [False, False, True, False]),
        ("${age} != ''", [True, True, False, True]),
        ("${age} != 17", [False, True, True, True]),
        ("selected(${needs}, 'food')", [True, True, False, False]),
        ("selected(${needs}, 'foo')", [False, False, False, False]),
        ("not(selected(${needs}, 'food')) and ${needs} != ''", [False, False, False, True]),
        ("count-selected(${needs}) > 1", [True, False, False, False]),
        ("count-selected(${needs}) = 0", [False, False, True, False]),
        ("${age} + 3 = 20", [True, False, False, False]),
        ("${age} * 2 - 4 = 30", [True, False, False, False]),
        ("(${age} + 3) div 2 = 10", [True, False, False, False]),
        ("${age} mod 2 = 0", [False, True, False, False]),
        ("regex(${code}, '[A-Z]-[0-9]+')", [True, False, False, True]),
        ("regex(${code}, '[A-Z]')", [False, True, False, False]),
        ("string-length(${code}) > 3", [True, False, False, False]),
        ("${day} <= today()", [True, False, False, True]),
        (". <= ${born}", [True, False, False, True]),
        ("(today() - ${day}) div 1 >= 1", [True, False, False, False]),
        (". >= today() - 365", [True, True, False, True]),
        ("${day} = ''", [False, False, True, False]),
        ("round(${age} div 2) = 9", [True, False, False, False]),
        ("(0 - ${age}) mod 5 = 0 - 2", [True, False, False, False]),
        ("selected(., '2024-04-01')", [False, True, False, False]),
        ("if(${sex} = 'male', ${age} > 16, ${age} > 50)", [True, False, False, False]),
        ("true()", [True, True, True, True]),
        ("${sex} = 'male' or ${sex} = 'female' and false()", [True, False, False, True]),
        ("coalesce(${age}, '99') = '99'", [False, False, True, False]),
    ],
)
def test_an_expression_means_what_odk_means_by_it(expression: str, expected: list[bool]) -> None:
    assert holds(expression) == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("${elsewhere} = 1", "it asks for 'elsewhere', which the record does not hold"),
        ("sum(${age}) > 3", r"the function sum\(\) is not known"),
        ("../age > 3", "path or a sign that is not known"),
        ("regex(., '(?=x)')", "a pattern that can't be read here"),
        ("regex(${code}, ${sex})", "a pattern that is no constant"),
        ("selected(${needs})", r"selected\(\) was given 1 arguments"),
        ("${day} < now()", "the instant of the interview is not known"),
        ("round(${age}, 'x') = 1", "was given what it can't take"),
        ("concat() = ''", "was given what it can't take|can't be evaluated"),
        ("(" * 3000 + "1" + ")" * 3000, "can't be evaluated"),
        ("${age} >", "it ends too early"),
        ("${age} > 3 )", "was not expected"),
        ("${age} # 3", "can't be read from ' # 3'"),
    ],
)
def test_what_cannot_be_translated_says_why_and_is_never_guessed(expression: str, why: str) -> None:
    with pytest.raises(NotTranslatedError, match=why):
        holds(expression)


def test_today_without_a_day_of_the_interview_is_not_guessed() -> None:
    with pytest.raises(NotTranslatedError, match="the day of the interview is not known"):
        translate("${day} <= today()", Scope(frozenset(ANSWERS), NUMERIC, "day", None))


@given(st.integers(-200, 200), st.integers(-200, 200), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]))
def test_comparisons_of_whole_numbers_are_those_of_arithmetic(a: int, b: int, sign: str) -> None:
    frame = pl.DataFrame({column_of("a"): [str(a)], number_of("a"): [a]})
    told = frame.select(translate(f"${{a}} {sign} {b}", Scope(frozenset("a"), frozenset("a"), "a", None)).alias("t"))
    meant = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b, "!=": a != b}[sign]
    assert told["t"].item() is meant


@given(st.text(alphabet="${}age()'\" <>=!+-*.,01ndorivmselctu", max_size=40))
def test_any_text_is_translated_or_refused_and_nothing_else_happens(text: str) -> None:
    with suppress(NotTranslatedError):
        assert len(holds(text)) == FRAME.height
