"""A PostgreSQL that is not ours: Debian's, with an account that is no superuser, and pgbouncer in front if wanted.

python -m tests.foreign [--pgbouncer] -- pytest tests     # the suite against it
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BINARIES = Path("/usr/lib/postgresql/15/bin")
PGBOUNCER = Path("/usr/sbin/pgbouncer")
_SYSTEM_ACCOUNT = "postgres"
ACCOUNT, PASSWORD = "keeper", "a password / with: signs"

_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
"""

_AUTHENTICATION = """
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""

_ROLES = f"""
CREATE ROLE {ACCOUNT} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';
-- Dropping the database of a test ends the pooler's idle connections to it.
GRANT pg_signal_backend TO {ACCOUNT};
CREATE ROLE pooler LOGIN PASSWORD 'pooler';
\\connect template1
CREATE SCHEMA pooler;
CREATE FUNCTION pooler.login_of(wanted text) RETURNS TABLE (name text, secret text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname = wanted AND rolcanlogin $$;
REVOKE ALL ON FUNCTION pooler.login_of(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA pooler TO pooler;
GRANT EXECUTE ON FUNCTION pooler.login_of(text) TO pooler;
\\connect postgres
CREATE DATABASE keeper OWNER {ACCOUNT};
"""

_POOLER = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {directory}/users.txt
auth_user = pooler
auth_query = SELECT name, secret FROM pooler.login_of($1)
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_idle_timeout = 5
ignore_startup_parameters = extra_float_digits
logfile = {directory}/pgbouncer.log
pidfile = {directory}/pgbouncer.pid
"""


@dataclass(frozen=True)
class Foreign:
    """Addresses of a server; `pooled` goes through pgbouncer where there is one."""

    port: int
    pooler_port: int | None
    superuser: str

    def url(self, database: str = "keeper") -> str:
        return _url(self.pooler_port or self.port, database)

    def direct_url(self, database: str = "keeper") -> str:
        return _url(self.port, database)

    def environment(self) -> dict[str, str]:
        """What makes the suite use it."""
        given = {"PENSTOCK_TEST_DATABASE_URL": self.url()}
        if self.pooler_port:
            given["PENSTOCK_TEST_DATABASE_DIRECT_URL"] = self.direct_url()
        return given


def _url(port: int, database: str) -> str:
    from urllib.parse import quote

    return f"postgresql://{ACCOUNT}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/{database}"


@contextlib.contextmanager
def foreign_postgresql(*, pgbouncer: bool = False) -> Iterator[Foreign]:
    """Start one in a directory of its own, and stop it in the end."""
    directory = Path(tempfile.mkdtemp(prefix="penstock-foreign-"))
    account = _account()
    if "user" in account:
        shutil.chown(directory, _SYSTEM_ACCOUNT)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        port = free_port()
        _make_cluster(directory, port, account)
        stack.enter_context(
            _process([str(BINARIES / "postgres"), "-D", str(directory / "data")], directory, account)
        )
        _wait_until_ready(directory, port)
        _psql(directory, port, _ROLES, account)
        pooler_port = None
        if pgbouncer:
            pooler_port = free_port()
            configuration = directory / "pgbouncer.ini"
            configuration.write_text(_POOLER.format(server=port, port=pooler_port, directory=directory))
            (directory / "users.txt").write_text('"pooler" "pooler"\n')
            stack.enter_context(_process([str(PGBOUNCER), str(configuration)], directory, account))
            _wait_for(pooler_port)
        yield Foreign(port, pooler_port, f"postgresql://postgres@/postgres?host={directory}&port={port}")


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    pwd.getpwnam(_SYSTEM_ACCOUNT)
    return {"user": _SYSTEM_ACCOUNT, "group": _SYSTEM_ACCOUNT, "extra_groups": []}


def _make_cluster(directory: Path, port: int, account: dict[str, Any]) -> None:
    data = directory / "data"
    command = [
        BINARIES / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=directory, **account)
    with (data / "postgresql.conf").open("a") as file:
        file.write(_SETTINGS.format(port=port, directory=directory))
    (data / "pg_hba.conf").write_text(_AUTHENTICATION)


@contextlib.contextmanager
def _process(command: list[str], directory: Path, account: dict[str, Any]) -> Iterator[None]:
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, **account)
    try:
        yield
    finally:
        process.send_signal(2)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _psql(directory: Path, port: int, statements: str, account: dict[str, Any]) -> None:
    command = [
        BINARIES / "psql",
        "-qX",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        directory,
        "-p",
        str(port),
        "-U",
        "postgres",
    ]
    subprocess.run(command, input=statements.encode(), check=True, cwd=directory, **account)


def _wait_until_ready(directory: Path, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        command = [BINARIES / "pg_isready", "-q", "-h", directory, "-p", str(port)]
        if subprocess.run(command, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"PostgreSQL is not ready:\n{(directory / 'log').read_text()}")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"Nothing listens on port {port}.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pgbouncer", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with foreign_postgresql(pgbouncer=options.pgbouncer) as foreign:
        return subprocess.run(
            options.command, check=False, env={**os.environ, **foreign.environment()}
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
