"""What the clients of live systems share: retries on the network only, whole files or none, no secret in a message."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_attempt

ATTEMPTS = 5
LONGEST_WAIT = 60.0
TRANSIENT = (429, 500, 502, 503, 504)
TIMEOUT = httpx.Timeout(60.0, connect=15.0)


class FetchError(Exception):
    """A download that did not come to its end; nothing was written. The sentence holds no secret and no answer."""


class _TransientError(Exception):
    """Worth another try: the network, or a server that is busy."""

    def __init__(self, told: str, wait: float | None = None) -> None:
        super().__init__(told)
        self.wait = wait


class Server:
    """An API over HTTP: GET of JSON or bytes, with backoff where the network or a busy server fails.

    `elsewhere`: public files may lie on other hosts, and be redirected to; never with a secret in the headers.
    """

    def __init__(
        self,
        base: str,
        headers: dict[str, str],
        pause: Callable[[float], None] = time.sleep,
        *,
        elsewhere: bool = False,
    ) -> None:
        address = httpx.URL(base)
        if address.userinfo or address.scheme not in ("http", "https"):
            raise FetchError("the address of the server is https://HOST, without a name and a password in it")
        self.base = base.rstrip("/")
        if not all(v.isascii() and v.isprintable() for v in headers.values()):
            raise FetchError("the key or token holds characters that none has; set it again")
        self._elsewhere = elsewhere and not headers
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT, follow_redirects=self._elsewhere)
        self._pause = pause

    def json(self, path: str, **query: Any) -> Any:
        """The answer as JSON.

        Raises:
            FetchError: the server refuses, or does not answer whole after the last try.
        """
        content = self.content(path, **query)
        try:
            return json.loads(content)
        except ValueError as error:
            raise FetchError(f"{self._told(path)}: the answer is no JSON; check the address of the server") from error

    def content(self, path: str, **query: Any) -> bytes:
        """The bytes of the answer, all of them."""
        url = path if path.startswith(("http://", "https://")) else f"{self.base}/{path.lstrip('/')}"
        if not self._elsewhere and httpx.URL(url).host != httpx.URL(self.base).host:
            # the header holds a secret: it goes to the server that it is for
            raise FetchError(
                f"{self.base} leads to another host ({httpx.URL(url).host}); the download was not followed"
            )
        again = retry(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return bytes(again(self._once)(url, query))
        except _TransientError as error:
            raise FetchError(f"{self._told(url)}: {error}, {ATTEMPTS} times; try again later") from error

    def _once(self, url: str, query: dict[str, Any]) -> bytes:
        asked = {k: v for k, v in query.items() if v is not None}
        try:
            with self._client.stream("GET", url, params=asked or None) as response:
                if response.status_code in TRANSIENT:
                    raise _TransientError(f"it answers {response.status_code}", _retry_after(response))
                if response.status_code in (401, 403):
                    raise FetchError(
                        f"{self._told(url)}: it answers {response.status_code}; check the key or the token"
                    )
                if response.status_code != httpx.codes.OK:
                    raise FetchError(f"{self._told(url)}: it answers {response.status_code}; check what was asked for")
                # a body that ends before its length is an error of the protocol, which httpx raises
                return response.read()
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _TransientError(f"the connection fails ({type(error).__name__})") from error

    def _told(self, url: str) -> str:
        """An address without its query, which may hold more than a message should."""
        return str(httpx.URL(url if "://" in url else f"{self.base}/{url}").copy_with(query=None))


def _retry_after(response: httpx.Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return min(float(told), LONGEST_WAIT) if told.replace(".", "", 1).isdigit() else None


def _wait(state: RetryCallState) -> float:
    """As long as the server says, else 1, 2, 4, 8 seconds."""
    error = state.outcome.exception() if state.outcome else None
    told = error.wait if isinstance(error, _TransientError) else None
    return told if told is not None else min(2.0 ** (state.attempt_number - 1), LONGEST_WAIT)


def secret(name: str, what: str) -> str:
    """A secret of the environment.

    Raises:
        FetchError: it is not set.
    """
    told = os.environ.get(name, "").strip()
    if not told:
        raise FetchError(f"{name} is not set; put {what} into the environment, never into a file or a command")
    return told


def write_whole(folder: Path, name: str, content: bytes) -> Path:
    """A file for the owner's eyes, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.part"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    target = folder / name
    temporary.replace(target)
    return target
