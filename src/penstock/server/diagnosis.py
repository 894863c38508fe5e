"""What `penstock doctor` finds out about a server: settings, directory, keys, PostgreSQL, migrations, port."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from penstock import __version__
from penstock.kit import embedded
from penstock.kit.jobs.queue import QUERIES
from penstock.kit.settings import SettingError
from penstock.server import health, installation
from penstock.server import settings as configuration
from penstock.server.errors import SetupError
from penstock.server.logins import Bootstrap, bootstrap_from_settings, connected
from penstock.server.settings import ServerSettings

_LEAST_FREE = 1024**3  # bytes
_PATIENCE = 60.0  # seconds that a job may wait without anybody wondering


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    ok: bool
    detail: str


def examine(flags: Mapping[str, Any], config: Path | None) -> list[Check]:
    """Every check that can be made; a wrong setting ends them."""
    try:
        settings = configuration.load(flags, config=config)
    except SettingError as error:
        return [Check("settings", False, str(error))]
    found = [Check("release", True, f"Penstock {__version__}")]
    found.append(_byte_code())
    found.append(Check("settings", not settings.warnings, " ".join(settings.warnings) or "read"))
    found += _directory(settings.server)
    found += _database(settings.server)
    found.append(_port(settings.server))
    return found


def _byte_code() -> Check:
    """No fault, but it makes a start take twice as long, of every process."""
    specs = [find_spec(name) for name in ("penstock.server.app", "litestar", "sqlalchemy")]
    kept = all(spec is None or spec.cached is None or Path(spec.cached).exists() for spec in specs)
    detail = (
        "is there"
        if kept
        else "is missing, so that each start compiles all modules; see `python -m compileall`"
    )
    return Check("byte code", True, detail)


def _directory(server: ServerSettings) -> Iterator[Check]:
    path = server.data_dir.absolute()
    if not path.exists():
        yield Check("data directory", True, f"{path} does not exist yet; `penstock serve` makes it")
        return
    writable = os.access(path, os.W_OK | os.X_OK)
    yield Check(
        "data directory", writable, f"{path}" if writable else f"{path} cannot be written by this account"
    )
    free = shutil.disk_usage(path).free
    yield Check("disk space", free > _LEAST_FREE, f"{free / 1024**3:.1f} GiB free")
    key_file = path / installation.KEY_FILE
    if key_file.exists():
        mode = stat.S_IMODE(key_file.stat().st_mode)
        yield Check(
            "key file",
            not mode & 0o077,
            f"{key_file}" if not mode & 0o077 else f"{key_file} can be read by others: chmod 600 {key_file}",
        )
        try:
            installation.keys_of(server)
        except SetupError as error:
            yield Check("keys", False, str(error))


def _database(server: ServerSettings) -> list[Check]:
    if server.database_url:
        try:
            return asyncio.run(_inspect(bootstrap_from_settings(server)))
        except SetupError as error:
            return [Check("database", False, str(error))]
    try:
        command = [embedded.binaries() / "postgres", "--version"]
        version = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)  # noqa: S603  (our own program)
    except (OSError, subprocess.SubprocessError, embedded.ClusterError) as error:
        return [Check("embedded PostgreSQL", False, f"its programs do not run: {error}")]
    checks = [Check("embedded PostgreSQL", True, version.stdout.strip())]
    if not (server.data_dir / "postgres" / "data").exists():
        return checks
    try:
        with installation.database(server) as account:
            return checks + asyncio.run(_inspect(account))
    except (SetupError, embedded.ClusterError) as error:
        return [*checks, Check("database", False, str(error))]


async def _inspect(account: Bootstrap) -> list[Check]:
    async with connected(account.direct) as connection:
        version = await connection.fetchval("SHOW server_version")
        checks = [Check("database", True, f"PostgreSQL {version} answers")]
        if await connection.fetchval("SELECT to_regclass('penstock.alembic_version') IS NULL"):
            return [
                *checks,
                Check("migrations", True, "not set up yet; `penstock serve` or `penstock migrate` does it"),
            ]
        revision = await connection.fetchval("SELECT version_num FROM penstock.alembic_version")
        newest = health.newest_revision()
        detail = (
            f"revision {revision}"
            if revision == newest
            else f"revision {revision}, this release has {newest}"
        )
        checks.append(Check("migrations", revision == newest, detail))
        if revision == newest:
            checks += [await _jobs(connection), await _vectors(connection)]
        return checks


async def _jobs(connection: Any) -> Check:
    """Whether somebody does the background jobs that wait."""
    found = await connection.fetchrow(QUERIES["idle"], _PATIENCE)
    waiting, workers = found["waiting"], found["workers"]
    if waiting and not workers:
        return Check(
            "background jobs",
            False,
            f"{waiting} wait and no worker is there: start `penstock worker`, or serve with PENSTOCK_WORKER=embedded",
        )
    return Check("background jobs", True, f"workers: {workers}, waiting for over a minute: {waiting}")


async def _vectors(connection: Any) -> Check:
    """Whether tables can have fields of type vector; a server without is none the worse for it."""
    version, available, makes = await connection.fetchrow(
        "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
        " (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'),"
        " to_regproc('penstock.make_vectors') IS NOT NULL"
    )
    detail = "no pgvector here; fields of type vector need it"
    if version is not None:
        detail = f"pgvector {version}"
    elif available is not None:
        made = "made when a table needs it" if makes else "a superuser makes it: CREATE EXTENSION vector;"
        detail = f"pgvector {available} is installed, and {made}"
    return Check("vectors", True, detail)


def _port(server: ServerSettings) -> Check:
    try:
        installation.claim_port(server.host, server.port)
    except SetupError as error:
        return Check("port", False, str(error))
    return Check("port", True, f"{server.host}:{server.port} is free")
