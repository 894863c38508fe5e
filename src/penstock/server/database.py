"""From the bootstrap account to the logins of the pools: the quick way, when everything is in place already.

What is not in place yet is made by `bootstrap`, which is imported only then: most starts need neither SQLAlchemy
nor Alembic.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from penstock.kit.crypto import KeyRing
from penstock.server.errors import SetupError
from penstock.server.logins import OWNER, RECORDS, Bootstrap, Logins, can_log_in, connected, unseal
from penstock.server.settings import ServerSettings
from penstock.server.stamp import stamp

_PATIENCE = 20  # attempts
LEAST_VERSION = 150000  # PostgreSQL 15


async def prepare(
    account: Bootstrap, ring: KeyRing, settings: ServerSettings, *, repair: bool = False
) -> Logins:
    """Leave the database set up, migrated and reachable for the pools; next to nothing when it is so already.

    With `repair` everything is gone through in any case. Any number of processes may call this at once.
    Raises `SetupError`.
    """
    if not repair:
        async with connected(account.direct) as connection:
            ready = await _ready(connection, account, ring, settings)
        if ready:
            return ready
    from penstock.server import bootstrap  # noqa: PLC0415  (see the module docstring)

    await bootstrap.run(account, ring, settings, repair=repair)
    for _ in range(_PATIENCE):
        async with connected(account.direct) as connection:
            ready = await _ready(connection, account, ring, settings)
        if ready:
            break
        # A pooler may go on for a moment with the password it remembers.
        await asyncio.sleep(0.5)
    else:
        raise SetupError(
            "The database was set up, but its roles cannot log in; see the PostgreSQL log for the reason."
        )
    return ready


async def _ready(
    connection: Any, account: Bootstrap, ring: KeyRing, settings: ServerSettings
) -> Logins | None:
    """The logins, if the stamp is current and both roles can log in."""
    if connection.get_server_version().major * 10000 < LEAST_VERSION:
        raise SetupError(
            f"PostgreSQL 15 or later is needed, and this server is {connection.get_server_version().major}."
        )
    try:
        stored = await connection.fetchrow(
            "SELECT i.role_prefix, i.stamp, o.password AS owner, r.password AS records"
            " FROM penstock.installation i"
            " JOIN penstock.database_roles o ON o.name = i.role_prefix || '_owner'"
            " JOIN penstock.database_roles r ON r.name = i.role_prefix || '_records'"
        )
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InsufficientPrivilegeError):
        return None
    if stored is None or stored["stamp"] != stamp(settings, connection.get_server_version().major):
        return None
    prefix: str = stored["role_prefix"]
    logins = account.logins(
        prefix,
        unseal(ring, stored["owner"], prefix + OWNER),
        unseal(ring, stored["records"], prefix + RECORDS),
    )
    working = await asyncio.gather(*(can_log_in(login) for login in (logins.control, logins.data)))
    return logins if all(working) else None
