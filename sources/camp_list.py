"""Camp managers' workbooks (CCCM): sites with their population. docs/sources/camp_list.md.

Provider: camp managers, CCCM cluster. Cadence: monthly. Figures are formulas into other workbooks: their stored values
are read, and a formula without one is named, never computed.
"""

from __future__ import annotations

import io

from dtm_pipeline.storage.reference import Reference
from sources.document import Document
from sources.other_figure import OtherFigure
from sources.protocol import Delivery, Finding, Reading
from sources.tabular import Need


class CampList(OtherFigure):
    kind = "camp_list"
    title = "list of camps and sites of camp managers (CCCM)"
    provider = "camp managers"
    constants = {"source_kind": kind, "cumulative": False}
    own = ("place_id", "location_name")
    needs = (
        Need("a site id (SSID)", ("place_id",)),
        Need("a camp or site", ("location_name",)),
        Need("families or persons", ("households", "individuals")),
    )

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        reading = super().read(document, delivery, reference)
        if document.format == "workbook" and document.raw.startswith(b"PK"):
            reading.findings += _formulas_without_values(document)
        return reading


def _formulas_without_values(document: Document) -> list[Finding]:
    """Cells whose formula was saved without a value, which a reader of stored values sees as blank."""
    from openpyxl import load_workbook

    stored = {s.name: s.cells for s in document.sheets}
    findings = []
    for sheet in load_workbook(io.BytesIO(document.raw), read_only=True):
        cells = stored.get(sheet.title)
        if cells is None:
            continue
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                column, number = cell.column - 1, cell.row - 1
                value = cells[number, column] if column < cells.width and number < cells.height else None
                if value is None:
                    told = f"the formula in {cell.coordinate} has no stored value; its figure is unknown; ask the sender to open the workbook, let it compute, and save it"
                    findings.append(Finding("formula_without_value", told, sheet.title, cell.row))
    return findings
