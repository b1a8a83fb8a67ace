"""Migrant presence: migrants of each nationality in an area at a date. docs/sources/migrant_presence.md.

Provider: IOM DTM Jordan, Türkiye, Egypt, Lebanon, with authorities. Cadence: quarterly.
"""

from __future__ import annotations

from dtm_pipeline.contracts.raw import MIGRANT_PRESENCE
from sources.tabular import Need, Tabular


class MigrantPresence(Tabular):
    kind = "migrant_presence"
    title = "migrant presence by area and nationality"
    table = MIGRANT_PRESENCE
    core_table = "core_dtm__migrant_presence"
    needs = (
        Need("a governorate", ("provider_admin1_name", "provider_admin1_code")),
        Need("a nationality", ("nationality",)),
        Need("migrants", ("individuals",)),
    )
    identity = (
        "location_code",
        "reference_date",
        "provider_admin1_name",
        "provider_admin1_code",
        "provider_admin2_name",
        "provider_admin2_code",
        "nationality",
    )
    parts = ("nationality",)
    persons = "individuals"
