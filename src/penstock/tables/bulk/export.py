"""A list as a file: rows through a cursor of one snapshot, so that memory does not grow with their number.

PostgreSQL writes the text of each row; here it is only framed.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from penstock.kit.db import Connection
from penstock.tables.bulk.options import ExportOptions, Format
from penstock.tables.catalog import Table
from penstock.tables.models import Field
from penstock.tables.records.compile import Statement, compile_rows, row_json
from penstock.tables.records.plan import RecordPlan

_FIRST, _MOST = 16, 5000  # rows a fetch
_PIECE = 512 * 1024  # bytes that a fetch aims at


class Writer(Protocol):
    """Frames the text of rows; what it gives may be empty for the moment."""

    def begin(self) -> bytes: ...

    def write(self, rows: Sequence[str]) -> bytes: ...

    def end(self) -> bytes: ...


class NdjsonWriter:
    """An object a line."""

    def begin(self) -> bytes:
        return b""

    def write(self, rows: Sequence[str]) -> bytes:
        return "".join([f"{row}\n" for row in rows]).encode()

    def end(self) -> bytes:
        return b""


class CsvWriter:
    """A line of names, then a line a row. Null is empty, empty text is `""`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def begin(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self._names)
        return text.getvalue().encode()

    def write(self, rows: Sequence[str]) -> bytes:
        return _lines(rows)

    def end(self) -> bytes:
        return b""


class ParquetFrames:
    """Row groups of what would be lines of CSV."""

    def __init__(self, fields: Sequence[Field]) -> None:
        from penstock.tables.bulk.parquet import ParquetWriter  # noqa: PLC0415  (large)

        self._file = ParquetWriter(fields)

    def begin(self) -> bytes:
        return b""

    def write(self, rows: Sequence[str]) -> bytes:
        return self._file.write(_lines(rows))

    def end(self) -> bytes:
        return self._file.close()


def statement(plan: RecordPlan, options: ExportOptions) -> Statement:
    """One column: the text of a row."""
    table = plan.table
    if options.format is Format.NDJSON:
        text = row_json(table, plan.fields)
    else:
        text = f"ROW({', '.join(_plain(table, name) for name in plan.fields)})::text"
    return compile_rows(plan, text, limit=options.limit)


def _plain(table: Table, name: str) -> str:
    rendered = table.rendered[name]
    # PostgreSQL's own short form is t and f.
    return f"({rendered})::text" if table.schema.by_name[name].type == "boolean" else rendered


def _lines(rows: Sequence[str]) -> bytes:
    """PostgreSQL writes a row as CSV does but for its parentheses, and for doubling backslashes."""
    text = "".join([f"{row[1:-1]}\n" for row in rows])
    return (text.replace("\\\\", "\\") if "\\" in text else text).encode()


def writer_of(plan: RecordPlan, options: ExportOptions) -> Writer:
    match options.format:
        case Format.NDJSON:
            return NdjsonWriter()
        case Format.CSV:
            return CsvWriter(plan.fields)
        case Format.PARQUET:
            return ParquetFrames([plan.table.schema.by_name[name] for name in plan.fields])


async def pieces(conn: Connection, wanted: Statement, writer: Writer) -> AsyncGenerator[bytes]:
    """The file, piece by piece. `conn` is in a transaction of one snapshot."""
    # Prepared anew: one that is remembered may be of the table as it was.
    prepared: Any = await conn.raw.prepare(wanted.sql)
    cursor: Any = await prepared.cursor(*wanted.values)
    yield writer.begin()
    wish = _FIRST
    while rows := await cursor.fetch(wish):
        yield await asyncio.to_thread(writer.write, [row[0] for row in rows])
        # Rows may be of any size; so many come next that memory stays the same.
        size = max(1, sum(len(row[0]) for row in rows) // len(rows))
        wish = max(1, min(_MOST, _PIECE // size, wish * 8))
    yield await asyncio.to_thread(writer.end)


def disposition(table: Table, options: ExportOptions) -> str:
    return f'attachment; filename="{table.name}.{options.format}"'
