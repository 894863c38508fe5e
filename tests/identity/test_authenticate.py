from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from penstock.identity import IdentitySettings, Remembered, authenticate
from penstock.identity.models import Grant, KeyKind, PrincipalKind, Role, SubjectKind
from penstock.identity.service import keys, roles, sessions, users
from penstock.identity.service.keys import KeyWish
from penstock.identity.service.roles import Subject
from penstock.kit import clock, errors
from penstock.server.worker import build_context, close_context, open_context

pytestmark = pytest.mark.anyio


def scope(query: str = "", method: str = "GET", **headers: str) -> dict:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": method, "headers": raw, "query_string": query.encode()}


async def until_listening(*contexts) -> None:
    for context in contexts:
        for _ in range(200):
            if context.listener.listening:
                break
            await asyncio.sleep(0.02)
        assert context.listener.listening


CARRIERS = (
    lambda key: {"authorization": f"Bearer {key}"},
    lambda key: {"authorization": f"bearer   {key}  "},
    lambda key: {"authorization": f"Key {key}"},
    lambda key: {"authorization": f"KEY {key}"},
    lambda key: {"authorization": f"Api-Key {key}"},
    lambda key: {"authorization": f"JWT {key}"},
    lambda key: {"authorization": f"Token {key}"},
    lambda key: {"x_api_key": key},
    lambda key: {"query": f"a=1&api_key={key}&b=2"},
)
BAD = (
    (scope(), "not provided"),
    (scope(authorization="Bearer"), "no credential"),
    (scope(authorization=""), "no known scheme"),
    (scope(authorization="nonsense"), "no known scheme"),
    (scope(authorization="Basic abc"), "no known scheme"),
    (scope(authorization="Bearer " + "x" * 9000), "longer"),
    (scope(authorization="Bearer eyJ.a.b"), "not valid"),
    (scope(authorization="Key \xff\xfe"), "not valid"),
    (scope(x_api_key=" "), "empty"),
    (scope(x_api_key="unknown"), "not valid"),
    (scope(x_session_token="unknown"), "session token"),
    (scope("api_key="), "empty"),
    (scope("api_key=%00%ff"), "not valid"),
    (scope("api_key=unknown", method="POST"), "not provided"),
)


async def test_every_carrier_of_a_key(world) -> None:
    for carried in CARRIERS:
        found = await authenticate(world.ctx, scope(**carried(world.keys["operator"].secret)))
        assert (found.username, found.org_slug, found.org_role) == ("operator", "main", Role.OPERATOR)
        assert found.kind is PrincipalKind.USER_KEY
        assert not found.is_platform_admin


async def test_missing_or_bad_credentials_are_401_and_say_so(world) -> None:
    for request_scope, sentence in BAD:
        with pytest.raises(errors.Unauthorized) as caught:
            await authenticate(world.ctx, request_scope)
        assert sentence in caught.value.message
        assert "x-api-key" in (caught.value.hint or "")
        assert caught.value.headers["WWW-Authenticate"] == "Bearer"


async def test_of_two_credentials_the_header_counts(world) -> None:
    owner, operator = world.keys["owner"].secret, world.keys["operator"].secret
    both = scope(f"api_key={owner}", x_api_key=operator)
    assert (await authenticate(world.ctx, both)).username == "operator"
    both = scope(x_session_token="x", x_api_key=owner, authorization=f"Key {operator}")
    assert (await authenticate(world.ctx, both)).username == "operator"
    with pytest.raises(errors.Unauthorized):
        await authenticate(world.ctx, scope(x_api_key=owner, authorization="Key wrong"))


async def test_an_expired_key_stops_although_it_is_remembered(world) -> None:
    await until_listening(world.ctx)
    async with world.ctx.db.control.transaction() as conn:
        wish = KeyWish(KeyKind.USER, "short", expires_at=clock.now() + timedelta(seconds=0.4))
        made = await keys.create_key(conn, world.principal("manager"), wish)
    carried = scope(x_api_key=made.secret)
    assert (await authenticate(world.ctx, carried)).username == "manager"
    await asyncio.sleep(0.5)
    with pytest.raises(errors.Unauthorized):
        await authenticate(world.ctx, carried)


async def test_revocation_reaches_a_second_process_within_a_second(world, database) -> None:
    second = build_context(database.logins, database.keys, database.settings)
    await open_context(second)
    try:
        await until_listening(world.ctx, second)
        carried = scope(x_api_key=world.keys["operator"].secret)
        for context in (world.ctx, second):
            await authenticate(context, carried)
            assert context.get(Remembered).entries
        async with world.ctx.db.control.transaction() as conn:
            await keys.revoke_key(conn, world.principal("owner"), world.keys["operator"].key)
        with pytest.raises(errors.Unauthorized):
            await authenticate(world.ctx, carried)
        begun = time.monotonic()
        while time.monotonic() - begun < 1:
            try:
                await authenticate(second, carried)
            except errors.Unauthorized:
                break
            await asyncio.sleep(0.01)
        assert time.monotonic() - begun < 1
    finally:
        await close_context(second)


async def test_nothing_is_remembered_while_nobody_listens(world) -> None:
    world.ctx.listener.listening = False
    carried = scope(x_api_key=world.keys["operator"].secret)
    await authenticate(world.ctx, carried)
    assert not world.ctx.get(Remembered).entries
    await until_listening(world.ctx)
    await authenticate(world.ctx, carried)
    assert world.ctx.get(Remembered).entries
    world.ctx.get(Remembered).forget_all()
    assert not world.ctx.get(Remembered).entries


async def test_what_was_read_before_a_change_is_not_remembered_after_it(world) -> None:
    await until_listening(world.ctx)
    remembered = world.ctx.get(Remembered)
    task = asyncio.create_task(authenticate(world.ctx, scope(x_api_key=world.keys["operator"].secret)))
    await asyncio.sleep(0)
    remembered.forget("key:0")
    await task
    assert not remembered.entries


async def test_role_changes_and_deactivation_count_at_once(world) -> None:
    await until_listening(world.ctx)
    carried = scope(x_api_key=world.keys["operator"].secret)
    owner = world.principal("owner")
    allowed = Grant(owner, "member.role", Role.OWNER)
    assert (await authenticate(world.ctx, carried)).org_role is Role.OPERATOR
    async with world.ctx.db.control.transaction() as conn:
        member = await users.find(conn, allowed, "operator")
        await users.set_role(conn, allowed, member, Role.ADMIN)
    assert (await authenticate(world.ctx, carried)).org_role is Role.ADMIN
    async with world.ctx.db.control.transaction() as conn:
        member = await users.find(conn, allowed, "operator")
        await users.update_user(conn, allowed, member, {"is_active": False})
    with pytest.raises(errors.Unauthorized):
        await authenticate(world.ctx, carried)


async def test_roles_held_on_places(world) -> None:
    await until_listening(world.ctx)
    owner = world.principal("owner")
    here = Grant(owner, "app.share", Role.OWNER, ("app", 7))
    nobody = scope(x_api_key=world.keys["nobody"].secret)
    collaborator = scope(x_api_key=world.keys["collaborator"].secret)
    assert (await authenticate(world.ctx, nobody)).role_on(("app", 7)) is None
    async with world.ctx.db.control.transaction() as conn:
        subject = await roles.find_subject(conn, here, SubjectKind.USER, "nobody")
        everybody = Subject(SubjectKind.ORG, world.main.id, "main")
        await roles.assign_role(conn, here, subject, Role.OPERATOR)
        await roles.assign_role(conn, here, everybody, Role.COLLABORATOR)
    found = await authenticate(world.ctx, nobody)
    assert found.role_on(("app", 7)) is Role.OPERATOR
    assert found.role_on(("app", 8)) is None
    async with world.ctx.db.control.transaction() as conn:
        await roles.remove_role(conn, here, subject)
    assert (await authenticate(world.ctx, nobody)).role_on(("app", 7)) is Role.COLLABORATOR
    assert (await authenticate(world.ctx, collaborator)).role_on(("app", 8)) is Role.COLLABORATOR


async def test_narrow_keys_follow_their_user(world) -> None:
    """The cap of a key, or its places, and what its user holds now: the lower counts."""
    await until_listening(world.ctx)
    capped = await world.key("manager", role=Role.OPERATOR)
    narrow = await world.key("manager", places={("app", 7): Role.ADMIN})
    found = await authenticate(world.ctx, scope(x_api_key=capped.secret))
    assert (found.org_role, found.role_on(("app", 1))) == (Role.OPERATOR, Role.OPERATOR)
    found = await authenticate(world.ctx, scope(x_api_key=narrow.secret))
    assert (found.org_role, found.role_on(("app", 7)), found.role_on(("app", 1))) == (None, Role.ADMIN, None)
    owner = world.principal("owner")
    allowed = Grant(owner, "member.role", Role.OWNER)
    async with world.ctx.db.control.transaction() as conn:
        await users.set_role(conn, allowed, await users.find(conn, allowed, "manager"), Role.COLLABORATOR)
    for secret in (capped.secret, narrow.secret):
        found = await authenticate(world.ctx, scope(x_api_key=secret))
        assert found.role_on(("app", 7)) is Role.COLLABORATOR


async def test_a_service_key_holds_what_it_was_given(world) -> None:
    made = await world.key("owner", kind=KeyKind.SERVICE, places={("app", 7): Role.OPERATOR})
    found = await authenticate(world.ctx, scope(x_api_key=made.secret))
    assert (found.kind, found.user_id, found.org_role) == (PrincipalKind.SERVICE_KEY, None, None)
    assert dict(found.roles) == {("app", 7): Role.OPERATOR}


async def test_use_of_a_key_is_noted_in_the_background(world) -> None:
    secret = world.keys["operator"].secret
    await authenticate(world.ctx, scope(x_api_key=secret))
    await world.ctx.get(Remembered).stop()
    async with world.ctx.db.control.transaction() as conn:
        key = await keys.find_key(conn, world.principal("operator"), world.keys["operator"].key.id)
    assert key.last_used_at is not None


async def test_tokens_of_users_and_keys(world) -> None:
    _, tokens = await world.signed_in("operator")
    found = await authenticate(world.ctx, scope(authorization=f"JWT {tokens['access']}"))
    assert (found.kind, found.username, found.family is not None) == (PrincipalKind.USER, "operator", True)
    assert found.expires_at is not None
    key = await authenticate(world.ctx, scope(x_api_key=world.keys["manager"].secret))
    issuer = sessions.Issuer(world.ctx.keys.signing, world.ctx.settings(IdentitySettings))
    access, seconds = issuer.access_of_key(key)
    assert 0 < seconds <= 900
    found = await authenticate(world.ctx, scope(authorization=f"Bearer {access}"))
    assert (found.kind, found.key_id) == (PrincipalKind.USER_KEY, key.key_id)
    async with world.ctx.db.control.transaction() as conn:
        await keys.revoke_key(conn, world.principal("owner"), world.keys["manager"].key)
    with pytest.raises(errors.Unauthorized):
        await authenticate(world.ctx, scope(authorization=f"Bearer {access}"))


async def test_a_remembered_caller_costs_microseconds(world) -> None:
    await until_listening(world.ctx)
    headers = {f"header_{number}": "x" * 20 for number in range(8)}
    carried = scope(**headers, authorization=f"Key {world.keys['operator'].secret}")
    await authenticate(world.ctx, carried)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            await authenticate(world.ctx, carried)
        best = min(best, (time.perf_counter() - begun) / 2000)
    print(f"{best * 1e6:.2f} µs")
    # The aim is 10; slow machines under load get some room.
    assert best < 50e-6
