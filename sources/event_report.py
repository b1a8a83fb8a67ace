"""Emergency, event, incident and climate tracking, camp closures and evictions included. docs/sources/event_report.md.

Provider: IOM DTM field teams, authorities. Cadence: ad hoc, daily or weekly. Later reports of one event replace
earlier ones; cumulative and current figures stand apart.
"""

from __future__ import annotations

import polars as pl

from dtm_pipeline.contracts.raw import EVENT_REPORT
from dtm_pipeline.quality.identity import identity_keys
from sources.protocol import Finding
from sources.tabular import Context, Need, Tabular

PARTS = ("origin_admin1_name", "origin_admin2_name", "camp_name")
COUNTS = ("new", "cumulative", "current", "returned")


def event_place() -> pl.Expr:
    """The place of a report: its units, by code where one is given, and its name."""
    keys = identity_keys((*(f"provider_admin{n}_{w}" for n in (1, 2) for w in ("code", "name")), "location_name"))
    return pl.concat_str([key.fill_null("") for key in keys.values()], separator="/")


class EventReport(Tabular):
    kind = "event_report"
    title = "event, emergency, incident or climate tracking"
    table = EVENT_REPORT
    core_table = "core_dtm__event"
    needs = (
        Need("an event id", ("event_id",)),
        Need("a type of event", ("event_type",)),
        Need("a date of the report or of the event", ("reference_date", "event_date")),
        Need(
            "a count of households or individuals",
            tuple(f"{c}_{u}" for c in COUNTS for u in ("households", "individuals")),
        ),
    )
    identity = (
        "location_code",
        "event_id",
        "reference_date",
        "provider_admin1_name",
        "provider_admin1_code",
        "provider_admin2_name",
        "provider_admin2_code",
        "location_name",
        *PARTS,
    )
    parts = PARTS
    persons = "_stated"
    made = ("event_place",)
    vocabularies = {"event_type": "event_type"}

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        return frame.with_columns(
            event_place=event_place(),
            _stated=pl.coalesce(f"{c}_individuals" for c in ("cumulative", "new", "current")),
        )

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        more = kept.filter(pl.col("current_individuals") > pl.col("cumulative_individuals"))
        early = kept.filter(pl.col("reference_date") < pl.col("event_date"))
        sheet = context.sheet.name
        return {}, [
            *(
                Finding(
                    "current_exceeds_cumulative", "more people are displaced now than were displaced in all", sheet, r
                )
                for r in more["source_row"]
            ),
            *(
                Finding("report_before_event", "the report is dated before the event", sheet, r)
                for r in early["source_row"]
            ),
        ]
