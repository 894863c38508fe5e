"""Facts that domains announce, and who listens. A listener runs in the transaction that caused the fact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from penstock.kit.db import Connection

Event = TypeVar("Event")
Handler = Callable[[Connection, Any], Awaitable[None]]


class Events:
    """Who listens to what. A listener that raises undoes what it was told of."""

    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Handler]] = {}

    def subscribe(self, kind: type[Event], handler: Callable[[Connection, Event], Awaitable[None]]) -> None:
        self._handlers.setdefault(kind, []).append(handler)

    def hears(self, kind: type[Any]) -> bool:
        """Whether anybody would be told of such an event."""
        return kind in self._handlers

    async def announce(self, conn: Connection, event: object) -> None:
        """Call the listeners of this type of event, in the order of their subscription."""
        for handler in self._handlers.get(type(event), ()):
            await handler(conn, event)
