"""LISTEN on one direct connection per process, so that caches hear of changes made by other processes.

While the connection is down, or does not deliver (a transaction pooler swallows notifications silently),
`listening` is False and nothing may be cached.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

from penstock.kit.db import Login, connection_lost
from penstock.kit.logs import structlog

_PROBE = "penstock_probe"
_PROBE_EVERY = 2.0  # seconds
_PROBE_PATIENCE = 2.0
_log = structlog.get_logger()


class Listener:
    """Calls a handler with the payload of each notification, and `on_gap` handlers when some may have been missed."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._handlers: dict[str, list[Callable[[str], None]]] = {}
        self._gap_handlers: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    def subscribe(self, channel: str, handler: Callable[[str], None]) -> None:
        self._handlers.setdefault(channel, []).append(handler)

    def on_gap(self, handler: Callable[[], None]) -> None:
        self._gap_handlers.append(handler)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:  # the listener must outlive whatever the server does
                _log.warning("listener.lost", error=str(error), expected=connection_lost(error))
            self._gap()
            await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        connection: Any = await asyncpg.connect(**self._login.arguments(), timeout=10)
        try:
            probe = asyncio.Event()
            channel = f"{_PROBE}_{secrets.token_hex(6)}"

            def heard(*_: Any) -> None:
                probe.set()

            await connection.add_listener(channel, heard)
            for name in self._handlers:
                await connection.add_listener(name, self._deliver)
            while True:
                probe.clear()
                await connection.execute("SELECT pg_notify($1, '')", channel, timeout=_PROBE_PATIENCE)
                async with asyncio.timeout(_PROBE_PATIENCE):
                    await probe.wait()
                self.listening = True
                await asyncio.sleep(_PROBE_EVERY)
        finally:
            self._gap()
            connection.terminate()

    def _deliver(self, _connection: Any, _pid: int, channel: str, payload: str) -> None:
        self.deliver(channel, payload)

    def deliver(self, channel: str, payload: str) -> None:
        """Call the handlers of a channel, which may hear of the same change twice."""
        for handler in self._handlers.get(channel, ()):
            handler(payload)

    def _gap(self) -> None:
        self.listening = False
        for handler in self._gap_handlers:
            handler()
