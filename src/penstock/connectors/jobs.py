"""Background: sealing secrets anew once the installation has a new key."""

from __future__ import annotations

from penstock.connectors import service
from penstock.kit.context import Context
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces


async def reseal(ctx: Context, run: Run[Nothing]) -> int:
    return await in_pieces(ctx, lambda conn: service.reseal(conn, ctx.keys.encryption, PIECE))


RESEAL = Job("connectors.reseal", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(RESEAL, reseal),)
SCHEDULES = (Schedule(RESEAL, Nothing(), HOUR),)
