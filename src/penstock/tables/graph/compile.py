"""Walks to statements. A walk goes level by level and keeps in one array what it has seen, so that a record is
visited once and every edge is read at most once in each direction, whatever the graph looks like.
"""

from __future__ import annotations

from typing import Any

from penstock.kit import sql
from penstock.tables.graph.nodes import is_visible, key_of, visible
from penstock.tables.graph.plan import MAX_BYTES, WalkPlan
from penstock.tables.graph.traversal import Format, Include, ends
from penstock.tables.records.compile import ROW, Statement, compile_keys, row_json, where
from penstock.tables.records.plan import RecordPlan

DEPTH, TYPE = "_depth", "_relationship_type"
NAMES = {Include.DESCENDANTS: "down", Include.ANCESTORS: "up"}


def compile_walk(plan: WalkPlan) -> Statement:
    """One row: `visited`, how many records the walk reached, and what its format is made of.

    Where that is more than the plan's limit, the rest is empty.
    """
    values: list[Any] = []
    parts = start_and_levels(plan, values)
    parts += [_reached(plan, direction, values) for direction in plan.directions()]
    body: list[str] = []
    if plan.walk.format is Format.TREE:
        for direction in plan.directions():
            parts += _tree(plan, direction, values)
            body += _tree_body(direction)
    elif plan.walk.format is Format.FLAT and not isinstance(plan.begin, RecordPlan):
        for direction in plan.directions():
            parts += _sized(f"{NAMES[direction]}-row", _list_rows(plan, direction))
        body = _lists(plan)
    else:
        parts += [_all_reached(plan), *_sized("row", _record_rows(plan))]
        body = _records()
    if plan.walk.format is Format.GRAPH:
        parts += _sized("edge", _edges(plan, values))
        body += [
            '(SELECT count(*) FROM "#edge") AS edge_count',
            f"{_bytes('edge')} AS edge_bytes",
            f"(SELECT string_agg(j, ',') FROM \"#edge\" WHERE {_fits('edge')}) AS edges",
        ]
    visited = " + ".join(reached_count(direction) for direction in plan.directions())
    return Statement(
        f"WITH RECURSIVE {', '.join(parts)} SELECT {visited} AS visited, {', '.join(body)}", values
    )


def start_and_levels(plan: WalkPlan, values: list[Any]) -> list[str]:
    """The queries of a WITH that every walk has: `"#start"`, and the levels of each direction by its name."""
    start = f'"#start" AS MATERIALIZED ({_start(plan, values)})'
    return [start, *(_walk(plan, direction, values) for direction in plan.directions())]


def _start(plan: WalkPlan, values: list[Any]) -> str:
    """Where the walk begins: keys `k` in their order `n`."""
    if isinstance(plan.begin, RecordPlan):
        also = _is_root(plan, values) if plan.roots else "TRUE"
        limit = min(plan.begin.window.limit, plan.limit + 1)
        keys = compile_keys(plan.begin, values, also=also, limit=limit)
    else:
        condition = where(plan.begin, values, hide_deleted=plan.table.schema.soft_deletes)
        seen = visible(plan.nodes, values) or "TRUE"
        keys = f"SELECT t.{key_of(plan.table)} AS k FROM {plan.table.rows} AS t WHERE {condition} AND {seen}"
    return f"SELECT s.k, row_number() OVER () AS n FROM ({keys}) AS s"


def _is_root(plan: WalkPlan, values: list[Any]) -> str:
    """The condition on a row `t` that no step leads to it."""
    direction = Include.ANCESTORS if plan.walk.include is Include.ANCESTORS else Include.DESCENDANTS
    near, far = ends(direction)
    other = is_visible(plan.nodes, f"e.{near}", values)
    return (
        f"NOT EXISTS (SELECT FROM {plan.edges.rows} AS e WHERE e.{far} = t.{key_of(plan.table)} "
        f"AND {of_types(plan, values)} AND {other})"
    )


def of_types(plan: WalkPlan, values: list[Any], alias: str = "e") -> str:
    """The condition on an edge that it is of the walk's types."""
    names = list(plan.walk.types or plan.graph.by_name)
    if not names:
        return "TRUE"
    values.append(names[0] if len(names) == 1 else names)
    place = f"${len(values)}"
    return f"{alias}.type = {place}::text" if len(names) == 1 else f"{alias}.type = ANY({place}::text[])"


def _walk(plan: WalkPlan, direction: Include, values: list[Any]) -> str:
    """The levels `d` of a walk: the keys first seen there, the types that led to them, and all seen so far.

    Sets are arrays because a recursive term cannot look at rows of earlier levels otherwise; a level is one
    scan of the index by the array of the level before.
    """
    near, far = ends(direction)
    condition = f"e.{near} = ANY(w.ks) AND {of_types(plan, values)}"
    seen = is_visible(plan.nodes, f"e.{far}", values)
    if seen != "TRUE":
        condition = f"{condition} AND {seen}"
    values += [plan.limit, plan.walk.depth]
    limit, depth = f"${len(values) - 1}::bigint", f"${len(values)}::integer"
    kind, kinds = "NULL::text", "NULL::text"
    if plan.only_type is None:
        kind, kinds = "e.type", "array_to_string(array_agg(DISTINCT u.t ORDER BY u.t), ',')"
    name = f'"#{NAMES[direction]}"'
    met = (
        f"SELECT e.{far} AS k, {kind} AS t, true AS new FROM {plan.edges.rows} AS e WHERE {condition} "
        "UNION ALL SELECT s, NULL, false FROM unnest(w.seen) AS s"
    )
    level = (
        f"SELECT u.k, {kinds} AS t FROM ({met}) AS u GROUP BY u.k HAVING bool_and(u.new) LIMIT {limit} + 1"
    )
    return (
        f'{name} AS (SELECT 0 AS d, s.ks, NULL::text[] COLLATE "C" AS ts, s.ks AS seen '
        'FROM (SELECT array_agg(k ORDER BY n) AS ks FROM "#start") AS s WHERE s.ks IS NOT NULL '
        f"UNION ALL SELECT w.d + 1, f.ks, f.ts, w.seen || f.ks FROM {name} AS w CROSS JOIN LATERAL ("
        f'SELECT array_agg(g.k) AS ks, array_agg(g.t) COLLATE "C" AS ts FROM ({level}) AS g) AS f '
        f"WHERE w.d < {depth} AND cardinality(w.seen) <= {limit} AND f.ks IS NOT NULL)"
    )


def reached_count(direction: Include) -> str:
    """How many records the walk has seen."""
    return f'(SELECT coalesce(max(cardinality(seen)), 0) FROM "#{NAMES[direction]}")'


def _only(plan: WalkPlan, values: list[Any]) -> str:
    """The one type of the walk's edges, as SQL."""
    assert plan.only_type is not None
    if plan.only_type in plan.graph.by_name:
        return f"{sql.literal(plan.only_type)}::text"
    values.append(plan.only_type)
    return f"${len(values)}::text"


def _reached(plan: WalkPlan, direction: Include, values: list[Any]) -> str:
    """The records of a walk: key, depth, types, and their place among the first."""
    name = NAMES[direction]
    kind = "u.t" if plan.only_type is None else f"CASE WHEN w.d > 0 THEN {_only(plan, values)} END"
    return (
        f'"#{name}-reached" AS MATERIALIZED (SELECT u.k, w.d, {kind} AS t, CASE WHEN w.d = 0 THEN u.n END AS n '
        f'FROM "#{name}" AS w CROSS JOIN LATERAL ROWS FROM (unnest(w.ks), unnest(w.ts)) WITH ORDINALITY AS u(k, t, n) '
        f"WHERE {reached_count(direction)} <= {plan.limit:d})"
    )


def _all_reached(plan: WalkPlan) -> str:
    """The records of all directions, each once, where it is nearest."""
    names = [NAMES[direction] for direction in plan.directions()]
    union = " UNION ALL ".join(f'SELECT * FROM "#{name}-reached"' for name in names)
    if len(names) > 1:
        union = f"SELECT DISTINCT ON (k) * FROM ({union}) AS u ORDER BY k, d"
    return f'"#reached" AS MATERIALIZED ({union})'


def _within(plan: WalkPlan) -> str:
    """Whether the walk kept to its limit."""
    return f"({' + '.join(reached_count(one) for one in plan.directions())}) <= {plan.limit:d}"


def shown_fields(plan: WalkPlan) -> tuple[str, ...]:
    """What is shown of records: not the fields in whose place stands what the walk says."""
    key = plan.table.schema.primary_key
    return tuple(name for name in plan.fields if name not in (DEPTH, TYPE) or name in key)


def _join(plan: WalkPlan, reached: str) -> str:
    return f'"#{reached}" AS r JOIN {plan.table.rows} AS t ON t.{key_of(plan.table)} = r.k'


def _record_rows(plan: WalkPlan) -> str:
    """The JSON of the records, nearest first."""
    said = f"r.d AS {DEPTH}, split_part(r.t, ',', 1) AS {TYPE}"
    fields = plan.table.select(shown_fields(plan))
    rows = f"SELECT {fields}, {said} FROM {_join(plan, 'reached')} ORDER BY r.d, r.n, r.k"
    return f"SELECT row_to_json({ROW})::text AS j FROM ({rows}) AS {ROW}"


def _records() -> list[str]:
    """`total`, `bytes`, and `page` where it is not too long."""
    return [
        '(SELECT count(*) FROM "#reached") AS total',
        f"{_bytes('row')} AS bytes",
        f"(SELECT string_agg(j, ',') FROM \"#row\" WHERE {_fits('row')}) AS page",
    ]


def _sized(name: str, query: str) -> list[str]:
    """A query whose column `j` is JSON, and the length of that."""
    return [
        f'"#{name}" AS MATERIALIZED ({query})',
        f'"#{name}-size" AS MATERIALIZED (SELECT coalesce(sum(octet_length(j)), 0) AS n FROM "#{name}")',
    ]


def _bytes(*names: str) -> str:
    """The length of the JSON in these queries."""
    return " + ".join(f'(SELECT n FROM "#{name}-size")' for name in names)


def _fits(*names: str) -> str:
    return f"({_bytes(*names)}) <= {MAX_BYTES}"


def _edges(plan: WalkPlan, values: list[Any]) -> str:
    """The edges between records that the walk reached, as JSON."""
    # Where there are more than the limit the order does not matter, and all of them need not be read.
    found = (
        f'SELECT t.* FROM {plan.edges.rows} AS t WHERE t.from_id = ANY(ARRAY(SELECT k FROM "#reached")) '
        # As a truth value, so that it stays a look into a hash table whatever the planner expects.
        f'AND (t.to_id IN (SELECT k FROM "#reached")) IS TRUE AND {of_types(plan, values, "t")} '
        f"LIMIT {plan.limit + 1:d}"
    )
    return (
        f"SELECT row_to_json({ROW})::text AS j FROM (SELECT {shown_edges(plan)} "
        f"FROM ({found}) AS t ORDER BY t.id) AS {ROW}"
    )


def shown_edges(plan: WalkPlan) -> str:
    """What is shown of an edge `t`, its ends under both of their names."""
    named = {
        "id": "id", "from": "from_id", "to": "to_id", "from_id": "from_id", "to_id": "to_id", "type": "type",
        "metadata": "metadata",
    }  # fmt: skip
    return ", ".join(f'{plan.edges.rendered[field]} AS "{name}"' for name, field in named.items())


def _list_rows(plan: WalkPlan, direction: Include) -> str:
    """The records of one direction, once for each type that led to them."""
    name = NAMES[direction]
    shown = f"{plan.table.select(shown_fields(plan))}, r.d AS {DEPTH}, y.t AS {TYPE}"
    return (
        "SELECT y.t, r.d, r.k, "
        f"(SELECT row_to_json({ROW})::text FROM (SELECT {shown}) AS {ROW}) AS j "
        f"FROM {_join(plan, f'{name}-reached')} "
        "CROSS JOIN LATERAL unnest(string_to_array(r.t, ',')) AS y(t) WHERE r.d > 0"
    )


def _lists(plan: WalkPlan) -> list[str]:
    """`record`, `bytes`, and for each direction pairs: a type and the JSON of what it led to."""
    table = plan.table
    start = f't.{key_of(table)} = (SELECT k FROM "#start")'
    names = [NAMES[direction] for direction in plan.directions()]
    rows = [f"{name}-row" for name in names]
    found = [
        f"(SELECT {row_json(table, plan.fields)} FROM {table.rows} AS t WHERE {start}) AS record",
        f"{_bytes(*rows)} AS bytes",
    ]
    for name in names:
        listed = (
            f"SELECT x.t, string_agg(x.j, ',' ORDER BY x.d, x.k) AS j FROM \"#{name}-row\" AS x "
            f"WHERE {_fits(*rows)} GROUP BY x.t"
        )
        found.append(f"ARRAY(SELECT ARRAY[l.t, l.j] FROM ({listed}) AS l ORDER BY l.t) AS {name}")
    return found


def _tree(plan: WalkPlan, direction: Include, values: list[Any]) -> list[str]:
    """The records of one direction, the edges below them, and the steps `p` to `c` that these make."""
    name = NAMES[direction]
    near, far = ends(direction)
    # Nothing is below the last level, which the walk did not leave.
    inner = f'SELECT k FROM "#{name}-reached" WHERE d < {plan.walk.depth:d}'
    return [
        *_sized(
            f"{name}-row",
            f"SELECT r.k::text AS k, r.d, {row_json(plan.table, shown_fields(plan))} AS j "
            f"FROM {_join(plan, f'{name}-reached')} ORDER BY r.d, r.n, r.k",
        ),
        f'"#{name}-edge" AS MATERIALIZED (SELECT e.{near} AS p, e.{far} AS c, e.type AS t '
        f"FROM {plan.edges.rows} AS e WHERE e.{near} = ANY(ARRAY({inner})) AND {of_types(plan, values)} "
        f"AND {_within(plan)} LIMIT {plan.limit + 1:d})",
        f'"#{name}-step" AS MATERIALIZED (SELECT e.p::text AS p, e.c::text AS c, min(e.t) AS t '
        f'FROM "#{name}-edge" AS e GROUP BY e.p, e.c ORDER BY e.p, e.c)',
    ]


def _tree_body(direction: Include) -> list[str]:
    name = NAMES[direction]
    columns = [("k", "row"), ("d", "row"), ("j", "row"), ("p", "step"), ("c", "step"), ("t", "step")]
    arrays = [
        f'ARRAY(SELECT {column} FROM "#{name}-{part}" WHERE {_fits(f"{name}-row")}) AS {name}_{column}'
        for column, part in columns
    ]
    counted = f'(SELECT count(*) FROM "#{name}-edge") AS {name}_edges'
    return [*arrays, counted, f"{_bytes(f'{name}-row')} AS {name}_bytes"]
