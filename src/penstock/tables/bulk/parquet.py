"""Parquet in and out, batch by batch. Loaded only when asked for: its library is larger than all of the server.

A `number` becomes a float64 there, and documents and ranges become JSON text.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from penstock.kit import errors
from penstock.kit.streaming import Growing
from penstock.tables.bulk.cells import column_of, is_document
from penstock.tables.bulk.rows import MAX_ROW, Block, documents_of
from penstock.tables.models import Field, TableSchema

# Its functions are made when it is loaded, so no checker knows them.
_compute: Any = pyarrow.compute
_BATCH = 5000
_TIDY = 8  # batches
# A few bytes of a file may stand for very much text: so much of it is made at a time.
_MOST = 64 * 1024 * 1024
_ROW_GROUP = 4 * 1024 * 1024  # bytes of CSV


def blocks_of(file: IO[bytes], schema: TableSchema) -> Iterator[Block]:
    """The rows of a file. Raises `BadRequest` when it is no Parquet, or names fields the table has not."""
    try:
        opened = pq.ParquetFile(file)
        names = opened.schema_arrow.names
        _check(names, schema)
        texts = [
            one.name
            for one in opened.schema_arrow
            if pa.types.is_string(one.type) or pa.types.is_binary(one.type)
        ]
        # Repeated text stays short until it is measured.
        opened = pq.ParquetFile(file, read_dictionary=texts)
        count = 0
        for number, batch in enumerate(opened.iter_batches(batch_size=_BATCH, use_threads=False), 1):
            for part in _bounded(batch, count):
                block = _block(part, schema, count)
                count += part.num_rows
                yield block
            if number % _TIDY == 0:
                _give_back()
    except (pa.ArrowException, OSError, OverflowError) as error:
        reason = str(error).partition("\n")[0][:300].rstrip(".")
        raise errors.BadRequest(f"The body is not a Parquet file that can be read: {reason}.") from error


def _give_back() -> None:
    """To the system, what Arrow has freed and keeps for the next time, of which there may be none."""
    pa.default_memory_pool().release_unused()


def _check(names: Sequence[str], schema: TableSchema) -> None:
    for name in names:
        if name not in schema.by_name:
            hint = errors.nearest(name, schema.names)
            raise errors.Invalid(
                {"header": [f"The file has a column '{name[:80]}', which is no field of the table."]},
                hint=hint,
            )
        if names.count(name) > 1:
            raise errors.Invalid({"header": [f"The file has two columns '{name}'."]})


def _bounded(batch: Any, count: int) -> Iterator[Any]:
    """The batch in parts that are not too large as text."""
    if batch.num_rows == 0:
        return
    if _size(batch) <= _MOST:
        yield batch
    elif batch.num_rows == 1:
        raise errors.BadRequest(f"Row {count + 1} is longer than {MAX_ROW:,} bytes.")
    else:
        middle = batch.num_rows // 2
        yield from _bounded(batch.slice(0, middle), count)
        yield from _bounded(batch.slice(middle), count + middle)


def _size(batch: Any) -> int:
    size = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            lengths = _compute.take(_compute.binary_length(column.dictionary), column.indices)
            size += _compute.sum(lengths).as_py() or 0
        else:
            size += column.nbytes
    return size


def _block(batch: Any, schema: TableSchema, count: int) -> Block:
    names = batch.schema.names
    fields = [schema.by_name[name] for name in names]
    columns = [_values(column, field) for column, field in zip(batch.columns, fields, strict=True)]
    documents = documents_of(names, columns)
    return Block(documents, range(count + 1, count + 1 + len(documents)))


def _values(column: Any, field: Field) -> list[Any]:
    """A column as the values that JSON would carry."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind):
        # Without a zone it is UTC, as everywhere; as text, Arrow ends an instant of a zone with Z.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.string())
    elif pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.string())
    values = column.to_pylist()
    if pa.types.is_floating(kind):
        whole = field.type in ("integer", "year")
        return [_number(value, whole=whole) for value in values]
    if is_document(field) and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column_of(field)(["" if value is None else value for value in values])
    return values


def _number(value: float | None, *, whole: bool) -> Any:
    if value is None:
        return None
    if not math.isfinite(value):
        return str(value)  # JSON has no such number, and null would hide it
    # Integers with nulls come as floats from some programs.
    return int(value) if whole and value.is_integer() else value


class ParquetWriter:
    """Turns lines of CSV into pieces of a Parquet file."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._sink = Growing()
        self._names = [one.name for one in fields]
        self._schema = pa.schema([(one.name, _TYPES.get(one.type, pa.string())) for one in fields])
        self._file = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._lines: list[bytes] = []
        self._size = 0

    def write(self, lines: bytes) -> bytes:
        """What of the file is ready."""
        self._lines.append(lines)
        self._size += len(lines)
        if self._size >= _ROW_GROUP:
            self._flush()
        return self._sink.take()

    def close(self) -> bytes:
        """The end of the file."""
        self._flush()
        self._file.close()
        return self._sink.take()

    def _flush(self) -> None:
        if not self._size:
            return
        text = b"".join(self._lines)
        self._lines, self._size = [], 0
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(
                column_names=self._names, block_size=len(text) + 1, use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=self._schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["true"],
                false_values=["false"],
                timestamp_parsers=[pa_csv.ISO8601],
            ),
        )
        self._file.write_table(table)
        del table, text
        _give_back()


_TYPES: dict[str, Any] = {
    "integer": pa.int64(),
    "year": pa.int32(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us", tz="UTC"),
}
