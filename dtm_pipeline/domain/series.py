"""Series: what may be compared and what may be added. Method: docs/method/series.md."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.words import Words


@dataclass(frozen=True)
class Series:
    """A stock of one population group in one country that is followed over time."""

    series_id: str
    title: str
    location_code: str
    population_group: str
    operations: tuple[str, ...]
    assessment_types: tuple[str, ...]
    sources: tuple[str, ...]
    date_tolerance_days: int
    overlap_group: str
    headline: bool
    status: str
    max_age_days: int | None
    carry_forward_max_age_days: int | None = None
    """How old a location's figure may be that stands in for a partial round; None = never."""
    updated_share: float | None = None
    """Part of its lists' locations that a round truly visits again, where somebody knows; None = not known."""

    def matches(self, location_code: str, group: str, operation: str | None, assessment: str | None) -> bool:
        """Whether a provider's names stand for this series; a source without operations matches by group."""
        if (self.location_code, self.population_group) != (location_code, group):
            return False
        if operation is None:
            return self.headline
        known = {slug(o) for o in self.operations}
        types = {a.casefold() for a in self.assessment_types}
        return slug(operation) in known and (assessment is None or assessment.strip().casefold() in types)


def slug(text: str) -> str:
    """Letters and digits of a name, lower case, joined by hyphens: `Lake Chad` -> `lake-chad`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def unregistered(location_code: str, group: str, operation: str | None, assessment: str | None, words: Words) -> Series:
    """A series made from a provider's names, where reference/series.toml lists none; names that no list has by their stand-in.

    It is never a headline series; the assessment types of one operation overlap, so they share a group. A series is of
    one population group: those of an operation that counts others beside IDPs are told apart by it.
    """
    operation = words.operation(location_code, operation) if operation else None
    assessment = words.label("assessment_type", assessment) if assessment else None
    name = [slug(operation), *([group] if group != "idp" else [])] if operation else [group]
    parts = [location_code.lower(), *name, *([assessment.strip().lower()] if assessment else [])]
    return Series(
        series_id="_".join(parts),
        title=f"{operation or group}{f' ({assessment})' if assessment else ''}: {group}",
        location_code=location_code,
        population_group=group,
        operations=(operation,) if operation else (),
        assessment_types=(assessment,) if assessment else (),
        sources=(),
        date_tolerance_days=0,
        overlap_group=f"{location_code.lower()}_{group}",
        headline=False,
        status="unregistered",
        max_age_days=None,
    )


def series_of_rows(
    rows: pl.DataFrame, registry: tuple[Series, ...], words: Words
) -> tuple[pl.DataFrame, tuple[Series, ...]]:
    """Rows with `series_id`, and the series that they belong to.

    Args:
        rows: has location_code, population_group, operation, assessment_type; a non-null `series_id`
            (from a sidecar) is kept.
        registry: the series of reference/series.toml.
        words: the operations and types that a series may be named by.
    """
    names = ["location_code", "population_group", "operation", "assessment_type"]
    found: dict[str, Series] = {}
    ids: list[str] = []
    distinct = rows.select(*names, "series_id").unique(maintain_order=True)
    for country, group, operation, assessment, told in distinct.iter_rows():
        series = next((s for s in registry if s.series_id == told), None) if told else None
        if series is None:
            series = next((s for s in registry if s.matches(country, group, operation, assessment)), None)
        if series is None:
            series = unregistered(country, group, operation, assessment, words)
        found[series.series_id] = series
        ids.append(series.series_id)
    mapping = distinct.with_columns(assigned=pl.Series(ids, dtype=pl.String))
    placed = rows.join(mapping, on=[*names, "series_id"], how="left", nulls_equal=True, maintain_order="left")
    return placed.with_columns(series_id="assigned").drop("assigned"), tuple(found.values())
