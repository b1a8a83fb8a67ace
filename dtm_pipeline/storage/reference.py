"""Reads `reference/`: series, countries, code lists, severity models, thresholds. Data, each row with a source."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

import polars as pl

from dtm_pipeline.contracts.model import Dissemination
from dtm_pipeline.domain.household_size import SizeRule
from dtm_pipeline.domain.plausibility import PlausibilityRules, with_overrides
from dtm_pipeline.domain.registers import LINK_SCHEMA, Registers
from dtm_pipeline.domain.series import Series
from dtm_pipeline.domain.severity import COMBINATIONS, MISSING_ANSWERS, HotspotRule, Indicator, SeverityModel
from dtm_pipeline.domain.words import Words, plain
from dtm_pipeline.places.gazetteer import Gazetteer, typed
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.archives import ArchiveLimits
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.overlay import SIGNED, Layers
from dtm_pipeline.storage.registers import DECIDED_PLACES, check_register

DISSEMINATION: tuple[str, ...] = get_args(Dissemination)
PARTS = (
    "series",
    "countries",
    "size_rules",
    "breakdown_units",
    "registers",
    "severity_models",
    "thresholds",
    "categories",
    "category_headers",
    "headers",
    "vocabularies",
    "words",
    "bounds",
    "questions",
    "answers",
    "flow_layouts",
    "survey_families",
    "flow_points",
    "flow_calendars",
    "location_links",
    "plausibility",
    "known_jumps",
)
"""What can be read of the reference data beside the gazetteer."""


@dataclass(frozen=True)
class BreakdownUnit:
    """What a cell of a kind's breakdown counts in a span of dates."""

    location_code: str
    kind: str
    valid_from: date
    valid_to: date | None
    unit: str


@dataclass(frozen=True)
class Reference:
    """The reference data: what ships in `folder`, under what a home says beside it in `overlay`.

    Each part is read when first asked for.
    """

    folder: Path
    overlay: Path | None = None

    @classmethod
    def of(cls, home: Home | None) -> Reference:
        """The reference data that ships, with that of a home over it."""
        return cls(Settings().reference, home.reference if home else None)

    @cached_property
    def layers(self) -> Layers:
        return Layers(self.folder, self.overlay)

    def _files(self, folder: str) -> list[dict[str, Any]]:
        """The content of each file of a folder, without who signed it."""
        told = (tomllib.loads(f.read_text(encoding="utf-8")) for f in self.layers.files(folder))
        return [{k: v for k, v in content.items() if k not in SIGNED} for content in told]

    def _csv(self, name: str) -> pl.DataFrame:
        return self.layers.csv(name)

    def gazetteer(self, decisions: Path | None = None) -> Gazetteer:
        """The units and every name and code for them, with the decisions of a home where it has any.

        Raises:
            DamagedHomeError: decisions were lost.
        """
        if decisions is not None:
            check_register(decisions, DECIDED_PLACES)
        return Gazetteer.load(self.folder, decisions, self._csv, self.thresholds["places"])

    @cached_property
    def made(self) -> dict[Any, Any]:
        """What readers have made of this reference data, by what it is: kept as long as the data."""
        return {}

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """The series of series.toml.

        Raises:
            ValueError: two active headline series that may count the same people.
        """
        lists = ("operations", "assessment_types", "sources")
        told = tuple(
            Series(**cast("dict[str, Any]", {k: tuple(v) if k in lists else v for k, v in entry.items()}))
            for entry in self.layers.toml("series.toml")["series"]
        )
        leading = [s.overlap_group for s in told if s.headline and s.status == "active"]
        if twice := sorted({group for group in leading if leading.count(group) > 1}):
            raise ValueError(
                f"series.toml: {twice[0]} has two active headline series; one of them is the country's figure"
            )
        return told

    @cached_property
    def countries(self) -> dict[str, dict[str, Any]]:
        """What is on record of each country, by its code.

        Raises:
            ValueError: an order of days and months that is none.
        """
        known = {c["location_code"]: c for c in self._files("countries")}
        for code, country in known.items():
            if country.get("date_order", "dmy") not in ("dmy", "mdy"):
                raise ValueError(f"countries/{code}.toml: date_order is dmy or mdy; found {country['date_order']!r}")
        return known

    @cached_property
    def country_names(self) -> dict[str, str]:
        """Country code of each name in use, lower case, letters only."""
        return {
            "".join(c for c in name.lower() if c.isalnum()): code
            for code, country in self.countries.items()
            for name in (country["name"], *country.get("other_names", ()))
        }

    def date_order(self, country: str | None) -> tuple[str, str | None]:
        """The usual order of days and months, `dmy` or `mdy`, and the country whose file says so; day-first without one."""
        known = self.countries.get(country or "", {})
        return known.get("date_order", "dmy"), country if "date_order" in known else None

    @cached_property
    def country_codes(self) -> list[str]:
        """ISO 3166-1 alpha-3 codes."""
        return self._csv("code_lists/countries.csv")["location_code"].to_list()

    @cached_property
    def questions(self) -> pl.DataFrame:
        """question_code, theme, answer_set, dissemination, alias."""
        return self._csv("code_lists/questions.csv")

    @cached_property
    def answers(self) -> pl.DataFrame:
        """answer_set, answer_code, label, dissemination, alias."""
        return self._csv("code_lists/answers.csv")

    @cached_property
    def flow_layouts(self) -> tuple[dict[str, Any], ...]:
        """Layouts of flow registries, a file a mission."""
        return tuple(self._files("flow_layouts"))

    @cached_property
    def survey_families(self) -> tuple[dict[str, Any], ...]:
        """Families of surveys: words of their forms, and the questions that say stratum, weight and place."""
        return tuple(self.layers.toml("survey_families.toml")["family"])

    @cached_property
    def flow_calendars(self) -> pl.DataFrame:
        """flow_point_id, valid_from, valid_to, weekdays (1 = Monday), operating, source."""
        return self._csv("flow_calendars.csv").with_columns(pl.col("valid_from", "valid_to").str.to_date())

    @cached_property
    def size_rules(self) -> tuple[SizeRule, ...]:
        return tuple(
            SizeRule(
                location_code=code,
                population_groups=tuple(rule["population_groups"]),
                rule_id=rule["rule_id"],
                valid_from=rule["valid_from"],
                valid_to=rule.get("valid_to"),
                in_camp=rule["in_camp"],
                out_of_camp=rule["out_of_camp"],
                source=rule["source"],
                range_in_camp=_span(rule.get("range_in_camp")),
                range_out_of_camp=_span(rule.get("range_out_of_camp")),
            )
            for code, country in self.countries.items()
            for rule in country.get("household_size", [])
        )

    @cached_property
    def breakdown_units(self) -> tuple[BreakdownUnit, ...]:
        return tuple(
            BreakdownUnit(code, rule["kind"], rule["valid_from"], rule.get("valid_to"), rule["unit"])
            for code, country in self.countries.items()
            for rule in country.get("breakdown_unit", [])
        )

    @cached_property
    def headers(self) -> pl.DataFrame:
        """kind, field, alias."""
        return self._csv("code_lists/headers.csv")

    @cached_property
    def categories(self) -> pl.DataFrame:
        """dimension, category_code, label, category_class, dissemination, source."""
        return self._csv("code_lists/categories.csv")

    @cached_property
    def category_headers(self) -> pl.DataFrame:
        """dimension, category_code, alias."""
        return self._csv("code_lists/category_headers.csv")

    @cached_property
    def vocabularies(self) -> pl.DataFrame:
        """vocabulary, code, alias."""
        return self._csv("code_lists/vocabularies.csv")

    @cached_property
    def bounds(self) -> dict[str, Any]:
        """`[bounds]` of the thresholds: the window of dates, and the most people of each level, with those of kinds.

        Raises:
            ValueError: a number of people that is no whole number from 1. (Other types than those shipped the overlay refuses.)
        """
        told: dict[str, Any] = self.thresholds["bounds"]
        most = {"[bounds]": told["most_people"]}
        most |= {
            f"countries/{c}.toml": country["most_people"]
            for c, country in self.countries.items()
            if "most_people" in country
        }
        for where, levels in most.items():
            if not all(isinstance(n, int) and n >= 1 for n in levels.values()):
                raise ValueError(f"{where}: most_people of a level is a whole number from 1")
        return told

    @cached_property
    def words(self) -> Words:
        """The lists by which a release may quote what providers say in their own words."""
        told = self._csv("code_lists/words.csv")
        lists: dict[str, set[str]] = {}
        for name, word in told.select("list", "word").iter_rows():
            lists.setdefault(name, set()).add(plain(word))
        points = self.flow_points
        lists["flow_point"] = {plain(n) for n in (*points["name"], *points["alias"])}
        lists["flow_point_id"] = {plain(p) for p in (*points["flow_point_id"], *points["crossing_id"])}
        lists.setdefault("assessment_type", set()).update(plain(t) for s in self.series for t in s.assessment_types)
        named = self._csv("code_lists/operations.csv").select("location_code", "operation").rows()
        named += [(s.location_code, o) for s in self.series for o in s.operations]
        units = self.layers.csv("admin_boundaries/gazetteer.csv")["location_code"]
        world = self.layers.csv("admin_boundaries/gazetteer_world.csv")["location_code"]
        return Words(
            {name: frozenset(words) for name, words in lists.items()},
            frozenset((c, plain(o)) for c, o in named),
            frozenset((*units, *world)),
        )

    @cached_property
    def flow_points(self) -> pl.DataFrame:
        return self._csv("flow_points.csv").with_columns(pl.col("valid_from", "valid_to").str.to_date())

    @cached_property
    def severity_models(self) -> tuple[SeverityModel, ...]:
        told = [severity_model(content) for content in self._files("severity_models")]
        names = [(m.index_name, m.model_version) for m in told]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{' '.join(twice[0])} stands in two files; give one of them a version of its own")
        return tuple(told)

    def severity_model(self, index_name: str) -> SeverityModel:
        """The newest version of a severity model.

        Raises:
            KeyError: there is none of that name.
        """
        named = [m for m in self.severity_models if m.index_name == index_name]
        if not named:
            raise KeyError(index_name)
        return max(named, key=lambda m: _in_numbers(m.model_version))

    @cached_property
    def location_links(self) -> pl.DataFrame:
        """Locations that merged into another or were split from one, with their source."""
        return typed(self._csv("location_links.csv"), LINK_SCHEMA)

    @cached_property
    def registers(self) -> Registers:
        """What is on record of rounds (complete, partial) and of locations (closed, not reassessed, merged, split).

        Raises:
            ValueError: a statement that is none.
        """
        day = "%Y-%m-%d"
        rounds = self._csv("round_statements.csv").with_columns(pl.col("reference_date").str.to_date(day))
        locations = self._csv("location_statements.csv").with_columns(pl.col("valid_from", "valid_to").str.to_date(day))
        for name, frame, known in (
            ("round_statements.csv", rounds, ("complete", "partial")),
            ("location_statements.csv", locations, ("closed", "not_reassessed")),
        ):
            unknown = frame.filter(~pl.col("statement").is_in(known))["statement"].to_list()
            if unknown:
                raise ValueError(f"{name}: a statement is one of {', '.join(known)}; found {unknown[0]!r}")
        strangers = rounds.filter(~pl.col("series_id").is_in([s.series_id for s in self.series]))["series_id"].to_list()
        if strangers:
            raise ValueError(f"round_statements.csv: series.toml has no series {strangers[0]!r}")
        both = rounds.group_by("series_id", "reference_date").agg(pl.col("statement").n_unique()).filter(statement=2)
        if not both.is_empty():
            series, day, _ = both.row(0)
            raise ValueError(f"round_statements.csv: {series} on {day} is said to be complete and partial; keep one")
        named = pl.col("place_id").is_not_null().cast(pl.Int64) + pl.col("admin_code").is_not_null().cast(pl.Int64)
        if not locations.filter(named != 1).is_empty():
            raise ValueError("location_statements.csv: a row names a place_id or an admin_code, one of the two")
        return Registers(rounds, locations, self.location_links)

    @cached_property
    def plausibility(self) -> Callable[[str], PlausibilityRules]:
        """The rules by which statements of a series are judged, by its id."""
        told = self.thresholds["plausibility"]
        return with_overrides(
            PlausibilityRules(**{k: v for k, v in told.items() if k != "series"}), told.get("series", {})
        )

    @cached_property
    def known_jumps(self) -> frozenset[tuple[str, date]]:
        """Series and reference dates at which a jump is on record as true."""
        rows = self._csv("known_jumps.csv").with_columns(pl.col("reference_date").str.to_date("%Y-%m-%d"))
        return frozenset(rows.select("series_id", "reference_date").rows())

    @cached_property
    def thresholds(self) -> dict[str, dict[str, Any]]:
        return self.layers.toml("thresholds.toml")

    @property
    def archive_limits(self) -> ArchiveLimits:
        told = self.thresholds["archives"]
        return ArchiveLimits(int(told["members"]), int(told["total_bytes"]), told["ratio"], int(told["depth"]))

    def check(self) -> None:
        """Read what analysts edit, so that a slip is told before anything is computed.

        Raises:
            ReferenceDataError: a file can't be read, or says what can't be.
        """
        self.layers.rows()
        for part in PARTS:
            try:
                getattr(self, part)
            except (ValueError, KeyError, TypeError, OSError, pl.exceptions.PolarsError) as error:
                said = f"lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
                raise ReferenceDataError(
                    f"{self.overlay or self.folder}: {part.replace('_', ' ')} can't be used: {said}; correct the file, nothing was computed"
                ) from error

    def fingerprint(self) -> str:
        """sha256 over every file of both layers."""
        return self.layers.fingerprint()


def _in_numbers(version: str) -> list[tuple[int, str]]:
    """A version to sort by: 10.0 comes after 9.0."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.split(".")]


def _span(told: list[float] | None) -> tuple[float, float] | None:
    """A range that a file gives as a list of two."""
    return (float(told[0]), float(told[1])) if told else None


def severity_model(content: dict[str, Any]) -> SeverityModel:
    """A severity model from the content of its file; every answer's value lies in 0 to 1.

    Raises:
        ValueError: a value outside 0 to 1, a weight that is not positive, cut-offs out of order, an indicator that
            stands twice, or a combination or policy that is none.
    """
    name = f"{content['index_name']} {content['model_version']}"
    answers: dict[str, dict[str, float]] = content["answer_values"]
    indicators = tuple(
        Indicator(
            code=i["code"],
            question=i["question"],
            scale=i["scale"],
            weight=float(i["weight"]),
            answers={str(k): float(v) for k, v in answers[i["answers"]].items()},
            dissemination=i.get("dissemination", "sensitive"),
        )
        for i in content["indicator"]
    )
    for indicator in indicators:
        if indicator.dissemination not in DISSEMINATION:
            raise ValueError(f"{name}: indicator {indicator.code}: dissemination is one of {', '.join(DISSEMINATION)}")
        if indicator.weight <= 0 or not all(0 <= v <= 1 for v in indicator.answers.values()):
            raise ValueError(f"{name}: indicator {indicator.code} has a weight or an answer out of range")
    if not 0 < content["medium_from"] < content["high_from"] <= 100:
        raise ValueError(f"{name}: the cut-offs are out of order")
    if not 0 < content["min_answered_share"] <= 1:
        raise ValueError(f"{name}: min_answered_share lies above 0 and up to 1")
    codes = [i.code for i in indicators]
    if len(set(codes)) != len(codes):
        raise ValueError(f"{name}: an indicator stands twice")
    combination = content.get("combination", "mean_of_scales")
    missing = content.get("missing_answers", "leave_out")
    for told, known in ((combination, COMBINATIONS), (missing, MISSING_ANSWERS)):
        if told not in known:
            raise ValueError(f"{name}: {told!r} is none of {', '.join(known)}")
    hotspot = content["hotspot"]
    if not (0 <= hotspot["medium_from"] <= hotspot["high_from"] <= 100 and 0 <= hotspot["many_people_quantile"] <= 1):
        raise ValueError(f"{name}: a hotspot's scores lie in 0 to 100, medium below high, its quantile in 0 to 1")
    return SeverityModel(
        index_name=content["index_name"],
        model_version=content["model_version"],
        location_code=content["location_code"],
        population_group=content["population_group"],
        illustrative=content["illustrative"],
        source=content["source"],
        questions=dict(content["questions"]),
        indicators=indicators,
        combination=combination,
        missing_answers=missing,
        medium_from=float(content["medium_from"]),
        high_from=float(content["high_from"]),
        min_answered_share=float(content["min_answered_share"]),
        hotspot=HotspotRule(**{k: float(v) for k, v in hotspot.items()}),
        stock_date_tolerance_days=int(content["stock_date_tolerance_days"]),
    )
