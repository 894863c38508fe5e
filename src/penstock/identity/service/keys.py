"""Keys: making, listing, changing and revoking them. A key never holds more than its maker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from penstock.identity import audit, changes, tokens
from penstock.identity.models import ApiKey, Claim, KeyKind, NewKey, Place, Principal, Role, SubjectKind
from penstock.identity.service.users import check_gives
from penstock.identity.store import keys, roles
from penstock.identity.store.tables import api_keys
from penstock.kit import clock, errors
from penstock.kit.crypto import digest
from penstock.kit.db import Connection
from penstock.kit.paging import Page

# Beyond it, moving an instant to UTC may leave the calendar.
_LAST_YEAR = 9999
# Finds a resource of an org by the name people use for it.
Finder = Callable[[Connection, int, str], Awaitable[int | None]]


class Places:
    """What kinds of resources roles can be held on; the domains that own them say how one is found."""

    def __init__(self) -> None:
        self._finders: dict[str, Finder] = {}

    def register(self, kind: str, finder: Finder) -> None:
        """`finder(conn, org_id, slug)` gives the id of a resource, or None."""
        self._finders[kind] = finder

    async def find(self, conn: Connection, org_id: int, kind: str, slug: str) -> Place | None:
        finder = self._finders.get(kind)
        found = await finder(conn, org_id, slug) if finder else None
        return None if found is None else (kind, found)


@dataclass(frozen=True, slots=True)
class KeyWish:
    """The key somebody asks for. `places` narrow a user key, and are all a service key without a role has."""

    kind: KeyKind
    name: str
    role: Role | None = None
    places: Mapping[Place, Role] = field(default_factory=dict[Place, Role])
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    claims: Mapping[str, Claim] = field(default_factory=dict[str, Claim])


async def create_key(conn: Connection, principal: Principal, wish: KeyWish) -> NewKey:
    """Make a key. Raises `Forbidden` when it would hold more than its maker, `Invalid` for a past expiry."""
    if wish.kind is KeyKind.SERVICE:
        if principal.org_role is None or principal.org_role < Role.ADMIN:
            raise errors.Forbidden
    elif principal.user_id is None:
        raise errors.Forbidden("A service key has no user, so it cannot make user keys.")
    if wish.claims and (principal.org_role is None or principal.org_role < Role.ADMIN):
        # Row rules may go by them, so nobody says of themself what they like.
        raise errors.Forbidden("Only an admin of the org can make a key with claims.")
    check_gives(principal, wish.role)
    for place, role in wish.places.items():
        held = principal.role_on(place)
        if held is None:
            raise errors.NotFound
        check_gives(principal, role, held, field=place[0])
    check_expiry(principal, wish.expires_at)
    limit = await _own_limit(conn, principal)
    if limit is not None:
        wish = replace(wish, requests_per_minute=wish.requests_per_minute or limit)
        _check_limit(limit, wish.requests_per_minute)
    return await insert_key(conn, principal, _narrowed(principal, wish), tokens.new_key(wish.kind))


async def insert_key(conn: Connection, by: Principal, wish: KeyWish, secret: str) -> NewKey:
    """Store a key with a secret of one's own choice; without the checks of `create_key`."""
    service = wish.kind is KeyKind.SERVICE
    key = await keys.insert_key(
        conn,
        {
            "org_id": by.org_id,
            "kind": wish.kind.value,
            "user_id": None if service else by.user_id,
            "name": wish.name,
            "prefix": tokens.visible_prefix(secret),
            "digest": digest(secret),
            "role": wish.role,
            "restricted": not service and bool(wish.places),
            "created_by": by.user_id,
            "expires_at": wish.expires_at,
            "requests_per_minute": wish.requests_per_minute,
            "claims": msgspec.json.encode(dict(wish.claims)).decode(),
        },
    )
    for place, role in wish.places.items():
        await roles.put(conn, by.org_id, place, SubjectKind.KEY, key.id, role)
    detail = {"kind": key.kind.value, "role": key.role.label if key.role else None, "prefix": key.prefix}
    await audit.record(conn, by, "key.create", "key", key.id, key.name, detail)
    return NewKey(key, secret)


async def list_keys(
    conn: Connection, principal: Principal, page: Page | None, *, revoked: bool = False
) -> tuple[int, list[ApiKey]]:
    """Admins see the keys of the org, users their own, a service key itself."""
    if _sees_all(principal):
        return await keys.keys(conn, principal.org_id, page, revoked=revoked)
    key_id = principal.key_id if principal.user_id is None else None
    return await keys.keys(
        conn, principal.org_id, page, user_id=principal.user_id, key_id=key_id, revoked=revoked
    )


async def find_key(conn: Connection, principal: Principal, key_id: int, *, lock: bool = False) -> ApiKey:
    """A key that this caller sees. Raises `NotFound`."""
    key = await keys.key(conn, principal.org_id, key_id, lock=lock) if key_id > 0 else None
    if key is None:
        raise errors.NotFound
    own = key.id == principal.key_id or (key.user_id is not None and key.user_id == principal.user_id)
    if not own and not _sees_all(principal):
        raise errors.NotFound
    return key


async def update_key(
    conn: Connection, principal: Principal, key: ApiKey, values: Mapping[str, Any]
) -> ApiKey:
    """Change name, expiry or request limit; the limit takes an admin."""
    if "requests_per_minute" in values and not _sees_all(principal):
        raise errors.Forbidden
    if "requests_per_minute" in values:
        _check_limit(await _own_limit(conn, principal), values["requests_per_minute"])
    if "expires_at" in values:
        check_expiry(principal, values["expires_at"])
    changed = await keys.update_key(conn, key.id, values)
    await changes.key_changed(conn, key.id)
    await audit.record(
        conn, principal, "key.update", "key", key.id, changed.name, {"changed": sorted(values)}
    )
    return changed


async def revoke_key(conn: Connection, principal: Principal, key: ApiKey) -> None:
    """The key stops working, in every process, when this commits."""
    if await keys.revoke(conn, api_keys.c.id == key.id):
        await changes.key_changed(conn, key.id)
        await audit.record(conn, principal, "key.revoke", "key", key.id, key.name, {"prefix": key.prefix})


async def _own_limit(conn: Connection, principal: Principal) -> int | None:
    """The request limit of the key by which the caller came."""
    if principal.key_id is None:
        return None
    key = await keys.key(conn, principal.org_id, principal.key_id)
    return key.requests_per_minute if key else None


def _check_limit(own: int | None, wanted: int | None) -> None:
    if own is not None and (wanted is None or wanted > own):
        sentence = f"A key that is held to {own} requests per minute cannot give a key more."
        raise errors.Invalid({"requests_per_minute": [sentence]})


def check_expiry(principal: Principal, expires_at: datetime | None) -> None:
    if expires_at is not None and (expires_at.year >= _LAST_YEAR or expires_at <= clock.now()):
        sentence = f"A key expires in the future and before the year {_LAST_YEAR}."
        raise errors.Invalid({"expires_at": [sentence]})
    if principal.key_id is None or principal.expires_at is None:
        return
    if expires_at is None or expires_at > principal.expires_at:
        raise errors.Forbidden("A key cannot make keys that outlive it.")


def _narrowed(principal: Principal, wish: KeyWish) -> KeyWish:
    """A key made by a key is held to what that one holds now, since its own cap is not its user's."""
    if principal.key_id is None or wish.kind is KeyKind.SERVICE or wish.role is not None or wish.places:
        return wish
    if principal.org_role is None:
        if not principal.roles:
            raise errors.Forbidden
        return replace(wish, places=dict(principal.roles))
    return replace(wish, role=principal.org_role)


def _sees_all(principal: Principal) -> bool:
    return principal.org_role is not None and principal.org_role >= Role.ADMIN
