"""A DuckDB file of this machine, opened read-only and without a way to any other file."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from penstock.connectors.kinds.base import CheckFailed, Kind, TableShape, grouped, shown
from penstock.connectors.kinds.files import NoSecrets, PathSettings, located
from penstock.kit import sql
from penstock.kit.outbound import OutboundSettings

_ROWS: Final = 65_536
_MEMORY: Final = "256MB"
_TABLES: Final = """
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
     WHERE table_catalog = current_database() AND table_schema NOT IN ('information_schema', 'pg_catalog')
     ORDER BY table_schema <> 'main', table_schema, table_name, ordinal_position LIMIT 200000
"""


async def check(settings: PathSettings, secrets: NoSecrets, limits: OutboundSettings) -> str:
    found = await describe(settings, secrets, limits)
    return f"DuckDB reads {len(found)} table{'' if len(found) == 1 else 's'} in it."


async def describe(settings: PathSettings, secrets: NoSecrets, limits: OutboundSettings) -> list[TableShape]:
    path = located(settings.path, limits)
    return await asyncio.to_thread(_describe, path, settings.path)


def _describe(path: Path, name: str) -> list[TableShape]:
    import duckdb  # noqa: PLC0415  (large)

    try:
        with closing(opened(path)) as connection:
            return grouped(connection.execute(_TABLES).fetchall())
    except duckdb.Error as error:
        raise CheckFailed(f"'{shown(name)}' cannot be read as DuckDB: {shown(error)}.") from error


def read(path: Path, table: Sequence[str], columns: Container[str] | None) -> Iterator[Any]:
    """Batches of these columns, as far as there are such, and one at least. Raises `CheckFailed`."""
    import duckdb  # noqa: PLC0415  (large)
    import pyarrow as pa  # noqa: PLC0415  (large)

    try:
        with closing(opened(path)) as connection:
            name = ".".join(sql.identifier(one) for one in table)
            described = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()  # noqa: S608  (quoted)
            names = [row[0] for row in described]
            chosen = [one for one in names if columns is None or one in columns] or names[:1]
            listed = ", ".join(sql.identifier(one) for one in chosen)
            relation = connection.sql(f"SELECT {listed} FROM {name}")  # noqa: S608  (quoted)
            reader: Any = relation.to_arrow_reader(_ROWS)
            yield pa.RecordBatch.from_pylist([], reader.schema)
            yield from reader
    except duckdb.Error as error:
        raise CheckFailed(f"DuckDB says: {shown(error)}.") from error


def opened(path: Path) -> Any:
    """A connection of the file's own, which can do nothing but read it."""
    import duckdb  # noqa: PLC0415  (large)

    config: dict[str, Any] = {
        "enable_external_access": "false",
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": _MEMORY,
        "threads": "1",
    }
    connection: Any = duckdb.connect(str(path), read_only=True, config=config)
    connection.execute("SET lock_configuration = true")
    return connection


KIND = Kind("duckdb", "DuckDB file", PathSettings, NoSecrets, check, describe)
