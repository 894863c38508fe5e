"""Reading a result: a page by seeking to the batches that have it, or all batches one after the other."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from penstock.kit import errors
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Objects

_KEPT = 64  # files whose ends are remembered


class _Opened:
    """A file whose end was read; one at a time reads on, because it has one position."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.lock = threading.Lock()


class ResultFiles:
    """The files of a process that were read lately."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._open: OrderedDict[str, _Opened] = OrderedDict()
        self._lock = threading.Lock()

    async def schema(self, file: StoredFile) -> Any:
        """As Arrow has it."""
        opened = await asyncio.to_thread(self._opened, file)
        return opened.reader.schema

    async def page(self, file: StoredFile, start: int, count: int) -> list[Any]:
        """The batches of so many rows from `start` on, fewer at the end."""
        if start >= file.rows or count <= 0:
            return []
        if self.objects.near:
            return self._page(file, start, count)
        return await asyncio.to_thread(self._page, file, start, count)

    async def batches(self, file: StoredFile) -> AsyncGenerator[Any]:
        """All of it; no more than two batches are in memory."""
        for number in range(len(file.ends)):
            if self.objects.near:
                yield self._batch(file, number)
            else:
                yield await asyncio.to_thread(self._batch, file, number)

    async def pieces(self, file: StoredFile, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes as they are stored."""
        source = self.objects.read(file.name, start, end)
        while (piece := await asyncio.to_thread(_next, source)) is not None:
            yield piece

    def schema_of(self, file: StoredFile) -> Any:
        """As Arrow has it; blocks."""
        return self._opened(file).reader.schema

    def every(self, file: StoredFile) -> Iterator[Any]:
        """All batches, one after the other; blocks."""
        for number in range(len(file.ends)):
            yield self._batch(file, number)

    def forget(self, name: str) -> None:
        with self._lock:
            self._open.pop(name, None)

    def _page(self, file: StoredFile, start: int, count: int) -> list[Any]:
        found: list[Any] = []
        number = bisect_right(file.ends, start)
        while count > 0 and number < len(file.ends):
            begin = file.ends[number - 1] if number else 0
            part = self._batch(file, number).slice(start - begin, count)
            found.append(part)
            start, count, number = start + part.num_rows, count - part.num_rows, number + 1
        return found

    def _batch(self, file: StoredFile, number: int) -> Any:
        opened = self._opened(file)
        with opened.lock:
            return opened.reader.get_batch(number)

    def _opened(self, file: StoredFile) -> _Opened:
        with self._lock:
            known = self._open.get(file.name)
            if known is not None:
                self._open.move_to_end(file.name)
                return known
        opened = _Opened(self._read(file))
        with self._lock:
            self._open[file.name] = opened
            if len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return opened

    def _read(self, file: StoredFile) -> Any:
        import pyarrow as pa

        try:
            return pa.ipc.open_file(self.objects.open(file.name))
        except FileNotFoundError as error:
            raise errors.NotFound(
                "The rows of this result are no longer there; run the query again."
            ) from error


def _next(source: Iterator[bytes]) -> bytes | None:
    return next(source, None)
