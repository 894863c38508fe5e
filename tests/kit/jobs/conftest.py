"""Workers of tests: quick to give up silent ones, and stopped when the test ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from penstock.kit import jobs
from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Job, RunState, RunView, Worker
from penstock.server.worker import build_context, close_context, open_context
from tests.databases import TestDatabase

LOST_AFTER = 1.5


class Note(msgspec.Struct):
    """What the jobs of these tests are given."""

    text: str = ""


NOTE = Job("test.note", Note, first_delay=0.05, longest_delay=0.1)


@asynccontextmanager
async def working(
    database: TestDatabase, handlers: Sequence[Handler[Any]], *, patience: float = 5, **options: Any
) -> AsyncIterator[Worker]:
    """A worker on handles of its own, as another process would have."""
    context = build_context(database.logins, database.keys, database.settings)
    worker = Worker(context, handlers, **{"lost_after": LOST_AFTER, **options})
    await open_context(context)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop, patience))
    try:
        yield worker
    finally:
        stop.set()
        try:
            await running
        finally:
            await close_context(context)


async def defer(ctx: Context, job: Job[Any] = NOTE, text: str = "", **options: Any) -> int:
    async with ctx.db.control.transaction() as conn:
        return await jobs.defer(conn, job, Note(text), **options)


async def look(ctx: Context, run_id: int) -> RunView:
    async with ctx.db.control.transaction() as conn:
        found = await jobs.find(conn, run_id)
    assert found is not None
    return found


async def reached(ctx: Context, run_id: int, *states: RunState, seconds: float = 20) -> RunView:
    """The run, once it is in one of these states."""
    async with asyncio.timeout(seconds):
        while (view := await look(ctx, run_id)).state not in states:
            await asyncio.sleep(0.02)
    return view


async def until(claim: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            held = claim()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def said() -> list[str]:
    """What a handler was given, in order."""
    return []
