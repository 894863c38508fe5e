"""Trying credentials on real servers, and on what is none."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from penstock.connectors import service
from penstock.kit.context import Context
from penstock.kit.outbound import OutboundSettings
from tests.conftest import free_port
from tests.connectors.conftest import postgres, relay
from tests.databases import TestDatabase

pytestmark = pytest.mark.anyio
URL = "/api/credentials"


async def check(owner: httpx2.AsyncClient, body: dict[str, Any]) -> tuple[bool, str]:
    """Stores it, tries it, and takes it away again."""
    made = (await owner.post(URL, json=body)).json()
    answer = await owner.post(f"{URL}/{made['id']}/check")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    kept = (await owner.get(f"{URL}/{made['id']}")).json()
    assert (kept["check_ok"], kept["check_detail"]) == (found["ok"], found["detail"]) and kept["checked_at"]
    await owner.delete(f"{URL}/{made['id']}")
    return found["ok"], found["detail"]


async def test_a_postgresql(owner: httpx2.AsyncClient, database: TestDatabase) -> None:
    async with relay(database) as port:
        ok, detail = await check(owner, postgres(database, port))
        assert ok and detail.startswith("PostgreSQL 1") and database.logins.data.user in detail
        wrong = postgres(database, port, secrets={"password": "not that one"})
        ok, detail = await check(owner, wrong)
        assert not ok and "refuses the user" in detail and "not that one" not in detail
        ok, detail = await check(owner, postgres(database, port, settings={"database": "nowhere"}))
        assert not ok and "nowhere" in detail
        ok, detail = await check(owner, postgres(database, port, settings={"sslmode": "verify-full"}))
        assert not ok, "the server of the tests has no TLS"


async def test_nobody_there(owner: httpx2.AsyncClient, database: TestDatabase) -> None:
    ok, detail = await check(owner, postgres(database, free_port()))
    assert not ok and detail.startswith("Nothing answers at 127.0.0.1:")
    ok, detail = await check(owner, postgres(database, 5432, settings={"host": "no-such-host.invalid"}))
    assert not ok and "cannot be resolved" in detail


async def test_something_else_is_there(owner: httpx2.AsyncClient, database: TestDatabase) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + sent)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ok, detail = await check(owner, postgres(database, port, settings={"sslmode": "disable"}))
    assert not ok and database.logins.data.password not in detail


async def test_a_mongodb(owner: httpx2.AsyncClient, mongod: int) -> None:
    body: dict[str, Any] = {
        "name": "M",
        "kind": "mongodb",
        "settings": {"host": "localhost", "port": mongod, "database": "shop", "user": "app"},
        "secrets": {"password": "s3cret"},
    }
    ok, detail = await check(owner, body)
    assert ok and detail.startswith("MongoDB ") and "'app'" in detail
    ok, detail = await check(owner, {**body, "secrets": {"password": "wrong one"}})
    assert not ok and "refuses the user" in detail
    ok, detail = await check(owner, {**body, "secrets": {}})
    assert not ok and "go together" in detail


@pytest.mark.parametrize("kind", ["postgresql", "mongodb"])
async def test_where_connections_may_not_go(
    owner: httpx2.AsyncClient, ctx: Context, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ctx.sections, OutboundSettings, OutboundSettings("forbid"))
    for host in ("127.0.0.1", "localhost", "10.1.2.3", "[::1]", "2130706433", "169.254.169.254"):
        body = {
            "name": host,
            "kind": kind,
            "settings": {"host": host.strip("[]"), "database": "x", "user": "x"},
            "secrets": {"password": "x"},
        }
        ok, detail = await check(owner, body)
        assert not ok and "may not go to" in detail


async def test_a_silent_server_takes_no_connection_of_ours(
    owner: httpx2.AsyncClient, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.4)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        made = await owner.post(URL, json=postgres(database, server.sockets[0].getsockname()[1]))
        path = f"{URL}/{made.json()['id']}/check"
        checks = [asyncio.create_task(owner.post(path)) for _ in range(7)]
        await asyncio.sleep(0.2)
        assert (await owner.get("/api/apps")).status_code == 200, "more checks than connections"
        answers = await asyncio.gather(*checks)
    assert all("does not answer" in answer.json()["detail"] for answer in answers)
