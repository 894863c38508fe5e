"""PostgreSQL: a login on a server that we can reach."""

from __future__ import annotations

import ssl
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
    Word,
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


async def check(settings: PostgresSettings, secrets: PostgresSecrets, limits: OutboundSettings) -> str:
    where = f"{settings.host}:{settings.port}"
    addresses = await outbound.addresses(settings.host, settings.port, limits)
    try:
        connection: Any = await asyncpg.connect(
            host=addresses,
            port=settings.port,
            user=settings.user,
            password=secrets.password,
            database=settings.database,
            ssl=_tls(settings),
            timeout=PATIENCE,
            command_timeout=PATIENCE,
            statement_cache_size=0,
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
        version = await connection.fetchval("SHOW server_version")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise CheckFailed(f"{where} lets the user in and then answers nothing.") from error
    finally:
        connection.terminate()
    return f"PostgreSQL {shown(version, 40)} answers as '{settings.user}'."


def _tls(settings: PostgresSettings) -> Any:
    if settings.sslmode in ("disable", "prefer"):
        return settings.sslmode
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.name = settings.host
    if settings.sslmode == "verify-full":
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


KIND = Kind("postgresql", "PostgreSQL", PostgresSettings, PostgresSecrets, check)
