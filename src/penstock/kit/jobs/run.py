"""A run in the hands of its handler, and what comes of an attempt."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs.model import Handler, RunState
from penstock.kit.jobs.queue import QUERIES
from penstock.kit.logs import structlog

P = TypeVar("P", bound=msgspec.Struct)
_PROGRESS_EVERY = 1.0  # seconds
_LONGEST_SENTENCE = 500
_log = structlog.get_logger()


class Lost(errors.Transient):
    """The run was given to another worker in the meantime, because this one did not answer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an attempt. `again`: it is worth another one."""

    state: RunState
    error: str | None = None
    result: Any = None
    again: bool = False


@dataclass(slots=True)
class Run(Generic[P]):
    """One attempt at a job. It happens at least once: what it does must bear being done again."""

    context: Context
    id: int
    org_id: int | None
    payload: P
    attempt: int
    # No further attempt follows this one.
    last: bool
    worker: UUID
    # Its end is written already, together with its work.
    ended: bool = False
    _told: float = field(default=0.0)

    @property
    def hold(self) -> tuple[int, UUID, int]:
        """What shows that this attempt still holds the run."""
        return self.id, self.worker, self.attempt

    async def progress(self, done: int, total: int | None = None) -> None:
        """Say how far it came; written once a second at most, and at the end of what is counted."""
        now = time.monotonic()
        if now - self._told < _PROGRESS_EVERY and done != total:
            return
        self._told = now
        async with self.context.db.control.transaction() as conn:
            if not await conn.execute(QUERIES["progress"], *self.hold, done, total):
                raise Lost

    async def succeed(self, conn: Connection, result: Any = None) -> None:
        """End the run in the transaction of its work, which then happens exactly once.

        Raises `Lost` when another worker has the run; the transaction must not commit then.
        """
        written = await conn.execute(
            QUERIES["end"], *self.hold, RunState.SUCCEEDED.value, None, encoded(result)
        )
        if not written:
            raise Lost
        self.ended = True


async def attempt(handler: Handler[Any], run: Run[Any]) -> Ended:
    """Run it to its end, whatever that is; only being cancelled goes through."""
    limit = asyncio.timeout(handler.job.time_limit)
    try:
        async with limit:
            return Ended(RunState.SUCCEEDED, result=await handler.run(run.context, run))
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            sentence = f"It took longer than its {handler.job.time_limit:g} seconds."
            return Ended(RunState.FAILED, sentence, again=True)
        return _failed(error, run)


def _failed(error: Exception, run: Run[Any]) -> Ended:
    match error:
        case errors.Internal():
            pass
        case errors.Transient() | errors.Unavailable() | errors.Contended() | errors.Throttled():
            return Ended(RunState.FAILED, sentence_of(error), again=True)
        case errors.GatewayTimeout():
            return Ended(RunState.FAILED, sentence_of(error), again=True)
        case errors.Terminal() | errors.PenstockError():
            # What a request would be refused for does not get better by asking again.
            return Ended(RunState.FAILED, sentence_of(error))
        case _:
            pass
    # A fault of ours: the log has the reason, which may quote what others must not see.
    _log.error("job.fault", run=run.id, attempt=run.attempt, exc_info=error)
    sentence = f"It failed unexpectedly; the log has the reason (run {run.id})."
    return Ended(RunState.FAILED, sentence, again=True)


def encoded(result: Any) -> str | None:
    return None if result is None else msgspec.json.encode(result).decode()


def sentence_of(error: BaseException) -> str:
    text = str(error) or (type(error).__doc__ or type(error).__name__).strip()
    # PostgreSQL holds no NUL in text.
    return text.replace("\0", "")[:_LONGEST_SENTENCE]
