"""Keys by which codes and names are compared."""

from __future__ import annotations

import polars as pl


def name_key(name: pl.Expr) -> pl.Expr:
    """Letters and digits of a name, without case, article, apostrophes, hyphens, tatweel and accents.

    `Al-Ba'aj`, `al Baaj` and `Baaj` share a key; nothing is compared by likeness.
    """
    return (
        name.str.normalize("NFKD")
        .str.replace_all(r"[\u0300-\u036f\u0640\u02b0-\u02ff]", "")
        .str.to_lowercase()
        .str.strip_chars()
        .str.replace(r"^(al|el)[\s\-]+", "")
        .str.replace_all(r"[^\p{L}\p{N}]", "")
    )


def code_key(code: pl.Expr) -> pl.Expr:
    """Letters and digits of a code in capitals: `IRQ-G01Q01` -> `IRQG01Q01`."""
    return code.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
