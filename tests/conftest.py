"""Fixtures of the whole suite: a real PostgreSQL, a database per test, the application in process and as a process."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest

from penstock.kit.context import Context
from penstock.server.app import create_app
from penstock.server.edge import Edge
from penstock.server.worker import build_context, close_context, open_context
from tests import databases as testing
from tests.databases import ADMIN_KEY, Databases, TestDatabase

# How long an example takes is a matter of the machine.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Tests marked `anyio` run on the event loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture(scope="session")
def databases(shared_root: Path) -> Iterator[Databases]:
    """Where databases come from: `with databases.clone() as database`."""
    with testing.open_databases(shared_root) as opened:
        yield opened


def pytest_configure(config: pytest.Config) -> None:
    # Where it is set, each of the many servers that tests start would compile the whole program anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        testing.reserve_memory()


def pytest_collection_finish() -> None:
    # What is there by now stays; the collector need not look at it time and again.
    gc.freeze()


def pytest_sessionfinish() -> None:
    # Libraries tell of objects that are left when the process ends.
    gc.unfreeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """In the process that outlives all workers: nothing of the run stays."""
    if hasattr(config, "workerinput"):
        return
    factory = getattr(config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    if base is not None:
        testing.drop_all(base / "shared")
        testing.drop_cluster(base / "shared")


@pytest.fixture(scope="session")
def pgvector(databases: Databases) -> None:
    """Skips where PostgreSQL has no vectors."""
    if not testing.has_vectors(databases):
        pytest.skip("this PostgreSQL has no pgvector")


@pytest.fixture
def database(databases: Databases) -> Iterator[TestDatabase]:
    """A database of one's own: set up, migrated, with an organization `main` and its administrator."""
    with databases.clone() as cloned:
        yield cloned


@pytest.fixture
async def ctx(database: TestDatabase) -> AsyncIterator[Context]:
    """The handles of a server process on `database`, open."""
    context = build_context(database.logins, database.keys, database.settings)
    await open_context(context)
    yield context
    await close_context(context)


@pytest.fixture
async def app(ctx: Context) -> AsyncIterator[Edge]:
    """The whole application."""
    edge = create_app(ctx)
    await edge.start()
    yield edge
    await edge.stop()


def client_of(app: Edge, key: str | None = ADMIN_KEY) -> httpx2.AsyncClient:
    """A client of the application in process; `key` None is a caller without credentials."""
    headers = {"Authorization": f"Key {key}"} if key else {}
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


@pytest.fixture
async def client(app: Edge) -> AsyncIterator[httpx2.AsyncClient]:
    """The administrator, owner of the organization `main`."""
    async with client_of(app) as opened:
        yield opened


@pytest.fixture
async def anonymous(app: Edge) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller without credentials."""
    async with client_of(app, None) as opened:
        yield opened


@dataclass(frozen=True)
class RunningServer:
    """A `penstock serve` process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    key: str = ADMIN_KEY

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")


@contextmanager
def running_server(
    directory: Path, environment: dict[str, str], *flags: str, port: int | None = None
) -> Iterator[RunningServer]:
    """Start `penstock serve` and stop it in the end; `directory` is its data directory and holds its log."""
    started = start_server(directory, environment, *flags, port=port)
    try:
        wait_until_ready(started)
        yield started
    finally:
        stop_server(started)


def start_server(
    directory: Path, environment: dict[str, str], *flags: str, port: int | None = None
) -> RunningServer:
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / f"server-{port}.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    command = [
        sys.executable,
        "-m",
        "penstock.server",
        "--port",
        str(port),
        "--data-dir",
        str(directory),
        *flags,
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**inherited, **environment}, stdout=output, stderr=output, cwd=directory
        )
    return RunningServer(process, port, log)


def wait_until_ready(server: RunningServer, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise AssertionError(f"The server ended with {server.process.returncode}:\n{server.output()}")
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{server.url}/api/health", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"The server is not ready after {seconds} s:\n{server.output()}")


def stop_server(server: RunningServer) -> None:
    if server.process.poll() is None:
        server.process.terminate()
    try:
        server.process.wait(40)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        pytest.fail(f"the server did not stop:\n{server.output()[-5000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server process on a database of its own, one for each test module."""
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("server"), cloned.environment) as started,
    ):
        yield started
