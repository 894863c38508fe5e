"""A database for tests that compare compiled filters with plain Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from penstock.kit.db import Login
from tests.databases import Databases


class Probe:
    """One connection, used from plain test functions, with a schema of its own to make tables in."""

    def __init__(self, login: Login) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Any = self.run(asyncpg.connect(**login.arguments()))
        self.execute("SET timezone = 'UTC'; CREATE SCHEMA probe; SET search_path = probe")

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def execute(self, sql: str) -> None:
        self.run(self.connection.execute(sql))

    def fetch(self, sql: str, *params: Any) -> list[Any]:
        return self.run(self.connection.fetch(sql, *params))

    def close(self) -> None:
        self.run(self.connection.close())
        self.loop.close()


@pytest.fixture(scope="module")
def postgres(databases: Databases) -> Iterator[Probe]:
    with databases.clone() as database:
        probe = Probe(database.logins.direct)
        yield probe
        probe.close()
