"""Seed 000: its set-up and its curl commands as they are written, but for the key."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_KEY, Databases

ROOT = Path(__file__).parent.parent.parent
BY_TABLE = """curl --location 'localhost:5001/api/queries' \\
--header 'Content-Type: application/json' \\
--header 'x-api-key: YOUR_API_KEY' \\
--data '{
    "layer": "layer_name",
    "table": "table_name"
}'"""
LIMITED = BY_TABLE.replace('"table_name"', '"table_name",\n    "limit": 100')
BY_SQL = """curl --location 'localhost:5001/api/queries' \\
--header 'Content-Type: application/json' \\
--header 'x-api-key: YOUR_API_KEY' \\
--data '{
    "sql_query": "SELECT\\n\\t*\\nFROM\\n\\t\\"layer_name\\".\\"table_name\\""
}'"""
RESULTS = """curl --location 'localhost:5001/api/queries/explorer-query-8OSP/results?page_number=1' \\
--header 'Content-Type: application/json' \\
--header 'x-api-key: YOUR_API_KEY'"""
# Slugs have no underscores.
LAYER = "layer-name"
FIELDS = [
    {"name": "id", "type": "uuid"},
    {"name": "created_at", "type": "datetime"},
    {"name": "updated_at", "type": "datetime"},
    {"name": "description"},
]


def fill(server: RunningServer) -> None:
    """The table of the seed, with 250 rows."""
    with httpx2.Client(
        base_url=server.url, headers={"Authorization": f"Key {ADMIN_KEY}"}, timeout=60
    ) as client:
        client.post("/api/apps", json={"name": "Data"}).raise_for_status()
        source = {"name": "Layer", "slug": LAYER}
        client.post("/api/apps/data/datasources", json=source).raise_for_status()
        table = {"name": "table_name", "json_schema": {"fields": FIELDS, "primaryKey": "id"}}
        path = f"/api/apps/data/datasources/{LAYER}/datatables"
        client.post(path, json=table).raise_for_status()
        rows = [{"description": f"Description of item {n}"} for n in range(250)]
        client.post("/api/apps/data/datatables/table_name/data", json=rows).raise_for_status()


@pytest.fixture(scope="module")
def seeded(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("server"), cloned.environment) as started,
    ):
        fill(started)
        yield started


def curl(server: RunningServer, command: str, key: str = ADMIN_KEY) -> tuple[int, Any]:
    """What a command of the seed answers, sent to this server's port."""
    text = (
        command.replace("layer_name", LAYER)
        .replace("YOUR_API_KEY", key)
        .replace("localhost:5001", f"127.0.0.1:{server.port}")
    )
    words = [*shlex.split(text.replace("\\\n", "")), "--silent", "--write-out", "\n%{http_code}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def pages(server: RunningServer, slug: str, key: str = ADMIN_KEY) -> Iterator[list[Any]]:
    for number in range(1, 10):
        command = RESULTS.replace("explorer-query-8OSP", slug).replace(
            "page_number=1", f"page_number={number}"
        )
        status, body = curl(server, command, key)
        assert status == 200, body
        assert list(body) == ["query_slug", "page", "data"]
        assert (body["query_slug"], body["page"]) == (slug, number)
        yield body["data"]
        if len(body["data"]) < 100:
            return


@pytest.mark.parametrize(
    ("command", "sizes"),
    [(BY_TABLE, [100, 100, 50]), (LIMITED, [100, 0]), (BY_SQL, [100, 100, 50])],
    ids=["a table", "a limit", "SQL"],
)
def test_the_commands(seeded: RunningServer, command: str, sizes: list[int]) -> None:
    status, made = curl(seeded, command)
    assert status == 200, made
    assert list(made) == ["query_slug", "sql_query", "status", "message"]
    assert made["sql_query"].startswith('SELECT\n\t*\nFROM\n\t"layer-name"."table_name"')
    found = list(pages(seeded, made["query_slug"]))
    assert [len(page) for page in found] == sizes
    record = found[0][0]
    assert list(record) == ["id", "created_at", "updated_at", "description"]
    for name in ("created_at", "updated_at"):
        assert len(record[name]) == len("2025-02-07T21:26:11.523") and record[name][10] == "T"
    ids = [row["id"] for page in found for row in page]
    assert len(set(ids)) == sum(sizes)


def test_health_and_keys(seeded: RunningServer) -> None:
    assert httpx2.get(f"{seeded.url}/api/health").json()["status"] == "ok"
    assert curl(seeded, BY_TABLE, "wrong")[0] == 401
    assert curl(seeded, RESULTS)[0] == 404


def test_uv_run_main(databases: Databases, tmp_path: Path) -> None:
    """`uv run main.py` serves on port 5001, or on the one that a setting names."""
    assert len((ROOT / "main.py").read_text().strip().splitlines()) == 3
    with databases.clone() as cloned:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        port = {"PENSTOCK_PORT": "5731", "PENSTOCK_DATA_DIR": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, ROOT / "main.py"], env={**inherited, **cloned.environment, **port}, cwd=tmp_path
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    answer = httpx2.get("http://127.0.0.1:5731/api/health", timeout=5)
                    break
                except httpx2.TransportError:
                    assert process.poll() is None and time.monotonic() < deadline
                    time.sleep(0.1)
            assert answer.status_code == 200
        finally:
            process.terminate()
            process.wait(40)
