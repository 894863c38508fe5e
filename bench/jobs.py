"""Many queries at once: 1,000 jobs of 8 clients with two workers, and another org that comes later."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import data
from bench.asking import PATIENCE, Asking
from bench.options import Options
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError

_CLIENTS = 8
_SECOND = "second"
# Of queries and nothing else, which began after the mark.
_WAITS = """
    SELECT o.slug, extract(epoch FROM r.started_at - r.created_at)::float8 AS waited, r.state, r.attempts,
           extract(epoch FROM r.finished_at)::float8 AS finished
    FROM penstock.job_runs r JOIN penstock.orgs o ON o.id = r.org_id
    WHERE r.job = 'queries.run' AND r.id > $1"""


async def race(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """How many a second, how long they wait, whether each is done once, and whether a smaller org has its turn."""
    count = 160 if options.is_quick else 1000
    connection = await stage.connect()
    try:
        other = _second_org(stage)
        with _second_worker(stage):
            await _until(connection, "SELECT count(*) >= 2 FROM penstock.job_workers")
            mark = await connection.fetchval("SELECT coalesce(max(id), 0) FROM penstock.job_runs")
            before = await connection.fetchval("SELECT count(*) FROM penstock.query_results")
            started = time.time()
            await asyncio.to_thread(_ask_all, stage, count)
            # The other org comes when the queue is full.
            await asyncio.to_thread(_ask_some, stage, other, count // 10)
            await _until(
                connection,
                f"SELECT count(*) = {count + count // 10} FROM penstock.job_runs "
                f"WHERE job = 'queries.run' AND id > {mark} AND finished_at IS NOT NULL",
            )
        rows = await connection.fetch(_WAITS, mark)
        made = await connection.fetchval("SELECT count(*) FROM penstock.query_results") - before
    finally:
        await connection.close()
    if made != len(rows) or any(row["state"] != "succeeded" or row["attempts"] != 1 for row in rows):
        raise BenchError(f"Of {len(rows)} jobs there are {made} results, and not every one was done once.")
    return _figures(rows, started), _verdicts(rows)


def _ask_all(stage: Stage, count: int) -> None:
    threads = [
        threading.Thread(target=_ask_some, args=(stage, None, count // _CLIENTS, number))
        for number in range(_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask_some(stage: Stage, authorization: str | None, count: int, number: int = 0) -> None:
    client = Asking(stage, authorization)
    source = client.source()
    for place in range(count):
        client.start(f"SELECT {number} AS client, {place} AS place", source)
    client.close()


def _second_org(stage: Stage) -> str:
    """What shows that a request is of the second org."""
    client = Asking(stage)
    client.call("POST", "/api/orgs", {"slug": _SECOND})
    login = {"email": "bench@example.com", "password": stage.key, "org": _SECOND}
    token = client.call("POST", "/api/auth/jwt/token", login)["access"]
    client.close()
    mine = Asking(stage, f"Bearer {token}")
    mine.call("POST", "/api/apps", {"name": "Bench", "slug": data.APP})
    mine.call("POST", f"/api/apps/{data.APP}/datasources", {"name": "Main", "slug": "main"})
    mine.close()
    return f"Bearer {token}"


@contextmanager
def _second_worker(stage: Stage) -> Iterator[None]:
    """Beside the one that `penstock serve` has."""
    program = Path(sys.executable).with_name("penstock")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    with (stage.directory / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "worker", "--data-dir", str(stage.data_dir)],
            env=environment,
            cwd=stage.directory,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


async def _until(connection: Any, claim: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await connection.fetchval(claim):
        if time.monotonic() > deadline:
            raise BenchError(f"It did not come to be: {claim}")
        await asyncio.sleep(0.1)


def _waits(rows: list[Any], second: bool) -> list[float]:
    return [row["waited"] for row in rows if (row["slug"] == _SECOND) is second]


def _verdicts(rows: list[Any]) -> list[Verdict]:
    share = median(_waits(rows, True)) / median(_waits(rows, False))
    what = "jobs: an org that comes later, with a tenth of them"
    return [Verdict(what, "the wait of the first org, medians", share, "×", 0.5, 0.2, at_most=True)]


def _figures(rows: list[Any], started: float) -> Figures:
    seconds = max(row["finished"] for row in rows) - started
    shown = [["both", f"{len(rows):,}", f"{len(rows) / seconds:,.1f}", "", "", ""]]
    for name, second in (("first org", False), ("second org", True)):
        waits = _waits(rows, second)
        late = quantiles(waits, n=100)[94]
        shown.append(
            [name, f"{len(waits):,}", "", f"{median(waits):.2f}", f"{late:.2f}", f"{max(waits):.2f}"]
        )
    notes = (
        f"{_CLIENTS} clients of one org put small queries into the queue as fast as they can, then one client of "
        "another org a tenth as many; two workers of four places each, four queries of an org at a time. Each was done "
        "once, and has its result. Waits are from being asked to being begun, in seconds."
    )
    return Figures("Jobs", ("who", "jobs", "jobs/s", "median wait", "p95 wait", "longest"), shown, notes)
