"""What the clients of live systems share: retries on the network only, whole files or none, no secret in a message."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_attempt

ATTEMPTS = 5
LONGEST_WAIT = 60.0
TRANSIENT = (429, 500, 502, 503, 504)
TIMEOUT = httpx.Timeout(60.0, connect=15.0)


LOOPBACK = ("127.0.0.1", "::1", "localhost")
MB = 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True)
class FetchLimits:
    """What a download may take, and whether it may come without TLS.

    Attributes:
        mb: megabytes of one answer, as it is after decompression.
        seconds: of the whole download, with all pages and waits.
        pages: of one list.
        insecure: plain HTTP is followed to other addresses than loopback.
    """

    mb: int = 2048
    seconds: float = 3600.0
    pages: int = 20_000
    insecure: bool = False


NO_LIMITS_SAID = FetchLimits()
"""What holds where nobody says otherwise."""


def check_address(url: str, limits: FetchLimits) -> None:
    """An address is HTTPS, without a name and a password in it; plain HTTP on this machine only, or where that was said.

    Raises:
        FetchError: it is another.
    """
    address = httpx.URL(url)
    if address.userinfo or address.scheme not in ("http", "https"):
        raise FetchError("the address of the server is https://HOST, without a name and a password in it; check it")
    if address.scheme == "http" and address.host not in LOOPBACK and not limits.insecure:
        raise FetchError(
            f"http://{address.host}: is not encrypted: who listens reads the answer, and the key with it; set https:// in the address, or say --insecure"
        )


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a secret is for."""
    address = httpx.URL(url)
    return address.scheme, address.host, address.port or {"http": 80}.get(address.scheme, 443)


class FetchError(Exception):
    """A download that did not come to its end; nothing was written. The sentence holds no secret and no answer."""


class _TransientError(Exception):
    """Worth another try: the network, or a server that is busy."""

    def __init__(self, told: str, wait: float | None = None) -> None:
        super().__init__(told)
        self.wait = wait


GRACE = 5.0
"""Seconds that a download is given beyond its bound to say itself why it ends (ours)."""
Made = TypeVar("Made")


def in_time(limits: FetchLimits, download: Callable[[], Made]) -> Made:
    """What a download comes to, or its end when the time is over, whatever the server does: an answer may never begin.

    Raises:
        FetchError: it took too long.
    """
    told: list[Made] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            told.append(download())
        except BaseException as error:  # whatever it is, it is raised where it was asked for
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limits.seconds + GRACE)
    if failed:
        raise failed[0]
    if not told:
        raise FetchError(f"the download took more than {limits.seconds:g} s (DTM_FETCH_SECONDS); nothing was written")
    return told[0]


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
        limits: FetchLimits = FetchLimits(),
    ) -> None:
        check_address(base, limits)
        self._limits, self._ends = limits, time.monotonic() + limits.seconds
        self._begun: dict[str, tuple[str, bytearray]] = {}
        self.base = base.rstrip("/")
        if not all(v.isascii() and v.isprintable() for v in headers.values()):
            raise FetchError("the key or token holds characters that none has; set it again")
        self._elsewhere = elsewhere and not headers
        # every address that is led to is asked before anything is sent to it
        hooks = {"request": [lambda request: check_address(str(request.url), limits)]}
        self._client = httpx.Client(
            headers=headers, timeout=TIMEOUT, follow_redirects=self._elsewhere, max_redirects=5, event_hooks=hooks
        )
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
        if not self._elsewhere and origin(url) != origin(self.base):
            # the header holds a secret: it goes to the server that it is for
            scheme, host, port = origin(url)
            raise FetchError(
                f"{self.base} leads to another host ({scheme}://{host}:{port}); the download was not followed"
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
        begun = self._begun.get(url) if not asked else None
        # what came before the connection broke is kept, if the server says that it is still the same file
        more = {"Range": f"bytes={len(begun[1])}-", "If-Range": begun[0]} if begun else {}
        self._in_time()
        try:
            with self._client.stream("GET", url, params=asked or None, headers=more) as response:
                if response.status_code in TRANSIENT:
                    raise _TransientError(f"it answers {response.status_code}", _retry_after(response))
                if response.is_redirect:
                    to = response.next_request.url.host if response.next_request else "?"
                    raise FetchError(
                        f"{self._told(url)}: it leads to {to}, where the key is not sent; check the address of the server"
                    )
                if response.status_code in (401, 403):
                    raise FetchError(
                        f"{self._told(url)}: it answers {response.status_code}; check the key or the token"
                    )
                goes_on = begun is not None and response.status_code == httpx.codes.PARTIAL_CONTENT
                if response.status_code != httpx.codes.OK and not goes_on:
                    raise FetchError(f"{self._told(url)}: it answers {response.status_code}; check what was asked for")
                body = begun[1] if begun and goes_on else bytearray()
                tag = response.headers.get("etag", "")
                if tag and not tag.startswith("W/") and not asked and "content-encoding" not in response.headers:
                    self._begun[url] = (tag, body)
                # a body that ends before its length is an error of the protocol, which httpx raises
                for chunk in response.iter_bytes(CHUNK):
                    body += chunk
                    self._in_bounds(url, len(body))
                self._begun.pop(url, None)
                return bytes(body)
        except httpx.TooManyRedirects as error:
            raise FetchError(f"{self._told(url)}: it leads on and on; check the address of the server") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _TransientError(f"the connection fails ({type(error).__name__})") from error

    def _in_time(self) -> None:
        if time.monotonic() > self._ends:
            raise FetchError(
                f"{self.base}: the download took more than {self._limits.seconds:g} s (DTM_FETCH_SECONDS); nothing was written"
            )

    def _in_bounds(self, url: str, size: int) -> None:
        self._in_time()
        if size > self._limits.mb * MB:
            raise FetchError(
                f"{self._told(url)}: the answer is larger than {self._limits.mb:,} MB (DTM_FETCH_MB); nothing was written"
            )

    def pages(self, number: int) -> None:
        """Say which page is asked for.

        Raises:
            FetchError: it is one more than a list may have.
        """
        if number > self._limits.pages:
            raise FetchError(f"{self.base}: the list has more than {self._limits.pages:,} pages; nothing was written")

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
