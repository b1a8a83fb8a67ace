"""Camp managers' workbooks (CCCM): sites with their population. docs/sources/camp_list.md.

Provider: camp managers, CCCM cluster. Cadence: monthly. Figures are formulas into other workbooks: their stored values
are read, and a formula without one is named, never computed.
"""

from __future__ import annotations

from sources.other_figure import OtherFigure
from sources.tabular import Need


class CampList(OtherFigure):
    kind = "camp_list"
    title = "list of camps and sites of camp managers (CCCM)"
    provider = "camp managers"
    constants = {"source_kind": kind, "cumulative": False}
    own = ("place_id", "location_name")
    places_once = True
    needs = (
        Need("a site id (SSID)", ("place_id",)),
        Need("a camp or site", ("location_name",)),
        Need("families or persons", ("households", "individuals")),
    )
