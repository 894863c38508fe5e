"""The application in process with a worker beside it, and some tables to ask about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from penstock import queries
from penstock.kit.context import Context
from penstock.queries.settings import QueriesSettings
from penstock.server.app import create_app
from penstock.server.edge import Edge
from penstock.server.settings import Settings
from penstock.server.worker import build_context, close_context, open_context
from tests.conftest import client_of
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.tables.conftest import callers, owner

__all__ = ["callers", "owner"]
PEOPLE: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "born", "type": "date"},
        {"name": "seen_at", "type": "datetime"},
        {"name": "score", "type": "number"},
    ],
    "primaryKey": ["id"],
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Where results are kept."""
    return tmp_path / "results"


@pytest.fixture
def database(database: TestDatabase, results: Path) -> TestDatabase:
    """With results in a directory of the test's own."""
    given = replace(database.settings.of(QueriesSettings), results_url=str(results))
    sections = {**database.settings.sections, QueriesSettings: given}
    return replace(database, settings=Settings(sections))


@pytest.fixture
async def worker(database: TestDatabase) -> AsyncIterator[None]:
    """Somebody who runs queries."""
    async with working(database, queries.HANDLERS):
        yield


@pytest.fixture
async def shop(owner: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The owner, of the app `shop` with the source `main` and the table `people`, which has 250 rows."""
    assert (await owner.post("/api/apps", json={"name": "Shop"})).status_code == 201
    assert (await owner.post("/api/apps/shop/datasources", json={"name": "Main"})).status_code == 201
    table = {"name": "people", "json_schema": PEOPLE}
    made = await owner.post("/api/apps/shop/datasources/main/datatables", json=table)
    assert made.status_code == 201, made.text
    rows = [
        {
            "id": n,
            "name": f"Person {n}",
            "born": "2000-01-31",
            "seen_at": f"2025-02-07T21:26:11.{n:03d}Z",
            "score": n / 4,
        }
        for n in range(1, 251)
    ]
    made = await owner.post("/api/apps/shop/datatables/people/data", json=rows)
    assert made.status_code == 201, made.text
    return owner


@dataclass(frozen=True)
class Asking:
    """A client that runs queries and waits."""

    client: httpx2.AsyncClient
    source: int

    async def run(self, sql: str, **body: Any) -> dict[str, Any]:
        """The job at its end, of SQL of the moment."""
        answer = await self.client.post(
            "/api/query_results", json={"query": sql, "data_source_id": self.source, "max_age": 0, **body}
        )
        assert answer.status_code == 200, answer.text
        return await self.end(answer.json()["job"]["id"])

    async def end(self, job: str) -> dict[str, Any]:
        while True:
            answer = await self.client.get(f"/api/jobs/{job}")
            assert answer.status_code == 200, answer.text
            found = answer.json()["job"]
            if found["status"] >= 3:
                return found
            await asyncio.sleep(0.02)

    async def rows(self, sql: str, **body: Any) -> list[dict[str, Any]]:
        job = await self.run(sql, **body)
        assert job["status"] == 3, job
        answer = await self.client.get(f"/api/query_results/{job['query_result_id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()["query_result"]["data"]["rows"]


@pytest.fixture
async def asking(shop: httpx2.AsyncClient, worker: None) -> Asking:
    (source,) = (await shop.get("/api/data_sources")).json()
    return Asking(shop, source["id"])


@pytest.fixture
async def second(database: TestDatabase) -> AsyncIterator[Edge]:
    """Another process, as far as that can be had in one."""
    context: Context = build_context(database.logins, database.keys, database.settings)
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    yield edge
    await edge.stop()
    await close_context(context)


def with_key(app: Edge, key: str, carrier: str = "x-api-key") -> httpx2.AsyncClient:
    """A client whose key comes in another header."""
    client = client_of(app, None)
    client.headers[carrier] = key
    return client
