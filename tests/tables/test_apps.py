"""Apps (contract section 5) and what all lists and definitions share: paging, entity tags, bad bodies."""

from __future__ import annotations

import re

import httpx2
import pytest

from penstock.kit.context import Context
from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def test_create_answers_the_detail(owner: httpx2.AsyncClient) -> None:
    made = await owner.post(
        "/api/apps/", json={"name": "New Application", "description": "Optional description"}
    )
    assert made.status_code == 201
    app = made.json()
    assert STAMP.fullmatch(app.pop("created_at")) and STAMP.fullmatch(app.pop("updated_at"))
    assert isinstance(app.pop("id"), int) and isinstance(app.pop("created_by"), int)
    assert app == {
        "name": "New Application",
        "slug": "new-application",
        "description": "Optional description",
        "datasource_count": 0,
        "table_count": 0,
        "datasources": [],
        "modified_by": None,
    }


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("E-Commerce Platform", "e-commerce-platform"),
        ("Été à Paris", "ete-a-paris"),
        ("日本", "app"),
        ("x" * 200, "x" * 63),
        ("  A__b  ", "a-b"),
    ],
)
async def test_slugs_come_from_names(owner: httpx2.AsyncClient, name: str, slug: str) -> None:
    assert (await owner.post("/api/apps", json={"name": name})).json()["slug"] == slug


async def test_derived_slugs_give_way_and_given_ones_do_not(owner: httpx2.AsyncClient) -> None:
    slugs = [(await owner.post("/api/apps", json={"name": "Shop"})).json()["slug"] for _ in range(3)]
    assert slugs == ["shop", "shop-2", "shop-3"]
    given = await owner.post("/api/apps", json={"name": "Else", "slug": "mine"})
    assert given.json()["slug"] == "mine"
    taken = await owner.post("/api/apps", json={"name": "Else", "slug": "shop"})
    assert taken.status_code == 400
    assert taken.json()["slug"] == ["The slug 'shop' is taken."]


@pytest.mark.parametrize("slug", ["", "A", "a b", "-a", "a--b", "a-", "é", "a" * 64, "a\n", "a/b"])
async def test_bad_slugs(owner: httpx2.AsyncClient, slug: str) -> None:
    answer = await owner.post("/api/apps", json={"name": "N", "slug": slug})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["slug"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "name"),
        ('{"name": ""}', "name"),
        ('{"name": "  "}', "name"),
        ('{"name": "a\\u0000b"}', "name"),
        ('{"name": null}', "name"),
        ('{"name": 3}', "name"),
        (f'{{"name": "{"x" * 201}"}}', "name"),
        ('{"name": "a", "description": "\\u0000"}', "description"),
        ('{"name": "a", "colour": "red"}', "colour"),
        ("[]", "body"),
    ],
)
async def test_bad_bodies_name_the_field(owner: httpx2.AsyncClient, body: str, field: str) -> None:
    answer = await owner.post("/api/apps", content=body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("body", ["", "{", '{"name": "\\ud800"}', "[" * 5000, '{"name": "a"} x'])
async def test_bad_json(owner: httpx2.AsyncClient, body: str) -> None:
    assert (await owner.post("/api/apps", content=body)).status_code == 400


async def test_update(shop: httpx2.AsyncClient) -> None:
    put = await shop.put("/api/apps/shop/", json={"name": "Store", "description": "All of it"})
    assert put.status_code == 200
    assert (put.json()["name"], put.json()["slug"]) == ("Store", "shop")
    assert put.json()["modified_by"] == put.json()["created_by"]
    assert put.json()["updated_at"] > put.json()["created_at"]
    patched = await shop.patch("/api/apps/shop/", json={"description": "Less"})
    assert (patched.json()["name"], patched.json()["description"]) == ("Store", "Less")
    assert (await shop.patch("/api/apps/shop/", json={})).text == patched.text
    renamed = await shop.patch("/api/apps/shop/", json={"slug": "store"})
    assert renamed.json()["slug"] == ["A slug does not change; this one is 'shop'."]
    assert (await shop.put("/api/apps/shop/", json={"description": "no name"})).status_code == 400


async def test_detail_and_statistics(shop: httpx2.AsyncClient) -> None:
    await shop.post("/api/apps/shop/datasources", json={"name": "Logs", "provider_type": "jsonb"})
    await shop.post("/api/apps/shop/datatables/users/materialize")
    body = {"name": "orders", "json_schema": SCHEMA}
    await shop.post("/api/apps/shop/datasources/main/datatables", json=body)
    detail = (await shop.get("/api/apps/shop")).json()
    assert (detail["datasource_count"], detail["table_count"]) == (2, 2)
    assert [{k: v for k, v in one.items() if k != "id"} for one in detail["datasources"]] == [
        {"name": "Main", "slug": "main", "provider_type": "flat_table", "table_count": 2},
        {"name": "Logs", "slug": "logs", "provider_type": "jsonb", "table_count": 0},
    ]
    assert (await shop.get("/api/apps/shop/stats/")).json() == {
        "app_name": "Shop",
        "app_slug": "shop",
        "total_datasources": 2,
        "total_tables": 2,
        "materialized_tables": 1,
        "unmaterialized_tables": 1,
        "datasources": [
            {
                "name": "Main",
                "slug": "main",
                "provider_type": "flat_table",
                "total_tables": 2,
                "materialized_tables": 1,
            },
            {
                "name": "Logs",
                "slug": "logs",
                "provider_type": "jsonb",
                "total_tables": 0,
                "materialized_tables": 0,
            },
        ],
    }


async def test_both_list_shapes(owner: httpx2.AsyncClient) -> None:
    for number in range(5):
        await owner.post("/api/apps", json={"name": f"App {number}"})
    bare = (await owner.get("/api/apps/")).json()
    assert [app["slug"] for app in bare] == [f"app-{number}" for number in range(5)]
    assert set(bare[0]) == {
        "id",
        "name",
        "slug",
        "description",
        "datasource_count",
        "created_at",
        "updated_at",
    }
    page = (await owner.get("/api/apps/?page=2&page_size=2")).json()
    assert page["count"] == 5
    assert page["next"] == "http://testserver/api/apps/?page_size=2&page=3"
    assert page["previous"] == "http://testserver/api/apps/?page_size=2&page=1"
    assert [app["slug"] for app in page["results"]] == ["app-2", "app-3"]
    following = (await owner.get(page["next"])).json()
    assert (len(following["results"]), following["next"]) == (1, None)
    assert (await owner.get("/api/apps/?page_size=500")).json()["results"] == bare
    beyond = await owner.get("/api/apps/?page=4&page_size=2")
    assert (beyond.status_code, beyond.json()["detail"]) == (404, "Invalid page.")


async def test_a_bare_list_is_bounded(owner: httpx2.AsyncClient, ctx: Context) -> None:
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "INSERT INTO penstock.apps (org_id, name, slug) SELECT o.id, 'App', 'a-' || n "
            "FROM penstock.orgs AS o, generate_series(1, 10001) AS n WHERE o.slug = 'main'"
        )
    bare = await owner.get("/api/apps")
    assert len(bare.json()) == 10_000
    target, relation = bare.headers["link"].split("; ")
    assert relation == 'rel="next"'
    following = (await owner.get(target.strip("<>"))).json()
    assert [app["slug"] for app in following["results"]] == ["a-10001"]


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=1.5", "page_size=0", "page=%00"])
async def test_bad_pages(owner: httpx2.AsyncClient, query: str) -> None:
    assert (await owner.get(f"/api/apps?{query}")).status_code in (400, 404)


@pytest.mark.parametrize("page", ["999999999999999999", "9" * 40])
async def test_pages_far_away(owner: httpx2.AsyncClient, page: str) -> None:
    assert (await owner.get(f"/api/apps?page={page}")).status_code in (400, 404)


async def test_unknown_parameters_are_refused(owner: httpx2.AsyncClient) -> None:
    answer = await owner.get("/api/apps?pagesize=3")
    assert answer.status_code == 400
    assert answer.json()["pagesize"] == ["This route has no parameter 'pagesize'."]
    assert answer.json()["hint"] == "Did you mean 'page_size'?"


async def test_entity_tags(shop: httpx2.AsyncClient) -> None:
    seen = await shop.get("/api/apps/shop")
    tag = seen.headers["etag"]
    again = await shop.get("/api/apps/shop", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    changed = await shop.patch("/api/apps/shop", json={"name": "New"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] == (await shop.get("/api/apps/shop")).headers["etag"] != tag
    for request in (
        shop.patch("/api/apps/shop", json={"name": "Newer"}, headers={"If-Match": tag}),
        shop.delete("/api/apps/shop", headers={"If-Match": tag}),
    ):
        assert (await request).status_code == 412
    assert (await shop.get("/api/apps/shop")).text == changed.text
    assert (await shop.delete("/api/apps/shop", headers={"If-Match": "*"})).status_code == 204


async def test_delete_hides_and_restore_revives(shop: httpx2.AsyncClient) -> None:
    base = "/api/apps/shop/datasources"
    for name in ("orders", "old"):
        body = {"name": name, "json_schema": SCHEMA}
        assert (await shop.post(f"{base}/main/datatables", json=body)).status_code == 201
    await shop.post(base, json={"name": "Dropped"})
    await shop.delete("/api/apps/shop/datatables/old")
    await shop.delete(f"{base}/dropped")
    assert (
        await shop.post("/api/apps/shop/datatables/users/data", json={"email": "a@b.c", "name": "A"})
    ).status_code == 201
    gone = await shop.delete("/api/apps/shop/")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await shop.get("/api/apps")).json() == []
    for path in ("", "/stats", "/datasources", "/datasources/main", "/datatables", "/datatables/users/data"):
        assert (await shop.get(f"/api/apps/shop{path}")).status_code == 404, path
    # The slug stays with the deleted app, so that it can come back.
    assert (await shop.post("/api/apps", json={"name": "Shop"})).json()["slug"] == "shop-2"
    restored = await shop.post("/api/apps/shop/restore/")
    assert (restored.status_code, restored.json()) == (200, {"message": "App restored successfully"})
    tables = (await shop.get("/api/apps/shop/datatables")).json()
    assert [table["name"] for table in tables] == ["users", "orders"]
    assert [one["slug"] for one in (await shop.get(base)).json()] == ["main"]
    assert (await shop.get("/api/apps/shop/datatables/users/data")).json()["total"] == 1
    assert (await shop.post("/api/apps/shop/restore")).status_code == 200
    assert (await shop.post("/api/apps/never/restore")).status_code == 404


async def test_changes_are_audited(shop: httpx2.AsyncClient, ctx: Context) -> None:
    await shop.patch("/api/apps/shop", json={"name": "New"})
    await shop.post("/api/apps/shop/datatables/users/materialize")
    async with ctx.db.control.transaction() as conn:
        rows = await conn.rows(
            "SELECT action, resource_kind, resource_name, actor_name FROM penstock.audit_entries "
            "WHERE resource_kind IN ('app', 'data_source', 'data_table') ORDER BY id"
        )
    assert [tuple(row)[:3] for row in rows] == [
        ("app.create", "app", "shop"),
        ("source.create", "data_source", "main"),
        ("table.create", "data_table", "users"),
        ("app.alter", "app", "shop"),
        ("table.materialize", "data_table", "users"),
    ]
    assert {row["actor_name"] for row in rows} == {"owner-user"}


async def test_a_refused_change_leaves_nothing(
    shop: httpx2.AsyncClient, callers: Callers, ctx: Context
) -> None:
    await callers["operator"].patch("/api/apps/shop", json={"name": "New"})
    await shop.patch("/api/apps/shop", json={"name": "New", "slug": "other"})
    assert (await shop.get("/api/apps/shop")).json()["name"] == "Shop"
    async with ctx.db.control.transaction() as conn:
        count = "SELECT count(*) FROM penstock.audit_entries WHERE action = 'app.alter'"
        assert await conn.value(count) == 0
