"""Who waits for changes in this process: woken by the trigger's notification, or by the clock while none can come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from penstock.kit import errors
from penstock.kit.db import Database
from penstock.kit.notify import Listener
from penstock.tables.store import feeds

CHANNEL: Final = "penstock_changes"
_WATCH = 60.0  # seconds for which the trigger is asked to tell
_DEAF_POLL, _POLL = 1.0, 5.0
_AGAIN = 5


class Watchers:
    """Events by table, and room for so many streams, and for so many of one org."""

    def __init__(self, db: Database, listener: Listener, room: int, room_per_org: int) -> None:
        self._db = db
        self._listener = listener
        self.room, self.room_per_org = room, room_per_org
        self._open: Counter[int] = Counter()
        self._waiting: dict[int, set[asyncio.Event]] = {}
        self._watching: asyncio.Task[None] | None = None
        self.closing = False
        listener.subscribe(CHANNEL, self._hear)
        listener.on_gap(self._wake_all)

    @contextmanager
    def place(self, org_id: int) -> Generator[None]:
        """Room for a stream. Raises `Throttled` when the org has as many as it may, `Unavailable` when all have."""
        if self._open[org_id] >= self.room_per_org:
            raise errors.Throttled(_AGAIN)
        if self.closing or self.count >= self.room:
            raise errors.Unavailable(
                "As many change feeds are followed as this server allows; try again shortly.",
                retry_after=_AGAIN,
            )
        self._open[org_id] += 1
        try:
            yield
        finally:
            self._open[org_id] -= 1
            if not self._open[org_id]:
                del self._open[org_id]

    @asynccontextmanager
    async def watch(self, table_id: int) -> AsyncGenerator[asyncio.Event]:
        """An event that is set whenever the table may have changed; false alarms come."""
        event = asyncio.Event()
        self._waiting.setdefault(table_id, set()).add(event)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._keep_watch())
        try:
            with suppress(errors.PenstockError):
                await self._tell()
            yield event
        finally:
            self._waiting[table_id].discard(event)
            if not self._waiting[table_id]:
                del self._waiting[table_id]

    @property
    def count(self) -> int:
        """Streams that are open."""
        return self._open.total()

    @property
    def patience(self) -> float:
        """Seconds after which to look without having been woken."""
        return _POLL if self._listener.listening else _DEAF_POLL

    def close(self) -> None:
        """End what waits; nothing new begins."""
        self.closing = True
        if self._watching:
            self._watching.cancel()
        self._wake_all()

    async def _keep_watch(self) -> None:
        while self._waiting:
            await asyncio.sleep(_WATCH / 4)
            # A database that is away for a moment is asked again in time.
            with suppress(errors.PenstockError):
                await self._tell()

    async def _tell(self) -> None:
        if self._waiting:
            async with self._db.control.transaction() as conn:
                await feeds.watch(conn, sorted(self._waiting), _WATCH)

    def _hear(self, payload: str) -> None:
        if payload.isdigit():
            for event in self._waiting.get(int(payload), ()):
                event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
