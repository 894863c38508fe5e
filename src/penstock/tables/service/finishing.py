"""What is left of a schema change once its transaction has committed: validating constraints, building indexes.

Each statement that can be in a transaction is in one with the note that it is done. An index that is built while others
write cannot; whatever a worker that died has left of one is dropped, and it is built again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Run
from penstock.tables import store
from penstock.tables.events import CATALOG
from penstock.tables.models import DataTable, Operation
from penstock.tables.schema.apply import Limits, Locked, StepFailed, attempts, execute, reason_of
from penstock.tables.schema.ddl import Later, Step
from penstock.tables.schema.materialize import place_of
from penstock.tables.service.retracting import retract
from penstock.tables.service.unfinished import DAY, HOLD, Unfinished, lock_name
from penstock.tables.service.widening import clear
from penstock.tables.settings import TablesSettings

# Rows that are in the way of a statement; it cannot succeed however often it is tried.
_HOPELESS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.ProgramLimitExceededError,
)


@dataclass(frozen=True, slots=True)
class _Work:
    """A session that nobody else finishes this table in."""

    conn: Connection
    table: DataTable
    limits: Limits


async def finish(ctx: Context, run: Run[Unfinished]) -> None:
    """The job. Its operations are done in order, and say in the history what came of them."""
    settings = ctx.settings(TablesSettings)
    limits = Limits(settings.schema_lock_timeout, settings.schema_lock_patience, DAY)
    async with ctx.db.session() as conn:
        # A waiting lock would hold a snapshot, and building an index waits for old snapshots to go.
        if not await conn.value(HOLD, lock_name(run.payload.table_id)):
            raise errors.Transient("Somebody else is at this table.")
        table = await store.table_by_id(conn, run.payload.table_id)
        if table is None:
            return
        await clear(conn, place_of(table), limits)
        work = _Work(conn, table, limits)
        while True:
            async with conn.raw.transaction():
                operation = await store.next_pending(conn, table.id)
            if operation is None:
                return
            await _finish(work, operation)


async def _finish(work: _Work, operation: Operation) -> None:
    """One operation; what the rows refuse is the operation's failure and not the job's."""
    detail: dict[str, Any] = dict(operation.detail)
    later: list[Later] = msgspec.convert(detail["after"], type=list[Later])
    begin: int = detail.get("done", 0)
    for place in range(begin, len(later)):
        started = time.perf_counter()
        statement, index = later[place].sql, later[place].index
        step = Step(operation.operation_type, operation.description, statement, None)
        done = {**detail, "done": place + 1}
        status = "success" if place + 1 == len(later) else "pending"
        try:
            if index is not None:
                await _build(work, statement, index)
            async with work.conn.raw.transaction():
                current = await store.next_pending(work.conn, work.table.id)
                if current is None or current.id != operation.id:
                    # It was rolled back meanwhile; then nothing of it may stay.
                    if index is not None:
                        await work.conn.execute(f"DROP INDEX IF EXISTS {_qualified(work, index)}")
                    return
                if index is None:
                    await _execute(work, step)
                await _note(work, operation, status, done, started)
        except Locked as busy:
            raise errors.Transient("The table was too busy.") from busy
        except (StepFailed, *_HOPELESS) as error:
            cause = error.__cause__ if isinstance(error, StepFailed) else error
            await _give_up(work, operation, later[place], cause)
            return
        detail = done


async def _give_up(work: _Work, operation: Operation, later: Later, cause: BaseException | None) -> None:
    """Rows are in the way of a statement: what the definition says is made true again."""
    assert isinstance(cause, asyncpg.PostgresError)
    reason = f"{operation.description}: {reason_of(cause)}."
    async with work.conn.raw.transaction():
        table = await store.hold_table(work.conn, work.table.id)
        current = await store.next_pending(work.conn, work.table.id)
        if table is None or current is None or current.id != operation.id:
            return  # taken back meanwhile
        try:
            await retract(work.conn, table, current, later.rule, reason, work.limits)
        except Locked as busy:
            raise errors.Transient("The table was too busy.") from busy
        await _announce(work)


async def _execute(work: _Work, step: Step) -> None:
    await attempts(work.conn, work.limits, lambda: execute(work.conn, work.table, step))


async def _build(work: _Work, statement: str, index: str) -> None:
    """Build an index concurrently, unless it is there; half of one, left by whoever died or failed, goes first."""
    valid = await work.conn.value(
        "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
        work.table.physical_schema,
        index,
    )
    if valid:
        return
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {_qualified(work, index)}"
    if valid is not None:
        await work.conn.execute(drop)
    try:
        await work.conn.execute(statement)
    except _HOPELESS:
        await work.conn.execute(drop)
        raise


def _qualified(work: _Work, index: str) -> str:
    return sql.qualified(place_of(work.table).schema, index)


async def _note(
    work: _Work, operation: Operation, status: str, detail: dict[str, Any], started: float
) -> None:
    milliseconds = int((time.perf_counter() - started) * 1000)
    await store.update_operation(work.conn, operation.id, status, detail, milliseconds)
    await _announce(work)


async def _announce(work: _Work) -> None:
    """Which unique indexes there are is part of what processes know of a table."""
    await work.conn.notify(
        CATALOG, f"{await store.org_of_table(work.conn, work.table.id)}:{work.table.app_id}"
    )
