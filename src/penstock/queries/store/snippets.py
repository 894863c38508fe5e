"""Snippets of SQL: rows to models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.kit.db import Connection, Row
from penstock.queries.store.sharing_tables import query_snippets


@dataclass(frozen=True, slots=True)
class Snippet:
    """SQL that stands for its trigger; `key_id` is a key that made it and is nobody's."""

    id: int
    trigger: str
    description: str
    snippet: str
    user_id: int | None
    key_id: int | None
    created_at: datetime
    updated_at: datetime


_SNIPPET: Final = [query_snippets.c[name] for name in Snippet.__dataclass_fields__]
MOST: Final = 2000


async def list_snippets(conn: Connection, org_id: int) -> list[Snippet]:
    statement = select(*_SNIPPET).where(query_snippets.c.org_id == org_id)
    return [_snippet(row) for row in await conn.rows(statement.order_by(query_snippets.c.trigger))]


async def count_snippets(conn: Connection, org_id: int) -> int:
    return await conn.value(
        select(func.count()).select_from(query_snippets).where(query_snippets.c.org_id == org_id)
    )


async def find_snippet(
    conn: Connection, org_id: int, snippet_id: int, *, lock: bool = False
) -> Snippet | None:
    statement = select(*_SNIPPET).where(query_snippets.c.org_id == org_id, query_snippets.c.id == snippet_id)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _snippet(row)


async def add_snippet(conn: Connection, values: Mapping[str, Any]) -> Snippet | None:
    """None when the trigger is taken."""
    statement = upsert(query_snippets).values(**values).on_conflict_do_nothing()
    row = await conn.row(statement.returning(*_SNIPPET))
    return None if row is None else _snippet(row)


async def trigger_taken(conn: Connection, org_id: int, trigger: str, but: int) -> bool:
    statement = select(query_snippets.c.id).where(
        query_snippets.c.org_id == org_id, query_snippets.c.trigger == trigger, query_snippets.c.id != but
    )
    return await conn.value(statement) is not None


async def change_snippet(conn: Connection, snippet_id: int, values: Mapping[str, Any]) -> Snippet:
    statement = update(query_snippets).where(query_snippets.c.id == snippet_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_SNIPPET))
    assert row is not None
    return _snippet(row)


async def drop_snippet(conn: Connection, snippet_id: int) -> None:
    await conn.execute(query_snippets.delete().where(query_snippets.c.id == snippet_id))


def _snippet(row: Row) -> Snippet:
    values: dict[str, Any] = {name: row[name] for name in Snippet.__dataclass_fields__}
    return Snippet(**values)
