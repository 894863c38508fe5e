from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.identity import IdentitySettings, authenticate, first_start
from penstock.identity.models import FirstStart, Role
from penstock.identity.service import keys
from penstock.kit import errors
from penstock.kit.events import Events
from penstock.kit.settings import SettingError
from penstock.server.spaces import subscribed

pytestmark = pytest.mark.anyio


async def start(ctx, settings: IdentitySettings) -> FirstStart | None:
    async with ctx.db.control.transaction() as conn:
        return await first_start(conn, settings, subscribed(ctx.keys.encryption))


async def who(ctx, key: str):
    return await authenticate(ctx, {"headers": [(b"x-api-key", key.encode())], "method": "GET"})


@pytest.fixture
async def empty(ctx):
    """A database that was never started."""
    async with ctx.db.control.transaction() as conn:
        await conn.execute("DELETE FROM penstock.orgs")
        await conn.execute("DELETE FROM penstock.users")
    return ctx


async def test_without_settings_everything_is_generated(empty) -> None:
    made = await start(empty, IdentitySettings())
    assert made is not None
    assert (made.org_slug, made.email) == ("main", "admin@localhost")
    assert made.password
    assert made.key
    found = await who(empty, made.key)
    assert (found.username, found.org_role, found.is_platform_admin) == ("admin", Role.OWNER, True)
    assert await start(empty, IdentitySettings()) is None


async def test_what_is_set_is_used_and_not_shown(empty) -> None:
    key = "any text of more than 32 characters, ä too"
    settings = IdentitySettings(
        org_slug="acme", admin_email="Root@acme.example", admin_password="long enough", admin_key=f" {key}\n"
    )
    assert await start(empty, settings) == FirstStart("acme", "Root@acme.example", None, None)
    found = await who(empty, key)
    assert (found.username, found.email, found.org_slug) == ("Root", "Root@acme.example", "acme")


async def test_later_starts_add_an_unknown_key_and_nothing_else(ctx) -> None:
    key = "y" * 32
    changed = IdentitySettings(admin_email="other@example.com", admin_password="another one", admin_key=key)
    for _ in range(2):
        assert await start(ctx, changed) is None
    found = await who(ctx, key)
    assert found.email == "admin@example.com"
    async with ctx.db.control.transaction() as conn:
        assert await conn.value("SELECT count(*) FROM penstock.users") == 1
        assert await conn.value("SELECT count(*) FROM penstock.api_keys") == 2
        key_id = found.key_id
        assert key_id
        await keys.revoke_key(conn, found, await keys.find_key(conn, found, key_id))
    await start(ctx, changed)
    with pytest.raises(errors.Unauthorized):
        await who(ctx, key)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"admin_key": "x" * 31}, "PENSTOCK_ADMIN_KEY has 31 characters"),
        ({"admin_key": "x" * 32 + "\0"}, "PENSTOCK_ADMIN_KEY"),
        ({"admin_password": "short"}, "PENSTOCK_ADMIN_PASSWORD"),
        ({"admin_email": "nonsense"}, "PENSTOCK_ADMIN_EMAIL"),
        ({"org_slug": "No Slug"}, "PENSTOCK_ORG_SLUG"),
    ],
)
async def test_what_cannot_be_used_is_said(empty, wrong, sentence) -> None:
    with pytest.raises(SettingError, match=sentence):
        await start(empty, replace(IdentitySettings(), **wrong))
    async with empty.db.control.transaction() as conn:
        assert await conn.value("SELECT count(*) FROM penstock.orgs") == 0


async def test_without_listeners_the_org_has_no_space(empty) -> None:
    async with empty.db.control.transaction() as conn:
        await first_start(conn, IdentitySettings(), Events())
        schema = await conn.value("SELECT database_schema FROM penstock.orgs")
        assert not await conn.value("SELECT to_regnamespace($1) IS NOT NULL", schema)
