"""Types that widen in large tables, while others write: nothing is lost, and nothing is left of what did not work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from penstock.kit import jobs
from penstock.tables.schema import Place, widening
from penstock.tables.service import widening as service
from penstock.tables.service.unfinished import FINISH, Unfinished
from penstock.tables.settings import TablesSettings
from tests.databases import TestDatabase
from tests.tables.schema.changing import change, field, history, make, renamed, roll_back, schema
from tests.tables.schema.physical import physical, place_of
from tests.tables.schema.test_large import finished, working
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio
_LEFT = """
SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname LIKE '#%')
     + (SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = '#widen')
     + (SELECT count(*) FROM pg_proc WHERE proname = $2) AS left_over
"""


@pytest.fixture(autouse=True)
def everything_is_large(workbench: Workbench) -> Iterator[None]:
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(
        usual, schema_small_rows=0, schema_lock_timeout=0.1, schema_lock_patience=0.5
    )
    yield
    sections[TablesSettings] = usual


async def left_over(workbench: Workbench, place: Place) -> int:
    return (await workbench.fetch(_LEFT, place.sql, widening.function_name(place)))[0][0]


async def test_what_is_written_meanwhile(
    workbench: Workbench, module_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(
        field("a", "integer", required=True, unique=True, minimum=0),
        field("b$x$ c", "date", default="2024-01-01"),
        field("kept"),
        indexes=[{"name": "i", "fields": ["a", "kept"]}],
    )
    after = schema(
        renamed("a", "n", "number", required=True, unique=True, minimum=0),
        field("b$x$ c", "datetime", default="2024-01-02T00:00:00Z"),
        field("kept"),
        indexes=[{"name": "i", "fields": ["n", "kept"]}],
    )
    table = await make(workbench, before, *({"a": one, "kept": "x" * 200} for one in range(500)))
    place = await place_of(workbench, table)
    fill = service._fill

    async def filling(*given: Any) -> None:
        assert (await table.patch({"a": 1000}, "/1")).status_code == 200
        assert (await table.post({"a": 1001})).status_code == 201
        await fill(*given)
        assert (await table.patch({"a": 1002}, "/2")).status_code == 200
        assert (await table.post({"a": 1003, "b$x$ c": None})).status_code == 201
        assert (await table.delete("/3")).status_code == 204
        assert (await table.post({"a": 1003})).status_code == 409

    monkeypatch.setattr(service, "_fill", filling)
    plan = (await change(workbench, table, after, dry_run="true")).json()
    assert not any(one["rewrites"] for one in plan["steps"])
    assert sum("CREATE TRIGGER" in one["sql"] for one in plan["steps"]) == 2
    assert await left_over(workbench, place) == 0
    done = await change(workbench, table, after)
    assert done.status_code == 200, done.text
    async with working(module_database):
        assert {one["status"] for one in await finished(workbench, table)} == {"success"}
    rows = {row["id"]: row for row in await table.rows()}
    assert (rows[1]["n"], rows[2]["n"], 3 in rows, rows[500]["n"]) == (1000, 1002, False, 499)
    assert rows[4]["b$x$ c"] == "2024-01-01T00:00:00Z"
    assert sorted((row["n"], row["b$x$ c"]) for row in rows.values())[-2:] == [
        (1002, "2024-01-01T00:00:00Z"),
        (1003, None),
    ]
    fresh = await make(workbench, after)
    assert await physical(workbench, table) == await physical(workbench, fresh)
    assert await left_over(workbench, place) == 0
    new = (await table.add({"n": 1.5}))[0]
    assert (float(new["n"]), new["b$x$ c"]) == (1.5, "2024-01-02T00:00:00Z")
    assert (await table.delete(f"/{new['id']}")).status_code == 204
    back = await roll_back(workbench, table, (await history(workbench, table))[0]["id"])
    assert back.status_code == 200, back.text
    async with working(module_database):
        await finished(workbench, table)
    assert {row["a"] for row in await table.rows()} == {row["n"] for row in rows.values()}


async def test_rules_are_held_to_the_new_values(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a", "integer")), {"a": 12}, {"a": 345})
    place = await place_of(workbench, table)
    refused = await change(workbench, table, schema(field("a", maxLength=2)), allow_data_loss="true")
    assert refused.json()["json_schema"] == ["Add maxLength of 'a': 1 row does not fit. Nothing was changed."]
    assert await left_over(workbench, place) == 0
    assert await table.ids(a__gt=100) == [2]


async def test_a_busy_table(workbench: Workbench) -> None:
    """Who holds the table keeps the change from beginning; who begins to hold it later, from ending."""
    table = await make(workbench, schema(field("a", "integer")), {"a": 1})
    place = await place_of(workbench, table)
    async with workbench.ctx.db.data.transaction() as conn:
        await conn.execute(f"UPDATE {place.sql} SET a = 2")
        busy = await change(workbench, table, schema(field("a", "number")))
        assert (busy.status_code, "too busy" in busy.json()["detail"]) == (409, True)
    assert await left_over(workbench, place) == 0
    assert (await change(workbench, table, schema(field("a", "number")))).status_code == 200


async def interrupted(workbench: Workbench, table: Records) -> Place:
    """What a process leaves that dies while it fills."""
    place = await place_of(workbench, table)
    one = widening.Widening("a", "a", "numeric", 'NEW."a"::numeric', required=False, unique=None)
    async with workbench.ctx.db.session() as conn:
        for statement in widening.begin(place, [one]):
            await conn.execute(statement)
    assert await left_over(workbench, place) == 3
    return place


async def test_a_worker_removes_what_was_left(workbench: Workbench, module_database: TestDatabase) -> None:
    table = await make(workbench, schema(field("a", "integer")), {"a": 1})
    place = await interrupted(workbench, table)
    assert await table.add({"a": 2}) == [{"id": 2, "a": 2}]
    table_id = (await workbench.details(table))["id"]
    async with working(module_database):
        async with workbench.ctx.db.control.transaction() as conn:
            await jobs.defer(conn, FINISH, Unfinished(table_id), key="left")
        for _ in range(200):
            if not await left_over(workbench, place):
                break
            await asyncio.sleep(0.02)
    assert await left_over(workbench, place) == 0


async def test_the_next_change_removes_what_was_left(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a", "integer")), {"a": 1})
    place = await interrupted(workbench, table)
    done = await change(workbench, table, schema(field("a", "number")))
    assert done.status_code == 200, done.text
    assert await left_over(workbench, place) == 0
    assert await table.add({"a": 2}) == [{"id": 2, "a": 2}]


async def test_only_one_change_at_a_time(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a", "integer")), {"a": 1})
    table_id = (await workbench.details(table))["id"]
    async with workbench.ctx.db.session() as conn:
        assert await conn.value(service.HOLD, service.lock_name(table_id))
        busy = await change(workbench, table, schema(field("a", "number")))
        assert (busy.status_code, "is being made" in busy.json()["detail"]) == (409, True)
    assert (await change(workbench, table, schema(field("a", "number")))).status_code == 200


async def test_what_depends_on_a_column_is_written_anew_under_a_lock(workbench: Workbench) -> None:
    """A unique index over several fields is never gone, not even for a moment."""
    index = {"name": "i", "fields": ["a", "b"], "unique": True}
    table = await make(workbench, schema(field("a", "integer"), field("b"), indexes=[index]), {"a": 1})
    after = schema(field("a", "number"), field("b"), indexes=[index])
    plan = (await change(workbench, table, after, dry_run="true")).json()
    assert [one["rewrites"] for one in plan["steps"]] == [False, True, False]
    assert (await change(workbench, table, after)).status_code == 200
