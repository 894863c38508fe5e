"""What the command line does with a server: serve, migrate, back up, restore, diagnose.

Nothing heavy is imported before it is needed: PostgreSQL starts while the application is being imported.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock import __version__
from penstock.kit import embedded
from penstock.kit.settings import SettingError
from penstock.server import settings as configuration
from penstock.server.errors import SetupError
from penstock.server.installation import claim_port, database, keys_of, tell
from penstock.server.settings import ServerSettings, Settings

if TYPE_CHECKING:
    from penstock.kit.crypto import Keys
    from penstock.server.diagnosis import Check
    from penstock.server.logins import Bootstrap, Logins


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
    return _reported(lambda: _serve(flags, config))


def work(
    data_dir: Path | None = None,
    database_url: str | None = None,
    concurrency: int | None = None,
    config: Path | None = None,
) -> int:
    """Do background jobs until stopped; any number of these, on any machine, share them."""

    def run() -> int:
        from dataclasses import replace

        from penstock.kit.jobs.settings import JobsSettings

        settings = configuration.load({"data_dir": data_dir, "database_url": database_url}, config=config)
        if concurrency is not None:
            if concurrency < 1:
                raise SettingError(f"--concurrency: {concurrency} must be 1 or more.")
            jobs = replace(settings.of(JobsSettings), worker_concurrency=concurrency)
            settings = Settings({**settings.sections, JobsSettings: jobs}, settings.warnings)
        with database(settings.server) as account:
            from penstock.server import jobs as worker

            _configure_logs(settings)
            _check_traces(settings.server)
            keys = keys_of(settings.server)
            logins, first = asyncio.run(_prepare(account, keys, settings))
            if first:
                _show_first_start(first)
            _configure_traces(settings.server)
            worker.run(logins, keys, settings, account.ensure)
        return 0

    return _reported(run)


def migrate(data_dir: Path | None = None, database_url: str | None = None, config: Path | None = None) -> int:
    """Set the database up, put right what is amiss, and bring it to this release, without serving."""

    def work() -> int:
        settings = configuration.load({"data_dir": data_dir, "database_url": database_url}, config=config)
        with database(settings.server) as account:
            asyncio.run(_prepare(account, keys_of(settings.server), settings, repair=True))
        print("The database is up to date.")
        return 0

    return _reported(work)


def backup(data_dir: Path | None, database_url: str | None, target: Path, config: Path | None = None) -> int:
    """Write everything into one new file, also while the server runs."""

    def work() -> int:
        from penstock.server import maintenance

        settings = configuration.load({"data_dir": data_dir, "database_url": database_url}, config=config)
        with database(settings.server) as account:
            maintenance.backup(account, settings.server, target, tell)
        return 0

    return _reported(work)


def restore(
    source: Path, data_dir: Path | None, database_url: str | None = None, config: Path | None = None
) -> int:
    """Make a data directory from a backup; the directory must be empty or missing."""

    def work() -> int:
        from penstock.server import maintenance

        settings = configuration.load({"data_dir": data_dir, "database_url": database_url}, config=config)
        maintenance.restore(source, settings.server, tell)
        with database(settings.server) as account:
            # Logins and grants of the release that wrote the backup become those of this one.
            asyncio.run(_prepare(account, keys_of(settings.server), settings, repair=True))
        tell(f"Restored into {settings.server.data_dir}; start it with `penstock serve`.")
        return 0

    return _reported(work)


def diagnose(
    data_dir: Path | None = None, database_url: str | None = None, config: Path | None = None
) -> list[Check]:
    """Look at the installation without changing it, and say what is wrong."""
    from penstock.server import diagnosis

    return diagnosis.examine({"data_dir": data_dir, "database_url": database_url}, config)


def _serve(flags: dict[str, Any], config: Path | None) -> int:
    # Importing makes nothing that could be collected, and looking for it takes a tenth of the time.
    gc.disable()
    server = configuration.load(flags, config=config, server_only=True).server
    claim_port(server.host, server.port)
    # The embedded server starts while this thread imports the application.
    with database(server) as account, tempfile.TemporaryDirectory(prefix="penstock-metrics-") as shared:
        settings = configuration.load(flags, config=config)
        _configure_logs(settings)
        _check_traces(server)
        keys = keys_of(server)
        logins, first = asyncio.run(_prepare(account, keys, settings))
        if first:
            _show_first_start(first)
        metrics = Path(shared) if server.workers > 1 else None
        return _run_workers(logins, keys, settings, metrics, account.ensure)


def _run_workers(
    logins: Logins, keys: Keys, settings: Settings, metrics: Path | None, ensure: Callable[[], object]
) -> int:
    from penstock.kit.jobs.settings import JobsSettings
    from penstock.server import app, jobs, processes, worker
    from penstock.server.companion import Companion

    parent = os.getpid()

    def build() -> Any:
        worker.die_with(parent)
        worker.keep_memory_low()
        _configure_traces(settings.server)
        return worker.Worker(worker.build_context(logins, keys, settings), metrics)

    def work() -> None:
        worker.die_with(parent)
        worker.keep_memory_low()
        _configure_traces(settings.server)
        jobs.run(logins, keys, settings)

    # What is there by now is shared with the workers and never collected, which keeps it shared.
    app.framework()
    gc.freeze()
    gc.enable()
    server = settings.server
    embedded_worker = settings.of(JobsSettings).worker == "embedded"
    companion = Companion("penstock-jobs", work) if embedded_worker else None
    running = processes.Server(server, ensure, lambda: _ready(server), companion)
    return 0 if running.run(build) else 1


async def _prepare(
    account: Bootstrap, keys: Keys, settings: Settings, *, repair: bool = False
) -> tuple[Logins, Any]:
    from penstock.server.database import prepare
    from penstock.server.first_start import first_start

    logins = await prepare(account, keys.encryption, settings.server, repair=repair)
    return logins, await first_start(logins, keys, settings)


def _configure_logs(settings: Settings) -> None:
    from penstock.kit import telemetry
    from penstock.kit.logs import structlog

    telemetry.configure_logs(settings.server.log_level, settings.server.log_format)
    for warning in settings.warnings:
        structlog.get_logger().warning("settings.unknown", detail=warning)


def _check_traces(server: ServerSettings) -> None:
    from penstock.kit import telemetry

    if server.tracing_endpoint and not telemetry.can_trace():
        raise SetupError(
            "PENSTOCK_TRACING_ENDPOINT is set, and OpenTelemetry is not installed: pip install 'penstock[tracing]'."
        )


def _configure_traces(server: ServerSettings) -> None:
    if server.tracing_endpoint:
        from penstock.kit import telemetry

        telemetry.configure_traces(server.tracing_endpoint, __version__)


def _reported(work: Callable[[], int]) -> int:
    """Run it; what the operator can put right becomes a sentence instead of a traceback."""
    try:
        return work()
    except SettingError as error:
        tell(f"penstock: {error}")
        return 2
    except (SetupError, embedded.ClusterError) as error:
        hint = getattr(error, "hint", None)
        tell(f"penstock: {getattr(error, 'message', error)}" + (f"\n{hint}" if hint else ""))
        return 1
    except KeyboardInterrupt:
        return 130


def _ready(server: ServerSettings) -> None:
    print(f"Penstock {__version__} is ready at {server.address}", flush=True)


def _show_first_start(first: Any) -> None:
    """The only time these secrets can be seen."""
    print("First start. Write this down; it is not shown again:")
    for label, value in (("e-mail", first.email), ("password", first.password), ("key", first.key)):
        if value:
            print(f"  {label:9} {value}")
    sys.stdout.flush()
