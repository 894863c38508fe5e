"""The SQL of the contests: what the server's own compiler makes of a list request, as a pgbench script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.data import APP, COLUMNS, FIRST, LAST, MOST, STATUS_ARRAY, STATUSES, TABLE, Wanted
from bench.stage import Stage
from bench.tools import BenchError
from penstock.identity import Grant, Principal, PrincipalKind, Role
from penstock.kit.db import Connection
from penstock.tables.catalog import Table
from penstock.tables.records.compile import Statement, compile_list
from penstock.tables.records.plan import plan_list
from penstock.tables.records.request import parse_list
from penstock.tables.store import load_table

ORDERING = "-placed_at"
PAGE_SIZE = 20


@dataclass(frozen=True)
class Lists:
    """Compiles list requests for the table of the stage."""

    table: Table
    grant: Grant

    @classmethod
    async def open(cls, connection: asyncpg.Connection) -> Lists:
        org_id: int = await connection.fetchval("SELECT id FROM penstock.orgs ORDER BY id LIMIT 1")
        stored = await load_table(Connection(connection), org_id, APP, TABLE)
        if stored is None:
            raise BenchError("The table of the benchmark is not there.")
        definition, provider = stored
        caller = Principal(org_id, "main", PrincipalKind.SERVICE_KEY, None, None, "bench", None, Role.OWNER)
        table = Table(definition, provider, APP, is_audited=False)
        return cls(table, Grant(caller, "record.read", Role.OWNER))

    def statement(self, wanted: Wanted) -> Statement:
        pairs = [("account_id", str(wanted.account)), ("amount__gte", wanted.amount), ("ordering", ORDERING)]
        return compile_list(plan_list(parse_list(pairs, self.table.columns), self.table, self.grant))

    def script(self, accounts: int) -> str:
        """For pgbench: the same text, with random values."""
        text = self.statement(Wanted(1, "1.00")).sql
        return (
            f"\\set p1 random(1, {accounts})\n\\set p2 random(0, {MOST * 100}) / 100.0\n"
            + re.sub(r"\$(\d+)", r":p\1", text)
            + ";\n"
        )


async def check_same_text(connection: asyncpg.Connection, lists: Lists) -> None:
    """Raises `BenchError` unless the server has just executed the very statement that pgbench will."""
    text = lists.statement(Wanted(1, "1.00")).sql
    size: int = await connection.fetchval(
        "SELECT pg_size_bytes(current_setting('track_activity_query_size'))"
    )
    rows = await connection.fetch("SELECT query FROM pg_stat_activity WHERE datname = current_database()")
    seen = [row["query"] for row in rows]
    if text[: size - 1] not in seen:
        raise BenchError(f"The server's statement is not the one for pgbench:\n{text}\n{seen}")


def insert_script(stage: Stage) -> str:
    """The plain INSERT of one random row that gives the whole row back."""
    return (
        f"\\set account random(1, {stage.volume.accounts})\n\\set status random(1, {len(STATUSES)})\n"
        f"\\set amount random(0, {MOST * 100}) / 100.0\n\\set moment random({FIRST}, {LAST - 1})\n"
        "\\set number random(1, 1000000000000)\n"
        f"INSERT INTO {stage.place} ({', '.join(COLUMNS)}) VALUES "
        f"(:account, ({STATUS_ARRAY})[:status], :amount, to_timestamp(:moment), 'Note ' || :number::text) "
        "RETURNING *;\n"
    )


async def run(connection: asyncpg.Connection, statement: Statement) -> Any:
    return await connection.fetchrow(statement.sql, *statement.values)
