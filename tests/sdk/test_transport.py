"""Faults of the network and of servers, on real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from penstock_sdk import (
    AsyncClient,
    Client,
    ConnectionFailedError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    UnavailableError,
    UnexpectedAnswerError,
)
from tests.sdk.faulty_server import HANG_UP, Answer, FaultyServer, faulty_server

FAST = RetryPolicy(attempts=3, base=0.001, cap=0.002, longest_wait=2)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with faulty_server() as running:
        yield running


def client(server: FaultyServer, **arguments: Any) -> Client:
    return Client(server.url, key="k" * 32, **{"retries": FAST, **arguments})


def test_a_request_carries_key_agent_and_json(server: FaultyServer) -> None:
    with client(server) as c:
        c.request("POST", "/api/apps/", params=[("a", "1 2"), ("a", "ü")], body={"name": "x"})
    (request,) = server.received
    assert (request.method, request.path) == ("POST", "/api/apps/?a=1+2&a=%C3%BC")
    assert json.loads(request.body) == {"name": "x"}
    assert request.headers["authorization"] == "Key " + "k" * 32
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("penstock-sdk/")


@pytest.mark.parametrize("fault", [Answer(502), Answer(503), Answer(504), HANG_UP])
def test_a_read_is_repeated_after_a_passing_fault(server: FaultyServer, fault: Answer | None) -> None:
    server.answers[:] = [fault, fault, Answer(200, b'{"a":1}')]
    with client(server) as c:
        assert c.request("GET", "/x") == {"a": 1}
    assert len(server.received) == 3


@pytest.mark.parametrize("fault", [Answer(503), HANG_UP])
def test_a_write_without_a_key_is_not_repeated(server: FaultyServer, fault: Answer | None) -> None:
    server.answers[:] = [fault]
    with client(server) as c, pytest.raises((UnavailableError, ConnectionFailedError)):
        c.apps.create("x")
    assert len(server.received) == 1


def test_a_record_write_is_repeated_with_the_same_idempotency_key(server: FaultyServer) -> None:
    server.answers[:] = [HANG_UP, Answer(503), Answer(201, b'{"data":{"id":1}}')]
    with client(server) as c:
        assert c.app("a").table("t").records.create({"x": 1}) == {"id": 1}
    keys = {request.headers["idempotency-key"] for request in server.received}
    assert len(server.received) == 3
    assert len(keys) == 1


def test_every_request_has_its_own_idempotency_key(server: FaultyServer) -> None:
    with client(server) as c:
        c.app("a").table("t").records.bulk_create([{"x": n} for n in range(5)], chunk=2)
    assert len({request.headers["idempotency-key"] for request in server.received}) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_429_is_repeated_for_every_method_after_the_time_asked_for(server: FaultyServer, method: str) -> None:
    server.answers[:] = [Answer(429, b'{"detail":"Slow."}', {"Retry-After": "1"})]
    started = time.monotonic()
    with client(server) as c:
        assert c.request(method, "/x") == {}
    assert 1 <= time.monotonic() - started < 3
    assert len(server.received) == 2


def test_a_wait_that_is_too_long_is_the_caller_s_to_decide(server: FaultyServer) -> None:
    server.answers[:] = [Answer(429, b'{"detail":"Slow."}', {"Retry-After": "45"})]
    with client(server) as c, pytest.raises(RateLimitedError) as caught:
        c.request("GET", "/x")
    assert caught.value.retry_after == 45
    assert len(server.received) == 1


def test_retries_end(server: FaultyServer) -> None:
    server.answers[:] = [Answer(503, b'{"detail":"Down.","request_id":"r9"}')] * 9
    with client(server) as c, pytest.raises(UnavailableError) as caught:
        c.request("GET", "/x")
    assert len(server.received) == 4
    assert caught.value.request_id == "r9"


def test_500_is_not_repeated(server: FaultyServer) -> None:
    server.answers[:] = [Answer(500, b"boom", {"X-Request-Id": "r1"})]
    with client(server) as c, pytest.raises(ServerError) as caught:
        c.request("GET", "/x")
    assert caught.value.request_id == "r1"
    assert len(server.received) == 1


def test_a_page_of_a_proxy_is_not_quoted(server: FaultyServer) -> None:
    server.answers[:] = [Answer(404, b"<html>nginx</html>", {"Content-Type": "text/html"})]
    with client(server) as c, pytest.raises(NotFoundError, match="HTTP status 404"):
        c.request("GET", "/x")


def test_an_answer_that_is_not_the_api_s(server: FaultyServer) -> None:
    server.answers[:] = [
        Answer(200, b"<html>"),
        Answer(200, b'{"id":"x"}'),
        Answer(301, b"", {"Location": "https://b"}),
    ]
    with client(server) as c:
        with pytest.raises(UnexpectedAnswerError, match="Penstock server"):
            c.request("GET", "/x")
        with pytest.raises(UnexpectedAnswerError, match="shape"):
            c.apps.get("x")
        with pytest.raises(UnexpectedAnswerError, match="https://b"):
            c.request("GET", "/x")


def test_no_server_is_a_sentence() -> None:
    with faulty_server() as gone:
        pass
    with (
        client(gone) as c,
        pytest.raises(ConnectionFailedError, match="No server can be reached at http://127"),
    ):
        c.apps.create("x")


def test_a_time_out_is_a_sentence(server: FaultyServer) -> None:
    server.respond = lambda _request: (time.sleep(0.5), Answer())[1]
    with client(server, timeout=0.05, retries=0) as c, pytest.raises(RequestTimeoutError, match="in time"):
        c.request("GET", "/x")


def test_faults_of_a_bulk_are_counted_over_all_requests(server: FaultyServer) -> None:
    fault = b'{"detail":"One row is not valid.","rows":[{"index":1,"errors":{"x":["too big"]}}]}'
    server.answers[:] = [Answer(201), Answer(201), Answer(400, fault)]
    stored: list[int] = []
    with client(server) as c, pytest.raises(Exception, match="One row") as caught:
        c.app("a").table("t").records.bulk_create(
            ({"x": n} for n in range(100)), chunk=10, on_progress=lambda done: stored.append(done.rows)
        )
    assert stored == [10, 20]
    assert caught.value.rows[0].index == 21  # type: ignore[attr-defined]


def test_the_async_client_repeats_too(server: FaultyServer) -> None:
    server.answers[:] = [HANG_UP, Answer(503), Answer(200, b'{"a":1}')]

    async def run() -> Any:
        async with AsyncClient(server.url, key="k", retries=FAST) as c:
            return await c.request("GET", "/x")

    assert asyncio.run(run()) == {"a": 1}
    gc.collect()  # a connection left open would warn now
