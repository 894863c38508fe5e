"""Parquet with the types of the result; decimals and JSON are text."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

from typing import Any

import pyarrow as pa

from penstock.kit.streaming import Growing
from penstock.queries.exports.base import Options

_ROW_GROUP = 8 * 1024 * 1024  # bytes in memory
_ROWS = 100_000


class ParquetWriter:
    """Row groups of many batches."""

    def __init__(self, options: Options) -> None:
        from pyarrow import parquet

        self._sink = Growing()
        self._file: Any = parquet.ParquetWriter(
            self._sink, options.schema, compression=options.compression or "zstd"
        )
        self._batches: list[Any] = []
        self._rows = self._size = 0

    def begin(self) -> bytes:
        return b""

    def write(self, batch: Any) -> bytes:
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._size += batch.nbytes
        if self._size >= _ROW_GROUP or self._rows >= _ROWS:
            self._flush()
        return self._sink.take()

    def end(self) -> bytes:
        self._flush()
        self._file.close()
        return self._sink.take()

    def _flush(self) -> None:
        if self._batches:
            self._file.write_table(pa.Table.from_batches(self._batches))
        self._batches, self._rows, self._size = [], 0, 0
