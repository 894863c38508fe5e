"""Connections kept at hand with the statements prepared on them.

Taking a connection out of the driver's pool and giving it back costs as much as running a short statement; a
connection on the shelf costs nothing. Opening, counting and closing them is still the driver's pool's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg

from penstock.kit import errors

_PATIENCE = 15.0  # seconds to wait for a connection
_MOST_STATEMENTS = 300
_IDLE = 60.0  # seconds after which a connection goes back to the driver's pool, which closes it in time


class Kept:
    """A connection and its prepared statements."""

    __slots__ = ("_statements", "raw", "since")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.since = 0.0
        self._statements: dict[str, Any] = {}

    async def row(self, sql: str, values: Sequence[Any]) -> asyncpg.Record | None:
        """The first row of a statement that is prepared once."""
        statement = self._statements.get(sql)
        if statement is None:
            if len(self._statements) >= _MOST_STATEMENTS:
                self._statements.clear()
            statement = self._statements[sql] = await self.raw.prepare(sql)
        try:
            return await statement.fetchrow(*values)
        except asyncpg.InvalidCachedStatementError:
            # The table has changed since. Nothing has run yet, and the driver prepares it anew.
            self._statements.clear()
            return await self.raw.fetchrow(sql, *values)

    @property
    def is_sound(self) -> bool:
        """False once the server or the driver has closed it."""
        try:
            return not self.raw.is_closed()
        except asyncpg.InterfaceError:
            return False


class Shelf:
    """The connections of a pool that nobody uses right now, the one used last on top."""

    def __init__(self, pool: Any, size: int) -> None:
        """`size` is the most that `pool` opens."""
        self._pool = pool
        self._free = size
        self._idle: list[Kept] = []
        self._waiting: deque[asyncio.Future[Kept | None]] = deque()
        self._closed = False
        self._tidying: asyncio.Task[None] | None = None

    async def take(self) -> Kept:
        """Raises `Unavailable` when none comes free in time, and what the driver raises when it cannot connect."""
        while True:
            kept = self._idle.pop() if self._idle else await self._next()
            if kept is None:
                continue
            if kept.is_sound:
                return kept
            await self.drop(kept)

    async def give(self, kept: Kept) -> None:
        """Back from who has ended its transaction in order."""
        if self._closed:
            await self.drop(kept)
        elif not self._hand_over(kept):
            kept.since = monotonic()
            self._idle.append(kept)
            if self._tidying is None:
                self._tidying = asyncio.create_task(self._tidy())

    async def drop(self, kept: Kept) -> None:
        """Back to the driver's pool, which looks whether it is still good."""
        try:
            await self._pool.release(kept.raw)
        finally:
            self._free += 1
            self._hand_over(None)

    async def close(self) -> None:
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
            with suppress(asyncio.CancelledError):
                await self._tidying
        while self._idle:
            await self.drop(self._idle.pop())

    async def _next(self) -> Kept | None:
        """A connection of the driver's pool or from who gives one back; None when it is worth looking again."""
        if self._free:
            self._free -= 1
            try:
                return Kept(await self._pool.acquire(timeout=_PATIENCE))
            except BaseException:
                self._free += 1
                self._hand_over(None)
                raise
        turn: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await asyncio.wait_for(turn, _PATIENCE)
        except BaseException as error:
            # It may have come in the moment of giving up; then it is the next one's.
            if turn.done() and not turn.cancelled() and (kept := turn.result()) is not None:
                await self.give(kept)
            if isinstance(error, TimeoutError):
                raise errors.Unavailable(
                    "Every connection to the database is busy; try again shortly."
                ) from error
            raise

    def _hand_over(self, kept: Kept | None) -> bool:
        """To who has waited longest, if anyone does."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(kept)
                return True
        return False

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_IDLE)
            while self._idle and self._idle[0].since < monotonic() - _IDLE:
                await self.drop(self._idle.pop(0))
