"""Tables in a real MongoDB, which is a replica set of one, and in one that stands alone."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from penstock.kit.telemetry import configure_logs
from penstock.server.app import create_app
from penstock.server.edge import Edge
from penstock.server.settings import Settings
from penstock.server.worker import build_context, close_context, open_context
from penstock.tables.settings import TablesSettings
from tests.conftest import client_of
from tests.databases import TestDatabase
from tests.mongodb import replica_set, standalone
from tests.tables.workbench import APP, ID, Records, Workbench, module_database

__all__ = ["module_database", "replica_set", "standalone"]

_PREFIXES = itertools.count(1)


@dataclass
class MongoBench(Workbench):
    """A workbench whose source `main` is in MongoDB; the source `flat` has ordinary tables."""

    app: Edge | None = None

    async def define(self, schema: Any, name: str | None = None, source: str = "main") -> Any:
        body = {"name": name or f"t{next(self.names)}", "json_schema": schema}
        return await self.client.post(f"/api/apps/{APP}/datasources/{source}/datatables", json=body)

    async def twin(self, *fields: Any, **schema: Any) -> tuple[Records, Records]:
        """The same table twice: an ordinary one, and one in MongoDB."""
        found: list[Records] = []
        for source in ("flat", "main"):
            whole = {"fields": [ID, *fields], "primaryKey": ["id"], **schema}
            made = await self.define(whole, source=source)
            assert made.status_code == 201, made.text
            found.append(Records(self.client, made.json()["name"]))
        return found[0], found[1]


@asynccontextmanager
async def bench_on(database: TestDatabase, url: str) -> AsyncIterator[MongoBench]:
    configure_logs("warning", "console")
    sections = dict(database.settings.sections)
    url = f"{url}p{next(_PREFIXES)}"
    sections[TablesSettings] = replace(database.settings.of(TablesSettings), mongodb_url=url)
    context = build_context(database.logins, database.keys, Settings(sections))
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    async with client_of(edge) as client:
        assert (await client.post("/api/apps", json={"name": APP})).status_code == 201
        for name, provider in (("Main", "mongodb"), ("Flat", "flat_table")):
            body = {"name": name, "provider_type": provider}
            made = await client.post(f"/api/apps/{APP}/datasources", json=body)
            assert made.status_code == 201, made.text
        yield MongoBench(client, context, app=edge)
    await edge.stop()
    await close_context(context)


@pytest.fixture(scope="module")
async def bench(module_database: TestDatabase, replica_set: str) -> AsyncIterator[MongoBench]:
    async with bench_on(module_database, replica_set) as made:
        yield made


@pytest.fixture
async def alone(database: TestDatabase, standalone: str) -> AsyncIterator[MongoBench]:
    async with bench_on(database, standalone) as made:
        yield made
