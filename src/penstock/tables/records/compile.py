"""Plans to statements. The text depends on the shape of a plan only, so that prepared statements are reused."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.filters import BoundTree, Shape, lower, render, wire
from penstock.tables.fields import BY_NAME
from penstock.tables.records.allowed import Allowed, column
from penstock.tables.records.plan import OrderTerm, RecordPlan, Search
from penstock.tables.records.request import Count
from penstock.tables.schema import SEARCH_COLUMN
from penstock.tables.vectors import compile as vectors
from penstock.tables.vectors.plan import Nearest

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


# Aliases beside user columns have a character that no field name has, so that they hide none.
ROW = '"#row"'


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `$n` places, and their values."""

    sql: str
    values: list[Any] = field(default_factory=list[Any])


def compile_list(plan: RecordPlan) -> Statement:
    """One row: `page` (the JSON of the records, comma-separated), `total`, and for cursors `last` and `more`."""
    values: list[Any] = []
    if plan.nearest is not None:
        return _nearest(plan, plan.nearest, values)
    if plan.search is None and plan.window.after is None and plan.allowed is None:
        return _plain(plan, values)
    condition = condition_of(plan, values)
    if plan.window.after is None:
        return Statement(_page(plan, condition, values), values)
    return Statement(_keyset(plan, condition, values), values)


def compile_keys(plan: RecordPlan, values: list[Any], *, also: str = "TRUE", limit: int) -> str:
    """The keys `k` of the records of a page, in its order; `also` is one more condition on rows `t`."""
    condition = condition_of(plan, values)
    key, order = f"t.{sql.identifier(plan.table.schema.primary_key[0])}", order_of(plan.order)
    if plan.by_rank:
        order = f"{rank_of(plan, len(values))} DESC, {order}"
    page = f"SELECT {key} AS k FROM {plan.table.rows} AS t WHERE ({condition}) AND {also} ORDER BY {order}"
    if plan.window.offset:
        values.append(plan.window.offset)
        return f"{page} LIMIT {limit} OFFSET ${len(values)}::bigint"
    return f"{page} LIMIT {limit}"


def compile_rows(plan: RecordPlan, select: str, *, limit: int | None) -> Statement:
    """Every matching row `t` in order, as `select`: for who takes them one by one and needs no page."""
    values: list[Any] = []
    condition = condition_of(plan, values)
    order = order_of(plan.order)
    if plan.by_rank:
        order = f"{rank_of(plan, len(values))} DESC, {order}"
    text = f"SELECT {select} FROM {plan.table.rows} AS t WHERE {condition} ORDER BY {order}"
    if limit is not None:
        values.append(limit)
        text += f" LIMIT ${len(values)}::bigint"
    return Statement(text, values)


def compile_lines(plan: RecordPlan, *, limit: int | None) -> Statement:
    """Every matching row in order, as JSON text."""
    rows = compile_rows(plan, plan.table.select(plan.fields), limit=limit)
    return Statement(f"SELECT row_to_json({ROW})::text FROM ({rows.sql}) AS {ROW}", rows.values)


def compile_count_estimate(plan: RecordPlan) -> Statement:
    """The planner's word on how many records match."""
    values: list[Any] = []
    condition = condition_of(plan, values)
    return Statement(f"EXPLAIN (FORMAT JSON) SELECT FROM {plan.table.rows} AS t WHERE {condition}", values)


def compile_detail(
    table: Table,
    key: BoundTree,
    fields: tuple[str, ...],
    allowed: Allowed | None = None,
    *,
    lock: bool = False,
) -> Statement:
    """One row or none: `row` (JSON) and `version`."""
    values: list[Any] = []
    condition = where(key, values, hide_deleted=table.schema.soft_deletes)
    shown = f"SELECT {table.select(fields)}{told(allowed, values)}"
    suffix = " FOR UPDATE" if lock else ""
    return Statement(
        f"SELECT (SELECT row_to_json({ROW})::text FROM ({shown}) AS {ROW}) AS row, t.xmin::text AS version "
        f"FROM {table.rows} AS t WHERE {condition}{suffix}",
        values,
    )


def told(allowed: Allowed | None, values: list[Any]) -> str:
    """What more a row `t` tells, when that is asked: what may be done with it."""
    return "" if allowed is None else f", {column(allowed, values)}"


def row_json(table: Table, fields: tuple[str, ...]) -> str:
    """A row `t` as JSON text."""
    return f"(SELECT row_to_json({ROW})::text FROM (SELECT {table.select(fields)}) AS {ROW})"


def where(tree: BoundTree, values: list[Any], *, hide_deleted: bool) -> str:
    """The condition on rows `t`, its values appended."""
    first = len(values)
    return _rendered(lower(tree, values), first, hide_deleted=hide_deleted)


def _rendered(shape: Shape, first: int, *, hide_deleted: bool) -> str:
    condition = render(shape, first)
    return f'({condition}) AND t."is_deleted" IS NOT TRUE' if hide_deleted else condition


def matching(
    table: Table, tree: BoundTree, search: Search | None, values: list[Any], *, hide_deleted: bool
) -> str:
    """The condition on rows `t`, those that the search finds; its values appended, the words searched last."""
    condition = where(tree, values, hide_deleted=hide_deleted)
    if search is not None:
        values.append(search.text)
        condition = f"({condition}) AND ({_search(table, search, len(values))})"
    return condition


def rank_of(plan: RecordPlan, place: int) -> str:
    """How well a row matches the words at this place; empty where nothing ranks."""
    if plan.search is None or not plan.search.by_vector:
        return ""
    return f"ts_rank({plan.table.columns[SEARCH_COLUMN].sql}, {_words(plan.table, place)})"


def condition_of(plan: RecordPlan, values: list[Any]) -> str:
    return matching(plan.table, plan.where, plan.search, values, hide_deleted=plan.hide_deleted)


def _search(table: Table, search: Search, place: int) -> str:
    if search.by_vector:
        return f"{table.columns[SEARCH_COLUMN].sql} @@ {_words(table, place)}"
    if not search.fields:
        return f"${place}::text IS NULL"  # no text to look into: nothing matches
    word = f"penstock.fold(${place}::text)"
    pattern = f"'%' || replace(replace(replace({word}, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'"
    return " OR ".join(f"penstock.fold(t.{sql.identifier(name)}) LIKE {pattern}" for name in search.fields)


def _words(table: Table, place: int) -> str:
    return f"websearch_to_tsquery({sql.literal(table.schema.search_language)}::regconfig, ${place}::text)"


def _plain(plan: RecordPlan, values: list[Any]) -> Statement:
    """The common case, whose text is remembered by all that it depends on."""
    shape, window = lower(plan.where, values), plan.window
    if window.offset:
        values.append(window.offset)
    offset = len(values) if window.offset else None
    counted = plan.count is Count.EXACT
    text = _plain_text(
        plan.table, shape, plan.hide_deleted, plan.fields, plan.order, window.limit, offset, counted
    )
    return Statement(text, values)


@lru_cache(maxsize=4096)
def _plain_text(
    table: Table,
    shape: Shape,
    hide_deleted: bool,
    fields: tuple[str, ...],
    order: tuple[OrderTerm, ...],
    limit: int,
    offset: int | None,
    counted: bool,
) -> str:
    source = f"FROM {table.rows} AS t WHERE {_rendered(shape, 0, hide_deleted=hide_deleted)}"
    return _framed(table.select(fields), source, order_of(order), limit, offset, counted=counted)


def _framed(select: str, source: str, order: str, limit: int, offset: int | None, *, counted: bool) -> str:
    """`offset` is the place of its value."""
    page = f"SELECT {select} {source} ORDER BY {order} LIMIT {limit}"
    if offset is not None:
        page += f" OFFSET ${offset}::bigint"
    total = f"(SELECT count(*) {source})" if counted else "NULL::bigint"
    return f"SELECT (SELECT string_agg(row_to_json({ROW})::text, ',') FROM ({page}) AS {ROW}) AS page, {total} AS total"


def _page(plan: RecordPlan, condition: str, values: list[Any]) -> str:
    table, window = plan.table, plan.window
    select, order = table.select(plan.fields), order_of(plan.order)
    if rank := rank_of(plan, len(values)):
        if "rank" not in table.schema.by_name:
            select += f", {rank} AS rank"
        if plan.by_rank:
            order = f"{rank} DESC, {order}"
    select += told(plan.allowed, values)
    source = f"FROM {table.rows} AS t WHERE {condition}"
    if window.offset:
        values.append(window.offset)
    offset = len(values) if window.offset else None
    return _framed(select, source, order, window.limit, offset, counted=plan.count is Count.EXACT)


def _nearest(plan: RecordPlan, nearest: Nearest, values: list[Any]) -> Statement:
    queries = nearest_queries(plan, nearest, values)
    window = plan.window
    if window.offset:
        values.append(window.offset)
    offset = len(values) if window.offset else None
    select = ", ".join([plan.table.select(plan.fields), *vectors.scores(plan, nearest)])
    select += told(plan.allowed, values)
    counted = plan.count is not Count.NONE
    page = _framed(
        select, f"FROM {vectors.FOUND} AS t", nearest_order(plan), window.limit, offset, counted=counted
    )
    return Statement(f"WITH {queries} {page}", values)


def nearest_queries(plan: RecordPlan, nearest: Nearest, values: list[Any]) -> str:
    """The queries of a WITH that find the nearest records, `vectors.FOUND`."""
    condition, rank = where(plan.where, values, hide_deleted=plan.hide_deleted), None
    if plan.search is not None:
        values.append(plan.search.text)
        place = len(values)
        rank = (_search(plan.table, plan.search, place), rank_of(plan, place))
    return vectors.queries(plan, nearest, condition, rank, values)


def nearest_order(plan: RecordPlan) -> str:
    """The order of `vectors.FOUND`."""
    order = order_of(plan.order)
    return f"{vectors.best_first(plan)}, {order}" if plan.by_rank else order


def _keyset(plan: RecordPlan, condition: str, values: list[Any]) -> str:
    """One more record than asked for tells whether there is a next page."""
    table, limit = plan.table, int(plan.window.limit)
    shown = f"SELECT {table.select(plan.fields)}"
    if (rank := rank_of(plan, len(values))) and "rank" not in table.schema.by_name:
        shown += f", {rank} AS rank"
    total = f"(SELECT count(*) FROM {table.rows} AS t WHERE {condition})"
    if plan.count is not Count.EXACT:
        total = "NULL::bigint"
    if plan.after is not None:
        condition = f"({condition}) AND {beyond(plan, plan.after, values)}"
    keys = ", ".join(table.rendered[term.field] for term in plan.order)
    picked = f"SELECT t.* FROM {table.rows} AS t WHERE {condition} ORDER BY {order_of(plan.order)} LIMIT {limit + 1}"
    shown += told(plan.allowed, values)
    rows = (
        f"SELECT (SELECT row_to_json({ROW})::text FROM ({shown}) AS {ROW}) AS j, json_build_array({keys})::text AS k, "
        f"row_number() OVER () AS n FROM ({picked}) AS t"
    )
    return (
        f"SELECT string_agg(p.j, ',' ORDER BY p.n) FILTER (WHERE p.n <= {limit}) AS page, {total} AS total, "
        f"max(p.k) FILTER (WHERE p.n = {limit}) AS last, count(*) > {limit} AS more FROM ({rows}) AS p"
    )


def beyond(plan: RecordPlan, after: tuple[Any, ...], values: list[Any]) -> str:
    """Rows that come after the cursor: ascending orders have NULL last, descending ones first."""
    terms = plan.order
    places: list[str] = []
    for term, value in zip(terms, after, strict=True):
        if value is None:
            places.append("NULL")
            continue
        values.append(wire(value))
        field = plan.table.schema.by_name[term.field]
        text = "::text" if isinstance(values[-1], str) else ""
        places.append(f"${len(values)}{text}::{BY_NAME[field.type].incoming(field)}")
    columns = [f"t.{sql.identifier(term.field)}" for term in terms]
    if not any(term.nullable for term in terms) and len({term.descending for term in terms}) == 1:
        sign = "<" if terms[0].descending else ">"
        return f"({', '.join(columns)}) {sign} ({', '.join(places)})"
    alternatives: list[str] = []
    for position, term in enumerate(terms):
        equal = [
            f"{columns[i]} IS NULL" if after[i] is None else f"{columns[i]} = {places[i]}"
            for i in range(position)
        ]
        further = _further(columns[position], places[position], term, is_null=after[position] is None)
        alternatives.append(" AND ".join([*equal, further]))
    return f"({' OR '.join(f'({one})' for one in alternatives)})"


def _further(column: str, place: str, term: OrderTerm, *, is_null: bool) -> str:
    if is_null:
        return f"{column} IS NOT NULL" if term.descending else "FALSE"
    if term.descending:
        return f"{column} < {place}"
    return f"({column} > {place} OR {column} IS NULL)" if term.nullable else f"{column} > {place}"


@lru_cache(maxsize=4096)
def order_of(terms: tuple[OrderTerm, ...]) -> str:
    return ", ".join(f"t.{sql.identifier(term.field)}{' DESC' if term.descending else ''}" for term in terms)
