"""Connections kept at hand with the statements prepared on them.

Taking a connection out of the driver's pool and giving it back costs as much as running a short statement; a
connection on the shelf costs nothing. Opening, counting and closing them is still the driver's pool's.

Callers say on whose behalf they act (`act_for`). Nobody may hold all connections, and of those who wait the one who
holds fewest is served first, so that the slow requests of one org do not stop the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any

import asyncpg

from penstock.kit import errors

_PATIENCE = 15.0  # seconds to wait for a connection
_MOST_STATEMENTS = 300
_party: ContextVar[int | None] = ContextVar("party", default=None)
_IDLE = 60.0  # seconds after which a connection goes back to the driver's pool, which closes it in time


def act_for(party: int) -> None:
    """Connections that this task takes from now on are counted for this party (an org's id)."""
    _party.set(party)


class Kept:
    """A connection and its prepared statements; `party` is whom it was lent to."""

    __slots__ = ("_statements", "party", "raw", "since")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.party: int | None = None
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


class _Turn:
    """Somebody who waits for a connection."""

    __slots__ = ("future", "party")

    def __init__(self, party: int | None, future: asyncio.Future[Kept | None]) -> None:
        self.party = party
        self.future = future

    def expire(self) -> None:
        if not self.future.done():
            self.future.set_exception(TimeoutError())


class Shelf:
    """The connections of a pool that nobody uses right now, the one used last on top."""

    def __init__(self, pool: Any, size: int) -> None:
        """`size` is the most that `pool` opens."""
        self._pool = pool
        self._free = size
        self._most = size - max(1, size // 5) if size > 1 else 1
        self._held: dict[int | None, int] = {}
        self._idle: list[Kept] = []
        self._waiting: deque[_Turn] = deque()
        self._closed = False
        self._tidying: asyncio.Task[None] | None = None

    async def take(self) -> Kept:
        """Raises `Unavailable` when none comes free in time, and what the driver raises when it cannot connect."""
        party = _party.get()
        while True:
            if not self._may_take(party):
                kept = await self._wait(party)
            elif self._idle:
                kept = self._idle.pop()
                self._lend(kept, party)
            else:
                kept = await self._next(party)
            if kept is None:
                continue
            if kept.is_sound:
                return kept
            await self.drop(kept)

    async def give(self, kept: Kept) -> None:
        """Back from who has ended its transaction in order."""
        if self._closed:
            await self.drop(kept)
            return
        self._take_back(kept.party)
        if not self._hand_over(kept):
            kept.since = monotonic()
            self._idle.append(kept)
            if self._tidying is None:
                self._tidying = asyncio.create_task(self._tidy())

    async def drop(self, kept: Kept) -> None:
        """Back to the driver's pool, which looks whether it is still good."""
        self._take_back(kept.party)
        await self._discard(kept)

    async def close(self) -> None:
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
            with suppress(asyncio.CancelledError):
                await self._tidying
        while self._idle:
            await self._discard(self._idle.pop())

    async def _discard(self, kept: Kept) -> None:
        try:
            await self._pool.release(kept.raw)
        finally:
            self._free += 1
            self._hand_over(None)

    def _may_take(self, party: int | None) -> bool:
        return party is None or self._held.get(party, 0) < self._most

    def _lend(self, kept: Kept, party: int | None) -> None:
        kept.party = party
        self._held[party] = self._held.get(party, 0) + 1

    def _take_back(self, party: int | None) -> None:
        left = self._held[party] - 1
        if left:
            self._held[party] = left
        else:
            del self._held[party]

    async def _next(self, party: int | None) -> Kept | None:
        """A connection of the driver's pool or from who gives one back; None when it is worth looking again."""
        if not self._free:
            return await self._wait(party)
        self._free -= 1
        # It counts from now on: others of the party must not take one more meanwhile.
        self._held[party] = self._held.get(party, 0) + 1
        try:
            kept = Kept(await self._pool.acquire(timeout=_PATIENCE))
        except BaseException:
            self._free += 1
            self._take_back(party)
            self._hand_over(None)
            raise
        kept.party = party
        return kept

    async def _wait(self, party: int | None) -> Kept | None:
        loop = asyncio.get_running_loop()
        turn = _Turn(party, loop.create_future())
        self._waiting.append(turn)
        # Far cheaper than `wait_for`, and every busy moment has waiting callers.
        alarm = loop.call_later(_PATIENCE, turn.expire)
        try:
            return await turn.future
        except BaseException as error:
            # It may have come in the moment of giving up; then it is the next one's.
            future = turn.future
            given = future.done() and not future.cancelled() and future.exception() is None
            if not given:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            elif (kept := future.result()) is not None:
                await self.give(kept)
            else:
                self._hand_over(None)
            if isinstance(error, TimeoutError):
                raise errors.Unavailable(
                    "Every connection to the database is busy; try again shortly."
                ) from error
            raise
        finally:
            alarm.cancel()

    def _hand_over(self, kept: Kept | None) -> bool:
        """To who waits and holds fewest, of these to who has waited longest, if anyone may have it."""
        chosen: _Turn | None = None
        for turn in self._waiting:
            if turn.future.done() or not self._may_take(turn.party):
                continue
            if chosen is None or self._held.get(turn.party, 0) < self._held.get(chosen.party, 0):
                chosen = turn
        if chosen is None:
            return False
        self._waiting.remove(chosen)
        if kept is not None:
            self._lend(kept, chosen.party)
        chosen.future.set_result(kept)
        return True

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_IDLE)
            while self._idle and self._idle[0].since < monotonic() - _IDLE:
                await self._discard(self._idle.pop(0))
