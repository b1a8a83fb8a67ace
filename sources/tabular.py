"""Kinds whose sheets hold one row a thing under one header row, read as their contract says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar

import polars as pl

from dtm_pipeline.contracts.model import Column as Declared
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.contracts.raw import ROW
from dtm_pipeline.quality.identity import identity_keys, with_unit_levels
from dtm_pipeline.quality.parse import decimal_number, plain, unreadable, whole_number, without_unit, written
from dtm_pipeline.quality.repeats import (
    ALIKE,
    ALIKE_SENTENCE,
    PLACE_NAMES,
    PlaceOnce,
    PlaceRules,
    derived_id,
    place_rejects,
    with_places_twice,
)
from dtm_pipeline.quality.split import (
    PERSONS,
    Originals,
    Reject,
    SizeOfRow,
    account,
    count_rejects,
    size_rejects,
    split,
)
from dtm_pipeline.quality.totals import Statement, Units
from dtm_pipeline.storage.reference import Reference
from sources.dates import DateOrder, date_order, day_column, reference_date, round_in
from sources.document import SEND_AGAIN, DeliveryError, Document, MissingFactError, Sheet, header_key
from sources.headers import (
    HeaderRow,
    aliases,
    check_one_table,
    column_findings,
    data_rows,
    find_header,
    headers_of,
    original_json,
    told_apart_by,
)
from sources.protocol import (
    Delivery,
    Description,
    Finding,
    Match,
    Reading,
    SheetReading,
    combine,
    flag_findings,
    main_refusal,
    none_usable,
)
from sources.review import flag_sentences, flagged, review_reject, review_text
from sources.shifted import check_not_shifted
from sources.suggest import unknown_headers
from sources.totals import (
    control_totals,
    part_totals,
    without_subtotals,
    without_sums_of_rows_above,
    without_totals_of_parts,
)

MEASURES = ("stock", "flow", "count")
UNFIT = 0.4
"""What a sheet without a decisive header may reach at most: below every threshold of recognition."""
PARTS = ("displacement_reason", "origin_admin1_name")
"""Columns whose words tell the parts of one figure apart: `Not available` is such a word, and no blank."""
GIVEN_BY_READER = (*ROW, "location_code", "reference_date", "reporting_round", "flags")
UNIT_KEYS = ("_key_admin1", "_key_admin2", "_key_admin3")
STATEMENT_KEYS = tuple(
    f"_key_{n}"
    for n in (
        "location_code",
        "reference_date",
        "event_id",
        "admin_level",
        "operation",
        "assessment_type",
        "reporting_round",
    )
)
"""Keys that no row of a total leaves out."""
FINER_PARTS = ("camp_part", "nationality", "sex", "age")
FINER = (
    *FINER_PARTS,
    "provider_admin2_name",
    "provider_admin2_code",
    "provider_admin3_name",
    "provider_admin3_code",
    "location_name",
    "place_id",
)
FLAGS = {
    "short_row": "the row has fewer fields than the header; what is missing is blank",
    "derived_identity": "no place id; the place is known by its names",
    "unreadable_point": "latitude and longitude give no point on earth; the row stands by its declared unit",
    "alike_place": ALIKE_SENTENCE,
}


@dataclass(frozen=True)
class Need:
    """What a sheet must hold to be of a kind: one of some fields."""

    label: str
    fields: tuple[str, ...]
    decisive: bool = True
    """Without it the sheet is of another kind, however many other headers fit."""


@dataclass(frozen=True)
class Context:
    """What the rows of a sheet are read with."""

    sheet: Sheet
    header: HeaderRow
    delivery: Delivery
    reference: Reference
    days: DateOrder = field(default_factory=DateOrder)


class Tabular:
    """Recognises and reads sheets by a declaration: what a kind needs, what identifies a row, which words are codes."""

    kind: ClassVar[str]
    title: ClassVar[str]
    table: ClassVar[Table]
    core_table: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]]
    identity: ClassVar[tuple[str, ...]] = ()
    """Columns in which two rows are the same thing; none where rows may repeat."""
    persons: ClassVar[str | None] = None
    """Column with the persons that a row states; None where it counts movements, ticks or households."""
    vocabularies: ClassVar[dict[str, str]] = {}
    """Columns whose words are codes, with the vocabulary of reference/code_lists/vocabularies.csv."""
    constants: ClassVar[dict[str, Any]] = {}
    """Columns that are the same in every row of the kind."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Columns that tell the parts of one figure apart; a row without any beside parts that sum to it is their total."""
    places_once: ClassVar[bool] = False
    """Whether a place that stands twice, under another id or spelling, counts once; names stand for an id that is missing."""
    made: ClassVar[tuple[str, ...]] = ()
    """Columns that the kind makes from others."""
    own: ClassVar[tuple[str, ...]] = ()
    """Columns that only the kind's own headers stand for, not those that kinds share."""
    statements: ClassVar[tuple[str, ...]] = ()
    """Columns that the sidecar may state for all rows, where the sheet has no such header."""

    @property
    def replacement_key(self) -> tuple[str, ...]:
        return self.table.replacement_key

    def describe(self) -> Description:
        tables = (self.table.name, *self.more_tables())
        page = f"docs/sources/{self.kind}.md"
        return Description(
            self.kind,
            self.title,
            tuple(n.label for n in self.needs),
            tables,
            self.core_table,
            self.replacement_key,
            page,
        )

    def more_tables(self) -> tuple[str, ...]:
        """Tables beside the main one."""
        return ()

    def recognise(self, document: Document, reference: Reference) -> Match:
        if document.format == "json":
            return Match(0)
        table = self.header_table(reference)
        return max((self.fit(find_header(s, table)) for s in document.sheets), key=lambda m: m.score)

    def header_table(self, reference: Reference) -> dict[str, tuple[str, str]]:
        return aliases(reference, self.kind, shared=True, own=self.own)

    def fit(self, header: HeaderRow | None) -> Match:
        """How many of the needs are met; a sheet that lacks a decisive one never passes for the kind."""
        if header is None:
            return Match(0)
        known = {c.target[1] for c in header.columns if c.target}
        met = {n.label: bool(known & set(n.fields)) for n in self.needs}
        found = tuple(label for label, ok in met.items() if ok)
        missing = tuple(label for label, ok in met.items() if not ok)
        share = len(found) / len(self.needs)
        whole = all(met[n.label] for n in self.needs if n.decisive)
        return Match(share if whole else min(share, UNFIT), found, missing, len(known))

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        threshold = reference.thresholds["deliveries"]["min_header_share"]
        table = self.header_table(reference)
        read: list[SheetReading] = []
        findings: list[Finding] = []
        refusals: list[tuple[float, int, DeliveryError]] = []
        for sheet in document.sheets:
            header = find_header(sheet, table)
            if header is None or self.fit(header).score < threshold:
                if sheet.row_count > 1 and len(document.sheets) > 1:
                    told = f"the sheet was not read: its headers are not those of {self.title}"
                    findings.append(Finding("sheet_not_read", told, sheet.name))
                continue
            try:
                read.append(self.read_sheet(Context(sheet, header, delivery, reference)))
            except DeliveryError as refusal:
                refusals.append((self.fit(header).score, sheet.row_count, refusal.at(sheet.name)))
                findings.append(Finding("sheet_refused", f"the sheet was left out: {refusal}", sheet.name))
        if not read:
            raise main_refusal(refusals)
        rejected = pl.concat([s.rejected for s in read])
        if all(s.tables[self.table.name].is_empty() for s in read):
            raise none_usable(rejected)
        self.check_sheets(read)
        return combine(self.kind, read, findings)

    def check_sheets(self, read: list[SheetReading]) -> None:
        """No two sheets hold the same thing.

        Raises:
            DeliveryError: they do; it would count twice.
        """
        if not self.identity or len(read) < 2:
            return
        rows = pl.concat([s.tables[self.table.name].select(*self.identity, "source_sheet") for s in read])
        twice = rows.group_by(self.identity).agg(pl.col("source_sheet").n_unique()).filter(pl.col("source_sheet") > 1)
        if not twice.is_empty():
            raise DeliveryError(
                f"{twice.height:,} rows stand in several sheets alike",
                "each thing once: it would count twice",
                "send it with one of the sheets",
            )

    # -- one sheet ----------------------------------------------------------------------------------------

    def read_sheet(self, context: Context) -> SheetReading:
        context = replace(context, header=self.read_header(context.header))
        header, sheet, reference = context.header, context.sheet, context.reference
        tags, texts = _part_tags(data_rows(sheet, header), header)
        check_one_table(sheet, header, self.header_table(reference))
        totals, texts = part_totals(texts, header, reference.country_names)
        decisive = {c.name for c in self.table.columns if c.kind in MEASURES} | {
            *self.identity,
            "place_id",
            "reference_date",
            "location_code",
        }
        doubled = column_findings(texts, header, sheet.name, decisive)
        if texts.is_empty():
            raise DeliveryError("headers and no row below them", "rows", SEND_AGAIN, row=header.row)
        check_not_shifted(texts, header, sheet.name)
        context = replace(context, days=self._date_order(texts, context))
        rows, facts = self.typed(texts, context)
        rows, sums, summed = self.without_sums(rows, context, totals.doubtful)
        rejects = [*review_reject(header, reference), *self.rejects(context, self._told_apart(rows, texts, context))]
        outcome = split(
            rows,
            self.table,
            rejects,
            self.kind,
            Originals(texts, original_json(header), headers_of(header)),
            context.delivery.bounds(reference, self.kind),
        )
        kept = rows.join(outcome.rejected.select("source_row"), on="source_row", how="anti")
        told = account(rows, outcome, kept)
        counts = tuple(c.name for c in self.table.columns if c.kind in MEASURES)
        more, found = self.more(kept, texts, context)
        findings = [
            *unknown_headers(texts, header, self.header_table(reference), self.kind, sheet.name),
            *doubled,
            *([Finding("date_order_assumed", context.days.assumed, sheet.name)] if context.days.assumed else []),
            *control_totals(totals, rows, header, counts, sheet.name),
            *summed,
            *flag_findings(outcome.valid, self.flag_sentences(header) | flag_sentences(reference), sheet.name),
            *found,
        ]
        facts = {
            "sheet": sheet.name,
            **facts,
            **header.facts(),
            "totals_rows": totals.height + sums,
            "tag_rows": tags.height,
        }
        countries = tuple(sorted(outcome.valid["location_code"].unique()))
        return SheetReading(
            {self.table.name: outcome.valid, **more}, outcome.rejected, told, countries, facts, findings
        )

    def _date_order(self, texts: pl.DataFrame, context: Context) -> DateOrder:
        """In which order days and months of the sheet stand."""
        fields = context.header.fields()
        held = [fields[c.name] for c in self.table.columns if c.type == "date" and c.name in fields]
        statement = context.delivery.statement
        usual, country = context.reference.date_order(statement.get("country"))
        return date_order(texts, {c.header: c.cell for c in held}, statement.get("date_order"), usual, country)

    def read_header(self, header: HeaderRow) -> HeaderRow:
        """A kind's own last touch on the headers that were found."""
        return header

    def without_sums(
        self, rows: pl.DataFrame, context: Context, doubtful: tuple[int, ...]
    ) -> tuple[pl.DataFrame, int, list[Finding]]:
        """The rows without those that are the total of others, how many these are, and what to know about them."""
        sheet = context.sheet.name
        found: list[Finding] = []
        left = rows
        named = tuple(n for n in self._finer(context) if n in FINER_PARTS)
        if (self.parts or named) and self.persons:
            parts = tuple(f"_key_{p}" for p in (*self.parts, *named))
            scope = tuple(k for k in self.keys(context) if k not in (*parts, *UNIT_KEYS))
            place = tuple(k for k in UNIT_KEYS if k in rows.columns)
            left, found = without_totals_of_parts(rows, Statement(scope, place, parts, self.persons), sheet)
        units = self._units(context)
        if units is None:
            return left.with_columns(_unclear=pl.lit(False)), rows.height - left.height, found
        if doubtful:
            left, above = without_sums_of_rows_above(left, doubtful, units.scope, units.measures, sheet)
            found = [*found, *above]
        levelled = with_unit_levels(left, list(context.reference.country_names))
        left, more = without_subtotals(levelled, units, sheet, self._must_name_a_place())
        return left, rows.height - left.height, [*found, *more]

    def _must_name_a_place(self) -> bool:
        """Whether rows are of places by their id or name, in units that are named."""
        names = {c.name: c for c in self.table.columns}
        return {"place_id", *PLACE_NAMES} <= set(names) and not names["place_id"].nullable

    def _units(self, context: Context) -> Units | None:
        """How rows of larger and smaller units add up; None for kinds whose rows name no units."""
        measures = tuple(c.name for c in self.table.columns if c.kind in MEASURES)
        names_units = self.places_once or {"_key_admin1", "_key_admin2"} <= set(identity_keys(self.identity))
        if not measures or not (names_units or self._must_name_a_place()):
            return None
        kept = [k for k in self.keys(context) if k not in (*UNIT_KEYS, "_key_place_id", "_key_location_name")]
        scope = tuple(k for k in kept if k in STATEMENT_KEYS)
        return Units(scope, tuple(k for k in kept if k not in scope), measures)

    def keys(self, context: Context) -> list[str]:
        """Names of the keys that tell rows apart, however they are spelled: the identity, and places finer than it."""
        return list(identity_keys((*self.identity, *self._finer(context))))

    def _once(self) -> PlaceOnce:
        """What makes two rows one place, and what they count."""
        others = tuple(
            k for k in identity_keys(self.identity) if k not in (*UNIT_KEYS, "_key_place_id", "_key_location_name")
        )
        names = tuple(n for n in PLACE_NAMES if n in self.table.column_names)
        # villages of one name in two sub-districts are two places
        others += tuple(n for n in ("provider_admin3_name",) if n in self.table.column_names)
        return PlaceOnce(names, others, tuple(c.name for c in self.table.columns if c.kind in MEASURES))

    def _finer(self, context: Context) -> tuple[str, ...]:
        """Columns of places and parts that the sheet has and the table does not: rows that differ in them add up."""
        told = context.header.fields()
        return tuple(n for n in FINER if n in told and n not in self.table.column_names) if self.identity else ()

    def more(
        self, kept: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        """Tables beside the main one, and findings, from the rows that are kept (with all their texts)."""
        return {}, []

    def parsed(self) -> list[Declared]:
        """The columns of the contract that come from headers."""
        return [c for c in self.table.columns if c.name not in (*GIVEN_BY_READER, *self.constants, *self.made)]

    def typed(self, texts: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The text cells as the columns of the contract, beside their text, with flags; and facts for the record."""
        fields, delivery = context.header.fields(), context.delivery

        def text(name: str) -> pl.Expr:
            if name in fields:
                return pl.col(fields[name].cell)
            told = delivery.statement.get(name) if name in self.statements else None
            return pl.lit(None if told is None else str(told), pl.String)

        frame = texts.with_columns(
            **{c.name: self._parse(c, text(c.name), texts, context) for c in self.parsed()},
            **{f"{c.name}_text": text(c.name) for c in self.parsed()},
        )
        country, frame = self._countries(frame, text("location_code"), context)
        day, frame, said_by = self._dates(frame, texts, context)
        frame = frame.with_columns(
            **{n: pl.lit(v) for n, v in self.constants.items()},
            _review=review_text(context.header),
            snapshot_id=pl.lit(delivery.snapshot_id),
            source_sheet=pl.lit(context.sheet.name, pl.String),
            reporting_round=pl.coalesce(plain(text("reporting_round")), pl.lit(self._round(context), pl.String)),
        )
        finer = {n: plain(text(n)) for n in self._finer(context)}
        frame = self._identified(self.shaped(frame.with_columns(**finer), context))
        frame = frame.with_columns(**identity_keys((*self.identity, *finer)))
        if self.places_once:
            frame = with_places_twice(frame, self._once(), PlaceRules.of(context.reference.thresholds))
        untold = [f"{n}_text" for n in self.table.column_names if f"{n}_text" not in frame.columns]
        frame = frame.with_columns(pl.lit(None, pl.String).alias(n) for n in untold)
        frame = self._flagged(frame, context)
        persons = pl.col(self.persons) if self.persons else pl.lit(None, pl.Int64)
        frame = frame.with_columns(pl.when(persons >= 0).then(persons).alias(PERSONS))
        return frame, {"country": country, "reference_date": day, "reference_date_from": said_by}

    def shaped(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        """A kind's own last touch on the typed rows."""
        return frame

    def _parse(self, column: Declared, text: pl.Expr, texts: pl.DataFrame, context: Context) -> pl.Expr:
        if column.name in self.vocabularies:
            return self._coded(text, self.vocabularies[column.name], context)
        if column.type == "int64":
            return whole_number(without_unit(text, column.name))
        if column.type == "float64":
            return decimal_number(text)
        if column.type == "date":
            held = context.header.fields().get(column.name)
            return day_column(texts, held.cell, context.days.order) if held else pl.lit(None, pl.Date)
        if column.type == "boolean":
            return self._coded(text, "yes_no", context).replace_strict(
                {"yes": True, "no": False}, default=None, return_dtype=pl.Boolean
            )
        said = (written if column.name in PARTS else plain)(text)
        return said.str.replace(r"\.0$", "") if column.name.endswith(("_code", "_id", "_number")) else said

    def _coded(self, text: pl.Expr, vocabulary: str, context: Context) -> pl.Expr:
        """The code that a word stands for; a code stands for itself."""
        known = context.reference.vocabularies.filter(vocabulary=vocabulary)
        mapping = {header_key(a): c for c, a in known.select("code", "alias").rows()}
        mapping |= {header_key(c): c for c in known["code"]}
        key = written(text).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")
        return key.replace_strict(mapping, default=None, return_dtype=pl.String)

    def _countries(self, frame: pl.DataFrame, told: pl.Expr, context: Context) -> tuple[str | None, pl.DataFrame]:
        """Each row's country: its own column, the sidecar's, or that of the p-codes it is written with.

        Raises:
            DeliveryError: none of them tells.
        """
        said = context.delivery.statement.get("country")
        if "location_code" in context.header.fields():
            names = context.reference.country_names
            key = plain(told).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")
            iso = plain(told).str.to_uppercase()
            own = (
                pl.when(iso.is_in(context.reference.country_codes))
                .then(iso)
                .otherwise(key.replace_strict(names, default=None, return_dtype=pl.String))
            )
            filled = pl.coalesce(own, pl.when(plain(told).is_null()).then(pl.lit(said, pl.String)))
            return None, frame.with_columns(location_code=filled, location_code_text=told)
        country = said or self._country_of_codes(frame, context.reference)
        if country is None:
            raise MissingFactError("country", "does not say which country it is of", "a country")
        return country, frame.with_columns(location_code=pl.lit(country))

    def _country_of_codes(self, frame: pl.DataFrame, reference: Reference) -> str | None:
        prefixes = {p: code for code, c in reference.countries.items() for p in (code, c["pcode_prefix"])}
        for column in ("provider_admin1_code", "provider_admin2_code", "place_id"):
            if column not in frame.columns:
                continue
            codes = frame[column].drop_nulls()
            found = codes.str.extract(r"^([A-Z]{2,3}?)-?G?\d", 1).replace_strict(prefixes, default=None)
            # every code must speak, and all for one country
            if codes.len() and found.null_count() == 0 and found.n_unique() == 1:
                return str(found[0])
        return None

    def _dates(
        self, frame: pl.DataFrame, texts: pl.DataFrame, context: Context
    ) -> tuple[date | None, pl.DataFrame, str | None]:
        """Each row's reference date: its own column, else the delivery's."""
        if "reference_date" not in self.table.column_names:
            return None, frame, None
        held = context.header.fields().get("reference_date")
        if held is not None and "reference_date" in context.delivery.statement:
            raise DeliveryError(
                "its sidecar says a reference_date, and the sheet has one in every row",
                "one of them",
                "take it out of the sidecar",
                column=held.header,
            )
        if held is not None:
            own = frame.with_columns(
                reference_date=day_column(texts, held.cell, context.days.order), reference_date_text=pl.col(held.cell)
            )
            return None, own, "row"
        banner = " ".join(c for row in context.sheet.head()[: context.header.above] for c in row if c)
        headers = " ".join(c.header for c in context.header.columns)
        places = {"banner": banner, "sheet name": context.sheet.name or "", "file name": context.delivery.name}
        told = context.delivery.statement.get("reference_date")
        day, said_by = reference_date(
            told, {k: v for k, v in places.items() if v and v != headers}, context.delivery.statement.get("date_order")
        )
        return day, frame.with_columns(reference_date=pl.lit(day)), said_by

    def _round(self, context: Context) -> str | None:
        told = context.delivery.statement.get("round")
        return str(told) if told else round_in(context.delivery.name) or round_in(context.sheet.name or "")

    def _identified(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Where a row must have a place id and states none, its names stand for it."""
        columns = {c.name: c for c in self.table.columns}
        if "place_id" not in columns or (columns["place_id"].nullable and not self.places_once):
            return frame.with_columns(_derived=pl.lit(False))
        names = [n for n in PLACE_NAMES if n in columns]
        derived = pl.col("place_id").is_null() & pl.col("location_name").is_not_null()
        return frame.with_columns(
            _derived=derived, place_id=pl.coalesce("place_id", pl.when(derived).then(derived_id(tuple(names))))
        )

    def _flagged(self, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        flags = {
            "short_row": pl.col("source_row").is_in(list(context.sheet.short_rows)),
            "derived_identity": pl.col("_derived"),
            "alike_place": pl.col("_twice") == ALIKE if self.places_once else pl.lit(False),
            **flagged(pl.col("_review"), context.reference),
        }
        names = {c.name for c in self.table.columns}
        if {"latitude", "longitude"} <= names:
            outside = ~(pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180))
            nowhere = (pl.col("latitude") == 0) & (pl.col("longitude") == 0)
            bad = (outside | nowhere).fill_null(False)
            flags["unreadable_point"] = (
                bad
                | unreadable(pl.col("latitude_text"), pl.col("latitude"))
                | unreadable(pl.col("longitude_text"), pl.col("longitude"))
            )
            frame = frame.with_columns(pl.when(~bad).then(n).alias(n) for n in ("latitude", "longitude"))
        for column in self._flag_columns():
            flags[f"unreadable_{column.name}"] = unreadable(pl.col(f"{column.name}_text"), pl.col(column.name))
        told = [pl.when(hit.fill_null(False)).then(pl.lit(name)) for name, hit in flags.items()]
        return frame.with_columns(flags=pl.concat_list(told).list.drop_nulls())

    def _flag_columns(self) -> list[Declared]:
        """Columns that a row can do without: what can't be read in them is flagged and left unknown."""
        coded = [c for c in self.parsed() if c.type != "string" or c.name in self.vocabularies]
        return [c for c in coded if c.nullable and c.kind not in MEASURES and c.name not in ("latitude", "longitude")]

    def flag_sentences(self, header: HeaderRow) -> dict[str, str]:
        """What each flag means, in words."""
        fields = header.fields()
        named = {
            f"unreadable_{c.name}": f"{fields[c.name].header} can't be read; it is unknown"
            for c in self._flag_columns()
            if c.name in fields
        }
        return FLAGS | named

    def _told_apart(self, rows: pl.DataFrame, texts: pl.DataFrame, context: Context) -> str:
        """The unread column, if there is one, that tells rows apart which are alike in all that is read."""
        measures = [c.name for c in self.table.columns if c.kind in MEASURES]
        same = self.keys(context)
        if not same or not measures:
            return ""
        differ = rows.filter(pl.struct(measures).n_unique().over(same) > 1)
        alike = differ.select("source_row", _alike=pl.struct(same).rank("dense"))
        numbers = texts.join(alike, on="source_row", how="left", maintain_order="left")["_alike"]
        return told_apart_by(texts, context.header, numbers)

    def rejects(self, context: Context, apart: str) -> list[Reject]:
        """What can't be used: no identity, an unreadable or negative count, a word that is no code, a duplicate.

        Args:
            apart: what `_told_apart` says.
        """
        fields = context.header.fields()
        columns = [c for c in self.table.columns if c.name not in (*ROW, "flags", *self.constants)]
        rejects = []
        for c in columns:
            if c.nullable or c.kind in MEASURES:
                continue
            header = fields[c.name].header if c.name in fields else None
            text = pl.col(f"{c.name}_text")
            parsed = c.type != "string" or c.name in self.vocabularies or c.name == "location_code"
            if parsed:
                expected = f"{header or c.name} is {self._expected(c, context.reference)}"
                rejects.append(Reject(f"unreadable_{c.name}", expected, header, unreadable(text, pl.col(c.name)), text))
            missing = Reject(
                f"no_{c.name}",
                f"{header or c.name} is given",
                header,
                pl.col(c.name).is_null(),
                pl.lit(None, pl.String),
            )
            rejects.append(missing)
        counted = {c.name: fields[c.name].header for c in columns if c.kind in MEASURES and c.name in fields}
        rejects += count_rejects(counted)
        pairs = [(n, n.replace("households", "individuals")) for n in counted if n.endswith("households")]
        rejects += size_rejects(pairs, counted, SizeOfRow.of(context.reference.thresholds["deliveries"]))
        rejects += [
            Reject(
                f"no_{c.name}",
                f"{counted.get(c.name, c.name)} is given",
                counted.get(c.name),
                pl.col(c.name).is_null(),
                pl.lit(None, pl.String),
            )
            for c in columns
            if c.kind in MEASURES and not c.nullable
        ]
        if self.places_once:
            rejects += place_rejects("place")
        unclear = Reject(
            "subtotal_or_part",
            "a row without a smaller unit is the sum of those that name one (a total), or less (people of whom it is not known)",
            None,
            pl.col("_unclear"),
            pl.lit(None, pl.String),
        )
        rejects.append(unclear)
        broken_down = (*self.parts, *(n for n in self._finer(context) if n in FINER_PARTS))
        if self.persons and len(broken_down) > 1:
            what = " and ".join(fields[p].header if p in fields else p for p in broken_down)
            differ = f"rows of one place by {what} are the same people twice, and have one sum"
            rejects.append(
                Reject("breakdowns_differ", differ, None, pl.col("_breakdowns_differ"), pl.lit(None, pl.String))
            )
        if self.identity:
            measures = [c.name for c in columns if c.kind in MEASURES]
            same = self.keys(context)
            versions = pl.struct(measures).n_unique().over(same) if measures else pl.lit(1)
            asked = (*self.identity, *self._finer(context))
            label = pl.concat_str([pl.col(n).cast(pl.String).fill_null("") for n in asked], separator=" ")
            again = pl.int_range(pl.len()).over(same) > 0
            what = ", ".join(asked)
            rejects += [
                Reject(
                    "conflicting_duplicate",
                    f"rows are told apart by {what}; rows of one that differ can't both be right{apart}",
                    None,
                    versions > 1,
                    label,
                ),
                Reject(
                    "repeated_row",
                    f"rows are told apart by {what}; the row repeats another, which is kept",
                    None,
                    again,
                    label,
                ),
            ]
        return rejects

    def _expected(self, column: Declared, reference: Reference) -> str:
        if column.name in self.vocabularies:
            codes = reference.vocabularies.filter(vocabulary=self.vocabularies[column.name])["code"].unique(
                maintain_order=True
            )
            return f"one of {', '.join(codes)}, or a word that stands for it"
        kinds = {
            "int64": "a whole number",
            "float64": "a number",
            "date": "a day (ISO or day-first)",
            "boolean": "yes or no",
        }
        return kinds.get(column.type, "a country (ISO 3166 alpha-3)")


def _part_tags(texts: pl.DataFrame, header: HeaderRow) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The row of HXL tags below the headers, and the others: all of its cells begin with `#`."""
    tagged = pl.all_horizontal(pl.col(c.cell).str.starts_with("#").fill_null(True) for c in header.columns)
    is_tags = (pl.col("source_row") == header.row + 1) & tagged
    return texts.filter(is_tags), texts.filter(~is_tags)
