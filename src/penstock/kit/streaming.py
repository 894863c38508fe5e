"""Answers that are streams, and what they are made of.

A reader that is slow is waited for, but not for ever; one that has gone frees what was held for it. A stream that
breaks off is cut, so that nobody takes half for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager, suppress
from typing import Any, TypeVar

from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from penstock.kit import errors

T = TypeVar("T")
Pieces = AbstractAsyncContextManager[AsyncGenerator[bytes]]
_AGAIN = 5  # seconds


class Stream(ASGIResponse):
    """A file. What goes wrong before its first piece is answered as an error."""

    def __init__(
        self, opened: Pieces, headers: Mapping[str, str], patience: float, status: int = 200
    ) -> None:
        self._opened = opened
        self._status = status
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
        await send({"type": "http.response.start", "status": self._status, "headers": self._sent})

    async def _one(self, send: Send, piece: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise errors.Unavailable(
                f"The reader took nothing for {self._patience:g} seconds; the stream was ended."
            ) from None


class Streams:
    """How many streams a process keeps going at once: each holds something as long as its data flows."""

    def __init__(self, room: int) -> None:
        self._room = room

    @contextmanager
    def one(self) -> Generator[None]:
        """Takes a place. Raises `Unavailable` when there is none."""
        if self._room < 1:
            raise errors.Unavailable(
                "As many files go in and out as this server allows; try again shortly.",
                retry_after=_AGAIN,
            )
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1


class Growing:
    """A file that only grows, and whose beginning is taken away."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def ahead(source: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same items, the next one being made while the last one is used."""
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            yield item
    finally:
        coming.cancel()
        with suppress(BaseException):
            await coming
        await source.aclose()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
