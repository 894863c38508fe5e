"""Statements that write. Rows travel as one JSON array in `$1` and become typed columns inside PostgreSQL,
so one row and ten thousand are the same statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.filters import BoundTree
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field
from penstock.tables.providers.jsonb import writing as documents
from penstock.tables.records.compile import ROW, Statement, row_json, where
from penstock.tables.schema.ddl import column_default

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

POSITION = '"#n"'  # the place of a row in the request, from 1
# The versions a change insists on; None insists on none.
Versions = Sequence[str] | None


class Keys(Enum):
    """Where the integer key of new rows comes from."""

    GENERATED = "all from the sequence"
    GIVEN = "all from the request"
    MIXED = "from the request where it has one"


def source(table: Table, fields: Sequence[Field]) -> str:
    """The rows of `$1` as a table `x` with these columns."""
    if not fields:
        return f"json_array_elements($1::text::json) WITH ORDINALITY AS x(pst__row, {POSITION})"
    typed = ", ".join(f"{sql.identifier(one.name)} {BY_NAME[one.type].incoming(one)}" for one in fields)
    names = ", ".join([*(sql.identifier(one.name) for one in fields), POSITION])
    return f"ROWS FROM (json_to_recordset($1::text::json) AS ({typed})) WITH ORDINALITY AS x({names})"


@lru_cache(maxsize=1024)
def insert_sql(table: Table, keys: Keys, *, brief: bool = False) -> str:
    """One row: `page`, the new records in the order of the request; empty when the caller wants it `brief`."""
    fields = inserted_fields(table, keys)
    columns, values = _columns(table, {one.name: _inserted(table, one, stored(one)) for one in fields})
    insert = f"INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, fields)}"
    if brief:
        # Naming a column has PostgreSQL see to it that the rows may be read.
        key = sql.identifier(table.schema.primary_key[0])
        return f"WITH done AS ({insert} RETURNING t.{key}) SELECT ''::text AS page FROM done LIMIT 1"
    return (
        f"WITH {ROW} AS ({insert} RETURNING {table.select_all}) "
        f"SELECT string_agg(row_to_json({ROW})::text, ',') AS page FROM {ROW}"
    )


@lru_cache(maxsize=1024)
def insert_one_sql(table: Table, keys: Keys) -> str:
    """As `insert_sql` for one row whose values are bound one by one, as text: less work for PostgreSQL."""
    fields = inserted_fields(table, keys)
    columns, values = _columns(
        table, {one.name: _inserted(table, one, _bound(one, place)) for place, one in enumerate(fields, 1)}
    )
    return (
        f"INSERT INTO {table.rows} AS t ({columns}) VALUES ({values}) "
        f"RETURNING {row_json(table, table.schema.names)} AS page"
    )


@lru_cache(maxsize=1024)
def inserted_fields(table: Table, keys: Keys) -> tuple[Field, ...]:
    """The fields that an insert names: all but a key that the sequence gives."""
    generated = table.schema.generates_key()
    fields = tuple(
        one
        for one in table.schema.fields
        if not (one is generated and one.type == "integer" and keys is Keys.GENERATED)
    )
    # A table with nothing but its key: there must be some column to name.
    return fields or table.schema.fields


def _inserted(table: Table, field: Field, value: str) -> str:
    if field is table.schema.generates_key():
        return f"coalesce({value}, {_next_key(table, field)})"
    return f"coalesce({value}, now())" if table.schema.manages(field.name) else value


def stored(field: Field) -> str:
    """The value that a row `x` of the request has for the field."""
    return BY_NAME[field.type].store(field, f"x.{sql.identifier(field.name)}")


def _bound(field: Field, place: int) -> str:
    """As `stored`, for a value that is bound as text."""
    kind = BY_NAME[field.type]
    return kind.store(field, f"(${place}::text::{kind.incoming(field)})")


def _next_key(table: Table, field: Field) -> str:
    return f"nextval({sequence(table, field)})" if field.type == "integer" else "gen_random_uuid()"


def sequence(table: Table, field: Field) -> str:
    """The identity sequence of a key, as SQL."""
    return f"pg_get_serial_sequence({sql.literal(table.place.sql)}, {sql.literal(field.name)})::regclass"


def advance_sequence(table: Table, field: Field, given: int) -> Statement:
    """Move the sequence past a key that a request brought along; serialised, since `setval` may go backwards."""
    name = sequence(table, field)
    return Statement(
        f"SELECT setval({name}, $1::bigint) FROM (SELECT pg_advisory_xact_lock({name}::oid::bigint)) AS lock "
        f"WHERE coalesce(pg_sequence_last_value({name}), 0) < $1::bigint",
        [given],
    )


@lru_cache(maxsize=4096)
def upsert_sql(table: Table, present: tuple[int, ...], unique: tuple[str, ...]) -> str:
    """One row: `rows` in request order and `inserted`, which of them are new.

    A column the request leaves out keeps the value of the record that is there (PostgreSQL checks NOT NULL
    before it looks for the conflict), or takes its default.
    """
    schema = table.schema
    sent = [schema.fields[position] for position in present]
    named = {one.name for one in sent}
    generated = schema.generates_key()
    absent = [one for one in table.whole.schema.fields if one.name not in named and one is not generated]
    columns, values = _columns(
        table,
        {one.name: _inserted(table, one, stored(one)) for one in sent}
        | {one.name: _kept(table, one) for one in absent},
    )
    match = " AND ".join(f"e.{sql.identifier(name)} = {stored(schema.by_name[name])}" for name in unique)
    fixed = _refreshed(table)
    if schema.soft_deletes and "is_deleted" not in named:
        fixed["is_deleted"] = "false"
    changes = _overwritten(table, _changeable(table, sent, unique), fixed)
    return (
        f"WITH done AS (INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, sent)} "
        f"LEFT JOIN {table.rows} AS e ON {match} ORDER BY x.{POSITION} "
        f"ON CONFLICT ({', '.join(_conflicting(table, name) for name in unique)}) DO UPDATE SET {changes} "
        f"RETURNING {row_json(table, schema.names)} AS j, (t.xmax = 0) AS inserted) "
        "SELECT array_agg(j) AS rows, array_agg(inserted) AS inserted FROM done"
    )


def _kept(table: Table, field: Field) -> str:
    present = sql.identifier(table.schema.primary_key[0])
    default = _default(table, field)
    return f"CASE WHEN e.{present} IS NULL THEN {default} ELSE e.{sql.identifier(field.name)} END"


def _default(table: Table, field: Field) -> str:
    """What a new record has in a field that the request leaves out."""
    if table.whole.schema.manages(field.name):
        return "now()"
    return column_default(field, table.whole.schema) or "NULL"


@lru_cache(maxsize=4096)
def insert_present_sql(table: Table, present: tuple[int, ...]) -> str:
    """As `insert_sql` for rows that leave fields to their defaults: `rows` and `positions`."""
    sent = [table.schema.fields[position] for position in present]
    columns, values = _columns(table, {one.name: _inserted(table, one, stored(one)) for one in sent})
    return (
        f"WITH done AS (INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, sent)} "
        f"ORDER BY x.{POSITION} RETURNING {row_json(table, table.schema.names)} AS j) "
        "SELECT array_agg(j) AS rows, array_agg(n) AS positions "
        "FROM (SELECT j, row_number() OVER () AS n FROM done) AS d"
    )


@lru_cache(maxsize=4096)
def update_sql(table: Table, present: tuple[int, ...], match: tuple[str, ...], *, live: bool = False) -> str:
    """One row: `rows` and `positions` of the records changed, found by the columns `match` of the request.

    `live` leaves out deleted records even where the request says `is_deleted`.
    """
    condition = " AND ".join(
        f"t.{sql.identifier(name)} = {stored(table.schema.by_name[name])}" for name in match
    )
    return _update(table, present, match, condition, live=live)


def update_within(
    table: Table,
    present: tuple[int, ...],
    match: tuple[str, ...],
    reach: BoundTree,
    payload: str,
    *,
    live: bool = False,
) -> Statement:
    """As `update_sql`, of the records within reach."""
    values: list[Any] = [payload]
    same = " AND ".join(f"t.{sql.identifier(name)} = {stored(table.schema.by_name[name])}" for name in match)
    condition = f"{same} AND {where(reach, values, hide_deleted=False)}"
    return Statement(_update(table, present, match, condition, live=live), values)


def update_one(
    table: Table, present: tuple[int, ...], key: BoundTree, payload: str, versions: Versions
) -> Statement:
    """The record with this key, if it is still at one of `versions` when they are given."""
    values: list[Any] = [payload]
    condition = where(key, values, hide_deleted=False) + _at(versions, values)
    return Statement(_update(table, present, table.schema.primary_key, condition, live=False), values)


def _at(versions: Versions, values: list[Any]) -> str:
    if versions is None:
        return ""
    values.append(list(versions))
    return f" AND t.xmin::text = ANY(${len(values)}::text[])"


def _update(
    table: Table, present: tuple[int, ...], match: tuple[str, ...], condition: str, *, live: bool
) -> str:
    sent = [table.schema.fields[position] for position in present]
    named = {one.name for one in sent}
    changed = _changeable(table, sent, match)
    values = {name: stored(table.schema.by_name[name]) for name in changed} | _refreshed(table)
    # Something must be set for the record to come back.
    changes = _set(table, values or {match[0]: f"t.{sql.identifier(match[0])}"})
    if table.schema.soft_deletes and (live or "is_deleted" not in named):
        condition = f'({condition}) AND t."is_deleted" IS NOT TRUE'
    return (
        f"WITH done AS (UPDATE {table.rows} AS t SET {changes} FROM {source(table, sent)} "
        f"WHERE {condition} RETURNING x.{POSITION} AS n, {row_json(table, table.schema.names)} AS j, "
        "t.xmin::text AS version) "
        "SELECT array_agg(j) AS rows, array_agg(n) AS positions, max(version) AS version FROM done"
    )


def _changeable(table: Table, sent: Sequence[Field], match: tuple[str, ...]) -> list[str]:
    """What a request may change of the fields it sends: not the key, and not what the service sets itself."""
    fixed = {*match, *table.schema.primary_key}
    if table.schema.manages("updated_at"):
        fixed.add("updated_at")
    return [one.name for one in sent if one.name not in fixed]


def _refreshed(table: Table) -> dict[str, str]:
    """`updated_at` is the service's to set, whatever a request says."""
    return {"updated_at": "now()"} if table.whole.schema.manages("updated_at") else {}


def _columns(table: Table, values: Mapping[str, str]) -> tuple[str, str]:
    """The columns of an insert and their values, from values by field."""
    if table.layout is None:
        return ", ".join(map(sql.identifier, values)), ", ".join(values.values())
    # The database knows nothing of the defaults of members.
    schema = table.whole.schema
    absent = [one for one in schema.fields if one.name in table.layout.members]
    values = {one.name: _default(table, one) for one in absent} | dict(values)
    pairs = documents.inserted(table.layout, schema, values)
    return ", ".join(column for column, _ in pairs), ", ".join(value for _, value in pairs)


def _set(table: Table, values: Mapping[str, str]) -> str:
    """The assignments of an update."""
    if table.layout is None:
        return ", ".join(_assigned(values))
    pairs = documents.changed(table.layout, table.whole.schema, values)
    return ", ".join(f"{column} = {value}" for column, value in pairs)


def _overwritten(table: Table, names: list[str], fixed: Mapping[str, str]) -> str:
    """The assignments to a record that is there already: what was to be inserted in these fields, and `fixed`."""
    if not names and not fixed:
        # Something must be set for the record to come back.
        key = table.schema.primary_key[0]
        fixed = {key: f"t.{sql.identifier(key)}"}
    if table.layout is not None:
        pairs = documents.overwritten(table.layout, table.whole.schema, names, fixed)
        return ", ".join(f"{column} = {value}" for column, value in pairs)
    return ", ".join(
        [*(f"{name} = EXCLUDED.{name}" for name in map(sql.identifier, names)), *_assigned(fixed)]
    )


def _assigned(values: Mapping[str, str]) -> list[str]:
    return [f"{sql.identifier(name)} = {value}" for name, value in values.items()]


def _conflicting(table: Table, name: str) -> str:
    if table.layout is None:
        return sql.identifier(name)
    return documents.conflicting(table.layout, table.whole.schema, name)


def delete(table: Table, condition: BoundTree, *, hide_deleted: bool, versions: Versions = None) -> Statement:
    """One row: `deleted`, and `keys`, the JSON array of the keys removed when the key is one column."""
    values: list[Any] = []
    text = where(condition, values, hide_deleted=hide_deleted) + _at(versions, values)
    key = table.schema.primary_key[0]
    returning = f"RETURNING {table.rendered[key]} AS k, t.{sql.identifier(key)} AS o"
    if table.schema.soft_deletes:
        changes = _set(table, {"is_deleted": "true", **_refreshed(table)})
        gone = f"UPDATE {table.rows} AS t SET {changes} WHERE {text} {returning}"
    else:
        gone = f"DELETE FROM {table.rows} AS t WHERE {text} {returning}"
    return Statement(
        f"WITH gone AS ({gone}) SELECT count(*) AS deleted, "
        "coalesce(json_agg(k ORDER BY o), '[]')::text AS keys FROM gone",
        values,
    )


@lru_cache(maxsize=1024)
def match_sql(
    table: Table, unique: tuple[str, ...], *, with_deleted: bool, differing: tuple[str, ...] = ()
) -> str:
    """`found`: per row of the request, how many records have its values in the columns `unique`.

    With `differing` only those count that have another value than the row in one of these columns.
    """
    fields = [table.schema.by_name[name] for name in (*unique, *differing)]
    same = [f"t.{sql.identifier(one.name)} = {stored(one)}" for one in fields[: len(unique)]]
    other = [f"t.{sql.identifier(one.name)} IS DISTINCT FROM {stored(one)}" for one in fields[len(unique) :]]
    condition = " AND ".join([*same, f"({' OR '.join(other)})"] if other else same)
    if table.schema.soft_deletes and not with_deleted:
        condition += ' AND t."is_deleted" IS NOT TRUE'
    counted = f"(SELECT count(*) FROM {table.rows} AS t WHERE {condition})"
    return f"SELECT array_agg({counted} ORDER BY x.{POSITION}) AS found FROM {source(table, fields)}"
