"""The shortest way from one record to another along edges: read from the query, compiled, and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.kit.filters import BoundTree, Compare, bind
from penstock.tables.graph.compile import of_types, shown_edges, shown_fields
from penstock.tables.graph.nodes import is_visible, key_of, visible
from penstock.tables.graph.plan import WalkPlan, plan_walk_between
from penstock.tables.graph.shape import too_large
from penstock.tables.graph.traversal import TYPES, Format, Include, Traversal, depth_of, ends, type_names
from penstock.tables.records.compile import ROW, Statement, where
from penstock.tables.records.execute import read
from penstock.tables.records.shape import Answer
from penstock.tables.schema.ddl import column_type

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

MAX_DEPTH = 50
_KNOWN = ("from", "to", "direction", "depth", *TYPES)


class Direction(StrEnum):
    """Whether edges are followed as they point, against it, or either way."""

    FORWARD = "forward"
    BACKWARD = "backward"
    ANY = "any"


_INCLUDE = {
    Direction.FORWARD: Include.ANCESTORS,
    Direction.BACKWARD: Include.DESCENDANTS,
    Direction.ANY: Include.BOTH,
}


@dataclass(frozen=True, slots=True)
class PathPlan:
    """A search in which nothing can be wrong any more, but that its ends may not exist."""

    walk: WalkPlan
    first: BoundTree
    last: BoundTree


def plan_path(pairs: Sequence[tuple[str, str]], table: Table, grant: Grant, limit: int) -> PathPlan:
    """Raises `errors.Invalid` naming the parameter."""
    known: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in _KNOWN and name != "api_key":
            raise errors.Invalid({name[:80]: [f"A path takes {', '.join(_KNOWN[:5])}."]})
        known.setdefault(name, []).append(value)
    direction = known.get("direction", [Direction.FORWARD])[-1]
    if direction not in set(Direction):
        raise errors.Invalid({"direction": [f"'{direction[:40]}' is not one of: {', '.join(Direction)}."]})
    depth = depth_of(known["depth"][-1], MAX_DEPTH) if "depth" in known else MAX_DEPTH
    walk = Traversal(Format.GRAPH, _INCLUDE[Direction(direction)], depth, type_names(known))
    first, last = (_end(known, name, table) for name in ("from", "to"))
    return PathPlan(plan_walk_between(walk, table, grant, first, limit), first, last)


def _end(known: dict[str, list[str]], name: str, table: Table) -> BoundTree:
    values = known.get(name, [])
    if len(values) != 1:
        raise errors.Invalid({name: [f"Name one record by its {table.schema.primary_key[0]}."]})
    try:
        return bind(Compare(table.schema.primary_key[0], "eq", values[0]), table.columns.get)
    except errors.Invalid as error:
        messages = [message for found in (error.errors or {}).values() for message in found]
        raise errors.Invalid({name: messages}) from error


async def find(pool: Pool, plan: PathPlan) -> Answer:
    """The records and edges of a shortest path, from its beginning; `data` is null when there is none."""
    row = await read(pool, compile_path(plan))
    assert row is not None
    return answer(plan, dict(row))


def compile_path(plan: PathPlan) -> Statement:
    """One row: whether both ends exist, `visited`, `nodes`, `edges` and `steps`."""
    walk, values = plan.walk, list[Any]()
    table, key = walk.table, key_of(walk.table)
    parts = [_one("from", plan.first, walk, values), _one("to", plan.last, walk, values)]
    parts.append(_levels(walk, values))
    parts.append(_way_back(walk, values))
    nodes = (
        f"SELECT {table.select(shown_fields(walk))}, row_number() OVER (ORDER BY b.d) - 1 AS _depth "
        f'FROM "#back" AS b JOIN {table.rows} AS t ON t.{key} = b.k ORDER BY b.d'
    )
    edges = f'SELECT {shown_edges(walk)} FROM "#back" AS b JOIN {walk.edges.rows} AS t ON t.id = b.via ORDER BY b.d'
    listed = f"SELECT string_agg(row_to_json({ROW})::text, ',')"
    return Statement(
        f"WITH RECURSIVE {', '.join(parts)} "
        'SELECT EXISTS (SELECT FROM "#from") AS has_from, EXISTS (SELECT FROM "#to") AS has_to, '
        '(SELECT coalesce(max(cardinality(seen)), 0) FROM "#walk") AS visited, '
        '(SELECT max(d) FROM "#walk" WHERE found) AS steps, '
        f"({listed} FROM ({nodes}) AS {ROW}) AS nodes, ({listed} FROM ({edges}) AS {ROW}) AS edges",
        values,
    )


def _one(name: str, end: BoundTree, walk: WalkPlan, values: list[Any]) -> str:
    condition = where(end, values, hide_deleted=walk.table.schema.soft_deletes)
    seen = visible(walk.nodes, values) or "TRUE"
    return (
        f'"#{name}" AS MATERIALIZED (SELECT t.{key_of(walk.table)} AS k FROM {walk.table.rows} AS t '
        f"WHERE {condition} AND {seen})"
    )


def _levels(walk: WalkPlan, values: list[Any]) -> str:
    """As a walk does, until the last record is among those met."""
    steps: list[str] = []
    for direction in walk.directions():
        near, far = ends(direction)
        steps.append(
            f"SELECT e.{far}, true FROM {walk.edges.rows} AS e WHERE e.{near} = ANY(w.ks) "
            f"AND {of_types(walk, values)} AND {is_visible(walk.nodes, f'e.{far}', values)}"
        )
    met = " UNION ALL ".join([*steps, "SELECT s, false FROM unnest(w.seen) AS s"])
    values += [walk.limit, walk.walk.depth]
    limit, depth = f"${len(values) - 1}::bigint", f"${len(values)}::integer"
    level = f"SELECT u.k FROM ({met}) AS u(k, new) GROUP BY u.k HAVING bool_and(u.new)"
    return (
        '"#walk" AS (SELECT 0 AS d, ARRAY[a.k] AS ks, ARRAY[a.k] AS seen, a.k = z.k AS found '
        'FROM "#from" AS a CROSS JOIN "#to" AS z '
        'UNION ALL SELECT w.d + 1, f.ks, w.seen || f.ks, f.found FROM "#walk" AS w CROSS JOIN LATERAL ('
        'SELECT array_agg(g.k) AS ks, bool_or(g.k = (SELECT k FROM "#to")) AS found '
        f"FROM ({level} LIMIT {limit} + 1) AS g) AS f "
        f"WHERE NOT w.found AND w.d < {depth} AND cardinality(w.seen) <= {limit} AND f.ks IS NOT NULL)"
    )


def _way_back(walk: WalkPlan, values: list[Any]) -> str:
    """From the last record, level by level, to one that an edge comes from; the same one every time."""
    steps: list[str] = []
    for direction in walk.directions():
        near, far = ends(direction)
        steps.append(
            f"SELECT u.k, e.type, e.id FROM unnest(w.ks) AS u(k) JOIN {walk.edges.rows} AS e "
            f"ON e.{near} = u.k AND e.{far} = b.k WHERE {of_types(walk, values)}"
        )
    return (
        '"#back" AS (SELECT w.d, z.k, NULL::' + _id_type(walk) + ' AS via FROM "#walk" AS w '
        'CROSS JOIN "#to" AS z WHERE w.found '
        'UNION ALL SELECT b.d - 1, s.k, s.id FROM "#back" AS b JOIN "#walk" AS w ON w.d = b.d - 1 '
        f"CROSS JOIN LATERAL ({' UNION ALL '.join(steps)} ORDER BY 1, 2, 3 LIMIT 1) AS s)"
    )


def _id_type(walk: WalkPlan) -> str:
    return column_type(walk.edges.schema.by_name["id"])


def answer(plan: PathPlan, row: Mapping[str, Any]) -> Answer:
    """`row` is what `compile_path` gives."""
    for name, exists in (("from", row["has_from"]), ("to", row["has_to"])):
        if not exists:
            raise errors.Invalid({name: ["There is no such record."]})
    if row["steps"] is None:
        if row["visited"] > plan.walk.limit:
            raise too_large(plan.walk.limit, "records")
        return Answer(200, b'{"data":null,"total":0}')
    nodes, edges = row["nodes"], row["edges"] or ""
    body = f'{{"data":{{"nodes":[{nodes}],"edges":[{edges}],"length":{row["steps"]}}},"total":{row["steps"] + 1}}}'
    return Answer(200, body.encode())
