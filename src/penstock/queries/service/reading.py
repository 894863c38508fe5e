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
    """Results that this process read lately: a stored one never changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Result] = OrderedDict()

    async def find(self, ctx: Context, principal: Principal, result_id: int) -> Result:
        """Raises `NotFound`, also for one with other rows than the caller may see."""
        found = self._known.get(result_id)
        if found is None or found.org_id != principal.org_id:
            async with ctx.db.control.transaction() as conn:
                found = await store.result(conn, principal.org_id, result_id)
            if found is None:
                raise errors.NotFound
            self.keep(found)
        await ctx.get(Readers).require(principal, found)
        return found

    def keep(self, result: Result) -> None:
        self._known[result.id] = result
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


async def page(ctx: Context, result: Result, start: int, count: int, instants: Instants) -> bytes:
    """The JSON objects of these rows, with commas between them."""
    return await rows(ctx, result.file, start, count, instants)


async def rows(ctx: Context, file: StoredFile, start: int, count: int, instants: Instants) -> bytes:
    """The same of a file that is of no result."""
    from penstock.queries.results.texts import json_list

    batches = await ctx.get(ResultFiles).page(file, start, count)
    return b",".join(json_list(batch, file.columns, instants) for batch in batches)


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
