"""The answer of an import that tells how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from penstock.kit import errors, http

_TELL = 1.0  # seconds between two lines of progress


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
