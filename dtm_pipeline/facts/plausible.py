"""Statements that are not plausible are held: what leads a date is the newest delivery that is. Method: docs/method/plausibility.md."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.domain.plausibility import HOLD, Decisions, PlausibilityRules, judge
from dtm_pipeline.domain.precedence import KEY, STATEMENT
from dtm_pipeline.domain.statements import SEPARATOR

IMPLAUSIBLE, REJECTED = "implausible", "rejected"
ONE = (*STATEMENT, "snapshot_id")
"""A statement of one delivery."""
MOST_PASSES = 6
"""How many deliveries of one date may be held one after the other before all of them are."""

Roles = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Plausibility:
    """What statements are judged by.

    Attributes:
        rules: those of a series, by its id.
        decisions: what persons decided of statements.
        known_jumps: series_id and reference_date of true jumps on record, which history does not hold.
        quarantine: rows of quarantine_dtm__row; reference_date is null where it can't be read.
        deliveries: snapshot_id, received_on, control_gap, control_stated and control_read (what a totals row says, and what the rows add to, in
            words), date_inferred, unit_differs.
    """

    rules: Callable[[str], PlausibilityRules]
    decisions: Decisions
    known_jumps: frozenset[tuple[str, date]]
    quarantine: pl.DataFrame
    deliveries: pl.DataFrame


@dataclass(frozen=True)
class Judged:
    """Roles of deliveries (STATEMENT, snapshot_id, role, missing_share, held_because, review_id), and the verdicts.

    `reviews` has a row a statement that would lead: STATEMENT, snapshot_id, review_id, location_code, population_group, the
    columns of a verdict, previous_date, and waits_with as a review_id. `rows` are those that may count: without what a person
    rejected, or did not accept.
    """

    rows: pl.DataFrame
    roles: pl.DataFrame
    reviews: pl.DataFrame


def plausible_roles(rows: pl.DataFrame, roles_of: Roles, told: Plausibility) -> Judged:
    """Roles of deliveries in which none that is held leads, and the verdicts on the statements that would.

    What a person accepted leads as if its sidecar said `replaces`; what one rejected does nothing. Where a held delivery had
    replaced another, that one leads in its stead, if it is plausible.

    Args:
        rows: of `labelled`, with location_code and population_group.
        roles_of: the roles of the deliveries of some rows.
    """
    ids = with_review_ids(rows.select(*ONE).unique())
    rows, rejected = _decided(rows, ids, told.decisions)
    left, found = rows, []
    for _ in range(MOST_PASSES):
        roles = roles_of(left)
        reviews = _reviews(left, roles, told)
        held = reviews.filter(outcome=HOLD)
        # where another delivery says something of the date, it is asked whether that is plausible
        others = roles.filter(pl.col("role").is_in(["replaced", "compared"])).select(*KEY, _other=True).unique()
        instead = held.join(others, on=list(KEY), how="semi")
        if instead.is_empty():
            break
        found.append(instead)
        left = left.join(instead.select(ONE), on=list(ONE), how="anti")
    reviews = pl.concat([*found, reviews]).unique(ONE, keep="first", maintain_order=True)
    waiting = reviews.filter(outcome=HOLD).select(ONE)
    # what is added to a held statement was judged with it, and does not stand for it
    led = waiting.join(roles.filter(role="leads").select(ONE), on=list(ONE), how="semi")
    whole = led.select(STATEMENT).unique().with_columns(_held=pl.lit(True))
    used = pl.col("role").is_in(["leads", "adds"])
    judged = roles.join(whole, on=list(STATEMENT), how="left").with_columns(
        role=pl.when(pl.col("_held") & used).then(pl.lit("held")).otherwise("role"),
        held_because=pl.when(pl.col("_held") & used).then(pl.lit(IMPLAUSIBLE)).otherwise("held_because"),
    )
    gone = waiting.join(roles, on=list(ONE), how="anti")
    out = [(gone, IMPLAUSIBLE), (rejected, REJECTED)]
    held_out = [
        frame.select(
            *ONE,
            role=pl.lit("held"),
            missing_share=pl.lit(None, pl.Float64),
            held_because=pl.lit(because),
        )
        for frame, because in out
    ]
    every = pl.concat([judged.drop("_held"), *held_out])
    return Judged(rows, every.join(ids, on=list(ONE), how="left", maintain_order="left"), reviews)


def with_review_ids(statements: pl.DataFrame) -> pl.DataFrame:
    """Statements of deliveries with `review_id`: the same statement of the same bytes has the same, on every machine.

    Args:
        statements: STATEMENT and snapshot_id (the sha256 of the delivery).
    """
    rows = statements.select(ONE).rows()
    ids = [hashlib.sha256("|".join(map(str, row)).encode()).hexdigest()[:10] for row in rows]
    return statements.with_columns(review_id=pl.Series(ids, dtype=pl.String))


def _decided(rows: pl.DataFrame, ids: pl.DataFrame, decisions: Decisions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with what persons decided of them, without the rejected ones, and those.

    Of a statement that is accepted in part the rows of that part count, in place of all that others say of it on the date; the
    rest of the date keeps what led before.
    """
    accepted = ids.filter(pl.col("review_id").is_in(list(decisions.accepted))).select(*ONE, _accepted=pl.lit(True))
    rejected = ids.filter(pl.col("review_id").is_in(list(decisions.rejected)))
    if accepted.is_empty() and rejected.is_empty():
        return rows, rejected
    parts = pl.DataFrame(
        [(i, unit) for i, units in decisions.parts.items() for unit in units],
        schema={"review_id": pl.String, "_unit": pl.String},
        orient="row",
    )
    partly = ids.join(parts.select("review_id").unique(), on="review_id").select(*ONE, _partly=pl.lit(True))
    meant = ids.join(parts, on="review_id").select(*ONE, "_unit", _meant=pl.lit(True))
    word = (
        pl.when("_partly")
        .then(pl.lit("adds"))
        .when("_accepted")
        .then(pl.coalesce("statement", pl.lit("replaces")))
        .otherwise("statement")
    )
    told = (
        rows.with_columns(_unit=provider_unit(rows))
        .join(accepted, on=list(ONE), how="left", maintain_order="left")
        .join(partly, on=list(ONE), how="left", maintain_order="left")
        .join(meant, on=[*ONE, "_unit"], how="left", maintain_order="left")
        .filter(pl.col("_partly").is_null() | pl.col("_meant").is_not_null())
        .with_columns(statement=word)
    )
    # a place that the accepted part no longer lists is gone from it, and not kept from an older list
    covered = told.filter(pl.col("_partly").fill_null(False)).select(*STATEMENT, "_unit").unique()
    older = told.filter(pl.col("_partly").is_null()).join(covered, on=[*STATEMENT, "_unit"], how="semi")
    gone = older.select(*ONE, "_unit").unique()
    told = told.join(gone, on=[*ONE, "_unit"], how="anti", maintain_order="left")
    return told.drop("_accepted", "_partly", "_unit", "_meant").join(
        rejected.select(ONE), on=list(ONE), how="anti", maintain_order="left"
    ), rejected


def provider_unit(rows: pl.DataFrame) -> pl.Expr:
    """The governorate of a row as the provider names it; the country where it names none."""
    told = ("provider_admin1_name", "provider_admin1_code", "location_code")
    return pl.coalesce(*(c for c in told if c in rows.columns))


def _reviews(rows: pl.DataFrame, roles: pl.DataFrame, told: Plausibility) -> pl.DataFrame:
    """The verdicts on the statements that lead."""
    leads = roles.filter(role="leads").select(*STATEMENT, "snapshot_id").unique(STATEMENT, keep="any").sort(STATEMENT)
    statements = leads.with_row_index("statement").with_columns(pl.col("statement").cast(pl.Int64))
    used = (
        rows.drop("statement")
        .join(
            roles.filter(pl.col("role").is_in(["leads", "adds"])).select(*STATEMENT, "snapshot_id"),
            on=[*STATEMENT, "snapshot_id"],
        )
        .join(statements.select(*STATEMENT, "statement"), on=STATEMENT)
    )
    counts = used.group_by("statement", "location_key").agg(known_sum("households"), known_sum("individuals"))
    asked = _with_evidence(statements, used, told)
    verdicts = judge(asked, counts, _unread(statements, unread_of(told.quarantine)), told.rules, told.decisions)
    by_number = asked.select("statement", "review_id", "source_reference_date")
    countries = used.group_by("statement").agg(pl.col("location_code").first(), pl.col("population_group").first())
    return (
        asked.join(verdicts, on="statement")
        .join(countries, on="statement")
        .join(by_number.select(previous="statement", previous_date="source_reference_date"), on="previous", how="left")
        .with_columns(rejected_people_share=_unread_share())
        .join(by_number.select(waits_with="statement", _with="review_id"), on="waits_with", how="left")
        .with_columns(waits_with="_with")
        .drop("_with", "statement", "previous", "line")
        .sort(STATEMENT)
    )


def _with_evidence(statements: pl.DataFrame, used: pl.DataFrame, told: Plausibility) -> pl.DataFrame:
    """Statements with their line, their id, and what each says of itself."""
    parts = pl.col("statement_label").str.split(SEPARATOR)
    # a row of several groups is one row, and its people are those of all of them
    of_delivery = ["snapshot_id", "source_reference_date"]
    sums = used.group_by(of_delivery).agg(
        _rows=pl.struct("source_sheet", "source_row").n_unique(), _people=pl.col("individuals").sum()
    )
    newest = pl.col("source_reference_date") == pl.col("source_reference_date").max().over("snapshot_id")
    rejected = rejected_of(told.quarantine)
    dated = rejected.filter(pl.col("reference_date").is_not_null())
    of_date = dated.group_by("snapshot_id", source_reference_date="reference_date").agg(_SUMS)
    known = statements.select("snapshot_id", "source_reference_date").unique()
    # rows whose date can't be read, or on which nothing stands, count against the newest date of the delivery
    loose = rejected.join(known, left_on=OF_DATE, right_on=OF_STATEMENT, how="anti")
    loose = loose.group_by("snapshot_id").agg(_SUMS)
    asked = (
        with_review_ids(statements)
        .with_columns(
            line=pl.concat_str([parts.list.get(0), parts.list.get(1)], separator=SEPARATOR),
            round_number=parts.list.get(2).cast(pl.Int64, strict=False),
        )
        .join(sums, on=of_delivery, how="left")
        .join(of_date, on=["snapshot_id", "source_reference_date"], how="left")
        .join(loose, on="snapshot_id", how="left", suffix="_loose")
        .join(_main_rule(told.quarantine), on="snapshot_id", how="left")
        .join(told.deliveries, on="snapshot_id", how="left")
    )
    counted = {
        n: pl.col(n).fill_null(0) + pl.when(newest).then(f"{n}_loose").fill_null(0)
        for n in ("rejected_rows", "rejected_individuals")
    }
    return asked.with_columns(**counted).select(
        "statement",
        *STATEMENT,
        "snapshot_id",
        "line",
        "review_id",
        "round_number",
        "control_gap",
        "control_stated",
        "control_read",
        pl.col("date_inferred").fill_null(False),
        pl.col("unit_differs").fill_null(False),
        "rejected_rows",
        "rejected_rule",
        rejected_share=_share("rejected_rows", "_rows"),
        rejected_people_share=_share("rejected_individuals", "_people"),
        days_in_future=(pl.col("source_reference_date") - pl.col("received_on")).dt.total_days(),
        known_jump=pl.struct("series_id", "source_reference_date").map_elements(
            lambda s: (s["series_id"], s["source_reference_date"]) in told.known_jumps, return_dtype=pl.Boolean
        ),
    )


def _main_rule(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Of each delivery the rule that set aside most of its people, or where these are not known most of its rows."""
    by = quarantine.filter(LOSSES).group_by("snapshot_id", rejected_rule="rule").agg(pl.col("persons").sum(), pl.len())
    worst = by.sort("persons", "len", "rejected_rule", descending=[True, True, False])
    return worst.unique("snapshot_id", keep="first", maintain_order=True).select("snapshot_id", "rejected_rule")


OF_DATE, OF_STATEMENT = ["snapshot_id", "reference_date"], ["snapshot_id", "source_reference_date"]
_SUMS = [pl.col("rejected_rows").sum(), pl.col("rejected_individuals").sum()]


def _share(lost: str, kept: str) -> pl.Expr:
    whole = pl.col(lost) + pl.col(kept).fill_null(0)
    return pl.when(whole > 0).then(pl.col(lost) / whole).otherwise(0.0)


def _unread_share() -> pl.Expr:
    """The share of people whose rows could not be read, as the rows tell them and by their last figure."""
    told = pl.col("rejected_people_share").fill_null(0) + pl.col("unread_people_share").fill_null(0)
    return pl.min_horizontal(told, pl.lit(1.0))


def _unread(statements: pl.DataFrame, unread: pl.DataFrame) -> pl.DataFrame:
    """Rows whose people could not be read, by the statement they belong to: that of their date, else the delivery's newest."""
    newest = statements.filter(
        pl.col("source_reference_date") == pl.col("source_reference_date").max().over("snapshot_id")
    )
    own = unread.join(statements, left_on=OF_DATE, right_on=OF_STATEMENT)
    loose = unread.join(statements, left_on=OF_DATE, right_on=OF_STATEMENT, how="anti").join(newest, on="snapshot_id")
    both = pl.concat([f.select("statement", "location_key") for f in (own, loose)])
    return both.drop_nulls().unique()


LOSSES = ~pl.col("rule").str.contains("^(repeated_|review_|subtotal_)")
"""Rows of a quarantine that could not be read: repeats, and what a reviewer rejected, are no losses."""


def unread_of(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows of a country whose people can't be read: snapshot_id, reference_date, location_key.

    Args:
        quarantine: rows of quarantine_dtm__row.
    """
    lost = quarantine.filter(LOSSES & pl.col("persons").is_null() & pl.col("location_key").is_not_null())
    return lost.select(*OF_DATE, "location_key").unique()


def rejected_of(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows of a country that could not be read, by delivery and date.

    Args:
        quarantine: rows of quarantine_dtm__row: snapshot_id, reference_date, rule, persons.
    """
    lost = quarantine.filter(LOSSES)
    return lost.group_by("snapshot_id", "reference_date").agg(
        rejected_rows=pl.len().cast(pl.Int64), rejected_individuals=pl.col("persons").sum()
    )


CAUSES = {
    "in_the_future": "its date lies {days_in_future} days after the day it came",
    "persons_per_household": "it counts {size} persons a household: are the two columns what they say?",
    "unit_contradicted": "it gives {measure} only, and its breakdown, which should count {other}, adds to them: are they {other}?",
    "zeros_too_many": "one location is {largest_factor} times as large: a zero too many?",
    "panel": "a typical location is {panel_ratio} times as large ({panel_locations} are in both lists){guess}",
    "block": "{block_share} of the {panel_locations} locations in both lists are several times as large, or a small part{block}",
    "list_cut": "it lists {locations_now} locations, the list before {locations_before}: was it cut?",
    "list_grown": "it lists {locations_now} locations, the list before {locations_before}",
    "measure_lost": "it gives no {measure_lost}, which the list before does",
    "rows_unreadable": "{rejected_share} of its rows were set aside{rejected_rule}, {rejected_people}",
    "control_total": "its totals row says {control_stated}, and its rows add to {control_read}",
    "total": "the total is {ratio} times the one before",
    "people_lost": "locations that held {people_lost_share} of the people before are not in it",
    "round_before_date": "the number of its round runs against its date",
}
"""What each broken rule says, those that name a cause first: the others follow from them."""
SAID = 3
"""Causes that a sentence has; `dtm review show` has all."""


def sentence(review: dict[str, Any]) -> str:
    """A verdict in words: both figures, and the rules that are broken, the likeliest cause first."""
    who = f"{review['series_id']} on {review['source_reference_date']} ({review['source_kind']})"
    told = causes(review)
    more = f"; and {len(told) - SAID} more" if len(told) > SAID else ""
    return f"{who}: {figures(review)}: {'; '.join(told[:SAID])}{more}"


def figures(review: dict[str, Any]) -> str:
    """Both figures of a statement: its own, and the one that it is compared with."""
    now = f"{review['now']:,} {review['measure']}" if review["now"] is not None else "no figure"
    if review["before"] is not None:
        return f"{now}, {review['before']:,} on {review['previous_date']}"
    if review["previous_date"] is not None:
        return f"{now}; the date before is {review['previous_date']}"
    return f"{now}; there is no date before"


def causes(review: dict[str, Any]) -> list[str]:
    """Each rule that is broken, in words."""
    ratio = review["now"] / review["before"] if review["before"] and review["now"] is not None else None
    told = {
        **{k: review[k] for k in ("panel_locations", "locations_now", "locations_before", "days_in_future")},
        **{k: f"{review[k] or 0:.1%}" for k in ("block_share", "people_lost_share", "rejected_share", "control_gap")},
        **{k: _times(review[k]) for k in ("panel_ratio", "largest_factor", "size")},
        "ratio": _times(ratio),
        "rejected_rule": _rule_words(review.get("rejected_rule")),
        "rejected_people": _unread_people(review["rejected_people_share"]),
        "measure_lost": review["measure_lost"],
        "measure": review["measure"] or "individuals",
        "other": "individuals" if review["measure"] == "households" else "households",
        **{k: review.get(k) or "another figure" for k in ("control_stated", "control_read")},
        "guess": _guess(review["panel_ratio"]),
        "block": ": a part of the list shifted by a column?",
    }  # fmt: skip
    # where most of the list moved by one factor, a block of it did too
    said = [r for r in CAUSES if r in review["broken"] and (r != "block" or "panel" not in review["broken"])]
    return [CAUSES[rule].format(**told) for rule in said]


RULE_WORDS = {
    "digit_too_many": "a count is 10 or 100 times what its breakdown adds to",
    "persons_per_household": "households and individuals don't fit each other",
    "conflicting_duplicate": "rows of one place contradict each other",
    "absurd_count": "more people than the place can hold",
    "absurd_date": "days that can't be",
}
"""What the rules say by which rows are set aside, where their names don't."""


def _rule_words(rule: str | None) -> str:
    """Why most of the rows were set aside."""
    if rule is None:
        return ""
    name, _, column = rule.partition("_")
    counts = f"{column.replace('_', ' ')} that are no numbers" if name == "unreadable" else rule.replace("_", " ")
    return f" ({RULE_WORDS.get(rule, counts)})"


def _unread_people(share: float | None) -> str:
    """What is known of the people of rows that could not be read: often their count is what could not be read."""
    return f"and with them about {share:.0%} of its people" if share else "and how many people they hold is not known"


def _times(factor: float | None) -> str:
    return "?" if factor is None else f"{factor:.2g}" if factor < 1 else f"{factor:.1f}"


def _guess(ratio: float | None) -> str:
    """What a common factor of all locations looks like."""
    if ratio is None:
        return ""
    for n, told in ((10, "a digit too many"), (100, "two digits too many")):
        if 0.95 <= ratio / n <= 1.05 or 0.95 <= ratio * n <= 1.05:
            return f": {told if ratio > 1 else told.replace('many', 'few')}?"
    if 3.5 <= ratio <= 8:
        return ": individuals typed as households?"
    return ": households typed as individuals, or a column shifted?" if 1 / 8 <= ratio <= 1 / 3.5 else ""
