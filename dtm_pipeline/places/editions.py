"""Boundary editions of a home: import, list, check, and the polygons for points and maps."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dtm_pipeline.places.gazetteer import Gazetteer

if TYPE_CHECKING:
    import geopandas as gpd

# Column names of COD-AB, old and new, and of files derived from it; {n} is the level. In order of trust.
CODE = ("adm{n}_pcode", "admin{n}pcod", "admin{n}pcode", "admin{n}_pcode")
NAME = ("adm{n}_name", "adm{n}_en", "admin{n}name", "admin{n}name_en", "admin{n}_name")
NAME_LOCAL = ("adm{n}_name_local", "adm{n}_name1", "adm{n}_ar", "adm{n}_tr", "adm{n}_ku", "admin{n}na_1")
VALID_ON = ("valid_on", "validon", "date")
EDITION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
MAX_FOREIGN_SHARE = 0.2
"""More codes than this that the gazetteer does not know, and the file is taken for another country's."""


class BoundaryError(Exception):
    """A boundary file that can't be used; the sentence says what was found and what to do."""


@dataclass
class Imported:
    """What an import did."""

    location_code: str
    edition: str
    admin_level: int
    units: int
    valid_on: str | None
    source_name: str
    source_sha256: str
    imported_at: str
    mended: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_edition(file: Path, location_code: str, edition: str, boundaries: Path, gazetteer: Gazetteer) -> Imported:
    """Take a boundary file of one level into an edition of the home.

    Any vector format that GDAL or GeoParquet reads, any CRS, COD-AB's old and new column names. Invalid rings are
    mended, polygons under one code are dissolved, and both are told.

    Raises:
        BoundaryError: unreadable, without CRS, without code or parent columns, units without a code, districts that
            lie in no governorate or in the wrong one, or codes of another country.
    """
    import geopandas as gpd

    if not EDITION_NAME.fullmatch(edition):
        raise BoundaryError(f"{edition!r} is no name for an edition: use letters, digits, dots and hyphens")
    if not file.is_file():
        raise BoundaryError(f"{file}: there is no such file")
    try:
        frame = gpd.read_parquet(file) if file.suffix == ".parquet" else gpd.read_file(file)
    except Exception as error:  # GDAL, pyarrow and pyogrio each raise their own
        raise BoundaryError(f"{file.name}: can't be read as boundaries: {str(error).splitlines()[0]}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise BoundaryError(f"{file.name}: is a table without polygons; name a boundary file")
    if frame.crs is None:
        raise BoundaryError(f"{file.name}: states no coordinate reference system; add its .prj file beside it")
    level, columns = _columns(frame, file.name)
    mended: list[str] = []
    notes: list[str] = []
    units = _units(frame.to_crs("EPSG:4326"), columns, file.name, mended)
    if not frame.crs.equals("EPSG:4326") and frame.crs.to_epsg() != 4326:
        mended.append(f"coordinates brought from {frame.crs.name} to EPSG:4326")
    _check_nesting(units, level, location_code, gazetteer.of_country(location_code), file.name, notes)
    folder = boundaries / location_code / edition
    _check_inside(units, level, folder, file.name)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".adm{level}.parquet"
    units.to_parquet(temporary)
    temporary.replace(folder / f"adm{level}.parquet")
    told = Imported(
        location_code,
        edition,
        level,
        len(units),
        _valid_on(frame),
        file.name,
        hashlib.sha256(file.read_bytes()).hexdigest(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        mended,
        notes,
    )
    (folder / f"adm{level}.json").write_text(json.dumps(asdict(told), indent=1, ensure_ascii=False) + "\n")
    return told


def _columns(frame: gpd.GeoDataFrame, name: str) -> tuple[int, dict[str, str | None]]:
    """The deepest level that the file has codes for, and the columns of code, names and parent."""
    present = {str(c).lower(): str(c) for c in frame.columns}

    def first(patterns: tuple[str, ...], level: int) -> str | None:
        return next((present[p.format(n=level)] for p in patterns if p.format(n=level) in present), None)

    for level in (3, 2, 1):
        code = first(CODE, level)
        if code is not None:
            parent = first(CODE, level - 1) if level > 1 else None
            if level > 1 and parent is None:
                raise BoundaryError(
                    f"{name}: has codes of level {level} and none of level {level - 1}; the parent's code is needed"
                )
            return level, {
                "code": code,
                "name_en": first(NAME, level),
                "name_local": first(NAME_LOCAL, level),
                "parent_code": parent,
            }
    if "pcode" in present:
        level = 2 if "admin1_cod" in present else 1
        return level, {
            "code": present["pcode"],
            "name_en": present.get("name_en"),
            "name_local": present.get("name_ara"),
            "parent_code": present.get("admin1_cod"),
        }
    raise BoundaryError(
        f"{name}: has no column of p-codes; found {', '.join(map(str, list(frame.columns)[:12]))}; "
        "expected COD-AB names such as ADM2_PCODE or adm2_pcode"
    )


def _units(frame: gpd.GeoDataFrame, columns: dict[str, str | None], name: str, mended: list[str]) -> gpd.GeoDataFrame:
    """One valid polygon a code, in EPSG:4326, sorted by code."""
    import geopandas as gpd

    uncoded = int(frame[columns["code"]].isna().sum())
    if uncoded:
        raise BoundaryError(
            f"{name}: {uncoded} of {len(frame)} polygons have no code in {columns['code']}; people there could not be placed"
        )
    units = gpd.GeoDataFrame(
        {target: frame[source] if source else None for target, source in columns.items()},
        geometry=frame.geometry,
        crs=frame.crs,
    )
    empty = units.geometry.isna() | units.geometry.is_empty
    if empty.any():
        mended.append(
            f"{int(empty.sum())} units without a polygon left out: {', '.join(units.loc[empty, 'code'].head(5))}"
        )
        units = units[~empty]
    invalid = ~units.geometry.is_valid
    if invalid.any():
        units.loc[invalid, "geometry"] = units.loc[invalid, "geometry"].make_valid()
        mended.append(
            f"{int(invalid.sum())} invalid rings repaired: {', '.join(sorted(units.loc[invalid, 'code'])[:5])}"
        )
    twice = units["code"][units["code"].duplicated()].unique()
    if len(twice):
        units = units.dissolve("code", as_index=False)
        mended.append(f"{len(twice)} codes stood on several polygons, dissolved: {', '.join(sorted(twice)[:5])}")
    return units.sort_values("code", ignore_index=True)


def _check_nesting(
    units: gpd.GeoDataFrame, level: int, location_code: str, known: Gazetteer, name: str, notes: list[str]
) -> None:
    """Codes against the gazetteer, parents against its hierarchy."""
    listed = known.units.filter(admin_level=level) if level < 3 else pl.DataFrame()
    parents = set(known.units.filter(admin_level=level - 1)["code"]) if level > 1 else set()
    if level > 1:
        lost = sorted(set(units["parent_code"].fillna("none")) - parents) if parents else []
        if lost:
            raise BoundaryError(
                f"{name}: units lie in parents that {location_code} does not have: {', '.join(lost[:5])}; is it the right country and edition?"
            )
    if listed.is_empty():
        if level < 3:
            notes.append(f"the gazetteer has no units of {location_code}: codes are taken as they are")
        return
    codes, expected = set(units["code"]), set(listed["code"])
    foreign, absent = sorted(codes - expected), sorted(expected - codes)
    if len(foreign) > MAX_FOREIGN_SHARE * len(codes):
        raise BoundaryError(
            f"{name}: {len(foreign)} of {len(codes)} codes are not those of {location_code} ({', '.join(foreign[:3])} ...); is it the right country?"
        )
    if foreign:
        notes.append(f"{len(foreign)} codes that the gazetteer does not have: {', '.join(foreign[:5])}")
    if absent:
        notes.append(f"{len(absent)} units of the gazetteer without a polygon: {', '.join(absent[:5])}")
    if level == 2:
        told = dict(zip(listed["code"], listed["parent_code"], strict=True))
        wrong = [c for c, p in zip(units["code"], units["parent_code"], strict=True) if told.get(c, p) != p]
        if wrong:
            raise BoundaryError(
                f"{name}: districts under another governorate than the gazetteer has them: {', '.join(wrong[:5])}"
            )


def _check_inside(units: gpd.GeoDataFrame, level: int, folder: Path, name: str) -> None:
    """Each district's inner point lies in the governorate that it names, where the edition has governorates."""
    import geopandas as gpd

    above = folder / f"adm{level - 1}.parquet"
    if level < 2 or not above.is_file():
        return
    parents = gpd.read_parquet(above).set_index("code").geometry
    inner = units.geometry.representative_point()
    own = gpd.GeoSeries(parents.reindex(units["parent_code"]).to_numpy(), crs=units.crs)
    outside = units["code"][~inner.intersects(own)]
    if len(outside):
        raise BoundaryError(
            f"{name}: {len(outside)} units lie outside the parent that they name: {', '.join(outside.head(5))}"
        )


def _valid_on(frame: gpd.GeoDataFrame) -> str | None:
    """The newest date of validity that the file states, as YYYY-MM-DD."""
    present = {str(c).lower(): str(c) for c in frame.columns}
    for column in VALID_ON:
        if column in present:
            dates = [str(v)[:10] for v in frame[present[column]].dropna()]
            dates = [d for d in dates if re.fullmatch(r"\d{4}-\d\d-\d\d", d)]
            if dates:
                return max(dates)
    return None


def editions(boundaries: Path) -> list[dict[str, Any]]:
    """What was imported, a record a level, sorted by country, edition and level."""
    found = [json.loads(f.read_text()) for f in sorted(boundaries.glob("*/*/adm[123].json"))]
    return sorted(found, key=lambda r: (r["location_code"], r["edition"], r["admin_level"]))


def edition_for(boundaries: Path, location_code: str, day: date | None, level: int = 2) -> str | None:
    """The edition that was valid on a day: the newest before it, else the nearest after; None without any."""
    known: list[tuple[date, str]] = [
        (date.fromisoformat(r["valid_on"]) if r["valid_on"] else date.min, r["edition"])
        for r in editions(boundaries)
        if (r["location_code"], r["admin_level"]) == (location_code, level)
    ]
    if not known:
        return None
    before = [k for k in known if day is None or k[0] <= day]
    return max(before)[1] if before else min(known)[1]


def polygons(boundaries: Path, location_code: str, edition: str | None, level: int = 2) -> gpd.GeoDataFrame | None:
    """The units of an edition with `code` and geometry, or None where it has none."""
    import geopandas as gpd

    file = boundaries / location_code / str(edition) / f"adm{level}.parquet"
    return gpd.read_parquet(file) if edition is not None and file.is_file() else None


def check_edition(boundaries: Path, location_code: str, edition: str) -> list[str]:
    """What is wrong with an imported edition, in sentences; empty when nothing is."""
    problems: list[str] = []
    codes: dict[int, list[str]] = {}
    for level in (1, 2, 3):
        units = polygons(boundaries, location_code, edition, level)
        if units is None:
            continue
        codes[level] = units["code"].tolist()
        twice = [c for c, n in Counter(codes[level]).items() if n > 1]
        if twice:
            problems.append(f"admin {level}: codes that stand twice: {', '.join(twice[:5])}")
        if not units.geometry.is_valid.all():
            problems.append(f"admin {level}: invalid polygons")
        if level - 1 in codes:
            lost = sorted(set(units["parent_code"]) - set(codes[level - 1]))
            if lost:
                problems.append(f"admin {level}: parents that the edition does not have: {', '.join(lost[:5])}")
    if not codes:
        problems.append(f"{location_code} has no edition named {edition}")
    return problems
