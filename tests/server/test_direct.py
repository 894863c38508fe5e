"""Requests for records that go past the framework are answered as the framework would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.conftest import ADMIN_KEY

pytestmark = pytest.mark.anyio
URL = "/api/apps/shop/datatables/notes/data"
FIELDS = [{"name": "id", "type": "string"}, {"name": "n", "type": "integer"}]


@pytest.fixture
async def shop(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    await client.post("/api/apps", json={"name": "Shop", "slug": "shop"})
    await client.post("/api/apps/shop/datasources", json={"name": "Main", "slug": "main"})
    schema = {"fields": FIELDS, "primaryKey": "id"}
    made = await client.post(
        "/api/apps/shop/datasources/main/datatables", json={"name": "notes", "json_schema": schema}
    )
    assert made.status_code == 201, made.text
    return client


async def test_keys_that_look_like_routes(shop: httpx2.AsyncClient) -> None:
    for key in ("upsert", "a b", "ä/ö", "data", "%", "import"):
        assert (await shop.post(URL, json={"id": key, "n": 1})).status_code == 201
    for path in ("a%20b", "%C3%A4%2F%C3%B6", "data", "%25", "upsert"):
        answer = await shop.get(f"{URL}/{path}")
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json()["data"]["n"] == 1


async def test_the_framework_answers_what_is_no_such_request(shop: httpx2.AsyncClient) -> None:
    options = await shop.options(URL)
    assert options.status_code == 204
    assert set(options.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"}
    refused = await shop.put(URL, json={})
    assert refused.headers["allow"] == options.headers["allow"]
    assert (refused.status_code, refused.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert (await shop.get(f"{URL}/a/b")).status_code == 404
    assert (await shop.get("/api/app/shop/datatables/notes/data")).status_code == 404
    assert (await shop.head(URL)).status_code == 200


async def test_errors_have_the_one_body(shop: httpx2.AsyncClient, anonymous: httpx2.AsyncClient) -> None:
    missing = await shop.get(f"{URL}/none")
    assert (missing.status_code, missing.json()["request_id"]) == (404, missing.headers["x-request-id"])
    assert (await anonymous.get(URL)).status_code == 401
    invalid = await shop.post(URL, json={"id": "a", "n": "x"})
    assert (invalid.status_code, list(invalid.json()["errors"])) == (400, ["n"])


async def test_a_body_in_pieces(shop: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'[{"id": ', b'"p", ', b"", b'"n": 5}]'):
            yield piece

    made = await shop.post(URL, content=pieces())
    assert made.json()["data"] == [{"id": "p", "n": 5}]


async def test_a_caller_who_leaves_writes_nothing(shop: httpx2.AsyncClient, app: Edge) -> None:
    messages: list[Any] = [
        {"type": "http.request", "body": b'[{"id": "half"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "raw_path": URL.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Key {ADMIN_KEY}".encode())],
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert (await shop.get(URL)).json()["total"] == 0


async def test_metrics_name_the_route(shop: httpx2.AsyncClient) -> None:
    await shop.get(f"{URL}?page_size=1")
    await shop.get(f"{URL}/none")
    text = (await shop.get("/metrics")).text
    for route, status in (("data", 200), ("data/{key}", 404)):
        line = f'route="/api/apps/{{app}}/datatables/{{table}}/{route}",status="{status}"'
        assert line in text
