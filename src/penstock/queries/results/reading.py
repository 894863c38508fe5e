"""Reading a result: a page by seeking to the batches that have it, or all batches one after the other.

What is kept of files saves time only: whoever asks has been authorized before, each time anew.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

from penstock.kit import errors
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Objects

if TYPE_CHECKING:
    from penstock.queries.results.pages import Pages

_KEPT = 64  # files whose ends are remembered
_AT_ONCE = 1000  # rows that are written in next to no time
_MOST_BYTES = 8 * 1024 * 1024  # of all pages that are remembered
_LARGE = 256 * 1024  # bytes of a page that is not
_ENTRY = 512  # bytes, about, that remembering one takes besides
_Page = tuple[str, int, int, Instants]


class _Opened:
    """A file whose end was read; one at a time reads on, because it has one position."""

    def __init__(self, reader: Any, pages: Pages) -> None:
        self.reader = reader
        self.pages = pages
        self.lock = threading.Lock()


class _Written:
    """Pages that were written lately, by file; those that nobody has asked for longest give way."""

    def __init__(self) -> None:
        self._pages: OrderedDict[_Page, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, page: _Page) -> bytes | None:
        with self._lock:
            known = self._pages.get(page)
            if known is not None:
                self._pages.move_to_end(page)
            return known

    def keep(self, page: _Page, written: bytes) -> None:
        if len(written) > _LARGE:
            return
        with self._lock:
            if page not in self._pages:
                self._bytes += len(written) + _ENTRY
            self._pages[page] = written
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._pages.popitem(last=False)[1]) + _ENTRY

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()
            self._bytes = 0


class ResultFiles:
    """The files of a process that were read lately."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._open: OrderedDict[str, _Opened] = OrderedDict()
        self._written = _Written()
        self._lock = threading.Lock()

    async def schema(self, file: StoredFile) -> Any:
        """As Arrow has it."""
        opened = await asyncio.to_thread(self._opened, file)
        return opened.reader.schema

    async def page(self, file: StoredFile, start: int, count: int) -> list[Any]:
        """The batches of so many rows from `start` on, fewer at the end."""
        if self.objects.near:
            return self._page(file, start, count)
        return await asyncio.to_thread(self._page, file, start, count)

    async def json(self, file: StoredFile, start: int, count: int, instants: Instants) -> bytes:
        """The JSON objects of so many rows from `start` on, with commas between them."""
        count = min(count, max(file.rows - start, 0))
        page = (file.name, start, count, instants)
        known = self._written.get(page)
        if known is not None:
            return known
        if self.objects.near and count <= _AT_ONCE:
            return self._json(file, page)
        return await asyncio.to_thread(self._json, file, page)

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

    def forget(self) -> None:
        """Of all files: some are no longer there."""
        with self._lock:
            self._open.clear()
        self._written.clear()

    def _json(self, file: StoredFile, page: _Page) -> bytes:
        _, start, count, instants = page
        batches = self._page(file, start, count)
        pages = self._opened(file).pages
        written = b",".join([pages.json(batch, instants) for batch in batches])
        self._written.keep(page, written)
        return written

    def _page(self, file: StoredFile, start: int, count: int) -> list[Any]:
        found: list[Any] = []
        if start >= file.rows:
            return found
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
        opened = self._read(file)
        with self._lock:
            self._open[file.name] = opened
            if len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return opened

    def _read(self, file: StoredFile) -> _Opened:
        import pyarrow as pa

        from penstock.queries.results.pages import Pages

        try:
            reader = pa.ipc.open_file(self.objects.open(file.name))
        except FileNotFoundError as error:
            raise errors.NotFound(
                "The rows of this result are no longer there; run the query again."
            ) from error
        return _Opened(reader, Pages(reader.schema, file.columns))


def _next(source: Iterator[bytes]) -> bytes | None:
    return next(source, None)
