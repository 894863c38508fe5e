"""What people write into options is answered, whatever it is, and breaks nothing for others."""

from __future__ import annotations

import time
from typing import Any

import pytest

from penstock.queries.charts.formats import PLAIN, number_format
from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_crossing import found
from tests.queries.routes.test_dashboards import query_of

pytestmark = pytest.mark.anyio
ODD: tuple[Any, ...] = ([], {}, [1], {"a": []}, "--5", -1, 1.5, 10**18, True, "%", "\u2028")


@pytest.mark.parametrize("key", ["type", "value", "enumOptions", "multiValuesOptions", "regex", "queryId"])
async def test_definitions_of_parameters(asking: Asking, key: str) -> None:
    for odd in ODD:
        options = {"parameters": [{"name": "x", key: odd}]}
        body = {
            "data_source_id": asking.source,
            "query": "SELECT {{ x }} AS x",
            "name": "Odd",
            "options": options,
        }
        made = await asking.client.post("/api/queries", json=body)
        assert made.status_code == 200, made.text
        path = f"/api/queries/{made.json()['id']}"
        for values in ({}, {"x": odd}):
            ran = await asking.client.post(f"{path}/results", json={"parameters": values, "max_age": -1})
            assert ran.status_code in (200, 400, 403), ran.text
    assert (await asking.client.get("/api/queries?page_size=250")).json()["count"] == len(ODD)


async def test_rows_of_counters(asking: Asking) -> None:
    query = await query_of(asking.client)
    await found(asking, asking.client, f"/api/queries/{query['id']}")
    for odd, status in (("--5", 400), ("-2", 200), ("x", 400), ([], 400), (10**18, 200)):
        options = {"counterColName": "id", "rowNumber": odd}
        body = {"query_id": query["id"], "type": "COUNTER", "name": "n", "options": options}
        made = (await asking.client.post("/api/visualizations", json=body)).json()
        shown = await asking.client.get(f"/api/visualizations/{made['id']}.json")
        assert shown.status_code == status, shown.text


async def test_queries_that_read_from_very_many(asking: Asking) -> None:
    """Each level reads from each of the next one, which would be ten thousand in all."""
    below = ["SELECT 1 AS n"] * 10
    for _ in range(3):
        made = [await query_of(asking.client, query=one) for one in below]
        below = [" UNION ALL ".join(f"SELECT n FROM query_{one['id']}" for one in made)] * 10
    begun = time.monotonic()
    body = {"query": below[0], "data_source_id": asking.source, "max_age": -1}
    refused = await asking.client.post("/api/query_results", json=body)
    assert refused.status_code == 400 and "at most 100 times" in refused.text
    assert time.monotonic() - begun < 10


def test_formats_that_are_too_long() -> None:
    assert number_format("0" * 1_000_000) is PLAIN
