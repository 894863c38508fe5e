"""Rows that a PostgreSQL has, batch by batch, in a transaction that only reads."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import asyncpg

from penstock.kit import sql
from penstock.queries.engine.holding import Hold
from penstock.queries.models import Condition, Input
from penstock.queries.results.columns import Kind
from penstock.queries.results.writing import KIND
from penstock.queries.run.driver import databases
from penstock.queries.run.fence import BEGIN, WHO
from penstock.queries.run.fetching import Fetched, fetched, statement
from penstock.queries.run.linking import Link

_BATCH: Final = 2 * 1024 * 1024  # bytes
_PATIENCE: Final = 3.0
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})


@dataclass(frozen=True, slots=True)
class PostgresRows:
    """The rows of a SELECT, of them the columns and rows that an input asks for."""

    link: Link
    select: str
    wanted: Input

    def batches(self, hold: Hold) -> Iterator[Any]:
        import pyarrow as pa

        with _cursor(self.link, hold) as cursor:
            every = fetched(cursor.adbc_execute_schema(self.select))
            chosen = [one for one in every if _is_wanted(one, self.wanted)] or every[:1]
            text = statement(self.select, every, chosen, _where(every, self.wanted.conditions))
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH)})
            cursor.execute(text)
            reader = cursor._results.reader
            schema = pa.schema(
                [
                    pa.field(one.column.name, kind.type, metadata={KIND: one.column.kind.value.encode()})
                    for one, kind in zip(chosen, reader.schema, strict=True)
                ]
            )
            yield pa.RecordBatch.from_pylist([], schema)
            for batch in reader:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _is_wanted(one: Fetched, wanted: Input) -> bool:
    return wanted.columns is None or one.column.name.lower() in wanted.columns


def _where(every: Sequence[Fetched], conditions: Sequence[Condition]) -> str:
    """The conditions that mean there what they mean here."""
    by_name = {one.column.name: one for one in every}
    found: list[str] = []
    for one in conditions:
        column = by_name.get(one.column)
        if column is None:
            continue
        if isinstance(one.value, Decimal):
            if column.column.kind in _NUMBERS:
                found.append(f"{column.place} {one.operator} {one.value:f}")
        elif column.column.kind is Kind.STRING and column.is_text:
            found.append(f"{column.place} {one.operator} {sql.literal(one.value)}")
    return " AND ".join(found)


@contextmanager
def _cursor(link: Link, hold: Hold) -> Generator[Any]:
    from penstock.queries.run.adbc import dbapi as manager

    opened = databases.connect(link.url)
    with opened as connection, connection.cursor() as cursor:
        cursor.execute(BEGIN)
        cursor.execute(WHO)
        pid, began = cursor.fetchone()
        cursor.execute(link.admit(pid, began))
        cursor.fetchall()
        with hold.stopping(lambda: asyncio.run(cancel(link, pid))):
            try:
                yield cursor
            finally:
                with suppress(manager.Error):
                    # Or closing would read all that is left.
                    cursor.adbc_cancel()


async def cancel(link: Link, pid: int) -> None:
    """A login may end what it does itself, which needs no further right."""
    async with asyncio.timeout(_PATIENCE):
        raw: Any = await asyncpg.connect(**link.arguments, statement_cache_size=0)
        try:
            await raw.fetchval("SELECT pg_catalog.pg_cancel_backend($1)", pid)
        finally:
            raw.terminate()
