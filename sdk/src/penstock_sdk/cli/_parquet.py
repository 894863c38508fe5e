"""Parquet files, read and written in batches; needs pyarrow (the extra `arrow`).

`number` becomes float64 and loses digits beyond it; `object`, `array` and ranges become JSON text.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import IO, Any

from penstock_sdk import _json
from penstock_sdk.cli._columns import Columns
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._formats import SourceRow

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise CommandError("Parquet needs pyarrow: pip install 'penstock-sdk[arrow]'") from error

_BATCH = 5000


def read_parquet(stream: IO[bytes]) -> Iterator[SourceRow]:
    """The rows of a Parquet file; a pipe is read into memory first, as the format ends with its index."""
    try:
        file = pq.ParquetFile(stream if stream.seekable() else pa.BufferReader(stream.read()))
    except pa.ArrowInvalid as error:
        raise CommandError(f"This is not a Parquet file: {error}.") from error
    place = 0
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            place += 1
            values = {name: _aware(value) for name, value in row.items()}
            reasons = {name: "is not a number (NaN)" for name, value in values.items() if _is_nan(value)}
            yield SourceRow(place, values, reasons)


def _aware(value: Any) -> Any:
    # A timestamp without a zone is UTC, as everywhere on the wire.
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


class ParquetWriter:
    """Writes rows as Parquet, one row group for each call of `write`."""

    def __init__(self, stream: IO[bytes], columns: Columns, names: list[str]) -> None:
        kinds = [_KINDS.get(columns.types.get(name, "string"), _TEXT) for name in names]
        self._readers = dict(zip(names, (kind[1] for kind in kinds), strict=True))
        self._schema = pa.schema([(name, kind[0]) for name, kind in zip(names, kinds, strict=True)])
        self._file = pq.ParquetWriter(stream, self._schema)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        arrays = [
            pa.array([_read(reader, row.get(name)) for row in rows], type=self._schema.field(name).type)
            for name, reader in self._readers.items()
        ]
        self._file.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._file.close()


def _read(reader: Any, value: Any) -> Any:
    return None if value is None else reader(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json.encode(value).decode()


_TEXT = (pa.string(), _text)
_KINDS: dict[str, tuple[Any, Any]] = {
    "integer": (pa.int64(), int),
    "year": (pa.int32(), int),
    "number": (pa.float64(), float),
    "boolean": (pa.bool_(), bool),
    "date": (pa.date32(), date.fromisoformat),
    "time": (pa.time64("us"), time.fromisoformat),
    "datetime": (pa.timestamp("us", tz="UTC"), datetime.fromisoformat),
}
