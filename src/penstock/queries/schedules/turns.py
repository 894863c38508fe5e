"""Background: taking the turns of scheduled queries, each as the query's owner with what they may do by then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, Nothing
from penstock.queries.alerts.service import ask_for_alerts
from penstock.queries.saved import SavedQuery
from penstock.queries.schedules import store
from penstock.queries.schedules.planning import TURN, Turn, call
from penstock.queries.schedules.rule import Rule, following, pause, rule_of
from penstock.queries.schedules.store import Plan
from penstock.queries.service.asking import Ready, ready, start
from penstock.queries.service.owning import NoLonger, recall, require_runnable
from penstock.queries.store import saved

_BUSY: Final = timedelta(seconds=30)
_FORSAKEN: Final = 120.0  # seconds
_LOOK: Final = 300.0
_MOST: Final = 1000
_REFUSED: Final = (errors.BadRequest, errors.Forbidden, errors.NotFound, errors.Conflict)


async def take_turn(ctx: Context, run: Run[Turn]) -> None:
    """Run the query if it is its turn. The run, the next turn and the end of this one are written together."""
    query_id, now = run.payload.query_id, clock.now()
    async with ctx.db.control.transaction() as conn:
        plan = await store.find(conn, query_id)
        query = plan and await saved.find_query(conn, plan.org_id, query_id=query_id)
    if plan is None or plan.next_at is None or query is None:
        return
    rule = rule_of(query.schedule)
    if rule is None or not await _is_due(ctx, plan, rule, now):
        return
    # A run that ended well ends the row of failures.
    failures = plan.failures if plan.run_id is None else 0
    try:
        wanted = await _as_owner(ctx, query)
    except NoLonger as error:
        # It does not run again until somebody sees to it.
        await _note(ctx, plan, None, attempted_at=now, failures=failures + 1, error=str(error))
    except _REFUSED as error:
        at = _later(rule, now, failures + 1)
        await _note(ctx, plan, at, attempted_at=now, failures=failures + 1, error=error.message)
    else:
        if await _begin(ctx, run, plan, wanted, following(rule, now), now, failures):
            await ask_for_alerts(ctx, query, wanted)


async def _is_due(ctx: Context, plan: Plan, rule: Rule, now: datetime) -> bool:
    """False when there is nothing to do yet, or no more; then the next turn is arranged."""
    assert plan.next_at is not None
    if plan.next_at > now:
        async with ctx.db.control.transaction() as conn:
            await call(conn, plan.query_id, plan.org_id, plan.next_at)
    elif rule.end is not None and rule.end <= now:
        async with ctx.db.control.transaction() as conn:
            await store.clear(conn, plan.query_id)
    elif plan.is_running:
        # One at a time, and the next as soon as that one is over.
        await _note(ctx, plan, now + _BUSY, failures=plan.failures, error=plan.error, run_id=plan.run_id)
    elif plan.failed:
        failures = plan.failures + 1
        await _note(ctx, plan, now + pause(failures), failures=failures, error=plan.run_error)
    else:
        return True
    return False


async def _note(
    ctx: Context,
    plan: Plan,
    next_at: datetime | None,
    *,
    failures: int,
    error: str | None,
    attempted_at: datetime | None = None,
    run_id: int | None = None,
) -> None:
    async with ctx.db.control.transaction() as conn:
        if not await _still(conn, plan):
            return
        await store.note(
            conn,
            plan.query_id,
            next_at,
            attempted_at=attempted_at,
            failures=failures,
            error=error,
            run_id=run_id,
        )
        if next_at is not None:
            await call(conn, plan.query_id, plan.org_id, next_at)


async def _begin(
    ctx: Context,
    run: Run[Turn],
    plan: Plan,
    wanted: Ready,
    next_at: datetime | None,
    now: datetime,
    failures: int,
) -> bool:
    """False when the turn is no longer ours."""
    async with ctx.db.control.transaction() as conn:
        if not await _still(conn, plan):
            return False
        run_id = await start(conn, wanted, plan.query_id, join=True)
        error = plan.error if failures else None
        await store.note(
            conn, plan.query_id, next_at, attempted_at=now, failures=failures, error=error, run_id=run_id
        )
        if next_at is not None:
            await call(conn, plan.query_id, plan.org_id, next_at)
        await run.succeed(conn)
    return True


async def _still(conn: Connection, plan: Plan) -> bool:
    """False when somebody has planned anew meanwhile; the turn then is theirs. Locked until the transaction ends."""
    known = await store.find(conn, plan.query_id, lock=True)
    return known is not None and known.next_at == plan.next_at


def _later(rule: Rule, now: datetime, failures: int) -> datetime | None:
    at = following(rule, now)
    return None if at is None else at + pause(failures)


async def _as_owner(ctx: Context, query: SavedQuery) -> Ready:
    """The query with its own values. Raises `NoLonger`, and `BadRequest` for what cannot be run as it is."""
    owner = await recall(ctx, query.org_id, query.user_id, query.key_id)
    await require_runnable(ctx, owner, query)
    return await ready(ctx, owner, query.request(query.defaults))


async def call_forsaken(ctx: Context, run: Run[Nothing]) -> int:
    """Turns that nobody took: their runs were given up, or lost with a backup."""
    async with ctx.db.control.transaction() as conn:
        found = await store.forsaken(conn, _FORSAKEN, _MOST)
        for query_id, org_id in found:
            await call(conn, query_id, org_id, clock.now())
    return len(found)


CALL_FORSAKEN: Final = Job("queries.forsaken", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(TURN, take_turn), Handler(CALL_FORSAKEN, call_forsaken))
SCHEDULES = (Schedule(CALL_FORSAKEN, Nothing(), _LOOK),)
