"""The whole demo as its user runs it; the slowest test of the suite."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import free_port

from penstock_sdk.cli import demo_check, demo_data

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}


def demo(directory: Path, port: int, *flags: str) -> list[str]:
    return [
        sys.executable,
        *("-m", "penstock_sdk.cli", "demo", "--data-dir", str(directory), "--port", str(port)),
        *flags,
    ]


def test_the_demo_loads_once_is_right_and_stops_what_it_started(tmp_path: Path) -> None:
    directory, port = tmp_path / "data", free_port()
    first = subprocess.Popen(
        demo(directory, port), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # Interrupted as soon as there is something to interrupt.
    deadline = time.monotonic() + 120
    while not (directory / "postgres").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(4)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)

    checked = subprocess.run(
        demo(directory, port, "--check"),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 wrong" in checked.stdout
    assert "336,776" in checked.stdout
    assert stat.S_IMODE((directory / "demo-key").stat().st_mode) == 0o600

    started = time.monotonic()
    second = subprocess.Popen(
        demo(directory, port), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stderr is not None
    said = []
    for line in second.stderr:
        said.append(line)
        if "Serving until" in line:
            break
    else:
        pytest.fail("".join(said))
    assert any("loaded already" in line for line in said)
    assert time.monotonic() - started < 60

    third = subprocess.run(
        demo(directory, port), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert third.returncode == 0
    assert "running already" in third.stderr
    other = subprocess.run(
        demo(tmp_path / "other", port),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert other.returncode == 1
    assert "another data directory" in other.stderr

    second.send_signal(signal.SIGTERM)
    out, _ = second.communicate(timeout=60)
    assert out.count("$ curl") == 5
    with pytest.raises(ConnectionRefusedError):
        _connect(port)


def _connect(port: int) -> None:
    import socket

    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_the_numbers_of_the_loader_are_those_of_the_files() -> None:
    files = demo_check.Files()
    for table in demo_data.TABLES:
        rows = files.table(table.name)
        assert len(rows) == table.rows
        keys = {demo_check._key(table.name, row) for row in rows}
        assert len(keys) == table.rows
        for foreign in table.schema.get("foreignKeys", []):
            (field,), target = foreign["fields"], foreign["reference"]
            known = {row[target["fields"][0]] for row in files.table(target["resource"])}
            assert {row[field] for row in rows} <= known


def test_a_wrong_answer_shows_the_first_row_that_differs() -> None:
    assert demo_check.difference([1, 2, 3], [1, 5, 3]) == {"row": 1, "expected": 2, "found": 5}
    assert demo_check.difference([1, 2], [1]) == "1 rows instead of 2"
    assert demo_check.difference(3, 4) == 4
