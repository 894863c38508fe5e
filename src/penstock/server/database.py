"""From the bootstrap account to the logins of the pools: the quick way, when everything is in place already.

What is not in place yet is made by `bootstrap`, which is imported only then: most starts need neither SQLAlchemy
nor Alembic.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.parse import quote as quote_url

import asyncpg

from penstock import __version__
from penstock.kit.crypto import KeyRing, UnknownKey
from penstock.kit.db import Database, Login, Pool
from penstock.server.errors import SetupError
from penstock.server.settings import ServerSettings
from penstock.server.sql import quote

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
# Ends of the names of the two roles of an installation.
OWNER, RECORDS = "_owner", "_records"
_PATIENCE = 20  # attempts
LEAST_VERSION = 150000  # PostgreSQL 15


@dataclass(frozen=True, slots=True)
class Logins:
    """How the processes that serve reach the database; never the bootstrap account."""

    control: Login
    data: Login
    # Past a transaction pooler: what LISTEN and advisory locks need.
    direct: Login
    behind_pooler: bool

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Logins:
        raw = json.loads(text)
        control, data, direct = (Login(**raw[name]) for name in ("control", "data", "direct"))
        return cls(control, data, direct, raw["behind_pooler"])

    def database(self, settings: ServerSettings) -> Database:
        """The pools, not yet open."""
        return Database(
            Pool(self.control, size=settings.control_pool_size, behind_pooler=self.behind_pooler, json=True),
            Pool(self.data, size=settings.data_pool_size, behind_pooler=self.behind_pooler),
            direct=self.direct,
        )


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The account that sets things up, where it connects directly, and where the pools connect."""

    direct: Login
    pooled: Login
    # Called every second while serving: brings the embedded server back when it was killed.
    ensure: Callable[[], object] = field(default=_nothing, compare=False)

    @property
    def behind_pooler(self) -> bool:
        return (self.direct.host, self.direct.port) != (self.pooled.host, self.pooled.port)

    @property
    def url(self) -> str:
        """The direct address, for PostgreSQL's own programs."""
        login = self.direct
        user, password, database, host = (
            quote_url(text, safe="") for text in (login.user, login.password, login.database, login.host)
        )
        query = f"host={host}&port={login.port}" + (f"&sslmode={login.ssl}" if login.ssl else "")
        return f"postgresql://{user}:{password}@/{database}?{query}"

    def logins(self, prefix: str, owner_password: str, records_password: str) -> Logins:
        def as_role(at: Login, role: str, password: str) -> Login:
            return Login(at.host, at.port, prefix + role, password, at.database, at.ssl)

        return Logins(
            as_role(self.pooled, OWNER, owner_password),
            as_role(self.pooled, RECORDS, records_password),
            as_role(self.direct, OWNER, owner_password),
            self.behind_pooler,
        )


def login_from_url(url: str, *, source: str = "PENSTOCK_DATABASE_URL") -> Login:
    """`postgresql://user:password@host:port/database?sslmode=…`; `?host=/directory` names a socket directory."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise SetupError(f"{source} must begin with postgresql://, and it begins with '{parts.scheme}:'.")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = sorted(set(query) - {"host", "port", "sslmode", "user", "password", "dbname"})
    if unknown:
        raise SetupError(
            f"{source} has the parameter '{unknown[0]}', which is not known here; sslmode, host and port are."
        )
    try:
        port = int(query.get("port") or parts.port or 5432)
    except ValueError:
        raise SetupError(f"{source} has a port that is not a number.") from None
    user = query.get("user") or unquote(parts.username or "")
    database = query.get("dbname") or unquote(parts.path.lstrip("/"))
    host = query.get("host") or unquote(parts.hostname or "")
    for name, value in (("user", user), ("host", host), ("database", database)):
        if not value:
            raise SetupError(
                f"{source} names no {name}; it is written postgresql://user:password@host:port/database."
            )
    password = query.get("password") or unquote(parts.password or "")
    return Login(host, port, user, password, database, query.get("sslmode"))


def bootstrap_from_settings(settings: ServerSettings) -> Bootstrap:
    """The account given by `database_url`, and its way past a pooler when one is given."""
    assert settings.database_url
    pooled = login_from_url(settings.database_url)
    if not settings.database_direct_url:
        return Bootstrap(pooled, pooled)
    direct = login_from_url(settings.database_direct_url, source="PENSTOCK_DATABASE_DIRECT_URL")
    return Bootstrap(direct, pooled)


async def create_database(login: Login) -> None:
    """Make the database that `login` names, when it is missing; two processes may be here at once."""
    maintenance = Login(login.host, login.port, login.user, login.password, "postgres", login.ssl)
    async with connected(maintenance) as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = $1", login.database
        )
        if not found:
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE DATABASE {quote(login.database)} TEMPLATE template0")


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


async def can_log_in(login: Login) -> bool:
    """Whether role and password are accepted; raises `SetupError` when nobody answers."""
    try:
        async with connected(login):
            return True
    except _Refused:
        return False


def stamp(settings: ServerSettings, server_major: int) -> str:
    """What a set-up database depends on: the release, its migrations, the role settings, the PostgreSQL version."""
    migrations = sorted(path.name for path in MIGRATIONS.glob("*.py"))
    parts = [__version__, *migrations, str(settings.statement_timeout), str(server_major), _sources()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _sources() -> str:
    """Grants and functions live in the code of `bootstrap` and `vectors`, so their text is part of the stamp."""
    here = Path(__file__).parent
    return hashlib.sha256(
        b"".join((here / name).read_bytes() for name in ("bootstrap.py", "vectors.py"))
    ).hexdigest()


def seal(ring: KeyRing, password: str, role: str) -> str:
    return ring.encrypt(password, context=f"database-role:{role}")


def unseal(ring: KeyRing, sealed: str, role: str) -> str:
    try:
        return ring.decrypt(sealed, context=f"database-role:{role}")
    except UnknownKey as error:
        raise SetupError(
            f"This database was set up with other encryption keys ({error}) Give them in PENSTOCK_ENCRYPTION_KEYS, "
            "or put the key file (keys.json) of the installation back into the data directory."
        ) from error


class _Refused(SetupError):
    """The password or the role is not accepted."""


@asynccontextmanager
async def connected(login: Login) -> AsyncIterator[Any]:
    """One connection outside any pool. Raises `SetupError` when it cannot be made."""
    try:
        connection: Any = await asyncpg.connect(**login.arguments(), timeout=20, statement_cache_size=0)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise _Refused(f"PostgreSQL refuses the account '{login.user}': {error}.") from error
    except asyncpg.ProtocolViolationError as error:  # how pgbouncer refuses a password
        raise _Refused(f"The pooler refuses the account '{login.user}': {error}.") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise SetupError(f"PostgreSQL at {login.host}:{login.port} cannot be reached: {reason}.") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
