"""ODK Central by pyodk: the submissions of a form, all or those changed since a day, and its XLSForm.

An account is needed (DTM_ODK_EMAIL, DTM_ODK_PASSWORD). pyodk retries on a busy server by itself.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import date
from pathlib import Path
from typing import Any

from sources.live.transfer import CHUNK, MB, NO_LIMITS_SAID, FetchError, FetchLimits, check_address, secret, write_whole

EMAIL, PASSWORD = "DTM_ODK_EMAIL", "DTM_ODK_PASSWORD"
PAGE = 1000
TIMEOUT = 60


def fetch_odk(
    form_id: str,
    project: int,
    folder: Path,
    base: str,
    since: date | None = None,
    limits: FetchLimits = NO_LIMITS_SAID,
) -> list[Path]:
    """Download the submissions of a form with their repeats, after all pages came.

    Args:
        since: only those that were sent or changed on this day or later.

    Raises:
        FetchError: login or a call failed, or fewer submissions came than the server counts.
    """
    from pyodk._utils.config import CentralConfig, Config
    from pyodk._utils.session import Adapter, Session
    from pyodk.client import Client
    from pyodk.errors import PyODKError
    from requests.exceptions import RequestException

    check_address(base, limits)
    # it writes answers and addresses into its log
    logging.getLogger("pyodk").setLevel(logging.CRITICAL + 1)
    account = CentralConfig(
        base, secret(EMAIL, "the e-mail of an account of ODK Central"), secret(PASSWORD, "its password")
    )
    # no cache: a session's token is never written to a disk
    session = Session(base, "v1", account.username, account.password, cache_path=None)
    # neither the password nor the session's token follows where the server leads
    session.max_redirects = 0
    ends = time.monotonic() + limits.seconds

    class Bounded(Adapter):  # type: ignore[misc]  # pyodk has no types
        """Reads answers to their end within the bounds."""

        def send(self, *asked: Any, **more: Any) -> Any:
            response = super().send(*asked, **{**more, "stream": True})
            body = bytearray()
            for chunk in response.iter_content(CHUNK):
                body += chunk
                if len(body) > limits.mb * MB or time.monotonic() > ends:
                    response.close()
                    raise FetchError(
                        f"{base}: an answer is larger than {limits.mb:,} MB (DTM_FETCH_MB), or the download took more than {limits.seconds:g} s (DTM_FETCH_SECONDS); nothing was written"
                    )
            response._content = bytes(body)
            return response

    session.mount("https://", Bounded(timeout=TIMEOUT))
    session.mount("http://", Bounded(timeout=TIMEOUT))
    try:
        with Client(session=session, config=Config(account), project_id=project) as client:
            rows = _all_pages(client, form_id, since)
            form = client.get(f"projects/{project}/forms/{form_id}.xlsx")
    except (PyODKError, RequestException, KeyError, ValueError) as error:
        raise FetchError(
            f"{base}: ODK Central did not give form {form_id!r} of project {project} ({type(error).__name__}); "
            "check address, account, project and form"
        ) from error
    if not rows:
        raise FetchError(f"{form_id}: the server holds no submissions of it{f' since {since}' if since else ''}")
    written = []
    if form.status_code == 200:  # a form that was made without XLSForm has none
        written.append(write_whole(folder, f"odk_{form_id}_form.xlsx", form.content))
    changed = f"_since_{since}" if since else ""
    content = json.dumps({"value": rows}, ensure_ascii=False).encode()
    return [*written, write_whole(folder, f"odk_{form_id}{changed}.json", content)]


def _all_pages(client: Any, form_id: str, since: date | None) -> list[dict[str, Any]]:
    asked = None
    if since is not None:
        day = f"{since.isoformat()}T00:00:00.000Z"
        asked = f"__system/submissionDate ge {day} or __system/updatedAt ge {day}"
    rows: dict[str, dict[str, Any]] = {}
    count = None
    while count is None or len(rows) < count:
        page = client.submissions.get_table(
            form_id=form_id, skip=len(rows), top=PAGE, count=True, expand="*", filter=asked
        )
        before, count = len(rows), int(page["@odata.count"])
        rows |= {row["__id"]: row for row in page["value"]}
        if len(rows) == before:
            break
    if len(rows) != (count or 0):
        raise FetchError(
            f"{form_id}: {len(rows):,} of {count:,} submissions came; nothing was written; try again later"
        )
    return list(rows.values())
