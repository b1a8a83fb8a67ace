"""Figures of larger areas are put together from those of smaller ones, as they would be from the rows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dtm_pipeline.contracts.core import STOCK
from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.domain.stocks import stock_by_area, stock_by_areas
from tests.histories import history


def blurred(stock: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The stock with much that is unknown, mixed or doubtful, drawn from a seed."""
    rng = np.random.default_rng(seed)

    def some(share: float) -> pl.Series:
        return pl.Series(rng.random(stock.height) < share)

    def one_of(*texts: str | None) -> pl.Series:
        return pl.Series([texts[n] for n in rng.integers(0, len(texts), stock.height)], dtype=pl.String)

    unknown, no_range = some(0.2), some(0.05)
    nothing = pl.lit(None)
    return conform(
        stock.with_columns(
            pl.when(unknown).then(nothing).otherwise(pl.col(c)).alias(c)
            for c in ("individuals", "individuals_basis", "in_camp_individuals", "out_of_camp_individuals")
        ).with_columns(
            pl.when(some(0.05)).then(nothing).otherwise("households").alias("households"),
            *(
                pl.when(unknown | no_range).then(nothing).otherwise(bound).alias(bound)
                for bound in ("individuals_low", "individuals_high")
            ),
            pl.when(some(0.1)).then(nothing).otherwise("admin2_code").alias("admin2_code"),
            pl.when(some(0.3)).then(2).otherwise("admin_level").alias("admin_level"),
            pl.when(some(0.1)).then(pl.col("reference_date") - timedelta(60)).alias("carried_from"),
            boundary_edition=one_of("cod-2019", "cod-2023", None),
            operation=one_of("crisis", "crisis; drought", "drought"),
            place_basis=one_of("code", "name"),
            provider_admin2_name=one_of("Mosul", None),
            point_conflict=some(0.02),
            leads=some(0.9),
        ),
        STOCK,
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 3))
def test_governorates_from_districts_are_governorates_from_rows(seed: int, locations: int, dates: int) -> None:
    stock = blurred(history(seed, max(locations, 3), dates).stock.sample(fraction=1, shuffle=True, seed=seed), seed)
    together = stock_by_areas(stock, ("district", "governorate"), "idp")
    for level, table in together.items():
        assert table.equals(stock_by_area(stock, level, "idp")), level
