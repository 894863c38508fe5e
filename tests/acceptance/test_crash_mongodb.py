"""kill -9 of the server while a file is imported into a collection, and while one changes its schema.

After each restart table, definition and documents agree, the change is there as a whole or not at all, and of the
import there is nothing.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pymongo
import pytest

from tests.conftest import RunningServer, free_port, start_server, stop_server, wait_until_ready
from tests.databases import ADMIN_KEY, Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]
ROWS = 4000
TABLES = "/api/apps/crash/datatables"
ITEMS, FILES = f"{TABLES}/items", f"{TABLES}/files"
Json = dict[str, Any]


def schema(*fields: Json, **more: Any) -> Json:
    return {"fields": [{"name": "id", "type": "integer"}, *fields], "primaryKey": ["id"], **more}


NAME: Json = {"name": "name", "type": "string"}
A = schema(NAME, {"name": "amount", "type": "integer", "constraints": {"required": True}})
B = schema(
    {"name": "label", "type": "string", "x-rename-from": "name"},
    {"name": "amount", "type": "string", "constraints": {"required": True, "unique": True}},
    {"name": "level", "type": "integer", "default": 1},
)


class Crash:
    """A server over a MongoDB, and what the test sees there past it."""

    # The collection of the table `items`.
    items: str

    def __init__(self, directory: Path, environment: dict[str, str], mongodb: str) -> None:
        self._arguments = (directory, {**environment, "PENSTOCK_MONGODB_URL": f"{mongodb}crash"})
        self._port = free_port()
        self._mongodb: Any = pymongo.MongoClient(mongodb)
        self.start()

    def start(self) -> None:
        self.server: RunningServer = start_server(*self._arguments, port=self._port)
        wait_until_ready(self.server)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def stop(self) -> None:
        stop_server(self.server)
        self._mongodb.close()

    def client(self) -> httpx2.Client:
        headers = {"Authorization": f"Key {ADMIN_KEY}"}
        return httpx2.Client(base_url=self.server.url, headers=headers, timeout=60)

    def collections(self) -> dict[str, Any]:
        """What MongoDB says of them, by name."""
        names = self._mongodb.list_database_names()
        (name,) = (one for one in names if one.startswith("crash_"))
        self.database = self._mongodb[name]
        return {one["name"]: one for one in self.database.list_collections()}


@pytest.fixture
def crash(databases: Databases, replica_set: str, tmp_path: Path) -> Iterator[Crash]:
    with databases.clone() as cloned:
        found = Crash(tmp_path, cloned.environment, replica_set)
        with found.client() as client:
            assert client.post("/api/apps", json={"name": "Crash"}).status_code == 201
            source = {"name": "Main", "provider_type": "mongodb"}
            assert client.post("/api/apps/crash/datasources", json=source).status_code == 201
            for name, definition in (("items", A), ("files", schema(NAME))):
                url = "/api/apps/crash/datasources/main/datatables?materialize=true"
                made = client.post(url, json={"name": name, "json_schema": definition})
                assert made.status_code == 201, made.text
            lines = "\n".join(["name,amount", *(f"n{one},{one}" for one in range(ROWS))])
            sent = client.post(f"{ITEMS}/data/import?format=csv", content=lines)
            assert sent.json()["created"] == ROWS, sent.text
        yield found
        found.stop()


def fenced(crash: Crash) -> bool:
    """Writers of before are kept out."""
    rules = crash.collections()[crash.items]["options"]["validator"]["$jsonSchema"]
    return "#layout" in rules["properties"]


def converted(crash: Crash) -> bool:
    """The values are written where only the schema to come looks."""
    return crash.database[crash.items].find_one({"_id": ROWS, "#layout": {"$exists": True}}) is not None


def importing(crash: Crash) -> bool:
    status = crash.database.command("serverStatus")
    return status["transactions"]["currentOpen"] > 0


def test_killed_at_several_moments(crash: Crash) -> None:
    crash.items = next(name for name in crash.collections() if crash.database[name].find_one({"amount": 1}))
    for act, moment in ((load, importing), (alter, fenced), (alter, converted)):
        with crash.client() as client:
            before = len(client.get(f"{ITEMS}/operation-history").json()["data"])
        acting = threading.Thread(target=act, args=(crash,))
        acting.start()
        reached(crash, moment)
        crash.kill()
        acting.join()
        crash.start()
        with crash.client() as client:
            assert client.get(f"{FILES}/data").json()["total"] == 0
            history = client.get(f"{ITEMS}/operation-history").json()["data"]
            if client.get(ITEMS).json()["json_schema"] != A:
                # It was committed in the moment before.
                assert len(history) > before
                break
            assert len(history) == before
            agree(client, lambda n: {"name": f"n{n}", "amount": n})
            # Whoever writes first meets what was left, and brings it in line.
            made = client.post(f"{ITEMS}/data", json={"name": "new", "amount": -1})
            assert made.status_code == 201, made.text
            assert client.delete(f"{ITEMS}/data/{made.json()['data']['id']}").status_code == 204
            assert not fenced(crash)
    else:
        assert alter(crash) == 200
    with crash.client() as client:
        agree(client, lambda n: {"label": f"n{n}", "amount": str(n), "level": 1})
        history = client.get(f"{ITEMS}/operation-history").json()["data"]
        assert {one["status"] for one in history} == {"success"}
    assert load(crash) == 200


def agree(client: httpx2.Client, row: Callable[[int], Json]) -> None:
    lines = client.get(f"{ITEMS}/data/export?format=ndjson&ordering=id").text.splitlines()
    assert [json.loads(line) for line in lines] == [{"id": n + 1, **row(n)} for n in range(ROWS)]


def alter(crash: Crash) -> int | None:
    with crash.client() as client, contextlib.suppress(httpx2.TransportError):
        return client.patch(f"{ITEMS}?allow_data_loss=true", json={"json_schema": B}).status_code
    return None


def load(crash: Crash) -> int | None:
    lines = b"name\n" + b"somebody\n" * 20_000
    with crash.client() as client, contextlib.suppress(httpx2.TransportError):
        return client.post(f"{FILES}/data/import?format=csv", content=lines).status_code
    return None


def reached(crash: Crash, moment: Callable[[Crash], bool]) -> None:
    deadline = time.monotonic() + 20
    while not moment(crash):
        assert time.monotonic() < deadline
        time.sleep(0.002)
