"""A hierarchy or graph switched on and off for a table with records (contract sections 8.7 and 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from penstock.tables.catalog import Catalog
from penstock.tables.schema.companion import edges_place
from penstock.tables.settings import TablesSettings
from tests.tables.schema.changing import BASE, Json, change, field, history, make, refer, roll_back, schema
from tests.tables.schema.physical import physical, place_of
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio
GRAPH = {"graph": {"enabled": True, "types": [{"name": "knows", "inverse": "known_by"}]}}
PARENT = {
    "foreignKeys": [refer("up")],
    "hierarchy": {"enabled": True, "self_reference": "up"},
}


@pytest.fixture(params=["small", "large"], autouse=True)
def size(workbench: Workbench, request: pytest.FixtureRequest) -> Iterator[str]:
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    if request.param == "large":
        sections[TablesSettings] = replace(usual, schema_small_rows=0)
    yield request.param
    sections[TablesSettings] = usual


async def edges(workbench: Workbench, table: Records, **params: Any) -> Any:
    return await workbench.client.get(f"{BASE}/{table.name}/edges/", params=params)


async def connect(workbench: Workbench, table: Records, *pairs: tuple[int, int]) -> None:
    body = [{"from": first, "to": last, "type": "knows"} for first, last in pairs]
    made = await workbench.client.post(f"{BASE}/{table.name}/edges/", json=body)
    assert made.status_code == 201, made.text


async def shape_of_edges(workbench: Workbench, table: Records) -> list[Any]:
    """Columns, constraints and indexes of the table of edges; none when there is no such table."""
    place = await place_of(workbench, table)
    at = edges_place(place)
    found = await workbench.fetch(
        "SELECT a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
        "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 ORDER BY 1",
        at.sql,
    )
    found = [*found, *await workbench.fetch(
        "SELECT replace(pg_get_constraintdef(oid), $2, 'T') FROM pg_constraint "
        "WHERE conrelid = to_regclass($1) AND contype <> 'n' ORDER BY 1",
        at.sql,
        place.name,
    )]  # fmt: skip
    found = [*found, *await workbench.fetch(
        "SELECT replace(indexdef, $2, 'T') FROM pg_indexes WHERE tablename = $1 ORDER BY 1", at.name, place.name
    )]  # fmt: skip
    return [
        tuple(re.sub(r"_[0-9a-f]{8}(?=[ _])|_[0-9a-f]{8}\b", "", str(cell)) for cell in row) for row in found
    ]


async def test_on_and_off(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"}, {"a": "y"}, {"a": "z"})
    before = await workbench.details(table)
    shape = await physical(workbench, table)
    assert (await edges(workbench, table)).status_code == 400
    plan = (await change(workbench, table, schema(field("a"), **GRAPH), dry_run="true")).json()
    assert [(one["kind"], one["destructive"]) for one in plan["changes"]] == [("add_graph", False)]
    assert "CREATE TABLE" in plan["steps"][0]["sql"]
    assert await shape_of_edges(workbench, table) == []

    done = await change(workbench, table, schema(field("a"), **GRAPH))
    assert done.status_code == 200, done.text
    fresh = await make(workbench, schema(field("a"), **GRAPH))
    made = await shape_of_edges(workbench, table)
    assert made == await shape_of_edges(workbench, fresh)
    await connect(workbench, table, (1, 2), (2, 3))
    assert (await edges(workbench, table)).json()["total"] == 2
    walk = await table.get(format="graph", include="ancestors", id=1)
    assert [one["id"] for one in walk.json()["data"]["nodes"]] == [1, 2, 3]
    assert (await table.get("/1", include="ancestors")).status_code == 200

    refused = await change(workbench, table, schema(field("a")))
    assert refused.json()["json_schema"] == [
        f"Destructive change: drop the edges of '{table.name}' requires allow_data_loss"
    ]
    assert (await edges(workbench, table)).json()["total"] == 2
    off = await change(workbench, table, schema(field("a")), allow_data_loss="true")
    assert off.status_code == 200, off.text
    assert await shape_of_edges(workbench, table) == []
    assert (await edges(workbench, table)).status_code == 400
    assert (await workbench.client.get(f"{BASE}/{table.name}_edges/data/")).status_code == 404
    assert (await workbench.details(table))["schema_hash"] == before["schema_hash"]

    newest = (await history(workbench, table))[0]
    assert (newest["description"], newest["status"]) == ("Drop the table of edges", "success")
    back = await roll_back(workbench, table, newest["id"])
    assert back.status_code == 200, back.text
    assert await shape_of_edges(workbench, table) == made
    assert (await edges(workbench, table)).json()["total"] == 0
    made_it = (await history(workbench, table))[1]
    assert (await roll_back(workbench, table, made_it["id"])).status_code == 200
    assert await shape_of_edges(workbench, table) == []
    assert await physical(workbench, table) == shape
    assert [row["a"] for row in await table.rows(ordering="id")] == ["x", "y", "z"]


async def test_edges_that_a_field_says(workbench: Workbench, size: str) -> None:
    if size == "large":
        pytest.skip("a foreign key is pending there until a worker has come")
    table = await make(workbench, schema(field("up", "integer")), {}, {"up": 1}, {"up": 2})
    assert (await change(workbench, table, schema(field("up", "integer"), **PARENT))).status_code == 200
    assert await table.ids(id__descendants=1, ordering="id") == [2, 3]
    assert await shape_of_edges(workbench, table) == []
    # Edges of their own begin with none; the field keeps what it says.
    own = schema(field("up", "integer"), foreignKeys=[refer("up")], hierarchy=True)
    assert (await change(workbench, table, own)).status_code == 200
    assert await shape_of_edges(workbench, table) != []
    assert (await edges(workbench, table)).json()["total"] == 0
    assert [row["up"] for row in await table.rows(ordering="id")] == [None, 1, 2]
    refused = await change(workbench, table, schema(field("up", "integer"), **PARENT))
    assert "drop the edges" in refused.json()["json_schema"][0]
    back = await change(workbench, table, schema(field("up", "integer"), **PARENT), allow_data_loss="true")
    assert back.status_code == 200
    assert await table.ids(id__descendants=1, ordering="id") == [2, 3]
    off = await change(workbench, table, schema(field("up", "integer"), foreignKeys=[refer("up")]))
    assert off.status_code == 200
    assert (await table.get(id__descendants=1)).status_code == 400


async def test_what_is_refused(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("up", "integer")), {"up": 1})
    other = await make(workbench, schema())
    elsewhere: Json = {
        "foreignKeys": [refer("up", other.name)],
        "hierarchy": {"enabled": True, "self_reference": "up"},
    }
    refused = await change(workbench, table, schema(field("up", "integer"), **elsewhere))
    assert "leads to another table" in refused.json()["json_schema"][0]
    await workbench.table(name=f"{other.name}_edges")
    taken = await change(workbench, other, schema(**GRAPH))
    assert (taken.status_code, "has that name already" in taken.json()["json_schema"][0]) == (400, True)
    assert await shape_of_edges(workbench, other) == []


async def test_on_together_with_other_changes(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"}, {"a": "y"})
    after = {
        "fields": [
            {"name": "number", "type": "integer", "x-rename-from": "id"},
            field("a", "integer"),
        ],
        "primaryKey": ["number"],
        **GRAPH,
    }
    failed = await change(workbench, table, after, allow_data_loss="true")
    assert (failed.status_code, await shape_of_edges(workbench, table)) == (400, [])
    after["fields"][1] = field("b")
    done = await change(workbench, table, after, allow_data_loss="true")
    assert done.status_code == 200, done.text
    await connect(workbench, table, (1, 2))
    assert (await edges(workbench, table)).json()["data"][0]["to_id"] == 2


async def test_requests_under_way_are_planned_anew(workbench: Workbench) -> None:
    """As of a process that has not heard of the change yet."""
    table = await make(workbench, schema(field("a"), **GRAPH), {"a": "x"}, {"a": "y"})
    await connect(workbench, table, (1, 2))
    assert (await table.get(format="tree")).status_code == 200
    catalog = Catalog.of(workbench.ctx)
    known = dict(catalog._tables)
    assert (await change(workbench, table, schema(field("a")), allow_data_loss="true")).status_code == 200
    url, below = f"{BASE}/{table.name}/edges", f"{BASE}/{table.name}_edges/data"
    edge = {"from": 2, "to": 1, "type": "knows"}
    for method, path, body, status in (
        ("GET", f"{url}/", None, 400),
        ("GET", f"{url}/path/?from=1&to=2", None, 400),
        ("POST", f"{url}/", edge, 400),
        ("PATCH", f"{url}/1/", {"type": "knows"}, 400),
        ("DELETE", f"{url}/", {"edge_ids": [1]}, 400),
        ("GET", f"{table.url}?format=tree", None, 400),
        ("GET", f"{table.url}?id__descendants=1", None, 400),
        ("GET", f"{below}/", None, 404),
        ("POST", f"{below}/", edge, 404),
    ):
        catalog._tables.update(known)
        answer = await workbench.client.request(method, path, json=body)
        assert answer.status_code == status, (method, path, answer.text)
