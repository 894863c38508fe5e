"""The only place that reads the environment: flags, `PENSTOCK_…` variables, a TOML file and defaults become sections.

Flags win over the environment, the environment over the file, the file over the defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from penstock.kit.settings import (
    Option,
    SettingError,
    at_least,
    build,
    from_text,
    from_value,
    options,
    setting,
)

Section = TypeVar("Section")
CONFIG_VARIABLE = "PENSTOCK_CONFIG"
_FILE_NAME = "penstock.toml"
# Read by the command-line client, which is a distribution of its own, and by the test suite.
_FOREIGN = (
    "PENSTOCK_URL",
    "PENSTOCK_KEY",
    "PENSTOCK_ORG",
    "PENSTOCK_PROFILE",
    "PENSTOCK_EMAIL",
    "PENSTOCK_PASSWORD",
)
_FOREIGN_PREFIX = "PENSTOCK_TEST_"
_MIB = 1024 * 1024


def _port(value: int) -> str | None:
    return None if 0 < value < 65536 else "is not a port between 1 and 65535"


def _url(value: str | None) -> str | None:
    if value is None or value.startswith(("http://", "https://")):
        return None
    return "must begin with http:// or https://"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, what it keeps where, and the limits it sets."""

    host: str = setting("127.0.0.1", "Address to listen on. The default is reachable from this machine only.")
    port: int = setting(5001, "TCP port to listen on.", check=_port)
    workers: int = setting(1, "Worker processes that answer requests.", check=at_least(1))
    data_dir: Path = setting(
        Path("penstock-data"),
        "Directory of the embedded PostgreSQL and of the key file; the one thing to back up.",
    )
    database_url: str | None = setting(
        None,
        "PostgreSQL 15 or later to use instead of the embedded one: `postgresql://user:password@host:port/database`. "
        "The account needs CREATEROLE and must own the database; it is used at start only.",
        secret=True,
    )
    database_direct_url: str | None = setting(
        None,
        "Address of the same database without a pooler in between, when `database_url` is a transaction pooler "
        "such as pgbouncer.",
        secret=True,
    )
    control_pool_size: int = setting(
        5, "Connections a worker may open for definitions, accounts and schema changes.", check=at_least(1)
    )
    data_pool_size: int = setting(
        10, "Connections a worker may open for records; one org uses at most four of five.", check=at_least(1)
    )
    public_url: str | None = setting(
        None,
        "Address under which clients reach the server, used in links. Taken from the request when unset.",
        check=_url,
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        "Addresses or networks whose `X-Forwarded-For`, `-Proto` and `-Host` headers are believed.",
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        "Origins that browsers may call from (`https://app.example.com`), or `*` for all (then without credentials).",
    )
    body_limit: int = setting(64 * _MIB, "Largest request body, in bytes.", check=at_least(1024))
    request_timeout: float = setting(
        60.0, "Seconds after which a request is given up with 504.", check=at_least(0.1)
    )
    statement_timeout: float = setting(
        30.0, "Seconds after which PostgreSQL cancels a statement of a request.", check=at_least(0.1)
    )
    shutdown_timeout: float = setting(
        30.0, "Seconds that requests under way get to finish when the server stops.", check=at_least(0)
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "Least severe level that is logged."
    )
    log_format: Literal["json", "console"] = setting(
        "json", "`json`: one object a line; `console`: for reading."
    )
    access_log: bool = setting(True, "Log a line for each request.")
    metrics_key: str | None = setting(
        None,
        "When set, `/metrics` asks for it as `Authorization: Bearer <key>`; when unset, `/metrics` is open.",
        secret=True,
    )
    tracing_endpoint: str | None = setting(
        None,
        "OTLP/HTTP address that traces are sent to, such as `http://localhost:4318/v1/traces`.",
        check=_url,
    )
    signing_keys: str | None = setting(
        None,
        "Keys that sign tokens, `id:base64,…`, newest first; the key file in `data_dir` when unset.",
        secret=True,
    )
    encryption_keys: str | None = setting(
        None,
        "Keys that encrypt stored secrets, `id:base64,…`, newest first; the key file when unset.",
        secret=True,
    )

    @property
    def address(self) -> str:
        """Where clients reach the server, as far as it knows, without a slash at its end."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{shown}:{self.port}").rstrip("/")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section, by the type that declares it, and what was odd about the input."""

    sections: Mapping[type[Any], Any]
    warnings: tuple[str, ...] = ()

    def of(self, section: type[Section]) -> Section:
        return cast("Section", self.sections[section])

    @property
    def server(self) -> ServerSettings:
        return self.of(ServerSettings)


def sections() -> tuple[tuple[str, type[Any]], ...]:
    """The sections of the house: their name in the file, and their type."""
    return (("server", ServerSettings), *_domain_sections())


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    server_only: bool = False,
) -> Settings:
    """Put the sections together; `flags` are server settings by field name, None meaning "not given".

    With `server_only` the domains are not even imported, which is what the first moments of a start need.
    Raises `SettingError` with a sentence for the person who set it.
    """
    environment = os.environ if environment is None else environment
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    file, file_name = _file(given, config, environment)
    declared = (("server", ServerSettings),) if server_only else sections()
    known = {name for name, _ in declared}
    for name in () if server_only else file:
        if name not in known:
            raise SettingError(
                f"{file_name}: there is no section [{name}]; the sections are {', '.join(sorted(known))}."
            )
    filled = {
        kind: _fill(
            name, kind, file.get(name, {}), file_name, environment, given if kind is ServerSettings else {}
        )
        for name, kind in declared
    }
    strangers = () if server_only else tuple(_strangers(environment, [kind for _, kind in declared]))
    return Settings(filled, strangers)


def _domain_sections() -> tuple[tuple[str, type[Any]], ...]:
    from penstock.identity.settings import IdentitySettings
    from penstock.kit.jobs.settings import JobsSettings
    from penstock.kit.outbound import OutboundSettings
    from penstock.notifications.settings import NotificationsSettings
    from penstock.queries.settings import QueriesSettings
    from penstock.tables.settings import TablesSettings

    return (
        ("jobs", JobsSettings),
        ("outbound", OutboundSettings),
        ("identity", IdentitySettings),
        ("notifications", NotificationsSettings),
        ("tables", TablesSettings),
        ("queries", QueriesSettings),
    )


def _file(
    given: Mapping[str, Any], config: Path | None, environment: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """The TOML file: the one named, else `penstock.toml` in the data directory when there is one."""
    named = config or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    default = ServerSettings.__dataclass_fields__["data_dir"].default
    directory = Path(given.get("data_dir") or environment.get("PENSTOCK_DATA_DIR") or default)
    path = named or directory / _FILE_NAME
    try:
        return tomllib.loads(path.read_text("utf-8")), str(path)
    except FileNotFoundError:
        if named:
            raise SettingError(f"The configuration file {path} does not exist.") from None
        return {}, str(path)
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, NotADirectoryError) and not named:
            raise SettingError(f"The data directory {path.parent} is not a directory.") from error
        raise SettingError(f"The configuration file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path} is not valid TOML: {error}.") from error


def _fill(
    name: str,
    section: type[Section],
    table: Any,
    file_name: str,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
) -> Section:
    if not isinstance(table, dict):
        raise SettingError(f"{file_name}: [{name}] must be a table.")
    fields = {option.name: option for option in options(section)}
    values: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", table).items():
        if key not in fields:
            raise SettingError(f"{file_name}: [{name}] has no setting '{key}'.{_near(key, list(fields))}")
        values[key] = from_value(fields[key], value, f"{file_name}: {name}.{key}")
    for option in fields.values():
        text = environment.get(option.variable)
        if text:
            values[option.name] = from_text(option, text, option.variable)
    for key, value in flags.items():
        values[key] = from_value(fields[key], value, f"--{key.replace('_', '-')}")
    return build(section, values)


def _strangers(environment: Mapping[str, str], declared: list[type[Any]]) -> list[str]:
    """A sentence for each PENSTOCK_ variable that nobody reads."""
    known = [option.variable for section in declared for option in options(section)]
    known += [CONFIG_VARIABLE, *_FOREIGN]
    return [
        f"The environment variable {name} is not a setting of Penstock.{_near(name, known)}"
        for name in sorted(environment)
        if name.startswith("PENSTOCK_") and not name.startswith(_FOREIGN_PREFIX) and name not in known
    ]


def _near(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def every_option() -> list[tuple[str, Option]]:
    """Each setting with the name of its section, for the documentation."""
    return [(name, option) for name, section in sections() for option in options(section)]
