"""Changes of schemas while others are at the table."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from penstock.tables.settings import TablesSettings
from tests.tables.schema.changing import change, field, history, make, renamed, schema
from tests.tables.schema.physical import place_of
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio


async def test_a_table_that_is_busy(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(usual, schema_lock_timeout=0.05, schema_lock_patience=0.3)
    place = await place_of(workbench, table)
    try:
        async with workbench.ctx.db.control.transaction() as conn:
            await conn.execute(f"LOCK TABLE {place.sql} IN ACCESS SHARE MODE")
            refused = await change(workbench, table, schema(field("a"), field("b")))
    finally:
        sections[TablesSettings] = usual
    assert refused.status_code == 409
    assert "too busy" in refused.json()["detail"]
    assert [one["status"] for one in await history(workbench, table)] == ["failed", "success"]
    assert (await change(workbench, table, schema(field("a"), field("b")))).status_code == 200


async def test_a_lock_that_comes_free(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    place = await place_of(workbench, table)
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.execute(f"LOCK TABLE {place.sql} IN ACCESS SHARE MODE")
        waiting = asyncio.create_task(change(workbench, table, schema(field("a"), field("b"))))
        await asyncio.sleep(0.7)
        # Nobody queues behind the change for longer than one attempt.
        started = time.monotonic()
        assert await table.total() == 1
        assert time.monotonic() - started < 1
    assert (await waiting).status_code == 200


async def test_readers_and_writers_meanwhile(workbench: Workbench) -> None:
    """Requests under way while columns come, go and change never fail."""
    table = await make(workbench, schema(field("a", "integer")), *({"a": n} for n in range(200)))
    stopped = asyncio.Event()
    answers: list[Any] = []

    async def read() -> None:
        while not stopped.is_set():
            answers.append(await table.get(page_size=50, ordering="-id"))
            answers.append(await table.get("/7"))

    async def write() -> None:
        while not stopped.is_set():
            answers.append(await table.post({}))
            answers.append(await table.patch({}, "/8"))
            answers.append(await table.patch([{"id": 9}, {"id": 10}]))

    clients = [asyncio.create_task(work()) for work in (read, read, write, write)]
    definitions = [
        schema(field("a", "integer"), field("b", default="x")),
        schema(field("a", "number"), field("b", default="x", maxLength=5)),
        schema(field("a", "number"), renamed("b", "c", default="y")),
        schema(field("a"), field("c", default="y", required=True)),
        schema(field("c", default="y", required=True), search_fields=["c"]),
        schema(field("a", "integer")),
    ]
    for definition in definitions * 2:
        done = await change(workbench, table, definition, allow_data_loss="true")
        assert done.status_code == 200, done.text
        await asyncio.sleep(0.05)
    stopped.set()
    await asyncio.gather(*clients)
    assert len(answers) > 50
    assert {one.status_code for one in answers} <= {200, 201}, next(
        one.text for one in answers if one.status_code >= 400
    )
