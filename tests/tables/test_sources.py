"""Data sources (contract section 6)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio

BASE = "/api/apps/shop/datasources"


async def test_create_answers_the_detail(shop: httpx2.AsyncClient) -> None:
    body = {
        "name": "Analytics DB",
        "slug": "analytics-db",
        "provider_type": "jsonb",
        "provider_config": {"compression": "lz4", "indexing": "gin"},
        "description": "Analytics data storage",
    }
    made = await shop.post(f"{BASE}/", json=body)
    assert made.status_code == 201, made.text
    source = made.json()
    config = source.pop("provider_config")
    assert config.pop("effective", {"compression": "pglz"}) == {"compression": "pglz"}
    assert config == body.pop("provider_config")
    app = (await shop.get("/api/apps/shop")).json()
    assert source.pop("app") == app["id"]
    for name in ("id", "created_at", "updated_at", "created_by"):
        assert source.pop(name)
    assert source == {
        **body,
        "app_name": "Shop",
        "app_slug": "shop",
        "is_active": True,
        "table_count": 0,
        "materialized_count": 0,
        "modified_by": None,
    }
    assert (await shop.get(f"{BASE}/analytics-db")).text == made.text


async def test_defaults_and_slugs(shop: httpx2.AsyncClient) -> None:
    made = (await shop.post(BASE, json={"name": "Main"})).json()
    assert (made["slug"], made["provider_type"], made["provider_config"]) == ("main-2", "flat_table", {})
    taken = await shop.post(BASE, json={"name": "x", "slug": "main"})
    assert (taken.status_code, list(taken.json()["errors"])) == (400, ["slug"])
    # In another app the slug is free.
    await shop.post("/api/apps", json={"name": "Else"})
    there = await shop.post("/api/apps/else/datasources", json={"name": "x", "slug": "main"})
    assert there.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider_type": "oracle"}, "provider_type"),
        ({"provider_type": 3}, "provider_type"),
        ({"provider_config": []}, "provider_config"),
        ({"provider_type": "jsonb", "provider_config": {"compression": "zip"}}, "provider_config"),
        ({"provider_type": "jsonb", "provider_config": {"indexing": ["gin"]}}, "provider_config"),
        ({"provider_type": "mongodb", "provider_config": {"password": "secret"}}, "provider_config"),
        ({"provider_type": "mongodb", "provider_config": {"database": 3}}, "provider_config"),
        ({"provider_config": {"a": "\0"}}, "provider_config"),
        ({"provider_config": {"a": "x" * 20_000}}, "provider_config"),
        ({"slug": "No"}, "slug"),
        ({"app": 3}, "app"),
    ],
)
async def test_bad_bodies(shop: httpx2.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await shop.post(BASE, json={"name": "x", **body})
    assert answer.status_code == 400, answer.text
    assert list(answer.json()["errors"]) == [field]


async def test_configuration_is_shown_as_it_was_sent(shop: httpx2.AsyncClient) -> None:
    config = '{"zeta":1,"alpha":{"c":1,"b":[123456789012345678901234567890]}}'
    made = await shop.post(BASE, content=f'{{"name": "x", "provider_config": {config}}}')
    assert config in made.text
    assert config in (await shop.get(f"{BASE}/x")).text


async def test_mongodb_keeps_a_credential_by_name(shop: httpx2.AsyncClient) -> None:
    body = {
        "name": "m",
        "provider_type": "mongodb",
        "provider_config": {"database": "d", "credential": "c"},
    }
    assert (await shop.post(BASE, json=body)).status_code == 201


async def test_update(shop: httpx2.AsyncClient) -> None:
    put = await shop.put(f"{BASE}/main/", json={"name": "First", "provider_config": {"a": 1}})
    assert put.status_code == 200
    assert (put.json()["name"], put.json()["slug"], put.json()["provider_config"]) == (
        "First",
        "main",
        {"a": 1},
    )
    assert put.json()["modified_by"] == put.json()["created_by"]
    patched = (await shop.patch(f"{BASE}/main/", json={"description": "d"})).json()
    assert (patched["description"], patched["provider_config"]) == ("d", {"a": 1})
    assert (await shop.put(f"{BASE}/main/", json={"name": "First"})).json()["provider_config"] == {}
    for body, field in (({"slug": "b"}, "slug"), ({"provider_type": "jsonb"}, "provider_type")):
        refused = await shop.patch(f"{BASE}/main/", json=body)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    tag = (await shop.get(f"{BASE}/main")).headers["etag"]
    assert (
        await shop.patch(f"{BASE}/main", json={"name": "A"}, headers={"If-Match": tag})
    ).status_code == 200
    assert (await shop.delete(f"{BASE}/main", headers={"If-Match": tag})).status_code == 412


async def test_lists_and_statistics(shop: httpx2.AsyncClient) -> None:
    body = {"name": "orders", "json_schema": SCHEMA}
    made = await shop.post(f"{BASE}/main/datatables/?materialize=true", json=body)
    assert made.json()["is_materialized"] is True
    summary = (await shop.get(f"{BASE}/")).json()
    assert [one["table_count"] for one in summary] == [2]
    assert set(summary[0]) == {
        "id",
        "name",
        "slug",
        "app_name",
        "app_slug",
        "provider_type",
        "description",
        "is_active",
        "table_count",
        "created_at",
        "updated_at",
    }
    assert (await shop.get(f"{BASE}/?page=1")).json()["results"] == summary
    assert (await shop.get(f"{BASE}/main/stats/")).json() == {
        "total_tables": 2,
        "materialized_tables": 1,
        "unmaterialized_tables": 1,
        "provider_type": "flat_table",
        "is_active": True,
    }
    tables = (await shop.get(f"{BASE}/main/tables/")).json()
    assert [table["name"] for table in tables] == ["users", "orders"]
    assert (await shop.get(f"{BASE}/main/tables/?page=2&page_size=1")).json()["results"] == tables[1:]
    detail = (await shop.get(f"{BASE}/main")).json()
    assert (detail["table_count"], detail["materialized_count"]) == (2, 1)


async def test_delete_hides_the_tables_too(shop: httpx2.AsyncClient) -> None:
    assert (await shop.delete(f"{BASE}/main/")).status_code == 204
    for path in ("", "/stats", "/tables", "/datatables", "/datatables/users"):
        assert (await shop.get(f"{BASE}/main{path}")).status_code == 404, path
    assert (await shop.get("/api/apps/shop/datatables")).json() == []
    assert (await shop.get("/api/apps/shop/datatables/users/data")).status_code == 404
    # Both names are free again.
    assert (await shop.post(BASE, json={"name": "Main"})).json()["slug"] == "main"
    body = {"name": "users", "json_schema": SCHEMA}
    assert (await shop.post(f"{BASE}/main/datatables", json=body)).status_code == 201
    assert (await shop.delete("/api/apps/shop")).status_code == 204
    assert (await shop.post("/api/apps/shop/restore")).status_code == 200
    assert len((await shop.get("/api/apps/shop/datatables")).json()) == 1


async def test_tables_elsewhere_hold_a_source(shop: httpx2.AsyncClient) -> None:
    await shop.post(BASE, json={"name": "Second"})
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "user_id", "type": "integer"}],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "user_id", "reference": {"resource": "users", "fields": "id"}}],
    }
    await shop.post(f"{BASE}/second/datatables", json={"name": "orders", "json_schema": schema})
    held = await shop.delete(f"{BASE}/main")
    assert held.status_code == 409
    assert "orders" in held.json()["detail"]
    assert (await shop.delete(f"{BASE}/main?force=true")).status_code == 204


async def test_a_credential_is_used_by_who_may_see_it(shop: httpx2.AsyncClient, callers: Callers) -> None:
    made = await shop.post("/api/apps/shop/access", json={"user": "nobody-user", "role": "admin"})
    assert made.status_code == 200, made.text
    body: dict[str, Any] = {"name": "theirs", "provider_type": "mongodb"}
    assert (await callers["nobody"].post(BASE, json=body)).status_code == 201
    config = {"provider_config": {"credential": "c", "database": "d"}}
    for answer in (
        await callers["nobody"].post(BASE, json={**body, **config}),
        await callers["nobody"].patch(f"{BASE}/theirs", json=config),
    ):
        assert answer.status_code == 403
    assert (await shop.patch(f"{BASE}/theirs", json=config)).status_code == 200
    assert (await callers["nobody"].patch(f"{BASE}/theirs", json={"description": "x"})).status_code == 200
    other = {"provider_config": {"credential": "c", "database": "e"}}
    assert (await callers["nobody"].patch(f"{BASE}/theirs", json=other)).status_code == 403


async def test_effective_configuration_of_documents(shop: httpx2.AsyncClient, ctx: Context) -> None:
    """Compression and indexing are what the database does, not only what it was told."""
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "a", "type": "string"}],
        "primaryKey": ["id"],
    }
    config = {"compression": "none", "indexing": "none"}
    made = await shop.post(BASE, json={"name": "Plain", "provider_type": "jsonb", "provider_config": config})
    assert made.json()["provider_config"] == config
    await shop.post(BASE, json={"name": "Usual", "provider_type": "jsonb"})
    await shop.post(
        BASE, json={"name": "Old", "provider_type": "jsonb", "provider_config": {"compression": "pglz"}}
    )
    for name in ("plain", "usual", "old"):
        table = {"name": f"in_{name}", "json_schema": schema}
        assert (await shop.post(f"{BASE}/{name}/datatables?materialize=true", json=table)).status_code == 201
    async with ctx.db.control.transaction() as conn:
        rows = await conn.rows(
            "SELECT t.name, a.attstorage::text AS storage, a.attcompression::text AS compression, "
            "EXISTS (SELECT FROM pg_indexes WHERE tablename = t.physical_name AND indexdef LIKE '%jsonb_path_ops%') "
            "AS gin FROM penstock.data_tables t JOIN pg_class c ON c.relname = t.physical_name "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '$document'"
        )
    found = {row["name"]: (row["storage"], row["compression"], row["gin"]) for row in rows}
    assert found == {
        "in_plain": ("e", "", False),
        "in_usual": ("x", "", True),
        "in_old": ("x", "p", True),
    }
