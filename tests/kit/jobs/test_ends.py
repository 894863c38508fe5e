"""Ends that are written together: all of them, whatever is wrong with one."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Run, RunState
from penstock.kit.jobs.ends import End, Ends
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import NOTE, Note, defer, look, working

pytestmark = pytest.mark.anyio


async def test_a_result_that_cannot_be_stored_fails_its_run_alone(
    ctx: Context, database: TestDatabase
) -> None:
    results: dict[str, Any] = {"fine": {"a": 1}, "nul": "a\0b", "object": object()}

    async def give(_: Context, run: Run[Note]) -> Any:
        return results[run.payload.text]

    ids = {text: await defer(ctx, text=text) for text in (*results, "fine")}
    async with working(database, [Handler(NOTE, give)]):
        async with asyncio.timeout(10):
            while not all([(await look(ctx, one)).finished_at for one in ids.values()]):
                await asyncio.sleep(0.02)
    found = {text: await look(ctx, one) for text, one in ids.items()}
    assert (found["fine"].state, found["fine"].result) == (RunState.SUCCEEDED, {"a": 1})
    for text in ("nul", "object"):
        assert (found[text].state, found[text].result) == (RunState.FAILED, None)
        assert "cannot be stored" in str(found[text].error)


async def test_only_who_holds_an_attempt_ends_it(ctx: Context) -> None:
    worker, other = uuid4(), uuid4()
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "INSERT INTO penstock.job_workers (id, name, concurrency) VALUES ($1, 'a', 1)", worker
        )
        ids = [
            await conn.value(
                "INSERT INTO penstock.job_runs (job, payload, most_attempts, due_at, state, worker, attempts) "
                "VALUES ('test.note', '{}', 5, now(), 'doing', $1, 2) RETURNING id",
                worker,
            )
            for _ in range(5)
        ]
    ends = Ends(ctx.db.control)
    tries = [
        End(ids[0], worker, 2, RunState.SUCCEEDED, result='{"x": 1}'),
        End(ids[1], other, 2, RunState.SUCCEEDED),  # never had it
        End(ids[2], worker, 1, RunState.SUCCEEDED),  # had it once, and was given up
        End(ids[3], worker, 2, RunState.TODO, "again", delay=60.0),
        End(ids[4], worker, 2, RunState.TODO, uncounted=True),
    ]
    written = await asyncio.gather(*(ends.write(one, lambda: False) for one in tries))
    assert written == [True, False, False, True, True]
    views = [await look(ctx, one) for one in ids]
    assert [one.state for one in views] == ["succeeded", "doing", "doing", "todo", "todo"]
    assert views[0].result == {"x": 1}
    assert views[3].error == "again"
    async with ctx.db.control.transaction() as conn:
        most = await conn.rows(
            "SELECT most_attempts FROM penstock.job_runs WHERE id = ANY ($1) ORDER BY id", ids
        )
    assert [row["most_attempts"] for row in most] == [5, 5, 5, 5, 6]
    # The same again writes nothing.
    assert await asyncio.gather(*(ends.write(one, lambda: False) for one in tries)) == [False] * 5


async def test_an_end_that_nobody_wants_is_not_tried(ctx: Context) -> None:
    assert not await Ends(ctx.db.control).write(End(1, uuid4(), 1, RunState.SUCCEEDED), lambda: True)
