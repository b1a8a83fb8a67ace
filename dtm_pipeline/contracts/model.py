"""What a table declares: columns, grain, rules. Plain data, nothing heavy to import."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["key", "code", "label", "date", "stock", "change", "flow", "count", "share", "score", "flag", "evidence"]
ADDITIVE: tuple[Kind, ...] = ("stock", "change", "flow", "count")
"""Kinds of measures that may be summed at all; every other kind adds up along nothing."""
Dissemination = Literal["public", "partner", "sensitive"]
Layer = Literal["raw", "core", "out"]
WordList = Literal[
    "operation",
    "assessment_type",
    "round",
    "nationality",
    "provider",
    "flow_point",
    "flow_point_id",
    "event_id",
    "place_code",
    "place_name",
    "subdistrict",
    "subdistrict_code",
]
Type = Literal["string", "int64", "float64", "boolean", "date", "strings"]


@dataclass(frozen=True)
class Column:
    """A column: one name has one meaning and one unit in every table it stands in."""

    name: str
    type: Type
    kind: Kind
    description: str
    unit: str = ""
    dissemination: Dissemination = "public"
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    added_along: tuple[str, ...] | None = None
    """Axes along which the measure may be summed; None = those of its table."""
    words: WordList | None = None
    """The list through which a provider's own words leave the home (docs/method/words.md); None = the values are ours."""

    def required(self) -> Column:
        """The same column where a null is a broken contract."""
        return replace(self, nullable=False)

    def adding_along(self, *axes: str) -> Column:
        """The same column, summed along these axes only."""
        return replace(self, added_along=axes)


@dataclass(frozen=True)
class Rule:
    """A statement about each row, as a SQL condition that must hold or be unknown."""

    name: str
    condition: str
    sentence: str


@dataclass(frozen=True)
class Table:
    """A table: `grain` names the columns that no two rows share."""

    name: str
    layer: Layer
    description: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    version: str = "1.0.0"
    added_along: tuple[str, ...] = ()
    """The axes along which the measures of the table may be summed, where a column does not say otherwise; dates are
    never among stocks' axes."""
    replacement_key: tuple[str, ...] = ()
    """For each value of these columns the rows of the newest delivery lead, whole."""

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.name}: a column stands twice")
        missing = [g for g in self.grain if g not in names]
        if missing:
            raise ValueError(f"{self.name}: grain names no column: {missing}")
        stray = [k for k in self.replacement_key if k not in names]
        if stray:
            raise ValueError(f"{self.name}: replacement key names no column: {stray}")

    def axes_of(self, name: str) -> tuple[str, ...]:
        """The axes along which a measure may be summed; none for codes, shares, scores and evidence."""
        column = self.column(name)
        if column.kind not in ADDITIVE:
            return ()
        return self.added_along if column.added_along is None else column.added_along

    @property
    def column_names(self) -> list[str]:
        return [c.name for c in self.columns]

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
