"""What the driver learned of a database is shared by connections, and learned anew where it falls short."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from penstock.kit.context import Context
from penstock.queries.run.address import address
from penstock.queries.run.driver import Databases
from penstock.queries.run.fetching import fetched, has_unknown

pytestmark = pytest.mark.anyio


def schema_of(databases: Databases, at: str, sql: str) -> Any:
    with databases.connect(at) as connection, connection.cursor() as cursor:
        return cursor.adbc_execute_schema(sql)


async def test_a_type_that_came_later(ctx: Context) -> None:
    databases, at = Databases(), address(ctx.db.direct)
    first = await asyncio.to_thread(schema_of, databases, at, "SELECT 1 AS one")
    assert not has_unknown(first)
    owner: Any = await asyncpg.connect(**ctx.db.direct.arguments())
    await owner.execute("CREATE TYPE penstock.mood AS ENUM ('good', 'bad')")
    await owner.close()
    sql = "SELECT ARRAY['good'::penstock.mood] AS moods"
    assert has_unknown(await asyncio.to_thread(schema_of, databases, at, sql))
    databases.forget(at)
    found = await asyncio.to_thread(schema_of, databases, at, sql)
    assert not has_unknown(found)
    (column,) = fetched(found)
    assert column.column.kind.value == "json"


async def test_connections_are_never_the_same(ctx: Context) -> None:
    databases, at = Databases(), address(ctx.db.direct)

    def pid() -> int:
        with databases.connect(at) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    found = await asyncio.gather(*(asyncio.to_thread(pid) for _ in range(8)))
    assert len(set(found)) == 8


async def test_who_may_not_log_in(ctx: Context) -> None:
    databases, at = Databases(), address(ctx.db.direct).replace("penstock", "nobody", 1)
    for _ in range(2):
        with pytest.raises(Exception, match=r"nobody|password|role"):
            await asyncio.to_thread(databases.connect, at)
