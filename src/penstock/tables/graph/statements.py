"""Statements that write edges. They travel as one JSON array in `$1`, as records do."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.tables.graph.drafts import FIELDS
from penstock.tables.graph.nodes import key_of, visible
from penstock.tables.records.change import POSITION, source, stored
from penstock.tables.records.compile import Statement, row_json
from penstock.tables.records.reach import Reach

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


def lock_ends(edges: Table, reach: Reach, payload: str, *, exclusively: bool) -> Statement:
    """`missing_from` and `missing_to`: positions whose ends no record has. The others stay until the end.

    Locked in the order of their keys, so that no two requests wait for each other. `exclusively` keeps others
    from adding edges to them, so that limits hold. Records under rules are not locked, which would ask for the right
    to change them: there `lock_edges` comes before.
    """
    values: list[Any] = [payload]
    condition = visible(reach, values) or "TRUE"
    table = reach.table
    key = f"t.{key_of(table)}"
    lock = "FOR NO KEY UPDATE" if exclusively else "FOR KEY SHARE"
    if table.whole.rules:
        lock = ""
    return Statement(
        f"WITH sent AS MATERIALIZED ({_sent(edges)}), "
        f"node AS MATERIALIZED (SELECT {key} AS k FROM {table.rows} AS t WHERE {key} IN "
        f"(SELECT from_id FROM sent UNION SELECT to_id FROM sent) AND {condition} ORDER BY {key} {lock}) "
        "SELECT array_agg(n - 1) FILTER (WHERE from_id NOT IN (SELECT k FROM node)) AS missing_from, "
        "array_agg(n - 1) FILTER (WHERE to_id NOT IN (SELECT k FROM node)) AS missing_to FROM sent",
        values,
    )


def lock_edges(edges: Table) -> Statement:
    """Keeps others who add edges to the table waiting until the transaction ends."""
    return Statement("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", [edges.rows])


def insert(edges: Table, payload: str) -> Statement:
    """`rows` in the order of the request, NULL for an edge that exists already."""
    columns = ", ".join(map(sql.identifier, FIELDS))
    return Statement(
        f"WITH sent AS MATERIALIZED ({_sent(edges)}), "
        f"made AS (INSERT INTO {edges.rows} AS t ({columns}) SELECT {columns} FROM sent ORDER BY n "
        "ON CONFLICT (from_id, type, to_id) DO NOTHING "
        f"RETURNING t.from_id, t.type, t.to_id, {row_json(edges, edges.schema.names)} AS j) "
        "SELECT array_agg(made.j ORDER BY sent.n) AS rows FROM sent "
        "LEFT JOIN made USING (from_id, type, to_id)",
        [payload],
    )


def over_limits(edges: Table, payload: str, limits: list[tuple[str, int | None, int | None]]) -> Statement:
    """`outgoing` and `incoming`: positions of edges that make a record have more than its type allows."""
    names = [name for name, _, _ in limits]
    return Statement(
        f"WITH sent AS MATERIALIZED ({_sent(edges)}) "
        f"SELECT array_agg(n - 1 ORDER BY n) FILTER (WHERE {_counted(edges, 'from_id', 'outgoing')}) AS outgoing, "
        f"array_agg(n - 1 ORDER BY n) FILTER (WHERE {_counted(edges, 'to_id', 'incoming')}) AS incoming "
        "FROM sent JOIN unnest($2::text[], $3::bigint[], $4::bigint[]) AS l(type, outgoing, incoming) "
        "ON l.type = sent.type",
        [payload, names, [out for _, out, _ in limits], [into for _, _, into in limits]],
    )


def _counted(edges: Table, end: str, limit: str) -> str:
    """No more are counted than are needed to know."""
    same = f"e.{end} = sent.{end} AND e.type = sent.type"
    found = f"SELECT FROM {edges.rows} AS e WHERE {same} LIMIT l.{limit} + 1"
    return f"l.{limit} IS NOT NULL AND (SELECT count(*) FROM ({found}) AS c) > l.{limit}"


@lru_cache(maxsize=1024)
def fetch(edges: Table) -> str:
    """Edges by their ids in `$1`, locked in that order: `ids`, `versions`, and each of the fields as arrays."""
    columns = ", ".join(f"array_agg({_fetched(name)})::text[] AS {sql.identifier(name)}" for name in FIELDS)
    return (
        f"SELECT array_agg(t.id) AS ids, array_agg(t.version) AS versions, {columns} FROM ("
        f"SELECT t.*, t.xmin::text AS version FROM {edges.rows} AS t WHERE t.id = ANY($1::bigint[]) "
        "ORDER BY t.id FOR UPDATE) AS t"
    )


def _fetched(name: str) -> str:
    # Keys as JSON, which is what the codec reads.
    return "t.metadata" if name == "metadata" else "t.type" if name == "type" else f"to_json(t.{name})"


def update(edges: Table, payload: str, ids: list[int]) -> Statement:
    """`rows` and `version`; the edge `ids[n]` becomes the n-th of the request."""
    changes = ", ".join(f"{sql.identifier(name)} = sent.{sql.identifier(name)}" for name in FIELDS)
    return Statement(
        f"WITH sent AS MATERIALIZED ({_sent(edges)}), "
        f"done AS (UPDATE {edges.rows} AS t SET {changes} FROM sent "
        "JOIN unnest($2::bigint[]) WITH ORDINALITY AS i(id, n) ON i.n = sent.n WHERE t.id = i.id "
        f"RETURNING sent.n, {row_json(edges, edges.schema.names)} AS j, t.xmin::text AS version) "
        "SELECT array_agg(j ORDER BY n) AS rows, max(version) AS version FROM done",
        [payload, ids],
    )


def delete(edges: Table, ids: list[int]) -> Statement:
    """`deleted`: how many of these there were."""
    return Statement(
        f"WITH gone AS (DELETE FROM {edges.rows} AS t WHERE t.id = ANY($1::bigint[]) RETURNING true) "
        "SELECT count(*) AS deleted FROM gone",
        [ids],
    )


@lru_cache(maxsize=1024)
def _sent(edges: Table) -> str:
    """The edges of the request, typed, with their place `n` from 1."""
    fields = [edges.schema.by_name[name] for name in FIELDS]
    columns = ", ".join(f"{stored(one)} AS {sql.identifier(one.name)}" for one in fields)
    return f"SELECT {columns}, x.{POSITION} AS n FROM {source(edges, fields)}"
