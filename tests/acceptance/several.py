"""Two servers and two workers, each with a data directory of its own, over one PostgreSQL and one bucket."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.busy import HEADERS
from tests.acceptance.test_seed_explorer import fill
from tests.conftest import RunningServer, start_server, stop_server, wait_until_ready
from tests.databases import Databases, TestDatabase
from tests.server.test_jobs import ask
from tests.server.test_processes import eventually

WORKERS = "SELECT count(*) FROM penstock.job_workers"
ITEMS = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "region"},
        {"name": "price", "type": "number"},
    ],
    "primaryKey": ["id"],
}
REGIONS = ("north", "south")


class Worker:
    """A `penstock worker` process, which can be killed and started again."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        directory.mkdir()
        self.start()

    def start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        command = [sys.executable, "-m", "penstock_sdk.cli", "worker", "--data-dir", str(self._directory)]
        with (self._directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**inherited, **self._environment}, stdout=log, stderr=log
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)


@dataclass
class Several:
    """The processes, the database and the directories; `clients` are the administrator's, of either server."""

    database: TestDatabase
    servers: list[RunningServer]
    workers: list[Worker]
    directory: Path
    emulator: str
    clients: list[httpx2.Client] = field(default_factory=list[httpx2.Client])
    # The keys of two users, who see a region each.
    keys: dict[str, str] = field(default_factory=dict[str, str])
    source: int = 0

    def ask(self, sql: str) -> Any:
        return ask(self.database, sql)

    def query(self, client: httpx2.Client, sql: str, **more: Any) -> dict[str, Any]:
        """A saved one."""
        body = {"query": sql, "data_source_id": self.source, "name": "One", **more}
        return done(client.post("/api/queries", json=body))

    def client(self, number: int, key: str | None = None) -> httpx2.Client:
        """Of one server; without a key of anybody."""
        headers = {} if key is None else {"Authorization": f"Key {key}"}
        return httpx2.Client(base_url=self.servers[number].url, headers=headers, timeout=60)


def done(answer: httpx2.Response) -> Any:
    assert answer.status_code in (200, 201), (answer.request.url, answer.text)
    return answer.json()


def ended(client: httpx2.Client, job: dict[str, Any], seconds: float = 30) -> dict[str, Any]:
    """The job at its end."""
    deadline = time.monotonic() + seconds
    while job["status"] < 3:
        assert time.monotonic() < deadline, job
        time.sleep(0.03)
        job = done(client.get(f"/api/jobs/{job['id']}"))["job"]
    return job


def rows(asks: httpx2.Client, waits: httpx2.Client, path: str, **body: Any) -> list[dict[str, Any]]:
    """Of a query that is run by way of one server and waited for, and read, by way of the other."""
    found = done(asks.post(path, json=body))
    if "job" in found:
        job = ended(waits, found["job"])
        assert job["status"] == 3, job
        found = done(waits.get(f"/api/query_results/{job['query_result_id']}"))
    return found["query_result"]["data"]["rows"]


@pytest.fixture(scope="module")
def several(
    databases: Databases, emulator: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Several]:
    directory = tmp_path_factory.mktemp("several")
    (directory / "files").mkdir()
    options = (
        f"endpoint={emulator},region=us-east-1,access_key_id=test,secret_access_key=test,allow_http=true"
    )
    given = {
        "PENSTOCK_RESULTS_URL": "s3://results/several",
        "PENSTOCK_RESULTS_OPTIONS": options,
        "PENSTOCK_FILE_DIRECTORIES": str(directory / "files"),
        "PENSTOCK_WORKER_LOST_AFTER": "2",
    }
    with databases.clone() as cloned, ExitStack() as stack:
        environment = {**cloned.environment, **given}
        workers = [Worker(directory / f"worker{n}", environment) for n in range(2)]
        for one in workers:
            stack.callback(one.stop)
        serving = {**environment, "PENSTOCK_WORKER": "off"}
        servers = [start_server(directory / f"server{n}", serving) for n in range(2)]
        for one in servers:
            stack.callback(stop_server, one)
        for one in servers:
            wait_until_ready(one)
        made = Several(cloned, servers, workers, directory, emulator)
        made.clients = [
            stack.enter_context(httpx2.Client(base_url=one.url, headers=HEADERS, timeout=60))
            for one in servers
        ]
        fill(servers[0])
        _furnish(made)
        eventually(lambda: made.ask(WORKERS) == 2)
        yield made


def _furnish(several: Several) -> None:
    """A table `items` of 40 rows, of which each of two users sees those of a region; half of it by either server."""
    one, other = several.clients
    (source,) = done(one.get("/api/data_sources"))
    several.source = source["id"]
    table = {"name": "items", "json_schema": ITEMS}
    done(one.post("/api/apps/data/datasources/layer-name/datatables", json=table))
    items = [{"id": n, "region": REGIONS[n % 2], "price": n / 4} for n in range(40)]
    done(other.post("/api/apps/data/datatables/items/data", json=items))
    for region, client in zip(REGIONS, (one, other), strict=True):
        body = {"name": region, "email": f"{region}@example.org"}
        user = done(client.post("/api/users?no_invite=1", json=body))
        several.keys[region] = done(client.get(f"/api/users/{user['id']}"))["api_key"]
        done(client.patch(f"/api/orgs/main/members/{user['id']}", json={"role": "operator"}))
        rule = {
            "name": region,
            "subjects": {"users": [done(client.get(f"/api/users/{user['id']}"))["name"]]},
            "read": {"region": region},
        }
        done(client.post("/api/apps/data/datatables/items/rules", json=rule))
