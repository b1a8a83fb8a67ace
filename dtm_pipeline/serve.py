"""Dagster's pages behind a door: who does not know the token, or comes from another page or by another name, is refused.

Dagster's webserver asks nobody who they are: any page that a browser shows could start a run. Here its application stands
behind `Guard`. Method: docs/security.md.
"""

from __future__ import annotations

import hmac
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

DEFINITIONS = "dtm_pipeline.definitions"
COOKIE = "dtm_token"
READS = ("GET", "HEAD", "OPTIONS")
HOST_WRONG, FORBIDDEN, METHOD_WRONG = 421, 403, 405


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused."""

    status: int
    sentence: str


class Guard:
    """Lets through to an application what has the token, and is asked of the server by its own name from its own pages.

    Args:
        app: the application behind it.
        token: whoever has it may do all that the pages can.
        hosts: names (with port) by which the server may be asked.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refused(scope, headers)
        if refusal is None and not self._known(headers):
            entered = self._entering(scope)
            refusal = (
                Refusal(FORBIDDEN, "open the address that `dtm serve` printed, with its token")
                if entered is None
                else None
            )
            if entered is not None:
                await entered(scope, receive, send)
                return
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.sentence})
        else:
            await PlainTextResponse(f"refused: {refusal.sentence}\n", refusal.status)(scope, receive, send)

    def _refused(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Why a request is refused whoever sends it; None where it is not."""
        if headers.get("host", "").lower() not in self._hosts:
            return Refusal(HOST_WRONG, "this server is asked by its own name only; say others in DTM_SERVE_HOSTS")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() not in self._hosts:
            return Refusal(FORBIDDEN, "another page asked")
        if headers.get("sec-fetch-site") == "cross-site" and scope["type"] == "websocket":
            return Refusal(FORBIDDEN, "another page asked")
        asks = scope["type"] == "http" and scope["path"].rstrip("/").endswith("/graphql")
        if asks and scope["method"] != "POST" and not _is_page(scope, headers):
            return Refusal(METHOD_WRONG, "queries and mutations are sent by POST")
        return None

    def _known(self, headers: Headers) -> bool:
        """Whether a request has the token: as a cookie, or as a bearer."""
        cookies: SimpleCookie = SimpleCookie()
        cookies.load(headers.get("cookie", ""))
        told = [cookies[COOKIE].value] if COOKIE in cookies else []
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        told += [bearer.strip()] if scheme.lower() == "bearer" else []
        return any(hmac.compare_digest(t.encode(), self._token.encode()) for t in told)

    def _entering(self, scope: Scope) -> Response | None:
        """The answer to who opens the printed address: a cookie, and the same page without the token in its address."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"))
        told = [v for k, v in asked if k == "token"]
        if not told or not hmac.compare_digest(told[0].encode(), self._token.encode()):
            return None
        rest = urlencode([(k, v) for k, v in asked if k != "token"])
        # one slash at the beginning: two would lead to another server
        path = "/" + scope["path"].lstrip("/")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", path="/")
        return answer


def _is_page(scope: Scope, headers: Headers) -> bool:
    """Whether the page of GraphiQL is asked for, which a browser opens and which asks nothing by itself."""
    return scope["method"] == "GET" and not scope["query_string"] and "text/html" in headers.get("accept", "")


def serve(home: Path, port: int, tell: Callable[[str], None], with_daemon: bool = True) -> None:
    """Serve the pages of a home on loopback until stopped, with the daemon of its schedules beside it.

    Args:
        port: of 127.0.0.1.
        tell: is given the address with its token, when the pages are about to be served.
    """
    token = os.environ.get("DTM_SERVE_TOKEN") or secrets.token_urlsafe(32)
    own = {f"127.0.0.1:{port}", f"localhost:{port}"}
    others = {h.strip().lower() for h in os.environ.get("DTM_SERVE_HOSTS", "").split(",") if h.strip()}
    os.environ |= {"DTM_HOME": str(home.resolve()), "DAGSTER_HOME": str((home / "dagster").resolve())}
    daemon = _daemon() if with_daemon else None
    try:
        with (
            dg.DagsterInstance.get() as instance,
            WorkspaceProcessContext(instance, ModuleTarget(DEFINITIONS, None, None, None), dg.__version__) as workspace,
        ):
            app = Guard(create_app_from_workspace_process_context(workspace), token, frozenset(own | others))
            tell(f"http://127.0.0.1:{port}/?token={token}")
            uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    finally:
        if daemon is not None:
            daemon.terminate()
            daemon.wait(timeout=30)


def _daemon() -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(Path(sys.executable).parent / "dagster-daemon"), "run", "-m", DEFINITIONS])
