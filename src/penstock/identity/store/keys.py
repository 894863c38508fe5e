"""Keys: rows to models and back. Their secrets are known here only as digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, insert, select, update

from penstock.identity.models import ApiKey, KeyKind, Role
from penstock.identity.store.tables import api_keys
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page

_KEY = [api_keys.c[name] for name in ApiKey.__dataclass_fields__]
# Keys for one thing are the business of whoever has that thing.
_PLAIN = api_keys.c.kind != KeyKind.BOUND.value


async def insert_key(conn: Connection, values: Mapping[str, Any]) -> ApiKey:
    row = await conn.row(insert(api_keys).values(**values).returning(*_KEY))
    assert row is not None
    return key_of(row)


async def update_key(conn: Connection, key_id: int, values: Mapping[str, Any]) -> ApiKey:
    row = await conn.row(update(api_keys).where(api_keys.c.id == key_id).values(**values).returning(*_KEY))
    assert row is not None
    return key_of(row)


async def key(conn: Connection, org_id: int, key_id: int, *, lock: bool = False) -> ApiKey | None:
    statement = select(*_KEY).where(api_keys.c.org_id == org_id, api_keys.c.id == key_id, _PLAIN)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else key_of(row)


async def digest_known(conn: Connection, digest: bytes) -> bool:
    """True when some key, revoked ones included, has this digest."""
    return await conn.value(select(api_keys.c.id).where(api_keys.c.digest == digest)) is not None


async def keys(
    conn: Connection,
    org_id: int,
    page: Page | None,
    *,
    user_id: int | None = None,
    key_id: int | None = None,
    revoked: bool = False,
) -> tuple[int, list[ApiKey]]:
    """The number of keys that fit, and a page of them, newest first."""
    wanted: list[ColumnElement[bool]] = [api_keys.c.org_id == org_id, _PLAIN]
    if not revoked:
        wanted.append(api_keys.c.revoked_at.is_(None))
    if user_id is not None:
        wanted.append(api_keys.c.user_id == user_id)
    if key_id is not None:
        wanted.append(api_keys.c.id == key_id)
    statement = select(*_KEY).where(*wanted).order_by(api_keys.c.id.desc())
    if page is None:
        found = [key_of(row) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(api_keys).where(*wanted))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [key_of(row) for row in rows]


async def live_bound(
    conn: Connection, org_id: int, kind: str, ids: Sequence[int]
) -> dict[int, tuple[int, str]]:
    """Of each of these things its live key and the encrypted secret of that."""
    statement = select(api_keys.c.id, api_keys.c.bound_id, api_keys.c.sealed).where(
        api_keys.c.kind == KeyKind.BOUND.value,
        api_keys.c.org_id == org_id,
        api_keys.c.bound_kind == kind,
        api_keys.c.bound_id.in_(list(ids)),
        api_keys.c.revoked_at.is_(None),
    )
    return {row["bound_id"]: (row["id"], row["sealed"]) for row in await conn.rows(statement)}


async def sealed_of(conn: Connection, org_id: int, user_id: int) -> str | None:
    """The encrypted secret of the key of a user that is shown again."""
    statement = select(api_keys.c.sealed).where(
        api_keys.c.kind == KeyKind.USER.value,
        api_keys.c.org_id == org_id,
        api_keys.c.user_id == user_id,
        api_keys.c.sealed.is_not(None),
        api_keys.c.revoked_at.is_(None),
    )
    return await conn.value(statement.order_by(api_keys.c.id.desc()).limit(1))


async def revoke(conn: Connection, which: ColumnElement[bool]) -> list[int]:
    """Revoke the live keys among these; gives their ids."""
    statement = update(api_keys).where(which, api_keys.c.revoked_at.is_(None)).values(revoked_at=func.now())
    return [row["id"] for row in await conn.rows(statement.returning(api_keys.c.id))]


def key_of(row: Row) -> ApiKey:
    values: dict[str, Any] = {name: row[name] for name in ApiKey.__dataclass_fields__}
    role = None if row["role"] is None else Role(row["role"])
    values.update(kind=KeyKind(row["kind"]), role=role, claims=msgspec.json.decode(row["claims"]))
    return ApiKey(**values)
