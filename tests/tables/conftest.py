"""Callers of every role in the org `main`, and the owner of another org."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from penstock.identity.events import OrgCreated
from penstock.identity.models import KeyKind, Org, Principal, PrincipalKind, Role
from penstock.identity.service import keys, orgs, users
from penstock.identity.store import people
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.events import Events
from penstock.server.edge import Edge
from penstock.server.spaces import create_space
from tests.conftest import client_of

OTHER = "other"
NOBODY = "nobody"
Callers = Mapping[str, httpx2.AsyncClient]


@pytest.fixture
async def callers(ctx: Context, app: Edge) -> AsyncIterator[Callers]:
    """Clients by role (`owner`, `admin`, `operator`, `collaborator`), and three more.

    `nobody` is a member without a role, `other` the owner of another org, `anonymous` has no key.
    """
    async with ctx.db.control.transaction() as conn:
        secrets = await _secrets(conn, ctx)
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(client_of(app, secret)) for name, secret in secrets.items()
        }


@pytest.fixture
def owner(callers: Callers) -> httpx2.AsyncClient:
    return callers["owner"]


async def _secrets(conn: Connection, ctx: Context) -> dict[str, str | None]:
    secrets: dict[str, str | None] = {"anonymous": None}
    main = await people.org_by_slug(conn, "main") or await _org(conn, ctx, "main")
    for role in Role:
        secrets[role.label] = await _member(conn, main, role.label, role)
    secrets[NOBODY] = await _member(conn, main, NOBODY, None)
    secrets[OTHER] = await _member(conn, await _org(conn, ctx, OTHER), OTHER, Role.OWNER)
    return secrets


async def _org(conn: Connection, ctx: Context, slug: str) -> Org:
    events = Events()

    async def make_space(conn: Connection, event: OrgCreated) -> None:
        org = event.org
        await create_space(conn, ctx.keys.encryption, schema=org.database_schema, role=org.database_role)

    events.subscribe(OrgCreated, make_space)
    return await orgs.create_org(conn, events, None, slug, slug, None)


async def _member(conn: Connection, org: Org, name: str, role: Role | None) -> str:
    new = users.NewUser(f"{name}-user", f"{name}@example.org", None)
    user = await users.create_user(conn, None, new, org.id, role)
    by = Principal(org.id, org.slug, PrincipalKind.USER, user.id, None, user.username, None, role)
    return (await keys.create_key(conn, by, keys.KeyWish(KeyKind.USER, name))).secret


SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {
            "name": "email",
            "type": "string",
            "format": "email",
            "constraints": {"required": True, "unique": True},
        },
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "is_active", "type": "boolean"},
        {"name": "created_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}


@pytest.fixture
async def shop(owner: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The owner, in whose org the app `shop` has the source `main` with the unmaterialized table `users`."""
    assert (await owner.post("/api/apps", json={"name": "Shop"})).status_code == 201
    assert (await owner.post("/api/apps/shop/datasources", json={"name": "Main"})).status_code == 201
    body = {"name": "users", "description": "User accounts", "json_schema": SCHEMA}
    made = await owner.post("/api/apps/shop/datasources/main/datatables", json=body)
    assert made.status_code == 201, made.text
    return owner
