"""Batches on collections: one transaction, with references between steps, or nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import APP, Records

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string", "constraints": {"unique": True}}


async def family(bench: MongoBench) -> tuple[Records, Records]:
    parent = await bench.table(NAME)
    key = {"fields": ["parent_id"], "reference": {"resource": parent.name, "fields": ["id"]}}
    child = await bench.table(NAME, {"name": "parent_id", "type": "integer"}, foreignKeys=[key])
    await parent.total()
    await child.total()
    return parent, child


async def send(bench: MongoBench, *steps: dict[str, Any], **headers: str) -> httpx2.Response:
    return await bench.client.post(f"/api/apps/{APP}/batch", json={"steps": list(steps)}, headers=headers)


async def test_steps_refer_to_each_other(bench: MongoBench) -> None:
    parent, child = await family(bench)
    answer = await send(
        bench,
        {"id": "up", "op": "create", "table": parent.name, "data": {"name": "a"}},
        {
            "id": "down",
            "op": "create",
            "table": child.name,
            "data": [{"name": "b", "parent_id": {"$ref": "up.id"}}, {"name": "c"}],
        },
        {
            "op": "update",
            "table": child.name,
            "key": {"$ref": "down.1.id"},
            "data": {"parent_id": {"$ref": "up.id"}},
        },
        {"op": "upsert", "table": parent.name, "data": {"name": "a"}, "unique_fields": ["name"]},
        {"op": "update", "table": child.name, "data": [{"id": {"$ref": "down.0.id"}, "name": "d"}]},
        {"op": "create", "table": parent.name, "data": {"name": "z"}},
        {"op": "delete", "table": parent.name, "filter": {"name": "z"}},
    )
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in answer.json()["steps"]] == [201, 201, 200, 200, 200, 201, 200]
    (above,) = await parent.rows()
    rows = await child.rows(ordering="id")
    assert [(row["name"], row["parent_id"]) for row in rows] == [("d", above["id"]), ("c", above["id"])]


async def test_all_steps_happen_at_one_moment(bench: MongoBench) -> None:
    table = await bench.table(NAME, {"name": "created_at", "type": "datetime"})
    steps = [{"op": "create", "table": table.name, "data": {"name": name}} for name in "abc"]
    assert (await send(bench, *steps)).status_code == 200
    assert len({row["created_at"] for row in await table.rows()}) == 1


async def test_one_step_that_is_refused_undoes_all(bench: MongoBench) -> None:
    parent, child = await family(bench)
    await parent.add({"name": "there"})
    made = {"id": "new", "op": "create", "table": parent.name, "data": {"name": "a"}}
    for step, status in (
        ({"op": "create", "table": parent.name, "data": {"name": "there"}}, 409),
        ({"op": "create", "table": parent.name, "data": {"name": "a"}}, 409),
        ({"op": "create", "table": child.name, "data": {"parent_id": 99}}, 400),
        ({"op": "update", "table": child.name, "key": 7, "data": {"name": "x"}}, 404),
        ({"op": "create", "table": child.name, "data": {"nope": 1}}, 400),
        ({"op": "delete", "table": parent.name, "key": {"$ref": "new.nothing"}}, 400),
    ):
        refused = await send(bench, made, step)
        assert refused.status_code == status, refused.text
        assert refused.json()["step"]["index"] == 1
    assert [row["name"] for row in await parent.rows()] == ["there"]
    assert await child.total() == 0


async def test_a_batch_is_sent_twice(bench: MongoBench) -> None:
    parent, _ = await family(bench)
    step = {"op": "create", "table": parent.name, "data": {"name": "once"}}
    answers = [await send(bench, step, **{"Idempotency-Key": "batch-once"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await parent.total() == 1


async def test_databases_share_no_transaction(bench: MongoBench) -> None:
    flat, ours = await bench.twin(NAME)
    steps = [{"op": "create", "table": one.name, "data": {"name": "a"}} for one in (flat, ours)]
    for order in (steps, steps[::-1]):
        refused = await send(bench, *order)
        assert (refused.status_code, refused.json()["step"]["index"]) == (400, 1)
        assert "different databases" in refused.json()["detail"]
    assert (await flat.total(), await ours.total()) == (0, 0)


async def test_alone(alone: MongoBench) -> None:
    table = await alone.table(NAME)
    refused = await send(alone, {"op": "create", "table": table.name, "data": {"name": "a"}})
    assert refused.status_code == 400
    assert "stands alone" in refused.text
    assert await table.total() == 0
