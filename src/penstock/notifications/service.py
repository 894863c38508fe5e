"""The verbs on webhooks, and the one by which other domains tell of an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from penstock.identity import Grant, audit
from penstock.kit import clock, errors, jobs
from penstock.kit.crypto import KeyRing
from penstock.kit.db import Connection
from penstock.kit.jobs import Job
from penstock.notifications import store
from penstock.notifications.events import RECORD_EVENTS
from penstock.notifications.feeds import TableFeeds, send_soon
from penstock.notifications.models import Delivery, DeliveryState, Webhook
from penstock.notifications.schemas import WebhookCreate, WebhookPatch, check_url
from penstock.notifications.settings import MOST_ATTEMPTS
from penstock.notifications.signing import new_secret

KIND = "webhook"
MOST = 50  # webhooks of an app
OVERLAP = timedelta(hours=24)


class Deliver(msgspec.Struct):
    """The payload of the job that delivers."""

    delivery_id: int


# How many attempts there really are is a setting, which the handler minds.
DELIVER = Job(
    "webhooks.deliver",
    Deliver,
    attempts=MOST_ATTEMPTS,
    time_limit=120.0,
    first_delay=5.0,
    longest_delay=3600.0,
)


async def publish(conn: Connection, *, org_id: int, app_id: int, event: str, data: Mapping[str, Any]) -> None:
    """Have the webhooks of an app told of an event, if and when this transaction commits."""
    subscribed = await store.subscribed(conn, app_id, event)
    if not subscribed:
        return
    payload = {"type": event, "timestamp": clock.iso(clock.now()), "data": dict(data)}
    body = msgspec.json.encode(payload).decode()
    for webhook_id in subscribed:
        delivery_id = await store.add_delivery(conn, webhook_id, event, body)
        await jobs.defer(conn, DELIVER, Deliver(delivery_id), org_id=org_id)


async def create_webhook(
    conn: Connection, grant: Grant, ring: KeyRing, app_id: int, wanted: WebhookCreate, feeds: TableFeeds
) -> tuple[Webhook, str]:
    """The webhook and its secret. Raises `Invalid`, and `Conflict` when the app has as many as it may have."""
    check_url(wanted.url)
    if await store.count(conn, app_id) >= MOST:
        raise errors.Conflict(f"An app has {MOST} webhooks at most.")
    uid, secret = uuid4(), new_secret()
    following = await _following(conn, grant, app_id, wanted, feeds)
    webhook = await store.add(
        conn,
        {
            "uid": uid,
            "org_id": grant.org_id,
            "app_id": app_id,
            "url": wanted.url,
            "description": wanted.description,
            "events": sorted(set(wanted.events)),
            "sealed": ring.encrypt(secret, context=place(uid)),
            **following,
            "created_by": grant.principal.user_id,
        },
    )
    await _record(conn, grant, webhook, {"events": list(webhook.events)})
    return webhook, secret


async def _following(
    conn: Connection, grant: Grant, app_id: int, wanted: WebhookCreate, feeds: TableFeeds
) -> dict[str, Any]:
    """What a webhook of records keeps besides; nothing for others. Raises `Invalid`."""
    if not _of_records(wanted.events):
        for name in ("table", "filter"):
            if getattr(wanted, name) is not None:
                raise errors.Invalid(
                    {name: [f"'{name}' is for events of records: {', '.join(RECORD_EVENTS)}."]}
                )
        return {}
    if wanted.table is None:
        raise errors.Invalid({"table": ["Events of records need the name of the table."]})
    begun = await feeds.begin(conn, grant, app_id, wanted.table, wanted.filter)
    return {
        "table_id": begun.table_id,
        "table_name": wanted.table,
        "filter": None if wanted.filter is None else msgspec.json.encode(wanted.filter).decode(),
        "cursor": begun.cursor,
    }


def _of_records(events: Sequence[str]) -> bool:
    """Raises `Invalid` for events that do not go together."""
    found = {event in RECORD_EVENTS for event in events}
    if len(found) > 1:
        raise errors.Invalid({"events": ["Events of records and of tables are for different webhooks."]})
    return True in found


async def find_webhook(
    conn: Connection, grant: Grant, app_id: int, webhook_id: int, *, lock: bool = False
) -> Webhook:
    """Raises `NotFound`."""
    found = await store.find(conn, grant, app_id, webhook_id, lock=lock) if webhook_id > 0 else None
    if found is None:
        raise errors.NotFound
    return found


async def update_webhook(conn: Connection, grant: Grant, webhook: Webhook, wanted: WebhookPatch) -> Webhook:
    """Absent fields stay."""
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
    if "url" in given:
        check_url(given["url"])
    if "events" in given:
        given["events"] = sorted(set(given["events"]))
        if _of_records(given["events"]) != (webhook.table_id is not None):
            message = "A webhook of records stays one, and one of tables too; create another."
            raise errors.Invalid({"events": [message]})
    values = {
        name: value
        for name, value in given.items()
        if value != (list(webhook.events) if name == "events" else getattr(webhook, name))
    }
    if not values:
        return webhook
    if values.get("is_active") or "url" in values:
        values |= {"disabled_reason": None, "failing_since": None}
    changed = await store.change(conn, webhook.id, values)
    await _record(conn, grant, changed, {"changed": sorted(given)})
    return changed


async def rotate_secret(
    conn: Connection, grant: Grant, ring: KeyRing, webhook: Webhook
) -> tuple[Webhook, str]:
    """A new secret; for a day deliveries are signed with both."""
    secret = new_secret()
    changed = await store.rotate(conn, webhook.id, ring.encrypt(secret, context=place(webhook.uid)), OVERLAP)
    await _record(conn, grant, changed, {"changed": ["secret"]})
    return changed, secret


async def delete_webhook(conn: Connection, grant: Grant, webhook: Webhook) -> None:
    """Its deliveries go with it; those under way are given up."""
    await store.remove(conn, webhook.id)
    await _record(conn, grant, webhook, {})


async def find_delivery(
    conn: Connection, webhook: Webhook, delivery_id: int, *, lock: bool = False
) -> Delivery:
    """Raises `NotFound`."""
    found = await store.find_delivery(conn, webhook.id, delivery_id, lock=lock) if delivery_id > 0 else None
    if found is None:
        raise errors.NotFound
    return found


async def redeliver(conn: Connection, grant: Grant, webhook: Webhook, delivery: Delivery) -> Delivery:
    """Send it once more, under the same id. Raises `Conflict` while it is under way, or nobody is to be told."""
    if not webhook.is_active:
        raise errors.Conflict("The webhook is switched off; switch it on first.")
    if delivery.state is DeliveryState.PENDING:
        raise errors.Conflict("This delivery is under way.")
    await store.note(conn, delivery.id, {"state": DeliveryState.PENDING.value, "due_at": None})
    if webhook.table_id is not None:
        await send_soon(conn, webhook.id)
    else:
        await jobs.defer(conn, DELIVER, Deliver(delivery.id), org_id=grant.org_id)
    await _record(conn, grant, webhook, {"delivery": delivery.id})
    return await find_delivery(conn, webhook, delivery.id)


def place(uid: UUID) -> str:
    """What the secret of a webhook is sealed for."""
    return f"webhook:{uid}"


async def _record(conn: Connection, grant: Grant, webhook: Webhook, detail: Mapping[str, Any]) -> None:
    await audit.record(conn, grant.principal, grant.action, KIND, webhook.id, webhook.url[:200], detail)
