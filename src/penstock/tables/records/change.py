"""Statements that write. Rows travel as one JSON array in `$1` and become typed columns inside PostgreSQL,
so one row and ten thousand are the same statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.filters import BoundTree
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field
from penstock.tables.records.compile import ROW, Statement, row_json, where
from penstock.tables.schema.ddl import default_of

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

POSITION = '"#n"'  # the place of a row in the request, from 1
_MANAGED = {"created_at": "now()", "updated_at": "now()"}


class Keys(Enum):
    """Where the integer key of new rows comes from."""

    GENERATED = "all from the sequence"
    GIVEN = "all from the request"
    MIXED = "from the request where it has one"


def source(table: Table, fields: Sequence[Field]) -> str:
    """The rows of `$1` as a table `x` with these columns."""
    typed = ", ".join(f"{sql.identifier(one.name)} {BY_NAME[one.type].incoming(one)}" for one in fields)
    names = ", ".join([*(sql.identifier(one.name) for one in fields), POSITION])
    return f"ROWS FROM (json_to_recordset($1::text::json) AS ({typed})) WITH ORDINALITY AS x({names})"


@lru_cache(maxsize=1024)
def insert_sql(table: Table, keys: Keys) -> str:
    """One row: `page`, the new records in the order of the request."""
    schema = table.schema
    generated = schema.generates_key()
    fields = [
        one
        for one in schema.fields
        if not (one is generated and one.type == "integer" and keys is Keys.GENERATED)
    ]
    columns = ", ".join(sql.identifier(one.name) for one in fields)
    values = ", ".join(_inserted(table, one, is_key=one is generated) for one in fields)
    return (
        f"WITH {ROW} AS (INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, fields)} "
        f"RETURNING {table.select_all}) SELECT string_agg(row_to_json({ROW})::text, ',') AS page FROM {ROW}"
    )


def _inserted(table: Table, field: Field, *, is_key: bool) -> str:
    value = _stored(field)
    if is_key:
        return f"coalesce({value}, {_next_key(table, field)})"
    return f"coalesce({value}, now())" if table.schema.manages(field.name) else value


def _stored(field: Field) -> str:
    return BY_NAME[field.type].store(field, f"x.{sql.identifier(field.name)}")


def _next_key(table: Table, field: Field) -> str:
    return f"nextval({sequence(table, field)})" if field.type == "integer" else "gen_random_uuid()"


def sequence(table: Table, field: Field) -> str:
    """The identity sequence of a key, as SQL."""
    return f"pg_get_serial_sequence({sql.literal(table.rows)}, {sql.literal(field.name)})::regclass"


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
    """One row: `page` in request order and `inserted`, the number of new records.

    A column the request leaves out keeps the value of the record that is there (PostgreSQL checks NOT NULL
    before it looks for the conflict), or takes its default.
    """
    schema = table.schema
    sent = [schema.fields[position] for position in present]
    named = {one.name for one in sent}
    generated = schema.generates_key()
    absent = [one for one in schema.fields if one.name not in named and one is not generated]
    columns = ", ".join(sql.identifier(one.name) for one in [*sent, *absent])
    values = ", ".join([*(_stored(one) for one in sent), *(_kept(table, one) for one in absent)])
    match = " AND ".join(f"e.{sql.identifier(name)} = {_stored(schema.by_name[name])}" for name in unique)
    changes = [f"{sql.identifier(one.name)} = EXCLUDED.{sql.identifier(one.name)}" for one in sent]
    changes += _refreshed(table, named)
    if schema.soft_deletes and "is_deleted" not in named:
        changes.append('"is_deleted" = false')
    return (
        f"WITH done AS (INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, sent)} "
        f"LEFT JOIN {table.rows} AS e ON {match} ORDER BY x.{POSITION} "
        f"ON CONFLICT ({', '.join(sql.identifier(name) for name in unique)}) DO UPDATE SET {', '.join(changes)} "
        f"RETURNING {row_json(table, schema.names)} AS j, (t.xmax = 0) AS inserted) "
        "SELECT array_agg(j) AS rows, array_agg(inserted) AS inserted FROM done"
    )


def _kept(table: Table, field: Field) -> str:
    present = sql.identifier(table.schema.primary_key[0])
    default = "NULL"
    if field.name in _MANAGED and table.schema.manages(field.name):
        default = "now()"
    elif declared := default_of(field):
        default = declared
    elif field.name == "is_deleted" and table.schema.soft_deletes:
        default = "false"
    return f"CASE WHEN e.{present} IS NULL THEN {default} ELSE e.{sql.identifier(field.name)} END"


@lru_cache(maxsize=4096)
def insert_present_sql(table: Table, present: tuple[int, ...]) -> str:
    """As `insert_sql` for rows that leave fields to their defaults: `rows` and `positions`."""
    sent = [table.schema.fields[position] for position in present]
    columns = ", ".join(sql.identifier(one.name) for one in sent)
    values = ", ".join(_stored(one) for one in sent)
    return (
        f"WITH done AS (INSERT INTO {table.rows} AS t ({columns}) SELECT {values} FROM {source(table, sent)} "
        f"ORDER BY x.{POSITION} RETURNING {row_json(table, table.schema.names)} AS j) "
        "SELECT array_agg(j) AS rows, array(SELECT generate_series(1, count(*))) AS positions FROM done"
    )


@lru_cache(maxsize=4096)
def update_sql(table: Table, present: tuple[int, ...], match: tuple[str, ...]) -> str:
    """One row: `rows` and `positions` of the records changed, found by the columns `match` of the request."""
    condition = " AND ".join(f"t.{sql.identifier(name)} = {_stored(table.schema.by_name[name])}" for name in match)
    return _update(table, present, match, condition)


def update_one(table: Table, present: tuple[int, ...], key: BoundTree, payload: str, version: str | None) -> Statement:
    """The record with this key, if it is still at `version` when one is given."""
    values: list[Any] = [payload]
    condition = where(key, values, hide_deleted=False)
    if version is not None:
        values.append(version)
        condition += f" AND t.xmin::text = ${len(values)}::text"
    return Statement(_update(table, present, table.schema.primary_key, condition), values)


def _update(table: Table, present: tuple[int, ...], match: tuple[str, ...], condition: str) -> str:
    sent = [table.schema.fields[position] for position in present]
    named = {one.name for one in sent}
    changes = [f"{sql.identifier(one.name)} = {_stored(one)}" for one in sent if one.name not in match]
    changes += _refreshed(table, set())
    changes = changes or [f"{sql.identifier(match[0])} = t.{sql.identifier(match[0])}"]
    if table.schema.soft_deletes and "is_deleted" not in named:
        condition = f'({condition}) AND t."is_deleted" IS NOT TRUE'
    return (
        f"WITH done AS (UPDATE {table.rows} AS t SET {', '.join(changes)} FROM {source(table, sent)} "
        f"WHERE {condition} RETURNING x.{POSITION} AS n, {row_json(table, table.schema.names)} AS j, "
        "t.xmin::text AS version) "
        "SELECT array_agg(j) AS rows, array_agg(n) AS positions, max(version) AS version FROM done"
    )


def _refreshed(table: Table, named: set[str]) -> list[str]:
    """`updated_at` is the service's to set, whatever a request says."""
    return ['"updated_at" = now()'] if table.schema.manages("updated_at") and "updated_at" not in named else []


def delete(table: Table, condition: BoundTree, *, hide_deleted: bool, version: str | None = None) -> Statement:
    """One row: `deleted`, and `keys`, the JSON array of the keys removed when the key is one column."""
    values: list[Any] = []
    text = where(condition, values, hide_deleted=hide_deleted)
    if version is not None:
        values.append(version)
        text += f" AND t.xmin::text = ${len(values)}::text"
    key = table.schema.primary_key[0]
    returning = f"RETURNING {table.rendered[key]} AS k"
    if table.schema.soft_deletes:
        changes = ", ".join(['"is_deleted" = true', *_refreshed(table, set())])
        gone = f"UPDATE {table.rows} AS t SET {changes} WHERE {text} {returning}"
    else:
        gone = f"DELETE FROM {table.rows} AS t WHERE {text} {returning}"
    return Statement(
        f"WITH gone AS ({gone}) SELECT count(*) AS deleted, coalesce(json_agg(k), '[]')::text AS keys FROM gone", values
    )


def match_sql(table: Table, unique: tuple[str, ...]) -> str:
    """Per row of the request, how many records have the same values in these columns."""
    fields = [table.schema.by_name[name] for name in unique]
    condition = " AND ".join(f"t.{sql.identifier(one.name)} = {_stored(one)}" for one in fields)
    counted = f"(SELECT count(*) FROM {table.rows} AS t WHERE {condition})"
    return f"SELECT array_agg({counted} ORDER BY x.{POSITION}) AS found FROM {source(table, fields)}"
