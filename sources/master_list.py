"""Master Lists of mobility tracking: stocks of IDPs or of returnees, one row a location. docs/sources/master_list.md.

Provider: IOM DTM. Cadence: monthly to four-monthly rounds. Layouts drift: banner rows, header spellings, headers
that a spreadsheet took for dates, headers that stand twice, a totals row at the foot, blank for zero.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from dtm_pipeline.contracts.derive import conform
from dtm_pipeline.contracts.raw import MASTER_LIST, MASTER_LIST_CELL
from dtm_pipeline.places.names import spelling_key
from dtm_pipeline.quality.identity import with_unit_levels
from dtm_pipeline.quality.parse import decimal_number, plain, unreadable, whole_number, whole_numbers
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
    digit_rejects,
    duplicate_rejects,
    size_rejects,
    split,
)
from dtm_pipeline.quality.totals import Statement, Units
from dtm_pipeline.storage.reference import Reference
from sources.dates import reference_date, round_in
from sources.document import SEND_AGAIN, DeliveryError, Document, MissingFactError, Sheet, header_key
from sources.headers import (
    Column,
    HeaderRow,
    aliases,
    check_one_table,
    column_findings,
    data_rows,
    find_header,
    headers_of,
    original_json,
    spellings,
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
from sources.shifted import check_counts_fit, check_counts_not_lost, check_not_shifted
from sources.suggest import unknown_headers
from sources.totals import (
    control_totals,
    part_totals,
    without_subtotals,
    without_sums_of_rows_above,
    without_totals_of_parts,
)

KIND = "master_list"
TEXT_FIELDS = (
    "place_id",
    "provider_admin1_name",
    "provider_admin1_code",
    "provider_admin2_name",
    "provider_admin2_code",
    "location_name",
    "location_name_local",
)
COUNT_FIELDS = ("households", "individuals", "from_camp_households")
POINT_FIELDS = ("latitude", "longitude")
SAY_GROUP = 'say population_group = "idp" or "idp_returnee" in a sidecar NAME.toml'
ONCE = PlaceOnce(PLACE_NAMES, ("_from",), ("households", "individuals"))
MIN_CATEGORIES = 5
ORIGIN = "origin_name"
RETURNEE_WORDS = ("returnee", "returned")
DECISIVE_SHARE = 0.9
FLAGS = {
    "unreadable_point": "latitude and longitude give no point on earth; the row stands by its declared unit",
    "unreadable_from_camp": "households that came from a camp can't be read; they are unknown",
    "unreadable_cell": "a cell of the breakdown can't be read; its people stand as unknown",
    "short_row": "the row has fewer fields than the header; what is missing is blank",
    "destroyed_text": "the local name was destroyed to question marks before it arrived; it is unknown",
    "alike_place": ALIKE_SENTENCE,
    "derived_identity": "no place id; the location is known by governorate, district and name",
}


class MasterList:
    """Recognises and reads Master Lists in every layout of sources.md section 1 that is long by location."""

    kind = KIND
    title = "Master List of IDPs or returnees"
    replacement_key = ("series_id", "reference_date")

    def describe(self) -> Description:
        return Description(
            KIND,
            self.title,
            (
                "a place id or a location name",
                "a governorate",
                "households or individuals",
                "columns of origin, shelter or period",
            ),
            (MASTER_LIST.name, MASTER_LIST_CELL.name),
            "core_dtm__stock",
            self.replacement_key,
            "docs/sources/master_list.md",
        )

    def recognise(self, document: Document, reference: Reference) -> Match:
        if document.format == "json":
            return Match(0)
        table = aliases(reference, KIND, with_categories=True)
        matches = [_fit(find_header(s, table)) for s in document.sheets]
        return max(matches, key=lambda m: m.score)

    def read(self, document: Document, delivery: Delivery, reference: Reference) -> Reading:
        table = aliases(reference, KIND, with_categories=True)
        threshold = reference.thresholds["deliveries"]["min_header_share"]
        lists = [
            (sheet, header)
            for sheet in document.sheets
            if (header := find_header(sheet, table)) is not None and _fit(header).score >= threshold
        ]
        read: list[SheetReading] = []
        refusals: list[tuple[float, int, DeliveryError]] = []
        mine = [sheet for sheet, _ in lists]
        unusable = [
            Finding("sheet_not_read", "the sheet was not read: its headers are not those of a Master List", s.name)
            for s in document.sheets
            if s not in mine and s.row_count > 1
        ]
        for sheet, header in lists:
            try:
                read.append(_read_sheet(sheet, header, delivery, reference))
            except DeliveryError as refusal:
                unusable.append(Finding("sheet_refused", f"the sheet was left out: {refusal}", sheet.name))
                refusals.append((_fit(header).score, sheet.row_count, refusal.at(sheet.name)))
        if not read:
            raise main_refusal(refusals)
        _check_sheets(read)
        return combine(KIND, read, unusable)


def _check_sheets(read: list[SheetReading]) -> None:
    """Two sheets of one workbook never list one location of one group and date.

    Raises:
        DeliveryError: they do, and which of them counts is not known.
    """
    key = ["population_group", "reference_date", "place_id"]
    rows = pl.concat([s.tables[MASTER_LIST.name].select(*key, "source_sheet") for s in read])
    twice = rows.group_by(key).agg(pl.col("source_sheet").unique().sort()).filter(pl.col("source_sheet").list.len() > 1)
    if not twice.is_empty():
        sheets = " and ".join(map(str, twice["source_sheet"][0]))
        raise DeliveryError(
            f"lists {twice.height:,} locations in the sheets {sheets} alike",
            "each location once: they would count twice",
            "send it with one of them",
        )


def _fit(header: HeaderRow | None) -> Match:
    """Four things make a Master List: a place id or name, a governorate, a count, and breakdown columns."""
    if header is None:
        return Match(0)
    fields = header.fields()
    needs = {
        "Place id or Location name": bool({"place_id", "location_name"} & set(fields)),
        "Governorate": bool({"provider_admin1_name", "provider_admin1_code"} & set(fields)),
        "Households or Individuals": bool({"households", "individuals"} & set(fields)),
        "columns of origin, shelter or period": len(header.categories()) >= MIN_CATEGORIES or ORIGIN in fields,
    }
    found = tuple(k for k, ok in needs.items() if ok)
    missing = tuple(k for k, ok in needs.items() if not ok)
    # without breakdown columns a table of places and counts may be anything, and without places it is a summary
    whole = needs["columns of origin, shelter or period"] and needs["Place id or Location name"]
    score = len(found) / len(needs) if whole else 0.4 * len(found) / len(needs)
    known = len([c for c in header.columns if c.target])
    return Match(score if len(found) > 1 else 0, found, missing, known)


def _banner(sheet: Sheet, header: HeaderRow) -> str:
    return " ".join(cell for row in sheet.head()[: header.above] for cell in row if cell)


def population_group(sheet: Sheet, header: HeaderRow, delivery: Delivery) -> str:
    """Who is listed: the sidecar's word, else what headers, banner, sheet and file name agree on.

    Raises:
        DeliveryError: they contradict each other.
    """
    told = delivery.statement.get("population_group")
    if told:
        return str(told)
    keys = [c.key for c in (*header.columns, *header.repeated)]
    spoken: dict[str, str] = {}
    if any(word in key for key in keys for word in RETURNEE_WORDS):
        spoken["headers"] = "idp_returnee"
    elif any("idp" in key for key in keys):
        spoken["headers"] = "idp"
    for where, text in (
        ("banner", _banner(sheet, header)),
        ("sheet name", sheet.name or ""),
        ("file name", delivery.name),
    ):
        key = header_key(text)
        names = {group for word, group in (("return", "idp_returnee"), ("idp", "idp")) if word in key}
        if len(names) == 1:  # a workbook named after both groups says nothing of a sheet
            spoken[where] = names.pop()
    if len(set(spoken.values())) > 1:
        said = " and ".join(f"{group} in the {where}" for where, group in spoken.items())
        raise DeliveryError(f"contradicts itself on who is listed: {said}", "one population group", SAY_GROUP)
    if spoken:
        return next(iter(spoken.values()))
    shelters = {c.target[1] for c in header.columns if c.target and c.target[0] == "shelter"}
    if shelters:
        # returnees live in habitual residences: a list with shelters and none of these is of IDPs
        return "idp_returnee" if any(s.startswith("habitual") for s in shelters) else "idp"
    raise MissingFactError("population_group", "does not say whether it lists IDPs or returnees", "idp or idp_returnee")


def _country(texts: pl.DataFrame, header: HeaderRow, delivery: Delivery, reference: Reference) -> str:
    told = delivery.statement.get("country")
    if told:
        return str(told).upper()
    origins = [c.target[1] for c in header.categories() if c.target and c.target[0] == "origin"]
    if ORIGIN in header.fields():
        codes = _origin_codes(texts[header.fields()[ORIGIN].cell], reference)
        origins = [c for c in codes.values() if c]
        if origins and all(code.startswith("IQG") for code in origins):
            return "IRQ"
    if sum(code.startswith("IQG") for code in origins) >= MIN_CATEGORIES:
        return "IRQ"
    raise MissingFactError(
        "country",
        "does not say which country it is of: no country on record has these governorates of origin",
        "a country",
    )


def _read_sheet(sheet: Sheet, header: HeaderRow, delivery: Delivery, reference: Reference) -> SheetReading:
    group = population_group(sheet, header, delivery)
    places = {"banner": _banner(sheet, header), "sheet name": sheet.name or "", "file name": delivery.name}
    day, said_by = reference_date(
        delivery.statement.get("reference_date"),
        {k: v for k, v in places.items() if v},
        delivery.statement.get("date_order"),
    )
    findings: list[Finding] = []
    texts = data_rows(sheet, header)
    check_one_table(sheet, header, aliases(reference, KIND, with_categories=True))
    totals, texts = part_totals(texts, header, reference.country_names)
    findings += column_findings(texts, header, sheet.name, {*COUNT_FIELDS, "place_id"})
    if texts.is_empty():
        raise DeliveryError("headers and no row below them", "locations", SEND_AGAIN, sheet=sheet.name, row=header.row)
    check_not_shifted(texts, header, sheet.name)
    country = _country(texts, header, delivery, reference)
    categories = _categories(texts, header, sheet.name, findings)
    rows = _typed(texts, header, categories, sheet).with_columns(
        snapshot_id=pl.lit(delivery.snapshot_id),
        source_sheet=pl.lit(sheet.name, pl.String),
        location_code=pl.lit(country),
        population_group=pl.lit(group),
        reference_date=pl.lit(day),
        reporting_round=pl.lit(_round(delivery, places), pl.String),
        _from=spelling_key(pl.col("_origin")),
    )
    reviewed = [pl.when(hit).then(pl.lit(flag)) for flag, hit in flagged(pl.col("_review"), reference).items()]
    rows = with_places_twice(rows, ONCE, PlaceRules.of(reference.thresholds))
    reviewed.append(pl.when(pl.col("_twice") == ALIKE).then(pl.lit("alike_place")))
    rows = rows.with_columns(flags=pl.col("flags").list.concat(pl.concat_list(reviewed).list.drop_nulls()))
    fields = header.fields()
    counts: list[str] = [n for n in ("households", "individuals") if n in fields]
    size = SizeOfRow.of(reference.thresholds["deliveries"])
    check_counts_not_lost(rows, {n: fields[n].header for n in counts}, sheet.name)
    check_counts_fit(rows, {n: fields[n].header for n in counts}, size, sheet.name)
    everything = rows
    rows, sums = _without_sums(rows, totals.doubtful, tuple(counts), ORIGIN in fields, reference, sheet.name)
    findings += sums
    counted: dict[str, str] = {n: fields[n].header for n in ("households", "individuals") if n in fields}
    rejects = [
        *review_reject(header, reference),
        Reject(
            "no_identity",
            "a location has a place id, or a name in a district",
            fields["place_id"].header if "place_id" in fields else None,
            pl.col("place_id").is_null(),
            pl.lit(None, pl.String),
        ),
        *count_rejects(counted),
        *size_rejects([("households", "individuals")], counted, size),
        *digit_rejects(rows, _dimensions(categories), counted),
        # long by origin, a location stands once for each governorate that its people are from
        *duplicate_rejects(["place_id", "_from"], "_name", ["households", "individuals"]),
        *place_rejects("location"),
    ]
    outcome = split(
        rows,
        MASTER_LIST,
        rejects,
        KIND,
        Originals(texts, original_json(header), headers_of(header)),
        delivery.bounds(reference, KIND),
    )
    if outcome.valid.is_empty():
        raise none_usable(outcome.rejected)
    kept = rows.join(outcome.rejected.select("source_row"), on="source_row", how="anti")
    told = account(rows, outcome, kept)
    names = kept.with_columns(versions=pl.col("_name").n_unique().over("place_id"))
    findings += [
        Finding(
            "place_id_reused", "the place id stands for locations of different names; both are kept", sheet.name, row
        )
        for row in names.filter(pl.col("versions") > 1)["source_row"]
    ]
    findings += flag_findings(outcome.valid, FLAGS | flag_sentences(reference), sheet.name)
    if ORIGIN in header.fields():
        cells, unit = _origin_cells(kept, header, reference, findings, sheet.name), "households"
    else:
        cells, unit = _cells(kept, categories, country, day, sheet.name, reference, findings)
    findings += control_totals(totals, rows, header, ("households", "individuals"), sheet.name)
    findings += unknown_headers(texts, header, aliases(reference, KIND, with_categories=True), KIND, sheet.name)
    facts = {
        "sheet": sheet.name,
        "country": country,
        "population_group": group,
        "reference_date": day.isoformat(),
        "reference_date_from": said_by,
        "breakdown_unit": unit,
        **header.facts(),
        "totals_rows": totals.height + everything.height - rows.height,
    }
    tables = {MASTER_LIST.name: outcome.valid, MASTER_LIST_CELL.name: cells}
    return SheetReading(tables, outcome.rejected, told, (country,), facts, findings)


def _round(delivery: Delivery, places: dict[str, str]) -> str | None:
    told = delivery.statement.get("round")
    return str(told) if told else next((r for t in places.values() if (r := round_in(t))), None)


def _categories(
    texts: pl.DataFrame, header: HeaderRow, sheet: str | None, findings: list[Finding]
) -> dict[tuple[str, str], list[Column]]:
    """The columns of each category. A header that stands twice is read once, and its copies are compared."""
    by_key = {c.key: c for c in header.columns}
    for copy in header.repeated:
        first = by_key[copy.key]
        if texts[copy.cell].equals(texts[first.cell]):
            continue
        differs = texts.select(
            (
                whole_number(pl.col(f"c{copy.index}")).fill_null(0)
                != whole_number(pl.col(f"c{first.index}")).fill_null(0)
            ).sum()
        ).item()
        if first.target and differs and first.target[0] != "field":
            findings.append(
                Finding(
                    "repeated_header_differs",
                    f"{first.header!r} stands twice (columns {first.index + 1} and {copy.index + 1}) and {differs} rows differ; the first is read",
                    sheet,
                    header.row,
                )
            )
    grouped: dict[tuple[str, str], list[Column]] = {}
    for column in header.categories():
        assert column.target is not None
        grouped.setdefault(column.target, []).append(column)
    for target, columns in grouped.items():
        first, *others = columns
        for other in others:
            pair = texts.select(
                a=whole_number(pl.col(f"c{first.index}")).fill_null(0),
                b=whole_number(pl.col(f"c{other.index}")).fill_null(0),
            )
            if (pair["a"] == pair["b"]).all() and (pair["a"] > 0).sum() > 2:
                grouped[target] = [c for c in grouped[target] if c is not other]
                findings.append(
                    Finding(
                        "repeated_header",
                        f"{other.header!r} repeats {first.header!r} in every row; it is read once",
                        sheet,
                        header.row,
                    )
                )
    return grouped


def _without_sums(
    rows: pl.DataFrame,
    doubtful: tuple[int, ...],
    counts: tuple[str, ...],
    by_origin: bool,
    reference: Reference,
    sheet: str | None,
) -> tuple[pl.DataFrame, list[Finding]]:
    """The rows without those that are the total of others, and what to know about these."""
    if not counts:
        return rows, []
    left, findings = rows, []
    if doubtful:
        left, above = without_sums_of_rows_above(left, doubtful, (), counts, sheet)
        findings += above
    levelled = with_unit_levels(left, list(reference.country_names))
    left, of_units = without_subtotals(levelled, Units((), ("_from",), counts), sheet, True)
    findings += of_units
    if by_origin:
        parts = Statement(scope=(), unit=("place_id", "_name"), parts=("_from",), measure=counts[0])
        left, of_origins = without_totals_of_parts(left, parts, sheet)
        findings += of_origins
    return left, findings


def _typed(
    texts: pl.DataFrame, header: HeaderRow, categories: dict[tuple[str, str], list[Column]], sheet: Sheet
) -> pl.DataFrame:
    """The text cells as the columns of the contract, beside their text, with flags."""
    fields = header.fields()

    def text(name: str) -> pl.Expr:
        return pl.col(f"c{fields[name].index}") if name in fields else pl.lit(None, pl.String)

    used = {f"n{c.index}": f"c{c.index}" for columns in categories.values() for c in columns}
    counted = {f"n{fields[n].index}": n for n in COUNT_FIELDS if n in fields}
    parsed = whole_numbers(texts, used | {n: f"c{n[1:]}" for n in counted}, counted)

    def number(name: str) -> pl.Expr:
        return pl.col(f"n{fields[name].index}") if name in fields else pl.lit(None, pl.Int64)

    counts = {n: number(n) for n in COUNT_FIELDS}
    points = {n: decimal_number(text(n)) for n in POINT_FIELDS}
    destroyed = plain(text("location_name_local")).str.contains(r"^[?\s]+$").fill_null(False)
    frame = parsed.select(
        "source_row",
        **{n: plain(text(n)) for n in TEXT_FIELDS},
        **counts,
        **points,
        **{f"{n}_text": text(n) for n in (*COUNT_FIELDS, *POINT_FIELDS)},
        **{f"cell_{i}": _sum_of(columns) for i, columns in enumerate(categories.values())},
        _destroyed=destroyed,
        _origin=plain(text(ORIGIN)),
        _review=review_text(header),
        _bad_cells=pl.any_horizontal(
            pl.lit(False),
            *(
                (pl.col(f"n{c.index}") < 0).fill_null(False) | unreadable(pl.col(f"c{c.index}"), pl.col(f"n{c.index}"))
                for columns in categories.values()
                for c in columns
                if _has_bad(parsed, c)
            ),
        ),
    )
    short = pl.col("source_row").is_in(list(sheet.short_rows))
    on_earth = pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)
    nowhere = (pl.col("latitude") == 0) & (pl.col("longitude") == 0)
    no_point = ((~on_earth) | nowhere).fill_null(False)
    derived = pl.col("place_id").is_null() & pl.col("location_name").is_not_null()
    flags = {
        "unreadable_point": no_point
        | unreadable(pl.col("latitude_text"), pl.col("latitude"))
        | unreadable(pl.col("longitude_text"), pl.col("longitude")),
        "unreadable_from_camp": unreadable(pl.col("from_camp_households_text"), pl.col("from_camp_households"))
        | (pl.col("from_camp_households") < 0).fill_null(False),
        "unreadable_cell": pl.col("_bad_cells"),
        "short_row": short,
        "destroyed_text": pl.col("_destroyed"),
        "derived_identity": derived,
    }
    return frame.with_columns(
        flags=pl.concat_list(
            [pl.when(hit.fill_null(False)).then(pl.lit(f)) for f, hit in flags.items()]
        ).list.drop_nulls(),
        location_name_local=pl.when(~pl.col("_destroyed")).then("location_name_local"),
        place_id=pl.coalesce(
            pl.col("place_id").str.replace(r"\.0$", ""), pl.when(derived).then(derived_id(PLACE_NAMES))
        ),
        _derived=derived,
        latitude=pl.when(~no_point).then("latitude"),
        longitude=pl.when(~no_point).then("longitude"),
        from_camp_households=pl.when(pl.col("from_camp_households") >= 0).then("from_camp_households"),
        _name=pl.concat_str(
            [spelling_key(pl.col(c)).fill_null("") for c in ("provider_admin2_name", "location_name")],
            separator="/",
        ),
        **{PERSONS: pl.when(pl.col("individuals") >= 0).then("individuals")},
    )


def _has_bad(parsed: pl.DataFrame, column: Column) -> bool:
    """Whether any cell of the column could not be read, or is negative; nearly all columns have none."""
    text, number = parsed[f"c{column.index}"], parsed[f"n{column.index}"]
    return number.null_count() > text.null_count() or bool((number < 0).any())


def _sum_of(columns: list[Column]) -> pl.Expr:
    """A cell of a category: blank is zero; what can't be read, or is negative, is left to `unknown`."""
    return pl.sum_horizontal([pl.col(f"n{c.index}").fill_null(0).clip(0) for c in columns])


def _dimensions(categories: dict[tuple[str, str], list[Column]]) -> list[list[str]]:
    """The columns of the cells of each dimension of the breakdown."""
    told: dict[str, list[str]] = {}
    for number, (dimension, _) in enumerate(categories):
        told.setdefault(dimension, []).append(f"cell_{number}")
    return list(told.values())


def _cells(
    kept: pl.DataFrame,
    categories: dict[tuple[str, str], list[Column]],
    country: str,
    day: date,
    sheet: str | None,
    reference: Reference,
    findings: list[Finding],
) -> tuple[pl.DataFrame, str]:
    """The breakdown, long, and what its cells count."""
    names = {f"cell_{i}": target for i, target in enumerate(categories)}
    unit = _unit(kept, names, country, day, sheet, reference, findings)
    targets = pl.DataFrame(
        [(n, d, c) for n, (d, c) in names.items()],
        schema={"cell": pl.String, "dimension": pl.String, "category_code": pl.String},
        orient="row",
    )
    long = (
        kept.unpivot(
            list(names),
            index=["snapshot_id", "source_sheet", "source_row"],
            variable_name="cell",
            value_name="value",
        )
        .join(targets, on="cell")
        .with_columns(unit=pl.lit(unit))
    )
    # zeros are not kept: where other rows tell a dimension and one does not, its stock is `unknown` in it
    return conform(long.filter(pl.col("value") > 0), MASTER_LIST_CELL), unit


def _origin_codes(names: pl.Series, reference: Reference) -> dict[str, str | None]:
    """The category of each name of a governorate of origin; None for one that no code list knows."""
    known = {
        header_key(alias): code
        for dimension, code, alias in reference.category_headers.iter_rows()
        if dimension == "origin"
    }
    said = names.unique().drop_nulls().to_list()
    return {name: next((known[k] for k in spellings(name) if k in known), None) for name in said}


def _origin_cells(
    kept: pl.DataFrame, header: HeaderRow, reference: Reference, findings: list[Finding], sheet: str | None
) -> pl.DataFrame:
    """The breakdown of a list that is long by origin: each row is the part of its location from one governorate."""
    codes = _origin_codes(kept["_origin"], reference)
    unknown = kept.filter(pl.col("_origin").is_in([n for n, c in codes.items() if c is None]))
    if not unknown.is_empty():
        told = f"{unknown.height:,} rows name a {header.fields()[ORIGIN].header} that reference/code_lists/category_headers.csv does not know; their people stand as unknown"
        findings.append(Finding("unknown_origin", told, sheet, int(unknown["source_row"][0])))
    cells = kept.with_columns(
        dimension=pl.lit("origin"),
        category_code=pl.col("_origin")
        .replace_strict(codes, default=None, return_dtype=pl.String)
        .fill_null("unknown"),
        unit=pl.lit("households"),
        value="households",
    )
    return conform(cells.filter(pl.col("value") > 0), MASTER_LIST_CELL)


def _unit(
    kept: pl.DataFrame,
    names: dict[str, tuple[str, str]],
    country: str,
    day: date,
    sheet: str | None,
    reference: Reference,
    findings: list[Finding],
) -> str:
    """Households or individuals: the country's dated rule, unless the sums of the list plainly say the other.

    Raises:
        DeliveryError: no rule, and the sums fit neither.
    """
    rule = next(
        (
            u.unit
            for u in reference.breakdown_units
            if (u.location_code, u.kind) == (country, KIND)
            and u.valid_from <= day
            and (u.valid_to is None or day <= u.valid_to)
        ),
        None,
    )
    fits: dict[str, float] = {}
    for unit in ("households", "individuals"):
        shares = []
        for dimension in {d for d, _ in names.values()}:
            cells = [n for n, (d, _) in names.items() if d == dimension]
            stated = (
                kept.filter(pl.col(unit) > 0).with_columns(_sum=pl.sum_horizontal(cells)).filter(pl.col("_sum") > 0)
            )
            if stated.height:
                shares.append(float((stated["_sum"] == stated[unit]).sum()) / stated.height)
        fits[unit] = max(shares, default=0.0)
    other = "individuals" if rule == "households" else "households"
    if rule is None:
        best = max(fits, key=lambda u: fits[u])
        if fits[best] < DECISIVE_SHARE:
            raise DeliveryError(
                f"its breakdown sums to neither households nor individuals, and reference/countries/{country}.toml says nothing of {day}",
                "what its cells count",
                f"add a breakdown_unit to HOME/reference/countries/{country}.toml, a copy of the shipped file with by and on",
                sheet=sheet,
            )
        return best
    if fits[other] >= DECISIVE_SHARE and fits[rule] <= 1 - DECISIVE_SHARE:
        findings.append(
            Finding(
                "breakdown_unit_differs",
                f"by the rule of {country} its breakdown counts {rule} on {day}, but its cells sum to {other} in {fits[other]:.0%} of rows; read as {other}",
                sheet,
            )
        )
        return other
    return rule
