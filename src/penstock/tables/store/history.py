"""The operation history: what was done to a table in the database, and when; and the revisions it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import exists, insert, select, update

from penstock.identity import Grant
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page
from penstock.tables.models import NewOperation, Operation, Revision
from penstock.tables.store.core import operation_history, schema_revisions
from penstock.tables.store.listing import Listing, listing

OPERATION = (
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
REVISION = (
    schema_revisions.c.id,
    schema_revisions.c.table_id,
    schema_revisions.c.json_schema,
    schema_revisions.c.field_ids,
)


async def add_operations(conn: Connection, grant: Grant, operations: Sequence[NewOperation]) -> list[int]:
    """The ids of the new rows, in order."""
    return await insert_operations(conn, grant.org_id, grant.principal.user_id, operations)


async def insert_operations(
    conn: Connection, org_id: int, user_id: int | None, operations: Sequence[NewOperation]
) -> list[int]:
    if not operations:
        return []
    rows = [
        {
            "org_id": org_id,
            "table_id": one.table_id,
            "operation_type": one.operation_type,
            "description": one.description,
            "sql": one.sql,
            "rollback_sql": one.rollback_sql,
            "status": one.status,
            "execution_time_ms": one.milliseconds,
            "revision_id": one.revision,
            "detail": msgspec.json.encode(one.detail).decode(),
            "created_by": user_id,
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
        select(*OPERATION, operation_history.c.detail)
        .where(operation_history.c.org_id == grant.org_id, operation_history.c.table_id == table_id)
        .order_by(operation_history.c.id.desc())
    )
    if status is not None:
        statement = statement.where(operation_history.c.status == status)
    return await listing(conn, statement, page)


def operations_of(found: Listing) -> list[Operation]:
    return [operation_of(row) for row in found.rows]


async def find_operation(
    conn: Connection, grant: Grant, table_id: int, operation_id: int
) -> Operation | None:
    row = await conn.row(
        select(*OPERATION, operation_history.c.detail).where(
            *_of_table(grant, table_id), operation_history.c.id == operation_id
        )
    )
    return operation_of(row) if row else None


async def operations_of_revision(
    conn: Connection, grant: Grant, table_id: int, revision: int
) -> list[Operation]:
    """In the order in which they were done, held. Raises the driver's error while one of them is being finished."""
    rows = await conn.rows(
        select(*OPERATION, operation_history.c.detail)
        .where(*_of_table(grant, table_id), operation_history.c.revision_id == revision)
        .order_by(operation_history.c.id)
        .with_for_update(nowait=True)
    )
    return [operation_of(row) for row in rows]


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
        select(*REVISION)
        .where(
            schema_revisions.c.org_id == grant.org_id,
            schema_revisions.c.table_id == table_id,
            ~schema_revisions.c.rolled_back,
        )
        .order_by(schema_revisions.c.id.desc())
        .limit(1)
    )
    return None if row is None else revision_of(row)


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


def revision_of(row: Row) -> Revision:
    ids = msgspec.json.decode(row["field_ids"], type=dict[str, str])
    return Revision(row["id"], row["table_id"], row["json_schema"], ids)


def operation_of(row: Row) -> Operation:
    detail: Any = row.get("detail")
    return Operation(
        *(row[column.name] for column in OPERATION), detail=msgspec.json.decode(detail) if detail else {}
    )


async def has_pending(conn: Connection, grant: Grant, table_id: int) -> bool:
    return await conn.value(
        select(exists().where(*_of_table(grant, table_id), operation_history.c.status == "pending"))
    )
