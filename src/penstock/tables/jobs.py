"""Background: forgetting what is kept for a time (answers for an `Idempotency-Key`, changes of records), finishing
schema changes of large tables, looking for indexes that are missing.
"""

from __future__ import annotations

from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces
from penstock.tables.changes.telling import TELL, TELL_ALL, tell, tell_all
from penstock.tables.records import idempotency
from penstock.tables.service.finishing import finish
from penstock.tables.service.missing_indexes import CHECK, check_indexes
from penstock.tables.service.unfinished import FINISH
from penstock.tables.settings import TablesSettings
from penstock.tables.store import feeds

_DAY = 86_400.0


async def forget_answers(ctx: Context, run: Run[Nothing]) -> int:
    keep = ctx.settings(TablesSettings).idempotency_seconds
    return await in_pieces(ctx, lambda conn: idempotency.forget(conn, keep, PIECE))


async def forget_changes(ctx: Context, run: Run[Nothing]) -> int:
    settings = ctx.settings(TablesSettings)
    async with ctx.db.control.transaction() as conn:
        tables = await feeds.tables_with_changes(conn)
    return sum([await _forget_changes(ctx, table_id, settings) for table_id in tables])


async def _forget_changes(ctx: Context, table_id: int, settings: TablesSettings) -> int:
    async with ctx.db.control.transaction() as conn:
        last = await feeds.last_to_forget(conn, table_id, settings.change_rows)

    async def piece(conn: Connection) -> int:
        return await feeds.forget_changes(conn, table_id, settings.change_days * _DAY, last, PIECE)

    return await in_pieces(ctx, piece)


FORGET_ANSWERS = Job("tables.forget_answers", Nothing, time_limit=HOUR, at_once=1)
FORGET_CHANGES = Job("tables.forget_changes", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (
    Handler(FORGET_ANSWERS, forget_answers),
    Handler(FORGET_CHANGES, forget_changes),
    Handler(FINISH, finish),
    Handler(TELL, tell),
    Handler(TELL_ALL, tell_all),
    Handler(CHECK, check_indexes),
)
SCHEDULES = (
    Schedule(FORGET_ANSWERS, Nothing(), HOUR),
    Schedule(FORGET_CHANGES, Nothing(), HOUR),
    Schedule(TELL_ALL, Nothing(), 60.0),
    Schedule(CHECK, Nothing(), 24 * HOUR),
)
