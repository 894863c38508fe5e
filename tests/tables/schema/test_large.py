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
from tests.tables.schema.cases import CASES
from tests.tables.schema.changing import change, field, history, make, refer, renamed, roll_back, schema
from tests.tables.schema.physical import physical, place_of
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
                assert [one["status"] for one in steps] == ["success", "failed", "success"]
                assert steps[1]["reason"].startswith("Add column 'a': rows have the same value.")
                assert (await workbench.details(table))["json_schema"] == schema(field("a", default="x"))
                assert (await roll_back(workbench, table, steps[1]["id"])).status_code == 200
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


# Each: the schema before, a row, the schema after, a row that comes before the change is finished, why that is in the
# way, and the schema in the end (None: the one before).
BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str, dict[str, Any] | None]] = {
    "unique": (
        schema(field("a")),
        {"a": "x"},
        schema(field("a", unique=True)),
        "Make 'a' unique: rows have the same value. The change was taken back.",
        None,
    ),
    "unique among other changes": (
        schema(field("a", default="y"), field("b", "integer", minimum=1)),
        {"a": "x", "b": 5},
        schema(
            renamed("a", "c", unique=True),
            field("b", "integer", minimum=2),
            indexes=[{"name": "i", "fields": ["b"]}],
        ),
        "Make 'c' unique: rows have the same value. The change was taken back.",
        None,
    ),
    "unique index": (
        schema(field("a"), field("b")),
        {"a": "x", "b": "y"},
        schema(field("a"), field("b"), indexes=[{"name": "i", "fields": ["a", "b"], "unique": True}]),
        "Create index i: rows have the same value. The change was taken back.",
        None,
    ),
    "unique beside a new field": (
        schema(field("a")),
        {"a": "x"},
        schema(field("a", unique=True, title="An a"), field("b")),
        "Make 'a' unique: rows have the same value. The schema no longer asks for it; the rest of the change stays.",
        schema(field("a", title="An a"), field("b")),
    ),
    "unique index beside a new field": (
        schema(field("a")),
        {"a": "x"},
        schema(field("a"), field("b"), indexes=[{"name": "i", "fields": ["a"], "unique": True}]),
        "Create index i: rows have the same value. The schema no longer asks for it; the rest of the change stays.",
        schema(field("a"), field("b"), indexes=[]),
    ),
    "unique reference beside a new field": (
        schema(field("up", "integer"), foreignKeys=[refer("up")]),
        {"up": 1},
        schema(field("up", "integer", unique=True), field("b"), foreignKeys=[refer("up")]),
        "Make 'up' unique: rows have the same value. The schema no longer asks for it; the rest of the change stays.",
        schema(field("up", "integer"), field("b"), foreignKeys=[refer("up")]),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_rows_that_come_in_between(
    workbench: Workbench, module_database: TestDatabase, name: str
) -> None:
    """Nobody keeps values unique until the index is there; what then fails leaves table and definition agreeing."""
    before, row, after, reason, in_the_end = BROKEN[name]
    table = await make(workbench, before, row)
    was, shape = await workbench.details(table), await physical(workbench, table)
    done = await change(workbench, table, after)
    assert done.status_code == 200, done.text
    renames = {one["x-rename-from"]: one["name"] for one in after["fields"] if "x-rename-from" in one}
    await table.add({renames.get(key, key): value for key, value in row.items()})
    async with working(module_database):
        steps = await finished(workbench, table)
    failed = [one for one in steps if one["status"] == "failed"]
    assert [one["reason"] for one in failed] == [reason]
    now = await workbench.details(table)
    assert len(await table.rows()) == 2
    if in_the_end is None:
        assert (now["json_schema"], now["schema_hash"]) == (was["json_schema"], was["schema_hash"])
        assert await physical(workbench, table) == shape
        assert (await roll_back(workbench, table, failed[0]["id"])).status_code == 409
    else:
        assert now["json_schema"] == in_the_end
        fresh = await make(workbench, in_the_end)
        assert await physical(workbench, table) == await physical(workbench, fresh)
        assert now["schema_hash"] == (await workbench.details(fresh))["schema_hash"]
        back = await roll_back(workbench, table, failed[0]["id"])
        assert back.status_code == 200, back.text
        async with working(module_database):
            await finished(workbench, table)
        assert await physical(workbench, table) == shape
    # Nothing stands in the way of the next change.
    more = await change(workbench, table, {**before, "title": "Next"})
    assert more.status_code == 200, more.text


async def test_a_rollback_that_rows_are_in_the_way_of(
    workbench: Workbench, module_database: TestDatabase
) -> None:
    """Values that were unique may repeat since; what the schema then says is what the table keeps."""
    table = await make(workbench, schema(field("a", unique=True), field("b")), {"a": "x"})
    assert (await change(workbench, table, schema(field("a"), field("b")))).status_code == 200
    newest = (await history(workbench, table))[0]["id"]
    assert (await roll_back(workbench, table, newest)).status_code == 200
    await table.add({"a": "x"})
    async with working(module_database):
        steps = await finished(workbench, table)
    assert (steps[1]["status"], "no longer asks for it" in steps[1]["reason"]) == ("failed", True)
    assert (await workbench.details(table))["json_schema"] == schema(field("a"), field("b"))
    fresh = await make(workbench, schema(field("a"), field("b")))
    assert await physical(workbench, table) == await physical(workbench, fresh)


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
