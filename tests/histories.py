"""Random histories of a country: locations that are listed, emptied, moved, merged and lost over dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from dtm_pipeline.contracts.core import STOCK
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.household_size import SizeRule, with_individuals
from dtm_pipeline.domain.registers import LINK_SCHEMA, Registers
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference

DATES = [date(2019 + m // 6, 2 * (m % 6) + 1, 28) for m in range(12)]
RULES: tuple[SizeRule, ...] = Reference(Settings().reference).size_rules
GROUPS = {"irq_idp": "idp", "irq_returnee": "idp_returnee"}
STATEMENT_SCHEMA = {
    "location_code": pl.String,
    "place_id": pl.String,
    "admin_code": pl.String,
    "population_group": pl.String,
    "statement": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "source": pl.String,
}
ROUND_SCHEMA = {"series_id": pl.String, "reference_date": pl.Date, "statement": pl.String, "source": pl.String}


def registers(
    rounds: list[tuple[object, ...]] | None = None,
    locations: list[tuple[object, ...]] | None = None,
    links: list[tuple[object, ...]] | None = None,
) -> Registers:
    """Registers of statements, empty where nothing is given."""
    return Registers(
        pl.DataFrame(rounds or [], schema=ROUND_SCHEMA, orient="row"),
        pl.DataFrame(locations or [], schema=STATEMENT_SCHEMA, orient="row"),
        pl.DataFrame(links or [], schema=LINK_SCHEMA, orient="row"),
    )


NOTHING_TOLD = registers()


@dataclass(frozen=True)
class History:
    """Stock rows of every date, and what is on record of them."""

    stock: pl.DataFrame
    registers: Registers


def stock_rows(*told: tuple[str | None, str, date, int | None], series: str = "irq_idp", camp: int = 0) -> pl.DataFrame:
    """Rows of core_dtm__stock: place, district, date, households; people by the rules."""
    frame = pl.DataFrame(
        [(p, d, day, h) for p, d, day, h in told],
        schema={"place_id": pl.String, "admin2_code": pl.String, "reference_date": pl.Date, "households": pl.Int64},
        orient="row",
    )
    return as_stock(frame.with_columns(camp_households=pl.lit(camp, pl.Int64)), series)


def as_stock(frame: pl.DataFrame, series: str) -> pl.DataFrame:
    """The columns of core_dtm__stock from place_id, admin2_code, reference_date, households, camp_households."""
    sized = with_individuals(
        frame.with_columns(
            location_code=pl.lit("IRQ"),
            population_group=pl.lit(GROUPS[series]),
            individuals=pl.lit(None, pl.Int64),
            camp_individuals=pl.lit(None, pl.Int64),
        ),
        RULES,
    )
    return conform(
        sized.with_columns(
            snapshot_id=pl.format("{}{}", pl.lit(series), pl.col("reference_date")),
            source_row=pl.int_range(pl.len()) + 2,
            source_kind=pl.lit("master_list"),
            admin_level=pl.lit(4, pl.Int64),
            series_id=pl.lit(series),
            source_reference_date="reference_date",
            last_verified_date="reference_date",
            admin1_code=pl.col("admin2_code").str.head(5),
            admin1_name=pl.col("admin2_code").str.head(5),
            admin2_name="admin2_code",
            place_basis=pl.lit("code"),
            leads=pl.lit(True),
            why=pl.lit("leads: the only source"),
        ),
        STOCK,
    )


def history(seed: int, locations: int = 300, dates: int = 12) -> History:
    """A history drawn from a seed: listing, camps, redistricting, merging, closures, complete and silent rounds."""
    rng = np.random.default_rng(seed)
    districts = np.array([f"IQG{g:02}Q{q:02}" for g in range(1, 5) for q in range(1, 4)])
    frames, statements, rounds, links = [], [], [], []
    for series in GROUPS:
        home = rng.integers(0, len(districts), locations)
        camp = rng.random(locations) < 0.2
        listed = rng.random(locations) < 0.6
        people = rng.integers(0, 400, locations)
        for day in DATES[:dates]:
            listed = np.where(listed, rng.random(locations) > 0.1, rng.random(locations) < 0.1)
            if rng.random() < 0.1:
                listed[:] = rng.random() < 0.5  # all gone, or all there
            home = np.where(rng.random(locations) < 0.02, rng.integers(0, len(districts), locations), home)
            people = np.maximum(0, (people * rng.normal(1, 0.3, locations)).astype(int))
            here = np.flatnonzero(listed)
            frames.append(
                as_stock(
                    pl.DataFrame(
                        {
                            "place_id": [None if n % 97 == 5 else f"p{n}" for n in here],
                            "admin2_code": districts[home[here]].tolist(),
                            "reference_date": [day] * len(here),
                            "households": people[here],
                            "camp_households": np.where(camp[here], people[here], 0),
                        },
                        schema={
                            "place_id": pl.String,
                            "admin2_code": pl.String,
                            "reference_date": pl.Date,
                            "households": pl.Int64,
                            "camp_households": pl.Int64,
                        },
                    ),
                    series,
                )
            )
            if rng.random() < 0.3:
                rounds.append((series, day, "complete", "test"))
            for n in rng.choice(locations, 3, replace=False):
                told = str(rng.choice(["closed", "not_reassessed"]))
                statements.append(("IRQ", f"p{n}", None, None, told, day, None, "test"))
            one, other = rng.choice(locations, 2, replace=False)
            links.append(("IRQ", f"p{one}", "merged_into", f"p{other}", day, "test"))
    return History(pl.concat(frames), registers(rounds, statements, links))
