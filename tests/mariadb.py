"""A real MariaDB for tests, Debian's, on a port of this machine: user `reader`, who may read `shop`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port

SERVER, INSTALL = Path("/usr/sbin/mariadbd"), Path("/usr/bin/mariadb-install-db")
USER, PASSWORD, DATABASE = "reader", "it's a \\ password", "shop"
_FIRST = """
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER 'maker'@'127.0.0.1' IDENTIFIED BY 'maker';
GRANT ALL ON shop.* TO 'maker'@'127.0.0.1';
CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'it''s a \\\\ password';
GRANT ALL ON shop.* TO 'reader'@'127.0.0.1';
"""


@contextlib.contextmanager
def running(directory: Path) -> Iterator[int]:
    """Its port, once it answers."""
    if not SERVER.exists() or not INSTALL.exists():
        pytest.skip("There is no MariaDB: scripts/install_test_packages.sh installs Debian's mariadb-server.")
    data, port = directory / "data", free_port()
    who = ["--user=root"] if os.geteuid() == 0 else []
    with (directory / "log").open("wb") as log:
        install = [INSTALL, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        subprocess.run([*install, "--skip-test-db", *who], check=True, stdout=log, stderr=log)
        first = directory / "first.sql"
        first.write_text(_FIRST, "utf-8")
        command = [SERVER, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1"]
        command += [f"--socket={directory}/s", f"--pid-file={directory}/pid", f"--init-file={first}", *who]
        command += ["--innodb-buffer-pool-size=16M", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _ready(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _ready(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None and time.monotonic() < until
        try:
            run(port, "SELECT 1")
        except Exception:
            time.sleep(0.05)
        else:
            return


def run(port: int, *statements: str) -> list[tuple[object, ...]]:
    """As somebody who may do anything in `shop`; gives the rows of the last one."""
    import pymysql

    connection = pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="maker",
        password="maker",
        database=DATABASE,
        charset="utf8mb4",
        ssl_disabled=True,
    )
    try:
        with connection.cursor() as cursor:
            for one in statements:
                cursor.execute(one)
            rows = list(cursor.fetchall())
        connection.commit()
        return rows
    finally:
        connection.close()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(tmp_path_factory.mktemp("mariadb")) as port:
        yield port
