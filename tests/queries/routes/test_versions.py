"""What queries were."""

from __future__ import annotations

import httpx2
import pytest

from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/queries"


async def test_history(shop: httpx2.AsyncClient, callers: Callers) -> None:
    body = {"data_source_id": 1, "query": "SELECT 1\nFROM people", "name": "One"}
    made = (await shop.post(ALL, json=body)).json()
    path = f"{ALL}/{made['id']}"
    await shop.post(path, json={"query": "SELECT 2\nFROM people", "tags": ["a"]})
    await callers["admin"].post(path, json={"name": "Two"})
    page = (await callers["collaborator"].get(f"{path}/versions")).json()
    assert (page["count"], page["page"]) == (3, 1)
    assert [(one["version"], one["changed"]) for one in page["results"][:2]] == [
        (3, ["name"]),
        (2, ["query", "tags"]),
    ]
    assert [one["user"]["email"] for one in page["results"]] == [
        "admin@example.org", "owner@example.org", "owner@example.org",
    ]  # fmt: skip
    second = (await shop.get(f"{path}/versions", params={"page_size": 1, "page": 2})).json()["results"]
    assert [(one["version"], one["changed"]) for one in second] == [(2, ["query", "tags"])]
    old = (await shop.get(f"{path}/versions/1")).json()
    assert (old["name"], old["query"], old["tags"]) == ("One", body["query"], [])
    difference = (await shop.get(f"{path}/versions/2/diff")).json()
    assert (difference["from"], difference["to"]) == (1, 2)
    assert difference["changes"]["tags"] == {"before": [], "after": ["a"]}
    assert difference["diff"].splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        "-SELECT 1",
        "+SELECT 2",
        " FROM people",
    ]
    first = (await shop.get(f"{path}/versions/1/diff")).json()
    assert first["from"] is None and first["changes"]["name"] == {"before": None, "after": "One"}
    wide = (await shop.get(f"{path}/versions/3/diff", params={"with": "1"})).json()
    assert set(wide["changes"]) == {"name", "query", "tags"}
    restored = (await shop.post(f"{path}/versions/1/restore", json={"version": 3})).json()
    assert (restored["version"], restored["query"], restored["name"]) == (4, body["query"], "One")
    assert (await shop.post(f"{path}/versions/1/restore", json={"version": 3})).status_code == 409
    for tail, status in (("/9", 404), ("/x", 404), ("/9/diff", 404), ("/1/diff?with=x", 400)):
        assert (await shop.get(f"{path}/versions{tail}")).status_code == status
    for name, status in (("collaborator", 403), ("operator", 403), ("other", 404), ("anonymous", 401)):
        answer = await callers[name].post(f"{path}/versions/1/restore")
        assert answer.status_code == status, name
    assert (await callers["other"].get(f"{path}/versions")).status_code == 404


async def test_versions_of_another_source(shop: httpx2.AsyncClient, callers: Callers) -> None:
    """A version shows no more than the caller may know: SQL on a source that they do not see is not theirs to read."""
    assert (await shop.post("/api/apps", json={"name": "Safe"})).status_code == 201
    assert (await shop.post("/api/apps/safe/datasources", json={"name": "Main"})).status_code == 201
    found = (await shop.get("/api/data_sources")).json()
    numbers = {one["app"]: one["id"] for one in found}
    body = {"data_source_id": numbers["safe"], "query": "SELECT 'secret'", "name": "One"}
    made = (await shop.post(ALL, json=body)).json()
    path = f"{ALL}/{made['id']}"
    await shop.post(path, json={"data_source_id": numbers["shop"], "query": "SELECT 1"})
    given = await shop.post("/api/apps/shop/access", json={"user": "nobody-user", "role": "operator"})
    assert given.status_code in (200, 201), given.text
    reader = callers["nobody"]
    assert (await reader.get(path)).status_code == 200
    assert (await reader.get(f"{path}/versions/1")).status_code == 404
    assert "secret" not in (await reader.get(f"{path}/versions")).text
    assert "secret" not in (await reader.get(f"{path}/versions/2/diff")).text


async def test_search(shop: httpx2.AsyncClient) -> None:
    for name, text in (
        ("Weekly sales", "SELECT 1 AS orders"),
        ("Orders by day", "SELECT 2 AS sales"),
        ("Returns", "SELECT 3 AS reorders"),
    ):
        await shop.post(ALL, json={"data_source_id": 1, "query": text, "name": name})

    async def names(q: str) -> list[str]:
        answer = await shop.get(ALL, params={"q": q})
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["results"]]

    assert await names("orders") == ["Orders by day", "Returns", "Weekly sales"]
    assert await names("sales orders") == ["Orders by day", "Weekly sales"]
    assert await names("returns or weekly") == ["Returns", "Weekly sales"]
    assert await names("orders -sales") == ["Returns"]
    assert await names("(returns or weekly) -3") == ["Weekly sales"]
    assert await names('"by day"') == ["Orders by day"]
    assert await names('"day by"') == []
    assert len(await names("-nothing")) == 3
    assert len(await names("((((")) == 3


async def test_layout(shop: httpx2.AsyncClient, callers: Callers) -> None:
    asked = {"query": "select a, {{ p }} from t where x = 'select' -- end"}
    answer = await shop.post(f"{ALL}/format", json=asked)
    assert answer.json() == {"query": "SELECT a,\n    {{ p }}\nFROM t\nWHERE x = 'select' -- end"}
    assert (await shop.post(f"{ALL}/format", json={"query": "select 'a"})).status_code == 400
    assert (await shop.post(f"{ALL}/format", json={})).status_code == 400
    assert (await callers["anonymous"].post(f"{ALL}/format", json=asked)).status_code == 401
