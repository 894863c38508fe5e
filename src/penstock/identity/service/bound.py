"""Keys for one thing alone, such as a saved query; who hands them out sees them again, so they are kept encrypted."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.identity import changes, tokens
from penstock.identity.models import KeyKind, Place, Principal
from penstock.identity.store import keys
from penstock.identity.store.tables import api_keys
from penstock.kit.crypto import KeyRing, digest
from penstock.kit.db import Connection


async def give_bound_key(
    conn: Connection,
    ring: KeyRing,
    by: Principal,
    place: Place,
    *,
    user_id: int | None = None,
    key_id: int | None = None,
) -> str:
    """Make the key for a thing, in place of the one it has; it asks in the name of this user, or this service key."""
    await revoke_bound_key(conn, by, place)
    secret = tokens.new_shown_key()
    kind, number = place
    await keys.insert_key(
        conn,
        {
            "org_id": by.org_id,
            "kind": KeyKind.BOUND.value,
            "user_id": user_id,
            "behind_key_id": None if user_id is not None else key_id,
            "name": f"{kind} {number}",
            "prefix": tokens.visible_prefix(secret),
            "digest": digest(secret),
            "bound_kind": kind,
            "bound_id": number,
            "sealed": ring.encrypt(secret, context=_context(by.org_id, place)),
            "created_by": by.user_id,
        },
    )
    return secret


async def revoke_bound_key(conn: Connection, by: Principal, place: Place) -> bool:
    """The key of a thing stops working, in every process, when this commits; False when it has none."""
    kind, number = place
    which = (
        (api_keys.c.kind == KeyKind.BOUND.value)
        & (api_keys.c.org_id == by.org_id)
        & (api_keys.c.bound_kind == kind)
        & (api_keys.c.bound_id == number)
    )
    gone = await keys.revoke(conn, which)
    for key_id in gone:
        await changes.key_changed(conn, key_id)
    return bool(gone)


async def bound_secrets(
    conn: Connection, ring: KeyRing, org_id: int, kind: str, ids: Sequence[int]
) -> dict[int, str]:
    """The secrets of the keys of these things, for whom they may be shown to."""
    if not ids:
        return {}
    found = await keys.live_bound(conn, org_id, kind, ids)
    return {
        number: ring.decrypt(sealed, context=_context(org_id, (kind, number)))
        for number, (_, sealed) in found.items()
    }


def _context(org_id: int, place: Place) -> str:
    return f"key:{org_id}:{place[0]}:{place[1]}"
