"""Changes of tables that count as large: what is left for after the transaction, and who finishes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from penstock.kit.jobs import Worker
from penstock.server.worker import build_context, close_context, open_context
from penstock.tables import HANDLERS
from penstock.tables.settings import TablesSettings
from tests.databases import TestDatabase
from tests.tables.schema.physical import physical, place_of
from tests.tables.schema.test_migrations import (
    CASES,
    change,
    field,
    history,
    make,
    refer,
    renamed,
    roll_back,
    schema,
)
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def everything_is_large(workbench: Workbench) -> Iterator[None]:
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(usual, schema_small_rows=0)
    yield
    sections[TablesSettings] = usual


@asynccontextmanager
async def working(database: TestDatabase) -> AsyncIterator[None]:
    """A worker on handles of its own, as another process would have."""
    context = build_context(database.logins, database.keys, database.settings)
    worker = Worker(context, HANDLERS, lost_after=2)
    await open_context(context)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop, 5))
    try:
        yield
    finally:
        stop.set()
        await running
        await close_context(context)


async def finished(workbench: Workbench, table: Records, seconds: float = 20) -> list[dict[str, Any]]:
    """The history once nothing of it is pending."""
    deadline = time.monotonic() + seconds
    while await history(workbench, table, status="pending"):
        assert time.monotonic() < deadline, await history(workbench, table)
        await asyncio.sleep(0.02)
    return await history(workbench, table, page_size=100)


@pytest.mark.parametrize("name", CASES)
async def test_changes(workbench: Workbench, module_database: TestDatabase, name: str) -> None:
    """The same as of small tables, in the end; and so are rollbacks."""
    before, rows, after, expected, _ = CASES[name]
    table = await make(workbench, before, *rows)
    stored = await table.rows(ordering="id")
    shape = await physical(workbench, table)
    async with working(module_database):
        plan = await change(workbench, table, after, dry_run="true")
        done = await change(workbench, table, after, allow_data_loss="true")
        if expected is None:
            steps = await finished(workbench, table)
            if done.status_code == 200:
                # Rows that were not there when it was looked for those in the way.
                assert name == "add unique with default"
                assert (steps[0]["status"], "could not create unique index" in steps[0]["reason"]) == (
                    "failed",
                    True,
                )
                assert (await roll_back(workbench, table, steps[0]["id"])).status_code == 200
            assert await physical(workbench, table) == shape
            assert await table.rows(ordering="id") == stored
            return
        assert (done.status_code, plan.status_code) == (200, 200), (done.text, plan.text)
        steps = await finished(workbench, table)
        assert {one["status"] for one in steps} == {"success"}
        assert [one["sql"] for one in plan.json()["steps"]] == [one["sql"] for one in reversed(steps[:-1])]
        now = await table.rows(ordering="id")
        assert [{**row, "id": None} for row in now] == [{"id": None, **row} for row in expected]
        fresh = await make(workbench, after)
        assert await physical(workbench, table) == await physical(workbench, fresh)
        if len(steps) == 1:
            return
        back = await roll_back(workbench, table, steps[0]["id"])
        assert back.status_code == 200, back.text
        assert {one["status"] for one in await finished(workbench, table)} <= {"success", "rolled_back"}
        assert await physical(workbench, table) == shape


async def test_an_index_is_pending_until_it_is_built(
    workbench: Workbench, module_database: TestDatabase
) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"}, {"a": "y"})
    done = await change(workbench, table, schema(field("a", unique=True)))
    assert (done.status_code, done.json()["json_schema"]["fields"][1]) == (200, field("a", unique=True))
    pending = await history(workbench, table, status="pending")
    assert [one["description"] for one in pending] == ["Make 'a' unique"]
    # Nothing keeps values unique yet, and an upsert does without.
    upserted = await table.post({"a": "x"}, "/upsert?unique_fields=a")
    assert (upserted.status_code, upserted.json()["created"]) == (200, False)
    busy = await change(workbench, table, schema(field("a", unique=True), field("b")))
    assert (busy.status_code, "being finished" in busy.json()["detail"]) == (409, True)
    async with working(module_database):
        await finished(workbench, table)
    assert (await table.post({"a": "x"})).status_code == 409
    assert (await table.post({"a": "x"}, "/upsert?unique_fields=a")).status_code == 200
    assert (await change(workbench, table, schema(field("a", unique=True), field("b")))).status_code == 200


async def test_a_change_is_taken_back_before_it_is_finished(
    workbench: Workbench, module_database: TestDatabase
) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    shape = await physical(workbench, table)
    after = schema(
        field("a", unique=True, required=True, minLength=1), indexes=[{"name": "i", "fields": ["a"]}]
    )
    assert (await change(workbench, table, after)).status_code == 200
    assert len(await history(workbench, table, status="pending")) == 4
    newest = (await history(workbench, table))[0]["id"]
    assert (await roll_back(workbench, table, newest)).status_code == 200
    assert await physical(workbench, table) == shape
    async with working(module_database):
        await asyncio.sleep(0.5)
    assert await physical(workbench, table) == shape
    assert {one["status"] for one in await history(workbench, table)} == {"rolled_back", "success"}


async def test_half_an_index_is_built_anew(workbench: Workbench, module_database: TestDatabase) -> None:
    """What a worker leaves that is killed while it builds."""
    table = await make(workbench, schema(field("a")), {"a": "x"}, {"a": "x"})
    after = schema(field("a"), indexes=[{"name": "i", "fields": ["a"]}])
    assert (await change(workbench, table, after)).status_code == 200
    place = await place_of(workbench, table)
    statement = (await history(workbench, table))[0]["sql"]
    async with workbench.ctx.db.session() as session:
        with pytest.raises(Exception, match="could not create unique index"):
            await session.execute(statement.replace("CREATE INDEX", "CREATE UNIQUE INDEX"))
    halves = await workbench.fetch(
        "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass AND NOT indisvalid", place.sql
    )
    assert halves[0][0] == 1
    async with working(module_database):
        await finished(workbench, table)
    fresh = await make(workbench, after)
    assert await physical(workbench, table) == await physical(workbench, fresh)


async def test_rows_that_come_in_between(workbench: Workbench, module_database: TestDatabase) -> None:
    """Nobody keeps values unique until the index is there; then the step fails, and says so."""
    table = await make(workbench, schema(field("a")), {"a": "x"})
    assert (await change(workbench, table, schema(field("a", unique=True)))).status_code == 200
    await table.add({"a": "x"})
    async with working(module_database):
        steps = await finished(workbench, table)
    assert (steps[0]["status"], "could not create unique index" in steps[0]["reason"]) == ("failed", True)
    assert (await roll_back(workbench, table, steps[0]["id"])).status_code == 200
    assert len(await table.rows()) == 2


async def test_a_plan_of_a_large_table_takes_no_locks(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    place = await place_of(workbench, table)
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.execute(f"LOCK TABLE {place.sql} IN ROW EXCLUSIVE MODE")
        plan = await change(workbench, table, schema(renamed("a", "b", required=True)), dry_run="true")
    assert plan.status_code == 200
    assert plan.json()["rows"] == {table.name: 1}
    assert len(await history(workbench, table)) == 1


async def test_references_between_large_tables(workbench: Workbench, module_database: TestDatabase) -> None:
    parent = await make(workbench, schema(), {}, {})
    child = await make(workbench, schema(field("up", "integer")), {"up": 1}, {"up": 3})
    after = schema(field("up", "integer"), foreignKeys=[refer("up", parent.name)])
    refused = await change(workbench, child, after)
    assert refused.json()["json_schema"] == [
        f"Add foreign key (up) to {parent.name}: 1 row does not fit. Nothing was changed."
    ]
    await child.delete("/2")
    assert (await change(workbench, child, after)).status_code == 200
    # New rows are held to it at once.
    assert (await child.post({"up": 3})).status_code == 400
    async with working(module_database):
        assert (await finished(workbench, child))[0]["status"] == "success"
