"""What the command line does with a server: serve, migrate, back up, restore, diagnose."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from penstock import __version__
from penstock.kit import embedded, telemetry
from penstock.kit.crypto import Keys, load_keys
from penstock.kit.db import Login
from penstock.kit.settings import SettingError
from penstock.server import settings as configuration
from penstock.server.database import Bootstrap, Logins, bootstrap_from_settings
from penstock.server.errors import SetupError
from penstock.server.settings import ServerSettings, Settings

KEY_FILE = "keys.json"
_DATABASE = "penstock"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `diagnose`."""

    name: str
    ok: bool
    detail: str


def serve(
    host: str | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    database_url: str | None = None,
    workers: int | None = None,
    config: Path | None = None,
) -> int:
    """Serve until stopped. Gives the exit code: 0, 1 when the server cannot start, 2 for a wrong setting."""
    flags = {
        "host": host,
        "port": port,
        "data_dir": data_dir,
        "database_url": database_url,
        "workers": workers,
    }
    return _reported(lambda: _serve(_load(flags, config)))


def migrate(data_dir: Path | None = None, database_url: str | None = None, config: Path | None = None) -> int:
    """Set the database up and bring it to this release, without serving."""

    def work() -> int:
        settings = _load({"data_dir": data_dir, "database_url": database_url}, config)
        with database(settings) as account:
            asyncio.run(_prepare(account, _keys(settings), settings))
        print("The database is up to date.")
        return 0

    return _reported(work)


def _serve(settings: Settings) -> int:
    from penstock.server import processes  # noqa: PLC0415  (migrate and backup need no granian)

    server = settings.server
    telemetry.configure_logs(server.log_level, server.log_format)
    for warning in settings.warnings:
        _log.warning("settings.unknown", detail=warning)
    processes.claim_port(server.host, server.port)
    keys = _keys(settings)
    with database(settings) as account, tempfile.TemporaryDirectory(prefix="penstock-metrics-") as shared:
        logins, first = asyncio.run(_prepare(account, keys, settings))
        if first:
            _show_first_start(first)
        parent = os.getpid()
        metrics = Path(shared) if server.workers > 1 else None

        def build() -> Any:
            return _build(parent, logins, keys, settings, metrics)

        running = processes.Server(server)
        processes.announce_when_answering(running, server.host, server.port, lambda: _ready(server))
        return 0 if running.run(build) else 1


def _build(parent: int, logins: Logins, keys: Keys, settings: Settings, metrics: Path | None) -> Any:
    from penstock.server import worker  # noqa: PLC0415  (only the workers need the application)

    worker.die_with(parent)
    if settings.server.tracing_endpoint:
        telemetry.configure_traces(settings.server.tracing_endpoint, __version__)
    return worker.Worker(worker.build_context(logins, keys, settings), metrics)


@contextmanager
def database(settings: Settings) -> Iterator[Bootstrap]:
    """The account to set things up with; the embedded server runs for as long as the block does."""
    server = settings.server
    if server.database_url:
        yield bootstrap_from_settings(server)
        return
    with embedded.start(server.data_dir, progress=lambda text: print(text, file=sys.stderr)) as cluster:
        login = Login(cluster.host, cluster.port, cluster.superuser, cluster.superuser_password, _DATABASE)
        asyncio.run(_create_database(login))
        yield Bootstrap(login, login)


async def _create_database(login: Login) -> None:
    """The embedded server's own database; two processes may be here at once."""
    import asyncpg  # noqa: PLC0415

    from penstock.server.database import connected  # noqa: PLC0415

    maintenance = Login(login.host, login.port, login.user, login.password, "postgres")
    async with connected(maintenance) as connection:
        if not await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = $1", login.database
        ):
            try:
                await connection.execute(f'CREATE DATABASE "{login.database}" TEMPLATE template0')
            except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                pass


async def _prepare(account: Bootstrap, keys: Keys, settings: Settings) -> tuple[Logins, Any]:
    from penstock.server.database import prepare  # noqa: PLC0415
    from penstock.server.first_start import first_start  # noqa: PLC0415

    logins = await prepare(account, keys.encryption, settings.server)
    return logins, await first_start(logins, keys, settings)


def _load(flags: dict[str, Any], config: Path | None) -> Settings:
    return configuration.load(flags, config=config)


def _keys(settings: Settings) -> Keys:
    server = settings.server
    try:
        return load_keys(server.data_dir / KEY_FILE, server.signing_keys, server.encryption_keys)
    except (ValueError, KeyError) as error:
        raise SetupError(f"The signing or encryption keys cannot be read: {error}") from error
    except OSError as error:
        raise SetupError(
            f"The key file {server.data_dir / KEY_FILE} cannot be used: {error.strerror}."
        ) from error


def _reported(work: Any) -> int:
    """Run it; what the operator can put right becomes a sentence instead of a traceback."""
    try:
        return work()
    except SettingError as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 2
    except (SetupError, embedded.ClusterError, telemetry.TracingMissing) as error:
        hint = getattr(error, "hint", None)
        print(f"penstock: {error}" + (f"\n{hint}" if hint else ""), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _ready(server: ServerSettings) -> None:
    shown = f"[{server.host}]" if ":" in server.host else server.host
    print(
        f"Penstock {__version__} is ready at {server.public_url or f'http://{shown}:{server.port}'}",
        flush=True,
    )


def _show_first_start(first: Any) -> None:
    """The only time these secrets can be seen."""
    print("First start. Write this down; it is not shown again:")
    for label, value in (("e-mail", first.email), ("password", first.password), ("key", first.key)):
        if value:
            print(f"  {label:9} {value}")
    sys.stdout.flush()
