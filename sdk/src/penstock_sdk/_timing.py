"""Waiting and locking in both worlds; generated code uses the name without `async_` or `Async`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")

async_sleep = asyncio.sleep
sleep = time.sleep

AsyncLock = asyncio.Lock
Lock = threading.Lock

_going_on: set[asyncio.Future[Any]] = set()


async def async_regardless(awaitable: Awaitable[T]) -> T:
    """The result; what is awaited goes on to its end even when the waiting task is cancelled again meanwhile."""
    going = asyncio.ensure_future(awaitable)
    _going_on.add(going)
    going.add_done_callback(_going_on.discard)
    return await asyncio.shield(going)


def regardless(value: T) -> T:
    return value
