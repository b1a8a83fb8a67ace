"""Totals rows: control totals that accepted + rejected must equal, never a place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from dtm_pipeline.places.names import TYPE_WORDS, folded, name_key, words
from dtm_pipeline.quality.parse import whole_number
from dtm_pipeline.quality.totals import (
    DIFFERS,
    REMAINDER,
    SAME_PEOPLE,
    TOTAL,
    UNCLEAR,
    Statement,
    Units,
    subtotals,
    sums_of_rows_above,
    totals_beside_parts,
)
from sources.headers import HeaderRow
from sources.protocol import Finding

_TOTAL = """
    total totals totaux totales toplam toplami sum somme suma subtotal soustotal overall ensemble
    المجموع مجموع الإجمالي الاجمالي إجمالي اجمالي الكلي كۆ كۆی گشتی کۆی gisti tevahi
"""
_ALL = "all tous toutes todos todas tum butun هەموو جميع كل"
_ALL_OF = """
    nationalities reasons origins points point locations location sites site governorates districts areas country places
    crossings crossing borders border entries exits checkpoints provinces regions zones subdistricts villages communities
    settlements neighbourhoods neighborhoods camps ministries providers agencies shifts travellers ages sexes groups countries events types noktalar uyruklar iller ilçeler ülkeler المواقع النقاط المعابر المحافظات المخيمات sitios puntos
"""
# a name may hold such a word, or be it: Suma in Mexico, Tan Sum in Thailand
_MAY_BE_NAMES = "sum somme suma tum butun ensemble"
_FILLERS = """
    grand sub sous general gran genel ara over of for in the de du des la le et and y number no
    households families individuals persons people idp idps returnee returnees migrants displaced hh hhs ind
"""
TOTAL_WORDS = frozenset(folded(w) for w in _TOTAL.split())
"""A cell that holds one of these, and beside it nothing but the name of a unit, is a total's."""
ALL_WORDS, ALL_OF, FILLERS = (frozenset(folded(w) for w in told.split()) for told in (_ALL, _ALL_OF, _FILLERS))
MAY_SAY = sorted({*TOTAL_WORDS, *ALL_WORDS, *_TOTAL.split(), *_ALL.split(), "tüm", "bütün", "toplamı", "gişti"})
"""These words as they are written in lower case, by which the few rows to look at are found."""
MAY_BE_NAMES = frozenset(_MAY_BE_NAMES.split())
SUBTOTAL = re.compile(r"^\W*(sub|sous|ara)[\s-]?tot?|^\W*ara toplam", re.IGNORECASE)
LOCATIONS = re.compile(r"locations?\s*:?\s*(\d[\d,]*)", re.IGNORECASE)
PLACE_FIELDS = (
    "location_code",
    "provider_admin1_name",
    "provider_admin1_code",
    "provider_admin2_name",
    "provider_admin2_code",
    "provider_admin3_name",
    "provider_admin3_code",
    "place_id",
    "location_name",
    "flow_point_name",
)
"""From the largest to the smallest: what stands after the cell that says total must be blank."""
UNIT_FIELDS = ("provider_admin1_name", "provider_admin2_name", "provider_admin3_name")
PART_FIELDS = (
    "event_id",
    "population_group",
    "nationality",
    "displacement_reason",
    "origin_admin1_name",
    "origin_name",
    "direction",
    "provider",
    "shift",
    "sex",
    "age",
    "traveller_type",
)
KINDS_OF_PART = frozenset({"nationality", "displacement_reason", "direction", "shift", "sex", "age", "traveller_type"})
"""Fields that hold no names of their own: a cell of them that says total with anything beside it is no part."""
LABEL_COLUMNS = 8
"""Columns, from the left, in one of which a totals row of a list may say what it is."""


@dataclass(frozen=True)
class TotalsRows:
    """Rows that are totals.

    Attributes:
        texts: the rows as text.
        of: source_row, and the name of the unit that each is the total of as `name_key` (empty: of what stands to the
            left of it, else of the whole list; None: of what is no unit of the list).
        doubtful: source_row of rows that are none of these, and whose place has no id and is called a total of something.
    """

    texts: pl.DataFrame
    of: dict[int, str | None]
    doubtful: tuple[int, ...] = ()

    @property
    def height(self) -> int:
        return self.texts.height


@dataclass(frozen=True)
class _Units:
    """Names that a total may bear: those of the units of the list, and those of countries."""

    listed: frozenset[str]
    countries: frozenset[str]


NO_UNITS = _Units(frozenset(), frozenset())


@dataclass(frozen=True)
class _Said:
    """What a cell that says total is the total of: a unit of the list, all of it (empty), or what is no unit of it (None)."""

    of: str | None


def _total_of(text: str, units: _Units) -> _Said | None:
    """What a cell says it is the total of; None where it says no total."""
    parts = [w for w in words(text) if w not in FILLERS]
    says = [w for w in parts if w in TOTAL_WORDS]
    alone = len(parts) == 1 and parts[0] not in MAY_BE_NAMES
    if not says and not (parts and parts[0] in ALL_WORDS and (alone or len(parts) > 1) and set(parts[1:]) <= ALL_OF):
        return None
    rest = [w for w in parts if w not in TOTAL_WORDS and w not in ALL_WORDS and w not in ALL_OF]
    # `Totals: Locations: 120` counts what it is the total of, `Total 2020` says of when
    name = "".join(w for w in rest if w not in TYPE_WORDS and not w.isdigit())
    if name in units.listed:
        return _Said(name)
    if not name or name in units.countries:
        return _Said("")
    return None if set(says) <= MAY_BE_NAMES else _Said(None)


def _total_of_parts(text: str, field: str) -> _Said | None:
    """What a cell that names a part says it is the total of: all parts (empty), or some (None); None where it says none."""
    told = _total_of(text, NO_UNITS)
    if told is not None and told.of == "":
        return told
    if field not in KINDS_OF_PART:
        return None
    says = [w for w in words(text) if w not in FILLERS]
    if len(says) == 1 and says[0] in TOTAL_WORDS | ALL_WORDS:
        return _Said("")
    return _Said(None) if set(says) & (TOTAL_WORDS - MAY_BE_NAMES) else None


def _names(texts: pl.DataFrame, cells: list[str]) -> frozenset[str]:
    """The names in some columns, in the form in which a total's name is compared."""
    found = {n for c in cells for n in texts[c].drop_nulls().unique().to_list()}
    return frozenset("".join(w for w in words(n) if w not in TYPE_WORDS) for n in found)


def part_totals(
    texts: pl.DataFrame, header: HeaderRow, country_names: Iterable[str]
) -> tuple[TotalsRows, pl.DataFrame]:
    """Totals rows, and the others.

    A row is a total where the cell of a unit or of a part says so, in any language of the lists: `Grand total`,
    `Sumel Total`, `KRI Total`, `All points`; and where every smaller place of the row is blank. A place may be named so: in
    `Total station school` something else stands beside the word than a unit of the list, and a `Total` with a place id of its
    own is a place.

    Args:
        texts: the rows as text.
        header: their headers.
        country_names: names of countries, lower case, letters only.
    """
    fields = header.fields()
    places = [fields[n].cell for n in PLACE_FIELDS if n in fields]
    part_of = {n: fields[n].cell for n in PART_FIELDS if n in fields}
    parts = list(part_of.values())
    label = [c for c in texts.columns[1 : 1 + LABEL_COLUMNS] if c not in (*places, *parts)]
    suspect = _suspects(texts, [*places, *parts, *label])
    if suspect.is_empty():
        return TotalsRows(suspect.select(texts.columns), {}), texts
    units = _Units(_names(texts, [fields[n].cell for n in UNIT_FIELDS if n in fields]), frozenset(country_names))
    named = [fields[n].cell for n in ("location_name", "flow_point_name") if n in fields]
    own_id = fields["place_id"].cell if "place_id" in fields else None
    found: dict[int, str | None] = {}
    doubtful = []
    for row in suspect.iter_rows(named=True):
        number = int(row["source_row"])
        over_parts = next((t for n, c in part_of.items() if row[c] and (t := _total_of_parts(str(row[c]), n))), None)
        told = over_parts or _total_in(row, places, label, units)
        # a place has an id, and its total over parts may have it too
        place = own_id is not None and not _no_place(row[own_id]) and _total_of(str(row[own_id]), units) is None
        if told is None:
            continue
        in_name = any(row[c] and _total_of(str(row[c]), units) for c in named)
        if over_parts is None and (place or told.of is None):
            doubtful += [number] if in_name else []
            if place or in_name:
                continue
        found[number] = told.of
    is_total = pl.col("source_row").is_in(list(found))
    return TotalsRows(texts.filter(is_total), found, tuple(doubtful)), texts.filter(~is_total)


def _suspects(texts: pl.DataFrame, cells: list[str]) -> pl.DataFrame:
    """The few rows in which a cell holds a word for a total; only these are looked at one by one."""
    hits = [pl.col(c).str.to_lowercase().str.contains_any(MAY_SAY).fill_null(False) for c in cells]
    return texts.filter(pl.any_horizontal(hits)) if hits else texts.clear()


def _total_in(row: dict[str, str | None], places: list[str], label: list[str], units: _Units) -> _Said | None:
    """What a row is the total of; None where it is no total."""
    for at, cell in enumerate(places):
        text = row[cell]
        told = _total_of(text, units) if text else None
        if told is not None and all(
            _no_place(row[c]) or _total_of(str(row[c]), units) is not None for c in places[at + 1 :]
        ):
            return told
    # a list may say so in a column of its own, before anything else
    first = next((c for c in label if not _blank(row[c])), None)
    if first is None or any(not _no_place(row[c]) for c in places):
        return None
    return _total_of(str(row[first]), units)


def _is_all(text: str | None) -> bool:
    """Whether a cell leaves open of what a row is: it is blank, or says total."""
    return _blank(text) or _total_of(str(text), NO_UNITS) is not None


def _blank(text: str | None) -> bool:
    return text is None or not text.strip() or text.strip().lower() in ("-", "–", "n/a", "na", "null")


def _no_place(text: str | None) -> bool:
    """Whether a cell names no place: it is blank, or counts the locations of the list."""
    return _blank(text) or LOCATIONS.match(str(text).strip()) is not None


def control_totals(
    totals: TotalsRows, rows: pl.DataFrame, header: HeaderRow, counts: tuple[str, ...], sheet: str | None
) -> list[Finding]:
    """Compare the totals rows with what was read: accepted + rejected.

    Args:
        totals: totals rows.
        rows: all other rows, with the parsed counts.
        counts: names of the counts that a totals row may state.
    """
    fields = header.fields()
    findings = []
    for row in totals.texts.iter_rows(named=True):
        number = int(row["source_row"])
        if any(isinstance(c, str) and SUBTOTAL.search(c) for c in row.values()) and totals.of[number] == "":
            continue  # of a part of the list, which it does not name
        of = totals.of[number]
        if of is None:
            told = "the row says total of what is no unit of the list: it is not added, and was compared with nothing"
            findings.append(Finding("control_total_not_compared", told, sheet, number))
            continue
        counted = _rows_under(row, of, rows, header)
        stated: dict[str, int | None] = {
            name: totals.texts.filter(pl.col("source_row") == number)
            .select(whole_number(pl.col(fields[name].cell)))
            .item()
            for name in counts
            if name in fields
        }
        said = next((m for c in row.values() if isinstance(c, str) and (m := LOCATIONS.search(c))), None)
        read: dict[str, int] = {n: int(counted[n].filter(counted[n] >= 0).sum()) for n in stated}
        if said:
            stated["locations"], read["locations"] = int(said[1].replace(",", "")), counted.height
        findings += [
            Finding(
                "control_total_differs",
                f"the totals row states {value:,} {name}, the rows of the list hold {read[name]:,}",
                sheet,
                number,
                _share_of_list(abs(value - read[name]), name, rows),
                f"{value:,} {name}",
                f"{read[name]:,}",
            )
            for name, value in stated.items()
            if value is not None and value != read[name]
        ]
    return findings


def _share_of_list(difference: int, name: str, rows: pl.DataFrame) -> float:
    """A difference as a part of what the whole list holds."""
    whole = rows.height if name == "locations" else int(rows[name].filter(rows[name] >= 0).sum())
    return difference / max(whole, difference)


def _rows_under(row: dict[str, str | None], name: str, rows: pl.DataFrame, header: HeaderRow) -> pl.DataFrame:
    """The rows that a total is of: those of the unit that it names, or of what stands beside it, else all."""
    fields = header.fields()
    named = [n for n in ("provider_admin1_name", "provider_admin2_name", "provider_admin3_name") if n in fields]
    if name:
        hits = [_bare(pl.col(n)) == name for n in named]
        return rows.filter(pl.any_horizontal(hits).fill_null(False)) if hits else rows
    beside = [
        name_key(pl.col(n)) == name_key(pl.lit(row[fields[n].cell]))
        for n in (*named, "flow_point_name", "nationality")
        if n in fields
        and n in rows.columns
        and not _no_place(row[fields[n].cell])
        and _total_of(str(row[fields[n].cell]), NO_UNITS) is None
    ]
    dated = [
        pl.col(n) == pl.lit(row[fields[c].cell])
        for n, c in (("_day", "observed_on"), ("_direction", "direction"))
        if c in fields and n in rows.columns and not _is_all(row[fields[c].cell])
    ]
    return rows.filter(pl.all_horizontal(*beside, *dated).fill_null(False)) if beside or dated else rows


def without_totals_of_parts(
    rows: pl.DataFrame, statement: Statement, sheet: str | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows without those that are the total of the parts beside them, or say the same people by other parts, and a finding
    for each of these; `_breakdowns_differ` marks rows of two breakdowns of one figure that differ."""
    verdict = totals_beside_parts(rows, statement)
    told = rows.select("source_row", verdict=verdict)
    findings = [
        *(Finding("control_total", "the row is the total of the parts of its place, and is not added to them", sheet, n) for n in _numbers(told, TOTAL)),
        *(Finding("control_total_differs", "the row names no part and is not the sum of the parts of its place; the parts are read", sheet, n) for n in _numbers(told, DIFFERS)),
        *(Finding("second_breakdown", "the row says again, by other parts, whom the rows of its place say; it is not added to them", sheet, n) for n in _numbers(told, SAME_PEOPLE)),
    ]  # fmt: skip
    marked = rows.with_columns(_breakdowns_differ=(verdict == UNCLEAR).fill_null(False))
    return marked.filter(verdict.is_null() | (verdict == UNCLEAR)), findings


def without_subtotals(
    rows: pl.DataFrame, units: Units, sheet: str | None, must_name_a_place: bool
) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows of `with_unit_levels` without the subtotals of larger units; `_unclear` marks rows that may be one or none.

    Where each row must name a place, one that does not and is no subtotal is judged by the kind.
    """
    verdict = subtotals(rows, units)
    told = rows.select("source_row", verdict=verdict)
    findings = [Finding("control_total", "the row is the sum of the rows of the unit that it stands for, and is not added to them", sheet, n) for n in _numbers(told, TOTAL)]  # fmt: skip
    if must_name_a_place:
        return rows.filter((verdict != TOTAL).fill_null(True)).with_columns(_unclear=pl.lit(False)), findings
    findings += [Finding("unit_not_told", "the row names no smaller unit and is less than the sum of those that do: its people stand in the larger unit", sheet, n) for n in _numbers(told, REMAINDER)]  # fmt: skip
    marked = rows.with_columns(_unclear=(verdict == UNCLEAR).fill_null(False))
    return marked.filter((verdict != TOTAL).fill_null(True)), findings


def without_sums_of_rows_above(
    rows: pl.DataFrame, doubtful: tuple[int, ...], scope: tuple[str, ...], measures: tuple[str, ...], sheet: str | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows without those places called a total that are the sum of the rows above them; the others are places, and named."""
    asked = pl.col("source_row").is_in(list(doubtful))
    is_sum = sums_of_rows_above(rows, asked, scope, measures)
    sums = rows.filter(is_sum)["source_row"].sort()
    left = [n for n in rows.filter(asked)["source_row"].sort() if n not in set(sums)]
    findings = [
        *(Finding("control_total", "the row is called a total and is the sum of rows above it; it is not added to them", sheet, n) for n in sums),
        *(Finding("may_be_a_total", "the row is called a total and is no sum of rows above it; it counts as a place of that name; if it is none, take it out", sheet, n) for n in left),
    ]  # fmt: skip
    return rows.filter(~is_sum), findings


def _numbers(told: pl.DataFrame, verdict: str) -> list[int]:
    return told.filter(verdict=verdict)["source_row"].sort().to_list()


def _bare(name: pl.Expr) -> pl.Expr:
    """A name in the form in which `_total_of` gives one."""
    return name.map_elements(lambda n: "".join(w for w in words(n) if w not in TYPE_WORDS), return_dtype=pl.String)
