"""New rows into a table by COPY, which costs the database half of what a statement over JSON does.

It names no row that a constraint refuses, and takes no rules of rows into account: where it cannot serve or fails,
a statement takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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


_encoder = msgspec.json.Encoder(decimal_format="number")
# Lines of JSON lists, without their brackets, are CSV of this kind; no list has a line end inside.
_CSV: Mapping[str, Any] = {"format": "csv", "escape": "\\", "null": "null"}
# Within quotation marks CSV has these as they are.
_ESCAPED = re.compile(rb"\\(u[0-9a-fA-F]{4}|.)")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows as COPY reads them; `has_keys` where they bring their keys along."""

    columns: Sequence[str]
    text: bytes
    has_keys: bool


def is_copied(table: Table) -> bool:
    """True when new rows are what their values say: no rules, no documents, no type that is stored otherwise."""
    return (
        table.layout is None
        and table.whole is table
        and not table.rules
        and all(type(BY_NAME[one.type]).store is FieldType.store for one in table.schema.fields)
    )


def lines_of(table: Table, incoming: Incoming) -> Lines | None:
    """The rows of an insert; None when some leave to the database what others bring along."""
    source = keys.source_of_keys(table, incoming)
    if source is Keys.MIXED:
        return None
    fields: list[Field] = []
    for field in change.inserted_fields(table, source):
        missing = _missing(table, field, incoming) if _is_filled(table, field) else 0
        if 0 < missing < len(incoming.rows):
            return None
        if not missing:
            fields.append(field)
    if not fields:
        return None
    text = b"\n".join(line[1:-1] for line in map(_encoder.encode, _values(table, fields, incoming)))
    return Lines([one.name for one in fields], _unescaped(text), source is Keys.GIVEN)


def _is_filled(table: Table, field: Field) -> bool:
    """True for what the database fills in when a row has no value."""
    return field is table.schema.generates_key() or table.schema.manages(field.name)


def _missing(table: Table, field: Field, incoming: Incoming) -> int:
    return sum(table.codec.value(row, field.name) is None for row in incoming.rows)


def _values(table: Table, fields: Sequence[Field], incoming: Incoming) -> Iterable[Sequence[Any]]:
    """The values of each row; documents as text."""
    names = [table.codec.attributes[one.name] for one in fields]
    if len(names) == 1 or any(BY_NAME[one.type].annotation(one) is msgspec.Raw for one in fields):
        columns = [map(_as_text, map(attrgetter(name), incoming.rows)) for name in names]
        return zip(*columns, strict=True)
    return map(attrgetter(*names), incoming.rows)


def _as_text(value: Any) -> Any:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else value


def _unescaped(text: bytes) -> bytes:
    """CSV knows only quotation marks and backslashes as escaped."""
    if b"\\" not in text:
        return text
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[bytes]) -> bytes:
    said = found[1]
    if len(said) > 1:
        return chr(int(said[1:], 16)).encode()
    return _CONTROLS.get(said, found[0])


async def copy_in(conn: Connection, table: Table, lines: Lines) -> None:
    """Raises what the driver does, some of it `REFUSED`."""
    await conn.raw.copy_to_table(
        table.place.name,
        schema_name=table.place.schema,
        columns=lines.columns,
        # The driver takes plain bytes for the path of a file.
        source=memoryview(lines.text),
        **_CSV,
    )
