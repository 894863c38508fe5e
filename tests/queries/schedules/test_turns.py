"""Queries that run by themselves: once for each turn, as their owner, and no longer than they may."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from penstock import queries
from penstock.kit.context import Context
from penstock.queries.schedules import planning, store
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import until, working
from tests.queries.routes.conftest import Asking, asking, database, results, shop, worker
from tests.tables.conftest import Callers, callers, owner

__all__ = ["asking", "callers", "database", "owner", "results", "shop", "worker"]
pytestmark = pytest.mark.anyio
ALL = "/api/queries"
HOURLY = {"interval": 3600}


async def create(client: httpx2.AsyncClient, source: int, **body: Any) -> dict[str, Any]:
    given = {"data_source_id": source, "query": "SELECT count(*) AS n FROM people", "name": "Counted"}
    answer = await client.post(ALL, json={**given, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def plan_of(client: httpx2.AsyncClient, query: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{ALL}/{query['id']}/schedule")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def come(ctx: Context, query: dict[str, Any], ago: float = 0.0) -> None:
    """Its turn has come, so many seconds ago."""
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "UPDATE penstock.query_schedules SET next_at = now() - make_interval(secs => $2) WHERE query_id = $1",
            query["id"],
            ago,
        )
        await planning.call(conn, query["id"], 1, datetime.now(UTC))


async def runs(ctx: Context, query: dict[str, Any]) -> int:
    async with ctx.db.control.transaction() as conn:
        return await conn.value("SELECT count(*) FROM penstock.query_runs WHERE query_id = $1", query["id"])


async def waiting(client: httpx2.AsyncClient, query: dict[str, Any], *states: str) -> dict[str, Any]:
    """The plan, once nothing is to be done any more."""
    found: dict[str, Any] = {}

    async def settled() -> bool:
        found.update(await plan_of(client, query))
        ahead = found["next_at"] is None or datetime.fromisoformat(found["next_at"]) > datetime.now(UTC)
        return found["state"] in (states or ("waiting",)) and ahead

    await until(settled)
    return found


async def test_a_new_schedule_runs_at_once_and_then_again(asking: Asking, ctx: Context) -> None:
    made = await create(asking.client, asking.source, schedule={"interval": "3600"})
    assert made["schedule"] == {"interval": 3600, "time": None, "day_of_week": None, "until": None}
    plan = await waiting(asking.client, made)
    assert (plan["failures"], plan["error"]) == (0, None) and await runs(ctx, made) == 1
    ahead = datetime.fromisoformat(plan["next_at"]) - datetime.fromisoformat(plan["last_at"])
    assert abs(ahead - timedelta(hours=1)) < timedelta(seconds=5)
    rows = (await asking.client.get(f"{ALL}/{made['id']}/results")).json()["query_result"]["data"]["rows"]
    assert rows == [{"n": 250}]
    # Turns are no edits.
    assert (await asking.client.get(f"{ALL}/{made['id']}")).json()["version"] == 1
    # Twenty hours late is one run.
    await come(ctx, made, 72_000)
    await waiting(asking.client, made)
    assert await runs(ctx, made) == 2


async def test_each_turn_is_taken_once_however_many_workers_there_are(
    asking: Asking, ctx: Context, database: TestDatabase
) -> None:
    made = [
        await create(asking.client, asking.source, query=f"SELECT {n} AS n", schedule=HOURLY)
        for n in range(6)
    ]
    for one in made:
        await waiting(asking.client, one)
    async with working(database, queries.HANDLERS), working(database, queries.HANDLERS):
        for _ in range(3):
            await asyncio.gather(*(come(ctx, one) for one in made for _ in range(3)))
            for one in made:
                await waiting(asking.client, one)
    assert [await runs(ctx, one) for one in made] == [4] * 6


async def test_saved_values_are_those_of_the_moment(asking: Asking) -> None:
    options = {
        "parameters": [
            {"name": "day", "type": "date", "value": "d_yesterday"},
            {"name": "least", "type": "number", "value": 7},
            {"name": "who", "type": "text", "value": "O'Brien"},
        ]
    }
    text = "SELECT {{ day }} AS day, {{ least }} AS least, '{{ who }}' AS who"
    made = await create(asking.client, asking.source, query=text, options=options, schedule=HOURLY)
    plan = await waiting(asking.client, made)
    assert plan["failures"] == 0
    job = (await asking.client.get(f"/api/jobs/{plan['job']}")).json()["job"]
    result = await asking.client.get(f"/api/query_results/{job['query_result_id']}")
    (row,) = result.json()["query_result"]["data"]["rows"]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert (row["day"][:10], row["least"], row["who"]) == (yesterday.isoformat(), 7, "O'Brien")


async def test_values_of_other_queries(asking: Asking) -> None:
    listed = await create(asking.client, asking.source, query="SELECT 'a' AS value", name="Listed")
    options = {"parameters": [{"name": "x", "type": "query", "queryId": listed["id"], "value": "a"}]}
    made = await create(
        asking.client, asking.source, query="SELECT {{ x }} AS x", options=options, schedule=HOURLY
    )
    plan = await waiting(asking.client, made)
    assert plan["failures"] == 1 and "has not been run" in plan["error"]
    await asking.end(
        (await asking.client.post(f"{ALL}/{listed['id']}/results", json={"max_age": 0})).json()["job"]["id"]
    )
    again = await asking.client.post(f"{ALL}/{made['id']}", json={"schedule": {"interval": 7200}})
    assert again.status_code == 200
    plan = (await asking.client.get(f"{ALL}/{made['id']}/schedule")).json()
    assert plan["failures"] == 0


async def test_failures_are_counted_and_put_the_next_time_off(asking: Asking, ctx: Context) -> None:
    made = await create(
        asking.client, asking.source, query="SELECT 1 / (count(*) - 250) AS n FROM people", schedule=HOURLY
    )
    plan = await waiting(asking.client, made)
    assert plan["failures"] == 1 and plan["error"] == "Division by zero."
    for failures, minutes in ((1, 2), (2, 4)):
        # When its turn comes, the pause comes first.
        await come(ctx, made)
        plan = await waiting(asking.client, made)
        left = datetime.fromisoformat(plan["next_at"]) - datetime.now(UTC)
        assert plan["failures"] == failures and timedelta() < left <= timedelta(minutes=minutes)
        await come(ctx, made)
        plan = await waiting(asking.client, made)
        assert plan["failures"] == failures + 1
    # One that goes well ends it.
    await asking.client.delete("/api/apps/shop/datatables/people/data/1")
    await asking.client.post(f"{ALL}/{made['id']}", json={"query": "SELECT 1 AS n"})
    await come(ctx, made)
    await waiting(asking.client, made)
    await come(ctx, made)
    plan = await waiting(asking.client, made)
    assert (plan["failures"], plan["error"]) == (0, None)


async def test_without_its_owner_it_stops_and_says_why(
    asking: Asking, ctx: Context, callers: Callers
) -> None:
    shared = await asking.client.post(
        "/api/apps/shop/access", json={"user": "nobody-user", "role": "operator"}
    )
    assert shared.status_code in (200, 201), shared.text
    made = await create(callers["nobody"], asking.source, schedule=HOURLY)
    await waiting(callers["nobody"], made)
    gone = await asking.client.request("DELETE", "/api/apps/shop/access", params={"user": "nobody-user"})
    assert gone.status_code in (200, 204), gone.text
    await come(ctx, made)
    plan = await waiting(asking.client, made, "stopped")
    assert plan["next_at"] is None and plan["error"] == "Its owner no longer sees the data source."
    assert await runs(ctx, made) == 1
    # Who sees to it starts it anew.
    await asking.client.post("/api/apps/shop/access", json={"user": "nobody-user", "role": "operator"})
    await asking.client.post(f"{ALL}/{made['id']}", json={"schedule": HOURLY})
    await waiting(asking.client, made)
    await come(ctx, made)
    await waiting(asking.client, made)
    assert await runs(ctx, made) >= 2


async def test_its_end(asking: Asking, ctx: Context) -> None:
    made = await create(asking.client, asking.source, schedule={**HOURLY, "until": "2020-01-01"})

    async def cleared() -> bool:
        return (await asking.client.get(f"{ALL}/{made['id']}")).json()["schedule"] is None

    await until(cleared)
    assert await runs(ctx, made) == 0
    assert (await plan_of(asking.client, made))["state"] == "off"


async def test_edits_of_the_schedule(shop: httpx2.AsyncClient, ctx: Context) -> None:
    (source,) = (await shop.get("/api/data_sources")).json()
    made = await create(shop, source["id"], schedule={"cron": "0 0 1 1 *"})
    path = f"{ALL}/{made['id']}"
    before = await plan_of(shop, made)
    assert before["state"] == "waiting" and before["next_at"][5:10] == "01-01"
    # Clients send the whole object back.
    assert (await shop.post(path, json={**made, "name": "Other"})).status_code == 200
    assert await plan_of(shop, made) == before
    for schedule in (None, {"interval": 3600, "disabled": True}, {"interval": None}):
        assert (await shop.post(path, json={"schedule": schedule})).status_code == 200
        assert (await plan_of(shop, made))["state"] == "off"
    assert (await shop.post(path, json={"schedule": {"interval": 3600, "time": "1:00"}})).status_code == 400
    assert (await shop.post(path, json={"schedule": HOURLY})).json()["schedule"]["interval"] == 3600
    assert (await shop.get("/api/admin/queries/outdated")).json()["queries"][0]["id"] == made["id"]
    fork = (await shop.post(f"{path}/fork")).json()
    assert fork["schedule"] is None
    assert (await shop.delete(path)).status_code == 200
    assert (await plan_of(shop, made))["state"] == "off"
    async with ctx.db.control.transaction() as conn:
        assert await store.find(conn, made["id"]) is None


async def test_turns_that_got_lost_are_called_again(
    asking: Asking, ctx: Context, database: TestDatabase
) -> None:
    from penstock.kit.jobs import Run
    from penstock.kit.jobs.cleaning import Nothing
    from penstock.queries.schedules.turns import call_forsaken

    made = await create(asking.client, asking.source, schedule=HOURLY)
    await waiting(asking.client, made)
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.query_schedules SET next_at = now() - interval '1 hour'")
        await conn.execute("DELETE FROM penstock.job_runs WHERE job = 'queries.scheduled'")
    from uuid import uuid4

    run: Any = Run(ctx, 0, None, Nothing(), 1, True, uuid4())
    assert await call_forsaken(ctx, run) == 1
    await waiting(asking.client, made)
    assert await runs(ctx, made) == 2


async def test_who_may_look(shop: httpx2.AsyncClient, callers: Callers) -> None:
    (source,) = (await shop.get("/api/data_sources")).json()
    made = await create(shop, source["id"], schedule={"cron": "0 0 1 1 *"})
    statuses = {
        "anonymous": 401,
        "other": 404,
        "nobody": 404,
        "collaborator": 200,
        "operator": 200,
        "admin": 200,
    }
    for name, expected in statuses.items():
        answer = await callers[name].get(f"{ALL}/{made['id']}/schedule")
        assert answer.status_code == expected, (name, answer.text)
    for name, expected in {
        **dict.fromkeys(("nobody", "collaborator", "operator"), 403),
        "anonymous": 401,
        "admin": 200,
        "other": 200,
    }.items():
        answer = await callers[name].get("/api/admin/queries/outdated")
        assert answer.status_code == expected, (name, answer.text)
        assert expected != 200 or answer.json()["queries"] == []
