"""kill -9 of the server, of its workers and of PostgreSQL while four clients write: what was acknowledged stays.

The only thing done after a kill is what any supervisor does: start the server again, when it was the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil
import pytest

from penstock.kit import embedded
from tests.acceptance.busy import CLIENTS, HEADERS, busy
from tests.conftest import RunningServer, free_port, start_server, stop_server, wait_until_ready
from tests.databases import ADMIN_EMAIL, ADMIN_KEY, ADMIN_PASSWORD

ROUNDS = 20
BULK = 25
URL = "/api/apps/crash/datatables/events/data"
ENVIRONMENT = {
    "PENSTOCK_ADMIN_EMAIL": ADMIN_EMAIL,
    "PENSTOCK_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "PENSTOCK_ADMIN_KEY": ADMIN_KEY,
}
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "writer", "type": "integer", "constraints": {"required": True}},
        {"name": "batch", "type": "integer", "constraints": {"required": True}},
        {"name": "place", "type": "integer", "constraints": {"required": True}},
    ],
    "primaryKey": ["id"],
}
# What a client may see while something has just died; anything else is a fault of the server.
EXPECTED = {201, 502, 503, 504}


@dataclass
class Installation:
    """A data directory and the server process that now serves it."""

    directory: Path
    port: int
    server: RunningServer = field(init=False)

    def start(self) -> None:
        self.server = start_server(self.directory, ENVIRONMENT, "--workers", "2", port=self.port)
        wait_until_ready(self.server)

    @property
    def workers(self) -> list[int]:
        parent = psutil.Process(self.server.process.pid)
        children = [child for child in parent.children() if child.name() != "penstock-jobs"]
        return [child.pid for child in children if child.cmdline() == parent.cmdline()]

    def postmaster(self, besides: set[int]) -> int:
        """The process id of PostgreSQL, once it runs as another process than these."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(ValueError, IndexError, OSError):
                (file,) = self.directory.rglob("postmaster.pid")
                pid = int(file.read_text().splitlines()[0])
                if pid not in besides and psutil.pid_exists(pid):
                    return pid
            time.sleep(0.01)
        raise AssertionError("PostgreSQL does not come back")


@dataclass
class Writers:
    """Clients that write without pause: a single record, then a bulk, then a single record, and so on."""

    url: str
    acknowledged: dict[tuple[int, int], int] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    counts: list[int] = field(default_factory=lambda: [0] * CLIENTS)

    def writing(self) -> contextlib.AbstractContextManager[None]:
        return busy(self.url, self._write, timeout=20)

    def _write(self, writer: int, client: httpx2.Client, stop: threading.Event) -> None:
        for batch in itertools.count():
            if stop.is_set():
                return
            size = BULK if batch % 2 else 1
            rows = [{"writer": writer, "batch": batch, "place": place} for place in range(size)]
            try:
                answer = client.post(URL, json=rows if size > 1 else rows[0])
            except httpx2.TransportError:
                time.sleep(0.02)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.acknowledged[writer, batch] = size
                self.counts[writer] += 1
            else:
                time.sleep(0.02)

    def wait_for_more(self, server: RunningServer, seconds: float = 60) -> None:
        """Until all clients have written again."""
        before = list(self.counts)
        deadline = time.monotonic() + seconds
        while any(now <= then for now, then in zip(self.counts, before, strict=True)):
            assert time.monotonic() < deadline, f"nobody can write any more:\n{server.output()[-3000:]}"
            time.sleep(0.01)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    found = Installation(tmp_path / "data", free_port())
    found.start()
    with httpx2.Client(base_url=found.server.url, headers=HEADERS, timeout=30) as client:
        assert client.post("/api/apps", json={"name": "Crash"}).status_code == 201
        assert client.post("/api/apps/crash/datasources", json={"name": "Main"}).status_code == 201
        made = client.post(
            "/api/apps/crash/datasources/main/datatables?materialize=true",
            json={"name": "events", "json_schema": SCHEMA},
        )
        assert made.status_code == 201, made.text
    asyncio.run(assert_durable(found.directory))
    yield found
    stop_server(found.server)


async def assert_durable(directory: Path) -> None:
    """Commits wait for the disk, for every role and database."""
    cluster = embedded.start(directory, watch=False)
    try:
        connection: Any = await asyncpg.connect(cluster.dsn())
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await connection.fetchval(f"SHOW {name}") == "on"
        overrides = await connection.fetch("SELECT unnest(setconfig) AS given FROM pg_db_role_setting")
        assert not [row["given"] for row in overrides if row["given"].startswith(("fsync", "synchronous"))]
        await connection.close()
    finally:
        cluster.close()


def crash(installation: Installation, kill: Callable[[int], None], rounds: int = ROUNDS) -> None:
    """So many times: let the clients write a while, kill, and see that all of them go on; then count."""
    writers = Writers(installation.server.url)
    chance = random.Random(7)
    with writers.writing():
        for number in range(rounds):
            writers.wait_for_more(installation.server)
            time.sleep(chance.uniform(0, 0.4))
            kill(number)
        writers.wait_for_more(installation.server)
    assert set(writers.statuses) <= EXPECTED, (writers.statuses, installation.server.output()[-3000:])
    stored = stored_sizes(installation.server)
    lost = {key: size for key, size in writers.acknowledged.items() if stored.get(key) != size}
    assert not lost, f"{len(lost)} of {len(writers.acknowledged)} acknowledged writes are gone or not whole"
    halves = {key: size for key, size in stored.items() if size != (BULK if key[1] % 2 else 1)}
    assert not halves, f"written in part: {halves}"
    assert len(writers.acknowledged) > ROUNDS * CLIENTS


def stored_sizes(server: RunningServer) -> Counter[tuple[int, int]]:
    """How many records there are of each write."""
    found: Counter[tuple[int, int]] = Counter()
    cursor: str | None = ""
    with httpx2.Client(base_url=server.url, headers=HEADERS, timeout=30) as client:
        while cursor is not None:
            answer = client.get(URL, params={"after": cursor, "page_size": 1000, "count": "none"})
            assert answer.status_code == 200, answer.text
            found.update((row["writer"], row["batch"]) for row in answer.json()["data"])
            cursor = answer.json()["next_cursor"]
    return found


def test_the_server_is_killed(installation: Installation) -> None:
    """The main process as often as asked, and once in a while one of its workers."""

    def kill(number: int) -> None:
        if number % 5 == 4:
            os.kill(random.choice(installation.workers), signal.SIGKILL)
            return
        installation.server.process.kill()
        installation.server.process.wait()
        installation.start()

    crash(installation, kill, ROUNDS + ROUNDS // 4)


def test_postgresql_is_killed(installation: Installation) -> None:
    main = installation.server.process.pid
    killed: set[int] = set()

    def kill(_: int) -> None:
        # Its children outlive it for a moment, and answer: wait for the next one before killing that.
        pid = installation.postmaster(killed)
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)

    crash(installation, kill)
    assert len(killed) == ROUNDS
    assert installation.server.process.poll() is None
    assert installation.server.process.pid == main
