"""Bulk writes: of the same rows at the same time in opposite orders, and without the rows in the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

SCHEMA = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "n", "type": "integer"}],
    "primaryKey": ["id"],
}


async def test_both_of_two_bulk_updates_are_done(client: Any) -> None:
    await client.post("/api/apps", json={"name": "Busy"})
    await client.post("/api/apps/busy/datasources", json={"name": "Main", "slug": "main"})
    definition = {"name": "rows", "json_schema": SCHEMA}
    made = await client.post("/api/apps/busy/datasources/main/datatables", json=definition)
    assert made.status_code == 201, made.text
    url = "/api/apps/busy/datatables/rows/data"
    rows = [{"id": key, "n": 0} for key in range(1, 501)]
    assert (await client.post(url, json=rows)).status_code == 201
    answers = await asyncio.gather(
        *(client.patch(url, json=rows if turn % 2 else rows[::-1]) for turn in range(6)),
        *(client.post(f"{url}/upsert", json=rows if turn % 2 else rows[::-1]) for turn in range(6)),
    )
    assert {answer.status_code for answer in answers} == {200}


async def test_a_list_can_be_stored_without_being_sent_back(client: Any) -> None:
    await client.post("/api/apps", json={"name": "Brief"})
    await client.post("/api/apps/brief/datasources", json={"name": "Main", "slug": "main"})
    definition = {"name": "rows", "json_schema": SCHEMA}
    await client.post("/api/apps/brief/datasources/main/datatables", json=definition)
    url = "/api/apps/brief/datatables/rows/data"
    rows = [{"n": number} for number in range(20)]
    answer = await client.post(url, json=rows, headers={"Prefer": "return=minimal"})
    assert (answer.status_code, answer.json()) == (201, {"data": [], "created": 20})
    assert (await client.get(url)).json()["total"] == 20
