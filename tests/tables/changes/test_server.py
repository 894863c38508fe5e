"""Feeds of a real server: streams over the wire, its end, and a server that is killed while it writes."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.conftest import running_server, start_server, stop_server, wait_until_ready
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


def test_a_server_that_is_killed_while_it_writes(database: TestDatabase, tmp_path: Path) -> None:
    """What was acknowledged is in the feed, and the feed has nothing that is not in the table."""
    server = start_server(tmp_path, database.environment)
    wait_until_ready(server)
    acknowledged: list[int] = []

    def write() -> None:
        with client_of(server.url) as client, suppress(httpx2.TransportError):
            while True:
                answer = client.post(URL, json=[{"text": "x"}] * 20)
                acknowledged.extend(row["id"] for row in answer.json()["data"])

    with client_of(server.url) as client:
        prepare(client)
    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    workers = psutil.Process(server.process.pid).children(recursive=True)
    for process in [server.process, *workers]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for writer in writers:
        writer.join()
    server.process.wait()
    with running_server(tmp_path, database.environment) as again, client_of(again.url) as client:
        told, since = set[int](), "start"
        while True:
            page = client.get(f"{URL}/changes", params={"since": since, "limit": 1000}).json()
            told |= {one["key"] for one in page["data"]}
            since = page["next_cursor"]
            if not page["has_more"]:
                break
        total = client.get(URL, params={"page_size": 1}).json()["total"]
    assert acknowledged and set(acknowledged) <= told
    assert len(told) == total
