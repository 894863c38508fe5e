"""What came of attempts, written down together: all that ends while one statement runs is in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.kit.jobs.model import RunState
from penstock.kit.jobs.queue import QUERIES
from penstock.kit.jobs.run import Ended, encoded, sentence_of
from penstock.kit.logs import structlog

_PAUSE = 1.0  # seconds, after an error of the database
_MOST = 500  # ends in a statement
# What is worth trying again as it is.
_PASSING = (errors.Transient, errors.Unavailable, errors.Contended, errors.GatewayTimeout)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class End:
    """A row to write: by whom, and what. `state` is `todo` for another attempt, which `uncounted` adds."""

    run: int
    worker: UUID
    attempt: int
    state: RunState
    error: str | None = None
    result: str | None = None
    delay: float = 0.0
    uncounted: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        state = self.state.value
        return (
            *(self.run, self.worker, self.attempt, state),
            *(self.error, self.result, self.delay, self.uncounted),
        )


def end_of(hold: tuple[int, UUID, int], ended: Ended) -> End:
    """The last attempt's end; a result that JSON cannot carry is a failure."""
    try:
        return End(*hold, ended.state, ended.error, encoded(ended.result))
    except Exception as error:
        _log.error("job.fault", run=hold[0], exc_info=error)
        return _unstorable(End(*hold, ended.state))


def _unstorable(end: End) -> End:
    sentence = f"What it returned cannot be stored; the log has the reason (run {end.run})."
    return replace(end, state=RunState.FAILED, error=sentence, result=None)


@dataclass(slots=True)
class _Waiting:
    end: End
    is_lost: Callable[[], bool]
    written: asyncio.Future[bool]


class Ends:
    """Writes ends however long the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, end: End, is_lost: Callable[[], bool]) -> bool:
        """False when others have the run by now; `is_lost` says so early, and ends the trying."""
        waiting = _Waiting(end, is_lost, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await waiting.written

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        while batch := [one for one in batch if not _given_up(one)]:
            try:
                columns = list(zip(*(one.end.values for one in batch), strict=True))
                row = await self._pool.single(QUERIES["settle"], columns, repeatable=False)
            except _PASSING as error:
                _log.warning("job.unwritten", reason=sentence_of(error))
                await asyncio.sleep(_PAUSE)
            except Exception as error:
                # One of them cannot be stored, and must not keep the others.
                if len(batch) == 1:
                    await _mend(batch[0], error)
                else:
                    for one in batch:
                        await self._write([one])
                    return
            else:
                known = set(row["runs"]) if row else set[int]()
                for one in batch:
                    if not one.written.done():
                        one.written.set_result(one.end.run in known)
                return


def _given_up(one: _Waiting) -> bool:
    """True when nobody waits for it any more, or others have the run by now."""
    if one.is_lost() and not one.written.done():
        one.written.set_result(False)
    return one.written.done()


async def _mend(one: _Waiting, error: Exception) -> None:
    _log.error("job.fault", run=one.end.run, exc_info=error)
    if one.end.result is None:
        await asyncio.sleep(_PAUSE)
    else:
        one.end = _unstorable(one.end)
