"""All tables by name."""

from __future__ import annotations

from dtm_pipeline.contracts import core, out, raw
from dtm_pipeline.contracts.model import Table

TABLES: dict[str, Table] = {t.name: t for t in (*raw.TABLES, *core.TABLES, *out.TABLES)}


def table(name: str) -> Table:
    """The declaration of a table.

    Raises:
        KeyError: no table has that name.
    """
    return TABLES[name]


def published_tables() -> tuple[Table, ...]:
    """The tables that leave in a release, in the order of the data dictionary."""
    return out.TABLES
