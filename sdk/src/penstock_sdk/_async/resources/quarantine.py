"""The rows that imports into a table have set aside."""

from __future__ import annotations

from collections.abc import AsyncIterator

from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import AsyncResource, segment
from penstock_sdk._imports import QuarantinedImport, QuarantinedRow


class AsyncQuarantine(AsyncResource):
    """The imports into one table that have rows in quarantine."""

    def list(self, *, page_size: int = 100) -> AsyncPager[QuarantinedImport]:
        """The imports, newest first."""
        return self._pager(self._path, QuarantinedImport, page_size)

    def rows(self, import_id: int, *, page_size: int = 100) -> AsyncPager[QuarantinedRow]:
        """The rows of an import, in the order of its file."""
        return self._pager(self._of(import_id), QuarantinedRow, page_size)

    async def export(self, import_id: int) -> AsyncIterator[bytes]:
        """The rows of an import as NDJSON, piece by piece."""
        params = [("format", "ndjson")]
        async with self._transport.stream("GET", self._of(import_id), params=params) as answer:
            async for piece in answer.aiter_bytes():
                yield piece

    async def delete(self, import_id: int) -> None:
        """Forgets the rows of an import."""
        await self._transport.request("DELETE", self._of(import_id))

    def _of(self, import_id: int) -> str:
        return f"{self._path}{segment(import_id)}/"
