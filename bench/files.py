"""Exports and imports of the whole table as files, beside COPY of the same rows."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from bench import data, memory
from bench.memory import MIB
from bench.options import Options
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError
from penstock_sdk import Client

FORMATS = ("csv", "ndjson", "parquet")
_TARGET = "orders_in"
_PIECE = 1 << 20
_ROUNDS = 3
_QUIET = 3.0  # seconds, before each, in which memory settles
Taken = dict[str, list[float]]


async def race(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """Rows per second, and how far memory rises above what it was before each."""
    if (keeper := stage.keeper()) is None:
        raise BenchError("PostgreSQL's supervisor is not there.")
    connection = await stage.connect()
    try:
        target = await _target(stage, connection)
        columns = ", ".join(("id", *data.COLUMNS))
        files = {kind: stage.directory / f"orders.{kind}" for kind in FORMATS}
        rates: Taken = {}
        growth: dict[str, int] = {}

        async def measure(name: str, run: Callable[[], Awaitable[None]]) -> None:
            await connection.execute("CHECKPOINT")
            before = memory.settled(stage.pid, keeper, _QUIET).private
            with memory.Watch(stage.pid, keeper) as watch:
                started = time.perf_counter()
                await run()
                rates.setdefault(name, []).append(stage.volume.rows / (time.perf_counter() - started))
            rise = max(one.private for one in watch.samples) - before
            growth[name] = max(growth.get(name, 0), rise)

        copied = stage.directory / "copied.csv"
        query = f"SELECT {columns} FROM {stage.place} ORDER BY id"
        for _ in range(min(options.rounds, _ROUNDS)):
            await measure("COPY to a file", lambda: _copy_out(connection, query, copied))
            for kind, file in files.items():
                await measure(
                    f"export {kind}", lambda k=kind, f=file: asyncio.to_thread(_export, stage, k, f)
                )
            await connection.execute(f"TRUNCATE {target}")
            await measure("COPY from a file", lambda: _copy_in(connection, target, copied))
            for kind, file in files.items():
                await connection.execute(f"TRUNCATE {target}")
                await measure(
                    f"import {kind}", lambda k=kind, f=file: asyncio.to_thread(_import, stage, k, f)
                )
                await _require_same(connection, stage.place, target)
    finally:
        await connection.close()
    return _figures(rates, growth, files, stage), _verdicts(rates, growth)


async def _target(stage: Stage, connection: asyncpg.Connection) -> str:
    """The place of an empty table with the same fields and indexes."""
    with Client(stage.url, key=stage.key) as client:
        app = client.app(data.APP)
        app.tables.create("main", _TARGET, data.SCHEMA, materialize=True)
    return await connection.fetchval(
        "SELECT format('%I.%I', physical_schema, physical_name) FROM penstock.data_tables WHERE name = $1",
        _TARGET,
    )


async def _copy_out(connection: asyncpg.Connection, query: str, file: Path) -> None:
    await connection.copy_from_query(query, output=file, format="csv", timeout=None)


async def _copy_in(connection: asyncpg.Connection, target: str, file: Path) -> None:
    schema, _, name = target.partition(".")
    await connection.copy_to_table(
        name.strip('"'),
        schema_name=schema.strip('"'),
        columns=("id", *data.COLUMNS),
        source=file,
        format="csv",
        timeout=None,
    )


def _export(stage: Stage, kind: str, file: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=600)
    path = f"{stage.path}export/?format={kind}&ordering=id"
    connection.request("GET", path, headers={"Authorization": f"Key {stage.key}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise BenchError(f"An export was answered with {answer.status}: {answer.read()[:500]!r}")
    with file.open("wb") as out:
        while piece := answer.read(_PIECE):
            out.write(piece)
    connection.close()


def _import(stage: Stage, kind: str, file: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=600)
    path = stage.path.replace(data.TABLE, _TARGET) + f"import/?format={kind}"
    headers = {"Authorization": f"Key {stage.key}", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as body:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    connection.close()
    if answer.status != 200 or json.loads(text)["created"] != stage.volume.rows:
        raise BenchError(f"An import was answered with {answer.status}: {text[:500]!r}")


async def _require_same(connection: asyncpg.Connection, mine: str, other: str) -> None:
    # Parquet has no decimal places that are zero.
    row = "ROW(id, account_id, status, trim_scale(amount), placed_at, note)::text"
    sums = [
        await connection.fetchval(f"SELECT sum(hashtextextended({row}, 0)) FROM {place}", timeout=None)
        for place in (mine, other)
    ]
    if sums[0] != sums[1]:
        raise BenchError("An import did not store the rows that were exported.")


def _verdicts(rates: Taken, growth: dict[str, int]) -> list[Verdict]:
    found: list[Verdict] = []
    for way, copy in (("export", "COPY to a file"), ("import", "COPY from a file")):
        for kind in FORMATS:
            mine = rates[f"{way} {kind}"]
            value = median(one / other for one, other in zip(mine, rates[copy], strict=True))
            found.append(Verdict(f"{way} of the table as {kind}", copy, value, "×", *_BUDGET[way, kind]))
    most = max(value for name, value in growth.items() if not name.startswith("COPY"))
    what = "memory while importing and exporting"
    found.append(
        Verdict(what, "above idle, without the buffer cache", most / MIB, "MiB", 150, 64, at_most=True)
    )
    return found


# At least, and the aim: a download of CSV is in the budget of the design, the others stand beside it.
_BUDGET: dict[tuple[str, str], tuple[float, float]] = {
    ("export", "csv"): (0.5, 1.0),
    ("export", "ndjson"): (0.3, 0.5),
    ("export", "parquet"): (0.3, 0.5),
    ("import", "csv"): (0.15, 0.4),
    ("import", "ndjson"): (0.15, 0.4),
    ("import", "parquet"): (0.15, 0.4),
}


def _figures(rates: Taken, growth: dict[str, int], files: dict[str, Path], stage: Stage) -> Figures:
    rows: list[list[Any]] = []
    for name, found in rates.items():
        file = files.get(name.rpartition(" ")[2])
        size = f"{file.stat().st_size / 1e6:,.0f}" if file else ""
        shown = [f"{median(found):,.0f}", f"{min(found):,.0f} to {max(found):,.0f}"]
        rows.append([name, *shown, size, f"{growth[name] / MIB:,.0f}"])
    notes = (
        f"{stage.volume.rows:,} rows in the order of their key; one client beside the server, which writes or reads a "
        "file. Imports and COPY go into an empty table with the same indexes, and what is there afterwards is "
        "compared. Memory is PSS of the server and of PostgreSQL's processes, without its buffer cache: the highest "
        "sample above what it was just before."
    )
    return Figures(
        "Files of the whole table", ("what", "rows/s", "rounds", "file in MB", "memory in MiB"), rows, notes
    )
