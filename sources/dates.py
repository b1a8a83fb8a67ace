"""The reference date of a delivery: sidecar, banner, sheet name, file name, in that order."""

from __future__ import annotations

import re
from datetime import date

from sources.document import DeliveryError

MONTH = r"(?P<mon>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
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
ROUND = re.compile(r"(?<![a-z])(?:round|rnd|r)[-_ #]*(\d{1,3})(?!\d)", re.IGNORECASE)


def date_in(text: str) -> date | None:
    """The date written in a text, in any order and form that lists use; None without one.

    Raises:
        DeliveryError: what is written there is no date of the calendar (2021-21-31).
    """
    for pattern in PATTERNS:
        found = pattern.search(text)
        if found is None:
            continue
        part = found.groupdict()
        year = int(part.get("y") or f"20{part['yy']}")
        month = MONTHS.index(part["mon"][:3].lower()) + 1 if part.get("mon") else int(part["m"])
        day = int(part["d"])
        if month > 12 >= day and not found.group(0).startswith("20"):
            day, month = month, day  # 02-29-2020 can only be month-first
        try:
            return date(year, month, day)
        except ValueError as error:
            raise DeliveryError(
                f'gives the date {found.group(0).strip()!r}, which is none; say reference_date = "YYYY-MM-DD" in a sidecar NAME.toml'
            ) from error
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
            raise DeliveryError(f"its sidecar says reference_date {said!r}; write it as YYYY-MM-DD") from error
    found = {place: day for place, text in places.items() if (day := date_in(text)) is not None}
    if not found:
        raise DeliveryError(
            f"says nowhere what date it stands for (looked in {', '.join(places)}); "
            'say reference_date = "YYYY-MM-DD" in a sidecar NAME.toml'
        )
    if len(set(found.values())) > 1:
        told = " and ".join(f"{day} in the {place}" for place, day in found.items())
        raise DeliveryError(f"contradicts itself: {told}; say the right reference_date in a sidecar NAME.toml")
    place, day = next(iter(found.items()))
    return day, place


def round_in(text: str) -> str | None:
    """The round that a name gives; a label."""
    found = ROUND.search(text)
    return str(int(found[1])) if found else None
