"""Sets a database up: roles, metadata schema, migrations, the folding function, grants.

One transaction under one advisory lock, so that any number of processes may start at once and a kill in the
middle leaves nothing. What is already in place is left as it is; passwords are put back when they do not work.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from penstock.kit import ids
from penstock.kit.crypto import KeyRing
from penstock.kit.db import Login
from penstock.server import migrations, spaces
from penstock.server.errors import SetupError
from penstock.server.logins import OWNER, RECORDS, Bootstrap, can_log_in, seal, unseal
from penstock.server.settings import ServerSettings
from penstock.server.sql import quote, scram
from penstock.server.stamp import stamp
from penstock.server.vectors import open_vectors

_LOCK = 7_310_519_260  # any number that no other program is likely to lock

# What the records role may do to the metadata schema; everything else there is closed to it.
RECORDS_GRANTS = {
    "installation": "SELECT",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
    "audit_entries": "INSERT",
    "imports": "SELECT, INSERT, UPDATE, DELETE",
    "quarantined_rows": "SELECT, INSERT, DELETE",
    # A trigger of the owner's writes them.
    "record_changes": "SELECT",
    "record_feeds": "SELECT",
}


@dataclass(frozen=True, slots=True)
class _Installation:
    prefix: str
    owner_password: str
    records_password: str
    stamp: str
    new: bool

    @property
    def owner(self) -> str:
        return self.prefix + OWNER

    @property
    def records(self) -> str:
        return self.prefix + RECORDS


async def run(account: Bootstrap, ring: KeyRing, settings: ServerSettings, *, repair: bool = False) -> None:
    """Set up or repair. Raises `SetupError` with what is missing."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: _connect(account.direct), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await _set_up(connection, account, ring, settings, repair)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SetupError(_lacking(account.direct, error)) from error
    except Exception as error:
        cause = getattr(error, "orig", None)
        if isinstance(getattr(cause, "__cause__", None), asyncpg.InsufficientPrivilegeError):
            raise SetupError(_lacking(account.direct, cause)) from error
        raise
    finally:
        await engine.dispose()


async def _connect(login: Login) -> Any:
    return await asyncpg.connect(**login.arguments(), timeout=20, statement_cache_size=0)


def _lacking(login: Login, error: BaseException | None) -> str:
    return (
        f"The account '{login.user}' lacks a right that setting up the database '{login.database}' needs ({error}). "
        f'It must have CREATEROLE and own the database: ALTER ROLE "{login.user}" CREATEROLE; '
        f'ALTER DATABASE "{login.database}" OWNER TO "{login.user}".'
    )


async def _set_up(
    connection: AsyncConnection, account: Bootstrap, ring: KeyRing, settings: ServerSettings, repair: bool
) -> None:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    await _check(raw)
    found = await _find(raw, ring)
    wanted = stamp(settings, raw.get_server_version().major)
    working = set() if found.new else await _working(account, found)
    if not repair and found.stamp == wanted and working == {found.owner, found.records}:
        return  # another process did it while this one waited for the lock
    await _ensure_roles(raw, found, settings, working)
    await open_database(raw, found.prefix)
    if found.new:
        await raw.execute(f'CREATE SCHEMA penstock AUTHORIZATION "{found.owner}"')
    await raw.execute(f'SET LOCAL ROLE "{found.owner}"')
    await connection.run_sync(migrations.upgrade)
    await _ensure_fold(raw)
    await _settle_changes(raw)
    if found.new:
        await _record(raw, ring, found)
    await _grant(raw, found)
    await raw.execute("UPDATE penstock.installation SET stamp = $1", wanted)
    await raw.execute("RESET ROLE")
    await open_vectors(raw, found.owner, found.records)
    if not found.new:
        await _ensure_readers(raw, ring, found.owner)


async def _check(raw: Any) -> None:
    facts = await raw.fetchrow(
        "SELECT current_setting('server_encoding') AS encoding, rolname, rolsuper OR rolcreaterole AS may"
        " FROM pg_roles WHERE rolname = current_user"
    )
    if facts["encoding"] != "UTF8":
        raise SetupError(f"The database's encoding is {facts['encoding']}; create one with ENCODING 'UTF8'.")
    if not facts["may"]:
        raise SetupError(
            f"The account '{facts['rolname']}' may not create roles: ALTER ROLE \"{facts['rolname']}\" CREATEROLE."
        )


async def _find(raw: Any, ring: KeyRing) -> _Installation:
    """The installation in this database, or a new one."""
    present = await raw.fetchval(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'penstock' AND c.relname IN ('installation', 'database_roles')"
    )
    if not present:
        if await raw.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'penstock'"):
            raise SetupError(
                "The database has a schema 'penstock' that this program did not make; rename or drop it."
            )
        passwords = (secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        return _Installation(f"penstock_{ids.lower(8)}", *passwords, stamp="", new=True)
    prefix, present_stamp = await raw.fetchrow("SELECT role_prefix, stamp FROM penstock.installation")
    sealed = dict(
        await raw.fetch("SELECT name, password FROM penstock.database_roles WHERE purpose <> 'reader'")
    )
    owner, records = prefix + OWNER, prefix + RECORDS
    passwords = (unseal(ring, sealed[owner], owner), unseal(ring, sealed[records], records))
    return _Installation(prefix, *passwords, stamp=present_stamp, new=False)


async def _working(account: Bootstrap, found: _Installation) -> set[str]:
    """The roles that can log in with the stored password, past any pooler."""
    logins = Bootstrap(account.direct, account.direct).logins(
        found.prefix, found.owner_password, found.records_password
    )
    return {login.user for login in (logins.control, logins.data) if await can_log_in(login)}


async def _ensure_roles(raw: Any, found: _Installation, settings: ServerSettings, working: set[str]) -> None:
    existing = {row["rolname"] for row in await raw.fetch("SELECT rolname FROM pg_roles")}
    # The owner makes one read-only login per organization while the server runs, hence CREATEROLE.
    for name, password, rights in (
        (found.owner, found.owner_password, "CREATEROLE"),
        (found.records, found.records_password, "NOCREATEROLE"),
    ):
        verb = "ALTER" if name in existing else "CREATE"
        # A pooler remembers what it was told of a password, so one that works is left alone.
        change = "" if name in working else f"PASSWORD '{scram(password)}'"
        await raw.execute(f"{verb} ROLE {quote(name)} LOGIN {rights} {change}")
        for setting, value in _role_settings(settings).items():
            await raw.execute(f"ALTER ROLE \"{name}\" SET {setting} = '{value}'")
    if not await raw.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # Since PostgreSQL 16 whoever creates a role administers it without being able to act as it.
        options = " WITH INHERIT TRUE, SET TRUE" if raw.get_server_version().major >= 16 else ""
        await raw.execute(f'GRANT "{found.owner}" TO CURRENT_USER{options}')


def _role_settings(settings: ServerSettings) -> dict[str, str]:
    """Set on the role, because pooled connections never carry settings of a session."""
    milliseconds = int(settings.statement_timeout * 1000)
    return {
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "search_path": "pg_catalog",
        "statement_timeout": f"{milliseconds}ms",
        "idle_in_transaction_session_timeout": f"{milliseconds + 30_000}ms",
        "client_min_messages": "warning",
        # Compiling costs more than it saves on statements that answer a request.
        "jit": "off",
    }


async def open_database(raw: Any, prefix: str) -> None:
    """Let the roles of the installation, and nobody else, make things in this database."""
    database = quote(await raw.fetchval("SELECT current_database()"))
    await raw.execute(f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC")
    await raw.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await raw.execute(f'GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO "{prefix}_owner"')
    await raw.execute(f'GRANT CONNECT ON DATABASE {database} TO "{prefix}_records"')


async def _ensure_readers(raw: Any, ring: KeyRing, owner: str) -> None:
    """The logins of organizations; in a restored database they exist by name only, or not at all."""
    lost = await raw.fetch(
        "SELECT d.name, d.password FROM penstock.database_roles d LEFT JOIN pg_roles r ON r.rolname = d.name"
        " WHERE d.purpose = 'reader' AND r.rolcanlogin IS NOT TRUE"
    )
    for row in lost:
        await spaces.make_reader(raw, row["name"], unseal(ring, row["password"], row["name"]))
        if raw.get_server_version().major >= 16:
            # As if the owner had made it.
            options = "ADMIN TRUE, INHERIT FALSE, SET FALSE"
            await raw.execute(f"GRANT {quote(row['name'])} TO {quote(owner)} WITH {options}")


async def _ensure_fold(raw: Any) -> None:
    """`penstock.fold(text)`; kept once made, because indexes depend on what it gives."""
    collations = [
        row["collname"]
        for row in await raw.fetch(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
            " AND collname IN ('pg_c_utf8', 'und-x-icu') ORDER BY collname"
        )
    ]
    if not collations:
        raise SetupError(
            "This PostgreSQL folds case by its operating system only; "
            "version 17 or later, or one built with ICU, is needed."
        )
    present = await raw.fetchval(
        "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'penstock' AND p.proname = 'fold'"
    )
    if present and any(collation in present for collation in collations):
        return
    # Missing, or restored from a server with other collations; the two fold alike.
    await raw.execute(
        "CREATE OR REPLACE FUNCTION penstock.fold(text) RETURNS text"
        " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS"
        f""" $$ SELECT lower(translate($1, 'İΣς', 'iσσ') COLLATE pg_catalog."{collations[0]}")"""
        """ COLLATE pg_catalog."C" $$"""
    )


async def _settle_changes(raw: Any) -> None:
    """In a restored database the changes of records name transactions of another server."""
    foreign = await raw.fetchval(
        "SELECT EXISTS (SELECT FROM penstock.record_changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))"
    )
    if foreign:
        # Older than any transaction here; the cursors of before are refused.
        await raw.execute("UPDATE penstock.record_changes SET xid = '3'")
        await raw.execute("UPDATE penstock.record_feeds SET epoch = DEFAULT, gone_xid = DEFAULT")


async def _record(raw: Any, ring: KeyRing, found: _Installation) -> None:
    await raw.execute(
        "INSERT INTO penstock.installation (id, role_prefix) VALUES ($1, $2)", uuid.uuid4(), found.prefix
    )
    await raw.executemany(
        "INSERT INTO penstock.database_roles (name, purpose, password) VALUES ($1, $2, $3)",
        [
            (found.owner, "owner", seal(ring, found.owner_password, found.owner)),
            (found.records, "records", seal(ring, found.records_password, found.records)),
        ],
    )


async def _grant(raw: Any, found: _Installation) -> None:
    await raw.execute(f'GRANT USAGE ON SCHEMA penstock TO "{found.records}"')
    for table, rights in RECORDS_GRANTS.items():
        await raw.execute(f'GRANT {rights} ON penstock.{quote(table)} TO "{found.records}"')
