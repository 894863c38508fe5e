"""Has columns of large tables written anew before the transaction in which they take their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final

import asyncpg

from penstock.identity import Grant
from penstock.kit import errors, jobs
from penstock.kit.db import Connection
from penstock.tables.models import DataTable
from penstock.tables.schema import widening
from penstock.tables.schema.apply import Limits, StepFailed, attempts, explain
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.materialize import place_of
from penstock.tables.schema.widening import Widening
from penstock.tables.service.unfinished import FINISH, HOLD, Unfinished, lock_name

Sessions = Callable[[], AbstractAsyncContextManager[Connection]]
# Pages that one batch fills: some thousand rows, which those who write the same ones wait for.
PAGES: Final = 48
# Rows that are always being written would never be filled.
_ROUNDS: Final = 50
_CLEARING_PATIENCE: Final = 3.0


@asynccontextmanager
async def widened(
    sessions: Sessions, grant: Grant, table: DataTable, steps: Sequence[Step], limits: Limits
) -> AsyncGenerator[None]:
    """Everything is written, and others write it too, as long as this lasts; what is not used by then is removed.

    Raises `StepFailed`.
    """
    step = next((one for one in steps if one.widening), None)
    if step is None:
        yield
        return
    columns = [one.widening for one in steps if one.widening]
    place = place_of(table)
    async with sessions() as conn:
        if not await conn.value(HOLD, lock_name(table.id)):
            raise errors.Conflict(f"Another change of '{table.name}' is being made.")
        try:
            try:
                await _write(conn, grant, table, place, columns, limits)
            except asyncpg.PostgresError as error:
                raise StepFailed(table, step, explain(step, error)) from error
            yield
        except BaseException:
            await asyncio.shield(_clear(conn, place, limits))
            raise


async def _write(
    conn: Connection,
    grant: Grant,
    table: DataTable,
    place: Place,
    columns: Sequence[Widening],
    limits: Limits,
) -> None:
    await clear(conn, place, limits)

    async def begin() -> None:
        for statement in widening.begin(place, columns):
            await conn.execute(statement)

    async with conn.raw.transaction():
        await attempts(conn, limits, begin)
        # Should this process die, a worker removes what it has left.
        key = f"{table.id}:left"
        await jobs.defer(conn, FINISH, Unfinished(table.id), org_id=grant.org_id, key=key, delay=10)
    await _fill(conn, place, columns)
    for later in widening.after_batches(place, columns):
        await conn.execute(later.sql)


async def _fill(conn: Connection, place: Place, columns: Sequence[Widening]) -> None:
    pages: int = await conn.value(
        "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::integer", place.sql
    )
    statement = widening.batch(place, columns)
    missing = widening.missing(place, columns)
    # Should the server die, what it forgets of this is done again anyway.
    await conn.execute("SET synchronous_commit = off")
    for _ in range(_ROUNDS):
        for first in range(0, pages, PAGES):
            await conn.execute(statement, f"({first},0)", f"({first + PAGES},0)")
        if not await conn.value(missing):
            break
        await asyncio.sleep(0.1)
    else:
        raise errors.Contended("Some rows are being written all the time; nothing was changed.")
    await conn.execute("RESET synchronous_commit")


async def clear(conn: Connection, place: Place, limits: Limits) -> None:
    """Remove what a change has left that did not come to its end."""
    rows = await conn.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 "
        "AND NOT attisdropped AND attname LIKE $2 || '%'",
        place.sql,
        widening.MARK,
    )
    if rows:
        statement = widening.clear(place, [row["attname"] for row in rows])
        async with conn.raw.transaction():
            await attempts(conn, limits, lambda: conn.execute(statement))


async def _clear(conn: Connection, place: Place, limits: Limits) -> None:
    """As far as it can be done now; the rest is a worker's."""
    soon: Any = Limits(limits.lock, _CLEARING_PATIENCE, limits.statement)
    with suppress(Exception):
        await clear(conn, place, soon)
