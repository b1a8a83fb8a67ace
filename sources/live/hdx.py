"""Official boundary editions (COD-AB) of the Humanitarian Data Exchange: public, no key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.live.transfer import NO_LIMITS_SAID, FetchError, FetchLimits, Server, write_whole

BASE = "https://data.humdata.org"
PACKAGE = "cod-ab-{country}"
FORMATS = ("geodatabase", "geopackage", "geojson", "shp")
"""Formats that are read, the one that loses least first; all files of the best are taken, for a level may have its own."""
SPELLINGS = {
    "zipped shapefiles": "shp",
    "zipped shapefile": "shp",
    "shapefile": "shp",
    "gdb": "geodatabase",
    "gpkg": "geopackage",
}


@dataclass(frozen=True)
class Downloaded:
    """Boundary files and the day of their edition, YYYY-MM-DD."""

    files: list[Path]
    day: str


def fetch_boundaries(
    location_code: str,
    folder: Path,
    base: str = BASE,
    pause: Callable[[float], None] = time.sleep,
    limits: FetchLimits = NO_LIMITS_SAID,
) -> Downloaded:
    """Download the official edition of a country.

    Raises:
        FetchError: HDX has no such dataset, none of its files is of a format that is read, or a file did not come whole.
    """
    server = Server(base, {}, pause, elsewhere=True, limits=limits)
    name = PACKAGE.format(country=location_code.lower())
    answer = server.json("api/3/action/package_show", id=name)
    result = answer.get("result") if isinstance(answer, dict) else None
    resources = result.get("resources") if isinstance(result, dict) else None
    if not isinstance(resources, list):
        raise FetchError(f"{base}: the answer about {name} lists no files; check the address of the server")
    best = min((_rank(r) for r in resources), default=len(FORMATS))
    if best == len(FORMATS):
        told = sorted({str(r.get("format") or "no stated format") for r in resources if isinstance(r, dict)})
        raise FetchError(
            f"{name}: has files of {', '.join(told) or 'no format'} and none of {', '.join(FORMATS)}; ask for one of these, or download one by hand"
        )
    chosen = [r for r in resources if _rank(r) == best]
    contents = [_whole(server, name, resource) for resource in chosen]
    files = [
        write_whole(folder, f"{name}-{n}{suffix}", content) for n, (suffix, content) in enumerate(contents, start=1)
    ]
    return Downloaded(files, max(str(r.get("last_modified") or "")[:10] for r in chosen))


def _whole(server: Server, name: str, resource: dict[str, Any]) -> tuple[str, bytes]:
    """The suffix and the bytes of a file, all of them."""
    content = server.content(str(resource["download_url"]))
    told = str(resource.get("size") or "")
    if told.isdigit() and int(told) > 0 and len(content) != int(told):
        raise FetchError(f"{name}: {len(content):,} of {int(told):,} bytes came; nothing was written; try again")
    if not content.startswith((b"PK", b"{", b"SQLite format 3")):
        raise FetchError(
            f"{name}: what came is no boundary file; nothing was written; ask OCHA for one, or download it by hand"
        )
    return (".geojson" if content.startswith(b"{") else ".gpkg" if content.startswith(b"SQLite") else ".zip"), content


def _rank(resource: Any) -> int:
    """Place of a file's format in the order of preference; files without a format or an address come last."""
    if not isinstance(resource, dict) or not isinstance(resource.get("download_url"), str):
        return len(FORMATS)
    stated = str(resource.get("format") or "").strip().lower()
    told = SPELLINGS.get(stated, stated.removeprefix("zipped "))
    return FORMATS.index(told) if told in FORMATS else len(FORMATS)
