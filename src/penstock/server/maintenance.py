"""Backup and restore of a whole installation: database, roles and keys in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from penstock import __version__
from penstock.kit import embedded
from penstock.server.errors import SetupError
from penstock.server.installation import KEY_FILE
from penstock.server.logins import Bootstrap, connected
from penstock.server.settings import ServerSettings

_Tell = Callable[[str], None]


def backup(account: Bootstrap, server: ServerSettings, target: Path, tell: _Tell) -> None:
    """Write the backup while others write to the database. Raises `SetupError` or `ClusterError`."""
    prefix = asyncio.run(_role_prefix(account))
    keys = server.data_dir / KEY_FILE
    given = server.signing_keys and server.encryption_keys
    if given:
        tell("The keys come from the environment and are not part of the backup: keep them yourself.")
    embedded.backup(
        account.url,
        target,
        role_prefix=f"{prefix}_",
        files={} if given else {KEY_FILE: keys},
        about={"version": __version__},
        progress=tell,
    )


def restore(source: Path, server: ServerSettings, tell: _Tell) -> None:
    """Fill the data directory from a backup. Raises `SetupError` or `ClusterError`."""
    if server.database_url:
        raise SetupError(
            "A backup is restored into a data directory. To move it to a PostgreSQL of your own, restore it, "
            "serve it once, and follow 'Moving to your own PostgreSQL' in the operating guide."
        )
    embedded.restore(source, server.data_dir, progress=tell)


async def _role_prefix(account: Bootstrap) -> str:
    async with connected(account.direct) as connection:
        found = await connection.fetchval("SELECT to_regclass('penstock.installation') IS NOT NULL")
        if not found:
            raise SetupError(f"The database '{account.direct.database}' holds no Penstock installation.")
        return await connection.fetchval("SELECT role_prefix FROM penstock.installation")
