"""Runs the metadata schema's migrations (Alembic) on a connection somebody else opened and will commit.

Revisions are in `versions/`; `scripts/new_migration.py` drafts the next one from the stores' table definitions.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData

from penstock.kit.metadata import metadata
from penstock.server.errors import SetupError

SCHEMA = "penstock"
VERSION_TABLE = "alembic_version"
DIRECTORY = Path(__file__).parent
# Rooms of their domains that only migrations enter: what a store declares is what must exist.
_STORES = (
    "penstock.kit.jobs.tables",
    "penstock.server.store",
    "penstock.identity.store.tables",
    "penstock.connectors.store",
    "penstock.notifications.store",
    "penstock.notifications.destinations.store",
    "penstock.tables.store",
    "penstock.queries.store.tables",
    "penstock.queries.schedules.store",
    "penstock.queries.alerts.store",
    "penstock.queries.store.sharing_tables",
    "penstock.queries.store.dashboard_tables",
    "penstock.queries.store.preferences",
    "penstock.queries.store.usage",
)


def target() -> MetaData:
    """The metadata schema as the stores of all domains declare it."""
    for name in _STORES:
        import_module(name)
    return metadata


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def head() -> str | None:
    """The newest revision this release knows."""
    return script().get_current_head()


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision. Raises `SetupError` when the database is newer than this release."""
    directory = script()

    def steps(current: Any, _context: MigrationContext) -> Any:
        try:
            return directory._upgrade_revs("head", current)
        except CommandError as error:
            raise SetupError(
                "The database was migrated by a newer release of Penstock; start that release, or restore a backup."
            ) from error

    # No env.py: the environment is these lines, and the caller owns the transaction.
    with EnvironmentContext(Config(), directory, fn=steps, destination_rev="head") as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            version_table_schema=SCHEMA,
        )
        environment.run_migrations()


def comparison() -> dict[str, Any]:
    """How to compare a database with the stores' definitions, for drafting migrations and for testing them."""

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name == SCHEMA
        return kind != "table" or name != VERSION_TABLE

    return {
        "target_metadata": target(),
        "include_schemas": True,
        "include_name": ours,
        "compare_type": True,
        # Alembic cannot compare defaults of JSON columns; a test compares catalogs instead.
        "compare_server_default": False,
        "version_table": VERSION_TABLE,
        "version_table_schema": SCHEMA,
    }
