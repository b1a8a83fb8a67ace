"""Rows whose cells stand one column beside their headers, as a paste or a deleted cell leaves them."""

from __future__ import annotations

import numpy as np
import polars as pl

from dtm_pipeline.quality.split import SizeOfRow, unfit
from sources.document import DeliveryError
from sources.headers import HeaderRow

BLANK, WHOLE, DECIMAL, WORDS = range(4)
LEAST_ROWS = 5
"""Rows that must stand aside, and rows that must not (ours)."""
MARGIN = 2
"""Cells of a row that fit better one column aside (ours): one alone may be a blank that means something."""
INSIDE, OUTSIDE = 0.9, 0.05
"""Share of the rows between the first and the last of them that stand aside, and of all other rows at most (ours)."""
MOST_ROWS = 200_000


def check_not_shifted(texts: pl.DataFrame, header: HeaderRow, sheet: str | None) -> None:
    """No part of a sheet stands one column to the right or to the left of the rest.

    Each cell is blank, a whole number, a decimal number or words; most cells of a column are of one of these. Where the cells of
    a block of rows are, from one column on, what those of the column beside are elsewhere, the block is shifted. Blanks alone
    prove nothing (a list may be sorted by who answered what): words stand where numbers do, or cells under no header.

    Args:
        texts: the rows below the header, as text, in the order of the file.

    Raises:
        DeliveryError: a block of rows is shifted.
    """
    cells = [c for c in texts.columns if c != "source_row"]
    if texts.height < 2 * LEAST_ROWS or texts.height > MOST_ROWS or len(cells) <= MARGIN:
        return
    names = {c.index: c.header for c in (*header.columns, *header.repeated)}
    beyond = int(cells[-1].removeprefix("c")) not in names
    sorts = texts.select(_sort_of(c) for c in cells).to_numpy()
    found = _shifted_block(sorts, beyond)
    if found is None:
        return
    column, direction, first, last = found
    if first == 0:
        # rows right below the header stand under it: it is the others that are shifted
        direction, first, last = -direction, last + 1, texts.height - 1
    at = int(cells[column].removeprefix("c"))
    named = f" ({names[at]})" if at in names else ""
    side = "right" if direction > 0 else "left"
    start, end = texts["source_row"][first], texts["source_row"][last]
    until = "on" if last == texts.height - 1 else f"to row {end}"
    raise DeliveryError(
        f"from row {start} {until} every cell from column {at + 1}{named} on stands one column to the {side} of its header",
        "each cell under its header, as in the other rows",
        "move them back, or ask the sender to, and deliver the file again",
        sheet=sheet,
        row=start,
    )


def _sort_of(cell: str) -> pl.Expr:
    text = pl.col(cell).str.strip_chars()
    return (
        pl.when(text.is_null() | (text == ""))
        .then(BLANK)
        .when(text.str.contains(r"^[+-]?[\d,]+$"))
        .then(WHOLE)
        .when(text.str.contains(r"^[+-]?\d+\.\d+$"))
        .then(DECIMAL)
        .otherwise(WORDS)
        .cast(pl.Int8)
        .alias(cell)
    )


def _shifted_block(sorts: np.ndarray, beyond: bool) -> tuple[int, int, int, int] | None:
    """The column from which a block of rows is shifted, to which side (1 right, -1 left), its first and its last row.

    Args:
        sorts: of each cell, a row a row and a column a column.
        beyond: whether the last column has no header: what lies in it fell off the others.
    """
    usual = np.array([np.bincount(column, minlength=4).argmax() for column in sorts.T], dtype=sorts.dtype)
    if len(np.unique(usual)) == 1:
        return None
    width = sorts.shape[1]
    misfits, clashes = _misfits(sorts, usual)
    # the same of cells beside the columns they stand in: to the left of them, and to the right
    aside = {1: _misfits(sorts[:, 1:], usual[:-1]), -1: _misfits(sorts[:, :-1], usual[1:])}
    fallen = beyond & (sorts[:, -1] != usual[-1])
    best: tuple[int, tuple[int, int, int, int]] | None = None
    for direction, (misfits_beside, clashes_beside) in aside.items():
        for column in range(width - 1):
            gain = misfits[:, column:].sum(axis=1) - misfits_beside[:, column:].sum(axis=1)
            proven = clashes[:, column:].sum(axis=1) > clashes_beside[:, column:].sum(axis=1)
            block = _block_of((gain >= MARGIN) & (proven | fallen))
            if block is not None:
                total = int(gain[block[0] : block[1] + 1].sum())
                if best is None or total > best[0]:
                    best = (total, (column, direction, *block))
    return best[1] if best else None


def _misfits(sorts: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells that are not what is usual, and those among them that are something else where something is usual."""
    other = sorts != usual
    return other, other & (sorts != BLANK) & (usual != BLANK)


def _block_of(rows: np.ndarray) -> tuple[int, int] | None:
    """First and last of some rows, where they lie close together and are neither few nor nearly all."""
    if rows.sum() < LEAST_ROWS:
        return None
    # the stretch that gains most, where a row that is none of them costs as much as two that are
    gained = np.concatenate([[0], np.cumsum(np.where(rows, 1, -2))])
    lowest = np.minimum.accumulate(gained)
    end = int(np.argmax(gained - lowest))
    first, last = int(np.argmin(gained[: end + 1])), end - 1
    within, inside = int(rows[first:end].sum()), end - first
    outside = rows.size - inside
    if within < max(LEAST_ROWS, INSIDE * inside) or outside < LEAST_ROWS or rows.sum() - within > OUTSIDE * outside:
        return None
    return first, last


MOVED = 2.0
"""So many times larger or smaller the other count of a row is, in the median, where a count is missing (ours)."""


def check_counts_not_lost(rows: pl.DataFrame, headers: dict[str, str], sheet: str | None) -> None:
    """Households and individuals stand in all rows alike: neither ends at a row from which on the other is of another size.

    A cell that was inserted or deleted before two counts leaves one of them blank and the other in its place.

    Args:
        rows: source_row, households and individuals, in the order of the file.
        headers: those of the two, as the file spells them.

    Raises:
        DeliveryError: from a row on, or up to one, a count is missing and the other has changed its size.
    """
    if set(headers) != {"households", "individuals"}:
        return
    for lost, kept in (("households", "individuals"), ("individuals", "households")):
        missing = (rows[lost].is_null() & rows[kept].is_not_null()).to_numpy()
        block = _block_of(missing)
        if block is None:
            continue
        first, last = block
        in_block = pl.int_range(pl.len()).is_between(first, last)
        inside, outside = rows.select(pl.col(kept).filter(in_block).median(), o=pl.col(kept).filter(~in_block).median()).row(0)  # fmt: skip
        if not inside or not outside or 1 / MOVED < inside / outside < MOVED:
            continue
        start, end = rows["source_row"][first], rows["source_row"][last]
        until = "on" if last == rows.height - 1 else f"to row {end}"
        raise DeliveryError(
            f"from row {start} {until} {headers[lost]} is blank, and {headers[kept]} is {inside:,.0f} in the median of these rows and {outside:,.0f} in that of the others, as if the cells were shifted by a column",
            f"{headers[lost]} and {headers[kept]} in every row",
            "move the cells back, or ask the sender to, and deliver the file again",
            sheet=sheet,
            row=start,
        )


def check_counts_fit(rows: pl.DataFrame, headers: dict[str, str], rule: SizeOfRow, sheet: str | None) -> None:
    """Households and individuals fit each other in all parts of a list alike: a cell that was deleted leaves a block where they don't.

    Args:
        rows: source_row, households and individuals, in the order of the file.
        headers: those of the two, as the file spells them.

    Raises:
        DeliveryError: from a row on, or up to one, nearly no row fits, and the others do.
    """
    if set(headers) != {"households", "individuals"}:
        return
    block = _block_of(rows.select(unfit("households", "individuals", rule).fill_null(False)).to_series().to_numpy())
    if block is None:
        return
    first, last = block
    start, end = rows["source_row"][first], rows["source_row"][last]
    until = "on" if last == rows.height - 1 else f"to row {end}"
    raise DeliveryError(
        f"from row {start} {until} {headers['households']} and {headers['individuals']} don't fit each other (row {start}: "
        f"{rows['households'][first]:,} and {rows['individuals'][first]:,}), and in the other rows they do, as if a cell before them was deleted or inserted",
        f"{rule.low:g} to {rule.high:g} persons a household in every row",
        "move the cells back, or ask the sender to, and deliver the file again",
        sheet=sheet,
        row=start,
    )
