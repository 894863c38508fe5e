"""Deleting what is no longer needed, a piece at a time, so that nobody waits for it; old runs among it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs.model import Handler, Job, Schedule
from penstock.kit.jobs.queue import clean
from penstock.kit.jobs.run import Run
from penstock.kit.jobs.settings import JobsSettings

HOUR: Final = 3600.0
_DAY: Final = 86_400.0
PIECE: Final = 5000  # rows


class Nothing(msgspec.Struct):
    """The payload of jobs that need none."""


async def in_pieces(ctx: Context, remove: Callable[[Connection], Awaitable[int]]) -> int:
    """Call `remove` until it takes away less than a piece, each time in a transaction of its own."""
    total = 0
    while True:
        async with ctx.db.control.transaction() as conn:
            removed = await remove(conn)
        total += removed
        if removed < PIECE:
            return total


async def forget_runs(ctx: Context, run: Run[Nothing]) -> int:
    settings = ctx.settings(JobsSettings)
    keep, keep_failed = settings.job_days * _DAY, settings.failed_job_days * _DAY
    return await in_pieces(
        ctx, lambda conn: clean(conn, keep=min(keep, keep_failed), keep_failed=keep_failed, most=PIECE)
    )


FORGET_RUNS = Job("jobs.forget", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(FORGET_RUNS, forget_runs),)
SCHEDULES = (Schedule(FORGET_RUNS, Nothing(), HOUR),)
