"""Shortest paths between records of MongoDB are those of ordinary tables."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.tables.graph.test_edges import NAME, edges_of, send
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import Records

pytestmark = pytest.mark.anyio

KINDS = ["road", "rail", "sea"]
SOFT = {"name": "is_deleted", "type": "boolean"}


async def twins(bench: MongoBench, links: list[Any], count: int) -> tuple[Records, Records]:
    pair = await bench.twin(NAME, SOFT, graph=True)
    for table in pair:
        await table.add(*({"name": f"p{n}"} for n in range(1, count + 1)))
        body = [{"from": a, "to": b, "type": kind, "metadata": {"n": a}} for a, b, kind in links]
        assert (await send(bench, "POST", edges_of(table), body)).status_code == 201
    return pair


async def test_as_in_ordinary_tables(bench: MongoBench) -> None:
    chance = random.Random(7)
    ends = [chance.sample(range(1, 13), 2) for _ in range(30)]
    links = list(dict.fromkeys((a, b, chance.choice(KINDS)) for a, b in ends))
    flat, ours = await twins(bench, links, 14)
    found = 0
    for _ in range(60):
        query = f"from={chance.randint(1, 14)}&to={chance.randint(1, 14)}"
        query += chance.choice(["", "&direction=backward", "&direction=any", "&direction=any&depth=2"])
        query += chance.choice(["", "&types=road", "&types=rail,sea"])
        answers = [await send(bench, "GET", f"{edges_of(table)}/path?{query}") for table in (flat, ours)]
        assert answers[0].status_code == answers[1].status_code == 200
        assert answers[0].json() == answers[1].json(), query
        found += answers[0].json()["data"] is not None
    assert found > 15
    for table in (flat, ours):
        assert (await table.delete("/3")).status_code == 204
    for last in range(1, 15):
        query = f"from=1&to={last}&direction=any"
        answers = [await send(bench, "GET", f"{edges_of(table)}/path?{query}") for table in (flat, ours)]
        assert answers[0].status_code == answers[1].status_code == (400 if last == 3 else 200)
        assert answers[0].json().get("data") == answers[1].json().get("data"), query


async def test_what_is_refused(bench: MongoBench) -> None:
    _, ours = await twins(bench, [(1, 2, "road")], 2)
    for query, name in (
        ("from=1", "to"),
        ("from=1&to=99", "to"),
        ("from=99&to=1", "from"),
        ("from=1&to=x", "to"),
    ):
        answer = await send(bench, "GET", f"{edges_of(ours)}/path?{query}")
        assert (query, answer.status_code, list(answer.json()["errors"])) == (query, 400, [name])
