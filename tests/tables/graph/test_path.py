"""Shortest paths."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables.graph.test_edges import NAME, edges_of, send
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio


async def find(workbench: Workbench, table: Records, query: str) -> Any:
    answer = await send(workbench, "GET", f"{edges_of(table)}/path?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def roads(workbench: Workbench) -> Records:
    table = await workbench.table(NAME, graph=True)
    await table.add(*({"name": f"p{n}"} for n in range(1, 8)))
    links = [
        (1, 2, "road"),
        (2, 3, "road"),
        (3, 4, "road"),
        (1, 5, "rail"),
        (5, 4, "rail"),
        (4, 1, "road"),
        (6, 4, "road"),
    ]
    body = [{"from": a, "to": b, "type": kind} for a, b, kind in links]
    assert (await send(workbench, "POST", edges_of(table), body)).status_code == 201
    return table


async def test_shortest(workbench: Workbench) -> None:
    table = await roads(workbench)

    async def way(query: str) -> list[int] | None:
        found = (await find(workbench, table, query))["data"]
        if found is None:
            return None
        assert found["length"] == len(found["edges"]) == len(found["nodes"]) - 1
        assert [one["_depth"] for one in found["nodes"]] == list(range(len(found["nodes"])))
        return [one["id"] for one in found["nodes"]]

    assert await way("from=1&to=4") == [1, 5, 4]
    assert await way("from=1&to=4&types=road") == [1, 2, 3, 4]
    assert await way("from=1&to=4&types=road&depth=2") is None
    assert await way("from=1&to=4&direction=backward") == [1, 4]
    assert await way("from=1&to=6") is None
    assert await way("from=1&to=6&direction=any") == [1, 4, 6]
    assert await way("from=3&to=3") == [3]
    assert await way("from=1&to=7&direction=any") is None
    assert await find(workbench, table, "from=6&to=4") == {
        "data": {
            "nodes": [{"id": 6, "name": "p6", "_depth": 0}, {"id": 4, "name": "p4", "_depth": 1}],
            "edges": [
                {"id": 7, "from": 6, "to": 4, "from_id": 6, "to_id": 4, "type": "road", "metadata": None}
            ],
            "length": 1,
        },
        "total": 2,
    }


async def test_what_is_refused(workbench: Workbench) -> None:
    table = await roads(workbench)
    for query, name in (
        ("from=1", "to"),
        ("to=1", "from"),
        ("from=1&to=x", "to"),
        ("from=1&to=99", "to"),
        ("from=99&to=1", "from"),
        ("from=1&from=2&to=3", "from"),
        ("from=1&to=2&direction=up", "direction"),
        ("from=1&to=2&depth=51", "depth"),
        ("from=1&to=2&page=1", "page"),
        ("from=1&to=2&types=,", "types"),
    ):
        answer = await send(workbench, "GET", f"{edges_of(table)}/path?{query}")
        assert (query, answer.status_code, list(answer.json()["errors"])) == (query, 400, [name])
