"""Foreign systems with a few rows each, beside the tables of `shop`."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.kit.outbound import OutboundSettings
from penstock.queries.settings import QueriesSettings
from penstock.server.settings import Settings
from tests.connectors.conftest import postgres, relay
from tests.databases import TestDatabase
from tests.mariadb import mariadb
from tests.queries.routes.conftest import Asking, asking, callers, owner, results, shop, worker

__all__ = ["asking", "callers", "mariadb", "owner", "results", "shop", "worker"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The directory of files that data sources may be in."""
    place = tmp_path / "files"
    place.mkdir()
    return place


@pytest.fixture
def database(database: TestDatabase, results: Path, files: Path) -> TestDatabase:
    """With results and files in directories of the test's own."""
    sections = dict(database.settings.sections)
    sections[QueriesSettings] = replace(database.settings.of(QueriesSettings), results_url=str(results))
    sections[OutboundSettings] = OutboundSettings(file_directories=(str(files),))
    return replace(database, settings=Settings(sections))


@dataclass(frozen=True)
class Elsewhere:
    """Makes foreign data sources and asks them."""

    client: httpx2.AsyncClient
    files: Path
    asking: Asking

    async def add(self, name: str, kind: str, **options: Any) -> int:
        body = {"name": name, "type": kind, "options": options}
        answer = await self.client.post("/api/data_sources", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    async def rows(self, source: int, sql: str, **body: Any) -> list[dict[str, Any]]:
        return await replace(self.asking, source=source).rows(sql, **body)

    async def failed(self, source: int, sql: str) -> str:
        """Why it did not run, or was refused."""
        body = {"query": sql, "data_source_id": source, "max_age": 0}
        answer = await self.client.post("/api/query_results", json=body)
        if answer.status_code == 400:
            return answer.json()["message"]
        assert answer.status_code == 200, answer.text
        job = await self.asking.end(answer.json()["job"]["id"])
        assert job["status"] == 4, job
        return job["error"]


@pytest.fixture
def elsewhere(asking: Asking, shop: httpx2.AsyncClient, files: Path) -> Elsewhere:
    return Elsewhere(shop, files, asking)


VISITS = [
    {"person": n % 7 + 1, "minutes": n, "price": Decimal(n) / 4, "day": None if n % 5 == 0 else "2024-03-01"}
    for n in range(1, 41)
]


@pytest.fixture
def filled(files: Path) -> Path:
    """`visits` as a file of every kind."""
    table = pa.table(
        {
            "person": pa.array([one["person"] for one in VISITS], pa.int32()),
            "minutes": pa.array([one["minutes"] for one in VISITS], pa.int64()),
            "price": pa.array([one["price"] for one in VISITS], pa.decimal128(10, 2)),
            "day": pa.array([one["day"] for one in VISITS]).cast(pa.date32()),
        }
    )
    pq.write_table(table, files / "visits.parquet", row_group_size=16)
    with (files / "visits.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(VISITS[0])
        writer.writerows([one["person"], one["minutes"], one["price"], one["day"] or ""] for one in VISITS)
    connection = sqlite3.connect(files / "visits.sqlite")
    connection.execute("CREATE TABLE visits (person INTEGER, minutes BIGINT, price DECIMAL(10, 2), day DATE)")
    connection.executemany(
        "INSERT INTO visits VALUES (?, ?, ?, ?)",
        [(one["person"], one["minutes"], str(one["price"]), one["day"]) for one in VISITS],
    )
    connection.commit()
    connection.close()
    made = duckdb.connect(str(files / "visits.duckdb"))
    made.execute(f"CREATE TABLE visits AS SELECT * FROM read_parquet('{files}/visits.parquet')")
    made.close()
    return files


@pytest.fixture
async def postgres_port(database: TestDatabase) -> AsyncIterator[int]:
    async with relay(database) as port:
        yield port


def postgres_options(database: TestDatabase, port: int) -> dict[str, Any]:
    """Of a data source on the PostgreSQL of the tests."""
    given = postgres(database, port)
    return {**given["settings"], **given["secrets"]}
