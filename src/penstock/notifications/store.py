"""The tables of webhooks and deliveries, and rows to models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Uuid,
    any_,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from penstock.identity import Grant
from penstock.kit.db import Connection, Row
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata
from penstock.kit.paging import Page
from penstock.notifications.models import Delivery, DeliveryState, Due, Follower, Webhook

webhooks = Table(
    "webhooks",
    metadata,
    identity_column(),
    # What the secrets are sealed for.
    Column("uid", Uuid, nullable=False, unique=True),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("app_id", BigInteger, ForeignKey(f"{SCHEMA}.apps.id", ondelete="CASCADE"), nullable=False),
    Column("url", TEXT, nullable=False),
    Column("description", TEXT, nullable=False, server_default=text("''")),
    Column("events", ARRAY(TEXT), nullable=False),
    Column("table_id", BigInteger, ForeignKey(f"{SCHEMA}.data_tables.id", ondelete="CASCADE")),
    Column("table_name", TEXT),
    Column("filter", TEXT),
    # How far it has been told of the table's records.
    Column("cursor", TEXT),
    # Which run sends its messages in their order, and until when it may be believed to.
    Column("sender", BigInteger),
    Column("sender_until", INSTANT),
    Column("sealed", TEXT, nullable=False),
    Column("previous_sealed", TEXT),
    Column("previous_secret_until", INSTANT),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("disabled_reason", TEXT),
    # Since then nothing arrived.
    Column("failing_since", INSTANT),
    Column("created_by", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    created_column(),
    created_column("updated_at"),
    Index("webhooks_app_id_id_idx", "app_id", "id"),
    Index("webhooks_table_id_idx", "table_id", postgresql_where=text("table_id IS NOT NULL")),
)
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    identity_column(),
    Column("uid", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("webhook_id", BigInteger, ForeignKey(f"{SCHEMA}.webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event", TEXT, nullable=False),
    # The bytes that are signed and sent, in every attempt the same.
    Column("body", TEXT, nullable=False),
    Column("state", TEXT, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("status_code", Integer),
    Column("error", TEXT),
    created_column(),
    Column("attempted_at", INSTANT),
    # Of messages that keep their order: not before.
    Column("due_at", INSTANT),
    CheckConstraint("state IN ('pending', 'succeeded', 'failed')", name="state"),
    Index("webhook_deliveries_webhook_id_id_idx", "webhook_id", "id"),
    Index("webhook_deliveries_created_at_idx", "created_at"),
)
_WEBHOOK = [webhooks.c[name] for name in Webhook.__dataclass_fields__]
_DELIVERY = [webhook_deliveries.c[name] for name in Delivery.__dataclass_fields__]


async def add(conn: Connection, values: Mapping[str, Any]) -> Webhook:
    row = await conn.row(insert(webhooks).values(**values).returning(*_WEBHOOK))
    assert row is not None
    return _webhook(row)


async def count(conn: Connection, app_id: int) -> int:
    return await conn.value(select(func.count()).select_from(webhooks).where(webhooks.c.app_id == app_id))


async def listed(conn: Connection, grant: Grant, app_id: int, page: Page | None) -> tuple[int, list[Webhook]]:
    wanted = (webhooks.c.org_id == grant.org_id, webhooks.c.app_id == app_id)
    statement = select(*_WEBHOOK).where(*wanted).order_by(webhooks.c.id)
    if page is None:
        found = [_webhook(row) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(webhooks).where(*wanted))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [_webhook(row) for row in rows]


async def find(
    conn: Connection, grant: Grant, app_id: int, webhook_id: int, *, lock: bool = False
) -> Webhook | None:
    statement = select(*_WEBHOOK).where(
        webhooks.c.org_id == grant.org_id, webhooks.c.app_id == app_id, webhooks.c.id == webhook_id
    )
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _webhook(row)


async def change(conn: Connection, webhook_id: int, values: Mapping[str, Any]) -> Webhook:
    statement = update(webhooks).where(webhooks.c.id == webhook_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_WEBHOOK))
    assert row is not None
    return _webhook(row)


async def rotate(conn: Connection, webhook_id: int, sealed: str, overlap: timedelta) -> Webhook:
    """The secret so far stays valid for a while."""
    values = {
        "sealed": sealed,
        "previous_sealed": webhooks.c.sealed,
        "previous_secret_until": func.now() + overlap,
    }
    return await change(conn, webhook_id, values)


async def sealed_with_another_key(conn: Connection, key_id: str) -> list[Row]:
    """Locked until the transaction ends."""
    other = func.split_part(webhooks.c.sealed, ".", 1) != key_id
    statement = select(webhooks.c.id, webhooks.c.uid, webhooks.c.sealed, webhooks.c.previous_sealed)
    return await conn.rows(statement.where(other).with_for_update())


async def remove(conn: Connection, webhook_id: int) -> None:
    await conn.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


async def subscribed(conn: Connection, app_id: int, event: str) -> list[int]:
    """The webhooks of an app that are told of this event."""
    statement = select(webhooks.c.id).where(
        webhooks.c.app_id == app_id, webhooks.c.is_active, literal(event) == any_(webhooks.c.events)
    )
    return [row["id"] for row in await conn.rows(statement.order_by(webhooks.c.id))]


async def add_delivery(conn: Connection, webhook_id: int, event: str, body: str) -> int:
    return await conn.value(
        insert(webhook_deliveries)
        .values(webhook_id=webhook_id, event=event, body=body)
        .returning(webhook_deliveries.c.id)
    )


async def deliveries(
    conn: Connection, webhook_id: int, page: Page, state: str | None
) -> tuple[int, list[Delivery]]:
    """Newest first."""
    wanted = [webhook_deliveries.c.webhook_id == webhook_id]
    if state is not None:
        wanted.append(webhook_deliveries.c.state == state)
    total = await conn.value(select(func.count()).select_from(webhook_deliveries).where(*wanted))
    rows = await conn.rows(
        select(*_DELIVERY)
        .where(*wanted)
        .order_by(webhook_deliveries.c.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return total, [_delivery(row) for row in rows]


async def find_delivery(
    conn: Connection, webhook_id: int, delivery_id: int, *, lock: bool = False
) -> Delivery | None:
    statement = select(*_DELIVERY).where(
        webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.id == delivery_id
    )
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _delivery(row)


async def due(conn: Connection, delivery_id: int) -> Due | None:
    """A delivery with its webhook and the secrets that are valid now; None once either is gone."""
    row = await conn.row(select(*_DELIVERY).where(webhook_deliveries.c.id == delivery_id))
    if row is None:
        return None
    delivery = _delivery(row)
    previous = (webhooks.c.previous_secret_until > func.now()).label("previous_is_valid")
    found = await conn.row(
        select(*_WEBHOOK, webhooks.c.sealed, webhooks.c.previous_sealed, previous).where(
            webhooks.c.id == delivery.webhook_id
        )
    )
    if found is None:
        return None
    return Due(
        delivery,
        _webhook(found),
        found["sealed"],
        found["previous_sealed"] if found["previous_is_valid"] else None,
    )


async def note(conn: Connection, delivery_id: int, values: Mapping[str, Any]) -> None:
    await conn.execute(
        update(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id).values(**values)
    )


async def note_health(conn: Connection, webhook_id: int, *, arrived: bool) -> float:
    """Since when nothing arrives; gives for how many seconds."""
    since = None if arrived else func.coalesce(webhooks.c.failing_since, func.now())
    age = func.extract("epoch", func.now() - webhooks.c.failing_since)
    statement = update(webhooks).where(webhooks.c.id == webhook_id).values(failing_since=since)
    return float(await conn.value(statement.returning(age)) or 0.0)


async def forget(conn: Connection, days: float, most: int) -> int:
    """Delete deliveries that were made so long ago and wait for nothing."""
    old = (
        select(webhook_deliveries.c.id)
        .where(
            webhook_deliveries.c.created_at < func.now() - timedelta(days=days),
            webhook_deliveries.c.state != DeliveryState.PENDING.value,
        )
        .limit(most)
    )
    return await conn.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id.in_(old)))


def _webhook(row: Row) -> Webhook:
    return Webhook(**{name: row[name] for name in Webhook.__dataclass_fields__})


def _delivery(row: Row) -> Delivery:
    values: dict[str, Any] = {name: row[name] for name in Delivery.__dataclass_fields__}
    values.update(state=DeliveryState(values["state"]))
    return Delivery(**values)


_FOLLOWER = (
    "SELECT id AS webhook_id, org_id, app_id, table_id, table_name, filter, events, cursor FROM penstock.webhooks "
    "WHERE is_active AND table_id IS NOT NULL"
)


async def followed(conn: Connection) -> list[int]:
    """The tables of whose records somebody is told."""
    rows = await conn.rows(
        "SELECT DISTINCT table_id FROM penstock.webhooks WHERE is_active AND table_id IS NOT NULL ORDER BY 1"
    )
    return [row["table_id"] for row in rows]


async def followers(conn: Connection, table_id: int) -> list[int]:
    """The webhooks that are told of a table's records."""
    rows = await conn.rows(f"{_FOLLOWER} AND table_id = $1 ORDER BY id", table_id)
    return [row["webhook_id"] for row in rows]


async def take_follower(conn: Connection, webhook_id: int, most: int) -> Follower | None:
    """Locked until the transaction ends; None when it is not to be told now: off, or `most` messages wait."""
    row = await conn.row(f"{_FOLLOWER} AND id = $1 FOR UPDATE", webhook_id)
    if row is None or await waiting(conn, webhook_id, most) >= most:
        return None
    return Follower(**{name: row[name] for name in Follower.__dataclass_fields__})


async def waiting(conn: Connection, webhook_id: int, most: int) -> int:
    """How many messages wait, counted up to `most`."""
    return await conn.value(
        "SELECT count(*) FROM (SELECT FROM penstock.webhook_deliveries "
        "WHERE webhook_id = $1 AND state = 'pending' LIMIT $2) AS d",
        webhook_id,
        most,
    )


async def move(conn: Connection, webhook_id: int, cursor: str) -> None:
    await conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(cursor=cursor))


async def hold(conn: Connection, webhook_id: int, run_id: int, seconds: float) -> bool:
    """Whether this run may send the messages of a webhook now, which no other may meanwhile."""
    return bool(
        await conn.execute(
            "UPDATE penstock.webhooks SET sender = $2, sender_until = now() + $3::float8 * interval '1 second' "
            "WHERE id = $1 AND (sender IS NULL OR sender = $2 OR sender_until < now())",
            webhook_id,
            run_id,
            seconds,
        )
    )


async def release(conn: Connection, webhook_id: int, run_id: int) -> None:
    await conn.execute(
        "UPDATE penstock.webhooks SET sender = NULL, sender_until = NULL WHERE id = $1 AND sender = $2",
        webhook_id,
        run_id,
    )


async def first_waiting(conn: Connection, webhook_id: int) -> tuple[int, float] | None:
    """The oldest message that waits, and for how many seconds it is not to be sent."""
    row = await conn.row(
        "SELECT id, greatest(extract(epoch FROM due_at - now()), 0)::float8 AS seconds "
        "FROM penstock.webhook_deliveries WHERE webhook_id = $1 AND state = 'pending' ORDER BY id LIMIT 1",
        webhook_id,
    )
    return None if row is None else (row["id"], row["seconds"] or 0.0)


async def put_off(conn: Connection, delivery_id: int, seconds: float) -> None:
    await conn.execute(
        "UPDATE penstock.webhook_deliveries SET due_at = now() + $2::float8 * interval '1 second' WHERE id = $1",
        delivery_id,
        seconds,
    )


async def idle(conn: Connection) -> list[int]:
    """Webhooks of records with messages that wait and that nobody sends."""
    rows = await conn.rows(
        "SELECT w.id FROM penstock.webhooks AS w WHERE w.table_id IS NOT NULL AND w.is_active "
        "AND (w.sender IS NULL OR w.sender_until < now()) AND EXISTS (SELECT FROM penstock.webhook_deliveries AS d "
        "WHERE d.webhook_id = w.id AND d.state = 'pending' AND coalesce(d.due_at, now()) <= now())"
    )
    return [row["id"] for row in rows]
