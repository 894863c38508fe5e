"""Runs of queries: what the queue is given, and waiting for the end of one."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from datetime import datetime
from typing import Final

import msgspec

from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.jobs import Job, RunState, RunView
from penstock.queries.run.request import QueryRequest

# Heard when the run with this id has made its result.
ENDED_CHANNEL: Final = "penstock_query_ended"
_LOOK: Final = 0.5  # seconds; a notification comes first, as a rule


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, and by whom: what they may do is looked up again when it runs."""

    request: QueryRequest
    user_id: int | None
    key_id: int | None
    query_id: int | None
    # When: days such as `d_yesterday` are those of that moment.
    at: datetime | None = None


# Its own time limit ends a query long before.
RUN_QUERY: Final = Job(
    "queries.run", Asked, attempts=2, time_limit=86_400.0, at_once_per_org=4, first_delay=0.2
)


class Endings:
    """Who waits in this process for the end of a run."""

    def __init__(self, ctx: Context) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        ctx.listener.subscribe(ENDED_CHANNEL, self._hear)

    def _hear(self, payload: str) -> None:
        if payload.isdigit():
            for event in self._waiting.get(int(payload), ()):
                event.set()

    async def wait(self, run_id: int, seconds: float) -> None:
        """Until it ends, or so many seconds have gone by, whichever is first."""
        event = asyncio.Event()
        self._waiting[run_id].add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting[run_id].discard(event)
            if not self._waiting[run_id]:
                del self._waiting[run_id]


async def ended(ctx: Context, org_id: int, run_id: int, seconds: float) -> RunView:
    """The run at its end, or as it stands after so many seconds."""
    until = time.monotonic() + seconds
    pause = 0.02
    while True:
        async with ctx.db.control.transaction() as conn:
            view = await jobs.find(conn, run_id, org_id=org_id)
        if view is None:
            raise errors.NotFound("Job not found.")
        left = until - time.monotonic()
        if view.finished_at is not None or left <= 0:
            return view
        await ctx.get(Endings).wait(run_id, min(pause, left))
        pause = min(pause * 2, _LOOK)


def result_of(view: RunView) -> int | None:
    """The result that a run has made."""
    if view.state is not RunState.SUCCEEDED or view.result is None:
        return None
    found: dict[str, int] = view.result
    return found.get("query_result_id")
