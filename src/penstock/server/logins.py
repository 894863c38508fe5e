"""How the database is reached: the account that sets things up, the roles' logins and their sealed passwords."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.parse import quote as quote_url

import asyncpg

from penstock.kit.crypto import KeyRing, UnknownKey
from penstock.kit.db import Database, Login, Pool
from penstock.server.errors import SetupError
from penstock.server.settings import ServerSettings
from penstock.server.sql import quote

# Ends of the names of the two roles of an installation.
OWNER, RECORDS = "_owner", "_records"


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


async def can_log_in(login: Login) -> bool:
    """Whether role and password are accepted; raises `SetupError` when nobody answers."""
    try:
        async with connected(login):
            return True
    except _Refused:
        return False


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
