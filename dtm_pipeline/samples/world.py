"""An invented country of locations: who is there in each round, from where, in what shelter, since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer

# Governorates by the rough part of people that they host; nothing but a shape for invented figures.
HOSTS = {
    "idp": {
        "IQG15": 25,
        "IQG09": 24,
        "IQG11": 18,
        "IQG06": 11,
        "IQG13": 8,
        "IQG16": 6,
        "IQG10": 4,
        "IQG01": 3,
        "IQG08": 3,
    },
    "idp_returnee": {"IQG15": 38, "IQG01": 32, "IQG16": 15, "IQG13": 7, "IQG10": 5, "IQG08": 2, "IQG11": 1},
}
ORIGINS = ("IQG15", "IQG01", "IQG16", "IQG10", "IQG13", "IQG08", "IQG07")
ORIGIN_WEIGHTS = (55, 12, 12, 7, 7, 5, 2)
SHELTERS = {
    "idp": {
        "camp": 0.16,
        "host_family": 0.17,
        "rented_habitable": 0.42,
        "rented_uninhabitable": 0.06,
        "informal_settlement": 0.07,
        "religious_building": 0.02,
        "school": 0.01,
        "unfinished_abandoned_building": 0.05,
        "own_property": 0.03,
        "unknown": 0.01,
    },
    "idp_returnee": {
        "habitual_habitable": 0.92,
        "habitual_uninhabitable": 0.04,
        "host_family": 0.02,
        "rented_unsplit": 0.02,
    },
}
PERIODS = {
    "pre_june_2014": 0.12,
    "june_july_2014": 0.22,
    "august_2014": 0.25,
    "post_september_2014": 0.12,
    "post_april_2015": 0.1,
    "post_march_2016": 0.08,
    "post_17_october_2016": 0.09,
    "july_2017": 0.02,
}
FIRST = ("Hay", "Al", "Tal", "Kani", "Bab", "Dar", "Qalat", "Bir", "Wadi", "Rojava", "Banu", "Shari")
SECOND = (
    "Salam",
    "Nour",
    "Karama",
    "Askari",
    "Zuhur",
    "Sina'a",
    "Muallimin",
    "Shifa",
    "Wahda",
    "Jadid",
    "Rashid",
    "Andalus",
    "Qadisiya",
    "Zaytun",
)
ARABIC = (
    "حي السلام",
    "حي النور",
    "حي الكرامة",
    "الحي العسكري",
    "حي الزهور",
    "حي الصناعة",
    "حي المعلمين",
    "حي الشفاء",
    "حي الوحدة",
    "الحي الجديد",
)
SPREAD_DEGREES = 0.004
CAMP_SHARE = 0.03


@dataclass(frozen=True)
class Round:
    """The stock of one population group at one date.

    `rows`: place_id, admin1_code, admin2_code, governorate and district as the provider spells them, name, name_ar,
    latitude, longitude, households, individuals. `cells`: an array of households for each dimension and category, in
    the order of `rows`.
    """

    day: date
    group: str
    rows: pl.DataFrame
    cells: dict[str, dict[str, np.ndarray]]


def provider_districts(reference: Path) -> pl.DataFrame:
    """Every district under the provider's spelling: admin1_code, admin2_code, governorate, district, centroid."""
    gazetteer = Gazetteer.load(reference).of_country("IRQ")
    governorates = (
        gazetteer.crosswalk.filter(admin_level=1, status="same_unit")
        .unique("code", keep="first", maintain_order=True)
        .select(admin1_code="code", governorate="provider_name")
    )
    spelled = gazetteer.crosswalk.filter((pl.col("admin_level") == 2) & (pl.col("status") == "same_unit"))
    spelled = spelled.unique("code", keep="first", maintain_order=True).select(
        admin2_code="code", district="provider_name"
    )
    units = gazetteer.units.filter(admin_level=2).select(
        "latitude", "longitude", "name_en", admin1_code="parent_code", admin2_code="code"
    )
    return (
        units.join(spelled, on="admin2_code", how="left")
        .join(governorates, on="admin1_code")
        .with_columns(district=pl.coalesce("district", "name_en"))
        .sort("admin2_code")
    )


def invent(reference: Path, days: list[date], locations: int, seed: int) -> list[Round]:
    """The rounds of both groups. The same arguments give the same people."""
    rng = np.random.default_rng(seed)
    districts = provider_districts(reference)
    rounds = []
    for number, group in enumerate(("idp", "idp_returnee")):
        count = locations if group == "idp" else max(40, locations * 2 // 3)
        places = _places(rng, districts, group, count, 10_000 + number * 500_000)
        households = np.maximum(1, rng.lognormal(3.4, 1.1, count).astype(np.int64))
        households = np.where(places["camp"].to_numpy(), households * 12 + 100, households)
        there = np.ones(count, dtype=bool)
        for step, day in enumerate(days):
            if step:
                drift = 0.96 if group == "idp" else 1.03
                households = np.maximum(1, (households * rng.normal(drift, 0.08, count)).astype(np.int64))
                there &= rng.random(count) > (0.02 if group == "idp" else 0.004)
            here = places.filter(pl.Series(there)).with_columns(households=households[there])
            rounds.append(_round(rng, day, group, here))
    return rounds


def _places(rng: np.random.Generator, districts: pl.DataFrame, group: str, count: int, first_id: int) -> pl.DataFrame:
    hosts = HOSTS[group]
    weights = np.array([hosts.get(code, 0.15) for code in districts["admin1_code"]], dtype=float)
    chosen = rng.choice(districts.height, size=count, p=weights / weights.sum())
    spread = rng.uniform(-SPREAD_DEGREES, SPREAD_DEGREES, (count, 2))
    numbers = np.arange(count)
    name = [
        f"{FIRST[a]} {SECOND[b]} {n}"
        for a, b, n in zip(
            rng.integers(0, len(FIRST), count), rng.integers(0, len(SECOND), count), numbers, strict=True
        )
    ]
    drawn: pl.DataFrame = districts[chosen.tolist()]
    return drawn.with_columns(
        place_id=pl.Series((first_id + numbers).astype(str)),
        name=pl.Series(name),
        name_ar=pl.Series([ARABIC[i] for i in rng.integers(0, len(ARABIC), count)]),
        latitude=(pl.col("latitude") + pl.Series(spread[:, 0])).round(6),
        longitude=(pl.col("longitude") + pl.Series(spread[:, 1])).round(6),
        camp=pl.Series((rng.random(count) < CAMP_SHARE) & (group == "idp")),
    )


def _round(rng: np.random.Generator, day: date, group: str, here: pl.DataFrame) -> Round:
    households = here["households"].to_numpy()
    in_camp = here["camp"].to_numpy()
    shelters = SHELTERS[group]
    weights = np.array(list(shelters.values())) / sum(shelters.values())
    by_place = np.tile(weights, (here.height, 1))
    if group == "idp":
        camp = list(shelters).index("camp")
        by_place[:, camp] = 0
        by_place /= by_place.sum(axis=1, keepdims=True)
        by_place[in_camp] = 0
        by_place[in_camp, camp] = 1
    origins = np.tile(np.array(ORIGIN_WEIGHTS) / sum(ORIGIN_WEIGHTS), (here.height, 1))
    periods = np.tile(np.array(list(PERIODS.values())) / sum(PERIODS.values()), (here.height, 1))
    drawn = {
        "origin": (ORIGINS, rng.multinomial(households, origins)),
        "shelter": (tuple(shelters), rng.multinomial(households, by_place)),
        "period": (tuple(PERIODS), rng.multinomial(households, periods)),
    }
    camp_size = 5 if group == "idp" and day >= date(2020, 8, 31) else 6
    individuals = households * np.where(in_camp, camp_size, 6)
    return Round(
        day,
        group,
        here.with_columns(individuals=individuals),
        {d: {c: counts[:, i] for i, c in enumerate(codes)} for d, (codes, counts) in drawn.items()},
    )
