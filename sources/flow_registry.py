"""Flow monitoring registries: a household or group a row, each mission in its own layout. docs/sources/flow_registry.md.

Provider: IOM DTM flow monitoring and border teams. Layouts stand in reference/flow_layouts: which sheets, how many
header rows (merged cells of the upper row are filled to the right), and what each column is. Form numbers repeat and
are never a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import FLOW_REGISTRATION, FLOW_REGISTRATION_CELL
from dtm_pipeline.quality.parse import plain, unreadable, whole_number
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document, Sheet, header_key
from sources.headers import MAX_HEADER_ROW, Column, HeaderRow
from sources.protocol import Delivery, Description, Finding, Match, Reading, SheetReading, combine
from sources.tabular import Context, Need, Tabular

QUARTER = re.compile(r"(?<![a-z0-9])q([1-4])[-_ ]*(20\d\d)(?!\d)", re.IGNORECASE)
TICKS = ("reason", "vulnerability", "means")


@dataclass(frozen=True)
class _Fit:
    layout: dict[str, Any]
    header: HeaderRow
    direction: str | None
    match: Match


class FlowRegistry:
    """Recognises registries by the layouts of reference/flow_layouts."""

    kind = "flow_registry"
    title = "flow monitoring registry, by a layout of reference/flow_layouts"

    @property
    def replacement_key(self) -> tuple[str, ...]:
        return FLOW_REGISTRATION.replacement_key

    def describe(self) -> Description:
        return Description(
            self.kind,
            self.title,
            ("the required columns of a layout in reference/flow_layouts",),
            (FLOW_REGISTRATION.name, FLOW_REGISTRATION_CELL.name),
            "core_dtm__flow_registration",
            self.replacement_key,
            "docs/sources/flow_registry.md",
        )

    def recognise(self, document: Document, reference: Reference) -> Match:
        if document.format == "json":
            return Match(0)
        fits = [fit.match for sheet in document.sheets if (fit := _best_fit(sheet, reference))]
        return max(fits, key=lambda m: m.score, default=Match(0))

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        read: list[SheetReading] = []
        findings: list[Finding] = []
        for sheet in document.sheets:
            fit = _best_fit(sheet, reference)
            if fit is None or fit.match.missing:
                if sheet.row_count > 1 and len(document.sheets) > 1:
                    told = "the sheet was not read: it has no layout in reference/flow_layouts"
                    findings.append(Finding("sheet_not_read", told, sheet.name))
                continue
            reader = _LayoutReader(fit.layout, fit.direction)
            read.append(reader.read_sheet(Context(sheet, fit.header, delivery, reference)))
        _check_copies(read)
        return combine(self.kind, read, findings)


def _check_copies(read: list[SheetReading]) -> None:
    """No sheet is a copy of another: form numbers repeat, so that only whole sheets tell.

    Raises:
        DeliveryError: one is.
    """
    seen: dict[int, str | None] = {}
    for sheet in read:
        rows = sheet.tables[FLOW_REGISTRATION.name].drop("source_sheet", "source_row")
        content = hash(tuple(rows.hash_rows().sort()))
        if content in seen and rows.height > 1:
            raise DeliveryError(
                f"it holds the same rows as the sheet {seen[content]!r}",
                "each registration once",
                "take one sheet out",
                sheet=sheet.facts["sheet"],
            )
        seen[content] = sheet.facts["sheet"]


class _LayoutReader(Tabular):
    """Reads a sheet in one layout."""

    kind = FlowRegistry.kind
    title = FlowRegistry.title
    table = FLOW_REGISTRATION
    core_table = "core_dtm__flow_registration"
    needs = (Need("a layout", ("observed_on",)),)
    vocabularies = {"direction": "direction"}

    def __init__(self, layout: dict[str, Any], direction: str | None) -> None:
        self.layout, self.direction = layout, direction
        self.constants = {"mission": layout["mission"]}  # type: ignore[misc]  # a layout is known when it is read

    def header_table(self, reference: Reference) -> dict[str, tuple[str, str]]:
        return {header_key(h): _target(c) for c in self.layout["column"] for h in _spellings(c)}

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        return frame.with_columns(direction=pl.coalesce("direction", pl.lit(self.direction, pl.String)))

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        words = context.reference.vocabularies.filter(vocabulary="yes_no", code="no")
        nos = [w.lower() for w in words["alias"]]
        parts = [_cells(kept, column, nos) for column in context.header.categories()]
        cells = pl.concat([FLOW_CELLS, *parts])
        # several columns may stand for one category
        grain = ["snapshot_id", "source_sheet", "source_row", "dimension", "category_code"]
        cells = cells.group_by(grain, maintain_order=True).agg(pl.col("value").sum())
        return {FLOW_REGISTRATION_CELL.name: conform(cells, FLOW_REGISTRATION_CELL)}, self._findings(
            kept, cells, context
        )

    def _findings(self, kept: pl.DataFrame, cells: pl.DataFrame, context: Context) -> list[Finding]:
        sheet = context.sheet.name
        findings = []
        sums = cells.group_by("source_row", "dimension").agg(pl.col("value").sum())
        for dimension in ("sex", "sex_age"):
            apart = kept.join(sums.filter(dimension=dimension), on="source_row").filter(
                pl.col("value") != pl.col("individuals")
            )
            told = (
                f"persons by {dimension.replace('_', ' and ')} are not the persons of the row; the row's total is read"
            )
            findings += [Finding(f"{dimension}_differs", told, sheet, r) for r in apart["source_row"]]
        bad = [c for c in context.header.categories() if c.target and c.target[0] not in TICKS]
        unread = kept.filter(
            pl.any_horizontal(
                pl.lit(False),
                *(
                    unreadable(pl.col(c.cell), whole_number(pl.col(c.cell))) | (whole_number(pl.col(c.cell)) < 0)
                    for c in bad
                ),
            )
        )
        findings += [
            Finding("unreadable_cell", "a tally can't be read; its persons are in no category", sheet, r)
            for r in unread["source_row"]
        ]
        numbers = kept.filter(pl.col("form_number").is_not_null())
        again = numbers.height - numbers["form_number"].n_unique()
        if again:
            findings.append(
                Finding("form_number_repeats", f"{again:,} form numbers repeat; they identify nothing", sheet)
            )
        span = _span(context.delivery.name) or _span(sheet or "")
        if span:
            outside = kept.filter(~pl.col("observed_on").is_between(*span))
            told = f"the day lies outside {span[0]} to {span[1]}, which the file says it holds"
            findings += [Finding("day_outside_period", told, sheet, r) for r in outside["source_row"]]
        return findings


FLOW_CELLS = pl.DataFrame(
    schema={
        "snapshot_id": pl.String,
        "source_sheet": pl.String,
        "source_row": pl.Int64,
        "dimension": pl.String,
        "category_code": pl.String,
        "value": pl.Int64,
    }
)


def _cells(kept: pl.DataFrame, column: Column, nos: list[str]) -> pl.DataFrame:
    """The tallies of a column: counts, or ticks where the column is ticked (anything but a no)."""
    assert column.target is not None
    dimension, code = column.target
    number = whole_number(pl.col(column.cell))
    if dimension in TICKS:
        number = (
            pl.when(number.is_not_null())
            .then(number)
            .when(~plain(pl.col(column.cell)).str.to_lowercase().is_in(nos))
            .then(1)
        )
    tally = kept.select(
        "snapshot_id",
        "source_sheet",
        "source_row",
        dimension=pl.lit(dimension),
        category_code=pl.lit(code),
        value=number.cast(pl.Int64),
    )
    return tally.filter(pl.col("value") > 0)


def _span(name: str) -> tuple[date, date] | None:
    """The quarter that a name gives."""
    found = QUARTER.search(name)
    if found is None:
        return None
    quarter, year = int(found[1]), int(found[2])
    last = {1: 31, 2: 30, 3: 30, 4: 31}[quarter]
    return date(year, 3 * quarter - 2, 1), date(year, 3 * quarter, last)


def _spellings(column: dict[str, Any]) -> list[str]:
    """The headers of a layout's column, each behind its group where it has one."""
    headers = column["header"] if isinstance(column["header"], list) else [column["header"]]
    group = column.get("group")
    return [f"{group} {h}" for h in headers] if group else headers


def _target(column: dict[str, Any]) -> tuple[str, str]:
    if "cell" in column:
        dimension, code = column["cell"]
        return dimension, code
    return "field", column["field"]


def _best_fit(sheet: Sheet, reference: Reference) -> _Fit | None:
    fits = [fit for layout in reference.flow_layouts if (fit := _fit(sheet, layout))]
    return max(fits, key=lambda f: (f.match.score, f.match.headers), default=None)


def _fit(sheet: Sheet, layout: dict[str, Any]) -> _Fit | None:
    """A layout on a sheet: the header rows that know most of its columns."""
    table = {header_key(h): _target(c) for c in layout["column"] for h in _spellings(c)}
    depth = layout["header_rows"]
    head = sheet.head()[: MAX_HEADER_ROW + depth - 1]
    best: HeaderRow | None = None
    for first in range(len(head) - depth + 1):
        header = _header(head[first : first + depth], first + depth, table)
        if best is None or len(_known(header)) > len(_known(best)):
            best = header
    if best is None or len(_known(best)) < 2:
        return None
    known = {c.target[1] for c in best.columns if c.target}
    needed = [c.get("field") or c["cell"][1] for c in layout["column"] if c.get("required")]
    rule = next((s for s in layout.get("sheet", ()) if header_key(s["name"]) in header_key(sheet.name)), None)
    found = tuple(n for n in needed if n in known)
    missing = [n for n in needed if n not in known]
    if "direction" not in known and rule is None:
        missing.append("a sheet that says in or out")
    match = Match(
        len(found) / (len(needed) + bool(len(missing) > len(needed) - len(found))),
        found,
        tuple(missing),
        len(_known(best)),
    )
    score = match.score if not missing else min(match.score, 0.45)
    return _Fit(
        layout, best, rule["direction"] if rule else None, Match(score, match.found, match.missing, match.headers)
    )


def _known(header: HeaderRow) -> list[Column]:
    return [c for c in header.columns if c.target]


def _header(rows: list[list[str | None]], number: int, table: dict[str, tuple[str, str]]) -> HeaderRow:
    """Headers of one row, or of two whose upper cells are merged over the lower ones."""
    columns: list[Column] = []
    repeated: list[Column] = []
    seen: set[str] = set()
    group = ""
    upper = rows[0] if len(rows) > 1 else [None] * len(rows[-1])
    for index, (above, below) in enumerate(zip(upper, rows[-1], strict=True)):
        if len(rows) > 1:
            group = above if above else group if below else ""
        names = [below, f"{group} {below}" if group and below else None, above if not below else None]
        keys = [header_key(n) for n in names if n]
        if not keys:
            continue
        key = next((k for k in reversed(keys) if k in table), keys[-1])
        label = " ".join(str(names[1] or names[0] or names[2]).split())
        column = Column(index, label, key, table.get(key))
        (repeated if key in seen else columns).append(column)
        seen.add(key)
    return HeaderRow(number, tuple(columns), tuple(repeated))
