"""How grave a rule or a finding is: whether people may be missing, a figure may be wrong, or neither."""

from __future__ import annotations

import polars as pl

LOSS, DOUBT, NOTE = "loss", "doubt", "note"
SEVERITIES = (LOSS, DOUBT, NOTE)
"""Gravest first. loss: rows, columns, sheets or a delivery that may hold people are in no figure. doubt: a figure may be
wrong. note: nothing is missing, and it says why."""
_LOSSES = r"^(unreadable_|no_|negative_|absurd_|digit_too_many|conflicting_|unknown_answer|unknown_direction|sheet_|hidden_sheet|column_without_header|columns_|unknown_header|delivery_held|unit_conflicting|breakdowns_differ|subtotal_or_part|damaged_text|formula_|place_unresolved|contract_)"
_NOTES = r"^(repeated_|control_total$|second_breakdown|unit_repeated|unit_not_told|edition_nearest|groups_summed|derived_identity|reviewer_|review_|rejected_by_review|accepted_by_review|statement_compared|form_number_repeats|round_on_several_dates|place_id_reused|place_note)"


def severity_of(name: pl.Expr) -> pl.Expr:
    """The severity of a rule or finding, by its name; what is in no list is a doubt.

    Args:
        name: of the rule or finding.
    """
    # a note leads: `repeated_header_differs` is a doubt about a column that is read
    return (
        pl.when(name.str.contains("differs$"))
        .then(pl.lit(DOUBT))
        .when(name.str.contains(_NOTES))
        .then(pl.lit(NOTE))
        .when(name.str.contains(_LOSSES))
        .then(pl.lit(LOSS))
        .otherwise(pl.lit(DOUBT))
    )
