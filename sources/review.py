"""What a reviewer said of a submission: KoBoToolbox's validation status, ODK's review state, in every shape of export."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.quality.parse import plain, written
from dtm_pipeline.quality.split import Reject
from dtm_pipeline.storage.reference import Reference
from sources.document import header_key
from sources.headers import Column, HeaderRow, spellings

HEADERS = frozenset(
    header_key(h)
    for h in (
        "_validation_status",
        "_validation_status/label",
        "_validation_status/uid",
        "_validation_status.label",
        "_validation_status.uid",
        "_submission__validation_status",
        "X_validation_status",
        "validation status",
        "ReviewState",
        "__system/reviewState",
        "reviewState",
    )
)
RULE = "reviewer_rejected"
FLAG = "review"


def review_column(header: HeaderRow) -> Column | None:
    """The column that tells the state of review; None without one."""
    return next((c for c in header.columns if HEADERS & set(spellings(c.header))), None)


def review_state(text: pl.Expr, reference: Reference) -> pl.Expr:
    """The state that a word of KoBoToolbox or ODK stands for; null where nothing is said, or no such state."""
    known = reference.vocabularies.filter(vocabulary="review_state")
    mapping = {header_key(w): c for c, w in known.select("code", "alias").rows()}
    mapping |= {header_key(c): c for c in known["code"]}
    key = written(text).str.to_lowercase().str.normalize("NFKC").str.replace_all(r"[^\p{L}\p{N}]", "")
    return key.replace_strict(mapping, default=None, return_dtype=pl.String)


def review_text(header: HeaderRow) -> pl.Expr:
    """The word that tells the state of review, as it stands in the sheet."""
    column = review_column(header)
    return pl.lit(None, pl.String) if column is None else pl.col(column.cell)


def quarantined(state: pl.Expr, reference: Reference) -> pl.Expr:
    """Whether a submission of this state is not used (reference/thresholds.toml, part review)."""
    return state.is_in(list(reference.thresholds["review"]["quarantined"])).fill_null(False)


def flagged(text: pl.Expr, reference: Reference) -> dict[str, pl.Expr]:
    """By flag (`review_<state>`) the submissions of a state that is named and used; `review_unknown` of a word that is none."""
    state = review_state(text, reference)
    told = {f"{FLAG}_{s}": (state == s).fill_null(False) for s in reference.thresholds["review"]["flagged"]}
    return told | {f"{FLAG}_unknown": plain(text).is_not_null() & state.is_null()}


def flag_sentences(reference: Reference) -> dict[str, str]:
    """What each flag of a review means, in words."""
    return {
        f"{FLAG}_{s}": f"its reviewer marked the submission as {s.replace('_', ' ')}; it is used"
        for s in reference.thresholds["review"]["flagged"]
    } | {
        f"{FLAG}_unknown": "the state of review is no word that is known (code_lists/vocabularies.csv); the submission is used"
    }


def review_reject(header: HeaderRow, reference: Reference) -> list[Reject]:
    """The reject of submissions that a reviewer rejected; none where the sheet tells no state.

    The rows that it is asked of have `_review`, the word of the sheet (`review_text`).
    """
    column = review_column(header)
    if column is None:
        return []
    state = review_state(pl.col("_review"), reference)
    sentence = f"{column.header} of a submission that is used is not that of a rejected one"
    return [Reject(RULE, sentence, column.header, quarantined(state, reference), pl.col("_review"))]
