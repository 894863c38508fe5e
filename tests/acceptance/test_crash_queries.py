"""kill -9 of a worker, of the server and of PostgreSQL in the middle of a query, and readers that hang.

On one installation: no job is stuck, no half of a result is served, and no file stays that belongs to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil
import pytest

from penstock.kit import embedded
from tests.acceptance.busy import HEADERS
from tests.acceptance.test_crash import ENVIRONMENT, Installation
from tests.conftest import free_port, start_server, stop_server, wait_until_ready
from tests.server.test_processes import job_workers

SETTINGS = {
    "PENSTOCK_QUERY_TIMEOUT": "20",
    "PENSTOCK_WORKER_LOST_AFTER": "2",
    "PENSTOCK_DOWNLOADS": "2",
    "PENSTOCK_DOWNLOAD_PATIENCE": "1",
}
ROWS = 400_000
# It writes for some seconds, and says of every row what it must be.
LONG = f"SELECT g AS n, md5(g::text) AS t FROM generate_series(1, {ROWS}) AS g"
SLOW = "SELECT count(*) AS n FROM generate_series(1, 100000000000) AS g WHERE md5(g::text) = 'x'"
RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'penstock query'"
SENTENCE = "Query cancelled by user."
DAYS = 3 * 86_400


class Queries:
    """Somebody who runs queries on it, and looks at what it keeps."""

    def __init__(self, installation: Installation, client: httpx2.Client) -> None:
        self.installation = installation
        self.client = client
        client.post("/api/apps", json={"name": "Data"})
        client.post("/api/apps/data/datasources", json={"name": "Main"})
        (self.source,) = (one["id"] for one in client.get("/api/data_sources").json())

    def start(self, sql: str) -> str:
        body = {"query": sql, "data_source_id": self.source, "max_age": 0}
        return self.client.post("/api/query_results", json=body).json()["job"]["id"]

    def job(self, job: str) -> dict[str, Any]:
        return self.client.get(f"/api/jobs/{job}").json()["job"]

    def end(self, job: str, seconds: float = 30) -> dict[str, Any]:
        """Within so many seconds, however often nobody answers meanwhile."""
        deadline = time.monotonic() + seconds
        found: dict[str, Any] = {}
        while found.get("status", 0) < 3:
            assert time.monotonic() < deadline, (found, self.installation.server.output()[-3000:])
            time.sleep(0.05)
            with contextlib.suppress(httpx2.TransportError, KeyError):
                found = self.job(job)
        return found

    def whole_page(self, result: int) -> None:
        page = self.client.get(f"/api/query_results/{result}", params={"page": 4000, "page_size": 100})
        found = page.json()["query_result"]
        assert found["count"] == ROWS and found["data"]["rows"][-1]["n"] == ROWS

    def whole(self, result: int) -> None:
        """All of it is there, as it should be."""
        self.whole_page(result)
        text = self.client.get(f"/api/query_results/{result}.csv").text
        assert text.count("\r\n") == ROWS + 1 and text.endswith("\r\n")

    def files(self, pattern: str = "*") -> list[Path]:
        return sorted((self.installation.directory / "results").glob(pattern))

    def until(self, claim: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < deadline, self.installation.server.output()[-3000:]
            time.sleep(0.01)

    def writing(self) -> None:
        """Until there is some of a result, and not all of it."""
        self.until(lambda: any(path.stat().st_size > 1_000_000 for path in self.files("*.part")))

    def ask(self, sql: str) -> Any:
        return asyncio.run(_ask(self.installation.directory, sql))


def _rest(connection: socket.socket) -> int:
    """How many lines still come of what was begun, until the server ends it."""
    connection.settimeout(10)
    lines = 0
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            lines += piece.count(b"\r\n")
    return lines


async def _ask(directory: Path, sql: str) -> Any:
    cluster = embedded.start(directory, watch=False)
    try:
        connection: Any = await asyncpg.connect(cluster.dsn(database="penstock"))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()
    finally:
        cluster.close()


class Small(Installation):
    """With one process that answers requests, and short limits."""

    def start(self) -> None:
        self.server = start_server(self.directory, {**ENVIRONMENT, **SETTINGS}, port=self.port)
        wait_until_ready(self.server)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queries]:
    installation = Small(tmp_path_factory.mktemp("crash") / "data", free_port())
    installation.start()
    with httpx2.Client(base_url=installation.server.url, headers=HEADERS, timeout=30) as client:
        yield Queries(installation, client)
    stop_server(installation.server)


def test_a_worker(queries: Queries) -> None:
    """Another does the job; what the dead one asked of the database is given up there."""
    job = queries.start(SLOW)
    queries.until(lambda: queries.ask(RUNNING) == 1)
    (worker,) = job_workers(queries.installation.server)
    os.kill(worker.pid, signal.SIGKILL)
    queries.until(lambda: _attempts(queries, job) == 2)
    queries.until(lambda: queries.ask(RUNNING) == 1)
    assert queries.client.delete(f"/api/jobs/{job}").status_code == 200
    assert queries.end(job)["error"] == SENTENCE
    queries.until(lambda: queries.ask(RUNNING) == 0)
    assert queries.files() == []


def _attempts(queries: Queries, job: str) -> int:
    return (
        queries.ask(f"SELECT attempts FROM penstock.job_runs WHERE id = {int(job)} AND state = 'doing'") or 0
    )


def test_readers_that_take_nothing(queries: Queries) -> None:
    """Others are answered meanwhile; after a while the hanging ones are let go, and what they held is free."""
    found = queries.end(queries.start(LONG))
    path = f"/api/query_results/{found['query_result_id']}.csv"
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
    port = queries.installation.port
    (worker,) = queries.installation.workers
    before = psutil.Process(worker).memory_info().rss
    with contextlib.ExitStack() as stack:
        hanging = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2)]
        for one in hanging:
            one.sendall(head.encode())
            assert one.recv(12) == b"HTTP/1.1 200"
        refused = queries.client.get(path)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), refused.text
        queries.whole_page(found["query_result_id"])
        queries.until(lambda: queries.client.get(path, headers={"Range": "bytes=0-0"}).status_code == 200)
        for one in hanging:
            assert _rest(one) < ROWS
    assert psutil.Process(worker).memory_info().rss - before < 100 * 2**20
    queries.whole(found["query_result_id"])


def test_the_server_while_a_result_is_written(queries: Queries) -> None:
    before = queries.files("*.arrow")
    job = queries.start(LONG)
    queries.writing()
    queries.installation.server.process.kill()
    queries.installation.server.process.wait()
    assert queries.files("*.arrow") == before
    (half,) = queries.files("*.part")
    queries.installation.start()
    found = queries.end(job)
    assert found["status"] == 3, found
    queries.whole(found["query_result_id"])
    # What the dead one left is swept when it is old, and nothing else is.
    kept = queries.files("*.arrow")
    os.utime(half, (time.time() - DAYS,) * 2)
    queries.ask("UPDATE penstock.job_schedules SET next_at = now() WHERE job = 'queries.forget'")
    queries.until(lambda: queries.files() == kept)
    queries.whole(found["query_result_id"])


def test_postgresql(queries: Queries) -> None:
    job = queries.start(LONG)
    queries.writing()
    os.kill(queries.installation.postmaster(set()), signal.SIGKILL)
    found = queries.end(job)
    # It was tried again when the database was back.
    assert found["status"] == 3, found
    queries.whole(found["query_result_id"])
    assert queries.files("*.part") == []
    assert psutil.pid_exists(queries.installation.server.process.pid)
