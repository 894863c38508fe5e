"""Dense, wide and long: bounded in time and size, and answered clearly."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from penstock.tables.graph import compile as compiled
from penstock.tables.graph import levels, shape
from penstock.tables.schema import Place
from penstock.tables.schema.companion import edges_place
from tests.tables.graph.test_edges import NAME
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio
# Seconds, on a machine that does other things too.
PATIENCE = 10.0


async def graph(workbench: Workbench, count: int, pairs: str) -> Records:
    """So many records; `pairs` is SQL that gives the edges between them."""
    table = await workbench.table(NAME, graph={"types": ["a"]})
    for first in range(0, count, 5000):
        await table.add(*({"name": f"n{one}"} for one in range(first, min(first + 5000, count))))
    (row,) = await workbench.fetch(
        "SELECT physical_schema, physical_name FROM penstock.data_tables WHERE name = $1", table.name
    )
    at = edges_place(Place(row[0], row[1])).sql
    async with workbench.ctx.db.session() as conn:
        await conn.execute(
            f"INSERT INTO {at} (from_id, to_id, type) SELECT a, b, 'a' FROM ({pairs}) AS p(a, b)"
        )
        await conn.execute(f"ANALYZE {at}")
    return table


async def refused(table: Records, params: Mapping[str, Any], sentence: str) -> None:
    started = time.perf_counter()
    answer = await table.get(**params)
    assert (answer.status_code, sentence in answer.json()["detail"]) == (400, True), answer.text[:300]
    assert time.perf_counter() - started < PATIENCE


async def test_a_graph_in_which_all_know_all(workbench: Workbench) -> None:
    everyone = "SELECT a, b FROM generate_series(1, 400) AS a, generate_series(1, 400) AS b WHERE a <> b"
    table = await graph(workbench, 400, everyone)
    for params in (
        {"format": "tree", "id": 1},
        {"format": "tree", "id": 1, "depth": 2},
        {"format": "graph", "id": 1},
    ):
        await refused(table, params, "more than 50,000 edges")
    await refused(table, {"format": "tree", "id": 1, "depth": 11}, "more than 10 levels")
    reached = await table.get(id=1, include="descendants")
    assert reached.json()["total"] == 400
    assert await table.total() == 400
    assert len(await table.ids(id__descendants=1)) == 399
    small = await graph(workbench, 30, everyone.replace("400", "30"))
    await refused(small, {"format": "tree", "id": 1}, "more than 50,000 branches")


async def test_ten_thousand_edges_on_a_node(workbench: Workbench) -> None:
    table = await graph(workbench, 10_001, "SELECT a, 1 FROM generate_series(2, 10001) AS a")
    for path, params in (
        ("", {"id": 1, "format": "tree"}),
        ("", {"id": 1, "format": "graph"}),
        ("", {"include": "descendants", "id": 1}),
        ("/1", {"include": "descendants"}),
    ):
        started = time.perf_counter()
        answer = await table.get(path, **params)
        assert answer.status_code == 200, answer.text[:300]
        assert time.perf_counter() - started < PATIENCE
    assert (await table.get(id__descendants=1, page_size=1)).json()["total"] == 10_000


async def test_long_records(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await graph(workbench, 200, "SELECT a, 1 FROM generate_series(2, 200) AS a")
    whole = await table.get(id=1, format="graph")
    assert whole.status_code == 200
    for module in (compiled, levels, shape):
        monkeypatch.setattr(module, "MAX_BYTES", 1000)
    for params in (
        {"id": 1, "format": "graph"},
        {"id": 1, "format": "tree"},
        {"id": 1, "include": "descendants"},
        {"id": 1, "format": "tree", "include": "both"},
    ):
        await refused(table, params, "more than 1,000 bytes")
    one = await table.get("/1", include="descendants")
    assert (one.status_code, "more than 1,000 bytes" in one.text) == (400, True)
    monkeypatch.undo()
    assert (await table.get(id=1, format="graph")).text == whole.text


async def test_filters_of_every_size(workbench: Workbench) -> None:
    table = await graph(workbench, 3, "SELECT 2, 1")
    many = {"filters": json.dumps({"or": [{"id__descendants": 1}] * 11})}
    await refused(table, many, "at most 10 conditions on descendants")
    deep: Any = {"id": 1}
    for _ in range(50):
        deep = {"not": deep}
    for tree in (deep, {"and": [{"id__gt": 0}] * 200}, {"or": [{"name": "x" * 200}] * 200}):
        started = time.perf_counter()
        answer = await table.get(filters=json.dumps(tree))
        assert answer.status_code in (200, 400, 414), answer.text[:300]
        assert answer.status_code == 200 or answer.json()["detail"]
        assert time.perf_counter() - started < PATIENCE
