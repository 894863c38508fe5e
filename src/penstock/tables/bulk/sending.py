"""Answers that are streams: an export, and an import that tells how far it is.

A reader that is slow is waited for, but not for ever; one that has gone frees what was held for it. A stream that
breaks off is cut, so that nobody takes half for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any

import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from penstock.kit import errors, http
from penstock.tables.bulk.body import ahead

_log = structlog.get_logger()
_TELL = 1.0  # seconds between two lines of progress
Pieces = AbstractAsyncContextManager[AsyncGenerator[bytes]]


class Stream(ASGIResponse):
    """A file. What goes wrong before its first piece is answered as an error."""

    def __init__(self, opened: Pieces, headers: Mapping[str, str], patience: float) -> None:
        self._opened = opened
        self._sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "penstock.head" in scope:
            await self._begin(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            async with self._opened as source, aclosing(ahead(source)) as pieces:
                await self._send(pieces, send, gone)
        finally:
            gone.cancel()

    async def _send(self, pieces: AsyncIterator[bytes], send: Send, gone: asyncio.Future[None]) -> None:
        begun = False
        async for piece in pieces:
            if not begun:
                await self._begin(send)
                begun = True
            if gone.done():
                return
            if piece:
                await self._one(send, piece)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._sent})

    async def _one(self, send: Send, piece: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise errors.Unavailable(
                f"The reader took nothing for {self._patience:g} seconds; the export was ended."
            ) from None


class Told(ASGIResponse):
    """The answer of some work as the last of lines of JSON, one a second before it telling how far it is.

    Work that is done, or refused, within the first second is answered in the ordinary way.
    """

    def __init__(
        self, work: Callable[[], Awaitable[Mapping[str, Any]]], progress: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._work = work
        self._progress = progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.ensure_future(self._work())
        try:
            done, _ = await asyncio.wait([task], timeout=_TELL)
            if done:
                task.result()
            headers = [(b"content-type", b"application/x-ndjson")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while not done:
                await _line(send, {"progress": self._progress()})
                done, _ = await asyncio.wait([task], timeout=_TELL)
            await _line(send, _last(task, scope))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            task.cancel()
            with suppress(BaseException):
                await task


def _last(task: asyncio.Future[Mapping[str, Any]], scope: Scope) -> Mapping[str, Any]:
    try:
        return task.result()
    except errors.PenstockError as error:
        return {"status": error.status, "error": error.body(scope["state"]["request_id"])}


async def _line(send: Send, content: Mapping[str, Any]) -> None:
    await send({"type": "http.response.body", "body": http.encode(content) + b"\n", "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
