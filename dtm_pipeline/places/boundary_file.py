"""Reads boundary files as they come: any vector format, old and new column names, damage mended and told."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dtm_pipeline.places.codes import read_codes
from dtm_pipeline.places.gazetteer import Gazetteer

if TYPE_CHECKING:
    import geopandas as gpd

# Column names of COD-AB, old and new, and of files derived from it; {n} is the level. In order of trust.
CODE = ("adm{n}_pcode", "admin{n}pcod", "admin{n}pcode", "admin{n}_pcode")
NAME = ("adm{n}_name", "adm{n}_en", "admin{n}name", "admin{n}name_en", "admin{n}_name", "adm{n}name")
NAME_LOCAL = ("adm{n}_name_local", "adm{n}_name1", "adm{n}_ar", "adm{n}_tr", "adm{n}_ku", "admin{n}na_1")
# Older files of one level, whose columns do not say which
PLAIN_CODE, PLAIN_PARENT, PLAIN_NAMES = "pcode", "admin1_cod", ("name_en", "name_ara")
VALID_ON = ("valid_on", "validon", "date", "lastupdate")
VALID_TO = ("valid_to", "validto")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FAR_DEGREES = 0.3
"""A unit whose inner point of the gazetteer lies farther from its polygon than this is another unit's polygon (ours)."""
MAX_MISPLACED_SHARE = 0.1
FEW_UNITS = 10
"""So few units tell nothing about a file."""
LEAST_RECOGNISED = 0.9
"""A column without a known name holds the codes when so many of its rows are codes of the gazetteer."""
MAX_FOREIGN_SHARE = 0.2
"""More codes than this that the gazetteer does not know, and the file is taken for another country's."""
CODEPAGES = {"TUR": "cp1254"}
"""Code page of .dbf text that is not UTF-8, where no .cpg says so; elsewhere Arabic Windows."""
ARABIC_CODEPAGE = "cp1256"
CONTAINERS = (".shp", ".geojson", ".json", ".gpkg", ".fgb")


class BoundaryError(Exception):
    """A boundary file that can't be used; the sentence says what was found and what to do."""


@dataclass
class Units:
    """The units of one level of a file.

    Attributes:
        level: 1 to 3.
        frame: code, name_en, name_local, parent_code and a valid polygon in EPSG:4326, a code once, sorted. Polygons
            without a code stand under their parent's.
        valid_on, valid_to: what the file states, as YYYY-MM-DD.
        mended: what was repaired. notes: what to know.
    """

    level: int
    frame: gpd.GeoDataFrame
    valid_on: str | None
    valid_to: str | None
    mended: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _NoCodesError(BoundaryError):
    """A layer without codes; another layer of the file may have some."""


def read_boundaries(
    file: Path, location_code: str, gazetteer: Gazetteer, code_column: str | None = None
) -> list[Units]:
    """The units of every level that a file holds, sorted by level.

    Args:
        file: GeoJSON, shapefile, GeoPackage, file geodatabase, GeoParquet, or a ZIP archive of them.
        location_code: the country that the file is of.
        gazetteer: the country's units: codes and parents are compared with it.
        code_column: the column of codes, where its name is none that is known.

    Raises:
        BoundaryError: unreadable, without CRS, without codes or parents, or codes of another country.
    """
    if not file.exists():
        raise BoundaryError(f"{file}: there is no such file")
    found: dict[int, Units] = {}
    without: list[_NoCodesError] = []
    for source, layer in _layers(file):
        frame = _read(file, source, layer, location_code)
        try:
            units = _units(
                frame,
                file.name if layer is None else f"{file.name}, layer {layer}",
                location_code,
                gazetteer,
                code_column,
            )
        except _NoCodesError as error:
            without.append(error)
            continue
        if units.level not in found:
            found[units.level] = units
    if not found:
        raise without[0] if without else BoundaryError(f"{file.name}: holds no polygons; name a boundary file")
    return [found[level] for level in sorted(found)]


def _layers(file: Path) -> list[tuple[str, str | None]]:
    """What GDAL is to open: each dataset of the file, and each of its layers of polygons."""
    import pyogrio

    if file.suffix == ".parquet":
        return [(str(file), None)]
    sources = [str(file)]
    try:
        if file.suffix == ".zip":
            names = zipfile.ZipFile(file).namelist()
            inner = {
                n if not (at := re.search(r"^.*?\.gdb(?=/)", n)) else at[0]
                for n in names
                if Path(n).suffix in CONTAINERS or ".gdb/" in n
            }
            sources = [f"/vsizip/{file}/{name}" for name in sorted(inner)]
        listed = [(source, [tuple(row) for row in pyogrio.list_layers(source)]) for source in sources]
    except Exception as error:  # GDAL and zipfile each raise their own
        raise BoundaryError(f"{file.name}: can't be read as boundaries: {_first_line(error)}") from error
    drawn = [
        (source, name)
        for source, layers in listed
        for name, kind in layers
        if kind is not None and "Point" not in kind and "Line" not in kind
    ]
    if not drawn:
        raise BoundaryError(f"{file.name}: is a table without polygons; name a boundary file")
    return [(source, name if len(drawn) > 1 else None) for source, name in drawn]


def _read(file: Path, source: str, layer: str | None, location_code: str) -> gpd.GeoDataFrame:
    import geopandas as gpd

    try:
        if source.endswith(".parquet"):
            frame = gpd.read_parquet(source)
        elif source.endswith(".shp") and not _has_code_page(file, source):
            frame = _decoded(gpd.read_file(source, layer=layer, encoding="ISO-8859-1"), location_code)
        else:
            frame = gpd.read_file(source, layer=layer)
    except Exception as error:  # GDAL, pyarrow and pyogrio each raise their own
        raise BoundaryError(f"{file.name}: can't be read as boundaries: {_first_line(error)}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise BoundaryError(f"{file.name}: is a table without polygons; name a boundary file")
    if frame.crs is None:
        raise BoundaryError(f"{file.name}: states no coordinate reference system; add its .prj file beside it")
    return frame


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _has_code_page(file: Path, source: str) -> bool:
    stem = source.removesuffix(".shp")
    if file.suffix == ".zip":
        inner = stem.removeprefix(f"/vsizip/{file}/")
        return any(n.lower() == f"{inner}.cpg".lower() for n in zipfile.ZipFile(file).namelist())
    return any(Path(stem + suffix).is_file() for suffix in (".cpg", ".CPG"))


def _decoded(frame: gpd.GeoDataFrame, location_code: str) -> gpd.GeoDataFrame:
    """Text of a .dbf that does not say its code page: UTF-8 where it is, else the country's."""
    text = [c for c in frame.columns if c != frame.geometry.name and frame[c].map(lambda v: isinstance(v, str)).any()]
    bodies = {c: [v.encode("latin-1") if isinstance(v, str) else None for v in frame[c]] for c in text}
    try:
        told = {c: [b if b is None else b.decode("utf-8") for b in values] for c, values in bodies.items()}
    except UnicodeDecodeError:
        page = CODEPAGES.get(location_code, ARABIC_CODEPAGE)
        told = {
            c: [b if b is None else b.decode(page, errors="replace") for b in values] for c, values in bodies.items()
        }
    return frame.assign(**told)


def _units(
    frame: gpd.GeoDataFrame, name: str, location_code: str, gazetteer: Gazetteer, code_column: str | None
) -> Units:
    import geopandas as gpd

    mended: list[str] = []
    notes: list[str] = []
    level, columns = _columns(frame, name, location_code, gazetteer, code_column, notes)
    told = gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs).to_crs("EPSG:4326")
    if not frame.crs.equals("EPSG:4326") and frame.crs.to_epsg() != 4326:
        mended.append(f"coordinates brought from {frame.crs.name} to EPSG:4326")
    _names_right_way(told, mended)
    told = _with_polygons(told, mended)
    west, south, east, north = told.total_bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise BoundaryError(
            f"{name}: its polygons lie outside the earth's degrees ({west:.0f} to {east:.0f}, {south:.0f} to {north:.0f}); its coordinate reference system is not the one that it states"
        )
    told = _with_codes(told, level, name, notes)
    strange = sorted(c for c in set(told["code"]) if not PLAIN.fullmatch(c))
    if strange:
        raise BoundaryError(
            f"{name}: {len(strange)} codes hold more than letters, digits and dashes, such as {strange[0]!r}; correct them"
        )
    _check_nesting(told, level, location_code, gazetteer, name, notes)
    _check_points(told, gazetteer, name)
    twice = told["code"][told["code"].duplicated()].unique()
    if len(twice):
        told = told.dissolve("code", as_index=False)
        own = [c for c in sorted(twice) if c not in set(told["parent_code"])]
        if own:
            mended.append(f"{len(own)} codes stood on several polygons, dissolved: {', '.join(own[:5])}")
    order = ["code", "name_en", "name_local", "parent_code", "geometry"]
    return Units(
        level,
        told[order].sort_values("code", ignore_index=True),
        _stated(frame, VALID_ON),
        _stated(frame, VALID_TO),
        mended,
        notes,
    )


def _columns(
    frame: gpd.GeoDataFrame,
    name: str,
    location_code: str,
    gazetteer: Gazetteer,
    code_column: str | None,
    notes: list[str],
) -> tuple[int, dict[str, Any]]:
    """The deepest level that the file has codes for, and its codes, names and parents."""
    present = {str(c).lower(): str(c) for c in frame.columns}

    def values(column: str | None) -> list[str | None]:
        if column is None:
            return [None] * len(frame)
        return [v.strip() or None if isinstance(v, str) else None for v in frame[column]]

    def first(patterns: tuple[str, ...], level: int) -> str | None:
        return next((present[p.format(n=level)] for p in patterns if p.format(n=level) in present), None)

    if code_column is None:
        for level in (3, 2, 1):
            code = first(CODE, level)
            if code is not None:
                parent = first(CODE, level - 1) if level > 1 else None
                if level > 1 and parent is None:
                    raise BoundaryError(
                        f"{name}: has codes of level {level} and none of level {level - 1}; the parent's code is needed"
                    )
                return level, {
                    "code": values(code),
                    "name_en": values(first(NAME, level)),
                    "name_local": values(first(NAME_LOCAL, level)),
                    "parent_code": values(parent) if level > 1 else [location_code] * len(frame),
                }
        if PLAIN_CODE in present:
            level = 2 if PLAIN_PARENT in present else 1
            return level, {
                "code": values(present[PLAIN_CODE]),
                "name_en": values(present.get(PLAIN_NAMES[0])),
                "name_local": values(present.get(PLAIN_NAMES[1])),
                "parent_code": values(present.get(PLAIN_PARENT)) if level > 1 else [location_code] * len(frame),
            }
    elif code_column.lower() not in present:
        raise BoundaryError(f"{name}: has no column {code_column}; it has {', '.join(map(str, frame.columns))}")
    asked = [present[code_column.lower()]] if code_column else [c for c in present.values() if c != frame.geometry.name]
    return _recognised(frame, asked, name, location_code, gazetteer, values, first, notes)


def _recognised(
    frame: gpd.GeoDataFrame,
    asked: list[str],
    name: str,
    location_code: str,
    gazetteer: Gazetteer,
    values: Any,
    first: Any,
    notes: list[str],
) -> tuple[int, dict[str, Any]]:
    """Codes by their content: the column in which most rows are codes of the gazetteer, of whatever system."""
    best: tuple[float, str, pl.DataFrame] | None = None
    for column in asked:
        told = [str(v).strip() if isinstance(v, str) else None for v in frame[column]]
        if not any(told):
            continue
        read = _read_column(told, location_code, gazetteer)
        share = _told_share(read["admin1_code"])
        if best is None or share > best[0]:
            best = (share, column, read)
    if best is None or best[0] < LEAST_RECOGNISED:
        raise _NoCodesError(
            f"{name}: has no column of p-codes; found {', '.join(map(str, list(frame.columns)[:12]))}; "
            "expected COD-AB names such as ADM2_PCODE or adm2_pcode, or a column whose values are codes of the gazetteer"
        )
    share, column, read = best
    level = 2 if _told_share(read["admin2_code"]) > 0.5 else 1
    systems = read["system"].drop_nulls().unique().sort().to_list()
    notes.append(
        f"codes are taken from column {column} ({', '.join(systems)}): {share:.0%} of its rows are units of the gazetteer"
    )
    return level, {
        "code": read[f"admin{level}_code"].to_list(),
        "name_en": values(first(NAME, level)),
        "name_local": values(first(NAME_LOCAL, level)),
        "parent_code": read["admin1_code"].to_list() if level == 2 else [location_code] * len(frame),
    }


def _told_share(values: pl.Series) -> float:
    return 1 - values.null_count() / max(1, len(values))


def _read_column(told: list[str | None], location_code: str, gazetteer: Gazetteer) -> pl.DataFrame:
    """What a column's values are as codes; bare digits may be codes without the letters of the country."""
    frame = pl.DataFrame(
        {"_row": range(len(told)), "location_code": location_code, "code": told}, schema_overrides={"code": pl.String}
    )
    prefix = gazetteer.units.filter(admin_level=1)["code"].str.extract(r"^([A-Z]+)", 1)
    letters = prefix[0] if len(prefix) else ""
    frame = frame.with_columns(
        code=pl.when(pl.col("code").str.contains(r"^\d{2,}$")).then(letters + pl.col("code")).otherwise("code")
    )
    read = read_codes(frame, gazetteer)
    return frame.join(read, on=["location_code", "code"], how="left", maintain_order="left")


def _names_right_way(told: gpd.GeoDataFrame, mended: list[str]) -> None:
    """English names stand in name_en: some files have the two columns the other way round."""
    arabic = r"[\u0600-\u06ff]"
    here, there = (told[c].dropna().astype(str).str.contains(arabic) for c in ("name_en", "name_local"))
    if len(here) and len(there) and here.mean() > 0.5 > there.mean():
        told[["name_en", "name_local"]] = told[["name_local", "name_en"]].to_numpy()
        mended.append("the columns of English and local names stood the other way round")


def _with_polygons(told: gpd.GeoDataFrame, mended: list[str]) -> gpd.GeoDataFrame:
    drawn = told.geometry.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"])
    empty = told.geometry.isna() | told.geometry.is_empty | ~drawn
    if empty.any():
        named = told.loc[empty, "code"].dropna().head(5)
        mended.append(
            f"{int(empty.sum())} units without a polygon left out (they stay in the gazetteer): {', '.join(named)}"
        )
        told = told[~empty].reset_index(drop=True)
    invalid = ~told.geometry.is_valid
    if invalid.any():
        told.loc[invalid, "geometry"] = told.loc[invalid, "geometry"].make_valid(
            method="structure", keep_collapsed=False
        )
        mended.append(
            f"{int(invalid.sum())} invalid rings repaired: {', '.join(sorted(told.loc[invalid, 'code'].dropna())[:5])}"
        )
    return told


def _with_codes(told: gpd.GeoDataFrame, level: int, name: str, notes: list[str]) -> gpd.GeoDataFrame:
    """Polygons without a code place their points in the parent only; without a parent they place none."""
    uncoded = told["code"].isna()
    if uncoded.all():
        raise BoundaryError(f"{name}: no polygon has a code; people there could not be placed")
    if not uncoded.any():
        return told
    if level == 1:
        notes.append(
            f"{int(uncoded.sum())} polygons of level 1 have no code and are left out: points there are in no unit"
        )
        return told[~uncoded].reset_index(drop=True)
    lost = uncoded & told["parent_code"].isna()
    if lost.any():
        names = told.loc[lost, "name_en"].dropna().head(5)
        notes.append(
            f"{int(lost.sum())} polygons have neither a code nor a parent and are left out: {', '.join(names)}"
        )
    kept = uncoded & ~lost
    if kept.any():
        notes.append(f"{int(kept.sum())} polygons have no code: points there are known by level {level - 1} only")
        told.loc[kept, "code"] = told.loc[kept, "parent_code"]
        told.loc[kept, ["name_en", "name_local"]] = None
    return told[~lost].reset_index(drop=True)


def _check_nesting(
    units: gpd.GeoDataFrame, level: int, location_code: str, known: Gazetteer, name: str, notes: list[str]
) -> None:
    """Codes against the gazetteer, parents against its hierarchy."""
    listed = known.units.filter(admin_level=level) if level < 3 else pl.DataFrame()
    parents = set(known.units.filter(admin_level=level - 1)["code"]) if level > 1 else set()
    coded = units[units["code"] != units["parent_code"]]
    if level > 1:
        lost = sorted(set(coded["parent_code"].fillna("none")) - parents) if parents else []
        if lost:
            raise BoundaryError(
                f"{name}: units lie in parents that {location_code} does not have: {', '.join(lost[:5])}; is it the right country and edition?"
            )
    if listed.is_empty():
        if level < 3:
            notes.append(f"the gazetteer has no units of {location_code}: codes are taken as they are")
        return
    codes, expected = set(coded["code"]), set(listed["code"])
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
        wrong = [c for c, p in zip(coded["code"], coded["parent_code"], strict=True) if told.get(c, p) != p]
        if wrong:
            raise BoundaryError(
                f"{name}: districts under another governorate than the gazetteer has them: {', '.join(wrong[:5])}"
            )


def _check_points(units: gpd.GeoDataFrame, known: Gazetteer, name: str) -> None:
    """Each polygon lies where the gazetteer has the unit: codes on the wrong polygons would move every point."""
    import geopandas as gpd
    import shapely

    listed = known.units.filter(pl.col("latitude").is_not_null()).select("code", "longitude", "latitude")
    points = {code: (x, y) for code, x, y in listed.iter_rows()}
    own = units[units["code"].isin(list(points))].reset_index(drop=True)
    if len(own) < FEW_UNITS:
        return
    expected = gpd.GeoSeries.from_xy(*zip(*(points[c] for c in own["code"]), strict=True), crs=units.crs)
    # shapely's own: geopandas warns that degrees are no metres, and degrees are meant
    wide = gpd.GeoSeries(shapely.buffer(own.geometry.envelope.to_numpy(), FAR_DEGREES), crs=units.crs)
    away = own["code"][~wide.intersects(expected)]
    if len(away) > MAX_MISPLACED_SHARE * len(own):
        raise BoundaryError(
            f"{name}: {len(away)} of {len(own)} units lie far from where the gazetteer has them ({', '.join(away.head(3))} ...); are codes on the wrong polygons, or longitude and latitude exchanged?"
        )


def _stated(frame: gpd.GeoDataFrame, columns: tuple[str, ...]) -> str | None:
    """The newest date that the first of the columns states, as YYYY-MM-DD."""
    present = {str(c).lower(): str(c) for c in frame.columns}
    for column in columns:
        if column in present:
            dates = [str(v)[:10] for v in frame[present[column]].dropna()]
            dates = [d for d in dates if _is_day(d)]
            if dates:
                return max(dates)
    return None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
