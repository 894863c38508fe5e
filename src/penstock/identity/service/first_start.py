"""What the first start on an empty database makes: an org, its owner, and a key."""

from __future__ import annotations

from penstock.identity import names, tokens
from penstock.identity.models import FirstStart, KeyKind, Org, Principal, PrincipalKind, Role, User
from penstock.identity.passwords import Passwords, check
from penstock.identity.service import orgs, users
from penstock.identity.service.keys import KeyWish, insert_key
from penstock.identity.settings import IdentitySettings
from penstock.identity.store import keys, people
from penstock.kit import errors, ids
from penstock.kit.crypto import digest
from penstock.kit.db import Connection
from penstock.kit.events import Events
from penstock.kit.settings import SettingError

_EMAIL = "admin@localhost"
_KEY_NAME = "First key"


async def first_start(conn: Connection, settings: IdentitySettings, events: Events) -> FirstStart | None:
    """Make org, admin and key when there is no org yet; None when there is one.

    A key that is set and not known yet is given to the first admin even then, so that a restart with another
    `PENSTOCK_ADMIN_KEY` works; a revoked one stays revoked. The caller holds the lock of the migrations.
    Raises `SettingError` for a key, password, address or slug that cannot be used.
    """
    key = _given_key(settings)
    if await people.any_org(conn):
        if key:
            await _add_key(conn, settings, key)
        return None
    password = settings.admin_password or ids.token(15)
    hashed = await _hashed(settings, password)
    email = settings.admin_email or _EMAIL
    try:
        org = await orgs.create_org(
            conn, events, None, settings.org_slug, settings.org_slug.capitalize(), None
        )
        new = users.NewUser(None, email, hashed, is_platform_admin=True)
        admin = await users.create_user(conn, None, new, org.id, Role.OWNER)
    except errors.Invalid as error:
        raise SettingError(f"PENSTOCK_ORG_SLUG or PENSTOCK_ADMIN_EMAIL: {error.message}") from error
    secret = key or tokens.new_key(KeyKind.USER)
    await insert_key(conn, _principal(admin, org), KeyWish(KeyKind.USER, _KEY_NAME), secret)
    return FirstStart(org.slug, email, None if settings.admin_password else password, None if key else secret)


async def _add_key(conn: Connection, settings: IdentitySettings, key: str) -> None:
    if await keys.digest_known(conn, digest(key)):
        return
    admin = await people.platform_admin(conn, settings.admin_email)
    memberships = await people.memberships_of(conn, admin.id) if admin else []
    if admin is None or not memberships:
        return
    org = next((one.org for one in memberships if one.org.slug == settings.org_slug), memberships[0].org)
    await insert_key(conn, _principal(admin, org), KeyWish(KeyKind.USER, "Key of the environment"), key)


async def _hashed(settings: IdentitySettings, password: str) -> str:
    try:
        check(password, settings.password_min_length)
    except errors.Invalid as error:
        raise SettingError(f"PENSTOCK_ADMIN_PASSWORD: {error.message}") from error
    return await Passwords().hash(password)


def _given_key(settings: IdentitySettings) -> str | None:
    if settings.admin_key is None:
        return None
    key = settings.admin_key.strip()
    if len(key) < tokens.LEAST_KEY_LENGTH:
        raise SettingError(
            f"PENSTOCK_ADMIN_KEY has {len(key)} characters; a key has {tokens.LEAST_KEY_LENGTH} or more."
        )
    if not key.isprintable() or len(key) > names.LONGEST * 4:
        raise SettingError("PENSTOCK_ADMIN_KEY has characters that no header can carry, or more than 1,000.")
    return key


def _principal(user: User, org: Org) -> Principal:
    return Principal(
        org_id=org.id,
        org_slug=org.slug,
        kind=PrincipalKind.USER,
        user_id=user.id,
        key_id=None,
        username=user.username,
        email=user.email,
        org_role=Role.OWNER,
        is_platform_admin=True,
    )
