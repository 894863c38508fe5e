"""What every request passes: paths, ids, methods, bodies, time-outs, the access log."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.server import answers
from penstock.server.edge import Edge
from penstock.server.metrics import Metrics
from penstock.server.settings import ServerSettings

pytestmark = pytest.mark.anyio


@get("/things/{name:str}")
async def show_thing(request: http.AnyRequest) -> ASGIResponse:
    return http.json(
        {"name": http.segment(request, "name"), "url": http.address(request), "client": request.client}
    )


@post("/echo")
async def echo(request: http.AnyRequest) -> ASGIResponse:
    return http.json({"size": len(await request.body())})


@post("/stream")
async def stream(request: http.AnyRequest) -> ASGIResponse:
    size = 0
    async for chunk in http.stream(request):
        size += len(chunk)
    return http.json({"size": size})


@get("/slow")
async def slow() -> ASGIResponse:
    await asyncio.sleep(30)
    return http.empty()


@get("/fails")
async def fails() -> ASGIResponse:
    raise RuntimeError("a secret detail")


@get("/refuses")
async def refuses() -> ASGIResponse:
    raise errors.Throttled(7)


def build(**settings: Any) -> Edge:
    inner = Litestar(
        [show_thing, echo, stream, slow, fails, refuses],
        exception_handlers={Exception: answers.answer},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
        state=State(),
    )
    return Edge(inner, ServerSettings(**{"access_log": False, **settings}), Metrics())


def client_of(edge: Edge) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=edge, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://here")


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(build(body_limit=2000)) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/things/x", "/things/x/", "http://here//things///x//", "/%74hings/x"])
async def test_slashes_do_not_matter(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["name"]) == (200, "x")


async def test_an_encoded_slash_stays_in_its_segment(client: httpx2.AsyncClient) -> None:
    answer = (await client.get("/things/a%2Fb")).json()
    assert (answer["name"], answer["url"]) == ("a/b", "http://here/things/a%2Fb")


@pytest.mark.parametrize("path", ["/things/%ff", "/things/%00"])
async def test_a_path_that_is_not_text(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_REQUEST"


async def test_nothing_there(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    body = answer.json()
    assert body["detail"] == body["message"] == body["error"]
    assert body["code"] == "NOT_FOUND"
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_wrong_method(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/things/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


async def test_head_is_get_without_its_body(client: httpx2.AsyncClient) -> None:
    answer = await client.head("/things/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert (await client.head("/echo")).status_code == 405


async def test_options(client: httpx2.AsyncClient) -> None:
    answer = await client.options("/things/x")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_request_ids(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/things/x", headers={"X-Request-ID": "abc-1.2:3"})
    assert kept.headers["x-request-id"] == "abc-1.2:3"
    for harmful in ("a b", "x" * 129, "<script>"):
        replaced = await client.get("/things/x", headers={"X-Request-ID": harmful})
        assert replaced.headers["x-request-id"] not in ("", harmful)
    first, second = [(await client.get("/things/x")).headers["x-request-id"] for _ in range(2)]
    assert first != second


async def test_security_headers(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/things/x")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_no_detail_of_a_failure_leaves(
    client: httpx2.AsyncClient, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger keeps the stream it was bound to first, which may be another test's; this one is bound now.
    shown = [structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()]
    monkeypatch.setattr(
        answers, "_log", structlog.wrap_logger(structlog.WriteLogger(sys.stderr), processors=shown)
    )
    answer = await client.get("/fails", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == "find-me"
    logged = "".join(capfd.readouterr())
    assert "find-me" in logged
    assert "a secret detail" in logged


async def test_headers_of_an_error(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/refuses")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_bodies_within_the_limit(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/echo", content=b"x" * 2000)).json() == {"size": 2000}


async def _chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 500):
        yield b"x" * 500


@pytest.mark.parametrize("content", [b"x" * 2001, None])
async def test_bodies_beyond_the_limit(client: httpx2.AsyncClient, content: bytes | None) -> None:
    answer = await client.post("/echo", content=content or _chunks(5000))
    assert answer.status_code == 413
    assert "2,000 bytes" in answer.json()["detail"]


async def test_streamed_bodies_have_no_limit(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/stream", content=_chunks(5000))).json() == {"size": 5000}


async def test_a_request_that_takes_too_long() -> None:
    edge = build(request_timeout=0.2)
    await edge.start()
    async with client_of(edge) as client:
        answer = await client.get("/slow")
        assert answer.status_code == 504
        assert answer.json()["code"] == "GATEWAY_TIMEOUT"
        assert (await client.get("/things/x")).status_code == 200
    await edge.stop()


async def test_access_log(capfd: Any) -> None:
    edge = build(access_log=True)
    async with client_of(edge) as client:
        await client.get("/things/a%2Fb?key=hidden", headers={"X-Request-ID": "logged"})
    await edge.stop()
    line = json.loads(capfd.readouterr().err.strip().splitlines()[-1])
    assert line["event"] == "request"
    assert line["request_id"] == "logged"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/things/a%2Fb", 200)
    assert "hidden" not in json.dumps(line)


async def test_nobody_writes_lines_of_their_own_into_the_log(capfd: Any) -> None:
    edge = build(access_log=True, log_format="console")
    async with client_of(edge) as client:
        await client.get("/nothing%0A2026-01-01%20200%20forged%1B%5B31m")
    await edge.stop()
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert r"GET /nothing\n2026-01-01 200 forged\x1b[31m" in lines[0]


async def test_made_up_methods_are_counted_as_one() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.observe(f"METHOD{number}", "", 405, 0.001)
    text = metrics.render().decode()
    assert "METHOD" not in text
    assert 'penstock_request_duration_seconds_count{method="other",route="",status="405"} 100' in text


async def test_trusted_proxies() -> None:
    forwarded = {
        "X-Forwarded-For": "1.2.3.4, 203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "data.example",
    }
    async with client_of(build(trusted_proxies=("127.0.0.0/8",))) as client:
        seen = (await client.get("/things/x", headers=forwarded)).json()
    assert seen["url"] == "https://data.example/things/x"
    assert seen["client"][0] == "203.0.113.9"
    async with client_of(build(trusted_proxies=("10.0.0.1",))) as client:
        seen = (await client.get("/things/x", headers=forwarded)).json()
    assert seen["url"] == "http://here/things/x"
    assert seen["client"][0] == "127.0.0.1"


async def test_public_url_wins() -> None:
    async with client_of(build(public_url="https://public.example:8443")) as client:
        assert (await client.get("/things/x")).json()["url"] == "https://public.example:8443/things/x"


ORIGIN = "https://app.example"


async def test_cors_for_a_known_origin() -> None:
    async with client_of(build(cors_origins=(ORIGIN,))) as client:
        answer = await client.get("/things/x", headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]
        refused = await client.get("/nothing", headers={"Origin": ORIGIN})
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        stranger = await client.get("/things/x", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_cors_preflight() -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with client_of(build(cors_origins=(ORIGIN,))) as client:
        answer = await client.options("/things/x", headers=asked)
        assert answer.status_code == 204
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
        evil = await client.options("/things/x", headers={**asked, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers


async def test_cors_for_everybody_carries_no_credentials() -> None:
    async with client_of(build(cors_origins=("*",))) as client:
        answer = await client.get("/things/x", headers={"Origin": "https://any.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
