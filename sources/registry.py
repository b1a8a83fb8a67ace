"""The kinds of delivery that are known, and which of them a document is."""

from __future__ import annotations

from dtm_pipeline.storage.reference import Reference
from sources.border_count import BorderCount
from sources.document import DeliveryError, Document
from sources.dtm_api import DtmApi
from sources.master_list import MasterList
from sources.protocol import Match, Source
from sources.severity_survey import SeveritySurvey

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


def _unknown(document: Document, kind: str, title: str, match: Match) -> str:
    if match.score <= 0:
        # its cells may hold people's data: they are counted, not quoted
        rows = sum(s.cells.height for s in document.sheets) if document.format != "json" else 0
        seen = f" ({rows} rows of text)" if rows else ""
        return f"is of no known kind{seen}; known are: {', '.join(s.title for s in SOURCES)}"
    fits = f"found {', '.join(match.found[:4])}" if match.found else "nothing of it fits"
    return f"is of no known kind; nearest is {kind} ({title}): {fits}; missing {', '.join(match.missing[:4])}"
