"""Background: forgetting the answers kept for an `Idempotency-Key`, finishing schema changes of large
tables, looking for indexes that are missing.
"""

from __future__ import annotations

from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces
from penstock.tables.records import idempotency
from penstock.tables.service.finishing import finish
from penstock.tables.service.missing_indexes import CHECK, check_indexes
from penstock.tables.service.unfinished import FINISH
from penstock.tables.settings import TablesSettings


async def forget_answers(ctx: Context, run: Run[Nothing]) -> int:
    keep = ctx.settings(TablesSettings).idempotency_seconds
    return await in_pieces(ctx, lambda conn: idempotency.forget(conn, keep, PIECE))


FORGET_ANSWERS = Job("tables.forget_answers", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(FORGET_ANSWERS, forget_answers), Handler(FINISH, finish), Handler(CHECK, check_indexes))
SCHEDULES = (Schedule(FORGET_ANSWERS, Nothing(), HOUR), Schedule(CHECK, Nothing(), 24 * HOUR))
