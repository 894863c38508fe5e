"""Queries: a million rows to a stored result beside COPY, its pages beside an empty request, its CSV beside psql."""

from __future__ import annotations

import asyncio
import http.client
import os
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import data, load, memory
from bench.asking import PATIENCE, Asking
from bench.load import Template, Throughput
from bench.memory import MIB
from bench.options import Options
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError

_PAGE = 100
_PIECE = 1 << 20
_QUIET = 3.0  # seconds, before each, in which memory settles
_ROUNDS = 3
_CROWD = 64  # clients that page one result
_COLUMNS = ", ".join(("id", *data.COLUMNS))
_LARGE = 10_000_000
Taken = dict[str, list[float]]


async def race(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """Rows per second of query and download; milliseconds of a page; how far memory rises meanwhile."""
    if (keeper := stage.keeper()) is None:
        raise BenchError("PostgreSQL's supervisor is not there.")
    client = Asking(stage)
    source = client.source()
    sql = f"SELECT {_COLUMNS} FROM {data.TABLE}"
    result = client.run(sql, source)
    connection = await stage.connect()
    plain = f"SELECT {_COLUMNS} FROM {stage.place}"
    rates: Taken = {}
    growth: dict[str, int] = {}

    async def measure(name: str, run: Callable[[], Awaitable[Any]]) -> None:
        await connection.execute("CHECKPOINT")
        before = memory.settled(stage.pid, keeper, _QUIET).private
        with memory.Watch(stage.pid, keeper) as watch:
            started = time.perf_counter()
            await run()
            rates.setdefault(name, []).append(stage.volume.rows / (time.perf_counter() - started))
        rise = max(one.private for one in watch.samples) - before
        growth[name] = max(growth.get(name, 0), rise)

    mine, theirs = stage.directory / "result.csv", stage.directory / "psql.csv"
    try:
        for _ in range(min(options.rounds, _ROUNDS)):
            await measure(
                "COPY to the null device",
                lambda: connection.execute(f"COPY ({plain}) TO '/dev/null'", timeout=PATIENCE),
            )
            await measure("query to a stored result", lambda: asyncio.to_thread(client.run, sql, source))
            await measure("psql \\copy to CSV", lambda: asyncio.to_thread(_psql, stage, plain, theirs))
            await measure(
                "download of the result as CSV", lambda: asyncio.to_thread(_download, stage, result, mine)
            )
        await _require_same_lines(mine, theirs)
    finally:
        await connection.close()
    with memory.Watch(stage.pid, keeper) as watch:
        before = memory.settled(stage.pid, keeper, _QUIET).private
        pages = _pages(stage, result, options)
    growth["pages"] = max(one.private for one in watch.samples) - before
    large = await asyncio.to_thread(_large, stage, keeper, source, options)
    client.close()
    return _figures(rates, growth, pages, large, stage), _verdicts(rates, growth, pages, large)


def _psql(stage: Stage, query: str, file: Path) -> None:
    cluster = stage.join_database()
    program = stage.tools.pgbench.with_name("psql")
    target = cluster.dsn(database="penstock")
    command = [program, target, "-q", "-c", f"\\copy ({query}) TO '{file}' WITH (FORMAT csv, HEADER)"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"psql failed:\n{done.stderr}")


def _download(stage: Stage, result: int, file: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=PATIENCE)
    path = f"/api/query_results/{result}.csv?raw=1"
    connection.request("GET", path, headers={"Authorization": f"Key {stage.key}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise BenchError(f"A download was answered with {answer.status}: {answer.read()[:500]!r}")
    with file.open("wb") as out:
        while piece := answer.read(_PIECE):
            out.write(piece)
    connection.close()


async def _require_same_lines(mine: Path, theirs: Path) -> None:
    counts = [await asyncio.to_thread(_lines, file) for file in (mine, theirs)]
    if counts[0] != counts[1]:
        raise BenchError(f"The downloads have {counts[0]} and {counts[1]} lines.")


def _lines(file: Path) -> int:
    with file.open("rb") as text:
        return sum(piece.count(b"\n") for piece in iter(lambda: text.read(_PIECE), b""))


def _pages(stage: Stage, result: int, options: Options) -> dict[str, Throughput]:
    """Random pages of the result, by two clients and by many; and requests that ask for nothing."""
    headers = {"Authorization": f"Key {stage.key}"}
    # What is random in a template counts from 1, as pages do.
    page = Template("GET", f"/api/query_results/{result}?page={{account}}&page_size={_PAGE}", headers)
    empty = Template("GET", "/ping", headers)
    found: dict[str, list[Throughput]] = {}
    for _ in range(options.rounds):
        for name, template, clients in (
            ("empty request", empty, 2),
            ("page of 100 rows", page, 2),
            (f"page of 100 rows, {_CROWD} clients", page, _CROWD),
        ):
            run = load.over_http(
                stage.url,
                template,
                wrk=stage.tools.wrk,
                clients=clients,
                seconds=options.seconds / 2,
                accounts=max(1, stage.volume.rows // _PAGE),
            )
            found.setdefault(name, []).append(run)
    return {name: sorted(runs, key=lambda one: one.p50)[len(runs) // 2] for name, runs in found.items()}


def _large(stage: Stage, keeper: int, source: int, options: Options) -> dict[str, float]:
    """A result of ten million rows is made and downloaded while somebody else asks for a page of records."""
    rows = _LARGE // 20 if options.is_quick else _LARGE
    client = Asking(stage)
    before = memory.settled(stage.pid, keeper, _QUIET).private
    with memory.Watch(stage.pid, keeper) as watch, _Neighbour(stage) as neighbour:
        started = time.perf_counter()
        result = client.run(f"SELECT g AS n, md5(g::text) AS t FROM generate_series(1, {rows}) AS g", source)
        made = time.perf_counter()
        _download(stage, result, stage.directory / "large.csv")
        ended = time.perf_counter()
    client.close()
    (stage.directory / "large.csv").unlink()
    rise = max(one.private for one in watch.samples) - before
    return {
        "rows": rows,
        "made": rows / (made - started),
        "downloaded": rows / (ended - made),
        "memory": rise / MIB,
        "p50": median(neighbour.times) * 1000,
        "p99": quantiles(neighbour.times, n=100)[98] * 1000,
    }


class _Neighbour:
    """Asks for twenty records again and again, and notes how long each answer took."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.times: list[float] = []

    def __enter__(self) -> _Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        client = Asking(self._stage)
        while not self._done.is_set():
            started = time.perf_counter()
            client.call("GET", f"{self._stage.path}?account_id=1&page_size=20")
            self.times.append(time.perf_counter() - started)
            self._done.wait(0.02)
        client.close()


def _ratio(rates: Taken, mine: str, other: str) -> float:
    return median(one / two for one, two in zip(rates[mine], rates[other], strict=True))


def _verdicts(
    rates: Taken, growth: dict[str, int], pages: dict[str, Throughput], large: dict[str, float]
) -> list[Verdict]:
    empty, page, _ = pages.values()
    ours = ("query to a stored result", "download of the result as CSV", "pages")
    most = max(*(growth[name] / MIB for name in ours), large["memory"])
    return [
        Verdict(
            "query to a stored result",
            "COPY to the null device",
            _ratio(rates, ours[0], "COPY to the null device"),
            *("×", 0.5, 0.9),
        ),
        Verdict(
            "page of a stored result, p50",
            "an empty request",
            page.p50 / empty.p50,
            "×",
            3,
            1.5,
            at_most=True,
        ),
        Verdict(
            "CSV download of a result",
            "psql \\copy",
            _ratio(rates, ours[1], "psql \\copy to CSV"),
            "×",
            0.5,
            1,
        ),
        Verdict(
            "memory while querying",
            "above idle, without the buffer cache",
            most,
            "MiB",
            150,
            64,
            at_most=True,
        ),
    ]


def _figures(
    rates: Taken,
    growth: dict[str, int],
    pages: dict[str, Throughput],
    large: dict[str, float],
    stage: Stage,
) -> Figures:
    rows = [
        [
            name,
            f"{median(found):,.0f} rows/s",
            f"{min(found):,.0f} to {max(found):,.0f}",
            f"{growth[name] / MIB:,.0f}",
        ]
        for name, found in rates.items()
    ]
    rows += [
        [name, f"{one.rate:,.0f} requests/s", f"p50 {one.p50:.2f} ms, p99 {one.p99 or 0:.2f} ms", ""]
        for name, one in pages.items()
    ]
    shown = f"{large['rows']:,.0f} rows"
    rows += [
        [f"query of {shown}", f"{large['made']:,.0f} rows/s", "", f"{large['memory']:,.0f}"],
        [f"download of {shown} as CSV", f"{large['downloaded']:,.0f} rows/s", "", ""],
        [
            "20 records for somebody else meanwhile",
            "",
            f"p50 {large['p50']:.1f} ms, p99 {large['p99']:.1f} ms",
            "",
        ],
    ]
    notes = (
        f"A query over the {stage.volume.rows:,} rows of the table, all columns, from the request to the end of its "
        "job; the same rows by COPY inside PostgreSQL, and by psql into a file. Pages are random ones of that result, "
        "with key check. Memory in MiB, as for files."
    )
    return Figures("Queries", ("what", "reached", "rounds", "memory in MiB"), rows, notes)
