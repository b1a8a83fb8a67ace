"""The reference date of a delivery: sidecar, banner, sheet name, file name, in that order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import polars as pl

from dtm_pipeline.quality.parse import plain
from sources.document import DeliveryError, MissingFactError

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
SAY_ORDER = 'say date_order = "dmy" or "mdy" in a sidecar NAME.toml if that is wrong'
SAY = 'say reference_date = "YYYY-MM-DD" in a sidecar NAME.toml'
DAY_FIRST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{2}|\d{4})$"
ISO = r"^(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$"
NAMED = r"^(\d{1,2})[-/. ]([A-Za-z]{3})[a-z]*[-/., ]+(\d{2}|\d{4})$"
NUMBERED = re.compile(r"(?<![a-z])(?:round|rnd|phase|version|v|r)[-_ #]*\d{1,3}(?!\d)", re.IGNORECASE)
ROUND = re.compile(r"(?<![a-z])(?:round|rnd|r)[-_ #]*(\d{1,3})(?!\d)", re.IGNORECASE)


class AmbiguousDateError(MissingFactError):
    """A date in a name that may be two."""

    def __init__(self, written: str, readings: tuple[date, date]) -> None:
        self.readings = readings
        super().__init__(
            "date_order",
            f"the date {written!r}, which is {readings[0]:%d %B} or {readings[1]:%d %B}",
            "a date that can be read in one way",
        )


def date_in(text: str, order: str | None = None) -> date | None:
    """The date written in a text, in any order and form that lists use; None without one.

    Args:
        order: `dmy` or `mdy`, where the sidecar says it.

    Raises:
        DeliveryError: what is written there is no date of the calendar (2021-21-31), or may be two (03-04-2019).
    """
    # numbers of rounds, phases and versions are no days: `Round 12 March 2024` names a month
    text = NUMBERED.sub(" ~ ", text)
    for pattern in PATTERNS:
        found = pattern.search(text)
        if found is None:
            continue
        later = date_in(text[found.end() :], order)
        part = found.groupdict()
        year = int(part.get("y") or f"20{part['yy']}")
        month = MONTHS.index(part["mon"][:3].lower()) + 1 if part.get("mon") else int(part["m"])
        day = int(part["d"])
        numeric = not part.get("mon") and not found.group(0).startswith("20")
        if numeric and month > 12 >= day:
            day, month = month, day  # 02-29-2020 can only be month-first
        elif numeric and order == MONTH_DAY and day <= 12:
            day, month = month, day
        elif numeric and order is None and day != month and day <= 12 and month <= 12:
            raise AmbiguousDateError(found.group(0).strip(), (date(year, month, day), date(year, day, month)))
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


def reference_date(said: str | None, places: dict[str, str], order: str | None = None) -> tuple[date, str]:
    """The reference date and where it stands.

    Args:
        said: the sidecar's reference_date; it leads.
        places: texts to look in, by what they are (banner, sheet name, file name), in order.
        order: of days and months, where the sidecar says it.

    Raises:
        DeliveryError: no date, an impossible one, or two that contradict each other.
    """
    if said is not None:
        try:
            return date.fromisoformat(said), "sidecar"
        except ValueError as error:
            raise DeliveryError(f"its sidecar says reference_date {said!r}", "YYYY-MM-DD", SAY) from error
    found: dict[str, date] = {}
    unclear: list[AmbiguousDateError] = []
    for place, text in places.items():
        try:
            day = date_in(text, order)
        except AmbiguousDateError as refusal:
            unclear.append(refusal)
            continue
        if day is not None:
            found[place] = day
    # another place may tell which of the two it is
    for either in unclear:
        if not set(found.values()) & set(either.readings):
            raise either
    if not found:
        raise MissingFactError(
            "reference_date",
            f"says nowhere what date it stands for (looked in {', '.join(places)})",
            "a reference date",
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


DAY_MONTH, MONTH_DAY = "dmy", "mdy"
ORDERS = (DAY_MONTH, MONTH_DAY)
DATE_SHARE = 0.8
"""Share of a column's cells that must be days for it to speak of the order of the others."""
RUN_MIN = 5
RUN_TIMES = 4
"""So many days that lie so many times closer together in one order than in the other are in that order."""


@dataclass(frozen=True)
class DateOrder:
    """In which order days and months of a sheet stand where a column of its own does not show it.

    Attributes:
        order: `dmy` or `mdy`.
        assumed: what was assumed, in words; None where it was said or shown.
    """

    order: str = DAY_MONTH
    assumed: str | None = None


def date_order(
    texts: pl.DataFrame, columns: dict[str, str], said: str | None, usual: str = DAY_MONTH, country: str | None = None
) -> DateOrder:
    """The order of days and months of the columns of a sheet that can be read both ways.

    What the sidecar or the folder says leads, then what another column of the sheet shows, then that days of counts follow one
    another. Else they are in the order that is usual in the country, and that is told.

    Args:
        texts: the rows as text.
        columns: cells of the columns of days that are read, by header.
        said: date_order of the sidecar.
        usual: date_order of the country.
        country: whose it is; None where the sheet is of several, or of one without a file in reference/countries.
    """
    if said in ORDERS:
        return DateOrder(said)
    open_ = {
        header: cell for header, cell in columns.items() if _shown(texts, cell) is None and _both_ways(texts, cell)
    }
    if not open_:
        return DateOrder()
    others = {_shown(texts, c) for c in texts.columns if c.startswith("c") and _is_dates(texts, c)} - {None}
    names = ", ".join(open_)
    if len(others) == 1:
        return DateOrder(str(others.pop()))
    runs = {_runs(texts, cell) for cell in open_.values()} - {None}
    if runs == {MONTH_DAY}:
        return DateOrder(
            MONTH_DAY,
            f"days of {names} can be read both ways; month-first they follow one another, and so they were read; {SAY_ORDER}",
        )
    if runs == {DAY_MONTH}:
        return DateOrder(DAY_MONTH)
    first = "day-first" if usual == DAY_MONTH else "month-first"
    where = f"in {country} (reference/countries/{country}.toml)" if country else "where no country says otherwise"
    return DateOrder(
        usual, f"every day of {names} can be read both ways; they were read {first}, as is usual {where}; {SAY_ORDER}"
    )


def _parts(column: str) -> tuple[pl.Expr, pl.Expr]:
    text = plain(pl.col(column))
    return text.str.extract(DAY_FIRST, 1).cast(pl.Int64), text.str.extract(DAY_FIRST, 2).cast(pl.Int64)


def _is_dates(texts: pl.DataFrame, column: str) -> bool:
    told = texts.select(plain(pl.col(column)).alias("t")).filter(pl.col("t").is_not_null())
    return told.height > 0 and told.select(pl.col("t").str.contains(DAY_FIRST).mean()).item() >= DATE_SHARE


def _shown(texts: pl.DataFrame, column: str) -> str | None:
    """The order that a column shows by a day above 12; None where it shows none, or both."""
    first, second = _parts(column)
    day_first, month_first = texts.select((first > 12).any(), (second > 12).any().alias("m")).row(0)
    return None if day_first == month_first else DAY_MONTH if day_first else MONTH_DAY


def _both_ways(texts: pl.DataFrame, column: str) -> bool:
    """Whether a day of a column would be another one in the other order."""
    first, second = _parts(column)
    return bool(texts.select(((first <= 12) & (second <= 12) & (first != second)).any()).item())


def _runs(texts: pl.DataFrame, column: str) -> str | None:
    """The order in which the days of a column lie far closer together; None where neither does."""
    spans = {}
    for order in ORDERS:
        days = texts.select(_day_column(texts, column, order).dt.epoch("d").alias("d"))["d"].drop_nulls().unique()
        if days.len() < RUN_MIN:
            return None
        spans[order] = int(days.sort()[-1] - days.sort()[0])
    near, far = sorted(spans, key=lambda o: spans[o])
    return near if spans[near] * RUN_TIMES < spans[far] else None


def day_column(texts: pl.DataFrame, column: str, order: str = DAY_MONTH) -> pl.Expr:
    """Days as text in a column: ISO, `29 Feb 2020`, or days and months in the order that the column shows, else `order`. A
    year of two digits is of this century.

    Raises:
        DeliveryError: some dates are only possible day-first, and others only month-first.
    """
    return _day_column(texts, column, order)


def _day_column(texts: pl.DataFrame, column: str, order: str) -> pl.Expr:
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
    told = order == MONTH_DAY and not only_day
    return pl.coalesce(iso, month_first) if proven or told else day_first
