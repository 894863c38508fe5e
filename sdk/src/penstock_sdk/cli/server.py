"""`penstock serve|worker|migrate|backup|restore`: doors to the server's functions, which may not be installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from penstock_sdk.cli._errors import CommandError


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    database_url: str | None = None,
    workers: int | None = None,
    config: Path | None = None,
) -> int:
    """Run a server until it is stopped. Every other setting comes from the environment or a file.

    Parameters
    ----------
    host
        Address to listen on; 127.0.0.1 unless set.
    port
        Port to listen on; 5001 unless set.
    data_dir
        Directory of the embedded PostgreSQL and of the server's keys; ./penstock-data unless set.
    database_url
        PostgreSQL 15 or later to use instead of the embedded one.
    workers
        Processes that answer requests; 1 unless set.
    config
        File of settings; penstock.toml in the data directory when there is one.
    """
    return server_commands().serve(host, port, data_dir, database_url, workers, config)


def worker(
    *,
    data_dir: Path | None = None,
    database_url: str | None = None,
    concurrency: int | None = None,
    config: Path | None = None,
) -> int:
    """Do background jobs until stopped; any number of workers, on any machine, share them.

    Parameters
    ----------
    data_dir
        Data directory of the server on this machine; ./penstock-data unless set.
    database_url
        PostgreSQL of the server instead of the embedded one.
    concurrency
        Jobs done at the same time; 4 unless set.
    config
        File of settings; penstock.toml in the data directory when there is one.
    """
    return server_commands().work(data_dir, database_url, concurrency, config)


def migrate(
    *, data_dir: Path | None = None, database_url: str | None = None, config: Path | None = None
) -> int:
    """Bring the database to this version without serving.

    Parameters
    ----------
    data_dir
        Directory of the embedded PostgreSQL; ./penstock-data unless set.
    database_url
        PostgreSQL to use instead of the embedded one.
    config
        File of settings; penstock.toml in the data directory when there is one.
    """
    return server_commands().migrate(data_dir, database_url, config)


def backup(
    target: Path,
    *,
    data_dir: Path | None = None,
    database_url: str | None = None,
    config: Path | None = None,
) -> int:
    """Write a consistent backup of everything, also while the server runs.

    Parameters
    ----------
    target
        File to write.
    data_dir
        Directory of the embedded PostgreSQL; ./penstock-data unless set.
    database_url
        PostgreSQL to use instead of the embedded one.
    config
        File of settings; penstock.toml in the data directory when there is one.
    """
    return server_commands().backup(data_dir, database_url, target, config)


def restore(
    source: Path,
    *,
    data_dir: Path | None = None,
    database_url: str | None = None,
    config: Path | None = None,
) -> int:
    """Put a backup back, into a data directory that is empty or missing.

    Parameters
    ----------
    source
        File that `penstock backup` wrote.
    data_dir
        Directory of the embedded PostgreSQL; ./penstock-data unless set.
    database_url
        PostgreSQL to use instead of the embedded one.
    config
        File of settings; penstock.toml in the data directory when there is one.
    """
    return server_commands().restore(source, data_dir, database_url, config)


def server_commands() -> ModuleType:
    """The server's command functions. A CommandError when the server is not installed."""
    try:
        return import_module("penstock.server.commands")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == "penstock":
            raise CommandError("The server is not installed here: pip install penstock") from error
        raise CommandError(
            f"The server cannot be loaded: {error}. Reinstall it: pip install penstock"
        ) from error
