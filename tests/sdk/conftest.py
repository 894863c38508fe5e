"""A client of a real server, and a table to work on, for the tests that need them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from penstock_sdk import AppHandle, Client, Records
from tests.conftest import RunningServer

SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "email", "type": "string", "constraints": {"unique": True}},
        {"name": "age", "type": "integer", "constraints": {"minimum": 0}},
        {"name": "price", "type": "number"},
        {"name": "active", "type": "boolean", "default": True},
        {"name": "seen_at", "type": "datetime"},
        {"name": "tags", "type": "array"},
    ],
    "primaryKey": ["id"],
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, key=server.key) as opened:
        yield opened


@pytest.fixture(scope="module")
def app(client: Client) -> AppHandle:
    made = client.apps.create(f"App {next(_numbers)}")
    client.app(made.slug).sources.create("Main", slug="main")
    return client.app(made.slug)


@pytest.fixture
def people(app: AppHandle) -> Records:
    """An empty table of its own for each test."""
    name = f"people_{next(_numbers)}"
    app.tables.create("main", name, SCHEMA, materialize=True)
    return app.table(name).records


@contextmanager
def foreign(server: RunningServer, name: str, path: str) -> Iterator[int]:
    """A data source over a CSV file, beside which is `towns.csv`; its number."""
    files = server.log.parent / "files" / "main"
    files.mkdir(parents=True, exist_ok=True)
    (files / "towns.csv").write_text("id,town\n1,Jena\n2,Ulm\n")
    address, headers = f"{server.url}/api/data_sources", {"Authorization": f"Bearer {server.key}"}
    body = {"name": name, "type": "csv", "options": {"path": path}}
    made = httpx2.post(address, json=body, headers=headers)
    assert made.status_code == 200, made.text
    try:
        yield made.json()["id"]
    finally:
        gone = httpx2.delete(f"{address}/{made.json()['id']}", headers=headers)
        assert gone.status_code == 204, gone.text
