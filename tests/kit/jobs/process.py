"""A worker as a process of its own, for tests that kill it: `python -m tests.kit.jobs.process <logins> <keys>`.

Its one job notes each attempt, and lasts until somebody has put a row into `penstock.go`.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, Keys
from penstock.kit.jobs import Handler, Run, Worker
from penstock.server.logins import Logins
from penstock.server.worker import build_context, close_context, open_context
from tests.databases import test_settings as settings_of_tests
from tests.kit.jobs.conftest import LOST_AFTER, NOTE, Note


async def note(ctx: Context, run: Run[Note]) -> None:
    async with ctx.db.control.transaction() as conn:
        await conn.execute("INSERT INTO penstock.attempts VALUES ($1, $2)", run.id, run.attempt)
    while True:
        await asyncio.sleep(0.05)
        async with ctx.db.control.transaction() as conn:
            if await conn.value("SELECT count(*) FROM penstock.go"):
                await conn.execute("INSERT INTO penstock.finished VALUES ($1, $2)", run.id, run.attempt)
                return


async def main() -> None:
    logins, ring = Logins.parse(sys.argv[1]), KeyRing.parse(sys.argv[2])
    context = build_context(logins, Keys(ring, ring), settings_of_tests())
    worker = Worker(context, [Handler(NOTE, note)], lost_after=LOST_AFTER)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await open_context(context)
    await worker.run(stop, 1.0)
    await close_context(context)


if __name__ == "__main__":
    asyncio.run(main())
