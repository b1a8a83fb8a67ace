"""What one delivery says of one series on one date, and which statement leads. Method: docs/method/statements.md.

A stock is read from one statement only. Two round labels on one date, or two assessment types in one series, are two
statements: one leads, the others are compared.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.series import Series

LABELS = ("operation", "assessment_type", "reporting_round")
SEPARATOR = " · "


def text_key(text: pl.Expr) -> pl.Expr:
    """A code or a label without regard to case, spaces and punctuation: ` Iraq  conflict` and `Iraq-Conflict` are one."""
    folded = text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ")
    return folded.str.strip_chars()


def round_key(text: pl.Expr) -> pl.Expr:
    """A round's label without the word and leading zeros: `Round 07`, `R7` and `7` are one."""
    return text_key(text).str.replace(r"^(?:round|rnd|r)?\s*0*(\d+)$", "${1}")


def with_statements(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Rows with `statement_label`: operation, assessment type and round, however they are spelled.

    Where all rows of a key that name a round name one, those that name none are of it: a corrected list may have lost its
    number.

    Args:
        rows: columns `key`, LABELS.
    """
    named = rows.with_columns(
        _operation=text_key(pl.col("operation")),
        _type=text_key(pl.col("assessment_type")).str.to_uppercase(),
        _round=round_key(pl.col("reporting_round")),
    )
    group = [*key, "_operation", "_type"]
    only = pl.col("_round").drop_nulls().n_unique().over(group) == 1
    filled = named.with_columns(
        _round=pl.when(only)
        .then(pl.coalesce("_round", pl.col("_round").drop_nulls().first().over(group)))
        .otherwise("_round")
    )
    label = pl.concat_str([pl.col(c).fill_null("") for c in ("_operation", "_type", "_round")], separator=SEPARATOR)
    return filled.with_columns(statement_label=label).drop("_operation", "_type", "_round")


def leading_statements(statements: pl.DataFrame, series: tuple[Series, ...], key: tuple[str, ...]) -> pl.DataFrame:
    """Which statement of each key leads.

    The assessment type that stands first in the series leads; within it the later round, where all are numbers of one
    operation. A statement without a label never leads before one that has one. What can't be compared leads nowhere.

    Args:
        statements: columns `key` (series_id among them) and statement_label, distinct.

    Returns:
        The rows with `place`: leads, compared, or held (nobody can say which of several leads).
    """
    order = pl.DataFrame(
        [(s.series_id, kind.upper(), rank) for s in series for rank, kind in enumerate(s.assessment_types)],
        schema={"series_id": pl.String, "_type": pl.String, "_rank": pl.Int64},
        orient="row",
    )
    parts = pl.col("statement_label").str.split(SEPARATOR)
    ranked = (
        statements.with_columns(_operation=parts.list.get(0), _type=parts.list.get(1), _round=parts.list.get(2))
        .join(order, on=["series_id", "_type"], how="left", maintain_order="left")
        .with_columns(
            pl.col("_rank").fill_null(order["_rank"].max() or 0), _number=pl.col("_round").cast(pl.Int64, strict=False)
        )
    )
    best = ranked.filter(pl.col("_rank") == pl.col("_rank").min().over(key))
    # of the best type: one operation, and rounds that are numbers; a statement without a round is none of several
    labelled = pl.col("_round") != ""
    of_key = best.group_by(key).agg(
        operations=pl.col("_operation").n_unique(),
        rounds=labelled.sum(),
        words=(labelled & pl.col("_number").is_null()).any(),
        newest=pl.col("_number").max(),
        best=pl.col("_rank").first(),
    )
    several = pl.col("rounds") > 1
    comparable = (pl.col("operations") == 1) & ~(several & pl.col("words"))
    newest = (
        pl.when(several)
        .then((pl.col("_number") == pl.col("newest")).fill_null(False))
        .otherwise(labelled | (pl.col("rounds") == 0))
    )
    return ranked.join(of_key, on=key, nulls_equal=True, maintain_order="left").select(
        *statements.columns,
        place=pl.when(pl.col("_rank") > pl.col("best"))
        .then(pl.lit("compared"))
        .when(~comparable)
        .then(pl.lit("held"))
        .when(newest)
        .then(pl.lit("leads"))
        .otherwise(pl.lit("compared")),
    )
