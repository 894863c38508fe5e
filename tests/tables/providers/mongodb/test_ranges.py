"""Ranges in MongoDB: every operator gives what PostgreSQL gives, on every pair of a small world of ranges."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.tables.providers.mongodb.conftest import MongoBench

pytestmark = pytest.mark.anyio

ENDS: dict[str, list[Any]] = {
    "integer": [None, -3, 0, 4],
    "number": [None, -1.50, 0, 2.5],
    "date": [None, "2024-02-28", "2024-02-29", "2024-03-01"],
    "datetime": [None, "2024-02-28T00:00:00Z", "2024-02-28T00:00:00.000001Z", "2024-03-01T12:00:00+02:00"],
}
OPERATORS = ("eq", "ne", "rcontains", "rcontainedby", "roverlaps", "radjacent", "rstrictleft", "rstrictright")


@pytest.mark.parametrize("kind", sorted(ENDS))
async def test_every_operator_on_every_pair(bench: MongoBench, kind: str) -> None:
    both = await bench.twin({"name": "span", "type": "range", "of": kind})
    ends = ENDS[kind]
    spans: list[Any] = [
        {"lower": low, "upper": high, "bounds": bounds}
        for (n, low), (m, high) in itertools.product(enumerate(ends), enumerate(ends))
        for bounds in ("[)", "[]", "(]", "()")
        if low is None or high is None or n <= m
    ]
    spans += [{"empty": True}]
    for table in both:
        assert (await table.post([{"span": one} for one in (*spans, None)])).status_code == 201
    flat, mongo = [await table.get(page_size=1000) for table in both]
    assert flat.text == mongo.text
    wanted = spans[::5] if kind != "integer" else spans
    for operator, value in itertools.product(OPERATORS, wanted):
        filters = json.dumps(
            {"not": {f"span__{operator}": value}} if operator == "radjacent" else {f"span__{operator}": value}
        )
        found = [await table.ids(filters=filters, ordering="id") for table in both]
        assert found[0] == found[1], (operator, value)


async def test_ranges_that_end_where_their_type_does(bench: MongoBench) -> None:
    table = await bench.table({"name": "span", "type": "range", "of": "date"})
    answer = await table.post({"span": {"lower": None, "upper": "9999-12-31", "bounds": "[]"}})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["span"])
