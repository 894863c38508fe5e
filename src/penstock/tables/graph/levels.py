"""Walks of which a list says no more than how far each record is: the quick way, for records of ordinary length.

The records of a level are one scan of their index, and their JSON is put together where they are read. Nothing is
stored on the way, so that a record may have its share of what an answer may have, and no more; where one has more,
there is no `page`, and the walk is `compile`'s.
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.tables.graph.compile import (
    DEPTH,
    NAMES,
    TYPE,
    reached_count,
    shown_fields,
    start_and_levels,
)
from penstock.tables.graph.nodes import key_of
from penstock.tables.graph.plan import MAX_BYTES, WalkPlan
from penstock.tables.graph.traversal import Format
from penstock.tables.records.compile import Statement
from penstock.tables.records.plan import RecordPlan
from penstock.tables.records.text import object_text

_FIRST, _NULL = msgspec.Raw(b"0"), msgspec.Raw(b"null")


def is_by_level(plan: WalkPlan) -> bool:
    """True when all that is said of a record is the level that it is on."""
    is_list = plan.walk.format is Format.FLAT and isinstance(plan.begin, RecordPlan)
    return is_list and plan.only_type is not None and len(plan.directions()) == 1


def compile_levels(plan: WalkPlan) -> Statement:
    """One row: `visited` and `total`, and `page` where no record is too long, and the walk within its limit."""
    values: list[Any] = []
    parts = start_and_levels(plan, values)
    (direction,) = plan.directions()
    levels, key = f'"#{NAMES[direction]}"', f"t.{key_of(plan.table)}"
    total = f"(SELECT coalesce(sum(cardinality(ks)), 0)::bigint FROM {levels})"
    within = f"{reached_count(direction)} <= {plan.limit:d}"
    first = (
        f'SELECT s.n AS k, {_told(plan, _FIRST, _NULL)} AS j FROM "#start" AS s '
        f"JOIN {plan.table.rows} AS t ON {key} = s.k WHERE {within}"
    )
    level = (
        f"SELECT {key} AS k, {_told(plan, 'w.d', _kind(plan, values))} AS j "
        f"FROM {plan.table.rows} AS t WHERE {key} = ANY(w.ks)"
    )
    found = (
        f"SELECT 0 AS d, f.* FROM ({_joined(first, total)}) AS f UNION ALL "
        f"SELECT w.d, f.* FROM {levels} AS w CROSS JOIN LATERAL ({_joined(level, total)}) AS f "
        f"WHERE w.d > 0 AND {within}"
    )
    return Statement(
        f"WITH RECURSIVE {', '.join(parts)} SELECT {reached_count(direction)} AS visited, {total} AS total, "
        f"(SELECT CASE WHEN bool_and(f.fits) THEN string_agg(f.j, ',' ORDER BY f.d) END FROM ({found}) AS f) AS page",
        values,
    )


def _joined(rows: str, total: str) -> str:
    """The JSON `j` of these rows in the order of `k`, and whether each of them `fits`."""
    share = f"{MAX_BYTES:d} / greatest({total}, 1)"
    # OFFSET keeps the planner from putting the JSON together twice.
    return (
        f"SELECT string_agg(x.j, ',' ORDER BY x.k) FILTER (WHERE octet_length(x.j) <= {share}) AS j, "
        f"max(octet_length(x.j)) <= {share} AS fits FROM ({rows} ORDER BY 1 OFFSET 0) AS x"
    )


def _told(plan: WalkPlan, depth: str | msgspec.Raw, kind: str | msgspec.Raw) -> str:
    """A record `t` as JSON, with what the walk says of it."""
    return object_text(plan.table, shown_fields(plan), ((DEPTH, depth), (TYPE, kind)))


def _kind(plan: WalkPlan, values: list[Any]) -> str | msgspec.Raw:
    """The type of the walk's edges as JSON."""
    if plan.only_type in plan.graph.by_name:
        return msgspec.Raw(msgspec.json.encode(plan.only_type))
    # A table that declares no types has those that requests name.
    values.append(plan.only_type)
    return f"to_json(${len(values)}::text)"
