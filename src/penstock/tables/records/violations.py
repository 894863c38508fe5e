"""What the database refused, told in the words of the request: which row, which field, why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from penstock.kit import errors, sql
from penstock.kit.db import Connection, Pool
from penstock.kit.errors import RowError
from penstock.tables.models import Field
from penstock.tables.records.change import POSITION, source
from penstock.tables.records.codec import MAX_REPORTED
from penstock.tables.schema import Violation

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


class Refused(Exception):
    """A constraint refused a statement; carries what is needed to look for the rows once all is rolled back."""

    def __init__(self, error: asyncpg.IntegrityConstraintViolationError, payload: str | None, fields: Sequence[Field]):
        super().__init__(str(error))
        self.error: Any = error
        self.payload = payload
        self.fields = fields


async def explain(pool: Pool, table: Table, refused: Refused, *, is_list: bool) -> errors.PenstockError:
    """The error to answer. Looks at the database again, in a transaction of its own, to name every row of a list."""
    error = refused.error
    if isinstance(error, asyncpg.NotNullViolationError):
        column: str = error.column_name or "row"
        return errors.Invalid({column: ["This field is required."]})
    violation = table.violations.get(error.constraint_name or "")
    if violation is None:
        return errors.Conflict(
            "Other records still refer to this one.", hint="Delete or change the records that refer to it first."
        )
    if not is_list or refused.payload is None:
        return _one(violation, _message(violation, error))
    async with pool.transaction() as conn:
        rows = await _rows(conn, table, violation, error, refused)
    if not rows:
        return _one(violation, _message(violation, error))
    reported = [RowError(row, {violation.fields[0]: [_message(violation, None)]}) for row in rows[:MAX_REPORTED]]
    sentence = f"{len(rows):,} rows were refused and nothing was written; row {rows[0]}: {_message(violation, None)}"
    if violation.kind == "unique":
        return errors.Conflict(sentence, rows=reported)
    return errors.Invalid({}, message=sentence, rows=reported)


def _one(violation: Violation, message: str) -> errors.PenstockError:
    found = {name: [message] for name in violation.fields}
    return errors.Conflict(message, errors=found) if violation.kind == "unique" else errors.Invalid(found)


def _message(violation: Violation, error: Any) -> str:
    names = ", ".join(violation.fields)
    value = _value(error)
    match violation.kind:
        case "unique":
            return f"A record with this {names}{value} exists already."
        case "foreign":
            return f"The record of '{violation.resource or 'this table'}' that {names}{value} refers to does not exist."
        case "check":
            return f"The value of {names} is refused by a constraint of the table."


def _value(error: Any) -> str:
    """PostgreSQL's detail reads: Key (email)=(a@b.c) already exists."""
    detail: str = getattr(error, "detail", None) or ""
    _, found, rest = detail.partition(")=(")
    value = rest.rpartition(")")[0] if found else ""
    return f" ({value[:100]})" if value else ""


async def _rows(
    conn: Connection, table: Table, violation: Violation, error: Any, refused: Refused
) -> list[int]:
    """Positions, from 0, of the rows that the constraint refuses."""
    named = {field.name for field in refused.fields}
    if not set(violation.fields) <= named or violation.kind == "check":
        return []
    rows = source(table, refused.fields)
    if violation.kind == "unique":
        statement = _duplicates(table, violation, named, rows)
    else:
        target = await conn.row(_TARGET, error.constraint_name, table.rows)
        if target is None:
            return []
        statement = _orphans(violation, target, rows)
    found = await conn.row(statement, refused.payload)
    return msgspec.json.decode(found["rows"]) if found and found["rows"] else []


_TARGET = """
SELECT c.confrelid::regclass::text AS place,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY AS k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS columns
FROM pg_constraint c WHERE c.conname = $1 AND c.conrelid = $2::text::regclass
"""


def _duplicates(table: Table, violation: Violation, named: set[str], rows: str) -> str:
    columns = [sql.identifier(name) for name in violation.fields]
    same = " AND ".join(f"t.{column} = x.{column}" for column in columns)
    other = [sql.identifier(name) for name in table.schema.primary_key if name in named]
    if other and tuple(violation.fields) != table.schema.primary_key:
        same += f" AND ({', '.join(f't.{column}' for column in other)}) <> ({', '.join(f'x.{column}' for column in other)})"
    filled = " AND ".join(f"x.{column} IS NOT NULL" for column in columns)
    partition = ", ".join(f"x.{column}" for column in columns)
    return (
        f"SELECT json_agg(n - 1 ORDER BY n)::text AS rows FROM (SELECT x.{POSITION} AS n, "
        f"EXISTS (SELECT FROM {table.rows} AS t WHERE {same}) AS stored, "
        f"row_number() OVER (PARTITION BY {partition} ORDER BY x.{POSITION}) > 1 AND {filled} AS repeated FROM {rows}) AS f "
        "WHERE stored OR repeated"
    )


def _orphans(violation: Violation, target: Any, rows: str) -> str:
    columns = [sql.identifier(name) for name in violation.fields]
    match = " AND ".join(f"p.{theirs} = x.{own}" for own, theirs in zip(columns, target["columns"], strict=True))
    filled = " AND ".join(f"x.{column} IS NOT NULL" for column in columns)
    return (
        f"SELECT json_agg(x.{POSITION} - 1 ORDER BY x.{POSITION})::text AS rows FROM {rows} "
        f"WHERE {filled} AND NOT EXISTS (SELECT FROM {target['place']} AS p WHERE {match})"
    )
