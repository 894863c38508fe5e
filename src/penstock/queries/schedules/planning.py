"""Keeping the plan of a query in step with its schedule; every turn is a run of the job queue, at its moment."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from penstock.kit import clock, jobs
from penstock.kit.db import Connection
from penstock.kit.jobs import Job
from penstock.queries.saved import SavedQuery
from penstock.queries.schedules import store
from penstock.queries.schedules.rule import first, rule_of


class Turn(msgspec.Struct, frozen=True):
    """Whose turn it is; whether it is, the plan says."""

    query_id: int


TURN: Final = Job("queries.scheduled", Turn, attempts=10, time_limit=120.0)


async def plan(conn: Connection, query: SavedQuery, before: SavedQuery | None = None) -> None:
    """For a query that was made or changed. One whose schedule stayed keeps its turn, unless it was stopped."""
    rule = None if query.is_archived else rule_of(query.schedule)
    if rule is None:
        await store.drop(conn, query.id)
        return
    known = await store.find(conn, query.id, lock=True)
    same = before is not None and before.schedule == query.schedule
    if same and known is not None and known.next_at is not None:
        return
    last = known.attempted_at if known else await store.last_result(conn, query.id)
    next_at = first(rule, last, clock.now())
    if next_at is None:
        await store.drop(conn, query.id)
        return
    await store.put(conn, query.id, query.org_id, next_at)
    await call(conn, query.id, query.org_id, next_at)


async def call(conn: Connection, query_id: int, org_id: int, at: datetime) -> None:
    """Have its turn taken then. One that waits already for a later moment is brought forward."""
    delay = (at - clock.now()).total_seconds()
    await jobs.defer(conn, TURN, Turn(query_id), org_id=org_id, key=str(query_id), delay=delay)
