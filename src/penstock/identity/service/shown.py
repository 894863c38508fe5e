"""The key of a user that can be shown again, as clients of the dashboard dialect expect of it: kept encrypted besides.

It is shown to its user and to owners of the org, who hold all there is in the org anyway.
"""

from __future__ import annotations

from penstock.identity import audit, changes, tokens
from penstock.identity.models import KeyKind, Member, Principal, Role
from penstock.identity.store import keys
from penstock.identity.store.tables import api_keys
from penstock.kit import errors
from penstock.kit.crypto import KeyRing, digest
from penstock.kit.db import Connection

_NAME = "Dashboard clients"


def may_show(principal: Principal, member: Member) -> bool:
    """For who came with all they hold; a platform admin's is their own alone."""
    if principal.narrowed or principal.bound is not None:
        return False
    if principal.user_id == member.user.id:
        return True
    return principal.org_role is Role.OWNER and not member.user.is_platform_admin


async def renew(conn: Connection, ring: KeyRing, principal: Principal, member: Member) -> str:
    """Another such key in place of the one there is. Raises `Forbidden` for who may not see it."""
    if not may_show(principal, member):
        raise errors.Forbidden
    return await give(conn, ring, principal, member)


async def give(conn: Connection, ring: KeyRing, by: Principal, member: Member) -> str:
    """As `renew`, for a user who has just been made."""
    user = member.user
    which = (
        (api_keys.c.org_id == by.org_id)
        & (api_keys.c.user_id == user.id)
        & (api_keys.c.kind == KeyKind.USER.value)
        & api_keys.c.sealed.is_not(None)
    )
    for key_id in await keys.revoke(conn, which):
        await changes.key_changed(conn, key_id)
    secret = tokens.new_shown_key()
    made = await keys.insert_key(
        conn,
        {
            "org_id": by.org_id,
            "kind": KeyKind.USER.value,
            "user_id": user.id,
            "name": _NAME,
            "prefix": tokens.visible_prefix(secret),
            "digest": digest(secret),
            "sealed": ring.encrypt(secret, context=_context(by.org_id, user.id)),
            "created_by": by.user_id,
        },
    )
    detail = {"kind": made.kind.value, "user": user.username, "prefix": made.prefix}
    await audit.record(conn, by, "key.create", "key", made.id, made.name, detail)
    return secret


async def find(conn: Connection, ring: KeyRing, principal: Principal, member: Member) -> str | None:
    """The secret of that key; None for who has none."""
    sealed = await keys.sealed_of(conn, principal.org_id, member.user.id)
    return (
        None if sealed is None else ring.decrypt(sealed, context=_context(principal.org_id, member.user.id))
    )


def _context(org_id: int, user_id: int) -> str:
    return f"key:{org_id}:user:{user_id}"
