"""The reference date of a delivery: sidecar, banner, sheet name, file name, in that order."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from dtm_pipeline.quality.parse import plain
from sources.document import DeliveryError

MONTH = r"(?P<mon>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
SEPARATOR = r"[-_. ,/]*"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d)(?P<y>20\d\d){SEPARATOR}{MONTH}{SEPARATOR}(?P<d>\d\d?)(?!\d)",
        rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?{SEPARATOR}{MONTH}{SEPARATOR}(?P<y>20\d\d)(?!\d)",
        rf"{MONTH}{SEPARATOR}(?P<d>\d\d?)(?:st|nd|rd|th)?[-_. ,/]+(?P<y>20\d\d)(?!\d)",
        rf"(?<!\d)(?P<d>\d\d?){SEPARATOR}{MONTH}{SEPARATOR}(?P<yy>[12]\d)(?!\d)",
        r"(?<!\d)(?P<y>20\d\d)[-_./ ](?P<m>\d\d?)[-_./ ](?P<d>\d\d?)(?!\d)",
        r"(?<!\d)(?P<d>\d\d?)[-_./ ](?P<m>\d\d?)[-_./ ](?P<y>20\d\d)(?!\d)",
        r"(?<!\d)(?P<d>\d\d)[/.](?P<m>\d\d)[/.](?P<yy>[12]\d)(?!\d)",
        r"(?<!\d)(?P<y>20\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)",
        r"(?<!\d)(?P<d>\d\d)(?P<m>\d\d)(?P<y>20\d\d)(?!\d)",
    )
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_FIRST_SHARE = 0.2
SAY = 'say reference_date = "YYYY-MM-DD" in a sidecar NAME.toml'
DAY_FIRST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{2}|\d{4})$"
ISO = r"^(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$"
NAMED = r"^(\d{1,2})[-/. ]([A-Za-z]{3})[a-z]*[-/., ]+(\d{2}|\d{4})$"
NUMBERED = re.compile(r"(?<![a-z])(?:round|rnd|phase|version|v|r)[-_ #]*\d{1,3}(?!\d)", re.IGNORECASE)
ROUND = re.compile(r"(?<![a-z])(?:round|rnd|r)[-_ #]*(\d{1,3})(?!\d)", re.IGNORECASE)


def date_in(text: str) -> date | None:
    """The date written in a text, in any order and form that lists use; None without one.

    Raises:
        DeliveryError: what is written there is no date of the calendar (2021-21-31).
    """
    # numbers of rounds, phases and versions are no days: `Round 12 March 2024` names a month
    text = NUMBERED.sub(" ~ ", text)
    for pattern in PATTERNS:
        found = pattern.search(text)
        if found is None:
            continue
        later = date_in(text[found.end() :])
        part = found.groupdict()
        year = int(part.get("y") or f"20{part['yy']}")
        month = MONTHS.index(part["mon"][:3].lower()) + 1 if part.get("mon") else int(part["m"])
        day = int(part["d"])
        if month > 12 >= day and not found.group(0).startswith("20"):
            day, month = month, day  # 02-29-2020 can only be month-first
        try:
            day_found = date(year, month, day)
        except ValueError as error:
            raise DeliveryError(
                f"the date {found.group(0).strip()!r}, which is none", "a day of the calendar", SAY
            ) from error
        if later is not None and later != day_found:
            raise DeliveryError(f"two dates, {day_found} and {later}", "one reference date", SAY)
        return day_found
    return None


def reference_date(said: str | None, places: dict[str, str]) -> tuple[date, str]:
    """The reference date and where it stands.

    Args:
        said: the sidecar's reference_date; it leads.
        places: texts to look in, by what they are (banner, sheet name, file name), in order.

    Raises:
        DeliveryError: no date, an impossible one, or two that contradict each other.
    """
    if said is not None:
        try:
            return date.fromisoformat(said), "sidecar"
        except ValueError as error:
            raise DeliveryError(f"its sidecar says reference_date {said!r}", "YYYY-MM-DD", SAY) from error
    found = {place: day for place, text in places.items() if (day := date_in(text)) is not None}
    if not found:
        raise DeliveryError(
            f"says nowhere what date it stands for (looked in {', '.join(places)})", "a reference date", SAY
        )
    if len(set(found.values())) > 1:
        told = " and ".join(f"{day} in the {place}" for place, day in found.items())
        raise DeliveryError(f"contradicts itself: {told}", "one reference date", SAY)
    place, day = next(iter(found.items()))
    return day, place


def round_in(text: str) -> str | None:
    """The round that a name gives; a label."""
    found = ROUND.search(text)
    return str(int(found[1])) if found else None


def labels_of_name(name: str) -> tuple[str | None, str | None]:
    """The date (ISO) and the round that a file name gives, as far as it does. An impossible date is none: reading says so."""
    try:
        day = date_in(name)
    except DeliveryError:
        day = None
    return day.isoformat() if day else None, round_in(name)


def day_column(texts: pl.DataFrame, column: str) -> pl.Expr:
    """Days as text in a column: ISO, `29 Feb 2020`, day-first; month-first only where a day above 12 proves it. A year of two digits is of this century.

    Raises:
        DeliveryError: some dates are only possible day-first, and others only month-first.
    """
    text = plain(pl.col(column))
    first, second, year = (text.str.extract(DAY_FIRST, i) for i in (1, 2, 3))
    year = pl.when(year.str.len_chars() == 2).then(pl.lit("20") + year).otherwise(year)

    def day(month: pl.Expr, number: pl.Expr) -> pl.Expr:
        return pl.concat_str(year, month, number, separator="-").str.to_date("%Y-%m-%d", strict=False)

    iso = pl.concat_str(*(text.str.extract(ISO, i) for i in (1, 2, 3)), separator="-")
    iso = iso.str.to_date("%Y-%m-%d", strict=False)
    named_year = text.str.extract(NAMED, 3)
    named_year = pl.when(named_year.str.len_chars() == 2).then(pl.lit("20") + named_year).otherwise(named_year)
    named = pl.concat_str(
        named_year, text.str.extract(NAMED, 2).str.to_titlecase(), text.str.extract(NAMED, 1), separator="-"
    )
    iso = pl.coalesce(iso, named.str.to_date("%Y-%b-%d", strict=False))
    day_first, month_first = pl.coalesce(iso, day(second, first)), day(first, second)
    only_month = texts.select((day_first.is_null() & month_first.is_not_null()).sum()).item()
    only_day = texts.select((day(second, first).is_not_null() & month_first.is_null()).sum()).item()
    if only_month and only_day and only_month > texts.height // 100:
        raise DeliveryError(
            f"day-first and month-first dates in one column ({only_day} and {only_month} rows)",
            "one order of day and month",
            "ask for ISO dates, YYYY-MM-DD",
        )
    dated = texts.select(day_first.is_not_null().sum() + only_month).item()
    # one odd cell does not turn a column round: in lists that are month-first most days are above 12
    proven = only_month and not only_day and only_month >= MONTH_FIRST_SHARE * dated
    return pl.coalesce(iso, month_first) if proven else day_first
