"""Workers: every end a run can come to, several at once, and workers that die or fall silent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from typing import Any

import pytest

from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Job, Run, RunState, Schedule
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import LOST_AFTER, NOTE, Note, defer, look, reached, until, working

pytestmark = pytest.mark.anyio
ENDS = (RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED, RunState.CANCELLED)


async def test_a_run_is_done_with_its_payload_and_result(
    ctx: Context, database: TestDatabase, said: list[str]
) -> None:
    async def say(_: Context, run: Run[Note]) -> dict[str, int]:
        said.append(run.payload.text)
        return {"length": len(run.payload.text)}

    before = await defer(ctx, text="before")
    async with working(database, [Handler(NOTE, say)]):
        view = await reached(ctx, before, *ENDS)
        after = await defer(ctx, text="after it started")
        assert (await reached(ctx, after, *ENDS, seconds=1)).state is RunState.SUCCEEDED
    assert (view.state, view.attempts, view.result) == (RunState.SUCCEEDED, 1, {"length": 6})
    assert view.started_at and view.finished_at and view.finished_at >= view.started_at
    assert said == ["before", "after it started"]


async def test_an_org_has_its_share(ctx: Context, database: TestDatabase) -> None:
    job = Job("test.shared", Note, at_once_per_org=2)
    going: Counter[int | None] = Counter()
    most: Counter[int | None] = Counter()

    async def work(_: Context, run: Run[Note]) -> None:
        going[run.org_id] += 1
        most[run.org_id] = max(most[run.org_id], going[run.org_id])
        await asyncio.sleep(0.2)
        going[run.org_id] -= 1

    first = [await defer(ctx, job, org_id=1) for _ in range(6)]
    second = [await defer(ctx, job, org_id=2) for _ in range(2)]
    async with working(database, [Handler(job, work)], concurrency=4):
        for run in second:
            await reached(ctx, run, *ENDS)
        # Who came later did not wait for all of who came first.
        assert (await look(ctx, first[-1])).state is not RunState.SUCCEEDED
        for run in first:
            assert (await reached(ctx, run, *ENDS)).state is RunState.SUCCEEDED
    assert most == {1: 2, 2: 2}


async def test_orgs_take_turns(ctx: Context, database: TestDatabase) -> None:
    """Also where the share of one is all that there is room for."""
    job = Job("test.turns", Note, at_once_per_org=4)
    done: list[int | None] = []

    async def work(_: Context, run: Run[Note]) -> None:
        await asyncio.sleep(0.01)
        done.append(run.org_id)

    async with ctx.db.control.transaction() as conn:
        for org_id in [1] * 30 + [2] * 5 + [3]:
            await jobs.defer(conn, job, Note(), org_id=org_id)
    async with working(database, [Handler(job, work)], concurrency=4):
        await until(lambda: len(done) == 36)
    # In the order of arrival these would be the last six. Ends are written some time after places are free, so
    # that the turns are not exact.
    assert done.index(3) < 10
    assert done[:25].count(2) == 5


async def test_many_of_one_job_do_not_hold_up_another(ctx: Context, database: TestDatabase) -> None:
    many, other = Job("test.many", Note), Job("test.other", Note)
    done: list[str] = []

    async def work(_: Context, run: Run[Note]) -> None:
        await asyncio.sleep(0.02)
        done.append(run.payload.text)

    for _ in range(20):
        await defer(ctx, many, text="many")
    last = await defer(ctx, other, text="other")
    async with working(database, [Handler(many, work), Handler(other, work)], concurrency=2):
        await reached(ctx, last, *ENDS)
        await until(lambda: len(done) == 21)
    assert "other" in done[:3]


async def test_a_delay_is_kept_to_the_moment(ctx: Context, database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        pass

    async with working(database, [Handler(NOTE, nothing)], lost_after=60):
        run_id = await defer(ctx, delay=0.4)
        view = await reached(ctx, run_id, *ENDS)
    assert view.started_at and 0.4 <= (view.started_at - view.created_at).total_seconds() < 5


@pytest.mark.parametrize(
    ("error", "attempts", "sentence"),
    [
        (errors.Transient("The other side is away."), 3, "The other side is away."),
        (errors.Unavailable("No database."), 3, "No database."),
        (errors.Terminal("There is no such table."), 1, "There is no such table."),
        (errors.BadRequest("That cannot be read."), 1, "That cannot be read."),
        (ZeroDivisionError("secret"), 3, "the log has the reason"),
        (TimeoutError("of its own"), 3, "the log has the reason"),
        (errors.Internal("secret"), 3, "the log has the reason"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_errors(
    ctx: Context, database: TestDatabase, error: Exception, attempts: int, sentence: str
) -> None:
    job = Job("test.fails", Note, attempts=3, first_delay=0.02)

    async def fail(_: Context, run: Run[Note]) -> None:
        assert run.last == (run.attempt == 3)
        raise error

    async with working(database, [Handler(job, fail)]):
        view = await reached(ctx, await defer(ctx, job), *ENDS)
    assert (view.state, view.attempts) == (RunState.FAILED, attempts)
    assert view.error and sentence in view.error and "secret" not in view.error


async def test_a_later_attempt_may_succeed(ctx: Context, database: TestDatabase) -> None:
    async def third_time(_: Context, run: Run[Note]) -> None:
        if run.attempt < 3:
            raise errors.Transient

    async with working(database, [Handler(NOTE, third_time)]):
        view = await reached(ctx, await defer(ctx), *ENDS)
    assert (view.state, view.attempts, view.error) == (RunState.SUCCEEDED, 3, None)


async def test_the_time_limit(ctx: Context, database: TestDatabase) -> None:
    job = Job("test.slow", Note, attempts=2, time_limit=0.1, first_delay=0.02)

    async def sleep(_: Context, run: Run[Note]) -> None:
        await asyncio.sleep(30)

    async with working(database, [Handler(job, sleep)]):
        view = await reached(ctx, await defer(ctx, job), *ENDS)
    assert (view.state, view.attempts, view.error) == (
        RunState.FAILED,
        2,
        "It took longer than its 0.1 seconds.",
    )


async def test_a_payload_of_another_release(ctx: Context, database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        pass

    run_id = await defer(ctx)
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.job_runs SET payload = '[1]'::text::jsonb")
    async with working(database, [Handler(NOTE, nothing)]):
        view = await reached(ctx, run_id, *ENDS)
    assert view.state is RunState.FAILED and "does not fit" in (view.error or "")


async def test_jobs_of_another_release_wait(ctx: Context, database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        pass

    strange = await defer(ctx, Job("test.unheard_of", Note))
    known = await defer(ctx)
    async with working(database, [Handler(NOTE, nothing)]):
        await reached(ctx, known, *ENDS)
    assert (await look(ctx, strange)).state is RunState.TODO


async def test_progress_and_stopping(ctx: Context, database: TestDatabase) -> None:
    ended = asyncio.Event()

    async def count(_: Context, run: Run[Note]) -> None:
        try:
            await run.progress(3, 10)
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with working(database, [Handler(NOTE, count)]):
        run_id = await defer(ctx)
        await reached(ctx, run_id, RunState.DOING)
        await until(lambda: _has_progress(ctx, run_id))
        view = await look(ctx, run_id)
        assert (view.done, view.total) == (3, 10)
        async with ctx.db.control.transaction() as conn:
            assert await jobs.cancel(conn, run_id) is RunState.DOING
        assert (await reached(ctx, run_id, *ENDS, seconds=2)).state is RunState.ABORTED
    assert ended.is_set()


async def _has_progress(ctx: Context, run_id: int) -> bool:
    return (await look(ctx, run_id)).done is not None


async def test_a_stop_that_nobody_heard(ctx: Context, database: TestDatabase) -> None:
    async def sleep(_: Context, run: Run[Note]) -> None:
        await asyncio.sleep(60)

    async with working(database, [Handler(NOTE, sleep)]):
        run_id = await defer(ctx)
        await reached(ctx, run_id, RunState.DOING)
        async with ctx.db.control.transaction() as conn:
            await conn.execute("UPDATE penstock.job_runs SET stop_requested = true")
        assert (await reached(ctx, run_id, *ENDS, seconds=LOST_AFTER * 2)).state is RunState.ABORTED


async def test_an_end_in_the_transaction_of_the_work(ctx: Context, database: TestDatabase) -> None:
    async with ctx.db.control.transaction() as conn:
        await conn.execute("CREATE TABLE penstock.done_once (attempt int)")

    async def work(ctx: Context, run: Run[Note]) -> None:
        async with ctx.db.control.transaction() as conn:
            await conn.execute("INSERT INTO penstock.done_once VALUES ($1)", run.attempt)
            await run.succeed(conn, "kept")
            if run.attempt == 1:
                raise errors.Transient

    async with working(database, [Handler(NOTE, work)]):
        view = await reached(ctx, await defer(ctx), *ENDS)
    assert (view.state, view.attempts, view.result) == (RunState.SUCCEEDED, 2, "kept")
    async with ctx.db.control.transaction() as conn:
        assert [row[0] for row in await conn.rows("SELECT attempt FROM penstock.done_once")] == [2]


async def test_each_run_goes_to_one_of_many_workers(
    ctx: Context, database: TestDatabase, said: list[str]
) -> None:
    async def say(_: Context, run: Run[Note]) -> None:
        said.append(run.payload.text)

    async with working(database, [Handler(NOTE, say)]), working(database, [Handler(NOTE, say)]):
        async with ctx.db.control.transaction() as conn:
            for number in range(300):
                await jobs.defer(conn, NOTE, Note(str(number)))
        await until(lambda: len(said) >= 300)
        await asyncio.sleep(0.2)
    assert Counter(said) == {str(number): 1 for number in range(300)}


async def test_limits_hold_across_workers(ctx: Context, database: TestDatabase) -> None:
    job = Job("test.narrow", Note, at_once=2)
    now = most = done = 0

    async def work(_: Context, run: Run[Note]) -> None:
        nonlocal now, most, done
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        done += 1

    for _ in range(40):
        await defer(ctx, job)
    async with working(database, [Handler(job, work)]), working(database, [Handler(job, work)]):
        await until(lambda: done == 40)
    assert most == 2


async def test_stopping_waits_and_then_hands_back(ctx: Context, database: TestDatabase) -> None:
    short, long = Job("test.short", Note), Job("test.long", Note)
    started = asyncio.Event()

    async def finish(_: Context, run: Run[Note]) -> None:
        await asyncio.sleep(0.2)

    async def sleep(_: Context, run: Run[Note]) -> None:
        started.set()
        await asyncio.sleep(60)

    async with working(database, [Handler(short, finish), Handler(long, sleep)], patience=1):
        quick, slow = await defer(ctx, short), await defer(ctx, long)
        await started.wait()
        await reached(ctx, quick, RunState.DOING, RunState.SUCCEEDED)
    assert (await look(ctx, quick)).state is RunState.SUCCEEDED
    assert (await look(ctx, slow)).state is RunState.TODO
    async with working(database, [Handler(long, finish)]):
        assert (await reached(ctx, slow, *ENDS)).state is RunState.SUCCEEDED
    async with ctx.db.control.transaction() as conn:
        assert await conn.value("SELECT count(*) FROM penstock.job_workers") == 0


async def test_a_silent_worker_loses_its_runs_and_its_say(ctx: Context, database: TestDatabase) -> None:
    """Its loop stands still, as under a debugger: others take over, and its end does not count."""
    first_has_it, let_go = asyncio.Event(), asyncio.Event()

    async def deaf(_: Context, run: Run[Note]) -> str:
        first_has_it.set()
        # A handler that does not listen.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(let_go.wait())
        return "the first"

    async def quick(_: Context, run: Run[Note]) -> str:
        return f"the second, attempt {run.attempt}"

    async with working(database, [Handler(NOTE, deaf)]) as silent:
        run_id = await defer(ctx)
        await first_has_it.wait()
        silent._known = True
        beat = silent._beat

        async def hush() -> None:
            await let_go.wait()
            await beat()

        silent._beat = hush  # type: ignore[method-assign]
        async with working(database, [Handler(NOTE, quick)]):
            view = await reached(ctx, run_id, *ENDS)
            assert view.result == "the second, attempt 2"
            let_go.set()
            await asyncio.sleep(LOST_AFTER)
        assert (await look(ctx, run_id)).result == "the second, attempt 2"
        again = await defer(ctx)
        assert (await reached(ctx, again, *ENDS)).result == "the first", "it works on under a new name"


async def test_a_run_that_kills_its_workers_fails_in_the_end(ctx: Context, database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        raise AssertionError("no attempt is left")

    run_id = await defer(ctx, Job(NOTE.name, Note, attempts=2))
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "UPDATE penstock.job_runs SET state = 'doing', attempts = 2, worker = gen_random_uuid()"
        )
    async with working(database, [Handler(NOTE, nothing)]):
        view = await reached(ctx, run_id, *ENDS)
    assert (view.state, view.error) == (RunState.FAILED, "The worker died in the middle of attempt 2.")


async def test_a_claim_whose_answer_was_lost(ctx: Context, database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        pass

    async with working(database, [Handler(NOTE, nothing)]) as worker:
        await until(lambda: worker._known)
        async with ctx.db.control.transaction() as conn:
            run_id = await jobs.defer(conn, NOTE, Note())
            await conn.execute(
                "UPDATE penstock.job_runs SET state = 'doing', attempts = 1, worker = $1", worker._id
            )
        assert (await reached(ctx, run_id, *ENDS)).state is RunState.SUCCEEDED


async def test_a_database_that_goes_away(ctx: Context, database: TestDatabase) -> None:
    """Connections are ended in the middle of an attempt: its end is written when they are back."""
    going, gone = asyncio.Event(), asyncio.Event()

    async def work(_: Context, run: Run[Note]) -> str:
        going.set()
        await gone.wait()
        return "done"

    async with working(database, [Handler(NOTE, work)], lost_after=6):
        run_id = await defer(ctx)
        await going.wait()
        await _end_connections(database)
        gone.set()
        # This test's own connections are gone, too.
        with contextlib.suppress(errors.Unavailable):
            await look(ctx, run_id)
        view = await reached(ctx, run_id, *ENDS)
    assert (view.result, view.attempts) == ("done", 1)


async def _end_connections(database: TestDatabase) -> None:
    from penstock.server.logins import connected

    async with connected(database.account.direct) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_schedules(ctx: Context, database: TestDatabase, said: list[str]) -> None:
    async def say(_: Context, run: Run[Note]) -> None:
        said.append(run.payload.text)

    options: dict[str, Any] = {"schedules": [Schedule(NOTE, Note("tick"), 1.0)], "lost_after": 0.6}
    async with (
        working(database, [Handler(NOTE, say)], **options),
        working(database, [Handler(NOTE, say)], **options),
    ):
        await until(lambda: len(said) >= 3)
        async with ctx.db.control.transaction() as conn:
            started = await conn.rows("SELECT created_at FROM penstock.job_runs ORDER BY id")
    moments = [row["created_at"] for row in started]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
    assert all(gap >= 0.9 for gap in gaps), "two workers, one clock"


async def test_a_fault_of_the_worker_itself_is_not_silent(database: TestDatabase) -> None:
    async def nothing(_: Context, run: Run[Note]) -> None:
        pass

    async def broken() -> None:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        async with working(database, [Handler(NOTE, nothing)]) as worker:
            worker._beat = broken  # type: ignore[method-assign]
            worker._known = False
            await asyncio.sleep(LOST_AFTER)
