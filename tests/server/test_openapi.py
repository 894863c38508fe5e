"""The OpenAPI documents: complete, valid, and no wider than what their reader may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import jsonschema
import pytest
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from penstock.kit.openapi import GONE
from penstock.kit.openapi.document import Info
from penstock.server.edge import Edge
from penstock.server.openapi import TAGS, describe, every_operation, information
from penstock.server.settings import ServerSettings
from tests.conftest import client_of
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
PAGES = ("/docs", "/dashboards/", "/public/")
DATA = "/api/apps/shop/datatables/{}/data"
# For other methods these are keys like any other.
VERBS = {
    f"/api/apps/{{app}}/datatables/{{table}}/data/{verb}": {method}
    for verb, method in (("upsert", "POST"), ("import", "POST"), ("export", "GET"), ("changes", "GET"))
}
# Every type, constraint and way to fill a field.
EVERYTHING: dict[str, Any] = {
    "title": "Things",
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True}},
        {"name": "code", "constraints": {"required": True, "pattern": "[A-Z]{3}-[0-9]{2,4}", "unique": True}},
        {"name": "email", "format": "email", "constraints": {"maxLength": 60}},
        {"name": "web", "format": "uri"},
        {"name": "blob", "format": "binary"},
        {"name": "uid", "format": "uuid"},
        {"name": "size", "constraints": {"enum": ["S", "M", "L"]}, "default": "M"},
        {"name": "short", "constraints": {"required": True, "minLength": 9, "maxLength": 9}},
        {"name": "price", "type": "number", "constraints": {"minimum": 10.5, "maximum": 99}},
        {"name": "stock", "type": "integer", "constraints": {"minimum": 5, "required": True}},
        {"name": "level", "type": "number", "constraints": {"enum": [1.5, 2.25]}},
        {"name": "ok", "type": "boolean", "constraints": {"required": True}, "default": True},
        {"name": "day", "type": "date", "constraints": {"minimum": "2030-01-01"}},
        {"name": "at", "type": "datetime"},
        {"name": "clock", "type": "time"},
        {"name": "year", "type": "year", "constraints": {"maximum": 1999}},
        {"name": "month", "type": "yearmonth"},
        {"name": "span", "type": "duration"},
        {"name": "other", "type": "uuid"},
        {"name": "doc", "type": "object"},
        {"name": "tags", "type": "array", "constraints": {"minLength": 2}},
        {"name": "any", "type": "any"},
        {"name": "spot", "type": "geopoint"},
        {"name": "shape", "type": "geojson"},
        {"name": "ints", "type": "range", "of": "integer"},
        {"name": "days", "type": "range", "of": "date"},
        {"name": "page", "type": "string", "description": "Named like a parameter."},
        {"name": "Größe in cm", "type": "integer"},
        {"name": "created_at", "type": "datetime"},
        {"name": "updated_at", "type": "datetime"},
    ],
    "primaryKey": "id",
    "search_fields": ["code"],
}
PAIR: dict[str, Any] = {
    "fields": [{"name": "a", "type": "integer"}, {"name": "b"}, {"name": "note"}],
    "primaryKey": ["a", "b"],
}


@pytest.fixture
async def things(shop: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The owner; `shop` has the tables `things`, `pair`, and `users`."""
    for name, schema in (("things", EVERYTHING), ("pair", PAIR)):
        body = {"name": name, "json_schema": schema}
        made = await shop.post("/api/apps/shop/datasources/main/datatables", json=body)
        assert made.status_code == 201, made.text
    return shop


async def test_every_route_is_an_operation(app: Edge) -> None:
    declared = [
        (operation.method.upper(), path)
        for operation in every_operation()
        for path, _ in operation.addresses()
    ]
    assert len(set(declared)) == len(declared)
    assert set(declared) == set(routes_of(app))


def routes_of(app: Edge) -> Iterator[tuple[str, str]]:
    """Method and path of every route, but for the pages that people look at."""
    for route in app._app.framework.routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith(PAGES):
            path = "/" + "/".join(
                part if isinstance(part, str) else f"{{{part.name}}}" for part in route.path_components
            )
            methods = VERBS[path] if path in VERBS else route.methods - {"OPTIONS", "HEAD"}
            yield from ((method, path) for method in methods)


async def test_operations_say_what_is_needed() -> None:
    ids = [name for operation in every_operation() for _, name in operation.addresses()]
    assert len(set(ids)) == len(ids)
    for operation in every_operation():
        assert operation.summary and not operation.summary.endswith(".")
        assert operation.access.words
        for path, _ in operation.addresses():
            named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert named <= {one.name for one in operation.parameters if one.place == "path"}, path
        if operation.method == "delete" and operation.replies[0].status == 204:
            assert operation.replies[0] is GONE


async def test_the_whole_document(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    check(document)
    assert len(operations(document)) == sum(len(one.addresses()) for one in every_operation())
    assert document["info"]["version"]
    assert set(TAGS) <= {tag["name"] for tag in document["tags"]}
    for operation in operations(document).values():
        assert operation["tags"] and operation["summary"] and "400" in operation["responses"]
        public = operation["security"] == []
        assert public or {"401", "403", "429", "5XX"} <= set(operation["responses"])
    assert {"bearer": []} in operations(document)["listApps"]["security"]
    assert {"query": []} not in operations(document)["createApp"]["security"]


async def test_the_document_of_an_app(things: httpx2.AsyncClient) -> None:
    document = (await things.get("/api/apps/shop/openapi.json")).json()
    check(document)
    assert {path.split("/")[5] for path in document["paths"]} == {"users", "things", "pair"}
    found = operations(document)
    assert {"listThings", "createThings", "readThingsRecord", "upsertThings", "deletePairRecord"} <= set(
        found
    )
    create = document["components"]["schemas"]["ThingsCreate"]
    assert create["required"] == ["code", "short", "stock"]
    assert create["properties"]["code"]["pattern"] == "^(?:[A-Z]{3}-[0-9]{2,4})$"
    assert create["properties"]["short"] == {"type": "string", "minLength": 9, "maxLength": 9}
    assert create["properties"]["ok"] == {"type": "boolean", "default": True}
    assert create["properties"]["email"]["type"] == ["string", "null"]
    assert create["properties"]["stock"]["minimum"] == 5
    assert document["components"]["schemas"]["ThingsFields"]["properties"]["id"]["type"] == "integer"


async def test_examples_are_accepted_as_they_stand(things: httpx2.AsyncClient) -> None:
    document = (await things.get("/api/apps/shop/openapi.json")).json()
    for table in ("things", "pair", "users"):
        path = DATA.format(table)
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
        made = await things.post(path, json=body["one-record"]["value"])
        assert made.status_code == 201, made.text
        shown = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        assert set(made.json()["data"]) == set(shown["data"][0])
        key = next(
            one
            for one in document["paths"][f"{path}/{{key}}"]["get"]["parameters"]
            if one.get("in") == "path"
        )
        assert (await things.get(f"{path}/{key['example']}")).status_code == 200
        change = document["paths"][f"{path}/{{key}}"]["patch"]["requestBody"]["content"]["application/json"]
        changed = await things.patch(
            f"{path}/{key['example']}", json=change["examples"]["one-field"]["value"]
        )
        assert changed.status_code == 200, changed.text
        upsert = document["paths"][f"{path}/upsert"]["post"]["requestBody"]["content"]["application/json"]
        upserted = await things.post(f"{path}/upsert", json=upsert["examples"]["many-records"]["value"])
        assert upserted.status_code == 200, upserted.text
        many = document["paths"][path]["patch"]["requestBody"]["content"]["application/json"]["examples"]
        changed = await things.patch(path, json=many["one-record"]["value"])
        assert changed.status_code == 200, changed.text


VALUES = {
    "integer": "3",
    "number": "2.5",
    "boolean": "true",
    "date": "2031-01-01",
    "date-time": "2031-01-01T00:00:00Z",
    "uuid": "3f2b6c1e-8d4a-4c57-9e0b-5a7d1c9f2e68",
}


async def test_every_parameter_is_taken(things: httpx2.AsyncClient) -> None:
    document = (await things.get("/api/apps/shop/openapi.json?tables=things")).json()
    parameters = document["paths"][DATA.format("things")]["get"]["parameters"]
    named = [one for one in parameters if "name" in one]
    assert len(named) > 300
    assert {
        "code",
        "code__icontains",
        "page__eq",
        "price__between",
        "days__rcontains",
        "search_vector__search",
    } - {one["name"] for one in named} == {"code__icontains"}
    for one in named:
        for value in one["schema"].get("examples") or [sample(one["schema"], one["name"])]:
            params = {"_aggregate": "count(*)"} if one["name"].startswith("_") else {}
            answer = await things.get(DATA.format("things"), params={**params, one["name"]: value})
            assert answer.status_code == 200, (one, value, answer.text)


def sample(schema: Mapping[str, Any], name: str) -> str:
    """A value for a parameter, by its schema alone."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return ",".join([sample(schema["items"], name)] * schema.get("minItems", 1))
    if schema.get("type") == "boolean":
        return "true"
    if "pattern" in schema:
        return "09:30"
    if ("__" in name and name.partition("__")[2].startswith("r")) or name.startswith(("ints", "days")):
        return "2031-01-01,2031-02-01" if name.startswith("days") else "1,5"
    if name.startswith(("doc", "any", "tags", "spot", "shape")):
        return "[1]" if name.startswith(("tags", "spot")) else "{}"
    return VALUES.get(schema.get("format", ""), VALUES.get(schema["type"], "text"))


async def test_who_sees_what(things: httpx2.AsyncClient, callers: Callers) -> None:
    seen = {
        name: set(operations((await caller.get("/openapi.json")).json())) for name, caller in callers.items()
    }
    public = {"login", "obtainTokens", "readHealth", "ping", "describeServer"}
    assert public <= seen["anonymous"]
    assert not {"listApps", "listUsers", "readMe", "listRecords"} & seen["anonymous"]
    assert seen["anonymous"] < seen["nobody"] < seen["collaborator"] < seen["operator"] < seen["admin"]
    assert {"createRecords"} == seen["operator"] & {"createRecords", "createApp", "deleteApp"}
    assert {"createApp", "createUser"} <= seen["admin"] - seen["operator"]
    assert "deleteApp" in seen["owner"] - seen["admin"]
    # None of these is a platform admin.
    assert "createOrg" not in seen["owner"]


async def test_who_sees_what_of_an_app(things: httpx2.AsyncClient, callers: Callers) -> None:
    path = "/api/apps/shop/openapi.json"
    statuses = {name: (await caller.get(path)).status_code for name, caller in callers.items()}
    assert statuses == {
        **dict.fromkeys(("owner", "admin", "operator", "collaborator"), 200),
        "anonymous": 401,
        "nobody": 404,
        "other": 404,
    }
    reads = (await callers["collaborator"].get(path)).json()
    assert {method for item in reads["paths"].values() for method in item} == {"get"}
    assert "ThingsCreate" not in reads["components"]["schemas"]
    writes = (await callers["operator"].get(path)).json()
    assert "ThingsCreate" in writes["components"]["schemas"]


async def test_bad_credentials_are_not_taken_for_none(app: Edge) -> None:
    async with client_of(app, "no such key, though it is long enough") as stranger:
        assert (await stranger.get("/openapi.json")).status_code == 401


async def test_a_document_is_made_anew_when_a_definition_changes(things: httpx2.AsyncClient) -> None:
    path = "/api/apps/shop/openapi.json"
    first = await things.get(path)
    same = await things.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await things.patch("/api/apps/shop/datatables/pair", json={"description": "Two by two"})
    second = await things.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert {"name": "pair", "description": "Two by two"} in second.json()["tags"]


async def test_only_some_tables(things: httpx2.AsyncClient) -> None:
    path = "/api/apps/shop/openapi.json"
    some = (await things.get(f"{path}?tables=pair,users")).json()
    assert {path.split("/")[5] for path in some["paths"]} == {"pair", "users"}
    refused = await things.get(f"{path}?tables=pair,paar")
    assert refused.status_code == 400
    assert "paar" in refused.json()["tables"][0]


async def test_tables_of_documents_are_described_too(shop: httpx2.AsyncClient) -> None:
    await shop.post("/api/apps/shop/datasources", json={"name": "Docs", "provider_type": "jsonb"})
    body = {"name": "papers", "json_schema": PAIR}
    assert (await shop.post("/api/apps/shop/datasources/docs/datatables", json=body)).status_code == 201
    document = (await shop.get("/api/apps/shop/openapi.json")).json()
    assert {path.split("/")[5] for path in document["paths"]} == {"users", "papers"}


async def test_names_that_would_be_the_same(shop: httpx2.AsyncClient) -> None:
    for name in ("order_items", "OrderItems", "orderItems", "users_create", "Error", "_"):
        body = {"name": name, "json_schema": PAIR}
        made = await shop.post("/api/apps/shop/datasources/main/datatables", json=body)
        assert made.status_code == 201, made.text
    check((await shop.get("/api/apps/shop/openapi.json")).json())


async def test_the_address_of_the_server() -> None:
    assert (
        information(ServerSettings(public_url="https://data.example.com/x/")).server
        == "https://data.example.com/x"
    )
    assert information(ServerSettings()).server == "/"
    assert describe(None, Info("t", "1", "d", "/y"))["servers"] == [{"url": "/y"}]


def operations(document: Mapping[str, Any]) -> dict[str, Any]:
    """Operations by id; fails when two have the same."""
    found = [one for item in document["paths"].values() for one in item.values()]
    by_id = {one["operationId"]: one for one in found}
    assert len(by_id) == len(found)
    return by_id


def check(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1, and every example in it fits the schema it stands beside."""
    OpenAPIV31SpecValidator(document).validate()
    used = {one["operationId"] for item in document["paths"].values() for one in item.values()}
    assert all(name[0].islower() and name.replace("_", "").isalnum() for name in used)
    for schema, example in examples(document):
        whole = {**schema, "components": document["components"]}
        jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(example)


def examples(part: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    if isinstance(part, dict):
        schema = part.get("schema")
        if isinstance(schema, dict):
            if "example" in part:
                yield schema, part["example"]
            yield from ((schema, one["value"]) for one in part.get("examples", {}).values())
        if isinstance(part.get("examples"), list):
            yield from ((part, one) for one in part["examples"])
        for value in part.values():
            yield from examples(value)
    elif isinstance(part, list):
        for value in part:
            yield from examples(value)
