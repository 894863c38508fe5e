"""The callers of the tables' tests serve here too; a PostgreSQL behind TCP, and a MongoDB."""

from __future__ import annotations

import asyncio
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.databases import TestDatabase
from tests.tables.conftest import callers, owner

__all__ = ["callers", "owner"]
MONGOD = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"


@asynccontextmanager
async def relay(database: TestDatabase) -> AsyncIterator[int]:
    """A TCP port on this machine that leads to the PostgreSQL of the tests, whose own door is a socket."""
    login = database.account.direct

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if login.host.startswith("/"):
            there = await asyncio.open_unix_connection(f"{login.host}/.s.PGSQL.{login.port}")
        else:
            there = await asyncio.open_connection(login.host, login.port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def postgres(database: TestDatabase, port: int, **changes: Any) -> dict[str, Any]:
    """A credential for the PostgreSQL of the tests."""
    login = database.logins.data
    settings = {"host": "127.0.0.1", "port": port, "database": login.database, "user": login.user}
    return {
        "name": "Tests",
        "kind": "postgresql",
        "settings": {**settings, **changes.pop("settings", {})},
        "secrets": {"password": login.password},
        **changes,
    }


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real MongoDB that asks for a password: `app`, `s3cret`."""
    if not MONGOD.exists():
        pytest.skip("There is no mongod for this platform.")
    directory, port = tmp_path_factory.mktemp("mongod"), free_port()
    command = [MONGOD, "--dbpath", directory, "--port", str(port), "--bind_ip", "127.0.0.1", "--auth"]
    log = (directory / "log").open("wb")
    process = subprocess.Popen([*command, "--unixSocketPrefix", directory], stdout=log, stderr=log)
    try:
        asyncio.run(_make_user(port))
        yield port
    finally:
        process.terminate()
        process.wait(20)
        log.close()


async def _make_user(port: int) -> None:
    import pymongo

    client: Any = pymongo.AsyncMongoClient("127.0.0.1", port, directConnection=True)
    await client.admin.command("createUser", "app", pwd="s3cret", roles=["readWriteAnyDatabase"])
    await client.close()
