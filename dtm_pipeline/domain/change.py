"""Why a stock changed between two dates, as parts that sum to the change. Method: docs/method/change.md.

A change is not only movement: lists gain and lose locations, places are merged, rules of household size change.
Absence from a list alone proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dtm_pipeline.domain.aggregate import complete_sum, known_sum
from dtm_pipeline.domain.change_units import AREA, PAIR, UNITS, units_of_pairs
from dtm_pipeline.domain.household_size import SizeRule
from dtm_pipeline.domain.registers import Registers
from dtm_pipeline.domain.stocks import AREA_CODES, AREA_NAMES, LOCATION_LEVEL

PARTS = (
    "panel_change",
    "newly_listed",
    "emptied",
    "not_reassessed",
    "left_unexplained",
    "merged_or_split",
    "rule_or_category",
)
# classes of domain.md, by the least share of the panel that moved
DYNAMICS = ("stationary", "fairly_stationary", "fairly_dynamic", "dynamic")


@dataclass(frozen=True)
class ChangeRules:
    """Numbers of `[change]` in reference/thresholds.toml.

    Attributes:
        dynamics_months: span of the dynamics classes.
        dynamics_tolerance_days: how far the earlier date may lie from that span.
        dynamics_min_base_individuals: below so many people in the panel there is no class.
        dynamics_from: least shares of fairly_stationary, fairly_dynamic and dynamic.
    """

    dynamics_months: int
    dynamics_tolerance_days: int
    dynamics_min_base_individuals: int
    dynamics_from: tuple[float, float, float]


def consecutive_dates(stock: pl.DataFrame) -> pl.DataFrame:
    """Each date of a series with the one before it: PAIR. A series of one date has no pair."""
    dates = _dates(stock)
    return (
        dates.sort("series_id", "reference_date")
        .with_columns(previous_reference_date=pl.col("reference_date").shift(1).over("series_id"))
        .filter(pl.col("previous_reference_date").is_not_null())
        .select(PAIR)
    )


def _dates(stock: pl.DataFrame) -> pl.DataFrame:
    return stock.lazy().filter("leads").select("series_id", "population_group", "reference_date").unique().collect()


def dates_apart(stock: pl.DataFrame, months: int, tolerance_days: int) -> pl.DataFrame:
    """Each date of a series with the one nearest to so many months before it, within the tolerance: PAIR."""
    dates = _dates(stock)
    off = (pl.col("previous_reference_date") - pl.col("reference_date").dt.offset_by(f"-{months}mo")).dt.total_days()
    return (
        dates.join(dates.select("series_id", previous_reference_date="reference_date"), on="series_id")
        .with_columns(_off=off.abs())
        .filter((pl.col("previous_reference_date") < pl.col("reference_date")) & (pl.col("_off") <= tolerance_days))
        .sort("series_id", "reference_date", "_off", "previous_reference_date")
        .unique(["series_id", "reference_date"], keep="first", maintain_order=True)
        .select(PAIR)
    )


def change_of_districts(
    stock: pl.DataFrame, pairs: pl.DataFrame, rules: tuple[SizeRule, ...], registers: Registers
) -> pl.DataFrame:
    """The parts of the change of each district, location by location.

    What moves between districts without anybody moving, because a location was put into another or became a part of
    another location, is `merged_or_split` or `rule_or_category`, and sums to nothing over the districts.

    The effect of a household-size rule is taken at the later date's households: people by the rule of that date,
    less people by the rule of the earlier one. The other parts are in people by the earlier rule.

    Args:
        stock: rows of core_dtm__stock; pairs of which a date has no leading locations are left out.
        pairs: PAIR, as consecutive_dates or dates_apart gives them.
        rules: household-size rules.
        registers: statements on rounds and locations, and links between locations.

    Returns:
        PAIR, location_code, admin1_code, admin2_code, names; for households and individuals `previous_*`, `current_*`
        and each part of PARTS; `panel_previous_*` and `panel_current_*` of locations assessed at both dates;
        `panel_locations`; `dynamics_base` and `dynamics_moved`: people of those locations at the earlier date, and how
        many more or fewer they are, stated zeros included, by the earlier size rule; `previous_known_*` and
        `current_known_*`: rows in which the unit is known; `previous_rows`, `current_rows`.
    """
    units, numbered, areas = units_of_pairs(stock, pairs, rules, registers)
    return (
        _parts(units)
        .group_by("_pair", "_area")
        .agg(pl.all().sum())
        .join(numbered, on="_pair")
        .join(areas, on="_area")
        .drop("_pair", "_area")
    )


def _parts(told: pl.DataFrame) -> pl.DataFrame:
    """The parts of units, or of sums of units to which the same happened.

    Args:
        told: as units_of_pairs gives them.
    """
    stays = (pl.col("_whole_previous_rows") > 0) & (pl.col("_whole_current_rows") > 0)
    came = pl.col("_whole_previous_rows") == 0
    gone = pl.col("_whole_current_rows") == 0
    empty_now = (pl.col("_whole_current_households") == 0) & (pl.col("_whole_current_individuals") == 0)
    linked = pl.col("_moved") & stays
    made = []
    for unit in UNITS:
        effect = pl.col("_effect") if unit == "individuals" else pl.lit(0, pl.Int64)
        whole_effect = pl.col("_whole__effect") if unit == "individuals" else pl.lit(0, pl.Int64)
        change = pl.col(f"current_{unit}") - pl.col(f"previous_{unit}")
        moved = pl.col(f"_whole_current_{unit}") - pl.col(f"_whole_previous_{unit}") - whole_effect
        # of a unit in several areas its home takes what really changed; the rest only changed its area
        panel = pl.when(stays & pl.col("_home")).then(moved).otherwise(0)
        between = pl.when(stays).then(change - effect - panel).otherwise(0)
        left = pl.when(gone).then(change).otherwise(0)
        reason = pl.col("_whole_reason")
        parts = {
            "panel_change": pl.when(empty_now).then(0).otherwise(panel),
            "newly_listed": pl.when(came).then(change - effect).otherwise(0),
            "emptied": pl.when(stays & empty_now).then(panel).when(reason == "emptied").then(left).otherwise(0),
            "not_reassessed": pl.when(reason == "not_reassessed").then(left).otherwise(0),
            "left_unexplained": pl.when(reason.is_null()).then(left).otherwise(0),
            "merged_or_split": pl.when(linked).then(between).otherwise(0),
            "rule_or_category": pl.when(gone).then(0).otherwise(effect) + pl.when(linked).then(0).otherwise(between),
        }
        made += [part.cast(pl.Int64).alias(f"{name}_{unit}") for name, part in parts.items()]
        seen = stays & ~pl.col("_carried")
        made += [
            pl.when(seen).then(f"{side}_{unit}").otherwise(0).alias(f"panel_{side}_{unit}")
            for side in ("previous", "current")
        ]
    # what the locations assessed at both dates held, and what moved there, where each stands now
    assessed = stays & ~pl.col("_carried") & pl.col("_home")
    moved_there = (
        pl.col("_whole_current_individuals") - pl.col("_whole_previous_individuals") - pl.col("_whole__effect")
    )
    made += [
        pl.when(assessed).then("_whole_previous_individuals").otherwise(0).alias("dynamics_base"),
        pl.when(assessed).then(moved_there).otherwise(0).alias("dynamics_moved"),
    ]
    panel_locations = pl.when(assessed).then("_units").otherwise(0).cast(pl.Int64)
    return told.with_columns(*made, panel_locations=panel_locations).select(
        "_pair",
        "_area",
        *(f"{side}_{unit}" for unit in UNITS for side in ("previous", "current", "panel_previous", "panel_current")),
        *(f"{name}_{unit}" for unit in UNITS for name in PARTS),
        *(f"{side}_known_{unit}" for unit in UNITS for side in ("previous", "current")),
        "previous_rows",
        "current_rows",
        "panel_locations",
        "dynamics_base",
        "dynamics_moved",
    )


def change_by_area(stock: pl.DataFrame, districts: pl.DataFrame, pairs: pl.DataFrame, level: str) -> pl.DataFrame:
    """Previous, current, change and its parts of each area; the parts are null where a date has no locations.

    Args:
        stock: rows of core_dtm__stock.
        districts: as change_of_districts gives them, for these pairs and perhaps others.
        pairs: PAIR.
        level: `governorate` or `district`.

    Returns:
        PAIR, place columns, `previous_*`, `current_*`, `change_*` and each part, in households and individuals,
        panel_locations, covered_share: the part of the people of both dates who are in locations assessed at both.
    """
    area = [*PAIR, *AREA_CODES[level]]
    districts = districts.join(pairs, on=list(PAIR), how="semi")
    located = (
        districts.group_by(area)
        .agg(
            *(pl.col(c).drop_nulls().min() for c in AREA_NAMES[level]),
            *(pl.col(c).sum() for c in districts.columns if c not in (*PAIR, *AREA, *AREA_NAMES["district"])),
        )
        .with_columns(*_of_both("previous"), *_of_both("current"))
        .with_columns(_located_change())
    )
    known = districts.select(PAIR).unique()
    rest = pairs.join(known, on=list(PAIR), how="anti")
    areas = located if rest.is_empty() else pl.concat([located, _aggregate_change(stock, rest, level)], how="diagonal")
    unit = (
        pl.when(pl.col("change_individuals").is_not_null()).then(pl.lit("individuals")).otherwise(pl.lit("households"))
    )
    total, panel = (
        pl.when(unit == "individuals")
        .then(pl.sum_horizontal(f"{p}previous_individuals", f"{p}current_individuals"))
        .otherwise(pl.sum_horizontal(f"{p}previous_households", f"{p}current_households"))
        for p in ("", "panel_")
    )
    return areas.with_columns(
        covered_share=pl.when(pl.col("panel_locations").is_not_null() & (total > 0)).then(panel / total)
    ).sort(*area)


def _of_both(side: str) -> list[pl.Expr]:
    """The figure of a date: null where the area is not in its list, or no row of it knows the unit."""
    return [
        pl.when(pl.col(f"{side}_known_{unit}") > 0).then(f"{side}_{unit}").alias(f"{side}_{unit}") for unit in UNITS
    ]


def _unknown(unit: str) -> pl.Expr:
    """Whether people of a location are not known at either date: what they changed by is not either."""
    return pl.any_horizontal(
        pl.col(f"{side}_rows") > pl.col(f"{side}_known_{unit}") for side in ("previous", "current")
    )


def _located_change() -> list[pl.Expr]:
    """The change of what is listed, and its parts: null where a date lists a location whose unit nobody knows."""
    made = []
    for unit in UNITS:
        unknown = _unknown(unit)
        change = pl.col(f"current_{unit}").fill_null(0) - pl.col(f"previous_{unit}").fill_null(0)
        made.append(pl.when(~unknown).then(change).alias(f"change_{unit}"))
        made += [pl.when(~unknown).then(f"{part}_{unit}").alias(f"{part}_{unit}") for part in PARTS]
    return made


def _aggregate_change(stock: pl.DataFrame, pairs: pl.DataFrame, level: str) -> pl.DataFrame:
    """Areas of pairs without locations: both figures, and their difference where both are known."""
    area = list(AREA_CODES[level])
    sums = (
        stock.filter("leads")
        .join(
            pl.concat(
                [
                    pairs.select("series_id", "reference_date"),
                    pairs.select("series_id", reference_date="previous_reference_date"),
                ]
            ).unique(),
            on=["series_id", "reference_date"],
            how="semi",
        )
        .group_by("series_id", "reference_date", *area)
        .agg(*(pl.col(c).drop_nulls().min() for c in AREA_NAMES[level]), *(known_sum(u) for u in UNITS))
    )
    now, then = (
        pairs.join(sums, left_on=["series_id", day], right_on=["series_id", "reference_date"]).rename(
            {unit: f"{side}_{unit}" for unit in UNITS}
        )
        for day, side in (("reference_date", "current"), ("previous_reference_date", "previous"))
    )
    names = AREA_NAMES[level]
    return (
        now.join(then, on=[*PAIR, *area], how="full", coalesce=True, nulls_equal=True, suffix="_then")
        .with_columns(
            *(pl.coalesce(c, f"{c}_then") for c in names),
            *((pl.col(f"current_{u}") - pl.col(f"previous_{u}")).alias(f"change_{u}") for u in UNITS),
        )
        .drop(f"{c}_then" for c in names)
    )


def with_dynamics(
    change: pl.DataFrame, districts: pl.DataFrame, pairs: pl.DataFrame, level: str, rules: ChangeRules
) -> pl.DataFrame:
    """Areas with their dynamics over the span of the rules, by the size of the panel's change (domain.md).

    Args:
        change: as change_by_area gives it.
        districts: as change_of_districts gives them, for these pairs and perhaps others.
        pairs: PAIR of dates_apart.
        level: that of `change`.
        rules: span, minimum base, and the least share of each class.

    Returns:
        The rows with dynamics_previous_date, dynamics_panel_share (signed) and dynamics_class; null where the span has
        no date, the areas no panel, the panel fewer people than the base, or people of a location are not known.
    """
    key = ["series_id", "reference_date", *AREA_CODES[level]]
    base = pl.col("dynamics_base")
    share = pl.col("dynamics_moved") / base
    least = rules.dynamics_from
    name = pl.lit(DYNAMICS[0])
    for label, floor in zip(DYNAMICS[1:], least, strict=True):
        name = pl.when(share.abs() > floor).then(pl.lit(label)).otherwise(name)
    told = (
        districts.join(pairs, on=list(PAIR), how="semi")
        .group_by(*key, "previous_reference_date")
        .agg(base.sum(), pl.col("dynamics_moved").sum(), _unknown=_unknown("individuals").any())
        .filter(~pl.col("_unknown") & (base >= rules.dynamics_min_base_individuals))
        .select(*key, dynamics_previous_date="previous_reference_date", dynamics_panel_share=share, dynamics_class=name)
    )
    return change.join(told, on=key, how="left", nulls_equal=True)


def comparable_panel(stock: pl.DataFrame, months: int, tolerance_days: int, level: str) -> pl.DataFrame:
    """The people of those locations that every date of a span lists, date by date.

    The span of a series ends at its newest date with locations. Nothing but movement and rules can change these figures.

    Args:
        stock: rows of core_dtm__stock.
        months, tolerance_days: the span reaches so far back.
        level: `governorate` or `district`; a location stands where the newest date puts it.

    Returns:
        series_id, population_group, reference_date, panel_from, panel_to, place columns, locations, households,
        individuals.
    """
    listed = stock.filter(
        pl.col("leads")
        & (pl.col("admin_level") == LOCATION_LEVEL)
        & pl.col("carried_from").is_null()
        & pl.col("place_id").is_not_null()
    )
    newest = pl.col("reference_date").max().over("series_id")
    first = newest.dt.offset_by(f"-{months}mo").dt.offset_by(f"-{tolerance_days}d")
    span = listed.filter(pl.col("reference_date") >= first)
    dates = span.group_by("series_id").agg(
        panel_from=pl.col("reference_date").min(),
        panel_to=pl.col("reference_date").max(),
        _dates=pl.col("reference_date").n_unique(),
    )
    at = ["series_id", "place_id"]
    whole = (
        span.group_by(at)
        .agg(_listed=pl.col("reference_date").n_unique())
        .join(dates, on="series_id")
        .filter((pl.col("_listed") == pl.col("_dates")) & (pl.col("_dates") > 1))
        .drop("_listed", "_dates")
    )
    stands = (
        span.sort("reference_date")
        .group_by(at)
        .agg(pl.col(c).last() for c in (*AREA_CODES["district"], *AREA_NAMES["district"]))
    )
    rows = span.drop(*AREA_CODES["district"], *AREA_NAMES["district"]).join(whole, on=at).join(stands, on=at)
    key = ["series_id", "population_group", "reference_date", "panel_from", "panel_to", *AREA_CODES[level]]
    return (
        rows.group_by(key)
        .agg(
            *(pl.col(c).drop_nulls().min() for c in AREA_NAMES[level]),
            *(complete_sum(u) for u in UNITS),
            locations=pl.col("place_id").n_unique().cast(pl.Int64),
        )
        .sort(key)
    )
