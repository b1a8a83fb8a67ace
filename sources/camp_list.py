"""Camp managers' workbooks (CCCM): sites with their population. docs/sources/camp_list.md.

Provider: camp managers, CCCM cluster. Cadence: monthly. Figures are formulas into other workbooks: their stored values
are read, and a formula without one is named, never computed.
"""

from __future__ import annotations

import polars as pl

from sources.other_figure import OtherFigure
from sources.tabular import Context, Need

PART = r"(?i)\b((?:block|sector|section|phase|zone|extension)s?\b[\s-]*\w*|(?:بلوك|قطاع|مربع|مرحلة)\s*\w+)"
"""What in the name of a camp names a part of it: two rows of one site id that differ in it are parts of the site."""


class CampList(OtherFigure):
    kind = "camp_list"
    title = "list of camps and sites of camp managers (CCCM)"
    provider = "camp managers"
    constants = {"source_kind": kind, "cumulative": False}
    own = ("place_id", "location_name")
    identity = ("location_code", "provider", "population_group", "reference_date", "place_id")
    places_once = True
    needs = (
        Need("a site id (SSID)", ("place_id",)),
        Need("a camp or site", ("location_name",)),
        Need("families or persons", ("households", "individuals")),
    )

    def _finer(self, context: Context) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("camp_part", *super()._finer(context))))

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        shaped = super().shaped(frame, context)
        return shaped.with_columns(camp_part=pl.coalesce("camp_part", pl.col("location_name").str.extract(PART)))
