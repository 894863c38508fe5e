"""Background: forgetting tokens and sessions that have expired, and full buckets."""

from __future__ import annotations

from penstock.identity.store import QUERIES
from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces


async def forget_expired(ctx: Context, run: Run[Nothing]) -> dict[str, int]:
    tokens = await in_pieces(ctx, lambda conn: conn.execute(QUERIES["forget_tokens"], PIECE))
    async with ctx.db.control.transaction() as conn:
        buckets = await conn.execute(QUERIES["purge_buckets"])
    return {"tokens": tokens, "buckets": buckets}


FORGET_EXPIRED = Job("identity.forget", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(FORGET_EXPIRED, forget_expired),)
SCHEDULES = (Schedule(FORGET_EXPIRED, Nothing(), HOUR),)
