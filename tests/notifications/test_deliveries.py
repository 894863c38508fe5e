"""Webhooks that really arrive, do not arrive, arrive late, and are given up."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import replace
from typing import Any

import httpx2
import msgspec
import pytest

from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, Keys, new_ring
from penstock.kit.jobs import Run
from penstock.kit.jobs.cleaning import Nothing
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.jobs import reseal
from penstock.notifications.settings import NotificationsSettings
from tests.conftest import free_port
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import until
from tests.notifications.conftest import (
    APP,
    SCHEMA,
    URL,
    Receiver,
    deliveries,
    delivering,
    subscribe,
    table,
)

pytestmark = pytest.mark.anyio
ALL = ("table.created", "table.altered", "table.deleted")


def configured(database: TestDatabase, section: Any) -> TestDatabase:
    settings = replace(database.settings, sections={**database.settings.sections, type(section): section})
    return replace(database, settings=settings)


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver does it, written down independently."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.split("_")[1])
    wanted = base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


async def settled(
    client: httpx2.AsyncClient, webhook: dict[str, Any], number: int = 1
) -> list[dict[str, Any]]:
    async def done() -> bool:
        found = await deliveries(client, webhook)
        return len(found) >= number and all(one["state"] != "pending" for one in found)

    await until(done)
    return await deliveries(client, webhook)


async def test_events_of_tables_arrive_signed(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver
) -> None:
    made = await subscribe(shop, receiver.url, *ALL)
    assert (await table(shop, "products")).status_code == 201
    await shop.patch(f"{APP}/datatables/products", json={"description": "d"})
    await shop.delete(f"{APP}/datatables/products")
    assert (await table(shop, "not a name!")).status_code == 400
    async with delivering(database):
        await settled(shop, made, 3)
    assert len(receiver.got) == 3
    events = {}
    for headers, body, path in receiver.got:
        assert verify(made["secret"], headers, body) and path == "/hook?a=b"
        assert headers["host"] == f"localhost:{receiver.port}"
        assert headers["content-type"] == "application/json"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        event = msgspec.json.decode(body)
        events[event["type"]] = event["data"]
    assert set(events) == set(ALL)
    assert all(data["table"] == "products" for data in events.values())
    assert events["table.altered"]["changed"] == ["description"]
    assert len({headers["webhook-id"] for headers, _, _ in receiver.got}) == 3


async def test_only_what_was_asked_for_and_really_happened(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver
) -> None:
    made = await subscribe(shop, receiver.url, "table.deleted")
    off = await subscribe(shop, receiver.url)
    await shop.patch(f"{URL}/{off['id']}", json={"is_active": False})
    other = await shop.post("/api/apps", json={"name": "Other"})
    assert other.status_code == 201
    await table(shop, "products")
    package = {"resources": [{"name": "things", "schema": SCHEMA}]}
    await shop.post(f"{APP}/import?dry_run=true", json=package)
    assert await deliveries(shop, made) == [] and await deliveries(shop, off) == []


async def test_a_receiver_that_comes_back(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 204]
    receiver.location = "http://localhost:1/elsewhere"
    made = await subscribe(shop, receiver.url)
    await table(shop, "products")
    async with delivering(database):
        (delivery,) = await settled(shop, made)
    assert (delivery["state"], delivery["attempts"], delivery["status_code"]) == ("succeeded", 3, 204)
    assert len({headers["webhook-id"] for headers, _, _ in receiver.got}) == 1, "one id for all attempts"
    assert len({body for _, body, _ in receiver.got}) == 1


async def test_nobody_there_and_then_redelivered(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver
) -> None:
    short = configured(database, NotificationsSettings(webhook_attempts=2))
    made = await subscribe(shop, f"http://127.0.0.1:{free_port()}/")
    await table(shop, "products")
    path = f"{URL}/{made['id']}/deliveries"
    async with delivering(short):
        (delivery,) = await settled(shop, made)
        assert (delivery["state"], delivery["attempts"]) == ("failed", 2)
        assert delivery["error"] == "No connection came about." and delivery["status_code"] is None
        assert (await shop.patch(f"{URL}/{made['id']}", json={"url": receiver.url})).status_code == 200
        again = await shop.post(f"{path}/{delivery['id']}/redeliver")
        assert again.status_code == 202 and again.json()["state"] == "pending"
        (delivery,) = await settled(shop, made)
    assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("succeeded", 3, None)
    assert receiver.got[0][0]["webhook-id"] == delivery["message_id"]
    assert (await shop.get(f"{path}/{delivery['id']}")).json() == delivery
    assert [one["id"] for one in await deliveries(shop, made, state="succeeded")] == [delivery["id"]]
    assert await deliveries(shop, made, state="failed") == []


async def test_redelivering_what_cannot_be(shop: httpx2.AsyncClient, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url)
    await table(shop, "products")
    (delivery,) = await deliveries(shop, made)
    path = f"{URL}/{made['id']}/deliveries/{delivery['id']}/redeliver"
    assert (await shop.post(path)).status_code == 409, "it is under way"
    await shop.patch(f"{URL}/{made['id']}", json={"is_active": False})
    assert (await shop.post(path)).status_code == 409, "it is switched off"


async def test_a_slow_receiver(shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver) -> None:
    receiver.pause = 1.0
    hasty = configured(database, NotificationsSettings(webhook_attempts=1, webhook_timeout=0.2))
    made = await subscribe(shop, receiver.url)
    await table(shop, "products")
    async with delivering(hasty):
        (delivery,) = await settled(shop, made)
    assert delivery["error"] == "No answer within 0.2 seconds."


@pytest.mark.parametrize(
    ("status", "days", "reason"), [(410, 3.0, "410 Gone"), (500, 0.0, "Nothing arrived for 0 days")]
)
async def test_what_is_switched_off(
    shop: httpx2.AsyncClient,
    database: TestDatabase,
    receiver: Receiver,
    status: int,
    days: float,
    reason: str,
) -> None:
    receiver.statuses = [status]
    strict = configured(database, NotificationsSettings(webhook_disable_days=days))
    made = await subscribe(shop, receiver.url)
    await table(shop, "products")
    async with delivering(strict):
        (delivery,) = await settled(shop, made)
    assert delivery["state"] == "failed"
    shown = (await shop.get(f"{URL}/{made['id']}")).json()
    assert not shown["is_active"] and reason in shown["disabled_reason"]
    audit = (await shop.get("/api/audit?action=webhook.disable")).json()["results"]
    assert len(audit) == 1 and "system" in str(audit[0]["actor"])
    on = (await shop.patch(f"{URL}/{made['id']}", json={"is_active": True})).json()
    assert on["is_active"] and on["disabled_reason"] is None


async def test_two_secrets_for_a_day(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver, ctx: Context
) -> None:
    made = await subscribe(shop, receiver.url)
    rotated = (await shop.post(f"{URL}/{made['id']}/rotate")).json()
    assert rotated["secret"] != made["secret"] and rotated["previous_secret_until"]
    await table(shop, "products")
    async with delivering(database):
        await settled(shop, made)
        ((headers, body, _),) = receiver.got
        assert verify(made["secret"], headers, body) and verify(rotated["secret"], headers, body)
        async with ctx.db.control.transaction() as conn:
            await conn.execute("UPDATE penstock.webhooks SET previous_secret_until = now()")
        await table(shop, "things")
        await settled(shop, made, 2)
    headers, body, _ = receiver.got[1]
    assert not verify(made["secret"], headers, body) and verify(rotated["secret"], headers, body)
    assert (await shop.get(f"{URL}/{made['id']}")).json()["previous_secret_until"] is None


async def test_where_messages_may_not_go(
    shop: httpx2.AsyncClient, database: TestDatabase, receiver: Receiver
) -> None:
    fenced = configured(
        configured(database, OutboundSettings("forbid")), NotificationsSettings(webhook_attempts=1)
    )
    made = await subscribe(shop, receiver.url)
    await table(shop, "products")
    async with delivering(fenced):
        (delivery,) = await settled(shop, made)
    assert "may not go to" in delivery["error"] and receiver.got == []


async def test_deleted_meanwhile(shop: httpx2.AsyncClient, database: TestDatabase, ctx: Context) -> None:
    made = await subscribe(shop, f"http://127.0.0.1:{free_port()}/")
    await table(shop, "products")
    assert (await shop.delete(f"{URL}/{made['id']}")).status_code == 204
    async with delivering(database):

        async def failed() -> bool:
            async with ctx.db.control.transaction() as conn:
                return await conn.value("SELECT state = 'failed' FROM penstock.job_runs")

        await until(failed)


async def test_secrets_follow_the_key(shop: httpx2.AsyncClient, ctx: Context) -> None:
    made = await subscribe(shop, "https://example.com/hook")
    await shop.post(f"{URL}/{made['id']}/rotate")
    old, newest = ctx.keys, new_ring()
    ctx.keys = Keys(old.signing, KeyRing((*newest.keys, *old.encryption.keys)))
    run: Any = Run(ctx, 1, None, Nothing(), 1, True, made["id"])
    assert [await reseal(ctx, run), await reseal(ctx, run)] == [1, 0]
    async with ctx.db.control.transaction() as conn:
        row = await conn.row("SELECT uid, sealed, previous_sealed FROM penstock.webhooks")
    assert row and newest.decrypt(row["previous_sealed"], context=f"webhook:{row['uid']}") == made["secret"]
