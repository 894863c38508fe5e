"""A reader of server-sent events, past any HTTP library: the application in process, its answer piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from penstock.server.edge import Edge

_PATIENCE = 10.0


@dataclass
class Event:
    """One block of the stream."""

    id: str | None = None
    data: str | None = None
    kind: str = "message"
    comment: str | None = None


@dataclass
class Events:
    """The answer so far. `next` waits for a block."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    last_id: str | None = None
    _pieces: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue[bytes | None])
    _text: str = ""

    async def next(self) -> Event:
        while "\n\n" not in self._text:
            piece = await asyncio.wait_for(self._pieces.get(), _PATIENCE)
            if piece is None:
                raise EOFError
            self._text += piece.decode()
        block, _, self._text = self._text.partition("\n\n")
        event = Event()
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            match name:
                case "":
                    event.comment = value
                case "id":
                    event.id = self.last_id = value
                case "data":
                    event.data = value
                case "event":
                    event.kind = value
                case _:
                    assert name == "retry"
        return event

    async def next_data(self) -> Any:
        while (event := await self.next()).data is None:
            pass
        return json.loads(event.data)

    async def rest(self) -> AsyncIterator[Event]:
        with suppress(EOFError):
            while True:
                yield await self.next()


@asynccontextmanager
async def listen(app: Edge, client: httpx2.AsyncClient, url: str, **headers: str) -> AsyncGenerator[Events]:
    """Ask with the client's credentials; leaving is going away."""
    parts = urlsplit(url)
    given = {**dict(client.headers), "accept": "text/event-stream", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
        "root_path": "",
    }
    events, begun, gone = Events(), asyncio.Event(), asyncio.Event()
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            events.status = message["status"]
            events.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            begun.set()
            return
        await events._pieces.put(message["body"])
        if not message.get("more_body"):
            await events._pieces.put(None)

    task = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait_for(begun.wait(), _PATIENCE)
    try:
        yield events
    finally:
        gone.set()
        await asyncio.wait_for(task, _PATIENCE)
