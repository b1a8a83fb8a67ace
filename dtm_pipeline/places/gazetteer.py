"""The administrative units of a country, the provider's names for them, and reviewed decisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

UNIT_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "admin_level": pl.Int64(),
    "code": pl.String(),
    "name_en": pl.String(),
    "parent_code": pl.String(),
    "name_local": pl.String(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
    "edition": pl.String(),
    "source": pl.String(),
}
CROSSWALK_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "admin_level": pl.Int64(),
    "provider_parent_code": pl.String(),
    "provider_name": pl.String(),
    "code": pl.String(),
    "status": pl.String(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
    "source": pl.String(),
}
DECISION_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "place_id": pl.String(),
    "provider_admin1_name": pl.String(),
    "provider_admin2_name": pl.String(),
    "admin1_code": pl.String(),
    "admin2_code": pl.String(),
    "decided_by": pl.String(),
    "decided_on": pl.Date(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class Gazetteer:
    """Units and the provider's names for them.

    Attributes:
        units: admin 1 and 2: location_code, admin_level, code, name_en, parent_code, name_local, latitude,
            longitude, edition.
        crosswalk: a provider's name within a parent, the unit that it stands for, and since when.
        decisions: what a person decided; leads over everything else.
    """

    units: pl.DataFrame
    crosswalk: pl.DataFrame
    decisions: pl.DataFrame

    @classmethod
    def load(cls, reference: Path, decisions: Path | None = None) -> Gazetteer:
        """Read the gazetteer of `reference/admin_boundaries` and the decisions of a home, if it has any."""
        folder = reference / "admin_boundaries"
        return cls(
            units=pl.read_csv(folder / "gazetteer.csv", schema=UNIT_SCHEMA),
            crosswalk=pl.read_csv(folder / "crosswalk.csv", schema=CROSSWALK_SCHEMA),
            decisions=pl.read_csv(decisions, schema=DECISION_SCHEMA)
            if decisions is not None and decisions.is_file()
            else pl.DataFrame(schema=DECISION_SCHEMA),
        )

    def countries(self) -> set[str]:
        return set(self.units["location_code"].unique())

    def of_country(self, location_code: str) -> Gazetteer:
        """The part of the gazetteer that concerns one country."""
        return Gazetteer(
            *(f.filter(pl.col("location_code") == location_code) for f in (self.units, self.crosswalk, self.decisions))
        )

    def districts(self) -> pl.DataFrame:
        """Every district with the names of both levels, in the columns of the tables."""
        first = self.units.filter(admin_level=1).select(
            "location_code",
            admin1_code="code",
            admin1_name="name_en",
            admin1_name_local="name_local",
        )
        return (
            self.units.filter(admin_level=2)
            .select(
                "location_code",
                admin1_code="parent_code",
                admin2_code="code",
                admin2_name="name_en",
                admin2_name_local="name_local",
            )
            .join(first, on=["location_code", "admin1_code"], how="left")
            .sort("location_code", "admin2_code")
        )
