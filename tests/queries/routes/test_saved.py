"""Saved queries of the dashboard dialect: lists, changes and their conflicts, copies, stars, archive."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/queries"


async def create(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(
        ALL, json={"data_source_id": 1, "query": "SELECT 1 AS one", "name": "One", **body}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(client: httpx2.AsyncClient, path: str = "", **params: Any) -> list[str]:
    answer = await client.get(f"{ALL}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["results"]]


async def test_a_query(shop: httpx2.AsyncClient) -> None:
    made = await create(shop, description="d", options={"more": 1}, tags=["a", "", "a", "b"], surplus="x")
    assert made["query_hash"] == "1f7b6c4b9fd7cb4c9f4bd13b0cbd9aba" or len(made["query_hash"]) == 32
    assert (made["tags"], made["options"]) == (["a", "b"], {"parameters": [], "more": 1})
    assert (made["is_draft"], made["is_archived"], made["version"], made["schedule"]) == (
        True,
        False,
        1,
        None,
    )
    assert [one["type"] for one in made["visualizations"]] == ["TABLE"]
    assert made["user"]["email"] == "owner@example.org" and made["last_modified_by"] == made["user"]
    read = (await shop.get(f"{ALL}/{made['id']}")).json()
    assert read == {**made, "can_edit": True}
    (listed,) = (await shop.get(ALL)).json()["results"]
    assert {name: listed[name] for name in ("id", "retrieved_at", "runtime")} == {
        "id": made["id"], "retrieved_at": None, "runtime": None,
    }  # fmt: skip


async def test_changes(shop: httpx2.AsyncClient) -> None:
    made = await create(shop)
    path = f"{ALL}/{made['id']}"
    changed = (await shop.post(path, json={"name": "Two", "version": 1, "is_draft": False})).json()
    assert (changed["name"], changed["version"], changed["is_draft"]) == ("Two", 2, False)
    conflict = await shop.post(path, json={"name": "Three", "version": 1})
    assert conflict.status_code == 409
    # Published clients send the whole object back.
    assert (await shop.post(path, json={**changed, "name": "Four"})).json()["name"] == "Four"
    for body in ({"name": 1}, {"tags": "a"}, {"options": []}, {"data_source_id": 99}, {"is_draft": "x"}):
        assert (await shop.post(path, json=body)).status_code == 400, body
    assert (await shop.post(path, content=b"[]")).status_code == 400
    fork = (await shop.post(f"{path}/fork")).json()
    assert fork["name"] == f"Copy of (#{made['id']}) Four"
    assert len(fork["visualizations"]) == 1 and fork["id"] != made["id"]
    gone = await shop.delete(path)
    assert (gone.status_code, gone.content) == (200, b"null\n")
    assert await names(shop) == [fork["name"]]
    assert await names(shop, "/archive") == ["Four"]
    assert (await shop.get(path)).json()["is_archived"] is True
    assert (await shop.get(f"{ALL}/999")).status_code == 404


async def test_lists(shop: httpx2.AsyncClient) -> None:
    for number in range(1, 6):
        await create(
            shop, name=f"Query {number}", query=f"SELECT {number}0 AS n", tags=["odd"] if number % 2 else []
        )
    assert await names(shop) == [f"Query {n}" for n in (5, 4, 3, 2, 1)]
    assert await names(shop, order="name") == [f"Query {n}" for n in (1, 2, 3, 4, 5)]
    assert await names(shop, page=2, page_size=2) == ["Query 3", "Query 2"]
    page = (await shop.get(ALL, params={"page": "x", "page_size": 2})).json()
    assert (page["count"], page["page"], page["page_size"]) == (5, 1, 2)
    for params, message in (
        ({"page": 0}, "Page must be positive integer."),
        ({"page": 9}, "Page is out of range."),
        ({"page": 10**17}, "Page is out of range."),
        ({"page_size": 251}, "Page size is out of range (1-250)."),
    ):
        refused = await shop.get(ALL, params=params)
        assert (refused.status_code, refused.json()["message"]) == (400, message)
    assert await names(shop, q="query 30") == ["Query 3"]
    assert await names(shop, q="%") == []
    assert await names(shop, tags="odd", order="created_at") == ["Query 1", "Query 3", "Query 5"]
    assert (await shop.get(f"{ALL}/tags")).json() == {"tags": [{"name": "odd", "count": 3}]}
    assert len((await shop.get(f"{ALL}/recent")).json()) == 5
    assert len(await names(shop, "/my")) == 5
    assert (await shop.get(f"{ALL}/search")).json() == []
    assert await names(shop, "/search", q="50") == ["Query 5"]
    starred = (await shop.get(ALL, params={"order": "name"})).json()["results"][1]["id"]
    for _ in range(2):
        assert (await shop.post(f"{ALL}/{starred}/favorite", json={})).content == b"null\n"
    assert await names(shop, "/favorites") == ["Query 2"]
    assert (await shop.get(f"{ALL}/{starred}")).json()["is_favorite"] is True
    await shop.delete(f"{ALL}/{starred}/favorite")
    assert await names(shop, "/favorites") == []


async def test_who_may(shop: httpx2.AsyncClient, callers: Callers) -> None:
    made = await create(shop)
    path = f"{ALL}/{made['id']}"

    async def statuses(client: httpx2.AsyncClient) -> list[int]:
        body = {"data_source_id": 1, "query": "SELECT 1", "name": "Mine"}
        answers = [
            await client.get(ALL),
            await client.get(path),
            await client.post(path, json={"name": "Other"}),
            await client.post(f"{path}/fork"),
            await client.post(ALL, json=body),
            await client.get("/api/data_sources"),
            await client.get("/api/data_sources/1"),
            await client.get("/api/session"),
        ]
        return [one.status_code for one in answers]

    found = {name: await statuses(client) for name, client in callers.items()}
    assert found == {
        "owner": [200] * 8,
        "admin": [200] * 8,
        "operator": [200, 200, 403, 200, 200, 200, 200, 200],
        "collaborator": [200, 200, 403, 403, 403, 200, 200, 200],
        "nobody": [200, 404, 404, 404, 400, 200, 404, 200],
        "other": [200, 404, 404, 404, 400, 200, 404, 200],
        "anonymous": [401] * 8,
    }
    assert (await callers["other"].get(ALL)).json()["count"] == 0
    assert (await callers["other"].get("/api/data_sources")).json() == []
    counted = {name: await client.get("/api/organization/status") for name, client in callers.items()}
    assert {name: one.status_code for name, one in counted.items()} == {
        **dict.fromkeys(("owner", "admin", "operator", "collaborator", "other"), 200),
        "nobody": 403,
        "anonymous": 401,
    }
    assert counted["other"].json() == {
        "object_counters": {"users": 1, "alerts": 0, "data_sources": 0, "queries": 0, "dashboards": 0}
    }
    assert counted["owner"].json()["object_counters"]["data_sources"] == 1
    session = (await callers["operator"].get("/api/session")).json()
    assert session["org_slug"] == "main" and "execute_query" in session["user"]["permissions"]
    assert (await callers["anonymous"].get("/api/config")).json()["client_config"]["dateFormat"]
    (source,) = (await callers["collaborator"].get("/api/data_sources")).json()
    assert (source["name"], source["type"], source["view_only"]) == ("Shop / Main", "flat_table", True)
