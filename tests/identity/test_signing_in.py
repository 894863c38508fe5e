from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from penstock.identity import IdentitySettings
from penstock.identity.models import Grant, Role
from penstock.identity.service import orgs, users
from penstock.identity.store import people
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.anyio
PAIR = "/api/auth/jwt/token/"
REFRESH = "/api/auth/jwt/token/refresh/"


async def status(client) -> int:
    return (await client.get("/api/users/me/")).status_code


async def test_login_by_address_or_username_whatever_the_case(world) -> None:
    anonymous = await world.client()
    for name in ("operator", "OPERATOR", "Operator@Example.ORG", "ｏｐｅｒａｔｏｒ"):
        for path in (PAIR, "/api/cloud/auth/jwt/token/"):
            answer = await anonymous.post(path, json={"username": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            assert {"access", "refresh"} <= set(answer.json())
    login = {"email": "operator@example.org", "password": PASSWORD}
    answer = await anonymous.post("/_allauth/app/v1/auth/login", json=login)
    user = {"id": world.users["operator"].id, "email": "operator@example.org", "username": "operator"}
    assert answer.json()["data"] == {"user": user}
    meta = answer.json()["meta"]
    assert meta["is_authenticated"] is True
    for headers in (
        {"Authorization": f"Bearer {meta['access_token']}"},
        {"Authorization": f"JWT {meta['access_token']}"},
        {"X-Session-Token": meta["session_token"]},
    ):
        client = await world.client(**headers)
        assert (await client.get("/api/users/me/")).json()["username"] == "operator"


async def test_wrong_unknown_and_inactive_answer_alike(world) -> None:
    anonymous = await world.client()
    async with world.ctx.db.control.transaction() as conn:
        await people.update_user(conn, world.users["collaborator"].id, {"is_active": False})
    answers = [
        await anonymous.post(PAIR, json={"username": name, "password": password})
        for name, password in (("operator", "wrong"), ("who is this", "wrong"), ("collaborator", PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_an_unknown_account_takes_as_long_as_a_wrong_password(world) -> None:
    anonymous = await world.client()

    fastest = {"operator": 1e9, "nobody at all": 1e9}
    for _ in range(6):
        # In turns, so that whatever else the machine does slows both.
        for name in fastest:
            begun = time.perf_counter()
            await anonymous.post(PAIR, json={"username": name, "password": "wrong"})
            fastest[name] = min(fastest[name], time.perf_counter() - begun)
    known, unknown = fastest.values()
    assert 0.33 < known / unknown < 3


async def test_failed_sign_ins_are_limited_per_account_and_address(world) -> None:
    settings = world.ctx.settings(IdentitySettings)
    world.ctx.sections[IdentitySettings] = dataclasses.replace(
        settings, login_attempts=3, login_attempts_per_address=6, login_window_seconds=3600
    )
    anonymous = await world.client()

    async def attempt(name: str, password: str = "wrong"):
        return await anonymous.post(PAIR, json={"username": name, "password": password})

    for _ in range(5):
        # What succeeds is not counted.
        assert (await attempt("manager", PASSWORD)).status_code == 200
    for _ in range(3):
        assert (await attempt("operator")).status_code == 401
    answer = await attempt("operator", PASSWORD)
    assert answer.status_code == 429
    assert answer.json()["detail"].startswith("Request was throttled. Expected available in ")
    assert 0 < int(answer.headers["Retry-After"]) <= 1200
    assert (await attempt("owner", PASSWORD)).status_code == 200
    for _ in range(2):
        assert (await attempt("a stranger")).status_code == 401
    assert (await attempt("owner", PASSWORD)).status_code == 429


async def test_refresh_rotates_and_reuse_ends_the_login(world) -> None:
    client, first = await world.signed_in("operator")
    other_client, _ = await world.signed_in("operator")
    anonymous = await world.client()
    second = (await anonymous.post(REFRESH, json={"refresh": first["refresh"]})).json()
    assert second["refresh"] != first["refresh"]
    renewed = await world.client(Authorization=f"Bearer {second['access']}")
    assert [await status(one) for one in (client, renewed)] == [200, 200]
    assert (await anonymous.post(REFRESH, json={"refresh": first["refresh"]})).status_code == 401
    assert (await anonymous.post(REFRESH, json={"refresh": second["refresh"]})).status_code == 401
    assert [await status(one) for one in (client, renewed, other_client)] == [401, 401, 200]
    for bad in ("pnr_unknown", second["access"], "x"):
        assert (await anonymous.post(REFRESH, json={"refresh": bad})).status_code == 401


async def test_of_two_who_refresh_at_once_one_gets_tokens(world) -> None:
    _, tokens = await world.signed_in("operator")
    anonymous = await world.client()
    answers = await asyncio.gather(
        *(anonymous.post(REFRESH, json={"refresh": tokens["refresh"]}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_logout_and_blacklist_end_everything_of_one_login(world) -> None:
    anonymous = await world.client()
    login = {"email": "operator@example.org", "password": PASSWORD}
    metas = [
        (await anonymous.post("/_allauth/app/v1/auth/login", json=login)).json()["meta"] for _ in range(3)
    ]
    clients = [
        (
            await world.client(Authorization=f"Bearer {meta['access_token']}"),
            await world.client(**{"X-Session-Token": meta["session_token"]}),
        )
        for meta in metas
    ]
    assert [await status(one) for pair in clients for one in pair] == [200] * 6
    assert (await clients[0][1].delete("/_allauth/app/v1/auth/session")).status_code == 200
    for _ in range(2):
        answer = await anonymous.post(
            "/api/auth/jwt/token/blacklist/", json={"refresh": metas[1]["refresh_token"]}
        )
        assert answer.status_code == 200
    assert [await status(one) for pair in clients for one in pair] == [401, 401, 401, 401, 200, 200]
    answer = await anonymous.post("/api/auth/jwt/token/blacklist/", json={"refresh": "pnr_unknown"})
    assert answer.status_code == 401


async def test_a_new_password_ends_every_login_and_begins_one(world) -> None:
    client, tokens = await world.signed_in("operator")
    other, _ = await world.signed_in("operator")
    path = "/api/auth/password/"
    wrong = await client.post(path, json={"old_password": "no", "new_password": "something new"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["old_password"])
    for bad in ("short", "OPERATOR", "operator@example.org"):
        answer = await client.post(path, json={"current_password": PASSWORD, "new_password": bad})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["new_password"])
    answer = await client.post(path, json={"current_password": PASSWORD, "new_password": "something new"})
    assert answer.status_code == 200, answer.text
    fresh = await world.client(Authorization=f"Bearer {answer.json()['access']}")
    assert [await status(one) for one in (client, other, fresh)] == [401, 401, 200]
    anonymous = await world.client()
    assert (await anonymous.post(REFRESH, json={"refresh": tokens["refresh"]})).status_code == 401
    assert await status(await world.client("operator")) == 200, "keys stay"
    await world.signed_in("operator", "something new")


async def test_no_login_outlives_a_new_password_that_it_raced_with(world) -> None:
    for _ in range(3):
        client, tokens = await world.signed_in("operator")
        anonymous = await world.client()
        change = {"current_password": PASSWORD, "new_password": PASSWORD}
        changed, *others = await asyncio.gather(
            client.post("/api/auth/password/", json=change),
            anonymous.post(REFRESH, json={"refresh": tokens["refresh"]}),
            anonymous.post(PAIR, json={"username": "operator", "password": PASSWORD}),
            anonymous.post(PAIR, json={"username": "operator", "password": PASSWORD}),
        )
        assert changed.status_code == 200
        for answer in others:
            assert answer.status_code in (200, 401)
            if answer.status_code == 200:
                access = await world.client(Authorization=f"Bearer {answer.json()['access']}")
                renewed = await anonymous.post(REFRESH, json={"refresh": answer.json()["refresh"]})
                # Either it began after the change, and lives, or it is dead altogether.
                assert (await status(access) == 200) == (renewed.status_code == 200)


async def test_which_org_a_login_leads_to(world) -> None:
    anonymous = await world.client()
    body = {"username": "operator", "password": PASSWORD}
    assert (await anonymous.post(PAIR, json={**body, "org": "other"})).status_code == 403
    allowed = Grant(world.principal("owner2"), "member.add", Role.OWNER)
    async with world.ctx.db.control.transaction() as conn:
        await users.add_member(conn, allowed, world.users["operator"], Role.ADMIN)
    assert (await anonymous.post(PAIR, json=body)).json()["org"] == "main"
    into = (await anonymous.post(PAIR, json={**body, "org": "other"})).json()
    client = await world.client(Authorization=f"Bearer {into['access']}")
    me = (await client.get("/api/users/me")).json()
    assert (me["org"], me["role"], [one["slug"] for one in me["orgs"]]) == (
        "other",
        "admin",
        ["other", "main"],
    )
    # The org used last.
    again = (await anonymous.post(PAIR, json=body)).json()
    assert again["org"] == "other"
    switched = await client.post("/api/auth/org/", json={"org": "main"})
    back = await world.client(Authorization=f"Bearer {switched.json()['access']}")
    assert (await back.get("/api/users/me")).json()["role"] == "operator"
    assert (await client.post("/api/auth/org/", json={"org": "nowhere"})).status_code == 404
    assert (await back.get("/api/orgs/other/members")).status_code == 200


async def test_who_belongs_nowhere_is_told_so(world) -> None:
    async with world.ctx.db.control.transaction() as conn:
        await orgs.leave(conn, world.main.id, world.users["operator"].id)
    anonymous = await world.client()
    answer = await anonymous.post(PAIR, json={"username": "operator", "password": PASSWORD})
    assert answer.status_code == 403
    assert "does not belong to an org" in answer.json()["detail"]


async def test_a_key_is_exchanged_for_a_token(world) -> None:
    secret = world.keys["operator"].secret
    for headers in (
        {"Authorization": f"Basic {secret}"},
        {"Authorization": f"Key {secret}"},
        {"x-api-key": secret},
    ):
        client = await world.client(**headers)
        answer = await client.post("/api/auth/token")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
        bearer = await world.client(Authorization=f"Bearer {answer.json()['access_token']}")
        assert (await bearer.get("/api/users/me")).json()["kind"] == "user_key"
    for headers in ({}, {"Authorization": "Basic wrong"}, {"Authorization": "Basic"}):
        assert (await (await world.client(**headers)).post("/api/auth/token")).status_code == 401
    client, _ = await world.signed_in("operator")
    assert (await client.post("/api/auth/token")).status_code == 400


async def test_a_hash_of_older_parameters_is_renewed(world, monkeypatch) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    user_id = world.users["operator"].id
    async with world.ctx.db.control.transaction() as conn:
        await people.update_user(conn, user_id, {"password_hash": weak})
    await world.signed_in("operator")
    async with world.ctx.db.control.transaction() as conn:
        account = await people.account(conn, user_id=user_id)
    assert account and account.password_hash
    assert "m=19456" in account.password_hash


async def test_an_expired_access_token_says_so(world) -> None:
    settings = world.ctx.settings(IdentitySettings)
    world.ctx.sections[IdentitySettings] = dataclasses.replace(settings, access_token_seconds=1)
    client, _ = await world.signed_in("operator")
    assert await status(client) == 200
    await asyncio.sleep(1.1)
    answer = await client.get("/api/users/me")
    assert (answer.status_code, answer.json()["detail"]) == (401, "The access token has expired.")


async def test_sign_ins_are_in_the_audit_log(world) -> None:
    await world.signed_in("operator")
    owner = await world.client("owner")
    answer = await owner.get("/api/audit?action=login")
    assert [entry["actor"] for entry in answer.json()["results"]] == ["operator"]
