"""A worker is killed in the middle of a query: its job comes to an end, and the database gives the query up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx2

from tests.conftest import running_server
from tests.databases import ADMIN_KEY, Databases
from tests.server.test_jobs import ask
from tests.server.test_processes import job_workers

SLOW = "SELECT count(*) AS n FROM generate_series(1, 100000000000) AS g"
RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'penstock query'"


def test_kill_9_of_a_worker(databases: Databases, tmp_path: Path) -> None:
    settings = {"PENSTOCK_QUERY_TIMEOUT": "8", "PENSTOCK_WORKER_LOST_AFTER": "3"}
    with (
        databases.clone() as cloned,
        running_server(tmp_path, {**cloned.environment, **settings}) as server,
        httpx2.Client(
            base_url=server.url, headers={"Authorization": f"Key {ADMIN_KEY}"}, timeout=60
        ) as client,
    ):
        client.post("/api/apps", json={"name": "Data"})
        client.post("/api/apps/data/datasources", json={"name": "Main"})
        (source,) = client.get("/api/data_sources").json()
        body = {"query": SLOW, "data_source_id": source["id"]}
        job = client.post("/api/query_results", json=body).json()["job"]["id"]

        def until(*statuses: int) -> dict[str, object]:
            deadline = time.monotonic() + 60
            while (found := client.get(f"/api/jobs/{job}").json()["job"])["status"] not in statuses:
                assert time.monotonic() < deadline, found
                time.sleep(0.1)
            return found

        until(2)
        while not ask(cloned, RUNNING):
            time.sleep(0.1)
        (worker,) = job_workers(server)
        os.kill(worker.pid, signal.SIGKILL)
        killed = time.monotonic()
        # The second attempt reaches the time limit.
        found = until(4)
        assert time.monotonic() - killed < 30
        assert found["error"] == "Query exceeded the query execution time limit."
        while ask(cloned, RUNNING):
            time.sleep(0.1)
        assert not list((tmp_path / "results").glob("*.arrow"))
