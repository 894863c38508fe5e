"""A real PostgreSQL with the folding function, for tests that compare compiled filters with plain Python."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from penstock.kit import embedded

FOLD = """
CREATE SCHEMA penstock;
CREATE FUNCTION penstock.fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT lower(translate($1, 'İΣς', 'iσσ') COLLATE pg_catalog.pg_c_utf8) COLLATE pg_catalog."C" $$;
"""


class Database:
    """One connection, used from plain test functions."""

    def __init__(self, dsn: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Any = self.run(asyncpg.connect(dsn))

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def execute(self, sql: str) -> None:
        self.run(self.connection.execute(sql))

    def fetch(self, sql: str, *params: Any) -> list[Any]:
        return self.run(self.connection.fetch(sql, *params))

    def close(self) -> None:
        self.run(self.connection.close())
        self.loop.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="penstock-filters-") as directory:
        cluster = embedded.start(Path(directory) / "data", watch=False)
        try:
            database = Database(cluster.dsn())
            database.execute("SET timezone = 'UTC'")
            database.execute(FOLD)
            yield database
            database.close()
        finally:
            cluster.close()
