"""Edges: both surfaces, what is refused, limits under concurrency, and who may do what."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.tables.conftest import Callers
from tests.tables.workbench import APP, Records, Workbench

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}
TYPES: list[Any] = [
    {
        "name": "manager",
        "inverse": "reports",
        "constraints": {"max_outgoing": 1, "max_incoming": None},
        "metadata": {
            "fields": [{"name": "since", "type": "date"}, {"name": "level", "type": "integer", "default": 1}]
        },
    },
    {"name": "mentor", "constraints": {"max_incoming": 2}},
    "knows",
]


def edges_of(table: Records) -> str:
    return f"/api/apps/{APP}/datatables/{table.name}/edges"


def records_of(table: Records) -> str:
    return f"/api/apps/{APP}/datatables/{table.name}_edges/data"


async def people(workbench: Workbench, count: int = 6, **schema: Any) -> Records:
    table = await workbench.table(NAME, **(schema or {"graph": {"types": TYPES}}))
    await table.add(*({"name": f"p{n}"} for n in range(1, count + 1)))
    return table


async def send(workbench: Workbench, method: str, url: str, body: Any = None) -> httpx2.Response:
    return await workbench.client.request(method, url, json=body)


async def test_the_seed_requests(workbench: Workbench) -> None:
    """Created, listed and deleted in the words of the reference."""
    table = await people(workbench, graph={"types": ["manager", "mentor"]})
    url = edges_of(table)
    body = [
        {"from": 1, "to": 2, "type": "manager", "metadata": {"department": "Engineering"}},
        {"from": 1, "to": 3, "type": "mentor", "metadata": {"since": "2024-01-01"}},
    ]
    made = await send(workbench, "POST", f"{url}/", body)
    assert made.status_code == 201
    first, second = made.json()["data"]
    assert list(first) == ["id", "from_id", "to_id", "type", "metadata", "created_at"]
    assert (first["from_id"], first["to_id"], first["type"]) == (1, 2, "manager")
    assert first["metadata"] == {"department": "Engineering"}
    listed = await send(workbench, "GET", f"{url}/?from_id=1&to_id=2&types=manager,mentor&limit=100")
    assert (listed.json()["data"], listed.json()["total"]) == ([first], 1)
    gone = await send(workbench, "DELETE", f"{url}/", {"edge_ids": [first["id"], second["id"], 999]})
    assert (gone.status_code, gone.json()) == (200, {"deleted": 2})
    assert (await send(workbench, "GET", url)).json()["total"] == 0


async def test_both_surfaces_are_the_same_edges(workbench: Workbench) -> None:
    table = await people(workbench)
    edges, records = edges_of(table), records_of(table)
    one = await send(workbench, "POST", edges, {"from_id": 2, "to": 1, "type": "knows"})
    assert one.json()["data"]["id"] == 1
    many = await send(
        workbench, "POST", records, [{"from_id": 3, "to_id": 1, "type": "knows", "metadata": None}]
    )
    assert many.status_code == 201
    assert (await send(workbench, "GET", edges)).json()["data"] == (
        await send(workbench, "GET", records)
    ).json()["data"]
    assert (await send(workbench, "GET", f"{records}?to_id=1&ordering=-id&page_size=1")).json()["total"] == 2
    assert (
        await send(workbench, "GET", f"{records}?relationship_type=knows&relationship_type=mentor")
    ).json()["total"] == 2
    assert (await send(workbench, "GET", f"{records}/2")).json()["data"]["from_id"] == 3
    changed = await send(workbench, "PATCH", f"{edges}/1", {"to": 4, "metadata": {"a": 1.50}})
    assert (changed.json()["data"]["to_id"], changed.json()["data"]["metadata"]) == (4, {"a": 1.5})
    both = await send(workbench, "PATCH", records, [{"id": 2, "type": "mentor"}, {"id": 1, "from": 5}])
    assert [(one["id"], one["from_id"], one["type"]) for one in both.json()["data"]] == [
        (2, 3, "mentor"),
        (1, 5, "knows"),
    ]
    assert (await send(workbench, "DELETE", f"{records}?ids=1,9")).json() == {"deleted": 1, "ids": [1]}
    assert (await send(workbench, "DELETE", f"{records}/2")).status_code == 204
    await send(workbench, "POST", edges, [{"from": 2, "to": n, "type": "knows"} for n in (3, 4, 5)])
    assert (await send(workbench, "DELETE", records, {"edge_ids": [3]})).json() == {"deleted": 1}
    assert (await send(workbench, "DELETE", f'{records}?filter={{"to_id": 4}}')).json() == {"deleted": 1}
    assert (await send(workbench, "GET", edges)).json()["total"] == 1


async def test_lists_of_edges_page(workbench: Workbench) -> None:
    table = await people(workbench, 5, graph=True)
    url = edges_of(table)
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    await send(workbench, "POST", url, [{"from": a, "to": b, "type": "road"} for a, b in pairs])
    page = (await send(workbench, "GET", f"{url}?page=2&page_size=3")).json()
    assert ([one["id"] for one in page["data"]], page["total"]) == ([4, 5, 6], 20)
    part = (await send(workbench, "GET", f"{url}?limit=2&offset=18")).json()
    assert ([one["id"] for one in part["data"]], part["total"]) == ([19, 20], 20)
    for query in ("limit=0", "page=x", "from_id=x", "limit=5000", "other=1", "types=", "from_id__gt=1"):
        answer = await send(workbench, "GET", f"{url}?{query}")
        assert (query, answer.status_code) == (query, 400)


REFUSED: list[tuple[Any, int, str]] = [
    ({"from": 1, "to": 1, "type": "knows"}, 400, "not to itself"),
    ({"from": 1, "to": 99, "type": "knows"}, 400, "nodes do not exist"),
    ({"from": 99, "to": 1, "type": "knows"}, 400, "nodes do not exist"),
    (
        {"from": 1, "to": 2, "type": "boss"},
        400,
        "no edge type of this table; they are: manager, mentor, knows",
    ),
    ({"from": 1, "to": 2}, 400, "type: This field is required."),
    ({"to": 2, "type": "knows"}, 400, "from_id: This field is required."),
    ({"from": "one", "to": 2, "type": "knows"}, 400, 'from_id: "one" is not of type integer: expected `int`'),
    ({"from": 1, "from_id": 1, "to": 2, "type": "knows"}, 400, "are the same"),
    ({"from": 1, "to": 2, "type": "knows", "id": 5}, 400, "The server fills this."),
    ({"from": 1, "to": 2, "type": "knows", "weight": 5}, 400, "There is no such field."),
    ({"from": 1, "to": 2, "type": "knows", "metadata": [1]}, 400, "Expected an object"),
    ({"from": 1, "to": 2, "type": "manager", "metadata": {"since": "soon"}}, 400, "metadata.since"),
    (
        {"from": 1, "to": 2, "type": "manager", "metadata": {"until": 1}},
        400,
        "metadata.until: There is no such field",
    ),
    ({"from": 1, "to": 2, "type": "knows", "metadata": {"a": "\0"}}, 400, "NUL"),
    ("[", 400, "not valid JSON"),
    ("", 400, "JSON object"),
    ("[1]", 400, "Expected an object"),
    (
        [{"from": 1, "to": 2, "type": "knows"}, {"from": 1, "to": 2, "type": "knows"}],
        409,
        "repeat earlier ones",
    ),
    ([{"from": 1, "to": 2, "type": "knows"}, {"from": 1, "to": 99, "type": "knows"}], 400, "row 1"),
    ({"from": 3, "to": 4, "type": "knows"}, 409, "such an edge already"),
    ([{"from": 1, "to": 2, "type": "knows"}, {"from": 3, "to": 4, "type": "knows"}], 409, "first in row 1"),
    ({"from": 5, "to": 6, "type": "manager"}, 400, "more than 1 outgoing edge of type 'manager'"),
    (
        [{"from": n, "to": 6, "type": "mentor"} for n in (1, 2, 3)],
        400,
        "more than 2 incoming edges of type 'mentor'",
    ),
]


async def test_what_is_refused_leaves_nothing_behind(workbench: Workbench) -> None:
    table = await people(workbench)
    url = edges_of(table)
    await send(
        workbench,
        "POST",
        url,
        [{"from": 3, "to": 4, "type": "knows"}, {"from": 5, "to": 1, "type": "manager"}],
    )
    for surface in (url, records_of(table)):
        for body, status, words in REFUSED:
            options: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
            answer = await workbench.client.post(surface, **options)
            assert (body, answer.status_code) == (body, status), answer.text
            said = answer.json()["detail"] + str(answer.json().get("errors"))
            assert words in said, (body, answer.text)
    assert (await send(workbench, "GET", url)).json()["total"] == 2
    first = (
        await send(workbench, "POST", url, {"from": 1, "to": 2, "type": "manager", "metadata": {}})
    ).json()
    assert first["data"]["metadata"] == {"level": 1}


async def test_changes_that_are_refused(workbench: Workbench) -> None:
    table = await people(workbench)
    url, records = edges_of(table), records_of(table)
    await send(
        workbench,
        "POST",
        url,
        [{"from": 2, "to": 1, "type": "manager"}, {"from": 3, "to": 1, "type": "knows"}],
    )
    for where, body, status in (
        (f"{url}/1", {"to": 2}, 400),
        (f"{url}/1", {"to": 99}, 400),
        (f"{url}/1", {"type": "boss"}, 400),
        (f"{url}/1", {"id": 7}, 400),
        (f"{url}/2", {"from": 2, "type": "manager", "to": 4}, 400),
        (f"{url}/2", [{"to": 1}], 400),
        (f"{url}/9", {"to": 3}, 404),
        (f"{url}/x", {"to": 3}, 404),
        (f"{url}/99999999999999999999", {"to": 3}, 404),
        (records, {"id": 1}, 400),
        (records, [{"to": 3}], 400),
        (records, [{"id": 9, "to": 3}], 404),
        (records, [{"id": 1, "to": 3}, {"id": 1, "to": 4}], 400),
    ):
        answer = await send(workbench, "PATCH", where, body)
        assert (where, body, answer.status_code) == (where, body, status), answer.text
    await send(workbench, "POST", url, {"from": 4, "to": 1, "type": "knows"})
    taken = await send(workbench, "PATCH", f"{url}/3", {"from": 3})
    assert (taken.status_code, taken.json()["code"]) == (409, "CONFLICT")
    upsert = await send(workbench, "POST", f"{records}/upsert", [])
    assert upsert.status_code == 400
    for body in ({"edge_ids": []}, {"edge_ids": ["a"]}, {"ids": [1]}, {}, [], None):
        assert (await send(workbench, "DELETE", url, body)).status_code == 400, body
    stale = await workbench.client.patch(f"{url}/1", json={"to": 3}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert [(one["from_id"], one["to_id"]) for one in (await send(workbench, "GET", url)).json()["data"]] == [
        (2, 1), (3, 1), (4, 1),
    ]  # fmt: skip


async def test_limits_hold_when_many_write_at_once(workbench: Workbench) -> None:
    table = await people(workbench, 14)
    url = edges_of(table)

    async def post(source: int, target: int, kind: str) -> int:
        body = [{"from": source, "to": target, "type": kind}]
        return (await send(workbench, "POST", url, body)).status_code

    bosses = await asyncio.gather(*(post(1, n, "manager") for n in range(2, 14)))
    assert sorted(bosses) == [201, *[400] * 11]
    pupils = await asyncio.gather(*(post(n, 1, "mentor") for n in range(2, 14)))
    assert sorted(pupils) == [201, 201, *[400] * 10]
    same = await asyncio.gather(*(post(2, 3, "knows") for _ in range(8)))
    assert sorted(same) == [201, *[409] * 7]
    assert (await send(workbench, "GET", url)).json()["total"] == 4


async def test_records_take_their_edges_along(workbench: Workbench) -> None:
    table = await people(workbench, 3, graph=True)
    await send(
        workbench,
        "POST",
        edges_of(table),
        [{"from": 1, "to": 2, "type": "a"}, {"from": 2, "to": 3, "type": "a"}],
    )
    assert (await table.delete("/2")).status_code == 204
    assert (await send(workbench, "GET", edges_of(table))).json()["total"] == 0


async def test_deleted_records_keep_edges_but_take_no_more(workbench: Workbench) -> None:
    """A soft delete hides a record from walks; its edges stay, and stand again when it does."""
    table = await workbench.table(NAME, {"name": "is_deleted", "type": "boolean"}, graph=True)
    await table.add(*({"name": str(n)} for n in range(4)))
    url = edges_of(table)
    await send(workbench, "POST", url, [{"from": 2, "to": 1, "type": "a"}, {"from": 3, "to": 2, "type": "a"}])
    await table.delete("/2")
    assert (await send(workbench, "GET", url)).json()["total"] == 2
    assert (await send(workbench, "POST", url, {"from": 4, "to": 2, "type": "a"})).status_code == 400
    assert (await table.get("", id=1, include="descendants")).json()["total"] == 1
    roots = (await table.get("", format="tree")).json()["data"]
    assert [one["id"] for one in roots] == [1, 3, 4]
    assert (await table.patch({"is_deleted": False}, "/2")).status_code == 200
    assert (await table.get("", id=1, include="descendants")).json()["total"] == 3


async def test_tables_without_edges(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    for method, body in (("GET", None), ("POST", []), ("DELETE", {"edge_ids": [1]})):
        answer = await send(workbench, method, edges_of(table), body)
        assert (method, answer.status_code) == (method, 400)
        assert "declares neither 'hierarchy' nor 'graph'" in answer.json()["detail"]
    assert (await send(workbench, "GET", records_of(table))).status_code == 404
    assert (await send(workbench, "GET", f"{edges_of(table)}/path?from=1&to=1")).status_code == 400
    assert (await table.get("", format="tree")).status_code == 400


async def test_tables_of_edges_are_not_listed(workbench: Workbench) -> None:
    table = await people(workbench)
    listed = (await send(workbench, "GET", f"/api/apps/{APP}/datatables")).json()
    assert f"{table.name}_edges" not in [one["name"] for one in listed]
    assert (await send(workbench, "GET", f"/api/apps/{APP}/datatables/{table.name}_edges")).status_code == 404
    taken = await workbench.define({"fields": [NAME], "primaryKey": ["name"]}, f"{table.name}_edges")
    assert taken.status_code == 400


async def test_audited_edges_and_repeated_requests(workbench: Workbench) -> None:
    table = await people(workbench, 3, graph=True, audit=True)
    headers = {"Idempotency-Key": table.name}
    body = {"from": 1, "to": 2, "type": "a"}
    for _ in range(2):
        answer = await workbench.client.post(edges_of(table), json=body, headers=headers)
        assert (answer.status_code, answer.json()["data"]["id"]) == (201, 1)
    entries = await workbench.fetch(
        "SELECT action FROM penstock.audit_entries WHERE resource_name = $1 AND action LIKE 'edge%'",
        f"{table.name}_edges",
    )
    assert [one["action"] for one in entries] == ["edge.create"]


async def test_every_caller(shop: httpx2.AsyncClient, callers: Callers) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"], "graph": True}
    place = "/api/apps/shop/datasources/main/datatables"
    assert (await shop.post(place, json={"name": "nodes", "json_schema": schema})).status_code == 201
    base = "/api/apps/shop/datatables"
    await shop.post(f"{base}/nodes/data", json=[{}, {}, {}])
    await shop.post(f"{base}/nodes/edges", json={"from": 1, "to": 2, "type": "a"})
    reads = [f"{base}/nodes/edges", f"{base}/nodes/edges/path?from=1&to=2", f"{base}/nodes_edges/data",
             f"{base}/nodes/data?format=graph", f"{base}/nodes/data/1?include=both"]  # fmt: skip
    writes: list[tuple[str, str, Any, int]] = [
        ("POST", f"{base}/nodes/edges", {"from": 2, "to": 3, "type": "a"}, 201),
        ("PATCH", f"{base}/nodes/edges/1", {"type": "b"}, 200),
        ("DELETE", f"{base}/nodes/edges", {"edge_ids": [1]}, 200),
        ("POST", f"{base}/nodes_edges/data", [{"from_id": 1, "to_id": 3, "type": "a"}], 201),
        ("PATCH", f"{base}/nodes_edges/data/2", {"type": "c"}, 200),
        ("DELETE", f"{base}/nodes_edges/data/2", None, 204),
    ]
    for method, url, body, _ in [*(("GET", url, None, 0) for url in reads), *writes]:
        for name, status in (("anonymous", 401), ("other", 404), ("nobody", 404)):
            answer = await callers[name].request(method, url, json=body)
            assert (name, method, url, answer.status_code) == (name, method, url, status)
    for url in reads:
        assert (await callers["collaborator"].get(url)).status_code == 200, url
    for method, url, body, _ in writes:
        assert (await callers["collaborator"].request(method, url, json=body)).status_code == 403
    for method, url, body, status in writes:
        answer = await callers["operator"].request(method, url, json=body)
        assert (method, url, answer.status_code) == (method, url, status), answer.text
