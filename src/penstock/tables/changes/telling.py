"""Webhooks that are told of records: from the feed, in its order, each as far as it has been told.

What is told and how far are written in one transaction, so that a process which dies in between loses nothing and
tells nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from penstock.identity import Grant, Principal, PrincipalKind, Role
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.filters import EVERYTHING, Tree, parse_json
from penstock.kit.jobs import Job, Run, defer
from penstock.kit.jobs.cleaning import Nothing
from penstock.notifications import Begun, Follower, feeds
from penstock.tables import store
from penstock.tables.catalog import Catalog, Table
from penstock.tables.changes import feed
from penstock.tables.changes.cursor import Cursor, decode
from penstock.tables.changes.plan import ChangesPlan, plan_changes, require_feed
from penstock.tables.changes.watching import CHANNEL
from penstock.tables.errors import CursorExpired

_PAGE = 200
_LATER = 10.0  # seconds before the next look when as many messages wait as may
_EVENTS: Final = MappingProxyType(
    {"insert": "record.created", "update": "record.updated", "delete": "record.deleted"}
)


class Tell(msgspec.Struct):
    """The payload of the job that tells of one table."""

    table_id: int


TELL = Job("tables.tell", Tell, time_limit=600.0)
TELL_ALL = Job("tables.tell_all", Nothing, time_limit=300.0, at_once=1)


async def begin(
    ctx: Context, conn: Connection, grant: Grant, app_id: int, name: str, filters: Mapping[str, Any] | None
) -> Begun:
    """Raises `Invalid` for `table` or `filter`."""
    slug = await store.slug_of(conn, app_id)
    try:
        table = (await Catalog.of(ctx).load(grant.org_id, slug, name)).whole
        require_feed(table)
    except errors.NotFound:
        raise errors.Invalid({"table": [f"This app has no table '{name[:80]}'."]}) from None
    except errors.BadRequest as error:
        raise errors.Invalid({"table": [error.message]}, hint=error.hint) from error
    text = None if filters is None else msgspec.json.encode(filters).decode()
    try:
        _plan(table, text)
    except errors.BadRequest as error:
        raise errors.Invalid({"filter": [error.message]}, hint=error.hint) from error
    row = await conn.row(
        "UPDATE penstock.record_feeds SET watched_until = 'infinity' WHERE table_id = $1 "
        "RETURNING epoch, pg_current_snapshot()::text AS now",
        table.definition.id,
    )
    if row is None:
        raise errors.Invalid({"table": [f"'{name[:80]}' is not materialized yet; read its records once."]})
    return Begun(table.definition.id, Cursor(row["epoch"], row["now"]).encode())


def _plan(table: Table, filters: str | None) -> ChangesPlan:
    """As the app's admins see the table, one of whom asked for it."""
    definition = table.definition
    caller = Principal(0, "", PrincipalKind.SERVICE_KEY, None, None, "webhook", None, Role.OWNER)
    tree: Tree = EVERYTHING if filters is None else parse_json(filters, table.columns)
    return plan_changes(tree, table, Grant(caller, "record.read", Role.OWNER, ("app", definition.app_id)))


async def tell(ctx: Context, run: Run[Tell]) -> None:
    async with ctx.db.control.transaction() as conn:
        webhooks = await feeds.followers(conn, run.payload.table_id)
    for webhook_id in webhooks:
        while await _tell_one(ctx, webhook_id):
            pass
        async with ctx.db.control.transaction() as conn:
            if await feeds.is_full(conn, webhook_id):
                table_id = run.payload.table_id
                await defer(conn, TELL, Tell(table_id), key=f"{table_id}:later", delay=_LATER)


async def _tell_one(ctx: Context, webhook_id: int) -> bool:
    """True when there is more to tell."""
    async with ctx.db.control.transaction() as conn:
        follower = await feeds.take(conn, webhook_id)
        if follower is None:
            return False
        try:
            page, gap = await _read(ctx, conn, follower)
        except (errors.NotFound, errors.BadRequest):
            # The table or its feed has gone, or the filter no longer fits it: it is told again when they do.
            return False
        if gap:
            await feeds.tell(conn, follower, "record.gap", {"reason": gap})
        for one in page.changes:
            await feeds.tell(conn, follower, _EVENTS[one.op], _data(one), one.at)
        if gap or page.changes or page.next.encode() != follower.cursor:
            await feeds.told(conn, follower, page.next.encode(), send=bool(gap or page.changes))
        return page.more


def _data(one: feed.Told) -> dict[str, Any]:
    key, record = (msgspec.Raw(text.encode()) for text in (one.key, one.record))
    return {"cursor": one.cursor, "key": key, "record": record}


async def _read(ctx: Context, conn: Connection, follower: Follower) -> tuple[feed.Page, str]:
    """The next changes, and why some before them are missing."""
    slug = await store.slug_of(conn, follower.app_id)
    for last in (False, True):
        table = (await Catalog.of(ctx).table(follower.org_id, slug, follower.table_name)).whole
        if table.definition.id != follower.table_id:
            raise errors.NotFound
        plan = _plan(table, follower.filter)
        try:
            try:
                return await feed.changes(ctx.db.data, plan, decode(follower.cursor), _PAGE), ""
            except CursorExpired as expired:
                return await feed.changes(ctx.db.data, plan, decode("start"), _PAGE), expired.message
        except errors.Outdated:
            if last:
                raise
            Catalog.of(ctx).forget(follower.org_id)
    raise AssertionError("unreachable")


async def tell_all(ctx: Context, run: Run[Nothing]) -> None:
    """What a notification that got lost leaves behind; and the trigger tells of these tables, and of no others."""
    async with ctx.db.control.transaction() as conn:
        tables = await feeds.followed(conn)
        await store.watch_for_ever(conn, tables)
        for table_id in tables:
            await defer(conn, TELL, Tell(table_id), key=str(table_id))
        for webhook_id in await feeds.idle(conn):
            await feeds.send_soon(conn, webhook_id)


class Teller:
    """Has the job done when the trigger says that a table has changed; for the process that does the jobs."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._tasks: dict[int, asyncio.Task[None]] = {}
        ctx.listener.subscribe(CHANNEL, self._hear)

    def _hear(self, payload: str) -> None:
        if payload.isdigit() and int(payload) not in self._tasks:
            table_id = int(payload)
            task = asyncio.get_running_loop().create_task(self._defer(table_id))
            self._tasks[table_id] = task

    async def _defer(self, table_id: int) -> None:
        try:
            # A busy table is told of in larger pieces.
            await asyncio.sleep(0.1)
        finally:
            del self._tasks[table_id]
        try:
            async with self._ctx.db.control.transaction() as conn:
                if await feeds.followers(conn, table_id):
                    await defer(conn, TELL, Tell(table_id), key=str(table_id))
        except errors.PenstockError:
            return  # `tell_all` comes by
