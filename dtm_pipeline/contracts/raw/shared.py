"""What rows of every kind share: where they stand in the delivery, and the place in the provider's words."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column

PROVENANCE = (c.snapshot_id.required(), c.source_sheet, c.source_row.required())
ROW = ("snapshot_id", "source_sheet", "source_row")
PROVIDER_PLACE = (
    c.provider_admin1_name,
    c.provider_admin1_code,
    c.provider_admin2_name,
    c.provider_admin2_code,
)
PROVIDER_SUBDISTRICT = (c.provider_admin3_name, c.provider_admin3_code)
FLAGS = Column("flags", "strings", "flag", "Findings about the row that did not stop its use", dissemination="partner")


def persons(name: str, description: str) -> Column:
    """A stock of persons, null when not known."""
    return Column(name, "int64", "stock", description, unit="persons", at_least=0)


def households(name: str, description: str) -> Column:
    """A stock of households, null when not known."""
    return Column(name, "int64", "stock", description, unit="households", at_least=0)
