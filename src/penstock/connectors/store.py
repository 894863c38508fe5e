"""The table of credentials, and rows to models. What is sealed here is opened in the service only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Table,
    UniqueConstraint,
    Uuid,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.connectors.models import CheckResult, Credential
from penstock.identity import Grant
from penstock.kit.db import Connection, Row
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata
from penstock.kit.paging import Page

credentials = Table(
    "credentials",
    metadata,
    identity_column(),
    # What the secrets are sealed for: they cannot be moved to another row.
    Column("uid", Uuid, nullable=False, unique=True),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("name", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("description", TEXT, nullable=False, server_default=text("''")),
    Column("settings", JSONB, nullable=False),
    Column("sealed", TEXT, nullable=False),
    Column("created_by", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    created_column(),
    created_column("updated_at"),
    created_column("secrets_changed_at"),
    Column("checked_at", INSTANT),
    Column("check_ok", Boolean),
    Column("check_detail", TEXT),
    UniqueConstraint("org_id", "name"),
)


class NameTaken(Exception):
    """Another credential of the org has this name."""


_SHOWN = [credentials.c[name] for name in Credential.__dataclass_fields__]


async def add(conn: Connection, values: Mapping[str, Any]) -> Credential | None:
    """None when the name is taken."""
    statement = upsert(credentials).values(**values).on_conflict_do_nothing().returning(*_SHOWN)
    row = await conn.row(statement)
    return None if row is None else _credential(row)


async def listed(conn: Connection, grant: Grant, page: Page | None) -> tuple[int, list[Credential]]:
    mine = credentials.c.org_id == grant.org_id
    statement = select(*_SHOWN).where(mine).order_by(credentials.c.name, credentials.c.id)
    if page is None:
        found = [_credential(row) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(credentials).where(mine))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [_credential(row) for row in rows]


async def find(
    conn: Connection, grant: Grant, credential_id: int, *, lock: bool = False
) -> Credential | None:
    statement = select(*_SHOWN).where(credentials.c.org_id == grant.org_id, credentials.c.id == credential_id)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _credential(row)


async def find_named(conn: Connection, grant: Grant, name: str) -> Credential | None:
    statement = select(*_SHOWN).where(credentials.c.org_id == grant.org_id, credentials.c.name == name)
    row = await conn.row(statement)
    return None if row is None else _credential(row)


async def sealed(conn: Connection, grant: Grant, credential_id: int) -> str | None:
    return await conn.value(
        select(credentials.c.sealed).where(
            credentials.c.org_id == grant.org_id, credentials.c.id == credential_id
        )
    )


async def change(
    conn: Connection, grant: Grant, credential_id: int, values: Mapping[str, Any], *, secrets_changed: bool
) -> Credential:
    """Raises `NameTaken`."""
    moments = {"updated_at": func.now(), **({"secrets_changed_at": func.now()} if secrets_changed else {})}
    statement = (
        update(credentials)
        .where(credentials.c.org_id == grant.org_id, credentials.c.id == credential_id)
        .values(**values, **moments)
        .returning(*_SHOWN)
    )
    try:
        row = await conn.row(statement)
    except asyncpg.UniqueViolationError as error:
        raise NameTaken from error
    assert row is not None
    return _credential(row)


async def note_check(conn: Connection, grant: Grant, credential: Credential, result: CheckResult) -> None:
    """What a check found, unless the credential was changed while it ran."""
    await conn.execute(
        update(credentials)
        .where(
            credentials.c.org_id == grant.org_id,
            credentials.c.id == credential.id,
            credentials.c.updated_at == credential.updated_at,
        )
        .values(checked_at=func.now(), check_ok=result.ok, check_detail=result.detail)
    )


async def remove(conn: Connection, grant: Grant, credential_id: int) -> None:
    await conn.execute(
        delete(credentials).where(credentials.c.org_id == grant.org_id, credentials.c.id == credential_id)
    )


async def sealed_with_another_key(conn: Connection, key_id: str, most: int) -> list[Row]:
    return await conn.rows(
        select(credentials.c.id, credentials.c.uid, credentials.c.sealed)
        .where(func.split_part(credentials.c.sealed, ".", 1) != key_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


async def reseal(conn: Connection, credential_id: int, sealed_anew: str) -> None:
    await conn.execute(
        update(credentials).where(credentials.c.id == credential_id).values(sealed=sealed_anew)
    )


def _credential(row: Row) -> Credential:
    return Credential(**{name: row[name] for name in Credential.__dataclass_fields__})
