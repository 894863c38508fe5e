"""Writing a result: batches of an answer become the batches of an Arrow file, none of them large."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import pyarrow as pa

from penstock.kit import ids
from penstock.queries.results.columns import Column
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Objects

# A page is cut out of a batch or two, which therefore are small.
_ROWS = 2000
_BYTES = 512 * 1024
KIND = b"penstock:kind"


class ResultWriter:
    """One file; `finish` puts it in its place, and leaving without that leaves nothing."""

    def __init__(
        self,
        objects: Objects,
        columns: Sequence[Column],
        types: Sequence[Any],
        *,
        most_rows: int,
        most_bytes: int,
    ) -> None:
        """`types` are those of Arrow, as the batches have them."""
        self._objects = objects
        self._columns = tuple(columns)
        self._schema = pa.schema(
            [
                pa.field(column.name, kind, metadata={KIND: column.kind.value.encode()})
                for column, kind in zip(columns, types, strict=True)
            ]
        )
        self._room, self._most_bytes = most_rows, most_bytes
        self._name = f"{ids.lower(32)}.arrow"
        self._path = objects.scratch(self._name)
        self._sink: Any = pa.OSFile(str(self._path), "wb")
        self._file: Any = pa.ipc.new_file(self._sink, self._schema)
        self._ends: list[int] = []
        self._finished = False
        self.rows: int = 0
        self.truncated = False

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            self._sink.close()
            self._path.unlink(missing_ok=True)

    def write(self, arrays: Sequence[Any]) -> bool:
        """Add rows, column by column. False when the result is cut off here."""
        batch = pa.RecordBatch.from_arrays(list(arrays), schema=self._schema)
        if batch.num_rows > self._room:
            batch, self.truncated = batch.slice(0, self._room), True
        self._room -= batch.num_rows
        size = max(1, min(_ROWS, _BYTES * batch.num_rows // max(batch.nbytes, 1)))
        for start in range(0, batch.num_rows, size):
            part = batch.slice(start, size)
            self._file.write_batch(part)
            self.rows += part.num_rows
            self._ends.append(self.rows)
            if self._sink.tell() >= self._most_bytes:
                self.truncated = True
                break
        return not self.truncated

    def finish(self) -> StoredFile:
        self._file.close()
        size = self._sink.tell()
        self._sink.close()
        self._objects.put(self._name)
        self._finished = True
        return StoredFile(self._name, self._columns, tuple(self._ends), size, self.truncated)
