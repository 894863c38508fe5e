"""New rows into a table by COPY, which costs the database half of what a statement over JSON does.

It names no row that a constraint refuses, and takes no rules of rows into account: where it cannot serve or fails,
a statement takes its place.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from penstock.kit.db import Connection
from penstock.tables.fields import BY_NAME, FieldType
from penstock.tables.models import Field
from penstock.tables.records import change, keys
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# What says nothing of the connection, so that a statement may do better, or say what is wrong.
REFUSED = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.DeadlockDetectedError,
)


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows as CSV; `null` stands for what has no value. `has_keys` where the rows bring their keys along."""

    columns: tuple[str, ...]
    null: str
    text: bytes
    has_keys: bool


def is_copied(table: Table) -> bool:
    """True when new rows are what their values say: no rules, no documents, no type that is stored otherwise."""
    return (
        table.layout is None
        and table.whole is table
        and not table.rules
        and len(table.schema.fields) > 1  # a line of one column may look like the end of all
        and all(type(BY_NAME[one.type]).store is FieldType.store for one in table.schema.fields)
    )


def lines_of(table: Table, incoming: Incoming) -> Lines | None:
    """The rows of an insert; None when some leave to the database what others bring along."""
    rows = incoming.rows
    source = keys.source_of_keys(table, incoming)
    if source is Keys.MIXED:
        return None
    null = secrets.token_hex(8)
    columns: dict[str, Sequence[Any]] = {}
    for field in change.inserted_fields(table, source):
        values = list(map(attrgetter(table.codec.attributes[field.name]), rows))
        if _is_filled(table, field) and (missing := sum(value is None for value in values)):
            if missing < len(values):
                return None
            continue
        columns[field.name] = _texts(field, values, null)
    if len(columns) < 2:
        return None
    text = io.StringIO()
    csv.writer(text).writerows(zip(*columns.values(), strict=True))
    return Lines(tuple(columns), null, text.getvalue().encode(), source is Keys.GIVEN)


def _is_filled(table: Table, field: Field) -> bool:
    """True for what the database fills in when a row has no value."""
    return field is table.schema.generates_key() or table.schema.manages(field.name)


def _texts(field: Field, values: list[Any], null: str) -> Sequence[Any]:
    """What CSV writes of these values is what PostgreSQL reads."""
    if BY_NAME[field.type].annotation(field) is msgspec.Raw:
        return [null if value is None else bytes(value).decode() for value in values]
    return [null if value is None else value for value in values]


async def copy_in(conn: Connection, table: Table, lines: Lines) -> None:
    """Raises what the driver does, some of it `REFUSED`."""
    await conn.raw.copy_to_table(
        table.place.name,
        schema_name=table.place.schema,
        columns=lines.columns,
        # The driver takes plain bytes for the path of a file.
        source=memoryview(lines.text),
        format="csv",
        null=lines.null,
    )
