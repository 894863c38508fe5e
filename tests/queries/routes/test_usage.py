"""What clients report of their users; and how the installation does."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.queries.store import usage
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
EVENTS = "/api/events"
VIEW: dict[str, Any] = {"action": "view", "object_type": "dashboard", "object_id": 7}


async def test_events(shop: httpx2.AsyncClient, callers: Callers) -> None:
    sent = await callers["nobody"].post(
        EVENTS,
        json=[
            {**VIEW, "timestamp": 1700000000.5, "screen_resolution": "1x2"},
            {"action": "a", "object_type": "b"},
        ],
        headers={"User-Agent": "Browser 1.0"},
    )
    assert (sent.status_code, sent.content) == (200, b"null\n"), sent.text
    assert (await shop.post(EVENTS, json=[])).status_code == 200
    page = (await shop.get(EVENTS)).json()
    assert page["count"] == 2
    newest, first = page["results"]
    assert (newest["object_id"], newest["details"]) == (None, {})
    assert (first["user_name"], first["action"], first["object_id"]) == ("nobody-user", "view", "7")
    assert (first["browser"], first["created_at"]) == ("Browser 1.0", "2023-11-14T22:13:20.500Z")
    assert first["details"] == {"screen_resolution": "1x2"} and first["location"] is None
    assert (await shop.get(EVENTS, params={"page": 2})).status_code == 400
    for name, status in (("operator", 403), ("nobody", 403), ("anonymous", 401)):
        assert (await callers[name].get(EVENTS)).status_code == status
    assert (await callers["anonymous"].post(EVENTS, json=[VIEW])).status_code == 401
    assert (await callers["other"].get(EVENTS)).json()["count"] == 0


async def test_what_is_no_event(shop: httpx2.AsyncClient) -> None:
    refused: list[Any] = [
        {},
        VIEW,
        [7],
        [VIEW] * 101,
        [{"action": "x"}],
        [{**VIEW, "action": ""}],
        [{**VIEW, "action": "x" * 256}],
        [{**VIEW, "object_id": True}],
        [{**VIEW, "object_id": "\0"}],
        [{**VIEW, "timestamp": 1e18}],
        [{**VIEW, "timestamp": "now"}],
        [{**VIEW, "timestamp": -5}],
        [{**VIEW, "more": "x" * 5000}],
    ]
    for body in refused:
        assert (await shop.post(EVENTS, json=body)).status_code == 400, body
    assert (await shop.get(EVENTS)).json()["count"] == 0


async def test_the_oldest_go(shop: httpx2.AsyncClient, ctx: Context) -> None:
    for number in range(3):
        assert (await shop.post(EVENTS, json=[{**VIEW, "object_id": number}] * 2)).status_code == 200
    async with ctx.db.control.transaction() as conn:
        org_id = await conn.value("SELECT org_id FROM penstock.usage_events LIMIT 1")
        await usage.drop_events_above(conn, org_id, 3)
        _, left = await usage.list_events(conn, org_id, 10, 0)
        assert [one.object_id for one in left] == ["2", "2", "1"]
        assert await usage.forget_events(conn, 1000.0, 10) == 0
        assert await usage.forget_events(conn, -1.0, 2) == 2


async def test_status(shop: httpx2.AsyncClient, callers: Callers, client: httpx2.AsyncClient) -> None:
    """For who administers the installation: an owner of an org does not."""
    made = await shop.post("/api/queries", json={"data_source_id": 1, "query": "SELECT 1", "name": "One"})
    job = (await shop.post(f"/api/queries/{made.json()['id']}/results")).json()["job"]["id"]
    for path in ("/status.json", "/api/admin/queries/rq_status"):
        for name, status in (("owner", 403), ("operator", 403), ("anonymous", 401)):
            assert (await callers[name].get(path)).status_code == status, (path, name)
    for caller, may in ((client, True), (shop, False)):
        told = (await caller.get("/api/session")).json()["user"]["permissions"]
        assert "admin" in told and ("super_admin" in told) is may
    status = (await client.get("/status.json")).json()
    assert (status["queries_count"], status["query_results_count"]) == (1, 0)
    assert status["manager"]["queues"]["queries.run"] == {"size": 1}, (status, job)
    assert dict(status["database_metrics"]["metrics"])["Database Size"] > 0
    queues = (await client.get("/api/admin/queries/rq_status")).json()
    assert queues["queues"]["queries.run"] == {"name": "queries.run", "queued": 1, "started": []}
