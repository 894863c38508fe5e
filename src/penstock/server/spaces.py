"""The space of an organization in the database: a schema for its tables and a login that may only read them.

Made by the owner role inside the transaction that makes the organization.
"""

from __future__ import annotations

import secrets
from typing import Any

from penstock import identity
from penstock.kit.crypto import KeyRing
from penstock.kit.db import Connection
from penstock.kit.events import Events
from penstock.server.logins import OWNER, RECORDS, seal
from penstock.server.sql import quote, scram

_READER_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
}


async def create_space(conn: Connection, ring: KeyRing, *, schema: str, role: str) -> None:
    """Create schema and login. The login owns nothing, reads this schema only, and logs in with a sealed password."""
    owner = await conn.value("SELECT current_user")
    records = quote(owner.removesuffix(OWNER) + RECORDS)
    reader, space = quote(role), quote(schema)
    password = secrets.token_urlsafe(24)
    await conn.execute(f"CREATE SCHEMA {space}")
    await make_reader(conn, role, password)
    await conn.execute(f"GRANT USAGE ON SCHEMA {space} TO {records}, {reader}")
    await conn.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {space} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {records}"
    )
    await conn.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {space} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {records}"
    )
    await conn.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {space} GRANT SELECT ON TABLES TO {reader}")
    await conn.execute(
        "INSERT INTO penstock.database_roles (name, purpose, password) VALUES ($1, 'reader', $2)",
        role,
        seal(ring, password, role),
    )


async def make_reader(conn: Any, role: str, password: str) -> None:
    """The login alone, made or put right; `conn` is ours or the driver's."""
    reader = quote(role)
    found = await (conn.value if isinstance(conn, Connection) else conn.fetchval)(
        "SELECT count(*) FROM pg_roles WHERE rolname = $1", role
    )
    verb = "ALTER" if found else "CREATE"
    await conn.execute(f"{verb} ROLE {reader} LOGIN NOINHERIT PASSWORD '{scram(password)}'")
    for setting, value in _READER_SETTINGS.items():
        await conn.execute(f"ALTER ROLE {reader} SET {setting} = '{value}'")


def subscribed(ring: KeyRing) -> Events:
    """The events of a process, with what the server does about them."""

    async def make_space(conn: Connection, event: identity.OrgCreated) -> None:
        await create_space(conn, ring, schema=event.org.database_schema, role=event.org.database_role)

    events = Events()
    events.subscribe(identity.OrgCreated, make_space)
    return events
