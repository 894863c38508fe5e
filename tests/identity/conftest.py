"""Two orgs with people of every role, each with a key, made through the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2
import pytest

from penstock.identity.models import KeyKind, NewKey, Org, Principal, PrincipalKind, Role, User
from penstock.identity.passwords import Passwords
from penstock.identity.service import keys, orgs, users
from penstock.identity.service.keys import KeyWish
from penstock.identity.store import people
from penstock.kit.context import Context
from penstock.kit.events import Events
from penstock.server.edge import Edge

PASSWORD = "a password of the tests"
ROLES: dict[str, Role | None] = {
    "owner": Role.OWNER,
    "manager": Role.ADMIN,
    "operator": Role.OPERATOR,
    "collaborator": Role.COLLABORATOR,
    "nobody": None,
}


@dataclass
class World:
    """People by their role (the admin is the manager); those of the other org have the suffix `2`."""

    ctx: Context
    app: Edge
    stack: AsyncExitStack
    main: Org
    other: Org
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, NewKey] = field(default_factory=dict)

    def principal(self, name: str) -> Principal:
        """As the key of this person is resolved, without a place of its own."""
        org = self.other if name.endswith("2") else self.main
        user = self.users[name]
        return Principal(
            org_id=org.id,
            org_slug=org.slug,
            kind=PrincipalKind.USER,
            user_id=user.id,
            key_id=None,
            username=user.username,
            email=user.email,
            org_role=ROLES[name.rstrip("2")],
        )

    async def client(self, name: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """Acts with the key of this person, or with these headers alone."""
        if name is not None:
            headers["Authorization"] = f"Key {self.keys[name].secret}"
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)
        return await self.stack.enter_async_context(client)

    async def signed_in(self, name: str, password: str = PASSWORD) -> tuple[httpx2.AsyncClient, dict]:
        """A client with an access token, and the tokens."""
        anonymous = await self.client()
        body = {"username": self.users[name].username, "password": password}
        answer = await anonymous.post("/api/auth/jwt/token/", json=body)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        return await self.client(Authorization=f"Bearer {tokens['access']}"), tokens

    async def key(self, name: str, **wish: object) -> NewKey:
        """One more key, made by this person."""
        async with self.ctx.db.control.transaction() as conn:
            wanted = KeyWish(**{"kind": KeyKind.USER, "name": "one more", **wish})
            return await keys.create_key(conn, self.principal(name), wanted)


@pytest.fixture
async def world(ctx: Context, app: Edge) -> AsyncIterator[World]:
    hashed = await ctx.get(Passwords).hash(PASSWORD)
    async with AsyncExitStack() as stack:
        async with ctx.db.control.transaction() as conn:
            main = await people.org_by_slug(conn, "main")
            other = await orgs.create_org(conn, ctx.get(Events), None, "other", "Other", None)
            assert main
            made = World(ctx, app, stack, main, other)
            for org, suffix in ((main, ""), (other, "2")):
                for name, role in ROLES.items():
                    email = f"{name}{suffix}@example.org"
                    new = users.NewUser(f"{name}{suffix}", email, hashed)
                    user = await users.create_user(conn, None, new, org.id, role)
                    made.users[name + suffix] = user
            for name in made.users:
                made.keys[name] = await keys.create_key(
                    conn, made.principal(name), KeyWish(KeyKind.USER, f"key of {name}")
                )
        yield made
