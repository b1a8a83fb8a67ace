"""KoBoToolbox API v2: all submissions of an asset, page by page, and its form. A token is needed (DTM_KOBO_TOKEN)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sources.live.transfer import NO_LIMITS_SAID, FetchError, FetchLimits, Server, secret, write_whole

TOKEN = "DTM_KOBO_TOKEN"
PAGE = 1000
"""The most that a page holds; asking for more gives no more (sources.md, section 4)."""
TRIES = 2


def fetch_kobo(
    asset: str,
    folder: Path,
    base: str,
    pause: Callable[[float], None] = time.sleep,
    limits: FetchLimits = NO_LIMITS_SAID,
) -> list[Path]:
    """Download the submissions of an asset and its XLSForm, after all pages came and their number is the server's.

    Raises:
        FetchError: a call failed, or the pages do not hold as many submissions as the server counts.
    """
    server = Server(base, {"Authorization": f"Token {secret(TOKEN, 'the token of KoBoToolbox')}"}, pause, limits=limits)
    rows = _all_pages(server, f"api/v2/assets/{asset}/data.json")
    form = server.content(f"api/v2/assets/{asset}.xls")
    if not rows:
        raise FetchError(f"{asset}: the server holds no submissions of it")
    if not form.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise FetchError(f"{asset}: what came for its form is no workbook; nothing was written")
    content = json.dumps({"count": len(rows), "results": rows}, ensure_ascii=False).encode()
    return [
        write_whole(folder, f"kobo_{asset}_form.{'xlsx' if form.startswith(b'PK') else 'xls'}", form),
        write_whole(folder, f"kobo_{asset}.json", content),
    ]


def _all_pages(server: Server, path: str) -> list[dict[str, Any]]:
    """Every page, by the server's own `next`. Submissions that come in between are asked for once more."""
    rows: dict[Any, dict[str, Any]] = {}
    count = 0
    for _ in range(TRIES):
        rows, count, number = {}, 0, 1
        page: dict[str, Any] = server.json(path, limit=PAGE, start=0, sort='{"_id":1}')
        while True:
            if not _is_page(page):
                raise FetchError(f"{path}: a page without results and count; check the asset")
            count = int(page["count"])
            before = len(rows)
            rows |= {row.get("_id", row.get("_uuid")): row for row in page["results"]}
            following = page.get("next")
            if not following:
                break
            if len(rows) == before:
                raise FetchError(f"{path}: a page repeats what was there; nothing was written")
            number += 1
            server.pages(number)
            page = server.json(following)
        if len(rows) == count:
            return list(rows.values())
    raise FetchError(f"{path}: {len(rows):,} of {count:,} submissions came; nothing was written; try again later")


def _is_page(page: Any) -> bool:
    rows = page.get("results") if isinstance(page, dict) else None
    return (
        isinstance(rows, list)
        and all(isinstance(r, dict) for r in rows)
        and isinstance(page.get("count"), int)
        and isinstance(page.get("next"), str | None)
    )
