"""Who may follow a table, and streams of events."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.server.edge import Edge
from penstock.tables.changes.watching import Watchers
from penstock.tables.settings import TablesSettings
from tests.tables.changes.reading import listen
from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio
TABLE = "/api/apps/shop/datatables/users"
URL = f"{TABLE}/data/changes/"


@pytest.fixture
async def fed(shop: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The owner of the app `shop`, whose table `users` has a feed and two records."""
    answer = await shop.patch(TABLE, json={"json_schema": {**SCHEMA, "changes": True}})
    assert answer.status_code == 200, answer.text
    await add(shop, "a", "b")
    return shop


async def add(client: httpx2.AsyncClient, *names: str) -> None:
    rows = [{"email": f"{name}@example.com", "name": name} for name in names]
    answer = await client.post(f"{TABLE}/data", json=rows)
    assert answer.status_code == 201, answer.text


async def test_who_may_read(fed: httpx2.AsyncClient, callers: Callers) -> None:
    for accept in ("application/json", "text/event-stream"):
        for name, status in (("anonymous", 401), ("other", 404), ("nobody", 404)):
            answer = await callers[name].get(URL, params={"since": "start"}, headers={"Accept": accept})
            assert (name, answer.status_code) == (name, status)
            assert "example.com" not in answer.text
    for name in ("collaborator", "operator", "admin", "owner"):
        answer = await callers[name].get(URL, params={"since": "start"})
        assert (name, answer.status_code, len(answer.json()["data"])) == (name, 200, 2)
    # Nobody writes there.
    for method in ("POST", "PUT"):
        assert (await fed.request(method, URL, json={})).status_code == 405
    for method in ("PATCH", "DELETE"):
        assert (await fed.request(method, URL, json={})).status_code == 404  # no record is called so


async def test_a_cursor_of_another_table_and_of_an_earlier_feed(fed: httpx2.AsyncClient) -> None:
    cursor = (await fed.get(URL)).json()["next_cursor"]
    assert (await fed.get(URL, params={"since": cursor})).status_code == 200
    for schema in (SCHEMA, {**SCHEMA, "changes": True}):
        assert (await fed.patch(TABLE, json={"json_schema": schema})).status_code == 200
    for accept in ("application/json", "text/event-stream"):
        answer = await fed.get(URL, params={"since": cursor}, headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (409, "CURSOR_EXPIRED")
        assert "read the table anew" in answer.json()["hint"]
    await add(fed, "later")
    changes = (await fed.get(URL, params={"since": "start"})).json()["data"]
    assert [one["record"]["name"] for one in changes] == ["later"]


async def test_events_come_as_they_happen(fed: httpx2.AsyncClient, app: Edge, ctx: Context) -> None:
    async with listen(app, fed, URL) as events:
        assert events.status == 200
        assert events.headers["content-type"] == "text/event-stream"
        first = await events.next()
        assert (first.data, first.id is not None) == (None, True)
        await add(fed, "c")
        found = await events.next_data()
        assert (found["op"], found["record"]["name"]) == ("insert", "c")
        assert events.last_id == found["cursor"]
        await fed.delete(f"{TABLE}/data/1")
        assert ((await events.next_data())["op"]) == "delete"
    await settled(ctx)
    # Taken up again where it broke off.
    async with listen(app, fed, URL, **{"Last-Event-ID": found["cursor"]}) as events:
        assert (await events.next_data())["op"] == "delete"
    async with listen(app, fed, f"{URL}?since=start&name=b") as events:
        assert (await events.next_data())["record"]["name"] == "b"


async def settled(ctx: Context) -> None:
    for _ in range(100):
        if not ctx.get(Watchers).count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("streams are still open")


async def test_silence_is_filled(fed: httpx2.AsyncClient, app: Edge, ctx: Context) -> None:
    ctx.sections[TablesSettings] = replace(ctx.settings(TablesSettings), change_heartbeat=0.2)
    async with listen(app, fed, URL) as events:
        await events.next()
        beat = await events.next()
        assert (beat.comment, beat.data) == ("heartbeat", None)
        assert beat.id


async def test_a_key_that_is_revoked_ends_its_streams(fed: httpx2.AsyncClient, app: Edge) -> None:
    made = (await fed.post("/api/keys", json={"name": "reader"})).json()
    reader = httpx2.AsyncClient(headers={"Authorization": f"Key {made['key']}"})
    async with listen(app, reader, URL) as events:
        await events.next()
        assert (await fed.delete(f"/api/keys/{made['id']}")).status_code == 204
        await add(fed, "secret")
        rest = [event async for event in events.rest()]
        assert all(event.data is None or event.kind == "error" for event in rest)
        assert rest[-1].kind == "error"
        assert json.loads(rest[-1].data or "")["code"] == "UNAUTHORIZED"
    await reader.aclose()


async def test_a_feed_that_is_switched_off_ends_its_streams(fed: httpx2.AsyncClient, app: Edge) -> None:
    async with listen(app, fed, URL) as events:
        await events.next()
        assert (await fed.patch(TABLE, json={"json_schema": SCHEMA})).status_code == 200
        rest = [event async for event in events.rest()]
        assert rest[-1].kind == "error"
        assert "keeps no changes" in json.loads(rest[-1].data or "")["detail"]


async def test_there_is_room_for_so_many(fed: httpx2.AsyncClient, app: Edge, ctx: Context) -> None:
    watchers = ctx.get(Watchers)
    watchers.room_per_org = 2
    async with listen(app, fed, URL), listen(app, fed, URL):
        async with listen(app, fed, URL) as third:
            assert third.status == 429
        watchers.room_per_org, watchers.room = 10, 2
        async with listen(app, fed, URL) as third:
            assert third.status == 503
    await settled(ctx)
    async with listen(app, fed, URL) as again:
        assert again.status == 200
        watchers.close()
        assert not any([event.data async for event in again.rest()])
