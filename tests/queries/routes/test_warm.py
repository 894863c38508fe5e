"""Pages that a process has written before are asked for anew: by whoever may, as long as the result is there."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.queries import store
from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking, with_key
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
SQL = "SELECT id, name FROM people ORDER BY id"
PAGE = {"page": "2", "page_size": "10"}


async def page(client: httpx2.AsyncClient, path: str) -> int:
    """The status; of a page with the rows that it should have."""
    answer = await client.get(path, params=PAGE)
    if answer.status_code == 200:
        assert [row["id"] for row in answer.json()["query_result"]["data"]["rows"]] == list(range(11, 21))
    return answer.status_code


async def becomes(status: int, client: httpx2.AsyncClient, path: str) -> None:
    """Another process is told within a second."""
    async with asyncio.timeout(5):
        while await page(client, path) != status:
            await asyncio.sleep(0.02)


async def test_who_may_no_longer(
    asking: Asking, callers: Callers, ctx: Context, app: Edge, second: Edge
) -> None:
    reader = callers["operator"]
    made = await reader.post("/api/auth/keys", json={"name": "short"})
    assert made.status_code == 201, made.text
    other = client_of(second, None)
    other.headers["x-api-key"] = made.json()["key"]
    mine = with_key(app, made.json()["key"])
    path = f"/api/query_results/{(await Asking(reader, asking.source).run(SQL))['query_result_id']}"
    for client in (asking.client, reader, mine, other) * 2:
        assert await page(client, path) == 200
    # A key that is gone.
    assert (await reader.delete(f"/api/auth/keys/{made.json()['id']}")).status_code in (200, 204)
    assert await page(mine, path) == 401
    await becomes(401, other, path)
    assert await page(reader, path) == 200
    # A rule changes what anybody would get, and so does its end.
    other = client_of(second)
    assert await page(other, path) == 200
    rules = "/api/apps/shop/datatables/people/rules"
    rule = await asking.client.post(rules, json={"name": "few", "read": {"id__lte": 15}})
    assert rule.status_code == 201, rule.text
    assert await page(reader, path) == 404
    await becomes(404, other, path)
    await asking.client.delete(f"{rules}/{rule.json()['id']}")
    await becomes(200, other, path)
    assert await page(reader, path) == 200
    # A result that is gone.
    gone = (await asking.run("SELECT id, name FROM people WHERE id < 100 ORDER BY id"))["query_result_id"]
    its = f"/api/query_results/{gone}"
    for client in (asking.client, other) * 2:
        assert await page(client, its) == 200
    async with ctx.db.control.transaction() as conn:
        await store.drop_results(conn, [gone])
    assert await page(asking.client, its) == 404
    await becomes(404, other, its)
    assert await page(reader, path) == 200
    # A table.
    assert (await asking.client.delete("/api/apps/shop/datatables/people")).status_code == 204
    assert await page(asking.client, path) == 404
    await becomes(404, other, path)
