"""Invitations, forgotten passwords and addresses that are confirmed, where no mail is sent."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest

from penstock.identity import links
from penstock.identity.links import Purpose
from penstock.identity.models import Role
from penstock.identity.store import people
from tests.identity.conftest import PASSWORD, World

pytestmark = pytest.mark.anyio
NEW = "another password of theirs"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def path_of(link: str) -> str:
    assert link.startswith("http://testserver/")
    return link.removeprefix("http://testserver")


async def invited(world: World, email: str = "grace@example.org") -> dict[str, Any]:
    manager = await world.client("manager")
    made = await manager.post("/api/users", json={"name": "Grace Hopper", "email": email})
    assert made.status_code == 200, made.text
    return made.json()


async def tokens(client: httpx2.AsyncClient, username: str, password: str) -> int:
    answer = await client.post("/api/auth/jwt/token", json={"username": username, "password": password})
    return answer.status_code


async def test_an_invitation_is_accepted_once(world: World) -> None:
    made = await invited(world)
    assert made["is_invitation_pending"] is True and made["is_email_verified"] is True
    path = path_of(made["invite_link"])
    assert path.startswith("/invite/")
    nobody = await world.client()
    assert await tokens(nobody, "grace", "") == 400
    assert await tokens(nobody, "grace", NEW) == 401
    assert (await nobody.get(path)).json() == {
        "purpose": "invite", "username": "grace", "name": "Grace Hopper", "email": "grace@example.org", "org": "main",
    }  # fmt: skip
    assert (await nobody.get(path)).headers["cache-control"] == "no-store"
    for body in ({"password": "short"}, {"password": "grace@example.org"}, {}, {"password": NEW, "x": 1}):
        assert (await nobody.post(path, json=body)).status_code == 400, body
    # Nor for another purpose, nor with a letter changed.
    for wrong in (path.replace("/invite/", "/reset/"), f"{path}x", "/invite/x", "/invite/a.b.c", "/verify/ä"):
        assert (await nobody.get(wrong)).status_code == 400, wrong
    both = await asyncio.gather(*(nobody.post(path, json={"password": NEW}) for _ in range(2)))
    assert sorted(one.status_code for one in both) == [200, 400]
    signed = next(one.json() for one in both if one.status_code == 200)
    grace = await world.client(Authorization=f"Bearer {signed['access']}")
    assert (await grace.get("/api/users/me")).json()["username"] == "grace" and signed["org"] == "main"
    assert (await grace.get(f"/api/users/{made['id']}")).json()["is_invitation_pending"] is False
    assert await tokens(nobody, "grace", NEW) == 200
    assert (await nobody.get(path)).status_code == 400
    manager = await world.client("manager")
    again = await manager.post(f"/api/users/{made['id']}/invite")
    assert again.status_code == 400 and "has come already" in again.json()["message"]


async def test_who_invites_and_resets(world: World) -> None:
    made = await invited(world)
    for action in ("invite", "reset_password"):
        path = f"/api/users/{made['id']}/{action}"
        for name, status in (
            ("operator", 403),
            ("collaborator", 403),
            ("nobody", 404),
            ("owner2", 404),
            (None, 401),
        ):
            assert (await (await world.client(name)).post(path)).status_code == status, (action, name)
    manager = await world.client("manager")
    link = (await manager.post(f"/api/users/{made['id']}/invite")).json()["invite_link"]
    assert (await manager.get(path_of(link))).status_code == 200
    # Nobody opens an account that stands above them, belongs elsewhere too, or is their own.
    for name in ("owner", "manager"):
        refused = await manager.post(f"/api/users/{world.users[name].id}/reset_password")
        assert refused.status_code == 403, name
    owner2 = await world.client("owner2")
    assert (await owner2.post(f"/api/users/{world.users['operator'].id}/reset_password")).status_code == 404
    # Who is disabled, or has left, does not come in by a link of before.
    for change in (("POST", "/disable"), ("DELETE", "")):
        made = await invited(world, f"a{change[0].lower()}@example.org")
        path = f"/api/users/{made['id']}"
        assert (await manager.request(change[0], path + change[1])).status_code in (200, 204)
        assert (await manager.get(path_of(made["invite_link"]))).status_code == 400
        if change[0] == "DELETE":
            # An invitation that was taken back leaves the address free.
            again = await invited(world, "adelete@example.org")
            assert again["id"] != made["id"] and again["username"] == made["username"]
        if change[0] == "POST":
            assert (await manager.post(f"{path}/invite")).status_code == 400
            assert (await manager.post(f"{path}/reset_password")).status_code == 400


async def test_a_link_sets_another_password(world: World) -> None:
    manager = await world.client("manager")
    user = world.users["operator"]
    there, _ = await world.signed_in("operator")
    ask = f"/api/users/{user.id}/reset_password"
    first, second = [path_of((await manager.post(ask)).json()["reset_link"]) for _ in range(2)]
    nobody = await world.client(**BROWSER)
    page = await nobody.get(first)
    assert page.headers["content-type"].startswith("text/html") and 'type="password"' in page.text
    assert (
        page.headers["cache-control"] == "no-store"
        and "form-action 'self'" in page.headers["content-security-policy"]
    )
    # By a form, as browsers send it.
    short = await nobody.post(first, data={"password": "short"})
    assert short.status_code == 400 and 'type="password"' in short.text and "at least" in short.text
    done = await nobody.post(first, data={"password": NEW})
    assert done.status_code == 200 and "is set" in done.text
    assert (await there.get("/api/users/me")).status_code == 401
    for path in (first, second):
        over = await nobody.post(path, data={"password": PASSWORD})
        assert over.status_code == 400 and 'type="password"' not in over.text
    assert await tokens(nobody, "operator", NEW) == 200
    # The key of before goes on: it is none of the logins.
    assert (await (await world.client("operator")).get("/api/users/me")).status_code == 200
    # An address that has changed takes its links along.
    third = path_of((await manager.post(ask)).json()["reset_link"])
    assert (
        await manager.patch(f"/api/users/{user.id}", json={"email": "new@example.org"})
    ).status_code == 200
    assert (await nobody.get(third)).status_code == 400


async def test_a_link_that_an_admin_was_given_opens_no_more_than_it_did(world: World) -> None:
    """Else they could keep one until the account is worth more."""
    manager, owner = await world.client("manager"), await world.client("owner")
    user = world.users["operator"]
    asked = [("invite", (await invited(world))["id"]), ("reset_password", user.id)]
    nobody = await world.client()
    for action, number in asked:
        given = (await manager.post(f"/api/users/{number}/{action}")).json()
        path = path_of(given.get("reset_link") or given["invite_link"])
        assert (await nobody.get(path)).status_code == 200
        raised = await owner.patch(f"/api/users/{number}", json={"role": "owner"})
        assert raised.status_code == 200, raised.text
        for answer in (await nobody.get(path), await nobody.post(path, json={"password": NEW})):
            assert answer.status_code == 400, action
        assert (await manager.post(f"/api/users/{number}/{action}")).status_code == 403
    # One that was sent to the address of the account is its user's.
    ring = world.ctx.keys.signing
    mailed = links.make(ring, Purpose.RESET, user, world.main.id, 60, mailed=True)
    assert (await nobody.get(f"/reset/{mailed}")).status_code == 200
    reset = (await owner.post(f"/api/users/{world.users['collaborator'].id}/reset_password")).json()
    async with world.ctx.db.control.transaction() as conn:
        await people.put_member(conn, world.other.id, world.users["collaborator"].id, Role.ADMIN)
    assert (await nobody.get(path_of(reset["reset_link"]))).status_code == 400


async def test_a_narrow_key_does_not_move_the_address_that_letters_go_to(world: World) -> None:
    key = await world.key("owner", role=Role.ADMIN)
    narrow = await world.client(Authorization=f"Key {key.secret}")
    number = world.users["owner"].id
    for method, body in (("PATCH", {"email": "x@example.org"}), ("POST", {"email": "x@example.org"})):
        answer = await narrow.request(method, f"/api/users/{number}", json=body)
        assert answer.status_code == 403, method


async def test_nobody_invites_themself(world: World) -> None:
    """Who holds the key of somebody who has no password yet holds no more than that."""
    made = await invited(world)
    owner = await world.client("owner")
    shown = (await owner.post(f"/api/users/{made['id']}/regenerate_api_key")).json()["api_key"]
    assert (await owner.patch(f"/api/users/{made['id']}", json={"role": "admin"})).status_code == 200
    theirs = await world.client(Authorization=f"Key {shown}")
    for action in ("invite", "reset_password"):
        assert (await theirs.post(f"/api/users/{made['id']}/{action}")).status_code == 403, action


async def test_links_expire(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    user, ring = world.users["operator"], world.ctx.keys.signing
    token = links.make(ring, Purpose.RESET, user, world.main.id, 60, mailed=False)
    assert links.read(ring, Purpose.RESET, token).user_id == user.id
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(links.Spent):
        links.read(ring, Purpose.RESET, token)


async def test_where_no_mail_is_sent(world: World) -> None:
    nobody = await world.client()
    assert (await nobody.get("/forgot")).json() == {"sends_mail": False}
    for email in ("operator@example.org", "none@example.org"):
        refused = await nobody.post("/forgot", json={"email": email})
        assert refused.status_code == 400 and "sends no mail" in refused.json()["message"]
    assert "<form" in (await nobody.get("/forgot", headers=BROWSER)).text
    # Then an address counts as confirmed.
    operator = await world.client("operator")
    await (await world.client("manager")).patch(
        f"/api/users/{world.users['operator'].id}", json={"email": "o@example.org"}
    )
    assert (await operator.get("/api/session")).json()["messages"] == []
