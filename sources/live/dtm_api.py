"""The DTM API v3: stocks of a country at admin 0, 1 and 2. A key of dtm.iom.int is needed (DTM_API_KEY)."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sources.live.transfer import NO_LIMITS_SAID, FetchError, FetchLimits, Server, secret, write_whole

BASE = "https://dtmapi.iom.int/v3"
KEY = "DTM_API_KEY"
LEVELS = (0, 1, 2)


def fetch_dtm_api(
    country: str,
    levels: tuple[int, ...],
    folder: Path,
    operation: str | None = None,
    base: str = BASE,
    pause: Callable[[float], None] = time.sleep,
    limits: FetchLimits = NO_LIMITS_SAID,
) -> list[Path]:
    """Download the figures of a country, a file a level, after all of them came whole.

    Args:
        country: ISO 3166-1 alpha-3; one of the API's list of countries.
        levels: of 0, 1, 2.
        operation: only this one; one of the API's list of operations.

    Raises:
        FetchError: a call failed, an answer is not whole, or country or operation are not listed.
    """
    server = Server(base, {"Ocp-Apim-Subscription-Key": secret(KEY, "the key of the DTM API")}, pause, limits=limits)
    listed = {r.get("admin0Pcode") for r in _result(server, "displacement/country-list")}
    if country not in listed:
        raise FetchError(f"the API lists no country {country!r}; it lists {', '.join(sorted(filter(None, listed)))}")
    if operation is not None:
        mine = [
            str(r.get("operation"))
            for r in _result(server, "displacement/operation-list")
            if r.get("admin0Pcode") == country
        ]
        if operation not in mine:
            near = difflib.get_close_matches(operation, mine, n=3, cutoff=0.3) or mine
            raise FetchError(f"the API lists no operation {operation!r} of {country}; it lists {', '.join(near)}")
    answers = {
        level: _answer(server, f"displacement/admin{level}", Admin0Pcode=country, Operation=operation)
        for level in levels
    }
    named = f"{country.lower()}{_slug(operation) if operation else ''}"
    return [
        write_whole(folder, f"dtm_api_v3_{named}_admin{level}.json", json.dumps(answer, ensure_ascii=False).encode())
        for level, answer in answers.items()
        if answer["result"]
    ]


def _result(server: Server, path: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _answer(server, path, **query)["result"]
    return rows


def _answer(server: Server, path: str, **query: Any) -> dict[str, Any]:
    """An answer that says it succeeded and holds as many records as it says."""
    answer = server.json(path, **query)
    if not isinstance(answer, dict) or not answer.get("isSuccess"):
        told = answer.get("errorMessages") if isinstance(answer, dict) else None
        said = "; ".join(map(str, told)) if isinstance(told, list) else str(told or "")
        raise FetchError(f"{path}: the API says that it failed ({said[:120] or 'no message'}); try again later")
    rows = answer.get("result")
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise FetchError(f"{path}: the answer holds no records; try again later")
    counted = str(answer.get("totalRecordsCount", ""))
    if counted.isdigit() and int(counted) != len(rows):
        raise FetchError(
            f"{path}: {len(rows):,} of {int(counted):,} records came; nothing was written; try again later"
        )
    return answer


def _slug(text: str) -> str:
    return "_" + re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
