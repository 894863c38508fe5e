"""Runs what blocks in a thread, tells how far it is, and stops it when it takes too long or nobody wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from penstock.queries.engine.holding import Hold

T = TypeVar("T")
_LOOK: Final = 0.5  # seconds between two looks at how far it is
_LETTING_GO: Final = 3.0
_threads = ThreadPoolExecutor(16, thread_name_prefix="engine")


async def watched(
    work: Callable[[], T], hold: Hold, seconds: float, told: Callable[[int], Awaitable[None]]
) -> T:
    """What the work gives. Raises `TimeoutError`, and what the work raises."""
    running = asyncio.get_running_loop().run_in_executor(_threads, work)
    try:
        async with asyncio.timeout(seconds):
            while not running.done():
                await asyncio.wait((running,), timeout=_LOOK)
                await told(hold.rows)
            return running.result()
    finally:
        if not running.done():
            running.add_done_callback(_seen)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LETTING_GO):
                    await asyncio.to_thread(hold.stop)
            await asyncio.wait((running,), timeout=_LETTING_GO)


def _seen(running: asyncio.Future[T]) -> None:
    if not running.cancelled():
        running.exception()
