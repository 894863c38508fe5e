"""Tables to try things on: one database and one application for a whole module, a new table for each test."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from penstock.kit import db
from penstock.kit.context import Context
from penstock.kit.telemetry import configure_logs
from penstock.server.app import create_app
from penstock.server.worker import build_context, close_context, open_context
from tests.conftest import client_of
from tests.databases import Databases, TestDatabase

APP = "bench"
# Tests that do not look into the database itself hold for every provider.
PROVIDER = os.environ.get("PENSTOCK_TEST_PROVIDER", "flat_table")
ID = {"name": "id", "type": "integer"}


def exact(answer: httpx2.Response) -> Any:
    """The body with every digit of its numbers."""
    return json.loads(answer.text, parse_float=Decimal)


@dataclass(frozen=True)
class Records:
    """The records of one table."""

    client: httpx2.AsyncClient
    name: str
    app: str = APP

    @property
    def url(self) -> str:
        return f"/api/apps/{self.app}/datatables/{self.name}/data"

    async def add(self, *rows: Mapping[str, Any]) -> list[Any]:
        """Create the rows; the complete ones as answered."""
        answer = await self.client.post(self.url, json=list(rows))
        assert answer.status_code == 201, answer.text
        return exact(answer)["data"]

    async def post(self, body: Any, path: str = "", **options: Any) -> httpx2.Response:
        sent = {"content": body} if isinstance(body, (bytes, str)) else {"json": body}
        return await self.client.post(self.url + path, **sent, **options)

    async def patch(self, body: Any, path: str = "", **options: Any) -> httpx2.Response:
        sent = {"content": body} if isinstance(body, (bytes, str)) else {"json": body}
        return await self.client.patch(self.url + path, **sent, **options)

    async def get(self, path: str = "", /, **params: Any) -> httpx2.Response:
        return await self.client.get(self.url + path, params=params)

    async def delete(self, path: str = "", /, **params: Any) -> httpx2.Response:
        return await self.client.delete(self.url + path, params=params)

    async def rows(self, **params: Any) -> list[Any]:
        answer = await self.get(**{"page_size": 1000, **params})
        assert answer.status_code == 200, answer.text
        return exact(answer)["data"]

    async def ids(self, **params: Any) -> list[Any]:
        return [row["id"] for row in await self.rows(**params)]

    async def total(self) -> int:
        return (await self.get(page_size=1)).json()["total"]


@dataclass
class Workbench:
    """The administrator's client, and tables made on demand."""

    client: httpx2.AsyncClient
    ctx: Context
    provider: str = "flat_table"
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def define(self, schema: Mapping[str, Any], name: str | None = None) -> httpx2.Response:
        """Ask for a table; the answer, whatever it is."""
        body = {"name": name or f"t{next(self.names)}", "json_schema": schema}
        return await self.client.post(f"/api/apps/{APP}/datasources/main/datatables", json=body)

    async def table(self, *fields: Mapping[str, Any], name: str | None = None, **schema: Any) -> Records:
        """A new table, its key `id` unless the schema says otherwise."""
        if "primaryKey" not in schema:
            schema["primaryKey"] = ["id"]
            if not any(one["name"] == "id" for one in fields):
                fields = (ID, *fields)
        answer = await self.define({"fields": list(fields), **schema}, name)
        assert answer.status_code == 201, answer.text
        return Records(self.client, answer.json()["name"])

    async def refused(self, *fields: Mapping[str, Any], **schema: Any) -> str:
        """What the schema language says about a schema it refuses."""
        answer = await self.define({"fields": list(fields), "primaryKey": ["id"], **schema})
        assert answer.status_code == 400, answer.text
        (sentence,) = answer.json()["json_schema"]
        assert sentence.startswith("Invalid Frictionless schema: "), sentence
        return sentence.removeprefix("Invalid Frictionless schema: ")

    async def details(self, table: Records) -> dict[str, Any]:
        answer = await self.client.get(f"/api/apps/{APP}/datatables/{table.name}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fetch(self, sql: str, *values: Any) -> Sequence[Any]:
        """Look into the database itself, as the owner of the tables."""
        async with self.ctx.db.control.transaction() as conn:
            return await conn.rows(sql, *values)


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[TestDatabase]:
    with databases.clone() as cloned:
        yield cloned


@pytest.fixture(scope="module")
async def workbench(module_database: TestDatabase) -> AsyncIterator[Workbench]:
    async with opened(module_database, PROVIDER) as bench:
        yield bench


@asynccontextmanager
async def opened(given: TestDatabase, provider: str, **config: Any) -> AsyncIterator[Workbench]:
    """A workbench whose tables are under this provider."""
    configure_logs("warning", "console")
    context = build_context(given.logins, given.keys, given.settings)
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    async with client_of(edge) as client:
        assert (await client.post("/api/apps", json={"name": APP})).status_code == 201
        body = {"name": "Main", "provider_type": provider, "provider_config": config}
        source = await client.post(f"/api/apps/{APP}/datasources", json=body)
        assert source.status_code == 201
        yield Workbench(client, context, provider)
    await edge.stop()
    await close_context(context)


@pytest.fixture
def counted(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Statements of both pools, and transactions."""
    found: Counter[str] = Counter()
    names = {id(workbench.ctx.db.data): "data", id(workbench.ctx.db.control): "control"}
    row, transaction = db.Pool._row, db.Pool.transaction

    async def counting_row(self: db.Pool, *args: Any) -> Any:
        found[names[id(self)]] += 1
        return await row(self, *args)

    def counting_transaction(self: db.Pool, **options: Any) -> Any:
        found["transactions"] += 1
        return transaction(self, **options)

    monkeypatch.setattr(db.Pool, "_row", counting_row)
    monkeypatch.setattr(db.Pool, "transaction", counting_transaction)
    return found
