"""XLSForms: what the exports of surveys are read by. docs/sources/xlsform.md.

A workbook, or its survey and choices sheets as CSV files whose names differ in nothing else. A form holds no figures:
it is kept, and every survey that needed it is read again.
"""

from __future__ import annotations

import zipfile

from dtm_pipeline.contracts.derive import empty
from dtm_pipeline.contracts.raw import QUARANTINE
from dtm_pipeline.quality.split import Account
from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.protocol import Delivery, Description, Match, Reading
from sources.survey.xlsform import assemble, parts_of

LIST_OF_SHEETS = 1 << 20
NOTHING = Account(0, 0, 0, 0, 0, 0, 0)


class XlsForm:
    """Recognises forms, and checks that they can be read."""

    kind = "xlsform"
    title = "form of a survey (XLSForm), or a part of it"
    replacement_key: tuple[str, ...] = ()

    def describe(self) -> Description:
        needs = ("a sheet `survey` with type and name", "a sheet `choices` with list_name and name")
        return Description(self.kind, self.title, needs, (), "", (), "docs/sources/xlsform.md")

    def recognise(self, document: Document, reference: Reference) -> Match:
        parts = parts_of(document)
        return Match(1.0, tuple(parts), headers=1000) if parts else Match(0)

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        """Read it.

        Raises:
            DeliveryError: its groups do not close.
        """
        parts = parts_of(document)
        forms = assemble([document])
        told = {
            "parts": sorted(parts),
            "forms": [
                {"form": f.form_id, "questions": len(f.questions), "languages": f.languages, "repeats": list(f.repeats)}
                for f in forms
            ],
        }
        return Reading(self.kind, (), {}, empty(QUARANTINE), NOTHING, told, [])


def may_be_form(document: Document) -> bool:
    """Whether a document is to be read before the surveys of the same run: cheap, and not the last word."""
    try:
        if document.format != "workbook":
            return document.format == "text" and bool(parts_of(document))
        with zipfile.ZipFile(document.path) as book, book.open("xl/workbook.xml") as names:
            return b'name="survey"' in names.read(LIST_OF_SHEETS).lower()
    except (DeliveryError, zipfile.BadZipFile, KeyError, OSError, NotImplementedError):
        return False
