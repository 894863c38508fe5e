"""Loading the libraries of queries ahead: they are large, and whoever asks first would wait for them."""

from __future__ import annotations

import asyncio
import threading
from functools import cache
from importlib import import_module
from typing import Final

_LATER: Final = 1.0  # seconds after the start, which has better things to do
_READING: Final = ("penstock.queries.results.texts",)
_RUNNING: Final = ("adbc_driver_postgresql.dbapi", "penstock.queries.run.execute", *_READING)


async def load_soon() -> None:
    """What running a query needs: in a thread, once the process is at work."""
    await asyncio.sleep(_LATER)
    await asyncio.to_thread(_load, _RUNNING)


@cache
def load_for_reading() -> None:
    """What reading rows needs, for who has just asked for some: it is there before they are."""
    threading.Thread(target=_load, args=(_READING,), name="loading", daemon=True).start()


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        import_module(name)
