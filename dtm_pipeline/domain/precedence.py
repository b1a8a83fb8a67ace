"""Which delivery replaces which, and which source leads. Method: docs/method/precedence.md.

One stock arrives by many ways. For one series and reference date, one source at one level feeds the
tables: the deepest level, then the series' declared order of sources. The others are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.domain.series import Series
from dtm_pipeline.domain.statements import leading_statements, with_statements

KEY = ("series_id", "source_kind", "admin_level", "source_reference_date")
LEVEL_NAMES = {0: "country", 1: "governorate", 2: "district", 4: "location"}


@dataclass(frozen=True)
class Reissue:
    """How much of what it would replace a newer delivery may lack (`[deliveries]` of reference/thresholds.toml).

    Attributes:
        places: share of the locations.
        people: share of the people, where rows tell them.
    """

    places: float
    people: float = 1.0

    @classmethod
    def of(cls, thresholds: dict[str, Any]) -> Reissue:
        """The shares of reference/thresholds.toml."""
        told = thresholds["deliveries"]
        return cls(told["max_missing_share"], told["max_missing_people"])


def delivery_roles(rows: pl.DataFrame, most: Reissue, key: tuple[str, ...] = KEY) -> pl.DataFrame:
    """For each replacement key, what each delivery does: leads, adds, replaced or held.

    The newest delivery (by intake) leads, whole. One that lacks more of the locations, or of the people, than it may is held, unless its sidecar says `replaces` or `adds`. Deliveries of one intake have no order: several that say
    different things of one key are held, all of them, unless a sidecar says which replaces; those that say the same count once.

    Args:
        rows: columns `key`, snapshot_id, intake, statement (`replaces`, `adds` or null), location_key, content (a hash of
            what the row says) and, where it tells them, people.
        most: what a newer delivery may lack.

    Returns:
        `key`, snapshot_id, role, missing_share, held_because (lacks_places, lacks_people or several_at_once; null unless
        held).
    """
    deliveries = _ordered(rows, key)
    contested = deliveries.filter("contested").with_columns(
        role=pl.lit("held"), missing_share=pl.lit(None, pl.Float64), held_because=pl.lit("several_at_once")
    )
    copies = deliveries.filter(~pl.col("contested") & pl.col("copy")).with_columns(
        role=pl.lit("replaced"), missing_share=pl.lit(0.0), held_because=pl.lit(None, pl.String)
    )
    chain = (
        deliveries.filter(~pl.col("contested") & ~pl.col("copy"))
        .sort("intake", "_word", "snapshot_id")
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over(key))
    )
    told = [c.select(*key, "snapshot_id", "role", "missing_share", "held_because") for c in (contested, copies)]
    return pl.concat([*told, _successive(chain, rows, key, most)])


def _ordered(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The deliveries of each key in the order in which they count, and which of them have none.

    `contested` marks several of one intake that say different things, `copy` those that say what another says.
    """
    content = (pl.col("content").bitwise_xor(), (pl.col("content") % (1 << 31)).sum(), pl.len())
    by_word = {"replaces": 1, "adds": 2}
    deliveries = (
        rows.group_by(*key, "snapshot_id", "intake", "statement")
        .agg(content=pl.struct(*(c.alias(f"_{i}") for i, c in enumerate(content))))
        .with_columns(
            _word=pl.col("statement").cast(pl.String).replace_strict(by_word, default=0, return_dtype=pl.Int64)
        )
    )
    together = [*key, "intake", "_word"]
    versions = pl.col("content").n_unique().over(together)
    return deliveries.with_columns(
        # additions add up, whatever their order
        contested=(versions > 1) & (pl.col("_word") < 2),
        copy=(versions == 1)
        & (pl.col("_word") < 2)
        & (pl.col("snapshot_id") != pl.col("snapshot_id").min().over(together)),
    )


def _successive(deliveries: pl.DataFrame, rows: pl.DataFrame, key: tuple[str, ...], most: Reissue) -> pl.DataFrame:
    """Roles of deliveries of which each is newer than the one before."""
    first = deliveries.filter(rank=1)
    leader = first.select(*key, leader="snapshot_id")
    found = [
        first.with_columns(
            role=pl.lit("leads"), missing_share=pl.lit(None, pl.Float64), held_because=pl.lit(None, pl.String)
        )
    ]
    counted = rows if "people" in rows.columns else rows.with_columns(people=pl.lit(None, pl.Int64))
    members = counted.group_by(*key, "snapshot_id", "location_key").agg(pl.col("people").sum())
    newest_rank = deliveries["rank"].max() or 1
    for rank in range(2, int(str(newest_rank)) + 1):
        newer = deliveries.filter(rank=rank)
        old = members.join(leader, on=key, nulls_equal=True).filter(pl.col("snapshot_id") == pl.col("leader"))
        new = members.join(newer.select(*key, "snapshot_id"), on=[*key, "snapshot_id"], nulls_equal=True)
        missing = (
            old.join(newer.select(key), on=key, nulls_equal=True)
            .join(
                new.select(*key, "location_key", found=pl.lit(True), now="people"),
                on=[*key, "location_key"],
                how="left",
                nulls_equal=True,
            )
            .group_by(key)
            .agg(
                missing_share=pl.col("found").null_count() / pl.len(),
                _gone=pl.col("people").filter(pl.col("found").is_null()).sum(),
                _people=pl.col("people").sum(),
            )
            .join(new.group_by(key).agg(_now=pl.col("people").sum()), on=key, how="left", nulls_equal=True)
        )
        # of the people: those whose locations are gone, or those by which it is smaller
        fewer = pl.max_horizontal("_gone", pl.col("_people") - pl.col("_now").fill_null(0)) / pl.col("_people")
        lacks_places = pl.col("missing_share") > most.places
        lacks_people = pl.when(pl.col("_people") > 0).then(fewer > most.people).otherwise(False)
        lacks = (lacks_places | lacks_people) & pl.col("statement").is_null()
        newer = (
            newer.join(missing, on=key, how="left", nulls_equal=True)
            .with_columns(
                role=pl.when(pl.col("statement") == "adds")
                .then(pl.lit("adds"))
                .when(lacks)
                .then(pl.lit("held"))
                .otherwise(pl.lit("leads")),
                held_because=pl.when((pl.col("statement").fill_null("") != "adds") & lacks).then(
                    pl.when(lacks_places).then(pl.lit("lacks_places")).otherwise(pl.lit("lacks_people"))
                ),
                missing_share=pl.when(lacks & ~lacks_places).then(fewer).otherwise("missing_share"),
            )
            .drop("_gone", "_people", "_now")
        )
        takes_over = newer.filter(role="leads").select(*key, taker="snapshot_id")
        leader = leader.join(takes_over, on=key, how="left", nulls_equal=True).select(
            *key, leader=pl.coalesce("taker", "leader")
        )
        found.append(newer)
    roles = pl.concat(found, how="diagonal").join(leader, on=key, nulls_equal=True)
    led_from = roles.filter(pl.col("snapshot_id") == pl.col("leader")).select(*key, leads_from="rank")
    # an addition to a delivery that was itself replaced goes with it
    replaced = (pl.col("role") == "leads") & (pl.col("snapshot_id") != pl.col("leader"))
    outlived = (pl.col("role") == "adds") & (pl.col("rank") < pl.col("leads_from"))
    return (
        roles.join(led_from, on=key, nulls_equal=True)
        .with_columns(role=pl.when(replaced | outlived).then(pl.lit("replaced")).otherwise("role"))
        .select(*key, "snapshot_id", "role", "missing_share", "held_because")
    )


def newest_of(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Rows of the newest of the deliveries that are used together for each value of a key (by intake, then by id).

    Args:
        rows: columns `key`, snapshot_id, intake.
    """
    latest = rows.filter(pl.col("intake") == pl.col("intake").max().over(key))
    return latest.filter(pl.col("snapshot_id") == pl.col("snapshot_id").max().over(key))


STATEMENT = (*KEY, "statement_label")


def statement_roles(rows: pl.DataFrame, most: Reissue, series: tuple[Series, ...]) -> pl.DataFrame:
    """What each delivery does in each statement that it makes: leads, adds, compared, replaced or held.

    Args:
        rows: columns of delivery_roles, and statement_label.
        series: the series of the rows; their assessment types are in order of precedence.

    Returns:
        STATEMENT, snapshot_id, role, missing_share, held_because (lacks_places, lacks_people, several_at_once,
        not_comparable; null unless held).
    """
    roles = delivery_roles(rows, most, STATEMENT)
    places = leading_statements(roles.filter(role="leads").select(STATEMENT).unique(), series, KEY)
    lead = pl.col("role") == "leads"
    return roles.join(places, on=STATEMENT, how="left").select(
        *STATEMENT,
        "snapshot_id",
        role=pl.when(lead)
        .then("place")
        .when((pl.col("role") == "adds") & (pl.col("place") != "leads"))
        .then("place")
        .otherwise("role"),
        missing_share="missing_share",
        held_because=pl.when(lead & (pl.col("place") == "held"))
        .then(pl.lit("not_comparable"))
        .otherwise("held_because"),
    )


def labelled(rows: pl.DataFrame, series: tuple[Series, ...], most: Reissue) -> pl.DataFrame:
    """Rows with the label of the statement that they are of.

    A delivery whose sidecar says `adds` or `replaces` is of the statement that leads without it, whatever its own label,
    unless it makes several statements of one key itself.

    Args:
        rows: columns of delivery_roles and the labels of with_statements.
    """
    told = with_statements(rows, KEY)
    marked = pl.col("statement").is_not_null()
    if told.filter(marked).is_empty():
        return told
    roles = statement_roles(told.filter(~marked), most, series)
    lead = roles.filter(role="leads").select(*KEY, _lead="statement_label").unique(KEY)
    one = pl.col("statement_label").n_unique().over(*KEY, "snapshot_id") == 1
    return (
        told.join(lead, on=KEY, how="left", maintain_order="left")
        .with_columns(
            statement_label=pl.when(marked & one)
            .then(pl.coalesce("_lead", "statement_label"))
            .otherwise("statement_label")
        )
        .drop("_lead")
    )


def with_repeated_dates(roles: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Roles in which a statement that repeats every figure of the date before it, from another delivery, is held.

    Bytes that were sent again under another date look so. A source that gives many dates in one delivery says itself
    that nothing changed; of a single place nothing is concluded; `replaces` says that a person looked.

    Args:
        roles: of statement_roles.
        rows: STATEMENT, snapshot_id, statement, location_key, content.
    """
    lead = rows.join(roles.filter(role="leads").select(*STATEMENT, "snapshot_id"), on=[*STATEMENT, "snapshot_id"])
    series = ["series_id", "source_kind", "admin_level"]
    said = (
        lead.group_by(STATEMENT)
        .agg(
            pl.col("snapshot_id").min(),
            places=pl.col("location_key").n_unique(),
            marked=pl.col("statement").is_not_null().any(),
            said=pl.struct(
                pl.col("content").bitwise_xor().alias("a"), (pl.col("content") % (1 << 31)).sum().alias("b")
            ),
        )
        .sort(*series, "source_reference_date")
    )
    before = {c: pl.col(c).shift(1).over(series) for c in ("said", "snapshot_id")}
    again = said.filter(
        (pl.col("said") == before["said"])
        & (pl.col("snapshot_id") != before["snapshot_id"])
        & (pl.col("places") > 1)
        & ~pl.col("marked")
    )
    held = roles.join(again.select(*STATEMENT, _again=pl.lit(True)), on=STATEMENT, how="left")
    lead_again = (pl.col("role") == "leads") & pl.col("_again").fill_null(False)
    return held.with_columns(
        role=pl.when(lead_again).then(pl.lit("held")).otherwise("role"),
        held_because=pl.when(lead_again).then(pl.lit("repeats_previous_date")).otherwise("held_because"),
    ).drop("_again")


def align_dates(totals: pl.DataFrame, series: tuple[Series, ...]) -> pl.DataFrame:
    """The reference date of each source date: that of the source that leads, within the series' tolerance.

    A date is joined to the nearest date of a source before it in precedence, and only one date of a source
    to each.

    Args:
        totals: series_id, source_kind, admin_level, source_reference_date; distinct.

    Returns:
        The rows with `reference_date`.
    """
    by_id = {s.series_id: s for s in series}
    aligned: list[tuple[str, str, int, date, date]] = []
    for (series_id,), group in totals.partition_by("series_id", as_dict=True).items():
        known = by_id[str(series_id)]
        anchors: set[date] = set()
        sources = group.select("source_kind", "admin_level").unique().rows()
        for source, level in sorted(sources, key=lambda s: rank_of(known, s[0], s[1])):
            dates = sorted(group.filter(source_kind=source, admin_level=level)["source_reference_date"].to_list())
            taken = set(dates) & anchors
            for day in dates:
                near = [a for a in anchors - taken if abs((a - day).days) <= known.date_tolerance_days]
                anchor = day if day in anchors or not near else min(near, key=lambda a: (abs((a - day).days), a))
                taken.add(anchor)
                aligned.append((str(series_id), source, level, day, anchor))
            anchors |= {row[4] for row in aligned if row[0] == series_id}
    mapping = pl.DataFrame(
        aligned,
        schema={**{k: totals.schema[k] for k in KEY}, "reference_date": pl.Date},
        orient="row",
    )
    return totals.join(mapping, on=KEY, how="left", maintain_order="left")


def rank_of(series: Series, source_kind: str, admin_level: int) -> tuple[int, int, str]:
    """Sorts sources: the deepest level first, then the declared order, then the name."""
    order = series.sources.index(source_kind) if source_kind in series.sources else len(series.sources)
    return (-admin_level, order, source_kind)


def leading_sources(totals: pl.DataFrame, series: tuple[Series, ...]) -> pl.DataFrame:
    """Which source and level leads each series and reference date, and why.

    Args:
        totals: series_id, reference_date, source_kind, admin_level; distinct.

    Returns:
        The rows with `leads` and `why`.
    """
    by_id = {s.series_id: s for s in series}
    sources = totals.select("series_id", "source_kind", "admin_level").unique()
    orders = [rank_of(by_id[series_id], kind, level)[1] for series_id, kind, level in sources.rows()]
    ranked = totals.join(
        sources.with_columns(_order=pl.Series(orders, dtype=pl.Int64)),
        on=["series_id", "source_kind", "admin_level"],
    ).sort("series_id", "reference_date", pl.col("admin_level") * -1, "_order", "source_kind")
    scope = ["series_id", "reference_date"]
    first = pl.int_range(pl.len()).over(scope) == 0
    leader = (
        pl.col("source_kind").first().over(scope)
        + " at "
        + pl.col("admin_level").first().over(scope).replace_strict(LEVEL_NAMES, return_dtype=pl.String)
        + " level"
    )
    return ranked.with_columns(
        leads=first,
        why=pl.when(first & (pl.len().over(scope) == 1))
        .then(pl.lit("leads: the only source"))
        .when(first)
        .then(pl.lit("leads: the deepest level, then the series' order of sources"))
        .otherwise(pl.lit("compared: ") + leader + " leads"),
    ).drop("_order")
