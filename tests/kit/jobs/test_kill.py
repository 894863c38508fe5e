"""kill -9 of workers in the middle of their runs: each run is taken up again, and comes to an honest end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from penstock.kit.context import Context
from penstock.kit.jobs import Job, RunState
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import NOTE, Note, defer, look, reached, until

pytestmark = pytest.mark.anyio


@contextmanager
def processes(database: TestDatabase, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "tests.kit.jobs.process", database.logins.dump()]
    started = [subprocess.Popen([*command, database.keys.encryption.print()]) for _ in range(number)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture
async def notes(ctx: Context) -> None:
    async with ctx.db.control.transaction() as conn:
        for table in (
            "attempts (run bigint, attempt int)",
            "finished (run bigint, attempt int)",
            "go (x int)",
        ):
            await conn.execute(f"CREATE TABLE penstock.{table}")


async def count(ctx: Context, table: str) -> int:
    async with ctx.db.control.transaction() as conn:
        return await conn.value(f"SELECT count(*) FROM penstock.{table}")


async def go(ctx: Context) -> None:
    async with ctx.db.control.transaction() as conn:
        await conn.execute("INSERT INTO penstock.go VALUES (1)")


@pytest.mark.usefixtures("notes")
async def test_all_workers_are_killed_and_one_comes_later(ctx: Context, database: TestDatabase) -> None:
    runs = [await defer(ctx) for _ in range(3)]
    with processes(database, 2) as first:
        await until(lambda: _at_least(ctx, "attempts", 3))
        for process in first:
            process.kill()
            process.wait()
    assert {(await look(ctx, run)).state for run in runs} == {RunState.DOING}
    await go(ctx)
    with processes(database, 1):
        for run in runs:
            view = await reached(ctx, run, RunState.SUCCEEDED, RunState.FAILED)
            assert (view.state, view.attempts) == (RunState.SUCCEEDED, 2)
    assert await count(ctx, "attempts") == 6 and await count(ctx, "finished") == 3


@pytest.mark.usefixtures("notes")
async def test_a_neighbour_takes_over(ctx: Context, database: TestDatabase) -> None:
    with processes(database, 2) as both:
        run = await defer(ctx)
        await until(lambda: _at_least(ctx, "attempts", 1))
        async with ctx.db.control.transaction() as conn:
            name = await conn.value(
                "SELECT w.name FROM penstock.job_runs r JOIN penstock.job_workers w ON w.id = r.worker"
            )
        next(process for process in both if name.endswith(f":{process.pid}")).kill()
        await until(lambda: _at_least(ctx, "attempts", 2))
        await go(ctx)
        assert (await reached(ctx, run, RunState.SUCCEEDED)).attempts == 2


@pytest.mark.usefixtures("notes")
async def test_the_last_attempt_dies(ctx: Context, database: TestDatabase) -> None:
    run = await defer(ctx, Job(NOTE.name, Note, attempts=1))
    with processes(database, 1) as only:
        await until(lambda: _at_least(ctx, "attempts", 1))
        only[0].kill()
    with processes(database, 1):
        view = await reached(ctx, run, RunState.FAILED)
    assert view.error == "The worker died in the middle of attempt 1." and view.finished_at


@pytest.mark.usefixtures("notes")
async def test_a_terminated_worker_hands_back_at_once(ctx: Context, database: TestDatabase) -> None:
    run = await defer(ctx, Job(NOTE.name, Note, attempts=1))
    with processes(database, 1) as only:
        await until(lambda: _at_least(ctx, "attempts", 1))
        only[0].terminate()
        assert await asyncio.to_thread(only[0].wait, 20) == 0
        assert (await look(ctx, run)).state is RunState.TODO
    await go(ctx)
    with processes(database, 1):
        assert (await reached(ctx, run, RunState.SUCCEEDED)).attempts == 2


async def _at_least(ctx: Context, table: str, number: int) -> bool:
    return await count(ctx, table) >= number
