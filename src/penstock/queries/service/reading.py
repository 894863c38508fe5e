"""Reading results: a page, or the whole of one as a file."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.streaming import Streams
from penstock.queries import store
from penstock.queries.exports import ExportFormat, Options, writer_of
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result, StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.service.authorizing import Readers

_KEPT: Final = 256


class Downloads(Streams):
    """Room for the downloads of a process."""


class Results:
    """Results that this process read lately: a stored one never changes, and that it is gone is told."""

    def __init__(self, ctx: Context) -> None:
        self._listener = ctx.listener
        self._files = ctx.get(ResultFiles)
        self._known: OrderedDict[int, Result] = OrderedDict()
        self._generation = 0
        ctx.listener.subscribe(store.GONE_CHANNEL, lambda _: self.forget())
        ctx.listener.on_gap(self.forget)

    async def find(self, ctx: Context, principal: Principal, result_id: int) -> Result:
        """Raises `NotFound`, also for one with other rows than the caller may see."""
        found = self._known.get(result_id)
        if found is None or found.org_id != principal.org_id:
            generation = self._generation
            async with ctx.db.control.transaction() as conn:
                found = await store.result(conn, principal.org_id, result_id)
            if found is None:
                raise errors.NotFound
            if self._listener.listening and generation == self._generation:
                self._keep(found)
        await ctx.get(Readers).require(principal, found)
        return found

    def forget(self) -> None:
        """Some are gone."""
        # A look-up that is under way may have found what was there before.
        self._generation += 1
        self._known.clear()
        self._files.forget()

    def _keep(self, result: Result) -> None:
        self._known[result.id] = result
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


async def page(ctx: Context, result: Result, start: int, count: int, instants: Instants) -> bytes:
    """The JSON objects of these rows, with commas between them."""
    return await rows(ctx, result.file, start, count, instants)


async def rows(ctx: Context, file: StoredFile, start: int, count: int, instants: Instants) -> bytes:
    """The same of a file that is of no result."""
    return await ctx.get(ResultFiles).json(file, start, count, instants)


@asynccontextmanager
async def opened(
    ctx: Context, result: Result, kind: ExportFormat, options: Options
) -> AsyncGenerator[AsyncGenerator[bytes]]:
    """The file of a format, piece by piece."""
    with ctx.get(Downloads).one():
        yield _pieces(ctx, result, kind, options)


async def _pieces(
    ctx: Context, result: Result, kind: ExportFormat, options: Options
) -> AsyncGenerator[bytes]:
    writer = await asyncio.to_thread(writer_of, kind, options)
    head = writer.begin()
    async for batch in ctx.get(ResultFiles).batches(result.file):
        piece = await asyncio.to_thread(writer.write, batch)
        if piece or head:
            yield head + piece
        head = b""
    yield head + await asyncio.to_thread(writer.end)


@asynccontextmanager
async def stored(ctx: Context, result: Result, start: int, end: int) -> AsyncGenerator[AsyncGenerator[bytes]]:
    """Bytes of the file as it is stored."""
    with ctx.get(Downloads).one():
        yield ctx.get(ResultFiles).pieces(result.file, start, end)
