"""Random graphs against a plain walk in Python: circles, several types, every direction, depth and format."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest

from tests.tables.graph.test_edges import NAME, edges_of, send
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

TYPES = ("a", "b", "c")
Edges = list[tuple[int, int, str]]  # child, parent, type


def steps(edges: Edges, way: str, types: tuple[str, ...]) -> dict[int, set[tuple[int, str]]]:
    found: dict[int, set[tuple[int, str]]] = {}
    for child, parent, kind in edges:
        if kind in types:
            near, far = (parent, child) if way == "descendants" else (child, parent)
            found.setdefault(near, set()).add((far, kind))
    return found


def levels(
    starts: list[int], edges: Edges, way: str, types: tuple[str, ...], depth: int
) -> dict[int, tuple[int, set[str]]]:
    """By record: its smallest depth, and the types that lead to it there."""
    ahead = steps(edges, way, types)
    found: dict[int, tuple[int, set[str]]] = {start: (0, set()) for start in starts}
    queue = deque(starts)
    while queue:
        node = queue.popleft()
        level = found[node][0] + 1
        for other, kind in ahead.get(node, ()):
            if level <= depth and other not in found:
                found[other] = (level, set())
                queue.append(other)
            if other in found and found[other][0] == level and level <= depth:
                found[other][1].add(kind)
    return found


def nested(node: int, path: tuple[int, ...], ahead: Mapping[int, set[tuple[int, str]]], depth: int) -> Any:
    if len(path) > depth:
        return {}
    kinds: dict[int, str] = {}
    for other, kind in sorted(ahead.get(node, ())):
        if other not in path:
            kinds.setdefault(other, kind)
    return {(other, kind): nested(other, (*path, other), ahead, depth) for other, kind in kinds.items()}


def shape(node: Any, label: str = "children") -> Any:
    return {(one["id"], one["_relationship_type"]): shape(one, label) for one in node[label]}


async def random_graph(workbench: Workbench, rng: random.Random) -> tuple[Records, Edges, int]:
    count = rng.randint(1, 9)
    table = await workbench.table(NAME, graph={"types": list(TYPES)})
    await table.add(*({"name": str(n)} for n in range(count)))
    pairs = [
        (a, b, kind) for a in range(1, count + 1) for b in range(1, count + 1) for kind in TYPES if a != b
    ]
    edges = rng.sample(pairs, rng.randint(0, min(len(pairs), 2 * count)))
    body = [{"from": a, "to": b, "type": kind} for a, b, kind in edges]
    assert (await send(workbench, "POST", edges_of(table), body)).status_code == 201
    return table, edges, count


@pytest.mark.parametrize("seed", range(25))
async def test_walks_equal_the_oracle(workbench: Workbench, seed: int) -> None:
    rng = random.Random(seed)
    table, edges, count = await random_graph(workbench, rng)
    for _ in range(12):
        include = rng.choice(("descendants", "ancestors", "both"))
        depth = rng.randint(1, 10)
        types = tuple(rng.sample(TYPES, rng.randint(1, 3)))
        start = rng.randint(1, count)
        params: dict[str, Any] = {"include": include, "depth": depth, "types": ",".join(types)}
        ways = ("descendants", "ancestors") if include == "both" else (include,)
        reached = {way: levels([start], edges, way, types, depth) for way in ways}
        await check_lists(table, start, types, params, reached)
        await check_list(table, start, params, reached)
        await check_graph(table, start, edges, types, params, reached)
        await check_tree(table, start, edges, types, params, reached)
        await check_path(workbench, table, edges, types, rng.randint(1, count), start)


Reached = dict[str, dict[int, tuple[int, set[str]]]]


async def check_lists(
    table: Records, start: int, types: tuple[str, ...], params: Any, reached: Reached
) -> None:
    data = (await table.get(f"/{start}", **params)).json()["data"]
    for way, found in reached.items():
        for kind in types:
            expected = sorted((depth, node) for node, (depth, kinds) in found.items() if kind in kinds)
            listed = data[kind if way == "ancestors" else f"{kind}_inverse"]
            assert [(one["_depth"], one["id"]) for one in listed] == expected
            assert all(one["_relationship_type"] == kind for one in listed)
    assert len(data) == 1 + len(types) * len(reached)


def nearest(reached: Reached) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in reached.values():
        for node, (depth, _) in one.items():
            found[node] = min(depth, found.get(node, depth))
    return found


async def check_list(table: Records, start: int, params: Any, reached: Reached) -> None:
    answer = (await table.get("", id=start, **params)).json()
    expected = sorted((depth, node) for node, depth in nearest(reached).items())
    assert [(one["_depth"], one["id"]) for one in answer["data"]] == expected
    assert answer["total"] == len(expected)


async def check_graph(
    table: Records, start: int, edges: Edges, types: tuple[str, ...], params: Any, reached: Reached
) -> None:
    answer = (await table.get(f"/{start}", format="graph", **params)).json()
    nodes = nearest(reached)
    assert {one["id"]: one["_depth"] for one in answer["data"]["nodes"]} == nodes
    between = {(a, b, kind) for a, b, kind in edges if kind in types and a in nodes and b in nodes}
    assert {(one["from"], one["to"], one["type"]) for one in answer["data"]["edges"]} == between
    assert answer["total"] == len(nodes)


async def check_tree(
    table: Records, start: int, edges: Edges, types: tuple[str, ...], params: Any, reached: Reached
) -> None:
    answer = (await table.get(f"/{start}", format="tree", **params)).json()
    (root,) = answer["data"]
    for way in reached:
        label = "parents" if way == "ancestors" and len(reached) > 1 else "children"
        assert shape(root, label) == nested(start, (start,), steps(edges, way, types), params["depth"])
    assert answer["total"] == len(nearest(reached))


async def check_path(
    workbench: Workbench, table: Records, edges: Edges, types: tuple[str, ...], first: int, last: int
) -> None:
    for direction in ("forward", "backward", "any"):
        both = [*edges, *((b, a, kind) for a, b, kind in edges)]
        way = "descendants" if direction == "backward" else "ancestors"
        found = levels([first], both if direction == "any" else edges, way, types, 50)
        query = f"from={first}&to={last}&types={','.join(types)}&direction={direction}"
        data = (await send(workbench, "GET", f"{edges_of(table)}/path?{query}")).json()["data"]
        if last not in found:
            assert data is None
            continue
        nodes = [one["id"] for one in data["nodes"]]
        assert (nodes[0], nodes[-1], len(nodes) - 1) == (first, last, found[last][0])
        for here, there, edge in zip(nodes, nodes[1:], data["edges"], strict=False):
            ends = (edge["from"], edge["to"])
            assert edge["type"] in types
            assert ends in {"forward": [(here, there)], "backward": [(there, here)]}.get(
                direction, [(here, there), (there, here)]
            )


@pytest.mark.parametrize("seed", range(100, 110))
async def test_conditions_equal_the_oracle(workbench: Workbench, seed: int) -> None:
    rng = random.Random(seed)
    table, edges, count = await random_graph(workbench, rng)
    for start in range(1, count + 1):
        below, above = (
            set(levels([start], edges, way, TYPES, 99)) - {start} for way in ("descendants", "ancestors")
        )
        assert set(await table.ids(id__descendants=start)) == below
        assert set(await table.ids(id__ancestors=start)) == above
        either = f'{{"or": [{{"id__descendants": {start}}}, {{"not": {{"id__ancestors": {start}}}}}]}}'
        rest = {n for n in range(1, count + 1) if n in below or n not in above}
        assert set(await table.ids(filters=either)) == rest
        assert (await table.get(id__descendants=start, _aggregate="count(*)")).json()["data"][0][
            "count"
        ] == len(below)
