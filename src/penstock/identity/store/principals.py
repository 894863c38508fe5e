"""Who a credential belongs to, and what it lets them do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from penstock.identity.models import Claim, KeyKind, Place, Principal, PrincipalKind, Role, SubjectKind
from penstock.identity.store import QUERIES
from penstock.kit.db import Pool, Row

_read_claims = msgspec.json.Decoder(dict[str, Claim])
_held_rows = msgspec.json.Decoder(list[tuple[str, int, str, int]])


@dataclass(frozen=True, slots=True)
class Resolved:
    """A principal with what the cache must know of its credential. `stale`: `last_used_at` wants writing.

    `behind` is the service key in whose name a key for one thing asks.
    """

    principal: Principal
    requests_per_minute: int | None = None
    stale: bool = False
    behind: int | None = None


async def by_key(pool: Pool, digest: bytes) -> Resolved | None:
    """The principal of a live key."""
    row = await pool.single(QUERIES["principal_by_digest"], (digest,), repeatable=True)
    if row is None or row["kind"] != KeyKind.BOUND:
        return None if row is None else _key(row)
    return await _bound(pool, row)


async def _bound(pool: Pool, row: Row) -> Resolved | None:
    """What who stands behind the key may do at this moment, for the one thing that the key is for."""
    if row["behind_key_id"] is not None:
        found = await by_key_id(pool, row["behind_key_id"])
    else:
        found = await by_user(pool, row["user_id"], row["org_id"])
    if found is None or found.principal.org_id != row["org_id"]:
        return None
    principal = replace(
        found.principal,
        kind=PrincipalKind.BOUND_KEY,
        key_id=row["key_id"],
        is_platform_admin=False,
        bound=(row["bound_kind"], row["bound_id"]),
    )
    return Resolved(principal, row["requests_per_minute"], row["stale"], row["behind_key_id"])


async def by_key_id(pool: Pool, key_id: int) -> Resolved | None:
    row = await pool.single(QUERIES["digest_of_key"], (key_id,), repeatable=True)
    return None if row is None else await by_key(pool, row["digest"])


async def by_token(
    pool: Pool, user_id: int, org_id: int, version: int, family: str | None
) -> Resolved | None:
    """The principal of a verified access token, unless its user, version or login has ended."""
    row = await pool.single(
        QUERIES["principal_by_token"], (user_id, org_id, version, family), repeatable=True
    )
    return None if row is None else Resolved(_user(row, family))


async def by_session(pool: Pool, digest: bytes) -> Resolved | None:
    row = await pool.single(QUERIES["session_by_digest"], (digest,), repeatable=True)
    if row is None:
        return None
    found = await by_token(pool, row["user_id"], row["org_id"], row["token_version"], row["family"])
    return found and replace(found, principal=replace(found.principal, expires_at=row["expires_at"]))


async def by_user(pool: Pool, user_id: int, org_id: int) -> Resolved | None:
    """The principal of a user as they are now, however they once came."""
    row = await pool.single(QUERIES["principal_by_user"], (user_id, org_id), repeatable=True)
    return None if row is None else Resolved(_user(row, None))


async def touch(pool: Pool, key_ids: list[int]) -> None:
    """Write down that these keys were used, at most once a minute each."""
    async with pool.transaction() as conn:
        await conn.execute(QUERIES["touch_keys"], key_ids)


def _key(row: Row) -> Resolved:
    mine, given = _held(row["held"])
    principal = _service_key(row, given) if row["kind"] == "service" else _user_key(row, mine, given)
    return Resolved(principal, row["requests_per_minute"], row["stale"])


def _service_key(row: Row, given: Mapping[Place, Role]) -> Principal:
    return Principal(
        org_id=row["org_id"],
        org_slug=row["org_slug"],
        kind=PrincipalKind.SERVICE_KEY,
        user_id=None,
        key_id=row["key_id"],
        username=row["name"],
        email=None,
        org_role=_role(row["key_role"]),
        roles=MappingProxyType(dict(given)),
        expires_at=row["expires_at"],
        claims=_claims(row),
    )


def _user_key(row: Row, mine: Mapping[Place, Role], given: Mapping[Place, Role]) -> Principal:
    """What the user may do, capped by the key's role and narrowed to the resources it was given."""
    org_role, cap = _role(row["org_role"]), _role(row["key_role"])
    roles: dict[Place, Role] = {}
    if row["restricted"]:
        for place, role in given.items():
            own = max((held for held in (org_role, mine.get(place)) if held is not None), default=None)
            if own is not None:
                roles[place] = min(role, own)
        org_role = None
    else:
        roles = {place: role if cap is None else min(cap, role) for place, role in mine.items()}
        org_role = min(cap, org_role) if cap is not None and org_role is not None else org_role
    return Principal(
        org_id=row["org_id"],
        org_slug=row["org_slug"],
        kind=PrincipalKind.USER_KEY,
        user_id=row["user_id"],
        key_id=row["key_id"],
        username=row["username"],
        email=row["email"],
        org_role=org_role,
        roles=MappingProxyType(roles),
        expires_at=row["expires_at"],
        # Others than the user may have seen a key that is shown again.
        is_platform_admin=row["is_platform_admin"]
        and cap is None
        and not (row["restricted"] or row["is_shown"]),
        narrowed=row["restricted"] or cap is not None or row["claims"] is not None,
        team_ids=tuple(row["team_ids"] or ()),
        claims=_claims(row),
    )


def _user(row: Row, family: str | None) -> Principal:
    mine, _ = _held(row["held"])
    return Principal(
        org_id=row["org_id"],
        org_slug=row["org_slug"],
        kind=PrincipalKind.USER,
        user_id=row["user_id"],
        key_id=None,
        username=row["username"],
        email=row["email"],
        org_role=_role(row["org_role"]),
        roles=MappingProxyType(mine),
        is_platform_admin=row["is_platform_admin"],
        family=family,
        team_ids=tuple(row["team_ids"] or ()),
    )


def _held(text: str | None) -> tuple[dict[Place, Role], dict[Place, Role]]:
    """Roles held by the user (directly, with a team, or as a member), and those given to the key."""
    mine: dict[Place, Role] = {}
    given: dict[Place, Role] = {}
    for kind, resource_id, subject, level in _held_rows.decode(text) if text else ():
        into = given if subject == SubjectKind.KEY else mine
        place = (kind, resource_id)
        into[place] = max(Role(level), into.get(place, Role(level)))
    return mine, given


def _claims(row: Row) -> Mapping[str, Claim]:
    return MappingProxyType(_read_claims.decode(row["claims"]) if row["claims"] else {})


def _role(level: Any) -> Role | None:
    return None if level is None else Role(level)
