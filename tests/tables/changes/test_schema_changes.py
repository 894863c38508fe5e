"""Feeds of tables whose schema changes, and changes that are no longer kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from penstock.kit.context import Context
from penstock.kit.jobs.cleaning import Nothing
from penstock.server.bootstrap import _settle_changes
from penstock.tables.jobs import forget_changes
from penstock.tables.settings import TablesSettings
from penstock.tables.store import feeds
from tests.tables.changes.following import Follower
from tests.tables.workbench import APP, ID, Records, Workbench

pytestmark = pytest.mark.anyio
BASE = f"/api/apps/{APP}/datatables"
Json = dict[str, Any]
NAME = {"name": "name", "type": "string"}
PRICE = {"name": "price", "type": "number"}
CODE = {"name": "code", "type": "string"}


def schema(*fields: Json, **more: Any) -> Json:
    return {"fields": [ID, *fields], "primaryKey": ["id"], "changes": True, **more}


async def alter(workbench: Workbench, table: Records, definition: Json, **params: Any) -> Any:
    answer = await workbench.client.patch(
        f"{BASE}/{table.name}", json={"json_schema": definition}, params=params
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def roll_back(workbench: Workbench, table: Records) -> None:
    answer = await workbench.client.get(f"{BASE}/{table.name}/operation-history")
    newest = answer.json()["data"][0]["id"]
    answer = await workbench.client.post(f"{BASE}/{table.name}/rollback/", json={"revision_id": newest})
    assert answer.status_code == 200, answer.text


async def fed(workbench: Workbench, *fields: Json) -> Records:
    table = await workbench.table(*fields, changes=True)
    await table.get()
    return table


async def test_a_feed_begins_with_a_table_in_use(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "before"})
    plan = await alter(workbench, table, schema(NAME), dry_run="true")
    assert "CREATE OR REPLACE TRIGGER" in str(plan)
    await alter(workbench, table, schema(NAME))
    follower = Follower(table)
    await table.add({"name": "after"})
    assert [one["record"]["name"] for one in await follower.catch_up()] == ["after"]
    await roll_back(workbench, table)
    assert (await table.get("/changes/")).status_code == 400
    await table.add({"name": "unseen"})
    await alter(workbench, table, schema(NAME))
    assert await Follower(table).catch_up() == []


async def test_changes_are_shown_under_the_names_of_today(workbench: Workbench) -> None:
    table = await fed(workbench, NAME, PRICE, CODE)
    follower = Follower(table)
    await table.add({"name": "old", "price": 1.5, "code": "7"})
    cursor = (await table.get("/changes/")).json()["next_cursor"]
    title = {"name": "title", "type": "string", "x-rename-from": "name"}
    count = {"name": "code", "type": "integer"}
    await alter(workbench, table, schema(title, PRICE, count), allow_data_loss="true")
    await table.add({"title": "new", "price": 2, "code": 8})
    changes = await follower.catch_up()
    # A value of another type is left out.
    assert [one["record"] for one in changes] == [
        {"id": 1, "title": "old", "price": 1.5, "code": None},
        {"id": 2, "title": "new", "price": 2, "code": 8},
    ]
    assert [one["key"] for one in await Follower(table, cursor).catch_up()] == [2]
    await roll_back(workbench, table)
    records = [one["record"] for one in await Follower(table).catch_up()]
    assert [(one["name"], one["price"]) for one in records] == [("old", 1.5), ("new", 2)]


async def test_a_field_that_comes_again_is_another(workbench: Workbench) -> None:
    table = await fed(workbench, NAME, PRICE)
    await table.add({"name": "a", "price": 1})
    await alter(workbench, table, schema(NAME), allow_data_loss="true")
    await table.add({"name": "b"})
    await alter(workbench, table, schema(NAME, {"name": "price", "type": "boolean"}))
    await table.add({"name": "c", "price": True})
    prices = [one["record"]["price"] for one in await Follower(table).catch_up()]
    assert prices == [None, None, True]


async def test_what_was_taken_back_is_not_shown_as_something_else(workbench: Workbench) -> None:
    """Values of a type, or of a field, that there was in between only."""
    table = await fed(workbench, NAME, {"name": "code", "type": "integer"})
    await table.add({"name": "a", "code": 1})
    await alter(workbench, table, schema(NAME, CODE, PRICE))
    await table.add({"name": "b", "code": "no number", "price": 5})
    await table.delete("/2")
    await roll_back(workbench, table)
    await alter(
        workbench,
        table,
        schema(NAME, {"name": "code", "type": "integer"}, {"name": "price", "type": "boolean"}),
    )
    await table.add({"name": "c", "code": 3, "price": True})
    records = [one["record"] for one in await Follower(table).catch_up() if one["record"]]
    assert [(one["name"], one["code"], one["price"]) for one in records] == [
        ("a", None, None),
        ("b", None, None),
        ("c", 3, True),
    ]


async def test_search_fields_come_and_go(workbench: Workbench) -> None:
    table = await fed(workbench, NAME)
    for more in ({"search_fields": ["name"]}, {}, {"search_fields": ["name"]}):
        await alter(workbench, table, schema(NAME, **more))
        await table.add({"name": "x"})
        await table.patch({"name": "y"}, "/1")
    async with workbench.ctx.db.control.transaction() as conn:
        stored = await conn.rows(
            "SELECT c.after::text AS text FROM penstock.record_changes c JOIN penstock.data_tables t "
            "ON t.id = c.table_id WHERE t.name = $1",
            table.name,
        )
    assert len(stored) == 6
    assert not any("search_vector" in row["text"] for row in stored)
    assert len(await Follower(table).catch_up()) == 6


async def test_mongodb_keeps_no_changes(workbench: Workbench) -> None:
    body = {"name": "Documents", "provider_type": "mongodb"}
    assert (await workbench.client.post(f"/api/apps/{APP}/datasources", json=body)).status_code == 201
    answer = await workbench.client.post(
        f"/api/apps/{APP}/datasources/documents/datatables",
        json={"name": "elsewhere", "json_schema": schema(NAME)},
    )
    assert answer.status_code == 400, answer.text
    assert "changes" in answer.json()["detail"]


async def forget(ctx: Context, **settings: Any) -> None:
    before = ctx.settings(TablesSettings)
    ctx.sections[TablesSettings] = replace(before, **settings)
    try:
        await forget_changes(ctx, Nothing())  # pyright: ignore[reportArgumentType]
    finally:
        ctx.sections[TablesSettings] = before


async def older_transactions_ended(ctx: Context) -> None:
    """Until then, those of other tests, too, keep cursors from saying that they have seen everything until now."""
    async with ctx.db.control.transaction() as conn:
        now = await conn.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        async with asyncio.timeout(30):
            while now > await conn.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"):
                await asyncio.sleep(0.02)


async def test_what_is_no_longer_kept(workbench: Workbench) -> None:
    table = await fed(workbench, NAME)
    empty = (await table.get("/changes/")).json()["next_cursor"]
    await table.add(*({"name": f"n{n}"} for n in range(10)))
    await older_transactions_ended(workbench.ctx)
    follower = Follower(table)
    await follower.page(4)
    middle = follower.cursor
    await follower.catch_up()
    await forget(workbench.ctx, change_rows=1000)
    assert len(await Follower(table).catch_up()) == 10
    await forget(workbench.ctx, change_rows=6)
    assert [one["key"] for one in await Follower(table).catch_up()] == [5, 6, 7, 8, 9, 10]
    answer = await table.get("/changes/", since=empty)
    assert (answer.status_code, answer.json()["code"]) == (409, "CURSOR_EXPIRED")
    # Who was just there, and who was beyond, miss nothing.
    assert [one["key"] for one in await Follower(table, middle).catch_up()] == [5, 6, 7, 8, 9, 10]
    assert await follower.catch_up() == []
    await forget(workbench.ctx, change_rows=5)
    assert (await table.get("/changes/", since=middle)).status_code == 409
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.execute(
            "UPDATE penstock.record_changes SET at = at - interval '8 days' "
            "WHERE after ->> 'name' IN ('n5', 'n6') AND table_id = "
            "(SELECT id FROM penstock.data_tables WHERE name = $1)",
            table.name,
        )
    await forget(workbench.ctx)
    assert [one["key"] for one in await Follower(table).catch_up()] == [8, 9, 10]
    await forget(workbench.ctx, change_days=0.0)
    assert await Follower(table).catch_up() == []
    assert await follower.catch_up() == []
    await table.add({"name": "on"})
    assert [one["key"] for one in await follower.catch_up()] == [11]


async def test_changes_of_a_feed_that_ended_are_forgotten(workbench: Workbench) -> None:
    table = await fed(workbench, NAME)
    await table.add({"name": "a"})
    await alter(workbench, table, schema(NAME, changes=False))
    await forget(workbench.ctx)
    async with workbench.ctx.db.control.transaction() as conn:
        left = await feeds.tables_with_changes(conn)
        gone = await conn.value("SELECT id FROM penstock.data_tables WHERE name = $1", table.name)
    assert gone not in left


async def test_a_restored_database_begins_anew(workbench: Workbench) -> None:
    """The transactions that changes name are those of the server that was backed up."""
    table = await fed(workbench, NAME)
    await table.add({"name": "a"})
    cursor = (await table.get("/changes/")).json()["next_cursor"]
    async with workbench.ctx.db.control.transaction() as conn:
        await _settle_changes(conn.raw)
    assert (await table.get("/changes/", since=cursor)).status_code == 200
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.execute(
            "UPDATE penstock.record_changes SET xid = (xid::text::bigint + 1000000)::text::xid8"
        )
    async with workbench.ctx.db.control.transaction() as conn:
        await _settle_changes(conn.raw)
    assert (await table.get("/changes/", since=cursor)).json()["code"] == "CURSOR_EXPIRED"
    follower = Follower(table)
    assert await follower.ops() == [("insert", 1)]
    await table.add({"name": "b"})
    assert await follower.ops() == [("insert", 2)]
    assert await Follower(table).ops() == [("insert", 1), ("insert", 2)]


async def test_a_large_table_whose_field_is_widened(workbench: Workbench) -> None:
    """The rows are written anew by batches, which is no change of the records."""
    table = await fed(workbench, NAME, {"name": "size", "type": "integer"})
    await table.add(*({"name": f"n{n}", "size": n} for n in range(20)))
    follower = Follower(table)
    await follower.catch_up()
    before = workbench.ctx.settings(TablesSettings)
    workbench.ctx.sections[TablesSettings] = replace(before, schema_small_rows=5)
    try:
        await alter(workbench, table, schema(NAME, {"name": "size", "type": "number"}))
    finally:
        workbench.ctx.sections[TablesSettings] = before
    assert await follower.catch_up() == []
    await table.patch({"size": 1.5}, "/1")
    [change] = await follower.catch_up()
    assert change["record"] == {"id": 1, "name": "n0", "size": 1.5}
