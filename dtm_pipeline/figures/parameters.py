"""What the methods are told beside the facts: registers, rules and units of one country, all from reference data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import polars as pl

from dtm_pipeline.domain.breakdowns import SmallCells
from dtm_pipeline.domain.change import ChangeRules
from dtm_pipeline.domain.confidence import ConfidenceRules
from dtm_pipeline.domain.household_size import SizeRule
from dtm_pipeline.domain.origins import ReturnRateRules
from dtm_pipeline.domain.reconciliation import ReconciliationRules
from dtm_pipeline.domain.registers import Registers
from dtm_pipeline.domain.series import Series, series_of_rows
from dtm_pipeline.domain.severity import SeverityModel
from dtm_pipeline.domain.severity_robustness import RobustnessRules
from dtm_pipeline.domain.words import Words
from dtm_pipeline.places.gazetteer import Gazetteer, with_origins
from dtm_pipeline.storage.reference import Reference

Rules = TypeVar("Rules")


@dataclass(frozen=True)
class Parameters:
    """What a country's tables depend on beside its facts.

    Attributes:
        rejected: snapshot_id, reference_date, rejected_rows, rejected_individuals.
        partial_above: share of rejected rows or persons above which a date is partial.
    """

    country: str
    registry: tuple[Series, ...]
    words: Words
    size_rules: tuple[SizeRule, ...]
    registers: Registers
    categories: pl.DataFrame
    models: tuple[SeverityModel, ...]
    gazetteer: Gazetteer
    small: SmallCells
    change: ChangeRules
    confidence: ConfidenceRules
    robustness: RobustnessRules
    return_rate: ReturnRateRules
    reconciliation: ReconciliationRules
    rejected: pl.DataFrame
    partial_above: float

    @classmethod
    def of(cls, reference: Reference, gazetteer: Gazetteer, country: str, rejected: pl.DataFrame) -> Parameters:
        """The parameters of a country.

        Args:
            gazetteer: units of the country.
        """
        told = reference.thresholds
        small = told["breakdowns"]
        return cls(
            country=country,
            registry=reference.series,
            words=reference.words,
            size_rules=reference.size_rules,
            registers=reference.registers,
            categories=with_origins(reference.categories, gazetteer.units),
            models=reference.severity_models,
            gazetteer=gazetteer,
            small=SmallCells(*(int(small[f"small_cell_{n}"]) for n in ("households", "individuals", "locations"))),
            change=_rules(ChangeRules, told["change"]),
            confidence=_rules(ConfidenceRules, told["confidence"]),
            robustness=_rules(RobustnessRules, told["severity"]),
            return_rate=_rules(ReturnRateRules, told["return_rate"]),
            reconciliation=_rules(ReconciliationRules, told["reconciliation"]),
            rejected=rejected,
            partial_above=told["deliveries"]["partial_above"],
        )

    def series_of(self, totals: pl.DataFrame) -> tuple[Series, ...]:
        """The series that figures of the country are in.

        Args:
            totals: rows of core_dtm__source_total.
        """
        known = [s.series_id for s in self.registry]
        rows = totals.select(
            "location_code",
            "population_group",
            "operation",
            "assessment_type",
            series_id=pl.when(pl.col("series_id").is_in(known)).then("series_id"),
        ).unique(maintain_order=True)
        return series_of_rows(rows, self.registry, self.words)[1]

    def headline(self) -> dict[str, str]:
        """series_id of the headline series of each population group of the country."""
        return {
            s.population_group: s.series_id for s in self.registry if s.location_code == self.country and s.headline
        }


def _rules(made: type[Rules], told: dict[str, Any]) -> Rules:
    """A rules object from a part of reference/thresholds.toml, which has exactly its numbers."""
    names = [f.name for f in fields(made)]  # type: ignore[arg-type]  # every rules class is a dataclass
    return made(**{n: tuple(told[n]) if isinstance(told[n], list) else told[n] for n in names})
