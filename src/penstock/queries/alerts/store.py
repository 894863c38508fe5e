"""The tables of alerts and of who is told, and rows to models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.kit.db import Connection, Row
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata
from penstock.queries.alerts.models import Alert, State, Subscription
from penstock.queries.run.request import QueryRequest
from penstock.queries.store.tables import queries

_request: Final = msgspec.json.Decoder(QueryRequest)


def _owner() -> tuple[Column[Any], Column[Any]]:
    """A person, or a key that is nobody's."""
    return (
        Column("user_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE")),
        Column("key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="CASCADE")),
    )


alerts = Table(
    "alerts",
    metadata,
    identity_column(),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="CASCADE"), nullable=False),
    Column("name", TEXT, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("rearm", Integer),
    *_owner(),
    Column("state", TEXT, nullable=False, server_default="unknown"),
    Column("last_triggered_at", INSTANT),
    # Of the last look. No reference: a result may be gone, and its number still tells what came after it.
    Column("evaluated_at", INSTANT),
    Column("result_id", BigInteger),
    Column("value", TEXT),
    Column("reason", TEXT),
    Column("fingerprint", TEXT),
    Column("asked", TEXT),
    created_column(),
    created_column("updated_at"),
    CheckConstraint("state IN ('unknown', 'ok', 'triggered')", name="state"),
    Index("alerts_org_id_idx", "org_id", "id"),
    Index("alerts_query_id_idx", "query_id"),
)
alert_subscriptions = Table(
    "alert_subscriptions",
    metadata,
    identity_column(),
    Column("alert_id", BigInteger, ForeignKey(f"{SCHEMA}.alerts.id", ondelete="CASCADE"), nullable=False),
    *_owner(),
    # None: the user, by e-mail.
    Column("destination_id", BigInteger, ForeignKey(f"{SCHEMA}.destinations.id", ondelete="CASCADE")),
    created_column(),
    Index(
        "alert_subscriptions_key",
        "alert_id",
        "user_id",
        "key_id",
        "destination_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("alert_subscriptions_destination_id_idx", "destination_id"),
)
_ALERT: Final = [alerts.c[name] for name in Alert.__dataclass_fields__]
_SUBSCRIPTION: Final = [alert_subscriptions.c[name] for name in Subscription.__dataclass_fields__]


async def add(conn: Connection, values: Mapping[str, Any]) -> Alert:
    row = await conn.row(insert(alerts).values(**values).returning(*_ALERT))
    assert row is not None
    return _alert(row)


async def count(conn: Connection, query_id: int) -> int:
    return await conn.value(select(func.count()).select_from(alerts).where(alerts.c.query_id == query_id))


async def find(conn: Connection, org_id: int, alert_id: int, *, lock: bool = False) -> Alert | None:
    statement = select(*_ALERT).where(alerts.c.org_id == org_id, alerts.c.id == alert_id)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _alert(row)


async def listed(conn: Connection, org_id: int, most: int) -> list[Alert]:
    """All of an org, newest first."""
    statement = select(*_ALERT).where(alerts.c.org_id == org_id).order_by(alerts.c.id.desc()).limit(most)
    return [_alert(row) for row in await conn.rows(statement)]


async def of_query(conn: Connection, query_id: int) -> list[Alert]:
    statement = select(*_ALERT).where(alerts.c.query_id == query_id).order_by(alerts.c.id)
    return [_alert(row) for row in await conn.rows(statement)]


def _concerned(org_id: int, text: str, source_id: int | None) -> Any:
    return (
        alerts.c.org_id == org_id,
        queries.c.id == alerts.c.query_id,
        queries.c.text == text,
        queries.c.data_source_id.is_not_distinct_from(source_id),
        queries.c.is_archived.is_(False),
    )


async def any_concerned(conn: Connection, org_id: int, text: str, source_id: int | None) -> bool:
    """Whether rows of this text may matter to some alert."""
    return await conn.value(select(exists().where(*_concerned(org_id, text, source_id))))


async def concerned(conn: Connection, org_id: int, text: str, source_id: int | None) -> list[Alert]:
    statement = select(*_ALERT).where(*_concerned(org_id, text, source_id)).order_by(alerts.c.id)
    return [_alert(row) for row in await conn.rows(statement)]


async def change(conn: Connection, alert_id: int, values: Mapping[str, Any]) -> Alert:
    """As an edit of a user."""
    statement = update(alerts).where(alerts.c.id == alert_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_ALERT))
    assert row is not None
    return _alert(row)


async def note(
    conn: Connection, alert_id: int, values: Mapping[str, Any], asked: QueryRequest | None
) -> None:
    """What came of looking."""
    text = None if asked is None else msgspec.json.encode(asked).decode()
    statement = update(alerts).where(alerts.c.id == alert_id)
    await conn.execute(statement.values(**values, asked=text, evaluated_at=func.now()))


async def drop(conn: Connection, alert_id: int) -> None:
    await conn.execute(delete(alerts).where(alerts.c.id == alert_id))


async def drop_of_query(conn: Connection, query_id: int) -> None:
    await conn.execute(delete(alerts).where(alerts.c.query_id == query_id))


async def subscriptions(conn: Connection, alert_id: int) -> list[Subscription]:
    statement = select(*_SUBSCRIPTION).where(alert_subscriptions.c.alert_id == alert_id)
    return [_subscription(row) for row in await conn.rows(statement.order_by(alert_subscriptions.c.id))]


async def subscribe(conn: Connection, values: Mapping[str, Any]) -> Subscription:
    """The one that there is already, if there is."""
    statement = upsert(alert_subscriptions).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=["alert_id", "user_id", "key_id", "destination_id"],
        set_={"alert_id": statement.excluded.alert_id},
    )
    row = await conn.row(statement.returning(*_SUBSCRIPTION))
    assert row is not None
    return _subscription(row)


async def find_subscription(conn: Connection, alert_id: int, subscription_id: int) -> Subscription | None:
    statement = select(*_SUBSCRIPTION).where(
        alert_subscriptions.c.alert_id == alert_id, alert_subscriptions.c.id == subscription_id
    )
    row = await conn.row(statement)
    return None if row is None else _subscription(row)


async def unsubscribe(conn: Connection, subscription_id: int) -> None:
    await conn.execute(delete(alert_subscriptions).where(alert_subscriptions.c.id == subscription_id))


def _alert(row: Row) -> Alert:
    values: dict[str, Any] = {name: row[name] for name in Alert.__dataclass_fields__}
    values["state"] = State(values["state"])
    values["asked"] = None if values["asked"] is None else _request.decode(values["asked"])
    return Alert(**values)


def _subscription(row: Row) -> Subscription:
    return Subscription(**{name: row[name] for name in Subscription.__dataclass_fields__})
