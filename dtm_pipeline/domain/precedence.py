"""Which delivery replaces which, and which source leads. Method: docs/method/precedence.md.

One stock arrives by many ways. For one series and reference date, one source at one level feeds the
tables: the deepest level, then the series' declared order of sources. The others are compared.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.domain.series import Series

KEY = ("series_id", "source_kind", "admin_level", "source_reference_date")
LEVEL_NAMES = {0: "country", 1: "governorate", 2: "district", 4: "location"}


def delivery_roles(rows: pl.DataFrame, max_missing_share: float, key: tuple[str, ...] = KEY) -> pl.DataFrame:
    """For each replacement key, what each delivery does: leads, adds, replaced or held.

    The newest delivery (by ingest sequence) leads, whole. One that lacks more than `max_missing_share` of the
    locations it would replace is held, unless its sidecar says `replaces` or `adds`.

    Args:
        rows: columns `key`, snapshot_id, ingest_sequence, statement (`replaces`, `adds` or null), location_key.

    Returns:
        `key`, snapshot_id, ingest_sequence, role, missing_share.
    """
    deliveries = (
        rows.group_by(*key, "snapshot_id", "ingest_sequence", "statement")
        .agg(locations=pl.col("location_key").n_unique())
        .with_columns(rank=pl.col("ingest_sequence").rank("ordinal").over(key))
    )
    leader = deliveries.filter(rank=1).select(*key, leader="snapshot_id")
    judged = [deliveries.filter(rank=1).with_columns(role=pl.lit("leads"), missing_share=pl.lit(None, pl.Float64))]
    members = rows.select(*key, "snapshot_id", "location_key").unique()
    newest_rank = deliveries["rank"].max() or 1
    for rank in range(2, int(str(newest_rank)) + 1):
        newer = deliveries.filter(rank=rank)
        old = members.join(leader, on=key, nulls_equal=True).filter(pl.col("snapshot_id") == pl.col("leader"))
        new = members.join(newer.select(*key, "snapshot_id"), on=[*key, "snapshot_id"], nulls_equal=True)
        missing = (
            old.join(newer.select(key), on=key, nulls_equal=True)
            .join(
                new.select(*key, "location_key", found=pl.lit(True)),
                on=[*key, "location_key"],
                how="left",
                nulls_equal=True,
            )
            .group_by(key)
            .agg(missing_share=pl.col("found").null_count() / pl.len())
        )
        newer = newer.join(missing, on=key, how="left", nulls_equal=True).with_columns(
            role=pl.when(pl.col("statement") == "adds")
            .then(pl.lit("adds"))
            .when((pl.col("missing_share") > max_missing_share) & pl.col("statement").is_null())
            .then(pl.lit("held"))
            .otherwise(pl.lit("leads"))
        )
        takes_over = newer.filter(role="leads").select(*key, taker="snapshot_id")
        leader = leader.join(takes_over, on=key, how="left", nulls_equal=True).select(
            *key, leader=pl.coalesce("taker", "leader")
        )
        judged.append(newer)
    roles = pl.concat(judged, how="diagonal").join(leader, on=key, nulls_equal=True)
    led_from = roles.filter(pl.col("snapshot_id") == pl.col("leader")).select(*key, leads_from="rank")
    # an addition to a delivery that was itself replaced goes with it
    replaced = (pl.col("role") == "leads") & (pl.col("snapshot_id") != pl.col("leader"))
    outlived = (pl.col("role") == "adds") & (pl.col("rank") < pl.col("leads_from"))
    return (
        roles.join(led_from, on=key, nulls_equal=True)
        .with_columns(role=pl.when(replaced | outlived).then(pl.lit("replaced")).otherwise("role"))
        .select(*key, "snapshot_id", "ingest_sequence", "role", "missing_share")
    )


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
