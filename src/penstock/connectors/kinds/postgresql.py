"""PostgreSQL: a login on a server that we can reach."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from penstock.connectors.kinds.base import (
    PATIENCE,
    CheckFailed,
    Fields,
    Host,
    Kind,
    Password,
    Port,
    TableShape,
    Word,
    grouped,
    shown,
)
from penstock.kit import outbound
from penstock.kit.outbound import OutboundSettings


class PostgresSettings(Fields, kw_only=True):
    """Where the server is and as whom to log in; `sslmode` is libpq's."""

    host: Host
    port: Port = 5432
    database: Word
    user: Word
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"


class PostgresSecrets(Fields, kw_only=True):
    """The password of the user."""

    password: Password


_TABLES = """
    SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
     ORDER BY n.nspname <> 'public', n.nspname, c.relname, a.attnum
     LIMIT 200000
"""


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where and as whom to connect: `addresses` were looked at and may be reached; certificates name the host."""

    host: str
    addresses: tuple[str, ...]
    port: int
    user: str
    password: str
    database: str
    sslmode: str

    def arguments(self) -> dict[str, Any]:
        """For asyncpg."""
        return {
            "host": list(self.addresses),
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "ssl": _tls(self.host, self.sslmode),
        }


async def address_of(
    settings: PostgresSettings, secrets: PostgresSecrets, limits: OutboundSettings
) -> PostgresAddress:
    """Raises what `outbound.addresses` does."""
    addresses = await outbound.addresses(settings.host, settings.port, limits)
    return PostgresAddress(
        settings.host,
        tuple(addresses),
        settings.port,
        settings.user,
        secrets.password,
        settings.database,
        settings.sslmode,
    )


async def check(settings: PostgresSettings, secrets: PostgresSecrets, limits: OutboundSettings) -> str:
    where = f"{settings.host}:{settings.port}"
    async with _connected(settings, secrets, limits) as connection:
        try:
            version = await connection.fetchval("SHOW server_version")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise CheckFailed(f"{where} lets the user in and then answers nothing.") from error
    return f"PostgreSQL {shown(version, 40)} answers as '{settings.user}'."


async def describe(
    settings: PostgresSettings, secrets: PostgresSecrets, limits: OutboundSettings
) -> list[TableShape]:
    """What the user may read."""
    async with _connected(settings, secrets, limits) as connection:
        try:
            rows = await connection.fetch(_TABLES)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise CheckFailed(
                f"{settings.host}:{settings.port} does not say which tables it has: {shown(error)}."
            ) from error
    return grouped(tuple(row) for row in rows)


@asynccontextmanager
async def _connected(
    settings: PostgresSettings, secrets: PostgresSecrets, limits: OutboundSettings
) -> AsyncGenerator[Any]:
    where = f"{settings.host}:{settings.port}"
    address = await address_of(settings, secrets, limits)
    try:
        connection: Any = await asyncpg.connect(
            **address.arguments(), timeout=PATIENCE, command_timeout=PATIENCE, statement_cache_size=0
        )
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        raise CheckFailed(f"{where} refuses the user '{settings.user}' or the password.") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise CheckFailed(f"{where} has no database '{settings.database}'.") from error
    except asyncpg.PostgresError as error:
        raise CheckFailed(f"{where} answers: {shown(error)}.") from error
    except TimeoutError as error:
        raise CheckFailed(f"{where} does not answer within {PATIENCE:g} seconds.") from error
    except ssl.SSLError as error:
        raise CheckFailed(
            f"No TLS connection with {where} comes about: {shown(error.reason or error)}."
        ) from error
    except OSError as error:
        raise CheckFailed(f"Nothing answers at {where}.") from error
    except Exception as error:  # what a server that is none of its kind makes the driver stumble over
        raise CheckFailed(
            f"What answers at {where} is not PostgreSQL, or not over '{settings.sslmode}'."
        ) from error
    try:
        yield connection
    finally:
        connection.terminate()


def _tls(host: str, sslmode: str) -> Any:
    if sslmode in ("disable", "prefer"):
        return sslmode
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    if sslmode == "verify-full":
        context.load_default_certs()
        return context
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Named(ssl.SSLContext):
    """Connects to an address, and expects the certificate of the name that led there."""

    name: str = ""

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        return super().wrap_bio(*given, **{**named, "server_hostname": self.name})


KIND = Kind("postgresql", "PostgreSQL", PostgresSettings, PostgresSecrets, check, describe)
