"""Importing data packages (contract section 7.5)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.conftest import SCHEMA
from tests.tables.test_tables import pointing_at, schema_of

pytestmark = pytest.mark.anyio

APP = "/api/apps/shop"
PATH = f"{APP}/datatables/create_schema/"


def package(**schemas: dict[str, Any]) -> dict[str, Any]:
    resources = [{"name": name, "title": name, "schema": schema} for name, schema in schemas.items()]
    return {"name": "a-package", "title": "A package", "profile": "data-package", "resources": resources}


async def test_order_and_cycles_are_resolved(shop: httpx2.AsyncClient) -> None:
    body = package(orders=pointing_at("people"), people=pointing_at("places"), places=pointing_at("people"))
    done = await shop.post(f"{PATH}?materialize=true", json=body)
    assert done.status_code == 200, done.text
    assert done.json() == {
        "created_count": 3,
        "updated_count": 0,
        "unchanged_count": 0,
        "error_count": 0,
        "errors": {},
    }
    tables = {table["name"]: table for table in (await shop.get(f"{APP}/datatables")).json()}
    assert [tables[name]["is_materialized"] for name in ("orders", "people", "places", "users")] == [
        True,
        True,
        True,
        False,
    ]
    assert {table["datasource_slug"] for table in tables.values()} == {"main"}


async def test_existing_tables_are_replaced(shop: httpx2.AsyncClient) -> None:
    done = await shop.post(PATH, json=package(users=schema_of("id", "age"), orders=schema_of("id")))
    assert (done.json()["created_count"], done.json()["updated_count"]) == (1, 1)
    users = (await shop.get(f"{APP}/datatables/users")).json()
    assert (users["field_names"], users["description"]) == (["id", "age"], "User accounts")
    again = await shop.post(PATH, json=package(users=schema_of("id", "age"), orders=schema_of("id")))
    assert (again.json()["created_count"], again.json()["updated_count"]) == (0, 0)
    assert again.json()["unchanged_count"] == 2


async def test_all_faults_are_told_and_nothing_is_written(shop: httpx2.AsyncClient) -> None:
    await shop.post(f"{APP}/datatables/users/materialize")
    before = (await shop.get(f"{APP}/datatables")).text
    body = package(
        good=schema_of("id"),
        bad={"fields": []},
        lost=pointing_at("nowhere"),
        stats=schema_of("id"),
    )
    body["resources"].append({"name": "good", "schema": SCHEMA})
    refused = await shop.post(f"{PATH}?materialize=true", json=body)
    assert refused.status_code == 400
    answer = refused.json()
    assert set(answer["errors"]) == {"good", "bad", "lost", "stats"}
    assert (answer["created_count"], answer["updated_count"], answer["error_count"]) == (0, 0, 4)
    assert answer["lost"] == ["A foreign key refers to 'nowhere', which neither package nor app has."]
    assert answer["detail"].startswith("Nothing was imported: 4 resources are faulty.")
    assert (await shop.get(f"{APP}/datatables")).text == before


async def test_a_fault_while_materializing_undoes_all(shop: httpx2.AsyncClient) -> None:
    mismatched = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "other_id", "type": "string"}],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "other_id", "reference": {"resource": "users", "fields": "id"}}],
    }
    body = package(first=schema_of("id"), orders=mismatched)
    refused = await shop.post(f"{PATH}?materialize=true", json=body)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["json_schema"])
    assert [table["name"] for table in (await shop.get(f"{APP}/datatables")).json()] == ["users"]


async def test_the_data_source_can_be_chosen(shop: httpx2.AsyncClient) -> None:
    await shop.post(f"{APP}/datasources", json={"name": "Second"})
    done = await shop.post(f"{PATH}?datasource=second", json=package(orders=schema_of("id")))
    assert done.status_code == 200
    assert (await shop.get(f"{APP}/datasources/second/datatables/orders")).status_code == 200
    elsewhere = await shop.post(f"{PATH}?datasource=second", json=package(users=SCHEMA))
    assert elsewhere.status_code == 400
    assert elsewhere.json()["users"] == ["A table of this name is in the data source 'main', not 'second'."]
    unknown = await shop.post(f"{PATH}?datasource=third", json=package(orders=schema_of("id")))
    assert (unknown.status_code, list(unknown.json()["errors"])) == (400, ["datasource"])


async def test_an_app_without_a_source_is_given_one(owner: httpx2.AsyncClient) -> None:
    await owner.post("/api/apps", json={"name": "Empty"})
    done = await owner.post("/api/apps/empty/datatables/create_schema", json=package(orders=schema_of("id")))
    assert done.status_code == 200
    assert [one["slug"] for one in (await owner.get("/api/apps/empty/datasources")).json()] == ["default"]


async def test_dry_run(shop: httpx2.AsyncClient) -> None:
    plan = await shop.post(f"{PATH}?dry_run=true", json=package(a=pointing_at("b"), b=schema_of("id")))
    assert plan.status_code == 200
    assert plan.json()["created_count"] == 2
    steps = [step["operation_type"] for step in plan.json()["steps"]]
    assert steps == ["CREATE", "INDEX", "CREATE", "ALTER"]
    assert [table["name"] for table in (await shop.get(f"{APP}/datatables")).json()] == ["users"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"resources": {}},
        {"resources": [{}]},
        {"resources": [{"name": "a"}]},
        {"resources": [{"name": 3, "schema": {}}]},
        {"resources": [{"name": "a", "schema": {}}] * 1001},
        {"resources": [{"name": "a\0", "schema": {}}]},
        {"resources": [{"name": "a", "schema": SCHEMA, "description": "\0"}]},
        {"resources": [{"name": "a", "schema": SCHEMA, "description": "\0"}]},
    ],
)
async def test_bad_packages(shop: httpx2.AsyncClient, body: Any) -> None:
    assert (await shop.post(PATH, json=body)).status_code == 400


async def test_an_empty_package(shop: httpx2.AsyncClient) -> None:
    assert (await shop.post(PATH, json={"name": "n", "resources": []})).json()["created_count"] == 0
