"""The kinds of delivery that are known, and which of them a document is."""

from __future__ import annotations

from dtm_pipeline.storage.reference import Reference
from sources.border_count import BorderCount
from sources.document import DeliveryError, Document
from sources.dtm_api import DtmApi
from sources.master_list import MasterList
from sources.protocol import Delivery, Match, Reading, Source
from sources.severity_survey import SeveritySurvey

DATED_BY_ROW = (DtmApi.kind, BorderCount.kind)
SOURCES: tuple[Source, ...] = (MasterList(), DtmApi(), SeveritySurvey(), BorderCount())


def recognise(document: Document, reference: Reference, told: str | None = None) -> Source:
    """The kind of a document, from its content; `told` (a sidecar's `kind`) is checked, not believed.

    Raises:
        DeliveryError: it is of no known kind; the sentence names the nearest and what did not fit.
    """
    matches = {source.kind: source.recognise(document, reference) for source in SOURCES}
    by_kind = {source.kind: source for source in SOURCES}
    if told is not None and told not in by_kind:
        raise DeliveryError(f"the sidecar calls it {told!r}; known kinds are {', '.join(by_kind)}")
    best = told or max(matches, key=lambda k: matches[k].score)
    if matches[best].score >= reference.thresholds["deliveries"]["min_header_share"]:
        return by_kind[best]
    raise DeliveryError(_unknown(document, best, by_kind[best].title, matches[best]))


def read_delivery(document: Document, delivery: Delivery, reference: Reference) -> Reading:
    """Recognise a delivery, read it, and hold it against what its sidecar says.

    Raises:
        DeliveryError: it is of no known kind, can't be used, or its sidecar says something else than it holds.
    """
    reading = recognise(document, reference, delivery.statement.get("kind")).read(document, delivery, reference)
    _check_country(delivery, reading)
    _check_series(delivery, reading, reference)
    return reading


def _check_country(delivery: Delivery, reading: Reading) -> None:
    told = delivery.statement.get("country")
    if told is not None and reading.countries != (told,):
        raise DeliveryError(f"its sidecar says country {told!r}; it holds {', '.join(reading.countries)}")
    if delivery.statement.get("reference_date") and reading.kind in DATED_BY_ROW:
        raise DeliveryError(
            "its sidecar says a reference_date; every row of this kind has its own; take it out of the sidecar"
        )


def _check_series(delivery: Delivery, reading: Reading, reference: Reference) -> None:
    """A series that a sidecar names is listed, and is of the delivery's country and population group."""
    told = delivery.statement.get("series")
    if told is None:
        return
    series = {s.series_id: s for s in reference.series}
    if told not in series:
        raise DeliveryError(f"its sidecar names the series {told!r}; reference/series.toml lists {', '.join(series)}")
    groups = {
        g for t in reading.tables.values() if "population_group" in t.columns for g in t["population_group"].unique()
    }
    if reading.kind == DtmApi.kind:
        groups = {"idp"}
    expected = series[told]
    if reading.countries != (expected.location_code,) or groups != {expected.population_group}:
        raise DeliveryError(
            f"its sidecar names the series {told!r} ({expected.location_code}, {expected.population_group}); "
            f"it holds {', '.join(reading.countries)}, {', '.join(sorted(groups)) or 'no population group'}"
        )


def _unknown(document: Document, kind: str, title: str, match: Match) -> str:
    if match.score <= 0:
        # its cells may hold people's data: they are counted, not quoted
        rows = sum(s.cells.height for s in document.sheets) if document.format != "json" else 0
        seen = f" ({rows} rows of text)" if rows else ""
        return f"is of no known kind{seen}; known are: {', '.join(s.title for s in SOURCES)}"
    fits = f"found {', '.join(match.found[:4])}" if match.found else "nothing of it fits"
    return f"is of no known kind; nearest is {kind} ({title}): {fits}; missing {', '.join(match.missing[:4])}"
