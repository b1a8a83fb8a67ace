"""Official boundary editions (COD-AB) of the Humanitarian Data Exchange: public, no key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.live.transfer import FetchError, Server, write_whole

BASE = "https://data.humdata.org"
PACKAGE = "cod-ab-{country}"
FORMATS = ("geodatabase", "geopackage", "geojson", "shp")
"""Formats that hold every level, the one that loses least first."""


@dataclass(frozen=True)
class Downloaded:
    """A boundary file and the day of its edition, YYYY-MM-DD."""

    file: Path
    day: str


def fetch_boundaries(
    location_code: str, folder: Path, base: str = BASE, pause: Callable[[float], None] = time.sleep
) -> Downloaded:
    """Download the official edition of a country.

    Raises:
        FetchError: HDX has no such dataset, none of its files is of a format that is read, or a file did not come whole.
    """
    server = Server(base, {}, pause, elsewhere=True)
    name = PACKAGE.format(country=location_code.lower())
    answer = server.json("api/3/action/package_show", id=name)
    result = answer.get("result") if isinstance(answer, dict) else None
    resources = result.get("resources") if isinstance(result, dict) else None
    if not isinstance(resources, list):
        raise FetchError(f"{base}: the answer about {name} lists no files; check the address of the server")
    best = min((r for r in resources if _rank(r) < len(FORMATS)), key=_rank, default=None)
    if best is None:
        told = sorted({str(r.get("format")) for r in resources if isinstance(r, dict)})
        raise FetchError(
            f"{name}: has files of {', '.join(told)} and none of {', '.join(FORMATS)}; ask OCHA for one, or download it by hand"
        )
    content = server.content(str(best["download_url"]))
    size = best.get("size")
    if isinstance(size, int) and size > 0 and len(content) != size:
        raise FetchError(f"{name}: {len(content):,} of {size:,} bytes came; nothing was written; try again")
    if not content.startswith((b"PK", b"{", b"SQLite format 3")):
        raise FetchError(f"{name}: what came is no boundary file; nothing was written; download one by hand")
    suffix = ".geojson" if content.startswith(b"{") else ".gpkg" if content.startswith(b"SQLite") else ".zip"
    return Downloaded(write_whole(folder, f"{name}{suffix}", content), str(best.get("last_modified") or "")[:10])


def _rank(resource: Any) -> int:
    """Place of a file's format in the order of preference; files without a format or an address come last."""
    if not isinstance(resource, dict) or not isinstance(resource.get("download_url"), str):
        return len(FORMATS)
    told = str(resource.get("format", "")).lower().removeprefix("zipped ")
    return FORMATS.index(told) if told in FORMATS else len(FORMATS)
