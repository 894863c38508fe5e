"""Walks: the shapes of the contract, where they begin, what is refused, and every kind of key."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from penstock.kit.filters import Compare, bind
from penstock.tables.records import reach as reaching
from tests.tables.graph.test_edges import NAME, edges_of, send
from tests.tables.workbench import APP, Records, Workbench

pytestmark = pytest.mark.anyio

MANAGER = {"name": "manager", "inverse": "reports", "constraints": {"max_outgoing": 1}}
ALICE, BOB, CAROL, DAN = (
    {"id": n, "name": name} for n, name in enumerate(("Alice", "Bob", "Carol", "Dan"), 1)
)


def reached(record: dict[str, Any], depth: int, kind: str | None = "manager") -> dict[str, Any]:
    return {**record, "_depth": depth, "_relationship_type": kind}


async def staff(workbench: Workbench, *more: Any) -> Records:
    """Alice above Bob and Carol, Bob above Dan."""
    table = await workbench.table(NAME, graph={"enabled": True, "types": [MANAGER, *more]})
    await table.add(*({"name": one["name"]} for one in (ALICE, BOB, CAROL, DAN)))
    pairs = [(2, 1), (3, 1), (4, 2)]
    made = await send(
        workbench, "POST", edges_of(table), [{"from": a, "to": b, "type": "manager"} for a, b in pairs]
    )
    assert made.status_code == 201
    return table


async def got(table: Records, path: str = "", /, **params: Any) -> Any:
    answer = await table.get(path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_flat_from_one_record(workbench: Workbench) -> None:
    table = await staff(workbench)
    assert await got(table, "/2", include="both", depth=1) == {
        "data": {"data": BOB, "manager": [reached(ALICE, 1)], "reports": [reached(DAN, 1)]}
    }
    assert await got(table, "/1", include="descendants") == {
        "data": {"data": ALICE, "reports": [reached(BOB, 1), reached(CAROL, 1), reached(DAN, 2)]}
    }
    assert await got(table, "/1", include="ancestors") == {"data": {"data": ALICE, "manager": []}}


async def test_flat_from_a_list(workbench: Workbench) -> None:
    table = await staff(workbench)
    start = reached(BOB, 0, None)
    assert await got(table, name="Bob", include="descendants") == {
        "data": [start, reached(DAN, 1)],
        "total": 2,
    }
    assert await got(table, name="Bob", include="both") == {
        "data": [start, reached(ALICE, 1), reached(DAN, 1)],
        "total": 3,
    }
    everybody = await got(table, include="ancestors", fields="name")
    assert [one["_depth"] for one in everybody["data"]] == [0, 0, 0, 0]
    first = await got(table, include="descendants", ordering="-name", page_size=2, depth=1)
    assert [one["name"] for one in first["data"]] == ["Dan", "Carol"]
    second = await got(table, include="descendants", ordering="-name", page_size=2, page=2)
    assert [(one["name"], one["_depth"]) for one in second["data"]] == [
        ("Bob", 0),
        ("Alice", 0),
        ("Carol", 1),
        ("Dan", 1),
    ]


def tree(record: dict[str, Any], depth: int, *children: Any) -> dict[str, Any]:
    return {**reached(record, depth, "manager" if depth else None), "children": list(children)}


async def test_tree(workbench: Workbench) -> None:
    table = await staff(workbench)
    whole = [tree(ALICE, 0, tree(BOB, 1, tree(DAN, 2)), tree(CAROL, 1))]
    for path, params in (("/1", {"include": "descendants", "depth": 2}), ("", {"id": 1}), ("", {})):
        assert await got(table, path, format="tree", **params) == {"data": whole, "total": 4}
    assert await got(table, "/1", format="tree", depth=1) == {
        "data": [tree(ALICE, 0, tree(BOB, 1), tree(CAROL, 1))],
        "total": 3,
    }
    assert await got(table, "/4", format="tree", include="ancestors") == {
        "data": [tree(DAN, 0, tree(BOB, 1, tree(ALICE, 2)))],
        "total": 3,
    }
    both = await got(table, "/2", format="tree", include="both")
    above = {**reached(ALICE, 1), "parents": []}
    assert both == {"data": [{**tree(BOB, 0, tree(DAN, 1)), "parents": [above]}], "total": 3}
    leaves = await got(table, format="tree", include="ancestors")
    assert [one["name"] for one in leaves["data"]] == ["Carol", "Dan"]


async def test_graph(workbench: Workbench) -> None:
    table = await staff(workbench)
    found = await got(table, "/1", format="graph", depth=1)
    assert found["data"]["nodes"] == [reached(ALICE, 0, None), reached(BOB, 1), reached(CAROL, 1)]
    first = found["data"]["edges"][0]
    expected = {"id": 1, "from": 2, "to": 1, "from_id": 2, "to_id": 1, "type": "manager", "metadata": None}
    assert (first, list(first), found["total"]) == (expected, list(expected), 3)
    everything = await got(table, format="graph")
    assert (everything["total"], len(everything["data"]["edges"])) == (4, 3)
    assert (await got(table, format="graph", page_size=1, name="Dan"))["data"]["edges"] == []


async def test_several_types(workbench: Workbench) -> None:
    """A record that two types lead to is in the lists of both, and is one record."""
    table = await staff(workbench, {"name": "mentor", "inverse": "pupils"}, "friend")
    more = [(2, 1, "mentor"), (4, 1, "mentor"), (1, 4, "friend")]
    await send(
        workbench, "POST", edges_of(table), [{"from": a, "to": b, "type": kind} for a, b, kind in more]
    )
    lists = (await got(table, "/1", include="descendants"))["data"]
    assert {name: [one["id"] for one in rows] for name, rows in lists.items() if name != "data"} == {
        "reports": [2, 3],
        "pupils": [2, 4],
        "friend_inverse": [],
    }
    assert lists["pupils"][0] == reached(BOB, 1, "mentor")
    only = (await got(table, "/1", include="both", types="mentor,friend"))["data"]
    assert {name: [one["id"] for one in rows] for name, rows in only.items() if name != "data"} == {
        "pupils": [2, 4],
        "friend_inverse": [],
        "mentor": [],
        "friend": [4],
    }
    repeated = [("include", "both"), ("relationship_type", "mentor"), ("relationship_type", "friend")]
    again = await table.client.get(f"{table.url}/1", params=repeated)
    assert again.json()["data"] == only
    nested = await got(table, "/1", format="tree", types="mentor,manager")
    dan = nested["data"][0]["children"][0]["children"][0]
    assert (dan["id"], dan["_depth"], dan["_relationship_type"]) == (4, 1, "manager")
    assert nested["total"] == 4


async def test_two_parents_and_circles(workbench: Workbench) -> None:
    table = await workbench.table(NAME, graph=True)
    await table.add(*({"name": str(n)} for n in range(4)))
    ring = [(2, 1), (3, 2), (1, 3), (4, 2), (4, 3)]
    await send(workbench, "POST", edges_of(table), [{"from": a, "to": b, "type": "x"} for a, b in ring])
    found = await got(table, "/1", format="tree")

    def ids(node: Any) -> Any:
        return {node["id"]: [ids(child) for child in node["children"]]}

    assert [ids(one) for one in found["data"]] == [{1: [{2: [{3: [{4: []}]}, {4: []}]}]}]
    assert found["total"] == 4
    assert [one["_depth"] for one in (await got(table, id=1, include="both"))["data"]] == [0, 1, 1, 2]
    assert await got(table, format="tree") == {"data": [], "total": 0}


REFUSED = [
    ({"format": "xml"}, "format"),
    ({"include": "all"}, "include"),
    ({"include": "both", "depth": "0"}, "depth"),
    ({"include": "both", "depth": "11"}, "depth"),
    ({"include": "both", "depth": "two"}, "depth"),
    ({"depth": "2"}, "depth"),
    ({"relationship_type": "manager"}, "relationship_type"),
    ({"include": "both", "relationship_type": "boss"}, "relationship_type"),
    ({"include": "both", "types": ","}, "types"),
    ({"include": "both", "types": "a\0b"}, "types"),
    ({"include": "both", "types": ",".join(f"t{n}" for n in range(60))}, "relationship_type"),
]


async def test_what_is_refused(workbench: Workbench) -> None:
    table = await staff(workbench)
    for params, name in REFUSED:
        for path in ("", "/1"):
            answer = await table.get(path, **params)
            assert (params, answer.status_code, list(answer.json()["errors"])) == (params, 400, [name])
    for params in ({"after": ""}, {"count": "none"}, {"_aggregate": "count(*)"}):
        assert (await table.get("", include="both", **params)).status_code == 400, params
    assert (await table.get("/9", format="tree")).status_code == 404
    assert (await table.get("/1", include="both", name="x")).status_code == 400
    assert (await table.get("", format="graph", nothing="x")).status_code == 400
    assert (await got(table, include="both", name="nobody")) == {"data": [], "total": 0}


async def test_keys_of_every_kind(workbench: Workbench) -> None:
    words = ['a"b', "ß\\,x", "' OR 1=1 --"]
    for field, keys in (
        ({"name": "code", "type": "string"}, words),
        ({"name": "code", "type": "string", "format": "uuid"}, [str(uuid.UUID(int=n)) for n in (1, 2, 3)]),
        ({"name": "code", "type": "date"}, ["2024-01-01", "2024-01-02", "2024-01-03"]),
        ({"name": "code", "type": "datetime"}, [f"2024-01-0{n}T00:00:00Z" for n in (1, 2, 3)]),
        ({"name": "code", "type": "number"}, [1.5, 2.25, 3]),
    ):
        table = await workbench.table(field, primaryKey=["code"], hierarchy=True)
        await table.add(*({"code": key} for key in keys))
        links = [
            {"from": keys[1], "to": keys[0], "type": "parent"},
            {"from": keys[2], "to": keys[1], "type": "parent"},
        ]
        made = await send(workbench, "POST", edges_of(table), links)
        assert made.status_code == 201, made.text
        assert [one["from_id"] for one in made.json()["data"]] == [keys[1], keys[2]]
        moved = await send(workbench, "PATCH", f"{edges_of(table)}/2", {"metadata": {"a": 1}})
        assert moved.json()["data"]["to_id"] == keys[1]
        nested = (await got(table, format="tree"))["data"]
        assert nested[0]["children"][0]["children"][0]["code"] == keys[2]
        path = await table.client.get(f"{edges_of(table)}/path", params={"from": keys[2], "to": keys[0]})
        assert [one["code"] for one in path.json()["data"]["nodes"]] == keys[::-1]


async def test_a_field_says_the_edges(workbench: Workbench) -> None:
    table = await workbench.table(
        NAME,
        {"name": "parent_id", "type": "integer"},
        hierarchy={"enabled": True, "self_reference": "parent_id"},
        foreignKeys=[{"fields": "parent_id", "reference": {"resource": "", "fields": "id"}}],
    )
    await table.add({"name": "a"}, {"name": "b", "parent_id": 1}, {"name": "c", "parent_id": 2})
    lists = (await got(table, "/2", include="both"))["data"]
    assert ([one["id"] for one in lists["parent"]], [one["id"] for one in lists["children"]]) == ([1], [3])
    await table.patch({"parent_id": 1}, "/3")
    listed = (await send(workbench, "GET", f"{edges_of(table)}?to_id=1")).json()
    assert [(one["id"], one["from_id"]) for one in listed["data"]] == [(2, 2), (3, 3)]
    for method, body in (("POST", {"from": 1, "to": 2, "type": "parent"}), ("DELETE", {"edge_ids": [2]})):
        refused = await send(workbench, method, edges_of(table), body)
        assert (refused.status_code, "write 'parent_id' of the records" in refused.text) == (400, True)
    surface = f"/api/apps/bench/datatables/{table.name}_edges/data"
    for method, path in (("DELETE", "/2"), ("DELETE", "?ids=2"), ("PATCH", "/2"), ("POST", "")):
        assert (await send(workbench, method, f"{surface}{path}", {})).status_code == 400, (method, path)
    await table.patch({"parent_id": 3}, "/1")
    assert (await got(table, "/1", format="tree"))["total"] == 3


async def test_a_walk_has_a_limit(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await staff(workbench)
    monkeypatch.setattr("penstock.tables.records.routes._walk_limit", lambda _call: 3)
    for params in ({"include": "descendants"}, {"format": "tree"}, {"format": "graph"}):
        answer = await table.get("/1", **params)
        assert (answer.status_code, "more than 3 records" in answer.text) == (400, True)
    assert (await table.get("/2", format="graph")).status_code == 200
    assert (await table.get("", format="graph")).status_code == 400


async def test_trees_that_grow_beyond_measure(workbench: Workbench) -> None:
    """Layers in which each record is above all of the next: few records, and very many ways."""
    table = await workbench.table(NAME, graph=True)
    layers, width = 8, 8
    await table.add(*({"name": "x"} for _ in range(layers * width)))
    edges = [
        {"from": (layer + 1) * width + b + 1, "to": layer * width + a + 1, "type": "x"}
        for layer in range(layers - 1)
        for a in range(width)
        for b in range(width)
    ]
    assert (await send(workbench, "POST", edges_of(table), edges)).status_code == 201
    refused = await table.get("", format="tree")
    assert (refused.status_code, "branches" in refused.text) == (400, True)
    assert (await got(table, "/1", include="descendants"))["data"]["x_inverse"][-1]["_depth"] == layers - 1
    assert len((await got(table, format="graph"))["data"]["edges"]) == len(edges)


async def test_conditions_on_what_is_below_and_above(workbench: Workbench) -> None:
    table = await staff(workbench)
    assert await table.ids(id__descendants=1) == [2, 3, 4]
    assert await table.ids(id__descendants=1, name="Dan") == [4]
    assert await table.ids(id__ancestors=4, ordering="-id") == [2, 1]
    assert await table.ids(id__descendants=99) == []
    for params in (
        {"id__descendants": "x"},
        {"name__descendants": "1"},
        {"id__descendants": "1,2"},
        {"filters": '{"or": [' + ",".join(['{"id__ancestors": 1}'] * 11) + "]}"},
    ):
        answer = await table.get(**params)
        assert (params, answer.status_code) == (params, 400)
    refused = await table.delete(filter='{"id__descendants": 1}')
    assert (refused.status_code, await table.total()) == (400, 4)
    plain = await workbench.table(NAME)
    assert (await plain.get(id__descendants=1)).status_code == 400
    hidden = await workbench.table(NAME, {"name": "is_deleted", "type": "boolean"}, hierarchy=True)
    await hidden.add(*({"name": "x"} for _ in range(3)))
    chain = [{"from": 2, "to": 1, "type": "parent"}, {"from": 3, "to": 2, "type": "parent"}]
    await send(workbench, "POST", edges_of(hidden), chain)
    assert await hidden.ids(id__descendants=1) == [2, 3]
    await hidden.delete("/2")
    assert await hidden.ids(id__descendants=1) == []


async def test_edges_with_the_records_at_their_ends(workbench: Workbench) -> None:
    table = await staff(workbench)
    url = f"/api/apps/{APP}/datatables/{table.name}_edges/data"
    found = (await send(workbench, "GET", f"{url}?populate=to_id,from&id=1")).json()["data"]
    assert [(one["to_id"], one["from"], one["from_id"]) for one in found] == [(ALICE, BOB, 2)]
    above = await send(workbench, "GET", f"{url}?to_id.name=Alice")
    assert [one["from_id"] for one in above.json()["data"]] == [2, 3]


async def test_records_out_of_reach(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever hides records hides them from walks, paths, conditions and lists of edges, and what is behind them."""
    table = await staff(workbench)

    def narrowed(here: Any, principal: Any) -> Any:
        found, nodes = plain(here, principal), here.edges_of or here
        if nodes.name != table.name:
            return found
        rows = bind(Compare("name", "ne", "Bob"), nodes.columns.get)
        return replace(found, rows=rows, is_limited=True)

    plain = reaching.limits_of
    monkeypatch.setattr(reaching, "limits_of", narrowed)
    assert [one["id"] for one in (await got(table, id=1, include="descendants"))["data"]] == [1, 3]
    assert (await table.get("/2", include="both")).status_code == 404
    assert [one["id"] for one in (await got(table, format="tree"))["data"]] == [1, 4]
    assert [one["from"] for one in (await got(table, format="graph"))["data"]["edges"]] == [3]
    assert await table.ids(id__descendants=1) == [3]
    assert await table.ids(id__descendants=2) == []
    assert (await send(workbench, "GET", f"{edges_of(table)}/path?from=4&to=1")).json()["data"] is None
    assert (await send(workbench, "GET", f"{edges_of(table)}/path?from=2&to=1")).status_code == 400
    listed = (await send(workbench, "GET", edges_of(table))).json()
    assert ([one["id"] for one in listed["data"]], listed["total"]) == ([2], 1)
    made = await send(workbench, "POST", edges_of(table), {"from": 1, "to": 2, "type": "manager"})
    assert (made.status_code, "nodes do not exist" in made.text) == (400, True)
