"""The statement that reads a feed: changes between two snapshots, each with what the reader sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.filters import EVERYTHING
from penstock.tables.changes.cursor import NOTHING, Cursor
from penstock.tables.changes.plan import ChangesPlan
from penstock.tables.providers.jsonb.making import shown
from penstock.tables.records.compile import Statement, row_json, where

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# Of the text of rows in one answer; a single change may be larger.
MAX_BYTES = 16 * 1024 * 1024
# Where the changes begin that `seen` does not see, found in the index of transactions. The fence keeps PostgreSQL
# from looking for the least number by trying one change after the other.
_FIRST = (
    "(SELECT min(s.id) - 1 FROM (SELECT c.id FROM penstock.record_changes AS c WHERE c.table_id = $1 "
    "AND c.xid >= $2::text::xid8 AND NOT pg_visible_in_snapshot(c.xid, $3::text::pg_snapshot) OFFSET 0) AS s)"
)


def compile_changes(plan: ChangesPlan, cursor: Cursor, limit: int) -> Statement:
    """One row: the state of the feed, and arrays `ids`, `ops`, `keys`, `records` and `ats` of what is visible."""
    values: list[Any] = [
        plan.table.definition.id,
        cursor.least,
        cursor.seen,
        cursor.upto,
        None if cursor.upto is None else cursor.last,
        cursor.high,
        limit,
        MAX_BYTES,
    ]
    condition = where(plan.rows, values, hide_deleted=plan.hide_deleted)
    always = plan.rows == EVERYTHING and not plan.hide_deleted and not plan.in_part
    # A CASE, because behind a policy PostgreSQL takes `coalesce` for something that may tell, and to no index.
    begin = "(SELECT gone_id FROM feed)" if cursor.seen == NOTHING else _FIRST
    return Statement(
        f"""
WITH feed AS MATERIALIZED (SELECT * FROM penstock.record_feeds WHERE table_id = $1),
found AS MATERIALIZED (
  SELECT c.id, c.op, c.before, c.after, c.at FROM penstock.record_changes AS c
  WHERE c.table_id = $1 AND c.id > CASE WHEN $5::bigint IS NULL THEN {begin} ELSE $5::bigint END
  AND c.id <= CASE WHEN $4::text IS NULL THEN {2**63 - 1} ELSE $6::bigint END
  AND c.xid >= $2::text::xid8 AND NOT pg_visible_in_snapshot(c.xid, $3::text::pg_snapshot)
  AND ($4::text IS NULL OR pg_visible_in_snapshot(c.xid, $4::text::pg_snapshot))
  ORDER BY c.id LIMIT $7::bigint + 1
),
sized AS (
  SELECT f.*, row_number() OVER w AS n,
    sum(coalesce(octet_length(f.after::text), 0) + coalesce(octet_length(f.before::text), 0)) OVER w AS bytes
  FROM found AS f WINDOW w AS (ORDER BY f.id ROWS UNBOUNDED PRECEDING)
),
page AS MATERIALIZED (SELECT * FROM sized WHERE n <= $7::bigint AND (n = 1 OR bytes <= $8::bigint)),
told AS (
  SELECT p.id, p.at, {_op(plan, always=always)} AS op,
    coalesce(a.k, b.k) AS k, a.j AS j
  FROM page AS p CROSS JOIN feed
  LEFT JOIN LATERAL ({_image(plan, "after", condition)}) AS a ON true
  LEFT JOIN LATERAL ({_image(plan, "before", condition, unless_after=always)}) AS b ON true
)
SELECT feed.epoch, feed.gone_id, feed.gone_xid::text AS gone_xid, pg_current_snapshot()::text AS now,
  (SELECT max(id) FROM page) AS last, (SELECT count(*) FROM page) AS scanned,
  (SELECT count(*) FROM found) > (SELECT count(*) FROM page) AS more,
  (SELECT c.id FROM penstock.record_changes AS c WHERE c.table_id = $1 ORDER BY c.id DESC LIMIT 1) AS high,
  t.ids, t.ops, t.keys, t.records, t.ats
FROM feed CROSS JOIN (
  SELECT array_agg(id ORDER BY id) AS ids, array_agg(op ORDER BY id) AS ops, array_agg(k ORDER BY id) AS keys,
    array_agg(j ORDER BY id) AS records,
    array_agg(replace((at AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z' ORDER BY id) AS ats
  FROM told WHERE op IS NOT NULL
) AS t
""",
        values,
    )


def _op(plan: ChangesPlan, *, always: bool) -> str:
    """What a change is to somebody who sees the record before it, after it, both times, or not at all.

    This is where every change is filtered: null is nothing to tell.
    """
    if always:
        return "p.op"
    both = "a.k IS NOT NULL AND b.k IS NOT NULL"
    unseen = f"WHEN {both} AND a.j = b.j THEN NULL " if plan.in_part else ""
    return (
        f"CASE {unseen}WHEN {both} THEN 'update' "
        "WHEN a.k IS NOT NULL THEN 'insert' WHEN b.k IS NOT NULL THEN 'delete' END"
    )


def _image(plan: ChangesPlan, column: str, condition: str, *, unless_after: bool = False) -> str:
    """The row before or after a change, as the table has its rows now, if the reader sees it."""
    image = f"CASE WHEN feed.names = '[]' THEN p.{column} ELSE penstock.renamed_v2(p.{column}, p.id, feed.names) END"
    there = f"p.{column} IS NOT NULL" + (" AND p.after IS NULL" if unless_after else "")
    shown = column == "after" or plan.in_part
    record = row_json(plan.table, plan.fields) if shown else "NULL::text"
    return (
        f"SELECT {_key(plan)} AS k, {record} AS j "
        f"FROM {_row(plan.table, image)} WHERE {there} AND ({condition})"
    )


def _row(table: Table, image: str) -> str:
    """A stored row that was noted, as the row `t` that statements read."""
    stored = f"json_populate_record(NULL::{table.place.sql}, {image})"
    if table.layout is None:
        return f"{stored} AS t"
    # Rules may name fields that the reader may not know of.
    columns = ", ".join(shown(table.whole.schema, table.layout))
    # Nothing else names what tells this layout from others: a statement made for an older one is to fail.
    known = f"SELECT v.{sql.identifier(table.layout.document)} FROM {table.rows} AS v WHERE false"
    return f"(SELECT {columns} FROM {stored} AS b WHERE NOT EXISTS ({known})) AS t"


def _key(plan: ChangesPlan) -> str:
    """What names the record in a path, as JSON."""
    names = plan.table.schema.primary_key
    parts = [plan.table.rendered[name] for name in names]
    if len(parts) > 1:
        return f"json_build_array({', '.join(parts)})::text"
    return f"to_json({parts[0]})::text"
