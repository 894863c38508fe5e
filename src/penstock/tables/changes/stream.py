"""A feed as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Every block carries the cursor as its id, also those without an event, so that a reader who comes back with
`Last-Event-ID` misses nothing and need not look again at what was not for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass

from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from penstock.kit import errors, http
from penstock.kit.db import Pool
from penstock.tables.changes.cursor import Cursor
from penstock.tables.changes.feed import changes
from penstock.tables.changes.plan import ChangesPlan
from penstock.tables.changes.watching import Watchers

MEDIA_TYPE = "text/event-stream"
_PAGE = 500
# A busy table is read so often at most, and in larger pieces then.
_PAUSE = 0.05
# How often in a row a table may have changed under a look.
_CHANGES = 3
_HEADERS = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    # Proxies such as nginx hold an answer back otherwise.
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Following:
    """`plan` is asked for before each look, and raises when the caller may not read any more."""

    pool: Pool
    watchers: Watchers
    plan: Callable[[], Awaitable[ChangesPlan]]
    # Nothing that is known of the table is to be trusted any more.
    forget: Callable[[], None]
    heartbeat: float
    patience: float


class EventStream(ASGIResponse):
    """The changes since a place, and then whatever happens, until the reader goes."""

    def __init__(self, following: Following, since: Cursor, room: AbstractContextManager[None]) -> None:
        self._following = following
        self._since = since
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "penstock.head" in scope:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            with self._room:
                async with aclosing(_blocks(self._following, self._since, gone)) as blocks:
                    await self._send(blocks, scope, send)
        finally:
            gone.cancel()

    async def _send(self, blocks: AsyncGenerator[str], scope: Scope, send: Send) -> None:
        first = await anext(blocks)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        try:
            await self._one(send, first)
            async for block in blocks:
                await self._one(send, block)
        except errors.PenstockError as error:
            body = http.encode(error.body(scope["state"]["request_id"])).decode()
            with suppress(TimeoutError):
                await self._one(send, f"event: error\ndata: {body}\n\n")
        except TimeoutError:
            return  # a reader that takes nothing comes back with its cursor
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _one(self, send: Send, block: str) -> None:
        async with asyncio.timeout(self._following.patience):
            await send({"type": "http.response.body", "body": block.encode(), "more_body": True})


async def _blocks(following: Following, since: Cursor, gone: asyncio.Future[None]) -> AsyncGenerator[str]:
    plan = await following.plan()
    async with following.watchers.watch(plan.table.definition.id) as stirred:
        told, outdated = time.monotonic(), 0
        yield f"retry: 1000\nid: {since.encode()}\n\n"
        while not gone.done() and not following.watchers.closing:
            stirred.clear()
            try:
                page = await changes(following.pool, plan, since, _PAGE)
            except errors.Outdated:
                outdated += 1
                if outdated > _CHANGES:
                    raise
                following.forget()
                plan = await following.plan()
                continue
            since, outdated = page.next, 0
            if page.changes:
                yield "".join(f"id: {one.cursor}\ndata: {one.json}\n\n" for one in page.changes)
                told = time.monotonic()
            elif time.monotonic() - told >= following.heartbeat:
                yield f": heartbeat\nid: {since.encode()}\n\n"
                told = time.monotonic()
            if not page.more:
                await asyncio.sleep(_PAUSE)
                await _wait(stirred, gone, min(following.watchers.patience, following.heartbeat))
            plan = await following.plan()


async def _wait(stirred: asyncio.Event, gone: asyncio.Future[None], seconds: float) -> None:
    waiting = asyncio.ensure_future(stirred.wait())
    try:
        await asyncio.wait((waiting, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
