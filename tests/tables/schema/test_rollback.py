"""Taking changes of schemas back (contract section 9.3)."""

from __future__ import annotations

import pytest

from tests.tables.schema.changing import (
    BASE,
    add_phone,
    change,
    field,
    history,
    make,
    renamed,
    roll_back,
    schema,
)
from tests.tables.schema.physical import physical
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio


class TestRollback:
    """Section 9.3."""

    async def test_a_revision_is_all_steps_of_a_change(self, workbench: Workbench) -> None:
        table = await make(workbench, schema(field("a"), field("b")), {"a": "x", "b": "y"})
        before = await physical(workbench, table)
        definition = schema(renamed("a", "c", unique=True, required=True), field("d", default="z"))
        assert (await change(workbench, table, definition, allow_data_loss="true")).status_code == 200
        steps = await history(workbench, table)
        assert len({one["revision"] for one in steps[:-1]}) == 1
        undone = await roll_back(workbench, table, steps[2]["id"])
        assert undone.status_code == 200, undone.text
        assert undone.json()["field_names"] == ["id", "a", "b"]
        assert await table.rows() == [{"id": 1, "a": "x", "b": None}]
        assert await physical(workbench, table) == before
        # The field that was renamed is the same field again.
        assert (await change(workbench, table, definition, allow_data_loss="true")).status_code == 200
        assert await table.rows() == [{"id": 1, "c": "x", "d": "z"}]

    async def test_one_after_the_other(self, workbench: Workbench) -> None:
        table = await make(workbench, schema())
        for count in range(1, 4):
            fields = [field(f"f{n}") for n in range(count)]
            assert (await change(workbench, table, schema(*fields))).status_code == 200
        third, second, first, made = [one["id"] for one in await history(workbench, table)]
        for early in (first, second):
            refused = await roll_back(workbench, table, early)
            assert refused.status_code == 409
            assert "newest" in refused.json()["detail"]
        for newest in (third, second, first):
            assert (await roll_back(workbench, table, newest)).status_code == 200
            assert (await roll_back(workbench, table, newest)).status_code == 409
        refused = await roll_back(workbench, table, made)
        assert refused.status_code == 409
        assert "delete the table" in refused.json()["detail"]
        assert (await workbench.details(table))["field_names"] == ["id"]

    async def test_what_is_not_there(self, workbench: Workbench) -> None:
        table, other = await add_phone(workbench), await add_phone(workbench)
        foreign = (await history(workbench, other))[0]["id"]
        assert (await roll_back(workbench, table, foreign)).status_code == 404
        assert (await roll_back(workbench, table, 2**62)).status_code == 404
        for body in ({}, {"revision_id": "x"}, {"revision_id": 0}, {"revision_id": 2**63}, [], {"id": 1}):
            path = f"{BASE}/{table.name}/rollback"
            assert (await workbench.client.post(path, json=body)).status_code == 400, body

    async def test_rows_written_since_may_be_in_the_way(self, workbench: Workbench) -> None:
        table = await make(workbench, schema(field("a", required=True)), {"a": "x"})
        assert (await change(workbench, table, schema(field("a")))).status_code == 200
        await table.add({"a": None})
        newest = (await history(workbench, table))[0]["id"]
        definition = await workbench.details(table)
        refused = await roll_back(workbench, table, newest)
        assert refused.status_code == 400
        assert refused.json()["json_schema"] == [
            "Roll back 'Make 'a' optional': rows have no value for it. Nothing was changed."
        ]
        assert await workbench.details(table) == definition
        assert [one["status"] for one in await history(workbench, table)] == ["failed", "success", "success"]
        assert (
            await roll_back(workbench, table, (await history(workbench, table))[0]["id"])
        ).status_code == 409
        await table.delete("/2")
        assert (await roll_back(workbench, table, newest)).status_code == 200

    async def test_a_dry_run(self, workbench: Workbench) -> None:
        table = await add_phone(workbench)
        newest = (await history(workbench, table))[0]
        plan = await workbench.client.post(
            f"{BASE}/{table.name}/rollback?dry_run=true", json={"revision_id": newest["id"]}
        )
        assert [one["sql"] for one in plan.json()["steps"]] == [newest["rollback_sql"]]
        assert (await history(workbench, table))[0]["status"] == "success"
