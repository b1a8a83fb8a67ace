"""The administrative units of a country, the provider's names for them, and reviewed decisions."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.places.match import Likeness
from dtm_pipeline.settings import Settings

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
WORLD_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "admin_level": pl.Int64(),
    "code": pl.String(),
    "name_en": pl.String(),
    "parent_code": pl.String(),
    "valid_from": pl.String(),
}
WORLD_SOURCE = "OCHA p-code table"
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
NAME_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "code": pl.String(),
    "name": pl.String(),
    "language": pl.String(),
    "source": pl.String(),
}
CODE_FORM_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "system": pl.String(),
    "admin_level": pl.Int64(),
    "pattern": pl.String(),
    "note": pl.String(),
    "source": pl.String(),
}
OTHER_CODE_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "system": pl.String(),
    "other_code": pl.String(),
    "code": pl.String(),
    "source": pl.String(),
}
DECISION_SCHEMA: dict[str, pl.DataType] = {
    "location_code": pl.String(),
    "place_id": pl.String(),
    "provider_admin1_name": pl.String(),
    "provider_admin1_code": pl.String(),
    "provider_admin2_name": pl.String(),
    "provider_admin2_code": pl.String(),
    "admin1_code": pl.String(),
    "admin2_code": pl.String(),
    "decided_by": pl.String(),
    "decided_on": pl.Date(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class PointRules:
    """Numbers of `[places]` in reference/thresholds.toml.

    Attributes:
        snap_m: a point so few metres outside a unit is taken for one on its border.
        places_at_one_point: more places than this at one point, and it is the point of none of them.
        outline_tolerance_km: a point so near the country's outline is taken for one inside; outlines are simplified.
    """

    snap_m: float
    places_at_one_point: int
    outline_tolerance_km: float


@dataclass(frozen=True)
class Gazetteer:
    """Units and every name and code that stands for them.

    Attributes:
        units: admin 1 and 2: location_code, admin_level, code, name_en, parent_code, name_local, latitude,
            longitude, edition.
        crosswalk: a provider's name within a parent, the unit that it stands for, and since when.
        decisions: what a person decided; leads over everything else.
        names: other names of units, each in a language.
        code_forms: forms of codes of other systems, as regular expressions.
        other_codes: codes of other systems, and the unit each stands for.
        likeness: when two names are taken for one.
        point_rules: when a point is taken for one on a border, or for no place's.
    """

    units: pl.DataFrame
    crosswalk: pl.DataFrame
    decisions: pl.DataFrame
    names: pl.DataFrame
    code_forms: pl.DataFrame
    other_codes: pl.DataFrame
    likeness: Likeness
    point_rules: PointRules
    outlines: Path
    """Outlines of countries (GeoJSON), for points where no boundary edition is at hand."""

    @classmethod
    def load(
        cls,
        reference: Path | None = None,
        decisions: Path | None = None,
        read: Callable[[str], pl.DataFrame] | None = None,
        places: dict[str, Any] | None = None,
    ) -> Gazetteer:
        """Read the gazetteer of `reference/admin_boundaries` and the decisions of a home, if it has any.

        Args:
            reference: folder of reference data; the one that ships with the package when None.
            decisions: the register of decisions of a home (`HOME/places/decisions.csv`).
            read: a table of the reference data by its name, as text; where a home adds rows of its own.
            places: `[places]` of reference/thresholds.toml; that of the folder when None.
        """
        shipped = reference or Settings().reference
        told = places or tomllib.loads((shipped / "thresholds.toml").read_text(encoding="utf-8"))["places"]
        units = read_units(shipped / "admin_boundaries")

        def table(name: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
            path = f"admin_boundaries/{name}"
            if read is None:
                return pl.read_csv(shipped / path, schema=schema)
            return typed(read(path), schema)

        forms = table("code_forms.csv", CODE_FORM_SCHEMA)
        return cls(
            units=units,
            crosswalk=table("crosswalk.csv", CROSSWALK_SCHEMA),
            decisions=read_decisions(decisions),
            names=table("names.csv", NAME_SCHEMA),
            code_forms=pl.concat([forms, _letters_of_countries(units, forms)]),
            other_codes=table("other_codes.csv", OTHER_CODE_SCHEMA),
            likeness=Likeness(**{f.name: told[f"name_{f.name}"] for f in fields(Likeness)}),
            point_rules=PointRules(**{f.name: told[f.name] for f in fields(PointRules)}),
            outlines=shipped / "admin_boundaries" / "outlines.geojson",
        )

    def of_country(self, location_code: str) -> Gazetteer:
        """The part of the gazetteer that concerns one country."""
        return self.of_countries([location_code])

    def of_countries(self, location_codes: Collection[str]) -> Gazetteer:
        """The part of the gazetteer that concerns some countries."""
        frames = {f.name: getattr(self, f.name) for f in fields(self)}
        own: dict[str, Any] = {
            name: frame.filter(pl.col("location_code").is_in(list(location_codes)))
            for name, frame in frames.items()
            if isinstance(frame, pl.DataFrame)
        }
        return replace(self, **own)

    def names_of(self, level: int) -> pl.DataFrame:
        """Every name of every unit of a level within its parent, with the span in which it holds.

        Returns:
            location_code, parent, name, code, status (gazetteer, name, or the crosswalk's), valid_from, valid_to.
        """
        units = self.units.filter(admin_level=level).select(
            "location_code", "code", "name_en", "name_local", parent="parent_code"
        )
        own = [
            units.select("location_code", "parent", "code", name=column, status=pl.lit("gazetteer"))
            for column in ("name_en", "name_local")
        ]
        other = self.names.select("location_code", "code", "name").join(
            units.select("location_code", "code", "parent"), on=["location_code", "code"]
        )
        provider = self.crosswalk.filter(admin_level=level).select(
            "location_code",
            "code",
            "status",
            "valid_from",
            "valid_to",
            parent="provider_parent_code",
            name="provider_name",
        )
        return pl.concat([provider, *own, other.with_columns(status=pl.lit("name"))], how="diagonal").filter(
            pl.col("name").is_not_null()
        )

    def countries(self) -> set[str]:
        return set(self.units["location_code"].unique())

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


def typed(texts: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Columns of text in the types of a schema; days are ISO."""
    return texts.select(
        pl.col(c).str.to_date("%Y-%m-%d") if t == pl.Date() else pl.col(c).cast(t) for c, t in schema.items()
    )


def read_units(folder: Path) -> pl.DataFrame:
    """Units of the countries with local names and points, and of all others as the global p-code table lists them."""
    stats = [(folder / name).stat() for name in ("gazetteer.csv", "gazetteer_world.csv")]
    return _units_of(folder, tuple((s.st_mtime_ns, s.st_size) for s in stats))


@lru_cache(maxsize=4)
def _units_of(folder: Path, marks: tuple[tuple[int, int], ...]) -> pl.DataFrame:
    """The units of files as they lie now (`marks`): 33,000 of them, read once and not for each step of a run."""
    own = pl.read_csv(folder / "gazetteer.csv", schema=UNIT_SCHEMA)
    world = pl.read_csv(folder / "gazetteer_world.csv", schema=WORLD_SCHEMA)
    others = world.with_columns(
        edition=pl.lit("cod-ab-") + pl.col("valid_from"),
        source=pl.lit(WORLD_SOURCE),
        name_local=pl.lit(None, pl.String),
        latitude=pl.lit(None, pl.Float64),
        longitude=pl.lit(None, pl.Float64),
    )
    return pl.concat([own, others.select(own.columns)])


def with_origins(categories: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Categories with every governorate as one of origin: people flee from anywhere, and a governorate is no secret.

    Args:
        categories: reference/code_lists/categories.csv; what it says of a governorate leads.
        units: units of the gazetteer, of one country or of all.
    """
    origins = units.filter(admin_level=1).select(
        dimension=pl.lit("origin"),
        category_code="code",
        label="name_en",
        dissemination=pl.lit("partner"),
        source="source",
    )
    new = origins.join(categories, on=["dimension", "category_code"], how="anti")
    return pl.concat([categories, new.select(c for c in categories.columns if c in new.columns)], how="diagonal")


def _letters_of_countries(units: pl.DataFrame, forms: pl.DataFrame) -> pl.DataFrame:
    """The form of the country in codes of COD-AB, where no list gives one: the letters of its codes, or ISO 3."""
    known = forms.filter(system="COD-AB", admin_level=0)["location_code"]
    letters = (
        units.filter(~pl.col("location_code").is_in(known.implode()))
        .select("location_code", _letters=pl.col("code").str.extract(r"^([A-Z]{2,3}?)G?\d", 1))
        .drop_nulls()
        .unique("location_code", keep="first", maintain_order=True)
    )
    return letters.select(
        "location_code",
        system=pl.lit("COD-AB"),
        admin_level=pl.lit(0, pl.Int64),
        pattern=pl.format("^({}|{})$", "_letters", "location_code"),
        note=pl.lit(None, pl.String),
        source=pl.lit(WORLD_SOURCE),
    )


def read_decisions(file: Path | None) -> pl.DataFrame:
    """The register of decisions; empty where there is none. A column that it lacks is null: it may be written by hand."""
    if file is None or not file.is_file():
        return pl.DataFrame(schema=DECISION_SCHEMA)
    told = pl.read_csv(file, infer_schema=False)
    words = told.select((pl.col(n) if n in told.columns else pl.lit(None, pl.String)).alias(n) for n in DECISION_SCHEMA)
    return words.with_columns(pl.col("decided_on").str.to_date(strict=False))
