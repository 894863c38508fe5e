"""Tokens that expire, are refused or rotate: a server that does so on order."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator

import pytest

from penstock_sdk import AsyncClient, Client, ConfigurationError, UnauthorizedError
from tests.sdk.faulty_server import Answer, FaultyServer, Received, faulty_server


class Issuer:
    """Gives tokens of a chosen lifetime and refuses those it was told to forget."""

    def __init__(self, lifetime: float = 900, clock_error: float = 0) -> None:
        self.lifetime = lifetime
        self.clock_error = clock_error
        self.valid: set[str] = set()
        self.refresh_valid = True
        self.log: list[str] = []
        self.bodies: list[dict[str, str]] = []

    def __call__(self, request: Received) -> Answer:
        self.log.append(request.path)
        if request.path.endswith("/refresh/") and not self.refresh_valid:
            return Answer(401, b'{"detail":"Token is invalid."}')
        if request.path.startswith("/api/auth/jwt/token/"):
            assert "authorization" not in request.headers
            self.bodies.append(json.loads(request.body))
            return Answer(200, json.dumps({"access": self.token(), "refresh": f"r{len(self.log)}"}).encode())
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.valid:
            return Answer(200, b'{"ok":true}')
        return Answer(401, b'{"detail":"No."}')

    def token(self) -> str:
        now = time.time() + self.clock_error
        claims = {"iat": now, "exp": now + self.lifetime, "n": len(self.log)}
        token = "h." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".s"
        self.valid.add(token)
        return token


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with faulty_server() as running:
        yield running


LOGIN, REFRESH = "/api/auth/jwt/token/", "/api/auth/jwt/token/refresh/"


def test_the_first_request_logs_in_and_later_ones_do_not(server: FaultyServer) -> None:
    server.respond = issuer = Issuer(clock_error=-86400)
    with Client(server.url, email="a@example.com", password="pw", org="acme") as client:
        client.request("GET", "/x")
        client.request("GET", "/x")
    assert issuer.log == [LOGIN, "/x", "/x"]
    assert issuer.bodies == [{"username": "a@example.com", "password": "pw", "org": "acme"}]


def test_a_token_is_renewed_before_it_expires(server: FaultyServer) -> None:
    server.respond = issuer = Issuer(lifetime=31.2)
    with Client(server.url, email="a", password="pw") as client:
        client.request("GET", "/x")
        time.sleep(1.3)
        client.request("GET", "/x")
    assert issuer.log == [LOGIN, "/x", REFRESH, "/x"]
    assert issuer.bodies[1] == {"refresh": "r1"}


def test_a_refused_token_is_renewed_once_and_the_request_repeated(server: FaultyServer) -> None:
    server.respond = issuer = Issuer()
    with Client(server.url, email="a", password="pw") as client:
        client.request("GET", "/x")
        issuer.valid.clear()
        assert client.request("GET", "/x") == {"ok": True}
    assert issuer.log == [LOGIN, "/x", "/x", REFRESH, "/x"]


def test_a_refused_refresh_token_means_logging_in_again(server: FaultyServer) -> None:
    server.respond = issuer = Issuer()
    with Client(server.url, email="a", password="pw") as client:
        client.request("GET", "/x")
        issuer.valid.clear()
        issuer.refresh_valid = False
        client.request("GET", "/x")
    assert issuer.log[2:] == ["/x", REFRESH, LOGIN, "/x"]


def test_a_bad_key_is_not_tried_twice(server: FaultyServer) -> None:
    server.respond = issuer = Issuer()
    with Client(server.url, key="bad") as client, pytest.raises(UnauthorizedError):
        client.request("GET", "/x")
    assert issuer.log == ["/x"]


def test_tasks_share_one_login(server: FaultyServer) -> None:
    server.respond = issuer = Issuer()

    async def run() -> None:
        async with AsyncClient(server.url, email="a", password="pw") as client:
            await asyncio.gather(*(client.request("GET", "/x") for _ in range(5)))
            issuer.valid.clear()
            await asyncio.gather(*(client.request("GET", "/x") for _ in range(5)))

    asyncio.run(run())
    assert issuer.log.count(LOGIN) == 1
    assert issuer.log.count(REFRESH) == 1


def test_a_key_may_be_any_text(server: FaultyServer) -> None:
    key = "ключ-" * 8
    with Client(server.url, key=key + "\n") as client:
        client.request("GET", "/x")
    assert server.received[0].headers["authorization"].encode("latin-1").decode() == f"Key {key}"


def test_a_key_with_a_line_break_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("http://localhost:1", key="secret\nX-Other: 1")
    assert "secret" not in str(caught.value)
