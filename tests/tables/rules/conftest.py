"""A table with rules, and users whom they name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.tables.workbench import PROVIDER

APP = "/api/apps/shop"
TASKS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "title", "type": "string", "constraints": {"required": True}},
        {"name": "owner", "type": "integer"},
        {"name": "region", "type": "string"},
        {"name": "team", "type": "integer"},
        {"name": "email", "type": "string"},
        {"name": "cost", "type": "number", "default": 7},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        {"name": "parent_id", "type": "integer"},
    ],
    "primaryKey": ["id"],
    "foreignKeys": [{"fields": "parent_id", "reference": {"resource": "", "fields": "id"}}],
    "graph": {"types": ["next"]},
    "search_fields": ["title", "code"],
}
NOTES: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "task_id", "type": "integer"},
        {"name": "text", "type": "string"},
    ],
    "primaryKey": ["id"],
    "foreignKeys": [{"fields": "task_id", "reference": {"resource": "tasks", "fields": "id"}}],
}


@dataclass
class World:
    """An app with `tasks` and `notes`, its owner, and others by name with their ids."""

    owner: httpx2.AsyncClient
    clients: dict[str, httpx2.AsyncClient]
    ids: dict[str, int]

    def __getitem__(self, name: str) -> httpx2.AsyncClient:
        return self.clients[name]

    async def rule(self, table: str = "tasks", **rule: Any) -> dict[str, Any]:
        answer = await self.owner.post(f"{APP}/datatables/{table}/rules/", json={"name": "rule", **rule})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def add(self, table: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.owner.post(f"{APP}/datatables/{table}/data", json=list(rows))
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    async def read(self, name: str, table: str = "tasks", **params: Any) -> Any:
        answer = await self[name].get(f"{APP}/datatables/{table}/data", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def provider() -> str:
    """Of the tables."""
    return PROVIDER


@pytest.fixture
async def world(app: Edge, client: httpx2.AsyncClient, provider: str) -> AsyncIterator[World]:
    """`ann` and `bob` are operators, `eve` a collaborator, `adm` an admin; `rob` a service key of region EU."""
    assert (await client.post("/api/apps", json={"name": "Shop"})).status_code == 201
    assert (
        await client.post(f"{APP}/datasources", json={"name": "Main", "provider_type": provider})
    ).status_code == 201
    for name, schema in (("tasks", TASKS), ("notes", NOTES)):
        made = await client.post(
            f"{APP}/datasources/main/datatables?materialize=true", json={"name": name, "json_schema": schema}
        )
        assert made.status_code == 201, made.text
    clients: dict[str, httpx2.AsyncClient] = {}
    ids: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        for name, role in (
            ("ann", "operator"),
            ("bob", "operator"),
            ("eve", "collaborator"),
            ("adm", "admin"),
        ):
            user = {
                "username": name,
                "email": f"{name}@x.org",
                "password": "long enough for all",
                "role": role,
            }
            ids[name] = (await client.post("/api/users", json=user)).json()["id"]
            login = {"username": name, "password": "long enough for all"}
            token = (await client.post("/api/auth/jwt/token", json=login)).json()["access"]
            opened = await stack.enter_async_context(client_of(app, None))
            opened.headers["Authorization"] = f"Bearer {token}"
            clients[name] = opened
        key = {"name": "rob", "kind": "service", "role": "operator", "claims": {"region": "EU", "level": 2}}
        made = (await client.post("/api/keys", json=key)).json()
        ids["rob"] = made["id"]
        clients["rob"] = await stack.enter_async_context(client_of(app, made["key"]))
        yield World(client, clients, ids)
