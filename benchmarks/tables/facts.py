"""Core facts of invented countries, as a home keeps them: locations of IDPs and returnees on many dates.

python benchmarks/tables/facts.py HOME --locations 5000 --dates 12
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dtm_pipeline.contracts import core, raw
from dtm_pipeline.contracts.derive import conform, empty
from dtm_pipeline.domain.household_size import with_individuals
from dtm_pipeline.domain.severity import score_locations, score_scales
from dtm_pipeline.facts.breakdown import breakdown_facts
from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.tables import stored, write_table

COUNTRIES = {"IRQ": ("idp", "idp_returnee"), "SYR": ("idp", "idp_returnee")}
SERIES = {("IRQ", "idp"): "irq_idp", ("IRQ", "idp_returnee"): "irq_returnee"}
CATEGORIES = {
    "shelter": ("camp", "host_family", "rented_habitable", "informal_settlement", "school", "unknown"),
    "period": ("pre_june_2014", "june_july_2014", "august_2014", "post_april_2015", "post_march_2016"),
}


def months(count: int) -> list[date]:
    return [date(2020 + n // 6, 2 * (n % 6) + 1, 28) for n in range(count)]


def stock_of(country: str, group: str, locations: int, days: list[date], rng: np.random.Generator) -> pl.DataFrame:
    """Leading stock rows of a group on every date: locations come, go and shrink; a few change district."""
    units = Gazetteer.load().of_country(country).districts()
    series = SERIES.get((country, group), f"{country.lower()}_{group}")
    locations = round(locations / 0.88)  # so many that about those asked for are listed on each date
    home = rng.integers(0, units.height, locations)
    camp = rng.random(locations) < 0.05
    people = np.maximum(1, rng.lognormal(3.4, 1.1, locations).astype(int))
    listed = rng.random(locations) < 0.9
    parts = []
    for day in days:
        listed = np.where(listed, rng.random(locations) > 0.03, rng.random(locations) < 0.2)
        people = np.maximum(0, (people * rng.normal(0.98, 0.1, locations)).astype(int))
        home = np.where(rng.random(locations) < 0.002, rng.integers(0, units.height, locations), home)
        here = np.flatnonzero(listed)
        rows = units[home[here].tolist()].with_columns(
            place_id=pl.Series([f"{country}{group}{n}" for n in here]),
            households=pl.Series(people[here]),
            camp_households=pl.Series(np.where(camp[here], people[here], 0)),
            reference_date=pl.lit(day),
            source_row=pl.int_range(pl.len()) + 2,
            snapshot_id=pl.lit(hashlib.sha256(f"{series}-{day}".encode()).hexdigest()),
        )
        parts.append(rows)
    frame = pl.concat(parts).with_columns(
        population_group=pl.lit(group),
        series_id=pl.lit(series),
        individuals=pl.lit(None, pl.Int64),
        camp_individuals=pl.lit(None, pl.Int64),
        source_kind=pl.lit("master_list"),
        admin_level=pl.lit(4, pl.Int64),
        place_basis=pl.lit("name"),
        boundary_edition=pl.lit("cod"),
        leads=pl.lit(True),
        why=pl.lit("leads: the only source"),
        source_reference_date="reference_date",
        last_verified_date="reference_date",
    )
    return conform(with_individuals(frame, Reference(Settings().reference).size_rules), core.STOCK)


def cells_of(stock: pl.DataFrame, governorates: list[str], rng: np.random.Generator) -> list[pl.DataFrame]:
    """Cells of every row by origin, shelter and period, which sum to its households."""
    wide = {"origin": tuple(governorates[:8]), **CATEGORIES}
    frames = []
    for rows in stock.partition_by("snapshot_id"):
        told = [empty(raw.MASTER_LIST_CELL)]
        for dimension, codes in wide.items():
            # some categories are rare, so that small cells are there to be pooled
            shares = 0.4 ** np.arange(len(codes))
            counts = rng.multinomial(rows["households"].to_numpy(), shares / shares.sum())
            for n, code in enumerate(codes):
                told.append(
                    conform(
                        rows.select("snapshot_id", "source_sheet", "source_row").with_columns(
                            dimension=pl.lit(dimension),
                            category_code=pl.lit(code),
                            unit=pl.lit("households"),
                            value=pl.Series(counts[:, n]),
                        ),
                        raw.MASTER_LIST_CELL,
                    )
                )
        frames.append(pl.concat(told).filter(pl.col("value") > 0))
    return frames


def severity_of(stock: pl.DataFrame, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """A survey of every returnee location at the newest date, scored by the shipped model."""
    reference = Reference(Settings().reference)
    country = stock["location_code"][0]
    index = "return_conditions" if country == "IRQ" else "communities_of_return"
    model = reference.severity_model(index)
    rows = stock.filter(
        pl.col("population_group") == "idp_returnee",
        pl.col("reference_date") == pl.col("reference_date").max(),
    ).with_columns(index_name=pl.lit(index), model_version=pl.lit(model.model_version))
    key = ["series_id", "reference_date", "index_name", "model_version", "place_id"]
    values = pl.concat(
        rows.select(key).with_columns(
            indicator_code=pl.lit(i.code), value=pl.Series(rng.choice(list(i.answers.values()), rows.height))
        )
        for i in model.indicators
    )
    scored = rows.join(score_locations(values, model), on=key)
    return {
        core.SEVERITY.name: conform(scored, core.SEVERITY),
        core.SEVERITY_SCALE.name: conform(score_scales(values, model), core.SEVERITY_SCALE),
        core.SEVERITY_VALUE.name: conform(values, core.SEVERITY_VALUE),
    }


def totals_of(stock: pl.DataFrame) -> pl.DataFrame:
    key = ["location_code", "series_id", "population_group", "reference_date", "source_kind", "admin_level"]
    return conform(
        stock.group_by(key).agg(
            pl.col("leads").first(),
            pl.col("why").first(),
            pl.len().alias("rows"),
            pl.col("households").sum(),
            pl.col("individuals").sum(),
            pl.col("snapshot_id").unique().sort().alias("snapshot_ids"),
            held=pl.lit(False),
        ),
        core.SOURCE_TOTAL,
    )


def make_facts(home: Home, locations: int, dates: int, seed: int = 7) -> None:
    """Write the core facts of the countries into the warehouse of a home."""
    rng = np.random.default_rng(seed)
    rules = Reference(Settings().reference).size_rules
    for country, groups in COUNTRIES.items():
        days = months(dates)
        shares = dict(zip(groups, (0.6, 0.4), strict=True))
        stock = pl.concat([stock_of(country, g, int(locations * shares[g]), days, rng) for g in groups])
        governorates = sorted(stock["admin1_code"].unique().to_list())
        breakdown, _ = breakdown_facts(stock, cells_of(stock, governorates, rng), rules)
        made = {
            core.STOCK.name: stock,
            core.SOURCE_TOTAL.name: totals_of(stock),
            core.BREAKDOWN.name: breakdown,
            **severity_of(stock, rng),
        }
        for (snapshot,), rows in stock.partition_by("snapshot_id", as_dict=True).items():
            delivered = conform(rows.with_columns(individuals=pl.lit(None, pl.Int64)), raw.MASTER_LIST)
            write_table(delivered, raw.MASTER_LIST, stored(home.warehouse, raw.MASTER_LIST).path(str(snapshot)))
        for declared in core.TABLES:
            frame = made.get(declared.name, empty(declared))
            write_table(frame, declared, stored(home.warehouse, declared).path(country))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--locations", type=int, default=5_000)
    parser.add_argument("--dates", type=int, default=12)
    arguments = parser.parse_args()
    make_facts(Home(arguments.home).create(), arguments.locations, arguments.dates)


if __name__ == "__main__":
    main()
