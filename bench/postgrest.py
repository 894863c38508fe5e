"""PostgREST on the same table, set up to do its best: prepared statements, our pool size, tokens cached."""

from __future__ import annotations

import http.client
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import asyncpg
from joserfc import jwt
from joserfc.jwk import OctKey

from bench.stage import Stage, free_port
from bench.tools import BenchError
from penstock.server.settings import ServerSettings

LOGIN = "bench_login"
CALLER = "bench_caller"


@dataclass(frozen=True)
class Rival:
    """A running PostgREST, and the login that pgbench uses too."""

    pid: int
    port: int
    token: str
    path: str
    password: str
    host: str
    pg_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def pgbench_environment(self) -> dict[str, str]:
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.pg_port),
            "PGUSER": LOGIN,
            "PGPASSWORD": self.password,
            "PGDATABASE": "penstock",
        }


async def create_roles(connection: asyncpg.Connection, stage: Stage, password: str) -> None:
    """One login that may read and write the table, and the role that a token names."""
    for role, options in ((LOGIN, f"LOGIN PASSWORD '{password}'"), (CALLER, "NOLOGIN")):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} {options}")
        await connection.execute(f"GRANT USAGE ON SCHEMA {stage.schema} TO {role}")
        await connection.execute(f"GRANT SELECT, INSERT ON {stage.place} TO {role}")
    await connection.execute(f"GRANT {CALLER} TO {LOGIN}")
    await connection.execute(f"ALTER ROLE {LOGIN} PASSWORD '{password}'")
    await connection.execute(f"GRANT CONNECT ON DATABASE penstock TO {LOGIN}")


@contextmanager
def serve(stage: Stage, password: str) -> Iterator[Rival]:
    """`password` is that of the login made by `create_roles`."""
    cluster = stage.join_database()
    port, secret = free_port(), secrets.token_urlsafe(48)
    host = quote(cluster.host, safe="")
    address = f"postgresql://{LOGIN}:{password}@/penstock?host={host}&port={cluster.port}"
    settings = {
        "db-uri": address,
        "db-schemas": stage.schema.strip('"'),
        "db-extra-search-path": "",
        "db-pool": ServerSettings().data_pool_size,
        "db-prepared-statements": True,
        "jwt-secret": secret,
        "jwt-cache-max-lifetime": 3600,
        "log-level": "crit",
        "openapi-mode": "disabled",
        "server-host": "127.0.0.1",
        "server-port": port,
    }
    file = stage.directory / "postgrest.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} = {_printed(value)}\n" for name, value in settings.items()))
    claims = {"role": CALLER, "exp": int(time.time()) + 86400}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
    with (stage.directory / "postgrest.log").open("wb") as log:
        process = subprocess.Popen([stage.tools.postgrest, file], stdout=log, stderr=log, cwd=stage.directory)
    rival = Rival(process.pid, port, token, f"/{stage.physical}", password, cluster.host, cluster.port)
    try:
        _wait(process, rival, stage)
        yield rival
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], rival: Rival, stage: Stage) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", rival.port, timeout=10)
        try:
            connection.request("GET", f"{rival.path}?limit=1", headers=rival.headers)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise BenchError(f"PostgREST does not answer:\n{(stage.directory / 'postgrest.log').read_text()[-2000:]}")


def _printed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'
