"""Runs statements: one by one when a statement is the whole transaction, or inside the transaction of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg

from penstock.kit.db import Connection, Pool, Row
from penstock.tables.records.batch import Group
from penstock.tables.records.compile import Statement
from penstock.tables.records.violations import Refused


class Runner(Protocol):
    """Where a write runs."""

    async def row(self, sql: str, values: Sequence[Any]) -> Row | None: ...


class Autocommit:
    """Each statement is a transaction of its own: one round trip."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def row(self, sql: str, values: Sequence[Any]) -> Row | None:
        return await self._pool.single(sql, values, repeatable=False)


class InTransaction:
    """Statements of one transaction, which the edge commits."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    async def row(self, sql: str, values: Sequence[Any]) -> Row | None:
        return await self.conn.row(sql, *values)


async def read(pool: Pool, statement: Statement) -> Row | None:
    return await pool.single(statement.sql, statement.values, repeatable=True)


async def write(runner: Runner, statement: Statement, *, group: Group | None = None) -> Row:
    """The row a writing statement answers. Raises `Refused`, with the rows it wrote, when a constraint says no."""
    try:
        row = await runner.row(statement.sql, statement.values)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise Refused(error, group) from error
    assert row is not None
    return row
