"""Webhooks that are told of records: what, in which order, and that nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.kit.jobs import Handler
from penstock.kit.jobs.cleaning import Nothing
from penstock.notifications import feeds
from penstock.notifications.jobs import send_in_order
from penstock.tables.changes import telling
from penstock.tables.changes.telling import TELL, TELL_ALL, tell, tell_all
from penstock.tables.store.feeds import forget_changes
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import until, working
from tests.notifications.conftest import APP, URL, Receiver, deliveries, receiver, shop
from tests.tables.conftest import Callers, callers, owner

__all__ = ["callers", "owner", "receiver", "shop"]
pytestmark = pytest.mark.anyio
ALL = ["record.created", "record.updated", "record.deleted"]
SCHEMA: dict[str, Any] = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "name"}, {"name": "price", "type": "number"}],
    "primaryKey": ["id"],
    "changes": True,
}
TABLE = f"{APP}/datatables/orders"
DATA = f"{TABLE}/data"
HANDLERS = (Handler(TELL, tell), Handler(TELL_ALL, tell_all), Handler(feeds.SEND, send_in_order))


@pytest.fixture
async def orders(shop: httpx2.AsyncClient, request: pytest.FixtureRequest) -> httpx2.AsyncClient:
    """The owner of the app `shop`, whose table `orders` has a feed; the provider may be told."""
    source = {"name": "Orders", "provider_type": getattr(request, "param", "flat_table")}
    assert (await shop.post(f"{APP}/datasources", json=source)).status_code == 201
    body = {"name": "orders", "json_schema": SCHEMA}
    answer = await shop.post(f"{APP}/datasources/orders/datatables?materialize=true", json=body)
    assert answer.status_code == 201, answer.text
    return shop


async def follow(client: httpx2.AsyncClient, url: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(URL, json={"url": url, "events": ALL, "table": "orders", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@asynccontextmanager
async def telling_of(database: TestDatabase, ctx: Context) -> AsyncGenerator[None]:
    """The worker, and who hears of changes (of the application's process, which tests have in common with it)."""
    telling.Teller(ctx)
    async with working(database, HANDLERS):
        yield


def got(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body, _ in receiver.got]


@pytest.mark.parametrize("orders", ["flat_table", "jsonb"], indirect=True)
async def test_what_is_told(
    orders: httpx2.AsyncClient, database: TestDatabase, ctx: Context, receiver: Receiver
) -> None:
    await orders.post(DATA, json={"name": "before"})
    made = await follow(orders, receiver.url)
    assert (made["table"], made["filter"], made["events"]) == ("orders", None, sorted(ALL))
    async with telling_of(database, ctx):
        await orders.post(DATA, json=[{"name": "a", "price": 1.5}, {"name": "b"}])
        await orders.patch(f"{DATA}/1", json={"name": "now"})
        await orders.delete(f"{DATA}/2")

        async def done() -> bool:
            return len(receiver.got) >= 4

        await until(done)
    events = got(receiver)
    assert [(one["type"], one["data"]["key"]) for one in events] == [
        ("record.created", 2),
        ("record.created", 3),
        ("record.updated", 1),
        ("record.deleted", 2),
    ]
    assert events[0]["data"]["record"] == {"id": 2, "name": "a", "price": 1.5}
    assert events[3]["data"]["record"] is None
    assert set(events[0]["data"]) == {"app_id", "table_id", "table", "cursor", "key", "record"}
    assert all(one["state"] == "succeeded" for one in await deliveries(orders, made))


async def test_only_what_was_asked_for(
    orders: httpx2.AsyncClient, database: TestDatabase, ctx: Context, receiver: Receiver
) -> None:
    await follow(orders, receiver.url, events=["record.created", "record.deleted"], filter={"price__gte": 10})
    async with telling_of(database, ctx):
        await orders.post(DATA, json=[{"price": 1}, {"price": 11}])
        await orders.patch(f"{DATA}/2", json={"price": 12})
        await orders.patch(f"{DATA}/1", json={"price": 13})
        await orders.patch(f"{DATA}/2", json={"price": 2})

        async def done() -> bool:
            return len(receiver.got) >= 3

        await until(done)
    assert [(one["type"], one["data"]["key"]) for one in got(receiver)] == [
        ("record.created", 2),
        ("record.created", 1),
        ("record.deleted", 2),
    ]


async def test_the_order_stays_while_the_receiver_fails(
    orders: httpx2.AsyncClient,
    database: TestDatabase,
    ctx: Context,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(feeds_deliver(), first_delay=0.05, longest_delay=0.1)
    monkeypatch.setattr("penstock.notifications.jobs.DELIVER", quick)
    receiver.statuses = [500, 503, 204, 500, 204]
    made = await follow(orders, receiver.url)
    async with telling_of(database, ctx):
        await orders.post(DATA, json=[{"name": f"n{n}"} for n in range(5)])

        async def done() -> bool:
            found = await deliveries(orders, made)
            return len(found) == 5 and all(one["state"] == "succeeded" for one in found)

        await until(done)
    keys = [one["data"]["key"] for one in got(receiver)]
    assert keys == [1, 1, 1, 2, 2, 3, 4, 5]


def feeds_deliver() -> Any:
    from penstock.notifications.service import DELIVER

    return DELIVER


async def test_what_happened_while_nobody_listened(
    orders: httpx2.AsyncClient, database: TestDatabase, ctx: Context, receiver: Receiver
) -> None:
    await follow(orders, receiver.url)
    await orders.post(DATA, json=[{"name": f"n{n}"} for n in range(220)])
    async with working(database, HANDLERS):
        await tell_all(ctx, Nothing())  # pyright: ignore[reportArgumentType]

        async def done() -> bool:
            return len(receiver.got) >= 220

        await until(done, 60)
    assert [one["data"]["key"] for one in got(receiver)] == list(range(1, 221))


async def test_changes_that_are_gone_are_said_to_be(
    orders: httpx2.AsyncClient, database: TestDatabase, ctx: Context, receiver: Receiver
) -> None:
    made = await follow(orders, receiver.url)
    await orders.post(DATA, json=[{"name": "a"}, {"name": "b"}])
    async with ctx.db.control.transaction() as conn:
        table_id = await conn.value("SELECT table_id FROM penstock.webhooks WHERE id = $1", made["id"])
        await forget_changes(conn, table_id, 1e9, 2**62, 1)
    async with working(database, HANDLERS):
        await tell_all(ctx, Nothing())  # pyright: ignore[reportArgumentType]

        async def done() -> bool:
            return len(receiver.got) >= 2

        await until(done)
    assert [one["type"] for one in got(receiver)] == ["record.gap", "record.created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": ALL}, "table"),
        ({"events": ALL, "table": "nothing"}, "table"),
        ({"events": ALL, "table": "plain"}, "table"),
        ({"events": ALL, "table": "orders", "filter": {"nope": 1}}, "filter"),
        ({"events": [*ALL, "table.created"], "table": "orders"}, "events"),
        ({"events": ["table.created"], "table": "orders"}, "table"),
        ({"events": ["table.created"], "filter": {}}, "filter"),
    ],
)
async def test_what_is_refused(orders: httpx2.AsyncClient, body: dict[str, Any], field: str) -> None:
    plain = {"name": "plain", "json_schema": {**SCHEMA, "changes": False}}
    await orders.post(f"{APP}/datasources/main/datatables", json=plain)
    answer = await orders.post(URL, json={"url": "http://localhost:1/hook", **body})
    assert answer.status_code == 400, answer.text
    assert list(answer.json()["errors"]) == [field]


async def test_who_may(orders: httpx2.AsyncClient, callers: Callers) -> None:
    body = {"url": "http://localhost:1/hook", "events": ALL, "table": "orders"}
    for name, status in (
        ("anonymous", 401),
        ("other", 404),
        ("nobody", 404),
        ("operator", 403),
        ("admin", 201),
    ):
        assert (name, (await callers[name].post(URL, json=body)).status_code) == (name, status)
