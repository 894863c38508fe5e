"""What people did, as their clients report it: the table, and rows to models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from penstock.kit.db import Connection, Row
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata

# That an org keeps, the newest; what is above them is dropped once in so many.
MOST_EVENTS: Final = 100_000
_EACH: Final = 1000

usage_events = Table(
    "usage_events",
    metadata,
    identity_column(),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    # As they were called then.
    Column("user_name", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("object_type", TEXT, nullable=False),
    Column("object_id", TEXT),
    Column("browser", TEXT),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    # When it happened, as the client has it.
    Column("created_at", INSTANT, nullable=False),
    created_column("received_at"),
    Index("usage_events_org_id_idx", "org_id", "id"),
    Index("usage_events_received_at_idx", "received_at"),
)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Something that a person did, as a client reports it."""

    org_id: int
    user_id: int | None
    user_name: str
    action: str
    object_type: str
    object_id: str | None
    browser: str | None
    details: Mapping[str, Any]
    created_at: datetime


_EVENT: Final = [usage_events.c[name] for name in UsageEvent.__dataclass_fields__]


async def add_events(conn: Connection, events: Sequence[UsageEvent]) -> None:
    """Of one org; the oldest of too many are dropped."""
    values = [{name: getattr(one, name) for name in UsageEvent.__dataclass_fields__} for one in events]
    rows = await conn.rows(usage_events.insert().values(values).returning(usage_events.c.id))
    ids = [row["id"] for row in rows]
    if min(ids) // _EACH != (max(ids) + 1) // _EACH:
        await drop_events_above(conn, events[0].org_id, MOST_EVENTS)


async def drop_events_above(conn: Connection, org_id: int, most: int) -> None:
    mine = usage_events.c.org_id == org_id
    last = select(usage_events.c.id).where(mine).order_by(usage_events.c.id.desc()).offset(most).limit(1)
    await conn.execute(delete(usage_events).where(mine, usage_events.c.id <= last.scalar_subquery()))


async def list_events(conn: Connection, org_id: int, limit: int, offset: int) -> tuple[int, list[UsageEvent]]:
    """How many there are, and some of them: the newest first."""
    mine = usage_events.c.org_id == org_id
    total = await conn.value(select(func.count()).select_from(usage_events).where(mine))
    statement = select(*_EVENT).where(mine).order_by(usage_events.c.id.desc()).limit(limit).offset(offset)
    return total, [_event(row) for row in await conn.rows(statement)]


async def forget_events(conn: Connection, seconds: float, most: int) -> int:
    """Those that came longer ago, so many at most."""
    late = usage_events.c.received_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    old = select(usage_events.c.id).where(late).limit(most)
    return await conn.execute(delete(usage_events).where(usage_events.c.id.in_(old)))


def _event(row: Row) -> UsageEvent:
    values: dict[str, Any] = {name: row[name] for name in UsageEvent.__dataclass_fields__}
    return UsageEvent(**values)
