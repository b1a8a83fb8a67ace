"""The kinds of delivery that are known, and which of them a document is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dtm_pipeline.contracts.raw import API_FIGURE
from dtm_pipeline.storage.reference import Reference
from sources.area_table import HapiTable, HdxTable
from sources.baseline_assessment import BaselineAssessment
from sources.border_count import BorderCount
from sources.camp_list import CampList
from sources.document import DeliveryError, Document, MissingFactError, say_facts
from sources.dtm_api import DtmApi
from sources.event_report import EventReport
from sources.flow_registry import FlowRegistry
from sources.headers import aliases
from sources.household_survey import FlowSurvey, HouseholdSurvey
from sources.location_assessment import LocationAssessment
from sources.location_database import LocationDatabase
from sources.master_list import MasterList
from sources.migrant_presence import MigrantPresence
from sources.mobility_mapping import MobilityMapping
from sources.other_figure import GovernmentRegistration, ReliefList, UnhcrFigure
from sources.protocol import MANY, Delivery, Finding, Match, Reading, Source
from sources.severity_survey import SeveritySurvey
from sources.suggest import MOST_TOLD, how_to_add, likely_header, suggested
from sources.tabular import Tabular
from sources.xlsform import XlsForm

DATED_BY_ROW = (DtmApi.kind, HdxTable.kind, HapiTable.kind, BorderCount.kind, FlowRegistry.kind)
SOURCES: tuple[Source, ...] = (
    MasterList(),
    LocationDatabase(),
    BaselineAssessment(),
    LocationAssessment(),
    SeveritySurvey(),
    EventReport(),
    FlowRegistry(),
    BorderCount(),
    MobilityMapping(),
    MigrantPresence(),
    HouseholdSurvey(),
    FlowSurvey(),
    XlsForm(),
    GovernmentRegistration(),
    UnhcrFigure(),
    ReliefList(),
    CampList(),
    DtmApi(),
    HdxTable(),
    HapiTable(),
)
TELL = "`dtm inspect FILE` shows what fits; ask the sender for the headers of the kind"


def recognise(document: Document, reference: Reference, told: str | None = None) -> Source:
    """The kind of a document, from its content; `told` (a sidecar's `kind`) is checked, not believed.

    Raises:
        DeliveryError: it is of no known kind; the sentence names the nearest and what did not fit.
    """
    matches = {source.kind: source.recognise(document, reference) for source in SOURCES}
    by_kind = {source.kind: source for source in SOURCES}
    if told is not None and told not in by_kind:
        raise DeliveryError(
            f"the sidecar calls it {told!r}", f"one of {', '.join(by_kind)}", "`dtm kinds` describes each"
        )
    order = {kind: (match.score, match.headers) for kind, match in matches.items()}
    best = told or max(order, key=lambda kind: order[kind])
    if matches[best].score < reference.thresholds["deliveries"]["min_header_share"]:
        if told is not None:
            raise _lacking(document, by_kind[best], matches[best], reference)
        raise _unknown(document, best, by_kind[best].title, matches[best])
    if matches[best].must_be_said and told is None:
        raise MissingFactError(
            "kind",
            f"may be of {best} ({by_kind[best].title}), and of others that look the same",
            f'its kind, such as kind = "{best}"',
            read_on_with=best,
        )
    alike = [kind for kind in order if kind != best and order[kind] == order[best]]
    if alike and told is None:
        raise MissingFactError(
            "kind", f"its headers fit {best} and {', '.join(alike)} alike", "one of these kinds", read_on_with=best
        )
    return by_kind[best]


def read_delivery(document: Document, delivery: Delivery, reference: Reference) -> Reading:
    """Recognise a delivery, read it, and hold it against what its sidecar says.

    Raises:
        DeliveryError: it is of no known kind, can't be used, or its sidecar says something else than it holds. What a sidecar
            must say and does not is named at once, all of it.
    """
    try:
        return _read(document, delivery, reference)
    except MissingFactError as refusal:
        raise _all_that_lacks(refusal, document, delivery, reference) from None


def _all_that_lacks(
    first: MissingFactError, document: Document, delivery: Delivery, reference: Reference
) -> DeliveryError:
    """One refusal for all facts that the delivery and its sidecar do not state."""
    lacks, statement = [first], dict(delivery.statement)
    while True:
        statement[lacks[-1].fact] = lacks[-1].read_on_with
        try:
            _read(document, replace(delivery, statement=statement), reference)
        except MissingFactError as refusal:
            if refusal.fact not in statement:
                lacks.append(refusal)
                continue
        except DeliveryError:
            pass  # what is wrong beside is said when these facts are stated
        break
    return DeliveryError(
        "; ".join(f"{refusal.where}{refusal.found}" for refusal in lacks),
        " and ".join(refusal.expected for refusal in lacks),
        say_facts([refusal.fact for refusal in lacks], document.name),
    )


def _read(document: Document, delivery: Delivery, reference: Reference) -> Reading:
    reading = recognise(document, reference, delivery.statement.get("kind")).read(document, delivery, reference)
    _check_country(delivery, reading)
    _check_series(delivery, reading, reference)
    reading.facts |= document.facts()
    reading.findings = _capped([*_of_document(document), *reading.findings])
    return reading


def _of_document(document: Document) -> list[Finding]:
    """What its bytes say before any kind does: damage, errors and formulas without values."""
    if document.format == "text" and document.damaged_places:
        told = f"{document.damaged_places:,} places can't be decoded: bytes were lost on the way; names may be wrong; ask the sender to send it again"
        return [Finding("damaged_text", told)]
    if document.format != "workbook":
        return []
    found = document.examination
    return [
        *(
            Finding(
                "hidden_sheet", "the sheet is hidden and was not read; if it counts, ask the sender to unhide it", name
            )
            for name in document.hidden_sheets
        ),
        *_rows_as_seen(found.hidden_rows, document, "hidden_rows", "are hidden, by a filter or by hand, and were read"),
        *_rows_as_seen(found.struck_rows, document, "struck_rows", "are struck through and were read"),
        *(
            Finding(
                "formula_error",
                f"{column}{row} holds the error of a formula; its value is unknown; ask the sender to mend it",
                sheet,
                row,
            )
            for sheet, column, row in found.errors
        ),
        *(
            Finding(
                "formula_without_value",
                f"the formula in {column}{row} has no stored value; its figure is unknown; ask the sender to open the workbook, let it compute, and save it",
                sheet,
                row,
            )
            for sheet, column, row in found.without_value
        ),
    ]


def _rows_as_seen(rows: dict[str, list[int]], document: Document, finding: str, told: str) -> list[Finding]:
    """A finding for each visible sheet with rows that a person does not see, or sees struck through."""
    return [
        Finding(
            finding,
            f"{len(numbers):,} rows {told}: first row {numbers[0]}; ask the sender whether they count",
            name,
            numbers[0],
        )
        for name, numbers in rows.items()
        if name not in document.hidden_sheets
    ]


def _capped(findings: list[Finding]) -> list[Finding]:
    """The findings, those that stand on very many rows told once with their number."""
    counts = Counter((f.finding, f.source_sheet) for f in findings)
    told: dict[tuple[str, str | None], int] = {}
    kept = []
    for finding in findings:
        key = (finding.finding, finding.source_sheet)
        told[key] = told.get(key, 0) + 1
        if counts[key] <= MANY:
            kept.append(finding)
        elif told[key] == 1:
            sentence = f"{finding.sentence} (the first of {counts[key]:,} such findings)"
            kept.append(replace(finding, sentence=sentence))
    return kept


def _check_country(delivery: Delivery, reading: Reading) -> None:
    told = delivery.statement.get("country")
    if told is not None and reading.countries not in ((told,), ()):
        raise DeliveryError(
            f"it holds {', '.join(reading.countries)}", f"{told}, as its sidecar says", "mend the sidecar"
        )
    if delivery.statement.get("reference_date") and reading.kind in DATED_BY_ROW:
        raise DeliveryError(
            "its sidecar says a reference_date",
            "none: every row of this kind has its own day",
            "take it out of the sidecar",
        )


def _check_series(delivery: Delivery, reading: Reading, reference: Reference) -> None:
    """A series that a sidecar names is listed, and is of the delivery's country and population group."""
    told = delivery.statement.get("series")
    if told is None:
        return
    series = {s.series_id: s for s in reference.series}
    if told not in series:
        raise DeliveryError(
            f"its sidecar names the series {told!r}",
            f"one of reference/series.toml: {', '.join(series)}",
            "mend the sidecar",
        )
    groups = {
        g for t in reading.tables.values() if "population_group" in t.columns for g in t["population_group"].unique()
    }
    if API_FIGURE.name in reading.tables:
        groups = {"idp"}
    expected = series[told]
    if reading.countries != (expected.location_code,) or groups != {expected.population_group}:
        raise DeliveryError(
            f"it holds {', '.join(reading.countries)}, {', '.join(sorted(groups)) or 'no population group'}",
            f"{expected.location_code}, {expected.population_group}, of which the series {told!r} is that its sidecar names",
            "mend the sidecar",
        )


def _lacking(document: Document, source: Source, match: Match, reference: Reference) -> DeliveryError:
    """The refusal of a delivery that is said to be of a kind whose columns it lacks: which, and what may stand for them."""
    kind, table = source.kind, aliases(reference, source.kind, shared=True)
    sheets = document.sheets if document.format != "json" else []
    if not match.missing and isinstance(source, Tabular):
        match = max((source.fit(likely_header(s, table)) for s in sheets), key=lambda m: m.score, default=match)
    lacks = " and ".join(match.missing) or "columns that the kind knows"
    near = suggested(sheets, table)
    if not near:
        return DeliveryError(
            f"is said to be of {kind}, and lacks {lacks}; none of its headers is near one of these",
            f"headers of {kind} (docs/sources/{kind}.md)",
            f'`dtm inspect "{document.name}"` lists its headers; ask the sender for those of the kind',
        )
    likely = ", ".join(f"{s.column.told!r} may be {s.meaning}" for s in near[:MOST_TOLD])
    return DeliveryError(
        f"is said to be of {kind}, and lacks {lacks}; of its headers {likely}",
        f"headers of {kind} (docs/sources/{kind}.md)",
        f'if so {how_to_add(near[:MOST_TOLD], kind)}; then: dtm retry "{document.name}"',
    )


def _unknown(document: Document, kind: str, title: str, match: Match) -> DeliveryError:
    if match.score <= 0:
        # its cells may hold people's data: they are counted, not quoted
        rows = sum(s.row_count for s in document.sheets) if document.format != "json" else 0
        seen = f" ({rows} rows of text)" if rows else ""
        return DeliveryError(f"is of no known kind{seen}", "one of the kinds that `dtm kinds` lists", TELL)
    fits = f"found {', '.join(match.found[:4])}" if match.found else "nothing of it fits"
    return DeliveryError(
        f"is of no known kind; nearest is {kind} ({title}): {fits}", f"also {', '.join(match.missing[:4])}", TELL
    )
