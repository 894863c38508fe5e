"""Databases for tests: one bootstrapped template for the whole run, a clone of it for each test that asks.

The run shares one embedded PostgreSQL, also between pytest-xdist workers, or uses the server that
PENSTOCK_TEST_DATABASE_URL names (an account with CREATEROLE and CREATEDB), past a pooler with
PENSTOCK_TEST_DATABASE_DIRECT_URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.identity import IdentitySettings
from penstock.kit import embedded
from penstock.kit.crypto import Keys, load_keys
from penstock.kit.db import Login
from penstock.server import settings as configuration
from penstock.server.bootstrap import open_database
from penstock.server.database import prepare
from penstock.server.first_start import first_start
from penstock.server.logins import Bootstrap, Logins, connected, login_from_url
from penstock.server.settings import ServerSettings, Settings
from penstock.server.sql import quote

ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "correct horse battery staple"
ADMIN_KEY = "pnu_test_admin_key_of_more_than_32_characters"

# Most tests make a database of their own, and making its files takes a disk several times as long as memory.
_MEMORY, _ENOUGH = Path("/dev/shm"), 4 << 30
# Tests ask for durability where it is the subject; everywhere else it only costs time.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class TestDatabase:
    """One database of one test."""

    __test__ = False

    account: Bootstrap
    logins: Logins
    keys: Keys
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """What a server process needs to serve this database."""
        given = {
            "PENSTOCK_DATABASE_URL": url(self.account.pooled),
            "PENSTOCK_SIGNING_KEYS": self.keys.signing.print(),
            "PENSTOCK_ENCRYPTION_KEYS": self.keys.encryption.print(),
            "PENSTOCK_ADMIN_EMAIL": ADMIN_EMAIL,
            "PENSTOCK_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "PENSTOCK_ADMIN_KEY": ADMIN_KEY,
        }
        if self.account.behind_pooler:
            given["PENSTOCK_DATABASE_DIRECT_URL"] = url(self.account.direct)
        return given


@dataclass
class Databases:
    """Where clones come from."""

    account: Bootstrap
    template: str
    logins: Logins
    keys: Keys
    settings: Settings

    @contextlib.contextmanager
    def clone(self) -> Iterator[TestDatabase]:
        name = f"{self.template}_{secrets.token_hex(6)}"
        asyncio.run(self._create(name))
        try:
            yield TestDatabase(at(self.account, name), logins_at(self.logins, name), self.keys, self.settings)
        finally:
            asyncio.run(self._drop(name))

    async def _create(self, name: str) -> None:
        async with connected(maintenance(self.account.direct)) as connection:
            # A copy of the files brings along what the first connection would have to build.
            await connection.execute(
                f"CREATE DATABASE {quote(name)} TEMPLATE {quote(self.template)} STRATEGY file_copy"
            )
        async with connected(replace(self.account.direct, database=name)) as connection:
            # Rights on a database are not copied with it.
            await open_database(connection, self.prefix)

    async def _drop(self, name: str) -> None:
        async with connected(replace(self.account.direct, database=name)) as connection:
            readers = await _readers(connection)
        async with connected(maintenance(self.account.direct)) as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")
        async with connected(replace(self.account.direct, database=self.template)) as connection:
            for role in readers - await _readers(connection):
                await connection.execute(f"DROP ROLE IF EXISTS {quote(role)}")

    @property
    def prefix(self) -> str:
        return self.logins.control.user.removesuffix("_owner")


def has_vectors(databases: Databases) -> bool:
    """Whether tables may have fields of type vector."""

    async def ask() -> bool:
        async with connected(replace(databases.account.direct, database=databases.template)) as connection:
            return await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')"
                " OR to_regproc('penstock.make_vectors') IS NOT NULL"
                " AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')"
            )

    return asyncio.run(ask())


def test_settings(**server: Any) -> Settings:
    """The settings tests run with: quiet, and with a known administrator."""
    given = ServerSettings(access_log=False, log_level="warning", **server)
    first = IdentitySettings(admin_email=ADMIN_EMAIL, admin_password=ADMIN_PASSWORD, admin_key=ADMIN_KEY)
    defaults = configuration.load(environment={}).sections
    return Settings({**defaults, ServerSettings: given, IdentitySettings: first})


test_settings.__test__ = False  # type: ignore[attr-defined]


@contextlib.contextmanager
def open_databases(root: Path) -> Iterator[Databases]:
    """The databases of a run whose workers share the directory `root`."""
    keys = load_keys(root / "keys.json")
    settings = test_settings()
    with _account(root) as account:
        template, logins = _template(root, account, keys, settings)
        yield Databases(at(account, template), template, logins, keys, settings)


def reserve_memory() -> None:
    """Before a run, in the process that outlives all workers: a directory in memory, where there is plenty of it."""
    for left in _MEMORY.glob("penstock-tests-*"):
        if not Path("/proc", left.name.rpartition("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(OSError):
        if shutil.disk_usage(_MEMORY).free > _ENOUGH and _available() > 2 * _ENOUGH:
            _reserved(os.getpid()).mkdir(mode=0o700)


def _available() -> int:
    found = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def _reserved(run: int) -> Path:
    return _MEMORY / f"penstock-tests-{run}"


def _cluster(root: Path) -> Path:
    run = os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()
    return (_reserved(run) if _reserved(run).exists() else root) / "cluster"


def drop_cluster(root: Path) -> None:
    """After a run. The server notices by itself that it is alone, and stops."""
    shutil.rmtree(root / "cluster", ignore_errors=True)
    shutil.rmtree(_reserved(os.getpid()), ignore_errors=True)


def drop_all(root: Path) -> None:
    """After a run on a server that is not ours: leave nothing behind."""
    recorded = root / "template.json"
    if not os.environ.get("PENSTOCK_TEST_DATABASE_URL") or not recorded.exists():
        return
    with _account(root) as account:
        asyncio.run(_drop_all(account, json.loads(recorded.read_text())["name"]))


async def _drop_all(account: Bootstrap, template: str) -> None:
    async with connected(replace(account.direct, database=template)) as connection:
        roles = {row["name"] for row in await connection.fetch("SELECT name FROM penstock.database_roles")}
    async with connected(account.direct) as connection:
        left = await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", template
        )
        for row in left:
            await connection.execute(f"DROP DATABASE {quote(row['datname'])} WITH (FORCE)")
        for role in sorted(roles):
            await connection.execute(f"DROP ROLE IF EXISTS {quote(role)}")


@contextlib.contextmanager
def _account(root: Path) -> Iterator[Bootstrap]:
    given = os.environ.get("PENSTOCK_TEST_DATABASE_URL")
    if given:
        pooled = login_from_url(given)
        direct = os.environ.get("PENSTOCK_TEST_DATABASE_DIRECT_URL")
        yield Bootstrap(login_from_url(direct) if direct else pooled, pooled)
        return
    with embedded.start(_cluster(root), settings=_FAST) as cluster:
        login = Login(cluster.host, cluster.port, cluster.superuser, cluster.superuser_password, "postgres")
        yield Bootstrap(login, login)


def _template(root: Path, account: Bootstrap, keys: Keys, settings: Settings) -> tuple[str, Logins]:
    """Made by whoever comes first; nobody may stay connected to it, or cloning fails."""
    recorded = root / "template.json"
    with (root / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not recorded.exists():
            name = f"penstock_test_{secrets.token_hex(4)}"
            logins = asyncio.run(_make_template(at(account, name), keys, settings))
            recorded.write_text(json.dumps({"name": name, "logins": logins.dump()}))
    stored = json.loads(recorded.read_text())
    return stored["name"], Logins.parse(stored["logins"])


async def _make_template(account: Bootstrap, keys: Keys, settings: Settings) -> Logins:
    async with connected(maintenance(account.direct)) as connection:
        await connection.execute(f"CREATE DATABASE {quote(account.direct.database)}")
    direct = Bootstrap(account.direct, account.direct)
    logins = await prepare(direct, keys.encryption, settings.server)
    await first_start(logins, keys, settings)
    return account.logins(
        logins.control.user.removesuffix("_owner"), logins.control.password, logins.data.password
    )


async def _readers(connection: Any) -> set[str]:
    rows = await connection.fetch("SELECT name FROM penstock.database_roles WHERE purpose = 'reader'")
    return {row["name"] for row in rows}


def at(account: Bootstrap, database: str) -> Bootstrap:
    return Bootstrap(replace(account.direct, database=database), replace(account.pooled, database=database))


def logins_at(logins: Logins, database: str) -> Logins:
    moved = {
        name: replace(getattr(logins, name), database=database) for name in ("control", "data", "direct")
    }
    return replace(logins, **moved)


def maintenance(login: Login) -> Login:
    return replace(login, database="postgres")


def url(login: Login) -> str:
    from urllib.parse import quote as encode

    parts = [
        f"{key}={encode(str(value), safe='')}"
        for key, value in {
            "host": login.host,
            "port": login.port,
            "user": login.user,
            "password": login.password,
        }.items()
    ]
    return f"postgresql:///{encode(login.database)}?{'&'.join(parts)}"
