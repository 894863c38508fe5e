"""Loading the libraries of queries ahead: they are large, and whoever asks first would wait for them.

They take memory, too, so that only where queries are run a process has them before it needs them.
"""

from __future__ import annotations

import asyncio
import threading
from functools import cache
from importlib import import_module
from typing import Final

from penstock.kit import errors
from penstock.kit.context import Context

_LATER: Final = 1.0  # seconds after the start, which has better things to do
_READING: Final = ("penstock.queries.results.pages",)
_RUNNING: Final = (
    "penstock.queries.run.adbc",
    "penstock.queries.run.execute",
    "penstock.queries.run.authorize",
    "penstock.queries.run.whole",
    *_READING,
)


_USED: Final = (
    "SELECT EXISTS (SELECT FROM penstock.query_results WHERE retrieved_at > now() - interval '1 day')"
)


async def load_soon(ctx: Context) -> None:
    """What running a query needs: in a thread, once the process is at work, if any ran within a day."""
    await asyncio.sleep(_LATER)
    if await used(ctx):
        await asyncio.to_thread(_load, _RUNNING)


async def used(ctx: Context) -> bool:
    """Whether queries are run here; no, when nobody can tell."""
    try:
        async with ctx.db.control.transaction() as conn:
            return await conn.value(_USED)
    except errors.PenstockError:
        return False


@cache
def load_for_reading() -> None:
    """What reading rows needs, for who has just asked for some: it is there before they are."""
    threading.Thread(target=_load, args=(_READING,), name="loading", daemon=True).start()


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        import_module(name)
