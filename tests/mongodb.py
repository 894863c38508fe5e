"""A real MongoDB for tests: alone, or as a replica set of one member."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from tests.conftest import free_port

MONGOD = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"


@contextlib.contextmanager
def running(directory: Path, port: int, *, replica_set: bool = True) -> Iterator[str]:
    """Its URL, once it takes writes."""
    if not MONGOD.exists():
        pytest.skip("There is no mongod for this platform.")
    command = [MONGOD, "--dbpath", directory, "--port", str(port), "--bind_ip", "127.0.0.1"]
    command += ["--unixSocketPrefix", directory, "--wiredTigerCacheSizeGB", "0.25"]
    command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    if replica_set:
        command += ["--replSet", "tests", "--oplogSize", "64"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C"})
        try:
            _ready(port, replica_set)
            yield f"mongodb://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(30)


def _ready(port: int, replica_set: bool) -> None:
    client: Any = pymongo.MongoClient("127.0.0.1", port, directConnection=True)
    if replica_set:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        client.admin.command("replSetInitiate", {"_id": "tests", "members": [member]})
    until = time.monotonic() + 60
    while not client.admin.command("hello")["isWritablePrimary"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    client.close()


@pytest.fixture(scope="session")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("mongod"), free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("mongod"), free_port(), replica_set=False) as url:
        yield url
