from __future__ import annotations

import pytest

from penstock.identity import OrgCreated
from penstock.kit.events import Events
from tests.databases import ADMIN_KEY

pytestmark = pytest.mark.anyio


async def test_a_platform_admin_makes_orgs_with_a_space_of_their_own(world) -> None:
    client = await world.client(Authorization=f"Key {ADMIN_KEY}")
    answer = await client.post("/api/orgs/", json={"slug": "third", "name": "The third"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["slug"], answer.json()["name"], answer.json()["role"]) == (
        "third",
        "The third",
        "owner",
    )
    async with world.ctx.db.control.transaction() as conn:
        row = await conn.row(
            "SELECT n.nspname, r.rolcanlogin, r.rolsuper FROM penstock.orgs o "
            "JOIN pg_namespace n ON n.nspname = o.database_schema "
            "JOIN pg_roles r ON r.rolname = o.database_role "
            "WHERE o.slug = 'third'"
        )
    assert row is not None
    assert (row["rolcanlogin"], row["rolsuper"]) == (True, False)
    assert (await client.post("/api/orgs", json={"slug": "third"})).status_code == 409
    for slug in ("", "UPPER", "a b", "-x", "x" * 64, "ä", "a/b", "a\0"):
        assert (await client.post("/api/orgs", json={"slug": slug})).status_code == 400, slug


async def test_an_org_that_cannot_be_made_whole_is_not_made(world) -> None:
    client = await world.client(Authorization=f"Key {ADMIN_KEY}")

    async def fail(conn, event) -> None:
        await conn.execute("SELECT 1 / 0")

    world.ctx.get(Events).subscribe(OrgCreated, fail)
    answer = await client.post("/api/orgs", json={"slug": "broken"})
    # The driver's error, translated on the way out of the transaction.
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    async with world.ctx.db.control.transaction() as conn:
        assert await conn.value("SELECT count(*) FROM penstock.orgs WHERE slug = 'broken'") == 0


async def test_lists_and_names(world) -> None:
    client = await world.client("manager")
    assert [org["slug"] for org in (await client.get("/api/orgs/")).json()] == ["main"]
    page = (await client.get("/api/orgs/?page=1&page_size=1")).json()
    assert (page["count"], page["next"], len(page["results"])) == (1, None, 1)
    assert (await client.get("/api/orgs/?page=2")).status_code == 404
    assert (await client.patch("/api/orgs/main", json={"name": "Ours"})).json()["name"] == "Ours"
    assert (await client.get("/api/orgs/main")).json()["name"] == "Ours"
    first = (await client.get("/api/orgs/main/members?page_size=4&api_key=")).json()
    assert first["count"] == 6
    second = (await client.get(first["next"])).json()
    assert second["next"] is None
    assert len(first["results"] + second["results"]) == 6


async def test_members_come_and_go(world) -> None:
    boss = await world.client(Authorization=f"Key {ADMIN_KEY}")
    owner2 = await world.client("owner2")
    operator = world.users["operator"]
    # Somebody else's people are not there to be taken.
    for ident in ("operator", operator.id, "operator@example.org", "nobody at all"):
        answer = await owner2.post("/api/orgs/other/members", json={"user": ident})
        assert answer.status_code == 400, answer.text
    assert (await boss.get("/api/orgs/other/members")).status_code == 404
    assert (
        await boss.post("/api/orgs/main/members", json={"user": "nobody2", "role": "operator"})
    ).status_code == 201
    assert (await boss.post("/api/orgs/main/members", json={"user": "nobody2"})).status_code == 409
    # An admin of both orgs is trusted with the people of one in the other.
    both, _ = await world.signed_in("manager")
    assert (
        await boss.post("/api/orgs/main/members", json={"user": "manager2", "role": "admin"})
    ).status_code == 201
    both, _ = await world.signed_in("manager2")
    added = await both.post("/api/orgs/other/members", json={"user": operator.id, "role": None})
    assert (added.status_code, added.json()["role"]) == (201, None)
    assert (
        await both.patch("/api/orgs/other/members/operator", json={"role": "operator"})
    ).status_code == 200
    leaver, _ = await world.signed_in("operator")
    assert (await leaver.delete("/api/orgs/other/members/operator")).status_code == 204
    assert (await leaver.delete("/api/orgs/other/members/operator")).status_code == 404
    assert (await both.delete("/api/orgs/main/members/owner")).status_code == 403
    assert (await both.delete("/api/orgs/main/members/nobody2")).status_code == 204


async def test_who_leaves_takes_keys_and_roles_along(world) -> None:
    owner = await world.client("owner")
    gone = await world.client("operator")
    assert (await gone.get("/api/users/me")).status_code == 200
    assert (await owner.delete("/api/orgs/main/members/operator")).status_code == 204
    assert (await gone.get("/api/users/me")).status_code == 401
    revoked = (await owner.get("/api/keys?revoked=true")).json()
    assert any(key["name"] == "key of operator" and key["revoked_at"] for key in revoked)
