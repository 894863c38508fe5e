"""Runs the steps of a schema change inside a transaction: all of them, or the table stays what it was.

A lock that is not to be had soon is given up and tried for again, because whoever waits for it holds up everyone who
comes after.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from penstock.kit import errors
from penstock.kit.db import Connection, summary
from penstock.tables.models import DataTable
from penstock.tables.schema.alter import MOST_COUNTED
from penstock.tables.schema.ddl import Step
from penstock.tables.schema.language import parse_schema
from penstock.tables.schema.materialize import Done, try_patterns

T = TypeVar("T")
_REASONS = {
    "23502": "rows have no value for it",
    "23503": "rows refer to what does not exist",
    "23505": "rows have the same value",
    "23514": "rows break it",
    "2BP01": "other tables depend on it",
}
_LOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: for one lock, for all attempts at one, for one statement."""

    lock: float
    patience: float
    statement: float


class StepFailed(Exception):
    """A step of a change did not work, and with it the whole change; `error` is what the caller is told."""

    def __init__(self, table: DataTable, step: Step, error: errors.PenstockError) -> None:
        super().__init__(error.message)
        self.table, self.step, self.error = table, step, error


class Locked(StepFailed):
    """A lock was not to be had in time: the only failure worth another attempt."""


async def attempts(conn: Connection, limits: Limits, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work under the limits, and again while locks are not to be had, until patience ends."""
    deadline = time.monotonic() + limits.patience
    while True:
        try:
            async with conn.savepoint():
                await conn.execute(
                    f"SET LOCAL lock_timeout = '{int(limits.lock * 1000)}ms'; "
                    f"SET LOCAL statement_timeout = '{int(limits.statement * 1000)}ms'"
                )
                return await work()
        except (Locked, *_LOCKED):
            if time.monotonic() > deadline:
                raise
            # Those who queued behind the lock get their turn first.
            await asyncio.sleep(limits.lock * (0.5 + random.random()))  # noqa: S311  (not a secret)


@asynccontextmanager
async def looking(conn: Connection) -> AsyncGenerator[None]:
    """What is read in it is not held: locks on tables that were looked at are given back."""
    look: Any = conn.raw.transaction()
    await look.start()
    try:
        yield
    finally:
        await look.rollback()


async def probe(conn: Connection, table: DataTable, steps: Sequence[Step]) -> None:
    """Look for rows that would be in the way. Raises `StepFailed` before anything is done."""
    for step in steps:
        if step.probe is None:
            continue
        try:
            async with looking(conn):
                count = await conn.value(step.probe)
        except asyncpg.UndefinedColumnError:
            # It looks at another table that changes together with this one; the step itself finds out.
            continue
        if count:
            raise obstructed(table, step, count)


async def run(conn: Connection, table: DataTable, steps: Sequence[Step]) -> list[Done]:
    """Execute the steps of one table. Raises `StepFailed`."""
    done: list[Done] = []
    if steps:
        await try_patterns(conn, parse_schema(table.json_schema))
    for step in steps:
        started = time.perf_counter()
        await execute(conn, table, step)
        if step.verify and (count := await _verified(conn, table, step, step.verify)):
            raise obstructed(table, step, count)
        done.append(Done(table, step, int((time.perf_counter() - started) * 1000)))
    return done


async def _verified(conn: Connection, table: DataTable, step: Step, verify: str) -> int:
    try:
        return await conn.value(verify)
    except asyncpg.DataError as error:
        raise StepFailed(table, step, explain(step, error)) from error


async def execute(conn: Connection, table: DataTable, step: Step) -> None:
    """The statement of one step. Raises `StepFailed`."""
    if all(line.startswith("--") for line in step.sql.splitlines()):
        return  # a note for the history
    try:
        await conn.execute(step.sql)
    except _LOCKED as error:
        raise Locked(table, step, explain(step, error)) from error
    except asyncpg.PostgresError as error:
        raise StepFailed(table, step, explain(step, error)) from error


def explain(step: Step, error: asyncpg.PostgresError) -> errors.PenstockError:
    """What the caller is told about a statement that failed."""
    if isinstance(error, _LOCKED):
        return errors.Contended(
            "The table is too busy to be changed: its lock was not free for long enough. Nothing was changed.",
            hint="Try again when less is written, or end long transactions on the table.",
        )
    return refusal(step, reason_of(error))


def reason_of(error: asyncpg.PostgresError) -> str:
    """Why a statement of a schema change failed, in words that quote no row; raises what is no fault of the rows."""
    code = error.sqlstate or ""
    if isinstance(error, asyncpg.QueryCanceledError):
        return "it takes longer than PENSTOCK_SCHEMA_STATEMENT_TIMEOUT allows"
    if code in _REASONS:
        return _REASONS[code]
    if code[:2] in ("22", "23", "42", "54", "0A"):
        return summary(error)
    raise error


def refusal(step: Step, reason: str) -> errors.Invalid:
    """Why a step did not work, as the caller is told."""
    return errors.Invalid({"json_schema": [f"{step.description}: {reason}. Nothing was changed."]})


def obstructed(table: DataTable, step: Step, count: int) -> StepFailed:
    """The failure of a step that so many rows are in the way of."""
    if count > MOST_COUNTED:
        words = f"more than {MOST_COUNTED:,} rows {step.obstacle}"
    else:
        words = f"{count:,} rows {step.obstacle}" if count > 1 else "1 row does not fit"
    return StepFailed(table, step, refusal(step, words))
