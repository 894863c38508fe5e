"""Refresh and session tokens: one family per login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, text, update

from penstock.identity.store.tables import refresh_tokens
from penstock.kit.db import Connection

_COLUMNS = (
    "id", "family", "kind", "user_id", "org_id", "expires_at", "spent_at", "revoked_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A refresh or session token as it is kept."""

    id: int
    family: str
    kind: str
    user_id: int
    org_id: int
    expires_at: datetime
    spent_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """What the tokens of one login share."""

    family: str
    user_id: int
    org_id: int
    expires_at: datetime


async def insert_token(conn: Connection, login: Login, kind: str, digest: bytes) -> None:
    await conn.execute(
        insert(refresh_tokens).values(
            family=login.family,
            kind=kind,
            user_id=login.user_id,
            org_id=login.org_id,
            digest=digest,
            expires_at=login.expires_at,
        )
    )


async def token(conn: Connection, digest: bytes) -> StoredToken | None:
    columns = [refresh_tokens.c[name] for name in _COLUMNS]
    row = await conn.row(select(*columns).where(refresh_tokens.c.digest == digest))
    return None if row is None else StoredToken(**{name: row[name] for name in _COLUMNS})


async def spend(conn: Connection, token_id: int) -> None:
    statement = update(refresh_tokens).where(refresh_tokens.c.id == token_id).values(spent_at=func.now())
    await conn.execute(statement)


async def extend_session(conn: Connection, family: str, expires_at: datetime) -> None:
    """The session token of a login lives as long as its newest refresh token."""
    await conn.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.family == family, refresh_tokens.c.kind == "session")
        .values(expires_at=expires_at)
    )


async def revoke_family(conn: Connection, family: str) -> int:
    return await conn.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.family == family, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def revoke_user(conn: Connection, user_id: int, org_id: int | None = None) -> int:
    """End every login of a user (in one org)."""
    statement = update(refresh_tokens).where(
        refresh_tokens.c.user_id == user_id, refresh_tokens.c.revoked_at.is_(None)
    )
    if org_id is not None:
        statement = statement.where(refresh_tokens.c.org_id == org_id)
    return await conn.execute(statement.values(revoked_at=func.now()))


async def forget_old(conn: Connection, user_id: int) -> None:
    """Delete what expired more than a day ago: until then it still tells reuse from nonsense."""
    old = refresh_tokens.c.expires_at < func.now() - text("interval '1 day'")
    await conn.execute(delete(refresh_tokens).where(refresh_tokens.c.user_id == user_id, old))
