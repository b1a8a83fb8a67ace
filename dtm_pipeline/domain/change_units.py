"""What happened to each location between two dates, before it is told as parts of a change (change.py).

A unit is a location, or several that a link makes one.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.household_size import SizeRule, with_sizes
from dtm_pipeline.domain.registers import CLOSED, Registers, with_statements
from dtm_pipeline.domain.stocks import AREA_CODES, AREA_NAMES, LOCATION_LEVEL

UNITS = ("households", "individuals")
PAIR = ("series_id", "population_group", "previous_reference_date", "reference_date")
ROUND = ("location_code", "series_id", "population_group", "reference_date")
AREA = AREA_CODES["district"]
PREVIOUS = ("previous_rows", "previous_households", "previous_individuals")
CURRENT = ("current_rows", "current_households", "current_individuals")
SUMMED = (*PREVIOUS, *CURRENT, "_effect")
OWN = ("location_code", "_pair", "_unit", "_area", "_carried")
# parts that a statement makes of an absence
REASONS = pl.Enum(["emptied", "not_reassessed"])


def units_of_pairs(
    stock: pl.DataFrame, pairs: pl.DataFrame, rules: tuple[SizeRule, ...], registers: Registers
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Units of each pair of dates and area, or sums of those to which the same happened.

    Most units stand in one row of each date and in one area: two joins tell them, and they are summed at once. The
    others, a few in a hundred, are told one by one.

    Args:
        stock: rows of core_dtm__stock.
        pairs: PAIR.
        rules: household-size rules.
        registers: statements on rounds and locations, and links between locations.

    Returns:
        Units: `_pair`, `_area`, sums of SUMMED in the area (`_effect`: people that a changed size rule alone adds), the
        same of the unit over all its areas as `_whole_*`, `*_known_*`, `_home` (whether the area is the unit's own),
        `_moved` (whether a link made it), `_carried`, `_whole_reason` (REASONS) and `_units`, how many they are.
        Pairs both of whose dates have locations: `_pair`, PAIR. Areas: `_area`, codes and names.
    """
    listed = stock.filter(pl.col("leads") & (pl.col("admin_level") == LOCATION_LEVEL))
    names = [pl.col(c).min() for c in AREA_NAMES["district"]]
    lists = listed.lazy().group_by(*ROUND, *AREA[1:]).agg(names).collect()
    rounds = lists.select(ROUND).unique().with_row_index("_round")
    # in the order of codes, which decides where a unit belongs whose areas have as many people
    areas = lists.group_by(AREA).agg(names).sort(AREA, nulls_last=True).with_row_index("_area")
    numbered = _located(pairs, rounds).with_row_index("_pair")
    numbers = lists.join(rounds, on=list(ROUND)).join(areas.select("_area", *AREA), on=list(AREA), nulls_equal=True)
    # what only statements on locations ask for is kept where there are any
    stated = ("place_id", *AREA[1:]) if registers.locations.height else ()
    rows = _with_special(_numbered_rows(listed, numbers, stated), registers.links)
    then = _with_complete(_dated(numbered, rounds, "previous_reference_date"), registers)
    now = _with_sizes_then_and_now(_dated(numbered, rounds, "reference_date"), rules)

    def sides(mine: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        before = _with_reasons(_side(mine, then, "previous"), registers).select(*OWN, "_reason", *PREVIOUS)
        after = _side(mine, now, "current").select(*OWN, _rule_effect().alias("_effect"), *CURRENT)
        return before.collect(), after.collect()

    plain = _plain_units(*sides(rows.filter(~pl.col("_special"))))
    others = _units_told_apart(*sides(rows.filter("_special")), numbered, registers.links)
    return pl.concat([plain, others], how="diagonal"), numbered, areas


def _located(pairs: pl.DataFrame, rounds: pl.DataFrame) -> pl.DataFrame:
    """Pairs both of whose dates have locations."""
    then = rounds.rename({"reference_date": "previous_reference_date"})
    return pairs.join(rounds, on=["series_id", "reference_date"], how="semi").join(
        then, on=["series_id", "previous_reference_date"], how="semi"
    )


def _numbered_rows(listed: pl.DataFrame, numbers: pl.DataFrame, also: tuple[str, ...]) -> pl.DataFrame:
    """Rows with numbers of their round, unit and area: joins and groups over numbers cost a fraction of text."""
    alone = pl.format("{}:{}:{}", "snapshot_id", pl.col("source_sheet").fill_null(""), "source_row")
    named = pl.when(pl.col("place_id").is_null()).then(alone).otherwise("place_id")
    key = [*ROUND, *AREA[1:]]
    return (
        listed.lazy()
        .with_columns(_unit=named.cast(pl.Categorical), _carried=pl.col("carried_from").is_not_null())
        .join(numbers.lazy().select(*key, "_round", "_area"), on=key, nulls_equal=True)
        .select("_round", "_unit", "_area", "_carried", *also, *UNITS, "individuals_basis", "in_camp_individuals")
        .collect()
    )


def _with_special(rows: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Rows with `_special`: of units in several rows of a date, in several areas over time, or in a link."""
    listing = pl.col("_round").cast(pl.UInt64) * 2**32 + pl.col("_unit").to_physical()
    once = rows.select(listing.n_unique()).item() == rows.height
    repeated = rows.clear()["_unit"] if once else rows.filter(listing.is_duplicated())["_unit"]
    areas = rows.group_by("_unit").agg(_moves=pl.col("_area").min() != pl.col("_area").max())
    linked = (links[c].cast(pl.Categorical) for c in ("place_id", "other_place_id"))
    special = pl.concat([repeated, areas.filter("_moves")["_unit"], *linked]).unique()
    return rows.with_columns(_special=pl.col("_unit").is_in(special.implode()))


def _dated(pairs: pl.DataFrame, rounds: pl.DataFrame, day: str) -> pl.DataFrame:
    """Pairs with the number and country of the round of one of their dates."""
    told = rounds.select("_round", "series_id", "location_code", pl.col("reference_date").alias(day))
    return pairs.join(told, on=["series_id", day])


def _side(rows: pl.DataFrame, dated: pl.DataFrame, side: str) -> pl.LazyFrame:
    """Rows of one date of each pair, and for the other date nothing."""
    return (
        rows.lazy()
        .join(dated.lazy(), on="_round")
        .rename({unit: f"{side}_{unit}" for unit in UNITS})
        .with_columns(pl.lit(1, pl.Int64).alias(f"{side}_rows"))
    )


def _with_sizes_then_and_now(dated: pl.DataFrame, rules: tuple[SizeRule, ...]) -> pl.DataFrame:
    """Pairs with the sizes of a household by the rules of both dates; null where none applies."""
    then = with_sizes(dated.with_columns(reference_date="previous_reference_date"), rules)
    now = with_sizes(dated, rules)
    return dated.with_columns(
        _then_in=then["size_in_camp"], _then_out=then["size_out_of_camp"], _now_in=now["size_in_camp"]
    )


def _rule_effect() -> pl.Expr:
    """People that a changed rule of household size alone adds: null where the figures follow no rule."""
    camp = (pl.col("in_camp_individuals") / pl.col("_now_in")).round(0).cast(pl.Int64).fill_null(0)
    restated = camp * pl.col("_then_in") + (pl.col("current_households") - camp) * pl.col("_then_out")
    # rounded as the people themselves are, so that a rule that stays has no effect
    effect = pl.col("current_individuals") - restated.round(0).cast(pl.Int64)
    return pl.when(pl.col("individuals_basis") == "rule").then(effect)


def _with_complete(dated: pl.DataFrame, registers: Registers) -> pl.DataFrame:
    """Pairs with `_complete`: whether the round of the later date is stated to list every location."""
    complete = registers.rounds.filter(statement="complete").select("series_id", "reference_date", _complete=True)
    told = dated.join(complete.unique(), on=["series_id", "reference_date"], how="left")
    return told.with_columns(pl.col("_complete").fill_null(False))


def _with_reasons(before: pl.LazyFrame, registers: Registers) -> pl.LazyFrame:
    """Why a location of the earlier date may be absent at the later one: emptied or not_reassessed, else null."""
    told = with_statements(before, registers.locations)
    by_location = pl.when(pl.col("says") == CLOSED).then(pl.lit("emptied")).otherwise("says")
    by_round = pl.when("_complete").then(pl.lit("emptied"))
    return told.with_columns(_reason=pl.coalesce(by_location, by_round).cast(REASONS))


def _linked(side: pl.DataFrame, pairs: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Rows with the unit that merged and split locations share in a pair whose dates lie around the event."""
    if links.is_empty():
        return side.with_columns(_moved=pl.lit(False))
    named = {"_unit": pl.col("place_id"), "_other": pl.col("other_place_id")}
    told = links.select("location_code", _on="reference_date", **{n: c.cast(pl.Categorical) for n, c in named.items()})
    ends = pairs.join(told, how="cross").filter(
        (pl.col("_on") > pl.col("previous_reference_date")) & (pl.col("_on") <= pl.col("reference_date"))
    )
    key = ["location_code", "_pair"]
    chain = ends.select(*key, "_unit", "_other").unique([*key, "_unit"], keep="first", maintain_order=True)
    # a place merged into one that was itself merged belongs to the last of them: as many steps as there are links
    for _ in range(links.height):
        further = chain.select(*key, pl.col("_unit").alias("_other"), pl.col("_other").alias("_last"))
        longer = chain.join(further, on=[*key, "_other"], how="left")
        if longer["_last"].null_count() == longer.height:
            break
        chain = longer.with_columns(_other=pl.coalesce("_last", "_other")).drop("_last")
    heads = chain.select(*key, _unit="_other", _other="_other").unique()
    chain = pl.concat([chain, heads]).unique([*key, "_unit"], keep="first", maintain_order=True)
    return (
        side.join(chain, on=[*key, "_unit"], how="left")
        .with_columns(_moved=pl.col("_other").is_not_null(), _unit=pl.coalesce("_other", "_unit"))
        .drop("_other")
    )


def _plain_units(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Units of one row a date and one area: sums of those of a pair and area to which the same happened."""
    # one number for both: a join on it takes a third of the time of one on two
    unit = (pl.col("_pair").cast(pl.UInt64) * 2**32 + pl.col("_unit").to_physical()).alias("_key")
    then = before.select(unit, "_pair", "_area", "_carried", "_reason", *PREVIOUS)
    now = after.select(unit, "_pair", "_area", "_carried", "_effect", *CURRENT)
    met = then.join(now.drop("_pair", "_area"), on="_key", how="left", suffix="_now")
    came = now.join(then, on="_key", how="anti")
    none = ((pl.col(f"current_{unit}").fill_null(0) == 0).alias(f"_no_{unit}") for unit in UNITS)
    happened = (pl.col(rows).is_not_null().alias(f"_in_{rows}") for rows in ("previous_rows", "current_rows"))
    either = pl.col("_carried") | pl.col("_carried_now").fill_null(False)
    return (
        pl.concat([met.with_columns(_carried=either), came], how="diagonal")
        .group_by("_pair", "_area", "_carried", "_reason", *happened, *none)
        .agg(pl.col(*SUMMED).sum(), *_known(), _units=pl.len())
        .with_columns(
            *(pl.col(c).alias(f"_whole_{c}") for c in SUMMED),
            _home=pl.lit(True),
            _moved=pl.lit(False),
            _whole_reason="_reason",
        )
    )


def _known() -> list[pl.Expr]:
    """In how many rows each amount is known."""
    return [pl.col(f"{side}_{u}").count().alias(f"{side}_known_{u}") for side in ("previous", "current") for u in UNITS]


def _units_told_apart(
    before: pl.DataFrame, after: pl.DataFrame, pairs: pl.DataFrame, links: pl.DataFrame
) -> pl.DataFrame:
    """Each unit of a pair and area with what the unit is as a whole, over its rows, areas and links."""
    sides = pl.concat([_linked(before, pairs, links), _linked(after, pairs, links)], how="diagonal")
    over = ["_pair", "_unit"]
    # the area in which the unit stands now, with most people where there are several, counts as the panel's
    here = [pl.col("current_rows") > 0, pl.col("current_individuals"), pl.col("current_households")]
    return (
        sides.group_by(*over, "_area")
        .agg(
            pl.col(*SUMMED).sum(),
            *_known(),
            *(pl.col(c).max() for c in ("_moved", "_carried")),
            _reason=pl.col("_reason").min(),
        )
        .sort(*over, *here, "_area", descending=[False, False, True, True, True, False])
        .with_columns(
            *(pl.col(c).sum().over(over).alias(f"_whole_{c}") for c in SUMMED),
            _home=pl.struct(over).is_first_distinct(),
            _whole_reason=pl.col("_reason").min().over(over),
            _moved=pl.col("_moved").any().over(over),
            _carried=pl.col("_carried").any().over(over),
            _units=pl.lit(1, pl.UInt32),
        )
    )
