"""Queries of the explorer dialect that another service runs: its tables, and rows to models.

They belong to a key of that service and to no org; the key itself is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from penstock.kit import statements
from penstock.kit.db import Connection
from penstock.kit.metadata import TEXT, created_column, metadata
from penstock.queries.results.columns import Column as ResultColumn
from penstock.queries.results.columns import Kind
from penstock.queries.results.models import StoredFile

QUERIES: Final = statements.load("penstock.queries.store", "upstream.sql")
_columns = msgspec.json.Decoder(list[tuple[str, str]])

upstream_queries = Table(
    "upstream_queries",
    metadata,
    Column("slug", TEXT, primary_key=True),
    # The digest of the service's key.
    Column("caller", LargeBinary, nullable=False),
    Column("text", TEXT, nullable=False),
    created_column(),
    created_column("used_at"),
    Index("upstream_queries_caller_idx", "caller", "used_at"),
    Index("upstream_queries_used_at_idx", "used_at"),
)

upstream_results = Table(
    "upstream_results",
    metadata,
    Column("file", TEXT, primary_key=True),
    # The digest of service, key and text: another key never gets these rows.
    Column("question", LargeBinary, nullable=False),
    Column("columns", JSONB, nullable=False),
    Column("ends", ARRAY(BigInteger), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("truncated", Boolean, nullable=False),
    created_column("retrieved_at"),
    Index("upstream_results_question_idx", "question", "retrieved_at"),
    Index("upstream_results_retrieved_at_idx", "retrieved_at"),
)


async def add_query(conn: Connection, slug: str, caller: bytes, text: str, most: int) -> bool:
    """False when the slug is taken. A caller has at most so many queries; the oldest go."""
    if await conn.value(QUERIES["add_query"], slug, caller, text) is None:
        return False
    await conn.execute(QUERIES["drop_oldest"], caller, most)
    return True


async def query(conn: Connection, slug: str, caller: bytes) -> str | None:
    return await conn.value(QUERIES["query"], slug, caller)


async def newest(conn: Connection, question: bytes, max_age: float | None) -> StoredFile | None:
    row = await conn.row(QUERIES["newest"], question, max_age)
    if row is None:
        return None
    columns = tuple(ResultColumn(name, Kind(kind)) for name, kind in _columns.decode(row["columns"]))
    return StoredFile(row["file"], columns, tuple(row["ends"]), row["size"], row["truncated"])


async def add_rows(conn: Connection, question: bytes, file: StoredFile) -> None:
    columns = msgspec.json.encode([(one.name, one.kind.value) for one in file.columns]).decode()
    await conn.execute(
        QUERIES["add_rows"], file.name, question, columns, list(file.ends), file.size, file.truncated
    )


async def forgotten(conn: Connection, seconds: float, most: int) -> list[str]:
    """Takes old rows away, and gives their files."""
    return [row["file"] for row in await conn.rows(QUERIES["forgotten"], seconds, most)]


async def drop_unused(conn: Connection, seconds: float, most: int) -> int:
    return await conn.execute(QUERIES["unused"], seconds, most)


async def known_files(conn: Connection, names: Sequence[str]) -> set[str]:
    return {row["file"] for row in await conn.rows(QUERIES["known_files"], list(names))}
