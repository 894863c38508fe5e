"""One worker process: opens the handles, serves the application, and dies with its parent."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from pathlib import Path
from typing import Any

from penstock import identity, notifications, queries, tables
from penstock.kit import errors, telemetry
from penstock.kit.context import Context
from penstock.kit.crypto import Keys
from penstock.kit.links import Links
from penstock.kit.logs import structlog
from penstock.kit.notify import Listener
from penstock.server.app import create_app
from penstock.server.logins import Logins
from penstock.server.metrics import Metrics
from penstock.server.settings import Settings
from penstock.server.spaces import subscribed

# Comes before the signal that ends a worker.
ENDING = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1
# What glibc's mallopt takes.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_log = structlog.get_logger()


def build_context(logins: Logins, keys: Keys, settings: Settings) -> Context:
    """The handles of a process, not yet open."""
    context = Context(
        logins.database(settings.server),
        Listener(logins.direct),
        keys,
        scratch=settings.server.data_dir,
        sections=dict(settings.sections),
    )
    context.put(Links(settings.server.address))
    # Caches subscribe to the listener's channels, which it asks for when it starts.
    identity.install(context, subscribed(keys.encryption))
    notifications.install(context)
    tables.install(context)
    queries.install(context)
    return context


class Worker:
    """An ASGI application whose lifespan opens and closes everything a worker holds."""

    def __init__(self, context: Context, metrics_directory: Path | None = None) -> None:
        self._context = context
        self._edge = create_app(context, Metrics(metrics_directory))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._edge(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self.open()
        asyncio.get_running_loop().add_signal_handler(ENDING, tables.end_streams, self._context)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> None:
        await open_context(self._context)
        await self._edge.start()

    async def close(self) -> None:
        await self._edge.stop()
        await close_context(self._context)
        # Worker processes end without running exit handlers.
        await asyncio.to_thread(telemetry.stop_traces)


async def open_context(context: Context) -> None:
    """Open what a process holds. A database that is away for the moment does not keep the process from starting."""
    await context.db.open()
    for pool in (context.db.control, context.db.data):
        try:
            async with pool.transaction() as connection:
                await connection.value("SELECT 1")
        except errors.PenstockError as error:
            _log.warning("database.unreachable", reason=error.message)
    context.listener.start()


async def close_context(context: Context) -> None:
    await context.listener.stop()
    await identity.stop(context)
    await tables.stop(context)
    await queries.stop(context)
    await context.db.close()


def keep_memory_low() -> None:
    """Have what a large request took go back to the system: glibc keeps it otherwise, and an arena per thread."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # other C libraries keep little anyway
        libc.mallopt(_M_ARENA_MAX, 2)
        libc.mallopt(_M_MMAP_THRESHOLD, 256 * 1024)


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent is gone, however that happened."""
    # The parent's handlers are inherited, and mean nothing here; granian sets the worker's own later.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(ENDING, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the kernel was told.
    if os.getppid() != parent:
        os._exit(1)
