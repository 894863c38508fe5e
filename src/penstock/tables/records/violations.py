"""What the database refused, told in the words of the request: which row, which field, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from penstock.kit import errors, sql
from penstock.kit.db import Connection, Pool, Row
from penstock.kit.errors import RowError
from penstock.tables.records.batch import Group
from penstock.tables.records.change import POSITION, source, stored
from penstock.tables.records.codec import MAX_REPORTED
from penstock.tables.rules.past import past_rules
from penstock.tables.schema import Violation

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


class Refused(Exception):
    """A constraint refused a statement; carries what is needed to look for the rows once all is rolled back."""

    def __init__(self, error: asyncpg.IntegrityConstraintViolationError, group: Group | None):
        super().__init__(str(error))
        self.error: Any = error
        self.group = group


async def explain(pool: Pool, table: Table, refused: Refused, *, is_list: bool) -> errors.PenstockError:
    """The error to answer. Looks at the database again, in a transaction of its own, to name every row of a list."""
    if not is_list or refused.group is None:
        return _without_rows(table, refused)
    async with pool.transaction() as conn:
        return await explain_here(conn, table, refused, is_list=is_list)


async def explain_here(
    conn: Connection, table: Table, refused: Refused, *, is_list: bool
) -> errors.PenstockError:
    """As `explain`, looking with `conn`, which has undone the refused statement."""
    found = await refused_rows(conn, table, refused) if is_list else None
    if found is None:
        return _without_rows(table, refused)
    violation, message = found.violation, found.message
    reported = [RowError(row, {violation.fields[0]: [message]}) for row in found.rows[:MAX_REPORTED]]
    refusal = "1 row was" if len(found.rows) == 1 else f"{len(found.rows):,} rows were"
    sentence = f"{refusal} refused and nothing was written; row {found.rows[0]}: {message}"
    if violation.kind == "unique":
        return errors.Conflict(sentence, rows=reported)
    return errors.Invalid({}, message=sentence, rows=reported)


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """The positions, from 0, of the rows that a constraint refuses; at least one."""

    violation: Violation
    message: str
    rows: list[int]


async def refused_rows(conn: Connection, table: Table, refused: Refused) -> RefusedRows | None:
    """Every row of the statement that the constraint refuses; None when they cannot be told."""
    error = refused.error
    violation = table.violations.get(error.constraint_name or "")
    if violation is None or refused.group is None or _is_still_used(violation, refused):
        return None
    rows = await _rows(conn, table, violation, error, refused.group)
    return RefusedRows(violation, _message(violation, None), rows) if rows else None


def _without_rows(table: Table, refused: Refused) -> errors.PenstockError:
    error = refused.error
    if _is_hidden(table, error):
        return _unnamed(error)
    if _is_new_rule(table, error):
        return errors.Outdated()
    if isinstance(error, asyncpg.NotNullViolationError):
        column: str = error.column_name or "row"
        return errors.Invalid({column: ["This field is required."]})
    violation = table.violations.get(error.constraint_name or "")
    if violation is None or _is_still_used(violation, refused):
        return errors.Conflict(
            "Other records still refer to this one.",
            hint="Delete or change the records that refer to it first.",
        )
    return _one(violation, _message(violation, error))


def _is_hidden(table: Table, error: Any) -> bool:
    """True for a rule about fields of which the caller may not know all."""
    if table.whole is table or error.table_name != table.place.name:
        return False
    if isinstance(error, asyncpg.NotNullViolationError):
        return (
            error.column_name not in table.schema.by_name and error.column_name in table.whole.schema.by_name
        )
    name = error.constraint_name or ""
    return name not in table.violations and name in table.whole.violations


def _unnamed(error: Any) -> errors.PenstockError:
    if isinstance(error, asyncpg.UniqueViolationError):
        return errors.Conflict("A record like this exists already.")
    if isinstance(error, asyncpg.NotNullViolationError):
        return errors.RowRefused("Such a record needs more than you may write.")
    return errors.Invalid({}, message="The record is refused by a constraint of the table.")


def _is_new_rule(table: Table, error: Any) -> bool:
    """True for a rule of the table that has been made since the request was planned."""
    if error.table_name != table.place.name:
        return False
    if isinstance(error, asyncpg.NotNullViolationError):
        field = table.schema.by_name.get(error.column_name or "")
        return field is None or not (field.constraints.required or field.name in table.schema.primary_key)
    return (error.constraint_name or "") not in table.violations


def _is_still_used(violation: Violation, refused: Refused) -> bool:
    """A table that refers to itself: the statement took away or changed what others refer to."""
    if violation.kind != "foreign":
        return False
    return refused.group is None or not any(one.name in violation.fields for one in refused.group.fields)


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
        case "required":
            return "This field is required."


def _value(error: Any) -> str:
    """PostgreSQL's detail reads: Key (email)=(a@b.c) already exists."""
    detail: str = getattr(error, "detail", None) or ""
    _, found, rest = detail.partition(")=(")
    value = rest.rpartition(")")[0] if found else ""
    return f" ({value[:100]})" if value else ""


async def _rows(conn: Connection, table: Table, violation: Violation, error: Any, group: Group) -> list[int]:
    """Positions in the request, from 0, of the rows that the constraint refuses."""
    named = {field.name for field in group.fields}
    if not set(violation.fields) <= named or violation.kind in ("check", "required"):
        return []
    rows = source(table, group.fields)

    async def fetch(sql: str, values: Sequence[Any]) -> Row | None:
        return await conn.row(sql, *values)

    if violation.kind == "unique":
        values = [group.payload, list(group.positions)]
        found = await fetch(_duplicates(table, violation, group.match, rows), values)
    else:
        target = await conn.row(_TARGET, error.constraint_name, table.place.sql)
        if target is None:
            return []
        # A foreign key is not held to the rules of the table that it leads to.
        found = await past_rules(fetch, _orphans(table, violation, target, rows), [group.payload])
    places: list[int] = msgspec.json.decode(found["rows"]) if found and found["rows"] else []
    return sorted(group.positions[place] for place in places)


_TARGET = """
SELECT c.confrelid::regclass::text AS place,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY AS k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS columns
FROM pg_constraint c WHERE c.conname = $1 AND c.conrelid = $2::text::regclass
"""


def _duplicates(table: Table, violation: Violation, match: tuple[str, ...], rows: str) -> str:
    """Rows whose values another record has, or an earlier row of the request, whose positions are `$2`.

    A record found by `match` is the row's own.
    """
    sent = [stored(table.schema.by_name[name]) for name in violation.fields]
    columns = [f"t.{sql.identifier(name)}" for name in violation.fields]
    same = " AND ".join(f"{column} = {value}" for column, value in zip(columns, sent, strict=True))
    if match:
        own = " AND ".join(
            f"t.{sql.identifier(name)} = {stored(table.schema.by_name[name])}" for name in match
        )
        same += f" AND ({own}) IS NOT TRUE"
    filled = " AND ".join(f"{value} IS NOT NULL" for value in sent)
    return (
        f"SELECT json_agg(n - 1 ORDER BY n)::text AS rows FROM (SELECT x.{POSITION} AS n, "
        f"EXISTS (SELECT FROM {table.rows} AS t WHERE {same}) AS stored, "
        f"row_number() OVER (PARTITION BY {', '.join(sent)} "
        f"ORDER BY ($2::bigint[])[x.{POSITION}::integer]) > 1 AND {filled} AS repeated "
        f"FROM {rows}) AS f WHERE stored OR repeated"
    )


def _orphans(table: Table, violation: Violation, target: Any, rows: str) -> str:
    sent = [stored(table.schema.by_name[name]) for name in violation.fields]
    match = " AND ".join(f"p.{theirs} = {own}" for own, theirs in zip(sent, target["columns"], strict=True))
    filled = " AND ".join(f"{value} IS NOT NULL" for value in sent)
    return (
        f"SELECT json_agg(x.{POSITION} - 1 ORDER BY x.{POSITION})::text AS rows FROM {rows} "
        f"WHERE {filled} AND NOT EXISTS (SELECT FROM {target['place']} AS p WHERE {match})"
    )
