# Generated from _async/resources/quarantine.py by scripts/async_to_sync.py; change that file instead.

"""The rows that imports into a table have set aside."""

from __future__ import annotations

from collections.abc import Iterator

from penstock_sdk._imports import QuarantinedImport, QuarantinedRow
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, segment


class Quarantine(Resource):
    """The imports into one table that have rows in quarantine."""

    def list(self, *, page_size: int = 100) -> Pager[QuarantinedImport]:
        """The imports, newest first."""
        return self._pager(self._path, QuarantinedImport, page_size)

    def rows(self, import_id: int, *, page_size: int = 100) -> Pager[QuarantinedRow]:
        """The rows of an import, in the order of its file."""
        return self._pager(self._of(import_id), QuarantinedRow, page_size)

    def export(self, import_id: int) -> Iterator[bytes]:
        """The rows of an import as NDJSON, piece by piece."""
        params = [("format", "ndjson")]
        with self._transport.stream("GET", self._of(import_id), params=params) as answer:
            yield from answer.iter_bytes()

    def delete(self, import_id: int) -> None:
        """Forgets the rows of an import."""
        self._transport.request("DELETE", self._of(import_id))

    def _of(self, import_id: int) -> str:
        return f"{self._path}{segment(import_id)}/"
