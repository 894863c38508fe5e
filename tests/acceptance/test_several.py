"""Two servers and two workers over one PostgreSQL and one bucket do what one of each does, and share the work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.busy import HEADERS
from tests.acceptance.test_seed_explorer import BY_SQL, curl, fill, pages
from tests.conftest import RunningServer, running_server
from tests.databases import Databases, TestDatabase
from tests.s3 import emulator
from tests.server.test_jobs import ask
from tests.server.test_processes import eventually

__all__ = ["emulator"]
CLIENTS, EACH = 8, 15
WORKERS = "SELECT count(*) FROM penstock.job_workers"


@dataclass
class Several:
    """The processes, the database and the directories of their own."""

    database: TestDatabase
    servers: list[RunningServer]
    workers: list[subprocess.Popen[bytes]]
    directory: Path


@pytest.fixture(scope="module")
def several(
    databases: Databases, emulator: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Several]:
    directory = tmp_path_factory.mktemp("several")
    options = (
        f"endpoint={emulator},region=us-east-1,access_key_id=test,secret_access_key=test,allow_http=true"
    )
    bucket = {"PENSTOCK_RESULTS_URL": "s3://results/several", "PENSTOCK_RESULTS_OPTIONS": options}
    with databases.clone() as cloned, ExitStack() as stack:
        environment = {**cloned.environment, **bucket}
        workers = [stack.enter_context(worker(directory / f"worker{n}", environment)) for n in range(2)]
        serving = {**environment, "PENSTOCK_WORKER": "off"}
        servers = [stack.enter_context(running_server(directory / f"server{n}", serving)) for n in range(2)]
        fill(servers[0])
        eventually(lambda: ask(cloned, WORKERS) == 2)
        yield Several(cloned, servers, workers, directory)


class worker:
    """A `penstock worker` process, stopped in the end."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        directory.mkdir()
        command = [sys.executable, "-m", "penstock_sdk.cli", "worker", "--data-dir", str(directory)]
        log = (directory / "log").open("wb")
        self.process = subprocess.Popen(command, env={**inherited, **environment}, stdout=log, stderr=log)
        log.close()

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(40)


def client_of(server: RunningServer) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers=HEADERS, timeout=60)


def test_the_explorer_from_either(several: Several) -> None:
    one, other = several.servers
    status, made = curl(one, BY_SQL)
    assert status == 200
    found = list(pages(other, made["query_slug"]))
    assert [len(page) for page in found] == [100, 100, 50]
    assert list(pages(one, made["query_slug"])) == found


def test_results_and_links_from_either(several: Several) -> None:
    with client_of(several.servers[0]) as one, client_of(several.servers[1]) as other:
        (source,) = one.get("/api/data_sources").json()
        body = {
            "query": "SELECT id, description FROM table_name",
            "data_source_id": source["id"],
            "name": "All",
        }
        query = one.post("/api/queries", json=body).json()["id"]
        job = other.post(f"/api/queries/{query}/results", json={}).json()["job"]["id"]
        eventually(lambda: one.get(f"/api/jobs/{job}").json()["job"]["status"] == 3)
        texts = [client.get(f"/api/queries/{query}/results.csv").text for client in (one, other)]
        assert texts[0] == texts[1] and texts[0].count("\r\n") == 251
        found = one.post("/api/v1/sql-query", json={"sql": "SELECT id FROM table_name"}).json()
        (link,) = found["presigned_urls"]
        elsewhere = link.replace(several.servers[0].url, several.servers[1].url)
        assert httpx2.get(elsewhere).text == httpx2.get(link).text != ""
    # Nothing stays on a machine.
    assert [path for path in several.directory.rglob("results/*") if path.is_file()] == []


def test_many_jobs_of_many_clients(several: Several) -> None:
    """None is lost, none is done twice, and both workers do some."""
    ended: Counter[int] = Counter()
    before = ask(several.database, "SELECT count(*) FROM penstock.query_results")

    def work(number: int) -> None:
        with client_of(several.servers[number % 2]) as client:
            (source,) = client.get("/api/data_sources").json()
            left: set[str] = set()
            for place in range(EACH):
                body = {
                    "query": f"SELECT {number} AS client, {place} AS place, count(*) AS n FROM table_name",
                    "data_source_id": source["id"],
                    "max_age": 0,
                }
                left.add(client.post("/api/query_results", json=body).json()["job"]["id"])
            deadline = time.monotonic() + 90
            while left and time.monotonic() < deadline:
                for job in sorted(left):
                    status = client.get(f"/api/jobs/{job}").json()["job"]["status"]
                    if status >= 3:
                        ended[status] += 1
                        left.remove(job)
                time.sleep(0.05)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {3: CLIENTS * EACH}
    results = "SELECT count(*) FROM penstock.query_results"
    assert ask(several.database, results) - before == CLIENTS * EACH
    tried_again = "SELECT count(*) FROM penstock.job_runs WHERE job = 'queries.run' AND attempts > 1"
    assert ask(several.database, tried_again) == 0
