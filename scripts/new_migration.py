"""Draft the next migration from the stores' table definitions, on an embedded PostgreSQL made for it.

python scripts/new_migration.py "Add teams"             # the difference to the last revision
python scripts/new_migration.py "First tables" --first  # one revision in place of all (before a release only)
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic.autogenerate import RevisionContext
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from penstock.kit import embedded
from penstock.server import migrations


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("message")
    parser.add_argument("--first", action="store_true", help="replace every revision by one")
    options = parser.parse_args()
    versions = migrations.DIRECTORY / "versions"
    if options.first:
        for path in versions.glob("*.py"):
            path.unlink()
    number = f"{len(list(versions.glob('*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as directory, embedded.start(Path(directory)) as cluster:
        asyncio.run(_draft(cluster, options.message, number))
        cluster.close(wait=20)
    made = next(versions.glob(f"{number}_*.py"))
    made.write_text(
        "".join(line for line in made.read_text().splitlines(keepends=True) if "# ###" not in line)
    )
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", made], check=True)  # noqa: S603  (our own formatter)
    print(made)
    return 0


async def _draft(cluster: embedded.Cluster, message: str, number: str) -> None:
    import asyncpg  # noqa: PLC0415  (only here)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(cluster.dsn()), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA penstock"))
        await connection.run_sync(migrations.upgrade)
        await connection.run_sync(_write, message, number)
    await engine.dispose()


def _write(connection: Connection, message: str, number: str) -> None:
    directory = migrations.script()
    config = Config()
    revision = RevisionContext(
        config,
        directory,
        {
            "message": message,
            "sql": False,
            "autogenerate": True,
            "head": "head",
            "splice": False,
            "branch_label": None,
            "version_path": None,
            "rev_id": number,
            "depends_on": None,
        },
    )

    def compare(current: Any, context: Any) -> list[Any]:
        revision.run_autogenerate(current, context)
        return []

    with EnvironmentContext(
        config, directory, fn=compare, template_args=revision.template_args
    ) as environment:
        environment.configure(connection=connection, **migrations.comparison())
        environment.run_migrations()
    list(revision.generate_scripts())


if __name__ == "__main__":
    sys.exit(main())
