"""Definitions of data tables (contract sections 7.1 to 7.4 and 9.4)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from tests.tables.conftest import SCHEMA

pytestmark = pytest.mark.anyio

APP = "/api/apps/shop"
BASE = f"{APP}/datasources/main/datatables"
SUMMARY = {
    "id",
    "name",
    "datasource_name",
    "datasource_slug",
    "app_name",
    "app_slug",
    "physical_table_name",
    "is_materialized",
    "is_active",
    "field_count",
    "created_at",
    "updated_at",
}


def schema_of(*fields: str, **more: Any) -> dict[str, Any]:
    """Integer fields, the first being the key."""
    return {
        "fields": [{"name": name, "type": "integer"} for name in fields],
        "primaryKey": [fields[0]],
        **more,
    }


def pointing_at(table: str) -> dict[str, Any]:
    key = {"fields": ["other_id"], "reference": {"resource": table, "fields": ["id"]}}
    return schema_of("id", "other_id", foreignKeys=[key])


async def test_create_answers_the_detail(shop: httpx2.AsyncClient) -> None:
    table = (await shop.get(f"{BASE}/users/")).json()
    assert set(table) == SUMMARY | {
        "data_source",
        "json_schema",
        "description",
        "schema_hash",
        "field_names",
        "primary_key",
        "created_by",
        "modified_by",
    }
    assert table["json_schema"] == SCHEMA
    assert table["field_names"] == ["id", "email", "name", "is_active", "created_at"]
    assert (table["field_count"], table["primary_key"]) == (5, ["id"])
    assert (table["is_materialized"], table["is_active"], table["modified_by"]) == (False, True, None)
    canonical = json.dumps(SCHEMA, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert table["schema_hash"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert table["physical_table_name"].endswith("_users")
    assert (await shop.get(f"{APP}/datatables/users")).json() == table
    assert (await shop.get(f"{BASE}/users/schema/")).json() == {
        "name": "users",
        "schema": SCHEMA,
        "schema_hash": table["schema_hash"],
        "field_count": 5,
    }


async def test_the_schema_is_shown_as_it_was_sent(shop: httpx2.AsyncClient) -> None:
    field = '{"type":"number","name":"id", "constraints":{"maximum":1.50}}'
    text = f'{{"primaryKey": "id", "fields": [{field}], "x": 1e3}}'
    made = await shop.post(BASE, content=f'{{"name": "odd", "json_schema": {text}}}')
    assert made.status_code == 201, made.text
    assert text in made.text and text in (await shop.get(f"{BASE}/odd")).text
    assert made.json()["primary_key"] == ["id"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "a b",
        "é",
        "a" * 51,
        "a-b",
        "stats",
        "create_schema",
        "Stats",
        "a;drop",
        'a"',
        "a\n",
        "data\0",
    ],
)
async def test_bad_names(shop: httpx2.AsyncClient, name: str) -> None:
    answer = await shop.post(BASE, json={"name": name, "json_schema": SCHEMA})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])


@pytest.mark.parametrize(
    "schema",
    [
        "null",
        "[]",
        "3",
        "{}",
        '{"fields": [], "primaryKey": ["id"]}',
        '{"fields": [{"name": "id", "type": "integer"}]}',
        '{"fields": [{"name": "id"}, {"name": "id", "type": "string"}], "primaryKey": ["id"]}',
        '{"fields": [{"name": "id", "type": "blob"}], "primaryKey": ["id"]}',
        '{"fields": [{"name": "id", "type": "integer", "constraints": 3}], "primaryKey": ["id"]}',
        '{"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"], "title": "a\\u0000b"}',
        '{"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"], "x": 1e999}',
        '{"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"], "x": "'
        + "y" * 1_100_000
        + '"}',
    ],
)
async def test_bad_schemas(shop: httpx2.AsyncClient, schema: str) -> None:
    schema = schema.replace("ID", '{"name": "id", "type": "integer"}').replace("KEY", '"primaryKey": ["id"]')
    answer = await shop.post(BASE, content=f'{{"name": "t", "json_schema": {schema}}}')
    assert answer.status_code == 400
    message = answer.json()["json_schema"][0]
    assert message.startswith("Invalid Frictionless schema: "), message


async def test_an_escaped_backslash_is_no_nul(shop: httpx2.AsyncClient) -> None:
    schema = json.dumps({**schema_of("id"), "title": "\\u0000"})
    answer = await shop.post(BASE, content=f'{{"name": "t", "json_schema": {schema}}}')
    assert answer.status_code == 201, answer.text


async def test_names_are_unique_in_the_app(shop: httpx2.AsyncClient) -> None:
    await shop.post(f"{APP}/datasources", json={"name": "Second"})
    body = {"name": "users", "json_schema": SCHEMA}
    taken = await shop.post(f"{APP}/datasources/second/datatables", json=body)
    assert taken.status_code == 409
    assert taken.json()["name"] == ["A table named 'users' exists already."]
    assert (await shop.get(f"{APP}/datasources/second/datatables/users")).status_code == 404


async def test_update(shop: httpx2.AsyncClient) -> None:
    before = (await shop.get(f"{BASE}/users")).json()
    put = await shop.put(
        f"{BASE}/users/", json={"description": "People", "json_schema": schema_of("id", "age")}
    )
    assert put.status_code == 200
    after = put.json()
    assert (after["description"], after["field_names"]) == ("People", ["id", "age"])
    assert after["schema_hash"] != before["schema_hash"]
    assert (after["physical_table_name"], after["id"]) == (before["physical_table_name"], before["id"])
    assert after["modified_by"] == after["created_by"]
    patched = (await shop.patch(f"{APP}/datatables/users", json={"description": "Persons"})).json()
    assert (patched["description"], patched["schema_hash"]) == ("Persons", after["schema_hash"])
    assert (await shop.patch(f"{BASE}/users", json={"name": "people"})).json()["name"] == [
        "A table is not renamed; this one is 'users'."
    ]
    assert (await shop.patch(f"{BASE}/users", json={"schema": {}})).json()["schema"]


async def test_a_materialized_table_loses_nothing_unasked(shop: httpx2.AsyncClient) -> None:
    made = await shop.post(f"{BASE}/users/materialize/")
    assert (made.status_code, made.json()["is_materialized"]) == (200, True)
    for request in (shop.put, shop.patch):
        refused = await request(f"{BASE}/users", json={"json_schema": schema_of("id", "age")})
        assert refused.status_code == 400
        assert refused.json()["json_schema"] == [
            f"Destructive change: drop column '{name}' requires allow_data_loss"
            for name in ("email", "name", "is_active", "created_at")
        ]
    shuffled = {key: SCHEMA[key] for key in reversed(list(SCHEMA))}
    same = await shop.put(f"{BASE}/users?allow_data_loss=false", json={"json_schema": shuffled})
    assert (same.status_code, same.json()["schema_hash"]) == (200, made.json()["schema_hash"])
    described = await shop.patch(f"{BASE}/users", json={"description": "d"})
    assert described.json()["is_materialized"] is True


async def test_entity_tags(shop: httpx2.AsyncClient) -> None:
    tag = (await shop.get(f"{BASE}/users")).headers["etag"]
    assert (await shop.get(f"{APP}/datatables/users", headers={"If-None-Match": tag})).status_code == 304
    changed = await shop.patch(f"{BASE}/users", json={"description": "d"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        stale = await shop.request(
            method, f"{BASE}/users", json={"description": "e"}, headers={"If-Match": tag}
        )
        assert stale.status_code == 412, method


async def test_one_of_two_racing_changes_wins(shop: httpx2.AsyncClient) -> None:
    tag = (await shop.get(f"{BASE}/users")).headers["etag"]
    answers = await asyncio.gather(
        *(
            shop.patch(f"{BASE}/users", json={"description": f"by {n}"}, headers={"If-Match": tag})
            for n in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_delete_frees_the_name(shop: httpx2.AsyncClient) -> None:
    await shop.post(f"{APP}/datatables/users/data", json={"email": "a@b.c", "name": "A"})
    first = (await shop.get(f"{BASE}/users")).json()
    gone = await shop.delete(f"{BASE}/users/")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await shop.get(f"{BASE}/users")).status_code == 404
    assert (await shop.get(f"{APP}/datatables/users/data")).status_code == 404
    again = await shop.post(BASE, json={"name": "users", "json_schema": SCHEMA})
    assert again.status_code == 201
    assert again.json()["physical_table_name"] != first["physical_table_name"]
    assert (await shop.get(f"{APP}/datatables/users/data")).json()["total"] == 0


async def test_foreign_keys_hold_their_target(shop: httpx2.AsyncClient) -> None:
    await shop.post(BASE, json={"name": "orders", "json_schema": pointing_at("users")})
    held = await shop.delete(f"{BASE}/users")
    assert held.status_code == 409
    assert held.json()["detail"] == "Foreign keys of other tables refer to 'users': orders."
    await shop.post(BASE, json={"name": "tree", "json_schema": pointing_at("tree")})
    assert (await shop.delete(f"{BASE}/tree")).status_code == 204
    assert (await shop.delete(f"{BASE}/users?force=true")).status_code == 204


async def test_materializing_makes_targets_first(shop: httpx2.AsyncClient) -> None:
    await shop.post(BASE, json={"name": "a", "json_schema": pointing_at("b")})
    await shop.post(BASE, json={"name": "b", "json_schema": pointing_at("a")})
    missing = await shop.post(BASE, json={"name": "c", "json_schema": pointing_at("nowhere")})
    assert missing.status_code == 201
    refused = await shop.post(f"{BASE}/c/materialize")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["json_schema"])
    assert (await shop.post(f"{BASE}/a/materialize")).json()["is_materialized"]
    state = {table["name"]: table["is_materialized"] for table in (await shop.get(BASE)).json()}
    assert state == {"users": False, "a": True, "b": True, "c": False}
    history = (await shop.get(f"{APP}/datatables/b/operation-history/")).json()
    assert [row["operation_type"] for row in history["data"]] == ["CREATE"]
    assert "FOREIGN KEY" in history["data"][0]["sql"]
    assert (await shop.post(f"{BASE}/a/materialize")).status_code == 200
    assert (await shop.get(f"{APP}/datatables/a/operation-history")).json()["total"] == 1


async def test_racing_first_readers_make_one_table(shop: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(shop.get(f"{APP}/datatables/users/data") for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert (await shop.get(f"{APP}/datatables/users/operation-history")).json()["total"] == 1
    assert (await shop.get(f"{APP}/datatables/stats")).json()["materialized_tables"] == 1


async def test_operation_history(shop: httpx2.AsyncClient) -> None:
    path = f"{APP}/datatables/users/operation-history/"
    assert (await shop.get(path)).json() == {"data": [], "total": 0, "page": 1, "page_size": 20}
    await shop.post(f"{BASE}/users/materialize")
    row = (await shop.get(f"{path}?status=success&page=1&page_size=5")).json()["data"][0]
    assert row["sql"].startswith("CREATE TABLE") and row["rollback_sql"].startswith("DROP TABLE")
    assert set(row) == {
        "id",
        "operation_type",
        "description",
        "sql",
        "rollback_sql",
        "status",
        "execution_time_ms",
        "created_at",
        "revision",
        "reason",
    }
    assert (await shop.get(f"{path}?status=failed")).json()["data"] == []
    assert (await shop.get(f"{path}?status=odd")).status_code == 400
    assert (await shop.get(f"{path}?page=2")).status_code == 404


async def test_app_wide_views(shop: httpx2.AsyncClient) -> None:
    await shop.post(f"{APP}/datasources", json={"name": "Docs", "provider_type": "jsonb"})
    await shop.post(f"{APP}/datasources/docs/datatables", json={"name": "notes", "json_schema": SCHEMA})
    await shop.post(f"{BASE}?materialize=true", json={"name": "orders", "json_schema": SCHEMA})

    async def names(query: str) -> list[str]:
        tables = (await shop.get(f"{APP}/datatables/?{query}")).json()
        assert all(set(table) == SUMMARY for table in tables)
        return [table["name"] for table in tables]

    assert await names("") == ["users", "notes", "orders"]
    assert await names("datasource=main") == ["users", "orders"]
    assert await names("is_materialized=TRUE") == ["orders"]
    assert await names("is_materialized=false&datasource=main") == ["users"]
    assert await names("datasource=none") == []
    for query in ("is_materialized=maybe", "datasource=%00"):
        assert (await shop.get(f"{APP}/datatables?{query}")).status_code == 400, query
    page = (await shop.get(f"{APP}/datatables/?datasource=main&page_size=1")).json()
    assert (page["count"], len(page["results"])) == (2, 1)
    assert page["next"] == f"http://testserver{APP}/datatables/?datasource=main&page_size=1&page=2"
    assert (await shop.get(f"{APP}/datatables/stats/")).json() == {
        "total_tables": 3,
        "materialized_tables": 1,
        "unmaterialized_tables": 2,
        "datasource_count": 2,
        "datasources": {
            "main": {
                "name": "Main",
                "provider_type": "flat_table",
                "table_count": 2,
                "materialized_count": 1,
            },
            "docs": {"name": "Docs", "provider_type": "jsonb", "table_count": 1, "materialized_count": 0},
        },
    }


async def test_edges_of_graph_tables_keep_their_name(shop: httpx2.AsyncClient) -> None:
    graph = schema_of("id", hierarchy=True)
    assert (await shop.post(BASE, json={"name": "staff", "json_schema": graph})).status_code == 201
    refused = await shop.post(BASE, json={"name": "staff_edges", "json_schema": schema_of("id")})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["name"])
    assert (
        await shop.post(BASE, json={"name": "x_edges", "json_schema": schema_of("id")})
    ).status_code == 201
    refused = await shop.post(BASE, json={"name": "x", "json_schema": graph})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["json_schema"])
    assert (await shop.get(f"{APP}/datatables/staff/data")).status_code == 200
    assert (await shop.get(f"{APP}/datatables/staff/edges")).json()["data"] == []
    assert (await shop.get(f"{APP}/datatables/users/edges")).status_code == 400


async def test_dry_runs_write_nothing(shop: httpx2.AsyncClient, ctx: Context) -> None:
    before = (await shop.get(f"{APP}/datatables")).text

    async def counts() -> Any:
        async with ctx.db.control.transaction() as conn:
            return await conn.row(
                "SELECT (SELECT count(*) FROM penstock.audit_entries), (SELECT count(*) FROM pg_class)"
            )

    counted = await counts()
    body = {"name": "orders", "json_schema": pointing_at("users")}
    plan = await shop.post(f"{BASE}?dry_run=true", json=body)
    assert plan.status_code == 200, plan.text
    steps = plan.json()["steps"]
    assert (plan.json()["dry_run"], plan.json()["destructive"]) == (True, False)
    assert [(step["table"], step["operation_type"]) for step in steps] == [
        ("orders", "CREATE"),
        ("orders", "INDEX"),
        ("users", "CREATE"),
        ("orders", "ALTER"),
    ]
    changed = await shop.put(f"{BASE}/users?dry_run=true", json={"json_schema": schema_of("id", "age")})
    assert '"age"' in changed.json()["steps"][0]["sql"]
    made = await shop.post(f"{BASE}/users/materialize?dry_run=1")
    assert len(made.json()["steps"]) == 1
    refused = await shop.post(
        f"{BASE}?dry_run=true", json={"name": "c", "json_schema": pointing_at("nowhere")}
    )
    assert refused.status_code == 400
    assert (await shop.get(f"{APP}/datatables")).text == before
    assert tuple(await counts()) == tuple(counted)


@pytest.mark.parametrize(
    "name", ["%00", "a%2Fb", "..%2F..", "%F0%9F%92%A9", "x" * 3000, "'; DROP TABLE x;--"]
)
async def test_hostile_segments(shop: httpx2.AsyncClient, name: str) -> None:
    for path in (
        f"/api/apps/{name}",
        f"{APP}/datasources/{name}",
        f"{BASE}/{name}",
        f"{APP}/datatables/{name}",
    ):
        assert (await shop.get(path)).status_code in (400, 404), path
        assert (await shop.patch(path, json={})).status_code in (400, 404), path


class TestValidateData:
    """`validate_data` (contract section 7.3)."""

    async def report(self, shop: httpx2.AsyncClient, rows: Any) -> dict[str, Any]:
        answer = await shop.post(f"{BASE}/users/validate_data/", json={"data": rows})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def test_good_rows(self, shop: httpx2.AsyncClient) -> None:
        rows = [{"email": "a@example.com", "name": "A"}, {"id": 7, "email": "b@example.com", "name": "B"}]
        fine = {"is_valid": True, "errors": [], "error_count": 0}
        assert await self.report(shop, rows) == {**fine, "validated_rows": 2}
        assert await self.report(shop, []) == {**fine, "validated_rows": 0}

    async def test_every_fault_in_row_order(self, shop: httpx2.AsyncClient) -> None:
        good = {"email": "a@example.com", "name": "A"}
        rows = [
            good,
            {"email": "a@example.com"},
            {**good, "email": "no", "colour": 1},
            3,
            {**good, "email": None},
        ]
        report = await self.report(shop, rows)
        assert (report["is_valid"], report["validated_rows"]) == (False, 5)
        assert report["errors"][0] == "Row 1: Missing required field 'name'"
        assert report["errors"][1].startswith("Row 1: Field 'email': The value must be unique, and row 0")
        numbers = [int(error.split()[1].rstrip(":")) for error in report["errors"]]
        assert numbers == [1, 1, 2, 2, 3, 4]
        assert await self.report(shop, rows) == report
        assert (await shop.get(f"{BASE}/users")).json()["is_materialized"] is False

    async def test_the_first_faults_are_told_and_all_are_counted(self, shop: httpx2.AsyncClient) -> None:
        report = await self.report(shop, [{}] * 300)
        assert (len(report["errors"]), report["error_count"]) == (100, 600)

    async def test_bad_bodies(self, shop: httpx2.AsyncClient) -> None:
        path = f"{BASE}/users/validate_data"
        for body in ({}, {"data": 3}, {"data": {}}, {"rows": []}, []):
            assert (await shop.post(path, json=body)).status_code == 400, body
        assert (await shop.post(path, json={"data": [{}] * 10_001})).status_code == 413
