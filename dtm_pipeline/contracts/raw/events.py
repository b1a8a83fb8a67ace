"""Event, emergency, incident and climate tracking."""

from __future__ import annotations

from dtm_pipeline.contracts import columns as c
from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.contracts.raw.shared import (
    FLAGS,
    PROVENANCE,
    PROVIDER_PLACE,
    ROW,
    households,
    persons,
)

EVENT_REPORT = Table(
    "raw_dtm__event_report",
    "raw",
    "A report of one event at one place: who was displaced newly, in all, who is displaced now, who returned.",
    ROW,
    (
        *PROVENANCE,
        c.location_code.required(),
        c.event_id.required(),
        c.event_type.required(),
        Column("event_date", "date", "date", "Day of the event; null when not known"),
        c.reference_date.required(),
        *PROVIDER_PLACE,
        c.location_name,
        Column(
            "event_place",
            "string",
            "key",
            "The place of the report by its units and name, however they are spelled: a later report replaces the earlier one of its place",
            dissemination="partner",
        ).required(),
        c.latitude,
        c.longitude,
        Column("origin_admin1_name", "string", "label", "Governorate of origin in the provider's words"),
        Column("origin_admin2_name", "string", "label", "District of origin in the provider's words"),
        Column("camp_name", "string", "label", "Camp or site that was closed or evicted", dissemination="partner"),
        households("new_households", "Households displaced newly in the report"),
        persons("new_individuals", "Persons displaced newly in the report"),
        households("cumulative_households", "Households displaced since the event began"),
        persons("cumulative_individuals", "Persons displaced since the event began"),
        households("current_households", "Households still displaced on the day of the report"),
        persons("current_individuals", "Persons still displaced on the day of the report"),
        households("returned_households", "Households that returned since the event began"),
        persons("returned_individuals", "Persons who returned since the event began"),
        FLAGS,
    ),
    rules=(
        Rule(
            "some_count",
            "new_households IS NOT NULL OR new_individuals IS NOT NULL OR cumulative_households IS NOT NULL OR cumulative_individuals IS NOT NULL OR current_households IS NOT NULL OR current_individuals IS NOT NULL OR returned_households IS NOT NULL OR returned_individuals IS NOT NULL",
            "a report has a count of households or individuals",
        ),
    ),
    added_along=("place",),
    replacement_key=("location_code", "event_id", "event_place", "reference_date"),
)

TABLES = (EVENT_REPORT,)
