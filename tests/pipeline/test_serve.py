"""Dagster's pages are no open door: another page, another name, a mutation by GET and a request without the token are refused."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import dtm

QUERY = {"query": "{ version }"}
START = {
    "query": "mutation { launchRun(executionParams: {selector: {repositoryLocationName: \"x\", repositoryName: \"x\", pipelineName: \"nightly_release\"}, runConfigData: {}}) { __typename } }"
}  # fmt: skip


class Door:
    """The running server, and a client that came in by the printed address."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.address = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.address, follow_redirects=True, timeout=30)

    def ask(self, **more: str) -> httpx.Response:
        return self.client.post("/graphql", json=QUERY, headers=more)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = tmp_path_factory.mktemp("served")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "dtm"),
        "serve",
        "--home",
        str(home),
        "--port",
        str(port),
        "--no-daemon",
    ]
    # as behind a proxy of a deployment
    env = {
        **os.environ,
        "DTM_SERVE_HOSTS": "dtm.example.org, other.example.org",
        "DTM_SERVE_TOKEN": "a-token-of-a-deployment",
    }
    server = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        assert server.stdout is not None
        token = next(m[1] for line in server.stdout if (m := re.search(r"\?token=(\S+)", line)))
        door = Door(port, token)
        for _ in range(100):
            try:
                httpx.get(door.address, timeout=5)
                break
            except httpx.TransportError:
                pass
        assert door.client.get(f"/?token={token}").status_code == 200
        yield door
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def test_who_came_by_the_printed_address_may_ask(door: Door) -> None:
    assert door.ask().json()["data"]["version"]
    assert door.ask(origin=door.address).status_code == 200
    cookie = next(iter(door.client.cookies.jar))
    assert (cookie.has_nonstandard_attr("HttpOnly"), cookie.get_nonstandard_attr("SameSite")) == (True, "strict")


def test_a_deployment_says_its_names_and_its_token(door: Door) -> None:
    assert door.token == "a-token-of-a-deployment"
    told = door.ask(host="dtm.example.org", origin="https://dtm.example.org")
    assert told.status_code == 200


def test_the_token_does_not_stay_in_the_address(door: Door) -> None:
    told = httpx.get(f"{door.address}/runs?token={door.token}&q=1", follow_redirects=False)
    assert (told.status_code, told.headers["location"]) == (303, "/runs?q=1")
    outside = httpx.get(f"{door.address}//evil.example/?token={door.token}", follow_redirects=False)
    assert outside.headers["location"].startswith("/evil.example"), "a path, and no other server"


def test_a_program_may_ask_with_the_token_as_bearer(door: Door) -> None:
    told = httpx.post(f"{door.address}/graphql", json=QUERY, headers={"authorization": f"Bearer {door.token}"})
    assert told.json()["data"]["version"]


@pytest.mark.parametrize("path", ["/", "/graphql", "/runs", "/assets", "/server_info"])
@pytest.mark.parametrize(
    "said", [{}, {"authorization": "Bearer wrong"}, {"cookie": "dtm_token=wrong"}, {"cookie": "dtm_token="}]
)
def test_a_request_without_the_token_is_refused(door: Door, path: str, said: dict[str, str]) -> None:
    told = httpx.post(f"{door.address}{path}", json=QUERY, headers=said)
    assert (told.status_code, told.text) == (
        403,
        "refused: open the address that `dtm serve` printed, with its token\n",
    )
    assert httpx.get(f"{door.address}{path}", headers={**said, "accept": "text/html"}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:1", "null", "http://127.0.0.1.evil.example"]
)
def test_a_page_of_another_origin_is_refused_though_it_has_the_cookie(door: Door, origin: str) -> None:
    told = door.client.post("/graphql", json=START, headers={"origin": origin})
    assert (told.status_code, told.text) == (403, "refused: another page asked\n")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1", ""])
def test_a_foreign_host_is_refused_though_it_has_the_cookie(door: Door, host: str) -> None:
    assert door.ask(host=host).status_code in (400, 421)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_mutation_by_anything_but_post_is_refused(door: Door, method: str) -> None:
    told = door.client.request(method, "/graphql", params=START, headers={"accept": "text/html"})
    assert told.status_code == 405


@pytest.mark.parametrize("said", [{}, {"Origin": "https://evil.example", "Cookie": "dtm_token={token}"}])
def test_a_websocket_without_token_or_from_another_page_is_refused(door: Door, said: dict[str, str]) -> None:
    lines = ["GET /graphql HTTP/1.1", f"Host: 127.0.0.1:{door.port}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: graphql-ws"]  # fmt: skip
    lines += [f"{k}: {v.format(token=door.token)}" for k, v in said.items()]
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as line:
        line.sendall(("\r\n".join([*lines, "", ""])).encode())
        assert b" 403 " in line.recv(200)


def test_a_port_that_is_taken_is_named(door: Door, tmp_path: Path) -> None:
    told = dtm("serve", "--home", tmp_path, "--port", door.port)
    assert (told.code, f"port {door.port} is taken" in told.err) == (2, True)
