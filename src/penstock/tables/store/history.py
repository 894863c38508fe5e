"""The operation history: what was done to a table in the database, and when; and the revisions it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import exists, insert, select, update

from penstock.identity import Grant
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page
from penstock.tables.models import NewOperation, Operation, Revision
from penstock.tables.store.core import operation_history, schema_revisions
from penstock.tables.store.listing import Listing, listing

_COLUMNS = (
    operation_history.c.id,
    operation_history.c.operation_type,
    operation_history.c.description,
    operation_history.c.sql,
    operation_history.c.rollback_sql,
    operation_history.c.status,
    operation_history.c.execution_time_ms,
    operation_history.c.created_at,
    operation_history.c.revision_id,
)


async def add_operations(conn: Connection, grant: Grant, operations: Sequence[NewOperation]) -> list[int]:
    """The ids of the new rows, in order."""
    if not operations:
        return []
    rows = [
        {
            "org_id": grant.org_id,
            "table_id": one.table_id,
            "operation_type": one.operation_type,
            "description": one.description,
            "sql": one.sql,
            "rollback_sql": one.rollback_sql,
            "status": one.status,
            "execution_time_ms": one.milliseconds,
            "revision_id": one.revision,
            "detail": msgspec.json.encode(one.detail).decode(),
            "created_by": grant.principal.user_id,
        }
        for one in operations
    ]
    made = await conn.rows(insert(operation_history).values(rows).returning(operation_history.c.id))
    return [row["id"] for row in made]


async def list_operations(
    conn: Connection, grant: Grant, table_id: int, status: str | None, page: Page
) -> Listing:
    """Newest first."""
    statement = (
        select(*_COLUMNS, operation_history.c.detail)
        .where(operation_history.c.org_id == grant.org_id, operation_history.c.table_id == table_id)
        .order_by(operation_history.c.id.desc())
    )
    if status is not None:
        statement = statement.where(operation_history.c.status == status)
    return await listing(conn, statement, page)


def operations_of(found: Listing) -> list[Operation]:
    return [_operation(row) for row in found.rows]


async def find_operation(
    conn: Connection, grant: Grant, table_id: int, operation_id: int
) -> Operation | None:
    row = await conn.row(
        select(*_COLUMNS, operation_history.c.detail).where(
            *_of_table(grant, table_id), operation_history.c.id == operation_id
        )
    )
    return _operation(row) if row else None


async def operations_of_revision(
    conn: Connection, grant: Grant, table_id: int, revision: int
) -> list[Operation]:
    """In the order in which they were done, held. Raises the driver's error while one of them is being finished."""
    rows = await conn.rows(
        select(*_COLUMNS, operation_history.c.detail)
        .where(*_of_table(grant, table_id), operation_history.c.revision_id == revision)
        .order_by(operation_history.c.id)
        .with_for_update(nowait=True)
    )
    return [_operation(row) for row in rows]


async def add_revision(
    conn: Connection, grant: Grant, table_id: int, schema_text: str, field_ids: dict[str, str]
) -> int:
    """`schema_text` and `field_ids` are what a rollback brings back."""
    return await conn.value(
        insert(schema_revisions)
        .values(
            org_id=grant.org_id,
            table_id=table_id,
            json_schema=schema_text,
            field_ids=msgspec.json.encode(field_ids).decode(),
            created_by=grant.principal.user_id,
        )
        .returning(schema_revisions.c.id)
    )


async def newest_revision(conn: Connection, grant: Grant, table_id: int) -> Revision | None:
    """The last change of the schema that has not been rolled back."""
    row = await conn.row(
        select(schema_revisions.c.id, schema_revisions.c.json_schema, schema_revisions.c.field_ids)
        .where(
            schema_revisions.c.org_id == grant.org_id,
            schema_revisions.c.table_id == table_id,
            ~schema_revisions.c.rolled_back,
        )
        .order_by(schema_revisions.c.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    ids = msgspec.json.decode(row["field_ids"], type=dict[str, str])
    return Revision(row["id"], table_id, row["json_schema"], ids)


async def mark_rolled_back(conn: Connection, grant: Grant, revision: int) -> None:
    await conn.execute(
        update(schema_revisions)
        .where(schema_revisions.c.org_id == grant.org_id, schema_revisions.c.id == revision)
        .values(rolled_back=True)
    )
    await conn.execute(
        update(operation_history)
        .where(operation_history.c.org_id == grant.org_id, operation_history.c.revision_id == revision)
        .values(status="rolled_back")
    )


def _of_table(grant: Grant, table_id: int) -> tuple[Any, ...]:
    return (operation_history.c.org_id == grant.org_id, operation_history.c.table_id == table_id)


def _operation(row: Row) -> Operation:
    detail: Any = row.get("detail")
    return Operation(
        *(row[column.name] for column in _COLUMNS), detail=msgspec.json.decode(detail) if detail else {}
    )


async def next_pending(conn: Connection, table_id: int) -> Operation | None:
    """The oldest operation of a table of which something is still to be done; held until the transaction ends.

    For whoever finishes what was granted when it was begun.
    """
    row = await conn.row(
        select(*_COLUMNS, operation_history.c.detail)
        .where(operation_history.c.table_id == table_id, operation_history.c.status == "pending")
        .order_by(operation_history.c.id)
        .limit(1)
        .with_for_update()
    )
    return _operation(row) if row else None


async def update_operation(
    conn: Connection, operation_id: int, status: str, detail: Mapping[str, Any], milliseconds: int
) -> None:
    """What came of a step of `next_pending`; its time is added."""
    await conn.execute(
        update(operation_history)
        .where(operation_history.c.id == operation_id)
        .values(
            status=status,
            detail=msgspec.json.encode(detail).decode(),
            execution_time_ms=operation_history.c.execution_time_ms + milliseconds,
        )
    )


async def has_pending(conn: Connection, grant: Grant, table_id: int) -> bool:
    return await conn.value(
        select(exists().where(*_of_table(grant, table_id), operation_history.c.status == "pending"))
    )
