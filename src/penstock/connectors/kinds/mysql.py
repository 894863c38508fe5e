"""MySQL and MariaDB: a login on a server that we can reach, which only reads. Needs the optional package pymysql."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

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

# How statements are read and what they may do, whatever the server's own settings are.
_SESSION: Final = (
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00'",
    "SET SESSION TRANSACTION READ ONLY",
    "START TRANSACTION READ ONLY",
)
_TABLES: Final = """
    SELECT c.table_schema, c.table_name, c.column_name, c.column_type FROM information_schema.columns AS c
     WHERE c.table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
     ORDER BY c.table_schema <> DATABASE(), c.table_schema, c.table_name, c.ordinal_position LIMIT 200000
"""
_REFUSED: Final = (1044, 1045, 1698)
_NO_DATABASE: Final = 1049


class MySqlSettings(Fields, kw_only=True):
    """Where the server is and as whom to log in; `tls` `verify` asks for a certificate of the host."""

    host: Host
    port: Port = 3306
    database: Word
    user: Word
    tls: Literal["off", "require", "verify"] = "off"


class MySqlSecrets(Fields, kw_only=True):
    """The password of the user."""

    password: Password


@dataclass(frozen=True, slots=True)
class MySqlAddress:
    """Where and as whom to connect; `address` was looked at and may be reached."""

    host: str
    address: str
    port: int
    user: str
    password: str
    database: str
    tls: str

    @contextmanager
    def connected(self, **options: Any) -> Generator[Any]:
        """A connection in a transaction that only reads. Blocks. Raises `CheckFailed`."""
        pymysql = _pymysql()
        where = f"{self.host}:{self.port}"
        try:
            connection: Any = pymysql.connect(
                host=self.address,
                port=self.port,
                user=self.user,
                password=self.password,
                database=self.database,
                charset="utf8mb4",
                connect_timeout=PATIENCE,
                local_infile=False,
                autocommit=False,
                ssl=_tls(self.host, self.tls),
                ssl_disabled=self.tls == "off",
                **{"read_timeout": PATIENCE, "write_timeout": PATIENCE, **options},
            )
        except pymysql.err.MySQLError as error:
            raise _refused(error, where, self) from error
        except (OSError, ValueError) as error:
            raise CheckFailed(f"Nothing answers at {where}.") from error
        try:
            with connection.cursor() as cursor:
                for statement in _SESSION:
                    cursor.execute(statement)
            yield connection
        finally:
            # What is left to be read is not read.
            with suppress(Exception):
                connection._force_close()


async def address_of(
    settings: MySqlSettings, secrets: MySqlSecrets, limits: OutboundSettings
) -> MySqlAddress:
    """Raises what `outbound.addresses` does."""
    addresses = await outbound.addresses(settings.host, settings.port, limits)
    return MySqlAddress(
        settings.host,
        addresses[0],
        settings.port,
        settings.user,
        secrets.password,
        settings.database,
        settings.tls,
    )


async def check(settings: MySqlSettings, secrets: MySqlSecrets, limits: OutboundSettings) -> str:
    rows = await _asked(settings, secrets, limits, "SELECT VERSION()")
    version = str(rows[0][0])
    name = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{name} {shown(version.partition('-')[0], 40)} answers as '{settings.user}'."


async def describe(
    settings: MySqlSettings, secrets: MySqlSecrets, limits: OutboundSettings
) -> list[TableShape]:
    """Tables of the login's own database by their name, others after that of their database."""
    rows = await _asked(settings, secrets, limits, _TABLES)
    own = settings.database
    return grouped(tuple(str(one) for one in (row[1:] if row[0] == own else row)) for row in rows)


async def _asked(
    settings: MySqlSettings, secrets: MySqlSecrets, limits: OutboundSettings, statement: str
) -> list[Any]:
    address = await address_of(settings, secrets, limits)
    return await asyncio.to_thread(_ask, address, statement)


def _ask(address: MySqlAddress, statement: str) -> list[Any]:
    with address.connected() as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return list(cursor.fetchall())
        except _pymysql().err.MySQLError as error:
            raise CheckFailed(f"{address.host}:{address.port} answers: {reason(error)}.") from error


def reason(error: Any) -> str:
    """What the server says, in a line."""
    return shown(error.args[1] if len(error.args) > 1 else error, 300).rstrip(".")


def _refused(error: Any, where: str, address: MySqlAddress) -> CheckFailed:
    code = error.args[0] if error.args else None
    if code in _REFUSED:
        return CheckFailed(f"{where} refuses the user '{address.user}' or the password.")
    if code == _NO_DATABASE:
        return CheckFailed(f"{where} has no database '{address.database}'.")
    if isinstance(code, int) and code < 2000:
        return CheckFailed(f"{where} answers: {reason(error)}.")
    return CheckFailed(f"No MySQL or MariaDB answers at {where} within {PATIENCE:g} seconds.")


def _tls(host: str, tls: str) -> Any:
    if tls == "off":
        return None
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    if tls == "verify":
        context.load_default_certs()
        return context
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Named(ssl.SSLContext):
    """Connects to an address, and expects the certificate of the name that led there."""

    name: str = ""

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*given, **{**named, "server_hostname": self.name})


def _pymysql() -> Any:
    try:
        return import_module("pymysql")
    except ModuleNotFoundError as error:
        raise CheckFailed("This server lacks the driver of MySQL: pip install 'penstock[mysql]'.") from error


KIND = Kind("mysql", "MySQL or MariaDB", MySqlSettings, MySqlSecrets, check, describe)
