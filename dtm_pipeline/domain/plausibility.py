"""Whether a statement is plausible beside the last accepted one of its line. Method: docs/method/plausibility.md.

A line is the statements of one series, source, level, operation and assessment type over time. What is not plausible is held
with its evidence until a person says; a caveat is released and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from dtm_pipeline.domain.stocks import LOCATION_LEVEL

LINE = ("series_id", "source_kind", "admin_level", "line")
PASS, CAVEAT, HOLD = "pass", "caveat", "hold"
BY_ITSELF = ("persons_per_household", "unit_contradicted", "rows_unreadable", "control_total", "in_the_future")
"""Rules that a delivery breaks by itself: nothing before it is needed."""
WITH_HISTORY = ("total", "panel", "block", "list_cut", "people_lost", "zeros_too_many", "measure_lost")
"""Rules against the date before: one holds from `alone_from` on, two that agree hold before."""
TOLD_SHARE = 0.5
"""A measure stood in a statement where so many of its locations tell it (ours)."""


@dataclass(frozen=True)
class PlausibilityRules:
    """Numbers of `[plausibility]` in reference/thresholds.toml.

    Attributes:
        total_factor: a total that is so many times the one before, or less than that part of it, is not plausible.
        panel_factor: the same for the median of the locations in both, of which there are at least `panel_min`.
        block_factor, block_share: the same where more than a share of the locations in both is so many times itself.
        list_factor: the same for the number of locations.
        people_lost: share of the people before whose locations are gone.
        zeros_share, zeros_within: a location that is 10 or 100 times as large, more or less by this factor (a place with a
            zero too many moved besides; AREAS_WITHIN for areas), and moves the total by more than this share.
        least_people: totals below it on both dates are compared in caveats only.
        size_low, size_high: persons a household that a whole list may have.
        rejected: share of rows, or of people, that could not be read; where a row's people can't be read, its last figure
            stands for them.
        rejected_rows_min: fewer rows are no share of a list.
        control_total: by how much of a list a stated total may differ from it.
        future_days: a reference date may lie so many days after the delivery came.
        alone_from: number of the date of a line from which one rule alone holds.
        history_holds: whether the date before can hold a statement; False for lists that name other places each time.
    """

    total_factor: float
    panel_factor: float
    panel_min: int
    block_factor: float
    block_share: float
    list_factor: float
    people_lost: float
    zeros_share: float
    zeros_within: float
    least_people: int
    size_low: float
    size_high: float
    rejected: float
    rejected_rows_min: int
    control_total: float
    future_days: int
    alone_from: int
    history_holds: bool = True


@dataclass(frozen=True)
class Decisions:
    """What persons decided of statements, by `review_id`.

    Attributes:
        parts: of accepted statements of which only a part counts, the governorates as the provider names them.
    """

    accepted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)


def judge(
    statements: pl.DataFrame,
    rows: pl.DataFrame,
    unread: pl.DataFrame,
    rules: Callable[[str], PlausibilityRules],
    decisions: Decisions,
) -> pl.DataFrame:
    """Whether each statement may lead, in the order of its dates.

    A held one is not the past of those after it. The next is compared with the last accepted one, and with what is held: where
    it agrees with that only, it waits for the same decision.

    Args:
        statements: `statement` (a number), LINE, source_reference_date, review_id, and the evidence of BY_ITSELF:
            rejected_rows, rejected_share, rejected_people_share, control_gap (of the list), unit_differs (its breakdown adds to the
            count that it should not), days_in_future, round_number, date_inferred,
            known_jump (on record as true: history does not hold it).
        rows: statement, location_key, households, individuals; one row a location.
        unread: statement, location_key of rows whose people could not be read.
        rules: those of a series, by its id.
        decisions: what persons accepted. A statement of which a part counts is not the past of those after it.

    Returns:
        statement, outcome (pass, caveat, hold), broken (rules), previous (the statement it was compared with), waits_with (the
        held statement whose decision it waits for), accepted (a person said so), and the evidence (EVIDENCE).
    """
    if statements.is_empty():
        return pl.DataFrame(schema=VERDICT)
    ordered = measured(statements, rows).sort(*LINE, "source_reference_date", "statement")
    adjacent = ordered.select("statement", previous=pl.col("statement").shift(1).over(LINE)).drop_nulls()
    factors = {s: rules(str(s)).block_factor for s in ordered["series_id"].unique()}
    ordered = ordered.with_columns(_block=pl.col("series_id").replace_strict(factors, return_dtype=pl.Float64))
    known = _by_pair(compared(adjacent, ordered, rows, unread))
    told = []
    for (series_id, *_), line in ordered.partition_by(LINE, as_dict=True, maintain_order=True).items():

        def compare(pairs: pl.DataFrame, line: pl.DataFrame = line) -> pl.DataFrame:
            asked = [*pairs["statement"], *pairs["previous"]]
            return compared(pairs, line, rows.filter(pl.col("statement").is_in(asked)), unread)

        told += _line(line, compare, known, _of_level(rules(str(series_id)), line["admin_level"][0]), decisions)
    return pl.DataFrame(told, schema=VERDICT, orient="row")


AREAS_WITHIN = 1.02
"""An area grows tenfold in a true emergency (Haiti 2022): there only ten or a hundred times itself, nearly to the digit, is a zero too many (ours, measured)."""


def _of_level(rules: PlausibilityRules, admin_level: int) -> PlausibilityRules:
    """The rules for figures of a level."""
    return rules if admin_level == LOCATION_LEVEL else replace(rules, zeros_within=AREAS_WITHIN)


VERDICT: dict[str, Any] = {
    "statement": pl.Int64,
    "outcome": pl.String,
    "broken": pl.List(pl.String),
    "previous": pl.Int64,
    "waits_with": pl.Int64,
    "accepted": pl.Boolean,
    "size": pl.Float64,
    "before": pl.Int64,
    "now": pl.Int64,
    "measure": pl.String,
    "panel_ratio": pl.Float64,
    "panel_locations": pl.Int64,
    "block_share": pl.Float64,
    "locations_before": pl.Int64,
    "locations_now": pl.Int64,
    "people_lost_share": pl.Float64,
    "largest_factor": pl.Float64,
    "measure_lost": pl.String,
    "unread_people_share": pl.Float64,
}
EVIDENCE = tuple(VERDICT)[7:]


def measured(statements: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Statements with what they count: places, households, individuals (null where nothing is known) and their ratio."""
    both = pl.col("households").is_not_null() & pl.col("individuals").is_not_null() & (pl.col("households") > 0)
    sums = rows.group_by("statement").agg(
        places=pl.len().cast(pl.Int64),
        households=pl.when(pl.col("households").count() > 0).then(pl.col("households").sum()),
        individuals=pl.when(pl.col("individuals").count() > 0).then(pl.col("individuals").sum()),
        households_share=pl.col("households").count() / pl.len(),
        individuals_share=pl.col("individuals").count() / pl.len(),
        size=pl.when(both.any()).then(
            pl.col("individuals").filter(both).sum() / pl.col("households").filter(both).sum()
        ),
    )
    return statements.join(sums, on="statement", how="left", maintain_order="left")


def compared(pairs: pl.DataFrame, statements: pl.DataFrame, rows: pl.DataFrame, unread: pl.DataFrame) -> pl.DataFrame:
    """Each statement beside an earlier one, in individuals where both tell them, else in households.

    Args:
        pairs: statement, previous.
        statements: of `measured`.
        rows, unread: as `judge` takes them.

    Returns:
        `pairs` with EVIDENCE and measure_lost.
    """
    of = statements.select(
        "statement", "_block", "places", "households", "individuals", "households_share", "individuals_share"
    )
    told = pairs.join(of, on="statement").join(
        of.drop("_block").rename({"statement": "previous"}), on="previous", suffix="_before"
    )
    by_people = pl.col("individuals").is_not_null() & pl.col("individuals_before").is_not_null()
    lost = [(pl.col(f"{m}_share_before") >= TOLD_SHARE) & pl.col(m).is_null() for m in ("households", "individuals")]
    told = told.with_columns(
        measure=pl.when(by_people).then(pl.lit("individuals")).otherwise(pl.lit("households")),
        now=pl.when(by_people).then("individuals").otherwise("households"),
        before=pl.when(by_people).then("individuals_before").otherwise("households_before"),
        measure_lost=pl.when(lost[0]).then(pl.lit("households")).when(lost[1]).then(pl.lit("individuals")),
    )
    chosen = told.select("statement", "previous", "_block", _people=pl.col("measure") == "individuals")
    value = pl.when("_people").then("individuals").otherwise("households")
    counts = rows.select("statement", "location_key", "households", "individuals")
    new = chosen.join(counts, on="statement").select("statement", "previous", "_block", "location_key", _now=value)
    old = chosen.join(counts.rename({"statement": "previous"}), on="previous").select(
        "statement", "previous", "location_key", _before=value, _listed=pl.lit(True)
    )
    panel = old.join(
        new.with_columns(_found=pl.lit(True)),
        on=["statement", "previous", "location_key"],
        how="left",
        nulls_equal=True,
    )
    # what could not be read is not gone: its people before are told apart
    panel = panel.join(
        unread.select("statement", "location_key", _unread=pl.lit(True)),
        on=["statement", "location_key"],
        how="left",
        nulls_equal=True,
    )
    absent = pl.col("_found").is_null()
    in_both = (pl.col("_now") > 0) & (pl.col("_before") > 0)
    ratio = pl.col("_now") / pl.col("_before")
    grown = pl.col("_now") - pl.col("_before")
    largest = (
        pl.struct(grown.alias("grown"), ratio.alias("ratio")).filter(in_both).sort_by(grown.filter(in_both)).last()
    )
    found = panel.group_by("statement", "previous").agg(
        panel_ratio=ratio.filter(in_both).median(),
        panel_locations=in_both.sum().cast(pl.Int64),
        block_share=(~ratio.is_between(1 / pl.col("_block"), pl.col("_block"))).filter(in_both).mean(),
        _lost=pl.col("_before").filter(absent & pl.col("_unread").is_null()).sum(),
        _unread=pl.col("_before").filter(absent & pl.col("_unread").is_not_null()).sum(),
        _all=pl.col("_before").sum(),
        _largest=largest,
    )
    return (
        told.join(found, on=["statement", "previous"], how="left")
        .with_columns(
            locations_before="places_before",
            locations_now="places",
            people_lost_share=pl.when(pl.col("_all") > 0).then(pl.col("_lost") / pl.col("_all")),
            unread_people_share=pl.when(pl.col("_all") > 0).then(pl.col("_unread") / pl.col("_all")),
            largest_factor=pl.col("_largest").struct.field("ratio"),
            largest_share=pl.when(pl.col("before") > 0).then(
                pl.col("_largest").struct.field("grown") / pl.col("before")
            ),
        )
        .select("statement", "previous", *EVIDENCE, "largest_share")
    )


def _by_pair(told: pl.DataFrame) -> dict[tuple[int, int], dict[str, Any]]:
    return {(r["statement"], r["previous"]): r for r in told.iter_rows(named=True)}


def _line(
    line: pl.DataFrame,
    compare: Callable[[pl.DataFrame], pl.DataFrame],
    known: dict[tuple[int, int], dict[str, Any]],
    rules: PlausibilityRules,
    decisions: Decisions,
) -> list[dict[str, Any]]:
    """Verdicts on the statements of one line."""

    def pair(now: int, before: int) -> dict[str, Any]:
        if (now, before) not in known:
            asked = pl.DataFrame({"statement": [now], "previous": [before]}, schema_overrides={"statement": pl.Int64, "previous": pl.Int64})  # fmt: skip
            known.update(_by_pair(compare(asked)))
        return known[now, before]

    told: list[dict[str, Any]] = []
    accepted: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for one in line.iter_rows(named=True):
        verdict: dict[str, Any] = dict.fromkeys(VERDICT)
        verdict |= {
            "statement": one["statement"],
            "outcome": PASS,
            "size": one["size"],
            "accepted": one["review_id"] in decisions.accepted,
        }
        last = accepted[-1] if accepted else None
        evidence = pair(one["statement"], last["statement"]) if last else {}
        broken = _by_itself({**one, **evidence}, rules)
        hold = bool(broken)
        if last:
            against = _with_history(evidence, rules)
            small = max(evidence["now"] or 0, evidence["before"] or 0) < rules.least_people
            # a young operation grows fast; it loses no column for that
            alone = "measure_lost" in against or len(accepted) + 1 >= rules.alone_from
            believed = small or one["known_jump"] or not rules.history_holds
            hold = hold or (not believed and len(against) >= (1 if alone else 2))
            backwards = _round_goes_back(one, last)
            hold = hold or (backwards and one["date_inferred"])
            hold = hold or (backwards and bool(against))
            broken += [*against, *_grown(evidence, rules), *(["round_before_date"] if backwards else [])]
            verdict |= {"previous": last["statement"], **{k: evidence[k] for k in EVIDENCE}}
        else:
            by_people = one["individuals"] is not None
            verdict |= {"now": one["individuals"] if by_people else one["households"], "measure": "individuals" if by_people else "households", "locations_now": one["places"]}  # fmt: skip
        verdict["broken"] = broken
        if hold and not verdict["accepted"]:
            verdict["outcome"] = HOLD
            verdict["waits_with"] = _agrees_with({**one, **evidence}, held, pair, rules)
            held.append({**one, "of": verdict["waits_with"] or one["statement"]})
        else:
            verdict["outcome"] = CAVEAT if broken else PASS
            if one["review_id"] not in decisions.parts:
                accepted.append(one)
        told.append(verdict)
    return told


def _agrees_with(
    one: dict[str, Any],
    held: list[dict[str, Any]],
    pair: Callable[[int, int], dict[str, Any]],
    rules: PlausibilityRules,
) -> int | None:
    """The held statement that a held one agrees with: what is decided of the one may be decided of both."""
    if not held or _by_itself(one, rules):
        return None
    agrees = not _with_history(pair(one["statement"], held[-1]["statement"]), rules)
    return int(held[-1]["of"]) if agrees else None


def _by_itself(one: dict[str, Any], rules: PlausibilityRules) -> list[str]:
    """Rules that a statement breaks whatever came before it."""
    size = one["size"]
    broken = {
        "persons_per_household": size is not None and not rules.size_low <= size <= rules.size_high,
        "rows_unreadable": unread_people(one) > rules.rejected
        or ((one["rejected_share"] or 0) > rules.rejected and one["rejected_rows"] >= rules.rejected_rows_min),
        # with the other count beside it, persons a household tell which is right
        "unit_contradicted": bool(one["unit_differs"]) and (one["households"] is None or one["individuals"] is None),
        "control_total": (one["control_gap"] or 0) > rules.control_total,
        "in_the_future": (one["days_in_future"] or 0) > rules.future_days,
    }
    return [rule for rule in BY_ITSELF if broken[rule]]


def unread_people(one: dict[str, Any]) -> float:
    """Share of a statement's people whose rows could not be read: as the rows tell them, else by their last figure."""
    return min(1.0, (one["rejected_people_share"] or 0) + (one.get("unread_people_share") or 0))


def _with_history(evidence: dict[str, Any], rules: PlausibilityRules) -> list[str]:
    """Rules that a statement breaks beside the one before it."""
    now, before = evidence["now"], evidence["before"]
    total = now / before if before and now is not None else None
    panel = evidence["panel_ratio"]
    few = evidence["panel_locations"] or 0
    zeros = evidence["largest_factor"] or 0
    broken = {
        "total": total is not None and not 1 / rules.total_factor <= total <= rules.total_factor,
        "panel": panel is not None
        and few >= rules.panel_min
        and not 1 / rules.panel_factor <= panel <= rules.panel_factor,
        "block": few >= rules.panel_min and (evidence["block_share"] or 0) > rules.block_share,
        "list_cut": evidence["locations_before"] >= rules.panel_min
        and evidence["locations_now"] < evidence["locations_before"] / rules.list_factor,
        "people_lost": evidence["locations_before"] >= rules.panel_min
        and (evidence["people_lost_share"] or 0) > rules.people_lost,
        "zeros_too_many": any(n / rules.zeros_within <= zeros <= n * rules.zeros_within for n in (10, 100))
        and (evidence["largest_share"] or 0) > rules.zeros_share,
        "measure_lost": bool(evidence["measure_lost"]),
    }
    return [rule for rule in WITH_HISTORY if broken[rule]]


def _grown(evidence: dict[str, Any], rules: PlausibilityRules) -> list[str]:
    long = evidence["locations_now"] > evidence["locations_before"] * rules.list_factor
    return ["list_grown"] if long and evidence["locations_before"] >= rules.panel_min else []


def _round_goes_back(one: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether the number of the round runs against the dates of its line."""
    return (
        one["round_number"] is not None
        and last["round_number"] is not None
        and one["round_number"] < last["round_number"]
    )


def with_overrides(rules: PlausibilityRules, told: dict[str, dict[str, Any]]) -> Callable[[str], PlausibilityRules]:
    """The rules of each series: those of all, with what `[plausibility.series.ID]` says otherwise."""
    return lambda series_id: replace(rules, **told.get(series_id, {}))
