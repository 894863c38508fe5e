"""The whole demo as its user runs it; the slowest test of the suite."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import Client, PenstockError
from penstock_sdk.cli import demo_check, demo_data
from tests.conftest import free_port

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}


def demo(directory: Path, port: int, *flags: str) -> list[str]:
    arguments = ("-m", "penstock_sdk.cli", "demo", "--data-dir", str(directory), "--port", str(port))
    return [sys.executable, *arguments, *flags]


def finished(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo(*arguments), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600
    )


@contextmanager
def running(*arguments: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        demo(*arguments), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_the_demo_loads_once_is_right_and_stops_what_it_started(tmp_path: Path) -> None:
    directory, port = tmp_path / "data", free_port()
    with running(directory, port) as interrupted:
        wait_for_rows(directory, port)
        # Who comes meanwhile waits for its turn, and takes over.
        joining = subprocess.Popen(
            demo(directory, port, "--check"),
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert joining.stderr is not None
        assert "Waiting for another demo" in joining.stderr.readline()
        interrupted.send_signal(signal.SIGTERM)
        interrupted.communicate(timeout=60)

    out, err = joining.communicate(timeout=600)
    assert joining.returncode == 0, out + err
    assert "rows loaded through the API" in err
    assert "0 wrong" in out
    assert "336,776" in out
    assert not is_listening(port)
    assert stat.S_IMODE((directory / "demo-key").stat().st_mode) == 0o600
    assert stat.S_IMODE((directory / "demo-server.log").stat().st_mode) == 0o600

    with running(directory, port) as serving:
        said = lines_until(serving, "Serving until")
        assert any("loaded already" in line for line in said), said
        again = finished(directory, port)
        assert (again.returncode, "running already" in again.stderr) == (0, True)
        other = finished(tmp_path / "other", port)
        assert (other.returncode, "another data directory" in other.stderr) == (1, True)
        serving.send_signal(signal.SIGTERM)
        out, _ = serving.communicate(timeout=60)
    assert out.count("$ curl") == 5
    assert not is_listening(port)


def wait_for_rows(directory: Path, port: int) -> None:
    """Until an interruption leaves some tables full and others empty."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(PenstockError, OSError):
            key = (directory / "demo-key").read_text().strip()
            with Client(f"http://127.0.0.1:{port}", key=key) as client:
                if client.app("demo").table("weather").records.count():
                    return
        time.sleep(0.1)
    pytest.fail("The demo did not begin to load.")


def lines_until(process: subprocess.Popen[str], text: str) -> list[str]:
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return said
    pytest.fail("".join(said))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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


def test_the_references_that_are_not_declared_do_not_hold() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/demo.md").read_text()
    files = demo_check.Files()
    airports = {row["faa"] for row in files.airports}
    missing = sorted({row["dest"] for row in files.flights} - airports)
    assert f"({', '.join(missing)})" in page
    planes = {row["tailnum"] for row in files.planes} | {None}
    assert f"{len({row['tailnum'] for row in files.flights} - planes)} aircraft" in page


def test_a_wrong_answer_shows_the_first_row_that_differs() -> None:
    assert demo_check.difference([1, 2, 3], [1, 5, 3]) == {"row": 1, "expected": 2, "found": 5}
    assert demo_check.difference([1, 2], [1]) == "1 rows instead of 2"
    assert demo_check.difference(3, 4) == 4
