"""A list as a file, of one snapshot, piece by piece, so that memory does not grow with the number of its rows.

The provider of the table gives lines, PostgreSQL by COPY; CSV and NDJSON are passed on as they come.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from penstock.kit.copying import copy_out
from penstock.kit.db import Connection
from penstock.tables.bulk.options import ExportOptions, Format
from penstock.tables.catalog import Table
from penstock.tables.models import Field
from penstock.tables.records.compile import Statement, compile_lines, compile_rows
from penstock.tables.records.plan import RecordPlan

_CSV: Mapping[str, Any] = {"format": "csv"}
# A line of JSON is one column; no byte in it is one of these, so that it is never quoted.
_LINES: Mapping[str, Any] = {"format": "csv", "delimiter": "\x02", "quote": "\x01"}


class Writer(Protocol):
    """Makes a file of the lines that a provider gives; what it gives may be empty for the moment."""

    def begin(self) -> bytes: ...

    def write(self, lines: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Lines:
    """They are the file, after a first line."""

    def __init__(self, first: bytes = b"") -> None:
        self._first = first

    def begin(self) -> bytes:
        return self._first

    def write(self, lines: bytes) -> bytes:
        return lines

    def end(self) -> bytes:
        return b""


class ParquetFrames:
    """Row groups of what would be lines of CSV."""

    def __init__(self, fields: Sequence[Field]) -> None:
        from penstock.tables.bulk.parquet import ParquetWriter  # noqa: PLC0415  (large)

        self._file = ParquetWriter(fields)

    def begin(self) -> bytes:
        return b""

    def write(self, lines: bytes) -> bytes:
        return self._file.write(lines)

    def end(self) -> bytes:
        return self._file.close()


def statement(plan: RecordPlan, options: ExportOptions) -> Statement:
    """A column for each field, or for NDJSON one with the text of a row."""
    if options.format is Format.NDJSON:
        return compile_lines(plan, limit=options.limit)
    columns = [_plain(plan.table, name) for name in plan.fields]
    return compile_rows(plan, ", ".join(columns), limit=options.limit)


def _plain(table: Table, name: str) -> str:
    rendered = table.rendered[name]
    # PostgreSQL's own short form is t and f.
    return f"({rendered})::text" if table.schema.by_name[name].type == "boolean" else rendered


def _header(names: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def writer_of(plan: RecordPlan, options: ExportOptions) -> Writer:
    match options.format:
        case Format.NDJSON:
            return Lines()
        case Format.CSV:
            return Lines(_header(plan.fields))
        case Format.PARQUET:
            return ParquetFrames([plan.table.schema.by_name[name] for name in plan.fields])


def copied(conn: Connection, plan: RecordPlan, options: ExportOptions) -> AsyncGenerator[bytes]:
    """The lines of a table of PostgreSQL. `conn` is in a transaction."""
    wanted = statement(plan, options)
    kind = _LINES if options.format is Format.NDJSON else _CSV
    return copy_out(conn, wanted.sql, wanted.values, **kind)


async def pieces(source: AsyncGenerator[bytes], writer: Writer) -> AsyncGenerator[bytes]:
    """The file of these lines, piece by piece."""
    head = writer.begin()  # what fails before there are rows is answered as an error
    async with aclosing(source):
        async for lines in source:
            piece = lines if isinstance(writer, Lines) else await asyncio.to_thread(writer.write, lines)
            yield head + piece
            head = b""
    yield head + await asyncio.to_thread(writer.end)


def disposition(table: Table, options: ExportOptions) -> str:
    return f'attachment; filename="{table.name}.{options.format}"'
