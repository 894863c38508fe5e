"""Walks that read level by level: the records are the same, byte for byte, as in any list."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.tables.graph import levels
from tests.tables.graph.test_edges import edges_of, send
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

EVERY = (
    {"name": "some text", "type": "string"},
    {"name": "x-$1 größe", "type": "string", "constraints": {"required": True}},
    {"name": "whole", "type": "integer"},
    {"name": "price", "type": "number"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "clock", "type": "time"},
    {"name": "moment", "type": "datetime"},
    {"name": "doc", "type": "object"},
    {"name": "list", "type": "array"},
    {"name": "whatever", "type": "any"},
    {"name": "span", "type": "range", "of": "integer"},
    {"name": "born", "type": "year"},
    {"name": "ref", "type": "uuid"},
    {"name": "took", "type": "duration"},
)
FULL = {
    "some text": 'a "b" \\ \n\t\u0001 é 😀', "x-$1 größe": "", "whole": -(2**63), "price": 1.5, "flag": True,
    "day": "2025-03-01", "clock": "09:30:00", "moment": "2025-03-01T09:30:00+01:00", "doc": {"a": [1.10, None]},
    "list": [], "whatever": None, "span": {"lower": 1, "upper": 5}, "born": 2001,
    "ref": "6f1b0e0e-5f0b-4d6e-9d59-111111111111", "took": "PT15M",
}  # fmt: skip
EMPTY = {"x-$1 größe": "{}"}


async def chain(workbench: Workbench, rows: list[Any], *fields: Any, **graph: Any) -> Records:
    """Each record below the one before it."""
    table = await workbench.table(*fields, graph={"enabled": True, **graph})
    await table.add(*rows)
    edges = [{"from": n + 1, "to": n, "type": "part"} for n in range(1, len(rows))]
    assert (await send(workbench, "POST", edges_of(table), edges)).status_code == 201
    return table


async def same(table: Records, count: int) -> str:
    walk = await table.get(id=1, include="descendants", relationship_type="part")
    assert walk.status_code == 200, walk.text
    for n in range(1, count + 1):
        listed = (await table.get(id=n)).text
        record = listed.partition("[")[2].rpartition("}],")[0]
        kind = '"part"' if n > 1 else "null"
        assert f'{record},"_depth":{n - 1},"_relationship_type":{kind}}}' in walk.text
    assert walk.json()["total"] == count
    return walk.text


async def test_records_of_every_type(workbench: Workbench) -> None:
    table = await chain(workbench, [FULL, EMPTY, FULL], *EVERY, types=["part"])
    await same(table, 3)
    some = (await table.get(id=1, include="descendants", fields="flag,whole")).json()["data"]
    assert some[0] == {"id": 1, "flag": True, "whole": -(2**63), "_depth": 0, "_relationship_type": None}


async def test_more_fields_than_a_function_has_arguments(workbench: Workbench) -> None:
    fields = [{"name": f"f{n}", "type": "integer"} for n in range(60)]
    table = await chain(workbench, [{"f1": 1}, {"f2": 2}], *fields, types=["part"])
    await same(table, 2)


async def test_types_that_no_table_declares(workbench: Workbench) -> None:
    table = await chain(workbench, [EMPTY, EMPTY], EVERY[1])
    await same(table, 2)
    odd = await table.get(id=1, include="descendants", relationship_type="a'b\"c")
    assert [one["id"] for one in odd.json()["data"]] == [1]


async def test_a_record_that_is_longer_than_its_share(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"x-$1 größe": "x" * n} for n in (1, 10, 400, 20)]
    table = await chain(workbench, rows, EVERY[1], types=["part"])
    text = await same(table, 4)
    monkeypatch.setattr(levels, "MAX_BYTES", 1000)
    assert await same(table, 4) == text
