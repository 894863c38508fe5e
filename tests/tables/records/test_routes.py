"""Who may do what with records, and what the routes leave to other parts."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio

URL = "/api/apps/shop/datatables/users/data"
READS = [("GET", ""), ("GET", "/1"), ("GET", "/77")]
WRITES: list[tuple[str, str, Any, int]] = [
    ("POST", "", {"email": "n@example.com", "name": "N"}, 201),
    ("POST", "", [{"email": "m@example.com", "name": "M"}], 201),
    ("POST", "/upsert?unique_fields=email", {"email": "a@example.com", "name": "A"}, 200),
    ("PATCH", "/1", {"name": "B"}, 200),
    ("PATCH", "", [{"id": 1, "name": "C"}], 200),
    ("DELETE", "/1", None, 204),
    ("DELETE", "?ids=2,3", None, 200),
    ("DELETE", '?filter={"name": "x"}', None, 200),
]


async def filled(shop: httpx2.AsyncClient) -> None:
    rows = [{"email": f"{name}@example.com", "name": name} for name in "abc"]
    assert (await shop.post(URL, json=rows)).status_code == 201


async def test_every_route_and_every_caller(shop: httpx2.AsyncClient, callers: Callers) -> None:
    await filled(shop)
    for method, path, body, _ in [*((*read, None, 0) for read in READS), *WRITES]:
        for name, status in (("anonymous", 401), ("other", 404), ("nobody", 404)):
            answer = await callers[name].request(method, URL + path, json=body)
            assert (name, method, path, answer.status_code) == (name, method, path, status)
            assert "example.com" not in answer.text
    for name in ("collaborator", "operator", "admin"):
        assert [(await callers[name].get(URL + path)).status_code for _, path in READS] == [200, 200, 404]
    for method, path, body, _ in WRITES:
        refused = await callers["collaborator"].request(method, URL + path, json=body)
        assert (method, path, refused.status_code) == (method, path, 403)
        assert refused.json()["detail"] == "You do not have permission to perform this action."
    assert (await shop.get(URL)).json()["total"] == 3
    for method, path, body, status in WRITES:
        answer = await callers["operator"].request(method, URL + path, json=body)
        assert (method, path, answer.status_code) == (method, path, status), answer.text


@pytest.mark.parametrize(
    "credential", ["Key nothing", "Bearer a.b.c", "Bearer ", "Basic eDp5", "Api-Key ", "x"]
)
async def test_credentials_that_are_none(shop: httpx2.AsyncClient, callers: Callers, credential: str) -> None:
    answer = await callers["anonymous"].get(URL, headers={"Authorization": credential})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


async def test_what_does_not_exist(shop: httpx2.AsyncClient) -> None:
    await filled(shop)
    for path in (
        "/api/apps/nothing/datatables/users/data",
        "/api/apps/shop/datatables/nothing/data",
        "/api/apps/shop/datatables/USERS/data",
        f"{URL}/99",
    ):
        answer = await shop.get(path)
        assert (path, answer.status_code, answer.json()["detail"]) == (path, 404, "Not found.")
    for path in (f"{URL}/1/more", "/api/apps/shop/datatables/users_edges/data"):
        assert ((await shop.get(path)).status_code, path) == (404, path)
    for method, path in (("PUT", "/1"), ("POST", "/1"), ("PUT", "")):
        answer = await shop.request(method, URL + path, json={})
        assert (method, path, answer.status_code) == (method, path, 405)


async def test_slashes_do_not_matter(shop: httpx2.AsyncClient) -> None:
    await filled(shop)
    for path in (f"{URL}/", f"{URL}//", f"{URL.replace('/data', '//data')}/"):
        assert (await shop.get(path)).json()["total"] == 3
    assert (await shop.get(f"{URL}/1/")).json()["data"]["id"] == 1


async def test_deleted_apps_and_tables_take_their_records_along(shop: httpx2.AsyncClient) -> None:
    await filled(shop)
    assert (await shop.delete("/api/apps/shop")).status_code == 204
    assert (await shop.get(URL)).status_code == 404
    assert (await shop.post(URL, json={})).status_code == 404
    assert (await shop.post("/api/apps/shop/restore")).status_code == 200
    assert (await shop.get(URL)).json()["total"] == 3
    assert (await shop.delete("/api/apps/shop/datasources/main/datatables/users")).status_code == 204
    assert (await shop.get(URL)).status_code == 404


async def test_parameters_of_writes_are_known_or_refused(shop: httpx2.AsyncClient) -> None:
    await filled(shop)
    for method, path, body in (
        ("POST", "?name=x", {"email": "x@example.com", "name": "x"}),
        ("POST", "/upsert?unique_fields=email&unique_fields=id", {"email": "a@example.com"}),
        ("POST", "/upsert?uniquefields=email", {"email": "a@example.com"}),
        ("PATCH", "/1?name=x", {"name": "y"}),
        ("DELETE", "/1?force=true", None),
        ("DELETE", "?ids=1&dry_run=true", None),
        ("DELETE", "?ids=1&ids=2", None),
    ):
        answer = await shop.request(method, URL + path, json=body)
        assert (method, path, answer.status_code) == (method, path, 400)
    assert [row["name"] for row in (await shop.get(URL)).json()["data"]] == ["a", "b", "c"]


@pytest.mark.parametrize("provider", ["mongodb"])
async def test_other_providers_are_refused_clearly(shop: httpx2.AsyncClient, provider: str) -> None:
    config = {"database": "x", "credential": "y"} if provider == "mongodb" else {}
    source = {"name": "Other", "provider_type": provider, "provider_config": config}
    assert (await shop.post("/api/apps/shop/datasources", json=source)).status_code == 201
    schema = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"]}
    made = await shop.post(
        "/api/apps/shop/datasources/other/datatables", json={"name": "things", "json_schema": schema}
    )
    assert made.status_code == 201
    for answer in (
        await shop.get("/api/apps/shop/datatables/things/data"),
        await shop.post("/api/apps/shop/datatables/things/data", json={}),
        await shop.post("/api/apps/shop/datatables/things/materialize"),
    ):
        assert answer.status_code == 400
        assert provider in answer.json()["detail"]
    assert (await shop.get("/api/apps/shop/datatables/things")).json()["is_materialized"] is False


async def test_the_first_request_makes_the_table(shop: httpx2.AsyncClient, callers: Callers) -> None:
    assert (await shop.get("/api/apps/shop/datatables/users")).json()["is_materialized"] is False
    assert (await callers["collaborator"].get(URL)).json() == {
        "data": [],
        "total": 0,
        "page": 1,
        "page_size": 20,
    }
    assert (await shop.get("/api/apps/shop/datatables/users")).json()["is_materialized"] is True
    stats = (await shop.get("/api/apps/shop/stats")).json()
    assert (stats["materialized_tables"], stats["unmaterialized_tables"]) == (1, 0)


async def audited(shop: httpx2.AsyncClient) -> list[dict[str, Any]]:
    return (await shop.get("/api/audit?page_size=100")).json()["results"]


async def test_tables_that_ask_for_it_are_audited(shop: httpx2.AsyncClient) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"], "audit": True}
    for name, body in (("seen", schema), ("unseen", {**schema, "audit": False})):
        path = "/api/apps/shop/datasources/main/datatables?materialize=true"
        assert (await shop.post(path, json={"name": name, "json_schema": body})).status_code == 201
    before = await audited(shop)
    for name in ("seen", "unseen"):
        url = f"/api/apps/shop/datatables/{name}/data"
        await shop.post(url, json=[{}, {}])
        await shop.patch(f"{url}/1", json={})
        assert (await shop.patch(f"{url}/9", json={})).status_code == 404
        await shop.post(f"{url}/upsert", json={"id": 2})
        await shop.delete(url, params={"ids": "1,2"})
    entries = [entry for entry in await audited(shop) if entry not in before]
    assert {entry["resource_name"] for entry in entries} == {"seen"}
    assert sorted(entry["action"] for entry in entries) == [
        "record.create",
        "record.delete",
        "record.update",
        "record.upsert",
    ]
