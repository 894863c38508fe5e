"""Foreign keys between collections hold, whoever writes at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import APP, ID, Records

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}


def refers(field: str, table: str, action: str | None = None) -> dict[str, Any]:
    key: dict[str, Any] = {"fields": [field], "reference": {"resource": table, "fields": ["id"]}}
    return key if action is None else {**key, "x-actions": {"onDelete": action}}


async def family(bench: MongoBench, action: str | None = None, **field: Any) -> tuple[Records, Records]:
    parent = await bench.table(NAME)
    child = await bench.table(
        NAME,
        {"name": "parent_id", "type": "integer", **field},
        foreignKeys=[refers("parent_id", parent.name, action)],
    )
    await parent.add({"name": "a"}, {"name": "b"}, {"name": "c"})
    return parent, child


async def test_what_is_referred_to_must_be_there(bench: MongoBench) -> None:
    parent, child = await family(bench)
    assert (await child.post({"parent_id": 1})).status_code == 201
    assert (await child.post({"parent_id": None})).status_code == 201
    lost = await child.post({"parent_id": 99})
    assert (lost.status_code, lost.json()["errors"]) == (
        400,
        {"parent_id": [f"The record of '{parent.name}' that parent_id (99) refers to does not exist."]},
    )
    rows = await child.post([{"parent_id": 1}, {"parent_id": 98}, {}])
    assert (rows.status_code, [row["index"] for row in rows.json()["rows"]]) == (400, [1])
    assert (await child.patch({"parent_id": 99}, "/1")).status_code == 400
    assert (await child.patch({"parent_id": 2}, "/1")).status_code == 200
    assert (await child.patch([{"id": 1, "parent_id": 99}])).status_code == 400
    assert (await child.post({"id": 1, "parent_id": 99}, "/upsert")).status_code == 400
    assert await child.total() == 2
    held = await parent.delete("/2")
    assert (held.status_code, held.json()["detail"]) == (409, "Other records still refer to this one.")
    assert (await parent.delete(ids="1,2")).status_code == 409
    assert (await parent.delete("/1")).status_code == 204
    assert await parent.total() == 2


@pytest.mark.parametrize(
    ("action", "field", "left"),
    [("CASCADE", {}, [3]), ("SET NULL", {}, [None, None, 3]), ("SET DEFAULT", {"default": 2}, [2, 2, 3])],
)
async def test_what_becomes_of_those_that_refer(
    bench: MongoBench, action: str, field: dict[str, Any], left: list[Any]
) -> None:
    parent, child = await family(bench, action, **field)
    await child.add({"parent_id": 1}, {"parent_id": 1}, {"parent_id": 3})
    assert (await parent.delete("/1")).status_code == 204
    assert [row["parent_id"] for row in await child.rows(ordering="id")] == left


async def test_a_table_that_refers_to_itself(bench: MongoBench) -> None:
    table = await bench.table(
        NAME, {"name": "above", "type": "integer"}, foreignKeys=[refers("above", "", "CASCADE")]
    )
    await table.add({"id": 1}, {"id": 2, "above": 1}, {"id": 3, "above": 2}, {"id": 4, "above": 4})
    assert (await table.delete("/1")).status_code == 204
    assert await table.ids() == [4]
    assert (await table.delete("/4")).status_code == 204


async def test_nobody_refers_to_a_record_that_is_deleted_meanwhile(bench: MongoBench) -> None:
    parent, child = await family(bench)
    for turn in range(5):
        (row,) = await parent.add({"name": "x"})
        made, gone = await asyncio.gather(
            child.post({"parent_id": row["id"]}), parent.delete(f"/{row['id']}")
        )
        there = (await parent.get(f"/{row['id']}")).status_code == 200
        referring = (await child.get(parent_id=row["id"])).json()["total"]
        assert there or not referring, (turn, made.text, gone.status_code)


async def test_keys_that_lead_elsewhere_are_refused(bench: MongoBench) -> None:
    flat = await bench.define({"fields": [ID], "primaryKey": ["id"]}, source="flat")
    mongo = await bench.table(NAME)
    for source, target in (("main", flat.json()["name"]), ("flat", mongo.name)):
        schema = {
            "fields": [ID, {"name": "other_id", "type": "integer"}],
            "primaryKey": ["id"],
            "foreignKeys": [refers("other_id", target)],
        }
        made = await bench.define(schema, source=source)
        assert made.status_code == 201, made.text
        answer = await bench.client.get(f"/api/apps/{APP}/datatables/{made.json()['name']}/data")
        assert answer.status_code == 400, answer.text
