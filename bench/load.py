"""Puts load on a contestant for some seconds: wrk or the built-in client over HTTP, pgbench for SQL."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.tools import BenchError

_HERE = Path(__file__).parent
_THREADS = 2


@dataclass(frozen=True)
class Template:
    """A request whose `{account}`, `{amount}`, `{status}`, `{moment}` and `{number}` are random each time."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None


@dataclass(frozen=True)
class Throughput:
    """Answers per second, and how long they took in milliseconds (p99 is unknown to pgbench)."""

    rate: float
    requests: int
    p50: float
    p99: float | None


def over_http(
    url: str, template: Template, *, wrk: Path | None, clients: int, seconds: float, accounts: int
) -> Throughput:
    """Raises `BenchError` when any request fails."""
    if wrk is None:
        found = _built_in(url, template, clients, seconds, accounts)
    else:
        found = _wrk(url, template, wrk, clients, seconds, accounts)
    if found["failed"]:
        raise BenchError(f"{found['failed']} of {found['requests']} requests to {url} failed.")
    return Throughput(
        found["requests"] / found["seconds"], int(found["requests"]), found["p50"], found["p99"]
    )


def pgbench(
    program: Path, script: str, environment: dict[str, str], *, clients: int, seconds: float, directory: Path
) -> Throughput:
    """The script with prepared statements; raises `BenchError` when any transaction fails."""
    file = directory / "script.sql"
    file.write_text(script)
    command = [
        *(program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(_THREADS)),
        *("-T", str(max(1, round(seconds))), "-f", file),
    ]
    whole = {**os.environ, **environment}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    done_count = re.search(r"^number of transactions actually processed: (\d+)", done.stdout, re.MULTILINE)
    latency = re.search(r"^latency average = ([\d.]+) ms", done.stdout, re.MULTILINE)
    if done.returncode or rate is None or done_count is None or latency is None:
        raise BenchError(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
    return Throughput(float(rate[1]), int(done_count[1]), float(latency[1]), None)


def _wrk(
    url: str, template: Template, wrk: Path, clients: int, seconds: float, accounts: int
) -> dict[str, float]:
    command = [
        *(wrk, "-t", str(_THREADS), "-c", str(clients), "-d", f"{max(1, round(seconds))}s"),
        *("--timeout", "30s"),
        *("-s", _HERE / "requests.lua", url, "--", template.method, template.path, template.body or "-"),
        *(str(accounts), *(f"{name}: {value}" for name, value in template.headers.items())),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    result = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if result is None:
        raise BenchError(f"wrk failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(result[1])


def _built_in(url: str, template: Template, clients: int, seconds: float, accounts: int) -> dict[str, float]:
    order = {"url": url, "clients": clients, "seconds": seconds, "accounts": accounts, **asdict(template)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.client"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        cwd=_HERE.parent,
    )
    if done.returncode:
        raise BenchError(f"The load generator failed:\n{done.stderr}")
    return json.loads(done.stdout)
