"""Batches: several writes across tables as one, with references between steps."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.conftest import Callers
from tests.tables.workbench import APP, Records, Workbench

pytestmark = pytest.mark.anyio

URL = f"/api/apps/{APP}/batch/"
NAME = {"name": "name", "type": "string", "constraints": {"unique": True}}


async def tables(workbench: Workbench, **more: Any) -> tuple[Records, Records]:
    orders = await workbench.table(NAME)
    key = {"fields": "order_id", "reference": {"resource": orders.name, "fields": "id"}}
    lines = await workbench.table(
        {"name": "order_id", "type": "integer", "constraints": {"required": True}},
        {"name": "price", "type": "number"},
        {"name": "doc", "type": "object"},
        foreignKeys=[key],
        **more,
    )
    return orders, lines


async def run(workbench: Workbench, *steps: Any, **headers: str) -> httpx2.Response:
    return await workbench.client.post(URL, json={"steps": steps}, headers=headers)


async def test_steps_refer_to_earlier_ones(workbench: Workbench) -> None:
    orders, lines = await tables(workbench)
    answer = await run(
        workbench,
        {"id": "o", "op": "create", "table": orders.name, "data": {"name": "first"}},
        {
            "id": "l",
            "op": "create",
            "table": lines.name,
            "data": [
                {"order_id": {"$ref": "o.id"}, "price": 1.10},
                {"order_id": {"$ref": "o.id"}, "doc": {"$literal": {"$ref": "o.id"}}},
            ],
        },
        {
            "op": "update",
            "table": lines.name,
            "key": {"$ref": "l.1.id"},
            "data": {"price": {"$ref": "l.0.price"}},
        },
        {"op": "update", "table": lines.name, "data": [{"id": {"$ref": "l.0.id"}, "price": 3}]},
        {"op": "upsert", "table": orders.name, "unique_fields": ["name"], "data": {"name": "first"}},
        {"id": "x", "op": "create", "table": orders.name, "data": {"name": "gone"}},
        {"op": "delete", "table": orders.name, "key": {"$ref": "x.id"}},
        {"op": "delete", "table": orders.name, "ids": [{"$ref": "x.id"}, 4242]},
        {"op": "delete", "table": orders.name, "filter": {"name": "nobody"}},
    )
    assert answer.status_code == 200, answer.text
    steps = answer.json()["steps"]
    assert [step["status"] for step in steps] == [201, 201, 200, 200, 200, 201, 204, 200, 200]
    assert (steps[0]["id"], steps[2]["id"], steps[6]["body"]) == ("o", None, None)
    order = steps[0]["body"]["data"]["id"]
    assert steps[4]["body"] == {"data": {"id": order, "name": "first"}, "created": False}
    rows = await lines.rows(ordering="id")
    assert [(row["order_id"], float(row["price"]), row["doc"]) for row in rows] == [
        (order, 3.0, None),
        (order, 1.1, {"$ref": "o.id"}),
    ]
    assert await orders.total() == 1


async def test_a_refused_step_undoes_all(workbench: Workbench) -> None:
    orders, lines = await tables(workbench)
    await orders.add({"name": "taken"})
    first = {"id": "a", "op": "create", "table": orders.name, "data": {"name": "new"}}
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"op": "create", "table": orders.name, "data": {"name": "taken"}}, 409, "name"),
        ({"op": "create", "table": orders.name, "data": {"name": 5}}, 400, "name"),
        ({"op": "create", "table": lines.name, "data": {"order_id": 999}}, 400, "order_id"),
        ({"op": "create", "table": lines.name, "data": {"order_id": {"$ref": "b.id"}}}, 400, "order_id"),
        ({"op": "create", "table": lines.name, "data": {"order_id": {"$ref": "a.nope"}}}, 400, "order_id"),
        ({"op": "create", "table": lines.name, "data": {"order_id": {"$ref": 5}}}, 400, "order_id"),
        ({"op": "update", "table": orders.name, "key": 999, "data": {}}, 404, ""),
        ({"op": "update", "table": orders.name, "key": True, "data": {}}, 400, "key"),
        ({"op": "update", "table": orders.name, "data": {}}, 400, "data"),
        ({"op": "delete", "table": orders.name, "key": 999}, 404, ""),
        ({"op": "delete", "table": orders.name, "filter": {}}, 400, ""),
        ({"op": "delete", "table": orders.name, "ids": 5}, 400, ""),
        ({"op": "create", "table": "nowhere", "data": {}}, 404, ""),
        ({"op": "create", "table": orders.name}, 400, "steps"),
        ({"op": "delete", "table": orders.name, "key": 1, "filter": {"name": "x"}}, 400, "steps"),
        ({"id": "a", "op": "create", "table": orders.name, "data": {}}, 400, "steps"),
        ({"id": "a.b", "op": "create", "table": orders.name, "data": {}}, 400, "steps"),
    ]
    for step, status, field in cases:
        answer = await run(workbench, first, {"id": "b", **step})
        assert answer.status_code == status, (step, answer.text)
        body = answer.json()
        assert body["step"] == {"index": 1, "id": step.get("id", "b")}, body
        if field:
            assert field in body["errors"], body
    assert await orders.total() == 1


async def test_rows_of_a_list_are_named_though_earlier_steps_are_undone(workbench: Workbench) -> None:
    orders, lines = await tables(workbench)
    answer = await run(
        workbench,
        {"id": "a", "op": "create", "table": orders.name, "data": {"name": "n"}},
        {"op": "create", "table": lines.name, "data": [{"order_id": {"$ref": "a.id"}}, {"order_id": 999}]},
    )
    assert answer.status_code == 400
    assert [row["index"] for row in answer.json()["rows"]] == [1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"steps": []},
        {"steps": [{}]},
        {"steps": [{"op": "drop", "table": "t"}]},
        {"steps": [], "more": 1},
        {"steps": [{"op": "delete", "table": "t", "key": 1}] * 1001},
        [],
    ],
)
async def test_bodies_that_are_no_batch(workbench: Workbench, body: Any) -> None:
    assert (await workbench.client.post(URL, json=body)).status_code == 400
    assert (await workbench.client.post(f"{URL}?dry_run=true", json=body)).status_code == 400


async def test_rows_of_all_steps_are_bounded(workbench: Workbench) -> None:
    orders, _ = await tables(workbench)
    step = {"op": "create", "table": orders.name, "data": [{}] * 6000}
    answer = await run(workbench, step, step)
    assert (answer.status_code, answer.json()["step"]["index"]) == (413, 1)
    assert await orders.total() == 0


async def test_it_is_done_once_and_audited(workbench: Workbench) -> None:
    orders, lines = await tables(workbench, audit=True)
    steps = (
        {"id": "a", "op": "create", "table": orders.name, "data": {"name": "n"}},
        {"op": "create", "table": lines.name, "data": {"order_id": {"$ref": "a.id"}}},
    )
    answers = [await run(workbench, *steps, **{"Idempotency-Key": "b1"}) for _ in range(2)]
    assert answers[0].status_code == 200 and answers[0].json() == answers[1].json()
    assert await orders.total() == 1
    other = await run(workbench, *steps[:1], **{"Idempotency-Key": "b1"})
    assert other.status_code == 409
    rows = await workbench.fetch(
        "SELECT count(*) AS n FROM penstock.audit_entries WHERE action = 'record.create' AND resource_name = $1",
        lines.name,
    )
    assert rows[0]["n"] == 1


async def test_who_may(shop: httpx2.AsyncClient, callers: Callers) -> None:
    row = {"name": "A", "email": "a@example.org"}
    body = {"steps": [{"op": "upsert", "table": "users", "unique_fields": ["email"], "data": row}]}
    expected = {
        "anonymous": 401,
        "other": 404,
        "nobody": 404,
        "collaborator": 403,
        "operator": 200,
        "admin": 200,
    }
    for name, status in expected.items():
        answer = await callers[name].post("/api/apps/shop/batch", json=body)
        assert answer.status_code == status, (name, answer.text)
