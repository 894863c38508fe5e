from __future__ import annotations

import asyncio

import pytest

from penstock.identity.models import Grant, Role
from penstock.identity.service import users
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.anyio


async def test_the_list_has_both_dialects(world) -> None:
    client = await world.client("collaborator")
    body = (await client.get("/api/users/?page=2&page_size=2")).json()
    assert (body["count"], body["total"], body["page"], body["page_size"]) == (6, 6, 2, 2)
    assert body["results"] == body["data"]
    assert [user["username"] for user in body["data"]] == ["manager", "nobody"]
    assert {"id", "email", "first_name", "last_name", "is_active", "role"} <= set(body["data"][0])
    for query, names in (
        ("search=OPER", ["operator"]),
        ("q=nobody@example", ["nobody"]),
        ("search=%25", []),
        ("role=admin", ["manager"]),
        ("is_active=False", []),
        ("is_active=true&role=admin", ["manager"]),
        ("page=9", []),
    ):
        found = (await client.get(f"/api/users/?{query}")).json()["data"]
        assert [user["username"] for user in found] == names, query
    alone = (await (await world.client("nobody")).get("/api/users")).json()
    assert [user["username"] for user in alone["data"]] == ["nobody"]


async def test_create_read_change_remove(world) -> None:
    client = await world.client("manager")
    body = {
        "username": "Zoë",
        "email": "zoe@example.org",
        "password": PASSWORD,
        "confirm_password": PASSWORD,
        "is_active": True,
        "is_staff": False,
        "first_name": "Zoë",
    }
    answer = await client.post("/api/users/", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["username"], made["role"], made["name"]) == ("Zoë", "collaborator", "Zoë")
    for ident in (made["id"], "zoë", "ZOË"):
        assert (await client.get(f"/api/users/{ident}/")).json()["id"] == made["id"]
    for taken in (
        {"username": "ZOË"},
        {"username": "other", "email": "ZOE@example.org"},
        {"email": "Zoe@Example.org"},
    ):
        assert (await client.post("/api/users", json=taken)).status_code == 409
    changed = await client.put("/api/users/zoë", json={"last_name": "Zed", "email": "z@example.org"})
    assert (changed.json()["last_name"], changed.json()["email"]) == ("Zed", "z@example.org")
    anonymous = await world.client()
    login = {"username": "z@example.org", "password": PASSWORD}
    tokens = (await anonymous.post("/api/auth/jwt/token", json=login)).json()
    zoe = await world.client(Authorization=f"Bearer {tokens['access']}")
    assert (await zoe.get("/api/users/me")).status_code == 200
    await client.patch(f"/api/users/{made['id']}", json={"password": "another password", "role": "operator"})
    assert (await zoe.get("/api/users/me")).status_code == 401
    assert (await anonymous.post("/api/auth/jwt/token", json=login)).status_code == 401
    assert (await client.delete(f"/api/users/{made['id']}/")).status_code == 204
    assert (await client.get(f"/api/users/{made['id']}/")).status_code == 404
    login["password"] = "another password"
    assert (await anonymous.post("/api/auth/jwt/token", json=login)).status_code == 401
    log = (await (await world.client("owner")).get("/api/audit?resource_kind=user&page_size=100")).json()[
        "results"
    ]
    mine = [entry["action"] for entry in log if entry["resource_id"] == str(made["id"])]
    assert mine == ["member.remove", "user.update", "member.role", "login", "user.update", "user.create"]
    assert PASSWORD not in str(log)


async def test_a_username_is_found_for_an_address(world) -> None:
    client = await world.client("owner")
    names = [
        (await client.post("/api/users", json={"email": email})).json()["username"]
        for email in ("ann@a.example", "ann@b.example", "42@a.example", "operator@c.example")
    ]
    assert names == ["ann", "ann-2", "user-42", "operator-2"]


async def test_nobody_changes_what_is_above_or_elsewhere(world) -> None:
    """An account is one for all orgs: an admin of one cannot take over a user who also belongs to another."""
    client = await world.client("manager")
    allowed = Grant(world.principal("owner2"), "member.add", Role.OWNER)
    async with world.ctx.db.control.transaction() as conn:
        await users.add_member(conn, allowed, world.users["operator"], Role.OWNER)
    operator = f"/api/users/{world.users['operator'].id}"
    for body in ({"password": "mine now mine"}, {"email": "mine@example.org"}, {"is_active": False}):
        assert (await client.patch(operator, json=body)).status_code == 403, body
    assert (await client.patch(operator, json={"role": "collaborator"})).status_code == 200
    assert (await client.delete(operator)).status_code == 204
    operator2 = await world.client("owner2")
    assert (await operator2.get(operator)).json()["is_active"] is True
    assert (await client.post("/api/users", json={"username": "king", "role": "owner"})).status_code == 403
    admin = "/api/users/admin"
    assert (await client.patch(admin, json={"password": "mine now mine"})).status_code == 403


async def test_ones_own_account(world) -> None:
    client = await world.client("operator")
    own = "/api/users/operator"
    assert (await client.patch(own, json={"first_name": "O"})).status_code == 200
    assert (await client.patch(own, json={"is_active": False})).status_code == 403
    assert (await client.patch(own, json={"email": "taken@over.example"})).status_code == 403, "by a key"
    assert (await client.patch(own, json={"password": "no old password"})).status_code == 400
    assert (await client.patch(own, json={"role": "owner"})).status_code == 403
    signed_in, _ = await world.signed_in("operator")
    assert (await signed_in.patch(own, json={"email": "new@example.org"})).status_code == 200


async def test_an_org_keeps_an_owner(world) -> None:
    owner, admin = await world.client("owner"), await world.client("owner2")
    assert (await admin.delete("/api/users/owner2")).status_code == 409
    assert (await admin.patch("/api/users/owner2", json={"role": "admin"})).status_code == 409
    # Two owners who demote each other at once: one of them stays.
    first = await owner.patch("/api/users/admin", json={"role": "owner"})
    assert first.status_code == 200
    second = await world.client(Authorization="Key pnu_test_admin_key_of_more_than_32_characters")
    answers = await asyncio.gather(
        owner.patch("/api/orgs/main/members/admin", json={"role": "admin"}),
        second.patch("/api/orgs/main/members/owner", json={"role": "admin"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 403])
    members = (await second.get("/api/orgs/main/members")).json()
    assert [one["role"] for one in members].count("owner") == 1
