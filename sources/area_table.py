"""DTM figures of areas as tables: the HDX export of the API, and the HAPI form of it. docs/sources/hdx_idps.md, hapi_idps.md.

Provider: IOM DTM through OCHA's HDX and HAPI. Three levels stand in one sheet; they are the same people. A row of HXL
tags stands below the headers; `Not available` means missing.
"""

from __future__ import annotations

from dtm_pipeline.contracts.raw import API_FIGURE
from sources.tabular import Need, Tabular


class AreaTable(Tabular):
    """What both forms share: stocks of IDPs of areas, in parts by reason and origin."""

    table = API_FIGURE
    core_table = "core_dtm__stock"
    identity = (
        "location_code",
        "admin_level",
        "provider_admin1_name",
        "provider_admin1_code",
        "provider_admin2_name",
        "provider_admin2_code",
        "operation",
        "assessment_type",
        "reference_date",
        "reporting_round",
        "displacement_reason",
        "origin_admin1_name",
    )
    persons = "individuals"
    parts = ("displacement_reason", "origin_admin1_name")

    @property
    def replacement_key(self) -> tuple[str, ...]:
        return ("series_id", "reference_date", "admin_level")


class HdxTable(AreaTable):
    kind = "hdx_idps"
    title = "HDX export of the DTM API (admin 0 to 2)"
    constants = {"source_kind": kind}
    needs = (
        Need("admin0Pcode", ("location_code",)),
        Need("adminLevel", ("admin_level",)),
        Need("numPresentIdpInd", ("individuals",)),
        Need("reportingDate", ("reference_date",)),
        Need("operation and assessmentType", ("operation",)),
    )


class HapiTable(AreaTable):
    kind = "hapi_idps"
    title = "HDX HAPI file of IDPs"
    constants = {"source_kind": kind}
    needs = (
        Need("location_code", ("location_code",)),
        Need("admin_level", ("admin_level",)),
        Need("population", ("individuals",)),
        Need("reference_period_end", ("reference_date",)),
        Need("operation and assessment_type", ("operation",)),
    )
