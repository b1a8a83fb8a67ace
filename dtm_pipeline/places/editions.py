"""Boundary editions of a home: import, choose, check, and the cells of each."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dtm_pipeline.places.boundary_file import BoundaryError, Units, read_boundaries
from dtm_pipeline.places.cells import CellIndex, build_cells
from dtm_pipeline.places.gazetteer import Gazetteer

if TYPE_CHECKING:
    import geopandas as gpd

EDITION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
LEVELS = (1, 2, 3)
INDEXED = (2, 3)
"""Levels that points are placed in; a district tells its governorate."""
AREA_TOLERANCE = 0.001
"""How much of a unit's area the map drawn from its cells may miss."""


@dataclass
class Imported:
    """What an import did to one level."""

    location_code: str
    edition: str
    admin_level: int
    units: int
    valid_on: str | None
    valid_to: str | None
    source_name: str
    source_sha256: str
    imported_at: str
    cells: int | None = None
    mended: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """The edition that a date is placed on; `covers` is whether it was valid that day or is only the nearest."""

    edition: str
    covers: bool


def import_edition(
    file: Path,
    location_code: str,
    edition: str,
    boundaries: Path,
    gazetteer: Gazetteer,
    code_column: str | None = None,
) -> list[Imported]:
    """Take every level of a boundary file into an edition of the home, and index it.

    Raises:
        BoundaryError: as `read_boundaries`, or districts that lie outside the governorate that they name.
    """
    if not EDITION_NAME.fullmatch(edition):
        raise BoundaryError(f"{edition!r} is no name for an edition: use letters, digits, dots and hyphens")
    told = read_boundaries(file, location_code, gazetteer.of_country(location_code), code_column)
    folder = boundaries / location_code / edition
    sha256 = _sha256(file)
    known: dict[int, gpd.GeoDataFrame] = {}
    for units in told:
        above = known.get(units.level - 1)
        _check_inside(
            units,
            above if above is not None else polygons(boundaries, location_code, edition, units.level - 1),
            file.name,
        )
        replaced = any(other.level == units.level + 1 for other in told)
        below = None if replaced else polygons(boundaries, location_code, edition, units.level + 1)
        if below is not None:
            _check_inside(Units(units.level + 1, below, None, None), units.frame, file.name)
        known[units.level] = units.frame
    # all that can fail is done before the first file of the edition is replaced
    cells = {u.level: build_cells(u.frame) for u in told if u.level in INDEXED}
    folder.mkdir(parents=True, exist_ok=True)
    return [_stored(u, cells.get(u.level), folder, location_code, edition, file.name, sha256) for u in told]


def _sha256(file: Path) -> str:
    files = sorted(f for f in file.rglob("*") if f.is_file()) if file.is_dir() else [file]
    digest = hashlib.sha256()
    for part in files:
        with part.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _stored(
    units: Units, cells: pl.DataFrame | None, folder: Path, location_code: str, edition: str, source: str, sha256: str
) -> Imported:
    """A level's polygons, cells and record, the record last."""
    level = units.level
    _replaced(folder / f"adm{level}.parquet", units.frame.to_parquet)
    if cells is not None:
        _replaced(folder / f"adm{level}_cells.parquet", cells.write_parquet)
    told = Imported(
        location_code,
        edition,
        level,
        int((units.frame["code"] != units.frame["parent_code"]).sum()),
        units.valid_on,
        units.valid_to,
        source,
        sha256,
        datetime.now(UTC).isoformat(timespec="seconds"),
        cells.height if cells is not None else None,
        units.mended,
        units.notes,
    )
    _write_record(folder, level, asdict(told))
    return told


def _write_record(folder: Path, level: int, told: dict[str, Any]) -> None:
    """The record of a level, with the sha256 of the files beside it."""
    files = {f.name: _sha256(f) for f in _files(folder, level) if f.is_file()}
    text = json.dumps({**told, "files": files}, indent=1, ensure_ascii=False) + "\n"
    _replaced(folder / f"adm{level}.json", lambda file: file.write_text(text, encoding="utf-8"))


def _files(folder: Path, level: int) -> tuple[Path, Path]:
    return folder / f"adm{level}.parquet", folder / f"adm{level}_cells.parquet"


def _replaced(file: Path, write: Any) -> None:
    temporary = file.with_name(f".{file.name}")
    write(temporary)
    temporary.replace(file)


def index_level(folder: Path, level: int, units: gpd.GeoDataFrame) -> int:
    """Build and keep the cells of a level; their number."""
    cells = build_cells(units)
    _replaced(folder / f"adm{level}_cells.parquet", cells.write_parquet)
    record = folder / f"adm{level}.json"
    if record.is_file():
        _write_record(folder, level, json.loads(record.read_text(encoding="utf-8")))
    return cells.height


def _check_inside(units: Units, parents: gpd.GeoDataFrame | None, name: str) -> None:
    """Each unit's inner point lies in the parent that it names, where the edition has the parents."""
    import geopandas as gpd

    if units.level < 2 or parents is None:
        return
    shapes = parents.set_index("code").geometry
    coded = units.frame[units.frame["code"] != units.frame["parent_code"]]
    inner = coded.geometry.representative_point().reset_index(drop=True)
    own = gpd.GeoSeries(shapes.reindex(coded["parent_code"]).to_numpy(), crs=units.frame.crs)
    outside = coded["code"].reset_index(drop=True)[~inner.intersects(own)]
    if len(outside):
        raise BoundaryError(
            f"{name}: {len(outside)} units lie outside the parent that they name: {', '.join(outside.head(5))}"
        )


def editions(boundaries: Path) -> list[dict[str, Any]]:
    """What was imported, a record a level, sorted by country, edition and level."""
    found = [json.loads(f.read_text(encoding="utf-8")) for f in sorted(boundaries.glob("*/*/adm[123].json"))]
    return sorted(found, key=lambda r: (r["location_code"], r["edition"], r["admin_level"]))


def edition_for(boundaries: Path, location_code: str, day: date | None, level: int = 2) -> Chosen | None:
    """The edition of a day: the newest that covers it, else the nearest; None without any.

    An edition covers from its date of validity (always, when it states none) to its end, or to the next edition's.
    """
    known = [
        (
            date.fromisoformat(r["valid_on"]) if r["valid_on"] else date.min,
            date.fromisoformat(r["valid_to"]) if r.get("valid_to") else date.max,
            r["edition"],
        )
        for r in editions(boundaries)
        if (r["location_code"], r["admin_level"]) == (location_code, level)
    ]
    return _nearest(known, day)


def _nearest(known: Iterable[tuple[date, date, str]], day: date | None) -> Chosen | None:
    spans = sorted(known)
    if not spans:
        return None
    if day is None:
        return Chosen(spans[-1][2], True)
    covering = [s for s in spans if s[0] <= day <= s[1]]
    if covering:
        return Chosen(covering[-1][2], True)

    def away(span: tuple[date, date, str]) -> int:
        return (span[0] - day).days if day < span[0] else (day - span[1]).days

    return Chosen(min(spans, key=away)[2], False)


def polygons(boundaries: Path, location_code: str, edition: str | None, level: int = 2) -> gpd.GeoDataFrame | None:
    """The units of an edition with `code` and geometry, or None where it has none."""
    import geopandas as gpd

    file = boundaries / location_code / str(edition) / f"adm{level}.parquet"
    return gpd.read_parquet(file) if edition is not None and file.is_file() else None


def cell_index(boundaries: Path, location_code: str, edition: str | None, level: int = 2) -> CellIndex | None:
    """The cells of a level of an edition, built now where the edition was imported without; None without polygons."""
    units = polygons(boundaries, location_code, edition, level)
    if units is None:
        return None
    folder = boundaries / location_code / str(edition)
    kept = folder / f"adm{level}_cells.parquet"
    fresh = kept.is_file() and kept.stat().st_mtime_ns >= (folder / f"adm{level}.parquet").stat().st_mtime_ns
    return CellIndex(pl.read_parquet(kept) if fresh and cells_are_whole(folder, level) else build_cells(units), units)


def cells_are_whole(folder: Path, level: int) -> bool:
    """Whether the cells of a level are those that were drawn, as far as its record says."""
    record, cells = folder / f"adm{level}.json", folder / f"adm{level}_cells.parquet"
    told = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    noted = told.get("files", {}).get(cells.name)
    return noted is None or (cells.is_file() and _sha256(cells) == noted)


def check_edition(boundaries: Path, location_code: str, edition: str) -> list[str]:
    """What is wrong with an imported edition, in sentences; empty when nothing is."""
    from dtm_pipeline.places.cells import drawn_areas

    problems: list[str] = []
    codes: dict[int, set[str]] = {}
    for level in LEVELS:
        units = polygons(boundaries, location_code, edition, level)
        if units is None:
            continue
        told = units["code"].tolist()
        codes[level] = set(told)
        twice = [c for c, n in Counter(told).items() if n > 1]
        if twice:
            problems.append(f"admin {level}: codes that stand twice: {', '.join(twice[:5])}")
        if not units.geometry.is_valid.all():
            problems.append(f"admin {level}: invalid polygons")
        if level - 1 in codes:
            lost = sorted(set(units["parent_code"]) - codes[level - 1])
            if lost:
                problems.append(f"admin {level}: parents that the edition does not have: {', '.join(lost[:5])}")
        if level in INDEXED and not cells_are_whole(boundaries / location_code / edition, level):
            problems.append(f"admin {level}: the cells are not those that were drawn; run `dtm boundaries index`")
        index = cell_index(boundaries, location_code, edition, level) if level in INDEXED else None
        if index is not None:
            areas = drawn_areas(index).filter(
                (pl.col("drawn") - pl.col("area")).abs() > AREA_TOLERANCE * pl.col("area")
            )
            if areas.height:
                problems.append(
                    f"admin {level}: the map drawn from the cells differs by more than {AREA_TOLERANCE:.1%} of the area in: "
                    f"{', '.join(areas['code'].head(5))}; run `dtm boundaries index`"
                )
    if not codes:
        problems.append(f"{location_code} has no edition named {edition}")
    return problems
