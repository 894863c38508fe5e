"""Running queries: jobs that tell the truth, results that are there, cancelling in the database."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
SLOW = "SELECT count(*) AS n FROM generate_series(1, 10000000000) AS g"


async def saved(asking: Asking, sql: str = "SELECT 1 AS one", **body: Any) -> dict[str, Any]:
    wanted = {"query": sql, "data_source_id": asking.source, "name": "A query", **body}
    answer = await asking.client.post("/api/queries", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sessions(ctx: Context) -> int:
    """Queries that the database is busy with."""
    async with ctx.db.control.transaction() as conn:
        return await conn.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'penstock query' AND datname ="
            " current_database()"
        )


async def until(asking: Asking, job: str, status: int) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found = (await asking.client.get(f"/api/jobs/{job}")).json()["job"]
            if found["status"] == status:
                return found
            assert found["status"] < 3, found
            await asyncio.sleep(0.02)


async def test_sql_of_the_moment(asking: Asking) -> None:
    job = await asking.run('SELECT id, name FROM "people" WHERE id <= 2 ORDER BY id')
    assert job["status"] == 3 and job["error"] == "" and job["result"] == job["query_result_id"]
    answer = await asking.client.get(f"/api/query_results/{job['query_result_id']}")
    found = answer.json()["query_result"]
    assert list(found) == ["id", "query_hash", "query", "data_source_id", "runtime", "retrieved_at", "data"]
    assert found["data"] == {
        "columns": [
            {"name": "id", "friendly_name": "id", "type": "integer"},
            {"name": "name", "friendly_name": "name", "type": "string"},
        ],
        "rows": [{"id": 1, "name": "Person 1"}, {"id": 2, "name": "Person 2"}],
    }
    assert answer.headers["cache-control"] == "private,max-age=31557600"


async def test_how_old_a_result_may_be(asking: Asking) -> None:
    sql = "SELECT 7 AS seven"
    first = (await asking.run(sql))["query_result_id"]

    async def asked(**body: Any) -> Any:
        wanted = {"query": sql, "data_source_id": asking.source, **body}
        return (await asking.client.post("/api/query_results", json=wanted)).json()

    for age in (
        {},
        {"max_age": None},
        {"max_age": -1},
        {"max_age": 1800},
        {"max_age": "60"},
        {"max_age": 60.9},
    ):
        assert (await asked(**age))["query_result"]["id"] == first, age
    for age in (0, -2, "0"):
        found = await asked(max_age=age)
        assert found["job"]["status"] in (1, 2)
        second = await asking.end(found["job"]["id"])
        assert second["query_result_id"] != first
    refused = await asking.client.post(
        "/api/query_results", json={"query": sql, "data_source_id": asking.source, "max_age": "soon"}
    )
    assert refused.status_code == 400 and "max_age" in refused.json()["errors"]


async def test_the_same_is_run_once(asking: Asking) -> None:
    body = {
        "query": "SELECT count(*) AS n FROM generate_series(1, 3000000) AS g",
        "data_source_id": asking.source,
    }

    async def asked(age: int | None) -> str:
        answer = await asking.client.post("/api/query_results", json={**body, "max_age": age})
        return answer.json()["job"]["id"]

    found = await asyncio.gather(*(asked(60) for _ in range(5)))
    assert len(set(found)) == 1
    # 0 joins nobody.
    other = await asked(0)
    assert other != found[0]
    assert {(await asking.end(one))["status"] for one in (found[0], other)} == {3}


async def test_cancelling_cancels_in_the_database(asking: Asking, ctx: Context) -> None:
    body = {"query": SLOW, "data_source_id": asking.source}
    answer = await asking.client.post("/api/query_results", json=body)
    job = answer.json()["job"]["id"]
    await until(asking, job, 2)
    async with asyncio.timeout(20):
        while not await sessions(ctx):
            await asyncio.sleep(0.05)
    cancelled = await asking.client.delete(f"/api/jobs/{job}")
    assert (cancelled.status_code, cancelled.content) == (200, b"null\n")
    found = await until(asking, job, 5)
    assert found["error"] == "Query cancelled by user." and found["query_result_id"] is None
    async with asyncio.timeout(20):
        while await sessions(ctx):
            await asyncio.sleep(0.05)
    assert (await asking.client.delete(f"/api/jobs/{job}")).status_code == 200


async def test_who_leaves_a_run_leaves_it_to_the_others(
    asking: Asking, callers: Callers, ctx: Context
) -> None:
    """The owner of the org begins; an operator and a collaborator, who may see the same rows, join."""
    query = await saved(asking, SLOW)
    operator, collaborator = callers["operator"], callers["collaborator"]

    async def asked(client: Any) -> str:
        answer = await client.post(f"/api/queries/{query['id']}/results", json={})
        assert answer.status_code == 200, answer.text
        return answer.json()["job"]["id"]

    async def status(client: Any) -> int:
        answer = await client.get(f"/api/jobs/{job}")
        return answer.json()["job"]["status"] if answer.status_code == 200 else answer.status_code

    job = await asked(asking.client)
    assert await status(collaborator) == 404
    assert {await asked(operator), await asked(collaborator)} == {job}
    await until(asking, job, 2)
    for client in (asking.client, operator):
        assert (await client.delete(f"/api/jobs/{job}")).content == b"null\n"
        assert await status(client) == 5
    assert await status(collaborator) == 2
    # Who comes back waits again, and is one for whom it goes on.
    assert await asked(operator) == job and await status(operator) == 2
    await collaborator.delete(f"/api/jobs/{job}")
    assert (await status(collaborator), await status(operator)) == (5, 2)
    # An admin who asked for none of it ends it for all.
    await callers["admin"].delete(f"/api/jobs/{job}")
    async with asyncio.timeout(20):
        while await sessions(ctx) or await status(operator) != 5:
            await asyncio.sleep(0.05)


async def test_a_query_that_fails(asking: Asking, results: Any) -> None:
    job = await asking.run('SELECT 1 / (id - 250) AS n FROM "people"')
    assert (job["status"], job["error"]) == (4, "Division by zero.")
    assert list(results.iterdir()) == []


async def test_saved_queries(asking: Asking) -> None:
    query = await saved(asking, 'SELECT count(*) AS n FROM "people"')
    path = f"/api/queries/{query['id']}"
    none = await asking.client.get(f"{path}/results")
    assert (none.status_code, none.json()["message"]) == (404, "No cached result found for this query.")
    started = (await asking.client.post(f"{path}/results", json={})).json()["job"]
    job = await asking.end(started["id"])
    under = (await asking.client.get(f"{path}/jobs/{started['id']}")).json()
    assert under["job"] == job and under["query_result_id"] == job["query_result_id"]
    latest = (await asking.client.get(f"{path}/results")).json()["query_result"]
    assert latest["data"]["rows"] == [{"n": 250}] and latest["id"] == job["query_result_id"]
    found = (await asking.client.post(f"{path}/results", json={"max_age": 1800})).json()["query_result"]
    assert found == latest
    whole = (await asking.client.get(path)).json()
    assert whole["latest_query_data_id"] == whole["query_result_id"] == latest["id"]
    again = (await asking.client.post(f"{path}/refresh", json={})).json()["job"]
    assert (await asking.end(again["id"]))["query_result_id"] > latest["id"]
    # Another text is another query: its result is not the old one's.
    await asking.client.post(path, json={"query": "SELECT 2 AS two"})
    assert (await asking.client.get(path)).json()["latest_query_data_id"] is None
    assert (await asking.client.get(f"{path}/results")).status_code == 404


async def test_what_is_refused(asking: Asking) -> None:
    for body, status, message in (
        ({"query": "SELECT 1"}, 400, "Please select data source to run this query."),
        ({"query": "SELECT 1", "data_source_id": 999}, 400, "Target data source not available."),
        ({"query": "SELEKT", "data_source_id": asking.source}, 400, None),
        ({"query": 'SELECT * FROM "nothing"', "data_source_id": asking.source}, 400, None),
    ):
        answer = await asking.client.post("/api/query_results", json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["job"] == {"status": 4, "error": message or answer.json()["message"]}
    for path in ("/api/jobs/999", "/api/jobs/x", "/api/query_results/999", "/api/query_results/x"):
        assert (await asking.client.get(path)).status_code == 404
    assert (await asking.client.get("/api/jobs/999")).json()["message"] == "Job not found."


async def test_who_may(asking: Asking, callers: Callers) -> None:
    query = await saved(asking, 'SELECT count(*) AS n FROM "people"')
    job = await asking.end(
        (await asking.client.post(f"/api/queries/{query['id']}/results", json={})).json()["job"]["id"]
    )
    adhoc = {"query": "SELECT 1 AS one", "data_source_id": asking.source}

    async def statuses(client: httpx2.AsyncClient) -> list[int]:
        answers = [
            await client.post("/api/query_results", json=adhoc),
            await client.post(f"/api/queries/{query['id']}/results", json={}),
            await client.get(f"/api/queries/{query['id']}/results"),
            await client.get(f"/api/query_results/{job['query_result_id']}"),
            await client.get(f"/api/jobs/{job['id']}"),
            await client.delete(f"/api/jobs/{job['id']}"),
        ]
        return [one.status_code for one in answers]

    found = {name: await statuses(client) for name, client in callers.items()}
    full = [200] * 6
    assert found == {
        "owner": full,
        "admin": full,
        "operator": full,
        # A safe query is theirs to run; other people's jobs are not theirs to see.
        "collaborator": [403, 200, 200, 200, 404, 404],
        "nobody": [400, 404, 404, 404, 404, 404],
        "other": [400, 404, 404, 404, 404, 404],
        "anonymous": [401] * 6,
    }
