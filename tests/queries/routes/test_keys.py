"""The key of a query: that query and its results, in the name of its owner, and nothing else anywhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from penstock.server.openapi import every_operation
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking, with_key
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
SQL = 'SELECT id FROM "people" WHERE id <= {{ most }} ORDER BY id'
SAFE = {"parameters": [{"name": "most", "type": "number", "value": 3}]}


async def made(client: httpx2.AsyncClient, source: int, **body: Any) -> dict[str, Any]:
    wanted = {"name": "Few", "query": SQL, "data_source_id": source, "options": SAFE, **body}
    answer = await client.post("/api/queries", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rows(client: httpx2.AsyncClient, query: int, **body: Any) -> list[dict[str, Any]]:
    """What running a query gives, by the addresses that its key may use."""
    path = f"/api/queries/{query}"
    answer = await client.post(f"{path}/results", json={"parameters": {"most": 3}, **body})
    assert answer.status_code == 200, answer.text
    if "job" in answer.json():
        job = answer.json()["job"]
        while job["status"] < 3:
            await asyncio.sleep(0.02)
            job = (await client.get(f"{path}/jobs/{job['id']}")).json()["job"]
        assert job["status"] == 3, job
        answer = await client.get(f"{path}/results/{job['query_result_id']}.json")
        assert answer.status_code == 200, answer.text
    found = answer.json()["query_result"]
    assert set(found) == {"retrieved_at", "data"}
    return found["data"]["rows"]


@pytest.fixture
async def query(asking: Asking) -> dict[str, Any]:
    return await made(asking.client, asking.source)


@pytest.fixture
async def holder(app: Edge, query: dict[str, Any]) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who has nothing but the key of the query."""
    async with client_of(app, query["api_key"]) as client:
        yield client


async def test_what_it_opens(
    app: Edge, asking: Asking, query: dict[str, Any], holder: httpx2.AsyncClient
) -> None:
    """The table of the contract, section 2.2, row by row."""
    key, path = query["api_key"], f"/api/queries/{query['id']}"
    assert len(key) == 40 and key.isalnum() and key.isascii()
    assert await rows(holder, query["id"]) == [{"id": 1}, {"id": 2}, {"id": 3}]
    values = {"p_most": "3"}
    latest = await asking.client.get(f"{path}/results", params=values)
    result = latest.json()["query_result"]["id"]
    other = await made(asking.client, asking.source, query="SELECT 1 AS one", options={})
    foreign = await asking.run('SELECT name FROM "people"')

    async def statuses(*wanted: tuple[str, str]) -> list[int]:
        return [(await holder.request(method, address)).status_code for method, address in wanted]

    session = (await holder.get("/api/session")).json()
    assert session["user"] == {"permissions": [], "apiKey": key}
    seen = (await holder.get(path)).json()
    assert seen["can_edit"] is False and "api_key" not in seen and "is_favorite" not in seen
    assert "email" not in seen["user"]
    assert (await holder.get(f"{path}/results", params=values)).json()["query_result"]["data"]["rows"]
    assert (await holder.get(f"{path}/results.csv", params=values)).text == "id\r\n1\r\n2\r\n3\r\n"
    assert await statuses(
        ("GET", f"{path}/results/{result}.csv"),
        ("GET", f"/api/query_results/{result}"),
        ("GET", f"/api/query_results/{result}.json"),
    ) == [200, 200, 200]
    # What others ask is nothing to it, also where the owner of its query would see it.
    assert (
        await statuses(
            ("GET", f"/api/queries/{other['id']}"),
            ("GET", f"/api/queries/{other['id']}/results"),
            ("POST", f"/api/queries/{other['id']}/results"),
            ("GET", f"/api/query_results/{foreign['query_result_id']}"),
            ("GET", f"{path}/results/{foreign['query_result_id']}.json"),
            ("GET", f"{path}/jobs/{foreign['id']}"),
            ("GET", f"/api/jobs/{foreign['id']}"),
            ("GET", f"{path}/dropdowns/{other['id']}"),
        )
        == [404] * 8
    )
    assert (
        await statuses(
            ("POST", f"{path}/refresh"),
            ("POST", f"{path}/fork"),
            ("POST", path),
            ("DELETE", path),
            ("POST", f"{path}/regenerate_api_key"),
            ("DELETE", f"{path}/jobs/1"),
        )
        == [403] * 6
    )
    assert (await holder.post(f"{path}/refresh")).json()["message"] == "Please use a user API key."
    # Without a key 401, whatever there is.
    async with client_of(app, None) as nobody:
        assert (await nobody.get(path)).status_code == 401
        assert (await nobody.get(f"{path}/results.csv", params={**values, "api_key": key})).status_code == 200
        embedded = await nobody.post(f"{path}/results", params={**values, "api_key": key})
        assert embedded.status_code == 200, embedded.text
        user = asking.client.headers["authorization"].partition(" ")[2]
        assert (await nobody.post(f"{path}/results", params={"api_key": user})).status_code == 401
        assert (await nobody.post(f"{path}/refresh", params={"api_key": key})).status_code == 401
    async with with_key(app, key) as carried:
        assert (await carried.get(path)).status_code == 200


async def test_nothing_else(holder: httpx2.AsyncClient, query: dict[str, Any]) -> None:
    """Every other operation there is has nothing for it, also those that are made later."""
    opened = {
        "showSession", "showClientConfig", "readQuery", "readResults", "downloadResults", "readResultOfQuery",
        "readResult", "runQuery", "readJobOfQuery", "listChoices", "listLinkedChoices",
    }  # fmt: skip
    for operation in every_operation():
        if operation.access.is_public or operation.id in opened:
            continue
        for path, _ in operation.addresses():
            filled = re.sub(r"\{[^}]*\}", str(query["id"]), path)
            answer = await holder.request(operation.method.upper(), filled, json={})
            assert answer.status_code in (403, 404), (operation.id, filled, answer.text)


async def test_unsafe(asking: Asking, app: Edge) -> None:
    text = await made(
        asking.client,
        asking.source,
        query='SELECT id FROM "people" WHERE name = {{ name }}',
        options={"parameters": [{"name": "name", "type": "text", "value": "x"}]},
    )
    async with client_of(app, text["api_key"]) as holder:
        refused = await holder.post(
            f"/api/queries/{text['id']}/results", json={"parameters": {"name": "Person 1"}}
        )
    assert refused.status_code == 403
    assert refused.json()["job"]["error"].startswith("This query contains potentially unsafe parameters")


async def test_another_key(
    app: Edge, query: dict[str, Any], holder: httpx2.AsyncClient, callers: Callers
) -> None:
    """The old one is none, at once; and who may not hand it out does not see it."""
    path = f"/api/queries/{query['id']}"
    assert (await holder.get(path)).status_code == 200
    assert (await callers["admin"].get(path)).json()["api_key"] == query["api_key"]
    for name in ("operator", "collaborator"):
        assert "api_key" not in (await callers[name].get(path)).json()
        assert "api_key" not in (await callers[name].get("/api/queries")).json()["results"][0]
        assert (await callers[name].post(f"{path}/regenerate_api_key")).status_code == 403
    assert (await callers["other"].post(f"{path}/regenerate_api_key")).status_code == 404
    renewed = (await callers["owner"].post(f"{path}/regenerate_api_key")).json()["api_key"]
    assert renewed != query["api_key"]
    assert (await holder.get(path)).status_code == 401
    async with client_of(app, renewed) as client:
        assert (await client.get(path)).status_code == 200
    fork = (await callers["operator"].post(f"{path}/fork")).json()
    assert fork["api_key"] not in (renewed, None)
    keys = (await callers["owner"].get("/api/keys")).json()
    assert not [one for one in keys if one["kind"] == "bound"]
    # A key of its owner that holds less than they do neither shows nor makes one.
    narrow = (await callers["owner"].post("/api/keys", json={"name": "n", "role": "operator"})).json()["key"]
    async with client_of(app, narrow) as client:
        assert "api_key" not in (await client.get(path)).json()
        assert (await client.post(f"{path}/regenerate_api_key")).status_code == 403


async def test_reach(asking: Asking, callers: Callers, app: Edge) -> None:
    """It has the rows of the owner of its query, and none that the owner has no longer."""
    rule = {"name": "few", "read": {"id__lte": 2}}
    answer = await asking.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert answer.status_code == 201, answer.text
    query = await made(callers["operator"], asking.source)
    path = f"/api/queries/{query['id']}"
    async with client_of(app, query["api_key"]) as holder:
        assert await rows(holder, query["id"]) == [{"id": 1}, {"id": 2}]
        # The owner of the org gets other rows: what they write is not read in the name of the operator.
        changed = await asking.client.post(path, json={"name": "Renamed"})
        assert changed.status_code == 200
        assert await rows(holder, query["id"]) == [{"id": 1}, {"id": 2}]
        changed = await asking.client.post(path, json={"query": SQL + " DESC"})
        assert changed.status_code == 200
        refused = await holder.post(f"{path}/results", json={"parameters": {"most": 3}})
        assert refused.status_code == 403 and "owner" in refused.json()["message"]
        assert (await holder.get(f"{path}/results", params={"p_most": 3})).status_code == 403
        assert (await callers["operator"].post(path, json={"query": SQL})).status_code == 200
        assert await rows(holder, query["id"]) == [{"id": 1}, {"id": 2}]
        taken = await asking.client.patch("/api/orgs/main/members/operator-user", json={"role": None})
        assert taken.status_code == 200
        refused = await holder.post(f"{path}/results", json={"parameters": {"most": 3}})
        assert refused.status_code in (400, 403, 404)
        assert (await holder.get(f"{path}/results", params={"p_most": 3})).status_code == 404
        gone = await asking.client.delete("/api/orgs/main/members/operator-user")
        assert gone.status_code in (200, 204)
        assert (await holder.get(path)).status_code == 401


async def test_words_of_others(asking: Asking, callers: Callers, app: Edge) -> None:
    """Who may change a query of somebody who sees more does not read that by its key."""
    client = asking.client
    assert (await client.post("/api/apps", json={"name": "Safe"})).status_code == 201
    assert (await client.post("/api/apps/safe/datasources", json={"name": "Main"})).status_code == 201
    table = {
        "name": "secrets",
        "json_schema": {
            "fields": [{"name": "id", "type": "integer"}, {"name": "said"}],
            "primaryKey": ["id"],
        },
    }
    assert (await client.post("/api/apps/safe/datasources/main/datatables", json=table)).status_code == 201
    given = await client.post("/api/apps/shop/access", json={"user": "nobody-user", "role": "admin"})
    assert given.status_code in (200, 201), given.text
    query = await made(client, asking.source)
    path = f"/api/queries/{query['id']}"
    theft = await callers["nobody"].post(
        path, json={"query": 'SELECT * FROM "safe"."main"."secrets"', "options": {}}
    )
    assert theft.status_code == 200 and "api_key" not in theft.json()
    async with client_of(app, query["api_key"]) as holder:
        refused = await holder.post(f"{path}/results", json={})
        assert refused.status_code == 403, refused.text
        # Nor by a key of the owner that was given less.
        assert (await client.post(path, json={"query": "SELECT 1 AS one"})).status_code == 200
        assert (await holder.post(f"{path}/results", json={})).status_code == 200
        less = {"name": "n", "apps": {"shop": "admin"}}
        narrow = (await client.post("/api/keys", json=less)).json()["key"]
        async with client_of(app, narrow) as capped:
            changed = await capped.post(path, json={"query": 'SELECT * FROM "safe"."main"."secrets"'})
            assert changed.status_code == 200, changed.text
        assert (await holder.post(f"{path}/results", json={})).status_code == 403


async def test_queries_that_read_from_others(asking: Asking, app: Edge) -> None:
    """Others may write those: nothing is read from them by a key, whoever owns them."""
    inner = await made(asking.client, asking.source, query="SELECT 1 AS one", options={})
    for name in (f"query_{inner['id']}", f"cached_query_{inner['id']}", f"param_query_{inner['id']}_{{a=1}}"):
        outer = await made(asking.client, asking.source, query=f"SELECT one FROM {name}", options={})
        path = f"/api/queries/{outer['id']}"
        job = (await asking.client.post(f"{path}/results", json={"max_age": 0})).json()["job"]
        assert (await asking.end(job["id"]))["status"] == 3
        async with client_of(app, outer["api_key"]) as holder:
            refused = await holder.post(f"{path}/results", json={})
            assert refused.status_code == 400
            assert "the token of a dashboard read no other queries" in refused.json()["message"]
            assert (await holder.get(f"{path}/results")).status_code in (400, 404)
            assert (await holder.get(f"{path}/results.csv")).status_code in (400, 404)


async def test_choices_by_key(asking: Asking, app: Edge, callers: Callers) -> None:
    linked = await made(asking.client, asking.source, query="SELECT 7 AS value, 'seven' AS name", options={})
    path = f"/api/queries/{linked['id']}"
    parameter = {"name": "most", "type": "query", "queryId": linked["id"]}
    query = await made(asking.client, asking.source, options={"parameters": [parameter]})
    asked = {"parameters": {"most": "7"}}
    not_run = await asking.client.post(f"/api/queries/{query['id']}/results", json=asked)
    assert not_run.status_code == 400 and "has not been run" in not_run.json()["message"]
    assert (await asking.client.get(f"{path}/dropdown")).status_code == 400
    await asking.end((await asking.client.post(f"{path}/results")).json()["job"]["id"])
    expected = [{"name": "seven", "value": "7"}]
    for client in (asking.client, callers["collaborator"]):
        assert (await client.get(f"{path}/dropdown")).json() == expected
        assert (await client.get(f"/api/queries/{query['id']}/dropdowns/{linked['id']}")).json() == expected
    assert (await callers["other"].get(f"{path}/dropdown")).status_code == 404
    async with client_of(app, query["api_key"]) as holder:
        found = await holder.get(f"/api/queries/{query['id']}/dropdowns/{linked['id']}")
        assert found.json() == expected
        assert (await holder.get(f"{path}/dropdown")).status_code == 404
        text = await holder.post(f"/api/queries/{query['id']}/results", json=asked)
        assert text.status_code == 200, text.text
        wrong = await holder.post(f"/api/queries/{query['id']}/results", json={"parameters": {"most": "8"}})
        assert wrong.json()["message"].endswith("definitions: most")
    detached = {"parameters": [{"name": "p", "type": "query", "queryId": 99999}]}
    refused = await asking.client.post(f"/api/queries/{query['id']}", json={"options": detached})
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("You are trying to associate a dropdown query")


async def test_slugs(asking: Asking, app: Edge) -> None:
    """A query of the explorer dialect is a query like any other."""
    slug = (await asking.client.post("/api/queries", json={"sql_query": 'SELECT id FROM "people"'})).json()[
        "query_slug"
    ]
    shown = (await asking.client.get(f"/api/queries/{slug}")).json()
    other = await asking.client.post("/api/queries", json={"sql_query": "SELECT 1 AS one"})
    async with client_of(app, shown["api_key"]) as holder:
        assert len((await holder.get(f"/api/queries/{slug}/results")).json()["data"]) == 100
        foreign = await holder.get(f"/api/queries/{other.json()['query_slug']}/results")
        assert foreign.status_code == 404
        refused = await holder.post("/api/queries", json={"sql_query": "SELECT 1"})
        assert refused.status_code == 404


async def test_of_a_service_key(asking: Asking, app: Edge) -> None:
    """Whose query it is that asks; when the service key goes, so does what asks in its name."""
    key = (
        await asking.client.post("/api/keys", json={"name": "s", "kind": "service", "role": "operator"})
    ).json()
    async with client_of(app, key["key"]) as service:
        query = await made(service, asking.source)
    async with client_of(app, query["api_key"]) as holder:
        assert await rows(holder, query["id"]) == [{"id": 1}, {"id": 2}, {"id": 3}]
        assert (await asking.client.delete(f"/api/keys/{key['id']}")).status_code in (200, 204)
        assert (await holder.get(f"/api/queries/{query['id']}")).status_code == 401
