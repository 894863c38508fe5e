"""A SQLite file of this machine, read as it is declared: a value of another type than its column's is an error."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from penstock.connectors.kinds.base import MOST_TABLES, CheckFailed, Kind, TableShape, grouped, shown
from penstock.connectors.kinds.files import NoSecrets, PathSettings, located
from penstock.kit import sql
from penstock.kit.outbound import OutboundSettings

_ROWS: Final = 10_000
_TABLES: Final = """
    SELECT t.name, c.name, c.type FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
     WHERE t.schema = 'main' AND t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
     ORDER BY t.name, c.cid LIMIT 200000
"""


async def check(settings: PathSettings, secrets: NoSecrets, limits: OutboundSettings) -> str:
    found = await describe(settings, secrets, limits)
    return f"SQLite {sqlite3.sqlite_version} reads {len(found)} table{'' if len(found) == 1 else 's'} in it."


async def describe(settings: PathSettings, secrets: NoSecrets, limits: OutboundSettings) -> list[TableShape]:
    path = located(settings.path, limits)
    return await asyncio.to_thread(_describe, path, settings.path)


def _describe(path: Path, name: str) -> list[TableShape]:
    try:
        with closing(_opened(path)) as connection:
            return grouped(connection.execute(_TABLES).fetchall())[:MOST_TABLES]
    except sqlite3.Error as error:
        raise CheckFailed(f"'{shown(name)}' cannot be read as SQLite: {shown(error)}.") from error


def read(path: Path, table: str, columns: Container[str] | None) -> Iterator[Any]:
    """Batches of these columns, as far as there are such, and one at least. Raises `CheckFailed`."""
    import pyarrow as pa  # noqa: PLC0415  (large)

    try:
        with closing(_opened(path)) as connection:
            listed = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
            if not listed:
                raise CheckFailed(f"There is no table '{shown(table)}' in it.")
            chosen = [one for one in listed if columns is None or one[0] in columns] or listed[:1]
            schema = pa.schema([_field(name, kind) for name, kind in chosen])
            names = ", ".join(sql.identifier(name) for name, _ in chosen)
            cursor = connection.execute(f"SELECT {names} FROM {sql.identifier(table)}")  # noqa: S608  (quoted)
            while rows := cursor.fetchmany(_ROWS):
                yield _batch(rows, schema, table)
            yield pa.RecordBatch.from_pylist([], schema)
    except sqlite3.Error as error:
        raise CheckFailed(f"SQLite says: {shown(error)}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _field(name: str, declared: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (large)

    # The order is that of SQLite's own rules of affinity.
    kind = declared.upper()
    if "BOOL" in kind:
        return pa.field(name, pa.bool_())
    if "INT" in kind:
        return pa.field(name, pa.int64())
    if any(word in kind for word in ("REAL", "FLOA", "DOUB")):
        return pa.field(name, pa.float64())
    if "BLOB" in kind:
        return pa.field(name, pa.binary())
    if "NUMERIC" in kind or "DECIMAL" in kind:
        return pa.field(name, pa.string(), metadata={b"penstock:kind": b"decimal"})
    return pa.field(name, pa.string())


def _batch(rows: list[Any], schema: Any, table: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (large)

    arrays: list[Any] = []
    for values, field in zip(zip(*rows, strict=True), schema, strict=True):
        try:
            arrays.append(pa.array(_values(values, field.type), type=field.type))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise CheckFailed(
                f"Column '{shown(field.name)}' of '{shown(table)}' holds what does not fit its declared type: "
                f"{shown(error)}."
            ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _values(values: Sequence[Any], kind: Any) -> Sequence[Any]:
    import pyarrow as pa  # noqa: PLC0415  (large)

    if kind == pa.bool_():
        return [None if one is None else bool(_number(one)) for one in values]
    if kind == pa.string():
        return [one if one is None or isinstance(one, str) else _text(one) for one in values]
    return values


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float)):
        raise TypeError("a text is no truth value")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise TypeError("bytes are no text")
    return repr(value) if isinstance(value, float) else str(value)


KIND = Kind("sqlite", "SQLite file", PathSettings, NoSecrets, check, describe)
