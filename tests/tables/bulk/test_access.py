"""Who may import, export and look into the quarantine: every route, asked by every kind of caller."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.identity import Role
from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio

TABLE = "/api/apps/shop/datatables/users"
ROWS = b'{"name": "A", "email": "a@example.org"}\n{"name": "B"}\n'
ROUTES = (
    ("POST", f"{TABLE}/data/import?format=ndjson&on_error=quarantine", Role.OPERATOR, 200),
    ("GET", f"{TABLE}/data/export?format=csv", Role.COLLABORATOR, 200),
    ("GET", f"{TABLE}/quarantine", Role.OPERATOR, 200),
    ("GET", f"{TABLE}/quarantine/1", Role.OPERATOR, 200),
    ("GET", f"{TABLE}/quarantine/1?format=ndjson", Role.OPERATOR, 200),
    ("DELETE", f"{TABLE}/quarantine/1", Role.OPERATOR, 204),
)


async def ask(client: httpx2.AsyncClient, method: str, path: str) -> httpx2.Response:
    body: Any = ROWS if method == "POST" else None
    return await client.request(method, path, content=body)


async def test_every_route_asks_for_its_role(shop: httpx2.AsyncClient, callers: Callers) -> None:
    for method, path, least, status in ROUTES:
        assert (await ask(callers["anonymous"], method, path)).status_code == 401, path
        for name in ("other", "nobody"):
            assert (await ask(callers[name], method, path)).status_code == 404, (name, path)
        if least > Role.COLLABORATOR:
            assert (await ask(callers["collaborator"], method, path)).status_code == 403, path
        answer = await ask(callers[least.label], method, path)
        assert answer.status_code == status, (path, answer.text)
    total = (await shop.get(f"{TABLE}/data")).json()["total"]
    assert total == 1


async def test_the_quarantine_of_another_table_is_not_found(shop: httpx2.AsyncClient) -> None:
    body = {"name": "more", "json_schema": SCHEMA}
    assert (await shop.post("/api/apps/shop/datasources/main/datatables", json=body)).status_code == 201
    told = (await ask(shop, "POST", f"{TABLE}/data/import?format=ndjson&on_error=quarantine")).json()
    other = f"/api/apps/shop/datatables/more/quarantine/{told['quarantine']}"
    for method, path in (("GET", other), ("GET", f"{other}?format=ndjson"), ("DELETE", other)):
        assert (await ask(shop, method, path)).status_code == 404
    found = await shop.get(f"{TABLE}/quarantine/{told['quarantine']}")
    assert found.json()["count"] == 1


async def test_records_may_be_called_like_the_verbs(shop: httpx2.AsyncClient) -> None:
    schema = {"fields": [{"name": "word"}, {"name": "n", "type": "integer"}], "primaryKey": ["word"]}
    await shop.post(
        "/api/apps/shop/datasources/main/datatables", json={"name": "words", "json_schema": schema}
    )
    url = "/api/apps/shop/datatables/words/data"
    await shop.post(url, json=[{"word": "import"}, {"word": "export"}])
    assert (await shop.get(f"{url}/import")).json()["data"] == {"word": "import", "n": None}
    for word in ("import", "export"):
        assert (await shop.patch(f"{url}/{word}", json={"n": 1})).json()["data"] == {"word": word, "n": 1}
        assert (await shop.delete(f"{url}/{word}")).status_code == 204
