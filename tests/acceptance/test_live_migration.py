"""The schema of a large table changes step by step while four clients read and write it.

`PENSTOCK_LIVE_ROWS` sets how many rows it has, and `-s` shows what was measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from penstock.kit import embedded
from tests.acceptance.busy import CLIENTS, HEADERS, busy
from tests.conftest import RunningServer, free_port, start_server, stop_server, wait_until_ready
from tests.databases import ADMIN_EMAIL, ADMIN_KEY, ADMIN_PASSWORD

ROWS = int(os.environ.get("PENSTOCK_LIVE_ROWS", "50000"))
CITIES = 500
LONGEST_WAIT = 1.0  # seconds for a lock
ENVIRONMENT = {
    "PENSTOCK_ADMIN_EMAIL": ADMIN_EMAIL,
    "PENSTOCK_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "PENSTOCK_ADMIN_KEY": ADMIN_KEY,
    # So that the table is a large one.
    "PENSTOCK_SCHEMA_SMALL_ROWS": str(min(ROWS // 5, 100_000)),
}
TABLES = "/api/apps/live/datatables"
PEOPLE = f"{TABLES}/people"
Json = dict[str, Any]


def column(name: str, kind: str = "string", **more: Any) -> Json:
    return {"name": name, "type": kind, **more}


ID = column("id", "integer")
UNIQUE: Json = {"constraints": {"unique": True}}
BASE = (
    ID,
    column("name"),
    column("code", constraints={"required": True}),
    column("amount", "integer", constraints={"required": True, "minimum": 0}, default=0),
    column("city", "integer"),
    column("note"),
)
KEY = {
    "foreignKeys": [
        {
            "fields": "city",
            "reference": {"resource": "cities", "fields": "id"},
            "x-actions": {"onDelete": "RESTRICT"},
        }
    ]
}


def schema(*fields: Json, **more: Any) -> Json:
    return {
        "fields": list(fields),
        "primaryKey": ["id"],
        "indexes": [{"name": "by_amount", "fields": ["amount"]}],
        **more,
    }


def replaced(fields: tuple[Json, ...], name: str, *new: Json) -> tuple[Json, ...]:
    return tuple(item for one in fields for item in (new if one["name"] == name else (one,)))


ADDED = (*BASE, column("tag"), column("level", "integer", default=1, constraints={"required": True}))
RENAMED = replaced(ADDED, "name", column("full_name", **{"x-rename-from": "name"}))
WIDENED = replaced(
    RENAMED, "amount", column("amount", "number", constraints={"required": True, "minimum": 0}, default=0)
)
UNIQUELY = replaced(WIDENED, "code", column("code", constraints={"required": True, "unique": True}))
DROPPED = replaced(UNIQUELY, "note")
# What is done, with the schema and the parameters.
STEPS: tuple[tuple[str, Json, Json], ...] = (
    ("add", schema(*ADDED), {}),
    ("rename", schema(*RENAMED), {}),
    ("widen", schema(*WIDENED), {}),
    ("add unique", schema(*UNIQUELY), {}),
    ("add foreign key", schema(*UNIQUELY, **KEY), {}),
    ("drop", schema(*DROPPED, **KEY), {"allow_data_loss": "true"}),
)


@dataclass
class Clients:
    """They list, read, create, change and delete without pause."""

    url: str
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)
    created: int = 0
    deleted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def busy(self) -> contextlib.AbstractContextManager[None]:
        return busy(self.url, self._work, timeout=60)

    def _work(self, number: int, client: httpx2.Client, stop: threading.Event) -> None:
        chance, own = random.Random(number), list[int]()
        while not stop.is_set():
            self._round(client, chance, own)
            time.sleep(0.002)

    def _round(self, client: Any, chance: random.Random, own: list[int]) -> None:
        data = f"{PEOPLE}/data"
        one = chance.randrange(1, ROWS + 1)
        params = {
            "amount__gte": chance.randrange(1000),
            "ordering": "amount,id",
            "page_size": 20,
            "count": "none",
        }
        self._ask(client, "list", "GET", data, params=params)
        self._ask(client, "read", "GET", f"{data}/{one}")
        self._ask(client, "change", "PATCH", f"{data}/{one}", json={"amount": chance.randrange(1000)})
        row = {
            "code": uuid.uuid4().hex,
            "amount": chance.randrange(1000),
            "city": chance.randrange(1, CITIES + 1),
        }
        made = self._ask(client, "create", "POST", data, json=row)
        if made is not None and made.status_code == 201:
            own.append(made.json()["data"]["id"])
            self.created += 1
        if len(own) > 20:
            gone = self._ask(client, "delete", "DELETE", f"{data}/{own.pop(0)}")
            self.deleted += gone is not None and gone.status_code == 204

    def _ask(self, client: Any, what: str, method: str, url: str, **more: Any) -> Any:
        started = time.perf_counter()
        answer = client.request(method, url, **more)
        seconds = time.perf_counter() - started
        with self._lock:
            self.statuses[what, answer.status_code] += 1
            self.longest[what] = max(self.longest.get(what, 0.0), seconds)
            if answer.status_code not in (200, 201, 204):
                self.faults.append(f"{what} {answer.status_code} {answer.text[:300]}")
        return answer


@dataclass
class Locks:
    """Looks into the database for who waits for a lock, and how long."""

    dsn: str
    longest: float = 0.0
    statement: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._watch()))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    async def _watch(self) -> None:
        connection: Any = await asyncpg.connect(self.dsn)
        while not self._stop.is_set():
            row = await connection.fetchrow(
                "SELECT extract(epoch FROM clock_timestamp() - l.waitstart)::float8 AS seconds, a.query "
                "FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted "
                # Whoever builds an index waits for others, and nobody waits for it.
                "AND l.locktype <> 'virtualxid' ORDER BY l.waitstart LIMIT 1"
            )
            if row and (row["seconds"] or 0) > self.longest:
                self.longest, self.statement = row["seconds"], row["query"][:200]
            await asyncio.sleep(0.02)
        await connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[RunningServer, Path]]:
    directory = tmp_path / "data"
    running = start_server(directory, ENVIRONMENT, port=free_port())
    wait_until_ready(running)
    yield running, directory
    stop_server(running)


def test_live_migration(server: tuple[RunningServer, Path]) -> None:
    running, directory = server
    with httpx2.Client(base_url=running.url, headers=HEADERS, timeout=600) as client:
        prepare(client)
        before = client.get(f"{PEOPLE}/data", params={"page_size": 1}).json()["total"]
        cluster = embedded.start(directory, watch=False)
        try:
            measured = migrate(client, Clients(running.url), cluster.dsn())
        finally:
            cluster.close()
        clients, locks, seconds = measured
        report(clients, locks, seconds)
        assert not clients.faults, clients.faults[:5]
        assert locks.longest <= LONGEST_WAIT, locks
        assert {what for what, _ in clients.statuses} == {"list", "read", "change", "create", "delete"}
        now = client.get(f"{PEOPLE}/data", params={"page_size": 1}).json()["total"]
        assert now == before + clients.created - clients.deleted
        check_history(client)
        # What the clients may not do under the new rules.
        fresh = {"amount": 1.5, "city": 1}
        assert client.post(f"{PEOPLE}/data", json={**fresh, "code": "twice"}).status_code == 201
        assert client.post(f"{PEOPLE}/data", json={**fresh, "code": "twice"}).status_code == 409
        assert (
            client.post(f"{PEOPLE}/data", json={**fresh, "code": "x", "city": CITIES + 1}).status_code == 400
        )


def prepare(client: Any) -> None:
    assert client.post("/api/apps", json={"name": "Live"}).status_code == 201
    assert client.post("/api/apps/live/datasources", json={"name": "Main"}).status_code == 201
    for name, definition in (("cities", {"fields": [ID], "primaryKey": ["id"]}), ("people", schema(*BASE))):
        made = client.post(
            "/api/apps/live/datasources/main/datatables?materialize=true",
            json={"name": name, "json_schema": definition},
        )
        assert made.status_code == 201, made.text
    assert client.post(f"{TABLES}/cities/data", json=[{} for _ in range(CITIES)]).status_code == 201
    lines = ["name,code,amount,city,note"]
    lines += [f"n{one},c{one},{one % 1000},{one % CITIES + 1},something" for one in range(ROWS)]
    sent = client.post(
        f"{PEOPLE}/data/import", content="\n".join(lines).encode(), headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code == 200, sent.text


def migrate(client: Any, clients: Clients, dsn: str) -> tuple[Clients, Locks, dict[str, float]]:
    locks, seconds = Locks(dsn), dict[str, float]()
    with clients.busy(), locks.watched():
        for what, definition, params in STEPS:
            started = time.perf_counter()
            done = client.patch(PEOPLE, json={"json_schema": definition}, params=params)
            assert done.status_code == 200, (what, done.text)
            wait_until_finished(client)
            seconds[what] = time.perf_counter() - started
        started = time.perf_counter()
        newest = history(client)[0]
        back = client.post(f"{PEOPLE}/rollback/", json={"revision_id": newest["id"]})
        assert back.status_code == 200, back.text
        wait_until_finished(client)
        seconds["roll back"] = time.perf_counter() - started
        assert [one["name"] for one in back.json()["json_schema"]["fields"]] == [
            one["name"] for one in UNIQUELY
        ]
        time.sleep(0.5)
    return clients, locks, seconds


def history(client: Any, **params: Any) -> list[Json]:
    return client.get(f"{PEOPLE}/operation-history", params={"page_size": 100, **params}).json()["data"]


def wait_until_finished(client: Any) -> None:
    deadline = time.monotonic() + 300
    while history(client, status="pending"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def check_history(client: Any) -> None:
    """Newest first: every step, and what came of it."""
    steps = [(one["description"], one["status"]) for one in history(client)]
    assert steps == [
        ("Drop column 'note'", "rolled_back"),
        ("Add foreign key (city) to cities", "success"),
        ("Create index (city)", "success"),
        ("Make 'code' unique", "success"),
        ("Create index by_amount", "success"),
        ("Add minimum of 'amount'", "success"),
        ("Change type of 'amount' from integer to number", "success"),
        ("Drop minimum of 'amount'", "success"),
        ("Drop index by_amount", "success"),
        ("Rename column 'name' to 'full_name'", "success"),
        ("Add column 'level'", "success"),
        ("Add column 'tag'", "success"),
        ("Create table with 6 fields", "success"),
    ]


def report(clients: Clients, locks: Locks, seconds: dict[str, float]) -> None:
    print(f"\n{ROWS:,} rows, {sum(clients.statuses.values()):,} requests of {CLIENTS} clients")
    print("  steps    " + ", ".join(f"{what} {one:.2f} s" for what, one in seconds.items()))
    print("  longest  " + ", ".join(f"{what} {one * 1000:.0f} ms" for what, one in clients.longest.items()))
    print(f"  longest wait for a lock {locks.longest * 1000:.0f} ms: {locks.statement}")
