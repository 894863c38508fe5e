"""The tables of destinations and of what is sent to them, and rows to models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Table,
    Uuid,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from penstock.kit.db import Connection, Row
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata
from penstock.kit.paging import Page
from penstock.notifications.destinations.models import Destination, Due, Message, Sent
from penstock.notifications.models import DeliveryState

_EMPTY = text("'{}'")
_message = msgspec.json.Decoder(Message)

destinations = Table(
    "destinations",
    metadata,
    identity_column(),
    Column("uid", Uuid, nullable=False, unique=True),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("name", TEXT, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("options", JSONB, nullable=False, server_default=_EMPTY),
    # The secrets among the options, as sealed JSON, and their names.
    Column("sealed", TEXT),
    Column("secret_names", ARRAY(TEXT), nullable=False, server_default=_EMPTY),
    Column("created_by", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    created_column(),
    created_column("updated_at"),
    Index("destinations_org_id_name_key", "org_id", "name", unique=True),
)
destination_messages = Table(
    "destination_messages",
    metadata,
    identity_column(),
    Column("uid", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    # To one of the two.
    Column("destination_id", BigInteger, ForeignKey(f"{SCHEMA}.destinations.id", ondelete="CASCADE")),
    Column("user_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE")),
    # What it is about, such as `alert:3`.
    Column("about", TEXT, nullable=False),
    # The same in every attempt; taken away once it has arrived.
    Column("message", TEXT),
    Column("state", TEXT, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("status_code", Integer),
    Column("error", TEXT),
    created_column(),
    Column("attempted_at", INSTANT),
    CheckConstraint("state IN ('pending', 'succeeded', 'failed')", name="state"),
    Index("destination_messages_destination_id_idx", "destination_id", "id"),
    Index("destination_messages_user_id_idx", "user_id"),
    Index("destination_messages_about_idx", "org_id", "about", "id"),
    Index("destination_messages_created_at_idx", "created_at"),
)
_DESTINATION: Final = [destinations.c[name] for name in Destination.__dataclass_fields__]
_SENT: Final = [destination_messages.c[name] for name in Sent.__dataclass_fields__]


async def add(conn: Connection, values: Mapping[str, Any]) -> Destination | None:
    """None when the name is taken."""
    statement = insert(destinations).values(**values).on_conflict_do_nothing().returning(*_DESTINATION)
    row = await conn.row(statement)
    return None if row is None else _destination(row)


async def listed(conn: Connection, org_id: int) -> list[Destination]:
    """By name."""
    statement = select(*_DESTINATION).where(destinations.c.org_id == org_id).order_by(destinations.c.name)
    return [_destination(row) for row in await conn.rows(statement)]


async def count(conn: Connection, org_id: int) -> int:
    return await conn.value(
        select(func.count()).select_from(destinations).where(destinations.c.org_id == org_id)
    )


async def find(
    conn: Connection, org_id: int, destination_id: int, *, lock: bool = False
) -> Destination | None:
    statement = select(*_DESTINATION).where(
        destinations.c.org_id == org_id, destinations.c.id == destination_id
    )
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _destination(row)


async def by_id(conn: Connection, org_id: int, ids: Sequence[int]) -> dict[int, Destination]:
    if not ids:
        return {}
    statement = select(*_DESTINATION).where(destinations.c.org_id == org_id, destinations.c.id.in_(list(ids)))
    return {row["id"]: _destination(row) for row in await conn.rows(statement)}


async def is_taken(conn: Connection, org_id: int, name: str, but: int) -> bool:
    statement = select(destinations.c.id).where(
        destinations.c.org_id == org_id, destinations.c.name == name, destinations.c.id != but
    )
    return await conn.value(statement) is not None


async def sealed(conn: Connection, destination_id: int) -> str | None:
    return await conn.value(select(destinations.c.sealed).where(destinations.c.id == destination_id))


async def change(conn: Connection, destination_id: int, values: Mapping[str, Any]) -> Destination:
    statement = update(destinations).where(destinations.c.id == destination_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_DESTINATION))
    assert row is not None
    return _destination(row)


async def sealed_with_another_key(conn: Connection, key_id: str) -> list[tuple[Destination, str]]:
    """Locked until the transaction ends."""
    other = func.split_part(destinations.c.sealed, ".", 1) != key_id
    rows = await conn.rows(select(*_DESTINATION, destinations.c.sealed).where(other).with_for_update())
    return [(_destination(row), row["sealed"]) for row in rows]


async def reseal(conn: Connection, destination_id: int, sealed: str) -> None:
    await conn.execute(update(destinations).where(destinations.c.id == destination_id).values(sealed=sealed))


async def remove(conn: Connection, destination_id: int) -> None:
    await conn.execute(delete(destinations).where(destinations.c.id == destination_id))


async def add_message(conn: Connection, values: Mapping[str, Any], message: Message | None) -> int:
    body = None if message is None else msgspec.json.encode(message).decode()
    statement = insert(destination_messages).values(**values, message=body)
    return await conn.value(statement.returning(destination_messages.c.id))


async def due(conn: Connection, message_id: int) -> Due | None:
    """A message that is still to arrive; None once it, or where it goes, is gone."""
    row = await conn.row(
        select(*_SENT, destination_messages.c.message).where(
            destination_messages.c.id == message_id, destination_messages.c.state == "pending"
        )
    )
    if row is None or row["message"] is None:
        return None
    sent = _sent(row)
    found = None if sent.destination_id is None else await find(conn, sent.org_id, sent.destination_id)
    key = None if found is None else await sealed(conn, found.id)
    return Due(sent, _message.decode(row["message"]), found, key)


async def note(conn: Connection, message_id: int, values: Mapping[str, Any]) -> None:
    await conn.execute(
        update(destination_messages).where(destination_messages.c.id == message_id).values(**values)
    )


async def messages(
    conn: Connection,
    org_id: int,
    page: Page,
    *,
    destination_id: int | None = None,
    about: str | None = None,
    state: str | None = None,
) -> tuple[int, list[Sent]]:
    """Newest first."""
    table = destination_messages.c
    wanted: list[ColumnElement[bool]] = [table.org_id == org_id]
    if destination_id is not None:
        wanted.append(table.destination_id == destination_id)
    if about is not None:
        wanted.append(table.about == about)
    if state is not None:
        wanted.append(table.state == state)
    total = await conn.value(select(func.count()).select_from(destination_messages).where(*wanted))
    statement = select(*_SENT).where(*wanted).order_by(table.id.desc())
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [_sent(row) for row in rows]


async def forget(conn: Connection, days: float, most: int) -> int:
    """Delete messages of so long ago that wait for nothing."""
    table = destination_messages.c
    old = (
        select(table.id)
        .where(
            table.created_at < func.now() - timedelta(days=days), table.state != DeliveryState.PENDING.value
        )
        .limit(most)
    )
    return await conn.execute(delete(destination_messages).where(table.id.in_(old)))


def _destination(row: Row) -> Destination:
    values: dict[str, Any] = {name: row[name] for name in Destination.__dataclass_fields__}
    values["secret_names"] = tuple(values["secret_names"])
    return Destination(**values)


def _sent(row: Row) -> Sent:
    values: dict[str, Any] = {name: row[name] for name in Sent.__dataclass_fields__}
    values["state"] = DeliveryState(values["state"])
    return Sent(**values)
