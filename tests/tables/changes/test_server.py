"""Feeds of a real server: streams over the wire, its end, and a server that is killed while it writes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import running_server, stop_server
from tests.databases import ADMIN_KEY, TestDatabase

URL = "/api/apps/shop/datatables/notes/data"
SCHEMA: dict[str, Any] = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "text"}],
    "primaryKey": ["id"],
    "changes": True,
}


def prepare(client: httpx2.Client) -> None:
    for path, body in (
        ("/api/apps", {"name": "Shop"}),
        ("/api/apps/shop/datasources", {"name": "Main"}),
        ("/api/apps/shop/datasources/main/datatables", {"name": "notes", "json_schema": SCHEMA}),
    ):
        assert client.post(path, json=body).status_code == 201


def client_of(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, headers={"Authorization": f"Key {ADMIN_KEY}"}, timeout=30)


def test_a_stream_over_the_wire(database: TestDatabase, tmp_path: Path) -> None:
    environment = {
        **database.environment,
        "PENSTOCK_REQUEST_TIMEOUT": "1",
        "PENSTOCK_CHANGE_HEARTBEAT": "0.5",
    }
    with running_server(tmp_path, environment) as server, client_of(server.url) as client:
        prepare(client)
        headers = {"Accept": "text/event-stream"}
        with client.stream("GET", f"{URL}/changes", headers=headers) as answer:
            lines = answer.iter_lines()
            assert answer.headers["content-type"] == "text/event-stream"
            assert next(lines).startswith("retry:")
            # Longer than any other request may take.
            until = time.monotonic() + 2
            beats = 0
            while time.monotonic() < until:
                beats += next(lines).startswith(": heartbeat")
            assert beats >= 2
            began = time.monotonic()
            assert client.post(URL, json={"text": "hello"}).status_code == 201
            found = next(json.loads(line[6:]) for line in lines if line.startswith("data: "))
            assert (found["op"], found["record"]["text"]) == ("insert", "hello")
            assert time.monotonic() - began < 2
            began = time.monotonic()
            server.process.terminate()
            assert list(lines) is not None
            stop_server(server)
            assert time.monotonic() - began < 5
