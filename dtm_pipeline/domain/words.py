"""What of a provider's own words leaves the home: those of a list, and a stand-in for all others.

A label (an operation, a nationality, a flow point) is typed by somebody, and may hold a name or a number of a person. Method
and lists: docs/method/words.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

UNLISTED = "unlisted-"
TOGETHER = "; "
"""What stands between words of several rows in one."""
_STAND_IN = re.compile(rf"{UNLISTED}[0-9a-f]{{8}}")
_ROUND_WORD = re.compile(r"\d{1,4}[a-z]?|r\d{1,4}|q[1-4]")
_DAY = re.compile(r"(19|20)\d\d-[01]\d-[0-3]\d")
_EVENT = re.compile(r"(?:([A-Za-z]+)[-_/. ]?)?(?:(19|20)\d\d[-_/.])?(\d{1,6})")
_CODE = re.compile(r"[A-Z]{2,3}[.-]?[A-Z]{0,3}\d{1,3}([.-]?[A-Z]{0,2}\d{1,4}){0,4}")
MOST_DIGITS = 6
"""Digits of a round, or of the number of an event (ours): a telephone number has seven or more."""
MOST_CODE_DIGITS = 9
"""Digits of a code of a country whose units we have not (ours): nearly all of the global p-code table have eight or fewer, a telephone
number with its country has ten or more. A sub-district's code begins with that of its district, which is known."""


def unlisted(text: str) -> str:
    """The stand-in of words that no list has: the same for the same words, so that tables can be joined by it.

    Example:
        >>> from dtm_pipeline.domain.words import unlisted
        >>> unlisted("Operation of Mr X"), unlisted(unlisted("Operation of Mr X"))
        ('unlisted-1ab66ed9', 'unlisted-1ab66ed9')
    """
    told = text.strip()
    if _STAND_IN.fullmatch(told):
        return told
    return UNLISTED + hashlib.sha256(told.encode()).hexdigest()[:8]


def plain(text: str) -> str:
    """Words as they are compared: lower case, without punctuation, one space between them."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


@dataclass(frozen=True)
class Words:
    """The lists that a release may quote providers by.

    Attributes:
        lists: of each list the words, as they are compared (`plain`).
        operations: country and name of each operation on record.
        countries: those whose units have names and codes of our own.
    """

    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    operations: frozenset[tuple[str, str]] = frozenset()
    countries: frozenset[str] = frozenset()

    def in_list(self, name: str, text: str) -> bool:
        """Whether a list has a word, whatever its case and punctuation."""
        return plain(text) in self.lists.get(name, frozenset())

    def operation(self, location_code: str | None, text: str) -> str:
        """The name of an operation that is on record for the country."""
        return text if (location_code or "", plain(text)) in self.operations else unlisted(text)

    def label(self, name: str, text: str) -> str:
        """A word of a list: an assessment type, a nationality, a provider, a flow point, terms."""
        return text if self.in_list(name, text) else unlisted(text)

    def place_name(self, location_code: str | None, text: str) -> str:
        """The name of a unit; where we have no units of the country it is the provider's own."""
        return text if location_code in self.countries else unlisted(text)

    def place_code(self, location_code: str | None, text: str) -> str:
        """The code of a unit; where we have no units of the country it is the provider's own."""
        short = sum(c.isdigit() for c in text) <= MOST_CODE_DIGITS
        known = location_code in self.countries
        return text if known else formed_code(text) if short else unlisted(text)

    def round_label(self, text: str) -> str:
        """A round is told by numbers and the words of the list (`Round 113`, `April 2024`, `Q3 2016`)."""
        parts = plain(text).split()
        told = parts and all(_ROUND_WORD.fullmatch(p) or self.in_list("round", p) for p in parts)
        short = sum(c.isdigit() for c in text) <= MOST_DIGITS or _DAY.fullmatch(text.strip())
        return text if told and short else unlisted(text)

    def event_id(self, text: str) -> str:
        """An id of a number, after a prefix of the list and a year where it has them (`EV-012`, `IRQ-2024-0031`)."""
        told = _EVENT.fullmatch(text.strip())
        listed = told is not None and (told[1] is None or self.in_list("event_prefix", told[1]))
        return text if listed else unlisted(text)


def formed_code(text: str) -> str:
    """A code of a unit that is formed as p-codes are: letters of the country, then numbers."""
    return text if _CODE.fullmatch(text.strip()) else unlisted(text)


Saying = Callable[[str | None, str], str]
"""What leaves for the words of a row of a country."""


def saying(words: Words, column_words: str) -> Saying:
    """How the words of a column leave; of several that were put together (`aggregate.joined`) each for itself.

    Args:
        column_words: the `words` of the column.

    Example:
        >>> from dtm_pipeline.domain.words import Words, saying
        >>> saying(Words({"round": frozenset({"round"})}), "round")("IRQ", "113; Round 114; of Mr X")
        '113; Round 114; unlisted-26fab27d'
    """
    one = _saying_one(words, column_words)
    return lambda country, text: TOGETHER.join(one(country, part) for part in text.split(TOGETHER))


def _saying_one(words: Words, column_words: str) -> Saying:
    of_countries = {
        "operation": words.operation,
        "place_name": words.place_name,
        "place_code": words.place_code,
    }
    if column_words in of_countries:
        return of_countries[column_words]
    own: dict[str, Callable[[str], str]] = {
        "round": words.round_label,
        "event_id": words.event_id,
        "subdistrict_code": formed_code,
    }
    one = own.get(column_words)
    if one is not None:
        return lambda _, text: one(text)
    return lambda _, text: words.label(column_words, text)
