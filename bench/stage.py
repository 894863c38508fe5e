"""A Penstock server of the benchmark's own: a fresh data directory, default settings, one worker."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from bench.data import APP, TABLE, Volume
from bench.tools import BenchError, Tools
from penstock.kit import embedded

_PATIENCE = 120.0  # seconds
_DATABASE = "penstock"


@dataclass
class Stage:
    """What the contests play on."""

    tools: Tools
    directory: Path
    volume: Volume
    port: int
    key: str
    clients: int
    process: subprocess.Popen[bytes] | None = None
    place: str = ""
    schema: str = ""
    physical: str = ""
    cluster: embedded.Cluster | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process; the worker is its child."""
        assert self.process
        return self.process.pid

    @property
    def path(self) -> str:
        return f"/api/apps/{APP}/datatables/{TABLE}/data/"

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    def launch(self) -> None:
        """Start the server as a user does, and come back at once."""
        program = Path(sys.executable).with_name("penstock")
        # An installation has its byte code, and this is what leaves it unwritten.
        dropped = ("PENSTOCK_", "PYTHONDONTWRITEBYTECODE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        environment |= {
            "PENSTOCK_ADMIN_EMAIL": "bench@example.com",
            "PENSTOCK_ADMIN_PASSWORD": self.key,
            "PENSTOCK_ADMIN_KEY": self.key,
        }
        command = [program, "serve", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.directory, stdout=log, stderr=log
            )

    def start(self) -> None:
        self.launch()
        self.wait_for("/api/health")

    def wait_for(self, path: str) -> float:
        """The clock's time when a GET of this path, with the key, was first answered with 200."""
        assert self.process
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BenchError(f"The server ended:\n{self._log()}")
            if self.get(path) == 200:
                return time.monotonic()
            time.sleep(0.002)
        raise BenchError(f"{path} was not answered within {_PATIENCE:.0f} s:\n{self._log()}")

    def get(self, path: str) -> int:
        """The status of a GET, 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Key {self.key}"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def join_database(self) -> embedded.Cluster:
        """Keeps the embedded PostgreSQL running until `stop`."""
        if self.cluster is None:
            self.cluster = embedded.start(self.data_dir, watch=False)
        return self.cluster

    async def connect(self) -> asyncpg.Connection:
        """A connection of the superuser, for setting up and for comparing."""
        cluster = self.join_database()
        return await asyncpg.connect(
            host=cluster.host,
            port=cluster.port,
            user=cluster.superuser,
            password=cluster.superuser_password,
            database=_DATABASE,
        )

    def stop(self) -> None:
        """Server and PostgreSQL, cleanly; comes back when both are gone."""
        keeper = self.keeper()
        if self.cluster is not None:
            self.cluster.close()
            self.cluster = None
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        deadline = time.monotonic() + _PATIENCE
        while keeper and Path(f"/proc/{keeper}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def keeper(self) -> int | None:
        """The process id of PostgreSQL's supervisor, while there is one."""
        with suppress(OSError, ValueError, IndexError):
            postmaster = int((self.data_dir / "postgres/data/postmaster.pid").read_text().split()[0])
            return int(Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[1])
        return None

    def _log(self) -> str:
        with suppress(OSError):
            return (self.directory / "server.log").read_text("utf-8", "replace")[-4000:]
        return ""


@contextmanager
def open_stage(tools: Tools, volume: Volume, clients: int) -> Iterator[Stage]:
    """A running server on an empty directory; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-", ignore_cleanup_errors=True) as directory:
        stage = Stage(tools, Path(directory), volume, free_port(), secrets.token_hex(20), clients)
        try:
            stage.start()
            yield stage
        finally:
            stage.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
