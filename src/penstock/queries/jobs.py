"""Background: running queries, and forgetting results."""

from __future__ import annotations

import asyncio
from typing import Final

from penstock import identity
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces
from penstock.queries import store
from penstock.queries.alerts import jobs as alerts
from penstock.queries.alerts.jobs import tell_alerts
from penstock.queries.results.reading import ResultFiles
from penstock.queries.schedules import turns
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.making import make
from penstock.queries.service.runs import ENDED_CHANNEL, RUN_QUERY, Asked
from penstock.queries.settings import QueriesSettings
from penstock.queries.store import upstream, usage

_DAY: Final = 86_400.0
_MOST: Final = 500  # results in a piece
# A file is a little older than its row; what has none after so long belongs to a process that died.
_STRAY: Final = 2 * _DAY
_UNUSED: Final = 30 * _DAY


async def run_query(ctx: Context, run: Run[Asked]) -> None:
    asked = run.payload
    org_id = run.org_id
    assert org_id is not None
    principal = await identity.recall(ctx, org_id=org_id, user_id=asked.user_id, key_id=asked.key_id)
    query = await authorized(ctx, principal, asked.request)

    async def ended(conn: Connection, result_id: int) -> None:
        await tell_alerts(conn, org_id, asked, result_id)
        await run.succeed(conn, {"query_result_id": result_id})
        await conn.notify(ENDED_CHANNEL, str(run.id))

    await make(ctx, query, asked.request, asked.query_id, run.progress, ended)


async def forget_results(ctx: Context, run: Run[Nothing]) -> int:
    """Results that are past their days and that no query shows, files that never became results, and old events."""
    objects = ctx.get(ResultFiles).objects
    keep = ctx.settings(QueriesSettings).result_days * _DAY
    total = 0
    while True:
        async with ctx.db.control.transaction() as conn:
            found = await store.forgotten(conn, keep, _MOST)
            await store.drop_results(conn, [number for number, _ in found])
        for _, name in found:
            await asyncio.to_thread(objects.delete, name)
        total += len(found)
        if len(found) < _MOST:
            break
    total += await _forget_upstream(ctx, keep)
    await _forget_strays(ctx)
    days = ctx.settings(QueriesSettings).event_days * _DAY
    return total + await in_pieces(ctx, lambda conn: usage.forget_events(conn, days, PIECE))


async def _forget_upstream(ctx: Context, keep: float) -> int:
    """Rows that another service sent, and queries for it that nobody has used for long."""
    objects = ctx.get(ResultFiles).objects
    total = 0
    while True:
        async with ctx.db.control.transaction() as conn:
            files = await upstream.forgotten(conn, keep, _MOST)
            unused = await upstream.drop_unused(conn, _UNUSED, _MOST)
            if files:
                await store.tell_gone(conn)
        for name in files:
            await asyncio.to_thread(objects.delete, name)
        total += len(files)
        if len(files) < _MOST and unused < _MOST:
            return total


async def _forget_strays(ctx: Context) -> None:
    objects = ctx.get(ResultFiles).objects
    names = await asyncio.to_thread(objects.old, _STRAY)
    for start in range(0, len(names), _MOST):
        piece = names[start : start + _MOST]
        async with ctx.db.control.transaction() as conn:
            known = await store.known_files(conn, piece) | await upstream.known_files(conn, piece)
        for name in piece:
            if name not in known:
                await asyncio.to_thread(objects.delete, name)


FORGET_RESULTS: Final = Job("queries.forget", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (
    Handler(RUN_QUERY, run_query),
    Handler(FORGET_RESULTS, forget_results),
    *turns.HANDLERS,
    *alerts.HANDLERS,
)
SCHEDULES = (Schedule(FORGET_RESULTS, Nothing(), HOUR), *turns.SCHEDULES)
