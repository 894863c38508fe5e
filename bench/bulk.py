"""The contest of bulk inserts: 10,000 records a request against COPY of the same rows."""

from __future__ import annotations

import csv
import http.client
import io
import json
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import asyncpg

from bench import data
from bench.options import Options
from bench.postgrest import Rival
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError

BATCH = 10_000
_TITLE = "Bulk insert of 10,000 records a request"


class Poster:
    """One connection that posts bodies and reads the whole answers."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._path = path
        self._headers = {**headers, "Content-Type": "application/json"}

    def post(self, body: bytes) -> bytes:
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise BenchError(f"A bulk insert was answered with {answer.status}: {text[:500]!r}")
        return text

    def close(self) -> None:
        self._connection.close()


def poster(stage: Stage) -> Poster:
    return Poster(stage.port, stage.path, {"Authorization": f"Key {stage.key}"})


async def race(stage: Stage, rival: Rival, options: Options) -> tuple[Figures, list[Verdict]]:
    """Rows per second, one client; the answers have the rows complete, which COPY's has not."""
    batches = [data.orders(stage.volume, BATCH, seed=100 + n) for n in range(options.batches)]
    bodies = [json.dumps(rows, separators=(",", ":")).encode() for rows in batches]
    texts = [_csv(rows) for rows in batches]
    mine = poster(stage)
    theirs = Poster(rival.port, rival.path, {**rival.headers, "Prefer": "return=representation"})
    connection = await stage.connect()
    _require_rows(json.loads(mine.post(bodies[0]))["data"], batches[0])
    _require_rows(json.loads(theirs.post(bodies[0])), batches[0])

    async def penstock() -> None:
        for body in bodies:
            mine.post(body)

    async def postgrest() -> None:
        for body in bodies:
            theirs.post(body)

    async def copy() -> None:
        for text in texts:
            await connection.copy_to_table(
                stage.physical,
                schema_name=stage.schema.strip('"'),
                columns=data.COLUMNS,
                source=io.BytesIO(text),
                format="csv",
            )

    rates: dict[str, list[float]] = {"Penstock": [], "PostgREST": [], "COPY of the same rows": []}
    for _ in range(options.rounds):
        for name, run in zip(rates, (penstock, postgrest, copy), strict=True):
            rates[name].append(await _rate(run, connection, options.batches * BATCH))
    await connection.close()
    mine.close()
    theirs.close()
    return _figures(rates, options), [_verdict(rates)]


async def _rate(run: Callable[[], Awaitable[None]], connection: asyncpg.Connection, rows: int) -> float:
    """What earlier rounds left to write is written before the clock starts."""
    await connection.execute("CHECKPOINT")
    started = time.perf_counter()
    await run()
    return rows / (time.perf_counter() - started)


def _verdict(rates: dict[str, list[float]]) -> Verdict:
    ours, _, limit = rates.values()
    value = median(mine / other for mine, other in zip(ours, limit, strict=True))
    return Verdict("bulk insert, 10,000 records a request", "COPY of the same rows", value, "×", 0.15, 0.4)


def _figures(rates: dict[str, list[float]], options: Options) -> Figures:
    rows = [
        [name, f"{median(found):,.0f}", f"{min(found):,.0f} to {max(found):,.0f}"]
        for name, found in rates.items()
    ]
    notes = (
        f"One client, {options.rounds} rounds of {options.batches} requests (or COPY commands) each in turn, "
        "into the same table with the same indexes. Penstock and PostgREST answer with all rows."
    )
    return Figures(_TITLE, ("contestant", "rows/s", "rounds"), rows, notes)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([row[name] for name in data.COLUMNS] for row in rows)
    return text.getvalue().encode()


def _require_rows(answered: list[dict[str, Any]], sent: list[dict[str, Any]]) -> None:
    same = len(answered) == len(sent) and all(
        mine["account_id"] == other["account_id"] and mine["note"] == other["note"]
        for mine, other in zip(answered, sent, strict=True)
    )
    if not same:
        raise BenchError("A bulk insert did not answer with the rows that were sent, in their order.")
