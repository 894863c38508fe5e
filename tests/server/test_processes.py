"""The server as a process: kills, restarts, orphans, shutdown."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from penstock.kit import embedded
from tests.conftest import (
    RunningServer,
    free_port,
    running_server,
    start_server,
    stop_server,
    wait_until_ready,
)
from tests.databases import Databases

JOBS = "penstock-jobs"

pytestmark = pytest.mark.usefixtures("anyio_backend")


def eventually(claim: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "It did not come to be in time."
        time.sleep(0.05)


def healthy(server: RunningServer) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{server.url}/api/health", timeout=5).status_code == 200
    return False


def workers(server: RunningServer) -> list[psutil.Process]:
    return [process for process in children(server) if process.name() != JOBS]


def children(server: RunningServer) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def job_workers(server: RunningServer) -> list[psutil.Process]:
    return [process for process in children(server) if process.name() == JOBS]


@pytest.fixture
def two_workers(databases: Databases, tmp_path: Path) -> Iterator[RunningServer]:
    with (
        databases.clone() as cloned,
        running_server(tmp_path, cloned.environment, "--workers", "2") as started,
    ):
        yield started


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an embedded PostgreSQL of its own."""
    directory = tmp_path_factory.mktemp("own")
    with running_server(
        directory, {"PENSTOCK_ADMIN_KEY": "a key of the tests with 32 characters"}
    ) as started:
        yield started


def test_workers_that_are_killed_are_replaced(two_workers: RunningServer) -> None:
    for _ in range(3):
        before = {process.pid for process in workers(two_workers)}
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda known=before: len({process.pid for process in workers(two_workers)} - known) == 1)
        eventually(lambda: healthy(two_workers))
    assert two_workers.process.poll() is None


def test_all_workers_at_once(two_workers: RunningServer) -> None:
    before = workers(two_workers)
    for process in before:
        process.kill()
    eventually(lambda: len(set(workers(two_workers)) - set(before)) == 2 and healthy(two_workers))


def test_workers_go_with_their_parent(two_workers: RunningServer) -> None:
    left = workers(two_workers)
    two_workers.process.kill()
    two_workers.process.wait()
    eventually(lambda: not any(_alive(process) for process in left))


def test_metrics_are_summed_over_workers(two_workers: RunningServer) -> None:
    for _ in range(60):
        httpx2.get(f"{two_workers.url}/ping")

    def counted() -> bool:
        text = httpx2.get(f"{two_workers.url}/metrics").text
        line = 'penstock_request_duration_seconds_count{method="GET",route="/ping",status="200"} '
        found = [float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line)]
        return bool(found) and found[0] >= 60

    eventually(counted)


def test_postgresql_killed_and_back(own: RunningServer) -> None:
    directory = Path(own.process.args[own.process.args.index("--data-dir") + 1])  # type: ignore[union-attr,index]
    with embedded.start(directory) as cluster:
        postmaster = cluster.processes()[1]
    os.kill(postmaster, signal.SIGKILL)
    answers: list[int] = []

    def back() -> bool:
        answer = httpx2.get(f"{own.url}/api/health", timeout=10)
        answers.append(answer.status_code)
        return answer.status_code == 200

    eventually(lambda: not any(_alive(process) for process in _processes([postmaster])))
    eventually(back)
    assert set(answers) <= {200, 503}
    assert own.process.poll() is None


def test_no_orphan_after_a_kill(tmp_path: Path) -> None:
    server = start_server(tmp_path, {})
    try:
        wait_until_ready(server)
        with embedded.start(tmp_path) as cluster:
            everything = [*_processes(cluster.processes()), *children(server)]
    finally:
        server.process.kill()
        server.process.wait()
    assert len(everything) >= 4  # the keeper, the postmaster, one of its helpers, a worker
    eventually(lambda: not any(_alive(process) for process in everything))


def _processes(pids: Iterable[int]) -> Iterator[psutil.Process]:
    """Those that still run: PostgreSQL ends helpers of its own at any time."""
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_the_first_start_prints_its_secrets_once(tmp_path: Path) -> None:
    with running_server(tmp_path, {}) as first:
        shown = first.output()
    assert "not shown again" in shown
    key = next(line.split()[1] for line in shown.splitlines() if line.strip().startswith("key"))
    with running_server(tmp_path, {}, port=first.port) as second:
        assert "not shown again" not in second.output().removeprefix(shown)
        answer = httpx2.get(f"{second.url}/api/apps", headers={"Authorization": f"Key {key}"})
        assert answer.status_code == 200
        assert httpx2.get(f"{second.url}/api/apps").status_code == 401
        mode = (tmp_path / "keys.json").stat().st_mode
        assert mode & 0o077 == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_finished(databases: Databases, tmp_path: Path, sign: int) -> None:
    with databases.clone() as cloned, running_server(tmp_path, cloned.environment) as server:
        answers: list[int] = []

        def slow() -> Iterator[bytes]:
            yield b'{"email": "nobody@example.com", '
            time.sleep(1.5)
            yield b'"password": "wrong password"}'

        def ask() -> None:
            answers.append(
                httpx2.post(f"{server.url}/api/auth/jwt/token/", content=slow(), timeout=20).status_code
            )

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        server.process.send_signal(sign)
        assert server.process.wait(20) == 0
        asking.join(20)
        assert answers in ([400], [401])


def test_a_port_that_is_taken(databases: Databases, tmp_path: Path, server: RunningServer) -> None:
    with databases.clone() as cloned:
        second = start_server(tmp_path, cloned.environment, port=server.port)
        assert second.process.wait(30) == 1
        assert f"Port {server.port}" in second.output()
        assert "Traceback" not in second.output()


@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({"PENSTOCK_WORKERS": "many"}, 2, "PENSTOCK_WORKERS: 'many' is not a whole number."),
        ({"PENSTOCK_DATABASE_URL": "mysql://x"}, 1, "must begin with postgresql://"),
        ({"PENSTOCK_DATABASE_URL": "postgresql://me:x@127.0.0.1:1/db"}, 1, "cannot be reached"),
        ({"PENSTOCK_CONFIG": "/nowhere.toml"}, 2, "does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, environment: dict[str, str], code: int, sentence: str
) -> None:
    server = start_server(tmp_path, environment)
    assert server.process.wait(30) == code
    assert sentence in server.output()
    assert "Traceback" not in server.output()


def test_traces_of_a_server(databases: Databases, tmp_path: Path) -> None:
    received: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector, databases.clone() as cloned:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
        environment = {**cloned.environment, "PENSTOCK_TRACING_ENDPOINT": endpoint}
        with running_server(tmp_path, environment) as server:
            httpx2.get(f"{server.url}/api/users/me")
        collector.shutdown()
    assert b"GET /api/users/me" in b"".join(received)


def test_two_servers_on_one_directory(own: RunningServer) -> None:
    directory = Path(own.process.args[own.process.args.index("--data-dir") + 1])  # type: ignore[union-attr,index]
    second = start_server(directory, {}, port=free_port())
    try:
        wait_until_ready(second)
        headers = {"Authorization": "Key a key of the tests with 32 characters"}
        made = httpx2.post(
            f"{second.url}/api/apps", json={"name": "Shared", "slug": "shared"}, headers=headers
        )
        assert made.status_code == 201, made.text
        assert httpx2.get(f"{own.url}/api/apps/shared", headers=headers).status_code == 200
    finally:
        stop_server(second)
    assert healthy(own)
