"""Live systems against local servers that speak their protocols: whole answers or nothing, retries on the network only."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sources.live.dtm_api import fetch_dtm_api
from sources.live.hdx import fetch_boundaries
from sources.live.kobo import fetch_kobo
from sources.live.odk_central import fetch_odk
from sources.live.transfer import ATTEMPTS, FetchError, FetchLimits, Server, in_time
from tests.conftest import dtm

SECRET = "do-not-tell-7781"
Answer = tuple[int, Any]


@dataclass
class Stage:
    """What a local server answers, by path, and what it was asked."""

    routes: dict[str, Callable[[dict[str, list[str]], dict[str, str]], Answer]]
    asked: list[str] = field(default_factory=list)
    trouble: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    """Troubles that befall the next requests, one each."""
    base: str = ""


def send(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    """A whole answer: bytes as they are, else JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(stage: Stage) -> Iterator[Stage]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            stage.asked.append(self.path)
            if stage.trouble:
                stage.trouble.pop(0)(self)
                return
            if url.path not in stage.routes:
                self.send_error(404)
                return
            send(self, *stage.routes[url.path](parse_qs(url.query), dict(self.headers)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stage.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, wait: str | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        if wait is not None:
            handler.send_header("Retry-After", wait)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def cut(handler: BaseHTTPRequestHandler) -> None:
    """A body that ends before its length."""
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"result": [')
    handler.wfile.flush()
    handler.connection.close()


def slow(handler: BaseHTTPRequestHandler) -> None:
    """A body that comes a byte at a time."""
    body = json.dumps(envelope([])).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.001)


def envelope(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    told = {"result": rows, "statusCode": 200, "isSuccess": True, "errorMessages": [], "totalRecordsCount": len(rows)}
    return told | more


def dtm_stage(answer: dict[str, Any] | None = None) -> Stage:
    row = {"operation": "Haiti", "admin0Pcode": "HTI", "numPresentIdpInd": 5, "reportingDate": "2024-01-31T00:00:00", "assessmentType": "BA"}  # fmt: skip

    def guarded(told: dict[str, Any]) -> Callable[[dict[str, list[str]], dict[str, str]], Answer]:
        def route(query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
            return (200, told) if headers.get("Ocp-Apim-Subscription-Key") == SECRET else (401, {})

        return route

    return Stage(
        {
            "/displacement/country-list": guarded(envelope([{"admin0Name": "Haiti", "admin0Pcode": "HTI"}])),
            "/displacement/operation-list": guarded(envelope([{"operation": "Haiti", "admin0Pcode": "HTI"}])),
            **{f"/displacement/admin{n}": guarded(answer or envelope([row])) for n in (0, 1, 2)},
        }
    )


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DTM_API_KEY", "DTM_KOBO_TOKEN", "DTM_ODK_PASSWORD"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("DTM_ODK_EMAIL", "someone@example.org")


def test_each_level_of_a_country_becomes_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    with serving(dtm_stage()) as stage:
        files = fetch_dtm_api("HTI", (0, 1, 2), tmp_path, "Haiti", stage.base)
    assert [f.name for f in files] == [f"dtm_api_v3_hti_haiti_admin{n}.json" for n in (0, 1, 2)]
    assert {oct(f.stat().st_mode & 0o777) for f in files} == {"0o600"}
    assert json.loads(files[2].read_text())["result"][0]["numPresentIdpInd"] == 5


@pytest.mark.parametrize("trouble", [[status(429, "0")], [status(500), status(503)], [cut], [cut, status(502)]])
def test_a_busy_server_or_a_broken_connection_is_asked_again(
    tmp_path: Path, trouble: list[Callable[[BaseHTTPRequestHandler], None]]
) -> None:
    waits: list[float] = []
    with serving(dtm_stage()) as stage:
        stage.trouble = list(trouble)
        assert len(fetch_dtm_api("HTI", (2,), tmp_path, None, stage.base, waits.append)) == 1
    assert len(waits) == len(trouble)


def test_a_slow_body_is_waited_for(tmp_path: Path) -> None:
    with serving(dtm_stage()) as stage:
        server = Server(stage.base, {"Ocp-Apim-Subscription-Key": SECRET})
        stage.trouble = [slow]
        assert server.json("displacement/admin0")["isSuccess"] is True


def test_a_server_that_says_how_long_to_wait_is_believed(tmp_path: Path) -> None:
    waits: list[float] = []
    with serving(dtm_stage()) as stage:
        stage.trouble = [status(429, "7"), status(500)]
        fetch_dtm_api("HTI", (0,), tmp_path, None, stage.base, waits.append)
    assert waits == [7.0, 2.0]


@pytest.mark.parametrize("trouble", [status(500), cut])
def test_after_the_last_try_nothing_is_written(
    tmp_path: Path, trouble: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with serving(dtm_stage()) as stage:
        stage.trouble = [trouble] * ATTEMPTS
        with pytest.raises(FetchError, match=f"{ATTEMPTS} times; try again later"):
            fetch_dtm_api("HTI", (0,), tmp_path, None, stage.base, lambda _: None)
        assert len(stage.asked) == ATTEMPTS
    assert list(tmp_path.iterdir()) == []


def test_a_level_that_fails_leaves_no_other_level_behind(tmp_path: Path) -> None:
    with serving(dtm_stage()) as stage:
        stage.routes["/displacement/admin2"] = lambda *_: (200, envelope([], isSuccess=False, errorMessages=["quota"]))
        with pytest.raises(FetchError, match="the API says that it failed \\(quota\\)"):
            fetch_dtm_api("HTI", (0, 1, 2), tmp_path, None, stage.base)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_lacks_records_is_no_answer(tmp_path: Path) -> None:
    with (
        serving(dtm_stage(envelope([{"a": 1}], totalRecordsCount=900))) as stage,
        pytest.raises(FetchError, match="1 of 900 records came; nothing was written"),
    ):
        fetch_dtm_api("HTI", (2,), tmp_path, None, stage.base)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_a_refusal_is_not_asked_again(tmp_path: Path, code: int) -> None:
    with serving(dtm_stage()) as stage:
        stage.trouble = [status(code)]
        with pytest.raises(FetchError, match=f"it answers {code}") as told:
            fetch_dtm_api("HTI", (0,), tmp_path, None, stage.base)
        assert len(stage.asked) == 1
    assert SECRET not in str(told.value)


def test_a_country_or_operation_that_is_not_listed_is_named_with_those_that_are(tmp_path: Path) -> None:
    with serving(dtm_stage()) as stage:
        with pytest.raises(FetchError, match="lists no country 'IRQ'; it lists HTI"):
            fetch_dtm_api("IRQ", (0,), tmp_path, None, stage.base)
        with pytest.raises(FetchError, match="lists no operation 'Haity' of HTI; it lists Haiti"):
            fetch_dtm_api("HTI", (0,), tmp_path, "Haity", stage.base)


def test_a_secret_that_is_not_set_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DTM_API_KEY")
    told = dtm("fetch", "dtm-api", "--country", "HTI", "--out", tmp_path, "--url", "http://127.0.0.1:9")
    assert (told.code, "DTM_API_KEY is not set" in told.err) == (5, True)


def kobo_stage(total: int, page: int = 100, grows: int = 0, elsewhere: str | None = None) -> Stage:
    """An asset of `total` submissions in pages that are smaller than was asked; one more comes in while it is read."""
    stage = Stage({})
    state = {"total": total, "grows": grows}

    def data(query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        assert headers["Authorization"] == f"Token {SECRET}"
        start = int(query.get("start", ["0"])[0])
        rows = [{"_id": i, "_uuid": f"u{i}", "q": "x"} for i in range(start, min(start + page, state["total"]))]
        following = start + page
        if state["grows"] and start:
            state["grows"] -= 1
            state["total"] += 1
        told = f"{elsewhere or stage.base}/api/v2/assets/aX/data.json?start={following}&limit={page}"
        return 200, {"count": state["total"], "next": told if following < state["total"] else None, "results": rows}

    stage.routes = {"/api/v2/assets/aX/data.json": data, "/api/v2/assets/aX.xls": lambda *_: (200, b"PK form")}
    return stage


@pytest.mark.parametrize("total", [1, 100, 101, 1234])
def test_every_page_of_an_asset_is_followed_to_the_servers_own_count(tmp_path: Path, total: int) -> None:
    with serving(kobo_stage(total)) as stage:
        files = fetch_kobo("aX", tmp_path, stage.base)
    assert [f.name for f in files] == ["kobo_aX_form.xlsx", "kobo_aX.json"]
    told = json.loads(files[1].read_text())
    assert len({r["_id"] for r in told["results"]}) == told["count"] == total


def test_submissions_that_come_in_while_pages_are_read_are_not_lost(tmp_path: Path) -> None:
    with serving(kobo_stage(250, grows=1)) as stage:
        files = fetch_kobo("aX", tmp_path, stage.base)
    assert json.loads(files[1].read_text())["count"] == 251


def test_pages_that_stop_short_of_the_count_are_no_download(tmp_path: Path) -> None:
    stage = kobo_stage(250)
    whole = stage.routes["/api/v2/assets/aX/data.json"]

    def short(query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        code, told = whole(query, headers)
        return code, told | {"next": None}

    stage.routes["/api/v2/assets/aX/data.json"] = short
    with serving(stage), pytest.raises(FetchError, match="100 of 250 submissions came; nothing was written"):
        fetch_kobo("aX", tmp_path, stage.base)
    assert list(tmp_path.iterdir()) == []


def test_the_token_is_never_sent_to_another_host(tmp_path: Path) -> None:
    with serving(kobo_stage(250, elsewhere="http://localhost.invalid")) as stage:
        with pytest.raises(FetchError, match="leads to another host"):
            fetch_kobo("aX", tmp_path, stage.base)
        assert len(stage.asked) == 1


def odk_stage(total: int, page: int = 1000, lost: int = 0) -> Stage:
    def table(query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        assert headers["Authorization"] == "Bearer t"
        rows: list[dict[str, Any]] = [{"__id": f"uuid:{i}", "__system": {"submissionDate": f"2024-0{1 + i % 2}-15T10:00:00Z"}, "hh": {"size": i}, "member": [{"age": 3}]} for i in range(total)]  # fmt: skip
        if "$filter" in query:
            rows = [r for r in rows if str(r["__system"]["submissionDate"])[:10] >= query["$filter"][0].split()[2][:10]]
        skip = int(query.get("$skip", ["0"])[0])
        return 200, {"@odata.count": len(rows), "value": rows[: len(rows) - lost][skip : skip + page]}

    return Stage(
        {
            "/v1/sessions": lambda *_: (200, {"token": "t"}),
            "/v1/projects/7/forms/hh/submissions": table,
            "/v1/projects/7/forms/hh.svc/Submissions": table,
            "/v1/projects/7/forms/hh.xlsx": lambda *_: (200, b"PK form"),
        }
    )


@pytest.mark.parametrize("total", [1, 1000, 2300])
def test_every_submission_of_odk_central_comes_with_its_repeats(tmp_path: Path, total: int) -> None:
    with serving(odk_stage(total)) as stage:
        files = fetch_odk("hh", 7, tmp_path, stage.base)
    told = json.loads(files[-1].read_text())["value"]
    assert (len(told), told[0]["member"]) == (total, [{"age": 3}])
    assert [f.name for f in files] == ["odk_hh_form.xlsx", "odk_hh.json"]


def test_only_submissions_changed_since_a_day_are_asked_for(tmp_path: Path) -> None:
    with serving(odk_stage(10)) as stage:
        told = dtm("fetch", "odk", "--form", "hh", "--project", 7, "--url", stage.base, "--since", "2024-02-01", "--out", tmp_path)  # fmt: skip
    assert told.code == 0, told.err
    file = tmp_path / "odk_hh_since_2024-02-01.json"
    assert len(json.loads(file.read_text())["value"]) == 5
    assert str(file) in told.out


def test_fewer_submissions_than_odk_central_counts_are_no_download(tmp_path: Path) -> None:
    with serving(odk_stage(10, lost=3)) as stage, pytest.raises(FetchError, match="7 of 10 submissions came"):
        fetch_odk("hh", 7, tmp_path, stage.base)
    assert list(tmp_path.iterdir()) == []


def test_a_login_that_fails_tells_neither_password_nor_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(odk_stage(1)) as stage:
        stage.routes["/v1/sessions"] = lambda *_: (401, {"message": f"wrong password {SECRET}"})
        with pytest.raises(FetchError, match="check address, account, project and form") as told:
            fetch_odk("hh", 7, tmp_path, stage.base)
    assert SECRET not in str(told.value) + "".join(capsys.readouterr())


def boundary_zip(folder: Path) -> bytes:
    """A GeoPackage of two levels in an archive, as HDX gives them."""
    import zipfile

    import geopandas as gpd
    from shapely.geometry import box

    file = folder / "irq.gpkg"
    area = box(43, 33, 45, 34)
    gpd.GeoDataFrame({"adm1_pcode": ["IQG01"], "valid_on": "2024-01-01"}, geometry=[area], crs="EPSG:4326").to_file(
        file, layer="adm1"
    )
    gpd.GeoDataFrame({"adm2_pcode": ["IQG01Q01"], "adm1_pcode": ["IQG01"]}, geometry=[area], crs="EPSG:4326").to_file(
        file, layer="adm2"
    )
    with zipfile.ZipFile(folder / "irq.zip", "w") as archive:
        archive.write(file, "irq.gpkg")
    return (folder / "irq.zip").read_bytes()


def hdx(content: bytes, size: int | None = None, kind: str = "GeoPackage") -> Stage:
    stage = Stage({})

    def package(query: dict[str, list[str]], _: dict[str, str]) -> Answer:
        assert query["id"] == ["cod-ab-irq"]
        files = [
            {"format": "XLSX", "download_url": f"{stage.base}/table.xlsx"},
            {
                "format": kind,
                "download_url": f"{stage.base}/irq.zip",
                "size": size,
                "last_modified": "2024-05-06T01:02:03",
            },
        ]
        return 200, {"success": True, "result": {"resources": files}}

    stage.routes |= {"/api/3/action/package_show": package, "/irq.zip": lambda *_: (200, content)}
    return stage


def test_the_official_edition_is_fetched_imported_and_indexed(tmp_path: Path) -> None:
    content = boundary_zip(tmp_path)
    with serving(hdx(content, len(content))) as stage:
        told = dtm("boundaries", "fetch", "irq", "--url", stage.base, "--home", tmp_path / "home")
    assert told.code == 0, told.err
    assert "IRQ cod-ab-2024-05-06: 1 units of level 2" in told.out
    editions = dtm("boundaries", "list", "--json", "--home", tmp_path / "home").json()
    assert [(e["admin_level"], e["valid_on"]) for e in editions] == [(1, "2024-01-01"), (2, None)]
    assert list((tmp_path / "home" / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "size", "kind", "says"),
    [
        (b"PK and not whole", 400, "SHP", "16 of 400 bytes came"),
        (b"<html>gone</html>", None, "SHP", "is no boundary file"),
        (b"PK", None, "PDF", "none of geodatabase, geopackage, geojson, shp"),
        (b"PK", None, "", "has files of XLSX, no stated format and none of"),
    ],
)
def test_an_edition_that_does_not_come_whole_is_nowhere(
    tmp_path: Path, content: bytes, size: int | None, kind: str, says: str
) -> None:
    with serving(hdx(content, size, kind)) as stage:
        told = dtm("boundaries", "fetch", "IRQ", "--url", stage.base, "--home", tmp_path / "home")
    assert (told.code, says in told.err) == (5, True), told.err
    assert not list((tmp_path / "home" / "boundaries").iterdir())


def test_every_file_of_the_format_is_taken_where_each_level_has_its_own(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely.geometry import box

    area = [box(43, 33, 45, 34)]
    gpd.GeoDataFrame({"adm1_pcode": ["IQG01"]}, geometry=area, crs="EPSG:4326").to_file(tmp_path / "1.geojson")
    second = gpd.GeoDataFrame({"adm2_pcode": ["IQG01Q01"], "adm1_pcode": ["IQG01"]}, geometry=area, crs="EPSG:4326")
    second.to_file(tmp_path / "2.geojson")
    stage = Stage({f"/{n}": lambda *_, n=n: (200, (tmp_path / f"{n}.geojson").read_bytes()) for n in (1, 2)})
    with serving(stage) as stage:
        files = [
            {"format": "GeoJSON", "download_url": f"{stage.base}/{n}", "last_modified": "2024-01-02"} for n in (1, 2)
        ]
        stage.routes["/api/3/action/package_show"] = lambda *_: (200, {"result": {"resources": files}})
        told = dtm("boundaries", "fetch", "IRQ", "--url", stage.base, "--home", tmp_path / "home")
    assert told.code == 0, told.err
    editions = dtm("boundaries", "list", "--json", "--home", tmp_path / "home").json()
    assert [(e["edition"], e["admin_level"]) for e in editions] == [("cod-ab-2024-01-02", 1), ("cod-ab-2024-01-02", 2)]


def test_a_country_without_an_official_edition_is_told(tmp_path: Path) -> None:
    with serving(Stage({})) as stage:
        told = dtm("boundaries", "fetch", "IRQ", "--url", stage.base, "--home", tmp_path / "home")
    assert (told.code, "404" in told.err) == (5, True), told.err


def redirect(to: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """A body without an end."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(b" " * 65536)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A body that comes a byte at a time, for ever."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    """An answer that never gets to its body."""
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.05)


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """20 kB that unpack to 20 MB."""
    body = gzip.compress(b" " * 20_000_000)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with suppress(OSError):
        handler.wfile.write(body)


SMALL = FetchLimits(mb=1, seconds=1.0)


@pytest.mark.parametrize("trouble", [endless, dripping, dripping_headers, bomb])
def test_a_hostile_answer_ends_in_time_and_memory_with_its_bound(
    tmp_path: Path, trouble: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with serving(dtm_stage()) as stage:
        stage.trouble = [trouble] * 9
        started = time.monotonic()
        with pytest.raises(
            FetchError, match=r"larger than 1 MB \(DTM_FETCH_MB\)|took more than 1 s \(DTM_FETCH_SECONDS\)"
        ):
            in_time(SMALL, lambda: fetch_dtm_api("HTI", (0,), tmp_path, None, stage.base, limits=SMALL))
        assert time.monotonic() - started < 15
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trouble", [endless, dripping, bomb])
def test_a_hostile_odk_central_ends_in_time_and_memory(
    tmp_path: Path, trouble: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with serving(odk_stage(1)) as stage:
        stage.trouble = [trouble] * 9
        with pytest.raises(FetchError, match="DTM_FETCH_"):
            in_time(SMALL, lambda: fetch_odk("hh", 7, tmp_path, stage.base, limits=SMALL))
    assert list(tmp_path.iterdir()) == []


def test_no_secret_follows_a_redirect_to_another_port_of_the_same_host(tmp_path: Path) -> None:
    with serving(Stage({})) as thief, serving(dtm_stage()) as stage:
        stage.trouble = [redirect(f"{thief.base}/displacement/country-list")]
        with pytest.raises(FetchError, match=r"it leads to 127\.0\.0\.1, where the key is not sent"):
            fetch_dtm_api("HTI", (0,), tmp_path, None, stage.base)
        assert thief.asked == []


@pytest.mark.parametrize("asked_before", [0, 1], ids=["login", "data"])
def test_neither_password_nor_token_of_odk_central_follows_a_redirect(tmp_path: Path, asked_before: int) -> None:
    with serving(Stage({})) as thief, serving(odk_stage(1)) as stage:
        login = stage.routes["/v1/sessions"]

        def passes(handler: BaseHTTPRequestHandler) -> None:
            send(handler, *login({}, {}))

        stage.trouble = [*[passes] * asked_before, *[redirect(f"{thief.base}/v1/elsewhere")] * 9]
        with pytest.raises(FetchError):
            fetch_odk("hh", 7, tmp_path, stage.base)
        assert len(stage.asked) > asked_before
        assert thief.asked == []


def test_a_page_on_another_port_is_another_server(tmp_path: Path) -> None:
    with serving(Stage({})) as thief, serving(kobo_stage(250, elsewhere=thief.base)) as stage:
        with pytest.raises(FetchError, match="leads to another host"):
            fetch_kobo("aX", tmp_path, stage.base)
        assert thief.asked == []


@pytest.mark.parametrize(
    "fetch",
    [
        lambda folder, limits: fetch_dtm_api("HTI", (0,), folder, None, "http://dtm.example.org", limits=limits),
        lambda folder, limits: fetch_kobo("aX", folder, "http://kobo.example.org", limits=limits),
        lambda folder, limits: fetch_odk("hh", 7, folder, "http://odk.example.org", limits=limits),
        lambda folder, limits: fetch_boundaries("IRQ", folder, "http://hdx.example.org", limits=limits),
    ],
)  # fmt: skip
def test_plain_http_is_for_this_machine_only_unless_said(
    tmp_path: Path, fetch: Callable[[Path, FetchLimits], object]
) -> None:
    with pytest.raises(FetchError, match=r"is not encrypted: .* or say --insecure"):
        fetch(tmp_path, FetchLimits())


def test_public_files_are_not_followed_to_plain_http_elsewhere(tmp_path: Path) -> None:
    with serving(Stage({"/api/3/action/package_show": lambda *_: (200, {})})) as stage:
        stage.trouble = [redirect("http://files.example.org/x")]
        with pytest.raises(FetchError, match="is not encrypted"):
            fetch_boundaries("IRQ", tmp_path, stage.base)


def test_a_list_has_so_many_pages_and_no_more(tmp_path: Path) -> None:
    with serving(kobo_stage(1000)) as stage, pytest.raises(FetchError, match="more than 5 pages"):
        fetch_kobo("aX", tmp_path, stage.base, limits=FetchLimits(pages=5))


@pytest.mark.parametrize("same", [True, False])
def test_a_download_that_broke_goes_on_where_it_was_if_it_is_the_same_file(same: bool) -> None:
    whole = bytes(range(256)) * 400
    with serving(Stage({})) as stage:
        seen: list[str | None] = []

        def breaks(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("ETag", '"one"')
            handler.send_header("Content-Length", str(len(whole)))
            handler.end_headers()
            handler.wfile.write(whole[:50_000])
            handler.wfile.flush()
            handler.connection.close()

        def goes_on(handler: BaseHTTPRequestHandler) -> None:
            seen.append(handler.headers["Range"])
            start = int(str(handler.headers["Range"]).removeprefix("bytes=").rstrip("-")) if same else 0
            handler.send_response(206 if same else 200)
            handler.send_header("ETag", '"one"' if same else '"two"')
            handler.send_header("Content-Length", str(len(whole) - start))
            handler.end_headers()
            handler.wfile.write(whole[start:])

        stage.trouble = [breaks, goes_on]
        assert Server(stage.base, {}, lambda _: None).content("file.zip") == whole
    assert seen[0] is not None
