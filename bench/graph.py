"""The contest of walks: descendants to depth 5 among 1,000,000 edges, against a recursive query written by hand."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any

import asyncpg

from bench import data
from bench.options import Options
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError

TABLE = "places"
RECORDS, EDGES, DEPTH = 250_000, 1_000_000, 5
_WALKS = 40
_SCHEMA = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
    "primaryKey": ["id"],
    "graph": {"enabled": True, "types": ["part"]},
}
# What somebody writes who wants the same answer: each record once, where it is nearest, as JSON.
_BY_HAND = """
WITH RECURSIVE walk(id, depth) AS (
  SELECT $1::bigint, 0
  UNION
  SELECT e.from_id, w.depth + 1 FROM walk w JOIN {edges} e ON e.to_id = w.id
  WHERE w.depth < {depth} AND e.type = 'part'
)
SELECT json_agg(row_to_json(r))::text FROM (
  SELECT t.id, t.name, f.depth AS _depth FROM (SELECT id, min(depth) AS depth FROM walk GROUP BY id) f
  JOIN {records} t USING (id) ORDER BY f.depth, t.id
) r
"""
Walk = Callable[[int], Awaitable[list[Any]]]


async def race(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """Milliseconds a walk, one client; the walks begin at the same records."""
    data.define(stage.url, stage.key, TABLE, _SCHEMA)
    connection = await stage.connect()
    by_hand = await _fill(connection)
    keys = random.Random(11).sample(range(1, RECORDS + 1), _WALKS)
    served = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=120)

    async def penstock(key: int) -> list[Any]:
        return _served(served, stage.key, key)

    async def postgresql(key: int) -> list[Any]:
        return json.loads(await by_hand.fetchval(key))

    contestants: dict[str, Walk] = {"Penstock": penstock, "recursive query by hand": postgresql}
    for key in keys[:5]:
        _require_equal(*[await walk(key) for walk in contestants.values()])
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, walk in contestants.items():
            times[name].append(await _time(walk, keys))
    served.close()
    await connection.close()
    return _figures(times, options), [_verdict(times)]


async def _fill(connection: asyncpg.Connection) -> Any:
    """Edges from each record to four others at random; the prepared query by hand."""
    records, edges = await _places(connection)
    await connection.execute(
        f"INSERT INTO {records} (name) SELECT 'Place ' || n FROM generate_series(1, {RECORDS}) AS n",
        timeout=None,
    )
    await connection.execute(
        f"INSERT INTO {edges} (from_id, to_id, type) "
        f"SELECT n, (n + floor(random() * {RECORDS - 1})::bigint) % {RECORDS} + 1, 'part' "
        f"FROM generate_series(1, {RECORDS}) AS n, generate_series(1, {EDGES // RECORDS}) "
        "ON CONFLICT DO NOTHING",
        timeout=None,
    )
    await connection.execute(f"VACUUM ANALYZE {records}")
    await connection.execute(f"VACUUM ANALYZE {edges}")
    await connection.execute("CHECKPOINT")
    return await connection.prepare(_BY_HAND.format(records=records, edges=edges, depth=DEPTH))


async def _places(connection: asyncpg.Connection) -> tuple[str, str]:
    row = await connection.fetchrow(
        "SELECT r.place::text AS records, c.conrelid::regclass::text AS edges FROM (SELECT format('%I.%I', "
        "physical_schema, physical_name)::regclass AS place FROM penstock.data_tables WHERE name = $1) AS r "
        "JOIN pg_constraint c ON c.confrelid = r.place LIMIT 1",
        TABLE,
    )
    assert row is not None
    return row["records"], row["edges"]


def _served(connection: http.client.HTTPConnection, key: str, start: int) -> list[Any]:
    path = f"/api/apps/{data.APP}/datatables/{TABLE}/data/?id={start}&include=descendants&depth={DEPTH}"
    connection.request("GET", path, headers={"Authorization": f"Key {key}"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise BenchError(f"A walk was answered with {answer.status}: {text[:500]!r}")
    return json.loads(text)["data"]


def _require_equal(mine: list[Any], by_hand: list[Any]) -> None:
    def told(rows: list[Any]) -> list[tuple[int, str, int]]:
        return sorted((row["id"], row["name"], row["_depth"]) for row in rows)

    if told(mine) != told(by_hand):
        raise BenchError("A walk does not answer what the recursive query says.")


async def _time(walk: Walk, keys: Sequence[int]) -> float:
    """Milliseconds a walk."""
    started = time.perf_counter()
    for key in keys:
        await walk(key)
    return (time.perf_counter() - started) * 1000 / len(keys)


def _verdict(times: dict[str, list[float]]) -> Verdict:
    ours, theirs = times.values()
    value = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    what = f"graph: descendants to depth {DEPTH} on {EDGES:,} edges"
    return Verdict(what, "time of the recursive query by hand", value, "×", 1.5, 1.1, at_most=True)


def _figures(times: dict[str, list[float]], options: Options) -> Figures:
    rows = [
        [name, f"{median(found):.2f}", f"{min(found):.2f} to {max(found):.2f}"]
        for name, found in times.items()
    ]
    notes = (
        f"One client, {options.rounds} rounds of {_WALKS} walks each in turn, from the same records of a table with "
        f"{RECORDS:,}. Penstock over HTTP with a key; the query as a prepared statement on a connection of its own."
    )
    title = f"Descendants to depth {DEPTH} on {EDGES:,} edges"
    return Figures(title, ("contestant", "ms a walk", "rounds"), rows, notes)
