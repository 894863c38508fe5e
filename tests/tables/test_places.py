"""Roles on a data source or a table alone: what they open, and that nothing beside it is seen."""

from __future__ import annotations

import httpx2
import pytest

from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio
APP = "/api/apps/shop"
KEYED = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "user_id", "type": "integer"}],
    "primaryKey": ["id"],
    "foreignKeys": [{"fields": "user_id", "reference": {"resource": "users", "fields": "id"}}],
}


@pytest.fixture
async def world(shop: httpx2.AsyncClient, callers: Callers) -> httpx2.AsyncClient:
    """`nobody` reads the table `orders` of the source `main`, which has `users` beside it; `far` is another source."""
    body = {"name": "orders", "json_schema": KEYED}
    assert (await shop.post(f"{APP}/datasources/main/datatables", json=body)).status_code == 201
    far = {"name": "Far", "description": "secret", "provider_config": {}}
    assert (await shop.post(f"{APP}/datasources", json=far)).status_code == 201
    await shop.patch(f"{APP}/datasources/main", json={"description": "inner"})
    await shop.patch(APP, json={"description": "inner"})
    given = await shop.post(
        f"{APP}/datatables/orders/access", json={"user": "nobody-user", "role": "collaborator"}
    )
    assert given.status_code == 200, given.text
    await shop.post(f"{APP}/datatables/users/data", json={"email": "a@b.c", "name": "A"})
    await shop.post(f"{APP}/datatables/orders/data", json={"user_id": 1})
    return callers["nobody"]


async def test_the_table_opens_and_its_containers_are_only_that(world: httpx2.AsyncClient) -> None:
    assert [one["slug"] for one in (await world.get("/api/apps")).json()] == ["shop"]
    app = (await world.get(APP)).json()
    assert app["description"] == ""
    assert (app["datasource_count"], app["table_count"]) == (1, 1)
    sources = (await world.get(f"{APP}/datasources")).json()
    assert [(one["slug"], one["description"], one["table_count"]) for one in sources] == [("main", "", 1)]
    assert (await world.get(f"{APP}/datasources/main")).json()["provider_config"] == {}
    assert (await world.get(f"{APP}/datasources/far")).status_code == 404
    for path in ("datatables", "datasources/main/datatables", "datasources/main/tables"):
        assert [one["name"] for one in (await world.get(f"{APP}/{path}")).json()] == ["orders"], path
    assert (await world.get(f"{APP}/stats")).json()["total_tables"] == 1
    assert (await world.get(f"{APP}/datasources/main/stats")).json()["total_tables"] == 1
    assert (await world.get(f"{APP}/datatables/orders")).status_code == 200
    assert (await world.get(f"{APP}/datatables/users")).status_code == 404
    assert (await world.get(f"{APP}/datatables/orders/data")).json()["total"] == 1
    assert (await world.get(f"{APP}/datatables/users/data")).status_code == 404


async def test_relations_to_what_is_not_seen_are_none(world: httpx2.AsyncClient) -> None:
    data = f"{APP}/datatables/orders/data"
    for params in ({"populate": "user"}, {"user.name": "A"}, {"fields": "id,user.name"}):
        answer = await world.get(data, params=params)
        assert answer.status_code == 400, params
        assert "users" not in answer.text
    star = await world.get(data, params={"populate": "*"})
    assert star.json()["data"] == [{"id": 1, "user_id": 1}]


async def test_documents_describe_what_is_seen(world: httpx2.AsyncClient) -> None:
    paths = (await world.get(f"{APP}/openapi.json")).json()["paths"]
    assert f"{APP}/datatables/orders/data" in paths
    assert not any("/users/" in path for path in paths)
    assert "post" not in paths[f"{APP}/datatables/orders/data"]
    assert (await world.get(f"{APP}/openapi.json?tables=users")).status_code == 400


async def test_a_role_is_for_its_place(world: httpx2.AsyncClient, callers: Callers) -> None:
    owner, data = callers["owner"], f"{APP}/datatables/orders/data"
    refused = {
        ("POST", data): 403,
        ("PATCH", f"{APP}/datatables/orders"): 403,
        ("PATCH", f"{APP}/datasources/main"): 404,
        ("POST", f"{APP}/datasources/main/datatables"): 404,
        ("PATCH", APP): 404,
        ("GET", f"{APP}/access"): 404,
        ("GET", f"{APP}/datasources/main/access"): 404,
        ("GET", f"{APP}/datatables/orders/access"): 403,
        ("GET", f"{APP}/webhooks"): 404,
        ("POST", f"{APP}/batch"): 404,
    }
    for (method, path), status in refused.items():
        body = {"steps": [{"op": "delete", "table": "users", "key": 1}]} if path.endswith("batch") else {}
        answer = await world.request(method, path, json=None if method == "GET" else body)
        assert answer.status_code == status, (method, path, answer.text)
    await owner.post(f"{APP}/datatables/orders/access", json={"user": "nobody-user", "role": "admin"})
    assert (await world.post(data, json={})).status_code == 201
    assert (await world.patch(f"{APP}/datatables/orders", json={"description": "mine"})).status_code == 200
    assert (await world.get(f"{APP}/datatables/orders/access")).status_code == 200
    assert (await world.patch(f"{APP}/datatables/users", json={"description": "x"})).status_code == 404
    # A foreign key would tell which keys a table has.
    changed = await world.patch(f"{APP}/datatables/orders", json={"json_schema": KEYED, "description": "x"})
    assert changed.status_code == 400
    assert "does not have" in changed.text
    owned = {"user": "nobody-user", "role": "owner"}
    assert (await world.post(f"{APP}/datatables/orders/access", json=owned)).status_code == 403
    taken = await owner.delete(f"{APP}/datatables/orders/access?user=nobody-user")
    assert taken.status_code == 204
    assert (await world.get(APP)).status_code == 404
    assert (await world.get("/api/apps")).json() == []


async def test_a_role_on_a_source_holds_for_its_tables(world: httpx2.AsyncClient, callers: Callers) -> None:
    owner = callers["owner"]
    body = {"team": "crew", "role": "admin"}
    await owner.post("/api/teams", json={"slug": "crew"})
    await owner.post("/api/teams/crew/members", json={"user": "nobody-user"})
    assert (await owner.post(f"{APP}/datasources/main/access", json=body)).status_code == 200
    assert (await world.get(f"{APP}/datatables/users/data")).json()["total"] == 1
    made = await world.post(
        f"{APP}/datasources/main/datatables",
        json={"name": "more", "json_schema": SCHEMA, "materialize": True},
    )
    assert made.status_code in (201, 400)
    assert (await world.get(f"{APP}/datasources/main")).json()["description"] == "inner"
    assert (await world.get(f"{APP}/datasources/far")).status_code == 404
    assert (await world.get(f"{APP}/datatables/orders/data", params={"populate": "user"})).status_code == 200
