"""Daily counts at border points: date, point, direction, counts by group. docs/sources/border_count.md.

Provider: border teams, authorities. Cadence: daily. Day-first dates, a trailing comma, closures as zeros, points
renamed over time. A zero is stated; a day without a row is unknown.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from dtm_pipeline.contracts.raw import BORDER_COUNT
from dtm_pipeline.domain.statements import text_key
from dtm_pipeline.quality.identity import STANDS_FOR, UNIT_LEVELS, with_unit_levels
from dtm_pipeline.quality.parse import decimal_number, plain, unreadable, whole_number
from dtm_pipeline.quality.split import PERSONS, Originals, Reject, account, count_rejects, split
from dtm_pipeline.quality.totals import Statement, Units
from dtm_pipeline.storage.reference import Reference
from sources.dates import DateOrder, date_order, day_column
from sources.document import SEND_AGAIN, DeliveryError, Document, MissingFactError, Sheet, header_key
from sources.headers import (
    HeaderRow,
    aliases,
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
    none_usable,
)
from sources.review import flag_sentences, flagged, review_reject, review_text
from sources.suggest import unknown_headers
from sources.totals import (
    control_totals,
    part_totals,
    without_subtotals,
    without_sums_of_rows_above,
    without_totals_of_parts,
)

KIND = "border_count"
NEEDED = {"observed_on": "date", "flow_point_name": "point", "direction": "direction"}
GROUP_READABLE_SHARE = 0.9
GROUP_WORDS = re.compile(
    r"national|resident|visitor|citizen|refugee|return|migrant|traveller|passenger|person|people|men\b|women|male|boys|girls|child|adult|famil|crew|other",
    re.IGNORECASE,
)
PARTS = ("nationality", "sex", "age", "traveller_type")
"""Columns whose words tell the parts of one count apart."""
KEY = ("observed_on", "_point", "direction", "_shift", "_part")
MOVEMENTS = ("movements",)
FLAGS = {"unreadable_hours": "the hours observed can't be read; they are unknown"}


class BorderCount:
    """Recognises and reads daily counts, long by date, point and direction."""

    kind = KIND
    title = "daily counts at border points"
    replacement_key = ("flow_point_id", "direction", "observed_on")

    def describe(self) -> Description:
        return Description(
            KIND,
            self.title,
            ("a day", "a point", "a direction", "something that is counted"),
            (BORDER_COUNT.name,),
            "core_dtm__border_flow",
            self.replacement_key,
            "docs/sources/border_count.md",
        )

    def recognise(self, document: Document, reference: Reference) -> Match:
        if document.format == "json":
            return Match(0)
        return max((_fit(sheet, reference) for sheet in document.sheets), key=lambda m: m.score)

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        threshold = reference.thresholds["deliveries"]["min_header_share"]
        read: list[SheetReading] = []
        findings = []
        for sheet in document.sheets:
            header = find_header(sheet, aliases(reference, KIND))
            if header is None or _fit(sheet, reference).score < threshold:
                if sheet.row_count > 1 and len(document.sheets) > 1:
                    told = f"the sheet was not read: its headers are not those of {self.title}"
                    findings.append(Finding("sheet_not_read", told, sheet.name))
                continue
            read.append(self._read_sheet(sheet, header, delivery, reference))
        if all(s.tables[BORDER_COUNT.name].is_empty() for s in read):
            raise none_usable(pl.concat([s.rejected for s in read]))
        _check_sheets(read)
        return combine(KIND, read, findings)

    def _read_sheet(self, sheet: Sheet, header: HeaderRow, delivery: Delivery, reference: Reference) -> SheetReading:
        texts = data_rows(sheet, header)
        totals, texts = part_totals(texts, header, reference.country_names)
        if texts.is_empty():
            raise DeliveryError("headers and no row below them", "counts", SEND_AGAIN, sheet=sheet.name, row=header.row)
        doubled = column_findings(
            texts, header, sheet.name, {"observed_on", "flow_point_name", "direction", "movements"}
        )
        country = _country(texts, header, delivery, reference)
        day = header.fields()["observed_on"]
        days = date_order(
            texts, {day.header: day.cell}, delivery.statement.get("date_order"), *reference.date_order(country)
        )
        frame, groups = _typed(texts, header, delivery, country, reference, sheet.name, days)
        everything = frame
        frame, summed = _without_sums(frame, totals.doubtful, reference, sheet.name)
        apart = _told_apart(texts, header, frame)
        fields = header.fields()
        total = fields["movements"].header if "movements" in fields else "sum of the groups"
        rejects = [
            *review_reject(header, reference),
            Reject(
                "unreadable_date",
                "the day of a count is a date",
                fields["observed_on"].header,
                pl.col("observed_on").is_null(),
                pl.col("_day"),
            ),
            Reject(
                "no_identity",
                "a count has a point",
                fields["flow_point_name"].header,
                pl.col("flow_point_name").is_null(),
                pl.lit(None, pl.String),
            ),
            Reject(
                "unknown_direction",
                "the direction is arrival or departure, in or out",
                fields["direction"].header,
                pl.col("direction").is_null(),
                pl.col("_direction"),
            ),
            *count_rejects({"movements": total}),
            Reject(
                "negative_group",
                "no group of a count is negative",
                ", ".join(groups),
                pl.col("_negative"),
                pl.col("movements_text"),
            ),
            Reject(
                "no_count",
                "a count has a number",
                total,
                pl.col("movements").is_null(),
                pl.col("movements_text"),
            ),
            Reject(
                "conflicting_duplicate",
                f"a point has one count a day and direction; rows that differ can't both be right{apart}",
                None,
                pl.col("_versions") > 1,
                pl.col("_day"),
            ),
            Reject(
                "repeated_row",
                "a point has one count a day and direction; the row repeats another, which is kept",
                None,
                pl.col("_repeat") > 0,
                pl.col("_day"),
            ),
        ]
        outcome = split(
            frame,
            BORDER_COUNT,
            rejects,
            KIND,
            Originals(texts, original_json(header), headers_of(header)),
            delivery.bounds(reference, KIND),
        )
        kept = frame.join(outcome.rejected.select("source_row"), on="source_row", how="anti")
        differs = kept.filter((pl.col("_sum") != pl.col("movements")) & pl.lit(len(groups) > 0))
        findings = [
            Finding(
                "total_differs",
                f"{total} is not the sum of {', '.join(groups)}; the total is read",
                sheet.name,
                row,
            )
            for row in differs["source_row"].head(20)
        ]
        if "movements" not in fields:
            told = f"no total is given: {', '.join(groups)} were summed"
            findings.append(Finding("groups_summed", told, sheet.name, header.row))
        unread = replace(header, columns=tuple(c for c in header.columns if c.target or c.header not in groups))
        findings += [
            *doubled,
            *control_totals(totals, frame, header, MOVEMENTS, sheet.name),
            *summed,
            *([Finding("date_order_assumed", days.assumed, sheet.name)] if days.assumed else []),
            *unknown_headers(texts, unread, aliases(reference, KIND), KIND, sheet.name),
            *flag_findings(outcome.valid, FLAGS | flag_sentences(reference), sheet.name),
        ]
        facts = {
            "sheet": sheet.name,
            "country": country,
            "groups": groups,
            **header.facts(),
            "totals_rows": totals.height + everything.height - frame.height,
        }
        told_account = account(frame, outcome, kept)
        return SheetReading(
            {BORDER_COUNT.name: outcome.valid}, outcome.rejected, told_account, (country,), facts, findings
        )


def _check_sheets(read: list[SheetReading]) -> None:
    """Two sheets never count one point, direction and day.

    Raises:
        DeliveryError: they do, and which of them counts is not known.
    """
    key = ["flow_point_name", "direction", "observed_on", "shift", "counted_part"]
    rows = pl.concat([s.tables[BORDER_COUNT.name].select(*key, "source_sheet") for s in read])
    twice = rows.group_by(key).agg(pl.col("source_sheet").n_unique()).filter(pl.col("source_sheet") > 1)
    if not twice.is_empty():
        raise DeliveryError(
            f"{twice.height:,} counts of a point, direction and day stand in several sheets",
            "each count once",
            "send it with one of the sheets",
        )


def _fit(sheet: Sheet, reference: Reference) -> Match:
    """A date, a point, a direction and something that is counted make a sheet of daily counts."""
    header = find_header(sheet, aliases(reference, KIND))
    if header is None:
        return Match(0)
    fields = header.fields()
    found = tuple(NEEDED[n] for n in NEEDED if n in fields)
    missing = tuple(NEEDED[n] for n in NEEDED if n not in fields)
    counts = "movements" in fields or any(c.target is None for c in header.columns)
    score = (len(found) + counts) / (len(NEEDED) + 1)
    known = len([c for c in header.columns if c.target])
    return Match(score if not missing else min(score, 0.45), found, missing, known)


def _country(texts: pl.DataFrame, header: HeaderRow, delivery: Delivery, reference: Reference) -> str:
    """The country that the counts are in or out of: the sidecar's, else that of the known points.

    Raises:
        DeliveryError: neither tells.
    """
    told = delivery.statement.get("country")
    if told:
        return str(told).upper()
    column = f"c{header.fields()['flow_point_name'].index}"
    named = texts.select(_key=pl.col(column).map_elements(header_key, return_dtype=pl.String)).unique()
    known = reference.flow_points.select(
        "location_code", _key=pl.col("alias").map_elements(header_key, return_dtype=pl.String)
    )
    countries = named.join(known, on="_key")["location_code"].unique().to_list()
    if len(countries) == 1:
        return str(countries[0])
    raise MissingFactError(
        "country",
        f"does not say which country the counts are of, and {named.height} of its points are not in reference/flow_points.csv",
        "a country",
    )


def _typed(
    texts: pl.DataFrame,
    header: HeaderRow,
    delivery: Delivery,
    country: str,
    reference: Reference,
    sheet: str | None,
    days: DateOrder,
) -> tuple[pl.DataFrame, list[str]]:
    """The text cells as the columns of the contract, and the headers of the groups that are counted."""
    fields = header.fields()
    directions = {
        header_key(alias): code
        for code, alias in reference.vocabularies.filter(vocabulary="direction").select("code", "alias").rows()
    }
    groups = [c for c in header.columns if c.target is None and _counts_people(texts[f"c{c.index}"])]
    strange = [c.header for c in groups if not GROUP_WORDS.search(c.header)]
    if "movements" not in fields and strange:
        raise DeliveryError(
            f"no total, and columns of numbers that name no group of people: {', '.join(strange[:5])}",
            "a total, or groups such as nationals, residents, men",
            "name the column of totals Total, or take the others out",
            sheet=sheet,
            row=header.row,
        )
    day = pl.col(f"c{fields['observed_on'].index}")
    known_directions = texts[f"c{fields['direction'].index}"].unique().drop_nulls().to_list()
    mapping = {d: directions.get(header_key(d)) for d in known_directions}
    total = pl.col(f"c{fields['movements'].index}") if "movements" in fields else None
    by_group = (
        pl.sum_horizontal([whole_number(pl.col(f"c{c.index}")) for c in groups], ignore_nulls=False)
        if groups
        else pl.lit(None, pl.Int64)
    )
    hours = (
        decimal_number(pl.col(f"c{fields['hours_observed'].index}"))
        if "hours_observed" in fields
        else pl.lit(None, pl.Float64)
    )
    bad_hours = (
        unreadable(pl.col(f"c{fields['hours_observed'].index}"), hours) if "hours_observed" in fields else pl.lit(False)
    )
    direction = pl.col(f"c{fields['direction'].index}")

    def text(name: str) -> pl.Expr:
        return plain(pl.col(fields[name].cell)) if name in fields else pl.lit(None, pl.String)

    frame = texts.select(
        "source_row",
        _day=day,
        _review=review_text(header),
        observed_on=day_column(texts, fields["observed_on"].cell, days.order),
        flow_point_name=plain(pl.col(f"c{fields['flow_point_name'].index}")),
        _direction=direction,
        direction=direction.replace_strict(mapping, default=None, return_dtype=pl.String)
        if mapping
        else pl.lit(None, pl.String),
        shift=text("shift"),
        counted_part=pl.concat_str([text(n) for n in PARTS if n in fields], separator=" / ", ignore_nulls=True).replace(
            "", None
        )
        if set(PARTS) & set(fields)
        else pl.lit(None, pl.String),
        movements=whole_number(total) if total is not None else by_group,
        movements_text=total if total is not None else by_group.cast(pl.String),
        hours_observed=hours,
        _sum=by_group,
        _negative=pl.any_horizontal(pl.lit(False), *(whole_number(pl.col(f"c{c.index}")) < 0 for c in groups)),
        snapshot_id=pl.lit(delivery.snapshot_id),
        source_sheet=pl.lit(sheet, pl.String),
        location_code=pl.lit(country),
        flags=pl.concat_list(
            pl.when(bad_hours).then(pl.lit("unreadable_hours")).otherwise(pl.lit(None, pl.String)),
            *(pl.when(hit).then(pl.lit(flag)) for flag, hit in flagged(review_text(header), reference).items()),
        ).list.drop_nulls(),
    )
    frame = frame.with_columns(
        _point=text_key(pl.col("flow_point_name")),
        _shift=text_key(pl.col("shift")),
        _part=text_key(pl.col("counted_part")),
    )
    return (
        frame.with_columns(
            # movements are no persons: a rejected count states no people
            pl.lit(None, pl.Int64).alias(PERSONS),
            _versions=pl.col("movements").n_unique().over(KEY),
            _repeat=pl.int_range(pl.len()).over(KEY),
        ),
        [c.header for c in groups],
    )


def _without_sums(
    frame: pl.DataFrame, doubtful: tuple[int, ...], reference: Reference, sheet: str | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """The counts without those that are the total of others: of parts, of points, of the points above them."""
    day = ("observed_on", "direction")
    left, of_parts = frame, []
    for part, other in (("_part", "_shift"), ("_shift", "_part")):
        statement = Statement(scope=day, unit=("_point", other), parts=(part,), measure="movements")
        left, found = without_totals_of_parts(left, statement, sheet)
        of_parts += found
    left, above = without_sums_of_rows_above(left, doubtful, (*day, "_shift", "_part"), MOVEMENTS, sheet)
    named = left.select("source_row", location_name="flow_point_name")
    levelled = left.hstack(with_unit_levels(named, list(reference.country_names)).select(*UNIT_LEVELS, STANDS_FOR))
    left, of_points = without_subtotals(levelled, Units(day, ("_shift", "_part"), MOVEMENTS), sheet, True)
    return left, [*of_parts, *above, *of_points]


def _told_apart(texts: pl.DataFrame, header: HeaderRow, frame: pl.DataFrame) -> str:
    """The unread column, if there is one, that tells counts apart which are alike in all that is read."""
    alike = frame.filter(pl.col("_versions") > 1).select("source_row", _alike=pl.struct(KEY).rank("dense"))
    numbers = texts.join(alike, on="source_row", how="left", maintain_order="left")["_alike"]
    return told_apart_by(texts, header, numbers)


def _counts_people(cells: pl.Series) -> bool:
    """Whether a column that no code list knows counts: nearly all of its cells are whole numbers."""
    frame = cells.to_frame("t").filter(plain(pl.col("t")).is_not_null())
    readable = frame.select(whole_number(pl.col("t")).is_not_null().sum()).item()
    return frame.height > 0 and readable >= GROUP_READABLE_SHARE * frame.height
