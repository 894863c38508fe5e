"""What a change of a schema does to a table with records, and taking it back."""

from __future__ import annotations

import pytest

from tests.tables.schema.cases import CASES
from tests.tables.schema.changing import change, history, make, roll_back
from tests.tables.schema.physical import physical
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", CASES)
async def test_changes(workbench: Workbench, name: str) -> None:
    before, rows, after, expected, needs = CASES[name]
    table = await make(workbench, before, *rows)
    stored = await table.rows(ordering="id")
    definition = await workbench.details(table)
    shape = await physical(workbench, table)
    if needs is not None:
        refused = await change(workbench, table, after)
        assert refused.status_code == 400
        sentence = f"Destructive change: {needs} requires allow_data_loss"
        assert refused.json()["json_schema"] == [sentence]
        assert len(await history(workbench, table)) == 1
    plan = await change(workbench, table, after, dry_run="true")
    done = await change(workbench, table, after, allow_data_loss="true")
    if expected is None:
        assert (done.status_code, plan.status_code) == (400, 400), done.text
        assert done.json()["json_schema"][0].endswith("Nothing was changed.")
        assert plan.json()["json_schema"] == done.json()["json_schema"]
        assert await table.rows(ordering="id") == stored
        assert await workbench.details(table) == definition
        assert await physical(workbench, table) == shape
        assert [one["status"] for one in await history(workbench, table)] == ["failed", "success"]
        return
    assert (done.status_code, plan.status_code) == (200, 200), done.text
    assert plan.json()["destructive"] is (needs is not None)
    ids = [row["id"] for row in stored]
    assert await table.rows(ordering="id") == [
        {"id": one, **row} for one, row in zip(ids, expected, strict=True)
    ]
    fresh = await make(workbench, after)
    assert await physical(workbench, table) == await physical(workbench, fresh)
    steps = await history(workbench, table, page_size=100)
    assert [one["sql"] for one in plan.json()["steps"]] == [one["sql"] for one in reversed(steps[:-1])]
    if len(steps) == 1:
        return
    back = await roll_back(workbench, table, steps[0]["id"])
    assert back.status_code == 200, back.text
    restored = back.json()
    assert (restored["json_schema"], restored["schema_hash"]) == (before, definition["schema_hash"])
    assert await physical(workbench, table) == shape
    again = await roll_back(workbench, table, steps[0]["id"])
    assert again.status_code == 409
    assert {one["status"] for one in (await history(workbench, table, page_size=100))[:-1]} == {"rolled_back"}
