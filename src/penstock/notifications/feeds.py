"""Webhooks of records: what this domain asks of the one that keeps tables, and what that one asks of this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from penstock.identity import Grant
from penstock.kit import clock, jobs
from penstock.kit.db import Connection
from penstock.kit.jobs import Job
from penstock.notifications import store
from penstock.notifications.events import GAP
from penstock.notifications.models import Follower

# Messages of a webhook that may wait; the feed keeps the rest.
MOST_WAITING: Final = 1000


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a webhook begins to be told of a table."""

    table_id: int
    cursor: str


@dataclass(frozen=True, slots=True)
class TableFeeds:
    """`begin` finds the table of an app, checks the filter, and raises `Invalid` for field `table` or `filter`."""

    begin: Callable[[Connection, Grant, int, str, Mapping[str, Any] | None], Awaitable[Begun]]


class Send(msgspec.Struct):
    """The payload of the job that sends the messages of a webhook in their order."""

    webhook_id: int


SEND = Job("webhooks.send", Send, time_limit=600.0)


async def take(conn: Connection, webhook_id: int) -> Follower | None:
    """A webhook that is to be told, locked until the transaction ends."""
    return await store.take_follower(conn, webhook_id, MOST_WAITING)


async def is_full(conn: Connection, webhook_id: int) -> bool:
    """True when as many messages wait as may."""
    return await store.waiting(conn, webhook_id, MOST_WAITING) >= MOST_WAITING


async def tell(
    conn: Connection, follower: Follower, event: str, data: Mapping[str, Any], at: str | None = None
) -> None:
    """Add a message, if the webhook is told of such."""
    if event != GAP and event not in follower.events:
        return
    told = {"app_id": follower.app_id, "table_id": follower.table_id, "table": follower.table_name, **data}
    payload = {"type": event, "timestamp": at or clock.iso(clock.now()), "data": told}
    await store.add_delivery(conn, follower.webhook_id, event, msgspec.json.encode(payload).decode())


async def told(conn: Connection, follower: Follower, cursor: str, *, send: bool) -> None:
    """So far has it been told; what was added is to be sent."""
    await store.move(conn, follower.webhook_id, cursor)
    if send:
        await send_soon(conn, follower.webhook_id)


async def followed(conn: Connection) -> list[int]:
    """The tables of whose records somebody is told."""
    return await store.followed(conn)


async def followers(conn: Connection, table_id: int) -> list[int]:
    """The webhooks that are told of a table's records."""
    return await store.followers(conn, table_id)


async def idle(conn: Connection) -> list[int]:
    """Webhooks with messages that wait and that nobody sends."""
    return await store.idle(conn)


async def send_soon(conn: Connection, webhook_id: int, delay: float = 0.0) -> None:
    kind = "later" if delay else "now"
    await jobs.defer(conn, SEND, Send(webhook_id), key=f"{webhook_id}:{kind}", delay=delay)
