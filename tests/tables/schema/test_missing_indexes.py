"""Tables of an earlier release, whose foreign keys had no indexes, get them in the background."""

from __future__ import annotations

import asyncio

import pytest

from penstock.kit import jobs
from penstock.kit.jobs import RunState
from penstock.kit.jobs.cleaning import Nothing
from penstock.tables.service.missing_indexes import CHECK
from tests.databases import TestDatabase
from tests.tables.schema.changing import field, history, make, refer, schema
from tests.tables.schema.physical import physical, place_of
from tests.tables.schema.test_large import finished, working
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio


async def forget_indexes(workbench: Workbench, table: Records) -> None:
    place = await place_of(workbench, table)
    found = await workbench.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass AND NOT indisunique",
        place.sql,
    )
    async with workbench.ctx.db.control.transaction() as conn:
        for row in found:
            await conn.execute(f"DROP INDEX {row[0]}")


async def check(workbench: Workbench, database: TestDatabase) -> int:
    async with working(database):
        async with workbench.ctx.db.control.transaction() as conn:
            run = await jobs.defer(conn, CHECK, Nothing())
        while True:
            async with workbench.ctx.db.control.transaction() as conn:
                seen = await jobs.find(conn, run)
            assert seen is not None
            if seen.state is RunState.SUCCEEDED:
                return seen.result
            assert seen.state in (RunState.TODO, RunState.DOING), seen
            await asyncio.sleep(0.02)


async def test_foreign_keys_get_their_indexes(workbench: Workbench, module_database: TestDatabase) -> None:
    parent = await make(workbench, schema(), {})
    definition = schema(
        field("up", "integer"),
        field("self", "integer"),
        foreignKeys=[refer("up", parent.name), refer("self")],
    )
    child = await make(workbench, definition, {"up": 1})
    whole = await make(workbench, definition)
    shape = await physical(workbench, child)
    await forget_indexes(workbench, child)
    assert await physical(workbench, child) != shape
    assert await check(workbench, module_database) == 2
    async with working(module_database):
        steps = await finished(workbench, child)
    assert [(one["description"], one["status"]) for one in steps[:2]] == [
        ("Create index (self)", "success"),
        ("Create index (up)", "success"),
    ]
    assert await physical(workbench, child) == shape
    assert len(await history(workbench, whole)) == 1
    assert await check(workbench, module_database) == 0
