"""What a query was after each of its changes: rows to models."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from penstock.kit.db import Connection, Row
from penstock.queries.saved import Version
from penstock.queries.store.tables import queries, query_versions

# Versions of a query that are kept, the last ones.
MOST: Final = 200
_VERSION: Final = [query_versions.c[name] for name in Version.__dataclass_fields__]
_OF_QUERY: Final = (
    "version", "name", "description", "text", "data_source_id", "options", "tags", "is_archived",
)  # fmt: skip


async def keep_version(conn: Connection, query_id: int) -> None:
    """As the query is at this moment; the oldest goes when there are too many."""
    now = select(
        queries.c.id, *(queries.c[name] for name in _OF_QUERY), queries.c.modified_by, queries.c.updated_at
    ).where(queries.c.id == query_id)
    names = ["query_id", *_OF_QUERY, "user_id", "created_at"]
    await conn.execute(insert(query_versions).from_select(names, now))


async def forget_versions(conn: Connection, query_id: int, version: int) -> None:
    """Those that are too far behind this one."""
    await conn.execute(
        delete(query_versions).where(
            query_versions.c.query_id == query_id, query_versions.c.version <= version - MOST
        )
    )


async def list_versions(
    conn: Connection, query_id: int, limit: int, offset: int
) -> tuple[int, list[Version]]:
    """The number of versions, and a page of them, the newest first."""
    here = query_versions.c.query_id == query_id
    total = await conn.value(select(func.count()).select_from(query_versions).where(here))
    statement = select(*_VERSION).where(here).order_by(query_versions.c.version.desc())
    return total, [_version(row) for row in await conn.rows(statement.limit(limit).offset(offset))]


async def find_version(conn: Connection, query_id: int, version: int) -> Version | None:
    row = await conn.row(
        select(*_VERSION).where(query_versions.c.query_id == query_id, query_versions.c.version == version)
    )
    return None if row is None else _version(row)


async def version_before(conn: Connection, query_id: int, version: int) -> Version | None:
    """The newest that is older than this one."""
    row = await conn.row(
        select(*_VERSION)
        .where(query_versions.c.query_id == query_id, query_versions.c.version < version)
        .order_by(query_versions.c.version.desc())
        .limit(1)
    )
    return None if row is None else _version(row)


def _version(row: Row) -> Version:
    values: dict[str, Any] = {name: row[name] for name in Version.__dataclass_fields__}
    return Version(**values)
