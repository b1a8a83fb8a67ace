"""What tells rows of one delivery apart, however it is spelled. Method: docs/method/statements.md."""

from __future__ import annotations

import polars as pl

from dtm_pipeline.domain.statements import round_key, text_key
from dtm_pipeline.places.names import spelling_key

REASONS = "displacement_reason"
LEVELS = (1, 2, 3)


def reasons_key(text: pl.Expr) -> pl.Expr:
    """Reasons given together are one code, whatever their order: `Conflict; Natural disaster`."""
    parts = text.str.split(";").list.eval(text_key(pl.element()))
    return parts.list.unique().list.sort().list.join("; ")


def code_key(code: pl.Expr) -> pl.Expr:
    """A p-code without the letters of its country, which is written as ISO 2 or ISO 3: `IRQ-G01Q01`, `iqg01q01`.

    The G of Iraqi codes goes with them: in `AFG01` it is the country's.
    """
    bare = code.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    return bare.str.replace(r"^[A-Z]{2,3}?G?(\d)", "${1}")


def identity_keys(columns: tuple[str, ...]) -> dict[str, pl.Expr]:
    """Keys that are equal for rows that differ in nothing but spelling.

    A unit is known by its code where the row gives one, else by its name.

    Args:
        columns: names of the columns that identify a row.

    Returns:
        Expressions by the name of the key, `_key_...`.
    """
    keys: dict[str, pl.Expr] = {}
    for column in columns:
        level = next((n for n in LEVELS if column in (f"provider_admin{n}_name", f"provider_admin{n}_code")), None)
        name = f"_key_admin{level}" if level else f"_key_{column}"
        if name in keys:
            continue
        if level:
            parts = [code_key(pl.col(c)) for c in (f"provider_admin{level}_code",) if c in columns]
            parts += [spelling_key(pl.col(c)) for c in (f"provider_admin{level}_name",) if c in columns]
            keys[name] = pl.coalesce(parts)
        elif column == REASONS:
            keys[name] = reasons_key(pl.col(column))
        elif column == "reporting_round":
            keys[name] = round_key(pl.col(column))
        elif column.endswith("_name"):
            keys[name] = spelling_key(pl.col(column))
        elif column.endswith(("_type", "_id", "operation", "nationality", "provider", "_number")):
            keys[name] = text_key(pl.col(column))
        else:
            keys[name] = pl.col(column)
    return keys
