"""Deferring, stopping, counting and forgetting runs, without a worker."""

from __future__ import annotations

import asyncio

import pytest

from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.jobs import RunState
from penstock.kit.jobs.queue import clean
from tests.kit.jobs.conftest import NOTE, Note, defer, look

pytestmark = pytest.mark.anyio


async def test_a_run_exists_only_if_its_transaction_commits(ctx: Context) -> None:
    with pytest.raises(errors.NotFound):
        async with ctx.db.control.transaction() as conn:
            lost = await jobs.defer(conn, NOTE, Note("lost"))
            raise errors.NotFound
    async with ctx.db.control.transaction() as conn:
        assert await jobs.find(conn, lost) is None
    kept = await look(ctx, await defer(ctx, text="kept", org_id=7))
    assert (kept.state, kept.attempts, kept.org_id, kept.error) == (RunState.TODO, 0, 7, None)


async def test_a_key_joins_what_waits(ctx: Context) -> None:
    first = await defer(ctx, key="a", delay=60)
    assert await defer(ctx, key="a") == first
    assert await defer(ctx, key="b") != first
    assert await defer(ctx) != await defer(ctx)
    async with ctx.db.control.transaction() as conn:
        due = await conn.value("SELECT due_at <= now() FROM penstock.job_runs WHERE id = $1", first)
    assert due, "the earlier instant of the two holds"


async def test_one_key_from_many_at_once(ctx: Context) -> None:
    assert len(set(await asyncio.gather(*(defer(ctx, key="same") for _ in range(20))))) == 1


async def test_what_waits_is_cancelled_at_once(ctx: Context) -> None:
    run_id = await defer(ctx, org_id=1)
    async with ctx.db.control.transaction() as conn:
        assert await jobs.cancel(conn, run_id, org_id=2) is None
        assert await jobs.cancel(conn, run_id, org_id=1) is RunState.CANCELLED
        assert await jobs.cancel(conn, run_id, org_id=1) is None
    assert (await look(ctx, run_id)).finished_at is not None


async def test_a_run_is_seen_by_its_org_only(ctx: Context) -> None:
    run_id = await defer(ctx, org_id=1)
    async with ctx.db.control.transaction() as conn:
        assert await jobs.find(conn, run_id, org_id=2) is None
        assert await jobs.find(conn, run_id, org_id=1) is not None


async def test_counts_survive_cleaning(ctx: Context) -> None:
    for _ in range(3):
        run_id = await defer(ctx)
        async with ctx.db.control.transaction() as conn:
            await jobs.cancel(conn, run_id)
    waiting = await defer(ctx)
    expected = {(NOTE.name, RunState.CANCELLED): 3, (NOTE.name, RunState.TODO): 1}
    async with ctx.db.control.transaction() as conn:
        assert await jobs.counts(conn) == expected
    async with ctx.db.control.transaction() as conn:
        assert await clean(conn, keep=3600, keep_failed=3600) == 0
        assert await clean(conn, keep=0, keep_failed=3600, most=2) == 2
        assert await clean(conn, keep=0, keep_failed=3600) == 1
        assert await jobs.counts(conn) == expected
    assert (await look(ctx, waiting)).state is RunState.TODO


async def test_failures_are_kept_longer(ctx: Context) -> None:
    run_id = await defer(ctx)
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "UPDATE penstock.job_runs SET state = 'failed', finished_at = now() - interval '1 minute'"
        )
        assert await clean(conn, keep=10, keep_failed=3600) == 0
        assert await clean(conn, keep=10, keep_failed=30) == 1
        assert await jobs.find(conn, run_id) is None
